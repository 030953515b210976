# SPDX-License-Identifier: ISC
# A cluster of Kafka brokers for one test: t/lib/mock-kafka.c, a process that is gone when the script ends.
package LogCollectd::Kafka;

use v5.36;
use IPC::Open2 qw(open2);
use parent 'LogCollectd::Engine';

# What the brokers keep of a partition, and no more: librdkafka's mock is none to store in.
use constant MOST_BYTES => 5 * 1024 * 1024;

sub program { return ($ENV{BUILD} // 'build') . '/t/lib/mock-kafka' }

sub start ($class) {
	my $self = bless {}, $class;
	open my $stderr, '>&', \*STDERR;
	open STDERR, '>', '/dev/null';
	$self->{pid} = open2($self->{out}, $self->{in}, program());
	open STDERR, '>&', $stderr;
	chomp($self->{brokers} = readline($self->{out}) // '');
	$self->{in}->autoflush(1);
	return $self;
}

# As a Forward line names them.
sub address ($self) { return "kafka://$self->{brokers}" }

# Has it done: `down -1`, `up 1`, `errors 7 3`, `rtt 100`.
sub tell ($self, $order) {
	print { $self->{in} } "$order\n";
	return readline($self->{out}) eq "ok\n";
}

sub DESTROY ($self) {
	local ($?, $!);
	close $self->{in};
	kill KILL => $self->{pid};
	waitpid $self->{pid}, 0;
}

1;
