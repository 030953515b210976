# SPDX-License-Identifier: ISC
# Clients that are slow, silent, deaf or too many: they cost themselves, nobody else.
use v5.36;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);
use LogCollectd;

# A client that has asked for more than it reads.
sub deaf_client ($daemon) {
	my $client = $daemon->connect(receive => 4096, mute => 1);
	ok($client->clog, 'a client asks a lot and reads nothing');
	return $client;
}

subtest 'a slow reader gets everything' => sub {
	my $daemon = LogCollectd->start(Workers => 1);
	my $slow = $daemon->connect(receive => 4096, mute => 1);
	my $n = 60_000;
	my $left = join '', map { $_ % 10 ? "{}\n" : record(ERROR => $_) . "\n" } 1 .. $n;
	# Each turn it sends what the kernel takes and reads a few answers; others are served in between.
	my ($turns, $served, @answers) = (0, 0);
	while (@answers < $n) {
		$left = $slow->offer($left);
		my @some = $slow->some or last;
		push @answers, verdicts @some;
		next if $turns++ % 50;
		$served++;
		is_deeply([verdicts $daemon->ask('1')], ['not_object'], "others are served after $turns turns");
	}
	cmp_ok($served, '>', 1, 'it took its time');
	is_deeply(\@answers, [map { $_ % 10 ? 'missing' : 'received' } 1 .. $n], 'its answers, in order');
	is_deeply([$daemon->messages], [grep { $_ % 10 == 0 } 1 .. $n], 'its records, in order');
	is($daemon->stop, 0, 'stops');
};

subtest 'a client that never reads' => sub {
	my $daemon = LogCollectd->start(Workers => 1, SendTimeout => 1, ThreadsPerWorker => 2);
	my $deaf = deaf_client($daemon);
	my $other = $daemon->connect;
	is_deeply([verdicts $other->ask(record(ERROR => $_), '1')], [qw(received not_object)], "others are served: $_") for 1 .. 20;
	# Its thread is the second one: only after its end is there room for another client.
	my @visitor = ('busy');
	ok(wait_until { @visitor = verdicts $daemon->ask('1'); "@visitor" eq 'not_object' }, 'SendTimeout gives its thread back');
	my @answers = $deaf->rest;
	cmp_ok(scalar @answers, '<', $deaf->clogged, 'it was closed before it had all its answers');
	is_deeply([verdicts $other->ask('1')], ['not_object'], 'others have noticed nothing');
	is($daemon->stop, 0, 'stops');
	my %count = $daemon->counted;
	my ($counter) = grep { /send/ } keys %count;
	is($counter && $count{$counter}, 1, 'and it was counted');
};

# How many threads each of its workers has, the main thread and a sanitizer's included.
sub threads ($daemon) {
	return map { slurp("/proc/$_/status") =~ /^Threads:\s*(\d+)/m ? $1 : () } $daemon->workers;
}

subtest 'SendTimeout means what it says' => sub {
	my $daemon = LogCollectd->start(Workers => 1, SendTimeout => 4);
	my $other = $daemon->connect;
	$other->ask('1');
	my ($idle) = threads($daemon);
	my $began = time;
	my $deaf = deaf_client($daemon);
	my $clogged = time;
	ok(wait_until { (threads($daemon))[0] == $idle }, 'it is closed');
	my $closed = time;
	cmp_ok($closed - $clogged, '<', 7.5, 'not after twice the time');
	cmp_ok($closed - $began, '>', 3, 'nor at once');
	is($daemon->stop, 0, 'stops');
};

subtest 'a silent client gives its memory back' => sub {
	my $daemon = LogCollectd->start(Workers => 1);
	plan skip_all => 'a sanitizer keeps it' if slurp(LogCollectd::program()) =~ /__[at]san_init/;
	my ($worker) = $daemon->workers;
	my $resident = sub { slurp("/proc/$worker/smaps_rollup") =~ /^Pss_Anon:\s+(\d+)/m ? $1 : 0 };
	my $before = $resident->();
	my @clients = map { $daemon->connect } 1 .. 200;
	my @lines = (record(ERROR => 'x' x 60)) x 1500;
	my $answers = 0;
	$answers += () = $_->ask(@lines) for @clients;
	is($answers, @lines * @clients, 'many clients are busy');
	ok(wait_until { $resident->() - $before < 30 * @clients }, 'then each holds less than 30 KiB')
		or diag(($resident->() - $before) / @clients, ' KiB each');
	is_deeply([verdicts map { $_->ask('1') } @clients], [('not_object') x @clients], 'they are still served');
	is($daemon->stop, 0, 'stops');
};

