/* SPDX-License-Identifier: ISC */
/* Packed frames among plain lines: whole, cut anywhere, broken, bombs. */
#include "core/unpack.h"

#include <stdlib.h>

#include "core/session.h"
#include "lib/packed.h"
#include "unit/tap.h"

enum { FIRST_BYTES = 32, MAX_LINE = 1000, MEBIBYTE = 1024 * 1024 };

struct carrier {
	struct session session;
	struct unpack unpack;
	struct buf told;
	size_t max_line_bytes, largest; /* frame */
};

static void
begin(struct carrier *carrier, size_t max_line_bytes)
{
	*carrier = (struct carrier){.max_line_bytes = max_line_bytes};
	session_init(&carrier->session, FIRST_BYTES, slice_of("client"));
	unpack_init(&carrier->unpack, FIRST_BYTES);
}

static void
feed(struct carrier *carrier, struct slice bytes)
{
	packed_feed(&carrier->session, &carrier->unpack, bytes, carrier->max_line_bytes,
		&carrier->told);
	if (carrier->session.frame.cap > carrier->largest)
		carrier->largest = carrier->session.frame.cap;
}

/* Asserts what came of it all. */
static void
expect_told(struct carrier *carrier, const char *expected)
{
	packed_finish(&carrier->session, &carrier->unpack, carrier->max_line_bytes, &carrier->told);
	const char *told = buf_string(&carrier->told);
	CU_ASSERT_STRING_EQUAL(told, expected);
	if (strcmp(told, expected) != 0)
		printf("# told %.300s\n# not  %.300s\n", told, expected);
	CU_ASSERT(carrier->largest <= carrier->max_line_bytes + 1);
	session_fini(&carrier->session);
	unpack_fini(&carrier->unpack);
	buf_fini(&carrier->told);
}

static void
expect(const struct buf *stream, const char *expected)
{
	struct carrier carrier;
	begin(&carrier, MAX_LINE);
	feed(&carrier, buf_slice(stream));
	expect_told(&carrier, expected);
}

static void
add(struct buf *stream, const char *text)
{
	CU_ASSERT_EQUAL_FATAL(buf_append(stream, slice_of(text)), 0);
}

static void
plain_lines(void)
{
	static const char text[] = "one\n\n two \r\nthr\0ee\n\n\n \0four\nfive";
	static const char told[] = "Lone\nLtwo\nLthr\0ee\nL\0four\nLfive\n";
	for (size_t step = 1; step < sizeof text; step++) {
		struct carrier carrier;
		begin(&carrier, MAX_LINE);
		for (size_t at = 0; at < sizeof text - 1; at += step) {
			size_t left = sizeof text - 1 - at;
			feed(&carrier, (struct slice){text + at, step < left ? step : left});
		}
		packed_finish(&carrier.session, &carrier.unpack, MAX_LINE, &carrier.told);
		CU_ASSERT(slice_equal(
			buf_slice(&carrier.told), (struct slice){told, sizeof told - 1}));
		session_fini(&carrier.session);
		unpack_fini(&carrier.unpack);
		buf_fini(&carrier.told);
	}
}

/* Everything that is good. */
static struct buf
mixed(void)
{
	struct buf stream = {0}, members = {0};
	packed_frame(&stream, slice_of("1\n2\n\n3"));
	add(&stream, "plain\n");
	packed_frame(&stream, slice_of(""));
	packed_frame(&stream, slice_of("no newline"));
	packed_member(&members, slice_of("mem"));
	packed_member(&members, slice_of(""));
	packed_member(&members, slice_of("ber\n4\n"));
	packed_head(&stream, members.len);
	CU_ASSERT_EQUAL_FATAL(buf_append(&stream, buf_slice(&members)), 0);
	packed_frame(&stream, (struct slice){"\0zero\n", 6});
	add(&stream, "\nlast");
	buf_fini(&members);
	return stream;
}

static const char mixed_told[] = "L1\nL2\nL3\nLplain\nLno newline\nLmember\nL4\nL\0zero\nLlast\n";

static void
expect_mixed(struct carrier *carrier)
{
	packed_finish(&carrier->session, &carrier->unpack, MAX_LINE, &carrier->told);
	CU_ASSERT(slice_equal(
		buf_slice(&carrier->told), (struct slice){mixed_told, sizeof mixed_told - 1}));
	CU_ASSERT_PTR_NULL(carrier->unpack.stream);
	session_fini(&carrier->session);
	unpack_fini(&carrier->unpack);
	buf_fini(&carrier->told);
}

