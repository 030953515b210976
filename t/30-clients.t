# SPDX-License-Identifier: ISC
# Many clients at once: each gets its own answers in order, and the file holds every record
# once, whole, in its client's order, whatever other clients do.
use v5.36;
use Test::More;
use LogCollectd;

my $rounds = 4;
my $lines_a_round = 6;

# The nth line of a client and its verdict: a pattern of its own for each client.
sub line_of ($client, $n) {
	my @kinds = (
		[received   => record(ERROR => "client $client line $n")],
		[filtered   => record(DEBUG => "client $client line $n")],
		[invalid    => "client $client line $n"],
		[not_object => qq("client $client line $n")],
		[missing    => qq({"client":$client,"line":$n})],
	);
	my $mix = ($client * 2654435761 + $n * 40503) >> 3;
	return $kinds[$mix % 9 % 5];
}

# Which of the messages are not in the file exactly once.
sub wrong_in_file ($daemon, @messages) {
	my %times;
	$times{$_}++ for $daemon->messages;
	return grep { ($times{$_} // 0) != 1 } @messages;
}

# The lines of each client as the file has them, by client.
sub order_in_file ($daemon) {
	my %order;
	for ($daemon->messages) {
		push @{ $order{$1} }, $2 if /\Aclient (\d+) line (\d+)\z/;
	}
	return \%order;
}

sub test_clients ($count, $resets) {
	my $daemon = LogCollectd->start(Workers => 2);
	my @clients = map { $daemon->connect } 1 .. $count;
	for my $round (0 .. $rounds - 1) {
		for my $id (0 .. $#clients) {
			my @range = map { $round * $lines_a_round + $_ } 0 .. $lines_a_round - 1;
			$clients[$id]->send(join '', map { line_of($id, $_)->[1] . "\n" } @range);
		}
		for (1 .. $resets) {
			my $rude = $daemon->connect;
			$rude->send(record(ERROR => "rude $round") . "\n" . '{"level":"ERR');
			$rude->reset;
		}
	}
	my ($wrong_answers, @stored) = (0);
	for my $id (0 .. $#clients) {
		my @expected = map { line_of($id, $_) } 0 .. $rounds * $lines_a_round - 1;
		my @answers = verdicts $clients[$id]->lines(scalar @expected);
		$wrong_answers++ if "@answers" ne join ' ', map { $_->[0] } @expected;
		push @stored, map { $expected[$_][0] eq 'received' ? "client $id line $_" : () } 0 .. $#expected;
	}
	is($wrong_answers, 0, 'each gets its own answers in order');
	is_deeply([map { $_->finish->rest } @clients], [], 'and nothing else');
	is_deeply([wrong_in_file($daemon, @stored)], [], 'every record is in the file once');
	my $order = order_in_file($daemon);
	is(scalar(grep { my @n = @$_; "@n" ne join ' ', sort { $a <=> $b } @n } values %$order), 0, 'in its client\'s order');
	my @others = grep { !/\Aclient \d+ line \d+\z/ } $daemon->messages;
	is(scalar(grep { !/\Arude \d\z/ } @others), 0, 'and no line is torn');
	cmp_ok(scalar @others, '<=', $rounds * $resets, 'a reset client\'s records are not doubled');
	is($daemon->stop, 0, 'stops');
	my %count = $daemon->counted;
	my $asked = $count * $rounds * $lines_a_round;
	ok($count{lines} >= $asked && $count{lines} <= $asked + 2 * $rounds * $resets, 'all lines are counted');
}

subtest '5 clients'                       => sub { test_clients(5,   0) };
subtest '500 clients'                     => sub { test_clients(500, 0) };
subtest '100 clients and abrupt resets'   => sub { test_clients(100, 25) };

subtest 'connections that come and go' => sub {
	my $daemon = LogCollectd->start(Workers => 2, ThreadsPerWorker => 4);
	my $refused = 0;
	my @sent;
	for my $i (1 .. 300) {
		my @answers = verdicts $daemon->ask(record(ERROR => "visit $i"));
		push @sent, "visit $i" if "@answers" eq 'received';
		$refused++ if "@answers" eq 'busy';
	}
	is(@sent + $refused, 300, 'each is served (or told that all threads are taken)');
	is_deeply([wrong_in_file($daemon, @sent)], [], 'and its record stored');
	cmp_ok($refused, '<', 30, 'threads are free again soon');
	is($daemon->stop, 0, 'stops');
};

done_testing;
