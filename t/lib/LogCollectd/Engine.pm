# SPDX-License-Identifier: ISC
# What tests of forwarding share: a daemon that forwards, numbered records to it, and, as the base of LogCollectd::Kafka and
# LogCollectd::Rabbit, what an engine holds of them, which logcollect-cat reads.
package LogCollectd::Engine;

use v5.36;
use Exporter qw(import);
use File::Temp ();
use IO::Socket::INET;
use Test::More ();
use LogCollectd;

our @EXPORT = qw(start_forwarding forwarder figure send_numbered rotate is_not_held_up_by_names);

use constant ARRIVE_S => 90;

# A daemon with these settings, whose scoreboard logcollectctl finds.
sub start_forwarding (@settings) {
	my $daemon = LogCollectd->new(@settings);
	$daemon->write_conf(slurp($daemon->conf_file) . 'ScoreBoardFile ' . $daemon->dir . "/board\n");
	return $daemon->launch;
}

sub forwarder ($daemon) { return ($daemon->children('forwarder:'))[0] }

# Of the forwarder, as logcollectctl tells it.
sub figure ($daemon, $name) {
	my ($status, $out) = $daemon->run_command(LogCollectd::program('logcollectctl'), '-f', $daemon->conf_file, 'status', '--json');
	my ($value) = $out =~ /"forward":\s*\{[^}]*"$name":\s*"?([^",}\s]*)/s;
	return $value;
}

# Gives the log file another name, and waits for the next one.
sub rotate ($daemon, $to) {
	my $logs = $daemon->dir . '/logs';
	rename "$logs/server.log", "$logs/$to" or die "rename: $!";
	$daemon->signal('USR1');
	Test::More::ok(wait_until { -e "$logs/server.log" }, "rotated to $to");
}

# Sends records that are numbered, in batches, on one connection; dies of an answer that is not `received`.
sub send_numbered ($daemon, $from, $to, $each = sub { }) {
	my $client = $daemon->connect;
	for (my $n = $from; $n <= $to; $n += 50) {
		my @batch = map { record(ERROR => "record $_ " . 'x' x 60) } grep { $_ <= $to } $n .. $n + 49;
		$client->send(join '', map { "$_\n" } @batch);
		die "not received: $_" for grep { $_ ne 'received' } verdicts($client->lines(scalar @batch));
		$each->($n);
	}
}

# A forwarder to an engine whose name a server at that address, which never answers, is asked for; then to one that is there.
sub is_not_held_up_by_names ($address, $absent, $present, @settings) {
	Test::More::plan(skip_all => 'needs root') if $> != 0;
	my $nobody = IO::Socket::INET->new(Proto => 'udp', LocalAddr => $address, LocalPort => 53)
		// Test::More::plan(skip_all => "a name server: $!");
	my $servers = File::Temp->new;
	print {$servers} "nameserver $address\noptions timeout:30 attempts:5\n";
	close $servers;
	chmod 0644, "$servers";
	Test::More::plan(skip_all => 'there are no mounts to be had')
		if system("unshare -m mount --bind $servers /etc/resolv.conf 2>/dev/null") != 0;
	my $daemon = start_forwarding(Forward => $absent, @settings,
		-wrap => ['unshare', '-m', 'sh', '-c', "mount --bind $servers /etc/resolv.conf && exec \"\$@\"", 'sh']);
	send_numbered($daemon, 1, 50);
	my $asked;
	Test::More::ok(wait_until { recv $nobody, $asked, 512, Socket::MSG_DONTWAIT(); length($asked // '') > 0 }, 'its server is asked');
	my $forwarder = forwarder($daemon);
	$daemon->write_conf(slurp($daemon->conf_file) =~ s{^Forward .*}{Forward $present}mr);
	$daemon->signal('HUP');
	Test::More::ok(wait_until { figure($daemon, 'batches') > 0 }, 'does not keep the forwarder from another engine');
	Test::More::is(forwarder($daemon), $forwarder, 'which is the same process');
	Test::More::is($daemon->stop, 0, 'stops');
}

# The records that the engine holds, repeats dropped, as logcollect-cat prints them with these options; none while it cannot
# say, and why in {said}.
sub records ($self, $daemon, @options) {
	my ($status, $out, $err) = $daemon->run_command(LogCollectd::program('logcollect-cat'), $self->address, @options);
	$self->{said} = $err;
	return $status eq '0' ? split /\n/, $out : ();
}

# The same without time and level.
sub messages ($self, $daemon, @options) {
	return map { s/^\S+Z \[[^\]]*\] //r } $self->records($daemon, @options);
}

# The numbers of the records that it holds, once it has so many.
sub numbers ($self, $daemon, $count, @options) {
	my @numbers;
	wait_until { @numbers = map { /^record (\d+) / } $self->messages($daemon, @options); @numbers >= $count } ARRIVE_S
		or Test::More::diag(scalar(@numbers) . " of $count are there; $self->{said}");
	return @numbers;
}

1;
