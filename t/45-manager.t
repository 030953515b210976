# SPDX-License-Identifier: ISC
# Under a service manager: what it is told (sd_notify), and the sockets that it passes (sd_listen_fds).
use v5.36;
use Test::More;
use Fcntl qw(F_SETFD);
use IO::Socket::IP;
use IO::Socket::UNIX;
use Socket qw(SOCK_DGRAM);
use LogCollectd;

# What a manager hears.
sub manager ($path) {
	my $socket = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => $path) // die "$path: $!";
	$socket->blocking(0);
	return $socket;
}

# The next message that matches; those before it are forgotten.
sub hears ($manager, $pattern) {
	return wait_until {
		while (defined $manager->recv(my $text, 4096)) {
			return $text if $text =~ $pattern;
		}
		return;
	};
}

subtest 'it is told of the states and the figures' => sub {
	my $daemon = LogCollectd->new(GracefulShutdownTimeout => 7);
	my $manager = manager($daemon->dir . '/notify');
	$daemon->{'-env'} = {NOTIFY_SOCKET => $daemon->dir . '/notify', WATCHDOG_USEC => 100_000};
	$daemon->launch;
	ok(hears($manager, qr/^READY=1$/), 'ready');
	$daemon->ask(record(ERROR => 'one'), record(DEBUG => 'two'));
	my $client = $daemon->connect;
	$client->ask(record(ERROR => 'three'));
	ok(hears($manager, qr/^WATCHDOG=1\nSTATUS=1 client, \d+ lines\/s; 3 lines: 2 received, 0 limited, 0 failed$/),
		'lives, with its figures');
	ok(hears($manager, qr/^WATCHDOG=1$/m), "again $_") for 1 .. 3;

	$daemon->signal('HUP');
	ok(hears($manager, qr/^RELOADING=1\nMONOTONIC_USEC=\d+$/m), 'reloads');
	ok(hears($manager, qr/^READY=1$/), 'ready again');
	ok(hears($manager, qr/^STATUS=\d+ client/m), 'with figures');
	$daemon->write_conf($daemon->{conf} . "Workers 3\n");
	$daemon->signal('HUP');
	ok(hears($manager, qr/^RELOADING=1$/m), 'reloads, with new workers');
	ok(hears($manager, qr/^READY=1$/), 'ready again');
	is(scalar(() = $daemon->errors =~ /\breloaded$/mg), 2, 'when it has reloaded');
	$daemon->write_conf("Nonsense\n");
	$daemon->signal('HUP');
	ok(hears($manager, qr/^RELOADING=1$/m), 'reloads nonsense');
	ok(hears($manager, qr/^READY=1$/), 'ready all the same');

	$daemon->signal('TERM');
	ok(hears($manager, qr/^STOPPING=1\n.*^EXTEND_TIMEOUT_USEC=17000000$/ms), 'stops, and how long that may take');
	is($daemon->ended, 0, 'stops');
};

subtest 'a name that is not in the file system' => sub {
	my $daemon = LogCollectd->new;
	my $name = "logcollectd-test-$$";
	my $manager = manager("\0$name");
	$daemon->{'-env'} = {NOTIFY_SOCKET => "\@$name", WATCHDOG_USEC => 100_000, WATCHDOG_PID => 1};
	$daemon->launch;
	ok(hears($manager, qr/^READY=1$/), 'ready');
	is($daemon->stop, 0, 'stops');
	ok(hears($manager, qr/^STOPPING=1$/m), 'told');
};

subtest 'a manager that cannot be told' => sub {
	my $daemon = LogCollectd->start('-env' => {NOTIFY_SOCKET => 'vsock:2:1234'});
	like($daemon->errors, qr/warning: cannot tell the service manager in NOTIFY_SOCKET: /, 'is warned of');
	is($daemon->stop, 0, 'stops');
	$daemon = LogCollectd->start('-env' => {NOTIFY_SOCKET => "/nonexistent", WATCHDOG_USEC => 1000});
	is_deeply([verdicts $daemon->ask(record(ERROR => 'x'))], ['received'], 'or is not there: served all the same');
	is($daemon->stop, 0, 'stops');
};

subtest 'messages for the journal' => sub {
	my $daemon = LogCollectd->new(Workers => 1);
	open my $stderr, '>>', $daemon->dir . '/stderr';
	my ($device, $inode) = stat $stderr;
	$daemon->{'-env'} = {JOURNAL_STREAM => "$device:$inode"};
	$daemon->{sockets} = 0;
	$daemon->launch;
	ok(wait_until { $daemon->errors =~ /^<6>listening on 127\.0\.0\.1:\d+$/m }, 'the severity alone');
	kill KILL => $daemon->workers;
	ok(wait_until { $daemon->errors =~ /^<3>worker 1 \(pid \d+\) was killed by signal 9/m }, 'of errors, too');
	is($daemon->stop, 0, 'stops');
	unlike($daemon->errors, qr/^[^<]/m, 'and of every message');
	$daemon = LogCollectd->start('-env' => {JOURNAL_STREAM => '1:2'});
	like($daemon->errors, qr/Z logcollectd\[\d+\] info: listening on /, 'where stderr is something else, with time and process');
	is($daemon->stop, 0, 'stops');
};

