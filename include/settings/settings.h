/* SPDX-License-Identifier: ISC */
/*
 * All settings of the daemon, checked: plain data without pointers, so that a copy can be
 * published in shared memory.  What each means stands in the table (settings/directive.h).
 */
#ifndef SETTINGS_SETTINGS_H
#define SETTINGS_SETTINGS_H

#include <stdint.h>

#include "core/access.h"
#include "core/endpoint.h"
#include "core/listen.h"
#include "core/network.h"
#include "core/policy.h"

enum {
	SETTINGS_LISTEN_MAX = 32,
	SETTINGS_REQUIRE_MAX = 32,
	SETTINGS_NETWORKS_MAX = 256,
	SETTINGS_PATH_MAX = 1024,
	SETTINGS_NAME_MAX = 256,
};

struct settings {
	struct listen listen[SETTINGS_LISTEN_MAX];
	int64_t listen_count;

	struct access_rule require[ACCESS_RULES_MAX]; /* who may connect */
	int64_t require_count;
	struct network
		proxy_trusted[SETTINGS_NETWORKS_MAX]; /* whose word a `proxy` listener takes */
	int64_t proxy_trusted_count;
	char tls_certificate_file[SETTINGS_PATH_MAX];     /* "": none */
	char tls_certificate_key_file[SETTINGS_PATH_MAX]; /* "": in the certificate's file */
	char tls_client_ca_file[SETTINGS_PATH_MAX];       /* "": none */
	int32_t tls_verify_client;                        /* enum tls_verify */
	int32_t tls_protocols;                            /* of enum tls_protocol */
	char tls_ciphers[SETTINGS_PATH_MAX];

	struct policy
		policy; /* MinLogLevel to LevelNumbers, LogFormat, LogPersistence, MaxLineLength */

	int64_t buffer_bytes;
	char log_dir[SETTINGS_PATH_MAX];
	char log_filename[SETTINGS_NAME_MAX];
	int64_t log_sync;         /* 0 none, -1 always, else seconds */
	int64_t log_rotate_bytes; /* 0: never */
	int64_t log_rotate_keep;

	int32_t rate_limit; /* bool */
	int64_t rate_limit_max;
	int64_t rate_limit_window_s;
	int64_t rate_limit_entries;
	int64_t rate_limit_ipv6_prefix;
	struct network rate_limit_exempt[SETTINGS_NETWORKS_MAX];
	int64_t rate_limit_exempt_count;

	int64_t workers;
	int64_t threads_per_worker;
	int64_t listen_backlog;
	int64_t max_connections_per_client; /* 0: no limit */
	int64_t max_connections_per_worker; /* 0: no limit */

	int64_t idle_timeout_s; /* 0: none */
	int64_t read_timeout_s; /* 0: none */
	int64_t handshake_timeout_s;
	int64_t send_timeout_s;
	int64_t graceful_drain_timeout_s; /* 0: none */
	int64_t graceful_shutdown_timeout_s;

	char pid_file[SETTINGS_PATH_MAX];        /* "": none */
	char scoreboard_file[SETTINGS_PATH_MAX]; /* "": none */
	struct endpoint status_listen;           /* of the monitor; host "": there is none */
	struct network status_require[SETTINGS_REQUIRE_MAX];
	int64_t status_require_count;      /* 0: anybody may ask it */
	char error_log[SETTINGS_PATH_MAX]; /* "stderr", "syslog" or a path */
	int32_t error_log_level;           /* enum errlog_level */
	int32_t sandbox;                   /* bool */
	char user[SETTINGS_NAME_MAX];      /* "": stay */
	char group[SETTINGS_NAME_MAX];
};

#endif
