# SPDX-License-Identifier: ISC
# The clients of a storm.  Each is a process that connects again and again until it is told that the daemon stops,
# remembers what it has sent and was answered, and leaves that in a file.
package Storm::Client;

use v5.36;
use POSIX       ();
use Storable    qw(store);
use Time::HiRes qw(sleep time);

use LogCollectd;
use LogCollectd::Client;
use Storm::Lines;

use constant { PATIENCE => 40, WINDOW => 3000, UNTRACKED => -1 };

# A letter for each verdict, to remember them in a string.
my %LETTER = (received => 'r', filtered => 'f', invalid => 'i', not_object => 'n', missing => 'm', limited => 'l',
	too_long => 't', unknown_level => 'u', failed => 'x');

sub letters { return \%LETTER }

# Kinds of clients: what one connection is like.
my %CONNECTION = (
	pipeliner => \&pipeline,
	junk      => \&pipeline,
	patient   => \&one_by_one,
	dripper   => \&drip,
	deaf      => \&never_read,
	resetter  => \&break_off,
	visitor   => \&visit,
);

# daemon, port, id, kind, seed, result: the file; stopping: a handle that ends when the clients are to end, and with
# to_the_end the daemon too.
sub run ($class, %what) {
	my $self = bless { %what, sent => 0, answers => '', seen => {}, wrong => [], refused => {}, connections => 0,
		junk => $what{kind} eq 'junk' }, $class;
	srand $self->{seed} * 1000 + $self->{id};
	while (!$self->stopping) {
		my $connection = $self->open_connection or next;
		$CONNECTION{ $self->{kind} }->($self, $connection);
		$connection->close;
	}
	store { map { $_ => $self->{$_} } qw(id kind sent answers seen wrong refused connections) }, $self->{result};
}

sub stopping ($self) {
	return 1 if $self->{stopped};
	vec(my $bits = '', fileno $self->{stopping}, 1) = 1;
	return $self->{stopped} = select($bits, undef, undef, 0) > 0;
}

