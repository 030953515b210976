# SPDX-License-Identifier: ISC
# What stands in the file, in each of the three formats, and that no client can forge a line or
# drive a terminal through it.
use v5.36;
use Test::More;
use Time::HiRes qw(time);   # the built-in one may be a tick of the kernel's clock behind
use Time::Local qw(timegm);
use LogCollectd;

my $stamp = qr/(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)\.(\d{6})Z/;

sub message ($json) {
	return qq({"level":"ERROR","message":$json});
}

subtest 'text' => sub {
	my $daemon = LogCollectd->start;
	my $before = time;
	is_deeply([verdicts $daemon->ask(record(ERROR => 'disk full'))], ['received'], 'received');
	my $after = time;
	my ($line) = $daemon->log_lines;
	like($line, qr/\A$stamp \[ERROR\] disk full\z/, 'time, level, message');
	my ($year, $month, $day, $hour, $minute, $second, $micros) = $line =~ /\A$stamp/;
	my $then = timegm($second, $minute, $hour, $day, $month - 1, $year) + $micros / 1e6;
	ok($then >= $before - 1e-6 && $then <= $after, 'the time is UTC, now');

	my @cases = (
		# JSON text of the message => how it is written
		['"a\nb"'                => 'a\nb'],
		['"a\tb\rc"'             => 'a\tb\rc'],
		['"\u0000"'              => '\u0000'],
		['"\u001b[31mred"'       => '\u001b[31mred'],
		['"\u001F\u0001"'        => '\u001f\u0001'],
		['"\u007f"'              => '\u007f'],
		["\"\x7f\""              => '\u007f'],
		['"\u0080\u009b\u009f"'  => '\u0080\u009b\u009f'],
		["\"\xc2\x9b31m\xc2\x85\"" => '\u009b31m\u0085'],
		['"\u00a0"'              => "\xc2\xa0"],
		["\"\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80\"" => "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80"],
		['"\u00e4\u20AC\ud83d\ude00"' => "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"],
		['"x\ud800y"'            => "x\xef\xbf\xbdy"],
		['"x\udc00y"'            => "x\xef\xbf\xbdy"],
		['"\ud800\u0041"'        => "\xef\xbf\xbdA"],
		['"\"quoted\""'          => '"quoted"'],
		['"\/"'                  => '/'],
		['""'                    => ''],
		['5'                     => '5'],
		['-1.50e+2'              => '-1.50e+2'],
		['12345678901234567890123' => '12345678901234567890123'],
		['true'                  => 'true'],
		['null'                  => 'null'],
		['{"a":1}'               => '{"a":1}'],
		['{ "a" : [ 1,2 ] }'     => '{ "a" : [ 1,2 ] }'],
		['"x\n2026-01-31T12:00:00.123456Z [CRITICAL] forged"' =>
			'x\n2026-01-31T12:00:00.123456Z [CRITICAL] forged'],
	);
	my @answers = verdicts $daemon->ask(map { message($_->[0]) } @cases);
	is_deeply(\@answers, [('received') x @cases], 'messages of every kind');
	my (undef, @messages) = $daemon->messages;
	is($messages[$_], $cases[$_][1], 'message ' . $cases[$_][0] =~ s/[^ -~]/?/gr) for 0 .. $#cases;
	is(scalar @messages, scalar @cases, 'a line each');

	my $controls = join '', map { sprintf '\u%04x', $_ } 0 .. 0x1f, 0x7f .. 0x9f;
	$daemon->ask(message(qq("$controls")));
	unlike(($daemon->log_lines)[-1], qr/[\x00-\x1f\x7f]|\xc2[\x80-\x9f]/, 'no control character is in the file');

	$daemon->ask('{"level":" warn ","level":"fatal","message":"first","message":"last"}');
	like(($daemon->log_lines)[-1], qr/Z \[CRITICAL\] last\z/, 'canonical level; the last member counts');
	is($daemon->stop, 0, 'stops');
};

