# SPDX-License-Identifier: ISC
# Faults that last: hundreds of records fail, clients are told, the counters grow, the daemon's own log does not, and all is
# well by itself when the fault has gone.
use v5.36;
use Test::More;
use LogCollectd;

my $ctl = LogCollectd::program('logcollectctl');

sub start (%settings) {
	my $daemon = LogCollectd->new(Workers => 2, %settings);
	$daemon->write_conf($daemon->{conf} .= "ScoreBoardFile $daemon->{dir}/board\n");
	return $daemon->launch;
}

sub reopen ($daemon) {
	my ($status, $out, $err) = $daemon->run_command($ctl, '-s', "$daemon->{dir}/board", '-t', 25, 'reopen');
	return ($status, $out . $err);
}

sub reload ($daemon, $text, $said = qr/\breloaded\b/) {
	my $before = () = $daemon->errors =~ /$said/g;
	$daemon->write_conf($daemon->{conf} . $text);
	$daemon->signal('HUP');
	return wait_until { (() = $daemon->errors =~ /$said/g) > $before };
}

# How often the daemon has said that.
sub told ($daemon, $what) { return scalar(() = $daemon->errors =~ /$what/g) }

# Every worker's clients, hundreds of times.
sub check_failing ($daemon, $clients, $reason) {
	my %got;
	for my $n (1 .. 150) {
		$got{$_}++ for verdicts map { $_->ask(record(ERROR => "lost $n"), record(DEBUG => 'x')) } @$clients;
	}
	is_deeply(\%got, { failed => 150 * @$clients, filtered => 150 * @$clients }, 'only storing fails, each time');
	is(told($daemon, qr/cannot store records: /), 1, 'one of the workers tells it, once');
	is(told($daemon, qr/cannot store records: $reason/), 1, "with its reason: $reason");
	return 150 * @$clients;
}

sub check_recovered ($daemon, $clients, $failed) {
	is_deeply([verdicts map { $_->ask(record(ERROR => 'after')) } @$clients], [('received') x @$clients], 'it ends by itself');
	is(scalar(grep { $_ eq 'after' } $daemon->messages), scalar @$clients, 'the records are there');
	is(scalar(grep { /lost/ } $daemon->messages), 0, 'those that failed are not');
	is(told($daemon, qr/records are stored again/), 1, 'which is told');
	is($daemon->stop, 0, 'stops');
	my %count = $daemon->counted;
	is($count{failed}, $failed, 'counted: failed');
	is($count{storage_errors}, $failed, 'counted: storage_errors');
}

sub clients_of ($daemon) { return [map { $daemon->connect_to($_) } $daemon->workers] }

subtest 'a file system that is mounted read-only' => sub {
	plan skip_all => 'needs root, unshare and mount'
		if system('unshare --mount -- mount -t tmpfs none /mnt 2>/dev/null') != 0;
	my $daemon = LogCollectd->new(Workers => 2, -private => 1);
	my $logs   = "$daemon->{dir}/logs";
	mkdir $logs;
	$daemon->{'-wrap'} = ['unshare', '--mount', '--', 'sh', '-c', 'mount -t tmpfs none "$1" && shift && exec "$@"', 'sh', $logs];
	$daemon->launch;
	my $remount = sub ($how) { system('nsenter', '-m', '-t', $daemon->pid, '--', 'mount', '-o', "remount,$how", $logs) == 0 };
	is_deeply([verdicts $daemon->ask(record(ERROR => 'before'))], ['received'], 'before');
	# The kernel only does this while no file is open for writing: between two generations of workers.
	my @dead = $daemon->workers;
	$daemon->signal('STOP');
	kill KILL => @dead;
	# A process seems dead before the last of its threads has let go.
	open my $stderr, '>&', \*STDERR;
	open STDERR, '>', '/dev/null';
	ok(wait_until { $remount->('ro') }, 'remounted read-only');
	open STDERR, '>&', $stderr;
	$daemon->signal('CONT');
	ok(wait_until { 2 == grep { my $pid = $_; !grep { $_ == $pid } @dead } $daemon->workers }, 'the dead workers are replaced');
	my $clients = clients_of($daemon);
	my $failed  = check_failing($daemon, $clients, 'Read-only file system');
	ok($remount->('rw'), 'remounted');
	is_deeply([verdicts map { $_->ask(record(ERROR => 'after')) } @$clients], [('received') x 2], 'it ends by itself');
	is_deeply([$daemon->messages], [qw(before after after)], 'the file');
	is(told($daemon, qr/records are stored again/), 1, 'which is told');
	is($daemon->stop, 0, 'stops');
	my %count = $daemon->counted;
	is($count{storage_errors}, $failed, 'counted: storage_errors');
};