static void
cut_anywhere(void)
{
	struct buf stream = mixed();
	for (size_t cut = 0; cut <= stream.len; cut++) {
		struct carrier carrier;
		begin(&carrier, MAX_LINE);
		feed(&carrier, (struct slice){stream.data, cut});
		unpack_cool(&carrier.unpack);
		CU_ASSERT_PTR_NULL(carrier.unpack.data);
		feed(&carrier, (struct slice){stream.data + cut, stream.len - cut});
		expect_mixed(&carrier);
	}
	buf_fini(&stream);
}

static void
byte_by_byte(void)
{
	struct buf stream = mixed();
	struct carrier carrier;
	begin(&carrier, MAX_LINE);
	for (size_t i = 0; i < stream.len; i++)
		feed(&carrier, (struct slice){stream.data + i, 1});
	expect_mixed(&carrier);
	buf_fini(&stream);
}

static void
no_gzip(void)
{
	struct buf stream = {0}, whole = {0};
	packed_head(&stream, 0);
	add(&stream, "a\n");
	packed_head(&stream, 7);
	add(&stream, "garbage");
	add(&stream, "b\n");
	/* what would be behind a member is no other one */
	packed_member(&whole, slice_of("x\ny"));
	packed_head(&stream, whole.len + 3);
	CU_ASSERT_EQUAL_FATAL(buf_append(&stream, buf_slice(&whole)), 0);
	add(&stream, "???c\n");
	expect(&stream, "I\nLa\nI\nLb\nLx\nI\nLc\n");
	buf_fini(&stream);
	buf_fini(&whole);
}

/* Whatever bit of it is wrong: one verdict at most, and what follows is in step. */
static void
any_bit(void)
{
	struct buf frame = {0};
	int refused = 0;
	packed_frame(&frame, slice_of("first\nsecond\nthird\n"));
	size_t first = UNPACK_HEAD_BYTES * 8, bits = frame.len * 8;
	add(&frame, "next\n");
	for (size_t bit = first; bit < bits; bit++) {
		struct buf told = {0};
		struct carrier carrier;
		frame.data[bit / 8] ^= (char)(1 << bit % 8);
		packed_expect(buf_slice(&frame), MAX_LINE, &told);
		const char *expected = buf_string(&told);
		const char *invalid = strstr(expected, "I\n");
		CU_ASSERT_PTR_NOT_NULL(strstr(expected, "Lnext\n"));
		if (invalid != NULL)
			CU_ASSERT_STRING_EQUAL(invalid, "I\nLnext\n");
		refused += invalid != NULL;
		begin(&carrier, MAX_LINE);
		feed(&carrier, buf_slice(&frame));
		expect_told(&carrier, expected);
		frame.data[bit / 8] ^= (char)(1 << bit % 8);
		buf_fini(&told);
	}
	/* But for the bits that mean nothing: time, system and such. */
	CU_ASSERT(refused > (int)(bits - first) / 2);
	buf_fini(&frame);
}

/* A frame that is too short for its gzip by so many bytes, and still in step. */
static void
truncated(void)
{
	struct buf whole = {0};
	packed_member(&whole, slice_of("first\nsecond"));
	for (size_t len = 0; len < whole.len; len++) {
		struct buf stream = {0}, told = {0};
		packed_head(&stream, len);
		CU_ASSERT_EQUAL_FATAL(buf_append(&stream, (struct slice){whole.data, len}), 0);
		add(&stream, "next\n");
		packed_expect(buf_slice(&stream), MAX_LINE, &told);
		CU_ASSERT_PTR_NOT_NULL(strstr(buf_string(&told), "I\nLnext\n"));
		expect(&stream, buf_string(&told));
		buf_fini(&stream);
		buf_fini(&told);
	}
	buf_fini(&whole);
}

/* The FIN within a frame is one refusal, unless it has had it; the line that was under way is dropped. */
static void
cut_off(void)
{
	struct buf stream = {0};
	packed_frame(&stream, slice_of("whole\nhalf"));
	for (size_t len = 1; len < stream.len; len++) {
		struct buf told = {0};
		struct carrier carrier;
		packed_expect((struct slice){stream.data, len}, MAX_LINE, &told);
		CU_ASSERT_PTR_NOT_NULL(strstr(buf_string(&told), "I\n"));
		CU_ASSERT_PTR_NULL(strstr(buf_string(&told), "Lhalf\n"));
		begin(&carrier, MAX_LINE);
		feed(&carrier, (struct slice){stream.data, len});
		expect_told(&carrier, buf_string(&told));
		buf_fini(&told);
	}
	buf_clear(&stream);
	packed_head(&stream, 0xffffff);
	add(&stream, "no gzip at all");
	expect(&stream, "I\n");
	buf_fini(&stream);
}

