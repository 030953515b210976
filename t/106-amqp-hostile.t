# SPDX-License-Identifier: ISC
# The forwarder and brokers of AMQP that do what no broker should: it takes nothing for a confirm that is none, and keeps nothing of
# what it did not ask for.
use v5.36;
use FindBin;
use Test::More;
use Children qw(keep);
use IO::Socket::INET;
use POSIX ();
use LogCollectd;
use LogCollectd::Engine;

plan skip_all => 'built without the AMQP driver' if !-e ($ENV{BUILD} // 'build') . '/lib/logcollectd/amqp.so';

sub frame ($type, $channel, $bytes) { return pack('CnN', $type, $channel, length $bytes) . "$bytes\xce" }
sub method ($channel, $class, $number, $arguments = '') { return frame(1, $channel, pack('nn', $class, $number) . $arguments) }
sub ack ($tag) { return method(1, 60, 80, pack('Q>C', $tag, 0)) }

# The type, the channel, the bytes; dies at the end.
sub take ($client) {
	read($client, my $head, 7) == 7 or die "end\n";
	my ($type, $channel, $len) = unpack 'CnN', $head;
	read($client, my $bytes, $len + 1) == $len + 1 or die "end\n";
	return ($type, $channel, $bytes);
}

# As far as to where batches may come; or so many steps: 4, the channel is open.
sub greet ($client, $count) {
	read($client, my $protocol, 8) == 8 or die "end\n";
	my @steps = (
		[method(0, 10, 10, pack('CCNN/aN/a', 0, 9, 0, 'PLAIN', 'en_US')) => 1], [method(0, 10, 30, pack('nNn', 0, 131072, 10)) => 2],
		[method(0, 10, 41, "\0") => 1], [method(1, 20, 11, pack 'N', 0) => 1], [method(1, 50, 11, pack('C/aNN', 'logs', 0, 0)) => 1],
		[method(1, 85, 11) => 0]);
	for my $step (@steps[0 .. $count - 1]) {
		print {$client} $step->[0];
		take($client) for 1 .. $step->[1];
	}
}

# Waits for a batch, all of it.
sub take_batch ($client) {
	my ($type, $bytes, $left);
	do { ($type, undef, $bytes) = take($client) } until $type == 2;
	$left = unpack 'x4 Q>', $bytes;
	while ($left > 0) {
		($type, undef, $bytes) = take($client);
		$left -= length($bytes) - 1 if $type == 3;
	}
}

# Its address.  Each client is let in, and given to $serve.
sub broker ($serve, $count = 6) {
	my $listener = IO::Socket::INET->new(Listen => 16, LocalAddr => '127.0.0.1') or die "port: $!";
	my $pid = fork // die "fork: $!";
	if ($pid == 0) {
		$SIG{PIPE} = 'IGNORE';
		while (my $client = $listener->accept) {
			$client->autoflush(1);
			eval { greet($client, $count); $serve->($client); 1 } or $@ eq "end\n" or warn $@;
		}
		POSIX::_exit(0);
	}
	keep($pid);
	return 'amqp://127.0.0.1:' . $listener->sockport;
}

sub resident ($pid) { return slurp("/proc/$pid/status") =~ /^VmRSS:\s+(\d+)/m ? $1 * 1024 : 0 }

my @cases = (
	['a confirm of another message', sub ($client) { take_batch($client); print {$client} ack(7); take($client) },
		qr/the broker confirms message 7, the last one was 1/],
	['a channel that nobody has opened', sub ($client) { take_batch($client); print {$client} frame(8, 2, ''), frame(3, 9, 'x'); take($client) },
		qr/the broker speaks on channel \d+, which is not open/],
	['a reason with control characters', sub ($client) {
		print {$client} method(1, 20, 40, pack('nC/ann', 403, "no\e[2J\nway", 0, 0)); take($client) }, qr/refused: no\?\[2J\?way$/m],
);
for my $case (@cases) {
	my ($what, $serve, $said) = @$case;
	subtest $what => sub {
		my $daemon = start_forwarding(Forward => broker($serve));
		send_numbered($daemon, 1, 50);
		ok(wait_until { $daemon->errors =~ $said }, 'is told') or diag $daemon->errors;
		is(figure($daemon, 'batches'), 0, 'nothing is taken for stored');
		is($daemon->stop, 0, 'stops');
	};
}

subtest 'logcollect-cat' => sub {
	my $address = broker(sub ($client) { print {$client} method(1, 20, 40, pack('nC/ann', 403, "no\e[2J\nway", 0, 0)); take($client) }, 4);
	my ($status, $out, $err) = LogCollectd->new->run_command(LogCollectd::program('logcollect-cat'), $address, 'queue-type=stream');
	is_deeply([$status, $out, $err], [69, '', "logcollect-cat: no?[2J?way\n"], 'hides control characters of a reason');
};

subtest 'bytes that nobody asked for' => sub {
	plan skip_all => 'a sanitizer keeps what is freed' if ($ENV{BUILD} // '') =~ /-(?:address|thread)/;
	my ($much, $piece) = (256 << 20, frame(3, 1, 'x' x 100_000));
	my $daemon = start_forwarding(Forward => broker(sub ($client) {
		take_batch($client);
		print {$client} $piece or die "end\n" for 1 .. $much / length $piece;
		print {$client} ack(1);
		take($client);
	}));
	send_numbered($daemon, 1, 50);
	ok((wait_until { figure($daemon, 'batches') > 0 } 120), 'are read');
	cmp_ok(resident(forwarder($daemon)), '<', $much / 4, 'and not kept');
	is($daemon->stop, 0, 'stops');
};

done_testing;
