# SPDX-License-Identifier: ISC
# SIGHUP: live settings, new generations of workers, bad files; nobody is dropped, nothing is lost.
use v5.36;
use POSIX ();
use Test::More;
use LogCollectd;
use Time::HiRes qw(time);

# The configuration with these lines behind it: later ones win.
sub reload ($daemon, $text, $said = qr/\breloaded\b/) {
	my $before = () = $daemon->errors =~ /$said/g;
	$daemon->write_conf($daemon->{conf} . $text);
	$daemon->signal('HUP');
	return wait_until { (() = $daemon->errors =~ /$said/g) > $before };
}

sub workers_of ($daemon) {
	return scalar(my @workers = $daemon->workers);
}

subtest 'live settings reach open connections' => sub {
	my $daemon = LogCollectd->start;
	my @workers = $daemon->workers;
	my $client = $daemon->connect;
	is_deeply([verdicts $client->ask(record(INFO => 'one'))], ['received'], 'before');
	ok(reload($daemon, "MinLogLevel ERROR\n"), 'reloaded');
	is_deeply([verdicts $client->ask(record(INFO => 'two'), record(ERROR => 'three'))], [qw(filtered received)], 'MinLogLevel');
	ok(reload($daemon, "RateLimit on\nRateLimitMaxRequests 1\n"), 'reloaded');
	is_deeply([verdicts $client->ask(record(INFO => 'four'), record(INFO => 'five'))], [qw(received limited)], 'RateLimit');
	ok(reload($daemon, "LogFilename other.log\nLogFormat raw\n"), 'reloaded');
	is_deeply([verdicts $client->ask('{"level":"INFO","message":"six"}')], ['received'], 'still the same connection');
	like(slurp($daemon->path('logs/other.log')), qr/\A\{"level":"INFO","message":"six"\}\n\z/, 'LogFilename, LogFormat');
	ok(reload($daemon, "LogPersistence off\n"), 'reloaded');
	is_deeply([verdicts $client->ask(record(INFO => 'seven'))], ['received'], 'LogPersistence');
	ok(reload($daemon, "LogPersistence on\n"), 'reloaded');
	is_deeply([verdicts $client->ask(record(INFO => 'eight'))], ['received'], 'and back');
	is_deeply([$daemon->messages], [qw(one three four eight)], 'what was to be stored is stored');
	is_deeply([$daemon->workers], \@workers, 'no worker was replaced');
	is($daemon->stop, 0, 'stops');
};

subtest 'persistence that is switched on later' => sub {
	my $daemon = LogCollectd->start(LogPersistence => 'off');
	my $client = $daemon->connect;
	is_deeply([verdicts $client->ask(record(INFO => 'one'))], ['received'], 'off');
	ok(!-e $daemon->path('logs'), 'nothing is made');
	ok(reload($daemon, "LogPersistence on\n"), 'reloaded');
	is_deeply([verdicts $client->ask(record(INFO => 'two'))], ['received'], 'on');
	is_deeply([$daemon->messages], ['two'], 'stored');
	is($daemon->stop, 0, 'stops');
};

subtest 'a pipe for messages that nobody reads' => sub {
	my $daemon = LogCollectd->start;
	my $pipe = $daemon->dir . '/pipe';
	POSIX::mkfifo($pipe, 0600) or die "mkfifo: $!";
	ok(reload($daemon, "ErrorLog $pipe\n", qr/reload failed/), 'is refused and not waited for');
	like($daemon->errors, qr/error: ErrorLog: cannot open \Q$pipe\E: /, 'told');
	is_deeply([verdicts $daemon->ask(record(ERROR => 'x'))], ['received'], 'served');
	is($daemon->stop, 0, 'stops');
};

subtest 'a bad file changes nothing' => sub {
	my $daemon = LogCollectd->start(MinLogLevel => 'ERROR');
	my @workers = $daemon->workers;
	ok(reload($daemon, "MinLogLevel LOUD\nNonsense\n", qr/reload failed/), 'it is refused');
	my $file = $daemon->conf_file;
	like($daemon->errors, qr/\Q$file\E:\d+: MinLogLevel: /, 'one error with its place');
	like($daemon->errors, qr/\Q$file\E:\d+: Nonsense: /, 'and the other');
	is_deeply([verdicts $daemon->ask(record(INFO => 'x'))], ['filtered'], 'the old settings hold');
	unlink $file;
	$daemon->signal('HUP');
	ok(wait_until { $daemon->errors =~ /cannot open/ }, 'no file at all');
	is_deeply([verdicts $daemon->ask(record(ERROR => 'y'))], ['received'], 'it goes on');
	is_deeply([$daemon->workers], \@workers, 'with the same workers');
	ok(reload($daemon, "MinLogLevel INFO\n"), 'a good file is taken again');
	is_deeply([verdicts $daemon->ask(record(INFO => 'z'))], ['received'], 'and holds');
	is($daemon->stop, 0, 'stops');
};

