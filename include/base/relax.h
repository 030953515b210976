/* SPDX-License-Identifier: ISC */
#ifndef BASE_RELAX_H
#define BASE_RELAX_H

/* Between two looks at memory that another thread is about to change: leaves the processor to its sibling. */
static inline void
relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

#endif
