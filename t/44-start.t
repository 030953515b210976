# SPDX-License-Identifier: ISC
# The program's start: its options and exit statuses, sockets, the PID file, detaching, and the user that
# workers run as.
use v5.36;
use Fcntl qw(LOCK_EX);
use POSIX ();
use Test::More;
use LogCollectd;

use constant { EX_USAGE => 64, EX_OSERR => 71, EX_CANTCREAT => 73, EX_NOPERM => 77, EX_CONFIG => 78 };

# Runs a daemon that is to refuse: (exit status, what it said).
sub refused ($daemon, @arguments) {
	my ($status, $out, $err) = $daemon->run('-f', $daemon->conf_file, @arguments);
	return ($status, $out . $err);
}

subtest 'options' => sub {
	my $program = LogCollectd->new;
	my ($status, $out, $err) = $program->run('-V');
	is($status, 0, '-V');
	like($out, qr/\Alogcollectd \d+\.\d+/, 'tells the version');
	($status, $out, $err) = $program->run('-h');
	is($status, 0, '-h');
	like($out, qr/usage.*-f/is, 'tells how to use it');
	is($err, '', 'on standard output');
	for my $arguments (['-x'], ['-f'], ['-c'], ['--no-such-option'], ['-f', $program->conf_file, 'extra']) {
		($status, $out, $err) = $program->run(@$arguments);
		is($status, EX_USAGE, "@$arguments[0 .. 0]: usage");
		isnt($err, '', 'and says so');
	}
	is_deeply([glob $program->dir . '/logs*'], [], 'nothing was created');
};

subtest 'bad configuration' => sub {
	my $daemon = LogCollectd->new(Workers => 'many', -conf => "Lissten 9000\nMinLogLevel LOUD\nLogSync\n");
	my ($status, $said) = refused($daemon);
	is($status, EX_CONFIG, 'is told by the exit status');
	my $file = $daemon->conf_file;
	like($said, qr/\Q$file\E:\d+: Workers: /, 'a bad number');
	like($said, qr/\Q$file\E:\d+: Lissten: .*\bListen\b/, 'an unknown directive, and what was meant');
	like($said, qr/\Q$file\E:\d+: MinLogLevel: .*LOUD/, 'a bad level');
	like($said, qr/\Q$file\E:\d+: LogSync: /, 'a missing value');
	ok(!-e $daemon->dir . '/logs', 'nothing was created');
	($status, $said) = refused($daemon, '-d');
	is($status, EX_CONFIG, 'also with -d');
	($status) = $daemon->run('-f', $daemon->dir . '/no such file');
	is($status, EX_CONFIG, 'a file that is not there');
};

subtest 'sockets' => sub {
	my $daemon = LogCollectd->start(Listen => ['127.0.0.1:0', '[::1]:0', '127.0.0.2:0']);
	my @addresses = $daemon->addresses;
	is_deeply([map { $_->[0] } @addresses], ['127.0.0.1', '::1', '127.0.0.2'], 'each is told');
	my %ports = map { $_->[1] => 1 } @addresses;
	ok(!$ports{0}, 'with its real port');
	for my $nth (0 .. 2) {
		my $client = $daemon->connect(nth => $nth);
		is_deeply([verdicts $client->ask(record(ERROR => $nth))], ['received'], "$addresses[$nth][0] serves");
	}
	is(() = $daemon->errors =~ /listening on/g, 3, 'once');

	my $port = $daemon->port;
	my $second = LogCollectd->new(Listen => "127.0.0.1:$port");
	my ($status, $said) = refused($second);
	is($status, EX_OSERR, 'a port in use');
	like($said, qr/127\.0\.0\.1:$port/, 'is named');
	is($daemon->stop, 0, 'stops');

	my $both = LogCollectd->start(Listen => ['0.0.0.0:0', '[::]:0']);
	is_deeply([verdicts LogCollectd::Client->new('127.0.0.1', $both->port(0))->ask('1')], ['not_object'], '0.0.0.0');
	is_deeply([verdicts LogCollectd::Client->new('::1', $both->port(1))->ask('1')], ['not_object'], '[::]');
	is($both->stop, 0, 'stops');

	my $name = LogCollectd->new(Listen => 'no-such-host.invalid:0');
	($status, $said) = refused($name);
	isnt($status, 0, 'a name that has no address');
	like($said, qr/no-such-host\.invalid/, 'is named');
};

