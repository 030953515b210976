/* SPDX-License-Identifier: ISC */
/* Collects what is wrong with a configuration.  Nothing here prints. */
#include "settings/mistake.h"

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
