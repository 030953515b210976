/* SPDX-License-Identifier: ISC */
/*
 * logcollectd: the daemon's command line.  Loads the settings, lays out what the processes share,
 * and hands over to the supervisor.
 */
#include <bsd/libutil.h>
#include <bsd/stdlib.h>
#include <bsd/string.h>
#include <bsd/unistd.h>
#include <errno.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/errlog.h"
#include "base/standard.h"
#include "forward/forwarder.h"
#include "guard/powers.h"
#include "monitor/monitor.h"
#include "net/passed.h"
#include "serve/worker.h"
#include "settings/forwarding.h"
#include "settings/load.h"
#include "settings/options.h"
#include "shm/shared.h"
#include "store/markfile.h"
#include "super/detach.h"
#include "super/log_folder.h"
#include "super/notice.h"
#include "super/reload.h"
#include "super/secrets.h"
#include "super/signals.h"
#include "super/supervisor.h"

enum { TRY_SPOOL_MS = 2000 };

/* In the memory that this daemon's processes share. */
struct store_memory {
	struct troubles troubles;
	struct logfile_mark mark; /* where that of all the user's daemons cannot be had */
};

/* What the supervisor lets go of when it is ready, or keeps from its children. */
struct daemon {
	const struct settings_sources *sources;
	struct settings_loaded loaded;
	struct privileges privileges;
	struct manager manager;
	struct listener_set listeners, passed, status;
	struct tls *tls;
	struct worker_heritage heritage;
	struct monitor_heritage monitor_heritage;
	struct forwarder_heritage forwarder_heritage;
	struct shared shared;
	struct pidfh *pidfile;
	bool detach;
	int detached; /* for detach_ready(), or -1 */
};

static int
load(const struct options *options, struct settings_loaded *loaded)
{
	struct buf errors = {0};
	size_t count = settings_load(&options->sources, loaded, &errors);
	if (count > 0)
		fwrite(errors.data, 1, errors.len, stderr);
	buf_fini(&errors);
	return count == 0 ? 0 : -1;
}

static int
show(const struct settings_loaded *loaded)
{
	struct buf text = {0};
	int result = settings_print(loaded, &text);
	fwrite(text.data, 1, text.len, stdout);
	buf_fini(&text);
	return result == 0 && fflush(stdout) == 0 ? EX_OK : EX_OSERR;
}

/* Each returns EX_OK or the exit status, having said why. */

static int
open_errlog(const struct settings *settings)
{
	errlog_set_level((enum errlog_level)settings->error_log_level);
	if (errlog_open(settings->error_log) == 0)
		return EX_OK;
	errlog_error("cannot open ErrorLog %s: %s", settings->error_log, strerror(errno));
	return EX_CANTCREAT;
}

static int
open_pidfile(struct daemon *daemon)
{
	const char *path = daemon->loaded.settings.pid_file;
	pid_t other = 0;
	if (path[0] == '\0')
		return EX_OK;
	daemon->pidfile = pidfile_open(path, 0644, &other);
	if (daemon->pidfile != NULL)
		return EX_OK;
	if (errno == EEXIST)
		errlog_error("already running as pid %d, says PidFile %s", (int)other, path);
	else
		errlog_error("cannot create PidFile %s: %s", path, strerror(errno));
	return EX_CANTCREAT;
}

/* Tells the errors of sockets and forgets them; `result` came with errno. */
static int
sockets_status(int result, struct buf *errors)
{
	int error = errno;
	notice_lines(errors, errlog_error);
	buf_fini(errors);
	if (result == 0)
		return EX_OK;
	return error == EINVAL ? EX_CONFIG : error == EACCES ? EX_NOPERM : EX_OSERR;
}

static int
open_listeners(struct daemon *daemon)
{
	const struct settings *settings = &daemon->loaded.settings;
	const struct local_owner owner = {daemon->privileges.uid, daemon->privileges.gid};
	const struct listener_request request = {
		.listens = settings->listen,
		.count = (size_t)settings->listen_count,
		.backlog = (int)settings->listen_backlog,
		.passed = &daemon->passed,
		.owner = daemon->privileges.change ? &owner : NULL,
	};
	struct buf errors = {0};
	int result = listener_open(&daemon->listeners, &request, &errors);
	return sockets_status(result, &errors);
}

static int
load_secrets(struct daemon *daemon)
{
	const struct settings *settings = &daemon->loaded.settings;
	int result = secrets_open(settings, daemon->shared.secrets, &daemon->tls);
	return result == 0 ? EX_OK : EX_CONFIG;
}

static int
open_status(struct daemon *daemon)
{
	struct buf errors = {0};
	int result = reload_open_status(&daemon->status, &daemon->loaded.settings, NULL, &errors);
	return sockets_status(result, &errors);
}

/* What a service manager passes to this very process: also before it becomes another to detach. */
static int
meet_manager(struct daemon *daemon)
{
	struct buf errors = {0};
	if (manager_init(&daemon->manager) < 0)
		errlog_warn(
			"cannot tell the service manager in NOTIFY_SOCKET: %s", strerror(errno));
	int result = passed_sockets(&daemon->passed, &errors);
	return sockets_status(result, &errors);
}

