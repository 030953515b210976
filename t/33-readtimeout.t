# SPDX-License-Identifier: ISC
# ReadTimeout: a line that has begun has to arrive in time, however its bytes come; lines that come whole, and silence between
# them, may take as long as they like.
use v5.36;
use Test::More;
use Time::HiRes qw(sleep time);
use LogCollectd;

# Drips the text a byte at a time until it is out or the server closes; in seconds, how long that took.
sub drip ($client, $text, $pause_s) {
	my $began = time;
	for my $byte (split //, $text) {
		last if !$client->send($byte) || $client->eof($pause_s);
	}
	return time - $began;
}

# How many the daemon closed for that reason; it has stopped.
sub closed ($daemon) {
	my %count = $daemon->counted;
	return $count{read_closed};
}

subtest 'one byte at a time' => sub {
	my $daemon = LogCollectd->start(Workers => 1, ReadTimeout => 1);
	my ($dripper, $half, $silent, $whole) = map { $daemon->connect } 1 .. 4;
	$half->send('1' . "\n" . '{"level":');
	my $took = drip($dripper, record(ERROR => 'd' x 1000), 0.02);
	cmp_ok($took, '>', 0.9, 'a client that drips has its time');
	cmp_ok($took, '<', 15,  'and is closed long before it is through, though it has never been silent');
	# A byte that comes while the daemon closes resets the connection.
	is_deeply([grep { $_ ne 'reset' } $dripper->rest], [], 'without a word');
	is_deeply([verdicts $half->rest], ['not_object'], 'so is one that has stopped in the middle of a line');
	# These have been silent for longer than the dripper had.
	is_deeply([verdicts $_->ask(record(ERROR => 'late'))], ['received'], 'a silent one is not') for $silent, $whole;
	for (1 .. 3) {
		ok(!$whole->eof(0.4), 'nor one whose whole lines come slowly');
		is_deeply([verdicts $whole->ask('1')], ['not_object'], 'it is answered');
	}
	is($daemon->stop, 0, 'stops');
	is(closed($daemon), 2, 'the two were counted');
	is_deeply([$daemon->messages], [('late') x 2], 'nothing of their lines was stored');
};

subtest 'each line has its time' => sub {
	# A line takes a third of the limit: what the machine may add to it is not our business.
	my $daemon = LogCollectd->start(Workers => 1, ReadTimeout => 3);
	my $client = $daemon->connect;
	my $began = time;
	my $line  = record(ERROR => 'x' x 20);
	# The read that ends a line begins the next one: there is never a moment without a line begun.
	$client->send(substr $line, 0, 5);
	for my $n (1 .. 5) {
		drip($client, substr($line, 5, -1), 1 / length $line);
		$client->send('}' . "\n" . substr $line, 0, 5);
		is_deeply([verdicts $client->lines(1)], ['received'], "line $n") or last;
	}
	my $took = time - $began;
	cmp_ok($took, '>', 3.2, 'all together they took longer than one may');
	is($daemon->stop, 0, 'stops');
	is(closed($daemon), 0, 'nobody was closed');
};

subtest 'the rest of a line that is too long counts, too' => sub {
	my $daemon = LogCollectd->start(Workers => 1, ReadTimeout => 1, MaxLineLength => 1000);
	my $client = $daemon->connect;
	$client->send('l' x 2000);
	my $took = drip($client, 'l' x 1000, 0.02);
	cmp_ok($took, '<', 15, 'it is closed before it is through');
	is($daemon->stop, 0, 'stops');
	is(closed($daemon), 1, 'and counted');
};

subtest 'it changes while clients are connected' => sub {
	my $daemon = LogCollectd->start(Workers => 1, ReadTimeout => 0);
	my ($first, $second) = map { $daemon->connect } 1 .. 2;
	my $line = record(ERROR => 'x' x 30) . "\n";
	drip($first, $line, 0.02);
	is_deeply([verdicts $first->lines(1)], ['received'], 'without it a line may take long');
	my $reload = sub ($text) {
		my $before = () = $daemon->errors =~ /\breloaded\b/g;
		$daemon->write_conf($daemon->{conf} . $text);
		$daemon->signal('HUP');
		return wait_until { (() = $daemon->errors =~ /\breloaded\b/g) > $before };
	};
	ok($reload->("ReadTimeout 1\n"), 'it is set');
	$_->ask('1') for $first, $second;
	cmp_ok(drip($first, 'x' x 1000, 0.02), '<', 15, 'now a dripping client is closed');
	ok($reload->("ReadTimeout 0\n"), 'it is taken back');
	$second->ask('1');
	my $took = drip($second, $line, 0.02);
	cmp_ok($took, '>', 1, 'and a line');
	is_deeply([verdicts $second->lines(1)], ['received'], 'may take long again');
	is($daemon->stop, 0, 'stops');
	is(closed($daemon), 1, 'one was counted');
};

done_testing;
