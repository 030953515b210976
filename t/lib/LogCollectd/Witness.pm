# SPDX-License-Identifier: ISC
# Clients that remember every answer, each a process: one sends numbered records, as many at a time as its window, connects again
# when it was cut, and sends nothing twice.  What they remember is then held against what an engine gives back.
package LogCollectd::Witness;

use v5.36;
use Children    qw(forget keep);
use List::Util  qw(sum0);
use POSIX       ();
use Storable    qw(retrieve store);
use Time::HiRes qw(sleep time);
use LogCollectd;
use LogCollectd::Client;

use constant { WINDOW => 100, ROUND => 10, NAP_S => 0.2, PATIENCE => 60, MOST_FAULTS => 20 };

# One for each of these addresses, all to that port of loopback; their memories lie in the folder.
sub start ($class, $folder, $port, $seed, @addresses) {
	pipe my $stopping, my $calm or die "pipe: $!";
	my $self = bless { calm => $calm, folder => $folder, count => scalar @addresses, pids => [] }, $class;
	for my $id (0 .. $#addresses) {
		my $pid = fork // die "fork: $!";
		if ($pid == 0) {
			close $calm;
			srand $seed * 1000 + $id;
			eval {
				open my $progress, '>', "$folder/progress.$id" or die "$folder: $!";
				my $witness = bless { id => $id, port => $port, from => $addresses[$id], stopping => $stopping,
					progress => $progress, sent => 0, received => 0, failed => 0, connections => 0, answers => '', wrong => [] }, $class;
				$witness->run("$folder/memory.$id");
				1;
			} or print STDERR "client $id: $@";
			POSIX::_exit(0);
		}
		keep($pid);
		push @{ $self->{pids} }, $pid;
	}
	return $self;
}

# How many answers `received`, and `storage failure`, there were so far.
sub received ($self) { return $self->told(0) }
sub failed ($self)   { return $self->told(1) }

