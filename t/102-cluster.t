# SPDX-License-Identifier: ISC
# The whole of it: clients, HAProxy with the shipped file, three collectors, a cluster of three RabbitMQ nodes, and bad weather for all
# of them at once.  Every record that a client saw answered `received` is then in each replica, once after dropping repeats, and in order
# per client and collector; with AckWhen replicated also when a collector's disk is gone.  CHAOS_SEED repeats the weather, though not
# its timing; CHAOS_SECONDS makes it last longer.
use v5.36;
use LogCollectd::Network;

BEGIN { LogCollectd::Network::isolate() }

use File::Path qw(remove_tree);
use List::Util qw(min);
use Test::More;
use Time::HiRes qw(sleep time);
use LogCollectd;
use LogCollectd::Balancer;
use LogCollectd::Engine;
use LogCollectd::Rabbit;
use LogCollectd::Witness;

# A driver is told by missing heartbeats that its broker does not live, which takes it twice 10 s; nothing takes longer.
use constant { CLIENTS => 9, LONGEST_S => 21, QUIET_S => 180, SETTLE_S => 90 };

plan skip_all => 'built without the AMQP driver' if !-e ($ENV{BUILD} // 'build') . '/lib/logcollectd/amqp.so';
for my $peer ([RabbitMQ => LogCollectd::Rabbit::installed()], [haproxy => LogCollectd::Balancer::installed()]) {
	next if $peer->[1];
	die "there is no $peer->[0]\n" if $ENV{REQUIRE_PEERS};
	plan skip_all => "there is no $peer->[0] here";
}

my $began = time;
my $seed = $ENV{CHAOS_SEED} || int 1 + rand 1_000_000;
my $lacks = LogCollectd::Network::lacks();
diag("CHAOS_SEED=$seed" . ($lacks ? ", without partitions: that takes $lacks" : ''));
srand $seed;

my $rabbit = LogCollectd::Rabbit->start(network => $lacks ? undef : LogCollectd::Network->new);

sub one_of (@choices) { return $choices[rand @choices] }

sub shuffled (@list) {
	return map { splice @list, rand @list, 1 } 1 .. @list;
}

# Collectors n1 to n3, on addresses of their own, so that they find their port again; each with its place: [queue, type].
my $started = 0;

sub start_collectors ($places, @settings) {
	my $net = join '.', 127, 100 + ($$ >> 8) % 100, $$ & 255;
	my @collectors;
	for my $n (1 .. 3) {
		my ($queue, $type) = @{ $places->[$n - 1] };
		my $forward = join ' ', $rabbit->address, "routing-key=$queue", "queue-type=$type", "node=n$n";
		my $collector = start_forwarding(LogCollectd::Balancer::directives("$net." . ++$started . ':9001'), Forward => $forward,
			ForwardBatch => '8192 linger=50', LogRotateSize => 100_000, LogRotateKeep => 1, @settings);
		push @collectors, $collector;
	}
	return @collectors;
}

# What happens all the time, to any of the collectors: each kind in turn, in an order of its own.
sub weather (@collectors) {
	my (%did, @kinds, %down, $moved);
	my $due = time;
	my %of = (
		forwarder => sub ($collector) { kill KILL => forwarder($collector) // () },
		worker    => sub ($collector) { kill KILL => one_of($collector->workers) // () },
		rotation  => sub ($collector) {
			my $logs = $collector->dir . '/logs';
			return rename("$logs/server.log", "$logs/moved." . ++$moved) && $collector->signal('USR1');
		},
		collector => sub ($collector) {
			kill KILL => -$collector->pid;
			$collector->ended;
			%down = (collector => $collector, until => time + 1 + rand 4);
		},
	);
	my $revive = sub { (delete $down{collector})->launch if $down{collector} };
	my $tick = sub {
		$revive->() if $down{collector} && time > $down{until};
		return if time < $due;
		$due = time + 0.2 + rand 0.8;
		@kinds = shuffled((qw(forwarder worker rotation)) x 3, 'collector') if !@kinds;
		my $collector = one_of(grep { $_ != ($down{collector} // 0) } @collectors);
		return if $down{collector} && $kinds[0] eq 'collector';
		my $kind = shift @kinds;
		$did{$kind}++ if $of{$kind}->($collector);
	};
	return { tick => $tick, end => $revive, did => \%did };
}

# Waits for the condition while the weather goes on; some conditions are dear to look at.
sub meanwhile ($weather, $condition) {
	my $look = time;
	return wait_until {
		$weather->{tick}->();
		return if time < $look;
		$look = time + 0.1;
		return $condition->();
	} QUIET_S;
}

sub pass_time ($weather, $seconds) {
	my $end = time + $seconds;
	meanwhile($weather, sub { time > $end });
}

sub restart ($weather, @nodes) {
	$rabbit->launch($_) for @nodes;
	return !grep { my $node = $_; !meanwhile($weather, sub { $rabbit->serves($node) }) } @nodes;
}

# Who leads the queue; asked until somebody does.
sub leader ($weather, $queue) {
	my $leader;
	meanwhile($weather, sub { defined($leader = $rabbit->leader($queue)) }) or die "nobody leads $queue\n";
	return $leader;
}

# What happens to the brokers, one after the other; true when they have survived.
my %blow = (
	'the leader is killed' => sub ($weather, $queue) {
		my $leader = leader($weather, $queue);
		$rabbit->kill_node($leader);
		my @others = grep { $_ != $leader } 0 .. 2;
		return meanwhile($weather, sub { ($rabbit->leader($queue, @others) // $leader) != $leader }) && restart($weather, $leader);
	},
	'all brokers are killed' => sub ($weather, $queue) {
		$rabbit->kill_node(0 .. 2);
		pass_time($weather, 1);
		return restart($weather, 0 .. 2);
	},
	'the whole cluster stops for longer than any timeout' => sub ($weather, $queue) {
		$rabbit->freeze(0 .. 2);
		pass_time($weather, LONGEST_S);
		$rabbit->thaw(0 .. 2);
		return !grep { my $node = $_; !meanwhile($weather, sub { $rabbit->serves($node) }) } 0 .. 2;
	},
	# Collectors may reach the leader still, which does not know at first that it is alone.
	'a partition' => sub ($weather, $queue) {
		my $leader = leader($weather, $queue);
		my @others = grep { $_ != $leader } 0 .. 2;
		my @links  = one_of(['peers'], ['peers'], ['peers', 'clients']);
		$rabbit->cut($leader, @{ $links[0] });
		my $passed = meanwhile($weather, sub { ($rabbit->leader($queue, @others) // $leader) != $leader });
		pass_time($weather, 2);
		$rabbit->mend($leader, @{ $links[0] });
		return $passed && meanwhile($weather, sub { $rabbit->serves($leader) });
	},
);
delete $blow{'a partition'} if $lacks;

# What node i has of the collectors at these places: {n1 => [records], ...}; and why it has not, where it cannot say.
sub read_replica ($i, $places, $collectors) {
	my (%read, @said);
	for my $n (1 .. 3) {
		my ($queue, $type) = @{ $places->[$n - 1] };
		my $node = $rabbit->at($i);
		$read{"n$n"} = [$node->records($collectors->[0], "routing-key=$queue", "queue-type=$type", '--node', "n$n")];
		push @said, $node->{said} || ();
	}
	return \%read, @said;
}

# Of a stream each node reads its own replica; of a quorum queue the one that leads does.
sub judge_replicas ($places, $collectors, $memories) {
	my $bound = SETTLE_S;
	for my $i (0 .. 2) {
		my %quorum = map { $_->[0] => 1 } grep { $_->[1] eq 'quorum' } @$places;
		ok($rabbit->let_lead($i, $_), "node $i leads $_") for sort keys %quorum;
		my ($read, @said, @faults);
		wait_until { ($read, @said) = read_replica($i, $places, $collectors); !(@faults = LogCollectd::Witness::faults($memories, $read)) } $bound;
		is_deeply(\@faults, [], "node $i has what was received, once and in order") or diag(join "\n", @said, @faults[0 .. min(5, $#faults)]);
		$bound = 5 if @faults;
		cmp_ok(scalar @{ $read->{$_} }, '>', 0, "of $_ too") for sort keys %$read;
	}
}

# That nothing waits any more, as the collectors say.
sub all_shipped (@collectors) {
	return wait_until { !grep { (figure($_, 'state') // '') ne 'idle' || figure($_, 'lag_bytes') != 0 } @collectors } SETTLE_S;
}

# That there are answers, and records in the engine from each collector.
sub served ($witnesses, @collectors) {
	my $served = wait_until { $witnesses->received > 200 && !grep { !figure($_, 'batches') } @collectors } SETTLE_S;
	$rabbit->settle;
	return $served;
}

my @addresses = map { "127.$_.$_.1" } 1 .. CLIENTS;

subtest 'AckWhen local: all that was received arrives' => sub {
	my $places     = [[qw(logs quorum)], [qw(events stream)], [qw(logs quorum)]];
	my @collectors = start_collectors($places);
	my $balancer   = LogCollectd::Balancer->start(@collectors);
	my $witnesses  = LogCollectd::Witness->start($collectors[0]->dir, $balancer->port, $seed, @addresses);
	ok(served($witnesses, @collectors), 'clients are served, by each collector');
	note(sprintf 'after %d s', time - $began);
	my $weather = weather(@collectors);
	my $end = time + ($ENV{CHAOS_SECONDS} || 0);
	do {
		for my $name (shuffled(sort keys %blow)) {
			ok($blow{$name}->($weather, 'logs'), $name);
			note(sprintf 'after %d s', time - $began);
		}
	} while (time < $end);
	$weather->{end}->();
	ok($witnesses->all_served(SETTLE_S), 'clients are served in the end, each of them');
	my @memories = $witnesses->memories;
	ok(all_shipped(@collectors), 'nothing is left in the spools');
	judge_replicas($places, \@collectors, \@memories);
	my %did = %{ $weather->{did} };
	cmp_ok($did{$_} // 0, '>', 0, "there was a $_") for qw(forwarder worker rotation collector);
	my ($received, $unknown) = map { LogCollectd::Witness::answered(\@memories, $_) } 'r', '-';
	note(sprintf 'after %d s', time - $began);
	note("received: $received, unknown: $unknown; ", join ', ', map { "$_: $did{$_}" } sort keys %did);
	is(LogCollectd::Witness::answered(\@memories, 'f'), 0, 'no record was refused');
	is($_->stop, 0, 'stops') for @collectors;
};

subtest 'AckWhen replicated: a disk may be gone' => sub {
	my $places     = [([qw(acked quorum)]) x 3];
	my @collectors = start_collectors($places, AckWhen => 'replicated timeout=4');
	my $balancer   = LogCollectd::Balancer->start(@collectors);
	my $witnesses  = LogCollectd::Witness->start($collectors[0]->dir, $balancer->port, $seed, @addresses);
	ok(served($witnesses, @collectors), 'clients are served, by each collector');
	my $weather = weather(@collectors);
	my $more = sub ($what) {
		my $before = $witnesses->received;
		ok(meanwhile($weather, sub { $witnesses->received > $before + 200 }), $what);
	};
	my $leader = leader($weather, 'acked');
	$rabbit->kill_node($leader);
	$more->('clients are served when the leader is killed');
	$rabbit->launch($leader);
	# Its disk goes with it; what is stored then belongs to another one.
	$weather->{end}->();
	kill KILL => -$collectors[1]->pid;
	$collectors[1]->ended;
	remove_tree($collectors[1]->dir . '/logs');
	$collectors[1]->launch;
	$more->('a collector lost its disk, and has a new one');
	ok(meanwhile($weather, sub { $rabbit->serves($leader) }), 'the broker is back');
	my $told = $witnesses->failed;
	$rabbit->freeze(0 .. 2);
	ok(meanwhile($weather, sub { $witnesses->failed > $told }), 'the cluster stands still for longer than clients are let wait: they are told');
	$rabbit->thaw(0 .. 2);
	$more->('it goes on');
	$weather->{end}->();
	ok($witnesses->all_served(SETTLE_S), 'clients are served in the end, each of them');
	my @memories = $witnesses->memories;
	for my $collector (@collectors[1, 2]) {
		kill KILL => -$collector->pid;
		$collector->ended;
		remove_tree($collector->dir . '/logs');
	}
	judge_replicas($places, \@collectors, \@memories);
	my ($received, $failed, $unknown) = map { LogCollectd::Witness::answered(\@memories, $_) } qw(r f -);
	note(sprintf 'after %d s', time - $began);
	note("received: $received, failed: $failed, unknown: $unknown");
	is($collectors[0]->stop, 0, 'stops');
};

done_testing;
