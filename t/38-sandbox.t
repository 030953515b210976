# SPDX-License-Identifier: ISC
# What workers, the monitor and the forwarder give up: capabilities, other programs, system calls that they do not need, and
# that anybody looks into them.  And that all that they are for goes on under it.
use v5.36;
use Test::More;
use LogCollectd;
use LogCollectd::Http;

sub threads ($pid) { return map { slurp($_) } glob "/proc/$pid/task/*/status" }

# Whether filters are loaded at all here: not with a sanitizer, and not where a container forbids it.
sub can_filter ($daemon) { return $daemon->errors !~ /Sandbox: / }

subtest 'what is left of them' => sub {
	my $daemon = LogCollectd->start(StatusListen => '127.0.0.1:0', LogSync => 1, LogLevel => 'debug');
	my $client = $daemon->connect;
	is_deeply([verdicts $client->ask(record(ERROR => 'x'))], ['received'], 'it serves');
	my $filter = can_filter($daemon) ? 2 : 0;
	for my $pid ($daemon->workers, $daemon->monitor_pid) {
		wait_until { $filter == 0 || slurp("/proc/$pid/status") =~ /^Seccomp:\t2$/m };
		# A sanitizer may have a thread of its own, from before.
		for my $status ($filter ? threads($pid) : slurp("/proc/$pid/status")) {
			like($status, qr/^NoNewPrivs:\t1$/m, 'no new privileges');
			like($status, qr/^Seccomp:\t$filter$/m, "filter $filter");
			like($status, qr/^$_:\t0+$/m, "no $_") for qw(CapInh CapPrm CapEff CapAmb);
		}
	}
	like(slurp('/proc/' . $daemon->pid . '/status'), qr/^Seccomp:\t0$/m, 'the supervisor has to start others');
	is($daemon->stop, 0, 'stops');
	unlike($daemon->errors, qr/not permitted|SIGSYS/, 'and nothing was missing');
};

# Its libraries may ask for much, but neither for other programs nor for capabilities.
subtest 'the forwarder' => sub {
	my $daemon = LogCollectd->start(Forward => 'kafka://127.0.0.1:1 topic=nowhere', LogLevel => 'debug');
	my ($pid)  = $daemon->children('forwarder:');
	my $filter = can_filter($daemon) ? 2 : 0;
	ok(wait_until { slurp("/proc/$pid/status") =~ /^Seccomp:\t$filter$/m }, 'it is kept from what only an intruder wants');
	like(slurp("/proc/$pid/status"), qr/^$_$/m, $_) for "NoNewPrivs:\t1", "CapEff:\t0+";
	is($daemon->stop, 0, 'stops');
};

# Field by field: what another process of the same user may see of a hidden one is what root may.
subtest 'their memory' => sub {
	plan skip_all => 'needs root' if $> != 0;
	my ($uid, $gid) = (getpwnam 'nobody')[2, 3] or plan skip_all => 'there is no user nobody';
	my $daemon = LogCollectd->new(User => 'nobody', LogLevel => 'debug', StatusListen => '127.0.0.1:0');
	chown $uid, $gid, $daemon->dir;
	$daemon->launch;
	plan skip_all => 'not with a sanitizer' if $daemon->errors =~ /Sandbox: not with/;
	my @hidden = ($daemon->workers, $daemon->monitor_pid);
	my $owners = sub { join ' ', map { (stat "/proc/$_/mem")[4] } @_ };
	is($owners->(@hidden), '0 0 0', 'is nobody else\'s');
	my @as_nobody = ('setpriv', "--reuid=$uid", "--regid=$gid", '--clear-groups', '--');
	my $read = sub ($pid) { return system(@as_nobody, 'sh', '-c', "cat /proc/$pid/environ >/dev/null 2>&1") == 0 };
	ok(!$read->(($daemon->workers)[0]), 'one of the same user cannot read it');
	is($daemon->stop, 0, 'stops');

	$daemon->write_conf($daemon->{conf} . "Sandbox off\n");
	$daemon->launch;
	is($owners->($daemon->workers), "$uid $uid", 'without Sandbox it is, for a debugger');
	ok($read->(($daemon->workers)[0]), 'and can be read');
	is($daemon->stop, 0, 'stops');
};

