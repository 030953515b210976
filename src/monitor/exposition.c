/* SPDX-License-Identifier: ISC */
/* Writes what scrapers read. */
#include "monitor/exposition.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>

static void __attribute__((format(printf, 2, 3)))
put(struct exposition *exposition, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	exposition->failed |= buf_vprintf(exposition->out, format, args) < 0;
	va_end(args);
}

static const char *
suffix_of(enum exposition_type type)
{
	return type == EXPOSITION_COUNTER ? "_total" : type == EXPOSITION_INFO ? "_info" : "";
}

void
exposition_family(struct exposition *exposition, enum exposition_type type, const char *name,
	const char *unit, const char *help)
{
	static const char *const types[] = {"counter", "gauge", "info", "histogram"};
	/* The older format knows samples only, and no infos. */
	const char *suffix = exposition->open_metrics ? "" : suffix_of(type);
	bool plain_info = type == EXPOSITION_INFO && !exposition->open_metrics;
	exposition->family = name;
	exposition->suffix = suffix_of(type);
	put(exposition, "# HELP %s%s %s\n", name, suffix, help);
	put(exposition, "# TYPE %s%s %s\n", name, suffix, plain_info ? "gauge" : types[type]);
	if (unit != NULL && exposition->open_metrics)
		put(exposition, "# UNIT %s %s\n", name, unit);
}

static void
put_name(struct exposition *exposition, const char *labels)
{
	put(exposition, "%s%s", exposition->family, exposition->suffix);
	if (labels != NULL)
		put(exposition, "{%s}", labels);
}

void
exposition_count(struct exposition *exposition, const char *labels, uint64_t count)
{
	put_name(exposition, labels);
	put(exposition, " %" PRIu64 "\n", count);
}

void
exposition_value(struct exposition *exposition, const char *labels, double value)
{
	put_name(exposition, labels);
	put(exposition, " %.15g\n", value);
}

void
exposition_bucket(struct exposition *exposition, int64_t microseconds, uint64_t count)
{
	put(exposition, "%s_bucket{le=\"%" PRId64 ".%06" PRId64 "\"} %" PRIu64 "\n",
		exposition->family, microseconds / 1000000, microseconds % 1000000, count);
}

void
exposition_all(struct exposition *exposition, uint64_t count, uint64_t sum_us)
{
	put(exposition, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", exposition->family, count);
	put(exposition, "%s_sum %" PRIu64 ".%06" PRIu64 "\n", exposition->family, sum_us / 1000000,
		sum_us % 1000000);
	put(exposition, "%s_count %" PRIu64 "\n", exposition->family, count);
}

int
exposition_end(struct exposition *exposition)
{
	if (exposition->open_metrics)
		put(exposition, "# EOF\n");
	if (exposition->failed)
		errno = ENOMEM;
	return exposition->failed ? -1 : 0;
}
