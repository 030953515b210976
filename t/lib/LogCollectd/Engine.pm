# SPDX-License-Identifier: ISC
# What tests of forwarding share: a daemon that forwards, numbered records to it, and, as the base of LogCollectd::Kafka and
# LogCollectd::Rabbit, what an engine holds of them, which logcollect-cat reads.
package LogCollectd::Engine;

use v5.36;
use Exporter qw(import);
use Test::More ();
use LogCollectd;

our @EXPORT = qw(start_forwarding forwarder figure send_numbered);

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
