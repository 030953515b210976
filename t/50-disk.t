# SPDX-License-Identifier: ISC
# The disk is full, the file may not grow, the file is gone: `storage failure`, nothing lost, nothing torn,
# and it ends by itself.
use v5.36;
use Fcntl qw(LOCK_EX);
use Test::More;
use LogCollectd;

my $kilobyte = 'k' x 1000;

# Asks for lines of a kilobyte until one fails; the messages that were received.
sub fill_up ($daemon, $name) {
	my $client = $daemon->connect;
	my @received;
	for my $n (1 .. 2000) {
		my ($verdict) = verdicts $client->ask(record(ERROR => "$name $n $kilobyte"));
		return @received if $verdict eq 'failed';
		push @received, "$name $n $kilobyte" if $verdict eq 'received';
	}
	return;
}

# That the file holds each of them once and nothing else.
sub check_file ($daemon, $what, @received) {
	my @messages = $daemon->messages;
	is(scalar @messages, scalar @received, "$what: as many lines as were received");
	is(join("\n", sort @messages) eq join("\n", sort @received), 1, "$what: each once, whole");
}

# What has to be said while nothing can be stored.
sub check_others ($daemon) {
	my @lines = (record(ERROR => "no room $kilobyte"), record(DEBUG => 'x'), '{', '1', '{}');
	is_deeply([verdicts $daemon->ask((@lines) x 5)], [(qw(failed filtered invalid not_object missing)) x 5],
		'only storing fails');
	is_deeply([verdicts $daemon->ask(map { record(ERROR => "$_ $kilobyte") } 1 .. 50)], [('failed') x 50], 'whole batches fail');
}

subtest 'a full disk' => sub {
	plan skip_all => 'needs root, unshare and mount'
		if system('unshare --mount -- mount -t tmpfs none /mnt 2>/dev/null') != 0;
	my $script = 'mount -t tmpfs -o size=256k none "$1" && head -c 65536 /dev/zero >"$1/ballast" && shift && exec "$@"';
	my $daemon = LogCollectd->new(Workers => 2, -private => 1);
	mkdir $daemon->dir . '/logs';
	$daemon->{'-wrap'} = ['unshare', '--mount', '--', 'sh', '-c', $script, 'sh', $daemon->dir . '/logs'];
	$daemon->launch;
	my @workers = $daemon->workers;
	my @received = fill_up($daemon, 'first');
	cmp_ok(scalar @received, '>', 50, 'received until the disk is full');
	check_file($daemon, 'full', @received);
	check_others($daemon);
	check_file($daemon, 'still full', @received);
	ok(!-e $daemon->dir . '/logs/server.log', 'the disk is the daemon\'s own');

	unlink $daemon->path('logs/ballast') or diag "ballast: $!";
	my @more = map { my $worker = $_;
		my $client = $daemon->connect_to($worker);
		map { (verdicts $client->ask(record(ERROR => "$worker $_")))[0] eq 'received' ? "$worker $_" : () } 1 .. 20;
	} @workers;
	is(scalar @more, 40, 'there is room again: every worker stores');
	check_file($daemon, 'with room', @received, @more);
	push @received, @more, fill_up($daemon, 'second');
	check_file($daemon, 'full again', @received);
	is_deeply([$daemon->workers], \@workers, 'no worker has died');
	# The disk goes away with the daemon, so its messages are what is left.
	is($daemon->stop, 0, 'stops');
	my %count = $daemon->counted;
	is($count{received}, scalar @received, 'counted: received');
	is($count{failed}, 1 + 5 + 50 + 1, 'counted: failed');
	my $lines = () = $daemon->errors =~ /\n/g;
	cmp_ok($lines, '<', 40, 'and its own log has not grown with every line');
};

subtest 'a limit of file size' => sub {
	my $daemon = LogCollectd->start(Workers => 2, -wrap => ['prlimit', '--fsize=65536', '--']);
	my @workers = $daemon->workers;
	my @received = fill_up($daemon, 'first');
	cmp_ok(scalar @received, '>', 50, 'received up to the limit');
	check_file($daemon, 'full', @received);
	check_others($daemon);
	is_deeply([$daemon->workers], \@workers, 'no worker has died of SIGXFSZ');
	check_file($daemon, 'still full', @received);
	truncate $daemon->dir . '/logs/server.log', 0;
	is_deeply([verdicts $daemon->ask(record(ERROR => 'room again'))], ['received'], 'the file is cut: there is room again');
	check_file($daemon, 'with room', 'room again');
	is($daemon->stop, 0, 'stops');
};

