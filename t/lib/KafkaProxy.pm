# SPDX-License-Identifier: ISC
# Stands in front of the brokers of LogCollectd::Kafka, on the same ports of 127.0.0.2, and has what that mock lacks: it ends TLS, and
# asks for a name and a password (SASL, PLAIN).  All else passes, but that the brokers' address becomes its own.
package KafkaProxy;

use v5.36;
use Children        qw(finish keep);
use IO::Select      ();
use IO::Socket::IP  ();
use LogCollectd     qw(wait_until);
use POSIX           ();

use constant {
	ADDRESS => '127.0.0.2', FETCH => 1, LIST_OFFSETS => 2, METADATA => 3, FIND_COORDINATOR => 10, HANDSHAKE => 17, API_VERSIONS => 18, AUTHENTICATE => 36,
	UNSUPPORTED => 33, BAD_PASSWORD => 58,
};

# user, password: who is let in; without them anybody is.  tls: options of IO::Socket::SSL; without them it speaks none.
# mute: whoever wants to read waits for ever.  Who asks for the offset of a time, which the mock cannot tell, gets the first one.
sub start ($class, $kafka, %how) {
	my @ports = $kafka->address =~ /:(\d+)/g;
	# One that was stopped may still hold them.
	my @listeners = map { my $port = $_; wait_until { listen_at($port) } or die "port $port: $@" } @ports;
	my $pid = fork // die "fork: $!";
	if ($pid == 0) {
		setpgrp;
		$SIG{CHLD} = $SIG{PIPE} = 'IGNORE';
		serve(\@listeners, %how);
		POSIX::_exit(0);
	}
	setpgrp $pid, $pid;
	keep(-$pid);
	return bless { pid => $pid, ports => \@ports }, $class;
}

sub listen_at ($port) { return IO::Socket::IP->new(LocalHost => ADDRESS, LocalPort => $port, Listen => 64, ReuseAddr => 1) }

# As a Forward line names it; name: what 127.0.0.2 is called.
sub address ($self, $name = ADDRESS) { return 'kafka://' . join ',', map { "$name:$_" } @{ $self->{ports} } }

# With all its connections.
sub stop ($self) { finish(-$self->{pid}) }

sub serve ($listeners, %how) {
	my $select = IO::Select->new(@$listeners);
	while (1) {
		for my $listener ($select->can_read) {
			my $client = $listener->accept or next;
			my $pid = fork // next;
			next if $pid != 0;
			alarm 120;
			my $port = $listener->sockport;
			close $_ for @$listeners;
			attend($client, $port, %how);
			POSIX::_exit(0);
		}
	}
}

sub attend ($client, $port, %how) {
	require IO::Socket::SSL if $how{tls};
	my $talker = $how{tls} ? IO::Socket::SSL->start_SSL($client, SSL_server => 1, %{ $how{tls} }) : $client;
	my $server = IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $port);
	return if !$talker || !$server;
	my $self   = { known => !defined $how{user}, how => \%how, asked => {}, client => $talker, server => $server };
	my $select = IO::Select->new($talker, $server);
	my %frames = map { fileno($_) => '' } $talker, $server;
	while (1) {
		for my $from ($how{tls} && $talker->pending ? $talker : $select->can_read) {
			my $bytes = \$frames{ fileno $from };
			my $n = sysread $from, $$bytes, 1 << 16, length $$bytes;
			next if !defined $n && $how{tls} && $IO::Socket::SSL::SSL_ERROR == IO::Socket::SSL::SSL_WANT_READ();
			return if !$n;
			while (length $$bytes >= 4 && length $$bytes >= 4 + unpack 'N', $$bytes) {
				my $frame = substr $$bytes, 0, 4 + unpack('N', $$bytes), '';
				($from == $talker ? request($self, substr $frame, 4) : response($self, substr $frame, 4)) or return;
			}
		}
	}
}

sub send_frame ($to, $frame) {
	my $bytes = pack('N', length $frame) . $frame;
	while (length $bytes) {
		my $n = syswrite $to, $bytes or return 0;
		substr $bytes, 0, $n, '';
	}
	return 1;
}

# False: the connection is to end.
sub request ($self, $frame) {
	my ($key, $version, $id, $name) = unpack 'n n N n', $frame;
	my $body = substr $frame, 10 + ($name == 0xffff ? 0 : $name);
	if ($key == HANDSHAKE) {
		my $known = unpack('n/a*', $body) eq 'PLAIN';
		return send_frame($self->{client}, pack 'N n N (n/a*)', $id, $known ? 0 : UNSUPPORTED, 1, 'PLAIN');
	}
	if ($key == AUTHENTICATE) {
		my (undef, $user, $password) = split /\0/, unpack('N/a*', $body), 3;
		$self->{known} = $user eq $self->{how}{user} && $password eq $self->{how}{password};
		return send_frame($self->{client}, pack 'N n s> N', $id, 0, -1, 0) if $self->{known};
		send_frame($self->{client}, pack 'N n (n/a*) N', $id, BAD_PASSWORD, 'Invalid username or password', 0);
		return 0;
	}
	return 0 if !$self->{known} && $key != API_VERSIONS;
	return 1 if $self->{how}{mute} && $key == FETCH;
	substr($frame, -8) = pack 'q>', -2 if $key == LIST_OFFSETS && $version >= 1 && unpack('q>', substr $frame, -8) > 0;
	$self->{asked}{$id} = [$key, $version];
	return send_frame($self->{server}, $frame);
}

sub response ($self, $frame) {
	my $id = unpack 'N', $frame;
	my ($key, $version) = @{ delete $self->{asked}{$id} // [0, 0] };
	$frame =~ s/127\.0\.0\.1/${\ADDRESS}/g if $key == METADATA || $key == FIND_COORDINATOR;
	$frame = offer($frame, $version) if $key == API_VERSIONS && unpack('x4 n', $frame) == 0;
	return send_frame($self->{client}, $frame);
}

# Adds what is answered here to the list of requests that the broker knows.
sub offer ($frame, $version) {
	my @own = ([HANDSHAKE, 0, 1], [AUTHENTICATE, 0, 0]);
	if ($version >= 3) {
		my $count = ord substr $frame, 6, 1; # one more than there are, and few enough for a byte
		substr $frame, 6, 1, chr($count + @own) . join '', map { pack 'n n n C', @$_, 0 } @own;
	}
	else {
		substr $frame, 6, 4, pack('N', unpack('x6 N', $frame) + @own) . join '', map { pack 'n n n', @$_ } @own;
	}
	return $frame;
}

1;