subtest 'PidFile' => sub {
	my $daemon = LogCollectd->new;
	my $pid_file = $daemon->dir . '/daemon.pid';
	$daemon->write_conf(slurp($daemon->conf_file) . "PidFile $pid_file\n");
	$daemon->launch;
	is(slurp($pid_file) + 0, $daemon->pid, 'holds the supervisor');
	my ($status, $said) = refused($daemon);
	isnt($status, 0, 'a second start is refused');
	my $pid = $daemon->pid;
	like($said, qr/already running/, 'clearly');
	like($said, qr/\b$pid\b/, 'and says who is running');
	is(slurp($pid_file) + 0, $daemon->pid, 'the file is as it was');
	is_deeply([verdicts $daemon->ask('1')], ['not_object'], 'the first one goes on');
	is($daemon->stop, 0, 'stops');
	ok(!-e $pid_file, 'and removes its file');

	$daemon->launch;
	kill KILL => $daemon->pid;
	is($daemon->ended, 'signal 9', 'killed');
	ok(-e $pid_file, 'its file is left behind');
	$daemon->launch;
	is(slurp($pid_file) + 0, $daemon->pid, 'which does not stop the next one');
	is($daemon->stop, 0, 'stops');

	my $other = LogCollectd->new;
	my $path = $other->dir . '/none/daemon.pid';
	$other->write_conf(slurp($other->conf_file) . "PidFile $path\n");
	($status, $said) = refused($other);
	is($status, EX_CANTCREAT, 'a file that cannot be made');
	like($said, qr/\Q$path\E/, 'is named');
};

subtest 'LogDir' => sub {
	my $daemon = LogCollectd->new;
	my $dir = $daemon->dir;
	$daemon->write_conf("Listen 127.0.0.1:0\nLogDir \"$dir/a/b c/d\"\nWorkers 1\n");
	$daemon->launch;
	is_deeply([verdicts $daemon->ask(record(ERROR => 'x'))], ['received'], 'made with its parents');
	like(slurp("$dir/a/b c/d/server.log"), qr/ x\n\z/, 'and used');
	is($daemon->stop, 0, 'stops');

	my $bad = LogCollectd->new(LogDir => "$dir/logcollectd.conf/logs");
	my ($status, $said) = refused($bad);
	is($status, EX_CANTCREAT, 'a LogDir that cannot be made');
	like($said, qr{\Q$dir\E/logcollectd\.conf/logs}, 'is named');
	my $folder = LogCollectd->new;
	mkdir $folder->dir . '/logs';
	mkdir $folder->dir . '/logs/server.log';
	($status, $said) = refused($folder);
	is($status, EX_CANTCREAT, 'a folder in the place of the file');
	like($said, qr{/logs/server\.log}, 'is named');

	my $pipe = LogCollectd->new;
	mkdir $pipe->dir . '/logs';
	POSIX::mkfifo($pipe->dir . '/logs/server.log', 0600) or die "mkfifo: $!";
	($status, $said) = refused($pipe);
	is($status, EX_CANTCREAT, 'a pipe in the place of the file, which takes nothing back');
	like($said, qr{/logs/server\.log}, 'is named');

	my $off = LogCollectd->start(LogPersistence => 'off');
	is_deeply([verdicts $off->ask(record(ERROR => 'x'))], ['received'], 'LogPersistence off');
	is($off->stop, 0, 'stops');
	ok(!-e $off->dir . '/logs', 'creates nothing');
};

