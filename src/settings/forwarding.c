/* SPDX-License-Identifier: ISC */
/* Forward and its kin: values that are words of the form name=value. */
#include "settings/forwarding.h"

#include <bsd/stdlib.h>
#include <bsd/string.h>
#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "base/modules.h"
#include "base/reason.h"
#include "settings/mistake.h"
#include "settings/value.h"

enum { LINGER_MS_MAX = 60000, DAY_S = 86400, BATCH_BYTES_MIN = 4096, BATCH_BYTES_MAX = 67108864 };

#define SPOOL_BYTES_MAX (INT64_C(1) << 50)

const char *
value_set_forward(const struct directive *directive, struct settings *settings, const char *text,
	struct buf *scratch)
{
	(void)directive;
	char path[MODULES_PATH_MAX] = "";
	struct engine engine;
	const char *wrong = engine_parse(slice_of(text), &engine, scratch);
	if (wrong != NULL)
		return wrong;
	if (engine.scheme[0] != '\0' &&
		(modules_path(engine.scheme, path) == NULL || access(path, R_OK) != 0))
		return reason_format(scratch,
			"cannot read the module %s: %s; it is in the package %s", path,
			mistake_errno(errno), engine_package(engine.scheme));
	memcpy(&settings->forward, &engine, sizeof engine);
	return NULL;
}

int
value_print_forward(const struct directive *directive, const struct settings *settings,
	size_t index, struct buf *out)
{
	(void)directive;
	if (index > 0)
		return 0;
	return engine_print(&settings->forward, out) == 0 ? 1 : -1;
}

/* Where the value of a word goes: text of `size` bytes, or a number. */
struct word {
	const char *name; /* with its '='; NULL behind the last one */
	char *text;
	size_t size;
	int64_t *number, min, max;
};

static const char *
set_number(struct slice value, const struct word *word, struct buf *scratch)
{
	char copy[24] = "";
	const char *wrong = NULL;
	if (value.len > 0 && value.len < sizeof copy)
		memcpy(copy, value.data, value.len);
	long long number = strtonum(copy, word->min, word->max, &wrong);
	if (wrong != NULL)
		return reason_format(scratch,
			"%s must be a whole number from %" PRId64 " to %" PRId64 ", not '%.*s'",
			word->name[0] == '\0' ? "it" : word->name, word->min, word->max,
			(int)(value.len < 64 ? value.len : 64), value.data);
	*word->number = number;
	return NULL;
}

static const char *
set_word(struct slice given, const struct word *words, const char *right, struct buf *scratch)
{
	for (const struct word *word = words; word->name != NULL; word++) {
		size_t len = strlen(word->name);
		if (given.len < len || strncasecmp(given.data, word->name, len) != 0)
			continue;
		struct slice value = {given.data + len, given.len - len};
		if (word->number != NULL)
			return set_number(value, word, scratch);
		if (value.len == 0 || value.len >= word->size)
			return reason_format(scratch, "%s needs a value of 1 to %zu bytes",
				word->name, word->size - 1);
		memset(word->text, 0, word->size);
		memcpy(word->text, value.data, value.len);
		return NULL;
	}
	return reason_format(
		scratch, "'%.*s': %s", (int)(given.len < 64 ? given.len : 64), given.data, right);
}

static const char *
set_words(struct slice text, const struct word *words, const char *right, struct buf *scratch)
{
	struct slice word;
	const char *wrong = NULL;
	while (wrong == NULL && slice_next_word(&text, &word))
		wrong = set_word(word, words, right, scratch);
	return wrong;
}

static bool
is_word(const char *text, const char *word)
{
	return slice_equal_nocase(slice_trim(slice_of(text)), slice_of(word));
}

