/* SPDX-License-Identifier: ISC */
/* From the settings to net/tls.h. */
#include "super/secrets.h"

#include "base/clock.h"
#include "base/errlog.h"
#include "super/credentials.h"
#include "super/notice.h"

static bool
is_wanted(const struct settings *settings)
{
	for (int64_t i = 0; i < settings->listen_count; i++) {
		if (settings->listen[i].options & LISTEN_TLS)
			return true;
	}
	return false;
}

int
secrets_load(const struct settings *settings, struct tls_tickets *tickets, struct tls **out,
	struct buf *errors, struct buf *warnings)
{
	const struct tls_plan plan = {
		.certificate_file = settings->tls_certificate_file,
		.key_file = settings->tls_certificate_key_file,
		.client_ca_file = settings->tls_client_ca_file,
		.ciphers = settings->tls_ciphers,
		.verify = (enum tls_verify)settings->tls_verify_client,
		.protocols = (unsigned)settings->tls_protocols,
		.tickets = tickets,
	};
	*out = NULL;
	if (!is_wanted(settings))
		return 0;
	*out = tls_load(&plan, errors, warnings);
	return *out == NULL ? -1 : 0;
}

int
secrets_open(const struct settings *settings, struct tls_tickets *tickets, struct tls **out)
{
	struct buf errors = {0}, warnings = {0};
	int result = secrets_load(settings, tickets, out, &errors, &warnings);
	notice_lines(&errors, errlog_error);
	notice_lines(&warnings, errlog_warn);
	buf_fini(&errors);
	buf_fini(&warnings);
	return result;
}

/* Lines that begin with a directive, each behind the place where that was said. */
static void
print_placed(FILE *out, const struct settings_loaded *loaded, struct buf *lines)
{
	char name[64];
	for (size_t at = 0; at < lines->len;) {
		const char *line = lines->data + at;
		const char *end = memchr(line, '\n', lines->len - at);
		int len = (int)(end == NULL ? lines->len - at : (size_t)(end - line));
		snprintf(name, sizeof name, "%.*s", len, line);
		name[strcspn(name, ":")] = '\0';
		const char *place = settings_place(loaded, name);
		fprintf(out, "%s%s%.*s\n", place == NULL ? "" : place, place == NULL ? "" : ": ",
			len, line);
		at += (size_t)len + 1;
	}
	buf_fini(lines);
}

int
secrets_test(const struct settings_loaded *loaded, FILE *out)
{
	struct buf errors = {0}, warnings = {0};
	struct tls *tls;
	int result = secrets_load(&loaded->settings, NULL, &tls, &errors, &warnings);
	result |= credentials_check(&loaded->settings, &errors, &warnings);
	print_placed(out, loaded, &errors);
	print_placed(out, loaded, &warnings);
	tls_free(tls);
	return result;
}

void
secrets_forget(struct tls **tls)
{
	tls_free(*tls);
	*tls = NULL;
}

int
secrets_run_timers(const struct supervisor_plan *plan)
{
	if (*plan->tls == NULL)
		return -1;
	return tls_tickets_run_timers(plan->shared->secrets, clock_mono_ms());
}
