# SPDX-License-Identifier: ISC
# Clients that come through the file system: whose file it is and for how long, that such a client is its user, and
# that all that is promised of TCP holds there too.
use v5.36;
use Fcntl qw(LOCK_EX);
use JSON::PP qw(decode_json);
use Socket;
use Test::More;
use Time::HiRes qw(time);
use LogCollectd;

my ($nobody, $nogroup) = (getpwnam 'nobody')[2, 3];
my $logsend = LogCollectd::program('logsend');
my $ctl = LogCollectd::program('logcollectctl');

# A daemon whose first socket is DIR/sock; further settings, its options behind the path.
sub local_daemon ($options, %settings) {
	my $daemon = LogCollectd->new(%settings);
	$daemon->{conf} =~ s/^Listen .*/Listen unix:$daemon->{dir}\/sock $options/m;
	$daemon->write_conf($daemon->{conf} . $daemon->{'-conf'});
	return $daemon;
}

sub path ($daemon) { return "$daemon->{dir}/sock" }
sub mode ($daemon) { return sprintf '%04o', ((stat path($daemon))[2] // 0) & 07777 }

sub reload ($daemon, $conf) {
	my $said = length $daemon->errors;
	$daemon->write_conf($conf);
	$daemon->signal('HUP');
	wait_until { substr($daemon->errors, $said) =~ /reloaded|reload failed/ } or return '';
	return substr $daemon->errors, $said;
}

# Runs code as that user, in a child: true when it returns true.
sub as_user ($uid, $code) {
	my $pid = fork // die "fork: $!";
	if ($pid == 0) {
		$) = "$nogroup $nogroup";
		$> = $< = $uid;
		POSIX::_exit(eval { $code->() } ? 0 : 1);
	}
	waitpid $pid, 0;
	return $? == 0;
}

subtest 'the file' => sub {
	my $daemon = local_daemon('mode=0640')->launch;
	is(mode($daemon), '0640', 'has the mode');
	my $client = $daemon->connect;
	is_deeply([verdicts $client->ask(record(ERROR => 'one'))], ['received'], 'who connects is served');
	my $inode = (stat path($daemon))[1];
	like(reload($daemon, $daemon->{conf} =~ s/mode=0640/mode=0606/r), qr/reloaded/, 'a reload with another mode');
	is(mode($daemon), '0606', 'changes it');
	is((stat path($daemon))[1], $inode, 'of the same file');
	my $bad = $daemon->{conf} =~ s/mode=0640/mode=0600/r . "LogDir /dev/null/x\n";
	like(reload($daemon, $bad), qr/reload failed/, 'a reload that fails');
	is(mode($daemon), '0606', 'changes nothing');
	is_deeply([verdicts $client->ask(record(ERROR => 'two'))], ['received'], 'and who was connected is served on');
	unlink path($daemon);
	like(reload($daemon, $daemon->{conf}), qr/reloaded/, 'a file that was taken away');
	is(mode($daemon), '0640', 'is made again');
	is_deeply([verdicts $daemon->connect->ask(record(ERROR => 'three'))], ['received'], 'and connects');
	unlink path($daemon);
	like(reload($daemon, $daemon->{conf}), qr/ listening on unix:\S+sock\n/, 'also where nothing was changed');
	is_deeply([verdicts $daemon->connect->ask(record(ERROR => 'again'))], ['received'], 'is it made again');
	my $elsewhere = $daemon->{conf} =~ s{/sock}{/other}r;
	like(reload($daemon, $elsewhere), qr/no longer listening on unix:\S+sock\n/, 'a reload that listens elsewhere');
	ok(!-e path($daemon) && -S "$daemon->{dir}/other", 'takes the file away');
	is($daemon->stop, 0, 'stops');
	ok(!-e "$daemon->{dir}/other", 'and so does a stop');

	$daemon->write_conf($daemon->{conf});
	$daemon->launch;
	my @workers = $daemon->workers;
	kill KILL => $daemon->pid;
	$daemon->ended;
	ok(wait_until { !grep { !LogCollectd::gone($_) } @workers }, 'when the supervisor is killed its workers go');
	ok(-S path($daemon), 'a file is left over');
	$daemon->launch;
	is_deeply([verdicts $daemon->ask(record(ERROR => 'four'))], ['received'], 'the next daemon replaces it');
	my ($status, undef, $said) = $daemon->run('-f', $daemon->conf_file);
	is($status, 71, 'but not that of a living one');
	like($said, qr/cannot listen on unix:\S+: Address already in use/, 'and says so');
	is_deeply([verdicts $daemon->ask(record(ERROR => 'five'))], ['received'], 'which serves on');
	is($daemon->stop, 0, 'stops');
	is_deeply([$daemon->messages], [qw(one two three again four five)], 'all stored');
};

subtest 'whose it is' => sub {
	plan skip_all => 'needs root and a user nobody' if $> != 0 || !defined $nobody;
	my $daemon = local_daemon('mode=0600', User => 'nobody')->launch;
	is_deeply([(stat path($daemon))[4, 5]], [$nobody, $nogroup], 'that of the workers, where root has started it');
	my $connects = sub { IO::Socket::UNIX->new(Peer => path($daemon)) };
	ok(as_user($nobody, $connects), 'so that user may connect');
	ok(!as_user(12345, $connects), 'and others may not');
	reload($daemon, $daemon->{conf} =~ s/mode=0600/mode=0666/r);
	ok(as_user(12345, $connects), 'unless the mode says so');
	is_deeply([(stat path($daemon))[4, 5]], [$nobody, $nogroup], 'it still is');
	is($daemon->stop, 0, 'stops');
	ok(!-e path($daemon), 'and is gone');
};

subtest 'who a client is' => sub {
	my $board = sub ($daemon) { "ScoreBoardFile $daemon->{dir}/board\n" };
	my $daemon = local_daemon('', LogFormat => 'json', RateLimit => 'on', RateLimitMaxRequests => 3, RateLimitIPv6Prefix => 1);
	$daemon->write_conf($daemon->{conf} .= $board->($daemon));
	$daemon->launch;
	my @clients = map { $daemon->connect } 1 .. 4;
	my @verdicts = map { verdicts $_->ask(record(ERROR => 'x')) } @clients;
	is_deeply(\@verdicts, [('received') x 3, 'limited'], 'one for the limiter, over all connections');
	is_deeply([map { decode_json($_)->{client} } $daemon->log_lines], [("uid:$>") x 3], 'is its user in the json format');
	my ($status, $out) = $daemon->run_command($ctl, '-f', $daemon->conf_file, 'limits');
	like($out, qr/^uid:$>\s/m, 'and in the limits');
	($status, $out) = $daemon->run_command($ctl, '-f', $daemon->conf_file, 'limits', '--json');
	is(eval { decode_json($out)->[0]{address} }, "uid:$>", 'also as JSON');
	SKIP: {
		skip 'needs root and a user nobody', 1 if $> != 0 || !defined $nobody;
		chmod 0755, $daemon->dir;
		ok(as_user($nobody, sub {
			my ($verdict) = verdicts $daemon->connect->ask(record(ERROR => 'other'));
			return $verdict eq 'received';
		}), 'another user is another client');
	}
	($status, $out) = $daemon->run_command($ctl, '-f', $daemon->conf_file, 'limits', 'reset', "uid:$>");
	is($status, 0, 'limits reset takes it');
	is_deeply([verdicts $clients[3]->ask(record(ERROR => 'again'))], ['received'], 'and it begins anew');
	($status, undef, my $said) = $daemon->run_command($ctl, '-f', $daemon->conf_file, 'limits', 'reset', 'uid:4294967296');
	is($status, 64, 'a number that no user has is refused');
	like($said, qr/as in uid:1000/, 'with what would be right');
	is($daemon->stop, 0, 'stops');

	$daemon = local_daemon('', MaxConnectionsPerClient => 2)->launch;
	my @held = map { $daemon->connect } 1 .. 2;
	is_deeply([map { verdicts $_->ask(record(ERROR => 'x')) } @held], [('received') x 2], 'two connections');
	is_deeply([verdicts $daemon->connect->rest], ['denied'], 'the third is denied, by a line and an end');
	is($daemon->stop, 0, 'stops');
};

subtest 'the end of a connection' => sub {
	my $daemon = local_daemon('')->launch;
	my $client = $daemon->connect;
	$client->send(record(ERROR => 'whole') . "\n" . record(ERROR => 'last, without a newline'));
	$client->finish;
	is_deeply([verdicts $client->rest], [('received') x 2], 'a client that has finished gets its answers, the last line is one');
	my $gone = $daemon->connect;
	$gone->send(record(ERROR => 'who does not wait') . "\n");
	$gone->close;
	ok(wait_until { $daemon->log =~ /who does not wait/ }, 'what one sent that has gone is stored');
	my $half = $daemon->connect;
	$half->ask(record(ERROR => 'x'));
	$half->send('{"level": "ERROR", "message": "half');
	is($daemon->stop, 0, 'a stop');
	is_deeply([$half->rest], [], 'ends who has not finished its line');
	ok(!$half->was_reset, 'with an end, not an error');
	unlike($daemon->log, qr/half/, 'and half a line is none');
};

subtest 'a stop loses nothing' => sub {
	my ($lines, $daemon) = (20_000, local_daemon('')->launch);
	my @workers = $daemon->workers;
	my @clients = map { $daemon->connect } 1 .. 4;
	$_->ask(record(ERROR => 'here')) for @clients;
	kill STOP => @workers;
	# As much as the socket takes, and a client whom nobody has accepted yet.
	push @clients, $daemon->connect;
	my @sent;
	for my $i (0 .. $#clients) {
		my $socket = $clients[$i]->socket;
		my $n = 0;
		while ($n < $lines) {
			my $line = record(ERROR => "$i:$n") . "\n";
			last if (send($socket, $line, MSG_DONTWAIT | MSG_NOSIGNAL) // 0) < length $line;
			$n++;
		}
		$sent[$i] = $n;
	}
	cmp_ok($_, '>', 100, 'lines have arrived') for @sent;
	$daemon->signal('TERM');
	wait_until { !-e path($daemon) };
	kill CONT => @workers;
	my @got = map { scalar(grep { $_ eq 'received' } verdicts $_->rest) } @clients;
	is_deeply(\@got, \@sent, 'each is answered');
	is($daemon->ended, 0, 'it ends');
	my %stored;
	$stored{$_}++ for grep { /:/ } $daemon->messages;
	is_deeply(\%stored, { map { my $i = $_; map { ("$i:$_" => 1) } 0 .. $sent[$i] - 1 } 0 .. $#sent }, 'and stored once');
};

subtest 'many, and slow ones' => sub {
	my $daemon = local_daemon('', SendTimeout => 1, IdleTimeout => 2, ThreadsPerWorker => 4)->launch;
	my $deaf = $daemon->connect(mute => 1);
	my $begun = time;
	ok(!$deaf->send("1\n" x 400_000, 20), 'who reads no answers');
	cmp_ok(time - $begun, '<', 15, 'is not waited for');
	$deaf->close;
	my $client = $daemon->connect;
	$client->send(join '', map { record(ERROR => "line $_") . "\n" } 1 .. 50_000);
	$client->finish;
	is(scalar(grep { $_ eq 'received' } verdicts $client->rest), 50_000, '50,000 lines of one that reads');
	is(scalar(grep { /^line \d+$/ } $daemon->messages), 50_000, 'are stored');
	my $idle = $daemon->connect;
	$idle->ask(record(ERROR => 'x'));
	ok($idle->eof, 'IdleTimeout closes');
	my @held = map { my $c = $daemon->connect; $c->ask(record(ERROR => 'x')); $c } 1 .. 8;
	is_deeply([verdicts $daemon->connect->rest], ['busy'], 'where all is full the next one is told so');
	is($daemon->stop, 0, 'stops');
	like($daemon->errors, qr/send_closed=1\b/, 'it was counted');
};

subtest 'a reload' => sub {
	my $daemon = local_daemon('')->launch;
	my $client = $daemon->connect;
	$client->ask(record(ERROR => 'before'));
	my @old = $daemon->workers;
	like(reload($daemon, $daemon->{conf} =~ s/Workers 2/Workers 3/r), qr/reloaded/, 'new workers');
	is_deeply([verdicts $client->ask(record(ERROR => 'old'))], ['received'], 'the old ones serve their clients on');
	is_deeply([verdicts $daemon->connect->ask(record(ERROR => 'new'))], ['received'], 'the new ones accept');
	$client->finish;
	ok(wait_until { !grep { my $pid = $_; grep { $_ == $pid } @old } $daemon->workers }, 'then the old ones go');
	is($daemon->stop, 0, 'stops');
};

subtest 'logsend and nc' => sub {
	my $daemon = local_daemon('')->launch;
	my $where = 'unix:' . path($daemon);
	my ($status, $out, $err) = $daemon->run_command($logsend, '-h', $where, '-l', 'ERROR', 'by', 'logsend');
	is($status, 0, 'logsend') or diag $err;
	open my $records, '>', "$daemon->{dir}/records" or die $!;
	print $records "line $_\n" for 1 .. 20_000;
	close $records;
	($status) = $daemon->run_command($logsend, '-q', '-h', $where, '-l', 'ERROR', '-f', "$daemon->{dir}/records");
	is($status, 0, 'a file');
	is(scalar $daemon->messages, 20_001, 'is stored');
	my $path = path($daemon);
	SKIP: {
		skip 'there is no nc', 2 if system('command -v nc >/dev/null') != 0;
		my $record = record(ERROR => 'by nc');
		is(`printf '%s' '$record' | nc -N -U $path`, "$ANSWER{received}\n", 'nc -N -U');
		is(($daemon->messages)[-1], 'by nc', 'is stored');
	}
	is($daemon->stop, 0, 'stops');
	($status, undef, $err) = $daemon->run_command($logsend, '-h', $where, '--retries', 0, 'x');
	is($status, 69, 'nobody there');
	like($err, qr/^logsend: unix:\S+: No such file or directory; gave up after 1 try$/m, 'is told');
	($status, undef, $err) = $daemon->run_command($logsend, '-h', 'unix:sock', 'x');
	is($status, 64, 'a path that is none');
	like($err, qr/absolute path/, 'is told');
};

# Its server stops when it has taken lines in and not yet answered them; the next one gets the rest.
subtest 'logsend over a restart' => sub {
	my $daemon = local_daemon('', Workers => 1)->launch;
	my ($worker) = $daemon->workers;
	my ($pipe, $log) = map { "$daemon->{dir}/$_" } 'pipe', 'logs/server.log';
	POSIX::mkfifo($pipe, 0600) or die $!;
	my $pid = $daemon->spawn("$daemon->{dir}/out", "$daemon->{dir}/err",
		$logsend, '-h', 'unix:' . path($daemon), '-l', 'ERROR', '-f', $pipe);
	open my $feed, '>', $pipe or die $!;
	$feed->autoflush;
	print $feed "first\n";
	ok(wait_until { $daemon->log =~ /first/ }, 'it sends');
	open my $file, '<', $log or die $!;
	my $inode = (stat $file)[1];
	flock $file, LOCK_EX;
	print $feed "second\n";
	ok(wait_until { slurp('/proc/locks') =~ /-> FLOCK .*:$inode / }, 'a line is taken in and about to be stored');
	$daemon->signal('TERM');
	ok(wait_until { slurp("/proc/$worker/cmdline") =~ /draining/ }, 'a stop');
	print $feed "third\n";
	ok(wait_until { slurp("/proc/$pid/wchan") =~ /poll/ }, 'it goes on sending');
	close $file;
	is($daemon->ended, 0, 'stops');
	is_deeply([($daemon->messages)[0, 1]], [qw(first second)], 'with what it had taken in');
	$daemon->launch;
	close $feed;
	waitpid $pid, 0;
	is($?, 0, 'logsend is content') or diag slurp("$daemon->{dir}/err");
	is_deeply([$daemon->messages], [qw(first second third)], 'nothing is missing or there twice');
	is($daemon->stop, 0, 'stops');
};

done_testing;