subtest 'an unknown level cannot forge a line' => sub {
	my $daemon = LogCollectd->start(UnknownLevel => 'accept');
	my @got = verdicts $daemon->ask(
		'{"level":"x] y\n2026-01-31T12:00:00.123456Z [ERROR","message":"m\u001b"}',
		'{"level":{"a":1},"message":"object"}', '{"level":"\u001b\u009b\u007f","message":"controls"}');
	is_deeply(\@got, [('received') x 3], 'accepted');
	my @lines = $daemon->log_lines;
	is(scalar @lines, 3, 'a line each');
	like($lines[0], qr/\A$stamp \[.*\] m\\u001b\z/, 'time, level, message');
	unlike($daemon->log =~ s/\n//gr, qr/[\x00-\x1f\x7f]|\xc2[\x80-\x9f]/, 'no control character');
	is($daemon->stop, 0, 'stops');
};

subtest 'json' => sub {
	my $daemon = LogCollectd->start(LogFormat => 'json', Listen => ['127.0.0.1:0', '[::1]:0']);
	my @lines = (
		'{"level": "err","message":"x\n\u001b","more":{"n":1.0,"n":12345678901234567890123}}',
		"{\"message\" : null,\t\"level\":\"ALERT\"}",
		"{\"level\":\"info\",\"message\":\"\xc3\xa4\"}",
	);
	is_deeply([verdicts $daemon->ask(map { " $_\r" } @lines)], [('received') x 3], 'received');
	my @levels = qw(ERROR CRITICAL INFO);
	my @stored = $daemon->log_lines;
	for my $i (0 .. $#lines) {
		like($stored[$i],
			qr/\A\{"time": "$stamp", "client": "127\.0\.0\.1", "level": "$levels[$i]", "record": \Q$lines[$i]\E\}\z/,
			"verbatim: $levels[$i]");
	}
	my $client = $daemon->connect(nth => 1);
	is_deeply([verdicts $client->ask(record(ERROR => 'x'))], ['received'], 'over IPv6');
	like(($daemon->log_lines)[-1], qr/"client": "::1"/, 'the address');
	$client = $daemon->connect(local => '127.0.0.9');
	$client->ask(record(ERROR => 'x'));
	like(($daemon->log_lines)[-1], qr/"client": "127\.0\.0\.9"/, 'another');
	is($daemon->stop, 0, 'stops');

	$daemon = LogCollectd->start(LogFormat => 'json', UnknownLevel => 'accept');
	$daemon->ask('{"level":"a\"b\\\\\n","message":"x"}');
	like(($daemon->log_lines)[-1], qr/\A\{"time": "$stamp", "client": "127.0.0.1", "level": "(?:[^"\\]|\\.)*", "record": \{.*\}\}\z/,
		'an unknown level is a JSON string');
	is($daemon->stop, 0, 'stops');
};

subtest 'raw' => sub {
	my $daemon = LogCollectd->start(LogFormat => 'raw');
	my @lines = (record(ERROR => 'x'), "{\"level\":\"fatal\" ,\t\"message\":\"\\n\",\"more\":[1, 2]}");
	$daemon->ask(" $lines[0] ", "\x0b\t$lines[1]\r");
	is_deeply([$daemon->log_lines], \@lines, 'as sent, white space stripped');
	is($daemon->stop, 0, 'stops');
};

subtest 'LogFilename' => sub {
	my $daemon = LogCollectd->start(LogFilename => 'other.log');
	$daemon->ask(record(INFO => 'elsewhere'));
	like(slurp($daemon->dir . '/logs/other.log'), qr/ elsewhere\n\z/, 'is where records go');
	is($daemon->log, '', 'and nowhere else');
	is($daemon->stop, 0, 'stops');
};

subtest 'what was there stays' => sub {
	my $daemon = LogCollectd->new;
	mkdir $daemon->dir . '/logs';
	open my $file, '>', $daemon->dir . '/logs/server.log';
	print {$file} "an old line\na line without its end";
	close $file;
	$daemon->launch;
	$daemon->ask(record(INFO => 'new'));
	my @lines = $daemon->log_lines;
	is_deeply([@lines[0, 1]], ['an old line', 'a line without its end'], 'old lines, the last one ended');
	like($lines[2], qr/ new\z/, 'then the new one');
	is(scalar @lines, 3, 'and that is all');
	is($daemon->stop, 0, 'stops');
};

done_testing;
