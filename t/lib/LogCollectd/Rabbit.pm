# SPDX-License-Identifier: ISC
# A cluster of RabbitMQ nodes for one test, on loopback or each on a host of its LogCollectd::Network: processes, files and ports of
# its own, gone when the script ends.
package LogCollectd::Rabbit;

use v5.36;
use File::Temp;
use IO::Socket::INET;
use POSIX qw(WNOHANG);
use Time::HiRes qw(sleep);
use LogCollectd;
use parent 'LogCollectd::Engine';

use constant { START_S => 120, COOKIE => 'logcollectd', PORT => 5672, PEERS_PORT => 25672, NAMES_PORT => 4369,
	FIRST_PORT => 10_000, LAST_PORT => 32_000, PORTS_APART => 50 };

# Not those in the PATH, which become another user.
my $programs = '/usr/lib/rabbitmq/bin';
my $program  = "$programs/rabbitmq-server";

sub installed { return -x $program }

# Of those that the kernel gives to nobody, so that they are free still when a node comes to them; tests beside this one begin elsewhere.
sub free_ports ($count) {
	my ($end) = split ' ', slurp('/proc/sys/net/ipv4/ip_local_port_range');
	$end = LAST_PORT if $end < 2 * FIRST_PORT; # then they may be taken all the same
	state $next = $$ * PORTS_APART;
	my @ports;
	for (1 .. $end) {
		my $port = FIRST_PORT + $next++ % ($end - FIRST_PORT);
		push @ports, $port if IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1', LocalPort => $port);
		return @ports if @ports == $count;
	}
	die "there are no ports\n";
}

# {host}, {port}: where clients reach it, {secure}: over TLS; {peers}, {peers_port}: where the others do; {names_port}: their name
# server's.
sub place_nodes ($count, $network) {
	if ($network) {
		my @hosts = map { $network->add } 1 .. $count;
		return map { { at => $_, enter => $_->{enter}, host => $_->{clients}, port => PORT,
			peers => $_->{peers}, peers_port => PEERS_PORT, names_port => NAMES_PORT } } @hosts;
	}
	my ($names_port, @ports) = free_ports(1 + 3 * $count);
	return map { { enter => [], host => '127.0.0.1', port => shift @ports, secure => shift @ports,
		peers => '127.0.0.1', peers_port => shift @ports, names_port => $names_port } } 1 .. $count;
}

