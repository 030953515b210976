# SPDX-License-Identifier: ISC
# Torn lines that no process of the daemon is left to mend: all of them are killed in the middle of their writes, or
# two daemons write to one file and processes of both are killed.
use v5.36;
use Test::More;
use POSIX       ();
use Time::HiRes qw(sleep);
use LogCollectd;

my $big = 'b' x 900_000;

# A client that sends as fast as it is answered and tells what was received; the pipe that it tells it on.
sub sender ($daemon, $name) {
	pipe my $out, my $in or die "pipe: $!";
	my $pid = fork // die "fork: $!";
	if ($pid == 0) {
		$SIG{$_} = 'DEFAULT' for qw(INT TERM HUP PIPE);
		close $out;
		$in->autoflush(1);
		my $client = eval { $daemon->connect };
		for my $n (1 .. 100_000) {
			my ($verdict) = $client ? eval { verdicts $client->ask(record(ERROR => "$name-$n-$big")) } : ();
			last if ($verdict // '') ne 'received';
			print {$in} "$name-$n\n";
		}
		POSIX::_exit(0);
	}
	close $in;
	return { pid => $pid, out => $out };
}

sub told ($sender) {
	my @lines = readline $sender->{out};
	waitpid $sender->{pid}, 0;
	chomp @lines;
	return @lines;
}

# Whether the file holds each of them once; every line of it whole; what was not answered at most once.
sub check_file ($path, $what, @received) {
	my %seen;
	open my $file, '<:raw', $path or die "$path: $!";
	my $torn = 0;
	while (my $line = readline $file) {
		if    ($line =~ /^\S+Z \[ERROR\] ([a-z]\d+-\d-\d+)-$big\n\z/) { $seen{$1}++ }
		elsif ($line !~ /^\S+Z \[ERROR\] small \d+\n\z/)        { $torn++ }
	}
	is($torn, 0, "$what: no line is torn or merged");
	is(scalar(grep { ($seen{$_} // 0) != 1 } @received), 0, "$what: what was received is there, once");
	is(scalar(grep { $_ > 1 } values %seen), 0, "$what: nothing is there twice");
}

sub kill_all ($daemon) {
	kill STOP => $daemon->pid; # nobody is to be replaced
	kill KILL => $daemon->workers, $daemon->pid;
	ok(wait_until { gone($daemon->pid) && !$daemon->workers }, 'all processes are killed');
}

subtest 'all processes killed in the middle' => sub {
	my $daemon = LogCollectd->new(Workers => 2, MaxLineLength => 2_000_000);
	my $log    = "$daemon->{dir}/logs/server.log";
	my @received;
	my $torn = 0;
	for my $turn (1 .. 25) {
		$daemon->launch;
		my @senders = map { sender($daemon, "t$turn-$_") } 1 .. 6;
		wait_until { (-s $log // 0) > 0 };
		sleep 0.01 + rand 0.03;
		kill_all($daemon) or last;
		push @received, map { told($_) } @senders;
		my $end = '';
		if (open my $file, '<:raw', $log) {
			seek $file, -1, 2;
			read $file, $end, 1;
		}
		$torn += $end ne "\n";
		last if $torn >= 2;
	}
	note "$torn times the file's end was torn";
	$daemon->launch;
	is_deeply([verdicts $daemon->ask(record(ERROR => 'small 1'))], ['received'], 'the next daemon stores');
	check_file($log, 'mended', @received);
	is($daemon->stop, 0, 'stops');
};

subtest 'two daemons, one file' => sub {
	my $first  = LogCollectd->new(Workers => 2, MaxLineLength => 2_000_000);
	my $second = LogCollectd->new(Workers => 2, MaxLineLength => 2_000_000, LogDir => "$first->{dir}/logs");
	my $log    = "$first->{dir}/logs/server.log";
	$_->launch for $first, $second;
	my @received;
	for my $turn (1 .. 6) {
		my @senders = map { sender($first, "a$turn-$_"), sender($second, "b$turn-$_") } 1 .. 2;
		my $size = -s $log;
		wait_until { (-s $log) > $size };
		sleep 0.01 + rand 0.02;
		my @victims = map { ($_->workers)[$turn % 2] } $first, $second;
		kill KILL => @victims;
		sleep rand 0.02;
		kill TERM => map { $_->{pid} } @senders;
		push @received, map { told($_) } @senders;
		ok(wait_until { 2 == grep { my $d = $_; 2 == $d->workers && !grep { my $w = $_; grep { $_ == $w } @victims } $d->workers } $first, $second },
			'the killed are replaced');
	}
	my $n = 0;
	is_deeply([verdicts map { $_->ask(record(ERROR => 'small ' . ++$n)) } $first, $second], [('received') x 2], 'both store');
	check_file($log, 'shared', @received);
	is($_->stop, 0, 'stops') for $first, $second;
};

done_testing;
