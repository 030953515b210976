# SPDX-License-Identifier: ISC
# Listen … gzip: packed frames beside plain lines, good ones, broken ones and bombs.
use v5.36;
use Compress::Raw::Zlib qw(WANT_GZIP Z_SYNC_FLUSH);
use IO::Compress::Gzip  qw(gzip $GzipError);
use Test::More;
use LogCollectd;

use constant MIB => 1 << 20;

sub packed_frame ($gzip) { return pack('N', length $gzip) . $gzip }

sub member ($text, %how) {
	gzip(\$text, \my $gzip, %how) or die $GzipError;
	return $gzip;
}

# One frame with these lines, the last of which has no newline.
sub frame (@lines) { return packed_frame(member(join "\n", @lines)) }

sub start (%settings) {
	my $options = delete $settings{options} // 'gzip';
	return LogCollectd->start(Workers => 1, Listen => "127.0.0.1:0 $options", %settings);
}

# Sends the bytes and FIN; all answers as verdicts.
sub answers ($daemon, @pieces) {
	my $client = $daemon->connect;
	for my $piece (@pieces) {
		$client->send($piece);
	}
	return [verdicts $client->finish->rest];
}

# The beginning of a gzip that unpacks to this text at once, and more to come.
sub begun ($text) {
	my $deflate = Compress::Raw::Zlib::Deflate->new(-WindowBits => WANT_GZIP, -AppendOutput => 1);
	my $gzip = '';
	$deflate->deflate($text, $gzip);
	$deflate->flush($gzip, Z_SYNC_FLUSH);
	return $gzip;
}

sub memory ($pid) {
	my ($kib) = slurp("/proc/$pid/status") =~ /^VmHWM:\s+(\d+) kB/m;
	return $kib / 1024;
}

subtest 'plain and packed' => sub {
	my $daemon = start();
	my $members = packed_frame(member(record(INFO => 'five') . "\n" . substr(record(INFO => 'six'), 0, 9))
		. member('') . member(substr(record(INFO => 'six'), 9) . "\n\n"));
	is_deeply(answers($daemon,
		record(INFO => 'one') . "\n",
		frame(record(ERROR => 'two'), record(DEBUG => 'x'), '', '{', record(INFO => 'three')),
		record(INFO => 'four') . "\r\n" . $members . frame() . frame("\0"),
		frame(record(INFO => 'seven'), '[]', '{}'), record(INFO => 'eight')),
		[qw(received received filtered invalid received received received received invalid received not_object missing received)],
		'a verdict for each line');
	is_deeply([$daemon->messages], [qw(one two three four five six seven eight)], 'stored in their order');
	is($daemon->stop, 0, 'stops');
	my %count = $daemon->counted;
	is($count{received}, 8, 'counted');
};

subtest 'cut at every byte' => sub {
	my $daemon = start();
	my $stream = record(INFO => 'a') . "\n" . frame(record(INFO => 'b'), record(INFO => 'c')) . frame('{') . record(INFO => 'd') . "\n";
	my $bad = 0;
	for my $cut (1 .. length($stream) - 1) {
		my $client = $daemon->connect;
		$client->send(substr $stream, 0, $cut);
		wait_until { $client->arrived };
		$client->send(substr $stream, $cut);
		my $verdicts = join ' ', verdicts $client->finish->rest;
		$bad++ if $verdicts ne 'received received received invalid received';
	}
	is($bad, 0, 'the same answers');
	is(join('', $daemon->messages), 'abcd' x (length($stream) - 1), 'and records');
	my $client = $daemon->connect;
	$client->send($_) for split //, $stream;
	is_deeply([verdicts $client->lines(5)], [qw(received received received invalid received)], 'byte by byte');
	is($daemon->stop, 0, 'stops');
};

subtest 'without the option' => sub {
	my $daemon = start(options => '');
	my $frame = "\0\0\0\1x\n";
	is_deeply(answers($daemon, $frame . record(INFO => 'a') . "\n"), [qw(invalid received)], 'a zero byte is no JSON');
	is($daemon->stop, 0, 'stops');
	$daemon = start(options => 'gzip noack');
	is_deeply(answers($daemon, frame(record(INFO => 'a')) . frame('{') . packed_frame('x')), [], 'noack: no answers');
	is_deeply([$daemon->messages], ['a'], 'but the record');
	is($daemon->stop, 0, 'stops');
};

