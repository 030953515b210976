/* SPDX-License-Identifier: ISC */
/* Formats a reason. */
#include "base/reason.h"

#include <stdarg.h>

const char *
reason_format(struct buf *scratch, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	buf_clear(scratch);
	char *room = len < 0 ? NULL : buf_reserve(scratch, (size_t)len + 1);
	if (room == NULL)
		return "wrong, and there is no memory to say why";
	va_start(args, format);
	vsnprintf(room, (size_t)len + 1, format, args);
	va_end(args);
	return room;
}
