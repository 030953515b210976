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
#include "core/engine.h"
#include "core/listen.h"
#include "core/network.h"
#include "core/policy.h"

enum {
	SETTINGS_LISTEN_MAX = 32,
	SETTINGS_REQUIRE_MAX = 32,
	SETTINGS_NETWORKS_MAX = 256,
	SETTINGS_PATH_MAX = 1024,
	SETTINGS_NAME_MAX = 256,
	FORWARD_LINGER_MS = 200,
	FORWARD_ACK_TIMEOUT_S = 30,
};

struct forward_tls {
	int32_t on;                                                                  /* bool */
	char ca[SETTINGS_PATH_MAX], cert[SETTINGS_PATH_MAX], key[SETTINGS_PATH_MAX]; /* "": none */
};

struct forward_auth {
	char user[SETTINGS_NAME_MAX]; /* "": none */
	char passfile[SETTINGS_PATH_MAX];
};

struct forward_batch_rule {
	int64_t bytes, linger_ms;
};

struct forward_spool_rule {
	int64_t bytes;       /* 0: no limit */
	int64_t drop_oldest; /* bool; else clients are refused */
};

struct ack_rule {
	int64_t replicated; /* bool; else what is stored here is answered */
	int64_t timeout_s;
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

	struct engine forward; /* scheme "": nothing is forwarded */
	struct forward_tls forward_tls;
	struct forward_auth forward_auth;
	char forward_spool[SETTINGS_PATH_MAX]; /* "": spool in LogDir; see forwarding_spool() */
	struct forward_batch_rule forward_batch;
	struct forward_spool_rule forward_spool_max;
	struct ack_rule ack_when;

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
