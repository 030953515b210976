# SPDX-License-Identifier: ISC
# logcollect-cat: what it says, and returns, when it is told wrongly, or the engine is slow, silent or not there.
use v5.36;
use Test::More;
use LogCollectd;
use LogCollectd::Engine;
use LogCollectd::Kafka;
use KafkaProxy;

my $cat = LogCollectd::program('logcollect-cat');
my $any = LogCollectd->new; # in its folder it runs

# Where it ends: [exit status, lines, what was said].
sub cat (@arguments) {
	my ($status, $out, $err) = $any->run_command($cat, @arguments);
	return [$status, [split /\n/, $out], $err];
}

subtest 'wrong arguments' => sub {
	my @where = ('kafka://127.0.0.1:1', 'topic=logs');
	my @cases = (
		[[], qr/^usage: logcollect-cat /],
		[['--level', 'loud', @where], qr/--level loud: must be DEBUG, INFO, WARNING, ERROR or CRITICAL$/],
		(map { [['--since', $_, @where], qr/--since \Q$_\E: must be a time as 2026-01-31T12:00:00Z, or 90s, 10m, 2h, 7d$/] }
			'yesterday', '10', '10w', '10mm', '-5m', '2026-13-01', '2026-02-31', '2026-01-31T12:00:00+01:00', ''),
		[['--nonsense', @where], qr/nonsense/],
		[['--node'], qr/requires an argument/],
		[['--node', 'one two', @where], qr/--node one two: must be letters, digits, '\.', '_' and '-'$/],
		[['--key', '/dev/null', @where], qr/--cert and --key go together/],
		[['--passfile', '/dev/null', @where], qr/--user and --passfile go together/],
		[['--user', 'u' x 5000, '--passfile', '/dev/null', @where], qr/^logcollect-cat: u{64}\S+: too long$/],
		[['--user', 'u', '--passfile', '/' x 5000, @where], qr{^logcollect-cat: /{64}\S+: too long$}],
		[['--ids'], qr/^usage: /],
		[['off'], qr/must name an engine, as in kafka:/],
		[['http://127.0.0.1'], qr/there is no driver for http, use kafka:/],
		[['kafka://127.0.0.1:1'], qr/kafka needs topic=, as in topic=logs/],
		[[@where, 'colour=red'], qr/'colour': an option of \w+ must be /],
	);
	for my $case (@cases) {
		my ($status, $lines, $err) = @{ cat(@{ $case->[0] }) };
		is($status, 64, "@{ $case->[0] }");
		like($err, $case->[1], 'says what would be right');
		is_deeply($lines, [], 'prints nothing');
	}
	my ($closed, $out, $why) = $any->run_command('sh', '-c', 'exec "$0" "$@" >&-', $cat, @where);
	is("$closed $out$why", "74 logcollect-cat: standard output is closed\n", 'a closed output');
	my ($status, $lines) = @{ cat('-h') };
	is("$status $lines->[0]", '0 usage: logcollect-cat [option]... kafka://host[:port],... topic=name', 'help');
	like(cat('-V')->[1][0], qr/^logcollect-cat \d+\.\d+\.\d+$/, 'the version');
};

subtest 'without its modules' => sub {
	my $lone = $any->dir . '/bin';
	mkdir $lone;
	system 'cp', $cat, "$lone/logcollect-cat";
	my ($status, undef, $err) = $any->run_command("$lone/logcollect-cat", 'kafka://127.0.0.1:1', 'topic=logs');
	is($status, 69, 'a driver that is not there');
	like($err, qr/cannot load it: .*kafka\.so.*; it is in the package logcollectd-kafka/, 'names the package');
};

subtest 'Kafka' => sub {
	plan skip_all => 'built without the Kafka driver' if !-x LogCollectd::Kafka::program();
	plan skip_all => 'librdkafka does not run under ThreadSanitizer' if ($ENV{BUILD} // '') =~ /-thread\b/;
	my $kafka  = LogCollectd::Kafka->start;
	my $daemon = start_forwarding(Forward => $kafka->address . ' topic=logs');
	send_numbered($daemon, 1, 1000);
	is_deeply([$kafka->numbers($daemon, 1000, 'topic=logs')], [1 .. 1000], 'records');
	is($daemon->stop, 0, 'the daemon stops');

	ok($kafka->tell('rtt 400'), 'brokers take their time');
	my ($status, $lines) = @{ cat($kafka->address, 'topic=logs') };
	is("$status " . @$lines, '0 1000', 'all is read');
	ok($kafka->tell('rtt 0'), 'and are quick again');

	my $proxy = KafkaProxy->start($kafka, mute => 1);
	is_deeply(cat($proxy->address, 'topic=logs'), [75, [], "logcollect-cat: the engine has stopped in the middle\n"], 'one that falls silent');
	like(cat($kafka->address, 'topic=other')->[0], qr/^(?:69|0)$/, 'another topic');
	my $address = $kafka->address;
	undef $kafka;
	my ($away, $none, $why) = @{ cat($address, 'topic=logs') };
	is($away, 75, 'nobody listens');
	like($why, qr/Connection refused/, 'is told');
	is_deeply($none, [], 'with nothing printed');
};

done_testing;
