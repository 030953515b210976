/* SPDX-License-Identifier: ISC */
/*
 * The table, in the order of the manual.  A row says all there is to know of a directive; the macros
 * below it only name the pairs of functions for its type.
 */
#include "settings/directive.h"

#include <strings.h>

#include "settings/forwarding.h"
#include "settings/value.h"

enum {
	BYTES_MAX = 1073741824,
	DAY_S = 86400,
	YEAR_S = 31536000,
};

#define TEBIBYTE (INT64_C(1) << 40)

#define AT(member)                                                                                 \
	.offset = offsetof(struct settings, member), .size = sizeof((struct settings *)0)->member
#define TEXT(member) AT(member)
#define LIST(member)                                                                               \
	AT(member), .count_offset = offsetof(struct settings, member##_count), .many = true
#define TYPE(type)               .set = value_set_##type, .print = value_print_##type
#define NUMBER(member, from, to) TYPE(number), AT(member), .min = (from), .max = (to)
#define BOOLEAN(member)          TYPE(boolean), .argument = "on|off", AT(member)
#define NAMES(member)            TYPE(names), AT(policy.fields.member), .many = true
#define CHOICE(member, words)    TYPE(choice), .argument = (words), .values = (words), AT(member)

const struct directive directives[] = {
	{
		.name = "Listen",
		.argument = "[address:]port|unix:/path [option ...]",
		.environment = "SERVER_HOST SERVER_PORT",
		.default_value = "0.0.0.0:9000",
		TYPE(listen),
		LIST(listen),
		.scope = SCOPE_NEW_WORKERS,
		.meaning = "Where clients are accepted; repeatable, IPv6 as [::1]:9000, port 0 is "
			   "any free one.",
	},
	{
		.name = "Require",
		.argument = "all granted|all denied|[not] ip block ...",
		.default_value = "all granted",
		TYPE(require),
		LIST(require),
		.scope = SCOPE_LIVE,
		.meaning = "Who may connect: whom one line without not names, and none with not; "
			   "repeatable.",
	},
	{
		.name = "ProxyTrusted",
		.argument = "none|block ...",
		.default_value = "none",
		TYPE(networks),
		LIST(proxy_trusted),
		.scope = SCOPE_LIVE,
		.meaning = "The load balancers that may tell who their clients are, where the "
			   "Listen line says proxy; repeatable.",
	},
	{
		.name = "BufferSize",
		.argument = "bytes",
		.environment = "BUFFER_SIZE",
		.default_value = "4096",
		NUMBER(buffer_bytes, 1, BYTES_MAX),
		.scope = SCOPE_LIVE,
		.meaning = "The first read buffer of a connection; it grows up to MaxLineLength as "
			   "needed.",
	},
	{
		.name = "MinLogLevel",
		.argument = "level",
		.environment = "MIN_LOG_LEVEL",
		.default_value = "INFO",
		TYPE(level),
		AT(policy.min_level),
		.scope = SCOPE_LIVE,
		.meaning = "Records less severe than this are answered `filtered` and not stored.",
	},
	{
		.name = "UnknownLevel",
		.default_value = "filter",
		CHOICE(policy.unknown_level, "filter|accept|reject"),
		.scope = SCOPE_LIVE,
		.meaning = "What becomes of a record whose level is none of the known ones.",
	},
	{
		.name = "LevelField",
		.argument = "name ...",
		.default_value = "level",
		NAMES(level),
		.scope = SCOPE_LIVE,
		.meaning = "The members that may hold a record's level; the first name that it has "
			   "counts.",
	},
	{
		.name = "MessageField",
		.argument = "name ...",
		.default_value = "message",
		NAMES(message),
		.scope = SCOPE_LIVE,
		.meaning = "The members that may hold a record's message; the first name that it "
			   "has counts.",
	},
	{
		.name = "LevelNumbers",
		.default_value = "none",
		CHOICE(policy.level_numbers, "none|pino|syslog"),
		.scope = SCOPE_LIVE,
		.meaning = "Whether numbers are levels, and which: 10 to 60 as of pino and bunyan, "
			   "or 0 to 7 as of syslog.",
	},
	{
		.name = "LogPersistence",
		.environment = "ENABLE_LOG_PERSISTENCE",
		.default_value = "on",
		BOOLEAN(policy.persist),
		.scope = SCOPE_LIVE,
		.meaning =
			"Whether accepted records are stored; off answers them and stores nothing.",
	},
	{
		.name = "LogDir",
		.argument = "path",
		.environment = "LOG_DIR",
		.default_value = "./logs",
		TYPE(text),
		TEXT(log_dir),
		.min = 1,
		.scope = SCOPE_LIVE,
		.meaning = "The folder of the log file; it is made with its parents where it is "
			   "missing.",
	},
	{
		.name = "LogFilename",
		.argument = "name",
		.environment = "LOG_FILENAME",
		.default_value = "server.log",
		.set = value_set_filename,
		.print = value_print_text,
		TEXT(log_filename),
		.min = 1,
		.scope = SCOPE_LIVE,
		.meaning = "The name of the log file in LogDir; conversions of strftime(3) are "
			   "replaced by the time of the records, in UTC.",
	},
	{
		.name = "LogFormat",
		.default_value = "text",
		CHOICE(policy.log_format, "text|json|raw"),
		.scope = SCOPE_LIVE,
		.meaning = "How a record is written: readable text, JSON with time and client, or "
			   "as it was sent.",
	},
	{
		.name = "LogSync",
		.argument = "none|always|seconds",
		.default_value = "none",
		TYPE(log_sync),
		AT(log_sync),
		.min = 1,
		.max = DAY_S,
		.scope = SCOPE_LIVE,
		.meaning = "When records are brought to the disk: by the kernel, before each "
			   "answer, or every so often.",
	},
	{
		.name = "LogRotateSize",
		.argument = "bytes",
		.default_value = "0",
		NUMBER(log_rotate_bytes, 0, TEBIBYTE),
		.scope = SCOPE_LIVE,
		.meaning = "A log file that would grow beyond this is renamed and a new one begun; "
			   "0 is never.",
	},
	{
		.name = "LogRotateKeep",
		.argument = "n",
		.default_value = "7",
		NUMBER(log_rotate_keep, 1, 9999),
		.scope = SCOPE_LIVE,
		.meaning = "How many of the files that LogRotateSize renames are kept.",
	},
	{
		.name = "Forward",
		.argument = "off|engine://host[:port],... [option=value ...]",
		.default_value = "off",
		.many = true,
		TYPE(forward),
		AT(forward),
		.scope = SCOPE_LIVE,
		.meaning = "The engine, kafka:// or amqp://, that stored records are shipped to.",
	},
	{
		.name = "ForwardTLS",
		.argument = "on|off|[ca=path] [cert=path key=path]",
		.default_value = "off",
		.many = true,
		TYPE(forward_tls),
		AT(forward_tls),
		.scope = SCOPE_LIVE,
		.meaning = "Whether the engine is spoken to over TLS, whose authorities are "
			   "trusted, and our own certificate.",
	},
	{
		.name = "ForwardAuth",
		.argument = "off|user=name passfile=path",
		.default_value = "off",
		.many = true,
		TYPE(forward_auth),
		AT(forward_auth),
		.scope = SCOPE_LIVE,
		.meaning = "The name and the file with the password that the engine is shown.",
	},
	{
		.name = "ForwardSpool",
		.argument = "path",
		TYPE(text),
		TEXT(forward_spool),
		.scope = SCOPE_LIVE,
		.meaning = "The folder, on the file system of LogDir, where what is to be "
			   "forwarded is kept; without it, spool in LogDir.",
	},
	{
		.name = "ForwardBatch",
		.argument = "bytes [linger=ms]",
		.default_value = "262144 linger=200",
		.many = true,
		TYPE(forward_batch),
		AT(forward_batch),
		.scope = SCOPE_LIVE,
		.meaning = "How much is shipped at a time, and how long less than that waits for "
			   "more.",
	},
	{
		.name = "ForwardSpoolMax",
		.argument = "bytes [onfull=reject|drop-oldest]",
		.default_value = "0 onfull=reject",
		.many = true,
		TYPE(forward_spool_max),
		AT(forward_spool_max),
		.scope = SCOPE_LIVE,
		.meaning = "How much may wait to be forwarded, and whether clients are refused "
			   "then or the oldest is dropped; 0 is no limit.",
	},
	{
		.name = "AckWhen",
		.argument = "local|replicated [timeout=seconds]",
		.default_value = "local timeout=30",
		.many = true,
		TYPE(ack_when),
		AT(ack_when),
		.scope = SCOPE_LIVE,
		.meaning =
			"Whether a record is answered `received` when it is stored here, or when "
			"the engine has confirmed it.",
	},
	{
		.name = "RateLimit",
		.environment = "RATE_LIMIT_ENABLED",
		.default_value = "on",
		BOOLEAN(rate_limit),
		.scope = SCOPE_LIVE,
		.meaning = "Whether the lines of a client address are limited.",
	},
	{
		.name = "RateLimitMaxRequests",
		.argument = "n",
		.environment = "RATE_LIMIT_MAX_REQUESTS",
		.default_value = "100",
		NUMBER(rate_limit_max, 1, INT32_MAX),
		.scope = SCOPE_LIVE,
		.meaning = "How many lines of a client address pass in one window.",
	},
	{
		.name = "RateLimitWindowSeconds",
		.argument = "seconds",
		.environment = "RATE_LIMIT_WINDOW_SECONDS",
		.default_value = "60",
		NUMBER(rate_limit_window_s, 1, YEAR_S),
		.scope = SCOPE_LIVE,
		.meaning = "The length of a window, which begins with a client's first line.",
	},
	{
		.name = "RateLimitTableSize",
		.argument = "entries",
		.default_value = "65536",
		NUMBER(rate_limit_entries, 1, 16777216),
		.scope = SCOPE_RESTART,
		.meaning = "How many client addresses are counted at a time.",
	},
	{
		.name = "RateLimitIPv6Prefix",
		.argument = "bits",
		.default_value = "64",
		NUMBER(rate_limit_ipv6_prefix, 1, 128),
		.scope = SCOPE_LIVE,
		.meaning = "IPv6 addresses that agree in so many leading bits count as one client.",
	},
	{
		.name = "RateLimitExempt",
		.argument = "none|block ...",
		.default_value = "none",
		TYPE(networks),
		LIST(rate_limit_exempt),
		.scope = SCOPE_LIVE,
		.meaning = "Whose lines are not counted by the rate limit; repeatable.",
	},
	{
		.name = "Workers",
		.argument = "n",
		NUMBER(workers, 1, 1024),
		.scope = SCOPE_NEW_WORKERS,
		.meaning =
			"How many processes serve clients; without it, as many as CPUs are online.",
	},
	{
		.name = "ThreadsPerWorker",
		.argument = "n",
		.default_value = "1024",
		NUMBER(threads_per_worker, 1, 100000),
		.scope = SCOPE_NEW_WORKERS,
		.meaning = "The most clients of one worker; each is served by a thread of its own.",
	},
	{
		.name = "ListenBacklog",
		.argument = "n",
		.default_value = "511",
		NUMBER(listen_backlog, 1, 65535),
		.scope = SCOPE_NEW_WORKERS,
		.meaning = "How many connections the kernel keeps waiting to be accepted.",
	},
	{
		.name = "MaxLineLength",
		.argument = "bytes",
		.default_value = "1048576",
		NUMBER(policy.max_line_bytes, 16, BYTES_MAX),
		.scope = SCOPE_LIVE,
		.meaning = "The longest line of a client, without its newline.",
	},
	{
		.name = "MaxConnectionsPerClient",
		.argument = "n",
		.default_value = "0",
		NUMBER(max_connections_per_client, 0, INT32_MAX),
		.scope = SCOPE_LIVE,
		.meaning = "The most connections of one client address at a time; 0 is no limit.",
	},
	{
		.name = "MaxConnectionsPerWorker",
		.argument = "n",
		.default_value = "0",
		NUMBER(max_connections_per_worker, 0, INT32_MAX),
		.scope = SCOPE_NEW_WORKERS,
		.meaning = "A worker that has served so many connections is replaced; it finishes "
			   "its clients first.  0 is never.",
	},
	{
		.name = "IdleTimeout",
		.argument = "seconds",
		.default_value = "0",
		NUMBER(idle_timeout_s, 0, YEAR_S),
		.scope = SCOPE_LIVE,
		.meaning = "A connection that sends nothing for so long is closed; 0 is never.",
	},
	{
		.name = "ReadTimeout",
		.argument = "seconds",
		.default_value = "0",
		NUMBER(read_timeout_s, 0, DAY_S),
		.scope = SCOPE_LIVE,
		.meaning = "How long a line that was begun may take to arrive before its "
			   "connection is closed; 0 is for ever.",
	},
	{
		.name = "TLSCertificateFile",
		.argument = "path",
		TYPE(text),
		TEXT(tls_certificate_file),
		.scope = SCOPE_NEW_WORKERS,
		.meaning = "The certificate for Listen lines that say tls, in PEM, with those of "
			   "its issuers behind it.",
	},
	{
		.name = "TLSCertificateKeyFile",
		.argument = "path",
		TYPE(text),
		TEXT(tls_certificate_key_file),
		.scope = SCOPE_NEW_WORKERS,
		.meaning = "The certificate's private key, in PEM; without it, it is in the "
			   "certificate's file.",
	},
	{
		.name = "TLSClientCAFile",
		.argument = "path",
		TYPE(text),
		TEXT(tls_client_ca_file),
		.scope = SCOPE_NEW_WORKERS,
		.meaning = "The authorities whose certificates clients may present, in PEM.",
	},
	{
		.name = "TLSVerifyClient",
		.default_value = "none",
		CHOICE(tls_verify_client, "none|optional|require"),
		.scope = SCOPE_NEW_WORKERS,
		.meaning = "Whether clients are asked for a certificate, and must have one.",
	},
	{
		.name = "TLSProtocols",
		.argument = "TLSv1.2|TLSv1.3 ...",
		.default_value = "TLSv1.2 TLSv1.3",
		.many = true,
		TYPE(tls_protocols),
		AT(tls_protocols),
		.scope = SCOPE_NEW_WORKERS,
		.meaning = "The versions of TLS that clients may speak.",
	},
	{
		.name = "TLSCiphers",
		.argument = "list",
		.default_value = "ECDHE+AESGCM:ECDHE+CHACHA20",
		TYPE(text),
		TEXT(tls_ciphers),
		.min = 1,
		.scope = SCOPE_NEW_WORKERS,
		.meaning = "The ciphers that clients may choose from, as openssl-ciphers(1) has "
			   "them; names that begin with TLS_ are those of TLS 1.3.",
	},
	{
		.name = "HandshakeTimeout",
		.argument = "seconds",
		.default_value = "10",
		NUMBER(handshake_timeout_s, 1, DAY_S),
		.scope = SCOPE_LIVE,
		.meaning = "How long a client may take for all that comes before its first line, "
			   "where its Listen line says tls or proxy.",
	},
	{
		.name = "SendTimeout",
		.argument = "seconds",
		.default_value = "30",
		NUMBER(send_timeout_s, 1, DAY_S),
		.scope = SCOPE_LIVE,
		.meaning = "A connection whose answers cannot be sent for so long is closed.",
	},
	{
		.name = "GracefulDrainTimeout",
		.argument = "seconds",
		.default_value = "0",
		NUMBER(graceful_drain_timeout_s, 0, YEAR_S),
		.scope = SCOPE_LIVE,
		.meaning = "How long workers that a reload has replaced may go on serving their "
			   "clients before they drain; 0 is for ever.",
	},
	{
		.name = "GracefulShutdownTimeout",
		.argument = "seconds",
		.default_value = "10",
		NUMBER(graceful_shutdown_timeout_s, 0, DAY_S),
		.scope = SCOPE_LIVE,
		.meaning = "How long workers may finish what they have received before they are "
			   "killed.",
	},
	{
		.name = "PidFile",
		.argument = "path",
		TYPE(text),
		TEXT(pid_file),
		.scope = SCOPE_RESTART,
		.meaning = "Where the supervisor writes its process id; a second start with the "
			   "same file is refused.",
	},
	{
		.name = "ScoreBoardFile",
		.argument = "path",
		TYPE(text),
		TEXT(scoreboard_file),
		.scope = SCOPE_RESTART,
		.meaning = "A file through which other programs read the counters.",
	},
	{
		.name = "StatusListen",
		.argument = "[address:]port|unix:/path|off",
		.default_value = "off",
		TYPE(status_listen),
		AT(status_listen),
		.scope = SCOPE_LIVE,
		.meaning = "Where the monitor shows what the daemon does: a page, figures for "
			   "programs, health.",
	},
	{
		.name = "StatusRequire",
		.argument = "all|ip block ...",
		.default_value = "all",
		.many = true,
		TYPE(status_require),
		AT(status_require),
		.scope = SCOPE_LIVE,
		.meaning = "Who may ask the monitor: anybody, or addresses in these blocks.",
	},
	{
		.name = "ErrorLog",
		.argument = "stderr|path|syslog",
		.default_value = "stderr",
		.set = value_set_error_log,
		.print = value_print_text,
		TEXT(error_log),
		.min = 1,
		.scope = SCOPE_LIVE,
		.meaning = "Where the daemon's own messages go.",
	},
	{
		.name = "LogLevel",
		.default_value = "info",
		CHOICE(error_log_level, "error|warn|info|debug"),
		.scope = SCOPE_LIVE,
		.meaning = "The least severe of the daemon's own messages that are written.",
	},
	{
		.name = "Sandbox",
		.default_value = "on",
		BOOLEAN(sandbox),
		.scope = SCOPE_NEW_WORKERS,
		.meaning = "Whether workers and the monitor may ask the kernel for what they need "
			   "and nothing else, and their memory is hidden.",
	},
	{
		.name = "User",
		.argument = "name",
		.set = value_set_user,
		.print = value_print_text,
		TEXT(user),
		.scope = SCOPE_RESTART,
		.meaning = "The account that the workers run under, when the daemon is started as "
			   "root.",
	},
	{
		.name = "Group",
		.argument = "name",
		.set = value_set_group,
		.print = value_print_text,
		TEXT(group),
		.scope = SCOPE_RESTART,
		.meaning =
			"The group that the workers run under; without it, the first one of User.",
	},
	{
		.name = "Include",
		.argument = "glob",
		.meaning = "Reads other files in place, relative to this one; at least one must "
			   "exist.",
	},
	{
		.name = "IncludeOptional",
		.argument = "glob",
		.meaning = "Reads other files in place, relative to this one, if there are any.",
	},
};

const size_t directives_count = sizeof directives / sizeof directives[0];

const struct directive *
directive_find(const char *name)
{
	for (size_t i = 0; i < directives_count; i++) {
		if (strcasecmp(directives[i].name, name) == 0)
			return &directives[i];
	}
	return NULL;
}