# Now and then at a socket that a reload has added, which may be gone.
sub open_connection ($self) {
	my ($address, $port) = ('127.0.0.1', $self->{port});
	if ($self->{kind} eq 'visitor' && rand() < 0.3) {
		my @added = grep { $_->[0] ne $address } $self->{daemon}->addresses;
		($address, $port) = @{ $added[-1] } if @added;
	}
	my @how = $self->{kind} eq 'deaf' ? (mute => 1, receive => 4096) : ();
	my $connection = eval { LogCollectd::Client->new($address, $port, @how) };
	$self->{queue}  = [];
	$self->{served} = 0;
	$self->{connections}++;
	return $connection if $connection;
	my $why = "$@";
	sleep 0.02;
	$self->{refused}{ $why =~ s/ at \S+ line.*//sr }++ if $address eq '127.0.0.1' && !$self->stopping;
	return;
}

# The next n lines, as bytes; their answers are expected from now on.
sub lines ($self, $n) {
	my $bytes = '';
	for (1 .. $n) {
		my ($kind, $line) = line_of($self->{seed}, $self->{id}, ++$self->{sent}, $self->{junk});
		push @{ $self->{queue} }, [$self->{sent}, $kind] if $kind ne 'blank';
		$bytes .= $line;
	}
	return $bytes;
}

sub wrong ($self, $text) {
	push @{ $self->{wrong} }, "$self->{kind} $self->{id}: $text";
}

# Answers that have come, in order; false when there will be no more.
sub take ($self, @answers) {
	for my $verdict (verdicts @answers) {
		$self->{seen}{$verdict}++;
		return 0 if $verdict =~ /^(?:busy|denied)$/ && !$self->{served};
		$self->{served} = 1;
		my $asked = shift @{ $self->{queue} };
		if (!$asked) {
			$self->wrong("an answer that nobody asked for: $verdict");
			return 0;
		}
		my ($n, $kind) = @$asked;
		$self->wrong("line $n ($kind) was answered: $verdict") if !verdict_fits($kind, $verdict);
		next if $n == UNTRACKED;
		$self->{answers} .= "\0" x ($n + 1 - length $self->{answers}) if length $self->{answers} <= $n;
		substr($self->{answers}, $n, 1) = $LETTER{$verdict} // '?';
	}
	return 1;
}

sub take_some ($self, $connection) {
	$connection->ready(1, 0, time + 0.001) && $connection->fill if !$connection->{eof};
	return $self->take(splice @{ $connection->{lines} }) && !$connection->{eof};
}

# Reads until no more than so many answers are due.
sub settle ($self, $connection, $due) {
	my $end = time + PATIENCE;
	while (@{ $self->{queue} } > $due) {
		return 0 if $connection->{eof} && !@{ $connection->{lines} };
		my @some = $connection->some(1);
		return 0 if !$self->take(@some);
		$end = time + PATIENCE if @some;
		next if time < $end || $self->stopping;
		$self->wrong("no answer to line $self->{queue}[0][0] within " . PATIENCE . ' seconds');
		return 0;
	}
	return 1;
}

# All that still comes; after a FIN or the daemon's end.
sub take_rest ($self, $connection) {
	my $closed = $connection->eof(PATIENCE);
	$self->take(splice @{ $connection->{lines} });
	$self->wrong('part of an answer') if $connection->{tail} ne '' && !$connection->{reset};
	$self->wrong('the connection is not closed') if !$closed;
}

sub nap ($self, $most_s) { sleep rand $most_s }

# Most of the load; leaves its last lines to a daemon that stops, as clients do.
sub pipeline ($self, $connection) {
	my $rounds = 1 + int rand 60;
	while ($rounds-- > 0 && !$self->stopping) {
		my $size = rand() < 0.05 ? 800 : 1 + int rand 60;
		last if !$connection->send($self->lines($size)) || !$self->take_some($connection)
		     || !$self->settle($connection, WINDOW);
		$self->nap(0.03);
	}
	# Some wait for the daemon to close: it answers all that has arrived.
	$connection->finish if !$self->{stopped} || rand() < 0.5 || !$self->{to_the_end};
	$self->take_rest($connection);
}

sub one_by_one ($self, $connection) {
	my $rounds = 1 + int rand 200;
	while ($rounds-- > 0 && !$self->stopping) {
		last if !$connection->send($self->lines(1)) || !$self->settle($connection, 0);
		$self->nap(rand() < 0.01 ? 2 : 0.005);
	}
	$connection->finish;
	$self->take_rest($connection);
}

sub drip ($self, $connection) {
	my $text = $self->lines(1 + int rand 4);
	my @bytes = (split(//, substr $text, 0, 400), length $text > 400 ? substr $text, 400 : ());
	while (@bytes && !$self->stopping && $connection->send(shift @bytes)) {
		last if !$self->take_some($connection);
	}
	# Half a line is another line: its answer would be none of ours.
	return if @bytes || rand() < 0.3;
	$connection->finish;
	$self->take_rest($connection);
}

# Asks for more than the kernel holds; in the end it goes, or reads after all.
sub never_read ($self, $connection) {
	my ($end, $left) = (time + 4, '');
	while (time < $end && !$self->stopping) {
		if ($left eq '') {
			push @{ $self->{queue} }, ([UNTRACKED, 'list']) x 500;
			$left = ("1\n" x 500) . $self->lines(1);
		}
		my $before = length $left;
		$! = 0;
		$left = $connection->offer($left);
		last if $!{EPIPE} || $!{ECONNRESET};
		sleep 0.02 if length $left == $before;
	}
	$connection->{mute} = 0;
	return if rand() < 0.5 || !$connection->send($left);
	$connection->finish;
	$self->take_rest($connection);
}

sub break_off ($self, $connection) {
	$connection->send($self->lines(1 + int rand 200));
	$self->nap(0.02);
	$self->take_some($connection) if rand() < 0.5;
	$connection->reset;
	$self->nap(0.05);
}

sub visit ($self, $connection) {
	$connection->send($self->lines(int rand 4));
	$connection->finish;
	$self->take_rest($connection);
	$self->nap(0.03);
}

1;
