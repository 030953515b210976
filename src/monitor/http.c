/* SPDX-License-Identifier: ISC */
/* Connections, methods and headers.  What is shown is made in answer.c. */
#include "monitor/http.h"

#include <inttypes.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/siphash.h"
#include "monitor/answer.h"

enum { TAG_MAX = 24, LOOK_MS = 1000 };

/* Nothing of the page comes from elsewhere, is written into it, or is shown in others' frames. */
static const struct {
	const char *name, *value;
} headers[] = {
	{"Content-Security-Policy",
		"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
		"img-src 'self' data:; base-uri 'none'; form-action 'none'; "
		"frame-ancestors 'none'"},
	{"X-Content-Type-Options", "nosniff"},
	{"X-Frame-Options", "DENY"},
	{"Referrer-Policy", "no-referrer"},
	{"Cross-Origin-Resource-Policy", "same-origin"},
};

static void
add_header(struct MHD_Response *response, const char *name, const char *value)
{
	(void)MHD_add_response_header(response, name, value);
}

/* Names the bytes, so that whoever has them need not be sent them again. */
static void
make_tag(struct slice bytes, char tag[static TAG_MAX])
{
	static const struct siphash_key key;
	snprintf(tag, TAG_MAX, "\"%016" PRIx64 "\"", siphash(&key, bytes.data, bytes.len));
}

static bool
has_it(struct MHD_Connection *connection, const char *tag)
{
	const char *known = MHD_lookup_connection_value(
		connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_IF_NONE_MATCH);
	return known != NULL && strstr(known, tag) != NULL;
}

static struct MHD_Response *
respond(struct answer *answer)
{
	struct buf *made = &answer->made;
	if (made->data == NULL)
		return MHD_create_response_from_buffer(answer->constant.len,
			(void *)(uintptr_t)answer->constant.data, MHD_RESPMEM_PERSISTENT);
	struct MHD_Response *response = MHD_create_response_from_buffer(
		made->len, made->data, MHD_RESPMEM_MUST_FREE);
	if (response == NULL)
		buf_fini(made);
	return response;
}

static enum MHD_Result
send_answer(struct MHD_Connection *connection, struct answer *answer)
{
	char tag[TAG_MAX] = "";
	if (answer->keeps) {
		make_tag(answer->constant, tag);
		/* The body is not sent, but its length is told, which is to be that of the file. */
		if (has_it(connection, tag))
			answer->status = MHD_HTTP_NOT_MODIFIED;
	}
	struct MHD_Response *response = respond(answer);
	if (response == NULL)
		return MHD_NO;
	for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++)
		add_header(response, headers[i].name, headers[i].value);
	add_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, answer->type);
	add_header(
		response, MHD_HTTP_HEADER_CACHE_CONTROL, answer->keeps ? "no-cache" : "no-store");
	if (answer->keeps)
		add_header(response, MHD_HTTP_HEADER_ETAG, tag);
	if (answer->status == MHD_HTTP_METHOD_NOT_ALLOWED)
		add_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	enum MHD_Result result = MHD_queue_response(connection, answer->status, response);
	MHD_destroy_response(response);
	return result;
}

/* Who comes through the file system has no address: who may enter there is for its permissions to say. */
static bool
may_ask(const struct settings *settings, const struct sockaddr *from)
{
	if (settings->status_require_count == 0)
		return true;
	if (from == NULL)
		return false;
	if (from->sa_family == AF_UNIX)
		return true;
	struct address address = address_from_sockaddr(from);
	for (int64_t i = 0; i < settings->status_require_count; i++) {
		if (network_contains(&settings->status_require[i], &address))
			return true;
	}
	return false;
}

static bool
asker_may(struct MHD_Connection *connection, const struct settings *settings)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	return may_ask(settings, info == NULL ? NULL : info->client_addr);
}

/* Called with each that connects.  Who may not ask is told so, but keeps nobody out who may. */
static enum MHD_Result
let_in(void *context, const struct sockaddr *from, socklen_t len)
{
	struct http *http = context;
	size_t taken = 0;
	(void)len;
	if (may_ask(watch_settings(http->watch), from))
		return MHD_YES;
	for (size_t i = 0; i < HTTP_CONNECTIONS; i++)
		taken += http->connections[i].fd >= 0;
	return taken < HTTP_CONNECTIONS_OF_OTHERS ? MHD_YES : MHD_NO;
}

static enum MHD_Result
refuse(struct MHD_Connection *connection, unsigned status, const char *line)
{
	struct answer answer;
	answer_refuse(&answer, status, line);
	return send_answer(connection, &answer);
}

/* Whoever asks as one asks a proxy names the host, too (RFC 9112, 3.2.2). */
static const char *
path_of(const char *url)
{
	static const struct slice scheme = SLICE("http://");
	if (strncasecmp(url, scheme.data, scheme.len) != 0)
		return url;
	const char *path = strchr(url + scheme.len, '/');
	return path == NULL ? "/" : path;
}

/*
 * Called when the head of a request is there, then for pieces of its body, then at its end.  An answer at the first of
 * these ends the connection, unread bytes or not.
 */
