# SPDX-License-Identifier: ISC
# What others than a collector may publish to a broker of LogCollectd::Rabbit: messages with any time, in one write, so that a stream
# stores most of them together.
package AmqpPublisher;

use v5.36;
use Exporter qw(import);
use IO::Socket::INET;

our @EXPORT = qw(publish_foreign);

use constant { METHOD => 1, HEADER => 2, BODY => 3, LAST => "\xce", TIMESTAMP => 1 << 6, CLOSE_OK => 10 << 16 | 51 };

sub frame ($type, $channel, $payload) { return pack('CnN/a*', $type, $channel, $payload) . LAST }
sub method ($channel, $class, $id, $arguments = '') { return frame(METHOD, $channel, pack('nn', $class, $id) . $arguments) }

# Of [body, seconds or undef], to the queue or stream.  Returns once the broker has taken them all.
sub publish_foreign ($host, $port, $queue, @messages) {
	my $socket = IO::Socket::INET->new(PeerAddr => $host, PeerPort => $port, Timeout => 10) or die "$host:$port: $!";
	my $all = "AMQP\0\0\x09\x01"
		. method(0, 10, 11, pack 'N/a* C/a* N/a* C/a*', '', 'PLAIN', "\0guest\0guest", 'en_US') # start-ok
		. method(0, 10, 31, pack 'nNn', 10, 131072, 0)                                           # tune-ok
		. method(0, 10, 40, pack 'C/a* C C', '/', 0, 0)                                          # open
		. method(1, 20, 10, "\0");
	for my $message (@messages) {
		my ($body, $time) = @$message;
		$all .= method(1, 60, 40, pack 'n C/a* C/a* C', 0, '', $queue, 0)
			. frame(HEADER, 1, pack('nnQ>n', 60, 0, length $body, defined $time ? TIMESTAMP : 0) . (defined $time ? pack 'Q>', $time : ''))
			. frame(BODY, 1, $body);
	}
	print {$socket} $all . method(0, 10, 50, pack 'n C/a* nn', 200, '', 0, 0);
	$socket->flush;
	for (;;) {
		read($socket, my $head, 7) == 7 or die "the broker hangs up\n";
		my ($type, undef, $len) = unpack 'CnN', $head;
		read($socket, my $payload, $len + 1) == $len + 1 or die "the broker hangs up\n";
		return if $type == METHOD && unpack('N', $payload) == CLOSE_OK;
	}
}

1;
