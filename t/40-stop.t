# SPDX-License-Identifier: ISC
# How the daemon ends: what has arrived is decided, stored and answered; nothing is left over and
# nothing waits for ever.  Workers are stopped (SIGSTOP) where bytes have to be in the
# kernel, unread, at the moment of the signal.
use v5.36;
use Test::More;
use Time::HiRes qw(time);
use LogCollectd;

# Clients with lines outstanding that no worker has read, and what they are to be told.
sub clients_with_lines ($daemon, $count) {
	my @clients = map { $daemon->connect } 1 .. $count;
	$_->ask('1') for @clients;
	kill STOP => $daemon->workers;
	for my $id (0 .. $#clients) {
		$clients[$id]->send(join '', map { record(ERROR => "client $id line $_") . "\n", "{}\n" } 1 .. 100);
	}
	ok(wait_until { !grep { !$_->arrived } @clients }, 'lines have arrived and are not read');
	return @clients;
}

sub check_clients ($daemon, @clients) {
	my @expected = ('received', 'missing') x 100;
	my $wrong = grep { my @got = verdicts $_->rest; "@got" ne "@expected" } @clients;
	is($wrong, 0, 'all are answered, then the connections are closed');
	my @messages = sort $daemon->messages;
	my @sent = map { my $id = $_; map { "client $id line $_" } 1 .. 100 } 0 .. $#clients;
	is_deeply(\@messages, [sort @sent], 'every record is in the file once');
}

for my $name (qw(TERM INT)) {
	subtest "$name drains" => sub {
		my $daemon = LogCollectd->start;
		my $idle = $daemon->connect;
		is_deeply([verdicts $idle->ask('1')], ['not_object'], 'an idle client');
		my @workers = $daemon->workers;
		my @clients = clients_with_lines($daemon, 6);
		$daemon->signal($name);
		kill CONT => @workers;
		check_clients($daemon, @clients);
		is_deeply([$idle->rest], [], 'the idle client is closed');
		is($daemon->ended, 0, 'exit status 0, no process is left over');
	};
}

subtest 'lines of clients that no worker has accepted yet' => sub {
	my $daemon = LogCollectd->start;
	my @workers = $daemon->workers;
	kill STOP => @workers;
	my $client = $daemon->connect;
	$client->send(record(ERROR => 'early') . "\n{}\n");
	ok(wait_until { $client->arrived }, 'lines have arrived');
	$daemon->signal('TERM');
	kill CONT => @workers;
	is_deeply([verdicts $client->rest], [qw(received missing)], 'are answered');
	is_deeply([$daemon->messages], ['early'], 'and stored');
	is($daemon->ended, 0, 'exit status 0');
};

subtest 'the end of the stream' => sub {
	my $daemon = LogCollectd->start;
	my @workers = $daemon->workers;
	my ($finished, $unfinished) = map { $daemon->connect } 1 .. 2;
	$_->ask('1') for $finished, $unfinished;
	kill STOP => @workers;
	my $record = record(ERROR => 'last');
	$finished->send("{}\n$record");
	$finished->finish;
	$unfinished->send("{}\n" . substr $record, 0, 20);
	ok(wait_until { $finished->arrived && $unfinished->arrived }, 'lines have arrived');
	$daemon->signal('TERM');
	kill CONT => @workers;
	is_deeply([verdicts $finished->rest], [qw(missing received)], 'a last line before FIN is a line');
	is_deeply([verdicts $unfinished->rest], ['missing'], 'half a line of a client that has not finished is none');
	is($daemon->ended, 0, 'exit status 0');
	is_deeply([$daemon->messages], ['last'], 'the file');
};