subtest 'the log directory is gone, and something else in its place' => sub {
	my $daemon  = start();
	my $clients = clients_of($daemon);
	my $logs    = "$daemon->{dir}/logs";
	is_deeply([verdicts map { $_->ask(record(ERROR => 'before')) } @$clients], [('received') x 2], 'before');
	rename $logs, "$logs.away";
	unlink "$logs.away/server.log";
	open my $file, '>', $logs or die $!;
	my $failed = check_failing($daemon, $clients, 'Not a directory');
	is((reopen($daemon))[0], 0, 'reopen has nothing to wait for: nobody has a file');
	unlink $logs;
	check_recovered($daemon, $clients, $failed);
};

subtest 'a file-size limit that comes and goes' => sub {
	my $daemon  = start();
	my $clients = clients_of($daemon);
	# Above what the daemon's own log needs, which is a file as well.
	my $limit = sub ($bytes) { system('prlimit', "--pid=$_", "--fsize=$bytes:") == 0 or die 'prlimit' for $daemon->workers };
	is_deeply([verdicts $clients->[0]->ask(record(ERROR => 'f' x 70_000))], ['received'], 'a file that is large');
	$limit->(65536);
	check_failing($daemon, $clients, 'File too large');
	$limit->('unlimited');
	is_deeply([verdicts map { $_->ask(record(ERROR => 'room')) } @$clients], [('received') x 2], 'there is room');
	for my $turn (1 .. 30) {
		$limit->(65536);
		$_->ask(record(ERROR => 'lost')) for @$clients;
		$limit->('unlimited');
		$_->ask(record(ERROR => 'found')) for @$clients;
	}
	cmp_ok(told($daemon, qr/cannot store|stored again/), '<=', 4, 'a fault that comes and goes does not fill the log either');
	is(scalar(grep { $_ eq 'found' } $daemon->messages), 60, 'what was received is there');
	is(scalar(grep { /lost/ } $daemon->messages), 0, 'what failed is not');
	is($daemon->stop, 0, 'stops');
};

sub descriptors ($pid) { return sort map { /(\d+)$/ } glob "/proc/$pid/fd/*" }

# Leaves the process so many descriptors that are free; undef takes the limit away.
sub leave_descriptors ($pid, $free) {
	my %used = map { $_ => 1 } descriptors($pid);
	my $most = 0;
	while (defined $free && ($used{$most} || $free-- > 0)) {
		$most++;
	}
	$most = 1024 if !defined $free;
	system('prlimit', "--pid=$pid", "--nofile=$most:") == 0 or die 'prlimit';
}

subtest 'a worker out of descriptors: reopen' => sub {
	my $daemon = start(Workers => 1);
	my ($worker) = $daemon->workers;
	my $file   = "$daemon->{dir}/logs/server.log";
	my $client = $daemon->connect;
	$client->ask(record(ERROR => 'one'));
	leave_descriptors($worker, 1);
	my (@crowd, $last);
	do {
		push @crowd, $daemon->connect;
		($last) = verdicts $crowd[-1]->ask('1');
	} while (@crowd < 20 && $last eq 'not_object');
	is($last, 'busy', 'the worker has none left');
	rename $file, "$file.1";
	my ($status, $said) = reopen($daemon);
	is($status, 1, 'reopen fails');
	like($said, qr/keeps the old log file: Too many open files/, 'and says why');
	my %got;
	$got{ (verdicts $client->ask(record(ERROR => 'two')))[0] }++ for 1 .. 200;
	is_deeply(\%got, { received => 200 }, 'records are received nevertheless');
	is(scalar(() = slurp("$file.1") =~ /\] two$/mg), 200, 'and go to the old file');
	$daemon->signal('USR1') for 1 .. 50;
	is((reopen($daemon))[0], 1, 'reopen still fails');
	is(told($daemon, qr/cannot open: Too many open files/), 1, 'it is told once');
	for (1 .. 30) {
		is_deeply([verdicts $daemon->ask('1')], ['busy'], 'new clients are told that the server is busy') or last;
	}
	leave_descriptors($worker, undef);
	is_deeply([verdicts $client->ask(record(ERROR => 'three'))], ['received'], 'with descriptors again');
	is_deeply([$daemon->messages], ['three'], 'the new file is used');
	is((reopen($daemon))[0], 0, 'and reopen succeeds');
	is_deeply([verdicts $daemon->ask('1')], ['not_object'], 'new clients are served');
	is_deeply([$daemon->workers], [$worker], 'by the same worker');
	is($daemon->stop, 0, 'stops');
	my %count = $daemon->counted;
	cmp_ok($count{busy}, '>=', 30, 'counted: busy');
};

