# SPDX-License-Identifier: ISC
# The tables of `make bench-forward`, of one short round with the mock of Kafka's brokers: a row of each thing measured; and it
# leaves nothing.
use v5.36;
use File::Temp;
use FindBin;
use Test::More;
use LogCollectd;
use LogCollectd::Kafka;

plan skip_all => 'built without the Kafka driver' if !-x LogCollectd::Kafka::program();

# It starts threads in a way that the sanitizer does not see.
plan skip_all => 'librdkafka does not run under ThreadSanitizer' if ($ENV{BUILD} // '') =~ /-thread\b/;

my $tmp = File::Temp->newdir;
%ENV = (%ENV, TMPDIR => "$tmp", BENCH_SECONDS => 1, BENCH_ROUNDS => 1, OUTAGE_SECONDS => 1, FORWARD_ENGINES => 'kafka',
	FORWARD_LINES => 40_000, FORWARD_BATCHES => '16384 65536', FORWARD_RATE => 2000);

sub forward (@parts) {
	my $said = `$FindBin::Bin/bench/forward @parts 2>&1`;
	return ($?, $said);
}

my ($status, $table) = forward();
is($status, 0, 'runs') or diag $table;
like($table, qr/^rate: 40000 lines, .*\n.*\nkafka +16384 +[1-9]\d* +\d+\.\d+ +\d+\.\d+\nkafka +65536 +[1-9]/m, 'rate: a row of each size')
	or diag $table;
for my $name (qw(without away kafka)) {
	like($table, qr/^$name +(?:[1-9]\d* +){3}\d+\.\d\d +(?:\d+ +){4}[1-9]\d*$/m, "clients: $name") or diag $table;
}
like($table, qr/^without .* 1\.00 /m, 'clients: compared with themselves') or diag $table;
like($table, qr/^outage: .*\n.*\nkafka +(?:\d+\.\d +){4}(?:\d+\.\d|not) +\d+\.\d +\d+\.\d +\d+\.\d\d$/m, 'outage: a row') or diag $table;
is_deeply([glob "$tmp/*"], [], 'nothing is left');

($status, $table) = forward('nothing');
isnt($status, 0, 'an unknown part is refused');
like($table, qr/'nothing' is not measured/, 'and named');

done_testing;