subtest 'what needs a restart is named and kept' => sub {
	my $daemon = LogCollectd->start;
	ok(reload($daemon, "RateLimitTableSize 5\nPidFile $daemon->{dir}/pid\nMinLogLevel ERROR\n"), 'reloaded');
	like($daemon->errors, qr/needs a restart.*RateLimitTableSize.*PidFile|needs a restart.*PidFile.*RateLimitTableSize/, 'both are named');
	ok(!-e "$daemon->{dir}/pid", 'and not changed');
	is_deeply([verdicts $daemon->ask(record(INFO => 'x'))], ['filtered'], 'the others hold');
	is($daemon->stop, 0, 'stops');
};

subtest 'a new generation of workers' => sub {
	my $daemon = LogCollectd->start(Workers => 2);
	my @old = $daemon->workers;
	my $client = $daemon->connect;
	$client->ask('1');
	ok(reload($daemon, "Workers 3\nThreadsPerWorker 7\n"), 'reloaded');
	my @new = grep { my $pid = $_; !grep { $_ == $pid } @old } $daemon->workers;
	is(scalar @new, 3, 'three new workers');
	is_deeply([verdicts $client->ask(record(INFO => "old $_"))], ['received'], 'the old one serves its client on') for 1 .. 3;
	is_deeply([verdicts $daemon->ask(record(INFO => 'new'))], ['received'], 'the new ones serve');
	ok(wait_until { workers_of($daemon) == 4 }, 'an old worker without clients has gone');
	ok(reload($daemon, "Workers 3\nThreadsPerWorker 7\nMinLogLevel ERROR\n"), 'a live reload beside it');
	is_deeply([verdicts $client->ask(record(INFO => 'x'))], ['filtered'], 'reaches it, too');
	$client->finish;
	is_deeply([$client->rest], [], 'it is answered to its end');
	ok(wait_until { workers_of($daemon) == 3 }, 'then the last old worker has gone');
	is($daemon->stop, 0, 'stops');
};

subtest 'sockets: kept, new, dropped' => sub {
	my $daemon = LogCollectd->start(Listen => ['127.0.0.1:0', '127.0.0.2:0']);
	my ($kept, $dropped) = map { $_->[1] } $daemon->addresses;
	my $stop = 0;
	# Connects all the time and says a letter for each: the kept socket must not refuse once.
	my $clients = '';
	pipe my $reader, my $writer or die "pipe: $!";
	my $child = fork // die "fork: $!";
	if (!$child) {
		close $reader;
		$writer->autoflush;
		local $SIG{TERM} = sub { $stop = 1 };
		while (!$stop) {
			my $client = eval { LogCollectd::Client->new('127.0.0.1', $kept) };
			last if $stop;
			print($writer 'r'), next if !$client;
			my @answers = eval { verdicts $client->ask('1') };
			last if $stop;
			print $writer "@answers" eq 'not_object' ? 's' : 'r';
			$client->finish;
			$client->close;
		}
		close $writer;
		POSIX::_exit(0);
	}
	close $writer;
	my $conf = $daemon->{conf} =~ s/^Listen 127\.0\.0\.2:0\n/Listen 127.0.0.3:0\n/mr;
	for my $round (1 .. 5) {
		$daemon->{conf} = $conf;
		ok(reload($daemon, 'Workers ' . (1 + $round % 2) . "\n"), "reload $round");
		sysread $reader, $clients, 1, length $clients for 1 .. 5;
	}
	kill TERM => $child;
	$clients .= $_ while defined($_ = readline $reader);
	waitpid $child, 0;
	like($clients, qr/\As{25,}\z/, 'clients came all the time, none was refused');
	ok(!eval { LogCollectd::Client->new('127.0.0.2', $dropped) }, 'the dropped socket is gone');
	my ($added) = $daemon->errors =~ /listening on 127\.0\.0\.3:(\d+)/;
	my $client = LogCollectd::Client->new('127.0.0.3', $added);
	is_deeply([verdicts $client->ask('1')], ['not_object'], 'the new one serves');
	$client->close;
	is($daemon->stop, 0, 'stops');
};

