/* SPDX-License-Identifier: ISC */
/* The assembler reads the files in; the path is that from the top of the tree, where make runs. */
#include "monitor/files.h"

#include <stdint.h>

#define FILE_BYTES(name, path)                                                                     \
	__asm__(".pushsection .rodata\n" #name "_begin: .incbin \"src/monitor/page/" path          \
		"\"\n" #name "_end:\n"                                                             \
		".balign 8\n" #name "_len: .8byte " #name "_end - " #name "_begin\n"               \
		".popsection\n");                                                                  \
	extern const char name##_begin[] __attribute__((visibility("hidden")));                    \
	extern const uint64_t name##_len __attribute__((visibility("hidden")))

FILE_BYTES(page_index, "index.html");
FILE_BYTES(page_script, "page.js");
FILE_BYTES(page_style, "page.css");

struct slice
files_index(void)
{
	return (struct slice){page_index_begin, (size_t)page_index_len};
}

struct slice
files_script(void)
{
	return (struct slice){page_script_begin, (size_t)page_script_len};
}

struct slice
files_style(void)
{
	return (struct slice){page_style_begin, (size_t)page_style_len};
}