subtest 'a batch that fits in part' => sub {
	my $daemon = LogCollectd->start(Workers => 1, -wrap => ['prlimit', '--fsize=65536', '--']);
	my @sent = map { "$_ $kilobyte" } 1 .. 200;
	my @verdicts = verdicts $daemon->ask(map { record(ERROR => $_) } @sent);
	is(scalar(grep { $_ ne 'received' && $_ ne 'failed' } @verdicts), 0, 'received or failed');
	my @received = map { $verdicts[$_] eq 'received' ? $sent[$_] : () } 0 .. $#sent;
	cmp_ok(scalar @received, '<', 66, 'not all fit');
	check_file($daemon, 'the file', @received);
	is($daemon->stop, 0, 'stops');
};

subtest 'the file is deleted' => sub {
	my $daemon = LogCollectd->start(Workers => 2);
	my @workers = $daemon->workers;
	my @clients = map { $daemon->connect_to($_) } @workers;
	is_deeply([verdicts $_->ask(record(ERROR => 'before'))], ['received'], 'before') for @clients;
	unlink $daemon->dir . '/logs/server.log';
	is_deeply([verdicts $_->ask(record(ERROR => 'after'))], ['received'], 'after it') for @clients;
	is_deeply([$daemon->messages], [('after') x 2], 'what was received is in the file, which is made again');
	unlink $daemon->dir . '/logs/server.log';
	rmdir $daemon->dir . '/logs';
	is_deeply([verdicts $_->ask(record(ERROR => 'again'))], ['received'], 'after the folder is deleted too') for @clients;
	is_deeply([$daemon->messages], [('again') x 2], 'the same');
	is($daemon->stop, 0, 'stops');
};

# Another program has the file's lock while a worker wants to append, does something to the file under it, and lets go.
sub under_lock ($daemon, $client, $message, $change) {
	my $path = $daemon->dir . '/logs/server.log';
	open my $file, '>>', $path or die "$path: $!";
	my $inode = (stat $file)[1];
	flock $file, LOCK_EX or die "flock: $!";
	$client->send(record(ERROR => $message) . "\n");
	ok(wait_until { slurp('/proc/locks') =~ /-> FLOCK .*:$inode / }, 'the worker waits for the lock');
	$change->($file, $path);
	close $file;
	return (verdicts $client->lines(1))[0];
}

subtest 'others had the lock meanwhile' => sub {
	my $daemon = LogCollectd->start(Workers => 1, -wrap => ['prlimit', '--fsize=65536', '--']);
	my $client = $daemon->connect;
	is_deeply([verdicts $client->ask(record(ERROR => 'one'))], ['received'], 'before');
	is(under_lock($daemon, $client, 'two', sub ($file, $path) { syswrite $file, 'open' }), 'received', 'one appended a line without its end');
	is_deeply([$daemon->messages], [qw(one open two)], 'nothing is joined to it');
	is(under_lock($daemon, $client, 'f' x 65536, sub ($file, $path) { syswrite $file, "theirs\n" }), 'failed',
		'one appended, and then ours did not fit');
	is_deeply([$daemon->messages], [qw(one open two theirs)], 'only ours is taken back');
	is_deeply([verdicts $client->ask(record(ERROR => 'three'))], ['received'], 'after that');
	is(under_lock($daemon, $client, 'four', sub ($file, $path) { unlink $path }), 'received', 'one removed the file');
	is_deeply([$daemon->messages], ['four'], 'ours is in the new one');
	is($daemon->stop, 0, 'stops');
	my %count = $daemon->counted;
	is($count{lock_waits}, 3, 'counted, each time');
};

subtest 'a folder that cannot be made again' => sub {
	my $daemon = LogCollectd->start(Workers => 1);
	is_deeply([verdicts $daemon->ask(record(ERROR => 'before'))], ['received'], 'before');
	my $logs = $daemon->dir . '/logs';
	unlink "$logs/server.log";
	rmdir $logs;
	open my $file, '>', $logs;
	is_deeply([verdicts $daemon->ask(record(ERROR => 'lost'), record(DEBUG => 'x'))], [qw(failed filtered)], 'no way to store');
	unlink $logs;
	is_deeply([verdicts $daemon->ask(record(ERROR => 'after'))], ['received'], 'the way is free again');
	is_deeply([$daemon->messages], ['after'], 'the file');
	is($daemon->stop, 0, 'stops');
};

subtest 'LogSync' => sub {
	for my $sync (qw(none always 1)) {
		my $daemon = LogCollectd->start(LogSync => $sync);
		my @sent = map { "line $_" } 1 .. 100;
		is_deeply([verdicts $daemon->ask(map { record(ERROR => $_) } @sent)], [('received') x 100], "LogSync $sync");
		is_deeply([$daemon->messages], \@sent, 'the file');
		is($daemon->stop, 0, 'stops');
	}
};

done_testing;
