# SPDX-License-Identifier: ISC
# What the daemon does when the system gives it no more, and that its counters add up.
use v5.36;
use Test::More;
use Time::HiRes qw(time);
use LogCollectd;

my @verdicts = qw(received filtered invalid not_object missing limited too_long unknown_level failed);

sub check_sum ($daemon, $what) {
	my %count = $daemon->counted;
	is_deeply([sort grep { !defined $count{$_} } 'lines', @verdicts], [], "$what: every counter is told");
	my $sum = 0;
	$sum += $count{$_} // 0 for @verdicts;
	is($count{lines}, $sum, "$what: lines is their sum");
	return %count;
}

subtest 'out of descriptors' => sub {
	my $daemon = LogCollectd->start(Workers => 1, -wrap => ['prlimit', '--nofile=48:48', '--']);
	my ($worker) = $daemon->workers;
	my @clients = map { $daemon->connect } 1 .. 80;
	my (@served, @refused, @odd);
	for my $client (@clients) {
		my ($answer) = verdicts $client->ask('1');
		push @{ !defined $answer ? \@odd : $answer eq 'not_object' ? \@served : $answer eq 'busy' ? \@refused : \@odd }, $client;
	}
	cmp_ok(scalar @served,  '>', 10, 'some are served');
	cmp_ok(scalar @refused, '>', 10, 'the others are told that the server is busy');
	is(scalar @odd, 0, 'nobody is left without a word');
	is_deeply([verdicts $_->ask(record(ERROR => 'x'))], ['received'], 'those served go on') for $served[0], $served[-1];
	is(scalar(grep { !$_->eof } @refused), 0, 'the refused are closed');
	$_->close for @clients;
	ok(wait_until { join(' ', verdicts $daemon->ask('1')) eq 'not_object' }, 'when they have gone there is room again');
	is_deeply([$daemon->workers], [$worker], 'no worker has died');
	my $lines = () = $daemon->errors =~ /\n/g;
	cmp_ok($lines, '<', 40, 'its own log has not grown with every refusal');
	is($daemon->stop, 0, 'stops');
	my %count = check_sum($daemon, 'refusals');
	cmp_ok($count{busy} // 0, '>=', scalar @refused, 'refusals are counted');
};

subtest 'one worker is out of descriptors' => sub {
	my $daemon = LogCollectd->start(Workers => 2, -wrap => ['prlimit', '--nofile=48:48', '--']);
	my ($first, $second) = $daemon->workers;
	kill STOP => $second;
	my (@clients, $answer);
	do {
		push @clients, $daemon->connect;
		($answer) = verdicts $clients[-1]->ask('1');
	} while ($answer eq 'not_object' && @clients < 60);
	is($answer, 'busy', 'where no other one takes the client, it is refused');
	# One that is let go on too late, on a slow machine, is refused: then the next one.
	my $left_to_it = sub {
		kill STOP => $second;
		wait_until { (LogCollectd::stat_of($second))[0] eq 'T' };
		push @clients, $daemon->connect;
		my $refused = $clients[-1]->ready(1, 0, time + 0.1);
		kill CONT => $second;
		return !$refused && join(' ', verdicts $clients[-1]->ask('1')) eq 'not_object';
	};
	ok(wait_until { $left_to_it->() }, 'a client that another one could take is left to it');
	is($daemon->stop, 0, 'stops');
};

subtest 'fewer descriptors than workers' => sub {
	my $daemon = LogCollectd->new(Workers => 40, -wrap => ['prlimit', '--nofile=20:20', '--']);
	my $command = $daemon->spawn("$daemon->{dir}/out", "$daemon->{dir}/stderr",
		@{ $daemon->{'-wrap'} }, LogCollectd::program(), '-f', $daemon->conf_file);
	ok(wait_until { $daemon->errors =~ /cannot fork worker \d+: / }, 'is told');
	kill TERM => $command;
	ok(wait_until { gone($command) }, 'the supervisor still hears signals');
};

subtest 'the soft limit of descriptors' => sub {
	my $daemon = LogCollectd->start(Workers => 1, -wrap => ['prlimit', '--nofile=32:256', '--']);
	my @answers = map { [verdicts $_->ask('1')] } my @clients = map { $daemon->connect } 1 .. 100;
	is_deeply(\@answers, [(['not_object']) x 100], 'does not bind');
	is($daemon->stop, 0, 'stops');
};

subtest 'out of threads' => sub {
	plan skip_all => 'needs root' if $> != 0;
	my @nobody = getpwnam 'nobody' or plan skip_all => 'there is no user nobody';
	# RLIMIT_NPROC counts a user's threads everywhere and does not bind root.
	my $uid = 1_000_000 + $$;
	my @wrap = ('setpriv', "--reuid=$uid", "--regid=$uid", '--clear-groups', '--', 'prlimit', '--nproc=30:30', '--');
	my $daemon = LogCollectd->new(Workers => 1, -wrap => \@wrap);
	chown $uid, $uid, $daemon->dir;
	my ($may) = $daemon->run('-V');
	plan skip_all => 'another user may not run the program here' if $may ne 0;
	$daemon->launch;
	my @clients = map { $daemon->connect } 1 .. 60;
	my %answers;
	$answers{ (verdicts $_->ask('1'))[0] // 'none' }++ for @clients;
	cmp_ok($answers{not_object} // 0, '>', 5, 'some are served');
	cmp_ok($answers{busy} // 0,       '>', 5, 'the others are told that the server is busy');
	is(($answers{not_object} // 0) + ($answers{busy} // 0), 60, 'nobody is left without a word');
	$_->close for @clients;
	ok(wait_until { join(' ', verdicts $daemon->ask('1')) eq 'not_object' }, 'when they have gone there is room again');
	is($daemon->stop, 0, 'stops');
	LogCollectd::forget_notes($uid);
};

subtest 'counters add up' => sub {
	my $daemon = LogCollectd->start(Workers => 2, UnknownLevel => 'reject', MaxLineLength => 1000,
		RateLimit => 'on', RateLimitMaxRequests => 700, RateLimitWindowSeconds => 600,
		-wrap => ['prlimit', '--fsize=4096', '--']);
	my @lines = (
		record(ERROR => 'x'), record(DEBUG => 'x'), '{', '[]', '{"a":1}', 'y' x 1001, record(odd => 'x'),
		'', " \t\r", record(WARN => 'z' x 900));
	my %told;
	$told{$_}++ for map { verdicts $daemon->ask((@lines) x 10) } 1 .. 10;
	is(scalar(grep { !$told{$_} } @verdicts), 0, 'every verdict was given') or diag explain \%told;
	is($daemon->stop, 0, 'stops');
	my %count = check_sum($daemon, 'all verdicts');
	is($count{lines}, 800, 'every line that is not blank is counted');
	is($count{$_}, $told{$_}, "as many $_ as were told") for @verdicts;
};

done_testing;
