# SPDX-License-Identifier: ISC
# A cluster of RabbitMQ nodes on loopback for one test: processes, files and ports of its own, gone when the script ends.
package LogCollectd::Rabbit;

use v5.36;
use File::Temp;
use IO::Socket::INET;
use Time::HiRes qw(sleep);
use LogCollectd;
use parent 'LogCollectd::Engine';

use constant START_S => 90;

# Not those in the PATH, which become another user.
my $programs = '/usr/lib/rabbitmq/bin';
my $program  = "$programs/rabbitmq-server";

sub installed { return -x $program }

sub free_ports ($count) {
	my @held = map { IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1') // die "port: $!" } 1 .. $count;
	return map { $_->sockport } @held;
}

sub write_file ($path, $text) {
	open my $file, '>', $path or die "$path: $!";
	print $file $text;
	close $file or die "$path: $!";
}

# With so many nodes, all of which serve when this returns.  More: user, password: the only one that is let in; ca, cert, key: the
# nodes have a port for TLS too, where clients must show a certificate.
sub start ($class, $count = 3, %more) {
	my $self = bless { dir => File::Temp->newdir('logcollectd-rabbit-XXXXXX', TMPDIR => 1), more => \%more }, $class;
	($self->{epmd}, my @ports) = free_ports(1 + 3 * $count);
	$self->{nodes} = [map { { name => "r$_\@localhost", map { $_ => shift @ports } qw(port peers secure) } } 1 .. $count];
	write_file("$self->{dir}/plugins", "[].\n");
	write_file("$self->{dir}/.erlang.cookie", 'logcollectd');
	chmod 0400, "$self->{dir}/.erlang.cookie";
	$self->configure($_) for 0 .. $count - 1;
	# The others join the first one.
	$self->launch($_), $self->await($_) for 0;
	$self->launch($_) for 1 .. $count - 1;
	$self->await($_) for 1 .. $count - 1;
	return $self;
}

sub configure ($self, $i) {
	my $n = 0;
	my $more = $self->{more};
	write_file("$self->{dir}/$i.conf", join '', map { "$_\n" }
		"listeners.tcp.1 = 127.0.0.1:$self->{nodes}[$i]{port}",
		'cluster_formation.peer_discovery_backend = classic_config',
		(map { 'cluster_formation.classic_config.nodes.' . ++$n . " = $_->{name}" } @{ $self->{nodes} }),
		(defined $more->{user} ? ("default_user = $more->{user}", "default_pass = $more->{password}") : ()),
		(defined $more->{ca} ? ("listeners.ssl.1 = 127.0.0.1:$self->{nodes}[$i]{secure}", "ssl_options.cacertfile = $more->{ca}",
			"ssl_options.certfile = $more->{cert}", "ssl_options.keyfile = $more->{key}",
			'ssl_options.verify = verify_peer', 'ssl_options.fail_if_no_peer_cert = true') : ()),
		'disk_free_limit.absolute = 10MB', 'log.console = false');
}

# Also one that was killed: with its own files it is who it was.
sub launch ($self, $i) {
	my $node = $self->{nodes}[$i];
	my %env = (
		HOME                                 => "$self->{dir}",
		ERL_EPMD_ADDRESS                     => '127.0.0.1',
		ERL_EPMD_PORT                        => $self->{epmd},
		RABBITMQ_NODENAME                    => $node->{name},
		RABBITMQ_DIST_PORT                   => $node->{peers},
		RABBITMQ_CONFIG_FILE                 => "$self->{dir}/$i.conf",
		RABBITMQ_CONF_ENV_FILE               => '/dev/null',
		RABBITMQ_ENABLED_PLUGINS_FILE        => "$self->{dir}/plugins",
		RABBITMQ_MNESIA_BASE                 => "$self->{dir}/$i",
		RABBITMQ_LOG_BASE                    => "$self->{dir}/$i-log",
		RABBITMQ_PID_FILE                    => "$self->{dir}/$i.pid",
		RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS  => '+S 2:2 +sbwt none',
	);
	$node->{pid} = fork // die "fork: $!";
	return if $node->{pid} != 0;
	@ENV{ keys %env } = values %env;
	open STDIN,  '<', '/dev/null';
	open STDOUT, '>', "$self->{dir}/$i.out";
	open STDERR, '>&', \*STDOUT;
	setpgrp;
	exec $program or POSIX::_exit(127);
}

sub await ($self, $i) {
	my $node = $self->{nodes}[$i];
	wait_until { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $node->{port}) } START_S
		or die "RabbitMQ $i does not serve:\n" . slurp("$self->{dir}/$i.out");
}

# At once, with all that it has started.
sub kill_node ($self, @numbers) {
	my @pids = grep { $_ } map { delete $self->{nodes}[$_]{pid} } @numbers;
	kill KILL => -$_ for @pids;
	waitpid $_, 0 for @pids;
}

# Has the first node do it: `delete_queue NAME`.
sub control ($self, @order) {
	local %ENV = (%ENV, HOME => "$self->{dir}", ERL_EPMD_ADDRESS => '127.0.0.1', ERL_EPMD_PORT => $self->{epmd},
		RABBITMQ_CONF_ENV_FILE => '/dev/null');
	open my $said, '-|', "$programs/rabbitmqctl", '-q', '-n', $self->{nodes}[0]{name}, @order or die "rabbitmqctl: $!";
	my @lines = readline $said;
	close $said or die "rabbitmqctl @order: @lines";
}

# As a Forward line names them.
sub address ($self) {
	return 'amqp://' . join ',', map { "127.0.0.1:$_->{port}" } @{ $self->{nodes} };
}

# The same over TLS, by this name.
sub secure_address ($self, $name = '127.0.0.1') {
	return 'amqp://' . join ',', map { "$name:$_->{secure}" } @{ $self->{nodes} };
}

# The same engine, asked at the nodes with these numbers only.
sub at ($self, @numbers) {
	return bless { nodes => [@{ $self->{nodes} }[@numbers]] }, 'LogCollectd::Rabbit::Some';
}

sub DESTROY ($self) {
	local ($?, $!);
	$self->kill_node(0 .. $#{ $self->{nodes} });
	# Their name server has left them, and is known by its home.
	opendir my $proc, '/proc' or return;
	kill KILL => grep { /^\d+$/ && index(slurp("/proc/$_/environ"), "HOME=$self->{dir}\0") >= 0 } readdir $proc;
}

package LogCollectd::Rabbit::Some;

use parent 'LogCollectd::Engine';

sub address { goto &LogCollectd::Rabbit::address }

1;
