/* SPDX-License-Identifier: ISC */
/*
 * A reload up to the point of no return: everything new is loaded, checked and opened beside the
 * old, which is left alone until all of it has succeeded.  (Build the new, keep the old on
 * failure, then switch, as nginx does.)
 */
#ifndef SUPER_RELOAD_H
#define SUPER_RELOAD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "net/listener.h"
#include "net/tls.h"
#include "settings/settings.h"

/* Loads the settings from where the daemon got them; returns the number of errors, told a line each. */
typedef size_t reload_load(void *context, struct settings *out, struct buf *errors);

/* Makes the folder of the log where workers could not; whether they could open the log: 0 or an errno. */
typedef int reload_log(void *owner, const struct settings *settings);

struct reload_request {
	reload_load *load;
	void *context; /* of load */
	reload_log *make_log, *try_log;
	void *owner; /* of both */
	const struct settings *old;
	const struct listener_set *listeners, *passed, *status;
	const struct tls *tls;                  /* in force */
	struct tls_tickets *tickets;            /* for a new one */
	const struct local_owner *socket_owner; /* of files that Listen lines make, or NULL: ours */
	size_t free_slots;                      /* for workers of a new generation */
	size_t places; /* the most clients that a worker can have without a restart */
};

struct reload {
	struct settings settings;      /* to be in force; what needs a restart is as it was */
	struct listener_set listeners; /* matters with new_workers: kept and new sockets */
	bool new_workers; /* their settings or secrets have changed, or a socket's file is gone */
	bool new_secrets; /* certificate, key or client CA are others than before; then */
	struct tls *tls;  /* what new workers are to have; NULL: no TLS, or the old one */
	struct listener_set status; /* of the monitor: kept and new sockets */
	struct buf warnings;        /* a line each */
	struct buf errors;          /* a line each */
	size_t error_count;
};

/* 0: all of it can be switched to.  -1: told in reload->errors, nothing has changed. */
int reload_build(struct reload *reload, const struct reload_request *request);

/*
 * Opens the sockets of StatusListen, or takes them from *old (or NULL): as listener_open() does, but each line of `errors`
 * names the directive.
 */
int reload_open_status(struct listener_set *set, const struct settings *settings,
	const struct listener_set *old, struct buf *errors);

/* Frees the texts; the listeners and tls are the caller's after a success. */
void reload_fini(struct reload *reload);

#endif