sub told ($self, $which) { return sum0(map { ($self->progress($_))[$which] // 0 } 0 .. $self->{count} - 1) }

sub received_by ($self, $id) { return ($self->progress($id))[0] // 0 }

sub progress ($self, $id) { return split ' ', slurp("$self->{folder}/progress.$id") }

# Whether each of them is told `received` of what it has yet to send, so that whatever cut their connections is over; within so long.
sub all_served ($self, $patience) {
	my %due = map { $_ => $self->received_by($_) + WINDOW + 1 } 0 .. $self->{count} - 1;
	return wait_until { delete @due{ grep { $self->received_by($_) >= $due{$_} } keys %due }; !%due } $patience;
}

# They send no more, take what still is to come, and end; what each remembers: {id}, {sent}, {answers}, {connections}, {wrong}.
sub memories ($self) {
	close delete $self->{calm};
	my %left = map { $_ => 1 } @{ $self->{pids} };
	wait_until { delete @left{ grep { waitpid($_, POSIX::WNOHANG) == $_ } keys %left }; !%left } 2 * PATIENCE;
	forget(grep { !$left{$_} } @{ $self->{pids} });
	return map { eval { retrieve "$self->{folder}/memory.$_" } // { id => $_, sent => 0, answers => '', connections => 0,
		wrong => ["client $_ has left no memory"] } } 0 .. $self->{count} - 1;
}

# What follows is the client.

sub run ($self, $result) {
	while (!$self->stopping) {
		my $connection = eval { LogCollectd::Client->new('127.0.0.1', $self->{port}, local => $self->{from}) };
		if (!$connection) {
			sleep 0.05;
			next;
		}
		$self->{connections}++;
		$self->{due} = [];
		$self->converse($connection);
		$connection->close;
	}
	store { map { $_ => $self->{$_} } qw(id sent answers connections wrong) }, $result;
}

sub stopping ($self) {
	vec(my $bits = '', fileno $self->{stopping}, 1) = 1;
	return $self->{stopped} ||= select($bits, undef, undef, 0) > 0;
}

sub text ($id, $n) { return "client $id record $n " . 'x' x ($n * 7 % 150) }

sub converse ($self, $connection) {
	until ($self->stopping || $connection->{eof}) {
		my $room = WINDOW - @{ $self->{due} };
		my @numbers = map { $self->{sent} + $_ } 1 .. 1 + int rand($room < ROUND ? $room : ROUND);
		@numbers = () if $room == 0;
		$self->{sent} += @numbers;
		push @{ $self->{due} }, @numbers;
		my $bytes = join '', map { record(ERROR => text($self->{id}, $_)) . "\n" } @numbers;
		$connection->{eof} = 1, last if @numbers && !$connection->send($bytes, PATIENCE);
		$connection->ready(1, 0, time + rand NAP_S) && $connection->fill;
		$self->take($connection);
		sleep rand NAP_S;
	}
	my $cut = $connection->{eof};
	$connection->finish;
	push @{ $self->{wrong} }, "client $self->{id}: no end of the connection" if !$connection->eof(PATIENCE);
	$self->take($connection);
	push @{ $self->{wrong} }, "client $self->{id}: " . @{ $self->{due} } . ' answers are missing'
		if @{ $self->{due} } && $self->{stopped} && !$cut;
}

# The answers that have come, a letter for each: received, failed, other.
sub take ($self, $connection) {
	for my $verdict (verdicts splice @{ $connection->{lines} }) {
		my $n = shift @{ $self->{due} };
		my $letter = $verdict eq 'received' ? 'r' : $verdict eq 'failed' ? 'f' : 'o';
		push @{ $self->{wrong} }, "client $self->{id}: record " . ($n // 'none') . " was answered: $verdict"
			if $letter eq 'o' || !defined $n;
		next if !defined $n;
		$self->{answers} .= '-' x ($n + 1 - length $self->{answers}) if length $self->{answers} <= $n;
		substr($self->{answers}, $n, 1) = $letter;
		$self->{received} += $letter eq 'r';
		$self->{failed}   += $letter eq 'f';
	}
	sysseek $self->{progress}, 0, 0;
	syswrite $self->{progress}, "$self->{received} $self->{failed}";
}

# What is wrong with what was read, {node => [records, as logcollect-cat prints them]}, some of it, in words: what was answered
# `received` is there exactly once, what was not at most once; whole, and of each client and node in order.
sub faults ($memories, $read) {
	my (@times, @faults);
	for my $node (sort keys %$read) {
		my @last;
		for my $line (@{ $read->{$node} }) {
			my ($text, $id, $n) = $line =~ /\A\S+Z \[ERROR\] (client (\d+) record (\d+) x*)\z/;
			if (!defined $text || $id >= @$memories || $n > $memories->[$id]{sent} || $text ne text($id, $n)) {
				push @faults, "$node: nobody sent: " . substr $line, 0, 200;
				next;
			}
			push @faults, "$node: client $id: record $n comes after $last[$id]" if $n <= ($last[$id] // 0);
			$last[$id] = $n;
			$times[$id][$n]++;
		}
	}
	for my $memory (@$memories) {
		my $id = $memory->{id};
		push @faults, @{ $memory->{wrong} };
		for my $n (1 .. $memory->{sent}) {
			my $found = $times[$id][$n] // 0;
			my $answered = $n < length $memory->{answers} ? substr $memory->{answers}, $n, 1 : '-';
			push @faults, "client $id: record $n is there $found times" if $found > 1;
			push @faults, "client $id: record $n is lost" if $found == 0 && $answered eq 'r';
		}
	}
	return @faults <= MOST_FAULTS ? @faults : (@faults[0 .. MOST_FAULTS - 1], (@faults - MOST_FAULTS) . ' more');
}

# How often that letter was the answer, of all.
sub answered ($memories, $letter) {
	my $count = 0;
	$count += () = $_->{answers} =~ /\Q$letter\E/g for @$memories;
	return $count;
}

1;
