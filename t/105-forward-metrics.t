# SPDX-License-Identifier: ISC
# What is told of forwarding: each figure has the right value after records, an outage, a killed forwarder, a full spool; and it is the
# same in the metrics, in logcollectctl status and on the page.
use v5.36;
use FindBin;
use JSON::PP qw(decode_json);
use Test::More;
use LogCollectd;
use LogCollectd::Engine;
use LogCollectd::Http;
use LogCollectd::Kafka;

plan skip_all => 'built without the Kafka driver' if !-x LogCollectd::Kafka::program();

# It starts threads in a way that the sanitizer does not see.
plan skip_all => 'librdkafka does not run under ThreadSanitizer' if ($ENV{BUILD} // '') =~ /-thread\b/;

my @counters = qw(batches bytes retries dropped_bytes deaths);

# By name without the prefix: forward_lag_bytes; state: the one that is 1.
sub metrics ($daemon) {
	my $text = get($daemon, '/metrics')->{body};
	my %value = $text =~ /^logcollectd_(forward(?:ed|er)?_\w+)(?: |\{\} )(\S+)$/mg;
	my %state = $text =~ /^logcollectd_forward_state\{state="(\w+)"\} (\d+)$/mg;
	$value{states} = keys %state;
	$value{state} = join ' ', grep { $state{$_} } sort keys %state;
	return \%value;
}

sub status ($daemon, @options) {
	my ($status, $out) = $daemon->run_command(LogCollectd::program('logcollectctl'), '-f', $daemon->conf_file, 'status', @options);
	return $out;
}

sub figures ($daemon) { return decode_json(status($daemon, '--json'))->{forward} }

# The same counters everywhere: [batches, bytes, retries, dropped bytes, deaths].
sub counted ($daemon, $expected, $what) {
	my ($json, $metrics) = (figures($daemon), metrics($daemon));
	is_deeply([@$json{@counters}], $expected, "$what: status --json");
	is_deeply([map { 0 + $metrics->{$_} } map { "${_}_total" } qw(forward_batches forwarded_bytes forward_retries forward_dropped_bytes forwarder_deaths)],
		$expected, "$what: metrics");
	my ($batches, $bytes, $retries, $dropped, $deaths) = @$expected;
	like(status($daemon), qr/^  $batches batches of $bytes bytes, $retries retries, $dropped bytes dropped, $deaths forwarders died$/m, "$what: status");
	like(get($daemon, '/')->{body}, qr{batches forwarded.{0,80}?>$batches<}s, "$what: the page");
}

# Whether all that is stored was confirmed, or dropped.
sub idle ($daemon) {
	return wait_until {
		my $json = figures($daemon);
		$json->{bytes} + $json->{dropped_bytes} == -s $daemon->dir . '/logs/server.log' && $json->{state} eq 'idle' && $json->{lag_bytes} == 0;
	};
}

# How many batches the engine has, and of how many bytes, repeats too.
sub held ($kafka, $daemon) {
	my @ids = $kafka->records($daemon, 'topic=logs', '--ids');
	my $bytes = 0;
	$bytes += (split / /)[1] for @ids;
	return (scalar @ids, $bytes);
}

sub start ($kafka, @settings) {
	return start_forwarding(Forward => $kafka->address . ' topic=logs node=n1', StatusListen => '127.0.0.1:0', @settings);
}

subtest 'nothing is forwarded' => sub {
	my $daemon = start_forwarding(StatusListen => '127.0.0.1:0');
	my $metrics = metrics($daemon);
	is_deeply([@$metrics{qw(state states)}], ['off', 6], 'the state is off, one of six');
	is_deeply([@{ figures($daemon) }{'state', @counters}], ['off', (0) x 5], 'the same in status --json');
	unlike(status($daemon), qr/^forwarding/m, 'status says nothing of it');
	unlike(get($daemon, '/')->{body}, qr/batches forwarded/, 'nor does the page');
	is($daemon->stop, 0, 'stops');
};

subtest 'records, an outage' => sub {
	my $kafka  = LogCollectd::Kafka->start;
	my $daemon = start($kafka, ForwardBatch => '4096 linger=5');
	send_numbered($daemon, 1, 500);
	ok(idle($daemon), 'all is forwarded');
	my ($batches, $bytes) = held($kafka, $daemon);
	cmp_ok($batches, '>', 10, 'in some batches');
	is($bytes, -s $daemon->dir . '/logs/server.log', 'of all that was stored');
	counted($daemon, [$batches, $bytes, 0, 0, 0], 'counted');
	my $metrics = metrics($daemon);
	is($metrics->{state}, 'idle', 'the state');
	is_deeply([map { 0 + $_ } @$metrics{qw(forward_lag_bytes forward_lag_seconds forward_spool_full)}], [0, 0, 0], 'nothing waits');

	$kafka->tell('down -1');
	send_numbered($daemon, 501, 600);
	my $more = (-s $daemon->dir . '/logs/server.log') - $bytes;
	ok(wait_until { my $json = figures($daemon); $json->{state} eq 'away' && $json->{lag_bytes} == $more }, 'an outage: all that is new waits');
	ok(wait_until { figures($daemon)->{lag_ms} > 0 }, 'for some time');
	$metrics = metrics($daemon);
	is($metrics->{state}, 'away', 'so say the metrics');
	is(0 + $metrics->{forward_lag_bytes}, $more, 'the same bytes');
	cmp_ok($metrics->{forward_lag_seconds}, '>', 0, 'and seconds');
	my $first = figures($daemon)->{lag_ms};
	ok(wait_until { figures($daemon)->{lag_ms} > $first }, 'which grow');
	like(status($daemon), qr/^forwarding: away, $more bytes and .* behind$/m, 'status');
	like(get($daemon, '/')->{body}, qr/bytes not forwarded yet.{0,80}?>\s*\Q$more\E</s, 'the page') or diag get($daemon, '/')->{body} =~ s/.*(forwarding)/$1/sr;
	$kafka->tell('up -1');
	ok(idle($daemon), 'it ends');
	is(0 + metrics($daemon)->{$_}, 0, "$_ comes back") for qw(forward_lag_bytes forward_lag_seconds);
	is(figures($daemon)->{bytes}, $bytes + $more, 'all was confirmed');
	is($daemon->stop, 0, 'stops');
};

subtest 'a forwarder that was killed' => sub {
	my $kafka  = LogCollectd::Kafka->start;
	my $daemon = start($kafka, ForwardBatch => '262144 linger=200');
	send_numbered($daemon, 1, 50);
	ok(idle($daemon), 'a batch');
	my ($batches, $bytes) = held($kafka, $daemon);
	$kafka->tell('rtt 2000');
	send_numbered($daemon, 51, 100);
	my $all = -s $daemon->dir . '/logs/server.log';
	ok(wait_until { slurp($daemon->dir . '/logs/spool/checkpoint') =~ / $bytes $all \d+ [0-9a-f]{16}\n/ }, 'another is on its way');
	my $pid = forwarder($daemon);
	kill KILL => $pid;
	ok(wait_until { (forwarder($daemon) // $pid) != $pid }, 'its forwarder is killed');
	$kafka->tell('rtt 0');
	ok(idle($daemon), 'the next one sends it again');
	counted($daemon, [$batches + 1, $all, 1, 0, 1], 'counted');
	is($daemon->stop, 0, 'stops');
};

subtest 'a full spool' => sub {
	my $kafka = LogCollectd::Kafka->start;
	$kafka->tell('down -1');
	my $daemon = start($kafka, ForwardSpoolMax => '20000 onfull=reject');
	my $last = '';
	ok(wait_until { ($last) = verdicts($daemon->ask(record(ERROR => 'x' x 500))); $last eq 'failed' }, 'clients are refused');
	is(0 + metrics($daemon)->{forward_spool_full}, 1, 'so say the metrics');
	ok(figures($daemon)->{spool_full}, 'status --json');
	like(status($daemon), qr/^forwarding: \w+, the spool is full, /m, 'and status');
	$kafka->tell('up -1');
	ok(wait_until { !figures($daemon)->{spool_full} }, 'until there is room');
	is(0 + metrics($daemon)->{forward_spool_full}, 0, 'in the metrics too');
	is($daemon->stop, 0, 'stops');
};

subtest 'what is dropped' => sub {
	my $kafka = LogCollectd::Kafka->start;
	$kafka->tell('down -1');
	my $daemon = start($kafka, ForwardSpoolMax => '20000 onfull=drop-oldest');
	send_numbered($daemon, 1, 1000);
	ok(wait_until { my $json = figures($daemon); $json->{dropped_bytes} > 0 && $json->{lag_bytes} <= 20000 }, 'the oldest is');
	$kafka->tell('up -1');
	ok(idle($daemon), 'the rest is sent');
	my $json = figures($daemon);
	my (undef, $held) = held($kafka, $daemon);
	is($json->{bytes}, $held, 'what was forwarded is in the engine');
	is($json->{dropped_bytes}, (-s $daemon->dir . '/logs/server.log') - $held, 'and what is not was dropped');
	is(0 + metrics($daemon)->{forward_spool_full}, 0, 'nobody was refused');
	is($daemon->stop, 0, 'stops');
};

done_testing;