subtest 'pipelining until the end' => sub {
	my $daemon = LogCollectd->start;
	my @clients = map { $daemon->connect } 1 .. 4;
	my @answers = map { [] } @clients;
	my ($n, $before, $short) = (0, 0, 0);
	# The signal comes while lines are on their way in both directions.
	for my $turn (1 .. 40) {
		for my $id (0 .. $#clients) {
			$clients[$id]->send(join '', map { record(ERROR => "client $id line " . ($n + $_)) . "\n" } 1 .. 50);
			push @{ $answers[$id] }, $clients[$id]->some if $turn % 4 == $id;
		}
		$n += 50;
		next if $turn != 20;
		ok(wait_until { !grep { !$_->arrived } @clients }, "$n lines of each client have arrived");
		$before = $n;
		$daemon->signal('TERM');
	}
	is($daemon->ended, 0, 'exit status 0');
	my (@received, $odd);
	for my $id (0 .. $#clients) {
		$clients[$id]->eof;
		my @all = verdicts @{ $answers[$id] }, splice @{ $clients[$id]{lines} };
		$odd += grep { $_ ne 'received' } @all;
		push @received, map { "client $id line $_" } 1 .. @all;
		$short++ if @all < $before;
	}
	is($odd, 0, 'only whole answers');
	is($short, 0, 'every line that had arrived before the signal is answered');
	my %times;
	$times{$_}++ for $daemon->messages;
	is(scalar(grep { ($times{$_} // 0) != 1 } @received), 0, 'every record that was answered is in the file once');
	is(scalar(grep { $_ > 1 } values %times), 0, 'none is doubled');
	is(scalar(grep { !/\Aclient \d line \d+\z/ } keys %times), 0, 'none is torn');
};

# A client that never reads, so that the daemon cannot finish; its worker waits for it.
sub start_clogged (@settings) {
	my $daemon = LogCollectd->start(SendTimeout => 600, @settings);
	my $deaf = $daemon->connect(receive => 4096, mute => 1);
	ok($deaf->clog, 'a client never reads');
	return ($daemon, $deaf);
}

sub refuses_clients ($daemon) {
	return !eval { $daemon->connect };
}

subtest 'GracefulShutdownTimeout' => sub {
	my ($daemon, $deaf) = start_clogged(GracefulShutdownTimeout => 1);
	my $began = time;
	my $status = $daemon->stop;
	my $took = time - $began;
	like($status, qr/\A\d+\z/, 'the supervisor exits by itself');
	cmp_ok($took, '>=', 0.9, 'clients get their time');
	cmp_ok($took, '<', 10, 'and no more');
};

subtest 'a second TERM' => sub {
	for my $second (qw(TERM INT)) {
		my ($daemon, $deaf) = start_clogged(GracefulShutdownTimeout => 600);
		$daemon->signal('TERM');
		ok(wait_until { refuses_clients($daemon) }, 'new clients are refused');
		is($daemon->reap, undef, 'it waits');
		my $began = time;
		$daemon->signal($second);
		like($daemon->ended, qr/\A\d+\z/, "$second ends it");
		cmp_ok(time - $began, '<', 10, 'at once');
	}
};

subtest 'killed in the middle of a write' => sub {
	for my $round (1 .. 3) {
		my $daemon = LogCollectd->start(Workers => 1, MaxLineLength => 40_000_000, GracefulShutdownTimeout => 0);
		my $file = $daemon->dir . '/logs/server.log';
		$daemon->ask(record(ERROR => 'before'));
		my $before = -s $file;
		my $client = $daemon->connect;
		$client->send(record(ERROR => 'x' x 32_000_000) . "\n");
		# Not wait_until: the file grows for a few milliseconds only.
		my $end = time + 30;
		1 until -s $file > $before || time > $end;
		$daemon->signal('TERM');
		is($daemon->ended, 0, 'exit status 0');
		my @lengths = map { length } $daemon->messages;
		like("@lengths", qr/\A6(?: 32000000)?\z/, 'what had been begun is taken back');
	}
};

subtest 'a slow client is waited for' => sub {
	my ($daemon, $slow) = start_clogged(GracefulShutdownTimeout => 30);
	my $arrived = int($slow->clogged - $slow->outstanding / length "1\n");
	$daemon->signal('TERM');
	ok(wait_until { refuses_clients($daemon) }, 'stopping');
	my @answers = $slow->rest;
	my $whole = grep { $_ eq $ANSWER{not_object} } @answers;
	cmp_ok($whole, '>=', $arrived, 'every line that had arrived is answered, although more came after it');
	is($daemon->ended, 0, 'exit status 0');
};

subtest 'the supervisor is killed' => sub {
	# The leak check of a sanitized orphan can hang: the SIGCONT that its process group gets takes away the
	# stop by which the check attaches to it.  Leaks are judged everywhere else.
	my $no_leaks = join ':', $ENV{ASAN_OPTIONS} // (), 'detect_leaks=0';
	my $daemon = LogCollectd->start(-env => { ASAN_OPTIONS => $no_leaks });
	my $port = $daemon->port;
	my @workers = $daemon->workers;
	my $idle = $daemon->connect;
	$idle->ask('1');
	my @clients = clients_with_lines($daemon, 4);
	$daemon->signal('KILL');
	ok(wait_until { gone($daemon->pid) }, 'it is gone');
	kill CONT => @workers;
	check_clients($daemon, @clients);
	is_deeply([$idle->rest], [], 'the idle client is closed');
	ok(wait_until { !grep { !gone($_) } @workers }, 'its workers exit');
	is($daemon->ended, 'signal 9', 'nothing is left over');

	my $next = LogCollectd->start(Listen => "127.0.0.1:$port");
	is($next->port, $port, 'a new daemon starts on the same port');
	is_deeply([verdicts $next->ask('1')], ['not_object'], 'and serves');
	is($next->stop, 0, 'stops');
};

subtest 'the supervisor is killed, and a client never reads' => sub {
	my $daemon = LogCollectd->start(Workers => 1, GracefulShutdownTimeout => 1, SendTimeout => 300);
	my $deaf = $daemon->connect(receive => 4096, mute => 1);
	ok($deaf->clog, 'a client asks a lot and reads nothing');
	$daemon->signal('KILL');
	is($daemon->ended, 'signal 9', 'it is not waited for longer than by a supervisor');
	like($daemon->errors, qr/warning: GracefulShutdownTimeout has passed, worker 1 ends without its supervisor$/m, 'told');
};

subtest 'started again on the same port and file' => sub {
	my $daemon = LogCollectd->start;
	my @clients = map { $daemon->connect } 1 .. 5;
	$_->ask(record(ERROR => 'before')) for @clients;
	is($daemon->stop, 0, 'stops with clients connected');
	my $port = $daemon->port;
	my $conf = slurp($daemon->conf_file);
	$daemon->write_conf($conf =~ s/^Listen .*/Listen 127.0.0.1:$port/mr);
	$daemon->launch;
	is($daemon->port, $port, 'the same port');
	$daemon->ask(record(ERROR => 'after'));
	is_deeply([$daemon->messages], [('before') x 5, 'after'], 'the file goes on');
	is($daemon->stop, 0, 'stops');
};

done_testing;
