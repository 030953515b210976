# SPDX-License-Identifier: ISC
# Workers that die: replaced at once, and neither the file, the counters, the limiter nor the other
# workers' clients notice.
use v5.36;
use Test::More;
use LogCollectd;

sub title ($pid) {
	return slurp("/proc/$pid/cmdline") =~ s/\0+\z//r =~ s/\0/ /gr;
}

# Waits until there are `count` workers and this one is not among them.
sub replaced ($daemon, $dead, $count) {
	return wait_until { my @now = $daemon->workers; @now == $count && !grep { $_ == $dead } @now };
}

subtest 'process titles' => sub {
	my $daemon = LogCollectd->start(Workers => 2);
	my ($first, $second) = $daemon->workers;
	like(title($daemon->pid), qr/logcollectd.*supervisor/, 'the supervisor');
	like(title($_), qr/logcollectd.*worker/, 'a worker') for $first, $second;
	my @clients = map { $daemon->connect_to($first) } 1 .. 3;
	push @clients, $daemon->connect_to($second);
	ok(wait_until { title($first) =~ /\b3 clients\b/ }, 'one has 3 clients') or diag title($first);
	ok(wait_until { title($second) =~ /\b1 client\b/ }, 'the other has 1 client') or diag title($second);
	$_->close for @clients;
	ok(wait_until { title($first) =~ /\b0 clients\b/ }, 'then none') or diag title($first);
	is($daemon->stop, 0, 'stops');
};