/*
 * The soft limit is low for the sake of select(), which nobody here calls; what the operator means to
 * allow is the hard one.
 */
static int
raise_descriptor_limit(struct daemon *daemon)
{
	struct rlimit limit;
	(void)daemon;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	return EX_OK;
}

static int
find_privileges(struct daemon *daemon)
{
	const struct settings *settings = &daemon->loaded.settings;
	const char *wrong = privileges_find(&daemon->privileges, settings->user, settings->group);
	if (wrong == NULL)
		return EX_OK;
	errlog_error("%s", wrong);
	return EX_NOPERM;
}

static int
prepare_log_dir(struct daemon *daemon)
{
	const struct settings *settings = &daemon->loaded.settings;
	if (log_folder_make(&(struct log_folder){settings, &daemon->privileges}) == 0)
		return EX_OK;
	errlog_error("cannot make LogDir %s: %s", settings->log_dir, strerror(errno));
	return EX_CANTCREAT;
}

/* Any other trouble may end by itself, and is told by the workers. */
static int
check_spool(struct daemon *daemon)
{
	const struct settings *settings = &daemon->loaded.settings;
	char room[FORWARDING_SPOOL_BYTES];
	struct errands errands = {0};
	const char *spool = forwarding_spool(settings, room);
	if (spool == NULL || errand_run(&errands, &daemon->privileges, worker_try_log, settings,
				     TRY_SPOOL_MS) != EXDEV)
		return EX_OK;
	errlog_error(
		"ForwardSpool %s must be on the file system of LogDir %s, as a folder in it is",
		spool, settings->log_dir);
	return EX_CONFIG;
}

/* For a reload: the settings as they are now. */
static size_t
load_again(void *context, struct settings *out, struct buf *errors)
{
	const struct daemon *daemon = context;
	struct settings_loaded loaded;
	size_t count = settings_load(daemon->sources, &loaded, errors);
	if (count > 0)
		return count;
	*out = loaded.settings;
	settings_loaded_fini(&loaded);
	if (daemon->detach && strcmp(out->error_log, "stderr") == 0)
		strlcpy(out->error_log, "syslog", sizeof out->error_log);
	return 0;
}

static int
cannot_share(const struct shared *shared, enum shared_result result, const char *file)
{
	if (result == SHARED_RUNNING && shared->pid == SHARED_UNSEEN)
		errlog_error(
			"already running in another PID namespace, says ScoreBoardFile %s", file);
	else if (result == SHARED_RUNNING)
		errlog_error("already running as pid %d, says ScoreBoardFile %s", (int)shared->pid,
			file);
	else if (result == SHARED_NOT_A_BOARD)
		errlog_error("ScoreBoardFile %s is there and is no scoreboard", file);
	else if (file != NULL)
		errlog_error("cannot create ScoreBoardFile %s: %s", file, strerror(errno));
	else
		errlog_error("cannot share memory: %s", strerror(errno));
	return file == NULL ? EX_OSERR : EX_CANTCREAT;
}

static void
leave_terminal(const struct daemon *daemon)
{
	if (strcmp(daemon->loaded.settings.error_log, "stderr") == 0)
		errlog_open("syslog"); /* stderr ends here */
	detach_from_terminal();
}

/* A worker holds the terminal too; what kept it from starting was told there. */
static void
on_service(void *context)
{
	const struct daemon *daemon = context;
	if (daemon->detach)
		leave_terminal(daemon);
}

/* A mark that outlives us, or else one of our own. */
static struct logfile_mark *
find_mark(const struct daemon *daemon, struct store_memory *memory)
{
	char path[MARKFILE_PATH_BYTES];
	uid_t uid = daemon->privileges.uid;
	struct logfile_mark *mark = markfile_map(uid);
	if (mark != NULL)
		return mark;
	errlog_warn("cannot use %s: %s; what is torn when all processes are killed stays torn",
		markfile_path(uid, path), strerror(errno));
	return &memory->mark;
}