# A command that passes the sockets to the program behind it, named so, from descriptor 3 on.
sub passing ($sockets, $names, $pid = '$$') {
	fcntl $_, F_SETFD, 0 for @$sockets;
	my $fds = join ',', map { fileno $_ } @$sockets;
	return ['perl', '-MFcntl', '-MPOSIX=dup2', '-e', <<~"END", '--'];
		my \@high = map { open my \$socket, '+<&=', \$_ or die; fcntl \$socket, F_DUPFD, 100 } $fds;
		dup2(\$high[\$_], 3 + \$_) for 0 .. \$#high;
		POSIX::close(\$_) for \@high;
		\@ENV{qw(LISTEN_PID LISTEN_FDS LISTEN_FDNAMES)} = ($pid, scalar \@high, '$names');
		exec \@ARGV or die;
		END
}

sub listening (%how) {
	return IO::Socket::IP->new(Listen => 5, LocalHost => '127.0.0.1', LocalPort => 0, %how) // die "socket: $@";
}

sub address ($socket) { return '127.0.0.1:' . $socket->sockport }

subtest 'a socket that is passed is taken for the Listen with its address' => sub {
	my $socket = listening();
	my $daemon = LogCollectd->start(
		Listen => ['127.0.0.1:0', address($socket)], '-wrap' => passing([$socket], 'logcollectd.socket'));
	is(($daemon->addresses)[1][1], $socket->sockport, 'the passed one in its place');
	for my $nth (0, 1) {
		is_deeply([verdicts $daemon->connect(nth => $nth)->ask(record(ERROR => $nth))], ['received'], "served: $nth");
	}
	$daemon->write_conf($daemon->{conf} . "Workers 3\n");
	$daemon->signal('HUP');
	ok(wait_until { $daemon->errors =~ /\breloaded$/m }, 'reloads');
	is_deeply([verdicts $daemon->connect(nth => 1)->ask(record(ERROR => 'again'))], ['received'], 'still served');
	is($daemon->stop, 0, 'stops');
	# Nobody accepts now, and nobody is refused: the next daemon serves who has come meanwhile.
	my $client = LogCollectd::Client->new('127.0.0.1', $socket->sockport);
	$client->send(record(ERROR => 'between two daemons') . "\n");
	$client->finish;
	$daemon->launch;
	is_deeply([verdicts $client->rest], ['received'], 'who came between two daemons is served');
	# Who has not been accepted when it stops has perhaps not sent anything yet.
	my @workers = $daemon->workers;
	kill STOP => @workers;
	wait_until { !grep { (LogCollectd::stat_of($_))[0] ne 'T' } @workers };
	$client = LogCollectd::Client->new('127.0.0.1', $socket->sockport);
	$daemon->signal('TERM');
	ok(wait_until { $daemon->errors =~ /stopping on SIGTERM/ }, 'it is told to stop');
	kill TERM => @workers; # as a service manager does; and so they know it before they go on
	kill CONT => @workers;
	is($daemon->ended, 0, 'stops');
	$daemon->launch;
	is_deeply([verdicts $client->ask(record(ERROR => 'late'))], ['received'], 'who came before it stopped is served by the next');
	is($daemon->stop, 0, 'stops');
};

