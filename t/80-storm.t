# SPDX-License-Identifier: ISC
# The storm: clients of all kinds, reloads, rotations, killed workers and a disk that fills, all at once for
# STORM_SECONDS; then the files and the clients' memories prove that nothing was lost, doubled, torn or made up.
# STORM_SEED repeats the weather, though not its timing.
use v5.36;
use JSON::PP qw(decode_json);
use Test::More;
use Time::HiRes qw(sleep time);

# The disk that fills is one of our own, in a namespace of our own.
my $own_disk;

BEGIN {
	$own_disk = delete $ENV{STORM_INSIDE};
	if ($> == 0 && !$own_disk && system('unshare --mount -- mount -t tmpfs none /mnt 2>/dev/null') == 0) {
		$ENV{STORM_INSIDE} = 1;
		$ENV{PERL5LIB} = join ':', @INC;
		exec 'unshare', '--mount', '--propagation', 'private', '--', $^X, $0;
	}
}

use LogCollectd;
use Storm::Load;

my $seconds = $ENV{STORM_SECONDS} || 6;
my $seed    = $ENV{STORM_SEED} || int 1 + rand 1_000_000;
my $sane    = slurp(LogCollectd::program()) !~ /__[at]san_init/;
my @kinds   = ((qw(pipeliner)) x 4, qw(junk patient patient dripper dripper deaf resetter resetter visitor visitor));
my $DISK_BYTES = 24 << 20;

diag("STORM_SEED=$seed STORM_SECONDS=$seconds" . ($own_disk ? '' : ', without a disk that fills'));
srand $seed;

my $daemon = LogCollectd->new;
$daemon->write_conf($daemon->{conf} .= <<"END");
ScoreBoardFile $daemon->{dir}/board
MaxLineLength 8192
GracefulShutdownTimeout 30
GracefulDrainTimeout 1
SendTimeout 2
LogRotateKeep 9999
END
my $logs = "$daemon->{dir}/logs";
mkdir $logs;
system('mount', '-t', 'tmpfs', '-o', "size=$DISK_BYTES", 'none', $logs) == 0 or die 'mount' if $own_disk;
$daemon->launch;

sub descriptors ($pid) { return scalar(() = glob "/proc/$pid/fd/*") }

# Memory that is the process's own, in KiB.
sub memory ($pid) { return slurp("/proc/$pid/status") =~ /RssAnon:\s+(\d+)/ ? $1 : 0 }

my %before = (descriptors => descriptors($daemon->pid), memory => memory($daemon->pid));

my $load  = Storm::Load->start($daemon, $seed, \@kinds, to_the_end => 1);
my $proof = $load->proof;

# The weather.
my (%did, %killed, %ledger, @ledger_faults, @pending, $ballast_until);
my $workers_conf = '';
my $taken = 0;

sub one_of (@choices) { return $choices[rand @choices] }

sub live_settings {
	my %live = (
		MinLogLevel      => one_of(qw(INFO INFO DEBUG WARNING)),
		UnknownLevel     => one_of(qw(filter accept reject)),
		BufferSize       => one_of(16, 512, 4096, 65536),
		MaxLineLength    => one_of(8192, 16000),
		LogSync          => one_of(qw(none none always 1)),
		LogFilename      => one_of('server.log', 'server.log', 'other.log', '%H%M%S.log'),
		LogRotateSize    => one_of(0, 100_000, 500_000),
		RateLimit        => one_of(qw(off off on)),
		RateLimitMaxRequests    => one_of(500, 5000),
		RateLimitWindowSeconds  => 1,
		SendTimeout             => one_of(1, 2),
		ReadTimeout             => one_of(0, 0, 1),
		IdleTimeout             => one_of(0, 0, 1),
		MaxConnectionsPerClient => one_of(0, 0, 0, 10),
		GracefulDrainTimeout    => one_of(1, 2),
		LogLevel                => one_of(qw(info debug)),
	);
	return join '', map { "$_ $live{$_}\n" } sort keys %live;
}

sub worker_settings {
	my @listen = grep { rand() < 0.4 } qw(127.0.0.2:0 127.0.0.3:0 [::1]:0);
	return join '', map { "$_\n" } 'Workers ' . one_of(1 .. 3), 'ThreadsPerWorker ' . one_of(6, 100, 1000),
		'MaxConnectionsPerWorker ' . one_of(0, 0, 50), map { "Listen $_" } @listen;
}

sub reload_live    { $daemon->write_conf($daemon->{conf} . live_settings() . $workers_conf); $daemon->signal('HUP') }
sub reload_workers { $workers_conf = worker_settings(); reload_live() }
sub reload_badly   { $daemon->write_conf("Wrokers 1\n"); $daemon->signal('HUP') }

sub kill_worker {
	my $victim = one_of($daemon->workers) // return;
	$killed{$victim} = 1 if kill KILL => $victim;
}

# As a rotation script does; the files are read once nobody writes to them.
sub rename_files {
	opendir my $folder, $logs or die "$logs: $!";
	for my $name (grep { !/^\.|^taken|^ballast$/ } readdir $folder) {
		push @pending, "$logs/taken." . $taken++;
		rename "$logs/$name", $pending[-1] or pop @pending;
	}
}

sub rotate { rename_files(); $daemon->signal(one_of(qw(USR1 USR1 HUP))) }

sub ctl (@command) {
	return $daemon->run_command(LogCollectd::program('logcollectctl'), '-s', "$daemon->{dir}/board", @command);
}