/* What the processes share, for this one and, through the heritage, for the workers. */
static int
share_memory(struct daemon *daemon)
{
	const struct settings *settings = &daemon->loaded.settings;
	const char *file = settings->scoreboard_file[0] == '\0' ? NULL : settings->scoreboard_file;
	const struct shared_plan plan = {
		.slots = shared_slots((size_t)settings->workers),
		.places = shared_places((size_t)settings->threads_per_worker),
		.limiter_entries = (size_t)settings->rate_limit_entries,
		.store_bytes = sizeof(struct store_memory),
		.secret_bytes = tls_tickets_size(),
		.settings_bytes = sizeof *settings,
		.spool_bytes = FORWARDING_SPOOL_BYTES,
	};
	enum shared_result result = shared_make(&daemon->shared, &plan, file);
	if (result != SHARED_OK)
		return cannot_share(&daemon->shared, result, file);
	tls_tickets_init(daemon->shared.secrets, clock_mono_ms());
	struct store_memory *memory = daemon->shared.store;
	daemon->heritage = (struct worker_heritage){
		.listeners = &daemon->listeners,
		.shared = &daemon->shared,
		.tls = &daemon->tls,
		.store = {.mark = find_mark(daemon, memory),
			.troubles = &memory->troubles,
			.shipping = scoreboard_shipping(daemon->shared.board)},
		.in_service = on_service,
		.context = daemon,
	};
	daemon->forwarder_heritage = (struct forwarder_heritage){
		.shared = &daemon->shared,
		.mark = daemon->heritage.store.mark,
		.in_service = on_service,
		.context = daemon,
	};
	daemon->monitor_heritage = (struct monitor_heritage){
		.status = &daemon->status,
		.shared = &daemon->shared,
		.in_service = on_service,
		.context = daemon,
	};
	return EX_OK;
}

/* Clients are served: the pid file is written, the terminal let go. */
static void
on_ready(void *context)
{
	struct daemon *daemon = context;
	if (daemon->detached < 0)
		return;
	leave_terminal(daemon);
	detach_ready(daemon->detached);
	daemon->detached = -1;
}

/* A worker must not hold the lock of the pid file: it may outlive the supervisor. */
static void
in_child(void *context)
{
	struct daemon *daemon = context;
	shared_in_child(&daemon->shared);
	manager_close(&daemon->manager);
	if (daemon->pidfile != NULL)
		pidfile_close(daemon->pidfile);
	if (daemon->detached >= 0)
		close(daemon->detached);
}

static int
serve(struct daemon *daemon)
{
	if (daemon->pidfile != NULL)
		pidfile_write(daemon->pidfile);
	const struct supervisor_plan plan = {
		.settings = &daemon->loaded.settings,
		.privileges = &daemon->privileges,
		.manager = &daemon->manager,
		.passed = &daemon->passed,
		.listeners = &daemon->listeners,
		.status = &daemon->status,
		.tls = &daemon->tls,
		.shared = &daemon->shared,
		.child_main = worker_main,
		.child_context = &daemon->heritage,
		.cleaner = worker_clean_up,
		.monitor = monitor_main,
		.monitor_context = &daemon->monitor_heritage,
		.forwarder = forwarder_main,
		.forwarder_context = &daemon->forwarder_heritage,
		.try_log = worker_try_log,
		.load = load_again,
		.ready = on_ready,
		.in_child = in_child,
		.context = daemon,
	};
	return supervisor_run(&plan);
}

static int
run(struct daemon *daemon, const struct settings_sources *sources, bool detach)
{
	static int (*const steps[])(struct daemon *) = {raise_descriptor_limit, find_privileges,
		open_pidfile, open_listeners, open_status, prepare_log_dir, check_spool,
		share_memory, load_secrets};
	int status = open_errlog(&daemon->loaded.settings);
	signals_block();
	powers_hide(daemon->loaded.settings.sandbox != 0);
	daemon->sources = sources;
	daemon->detach = detach;
	if (status == EX_OK)
		status = meet_manager(daemon);
	if (detach && status == EX_OK && (daemon->detached = detach_begin()) < 0) {
		errlog_error("cannot detach: %s", strerror(errno));
		status = EX_OSERR;
	}
	for (size_t i = 0; i < sizeof steps / sizeof steps[0] && status == EX_OK; i++)
		status = steps[i](daemon);
	if (status == EX_OK)
		status = serve(daemon);
	listener_abandon(&daemon->listeners, &(struct listener_set){0});
	listener_abandon(&daemon->status, &(struct listener_set){0});
	free(daemon->passed.items);
	secrets_forget(&daemon->tls);
	shared_close(&daemon->shared);
	manager_close(&daemon->manager);
	if (daemon->pidfile != NULL)
		pidfile_remove(daemon->pidfile);
	return status;
}

int
main(int argc, char **argv)
{
	struct options options = {.sources.environment = environ};
	struct daemon daemon = {.shared = {.fd = -1}, .manager = {.fd = -1}, .detached = -1};
	standard_occupy();
	setproctitle_init(argc, argv, environ);
	int status = options_parse(&options, argc, argv);
	if (status >= 0)
		return status;
	options.sources.environment = environ; /* setproctitle_init() has moved it */
	if (load(&options, &daemon.loaded) < 0)
		return EX_CONFIG;
	status = options.test && secrets_test(&daemon.loaded, stderr) < 0 ? EX_CONFIG : EX_OK;
	/* With -S the standard output has to parse again. */
	if (options.test && status == EX_OK)
		fputs("Syntax OK\n", options.show ? stderr : stdout);
	if (options.show && status == EX_OK)
		status = show(&daemon.loaded);
	else if (!options.test)
		status = run(&daemon, &options.sources, options.detach);
	settings_loaded_fini(&daemon.loaded);
	return status;
}