subtest 'sockets that are passed are taken by their name' => sub {
	my @sockets = map { listening() } 1 .. 3;
	my $daemon = LogCollectd->start(
		Listen => ['fd@a', '127.0.0.1:0', 'fd@b'], '-wrap' => passing(\@sockets, 'b:a:b'), '-conf' => "MinLogLevel ERROR\n");
	wait_until { $daemon->addresses == 4 };
	my @ports = map { $_->[1] } $daemon->addresses;
	is_deeply([@ports[0, 2, 3]], [map { $_->sockport } @sockets[1, 0, 2]], 'all of a name, in their order');
	for my $nth (0 .. 3) {
		is_deeply([verdicts $daemon->connect(nth => $nth)->ask(record(ERROR => $nth))], ['received'], "served: $nth");
	}
	my $open = $daemon->{conf} . "MinLogLevel ERROR\n";
	$daemon->write_conf($open =~ s/^Listen fd\@a\n//mr);
	$daemon->signal('HUP');
	ok(wait_until { $daemon->errors =~ /reload failed/ }, 'one cannot be left out by a reload');
	like($daemon->errors, qr/127\.0\.0\.1:$ports[0] is passed by the service manager and in no Listen directive: write Listen fd\@a$/m,
		'which says why');
	is_deeply([verdicts $daemon->connect->ask(record(ERROR => 'a'))], ['received'], 'still served');
	$daemon->write_conf($open =~ s/^Listen fd\@a$/Listen 127.0.0.1:$ports[0]/mr);
	$daemon->signal('HUP');
	ok(wait_until { $daemon->errors =~ /\breloaded$/m }, 'but taken by its address from then on');
	is_deeply([verdicts $daemon->connect->ask(record(ERROR => 'a'))], ['received'], 'still served');
	is($daemon->stop, 0, 'stops');
};

subtest 'a reload refuses a passed socket twice, as a start does' => sub {
	my $socket = listening();
	my $daemon = LogCollectd->start(Listen => 'fd@web', '-wrap' => passing([$socket], 'web'));
	for my $twice (['fd@web', address($socket)], [address($socket), 'fd@web']) {
		my $before = () = $daemon->errors =~ /reload failed/g;
		my $rest = $daemon->{conf} =~ s/^Listen .*\n//mr;
		$daemon->write_conf($rest . join '', map { "Listen $_\n" } @$twice);
		$daemon->signal('HUP');
		ok(wait_until { $before < (() = $daemon->errors =~ /reload failed/g) }, "@$twice: fails");
		like($daemon->errors, qr/error: cannot listen on \Q$twice->[1]\E: Address already in use$/m, 'and says why');
	}
	is_deeply([verdicts $daemon->ask(record(ERROR => 'x'))], ['received'], 'still served');
	is($daemon->stop, 0, 'stops');
};

sub refused ($what, $exit, $pattern, $wrap, @listen) {
	my $daemon = LogCollectd->new(Listen => \@listen, '-wrap' => $wrap);
	my ($status, $out, $err) = $daemon->run('-f', $daemon->conf_file);
	is($status, $exit, "$what: exit status");
	like($err, $pattern, "$what: told");
}

subtest 'sockets of the file system' => sub {
	my $daemon = LogCollectd->new;
	my $path = "$daemon->{dir}/passed";
	my $socket = IO::Socket::UNIX->new(Listen => 5, Local => $path) // die "socket: $@";
	chmod 0640, $path;
	for my $listen ("unix:$path mode=0600", 'fd@log') {
		my $passed = LogCollectd->start(Listen => ['127.0.0.1:0', $listen], '-wrap' => passing([$socket], 'log'));
		is(($passed->addresses)[1][0], "unix:$path", "$listen takes it");
		is_deeply([verdicts $passed->connect(nth => 1)->ask(record(ERROR => 'x'))], ['received'], 'and serves');
		$passed->write_conf($passed->{conf} . "Workers 3\n");
		$passed->signal('HUP');
		ok(wait_until { $passed->errors =~ /\breloaded$/m }, 'reloads');
		is_deeply([verdicts $passed->connect(nth => 1)->ask(record(ERROR => 'x'))], ['received'], 'still serves');
		is($passed->stop, 0, 'stops');
		ok(-S $path, 'and leaves the file to its owner');
		is(sprintf('%o', (stat $path)[2] & 0777), '640', 'with its mode');
	}
	my $trusted = 'ProxyTrusted 127.0.0.1'; # whom none who connects there can be
	refused('behind a balancer', 78, qr/error: cannot listen on fd\@log: a unix socket takes no proxy/,
		passing([$socket], 'log'), "fd\@log proxy\n$trusted");
	my $plain = LogCollectd->start(Listen => 'fd@log', '-wrap' => passing([$socket], 'log'));
	$plain->write_conf($plain->{conf} =~ s/(fd\@log)/$1 proxy\n$trusted/r);
	$plain->signal('HUP');
	ok(wait_until { $plain->errors =~ /takes no proxy.*reload failed/s }, 'nor by a reload');
	is_deeply([verdicts $plain->ask(record(ERROR => 'x'))], ['received'], 'which changes nothing');
	is($plain->stop, 0, 'stops');
};

subtest 'what does not fit' => sub {
	my $socket = listening();
	my $address = quotemeta address($socket);
	my $all = passing([$socket], 'web');
	refused('in no Listen', 78, qr/error: $address is passed by the service manager and in no Listen directive: write Listen fd\@web$/m,
		$all, '127.0.0.1:0');
	refused('twice', 71, qr/error: cannot listen on fd\@web: Address already in use$/m, $all, address($socket), 'fd@web');
	refused('no such name', 78, qr/error: cannot listen on fd\@logs: no socket of that name was passed$/m, $all, 'fd@logs', 'fd@web');
	refused('nothing passed', 78, qr/error: cannot listen on fd\@web: no socket of that name was passed$/m, [], 'fd@web');
	refused('for another process', 78, qr/cannot listen on fd\@web: no socket of that name was passed$/m,
		passing([$socket], 'web', 1), 'fd@web');
	my $idle = IO::Socket::IP->new(Proto => 'udp', LocalHost => '127.0.0.1', LocalPort => 0);
	refused('no TCP', 78, qr/error: descriptor 3, passed as web: is no stream socket that listens/, passing([$idle], 'web'), 'fd@web');
	open my $null, '<', '/dev/null';
	refused('not as many as it says', 78, qr/error: descriptor \d+, passed as unknown: Bad file descriptor\n\z/,
		[@{ passing([$socket], 'web') }, 'env', 'LISTEN_FDS=2147483644'], 'fd@web');
	refused('no socket', 78, qr/error: descriptor 4, passed as unknown: is no stream socket that listens/,
		passing([$socket, $null], 'web'), 'fd@web');
};

done_testing;