subtest 'a worker is killed under load' => sub {
	my $daemon = LogCollectd->start(Workers => 2);
	my ($victim, $survivor) = $daemon->workers;
	my @doomed = map { $daemon->connect_to($victim) } 1 .. 5;
	my @others = map { $daemon->connect_to($survivor) } 1 .. 5;
	my @clients = (@doomed, @others);
	my @answers = map { [] } @clients;
	my $turns = 30;
	for my $turn (1 .. $turns) {
		for my $id (0 .. $#clients) {
			$clients[$id]->send(join '', map { record(ERROR => "client $id line $turn.$_") . "\n" } 1 .. 100);
		}
		kill KILL => $victim if $turn == 15;
	}
	for my $id (0 .. $#clients) {
		$clients[$id]->finish if $id >= @doomed;
		$clients[$id]->eof;
		push @{ $answers[$id] }, verdicts splice @{ $clients[$id]{lines} };
	}
	is_deeply($answers[$_], [('received') x (100 * $turns)], "client $_ has all its answers") for 5 .. 9;
	my $cut = grep { @{ $answers[$_] } < 100 * $turns } 0 .. 4;
	is($cut, 5, 'the clients of the dead worker have lost their connections');

	my %times;
	$times{$_}++ for $daemon->messages;
	my @lost;
	for my $id (0 .. $#clients) {
		my @lines = map { my $turn = $_; map { "client $id line $turn.$_" } 1 .. 100 } 1 .. $turns;
		push @lost, grep { ($times{$_} // 0) != 1 } @lines[0 .. $#{ $answers[$id] }];
	}
	is_deeply(\@lost, [], 'everything that was answered `received` is in the file once');
	is(scalar(grep { $_ > 1 } values %times), 0, 'nothing is doubled');
	is(scalar(grep { !/\Aclient \d line \d+\.\d+\z/ } keys %times), 0, 'nothing is torn');

	ok(replaced($daemon, $victim, 2), 'the worker is replaced');
	is(scalar(grep { $_ == $survivor } $daemon->workers), 1, 'the other one is as it was');
	my ($new) = grep { $_ != $survivor } $daemon->workers;
	my $client = $daemon->connect_to($new);
	is_deeply([verdicts $client->ask(record(ERROR => 'served again'))], ['received'], 'the new one serves');
	is(($daemon->messages)[-1], 'served again', 'and stores');
	is($daemon->stop, 0, 'stops');
};

subtest 'counters and limits survive' => sub {
	my $daemon = LogCollectd->start(
		Workers => 2, RateLimit => 'on', RateLimitMaxRequests => 50, RateLimitWindowSeconds => 600);
	for my $kill (1 .. 2) {
		my ($victim) = $daemon->workers;
		my $client = $daemon->connect_to($victim);
		is_deeply([verdicts $client->ask(('{}') x 19)], [('missing') x 19], 'lines pass');
		kill KILL => $victim;
		ok(replaced($daemon, $victim, 2), 'its worker is killed and replaced');
		ok($client->eof, 'the client knows');
	}
	my @got = verdicts $daemon->ask(('{}') x 30);
	is_deeply(\@got, [('missing') x 10, ('limited') x 20], 'the window goes on');
	is($daemon->stop, 0, 'stops');
	my %count = $daemon->counted;
	is_deeply([@count{qw(lines missing filtered limited)}], [70, 48, 2, 20], 'no counter has gone back');
};

subtest 'places of dead clients are free again' => sub {
	my $daemon = LogCollectd->start(Workers => 2, MaxConnectionsPerClient => 2);
	my ($victim) = $daemon->workers;
	my @clients = map { $daemon->connect_to($victim) } 1 .. 2;
	is_deeply([verdicts $daemon->ask('1')], ['denied'], 'all connections of a client are taken');
	kill KILL => $victim;
	ok(wait_until { join(' ', verdicts $daemon->ask('1')) eq 'not_object' }, 'until their worker dies');
	is($daemon->stop, 0, 'stops');
};

subtest 'all workers at once, several times' => sub {
	my $daemon = LogCollectd->start(Workers => 3);
	for my $round (1 .. 2) {
		my %before = map { $_ => 1 } $daemon->workers;
		kill KILL => keys %before;
		ok(wait_until { 3 == grep { !$before{$_} } $daemon->workers }, "round $round: replaced");
		is_deeply([verdicts $daemon->ask(record(ERROR => $round))], ['received'], 'and serving');
	}
	is_deeply([$daemon->messages], [1, 2], 'the file');
	is($daemon->stop, 0, 'stops');
};

subtest 'started by one who ignores the death of children' => sub {
	my $daemon = LogCollectd->start(Workers => 2,
		-wrap => [$^X, '-e', '$SIG{CHLD} = "IGNORE"; exec @ARGV', '--']);
	my ($victim) = $daemon->workers;
	kill KILL => $victim;
	ok(replaced($daemon, $victim, 2), 'a worker is replaced');
	is($daemon->stop, 0, 'stops');
};

# As the first process of a container is given the orphans of all others.
subtest 'a child that the daemon has not started' => sub {
	my $daemon = LogCollectd->start(Workers => 2, -wrap => ['sh', '-c', 'sleep 600 & exec "$@"', 'sh']);
	my ($stranger) = grep { title($_) =~ /^sleep / } $daemon->left_over;
	my ($victim) = $daemon->workers;
	kill KILL => $stranger, $victim;
	ok(wait_until { !-e "/proc/$stranger" }, 'is reaped when it has died');
	ok(replaced($daemon, $victim, 2), 'and a worker that dies with it is replaced');
	is($daemon->stop, 0, 'stops');
};

subtest 'a worker that dies while the daemon stops' => sub {
	my $daemon = LogCollectd->start(Workers => 2);
	my ($victim, $survivor) = $daemon->workers;
	my @clients = map { $daemon->connect_to($_) } $victim, $survivor;
	kill STOP => $victim, $survivor;
	$clients[1]->send("{}\n");
	ok(wait_until { $clients[1]->arrived }, 'a line has arrived');
	$daemon->signal('TERM');
	kill KILL => $victim;
	ok(wait_until { gone($victim) }, 'one worker is dead');
	kill CONT => $survivor;
	is_deeply([verdicts $clients[1]->rest], ['missing'], 'the other one finishes');
	like($daemon->ended, qr/\A\d+\z/, 'nothing is left over');
};

done_testing;