# All nodes serve when this returns.  count, by default 3; network: of LogCollectd::Network, where each is a host; user, password: the only
# one that is let in; ca, cert, key: the nodes have a port for TLS too, where clients must show a certificate.
sub start ($class, %how) {
	my $self = bless { dir => File::Temp->newdir('logcollectd-rabbit-XXXXXX', TMPDIR => 1), %how }, $class;
	$self->{home} = "$self->{dir}"; # which is no string any more when the script ends
	$self->{nodes} = [place_nodes($how{count} // 3, $how{network})];
	my $last = $#{ $self->{nodes} };
	$self->{nodes}[$_]{name} = 'r' . ($_ + 1) . "\@$self->{nodes}[$_]{peers}" for 0 .. $last;
	write_file("$self->{dir}/plugins", "[].\n");
	write_file("$self->{dir}/.erlang.cookie", COOKIE, 0400);
	# The others join the first one, which waits for nobody.
	$self->configure(0, 0);
	$self->configure($_, 0 .. $#{ $self->{nodes} }) for 1 .. $last;
	$self->launch($_), $self->await($_) for 0;
	$self->launch($_) for 1 .. $last;
	$self->await($_) for 1 .. $last;
	return $self;
}

# Networks are what guest may come from; a node that sees fewer than half of the others stops serving.
sub configure ($self, $i, @peers) {
	my $n = 0;
	write_file("$self->{dir}/$i.conf", join '', map { "$_\n" }
		"listeners.tcp.1 = $self->{nodes}[$i]{host}:$self->{nodes}[$i]{port}",
		'cluster_formation.peer_discovery_backend = classic_config',
		(map { 'cluster_formation.classic_config.nodes.' . ++$n . " = $_->{name}" } @{ $self->{nodes} }[@peers]),
		'cluster_partition_handling = ' . ($self->{network} ? 'pause_minority' : 'ignore'),
		(defined $self->{user} ? ("default_user = $self->{user}", "default_pass = $self->{password}") : ()),
		(defined $self->{ca} ? ("listeners.ssl.1 = 127.0.0.1:$self->{nodes}[$i]{secure}", "ssl_options.cacertfile = $self->{ca}",
			"ssl_options.certfile = $self->{cert}", "ssl_options.keyfile = $self->{key}",
			'ssl_options.verify = verify_peer', 'ssl_options.fail_if_no_peer_cert = true') : ()),
		'loopback_users = none', 'disk_free_limit.absolute = 10MB', 'log.console = false');
}

# Also one that was killed: with its own files it is who it was.
sub launch ($self, $i) {
	my $node = $self->{nodes}[$i];
	my %env = (
		HOME                                 => "$self->{dir}",
		ERL_EPMD_ADDRESS                     => $node->{peers},
		ERL_EPMD_PORT                        => $node->{names_port},
		RABBITMQ_NODENAME                    => $node->{name},
		RABBITMQ_USE_LONGNAME                => 'true',
		RABBITMQ_DIST_PORT                   => $node->{peers_port},
		RABBITMQ_CONFIG_FILE                 => "$self->{dir}/$i.conf",
		RABBITMQ_CONF_ENV_FILE               => '/dev/null',
		RABBITMQ_ENABLED_PLUGINS_FILE        => "$self->{dir}/plugins",
		RABBITMQ_MNESIA_BASE                 => "$self->{dir}/$i",
		RABBITMQ_LOG_BASE                    => "$self->{dir}/$i-log",
		RABBITMQ_PID_FILE                    => "$self->{dir}/$i.pid",
		RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS  => '+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none'
			. ($self->{network} ? ' -kernel net_ticktime 4' : ''),
	);
	$node->{pid} = fork // die "fork: $!";
	return if $node->{pid} != 0;
	@ENV{ keys %env } = values %env;
	open STDIN,  '<', '/dev/null';
	open STDOUT, '>', "$self->{dir}/$i.out";
	open STDERR, '>&', \*STDOUT;
	setpgrp;
	exec @{ $node->{enter} }, $program or POSIX::_exit(127);
}

# Whether it takes connections.
sub serves ($self, $i) {
	return defined IO::Socket::INET->new(PeerAddr => $self->{nodes}[$i]{host}, PeerPort => $self->{nodes}[$i]{port}, Timeout => 1);
}

sub await ($self, $i) {
	my $node = $self->{nodes}[$i];
	wait_until { $self->serves($i) || waitpid($node->{pid}, WNOHANG) > 0 && delete $node->{pid} } START_S;
	die "RabbitMQ $i does not serve:\n" . slurp("$self->{dir}/$i.out") if !$node->{pid} || !$self->serves($i);
}

# At once, with all that it has started; they have ended when this returns.
sub kill_node ($self, @numbers) {
	my @pids = grep { $_ } map { delete $self->{nodes}[$_]{pid} } @numbers;
	kill KILL => -$_ for @pids;
	for my $pid (@pids) {
		waitpid $pid, 0;
		wait_until { !LogCollectd::processes(sub ($parent, $group) { $group == $pid }) };
	}
}

# They stand still, as machines do that are out of memory; until they are told to go on.
sub freeze ($self, @numbers) { kill STOP => map { -$self->{nodes}[$_]{pid} } @numbers }
sub thaw ($self, @numbers)   { kill CONT => map { -$self->{nodes}[$_]{pid} } @numbers }

# The node is cut off from its peers, or from 'clients' too.
sub cut ($self, $i, @links)  { $self->{network}->cut($self->{nodes}[$i]{at}, @links) }
sub mend ($self, $i, @links) { $self->{network}->mend($self->{nodes}[$i]{at}, @links) }

# What a function of Erlang returns at a node, as text; nothing when it does not answer.
sub call ($self, $i, $module, $function, $arguments) {
	my ($erl_call) = glob '/usr/lib/erlang/erts-*/bin/erl_call' or die "there is no erl_call\n";
	my $node = $self->{nodes}[$i];
	open my $out, '-|', 'timeout', '10', $erl_call, '-address', "$node->{host}:$node->{peers_port}", '-c', COOKIE,
		'-a', "$module $function [$arguments]" or die "$erl_call: $!";
	local $/;
	return readline($out) // '';
}

# What the nodes know of new queues is on their disks when this returns.  RabbitMQ 3.10 writes it up to two seconds late, and nodes that are
# killed before that begin the queue again, empty; where all are, what they have confirmed is lost, and no client can help it.
sub settle ($self) {
	for my $i (0 .. $#{ $self->{nodes} }) {
		my @tables = $self->call($i, 'dets', 'all', '') =~ /(\w*directory_reverse)/g;
		my @said = ($self->call($i, 'mnesia', 'sync_log', ''), map { $self->call($i, 'dets', 'sync', $_) } @tables);
		die "RabbitMQ $i does not write what it knows: @said\n" if @said < 2 || grep { $_ ne 'ok' } @said;
	}
}

sub member ($self, $i, $queue) { return "{'%2F_$queue','$self->{nodes}[$i]{name}'}" }

# The number of the node that leads the quorum queue, as one of these nodes sees it; or undef.
sub leader ($self, $queue, @asked) {
	for my $i (@asked ? @asked : 0 .. $#{ $self->{nodes} }) {
		my ($name) = $self->call($i, 'ra', 'members', $self->member($i, $queue)) =~ /\A\{ok,.*\],\s*\{'[^']*',\s*'([^']+)'\}\}\s*\z/s or next;
		return (grep { $self->{nodes}[$_]{name} eq $name } 0 .. $#{ $self->{nodes} })[0];
	}
	return;
}

# Has that node lead the quorum queue; false when it does not come to that.
sub let_lead ($self, $i, $queue) {
	return wait_until {
		my $leader = $self->leader($queue) // return 0;
		return 1 if $leader == $i;
		$self->call($leader, 'ra', 'transfer_leadership', $self->member($leader, $queue) . ',' . $self->member($i, $queue));
		return 0;
	} START_S;
}

# Has the first node do it: `delete_queue NAME`.
sub control ($self, @order) {
	my $node = $self->{nodes}[0];
	local %ENV = (%ENV, HOME => "$self->{dir}", ERL_EPMD_ADDRESS => $node->{peers}, ERL_EPMD_PORT => $node->{names_port},
		RABBITMQ_CONF_ENV_FILE => '/dev/null');
	open my $said, '-|', "$programs/rabbitmqctl", '-q', '-l', '-n', $node->{name}, @order or die "rabbitmqctl: $!";
	my @lines = readline $said;
	close $said or die "rabbitmqctl @order: @lines";
}

# As a Forward line names them.
sub address ($self) {
	return 'amqp://' . join ',', map { "$_->{host}:$_->{port}" } @{ $self->{nodes} };
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
	# Their name servers have left them, and are known by their home.
	opendir my $proc, '/proc' or return;
	kill KILL => grep { /^\d+$/ && index(slurp("/proc/$_/environ"), "HOME=$self->{home}\0") >= 0 } readdir $proc;
}

package LogCollectd::Rabbit::Some;

use parent 'LogCollectd::Engine';

sub address { goto &LogCollectd::Rabbit::address }

1;
