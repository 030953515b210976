# SPDX-License-Identifier: ISC
# A crowd of clients, each a process, on one daemon: started, stopped, and held against the files.
package Storm::Load;

use v5.36;
use Children qw(forget keep);
use POSIX    ();

use LogCollectd;
use Storm::Client;
use Storm::Proof;

use constant BOUND => 90;

# The kinds of Storm::Client, one client each.  to_the_end: calm() will be followed by the daemon's end.
sub start ($class, $daemon, $seed, $kinds, %how) {
	my @kinds = @$kinds;
	pipe my $stopping, my $calm or die "pipe: $!";
	my $self = bless {
		kinds => \@kinds, calm => $calm, results => "$daemon->{dir}/client", pids => {},
		proof => Storm::Proof->new($seed, [map { $_ eq 'junk' ? 1 : 0 } @kinds]),
	}, $class;
	for my $id (0 .. $#kinds) {
		my $pid = fork // die "fork: $!";
		if ($pid == 0) {
			close $calm;
			eval {
				Storm::Client->run(%how, daemon => $daemon, port => $daemon->port, id => $id, kind => $kinds[$id],
					seed => $seed, stopping => $stopping, result => "$self->{results}.$id");
				1;
			} or print STDERR "client $id: $@";
			POSIX::_exit(0);
		}
		$self->{pids}{$pid} = 1;
		keep($pid);
	}
	return $self;
}

sub proof ($self) { return $self->{proof} }

# From now on it is no wonder when the daemon closes; the clients make no more connections.
sub calm ($self) { CORE::close delete $self->{calm} if $self->{calm} }

sub reap ($self) {
	my @ended = grep { waitpid($_, POSIX::WNOHANG) == $_ } keys %{ $self->{pids} };
	delete @{ $self->{pids} }{@ended};
	forget(@ended);
	return !%{ $self->{pids} };
}

# Waits for all clients to end; false when some do not.
sub gather ($self) {
	$self->calm;
	return wait_until { $self->reap } BOUND;
}

# Once all files are read: what the clients saw, {seen}, {refused} and {connections}, with {faults}.
sub judge ($self) {
	my %all = (seen => {}, refused => {}, connections => 0);
	for my $id (0 .. $#{ $self->{kinds} }) {
		my $memory = eval { $self->{proof}->compare("$self->{results}.$id") };
		$self->{proof}->fault("client $id has left no memory") if !$memory;
		for my $what (qw(seen refused)) {
			$all{$what}{$_} += $memory->{$what}{$_} for keys %{ $memory->{$what} };
		}
		$all{connections} += $memory->{connections} // 0;
	}
	$all{faults} = [$self->{proof}->faults];
	return \%all;
}

1;
