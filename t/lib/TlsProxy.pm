# SPDX-License-Identifier: ISC
# Ends TLS in front of a plain server, as stunnel does: what a client sends goes to the server, what the server answers
# goes to the client, and an end in one direction is an end in that direction only.
package TlsProxy;

use v5.36;
use Children        qw(finish keep);
use IO::Select      ();
use IO::Socket::IP  ();
use IO::Socket::SSL ();
use POSIX           ();

# The rest are options of IO::Socket::SSL: SSL_cert_file, SSL_key_file ...
sub start ($class, $port, %tls) {
	my $listener = IO::Socket::IP->new(LocalHost => '127.0.0.1', Listen => 64) or die "listen: $@";
	my $pid = fork // die "fork: $!";
	if ($pid == 0) {
		$SIG{CHLD} = $SIG{PIPE} = 'IGNORE';
		serve($listener, $port, %tls);
		POSIX::_exit(0);
	}
	keep($pid);
	return bless { port => $listener->sockport, pid => $pid }, $class;
}

sub port ($self) { return $self->{port} }

sub stop ($self) { finish($self->{pid}) }

sub serve ($listener, $port, %tls) {
	while (my $client = $listener->accept) {
		my $pid = fork // next;
		next if $pid != 0;
		alarm 60;
		my $secure = IO::Socket::SSL->start_SSL($client, SSL_server => 1, %tls) or POSIX::_exit(1);
		my $server = IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $port) or POSIX::_exit(1);
		pump($secure, $server);
		$secure->close;
		POSIX::_exit(0);
	}
}

sub pump ($client, $server) {
	my $select = IO::Select->new($client, $server);
	while ($select->exists($server)) {
		my @ready = $select->exists($client) && $client->pending ? $client : $select->can_read;
		for my $from (@ready) {
			my $n = sysread $from, my $bytes, 1 << 14;
			next if !defined $n && $IO::Socket::SSL::SSL_ERROR == IO::Socket::SSL::SSL_WANT_READ();
			write_all($from == $client ? $server : $client, $bytes) or return if $n;
			next if $n;
			$select->remove($from);
			shutdown $server, 1 if $from == $client;
		}
	}
}

sub write_all ($to, $bytes) {
	while (length $bytes) {
		my $n = syswrite $to, $bytes or return 0;
		substr $bytes, 0, $n, '';
	}
	return 1;
}

1;