static enum MHD_Result
take_request(void *context, struct MHD_Connection *connection, const char *url, const char *method,
	const char *version, const char *upload, size_t *upload_len, void **state)
{
	static int seen;
	struct http *http = context;
	struct answer answer;
	(void)version;
	(void)upload;
	if (*state == NULL) {
		*state = &seen;
		if (!asker_may(connection, watch_settings(http->watch)))
			return refuse(connection, MHD_HTTP_FORBIDDEN, "forbidden\n");
		if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 &&
			strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
			return refuse(connection, MHD_HTTP_METHOD_NOT_ALLOWED,
				"only GET and HEAD are allowed\n");
		return MHD_YES;
	}
	if (*upload_len > 0) {
		*upload_len = 0;
		return MHD_YES;
	}
	answer_make(&answer, http->watch, path_of(url),
		MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT));
	return send_answer(connection, &answer);
}

/* Behind a NUL nobody would look: what a path is, is told by all of it. */
static size_t
decode(void *context, struct MHD_Connection *connection, char *text)
{
	size_t len = MHD_http_unescape(text);
	(void)context;
	(void)connection;
	if (strlen(text) < len)
		*text = '\0';
	return strlen(text);
}

/* libmicrohttpd's own timeout begins anew with every byte; these are for who sends or takes one now and then. */

static void
begin(struct http *http, struct MHD_Connection *connection, void **place)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	for (size_t i = 0; info != NULL && i < HTTP_CONNECTIONS; i++) {
		if (http->connections[i].fd >= 0)
			continue;
		http->connections[i] = (struct http_connection){
			info->connect_fd, clock_mono_ms() + HTTP_REQUEST_MS};
		*place = &http->connections[i];
		return;
	}
}

static void
note_connection(void *context, struct MHD_Connection *connection, void **place,
	enum MHD_ConnectionNotificationCode code)
{
	struct http_connection *mine = *place;
	if (code == MHD_CONNECTION_NOTIFY_STARTED)
		begin(context, connection, place);
	else if (mine != NULL)
		mine->fd = -1;
}

static void
note_answered(void *context, struct MHD_Connection *connection, void **state,
	enum MHD_RequestTerminationCode code)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct http_connection *mine = info == NULL ? NULL : info->socket_context;
	(void)context;
	(void)code;
	*state = NULL;
	if (mine != NULL)
		mine->deadline_ms = clock_mono_ms() + HTTP_REQUEST_MS;
}

static bool
peer_has_finished(int fd)
{
	char byte;
	return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

/*
 * Ends what takes too long.  An end that came together with the bytes before it is not seen by libmicrohttpd, which
 * waits for the edges of epoll(7): it gets another one.  Whether there are any connections.
 */
static bool
end_overdue(struct http *http)
{
	int64_t now_ms = clock_mono_ms();
	bool any = false;
	for (size_t i = 0; i < HTTP_CONNECTIONS; i++) {
		const struct http_connection *connection = &http->connections[i];
		if (connection->fd < 0)
			continue;
		any = true;
		if (connection->deadline_ms <= now_ms)
			shutdown(connection->fd, SHUT_RDWR);
		else if (peer_has_finished(connection->fd))
			shutdown(connection->fd, SHUT_RD);
	}
	return any;
}

int
http_open(struct http *http, int listener, struct watch *watch)
{
	/* It closes the one that it is given. */
	int own = dup(listener);
	*http = (struct http){.watch = watch, .fd = -1};
	for (size_t i = 0; i < HTTP_CONNECTIONS; i++)
		http->connections[i].fd = -1;
	if (own < 0)
		return -1;
	http->daemon = MHD_start_daemon(MHD_USE_EPOLL, 0, let_in, http, take_request, http,
		MHD_OPTION_LISTEN_SOCKET, own, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned)HTTP_CONNECTIONS, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
		(unsigned)HTTP_CONNECTIONS_OF_ONE, MHD_OPTION_CONNECTION_TIMEOUT,
		(unsigned)HTTP_IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)HTTP_MEMORY_BYTES, MHD_OPTION_STRICT_FOR_CLIENT, 1,
		MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_UNESCAPE_CALLBACK, decode, NULL,
		MHD_OPTION_NOTIFY_CONNECTION, note_connection, http, MHD_OPTION_NOTIFY_COMPLETED,
		note_answered, http, MHD_OPTION_END);
	if (http->daemon == NULL) {
		close(own);
		return -1;
	}
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(
		http->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	http->fd = info == NULL ? -1 : info->epoll_fd;
	return 0;
}

void
http_close(struct http *http)
{
	if (http->daemon != NULL)
		MHD_stop_daemon(http->daemon);
	http->daemon = NULL;
}

int
http_run(struct http *http)
{
	MHD_UNSIGNED_LONG_LONG left_ms;
	bool any = end_overdue(http);
	MHD_run(http->daemon);
	if (MHD_get_timeout(http->daemon, &left_ms) == MHD_YES && left_ms < LOOK_MS)
		return (int)left_ms;
	return any ? LOOK_MS : -1;
}