subtest 'IdleTimeout' => sub {
	my $daemon = LogCollectd->start(IdleTimeout => 1);
	my $began = time;
	my ($silent, $busy, $unfinished) = map { $daemon->connect } 1 .. 3;
	$unfinished->send('1' . "\n" . '{"level":');
	my $answered = 0;
	ok(wait_until { $answered += () = $busy->ask('1'); sleep 0.05; $silent->eof(0.001) }, 'an idle client is closed');
	cmp_ok(time - $began, '>=', 0.9, 'not before its time');
	is_deeply([$silent->rest], [], 'without a word');
	ok(wait_until { $answered += () = $busy->ask('1'); sleep 0.05; $unfinished->eof(0.001) }, 'so is one with half a line');
	cmp_ok($answered, '>', 5, 'one that asks all the time is not');
	is_deeply([verdicts $busy->ask('1')], ['not_object'], 'and goes on');
	is($daemon->stop, 0, 'stops');
};

subtest 'MaxConnectionsPerClient' => sub {
	my $daemon = LogCollectd->start(MaxConnectionsPerClient => 2, Workers => 2);
	my @clients = map { $daemon->connect_to($_) } $daemon->workers;
	is_deeply([verdicts $daemon->connect->rest], ['denied'], 'the third is refused');
	is_deeply([verdicts $daemon->ask('1')], ['denied'], 'also when it has sent something');
	is_deeply([verdicts $_->ask('1')], ['not_object'], 'the first two go on') for @clients;
	my $other = $daemon->connect(local => '127.0.0.2');
	is_deeply([verdicts $other->ask('1')], ['not_object'], 'another address is another client');
	$clients[0]->close;
	ok(wait_until { join(' ', verdicts $daemon->ask('1')) eq 'not_object' }, 'when one has gone there is room again');
	is($daemon->stop, 0, 'stops');
};

subtest 'a client that comes back at once' => sub {
	my $daemon = LogCollectd->start(MaxConnectionsPerClient => 1, Workers => 2);
	my @children;
	for my $address (map { "127.0.0.$_" } 11 .. 14) {
		my $child = fork // die "fork: $!";
		push @children, $child;
		next if $child;
		my $denied = 0;
		for (1 .. 400) {
			my $client = $daemon->connect(local => $address);
			$client->send("1\n");
			my @answers = verdicts $client->finish->rest;
			$denied += "@answers" ne 'not_object';
			$client->close;
		}
		POSIX::_exit($denied > 255 ? 255 : $denied);
	}
	is(waitpid($_, 0) == $_ ? $? >> 8 : 'lost', 0, 'whoever has seen the end of a connection may have another') for @children;
	is($daemon->stop, 0, 'stops');
};

subtest 'ThreadsPerWorker' => sub {
	my $daemon = LogCollectd->start(ThreadsPerWorker => 2, Workers => 2);
	my @clients = map { $daemon->connect_to($_) } ($daemon->workers) x 2;
	is_deeply([verdicts $daemon->connect->rest], ['busy'], 'the fifth of four is refused');
	is_deeply([verdicts $daemon->ask(record(ERROR => 'refused'))], ['busy'], 'also when it has sent something');
	is_deeply([verdicts $_->ask('1')], ['not_object'], 'the four go on') for @clients;
	shift(@clients)->close;
	ok(wait_until { join(' ', verdicts $daemon->ask('1')) eq 'not_object' }, 'when one has gone there is room again');
	is($daemon->log, '', 'nothing of the refused is stored');
	is($daemon->stop, 0, 'stops');
	my %count = $daemon->counted;
	my ($counter) = grep { /busy/ } keys %count;
	cmp_ok($counter && $count{$counter}, '>=', 2, 'they are counted');
};

subtest 'another worker takes a client' => sub {
	my $daemon = LogCollectd->start(ThreadsPerWorker => 2, Workers => 2);
	my ($full) = $daemon->workers;
	my @clients = map { $daemon->connect_to($full) } 1 .. 2;
	push @clients, map { $daemon->connect } 1 .. 2;
	is_deeply([verdicts $_->ask('1')], ['not_object'], 'every thread is used before anybody is refused') for @clients;
	is($daemon->stop, 0, 'stops');
};

done_testing;
