/* SPDX-License-Identifier: ISC */
/* Finding the daemon.  Every way to fail has a message of its own that says what to do. */
#include "ctl/target.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sysexits.h>
#include <unistd.h>

static const char *const usual_places[] = {
	"/etc/logcollectd/logcollectd.conf",
	"/usr/local/etc/logcollectd/logcollectd.conf",
};

static const char *
usual_conf(void)
{
	for (size_t i = 0; i < sizeof usual_places / sizeof usual_places[0]; i++) {
		if (access(usual_places[i], F_OK) == 0)
			return usual_places[i];
	}
	return NULL;
}

void
target_init(struct target *target, const char *conf, const char *board)
{
	*target = (struct target){.conf = conf, .board = board};
	if (conf == NULL && board == NULL)
		target->conf = usual_conf();
}

void
target_fini(struct target *target)
{
	if (target->attached)
		shared_close(&target->shared);
	if (target->loaded)
		settings_loaded_fini(&target->settings);
}

int
target_load(struct target *target)
{
	if (target->conf == NULL)
		return EX_OK;
	const struct settings_sources sources = {.file = target->conf, .environment = environ};
	struct buf errors = {0};
	size_t count = settings_load(&sources, &target->settings, &errors);
	if (count > 0)
		fwrite(errors.data, 1, errors.len, stderr);
	buf_fini(&errors);
	if (count > 0)
		return EX_CONFIG;
	target->loaded = true;
	const char *board = target->settings.settings.scoreboard_file;
	if (target->board == NULL && board[0] != '\0')
		target->board = board;
	return EX_OK;
}

static int
no_board(const struct target *target)
{
	if (target->conf == NULL)
		warnx("no configuration in the usual places: say -f CONFIGURATION or -s "
		      "SCOREBOARD");
	else
		warnx("%s sets no ScoreBoardFile, without which there is nothing to be seen",
			target->conf);
	return EX_CONFIG;
}

static int
cannot_attach(const struct target *target, enum shared_result result)
{
	switch (result) {
	case SHARED_NOT_RUNNING:
		warnx("not running: no daemon holds %s", target->board);
		return EX_UNAVAILABLE;
	case SHARED_NO_PERMISSION:
		warnx("no permission for %s: try it as root or as the daemon's user",
			target->board);
		return EX_NOPERM;
	case SHARED_OTHER_VERSION:
		warnx("%s is of logcollectd %s, this is logcollectctl %s", target->board,
			target->shared.other, LOGCOLLECTD_VERSION);
		return EX_DATAERR;
	case SHARED_NOT_A_BOARD:
		warnx("%s is no scoreboard", target->board);
		return EX_DATAERR;
	default:
		warn("%s", target->board);
		return EX_OSERR;
	}
}

int
target_attach(struct target *target, bool writable)
{
	if (target->board == NULL)
		return no_board(target);
	enum shared_result result = shared_attach(&target->shared, target->board, writable);
	target->attached = result == SHARED_OK;
	return target->attached ? EX_OK : cannot_attach(target, result);
}

/* The daemon holds the lock of its pid file as long as it lives. */
static pid_t
read_pidfile(const char *path, int *status)
{
	char text[32] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno != ENOENT) {
		warn("%s", path);
		*status = errno == EACCES ? EX_NOPERM : EX_OSERR;
		return 0;
	}
	bool held = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK &&
	            read(fd, text, sizeof text - 1) > 0;
	if (fd >= 0)
		close(fd);
	if (held)
		return (pid_t)strtol(text, NULL, 10);
	warnx("not running: no daemon holds %s", path);
	*status = EX_UNAVAILABLE;
	return 0;
}

pid_t
target_pid(struct target *target, int *status)
{
	if (target->board == NULL && target->loaded &&
		target->settings.settings.pid_file[0] != '\0')
		return read_pidfile(target->settings.settings.pid_file, status);
	*status = target_attach(target, false);
	return *status == EX_OK ? target->shared.pid : 0;
}
