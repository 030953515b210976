# SPDX-License-Identifier: ISC
# logcollectctl against the real daemon: what it shows is what the clients saw, and what it says when
# there is nothing to be seen.
use v5.36;
use JSON::PP qw(decode_json);
use Test::More;
use LogCollectd;

use constant { USAGE => 64, DATA => 65, UNAVAILABLE => 69, NOPERM => 77, CONFIG => 78 };

sub start (%settings) {
	my $daemon = LogCollectd->new(%settings);
	$daemon->write_conf(slurp($daemon->conf_file) . 'ScoreBoardFile ' . board($daemon) . "\n");
	return $daemon->launch;
}

sub board ($daemon) { return "$daemon->{dir}/board" }

my $program = LogCollectd::program('logcollectctl');

# Runs logcollectctl with the daemon's configuration: (exit status, standard output, standard error).
sub ctl ($daemon, @arguments) {
	return $daemon->run_command($program, '-f', $daemon->conf_file, @arguments);
}

sub status ($daemon) {
	my ($status, $out) = $daemon->run_command($program, '-s', board($daemon), 'status', '--json');
	return $status eq '0' ? decode_json($out) : {};
}

subtest 'configtest' => sub {
	my $daemon = LogCollectd->new;
	is_deeply([ctl($daemon, 'configtest')], [0, "Syntax OK\n", ''], 'a good one');
	$daemon->write_conf("Wrokers 2\nMinLogLevel loud\n");
	my ($status, $out, $err) = ctl($daemon, 'configtest');
	is($status, CONFIG, 'a bad one');
	like($err, qr/:1: .*Workers.*\n.*:2: MinLogLevel/, 'with every error');
};

