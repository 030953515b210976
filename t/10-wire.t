# SPDX-License-Identifier: ISC
# The wire: every verdict byte for byte, which check comes first, how bytes become lines, and what is
# JSON.  What becomes of an accepted record is in 12-format.t, levels are in 14-levels.t.
use v5.36;
use Socket qw(MSG_OOB);
use Test::More;
use LogCollectd;

my $daemon = LogCollectd->start;

# What each line is told, all on one connection in one send, so that order is tested too.
sub check_lines ($what, @pairs) {
	my (@lines, @expected);
	while (my ($line, $verdict) = splice @pairs, 0, 2) {
		push @lines, $line;
		push @expected, $verdict;
	}
	my @got = verdicts($daemon->ask(@lines));
	is_deeply(\@got, \@expected, $what) and return;
	for my $i (0 .. $#lines) {
		next if ($got[$i] // '') eq $expected[$i];
		diag sprintf '%s: %s instead of %s', quote($lines[$i]), $got[$i] // 'no answer', $expected[$i];
		last;
	}
}

sub quote ($line) {
	return substr($line, 0, 120) =~ s/([^ -~])/sprintf '\\x%02x', ord $1/ger;
}

# A record whose message is this JSON text.
sub message ($json) {
	return qq({"level":"ERROR","message":$json});
}

subtest 'answers, byte for byte' => sub {
	my $client = $daemon->connect;
	my @table = (
		[record(ERROR => 'disk full'), '{"status": "ok", "message": "received"}'],
		[record(DEBUG => 'x'),         '{"status": "ok", "message": "filtered"}'],
		['{"level": "ERROR"',          '{"status": "error", "message": "invalid JSON"}'],
		['["level", "message"]',       '{"status": "error", "message": "expected JSON object"}'],
		['{"level": "ERROR"}', '{"status": "error", "message": "missing required fields: level, message"}'],
	);
	for (@table) {
		my ($line, $answer) = @$_;
		is(($client->ask($line))[0], $answer, $line);
	}
	is(scalar $daemon->log_lines, 1, 'one record is in the file');
};

subtest 'checks come in their order' => sub {
	check_lines(
		'JSON, object, fields, level',
		'[1,]'                          => 'invalid',
		'{"level":"DEBUG","message":}'  => 'invalid',
		'"level message"'               => 'not_object',
		'{"level":"DEBUG"}'             => 'missing',
		'{"level":"no such level"}'     => 'missing',
		'{"level":"no such level","message":"x"}' => 'filtered',
	);
	my $strict = LogCollectd->start(
		RateLimit => 'on', RateLimitMaxRequests => 2, RateLimitWindowSeconds => 600,
		MaxLineLength => 100, UnknownLevel => 'reject');
	my @got = verdicts($strict->ask(
		'', " \t\r", 'x' x 101, '{"level":"odd","message":"x"}', 'x' x 101, '{', record(ERROR => 'x')));
	is_deeply(\@got, [qw(too_long unknown_level limited limited limited)],
		'blank, rate limit, length, the rest');
	is($strict->stop, 0, 'stops');
};

subtest 'members' => sub {
	check_lines(
		'names',
		'{}'                                           => 'missing',
		'{"level":"ERROR"}'                            => 'missing',
		'{"message":"x"}'                              => 'missing',
		'{"Level":"ERROR","message":"x"}'              => 'missing',
		'{"level":"ERROR","MESSAGE":"x"}'              => 'missing',
		'{"level ":"ERROR","message":"x"}'             => 'missing',
		'{"level\u0000":"ERROR","message":"x"}'        => 'missing',
		'{"lev\u0000el":"ERROR","message":"x"}'        => 'missing',
		'{"record":{"level":"ERROR","message":"x"}}'   => 'missing',
		'{"a":[{"level":"ERROR"}],"message":"x"}'      => 'missing',
		'{"\u006cevel":"ERROR","m\u0065ssage":"x"}'    => 'received',
		'{"\u006Ce\u0076el":"ERROR","message":"x"}'    => 'received',
		'{"":1,"x":null,"message":"x","level":"ERROR"}' => 'received',
	);
	check_lines(
		'the last of several counts',
		'{"level":"DEBUG","message":"x","level":"ERROR"}'      => 'received',
		'{"level":"ERROR","message":"x","level":"DEBUG"}'      => 'filtered',
		'{"level":"ERROR","message":"x","\u006cevel":"DEBUG"}' => 'filtered',
		'{"\u006cevel":"DEBUG","message":"x","level":"ERROR"}' => 'received',
	);
	check_lines(
		'values that are no strings',
		(map { (message($_) => 'received') } qw(5 -0.5e+3 true false null [] {}), '{"a":[1,{"b":null}]}'),
		(map { (qq({"level":$_,"message":"x"}) => 'filtered') } qw(5 true null [] {"level":"ERROR"} ["ERROR"])),
		'{"level":null,"message":null}' => 'filtered',
	);
};

subtest 'JSON values that are no objects' => sub {
	check_lines('one of each', map { ($_ => 'not_object') } (
		'1', '0', '-0', '-12.5', '1e5', '1E+05', '0.0e-0', '1e400', '9' x 400, 'true', 'false', 'null',
		'""', '"x"', '"\u0000\ud834\udd1e\ud800"', '"\"\\\\\/\b\f\n\r\t"', "\"\x7f\"", '[]', '[[]]', '[1, "x", null]',
		" [ \t]\r ", '"' . "\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf" . '"',
		'"' . "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf" . '"'));
};

subtest 'no JSON' => sub {
	my @syntax = (
		'{', '}', '[', ']', ',', ':', '"', '\\', '{"a"}', '{"a":}', '{"a":1,}', '{,}', '{"a" 1}', '{1:2}', '{a:1}',
		'{"a":1 "b":2}', '{"a":1;"b":2}', '[1,]', '[,1]', '[1 2]', '[1}', '{"a":1]', '{} {}', '{},', '1 2', '[] x',
		q({'level':'ERROR','message':'x'}), q('x'), '{"a":1}//', '/* x */{}', '{}#', "\xef\xbb\xbf{}",
		"{}\x00", "\x00{}", "[1,\x0b2]", "[1,\x0c2]", "[1,\xc2\xa02]");
	my @literals = qw(nul nulll True TRUE tru truefalse undefined NaN nan Infinity -Infinity inf Null);
	my @numbers = (qw(01 -01 - +1 1. .5 -.5 1.e5 1e 1e+ 1e5.5 0x10 1_000 --1 00), '1,000', "\xd9\xa3");
	my @strings = map { "\"$_\"" } (
		'\x41', '\a', "\\'", '\u12', '\u12g4', '\U0041', '\u 041', '\\', "\x00", "\x01", "\t", "\x1f",
		"\x80", "\xff", "\xfe", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2\x20", "\xe0\x80\x80", "\xe0\x9f\xbf", "\xe2\x82",
		"\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
		"\xf0\x9f\x98", "\xf8\x88\x80\x80\x80");
	check_lines('syntax',   map { ($_ => 'invalid') } @syntax);
	check_lines('literals', map { ($_ => 'invalid', message($_) => 'invalid') } @literals);
	check_lines('numbers',  map { ($_ => 'invalid', message($_) => 'invalid') } @numbers);
	check_lines('strings',  map { ($_ => 'invalid', message($_) => 'invalid') } @strings);
	check_lines('names',    map { ("{$_:1}" => 'invalid') } @strings);
	check_lines('ends of records', map { (substr(record(ERROR => 'x'), 0, $_) => 'invalid') } 1 .. length(record(ERROR => 'x')) - 1);
};

subtest 'nesting' => sub {
	check_lines(
		'128 and 129 deep',
		'[' x 128 . ']' x 128                           => 'not_object',
		'[' x 129 . ']' x 129                           => 'invalid',
		message('[' x 127 . ']' x 127)                  => 'received',
		message('[' x 128 . ']' x 128)                  => 'invalid',
		'{"a":' x 127 . '{}' . '}' x 127                => 'missing',
		'{"a":' x 128 . '{}' . '}' x 128                => 'invalid',
		message('[' . join(',', ('[]') x 1000) . ']')   => 'received',
		'[' x 100_000                                   => 'invalid',
	);
};

subtest 'lines' => sub {
	my @blank = ('', ' ', "\t", "\r", "\x0b\x0c", " \t\x0b\x0c\r ");
	is_deeply([$daemon->ask(@blank)], [], 'blank lines are not answered');
	is_deeply([verdicts $daemon->ask(map { ($_, '1') } @blank)], [('not_object') x @blank], 'nor between others');
	my $record = record(ERROR => 'white space');
	check_lines('white space at both ends', map { ($_ => 'received') }
		"$record\r", " $record", "$record \t", "\x0b\x0c$record\x0c\x0b", "\r\r$record\r\r");

	for my $last ($record, "$record\r", " $record ") {
		my $client = $daemon->connect;
		$client->send($last);
		$client->finish;
		is_deeply([verdicts $client->rest], ['received'], 'a last line without newline');
	}
	my $client = $daemon->connect;
	$client->send("1\n{\"level");
	$client->finish;
	is_deeply([verdicts $client->rest], [qw(not_object invalid)], 'a last line that is cut off');
	$client = $daemon->connect;
	$client->send("1\n \t");
	$client->finish;
	is_deeply([verdicts $client->rest], ['not_object'], 'a last line that is blank');
	is_deeply([$daemon->connect->finish->rest], [], 'a client that sends nothing');
};

subtest 'pipelining' => sub {
	my @kinds = (
		[received => record(INFO => 'p')], [filtered => record(DEBUG => 'p')], [invalid => '{"p":}'],
		[not_object => '"p"'], [missing => '{"p":1}']);
	my @chosen = map { $kinds[($_ * $_ + $_ / 7) % @kinds] } 1 .. 10_000;
	my @got = verdicts $daemon->ask(map { $_->[1] } @chosen);
	is(scalar @got, 10_000, '10000 lines in one send are answered');
	is_deeply(\@got, [map { $_->[0] } @chosen], 'in order');
};

subtest 'byte by byte' => sub {
	my $client = $daemon->connect;
	my $bytes = join "\n", record(ERROR => "byte by byte \xc3\xa4"), '', " 1 \r", '{"a":1}', record(DEBUG => 'x'), 'nul', '';
	for my $byte (split //, $bytes) {
		$client->send($byte);
		wait_until { $client->arrived };
	}
	$client->finish;
	is_deeply([verdicts $client->rest], [qw(received not_object missing filtered invalid)], 'the same verdicts');
};

subtest 'long lines' => sub {
	my $most = 1 << 20;
	my $line = message('"' . 'm' x ($most - length message('""')) . '"');
	is(length $line, $most, 'a line of 1 MiB');
	check_lines(
		'the default limit',
		$line          => 'received',
		"$line "       => 'too_long',
		'1'            => 'not_object',
		'"' . 'm' x (3 * $most) . '"' => 'too_long',
		record(ERROR => 'in step') => 'received',
	);
	my @lines = $daemon->log_lines;
	is(length $lines[-2], length('2026-01-31T12:00:00.123456Z [ERROR] ') + $most - length message('""'), 'is stored whole');
	like($lines[-1], qr/ \[ERROR\] in step\z/, 'and so is the next');
	is($daemon->stop, 0, 'stops');
};

subtest 'MaxLineLength' => sub {
	my $small = LogCollectd->start(MaxLineLength => 512, BufferSize => 64, Workers => 1);
	my $fits = message('"' . 'm' x (512 - length message('""')) . '"');
	my $client = $small->connect;
	is_deeply([verdicts $client->ask($fits)], ['received'], 'exactly as long');
	is_deeply([verdicts $client->ask($fits =~ s/m/mm/r)], ['too_long'], 'one more');
	is_deeply([verdicts $client->ask($fits)], ['received'], 'the stream is in step');
	$client->send(' ' x 5000 . "\n1\n");
	is_deeply([verdicts $client->lines(1)], ['not_object'], 'a blank line may be longer');

	for my $step (1, 7, 511, 512, 513, 4096) {
		my $bytes = 'x' x 2000;
		while (length(my $part = substr $bytes, 0, $step, '')) {
			$client->send($part);
			wait_until { $client->arrived };
		}
		$client->send("\n$fits\n");
		is_deeply([verdicts $client->lines(2)], [qw(too_long received)], "in sends of $step bytes");
	}
	$client->send('y' x 100_000) for 1 .. 20;
	is_deeply([verdicts $client->lines(1)], ['too_long'], 'a line that never ends is told at once');
	$client->finish;
	is_deeply([$client->rest], [], 'and once');

	$client = $small->connect;
	$client->send('z' x 513);
	$client->finish;
	is_deeply([verdicts $client->rest], ['too_long'], 'a last line without newline that is too long');
	is($small->stop, 0, 'stops');
};

subtest 'urgent bytes' => sub {
	my $other = LogCollectd->start(Workers => 1);
	my $client = $other->connect;
	CORE::send $client->socket, "1\n{}\n", MSG_OOB;
	$client->send("2\n");
	is_deeply([verdicts $client->lines(3)], [qw(not_object missing not_object)], 'are bytes like others: no newline is lost');
	is($other->stop, 0, 'stops');
};

done_testing;
