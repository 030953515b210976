/* SPDX-License-Identifier: ISC */
/* The page: the figures stand where the template wants them, and what is not ours is text. */
#include "monitor/html.h"

#include "unit/tap.h"

static struct worker_reading worker = {.slot = 0,
	.seen = {.pid = 4711,
		.state = SLOT_SERVING,
		.clients = 3,
		.most_clients = 9,
		.totals.counts = {[VERDICT_RECEIVED] = 5, [COUNT_LINES] = 7}}};
static struct limiter_client client = {.address = {{[10] = 0xff, 0xff, 192, 0, 2, 7}},
	.limited = 4,
	.used = 2,
	.is_limited = true};
static struct addresses limited = {.items = &client, .count = 1};
static struct rates_row rows[] = {
	{.name = "total", .values = {[RATES_LINES] = 1.5, [RATES_VERDICTS] = 12345}},
	{.name = "4711", .values = {[RATES_LINES] = 0.7}},
};
static const struct rates rates = {.rows = rows, .count = 2, .workers = 1};

static struct look
look(void)
{
	return (struct look){
		.reading = {.pid = 42,
			.workers = &worker,
			.worker_count = 1,
			.totals.counts = {[VERDICT_RECEIVED] = 1234567, [COUNT_LINES] = 1234568},
			.info = {.state = BOARD_RUNNING,
				.reloaded_us = 1000000,
				.reload_errors = 1}},
		.readiness = {.ready = true},
		.rates = &rates,
		.limited = &limited,
		.limited_count = 1,
	};
}

static void
expect(const char *page, const char *part)
{
	bool found = strstr(page, part) != NULL;
	CU_ASSERT_TRUE(found);
	if (!found)
		printf("# not there: %s\n# in: %s\n", part, page);
}

static void
figures(void)
{
	struct look seen = look();
	struct buf out = {0};
	CU_ASSERT_EQUAL(html_page(&out, slice_of("<a><!--figures--><b>"), &seen), 0);
	const char *page = buf_string(&out);
	CU_ASSERT_EQUAL(strncmp(page, "<a><section", 11), 0);
	CU_ASSERT_STRING_EQUAL(page + strlen(page) - 3, "<b>");
	expect(page, "<th scope=\"row\">lines</th><td>1234568</td><td>1.5</td>");
	expect(page, "<th scope=\"row\">received</th><td>1234567</td><td>12.3k</td>");
	expect(page,
		"<th scope=\"row\">4711</th><td><span class=\"state serving\">serving</span></td>"
		"<td>3 of 9</td><td>0.7</td><td>7</td><td>5</td><td>0</td>");
	expect(page, "<th scope=\"row\">192.0.2.7</th><td><span class=\"state limited\">limited"
		     "</span></td><td>4</td><td>2</td>");
	expect(page, "<dt>pid</dt><dd>42</dd>");
	expect(page, "<dt>ready</dt><dd>yes</dd>");
	expect(page, "<dt>last reload</dt><dd>failed, 1970-01-01T00:00:01Z\n");
	buf_fini(&out);
}

static void
texts(void)
{
	struct look seen = look();
	struct buf out = {0};
	snprintf(seen.reading.info.errors, sizeof seen.reading.info.errors,
		"<script>alert(\"1\")</script>\n'&amp;'\x1b[1m");
	snprintf(seen.reading.info.listening, sizeof seen.reading.info.listening, "<i>:1\n");
	seen.readiness = (struct readiness){.count = 2, .why = {"a<b", "c>d"}};
	CU_ASSERT_EQUAL(html_page(&out, slice_of("<!--figures-->"), &seen), 0);
	const char *page = buf_string(&out);
	expect(page, "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;\n&#39;&amp;amp;&#39;?[1m");
	expect(page, "<dd>&lt;i&gt;:1\n</dd>");
	expect(page, "<dd>no: a&lt;b, c&gt;d</dd>");
	CU_ASSERT_PTR_NULL(strstr(page, "<script"));
	CU_ASSERT_PTR_NULL(strstr(page, "<i>"));
	buf_fini(&out);
}

/* Every table, and the page of a daemon of which nothing is known. */
static void
nothing(void)
{
	struct look seen = {.rates = &rates};
	struct buf out = {0};
	CU_ASSERT_EQUAL(html_page(&out, slice_of("<!--figures-->"), &seen), 0);
	const char *page = buf_string(&out);
	expect(page, "<dt>last reload</dt><dd>none yet</dd>");
	expect(page, "<table id=\"workers\">");
	expect(page, "<table id=\"addresses\">");
	buf_clear(&out);
	CU_ASSERT_EQUAL(html_page(&out, slice_of("no place"), &seen), 0);
	CU_ASSERT_STRING_EQUAL(buf_string(&out), "no place");
	buf_fini(&out);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"figures in their place", figures},
		{"texts stay texts", texts},
		{"nothing to show", nothing},
		{NULL, NULL},
	};
	return tap_main("html", cases);
}