subtest 'a socket that cannot be bound rolls everything back' => sub {
	my $daemon = LogCollectd->start(MinLogLevel => 'ERROR');
	my @workers = $daemon->workers;
	my $other = LogCollectd->start;
	ok(reload($daemon, 'Listen 127.0.0.1:' . $other->port . "\nMinLogLevel INFO\n", qr/reload failed/), 'refused');
	like($daemon->errors, qr/cannot listen on 127\.0\.0\.1:\d+: Address already in use/, 'says which');
	is_deeply([verdicts $daemon->ask(record(INFO => 'x'))], ['filtered'], 'the old settings hold');
	is_deeply([$daemon->workers], \@workers, 'with the old workers');
	is($other->stop, 0, 'the other stops');
	is($daemon->stop, 0, 'stops');
};

subtest 'GracefulDrainTimeout' => sub {
	my $daemon = LogCollectd->start(Workers => 1, GracefulDrainTimeout => 1);
	my ($old) = $daemon->workers;
	my $client = $daemon->connect;
	$client->ask(record(INFO => 'before'));
	ok(reload($daemon, "Workers 2\n"), 'reloaded');
	is_deeply([verdicts $client->ask(record(INFO => 'after'))], ['received'], 'the client is served');
	is_deeply([$client->rest], [], 'and then closed');
	ok(wait_until { gone($old) }, 'the old worker has gone');
	is_deeply([$daemon->messages], [qw(before after)], 'nothing is lost');
	is($daemon->stop, 0, 'stops');
};

subtest 'MaxConnectionsPerWorker' => sub {
	my $daemon = LogCollectd->start(Workers => 1, MaxConnectionsPerWorker => 5);
	my %seen = map { $_ => 1 } $daemon->workers;
	my $held = $daemon->connect;
	$held->ask('1');
	my %got;
	# One that is worn out serves on until the next one does.
	ok(wait_until {
		$got{$_}++ for verdicts $daemon->ask('1');
		$seen{$_} = 1 for $daemon->workers;
		keys %seen >= 5;
	}, 'workers come and go');
	is_deeply([keys %got], ['not_object'], 'and serve');
	is_deeply([verdicts $held->ask('1')], ['not_object'], 'a client of the first one is served on');
	unlike($daemon->errors, qr/error/, 'no error');
	is($daemon->stop, 0, 'stops');
};

