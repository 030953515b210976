# SPDX-License-Identifier: ISC
# LevelField, MessageField, LevelNumbers: lines of programs that call things otherwise.
use v5.36;
use Test::More;
use LogCollectd;

# What becomes of the lines.
sub told ($daemon, @lines) {
	return [verdicts $daemon->ask(@lines)];
}

sub reload ($daemon, $text) {
	my $before = () = $daemon->errors =~ /\breloaded\b/g;
	$daemon->write_conf($daemon->{conf} . $text);
	$daemon->signal('HUP');
	return wait_until { (() = $daemon->errors =~ /\breloaded\b/g) > $before };
}

subtest 'names of shippers' => sub {
	my $daemon = LogCollectd->start(
		LevelField => 'severity lvl log.level level', MessageField => 'msg message log');
	is_deeply(told($daemon,
		'{"severity":"ERROR","msg":"one"}',
		'{"log":"two","lvl":"warn"}',
		'{"log.level":"error","message":"three","log":"not this"}',
		'{"level":"ERROR","message":"four"}',
		'{"level":"DEBUG","lvl":"DEBUG","msg":"five","severity":"fatal"}',
		'{"severity":"DEBUG","severity":"INFO","lvl":"DEBUG","message":"no","msg":"six","message":"no"}',
		'{"sever\\u0069ty":"INFO","m\\u0073g":"sev\\u0065n"}'),
		[('received') x 7], 'the first name that is there counts, the last of its kind');
	is_deeply(told($daemon,
		'{"severity":"DEBUG","level":"ERROR","msg":"x"}',
		'{"severity":null,"level":"ERROR","msg":"x"}'),
		[qw(filtered filtered)], 'also where its value is no good');
	is_deeply(told($daemon,
		'{"Severity":"ERROR","msg":"x"}',
		'{"log":{"level":"ERROR","log.level":"ERROR"},"msg":"x"}',
		'{"log.leve":"ERROR","msg":"x"}',
		'{"severity":"ERROR","Msg":"x"}',
		'{}'),
		[('missing') x 5], 'names are exact and at the top');
	is_deeply([$daemon->messages], [qw(one two three four five six seven)], 'stored');
	my @levels = map { /\[(\w+)\]/ } $daemon->log_lines;
	is_deeply(\@levels, [qw(ERROR WARNING ERROR ERROR CRITICAL INFO INFO)], 'with their levels');
	is($daemon->stop, 0, 'stops');
};

subtest 'the standard names are replaced' => sub {
	my $daemon = LogCollectd->start(LevelField => 'lvl');
	is_deeply(told($daemon, record(ERROR => 'x'), '{"lvl":"ERROR","message":"y"}'), [qw(missing received)], 'level');
	is($daemon->stop, 0, 'stops');
};

subtest 'a name may be the level and the message' => sub {
	my $daemon = LogCollectd->start(LevelField => 'event', MessageField => 'event', LogFormat => 'json');
	is_deeply(told($daemon, '{"event":"panic"}'), ['received'], 'received');
	like(($daemon->log_lines)[0], qr/"level": "CRITICAL", "record": \{"event":"panic"\}/, 'stored');
	is($daemon->stop, 0, 'stops');
};

# The first letters of the levels that each value is stored with: as a number, a string, and with white space around.
sub known ($numbers, @values) {
	my $daemon = LogCollectd->start(LevelNumbers => $numbers, MinLogLevel => 'DEBUG', UnknownLevel => 'reject');
	my @lines = map { my $n = $_; map { qq({"level":$_,"message":"$n"}) } $n, qq("$n"), qq(" $n ") } @values;
	my @verdicts = verdicts $daemon->ask(@lines);
	my %level;
	for ($daemon->log_lines) {
		my ($level, $n) = /\[(\w+)\] (.*)/ or next;
		$level{$n} .= substr $level, 0, 1;
	}
	is((grep { $_ eq 'unknown_level' } @verdicts) + $daemon->log_lines, scalar @lines, "$numbers: all others are unknown");
	is($daemon->stop, 0, 'stops');
	return join ' ', map { $level{$_} // '-' } @values;
}

subtest 'numbers' => sub {
	is(known(none   => 0, 3, 30), '- - -', 'none');
	is(known(syslog => 0 .. 9), join(' ', map { $_ x 3 } qw(C C C E W I I D)) . ' - -', 'syslog');
	is(known(pino   => 0, 9, 10, 20, 29, 30, 39, 40, 49, 50, 59, 60, 61, 100),
		'- - ' . join(' ', map { $_ x 3 } qw(D D D I I W W E E C)) . ' - -', 'pino');
	my $daemon = LogCollectd->start(LevelNumbers => 'pino', MessageField => 'msg', LogFormat => 'json');
	is_deeply(told($daemon,
		'{"level":50,"time":1531171074631,"pid":657,"hostname":"web","msg":"hello"}',
		'{"level":20,"msg":"x"}', '{"level":50.0,"msg":"x"}', '{"level":5e1,"msg":"x"}', '{"level":-50,"msg":"x"}',
		'{"level":"050","msg":"x"}', '{"level":"error","msg":"by name"}'),
		['received', ('filtered') x 5, 'received'], 'a line of pino; plain numbers only');
	like(($daemon->log_lines)[0], qr/"level": "ERROR", "record": \{"level":50,/, 'the name of its level');
	is($daemon->stop, 0, 'stops');
};

subtest 'a reload reaches clients that are connected' => sub {
	my $daemon = LogCollectd->start(Workers => 2);
	my @clients = map { $daemon->connect_to($_) } $daemon->workers;
	my $line = '{"severity":3,"msg":"m","level":"INFO","message":"standard"}';
	is_deeply([verdicts $_->ask($line)], ['received'], 'before') for @clients;
	ok(reload($daemon, "LevelField severity\nMessageField msg\n"), 'other names');
	is_deeply([verdicts $_->ask($line)], ['filtered'], 'whose level is none') for @clients;
	ok(reload($daemon, "LevelField severity\nMessageField msg\nLevelNumbers syslog\n"), 'numbers');
	is_deeply([verdicts $_->ask($line)], ['received'], 'are levels now') for @clients;
	ok(reload($daemon, ''), 'back');
	is_deeply([verdicts $_->ask($line, '{"severity":3,"msg":"m"}')], [qw(received missing)], 'to the standard') for @clients;
	is_deeply([$daemon->messages], [qw(standard standard m m standard standard)], 'stored');
	is($daemon->stop, 0, 'stops');
};

subtest 'what is no name' => sub {
	my $daemon = LogCollectd->new;
	my @bad = (
		['LevelField'              => qr/LevelField: takes one argument, name \.\.\., not 0/],
		['LevelField ""'           => qr/LevelField: .*a name is missing/],
		['MessageField a b a'      => qr/MessageField: 'a': stands twice, remove one of them/],
		['MessageField 1 2 3 4 5 6 7 8 9' => qr/MessageField: '9': 8 names are the most/],
		['LevelField ' . 'x' x 64  => qr/LevelField: 'x{64}': longer than 63 bytes/],
		['LevelNumbers bunyan'     => qr/LevelNumbers: must be none, pino or syslog, not 'bunyan'/],
	);
	$daemon->write_conf(join '', map { "$_->[0]\n" } @bad);
	my ($status, $out, $err) = $daemon->run('-t', '-f', $daemon->conf_file);
	is($status, 78, 'is an error');
	my $n = 0;
	for (@bad) {
		my ($line, $what) = @$_;
		$n++;
		like($err . $out, qr/:$n: $what/, $line);
	}
};

done_testing;
