# SPDX-License-Identifier: ISC
# What one asks the daemon's monitor, byte by byte, so that a test may ask wrongly.  Nothing blocks without a bound.
package LogCollectd::Http;

use v5.36;
use Exporter           qw(import);
use IO::Socket::IP     ();
use IO::Socket::UNIX   ();
use Time::HiRes        qw(time);

our @EXPORT = qw(ask_monitor connect_monitor get raw_answer);

use constant BOUND => 20;

# A socket; local: the address to come from; wait: 0 for one that is perhaps not yet connected.  undef when it is refused.
sub connect_monitor ($daemon, %how) {
	my $url = $daemon->monitor // return;
	return IO::Socket::UNIX->new(Peer => $1) if $url =~ m{\Aunix:(/.*)};
	my ($host, $port) = $url =~ m{\Ahttp://\[?([^/\]]+?)\]?:(\d+)\z};
	return IO::Socket::IP->new(PeerHost => $host, PeerPort => $port,
		($how{wait} // 1) ? (Timeout => 5) : (Blocking => 0), $how{local} ? (LocalHost => $how{local}) : ());
}

# All that comes up to the end, or within the bound.
sub raw_answer ($socket, $bound = BOUND) {
	my ($answer, $end) = ('', time + $bound);
	while ((my $left = $end - time) > 0) {
		vec(my $ready = '', fileno $socket, 1) = 1;
		last if select($ready, undef, undef, $left) <= 0;
		sysread($socket, my $bytes, 1 << 16) or last;
		$answer .= $bytes;
	}
	return $answer;
}

# Sends the bytes; the answer as {status, body, header names in lower case => value}, or an empty one.
sub ask_monitor ($daemon, $bytes, %how) {
	my $socket = connect_monitor($daemon, %how) // return {};
	local $SIG{PIPE} = 'IGNORE';
	syswrite $socket, $bytes;
	my ($head, $body) = split /\r\n\r\n/, raw_answer($socket, $how{bound} // BOUND), 2;
	my ($first, @lines) = split /\r\n/, $head // '';
	my ($status) = ($first // '') =~ m{\AHTTP/1\.[01] (\d+) };
	return {} if !defined $status;
	return { status => $status, body => $body // '', map { /\A([^:]+): *(.*)/ ? (lc $1 => $2) : () } @lines };
}

# method: GET; headers: {}; local: the address to come from.
sub get ($daemon, $path, %how) {
	my $method = $how{method} // 'GET';
	my %headers = (Host => 'monitor', Connection => 'close', %{ $how{headers} // {} });
	return ask_monitor($daemon, "$method $path HTTP/1.1\r\n" . join('', map { "$_: $headers{$_}\r\n" } sort keys %headers) .
		"\r\n", %how);
}

1;