subtest 'MaxConnectionsPerWorker under a storm' => sub {
	my $daemon = LogCollectd->start(Workers => 4, MaxConnectionsPerWorker => 1);
	my @children = map {
		my $child = fork // die "fork: $!";
		if (!$child) {
			my $bad = grep { ((verdicts eval { $daemon->ask('1') })[0] // '') ne 'not_object' } 1 .. 150;
			POSIX::_exit($bad ? 1 : 0);
		}
		$child;
	} 1 .. 8;
	ok(reload($daemon, "ListenBacklog 100\n"), 'a reload meanwhile');
	my @failed = grep { waitpid $_, 0; $? != 0 } @children;
	is(scalar @failed, 0, 'everybody is served');
	unlike($daemon->errors, qr/died young|error/, 'no worker is taken for one that died');
	ok(wait_until { workers_of($daemon) == 4 }, 'and in the end there are as many as were asked for')
		or diag workers_of($daemon);
	is($daemon->stop, 0, 'stops');
};

subtest 'MaxConnectionsPerWorker and clients that stay' => sub {
	my $daemon = LogCollectd->start(Workers => 1, MaxConnectionsPerWorker => 1);
	my @held;
	for (1 .. 70) {
		push @held, $daemon->connect;
		my $worker = workers_of($daemon);
		is_deeply([verdicts $held[-1]->ask('1')], ['not_object'], 'served') or last;
		# Until the next one serves this one accepts on: wait, so that all slots are used.
		wait_until { workers_of($daemon) > $worker } 0.2;
	}
	is(scalar @held, 70, 'also when there is no slot for another worker');
	$_->close for @held;
	ok(wait_until { workers_of($daemon) == 1 }, 'the worn out end with their clients');
	is($daemon->stop, 0, 'stops');
};

subtest 'a generation that cannot be started' => sub {
	plan skip_all => 'not root' if $> != 0;
	my $user = 50000 + $$ % 10000; # its processes are counted: it has none but these
	my @limited = ('setpriv', '--reuid', $user, '--regid', $user, '--clear-groups', 'prlimit', '--nproc=8');
	plan skip_all => 'cannot be limited' if system("@limited @{[LogCollectd::program()]} -V >/dev/null 2>&1") != 0;
	my $daemon = LogCollectd->new(Workers => 2, -wrap => \@limited);
	chown $user, $user, $daemon->dir;
	$daemon->launch;
	ok(reload($daemon, "Workers 20\n", qr/cannot fork worker/), 'it is told');
	ok(reload($daemon, "Workers 2\nMinLogLevel ERROR\n"), 'settings that can be had are put in force');
	ok(wait_until { workers_of($daemon) == 2 }, 'with as many workers');
	# Until the last of the others is reaped, the process that it counts as may be missing for a client's thread.
	my @got;
	wait_until { @got = verdicts $daemon->ask(record(INFO => 'x')); "@got" ne 'busy' };
	is_deeply(\@got, ['filtered'], 'and hold');
	my $told = () = $daemon->errors =~ /cannot fork/g;
	cmp_ok($told, '<=', 2, 'it was not told again and again');
	is($daemon->stop, 0, 'stops');
	LogCollectd::forget_notes($user);
};

# What workers could not open is not put in force, whatever else is new; a worker's user is not the supervisor's.
for my $case (
	['live settings',               sub ($file) { "LogDir $file/below\n" },               qr/Not a directory/],
	['a new generation',            sub ($file) { "LogDir $file/below\nWorkers 3\nListen 127.0.0.1:0\n" }, qr/Not a directory/],
	['a directory, new generation', sub ($file) { "LogFilename taken\nThreadsPerWorker 9\n" },  qr/Is a directory/],
	['another user',                sub ($file) { "LogDir $file.root\nWorkers 3\n" },      qr/Permission denied/, User => 'nobody'],
) {
	my ($what, $change, $reason, @settings) = @$case;
	subtest "a log that cannot be opened: $what" => sub {
		plan skip_all => 'needs root and a user nobody' if @settings && ($> != 0 || !getpwnam 'nobody');
		my $daemon = LogCollectd->new(@settings);
		my $file   = "$daemon->{dir}/file";
		chmod 0777, $daemon->{dir};
		$daemon->write_conf($daemon->{conf} .= "ScoreBoardFile $daemon->{dir}/board\n");
		$daemon->launch;
		my $client = $daemon->connect;
		is_deeply([verdicts $client->ask(record(INFO => 'x'))], ['received'], 'before');
		my @before = ([$daemon->workers], [$daemon->addresses]);
		open my $handle, '>', $file or die "$file: $!";
		mkdir "$daemon->{dir}/logs/taken";
		mkdir "$file.root", 0700;
		$daemon->write_conf("$daemon->{conf}MinLogLevel ERROR\n" . $change->($file));
		my @reload = (LogCollectd::program('logcollectctl'), '-f', $daemon->conf_file, 'reload');
		my ($status, $out, $err) = $daemon->run_command(@reload);
		is($status, 1, 'logcollectctl reload fails');
		like($err, qr/LogDir, LogFilename: cannot open \S+: $reason/, 'and says why');
		like($daemon->errors, qr/reload failed, everything stays as it was/, 'the daemon too');
		is_deeply([verdicts $client->ask(record(INFO => 'x'))], ['received'], 'nothing has changed for a client');
		is_deeply([[$daemon->workers], [$daemon->addresses]], \@before, 'nor for the workers and sockets');
		is_deeply([$daemon->messages], ['x', 'x'], 'the old log stays in use');
		rmdir "$daemon->{dir}/logs/taken";
		unlink $file;
		chmod 0777, "$file.root";
		($status) = $daemon->run_command(@reload);
		is($status, 0, 'when it can be opened the reload succeeds');
		is_deeply([verdicts $client->ask(record(INFO => 'x'))], ['filtered'], 'and holds');
		is($daemon->stop, 0, 'stops');
	};
}

# A folder on a file system that answers nothing: nobody but errands may look at it.
for my $user (undef, 'nobody') {
	subtest 'a log on a dead file system, ' . ($user // 'no') . ' user' => sub {
		plan skip_all => 'needs root, a user nobody and FUSE' if $> != 0 || !getpwnam 'nobody' || !-e '/dev/fuse';
		my $daemon = LogCollectd->new($user ? (User => $user) : ());
		my $dead   = "$daemon->{dir}/dead";
		chmod 0777, $daemon->{dir};
		mkdir $dead;
		$daemon->launch;
		my $client = $daemon->connect;
		my $fuse   = do {
			local $^F = 1000; # mount inherits it
			open my $handle, '+<', '/dev/fuse' or return fail("/dev/fuse: $!");
			$handle;
		};
		my $options = 'fd=' . fileno($fuse) . ',rootmode=40000,user_id=0,group_id=0,allow_other';
		plan skip_all => 'cannot mount' if system('mount', '-i', '-t', 'fuse', '-o', $options, 'dead', $dead) != 0;
		$daemon->write_conf("$daemon->{conf}LogDir $dead/logs\n");
		kill HUP => $daemon->pid;
		my $told = wait_until { $daemon->errors =~ /reload failed/ } 15;
		close $fuse; # from now on it answers with errors
		system 'umount', '-l', $dead;
		ok($told, 'the reload fails in time');
		like($daemon->errors, qr/timed out/, 'and says why');
		is_deeply([verdicts $client->ask(record(INFO => 'x'))], ['received'], 'nothing has changed');
		is($daemon->stop, 0, 'stops');
		LogCollectd::forget_notes(scalar getpwnam $user) if $user;
	};
}

subtest 'orders that a worker has no room for come later' => sub {
	my $daemon = LogCollectd->start(Workers => 1);
	my ($old) = $daemon->workers;
	kill STOP => $old;
	my $missed = 0;
	for my $n (1 .. 400) {
		$missed += !reload($daemon, 'MinLogLevel ' . ($n % 2 ? 'ERROR' : 'INFO') . "\n");
		last if $daemon->errors =~ /does not take orders/;
	}
	is($missed, 0, 'reloads go on without it');
	like($daemon->errors, qr/worker pid $old does not take orders/, 'until its channel is full, which is told');
	ok(reload($daemon, "Workers 2\n"), 'a new generation');
	is(scalar(() = $daemon->errors =~ /does not take orders/g), 1, 'told once');
	kill CONT => $old;
	ok(wait_until { gone($old) }, 'it has heard that it is to retire');
	is($daemon->stop, 0, 'stops');
};

subtest 'reloads that come all at once' => sub {
	my $daemon = LogCollectd->start(Workers => 1);
	$daemon->write_conf($daemon->{conf} . "Workers 2\n");
	$daemon->signal('HUP') for 1 .. 20;
	ok(reload($daemon, "Workers 3\nMinLogLevel ERROR\n"), 'reloaded');
	my $verdict = sub { (verdicts $daemon->ask(record(INFO => 'x')))[0] };
	# Three are also an old one and two new ones, in between.
	ok(wait_until { $verdict->() eq 'filtered' }, 'the last one counts');
	ok(wait_until { workers_of($daemon) == 3 }, 'its workers are there');
	is_deeply([map { $verdict->() } 1 .. 9], [('filtered') x 9], 'and no others');
	is($daemon->stop, 0, 'stops');
};

# The numbers when they have been the same for thirty looks: a worker may still be opening its log anew.
sub settled ($numbers) {
	my ($last, $same) = ('', 0);
	wait_until {
		my $now = join ' ', $numbers->();
		$same = $now eq $last ? $same + 1 : 0;
		$last = $now;
		$same >= 30;
	};
	return split / /, $last;
}

subtest 'a thousand reloads leave nothing behind' => sub {
	my $daemon = LogCollectd->start(Workers => 1);
	# AddressSanitizer keeps what was freed; with it the leaks at the end are judged.
	my $sanitized = slurp("/proc/" . $daemon->pid . '/exe') =~ /__asan_init/;
	my $client = $daemon->connect;
	$client->ask('1');
	my ($worker) = $daemon->workers;
	my $descriptors = sub { map { scalar(my @all = glob "/proc/$_/fd/*") } $daemon->pid, $worker };
	my $memory = sub { slurp('/proc/' . $daemon->pid . '/status') =~ /VmRSS:\s+(\d+)/ ? $1 : die };
	my $done = 0;
	my $one = sub ($n) {
		$daemon->write_conf($daemon->{conf} . 'MinLogLevel ' . ($n % 2 ? 'ERROR' : 'INFO') . "\n");
		$daemon->signal('HUP');
		wait_until { ($done = () = $daemon->errors =~ /\breloaded\b/g) >= $n };
	};
	ok($one->($_), "reload $_") for 1 .. 10;
	my @before = settled($descriptors);
	my ($missed, $memory_before) = 0;
	for my $n (11 .. 1010) {
		$missed += !$one->($n);
		$memory_before = $memory->() if $n == 310;
		next if $n % 100;
		$client->ask('1');
	}
	is($missed, 0, 'each was done');
	is_deeply([settled($descriptors)], \@before, 'no descriptor');
	cmp_ok($memory->(), '<', $memory_before + 512, 'no memory') if !$sanitized;
	is_deeply([$daemon->workers], [$worker], 'no process');
	is_deeply([verdicts $client->ask(record(INFO => 'x'))], ['received'], 'and the client is still there');
	is($daemon->stop, 0, 'stops');
};

done_testing;