const char *
value_set_forward_tls(const struct directive *directive, struct settings *settings,
	const char *text, struct buf *scratch)
{
	(void)directive;
	struct forward_tls tls = {.on = !is_word(text, "off")};
	const struct word words[] = {{.name = "ca=", .text = tls.ca, .size = sizeof tls.ca},
		{.name = "cert=", .text = tls.cert, .size = sizeof tls.cert},
		{.name = "key=", .text = tls.key, .size = sizeof tls.key}, {.name = NULL}};
	const char *wrong = NULL;
	if (tls.on && !is_word(text, "on"))
		wrong = set_words(slice_of(text), words,
			"must be on, off, or files as in ca=/etc/ssl/engine.pem cert=/path "
			"key=/path",
			scratch);
	if (wrong == NULL && (tls.cert[0] == '\0') != (tls.key[0] == '\0'))
		wrong = "cert= and key= go together";
	if (wrong == NULL)
		memcpy(&settings->forward_tls, &tls, sizeof tls);
	return wrong;
}

int
value_print_forward_tls(const struct directive *directive, const struct settings *settings,
	size_t index, struct buf *out)
{
	(void)directive;
	const struct forward_tls *tls = &settings->forward_tls;
	if (index > 0)
		return 0;
	if (!tls->on || (tls->ca[0] == '\0' && tls->cert[0] == '\0'))
		return buf_printf(out, tls->on ? "on" : "off") == 0 ? 1 : -1;
	int failed = 0;
	if (tls->ca[0] != '\0')
		failed |= buf_printf(out, "ca=%s%s", tls->ca, tls->cert[0] != '\0' ? " " : "");
	if (tls->cert[0] != '\0')
		failed |= buf_printf(out, "cert=%s key=%s", tls->cert, tls->key);
	return failed == 0 ? 1 : -1;
}

const char *
value_set_forward_auth(const struct directive *directive, struct settings *settings,
	const char *text, struct buf *scratch)
{
	(void)directive;
	struct forward_auth auth = {.user = ""};
	const struct word words[] = {{.name = "user=", .text = auth.user, .size = sizeof auth.user},
		{.name = "passfile=", .text = auth.passfile, .size = sizeof auth.passfile},
		{.name = NULL}};
	static const char right[] =
		"must be off, or as in user=logs passfile=/etc/logcollectd/password";
	const char *wrong = NULL;
	if (!is_word(text, "off"))
		wrong = set_words(slice_of(text), words, right, scratch);
	if (wrong == NULL && (auth.user[0] == '\0') != (auth.passfile[0] == '\0'))
		wrong = "user= and passfile= go together";
	if (wrong == NULL)
		memcpy(&settings->forward_auth, &auth, sizeof auth);
	return wrong;
}

int
value_print_forward_auth(const struct directive *directive, const struct settings *settings,
	size_t index, struct buf *out)
{
	(void)directive;
	const struct forward_auth *auth = &settings->forward_auth;
	if (index > 0)
		return 0;
	int failed = auth->user[0] == '\0'
	                     ? buf_printf(out, "off")
	                     : buf_printf(out, "user=%s passfile=%s", auth->user, auth->passfile);
	return failed == 0 ? 1 : -1;
}

/* A number, then words. */
static const char *
set_number_and_words(struct slice text, const struct word *number, const struct word *words,
	const char *right, struct buf *scratch)
{
	struct slice first;
	if (!slice_next_word(&text, &first))
		return "must not be empty, give a number of bytes";
	const char *wrong = set_number(first, number, scratch);
	return wrong != NULL ? wrong : set_words(text, words, right, scratch);
}

const char *
value_set_forward_batch(const struct directive *directive, struct settings *settings,
	const char *text, struct buf *scratch)
{
	(void)directive;
	struct forward_batch_rule rule = {.linger_ms = FORWARD_LINGER_MS};
	const struct word number = {
		.name = "", .number = &rule.bytes, .min = BATCH_BYTES_MIN, .max = BATCH_BYTES_MAX};
	const struct word words[] = {
		{.name = "linger=", .number = &rule.linger_ms, .min = 0, .max = LINGER_MS_MAX},
		{.name = NULL}};
	const char *wrong = set_number_and_words(slice_of(text), &number, words,
		"must be milliseconds, as in 262144 linger=200", scratch);
	if (wrong == NULL)
		settings->forward_batch = rule;
	return wrong;
}

