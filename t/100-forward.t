# SPDX-License-Identifier: ISC
# The forwarder: what was answered `received` is in the engine once, in order, whatever is killed, rotated or away; and with AckWhen
# replicated it was there before the answer.  The engine is librdkafka's mock of three brokers.
use v5.36;
use FindBin;
use Test::More;
use Time::HiRes qw(sleep time);
use LogCollectd;
use LogCollectd::Engine;
use LogCollectd::Kafka;

plan skip_all => 'built without the Kafka driver' if !-x LogCollectd::Kafka::program();

# It starts threads in a way that the sanitizer does not see.
plan skip_all => 'librdkafka does not run under ThreadSanitizer' if ($ENV{BUILD} // '') =~ /-thread\b/;

sub start ($kafka, @settings) {
	return start_forwarding(Forward => $kafka->address . ' topic=logs node=n1', @settings);
}

sub spool ($daemon) {
	return map { s{.*/}{}r } glob $daemon->dir . '/logs/spool/*-*-*-*';
}

subtest 'records arrive, in order, once; what was shipped leaves the spool' => sub {
	my $kafka  = LogCollectd::Kafka->start;
	my $daemon = start($kafka, LogRotateSize => 20000, LogRotateKeep => 2);
	send_numbered($daemon, 1, 2000);
	is_deeply([$kafka->numbers($daemon, 2000, 'topic=logs')], [1 .. 2000], 'all are there');
	ok(wait_until { (spool($daemon)) == 1 }, 'only the live file is in the spool');
	like(slurp($daemon->dir . '/logs/spool/checkpoint'), qr/\An1 \S+ \d+ \d+ \d+ [0-9a-f]{16}\n\0/, 'the checkpoint');
	is_deeply([$kafka->messages($daemon, 'topic=logs', '--node', 'other')], [], 'of another node there is nothing');
	is($daemon->stop, 0, 'stops');
	$daemon->launch;
	send_numbered($daemon, 2001, 2100);
	is_deeply([$kafka->numbers($daemon, 2100, 'topic=logs')], [1 .. 2100], 'and goes on where it was');
	is($daemon->stop, 0, 'stops again');
};

subtest 'what is there already when Forward is set' => sub {
	my $kafka  = LogCollectd::Kafka->start;
	my $daemon = LogCollectd->start;
	send_numbered($daemon, 1, 100);
	is(forwarder($daemon), undef, 'without it there is no forwarder');
	ok(!-e $daemon->dir . '/logs/spool', 'and no spool');
	$daemon->write_conf(slurp($daemon->conf_file) . 'Forward ' . $kafka->address . " topic=logs\n");
	$daemon->signal('HUP');
	ok(wait_until { forwarder($daemon) }, 'a reload begins it');
	send_numbered($daemon, 101, 200);
	is_deeply([$kafka->numbers($daemon, 200, 'topic=logs')], [1 .. 200], 'the live file goes out from its beginning');
	$daemon->write_conf(slurp($daemon->conf_file) =~ s/^Forward .*//mr);
	$daemon->signal('HUP');
	ok(wait_until { !forwarder($daemon) }, 'another one ends it');
	send_numbered($daemon, 201, 300);
	is($daemon->stop, 0, 'stops');
};

subtest 'killed forwarders, rotations' => sub {
	my $kafka  = LogCollectd::Kafka->start;
	my $daemon = start($kafka, LogRotateSize => 50000, LogRotateKeep => 1, ForwardBatch => '4096 linger=1');
	my ($killed, $next) = (0, 0);
	send_numbered($daemon, 1, 20000, sub ($n) {
		return if $n < $next;
		$next = $n + 100 + int rand 700;
		my $pid;
		wait_until { $pid = forwarder($daemon) } if $killed <= 2;
		$killed += kill KILL => $pid // forwarder($daemon) // ();
		rename $daemon->dir . '/logs/server.log', $daemon->dir . "/logs/moved.$n" and $daemon->signal('USR1') if $n % 3 == 0;
	});
	cmp_ok($killed, '>', 2, 'some were killed');
	my @numbers = $kafka->numbers($daemon, 20000, 'topic=logs');
	is(scalar @numbers, 20000, 'as many as were received');
	is_deeply([sort { $a <=> $b } @numbers], [1 .. 20000], 'each once');
	is_deeply(\@numbers, [1 .. 20000], 'in order');
	is($daemon->stop, 0, 'stops');
};

subtest 'the engine is away, refuses, is slow' => sub {
	my $kafka  = LogCollectd::Kafka->start;
	my $daemon = start($kafka);
	send_numbered($daemon, 1, 100);
	$kafka->numbers($daemon, 100, 'topic=logs');
	$kafka->tell('down -1');
	send_numbered($daemon, 101, 2000);
	ok(wait_until { (figure($daemon, 'state') // '') eq 'away' }, 'it is told that the engine is away');
	ok(wait_until { figure($daemon, 'lag_bytes') > 100_000 }, 'and how far it is behind');
	like($daemon->errors, qr/Forward: the engine is away: /, 'the log says so');
	$kafka->tell('up -1');
	is_deeply([$kafka->numbers($daemon, 2000, 'topic=logs')], [1 .. 2000], 'all arrive when it is back');
	ok(wait_until { figure($daemon, 'state') eq 'idle' && figure($daemon, 'lag_bytes') == 0 }, 'nothing is left');
	$kafka->tell('errors 19 5'); # NOT_ENOUGH_REPLICAS
	$kafka->tell('errors 7 5');  # REQUEST_TIMED_OUT
	send_numbered($daemon, 2001, 3000);
	is_deeply([$kafka->numbers($daemon, 3000, 'topic=logs')], [1 .. 3000], 'errors of brokers end in deliveries');
	$kafka->tell('errors 10 2'); # MSG_SIZE_TOO_LARGE
	send_numbered($daemon, 3001, 3050);
	is_deeply([$kafka->numbers($daemon, 3050, 'topic=logs')], [1 .. 3050], 'what is too long arrives in parts');
	like($daemon->errors, qr/too large.*: batches are of \d+ bytes from now on/i, 'which is said');
	$kafka->tell('errors 29 1'); # TOPIC_AUTHORIZATION_FAILED
	send_numbered($daemon, 3051, 3100);
	ok(wait_until { $daemon->errors =~ /Forward: refused: / }, 'a refusal is told');
	is_deeply([$kafka->numbers($daemon, 3100, 'topic=logs')], [1 .. 3100], 'and tried again');
	is($daemon->stop, 0, 'stops');
};

subtest 'a full spool' => sub {
	my $kafka = LogCollectd::Kafka->start;
	$kafka->tell('down -1');
	my $daemon = start($kafka, ForwardSpoolMax => '20000 onfull=reject');
	my ($last, $sent) = ('', 0);
	ok(wait_until { $sent++; ($last) = verdicts($daemon->ask(record(ERROR => "record $sent " . 'x' x 500))); $last eq 'failed' },
		'clients get `storage failure`');
	like($daemon->errors, qr/ForwardSpoolMax is reached: clients get/, 'and it is said');
	$kafka->tell('up -1');
	ok(wait_until { ($last) = verdicts($daemon->ask(record(ERROR => 'record 999999 x'))); $last eq 'received' }, 'until there is room');
	is($daemon->stop, 0, 'stops');

	$kafka->tell('down -1');
	$daemon = start($kafka, ForwardSpoolMax => '20000 onfull=drop-oldest', LogRotateSize => 8000);
	send_numbered($daemon, 1000001, 1001000);
	ok(wait_until { figure($daemon, 'dropped_bytes') > 0 && figure($daemon, 'lag_bytes') <= 20000 }, 'or the oldest is dropped');
	like($daemon->errors, qr/ForwardSpoolMax is reached: the oldest records are dropped/, 'which is said');
	$kafka->tell('up -1');
	ok(wait_until { grep { $_ == 1001000 } $kafka->numbers($daemon, 0, 'topic=logs') }, 'the newest arrives');
	is($daemon->stop, 0, 'stops');
};

subtest 'a disk that is full of what waits' => sub {
	my $kafka  = LogCollectd::Kafka->start;
	my $daemon = start($kafka, LogRotateSize => 20000, LogRotateKeep => 1);
	$kafka->tell('down -1');
	send_numbered($daemon, 1, 1000);
	my $files = () = spool($daemon);
	cmp_ok($files, '>', 3, 'old files are in the spool alone');
	# As if nothing more could be written there.
	mkdir $daemon->dir . '/logs/spool/done.new' or die "mkdir: $!";
	$kafka->tell('up -1');
	ok(wait_until { $daemon->errors =~ /cannot remove a segment/ && (() = spool($daemon)) <= 2 }, 'they are removed without a note');
	rmdir $daemon->dir . '/logs/spool/done.new' or die "rmdir: $!";
	is_deeply([$kafka->numbers($daemon, 1000, 'topic=logs')], [1 .. 1000], 'with room for it all the rest arrives');
	is($daemon->stop, 0, 'stops');
};

subtest 'AckWhen replicated' => sub {
	my $kafka  = LogCollectd::Kafka->start;
	# Which is no time to let clients wait.
	my $daemon = start($kafka, AckWhen => 'replicated timeout=4', ForwardBatch => '262144 linger=60000');
	send_numbered($daemon, 1, 50);
	is(scalar(my @numbers = map { /^record (\d+)/ } $kafka->messages($daemon, 'topic=logs')), 50, 'what was answered is in the engine');
	my $client = $daemon->connect;
	$kafka->tell('rtt 50');
	kill KILL => forwarder($daemon);
	$client->send(record(ERROR => 'record 51 x') . "\n");
	is((verdicts($client->lines(1)))[0], 'received', 'the death of the forwarder is survived');
	$kafka->tell('rtt 0');
	$kafka->tell('down -1');
	my $began = time;
	$client->send(record(ERROR => 'record 52 x') . "\n");
	is((verdicts($client->lines(1)))[0], 'failed', 'past the timeout it is a storage failure');
	cmp_ok(time - $began, '>=', 3.9, 'not before');
	$kafka->tell('up -1');
	ok(wait_until { grep { $_ eq 'record 52 x' } $kafka->messages($daemon, 'topic=logs') }, 'the record may still arrive');
	is($daemon->stop, 0, 'stops');
};

subtest 'a truncated file is told' => sub {
	my $kafka  = LogCollectd::Kafka->start;
	my $daemon = start($kafka);
	send_numbered($daemon, 1, 100);
	$kafka->numbers($daemon, 100, 'topic=logs');
	truncate $daemon->dir . '/logs/server.log', 0 or die "truncate: $!";
	ok(wait_until { $daemon->errors =~ /it was truncated \(copytruncate\?\)/ }, 'loudly');
	send_numbered($daemon, 101, 200);
	is_deeply([$kafka->numbers($daemon, 200, 'topic=logs')], [1 .. 200], 'and a new segment is begun');
	is($daemon->stop, 0, 'stops');
};

subtest 'who waits for a record that is cut off' => sub {
	my $kafka  = LogCollectd::Kafka->start;
	my $daemon = start($kafka, AckWhen => 'replicated timeout=60');
	send_numbered($daemon, 1, 50);
	$kafka->tell('down -1');
	my @clients = map { $daemon->connect } 51 .. 53;
	my $send = sub ($n) {
		$clients[$n - 51]->send(record(ERROR => "record $n x") . "\n");
		ok(wait_until { $daemon->log =~ /record $n x/ }, "record $n is stored");
	};
	$send->(51);
	ok(wait_until { (figure($daemon, 'state') // '') eq 'away' }, 'it is on its way, and not answered');
	$send->(52);
	truncate $daemon->dir . '/logs/server.log', 0 or die "truncate: $!";
	$send->(53);
	$kafka->tell('up -1');
	is_deeply([map { verdicts($_->lines(1)) } @clients], [qw(received failed received)], 'is not told that it has arrived');
	is_deeply([$kafka->numbers($daemon, 52, 'topic=logs')], [1 .. 51, 53], 'as it has not');
	is($daemon->stop, 0, 'stops');
};

subtest 'who waits for a record of a segment that is gone before its turn' => sub {
	my $kafka  = LogCollectd::Kafka->start;
	my $daemon = start($kafka, LogRotateSize => 1000000, AckWhen => 'replicated timeout=60');
	my $log    = $daemon->dir . '/logs/server.log';
	send_numbered($daemon, 1, 50);
	$kafka->tell('down -1');
	my @clients = map { $daemon->connect } 51 .. 54;
	my $send = sub ($n) {
		$clients[$n - 51]->send(record(ERROR => "record $n x") . "\n");
		ok(wait_until { slurp($log) =~ /record $n x/ }, "record $n is stored");
	};
	$send->(51);
	ok(wait_until { (figure($daemon, 'state') // '') eq 'away' }, 'one is on its way');
	rotate($daemon, 'old');
	$send->(52);
	unlink $daemon->dir . '/logs/spool/' . (sort(spool($daemon)))[1] or die "unlink: $!";
	rotate($daemon, 'older');
	$send->(53);
	truncate $log, 0 or die "truncate: $!";
	$send->(54);
	$kafka->tell('up -1');
	is_deeply([map { verdicts($_->lines(1)) } @clients], [qw(received failed failed received)], 'is not told that it has arrived');
	is_deeply([$kafka->numbers($daemon, 52, 'topic=logs')], [1 .. 51, 54], 'as it has not');
	is($daemon->stop, 0, 'stops');
};

subtest 'a link that is gone when the forwarder comes back' => sub {
	my $kafka  = LogCollectd::Kafka->start;
	my $daemon = start($kafka);
	send_numbered($daemon, 1, 50);
	$kafka->numbers($daemon, 50, 'topic=logs');
	my $killed = forwarder($daemon);
	kill STOP => $killed;
	unlink $daemon->dir . '/logs/spool/' . (spool($daemon))[0] or die "unlink: $!";
	kill KILL => $killed;
	ok(wait_until { (forwarder($daemon) // $killed) != $killed }, 'there is another one');
	ok(wait_until { send_numbered($daemon, 51, 51); spool($daemon) }, 'the log is linked again by who writes to it');
	send_numbered($daemon, 52, 100);
	ok(wait_until { grep { $_ == 100 } $kafka->numbers($daemon, 100, 'topic=logs') }, 'and what is written arrives');
	is($daemon->stop, 0, 'stops');
};

subtest 'AckWhen replicated, and the supervisor is killed' => sub {
	my $kafka  = LogCollectd::Kafka->start;
	my $daemon = start($kafka, AckWhen => 'replicated timeout=3600');
	$kafka->tell('down -1');
	my @clients = map { $daemon->connect } 1 .. 4;
	$_->send(record(ERROR => 'record 1') . "\n") for @clients;
	ok(wait_until { 4 == (() = slurp($daemon->dir . '/logs/server.log') =~ /\n/g) }, 'clients wait');
	kill KILL => $daemon->pid;
	is_deeply([map { verdicts($_->lines(1)) } @clients], [('failed') x 4], 'and are told that it is in vain');
	is($daemon->ended, 'signal 9', 'ends');
};

subtest 'numbers that the spool has not given' => sub {
	for my $number ('f' x 16) {
		my $kafka  = LogCollectd::Kafka->start;
		my $daemon = start($kafka, LogRotateSize => 8000);
		$kafka->tell('down -1');
		send_numbered($daemon, 1, 200);
		open my $file, '>', $daemon->dir . '/logs/spool/numbers' or die "numbers: $!";
		print {$file} '0' x (16 - length $number), "$number\n";
		close $file;
		kill KILL => forwarder($daemon);
		$kafka->tell('up -1');
		is_deeply([$kafka->numbers($daemon, 200, 'topic=logs')], [1 .. 200], "after $number all arrives that was there");
		send_numbered($daemon, 201, 400);
		is_deeply([$kafka->numbers($daemon, 400, 'topic=logs')], [1 .. 400], 'and what comes');
		is($daemon->stop, 0, 'stops');
	}
};

subtest 'one spool, one forwarder' => sub {
	my $kafka  = LogCollectd::Kafka->start;
	my $daemon = start($kafka);
	my $second = start($kafka, LogDir => $daemon->dir . '/logs', LogFilename => 'other.log');
	ok(wait_until { $second->errors =~ /cannot use ForwardSpool .*: another forwarder has it/ }, 'the second one stays out');
	is($second->stop, 0, 'stops');
	is($daemon->stop, 0, 'the first one too');
};

subtest 'bad configuration' => sub {
	my @cases = (
		['kafka://', qr/a host must be a name or an address/],
		['kafka://a:1', qr/kafka needs topic=, as in topic=logs/],
		['kafka://a:1 topics=x', qr/'topics': an option of kafka must be topic=, key=, mechanism=, or node=/],
		['http://a:1', qr/there is no driver for http, use kafka:\/\/ or amqp:\/\//],
		['nonsense', qr/must be off, or an engine as in kafka:\/\//],
		['kafka://a:1 topic=x node=a/b', qr/node= must be letters/],
	);
	for my $case (@cases) {
		my $daemon = LogCollectd->new(Forward => $case->[0]);
		my ($status, undef, $err) = $daemon->run('-t', '-f', $daemon->conf_file);
		is($status, 78, "Forward $case->[0]");
		like($err, qr/: Forward: .*$case->[1]/, 'says what would be right');
	}
	my $daemon = LogCollectd->new(AckWhen => 'replicated');
	my ($status, undef, $err) = $daemon->run('-t', '-f', $daemon->conf_file);
	like($err, qr/AckWhen: replicated needs an engine/, 'AckWhen replicated alone');
	SKIP: {
		my ($place) = grep { -w && (stat)[0] != (stat $daemon->dir)[0] } '/dev/shm', '/var/tmp', '/tmp';
		skip 'there is one file system here', 2 if !defined $place;
		my $spool = File::Temp::tempdir(DIR => $place, CLEANUP => 1);
		my $other = LogCollectd->new(Forward => 'kafka://127.0.0.1:1 topic=logs', ForwardSpool => $spool);
		($status, undef, $err) = $other->run('-f', $other->conf_file);
		is($status, 78, 'a spool elsewhere');
		like($err, qr/ForwardSpool \S+ must be on the file system of LogDir/, 'says why');
	}
	# The program without its modules.
	my $lone = $daemon->dir . '/bin';
	mkdir $lone;
	system 'cp', LogCollectd::program(), "$lone/logcollectd";
	($status, undef, $err) = $daemon->run_command("$lone/logcollectd", '-t', '-c', 'Forward kafka://a:1 topic=logs');
	is($status, 78, 'a module that is not there');
	like($err, qr/cannot read the module \S+kafka\.so: .*; it is in the package logcollectd-kafka/, 'names the package');
};

done_testing;
