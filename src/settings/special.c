/* SPDX-License-Identifier: ISC */
/* The types that only one or two directives have: Listen, StatusListen, LogFilename, LogSync, ErrorLog, User, Group. */
#include "settings/value.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>

#include "base/reason.h"
#include "core/filename.h"
#include "settings/mistake.h"

enum { ACCOUNT_BYTES_MAX = 1024 * 1024, LOG_SYNC_ALWAYS = -1 };

const char *
value_set_listen(const struct directive *directive, struct settings *settings, const char *text,
	struct buf *scratch)
{
	(void)directive;
	struct listen listen;
	struct slice word;
	char name[ENDPOINT_TEXT_MAX];
	const char *wrong = listen_parse(slice_of(text), &listen, &word);
	if (wrong != NULL)
		return reason_format(scratch, "'%.*s': %s", (int)(word.len < 64 ? word.len : 64),
			word.data, wrong);
	for (int64_t i = 0; i < settings->listen_count; i++) {
		if (endpoint_clash(&settings->listen[i].endpoint, &listen.endpoint))
			return reason_format(scratch, "%s stands twice, remove one of them",
				endpoint_format(&listen.endpoint, name));
	}
	if (settings->listen_count == SETTINGS_LISTEN_MAX)
		return reason_format(scratch, "%d addresses are the most", SETTINGS_LISTEN_MAX);
	memcpy(&settings->listen[settings->listen_count++], &listen, sizeof listen);
	return NULL;
}

int
value_print_listen(const struct directive *directive, const struct settings *settings, size_t index,
	struct buf *out)
{
	(void)directive;
	if (index >= (size_t)settings->listen_count)
		return 0;
	return listen_print(&settings->listen[index], out) == 0 ? 1 : -1;
}

const char *
value_set_status_listen(const struct directive *directive, struct settings *settings,
	const char *text, struct buf *scratch)
{
	(void)directive;
	static const char local[] = "unix:";
	struct endpoint endpoint = {.port = 0};
	const char *wrong = NULL;
	if (strncmp(text, local, sizeof local - 1) == 0)
		wrong = endpoint_parse_local(text, &endpoint);
	else if (strcasecmp(text, "off") != 0)
		wrong = endpoint_parse(text, &endpoint);
	if (wrong == NULL && endpoint_passed_name(&endpoint) != NULL)
		wrong = "sockets that are passed are for Listen, write an address here";
	if (wrong != NULL)
		return reason_format(scratch, "'%.64s': %s", text, wrong);
	memcpy(&settings->status_listen, &endpoint, sizeof endpoint);
	return NULL;
}

int
value_print_status_listen(const struct directive *directive, const struct settings *settings,
	size_t index, struct buf *out)
{
	(void)directive;
	char text[ENDPOINT_TEXT_MAX] = "off";
	if (index > 0)
		return 0;
	if (settings->status_listen.host[0] != '\0')
		endpoint_format(&settings->status_listen, text);
	return value_print_word(text, out) == 0 ? 1 : -1;
}

const char *
value_set_filename(const struct directive *directive, struct settings *settings, const char *text,
	struct buf *scratch)
{
	if (strchr(text, '/') != NULL)
		return "must be a name without '/', the folder is LogDir";
	if (strcmp(text, ".") == 0 || strcmp(text, "..") == 0)
		return "must be the name of a file, not of a folder";
	const char *wrong = filename_check(text);
	if (wrong != NULL)
		return wrong;
	return value_set_text(directive, settings, text, scratch);
}

const char *
value_set_log_sync(const struct directive *directive, struct settings *settings, const char *text,
	struct buf *scratch)
{
	if (strcasecmp(text, "none") == 0) {
		settings->log_sync = 0;
		return NULL;
	}
	if (strcasecmp(text, "always") == 0) {
		settings->log_sync = LOG_SYNC_ALWAYS;
		return NULL;
	}
	if (value_set_number(directive, settings, text, scratch) == NULL)
		return NULL;
	return reason_format(scratch, "must be none, always or %d to %d seconds, not '%.64s'",
		(int)directive->min, (int)directive->max, text);
}

int
value_print_log_sync(const struct directive *directive, const struct settings *settings,
	size_t index, struct buf *out)
{
	if (index > 0)
		return 0;
	if (settings->log_sync > 0)
		return value_print_number(directive, settings, index, out);
	return buf_append(out, slice_of(settings->log_sync == 0 ? "none" : "always")) == 0 ? 1 : -1;
}

/* The two words mean the same in any case; any other text is a path. */
const char *
value_set_error_log(const struct directive *directive, struct settings *settings, const char *text,
	struct buf *scratch)
{
	static const char *const words[] = {"stderr", "syslog"};
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		if (strcasecmp(text, words[i]) == 0)
			text = words[i];
	}
	return value_set_text(directive, settings, text, scratch);
}

/* Asks the system's data base, with more room as long as there is too little.  0 or an error number. */
static int
find_account(const char *name, bool group, bool *found)
{
	struct buf room = {0};
	int error = ERANGE;
	for (size_t size = 4096; error == ERANGE && size <= ACCOUNT_BYTES_MAX; size *= 2) {
		struct passwd passwd, *user = NULL;
		struct group entry, *members = NULL;
		char *data = buf_reserve(&room, size);
		if (data == NULL)
			error = ENOMEM;
		else if (group)
			error = getgrnam_r(name, &entry, data, size, &members);
		else
			error = getpwnam_r(name, &passwd, data, size, &user);
		*found = user != NULL || members != NULL;
	}
	buf_fini(&room);
	return error;
}

static const char *
set_account(const struct directive *directive, struct settings *settings, const char *text,
	struct buf *scratch, bool group)
{
	bool found = text[0] == '\0';
	int error = found ? 0 : find_account(text, group, &found);
	if (found)
		return value_set_text(directive, settings, text, scratch);
	/* The C library tells a missing entry as one of several errors as well. */
	if (error == 0 || error == ENOENT || error == ESRCH || error == EBADF || error == EPERM)
		return reason_format(scratch,
			"there is no %s '%.64s' on this system, name one that exists",
			group ? "group" : "user", text);
	return reason_format(scratch, "cannot look up '%.64s': %s", text, mistake_errno(error));
}

const char *
value_set_user(const struct directive *directive, struct settings *settings, const char *text,
	struct buf *scratch)
{
	return set_account(directive, settings, text, scratch, false);
}

const char *
value_set_group(const struct directive *directive, struct settings *settings, const char *text,
	struct buf *scratch)
{
	return set_account(directive, settings, text, scratch, true);
}