subtest 'detached' => sub {
	my $daemon = LogCollectd->new;
	my $dir = $daemon->dir;
	$daemon->write_conf(slurp($daemon->conf_file) =~ s/^ErrorLog .*\n//mr . "PidFile $dir/pid\nErrorLog $dir/stderr\n");
	my ($status, $out, $err) = $daemon->run('-d', '-f', $daemon->conf_file);
	is($status, 0, 'the command returns');
	my $pid = $daemon->adopt;
	ok($pid, 'and the daemon runs');
	is(slurp("$dir/pid") + 0, $pid, 'its PID file tells where');
	is_deeply([verdicts $daemon->ask(record(ERROR => 'x'))], ['received'], 'and serves');
	is(getpgrp(0) == getpgrp($pid) ? 'ours' : 'its own', 'its own', 'in a session of its own');
	is(readlink "/proc/$pid/fd/$_", '/dev/null', "descriptor $_ is /dev/null") for 0 .. 2;
	my @all = ($pid, $daemon->workers);
	kill TERM => $pid;
	ok(wait_until { !grep { !gone($_) } @all }, 'it stops');
	ok(!-e "$dir/pid", 'and removes its PID file');
};

subtest 'detached: who waits for its output' => sub {
	my $daemon = LogCollectd->new;
	my $dir = $daemon->dir;
	$daemon->write_conf(slurp($daemon->conf_file) . "PidFile $dir/pid\n");
	my $program = LogCollectd::program();
	my $pid = open my $said, '-|', "exec $program -d -f '" . $daemon->conf_file . "' 2>&1" or die "fork: $!";
	my @all;
	ok(wait_until { my $now = slurp("$dir/pid"); $now =~ /\d/ && (@all = ($now + 0)) }, 'the daemon starts');
	local $SIG{ALRM} = sub { kill TERM => @all };
	alarm 20;
	my @lines = readline $said;
	ok(alarm(0), 'sees its end') or diag @lines;
	like("@lines", qr/listening on/, 'after what it said');
	close $said;
	is($?, 0, 'the command has returned');
	kill TERM => @all;
	ok(wait_until { gone($all[0]) }, 'stops');
};

subtest 'detached: stopped before it serves' => sub {
	my $daemon = LogCollectd->new(GracefulShutdownTimeout => 0);
	my $dir = $daemon->dir;
	mkdir "$dir/logs";
	open my $log, '>', "$dir/logs/server.log" or die "server.log: $!";
	flock $log, LOCK_EX; # no worker gets past it
	$daemon->write_conf(slurp($daemon->conf_file) . "PidFile $dir/pid\n");
	my $command = $daemon->spawn("$dir/out", "$dir/err", LogCollectd::program(), '-d', '-f', $daemon->conf_file);
	ok(wait_until { slurp("$dir/pid") =~ /\d/ }, 'the daemon starts');
	kill TERM => $command;
	ok(wait_until { gone($command) }, 'the command can be stopped');
	kill KILL => $command;
	waitpid $command, 0;
	is(LogCollectd::status_text($?), EX_OSERR, 'and tells that nothing serves');
	ok(wait_until { !-e "$dir/pid" }, 'nor does it') or kill KILL => slurp("$dir/pid") + 0;
};

subtest 'without standard descriptors' => sub {
	my $daemon = LogCollectd->new;
	my $dir = $daemon->dir;
	$daemon->write_conf(slurp($daemon->conf_file) . "PidFile $dir/pid\n");
	my @wrap = ('/bin/sh', '-c', 'exec "$@" <&- >&- 2>&-', 'sh');
	my $command = $daemon->spawn("$dir/out", "$dir/err", @wrap, LogCollectd::program(), '-f', $daemon->conf_file);
	ok(wait_until { slurp("$dir/logs/server.log") eq '' && -e "$dir/logs/server.log" }, 'starts');
	is(readlink "/proc/$command/fd/$_", '/dev/null', "descriptor $_ is nothing of its own") for 0 .. 2;
	kill TERM => $command;
	ok(wait_until { gone($command) }, 'stops');
};

# Field 41 of /proc/PID/stat, counted from behind the name in parentheses.
sub policies ($daemon) { return map { (split ' ', slurp("/proc/$_/stat") =~ s/.*\)//sr)[38] } $daemon->workers }

subtest 'scheduling' => sub {
	my ($round_robin, $batch, $idle) = (2, 3, 5);
	my $daemon = LogCollectd->start;
	ok(wait_until { 2 == grep { $_ == $batch } policies($daemon) }, 'workers run under SCHED_BATCH');
	is($daemon->stop, 0, 'stops');
	# Who may not have it takes one that a busy machine lets starve.
	my ($option, $other) = system('chrt -r 1 true 2>/dev/null') == 0 ? ('-r', $round_robin) : ('-i', $idle);
	$daemon = LogCollectd->start(-wrap => ['chrt', $option, $other == $idle ? 0 : 1]);
	is_deeply([policies($daemon)], [$other, $other], 'another policy is kept');
	is($daemon->stop, 0, 'stops');
};

subtest 'User' => sub {
	plan skip_all => 'needs root' if $> != 0;
	my @nobody = getpwnam 'nobody' or plan skip_all => 'there is no user nobody';
	my ($uid, $gid) = @nobody[2, 3];
	my $daemon = LogCollectd->new(User => 'nobody');
	chown $uid, $gid, $daemon->dir;
	$daemon->launch;
	is_deeply([verdicts $daemon->ask(record(ERROR => 'x'))], ['received'], 'serves');
	for my $worker ($daemon->workers) {
		my $status = slurp("/proc/$worker/status");
		like($status, qr/^Uid:\t$uid\t$uid\t$uid\t$uid$/m, 'a worker runs as that user');
		like($status, qr/^Gid:\t$gid\t$gid\t$gid\t$gid$/m, 'in its group');
		like($status, qr/^Groups:\t\s*(?:$gid\s*)?$/m, 'and in no other');
		like($status, qr/^CapEff:\t0+$/m, 'without capabilities');
	}
	is_deeply([(stat $daemon->dir . '/logs/server.log')[4, 5]], [$uid, $gid], 'the log file belongs to it');
	my ($victim) = $daemon->workers;
	kill KILL => $victim;
	ok(wait_until { my @now = $daemon->workers; @now == 2 && !grep { $_ == $victim } @now }, 'a worker is replaced');
	ok(wait_until { !grep { slurp("/proc/$_/status") !~ /^Uid:\t$uid\t/m } $daemon->workers }, 'by one of that user');
	is($daemon->stop, 0, 'stops');

	$daemon = LogCollectd->new(User => 'nobody', Group => 'daemon');
	chown $uid, $gid, $daemon->dir;
	$daemon->launch;
	my $daemon_gid = getgrnam 'daemon';
	like(slurp("/proc/$_/status"), qr/^Gid:\t$daemon_gid\t/m, 'Group') for $daemon->workers;
	is($daemon->stop, 0, 'stops');

	my ($status, $said) = refused(LogCollectd->new(User => 'no_such_user'));
	is($status, EX_CONFIG, 'a user that is not there');
	like($said, qr/no_such_user/, 'is named');

	my $made = LogCollectd->start(User => 'nobody');
	is_deeply([verdicts $made->ask(record(ERROR => 'x'))], ['received'], 'a LogDir that the user could not make');
	is_deeply([(stat $made->dir . '/logs')[4, 5]], [$uid, $gid], 'is made for it');
	is($made->stop, 0, 'stops');
	my $locked = LogCollectd->new(User => 'nobody');
	mkdir $locked->dir . '/logs', 0755;
	($status, $said) = refused($locked);
	is($status, EX_CANTCREAT, 'a LogDir that the user may not write to');
	like($said, qr{/logs}, 'is named');

	my @as_nobody = ('setpriv', "--reuid=$uid", "--regid=$gid", '--clear-groups', '--');
	my $weak = LogCollectd->new(User => 'root', -wrap => \@as_nobody);
	chown $uid, $gid, $weak->dir;
	($status) = $weak->run('-V');
	if ($status ne 0) {
		note 'nobody may not run the program here';
		return;
	}
	($status, $said) = refused($weak);
	is($status, EX_NOPERM, 'only root can change the user');
	$weak = LogCollectd->new(-wrap => \@as_nobody);
	chown $uid, $gid, $weak->dir;
	$weak->launch;
	is_deeply([verdicts $weak->ask(record(ERROR => 'x'))], ['received'], 'without User anybody can run it');
	is($weak->stop, 0, 'stops');
};

done_testing;
