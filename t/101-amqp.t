# SPDX-License-Identifier: ISC
# The forwarder and RabbitMQ, a cluster of three real nodes: what was answered `received` is in the quorum queue or the stream
# once, in order, whatever is killed; and with AckWhen replicated it was there before the answer.
use v5.36;
use FindBin;
use Test::More;
use LogCollectd;
use LogCollectd::Engine;
use LogCollectd::Rabbit;

plan skip_all => 'built without the AMQP driver' if !-e ($ENV{BUILD} // 'build') . '/lib/logcollectd/amqp.so';
if (!LogCollectd::Rabbit::installed()) {
	die "there is no RabbitMQ\n" if $ENV{REQUIRE_PEERS};
	plan skip_all => 'there is no RabbitMQ here';
}

my $rabbit = LogCollectd::Rabbit->start;

for my $type (qw(quorum stream)) {
	subtest $type => sub {
		my @place  = ("routing-key=logs-$type", "queue-type=$type");
		my $daemon = start_forwarding(Forward => join(' ', $rabbit->address, @place, 'node=n1'), ForwardBatch => '8192 linger=1',
			LogRotateSize => 100_000, LogRotateKeep => 1);
		send_numbered($daemon, 1, 1000);
		is_deeply([$rabbit->numbers($daemon, 1000, @place)], [1 .. 1000], 'records arrive, in order');

		my ($killed, $next) = (0, 1500);
		send_numbered($daemon, 1001, 4000, sub ($n) {
			return if $n < $next;
			$next += 700;
			wait_until { forwarder($daemon) };
			$killed += kill KILL => forwarder($daemon);
			$rabbit->kill_node(0) if $killed == 1;
		});
		cmp_ok($killed, '>', 1, 'forwarders were killed, and a broker');
		is_deeply([$rabbit->at(1, 2)->numbers($daemon, 4000, @place)], [1 .. 4000], 'each is there once, and in order');
		$rabbit->launch(0);
		$rabbit->await(0);

		if ($type eq 'quorum') {
			$rabbit->kill_node(0 .. 2);
			send_numbered($daemon, 4001, 5000);
			ok(wait_until { $daemon->errors =~ /Forward: the engine is away: / }, 'all brokers were killed: it is said');
			$rabbit->launch($_) for 0 .. 2;
			$rabbit->await($_)  for 0 .. 2;
		}
		else {
			send_numbered($daemon, 4001, 5000);
		}
		# Asked is each node: of a stream it reads its own replica.
		is_deeply([$rabbit->at($_)->numbers($daemon, 5000, @place)], [1 .. 5000], "node $_ has all") for 0 .. 2;
		is_deeply([$rabbit->messages($daemon, @place, '--node', 'other')], [], 'of another node there is nothing');
		is($daemon->stop, 0, 'stops');
	};
}

# Until another node leads, a queue tells whoever counts its messages that it has none.
subtest 'a leader was killed this moment' => sub {
	my $any = LogCollectd->new;
	for (1 .. 3) {
		my $leader;
		wait_until { defined($leader = $rabbit->leader('logs-quorum')) };
		$rabbit->kill_node($leader);
		my ($status, $out) = $any->run_command(LogCollectd::program('logcollect-cat'), $rabbit->at(($leader + 1) % 3)->address,
			'routing-key=logs-quorum');
		my $count = () = $out =~ /record /g;
		like("$status: $count", qr/\A(?:75: \d+|0: 5000)\z/, 'all is read, or that it is not is told');
		$rabbit->launch($leader);
		$rabbit->await($leader);
	}
	is_deeply([$rabbit->numbers($any, 5000, 'routing-key=logs-quorum')], [1 .. 5000], 'and nothing is lost');
};

subtest 'AckWhen replicated' => sub {
	my @place  = ('routing-key=logs-acked');
	my $daemon = start_forwarding(Forward => join(' ', $rabbit->address, @place), AckWhen => 'replicated timeout=60', ForwardBatch => '8192 linger=0');
	send_numbered($daemon, 1, 100, sub ($n) { $rabbit->kill_node(1) if $n == 51 });
	system 'rm', '-r', $daemon->dir . '/logs';
	is_deeply([$rabbit->at(0, 2)->numbers($daemon, 100, @place)], [1 .. 100], 'what was answered is there, whatever became of the disk');
	$daemon->stop;
};

subtest 'what it refuses' => sub {
	my @cases = (
		['exchange=nowhere', qr/refused: .*no exchange 'nowhere'/],
		['exchange=amq.direct routing-key=nobody', qr/refused: .*no queue of the exchange takes routing-key nobody/],
		['vhost=other', qr/refused: |away: /],
	);
	for my $case (@cases) {
		my $daemon = start_forwarding(Forward => $rabbit->address . " $case->[0]");
		send_numbered($daemon, 1, 50);
		ok(wait_until { $daemon->errors =~ $case->[1] }, "$case->[0]: is told") or diag $daemon->errors;
		is($daemon->stop, 0, 'stops all the same');
	}
};

done_testing;