sub take_files {
	rename_files();
	my ($status, $out, $err) = ctl('reopen', '-t', 25);
	$did{"reopen: status $status"}++;
	return note($err) if $status ne '0';
	for my $path (splice @pending) {
		$proof->read_file($path);
		unlink $path;
	}
}

sub fill_disk {
	return if !$own_disk || $ballast_until;
	my ($free) = `df --output=avail -B1 $logs` =~ /(\d+)\s*\z/;
	$free -= int rand 100_000;
	# It takes what is there, also where that has become less meanwhile.
	system("fallocate -l $free '$logs/ballast' 2>/dev/null") if $free > 0;
	$ballast_until = time + rand 0.5;
}

sub empty_disk {
	return if !$ballast_until || time < $ballast_until;
	unlink "$logs/ballast";
	$ballast_until = undef;
}

my @verdicts = qw(received filtered invalid not_object missing limited too_long unknown_level failed);

# At any moment the verdicts add up, and no counter goes back.
sub look_at_ledger {
	my ($status, $out, $err) = ctl('status', '--json');
	my $counts = eval { decode_json($out)->{counts} } or return push @ledger_faults, "status $status: $err";
	my $sum = 0;
	$sum += $counts->{$_} for @verdicts;
	push @ledger_faults, "lines $counts->{lines}, verdicts $sum" if $sum != $counts->{lines};
	push @ledger_faults, "$_ went from $ledger{$_} to $counts->{$_}"
		for grep { $counts->{$_} < ($ledger{$_} // 0) } sort keys %$counts;
	%ledger = %$counts;
}

my @weather = (
	([live    => \&reload_live]) x 5,
	([workers => \&reload_workers]) x 3,
	[bad => \&reload_badly],
	([kill   => \&kill_worker]) x 2,
	([rotate => \&rotate]) x 3,
	([take   => \&take_files]) x 2,
	([fill   => \&fill_disk]) x 2,
	[ledger => \&look_at_ledger],
);
my $end = time + $seconds;
while (time < $end && !defined $daemon->reap) {
	my ($what, $do) = @{ one_of(@weather) };
	$do->();
	$did{$what}++;
	empty_disk();
	sleep rand 0.2;
}
is($daemon->reap, undef, 'the daemon is still there');

# Calm again: the settings of the beginning, and the supervisor as it was in the beginning.
unlink "$logs/ballast";
$daemon->write_conf($daemon->{conf});
$daemon->signal('HUP');
take_files();
look_at_ledger();
ok((wait_until { $daemon->workers == 2 && descriptors($daemon->pid) == $before{descriptors} } 60),
	'as many workers and descriptors as in the beginning')
	or diag("workers: @{[$daemon->workers]}, descriptors: ", descriptors($daemon->pid), " for $before{descriptors}");
SKIP: {
	skip 'sanitizers take memory as they like', 2 if !$sane;
	cmp_ok(memory($daemon->pid) - $before{memory}, '<', 2048, 'the supervisor has not grown');
	my ($largest) = sort { $b <=> $a } map { memory($_) } $daemon->workers;
	cmp_ok($largest, '<', 65536, 'nor has a worker');
}

# The end, in the middle of the load.
$load->calm;
is($daemon->stop(90), 0, 'stops, and nothing is left over');
ok($load->gather, 'so do the clients');
rename_files();
$proof->read_file($_) for @pending;
system('umount', $logs) if $own_disk;

my $judgement = $load->judge;
my %seen = %{ $judgement->{seen} };
is_deeply($judgement->{faults}, [],
	'every record answered `received` is there once, whole; no other is there; answers came in order');
is_deeply($judgement->{refused}, {}, 'the socket that was kept has refused nobody');
is_deeply(\@ledger_faults, [], 'the ledger was right whenever it was looked at');

my %count = $daemon->counted;
my $sum = 0;
$sum += $count{$_} // 0 for @verdicts;
is($sum, $count{lines}, 'the verdicts add up');
cmp_ok($count{$_}, '>=', $seen{$_} // 0, "as many $_ as the clients saw") for @verdicts;
cmp_ok($count{received}, '<=', $proof->records, 'no more received than there are records');
cmp_ok($seen{received} // 0, '>', 100 * $seconds / ($sane ? 1 : 20), 'it was a storm');

# What the daemon may have complained of.
my @expected = (
	qr/^worker \d+ \(pid (\d+)\) was killed by signal 9 \(SIGKILL\)$/,
	qr/cannot store records: No space left on device$/,
	qr/cannot rotate, the file grows on: No such file or directory$/,
	qr/: Wrokers: |^reload failed, everything stays as it was$/,
	qr/^Workers: there is room for \d+ more/,
);
my @complaints = grep {
	my $said = $_;
	my ($match) = grep { $said =~ $_ } @expected;
	!$match || ($said =~ $expected[0] && !$killed{$1});
} $daemon->errors =~ /logcollectd\[\d+\] error: (.*)/g;
is_deeply(\@complaints, [], 'no other complaint');

note('weather: ', join ', ', map { "$_ $did{$_}" } sort keys %did);
note("$judgement->{connections} connections, ", $proof->records, ' records in ', $proof->files, ' files; seen: ',
	join ', ', map { "$_ $seen{$_}" } sort keys %seen);
if (!Test::More->builder->is_passing) {
	my $log = $daemon->errors;
	diag('the daemon said, at last: ', substr $log, length $log > 8000 ? -8000 : 0);
}
done_testing;
