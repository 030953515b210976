/* SPDX-License-Identifier: ISC */
/* Collects what is wrong with a configuration.  Nothing here prints. */
#include "settings/mistake.h"

#include <stdarg.h>

void
mistake_add(struct mistakes *mistakes, const char *place, const char *name, const char *what)
{
	mistakes->count++;
	size_t start = mistakes->out->len;
	int failed = name == NULL ? buf_printf(mistakes->out, "%s: %s\n", place, what)
	                          : buf_printf(mistakes->out, "%s: %s: %s\n", place, name, what);
	if (failed)
		return;
	for (size_t i = start; i < mistakes->out->len - 1; i++) {
		unsigned char c = (unsigned char)mistakes->out->data[i];
		if (c < 0x20 || c == 0x7f)
			mistakes->out->data[i] = '?';
	}
}

const char *
mistake_errno(int error)
{
	const char *text = strerrordesc_np(error);
	return text != NULL ? text : "unknown error";
}

const char *
mistake_format(struct buf *scratch, const char *format, ...)
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