subtest 'what is broken' => sub {
	my $daemon = start();
	my $line  = record(INFO => 'whole');
	my $gzip  = member("$line\n$line\nhalf");
	my $after = record(INFO => 'after') . "\n";
	my $spoil = sub ($at) { my $copy = $gzip; substr($copy, $at, 1) ^.= "\x55"; return $copy };
	my %broken = (
		'length 0'             => [''],
		'no gzip'              => ['garbage'],
		'its first byte'       => [$spoil->(0)],
		'zlib, no gzip'        => ["\x78\x9c" . substr $gzip, 2],
		'CRC'                  => [$spoil->(-8), 2],
		'size'                 => [$spoil->(-1), 2],
		'truncated by a byte'  => [substr($gzip, 0, -1), 2],
		'trailing bytes'       => [$gzip . 'x', 2],
		'trailing zeros'       => [$gzip . "\0" x 8, 2],
		'a second one is bad'  => [$gzip . $spoil->(0), 2],
	);
	for my $name (sort keys %broken) {
		my ($packed, $lines) = @{ $broken{$name} };
		is_deeply(answers($daemon, packed_frame($packed) . $after),
			[('received') x ($lines // 0), qw(invalid received)], "$name: one verdict behind the whole lines");
	}
	is_deeply(answers($daemon, substr packed_frame(begun("$line\n$line\nhalf") . 'x' x 1000), 0, -1000), [qw(received received invalid)],
		'the end of the connection within a frame');
	is_deeply(answers($daemon, "$line\n\0\0"), [qw(received invalid)], 'or within its length');
	is_deeply(answers($daemon, pack('N', 0xffffff) . 'x' x 1000), ['invalid'], 'or behind its verdict');
	is($daemon->stop, 0, 'stops');
	unlike($daemon->errors, qr/gzip|inflate/i, 'nothing of it is in the log');
};

subtest 'bombs' => sub {
	my $daemon = start();
	my ($worker) = $daemon->workers;
	my $after = record(INFO => 'after') . "\n";
	is_deeply(answers($daemon, $after), ['received'], 'before');
	my $before = memory($worker);
	my $zeros  = member("\0" x (16 * MIB));
	is_deeply(answers($daemon, packed_frame(member("\0" x (10 * MIB))) . $after), [qw(too_long received)], '10 MiB of zeros');
	is_deeply(answers($daemon, packed_frame($zeros x 64) . $after), [qw(too_long received)], '1 GiB of zeros');
	is_deeply(answers($daemon, packed_frame(member("\n" x (10 * MIB))) . $after), [qw(too_long received)], '10 MiB of nothing');
	is_deeply(answers($daemon, packed_frame(member(record(INFO => 'x') . "\n" . "\n" x (10 * MIB))) . $after),
		[qw(received too_long received)], 'a record before it is stored');
	is_deeply(answers($daemon, packed_frame(member("\n" x (7 * MIB))) . $after), ['received'], '7 MiB are no bomb');
	cmp_ok(memory($worker) - $before, '<', 32, 'in a bounded memory');
	is_deeply([$daemon->messages], [qw(after after after after x after after)], 'the file');
	is($daemon->stop, 0, 'stops');
};

subtest 'the longest frame' => sub {
	my $daemon = start(MaxLineLength => 65536, LogFormat => 'raw');
	# Long lines, not compressed; the last one makes it as long as can be.
	my @lines = map { record(INFO => sprintf('%03d', $_) . 'x' x 65000) } 1 .. 257;
	push @lines, record(INFO => 'last');
	my $pack = sub { member(join("\n", @lines), -Level => 0, -Minimal => 1) };
	for (1 .. 3) {
		my $short = 0xffffff - length $pack->();
		$lines[-1] = record(INFO => 'last' . 'x' x (length($lines[-1]) - length(record(INFO => 'last')) + $short)) if $short;
	}
	my $gzip = $pack->();
	is(length $gzip, 0xffffff, 'has 16 MiB but one byte');
	is_deeply(answers($daemon, packed_frame($gzip) . frame('{')), [('received') x @lines, 'invalid'], 'is taken');
	ok($daemon->log eq join('', map { "$_\n" } @lines), 'every line');
	is_deeply(answers($daemon, packed_frame(member("x" x 70000 . "\n" . $lines[0] . "\n" . "y" x 70000))),
		[qw(too_long received too_long)], 'lines in it have their limit');
	is($daemon->stop, 0, 'stops');
};

subtest '100,000 lines' => sub {
	my $daemon = LogCollectd->start(Workers => 2, Listen => '127.0.0.1:0 gzip');
	my ($clients, $each) = (4, 25_000);
	my @clients = map { $daemon->connect } 1 .. $clients;
	my $bad = 0;
	for my $first (map { $_ * 2500 } 0 .. $each / 2500 - 1) {
		for my $c (1 .. $clients) {
			my @lines = map { record(INFO => "c$c n$_") } $first .. $first + 2499;
			# One in ten of them plain, before and behind the others.
			my $plain = join '', map { "$_\n" } @lines[0 .. 124];
			my $tail  = join '', map { "$_\n" } @lines[-125 .. -1];
			$clients[$c - 1]->send($plain . frame(@lines[125 .. 2374]) . $tail);
		}
	}
	for (@clients) {
		my @answers = $_->finish->rest;
		$bad++ if @answers != $each || grep { $_ ne $ANSWER{received} } @answers;
	}
	is($bad, 0, 'all were received');
	my %next;
	my @wrong = grep { !/^c(\d) n(\d+)\z/ || $2 != $next{$1}++ } $daemon->messages;
	is(scalar @wrong, 0, 'each client\'s are in the file in its order, once');
	is_deeply([map { $next{$_} } 1 .. $clients], [($each) x $clients], 'and whole');
	is($daemon->stop, 0, 'stops');
};

subtest 'the rate limit' => sub {
	my $daemon = start(RateLimit => 'on', RateLimitMaxRequests => 6);
	is_deeply(answers($daemon, frame((record(INFO => 'a')) x 3) . packed_frame('x') . frame((record(INFO => 'b')) x 3) . packed_frame('x') . "1\n"),
		[('received') x 3, 'invalid', qw(received received limited limited limited)], 'a line of a frame is a line, and so is a refusal');
	is($daemon->stop, 0, 'stops');
	my %count = $daemon->counted;
	is_deeply([@count{qw(received invalid limited)}], [5, 1, 3], 'counted');
};

subtest 'a stop within a frame' => sub {
	my $daemon = start();
	my ($worker) = $daemon->workers;
	my $client = $daemon->connect;
	$client->ask(record(INFO => 'served'));
	kill STOP => $worker;
	$client->send(substr packed_frame(begun(join "\n", (record(INFO => 'whole')) x 1000, record(INFO => 'half')) . 'x' x 1000), 0, -1000);
	ok(wait_until { $client->arrived }, 'half a frame has arrived');
	$daemon->signal('TERM');
	kill CONT => $worker;
	is_deeply([verdicts $client->rest], [('received') x 1000], 'its whole lines are answered, and nothing else');
	is($daemon->ended, 0, 'stops');
	is_deeply([$daemon->messages], ['served', ('whole') x 1000], 'and stored');
};

subtest 'ReadTimeout' => sub {
	my $daemon = start(ReadTimeout => 1);
	my @clients = map { $daemon->connect } 1 .. 4;
	my $line = record(INFO => 'x');
	$clients[0]->send("\0\0");
	$clients[1]->send(substr packed_frame(begun("$line\n") . 'x' x 10), 0, -10);
	$clients[2]->send(pack('N', 1000) . 'x' x 10);
	$clients[3]->send(frame($line));
	is_deeply([verdicts $clients[1]->lines(1)], ['received'], 'a line of a frame that stands still');
	is_deeply([verdicts $clients[0]->rest], [], 'a frame that has begun has its time');
	is_deeply([verdicts $clients[1]->rest], [], 'as a line has');
	is_deeply([verdicts $clients[2]->rest], ['invalid'], 'also one that was refused');
	is_deeply([verdicts $clients[3]->lines(1), $clients[3]->ask($line)], [qw(received received)], 'one that is over has no more');
	is($daemon->stop, 0, 'stops');
	my %count = $daemon->counted;
	is($count{read_closed}, 3, 'counted');
};

done_testing;
