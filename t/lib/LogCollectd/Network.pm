# SPDX-License-Identifier: ISC
# A network for one test: hosts that are network namespaces, each with two links, one by which clients reach it and one by which it
# reaches its peers, so that either can be cut.  All of it lies in namespaces of the test's own and is gone when the script ends.
package LogCollectd::Network;

use v5.36;
use POSIX ();
use LogCollectd;
use Peers;

use constant { CLIENTS => '10.77.1', PEERS => '10.77.2', OURS => 254 };

my $mark = 'LOGCOLLECTD_TEST_ISOLATED';
my $lacks;

# Runs the script again in namespaces of its own.  Returns in there; or here, where that cannot be: lacks() tells why.
sub isolate () {
	return if delete $ENV{$mark};
	my @own = qw(unshare --net --mount --pid --fork --kill-child --mount-proc --);
	$lacks = $> != 0 ? 'root' : !which('ip') ? 'ip(8)' : system("@own ip link add probe type bridge 2>/dev/null") != 0
		? 'a kernel or container that lets us have network namespaces' : undef;
	return if $lacks;
	local $ENV{$mark} = 1;
	local $ENV{PERL5LIB} = join ':', @INC;
	exec @own, $^X, $0;
}

sub lacks () { return $lacks }

sub run (@command) {
	system(@command) == 0 or die "@command: $?\n";
}

sub new ($class) {
	my $self = bless { hosts => [] }, $class;
	run(qw(ip link set lo up));
	for my $net ([clients => CLIENTS], [peers => PEERS]) {
		run(qw(ip link add), $net->[0], qw(type bridge));
		run(qw(ip addr add), "$net->[1]." . OURS . '/24', 'dev', $net->[0]);
		run(qw(ip link set), $net->[0], 'up');
	}
	return $self;
}

# One more host: {clients}, {peers}: its addresses; {enter}: what runs a command there.
sub add ($self) {
	my $n   = push @{ $self->{hosts} }, {};
	my $pid = fork // die "fork: $!";
	if ($pid == 0) {
		exec qw(unshare --net -- sleep infinity) or POSIX::_exit(127);
	}
	my $net = "/proc/$pid/ns/net";
	wait_until { (readlink $net // '') ne readlink('/proc/self/ns/net') } or die "no namespace\n";
	my $host = $self->{hosts}[-1];
	%$host = (pid => $pid, n => $n, enter => ['nsenter', "--net=$net", '--']);
	run(@{ $host->{enter} }, qw(ip link set lo up));
	for my $link ([clients => CLIENTS], [peers => PEERS]) {
		my ($name, $address) = ($link->[0], "$link->[1].$n");
		run(qw(ip link add), "$name$n", qw(type veth peer name), $name, 'netns', $pid);
		run(qw(ip link set), "$name$n", 'master', $name, 'up');
		run(@{ $host->{enter} }, qw(ip addr add), "$address/24", 'dev', $name);
		run(@{ $host->{enter} }, qw(ip link set), $name, 'up');
		$host->{$name} = $address;
	}
	return $host;
}

# The links of that host to 'clients' or 'peers' are cut, or mended.
sub cut ($self, $host, @links)  { run(qw(ip link set), "$_$host->{n}", 'down') for @links }
sub mend ($self, $host, @links) { run(qw(ip link set), "$_$host->{n}", 'up')   for @links }

sub DESTROY ($self) {
	local ($?, $!);
	kill KILL => map { $_->{pid} // () } @{ $self->{hosts} };
}

1;