# Its health.
subtest 'who gives no sign of life' => sub {
	my $daemon = start(Workers => 2);
	my @processes = ($daemon->pid, $daemon->workers);
	is((ctl($daemon, 'status', '-t', 60))[0], 0, 'all do');
	kill STOP => @processes;
	my ($status, $out, $err);
	wait_until { ($status, $out, $err) = ctl($daemon, 'status', '-t', 2); 3 == ($err =~ tr/\n//) };
	is($status, UNAVAILABLE, 'a daemon that hangs is none');
	like($err, qr/pid $_, gives no sign of life for \ds/, "$_ is named") for @processes;
	like($out, qr/is running/, 'and what it was is shown');
	is((ctl($daemon, 'status'))[0], 0, 'it is given time');
	kill CONT => @processes;
	ok(wait_until { (ctl($daemon, 'status', '-t', 2))[0] eq '0' }, 'until it goes on');
	is($daemon->stop, 0, 'stops');
};

subtest 'status is what the clients saw' => sub {
	my $daemon = start(Workers => 2, ThreadsPerWorker => 5, RateLimit => 'on', RateLimitMaxRequests => 8);
	my %seen;
	$seen{$_}++ for verdicts $daemon->ask(record(ERROR => 'a'), record(DEBUG => 'b'), '{}', '[]', '{',
		'x' x 2_000_000, (record(INFO => 'c')) x 9);
	is($seen{limited}, 7, 'verdicts of many kinds');
	my $json = status($daemon);
	is($json->{counts}{$_} // 'none', $seen{$_} // 0, $_)
		for qw(received filtered invalid not_object missing limited too_long unknown_level failed);
	is($json->{counts}{lines}, 15, 'lines');
	is($json->{counts}{accepted}, 1, 'connections');
	is($json->{pid}, $daemon->pid, 'pid');
	is_deeply($json->{listening}, ['127.0.0.1:' . $daemon->port], 'listening');
	is_deeply([sort map { $_->{pid} } @{ $json->{workers} }], [sort $daemon->workers], 'workers');
	my ($sum) = map { $_->[0] + $_->[1] } [map { $_->{counts}{lines} } @{ $json->{workers} }];
	is($sum, 15, 'their lines make all');
	cmp_ok($json->{answer_us}{p50}, '<=', $json->{answer_us}{p100}, 'times');
	is($json->{limiter}{addresses}, 1, 'addresses');
	is_deeply([map { $_->{most_clients} } @{ $json->{workers} }], [5, 5], 'how many clients a worker takes');
	my ($status, $out, $err) = ctl($daemon, 'status');
	is($status . $err, 0, 'for people');
	my $pid = $daemon->pid;
	like($out, qr/\Alogcollectd is .*\bpid $pid\b/, 'the daemon');
	like($out, qr/^ *$_ +$seen{$_}$/m, $_) for qw(received limited too_long);
	is($daemon->stop, 0, 'stops');
	ok(!-e board($daemon), 'and takes the file along');
	my %count = $daemon->counted;
	is($count{lines}, 15, 'looking has changed nothing');
};

subtest 'counters survive workers' => sub {
	my $daemon = start(Workers => 2);
	my ($victim) = $daemon->workers;
	my $client = $daemon->connect_to($victim);
	$client->ask(('{}') x 10);
	my $before = status($daemon)->{counts};
	kill KILL => $victim;
	ok(wait_until { gone($victim) }, 'a worker is killed');
	ok(wait_until { 2 == grep { $_ != $victim } $daemon->workers }, 'and replaced');
	my $after = status($daemon)->{counts};
	is_deeply([grep { $after->{$_} < $before->{$_} } keys %$before], [], 'no counter has gone back');
	is($after->{missing}, 10, 'its lines are counted');
	is(status($daemon)->{worker_deaths}, 1, 'and its death');
	is($daemon->stop, 0, 'stops');
};

subtest 'limits' => sub {
	my $daemon = start(RateLimit => 'on', RateLimitMaxRequests => 3, RateLimitWindowSeconds => 600);
	my ($status, $out, $err) = ctl($daemon, 'limits', '--json');
	is_deeply([$status, decode_json($out)], [0, []], 'nobody');
	$daemon->ask(('{}') x 5);
	my $other = $daemon->connect(local => '127.0.0.2');
	$other->ask('{}');
	my ($limited) = @{ decode_json((ctl($daemon, 'limits', '--json'))[1]) };
	is_deeply([@$limited{qw(address passed limited)}], ['127.0.0.1', 3, 2], 'one is limited');
	ok($limited->{limited_now} && $limited->{left_ms} > 500_000 && $limited->{left_ms} <= 600_000, 'for a while');
	($status, $out) = ctl($daemon, 'limits');
	like($out, qr/^127\.0\.0\.1 +3 +2 +(?:9m \d+s|10m 0s) *$/m, 'for people');
	unlike($out, qr/^127\.0\.0\.2/m, 'the other one is not limited');
	like((ctl($daemon, 'limits', '-a'))[1], qr/^127\.0\.0\.2 +1 +0 /m, 'but known');
	is((ctl($daemon, 'limits', 'reset', '127.0.0.1'))[0], 0, 'reset');
	is_deeply(decode_json((ctl($daemon, 'limits', '--json'))[1]), [], 'nobody is limited');
	like((ctl($daemon, 'limits', 'reset', '127.0.0.1'))[2], qr/does not know/, 'forgotten is forgotten');
	is_deeply([verdicts $daemon->ask(('{}') x 4)], [qw(missing missing missing limited)], 'a new window');
	like((ctl($daemon, 'limits', 'reset', '192.0.2.1'))[2], qr/does not know/, 'an unknown address');
	is((ctl($daemon, 'limits', 'reset', 'localhost'))[0], USAGE, 'no address');
	is($daemon->stop, 0, 'stops');
};

subtest 'limits of IPv6' => sub {
	my $daemon = start(Listen => '[::1]:0', RateLimit => 'on', RateLimitMaxRequests => 1);
	$daemon->ask(('{}') x 2);
	my ($limited) = @{ decode_json((ctl($daemon, 'limits', '--json'))[1]) };
	is($limited->{address}, '::', 'counted by prefix');
	is((ctl($daemon, 'limits', 'reset', '::1'))[0], 0, 'reset by the address');
	is_deeply([verdicts $daemon->ask(('{}') x 2)], [qw(missing limited)], 'a new window');
	is($daemon->stop, 0, 'stops');
};

subtest 'top, piped' => sub {
	my $daemon = start(RateLimit => 'on', RateLimitMaxRequests => 3);
	my $client = $daemon->connect;
	$client->ask(('{}') x 5);
	my ($status, $out, $err) = ctl($daemon, 'top', '-n', 2, '-d', 0.1);
	is($status . $err, 0, 'ends after its looks');
	is(scalar(() = $out =~ /^TIME .* LINES +RECEIVED/mg), 2, 'two looks');
	like($out, qr/^\d\d:\d\d:\d\d  total +- /m, 'the sum');
	like($out, qr/^\d\d:\d\d:\d\d  127\.0\.0\.1 +limited /m, 'the address');
	unlike($out, qr/\e/, 'no escapes');
	is((ctl($daemon, 'top', '-d', 0))[0], USAGE, 'a bad delay');
	is($daemon->stop, 0, 'stops');
};

# Types the keys into `top` on a terminal of its own; what it drew.
sub on_terminal ($daemon, $keys, $columns, @options) {
	my $command = "stty rows 30 cols $columns; exec $program -s @{[board($daemon)]} top @options";
	local $ENV{TERM} = 'xterm';
	unlink "$daemon->{dir}/screen";
	my $pid = open(my $keyboard, '|-', 'script', '-qefc', $command, "$daemon->{dir}/screen") or die "script: $!";
	my $drawn = wait_until { slurp("$daemon->{dir}/screen") =~ /LINES/ };
	print {$keyboard} $keys;
	$keyboard->flush;
	my $ended = wait_until { gone($pid) };
	close $keyboard;
	return ($drawn && $ended ? $? >> 8 : 'stuck', slurp("$daemon->{dir}/screen") =~ s/^Script .*\n//mgr);
}

subtest 'top, on a terminal' => sub {
	plan skip_all => 'there is no script(1)' if !grep { -x "$_/script" } split /:/, $ENV{PATH};
	my $daemon = start();
	my ($status, $screen) = on_terminal($daemon, '>r<q', 140, '-d', 60);
	is($status, 0, 'q ends it');
	like($screen, qr/\e\[\?1049h.*LINES.*\e\[\?1049l/s, 'a screen of its own, and back');
	like($screen, qr/KB/, 'all columns');
	my @verdicts = qw(received filtered invalid not_object missing limited too_long unknown_level failed);
	is_deeply([grep { $screen !~ /(?<![A-Z_])\U$_\E(?![A-Z_])/ } 'clients', 'lines', @verdicts], [], 'called what they are called elsewhere');
	($status, $screen) = on_terminal($daemon, '', 140, '-n', 2, '-d', 0.1);
	is($status, 0, 'ends after its looks');
	(undef, $screen) = on_terminal($daemon, 'q', 80, '-d', 60);
	like($screen, qr/NOT_OBJECT/, 'where the window is narrow, what there is room for');
	unlike($screen, qr/MISSING|KB/, 'and no more');
	(undef, $screen) = on_terminal($daemon, '<' x 2 . 'q', 80, '-d', 60);
	like($screen, qr/KB/, 'what is sorted by is among it');
	is($daemon->stop, 0, 'stops');
};

# Rewrites the configuration: the old one with these lines behind it.
sub change ($daemon, $text) {
	$daemon->{first} //= slurp($daemon->conf_file);
	$daemon->write_conf($daemon->{first} . $text);
}

subtest 'reload' => sub {
	my $daemon = start();
	my $client = $daemon->connect;
	for my $level ('ERROR', 'DEBUG', 'ERROR') {
		change($daemon, "MinLogLevel $level\n");
		my ($status, $out, $err) = ctl($daemon, 'reload');
		is_deeply([$status, $err], [0, ''], "to $level");
		like($out, qr/^reloaded: settings generation \d+ is in force in 2 workers$/, 'told');
		my $want = $level eq 'ERROR' ? 'filtered' : 'received';
		is_deeply([verdicts $client->ask(record(INFO => 'x'))], [$want], 'in force when it returns');
	}
	change($daemon, "Workers 3\n");
	is((ctl($daemon, 'reload'))[0], 0, 'more workers');
	my $json = status($daemon);
	is(scalar(grep { $_->{generation} == 2 && $_->{state} eq 'serving' } @{ $json->{workers} }), 3, 'serve');
	is_deeply([@{ $json->{reload} }{qw(asked finished errors)}], [4, 4, 0], 'all reloads are told');
	is($daemon->stop, 0, 'stops');
};

subtest 'reload that fails or warns' => sub {
	my $daemon = start(MinLogLevel => 'ERROR');
	change($daemon, "MinLogLevel LOUD\nNonsense\n");
	my ($status, $out, $err) = ctl($daemon, 'reload');
	is_deeply([$status, $out], [1, ''], 'errors in the file');
	like($err, qr/:\d+: MinLogLevel: .*\n.*:\d+: Nonsense: .*\n.*nothing was reloaded/, 'every one of them is told');
	is(status($daemon)->{reload}{asked}, 0, 'the daemon was not asked');
	my $port = $daemon->port;
	my $other = LogCollectd->start;
	change($daemon, 'Listen 127.0.0.1:' . $other->port . "\nMinLogLevel DEBUG\n");
	($status, $out, $err) = ctl($daemon, 'reload');
	is_deeply([$status, $out], [1, ''], 'a port that is taken');
	like($err, qr/in use.*\n.*the settings are as they were/, 'the daemon says so');
	is_deeply([verdicts $daemon->ask(record(INFO => 'x'))], ['filtered'], 'the old settings hold');
	like((ctl($daemon, 'status'))[1], qr/last reload .*: failed\n.*in use/, 'status tells it too');
	change($daemon, "RateLimitTableSize 99\n");
	($status, $out, $err) = ctl($daemon, 'reload');
	is($status, 0, 'a setting that needs a restart');
	like($err, qr/RateLimitTableSize/, 'is named');
	is($_->stop, 0, 'stops') for $daemon, $other;
};

subtest 'reopen' => sub {
	my $daemon = start();
	my @clients = map { $daemon->connect_to($_) } $daemon->workers;
	my $log = $daemon->path('logs/server.log');
	for my $round (1 .. 5) {
		$_->ask((record(INFO => "round $round")) x 50) for @clients;
		$_->send(join "", (record(INFO => "round $round") . "\n") x 50) for @clients;
		rename $log, "$log.$round";
		my ($status, $out, $err) = ctl($daemon, 'reopen');
		is_deeply([$status, $err], [0, ''], 'reopened');
		my $size = -s "$log.$round";
		$_->ask((record(INFO => "round $round")) x 50) for @clients;
		is(-s "$log.$round", $size, 'nobody writes to the old file');
		$_->lines(50) for @clients;
	}
	my $lines = () = join('', map { slurp($_) } $log, map { "$log.$_" } 1 .. 5) =~ /\n/g;
	is($lines, 5 * 2 * 150, 'nothing is lost');
	is($daemon->stop, 0, 'stops');
};

subtest 'workers that do not follow' => sub {
	my $daemon = start();
	my ($held) = $daemon->workers;
	kill STOP => $held;
	for ('reload', 'reopen') {
		my ($status, $out, $err) = ctl($daemon, '-t', 1, $_);
		is_deeply([$status, $out], [75, ''], "$_ waits in vain");
		like($err, qr/worker $held .*not followed/, 'for one that is named');
	}
	kill CONT => $held;
	is((ctl($daemon, $_))[0], 0, "$_ ends when it goes on") for 'reload', 'reopen';
	rename $daemon->path('logs'), $daemon->path('gone');
	open my $file, '>', $daemon->path('logs');
	my ($status, $out, $err) = ctl($daemon, 'reopen');
	is_deeply([$status, $out], [1, ''], 'a log that cannot be opened');
	like($err, qr/keeps the old log file/, 'told');
	is(scalar(grep { $_->{log_error} } @{ status($daemon)->{workers} }), 2, 'by both workers');
	unlink $daemon->path('logs');
	is($daemon->stop, 0, 'stops');
};

subtest 'stop' => sub {
	my $daemon = start();
	my $client = $daemon->connect;
	$client->ask('{}');
	is_deeply([ctl($daemon, 'stop')], [0, "stopped\n", ''], 'told');
	ok(gone($daemon->pid), 'the daemon is gone when it returns');
	is($daemon->ended, 0, 'in order');
	is((ctl($daemon, 'stop'))[0], UNAVAILABLE, 'not twice');
};

subtest 'stop by the pid file' => sub {
	my $daemon = LogCollectd->new;
	$daemon->write_conf(slurp($daemon->conf_file) . "PidFile $daemon->{dir}/pid\n");
	$daemon->launch;
	is((ctl($daemon, 'stop'))[0], 0, 'stopped');
	is($daemon->ended, 0, 'in order');
	is((ctl($daemon, 'stop'))[0], UNAVAILABLE, 'not twice');
	is((ctl($daemon, 'status'))[0], CONFIG, 'there is nothing else to be seen');
};

subtest 'nothing to be seen' => sub {
	my $daemon = start();
	my @commands = (['status'], ['top', '-n', 1], ['limits'], ['reload'], ['reopen']);
	$daemon->signal('KILL');
	$daemon->ended;
	ok(-e board($daemon), 'a daemon that was killed leaves its file');
	for (@commands) {
		my ($status, $out, $err) = ctl($daemon, @$_);
		is_deeply([$status, $out], [UNAVAILABLE, ''], "@$_");
		like($err, qr/not running/, 'told');
	}
	open my $file, '>', board($daemon) or die $!;
	print {$file} "not a board\n" x 1000;
	close $file;
	my ($status, $out, $err) = ctl($daemon, 'status');
	is($status, DATA, 'another file');
	like($err, qr/is no scoreboard/, 'told');
	$daemon->write_conf("Port 1\n");
	is((ctl($daemon, 'status'))[0], CONFIG, 'a bad configuration');
	is((ctl($daemon, 'reload'))[0], 1, 'is not reloaded');
};

# Writes what it gets over parts of a file, here and there.
sub spoil ($file, $whole, $round) {
	open my $board, '+<', $file or die "$file: $!";
	syswrite $board, $whole;
	for (1 .. 1 + $round * 20) {
		sysseek $board, int rand length $whole, 0;
		syswrite $board, join '', map { chr int rand 256 } 1 .. 1 + ($round % 3 == 0) * int rand 500;
	}
	close $board;
}

subtest 'a spoiled scoreboard' => sub {
	my $daemon = start(RateLimit => 'on', RateLimitMaxRequests => 3, RateLimitTableSize => 200);
	my $client = $daemon->connect;
	$client->ask(('{}') x 5);
	my @processes = ($daemon->pid, $daemon->workers);
	kill STOP => @processes;   # they are not to be harmed, but hold the file
	my $whole = slurp(board($daemon));
	my $seed = srand;
	my ($ended, $shown) = (0, 0);
	my @commands = (['status'], ['status', '--json'], ['limits', '-a'], ['limits', '-a', '--json'],
		['top', '-n', 1, '-d', 0.1], ['limits', 'reset', '127.0.0.1']);
	for my $round (0 .. 11) {
		spoil(board($daemon), $whole, $round);
		for (@commands) {
			my ($status) = $daemon->run_command($program, '-s', board($daemon), @$_);
			my $well = $status =~ /^\d+$/ && $status != 1 && $status <= 78;
			diag "seed $seed, round $round, @$_: $status" if !$well;
			$ended += $well;
			$shown += $status eq '0';
		}
	}
	is($ended, 12 * @commands, 'whatever it holds, every command ends');
	cmp_ok($shown, '>', 0, 'and shows something');
	kill KILL => @processes;
	$daemon->ended;
};

subtest 'a killed daemon is followed by another' => sub {
	my $daemon = start();
	my $second = LogCollectd->new;
	$second->write_conf(slurp($second->conf_file) . 'ScoreBoardFile ' . board($daemon) . "\n");
	my ($status, $out, $err) = $second->run('-f', $second->conf_file);
	is($status, 73, 'two at once cannot be');
	my $pid = $daemon->pid;
	like($err, qr/already running as pid $pid\b/, 'told');
	is((ctl($daemon, 'status'))[0], 0, 'the first one is seen as before');
	$daemon->signal('KILL');
	$daemon->ended;
	$daemon->launch;
	is(status($daemon)->{pid}, $daemon->pid, 'the next one takes its place');
	is($daemon->stop, 0, 'stops');
};

subtest 'another PID namespace' => sub {
	my @elsewhere = qw(unshare --pid --fork --kill-child);
	plan skip_all => 'there is no other' if system("@elsewhere true 2>/dev/null") != 0;
	my $daemon = start();
	my $second = LogCollectd->new(-wrap => ['timeout', '20', @elsewhere]);
	$second->write_conf(slurp($second->conf_file) . 'ScoreBoardFile ' . board($daemon) . "\n");
	my ($status, $out, $err) = $second->run('-f', $second->conf_file);
	is($status, 73, 'a second daemon there does not start');
	like($err, qr/already running in another PID namespace/, 'told');
	is(system("@elsewhere $program -s @{[board($daemon)]} status >/dev/null"), 0, 'the first one is seen from there');
	$err = `@elsewhere $program -s @{[board($daemon)]} stop 2>&1`;
	is($? >> 8, UNAVAILABLE, 'but not stopped');
	like($err, qr/another PID namespace/, 'told');
	is($daemon->stop, 0, 'stops');
};

subtest 'no permission' => sub {
	plan skip_all => 'not root' if $> != 0;
	plan skip_all => 'there is no setpriv(1)' if !-x '/usr/bin/setpriv';
	my $daemon = start();
	chmod 0755, $daemon->dir;
	my @nobody = qw(setpriv --reuid 65534 --regid 65534 --clear-groups);
	my $err = `@nobody $program -s @{[board($daemon)]} status 2>&1`;
	plan skip_all => "nobody may not run it: $err" if $err =~ /setpriv|exec/;
	is($? >> 8, NOPERM, 'another user');
	like($err, qr/no permission/, 'told');
	chmod 0644, board($daemon);
	is(system("@nobody $program -s @{[board($daemon)]} status >/dev/null") >> 8, 0, 'reading is enough for status');
	is(system("@nobody $program -s @{[board($daemon)]} top -n 1 -d 0.1 >/dev/null") >> 8, 0, 'and for top');
	is(system("@nobody $program -s @{[board($daemon)]} limits >/dev/null") >> 8, 0, 'and for limits');
	is(system("@nobody $program -s @{[board($daemon)]} $_ >/dev/null 2>&1") >> 8, NOPERM, "but not for $_")
		for 'limits reset ::1', qw(stop reload reopen);
	is($daemon->stop, 0, 'stops');
};

subtest 'usage' => sub {
	my $daemon = LogCollectd->new;
	for (['nonsense'], ['status', 'more'], ['limits', 'reset'], ['limits', 'forget', '::1'], ['-x'], ['-t', 'soon', 'stop'], []) {
		is((ctl($daemon, @$_))[0], USAGE, "@$_");
	}
	my ($status, $out) = ctl($daemon, '-h');
	is($status, 0, '-h');
	like($out, qr/usage:.*reload.*reopen/s, 'helps');
	is((ctl($daemon, '-V'))[0], 0, '-V');
};

done_testing;