static void
long_lines(void)
{
	struct buf stream = {0}, text = {0};
	for (int i = 0; i <= MAX_LINE; i++)
		add(&text, "x");
	add(&text, "\nshort\n");
	for (int i = 0; i <= MAX_LINE; i++)
		add(&text, " ");
	add(&text, "\nend");
	packed_frame(&stream, buf_slice(&text));
	expect(&stream, "T\nLshort\nLend\n");
	buf_fini(&stream);
	buf_fini(&text);
}

/* Packs that much of a pattern; returns the frame. */
static struct buf
bomb(const char *pattern, size_t bytes)
{
	struct buf text = {0}, frame = {0};
	size_t len = strlen(pattern) > 0 ? strlen(pattern) : 1;
	while (text.len < bytes)
		CU_ASSERT_EQUAL_FATAL(buf_append(&text, (struct slice){pattern, len}), 0);
	packed_frame(&frame, buf_slice(&text));
	buf_fini(&text);
	CU_ASSERT_EQUAL_FATAL(buf_append(&frame, (struct slice)SLICE("next\n")), 0);
	return frame;
}

static void
bombs(void)
{
	/* of zeros, of nothing at all, of one line without an end that is blank */
	static const char *const patterns[] = {"", "\n", " "};
	for (size_t i = 0; i < 3; i++) {
		struct buf frame = bomb(patterns[i], 10 * MEBIBYTE);
		expect(&frame, "T\nLnext\n");
		buf_fini(&frame);
	}
	/* Half of it is no bomb: zeros are a line that is too long, a blank one is nothing. */
	for (size_t i = 0; i < 3; i++) {
		struct buf frame = bomb(patterns[i], 5 * MEBIBYTE);
		expect(&frame, i == 0 ? "T\nLnext\n" : "Lnext\n");
		buf_fini(&frame);
	}
}

/* Lines that are packed as well as any bomb: those of the first 8 MiB, then one verdict. */
static void
bomb_of_lines(void)
{
	struct buf frame = bomb("{}\n", 12 * MEBIBYTE);
	struct carrier carrier;
	begin(&carrier, MAX_LINE);
	feed(&carrier, buf_slice(&frame));
	packed_finish(&carrier.session, &carrier.unpack, MAX_LINE, &carrier.told);
	const char *told = buf_string(&carrier.told);
	const char *refused = strchr(told, 'T');
	CU_ASSERT_PTR_NOT_NULL_FATAL(refused);
	CU_ASSERT_STRING_EQUAL(refused, "T\nLnext\n");
	size_t lines = (size_t)(refused - told) / strlen("L{}\n");
	CU_ASSERT(lines >= UNPACK_FREE_BYTES / 3 && lines < UNPACK_FREE_BYTES / 3 + MAX_LINE);
	CU_ASSERT(carrier.largest <= MAX_LINE + 1);
	session_fini(&carrier.session);
	unpack_fini(&carrier.unpack);
	buf_fini(&carrier.told);
	buf_fini(&frame);
}

/* The longest frame there is, refused at its first byte, is skipped to its last. */
static void
longest_frame(void)
{
	static char garbage[0xffffff];
	struct carrier carrier;
	struct buf stream = {0};
	packed_head(&stream, sizeof garbage);
	memset(garbage, '\n', sizeof garbage);
	begin(&carrier, MAX_LINE);
	feed(&carrier, buf_slice(&stream));
	feed(&carrier, (struct slice){garbage, sizeof garbage});
	CU_ASSERT_PTR_NULL(carrier.unpack.stream);
	CU_ASSERT(carrier.unpack.cap <= 64 * 1024);
	feed(&carrier, slice_of("next\n"));
	expect_told(&carrier, "I\nLnext\n");
	buf_fini(&stream);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"plain lines pass, also with zeros in them", plain_lines},
		{"plain and packed, cut anywhere", cut_anywhere},
		{"byte by byte", byte_by_byte},
		{"what is no gzip", no_gzip},
		{"any bit wrong", any_bit},
		{"truncated", truncated},
		{"the end of the stream in a frame", cut_off},
		{"lines that are too long", long_lines},
		{"bombs", bombs},
		{"a bomb of lines", bomb_of_lines},
		{"the longest frame", longest_frame},
		{NULL, NULL},
	};
	return tap_main("unpack", cases);
}