subtest 'the supervisor out of descriptors: reload' => sub {
	my $daemon = start();
	my @workers = $daemon->workers;
	my $client = $daemon->connect;
	my @before = descriptors($daemon->pid);
	leave_descriptors($daemon->pid, 0);
	ok(reload($daemon, "MinLogLevel ERROR\n", qr/reload failed/), 'the file cannot be read');
	like($daemon->errors, qr/Too many open files/, 'that is said');
	is_deeply([verdicts $client->ask(record(INFO => 'x'))], ['received'], 'the old settings hold');
	leave_descriptors($daemon->pid, 1);
	ok(reload($daemon, "Listen 127.0.0.2:0\nListen 127.0.0.3:0\n", qr/reload failed/), 'sockets cannot be made');
	is_deeply([$daemon->workers], \@workers, 'nothing has changed');
	is_deeply([descriptors($daemon->pid)], \@before, 'nothing is left open');
	leave_descriptors($daemon->pid, undef);
	ok(reload($daemon, "MinLogLevel ERROR\nListen 127.0.0.2:0\n"), 'with descriptors again it is done');
	is_deeply([verdicts $client->ask(record(INFO => 'x'))], ['filtered'], 'and holds');
	is($daemon->stop, 0, 'stops');
};

subtest 'the supervisor out of descriptors: a new generation' => sub {
	my $daemon = start();
	my @workers = $daemon->workers;
	leave_descriptors($daemon->pid, 1);
	$daemon->write_conf("$daemon->{conf}ThreadsPerWorker 7\n");
	$daemon->signal('HUP');
	ok(wait_until { told($daemon, qr/cannot fork worker/) }, 'no worker can be forked');
	is_deeply([verdicts $daemon->ask('1')], ['not_object'], 'the old ones serve on');
	ok(!(wait_until { told($daemon, qr/cannot fork worker/) > 1 } 2.5), 'it is told once, not with every try');
	is_deeply([$daemon->workers], \@workers, 'with the same workers');
	leave_descriptors($daemon->pid, undef);
	ok((wait_until { told($daemon, qr/\breloaded\b/) } 20), 'the new ones come by themselves');
	is_deeply([verdicts $daemon->ask(record(ERROR => 'new'))], ['received'], 'and serve');
	is($daemon->stop, 0, 'stops');
};

subtest 'a file that cannot be rotated' => sub {
	my $daemon  = start(LogRotateSize => 2000, LogRotateKeep => 1);
	my $clients = clients_of($daemon);
	my $blocker = "$daemon->{dir}/logs/server.log.1";
	mkdir $blocker;
	my %got;
	for my $n (1 .. 150) {
		$got{$_}++ for verdicts map { $_->ask(record(ERROR => "large $n")) } @$clients;
	}
	is_deeply(\%got, { received => 300 }, 'records are received');
	is(scalar $daemon->messages, 300, 'the file grows on');
	is(told($daemon, qr/cannot rotate, the file grows on: /), 1, 'one of the workers tells it, once');
	rmdir $blocker;
	is_deeply([verdicts map { $_->ask(record(ERROR => 'after')) } @$clients], [('received') x 2], 'when it can be');
	is(scalar $daemon->messages, 2, 'it is');
	is(scalar(() = slurp($blocker) =~ /large/g), 300, 'the old one is whole');
	is($daemon->stop, 0, 'stops');
};

subtest 'notes that their user has spoiled' => sub {
	plan skip_all => 'needs root and a user bin' if $> != 0 || !getpwnam 'bin';
	# Not nobody: other tests run at the same time, and daemons of theirs would die.
	my $daemon = LogCollectd->new(Workers => 1, User => 'bin');
	chmod 0777, $daemon->{dir};
	$daemon->launch;
	my ($notes) = glob '/dev/shm/logcollectd-notes-*.' . getpwnam 'bin' or return fail('no notes');
	kill KILL => $daemon->workers;
	ok(wait_until { $daemon->errors =~ /was killed/ }, 'a worker is killed');
	truncate $notes, 0;
	# The workers do, and a sanitized one says so: it is the supervisor's status alone that counts.
	$daemon->signal('TERM');
	wait_until { defined $daemon->reap };
	is($daemon->reap, 0, 'the supervisor, which is root, does not die of it');
	LogCollectd::forget_notes(scalar getpwnam 'bin');
};

done_testing;
