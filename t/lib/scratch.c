/* SPDX-License-Identifier: ISC */
/* Directories and files of one test. */
#include "lib/scratch.h"

#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

char *
scratch_new(void)
{
	const char *parent = getenv("TMPDIR");
	char *dir = scratch_path(
		parent != NULL && *parent != '\0' ? parent : "/tmp", "logcollectd.XXXXXX");
	if (mkdtemp(dir) == NULL) {
		perror(dir);
		exit(1);
	}
	return dir;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
	(void)st, (void)type, (void)walk;
	return remove(path);
}

void
scratch_free(char *dir)
{
	nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(dir);
}

char *
scratch_path(const char *dir, const char *name)
{
	char *path;
	if (asprintf(&path, "%s/%s", dir, name) < 0)
		abort();
	return path;
}

char *
scratch_read(const char *path, size_t *len)
{
	*len = 0;
	FILE *file = fopen(path, "re");
	if (file == NULL)
		return NULL;
	fseek(file, 0, SEEK_END);
	long size = ftell(file);
	rewind(file);
	char *text = malloc((size_t)size + 1);
	*len = fread(text, 1, (size_t)size, file);
	text[*len] = '\0';
	fclose(file);
	return text;
}

void
scratch_write(const char *path, struct slice bytes)
{
	FILE *file = fopen(path, "we");
	if (file == NULL || fwrite(bytes.data, 1, bytes.len, file) != bytes.len ||
		fclose(file) != 0) {
		perror(path);
		exit(1);
	}
}

void
scratch_add(const char *path, const char *from)
{
	size_t len;
	char *text = scratch_read(from, &len);
	FILE *file = fopen(path, "ae");
	if (file == NULL || fwrite(text, 1, len, file) != len || fclose(file) != 0) {
		perror(path);
		exit(1);
	}
	free(text);
}

long
scratch_length(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 ? (long)st.st_size : -1;
}
