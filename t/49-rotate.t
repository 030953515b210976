# SPDX-License-Identifier: ISC
# Rotation: by a script that renames and signals, by the time in the name, by size; of the daemon's own log, too.  Nothing is
# lost, and who was told that the old file is free may compress it.
use v5.36;
use Test::More;
use LogCollectd;
use Storm::Load;

my $ctl = LogCollectd::program('logcollectctl');

sub start (%settings) {
	my $daemon = LogCollectd->new(%settings);
	$daemon->write_conf($daemon->{conf} .= "MaxLineLength 8192\nScoreBoardFile $daemon->{dir}/board\n");
	mkdir "$daemon->{dir}/logs";
	chmod 0777, "$daemon->{dir}/logs";
	return $daemon->launch;
}

# logcollectctl reopen: (exit status, what it says).
sub reopen ($daemon) {
	my ($status, $out, $err) = $daemon->run_command($ctl, '-s', "$daemon->{dir}/board", '-t', 25, 'reopen');
	return ($status, $out . $err);
}

sub files ($daemon) {
	opendir my $folder, "$daemon->{dir}/logs" or die $!;
	return map { "$daemon->{dir}/logs/$_" } sort grep { !/^\.\.?$/ } readdir $folder;
}

# Which of the daemon's processes has the file open.
sub holders ($daemon, $path) {
	return grep { my $pid = $_; grep { (readlink($_) // '') eq $path } glob "/proc/$pid/fd/*" }
		$daemon->pid, $daemon->workers;
}

# Every file's records against the clients' memories.
sub check_union ($daemon, $load, @files) {
	$load->proof->read_file($_) for @files;
	my $judgement = $load->judge;
	is_deeply($judgement->{faults}, [], 'the files together have every record that was received once, whole, and no other');
	cmp_ok($judgement->{seen}{received}, '>', 500, 'many');
	is_deeply($judgement->{refused}, {}, 'nobody was refused');
}

for my $signal (qw(USR1 HUP)) {
	subtest "renamed, $signal, under load" => sub {
		my $daemon = start(Workers => 2);
		my $file = "$daemon->{dir}/logs/server.log";
		my $load = Storm::Load->start($daemon, 1, [('pipeliner') x 4]);
		for my $turn (1 .. 4) {
			ok(wait_until { (-s $file // 0) > 50_000 }, "turn $turn: the file grows");
			is(rename($file, "$file.$turn"), 1, 'it is renamed');
			$daemon->signal($signal);
			my ($status, $said) = reopen($daemon);
			is($status, 0, 'reopened') or diag $said;
			my $size = -s "$file.$turn";
			is_deeply([holders($daemon, "$file.$turn")], [], 'nobody has the old one');
			ok(wait_until { (-s $file // 0) > 50_000 }, 'the new one grows');
			is(-s "$file.$turn", $size, 'the old one does not');
		}
		ok($load->gather, 'the clients end');
		is($daemon->stop, 0, 'stops');
		check_union($daemon, $load, files($daemon));
		unlike($daemon->errors, qr/ error: /, 'no error is told');
	};
}

# The way is free again after `mend`; the daemon runs as it is given.
sub failing_reopen ($daemon, $break, $reason, $mend) {
	my $file   = "$daemon->{dir}/logs/server.log";
	my @clients = map { $daemon->connect_to($_) } $daemon->workers;
	is_deeply([verdicts map { $_->ask(record(ERROR => 'one')) } @clients], [('received') x 2], 'before');
	rename $file, "$file.1";
	$break->($file);
	my ($status, $said) = reopen($daemon);
	is($status, 1, 'reopen fails');
	like($said, qr/keeps the old log file: $reason/, 'says so');
	like($daemon->errors, qr{server\.log: cannot open: $reason; records still go to the file open as \S+server\.log$}m, 'in the log too');
	is_deeply([verdicts map { $_->ask(record(ERROR => 'two')) } @clients], [('received') x 2], 'records are stored nevertheless');
	is(scalar(() = slurp("$file.1") =~ /\] two$/mg), 2, 'in the old file');
	for my $n (1 .. 100) {
		$daemon->signal('USR1') if $n % 10 == 0;
		$_->ask(record(ERROR => 'more')) for @clients;
	}
	my $told = () = $daemon->errors =~ /cannot open: /g;
	is($told, 1, 'one of the workers has said it, once');
	$mend->($file);
	($status, $said) = reopen($daemon);
	is($status, 0, 'then it succeeds') or diag $said;
	is_deeply([holders($daemon, "$file.1")], [], 'nobody has the old one');
	is_deeply([verdicts map { $_->ask(record(ERROR => 'three')) } @clients], [('received') x 2], 'records');
	is_deeply([$daemon->messages], [qw(three three)], 'go to the new one');
	unlike(slurp("$file.1"), qr/three/, 'only');
	like($daemon->errors, qr/records go there now/, 'that is told, too');
	is($daemon->stop, 0, 'stops');
}

subtest 'a directory in the way' => sub {
	failing_reopen(start(Workers => 2), sub ($file) { mkdir $file }, 'Is a directory', sub ($file) { rmdir $file });
};

subtest 'the folder is not ours any more' => sub {
	plan skip_all => 'needs root and a user nobody' if $> != 0 || !getpwnam 'nobody';
	failing_reopen(start(Workers => 2, User => 'nobody'), sub ($file) { chmod 0555, $file =~ s{/[^/]+$}{}r },
		'Permission denied', sub ($file) { chmod 0777, $file =~ s{/[^/]+$}{}r });
};

subtest 'a reopen that failed is made up for by the next record' => sub {
	my $daemon = start(Workers => 1);
	my $file   = "$daemon->{dir}/logs/server.log";
	my $client = $daemon->connect;
	$client->ask(record(ERROR => 'one'));
	rename $file, "$file.1";
	mkdir $file;
	is((reopen($daemon))[0], 1, 'reopen fails');
	rmdir $file;
	is_deeply([verdicts $client->ask(record(ERROR => 'two'))], ['received'], 'the way is free');
	is_deeply([$daemon->messages], ['two'], 'the record goes to the new file');
	is((reopen($daemon))[0], 0, 'and so says reopen');
	is($daemon->stop, 0, 'stops');
};

subtest 'a reopen that fails in one worker' => sub {
	my $daemon = start(Workers => 2);
	my ($path) = "$daemon->{dir}/logs/server.log";
	my @clients = map { $daemon->connect } 1 .. 20;
	$_->ask(record(ERROR => 'before')) for @clients;
	my ($poor) = $daemon->workers;
	plan skip_all => 'needs prlimit' if system("prlimit --pid $poor --nofile=3: 2>/dev/null") != 0;
	rename $path, "$path.1";
	kill USR1 => $daemon->pid;
	ok(wait_until { $daemon->errors =~ /cannot open: Too many/ }, 'one of them cannot open it');
	ok(wait_until { -e $path }, 'the other one can');
	is_deeply([verdicts map { $_->ask(record(ERROR => 'between')) } @clients], [('received') x 20], 'all are served');
	unlike($daemon->errors, qr/records go there now/, 'which is not the end of the trouble');
	system "prlimit --pid $poor --nofile=1024:";
	ok(wait_until { $_->ask(record(ERROR => 'after')) for @clients; $daemon->errors =~ /records go there now/ }, 'the end is told when it is');
	is($daemon->stop, 0, 'stops');
};

subtest 'a name with the time' => sub {
	my $daemon = start(Workers => 2, LogFilename => 'at-%Y-%m-%dT%H:%M:%S.log');
	my $load   = Storm::Load->start($daemon, 2, [('pipeliner') x 3]);
	ok(wait_until { files($daemon) >= 4 }, 'the file changes every second');
	ok($load->gather, 'the clients end');
	is($daemon->stop, 0, 'stops');
	my @strange = map { my ($time) = /at-(.*)\.log$/ ? $1 : 'no name';
		grep { !/^\Q$time\E\.\d{6}Z / } split /\n/, slurp($_) } files($daemon);
	is(scalar @strange, 0, 'every record is in the file of its second') or diag $strange[0];
	check_union($daemon, $load, files($daemon));
};

subtest 'by size, under load' => sub {
	my $daemon = start(Workers => 3, LogRotateSize => 100_000, LogRotateKeep => 1000);
	my $load   = Storm::Load->start($daemon, 3, [('pipeliner') x 4]);
	ok(wait_until { files($daemon) > 12 }, 'files come');
	ok($load->gather, 'the clients end');
	is($daemon->stop, 0, 'stops');
	my @files = files($daemon);
	is_deeply([sort map { /\/([^\/]+)$/ } @files], [sort 'server.log', map { "server.log.$_" } 1 .. $#files], 'numbered without a gap');
	is_deeply([grep { -s $_ > 100_000 } @files], [], 'none is too large');
	check_union($daemon, $load, @files);
	unlike($daemon->errors, qr/ error: /, 'no error is told');
};

subtest 'only so many are kept' => sub {
	my $daemon = start(Workers => 3, LogRotateSize => 20_000, LogRotateKeep => 2);
	my $load   = Storm::Load->start($daemon, 4, [('pipeliner') x 4]);
	my ($most, $changes, $last) = (0, 0, 0);
	ok(wait_until {
		my @files = files($daemon);
		$most = @files if @files > $most;
		my $inode = (stat "$daemon->{dir}/logs/server.log.1")[1] // 0;
		$changes++ if $inode != $last;
		$last = $inode;
		$changes > 20;
	}, 'rotated many times');
	ok($load->gather, 'the clients end');
	is($daemon->stop, 0, 'stops');
	is($most, 3, 'never more than the two that are kept, and the log');
	$load->proof->read_file($_) for files($daemon);
	is_deeply([$load->proof->faults], [], 'whole lines, all of them sent');
	cmp_ok($load->proof->records, '>', 50, 'many');
};

for my $signal (qw(USR1 HUP)) {
	subtest "the daemon's own log, $signal" => sub {
		my $daemon = LogCollectd->new(Workers => 2);
		my $own    = "$daemon->{dir}/stderr"; # where the daemon's messages are looked for
		$daemon->write_conf($daemon->{conf} .= "ErrorLog $own\nScoreBoardFile $daemon->{dir}/board\n");
		$daemon->launch;
		my ($first, $second) = $daemon->workers;
		my $client = $daemon->connect_to($first);
		rename $own, "$own.1";
		$daemon->signal($signal);
		is((reopen($daemon))[0], 0, 'reopened');
		my $size = -s "$own.1";
		rmdir "$daemon->{dir}/logs" if unlink "$daemon->{dir}/logs/server.log";
		open my $in_the_way, '>', "$daemon->{dir}/logs" or die $!;
		is_deeply([verdicts $client->ask(record(ERROR => 'x'))], ['failed'], 'a worker is in trouble');
		like($daemon->errors, qr/logcollectd\[$first\] error: .*cannot store/, 'and writes to the new one');
		kill KILL => $second;
		ok(wait_until { $daemon->errors =~ /killed by signal 9/ }, 'the supervisor writes there too');
		unlink "$daemon->{dir}/logs";
		ok(wait_until { $daemon->workers == 2 }, 'the dead one is replaced');
		is($daemon->stop, 0, 'stops');
		like($daemon->errors, qr/counted: /, 'the last word is there');
		is(-s "$own.1", $size, 'nothing more in the old one');
	};
}

done_testing;
