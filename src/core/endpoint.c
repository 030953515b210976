/* SPDX-License-Identifier: ISC */
/*
 * Reads and writes [address:]port, fd@NAME and unix:/PATH.  An address is checked as far as that needs no
 * resolver: digits and dots must be IPv4, brackets must hold IPv6, the rest must look like a host name.
 */
#include "core/endpoint.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

static const char port_wrong[] = "the port must be a number from 0 to 65535, as in 127.0.0.1:9000";

static const char passed_prefix[] = "fd@", local_prefix[] = "unix:";
static const char digits[] = "0123456789";
static const char host_letters[] =
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";

/* A zone ("%eth0") is no part of the address proper; only the system knows which ones there are. */
static bool
is_ipv6(const char *host)
{
	char address[INET6_ADDRSTRLEN];
	size_t len = strcspn(host, "%");
	struct in6_addr ignored;
	if (len >= sizeof address)
		return false;
	memcpy(address, host, len);
	address[len] = '\0';
	const char *zone = host[len] == '%' ? host + len + 1 : "0";
	return inet_pton(AF_INET6, address, &ignored) == 1 && zone[0] != '\0' &&
	       zone[strspn(zone, host_letters)] == '\0';
}

static const char *
check_host(const char *host)
{
	struct in_addr ignored;
	if (strchr(host, ':') != NULL)
		return is_ipv6(host) ? NULL : "no IPv6 address, write it as in [::1]:9000";
	if (host[0] == '\0')
		return "the address is empty, write one as in 127.0.0.1:9000 or the port alone";
	if (host[strspn(host, host_letters)] != '\0')
		return "no address or host name, write one as in 127.0.0.1:9000 or [::1]:9000";
	if (host[strspn(host, "0123456789.")] == '\0' && inet_pton(AF_INET, host, &ignored) != 1)
		return "no IPv4 address, write one as in 127.0.0.1:9000";
	return NULL;
}

/* The host of len bytes at text, without brackets. */
static const char *
set_host(const char *text, size_t len, struct endpoint *out)
{
	char host[ENDPOINT_HOST_MAX] = {0};
	if (len >= sizeof host)
		return "the host is longer than 253 bytes";
	memcpy(host, text, len);
	if (strcmp(host, "*") == 0)
		memcpy(host, "0.0.0.0", sizeof "0.0.0.0");
	const char *wrong = check_host(host);
	if (wrong == NULL)
		memcpy(out->host, host, sizeof host);
	return wrong;
}

const char *
endpoint_parse_host(const char *text, struct endpoint *out)
{
	size_t len = strlen(text);
	if (len < 2 || text[0] != '[' || text[len - 1] != ']')
		return set_host(text, len, out);
	return memchr(text, ':', len) == NULL
	               ? "no IPv6 address within the brackets, write it as in [::1]"
	               : set_host(text + 1, len - 2, out);
}

const char *
endpoint_parse_port(const char *text, struct endpoint *out)
{
	size_t len = strspn(text, digits);
	if (len == 0 || len > 5 || text[len] != '\0')
		return port_wrong;
	long port = strtol(text, NULL, 10);
	if (port > UINT16_MAX)
		return port_wrong;
	out->port = (uint16_t)port;
	return NULL;
}

/* What stands behind the prefix, or NULL where that is not there. */
static const char *
behind(const char *text, const char *prefix)
{
	size_t len = strlen(prefix);
	return strncmp(text, prefix, len) == 0 ? text + len : NULL;
}

/* An endpoint without a port, whose host is all of the text. */
static void
set_whole(const char *text, struct endpoint *out)
{
	struct endpoint endpoint = {.port = 0};
	memcpy(endpoint.host, text, strlen(text));
	memcpy(out, &endpoint, sizeof endpoint);
}

/* A name may be what a service manager takes for one: printable ASCII but a colon, and one word. */
static const char *
parse_passed(const char *text, struct endpoint *out)
{
	size_t len = strlen(text);
	if (len == sizeof passed_prefix - 1)
		return "the name is missing, write it as in fd@logcollectd.socket";
	if (len >= sizeof out->host)
		return "the name is longer than 250 bytes";
	for (size_t i = 0; i < len; i++) {
		if (text[i] <= ' ' || text[i] > '~' || text[i] == ':')
			return "no name of a passed socket, write one as in fd@logcollectd.socket";
	}
	set_whole(text, out);
	return NULL;
}

const char *
endpoint_passed_name(const struct endpoint *endpoint)
{
	return behind(endpoint->host, passed_prefix);
}

const char *
endpoint_parse_local(const char *text, struct endpoint *out)
{
	const char *path = behind(text, local_prefix);
	if (path == NULL || path[0] != '/')
		return "no absolute path, write it as in unix:/run/logcollectd.status";
	if (strlen(path) >= sizeof((struct sockaddr_un *)0)->sun_path)
		return "the path is longer than the 107 bytes that a socket's may have";
	set_whole(text, out);
	return NULL;
}

const char *
endpoint_local_path(const struct endpoint *endpoint)
{
	return behind(endpoint->host, local_prefix);
}

const char *
endpoint_parse(const char *text, struct endpoint *out)
{
	if (behind(text, passed_prefix) != NULL)
		return parse_passed(text, out);
	struct endpoint endpoint = {.host = "0.0.0.0"};
	const char *port = text;
	const char *wrong = NULL;
	if (text[strspn(text, digits)] != '\0') {
		const char *colon = strrchr(text, ':');
		const char *bracket = strrchr(text, ']');
		if (colon == NULL || (bracket != NULL && colon < bracket))
			return "the port is missing, write it as in 127.0.0.1:9000 or [::1]:9000";
		size_t host_len = (size_t)(colon - text);
		if (text[0] == '[' && bracket != NULL && colon == bracket + 1) {
			if (memchr(text, ':', host_len) == NULL)
				return "no IPv6 address within the brackets, write it as in "
				       "[::1]:9000";
			wrong = set_host(text + 1, host_len - 2, &endpoint);
		} else if (memchr(text, ':', host_len) != NULL) {
			return "an IPv6 address stands in brackets, as in [::1]:9000";
		} else {
			wrong = set_host(text, host_len, &endpoint);
		}
		port = colon + 1;
	}
	if (wrong == NULL)
		wrong = endpoint_parse_port(port, &endpoint);
	if (wrong == NULL)
		memcpy(out, &endpoint, sizeof endpoint);
	return wrong;
}

const char *
endpoint_format(const struct endpoint *endpoint, char text[static ENDPOINT_TEXT_MAX])
{
	bool ipv6 = strchr(endpoint->host, ':') != NULL;
	if (endpoint_passed_name(endpoint) != NULL || endpoint_local_path(endpoint) != NULL)
		snprintf(text, ENDPOINT_TEXT_MAX, "%s", endpoint->host);
	else
		snprintf(text, ENDPOINT_TEXT_MAX, ipv6 ? "[%s]:%u" : "%s:%u", endpoint->host,
			(unsigned)endpoint->port);
	return text;
}

bool
endpoint_clash(const struct endpoint *a, const struct endpoint *b)
{
	if (endpoint_passed_name(a) != NULL || endpoint_local_path(a) != NULL)
		return strcmp(a->host, b->host) == 0;
	return a->port != 0 && a->port == b->port && strcasecmp(a->host, b->host) == 0;
}
