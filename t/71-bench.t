# SPDX-License-Identifier: ISC
# What `make bench` is made of, against the real daemon: each kind of record in each format of the file, clients from many
# addresses, that connect anew, that are idle; the limit server; and the table itself, of one short round.
use v5.36;
use FindBin;
use Test::More;
use LogCollectd;

my $build   = $ENV{BUILD} // 'build';
my $loadgen = "$build/t/bench/loadgen";

sub load ($daemon, @options) {
	my @command = ($loadgen, '--port', $daemon->port, '--verify', $daemon->path('logs/server.log'), '--lines', 200, @options);
	my $said = `@command 2>&1`;
	return ($? >> 8, $said);
}

my %bytes = (plain => 120, half => 120, fields => 300, escapes => 200, unicode => 200);
for my $format (qw(text json raw)) {
	my $daemon = LogCollectd->start(LogFormat => $format);
	for my $kind (sort keys %bytes) {
		my ($status, $said) = load($daemon, '--format', $format, '--kind', $kind, '--size', $bytes{$kind});
		my $kept = $kind eq 'half' ? 800 : 1600;
		is($status, 0, "$kind in $format: verified") or diag $said;
		like($said, qr/^found_in_file $kept$/m, "$kind in $format: all found");
	}
	is($daemon->stop, 0, "$format: stops");
}

my $daemon = LogCollectd->start(LogFormat => 'json');
my ($status, $said) = load($daemon, qw(--format json --clients 4 --window 16 --addresses 7 --rate 20000));
is($status, 0, 'a rate, from several addresses') or diag $said;
like($said, qr/^late_us_p99 \d+$/m, 'how late the generator itself was is told');
my %seen = map { /"client": "([^"]+)"/ ? ($1 => 1) : () } $daemon->log_lines;
is_deeply([sort keys %seen], [map { "127.1.0.$_" } 1 .. 4], 'each client has the next address');

($status, $said) = load($daemon, qw(--format json --clients 2 --window 1 --per-connection 1 --addresses 300));
is($status, 0, 'a connection for each line') or diag $said;
%seen = map { /"client": "([^"]+)"/ ? ($1 => 1) : () } $daemon->log_lines;
is(keys %seen, 300, 'each from the next address');

($status, $said) = load($daemon, qw(--format json --clients 2 --idle 500 --pid), $daemon->pid);
is($status, 0, 'idle clients') or diag $said;
like($said, qr/^idle_clients 500\nserver_memory_kib_per_idle_client \d+\.\d+$/m, 'and what one takes');
is($daemon->stop, 0, 'stops');

$daemon = LogCollectd->start(MaxConnectionsPerClient => 20);
($status, $said) = load($daemon, qw(--clients 1 --idle 30 --pid), $daemon->pid);
is($status, 1, 'idle clients that are refused: caught');
like($said, qr/\d+ idle clients were answered or closed/, 'and named');
$daemon->stop;

# The table: the daemon and the limit, one workload of each sort.
local $ENV{BENCH_SECONDS} = local $ENV{BENCH_ROUNDS} = 1;
local $ENV{BENCH_SERVERS} = 'logcollectd limit';
my $table = `$FindBin::Bin/bench/run 4x16x120 2>&1`;
is($?, 0, 'run') or diag $table;
like($table, qr/^4x16x120 +logcollectd +\d+ +\d+\.\d\d .*\n +limit +\d+ +1\.00 /m, 'run: a row of each server') or diag $table;
$table = `$FindBin::Bin/bench/run nothing 2>&1`;
isnt($?, 0, 'run: an unknown workload is refused');
like($table, qr/'nothing' is no workload/, 'run: and named');

done_testing;