# As the service has it, and as nobody may look into them: each worker tells its figures itself.
subtest 'their figures, where /proc hides them' => sub {
	plan skip_all => 'needs root, unshare and mount'
		if system('unshare --mount -- mount -t proc -o hidepid=2 proc /proc 2>/dev/null') != 0;
	my $hide = 'mount -t proc -o hidepid=2 proc /proc && exec "$@"';
	my $daemon = LogCollectd->start(User => 'nobody', StatusListen => '127.0.0.1:0',
		-wrap => ['unshare', '--mount', '--', 'sh', '-c', $hide, 'sh']);
	my $metrics = sub { get($daemon, '/metrics')->{body} // '' };
	for my $name (qw(cpu_seconds_total resident_memory_bytes)) {
		ok(wait_until { 2 == (() = $metrics->() =~ /^logcollectd_worker_$name\{worker="\d+"\} [\d.e-]*[1-9]/mg) }, $name);
	}
	is($daemon->stop, 0, 'stops');
};

subtest 'off and on' => sub {
	my $daemon = LogCollectd->start(Sandbox => 'off', LogLevel => 'debug');
	my $client = $daemon->connect;
	is_deeply([verdicts $client->ask(record(ERROR => 'before'))], ['received'], 'it serves without');
	my @old = $daemon->workers;
	like(slurp("/proc/$_/status"), qr/^NoNewPrivs:\t1\nSeccomp:\t0$/m, 'without a filter, and without privileges') for @old;
	$daemon->write_conf($daemon->{conf} =~ s/Sandbox off/Sandbox on/r);
	$daemon->signal('HUP');
	ok(wait_until { $daemon->errors =~ /reloaded/ }, 'a reload');
	my %old = map { $_ => 1 } @old;
	my @new = grep { !$old{$_} } $daemon->workers;
	is(scalar @new, 2, 'starts new workers');
	my $filter = can_filter($daemon) ? 2 : 0;
	$filter = 0 if slurp('/proc/' . $daemon->pid . '/exe') =~ /__(?:asan|tsan|ubsan)_/;
	like(slurp("/proc/$_/status"), qr/^Seccomp:\t$filter$/m, 'which have one') for @new;
	is_deeply([verdicts $client->ask(record(ERROR => 'after'))], ['received'], 'and who was connected is served on');
	is($daemon->stop, 0, 'stops');
	is_deeply([$daemon->messages], [qw(before after)], 'and stored');
};

# What a reload and a rotation may ask of a worker whose filter has long been loaded.
subtest 'everything that a worker is asked to do' => sub {
	my $daemon = LogCollectd->start(LogLevel => 'debug');
	my $dir = $daemon->dir;
	my @workers = $daemon->workers;
	my $client = $daemon->connect;
	my $in_force = sub ($conf, $what) {
		my @said = map { length slurp $_ } my @logs = ("$dir/stderr", "$dir/daemon.log");
		$daemon->write_conf($daemon->{conf} . $conf);
		$daemon->signal('HUP');
		wait_until { grep { substr(slurp($logs[$_]), $said[$_]) =~ /reloaded/ } 0, 1 };
		is_deeply([verdicts $client->ask(record(ERROR => $what), record(ERROR => "$what again"))], [('received') x 2], $what);
	};
	my $stored = sub ($file, $what) {
		ok(wait_until { slurp("$dir/$file") =~ /\Q$what\E again$/m }, "$file has it");
	};
	$in_force->("LogDir $dir/a/b/c\n", 'a folder that has to be made');
	$stored->('a/b/c/server.log', 'a folder that has to be made');
	$in_force->("LogFilename other-%Y.log\nLogFormat json\n", 'another name');
	$in_force->("LogSync always\n", 'each batch synced');
	$in_force->("LogSync 1\n", 'a thread that syncs');
	$in_force->("LogRotateSize 100\nLogRotateKeep 3\nLogDir $dir/small\n", 'rotated by size');
	$in_force->("LogRotateSize 100\nLogRotateKeep 2\nLogDir $dir/small\n", 'fewer of them');
	$stored->('small/server.log', 'fewer of them');
	ok(-e "$dir/small/server.log.1" && !-e "$dir/small/server.log.3", 'and rotated');
	$in_force->("ErrorLog $dir/daemon.log\nLogSync 1\n", 'messages in a file');
	# Nobody sees it there: a line that is decided differently tells.
	$daemon->write_conf("$daemon->{conf}ErrorLog syslog\nMinLogLevel CRITICAL\n");
	$daemon->signal('HUP');
	ok(wait_until { (verdicts $client->ask(record(ERROR => 'x')))[0] eq 'filtered' }, 'messages to syslog');
	is_deeply([verdicts $client->ask(record(CRITICAL => 'to syslog'))], ['received'], 'and on');
	$in_force->("ErrorLog stderr\nMinLogLevel DEBUG\n", 'messages on standard error');
	rename "$dir/logs", "$dir/moved";
	$daemon->signal('USR1');
	# The other worker may be the one that makes it.
	ok(wait_until { (verdicts $client->ask(record(ERROR => 'in it')))[0] eq 'received' && -s "$dir/logs/server.log" },
		'a folder that was taken away is made again, and written to');
	is_deeply([$daemon->messages], ['in it'], 'in the new file');
	is_deeply([$daemon->workers], \@workers, 'by the same workers');
	is($daemon->stop, 0, 'stops');
	unlike($daemon->errors . slurp("$dir/daemon.log"), qr/not permitted|SIGSYS|cannot/, 'and nothing was missing');
};

subtest 'as root without User' => sub {
	plan skip_all => 'needs root' if $> != 0;
	my ($uid) = (getpwnam 'nobody')[2] or plan skip_all => 'there is no user nobody';
	my $daemon = LogCollectd->new;
	mkdir $daemon->dir . '/logs', 0755;
	chown $uid, -1, $daemon->dir . '/logs';
	my ($status, undef, $said) = $daemon->run('-f', $daemon->conf_file);
	is($status, 73, 'root is like any other user: what belongs to another it cannot write');
	like($said, qr/Permission denied/, 'and says so');
};

done_testing;
