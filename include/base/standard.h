/* SPDX-License-Identifier: ISC */
#ifndef BASE_STANDARD_H
#define BASE_STANDARD_H

/*
 * Opens /dev/null where a standard descriptor is closed: what is opened next must not become one, or
 * messages would be written into it.  Called first by every program.
 */
void standard_occupy(void);

#endif
