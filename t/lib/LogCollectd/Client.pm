# SPDX-License-Identifier: ISC
# One client of the daemon.  Nothing blocks without a bound, and sending reads what comes back
# meanwhile, so that pipelining cannot lock up; a client that shall not read says so.
package LogCollectd::Client;

use v5.36;
use Errno          qw(EAGAIN EINTR);
use IO::Socket::IP ();
use IO::Socket::UNIX ();
use Socket         qw(IPPROTO_TCP MSG_NOSIGNAL SOL_SOCKET SO_LINGER SO_RCVBUF TCP_NODELAY);
use Time::HiRes    qw(time);

use constant BOUND  => 30;
use constant OUTQ   => 0x5411; # TIOCOUTQ: bytes that the peer has not acknowledged
use constant { READABLE => 1, WRITABLE => 2 };
use constant ANSWER => 54;     # bytes that a line which is no object brings

# local: the address to come from; receive: SO_RCVBUF; mute: never read unless asked for lines.
sub new ($class, $address, $port, %how) {
	my @options = [IPPROTO_TCP, TCP_NODELAY, 1];
	push @options, [SOL_SOCKET, SO_RCVBUF, $how{receive}] if $how{receive};
	my $socket = $address =~ /\Aunix:(.*)/ ? IO::Socket::UNIX->new(Peer => $1) : IO::Socket::IP->new(
		PeerHost => $address,
		PeerPort => $port,
		Sockopts => \@options,
		$how{local} ? (LocalHost => $how{local}) : (),
	) or die "connect to $address port $port: $@";
	$socket->blocking(0);
	return bless { socket => $socket, lines => [], tail => '', mute => $how{mute} }, $class;
}

sub socket ($self) { return $self->{socket} }

# Reads what is there.
sub fill ($self) {
	my $n = sysread $self->{socket}, my $bytes, 1 << 18;
	if (!defined $n) {
		return if $!{EAGAIN} || $!{EINTR};
		$self->{reset} = 1;
	}
	$self->{eof} = 1 if !$n;
	return if !$n;
	my @lines = split /\n/, $self->{tail} . $bytes, -1;
	$self->{tail} = pop @lines;
	push @{ $self->{lines} }, @lines;
}

# Waits until one of the two is possible: READABLE, WRITABLE or both; 0 at the end of the time.
sub ready ($self, $read, $write, $end) {
	my ($rin, $win) = ('', '');
	vec($rin, fileno $self->{socket}, 1) = 1 if $read;
	vec($win, fileno $self->{socket}, 1) = 1 if $write;
	my $left = $end - time;
	return 0 if $left <= 0 || select($rin, $win, undef, $left) <= 0;
	return ($rin =~ /[^\0]/ ? READABLE : 0) | ($win =~ /[^\0]/ ? WRITABLE : 0);
}

# Sends all bytes.  False when the server has closed or takes no more within the bound.
sub send ($self, $bytes, $bound = BOUND) {
	my ($at, $end) = (0, time + $bound);
	while ($at < length $bytes) {
		my $ready = $self->ready(!$self->{mute} && !$self->{eof}, 1, $end) or return 0;
		$self->fill if $ready & READABLE;
		next if !($ready & WRITABLE);
		my $n = CORE::send $self->{socket}, substr($bytes, $at, 1 << 18), MSG_NOSIGNAL;
		return 0 if !defined $n && !$!{EAGAIN} && !$!{EINTR};
		$at += $n // 0;
	}
	return 1;
}

# Answers to all that was asked before: the next n lines, or fewer at the end or the bound.
sub lines ($self, $n, $bound = BOUND) {
	my $end = time + $bound;
	while (@{ $self->{lines} } < $n && !$self->{eof}) {
		$self->ready(1, 0, $end) or last;
		$self->fill;
	}
	return splice @{ $self->{lines} }, 0, $n;
}

# At least one line, and what came with it.
sub some ($self, $bound = BOUND) {
	my @lines = $self->lines(1, $bound);
	return (@lines, splice @{ $self->{lines} });
}

# Sends what the kernel takes at once and returns the bytes that are left.
sub offer ($self, $bytes) {
	my $n = CORE::send $self->{socket}, substr($bytes, 0, 1 << 18), MSG_NOSIGNAL;
	return substr $bytes, $n // 0;
}

sub ask ($self, @lines) {
	$self->send(join '', map { "$_\n" } @lines);
	return $self->lines(scalar @lines);
}

# No more to send: FIN.
sub finish ($self) {
	shutdown $self->{socket}, 1;
	return $self;
}

# Whether the server closes within the bound; its lines stay to be taken.
sub eof ($self, $bound = BOUND) {
	my $end = time + $bound;
	while (!$self->{eof}) {
		$self->ready(1, 0, $end) or return 0;
		$self->fill;
	}
	return 1;
}

# All lines up to the server's end; what is not well is told by a last line that is no answer.
sub rest ($self, $bound = BOUND) {
	my $closed = $self->eof($bound);
	my @lines = splice @{ $self->{lines} };
	push @lines, "no newline: $self->{tail}" if $self->{tail} ne '';
	push @lines, 'reset'      if $self->{reset};
	push @lines, 'not closed' if !$closed;
	return @lines;
}

# Whether the connection was reset rather than closed.
sub was_reset ($self) { return $self->{reset} }

# How many of the bytes sent have not reached the server's kernel.
sub outstanding ($self) {
	my $bytes = pack 'i', 0;
	ioctl $self->{socket}, OUTQ, $bytes or die "TIOCOUTQ: $!";
	return unpack 'i', $bytes;
}

# Whether all that was sent has reached the server's kernel.
sub arrived ($self) { return $self->outstanding == 0 }

# Asks for more answers than the kernel holds for a client that does not read them.
sub clog ($self) {
	open my $file, '<', '/proc/sys/net/ipv4/tcp_wmem' or die "tcp_wmem: $!";
	my $most = (split ' ', readline $file)[2];
	local $self->{mute} = 1;
	$self->{clogged} = int(1.5 * $most / ANSWER) + 50_000;
	return $self->send("1\n" x $self->{clogged});
}

# How many lines clog() has sent.
sub clogged ($self) { return $self->{clogged} }

sub close ($self) {
	CORE::close $self->{socket};
}

# Drops the connection with a RST.
sub reset ($self) {
	setsockopt $self->{socket}, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0);
	$self->close;
}

1;
