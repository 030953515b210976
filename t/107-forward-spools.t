# SPDX-License-Identifier: ISC
# A ForwardSpool that becomes another one: whatever is killed, emptied or renamed meanwhile, what was answered `received` is in the engine once.
use v5.36;
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

# The forwarder has heard of it when this returns.
sub forward_to ($daemon, $spool) {
	my $said = () = $daemon->errors =~ /first what is left/g;
	$daemon->write_conf(slurp($daemon->conf_file) =~ s/^ForwardSpool .*\n//mr . 'ForwardSpool ' . $daemon->dir . "/logs/$spool\n");
	$daemon->signal('HUP');
	ok(wait_until { $said < (() = $daemon->errors =~ /first what is left/g) }, "the spool is $spool");
}

subtest 'another spool, another folder' => sub {
	my $kafka  = LogCollectd::Kafka->start;
	my $daemon = start($kafka);
	my $conf   = slurp($daemon->conf_file);
	my $reload = sub ($changed) {
		$daemon->write_conf($changed);
		$daemon->signal('HUP');
	};
	send_numbered($daemon, 1, 500);
	$kafka->numbers($daemon, 500, 'topic=logs');
	$kafka->tell('down -1');
	send_numbered($daemon, 501, 1000);
	my $spool = $daemon->dir . '/logs/other-spool';
	$reload->("${conf}ForwardSpool $spool\n");
	ok(wait_until { -e $spool && $daemon->errors =~ /first what is left in \S+ is forwarded/ }, 'the spool is another one, which is said');
	send_numbered($daemon, 1001, 1500);
	$kafka->tell('up -1');
	is_deeply([$kafka->numbers($daemon, 1500, 'topic=logs')], [1 .. 1500], 'all arrives, once and in order');
	ok(wait_until { $daemon->errors =~ m{all of \S+/logs/spool was forwarded} }, 'that all of the old one was forwarded is said too');
	$reload->("${conf}ForwardSpool $spool\nLogDir " . $daemon->dir . "/logs2\n");
	ok(wait_until { -e $daemon->dir . '/logs2/server.log' }, 'the log is in another folder');
	send_numbered($daemon, 1501, 1600);
	$reload->("${conf}LogDir " . $daemon->dir . "/logs2\n");
	ok(wait_until { -e $daemon->dir . '/logs2/spool' }, 'and the spool with it');
	send_numbered($daemon, 1601, 1700);
	is_deeply([$kafka->numbers($daemon, 1700, 'topic=logs')], [1 .. 1700], 'all arrives again');
	is($daemon->stop, 0, 'stops');
};

subtest 'a spool is not left before all know that it is' => sub {
	my $kafka  = LogCollectd::Kafka->start;
	my $daemon = start($kafka);
	my $at     = sub ($what) { $daemon->errors =~ /T(\d+):(\d+):([\d.]+)Z .*$what/ ? $1 * 3600 + $2 * 60 + $3 : undef };
	send_numbered($daemon, 1, 50);
	$kafka->numbers($daemon, 50, 'topic=logs');
	sleep 3.5; # it has long had nothing to do
	$daemon->write_conf(slurp($daemon->conf_file) . 'ForwardSpool ' . $daemon->dir . "/logs/other-spool\n");
	$daemon->signal('HUP');
	ok(wait_until { defined $at->('was forwarded') }, 'it is left');
	cmp_ok(($at->('was forwarded') - $at->('ForwardSpool is another one now')) % 86400, '>=', 2, 'some seconds later');
	send_numbered($daemon, 51, 100);
	is_deeply([$kafka->numbers($daemon, 100, 'topic=logs')], [1 .. 100], 'all arrives, once');
	is($daemon->stop, 0, 'stops');
};

subtest 'spools to and fro, and a forwarder that is killed' => sub {
	my $kafka  = LogCollectd::Kafka->start;
	my $daemon = start($kafka);
	my $logs   = $daemon->dir . '/logs';
	send_numbered($daemon, 1, 50);
	$kafka->numbers($daemon, 50, 'topic=logs');
	$kafka->tell('down -1');
	send_numbered($daemon, 51, 100);
	rotate($daemon, 'one');
	forward_to($daemon, 'b');
	send_numbered($daemon, 101, 150);
	rotate($daemon, 'two');
	send_numbered($daemon, 151, 200);
	forward_to($daemon, 'spool');
	send_numbered($daemon, 201, 250);
	rotate($daemon, 'three');
	forward_to($daemon, 'c');
	my $pid = forwarder($daemon);
	kill KILL => $pid;
	send_numbered($daemon, 251, 300);
	$kafka->tell('up -1');
	is_deeply([$kafka->numbers($daemon, 300, 'topic=logs')], [1 .. 300], 'all arrives, once and in order');
	ok(wait_until { !-e "$logs/c/before" }, 'no spool is to be emptied any more');
	is($daemon->stop, 0, 'stops');
};

subtest 'a forwarder that is killed before it has moved' => sub {
	my $kafka  = LogCollectd::Kafka->start;
	my $daemon = start($kafka);
	my $logs   = $daemon->dir . '/logs';
	send_numbered($daemon, 1, 50);
	$kafka->numbers($daemon, 50, 'topic=logs');
	$kafka->tell('down -1');
	send_numbered($daemon, 51, 100);
	rotate($daemon, 'one');
	send_numbered($daemon, 101, 150);
	my $pid = forwarder($daemon);
	kill STOP => $pid;
	$daemon->write_conf(slurp($daemon->conf_file) . "ForwardSpool $logs/b\n");
	$daemon->signal('HUP');
	ok(wait_until { $daemon->errors =~ /reloaded/ }, 'the spool is another one, the forwarder has not heard of it');
	kill KILL => $pid;
	ok(wait_until { -e "$logs/b/before" }, 'the next one knows where the one before was');
	send_numbered($daemon, 151, 200);
	$kafka->tell('up -1');
	is_deeply([$kafka->numbers($daemon, 200, 'topic=logs')], [1 .. 200], 'all arrives, once and in order');
	ok(wait_until { !-e "$logs/b/before" }, 'and the old spool is left');
	is($daemon->stop, 0, 'stops');
};

subtest 'what another spool has shipped of a file that is emptied' => sub {
	my $kafka  = LogCollectd::Kafka->start;
	my $daemon = start($kafka);
	send_numbered($daemon, 1, 500);
	$kafka->numbers($daemon, 500, 'topic=logs');
	$daemon->write_conf(slurp($daemon->conf_file) . 'ForwardSpool ' . $daemon->dir . "/logs/other-spool\n");
	$daemon->signal('HUP');
	ok(wait_until { $daemon->errors =~ /was forwarded/ }, 'the spool is another one');
	send_numbered($daemon, 501, 550);
	$kafka->numbers($daemon, 550, 'topic=logs');
	truncate $daemon->dir . '/logs/server.log', 0 or die "truncate: $!";
	ok(wait_until { $daemon->errors =~ /it was truncated/ }, 'the file is emptied');
	send_numbered($daemon, 551, 1500);
	is_deeply([$kafka->numbers($daemon, 1500, 'topic=logs')], [1 .. 1500], 'what is written then goes out from its first byte');
	is((() = $daemon->errors =~ /it was truncated/g), 1, 'and that is said once');
	is($daemon->stop, 0, 'stops');
};

subtest 'a file that is emptied after the clock has gone back' => sub {
	my $kafka  = LogCollectd::Kafka->start;
	my $daemon = start($kafka);
	my $spool  = $daemon->dir . '/logs/other-spool';
	send_numbered($daemon, 1, 500);
	$kafka->numbers($daemon, 500, 'topic=logs');
	$daemon->write_conf(slurp($daemon->conf_file) . "ForwardSpool $spool\n");
	$daemon->signal('HUP');
	ok(wait_until { $daemon->errors =~ /was forwarded/ }, 'the spool is another one');
	# As if that had been an hour later.
	my ($file, $offset, $when) = split ' ', slurp "$spool/done";
	write_file("$spool/done", sprintf("%s %s %016x\n", $file, $offset, 3_600_000_000 + unpack 'Q>', pack 'H16', $when), 0666);
	truncate $daemon->dir . '/logs/server.log', 0 or die "truncate: $!";
	send_numbered($daemon, 501, 550);
	$kafka->numbers($daemon, 550, 'topic=logs');
	send_numbered($daemon, 551, 1500);
	is_deeply([$kafka->numbers($daemon, 1500, 'topic=logs')], [1 .. 1500], 'what is written then goes out from its first byte');
	is($daemon->stop, 0, 'stops');
};

subtest 'another spool after a time in which nothing was stored' => sub {
	my $kafka  = LogCollectd::Kafka->start;
	my $daemon = start($kafka);
	my ($conf, $spool) = (slurp($daemon->conf_file), $daemon->dir . '/logs/other-spool');
	my $reload = sub ($changed) {
		$daemon->write_conf($changed);
		$daemon->signal('HUP');
	};
	send_numbered($daemon, 1, 100);
	$kafka->numbers($daemon, 100, 'topic=logs');
	$kafka->tell('down -1');
	send_numbered($daemon, 101, 150);
	$reload->("${conf}LogPersistence off\n");
	ok(wait_until { figure($daemon, 'state') eq 'off' }, 'nothing is forwarded then');
	$reload->("${conf}ForwardSpool $spool\n");
	ok(wait_until { $daemon->errors =~ m{first what is left in \S+/logs/spool is forwarded} }, 'what is left comes first');
	send_numbered($daemon, 151, 200);
	rotate($daemon, 'one');
	send_numbered($daemon, 201, 250);
	$kafka->tell('up -1');
	is_deeply([$kafka->numbers($daemon, 250, 'topic=logs')], [1 .. 250], 'all arrives');
	is($daemon->stop, 0, 'stops');
};

subtest 'a spool that could not be told what comes before it' => sub {
	my $kafka  = LogCollectd::Kafka->start;
	my $daemon = start($kafka);
	my ($conf, $logs) = (slurp($daemon->conf_file), $daemon->dir . '/logs');
	my $spool  = sub ($name) {
		$daemon->write_conf("${conf}ForwardSpool $logs/$name\n");
		$daemon->signal('HUP');
	};
	$kafka->tell('down -1');
	send_numbered($daemon, 1, 50);
	rotate($daemon, 'one');
	mkdir $_ or die "mkdir: $!" for "$logs/second", "$logs/second/before.new";
	$spool->('second');
	ok(wait_until { $daemon->errors =~ m{cannot write to ForwardSpool \S+/second what comes before it} }, 'nothing can be written to the second one');
	$spool->('third');
	ok(wait_until { $daemon->errors =~ m{what is left in \S+/second is forwarded} }, 'nor is it used for long');
	send_numbered($daemon, 51, 100);
	$kafka->tell('up -1');
	is_deeply([$kafka->numbers($daemon, 100, 'topic=logs')], [1 .. 100], 'all arrives');
	is($daemon->stop, 0, 'stops');
};

subtest 'the same file in spools of which one is empty' => sub {
	my $kafka  = LogCollectd::Kafka->start;
	my $daemon = start($kafka);
	my $n      = 500;
	send_numbered($daemon, 1, $n);
	$kafka->numbers($daemon, $n, 'topic=logs');
	for my $spool (qw(b spool c)) {
		forward_to($daemon, $spool);
		send_numbered($daemon, $n + 1, $n + 50);
		$n += 50;
	}
	ok(wait_until { !-e $daemon->dir . '/logs/c/before' }, 'all are emptied');
	send_numbered($daemon, $n + 1, $n + 50);
	is_deeply([$kafka->numbers($daemon, $n + 50, 'topic=logs')], [1 .. $n + 50], 'all arrives, once');
	is($daemon->stop, 0, 'stops');
};

subtest 'a file in the middle of two spools, and a kill at the end of one' => sub {
	my $kafka  = LogCollectd::Kafka->start;
	my $daemon = start($kafka);
	my $logs   = $daemon->dir . '/logs';
	$kafka->tell('down -1');
	send_numbered($daemon, 1, 100);
	forward_to($daemon, 'b');
	send_numbered($daemon, 101, 150);
	rotate($daemon, 'one');
	send_numbered($daemon, 151, 200);
	forward_to($daemon, 'spool');
	send_numbered($daemon, 201, 250);
	$kafka->tell('up -1');
	for my $left (1, 0) {
		ok(wait_until { $left >= (() = slurp("$logs/spool/before") =~ /\n/g) }, "$left to be left");
		kill KILL => forwarder($daemon);
	}
	send_numbered($daemon, 251, 300);
	is_deeply([$kafka->numbers($daemon, 300, 'topic=logs')], [1 .. 300], 'all arrives, once');
	is($daemon->stop, 0, 'stops');
};

subtest 'a file that is emptied while another spool still has it' => sub {
	my $kafka  = LogCollectd::Kafka->start;
	my $daemon = start($kafka);
	send_numbered($daemon, 1, 500);
	$kafka->numbers($daemon, 500, 'topic=logs');
	$kafka->tell('down -1');
	send_numbered($daemon, 501, 550);
	forward_to($daemon, 'b');
	send_numbered($daemon, 551, 600);
	truncate $daemon->dir . '/logs/server.log', 0 or die "truncate: $!";
	send_numbered($daemon, 601, 1500);
	$kafka->tell('up -1');
	ok(wait_until { !-e $daemon->dir . '/logs/b/before' }, 'the old spool is left');
	send_numbered($daemon, 1501, 1600);
	my @numbers;
	wait_until { @numbers = $kafka->numbers($daemon, 0, 'topic=logs'); ($numbers[-1] // 0) == 1600 };
	is_deeply([grep { $_ <= 500 || $_ > 600 } @numbers], [1 .. 500, 601 .. 1600], 'what was not cut off arrives, once');
	is((() = $daemon->errors =~ /it was truncated/g), 1, 'that it was emptied is said once');
	is($daemon->stop, 0, 'stops');
};

subtest 'back to a spool, while clients send all the time' => sub {
	my $kafka  = LogCollectd::Kafka->start;
	my $daemon = start($kafka);
	send_numbered($daemon, 1, 100);
	$kafka->numbers($daemon, 100, 'topic=logs');
	$kafka->tell('down -1');
	send_numbered($daemon, 101, 150);
	forward_to($daemon, 'b');
	send_numbered($daemon, 151, 200);
	rotate($daemon, 'one');
	send_numbered($daemon, 201, 250);
	rotate($daemon, 'two');
	forward_to($daemon, 'spool');
	$kafka->tell('up -1');
	my ($last, %seen) = (250);
	ok(wait_until {
		send_numbered($daemon, $last + 1, $last + 2);
		$last += 2;
		%seen = map { $_ => 1 } $kafka->numbers($daemon, 0, 'topic=logs');
		!grep { !$seen{$_} } 1 .. 250;
	}, 'what is in the other one is not waited for in vain');
	ok(wait_until { !-e $daemon->dir . '/logs/spool/before' }, 'no spool is to be emptied any more');
	is_deeply([sort { $a <=> $b } $kafka->numbers($daemon, $last, 'topic=logs')], [1 .. $last], 'all arrives, once');
	is($daemon->stop, 0, 'stops');
};

subtest 'a spool that somebody moves away' => sub {
	my $kafka  = LogCollectd::Kafka->start;
	my $daemon = start($kafka, LogRotateSize => 20000);
	my $spool  = $daemon->dir . '/logs/spool';
	send_numbered($daemon, 1, 500);
	$kafka->numbers($daemon, 500, 'topic=logs');
	rename $spool, "$spool.moved" or die "rename: $!";
	send_numbered($daemon, 501, 1000);
	is_deeply([$kafka->numbers($daemon, 1000, 'topic=logs')], [1 .. 1000], 'all arrives');
	ok(wait_until { $daemon->errors =~ /the folder that was ForwardSpool \S+ was moved/ }, 'that it was is said');
	is($daemon->stop, 0, 'stops');
};

done_testing;