int
value_print_forward_batch(const struct directive *directive, const struct settings *settings,
	size_t index, struct buf *out)
{
	(void)directive;
	const struct forward_batch_rule *rule = &settings->forward_batch;
	if (index > 0)
		return 0;
	return buf_printf(out, "%" PRId64 " linger=%" PRId64, rule->bytes, rule->linger_ms) == 0
	               ? 1
	               : -1;
}

const char *
value_set_forward_spool_max(const struct directive *directive, struct settings *settings,
	const char *text, struct buf *scratch)
{
	(void)directive;
	static const char right[] = "must be onfull=reject or onfull=drop-oldest";
	struct forward_spool_rule rule = {.bytes = 0};
	char onfull[16] = "reject";
	const struct word number = {
		.name = "", .number = &rule.bytes, .min = 0, .max = SPOOL_BYTES_MAX};
	const struct word words[] = {
		{.name = "onfull=", .text = onfull, .size = sizeof onfull}, {.name = NULL}};
	const char *wrong = set_number_and_words(slice_of(text), &number, words, right, scratch);
	rule.drop_oldest = is_word(onfull, "drop-oldest");
	if (wrong == NULL && !rule.drop_oldest && !is_word(onfull, "reject"))
		wrong = reason_format(scratch, "'%s': %s", onfull, right);
	if (wrong == NULL)
		settings->forward_spool_max = rule;
	return wrong;
}

int
value_print_forward_spool_max(const struct directive *directive, const struct settings *settings,
	size_t index, struct buf *out)
{
	(void)directive;
	const struct forward_spool_rule *rule = &settings->forward_spool_max;
	if (index > 0)
		return 0;
	return buf_printf(out, "%" PRId64 " onfull=%s", rule->bytes,
		       rule->drop_oldest ? "drop-oldest" : "reject") == 0
	               ? 1
	               : -1;
}

const char *
value_set_ack_when(const struct directive *directive, struct settings *settings, const char *text,
	struct buf *scratch)
{
	(void)directive;
	static const char right[] = "must be local, or replicated as in replicated timeout=30";
	struct ack_rule rule = {.timeout_s = FORWARD_ACK_TIMEOUT_S};
	const struct word words[] = {
		{.name = "timeout=", .number = &rule.timeout_s, .min = 1, .max = DAY_S},
		{.name = NULL}};
	struct slice left = slice_of(text), first = SLICE("");
	(void)slice_next_word(&left, &first);
	rule.replicated = slice_equal_nocase(first, (struct slice)SLICE("replicated"));
	if (!rule.replicated && !slice_equal_nocase(first, (struct slice)SLICE("local")))
		return reason_format(scratch, "'%.64s': %s", text, right);
	const char *wrong = set_words(left, words, right, scratch);
	if (wrong == NULL)
		settings->ack_when = rule;
	return wrong;
}

int
value_print_ack_when(const struct directive *directive, const struct settings *settings,
	size_t index, struct buf *out)
{
	(void)directive;
	const struct ack_rule *rule = &settings->ack_when;
	if (index > 0)
		return 0;
	return buf_printf(out, "%s timeout=%" PRId64, rule->replicated ? "replicated" : "local",
		       rule->timeout_s) == 0
	               ? 1
	               : -1;
}

const char *
forwarding_spool(const struct settings *settings, char room[static FORWARDING_SPOOL_BYTES])
{
	if (settings->forward.scheme[0] == '\0' || !settings->policy.persist)
		return NULL;
	if (settings->forward_spool[0] != '\0')
		return settings->forward_spool;
	snprintf(room, FORWARDING_SPOOL_BYTES, "%s/spool", settings->log_dir);
	return room;
}

const char *
forwarding_check(const struct settings *settings, const char **directive)
{
	*directive = "AckWhen";
	if (!settings->ack_when.replicated)
		return NULL;
	if (settings->forward.scheme[0] == '\0')
		return "replicated needs an engine, as in Forward kafka://broker1:9092 topic=logs";
	if (!settings->policy.persist)
		return "replicated needs LogPersistence on: what is not stored is not forwarded";
	if (settings->forward_spool_max.drop_oldest)
		return "replicated cannot be with ForwardSpoolMax onfull=drop-oldest: what was "
		       "dropped was not replicated";
	return NULL;
}
