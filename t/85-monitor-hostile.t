# SPDX-License-Identifier: ISC
# The monitor killed, stopped, flooded and asked nonsense: no client of the daemon notices, and it is there again
# afterwards.  HOSTILE_SEED repeats the nonsense.
use v5.36;
use POSIX       qw(_exit WNOHANG);
use Socket      qw(SOL_SOCKET SO_RCVBUF);
use Test::More;
use Time::HiRes qw(sleep time);
use LogCollectd;
use LogCollectd::Http;

use constant { CONNECTIONS => 64, OF_ONE => 16, LATE => 5 };

my $seed = $ENV{HOSTILE_SEED} // time ^ $$;
srand $seed;
diag "HOSTILE_SEED=$seed" if $ENV{HOSTILE_SEED};

sub start (%settings) { return LogCollectd->start(StatusListen => '127.0.0.1:0', %settings) }

sub healthy ($daemon, $local = '127.0.0.1') {
	return (get($daemon, '/healthz', local => $local, bound => LATE)->{status} // 0) == 200;
}

# Waits for another monitor than that one, which answers.
sub replaced ($daemon, $old) {
	return wait_until { my $now = $daemon->monitor_pid; defined $now && $now != $old && healthy($daemon) };
}

# A client that sends a line now and then, and what it saw: send_one() sends one, well() tells whether all were answered at
# once, by the same connection and worker.
sub watch_client ($daemon) {
	return { client => $daemon->connect, daemon => $daemon, slowest => 0, workers => join(' ', $daemon->workers), wrong => 0 };
}

sub send_one ($watched) {
	my $begin = time;
	my @got = verdicts $watched->{client}->ask(record(ERROR => 'x'), '{}');
	$watched->{wrong}++ if "@got" ne 'received missing';
	$watched->{slowest} = time - $begin if time - $begin > $watched->{slowest};
}

sub well ($watched) {
	send_one($watched);
	is($watched->{wrong}, 0, 'a client has all its answers');
	cmp_ok($watched->{slowest}, '<', LATE, 'in time');
	is(join(' ', $watched->{daemon}->workers), $watched->{workers}, 'from the same workers');
}

# Two things that take their time go on beside the rest: a monitor that stands still, and one who dribbles.
my $stopped      = start();
my $stopped_seen = watch_client($stopped);
my $stopped_pid  = $stopped->monitor_pid;
ok(healthy($stopped), 'one is there');
kill STOP => $stopped_pid;

my $dribbled = start();
my $dribbler = fork // die "fork: $!";
if ($dribbler == 0) {
	$SIG{PIPE} = 'IGNORE';
	my $socket = connect_monitor($dribbled);
	my $begin  = time;
	syswrite $socket, 'GET / HTTP/1.1';
	while (time - $begin < 30) {
		vec(my $ready = '', fileno $socket, 1) = 1;
		last if select($ready, undef, undef, 0.25) > 0 && !sysread $socket, my $bytes, 1000;
		last if !syswrite $socket, 'x';
	}
	my $seconds = time - $begin;
	_exit($seconds < 8 ? 1 : $seconds < 20 ? 0 : 2);
}

subtest 'killed' => sub {
	my $daemon = start();
	my $client = watch_client($daemon);
	my $old    = $daemon->monitor_pid;
	kill KILL => $old;
	send_one($client);
	ok(replaced($daemon, $old), 'another one takes its place');
	like($daemon->errors, qr/error: monitor \(pid $old\) was killed by signal 9 \(SIGKILL\)/, 'told');
	like(get($daemon, '/metrics')->{body}, qr/^logcollectd_monitor_deaths_total 1$/m, 'and counted');
	like(get($daemon, '/metrics')->{body}, qr/^logcollectd_worker_deaths_total 0$/m, 'not as a worker');
	for (1 .. 3) {
		my $now;
		wait_until { $now = $daemon->monitor_pid };
		kill KILL => $now;
		wait_until { gone($now) };
		send_one($client);
	}
	ok(wait_until { $daemon->errors =~ /the monitor died young, the next one starts in \d+ ms/ }, 'not without a pause');
	ok(wait_until { healthy($daemon) }, 'but for ever');
	well($client);
	is($daemon->stop, 0, 'stops');
};

subtest 'stopping and reloading do not wait for it' => sub {
	my $daemon = start();
	my $client = watch_client($daemon);
	my $old    = $daemon->monitor_pid;
	kill STOP => $old;
	my $conf = slurp($daemon->conf_file) =~ s/^Workers .*/Workers 3/mr;
	$daemon->write_conf($conf =~ s/^StatusListen .*/StatusListen 127.0.0.2:0/mr);
	$daemon->signal('HUP');
	ok(wait_until { $daemon->errors =~ /: reloaded$/m }, 'a reload is over');
	ok(replaced($daemon, $old), 'and another monitor elsewhere');
	is($client->{wrong}, 0, 'a client has its answers');
	kill STOP => $daemon->monitor_pid;
	my $begin = time;
	is($daemon->stop, 0, 'the daemon stops');
	cmp_ok(time - $begin, '<', LATE, 'soon');
};

subtest 'its supervisor is killed' => sub {
	for my $state ('it ends too', 'also one that stands still') {
		my $daemon = start();
		my $pid    = $daemon->monitor_pid;
		ok(healthy($daemon), 'one is there');
		kill STOP => $pid if $state =~ /still/;
		kill KILL => $daemon->pid;
		ok(wait_until { $daemon->reap; !$daemon->left_over }, $state);
		kill KILL => $pid if !gone($pid);
	}
};

# What hostile clients leave open.
sub half_open ($daemon, $count, $bytes) {
	local $SIG{PIPE} = 'IGNORE';
	my @sockets;
	for my $n (0 .. $count - 1) {
		my $local = sprintf '127.%d.%d.%d', 1 + $n % 50, 1 + int($n / 50) % 250, 1;
		my $socket = connect_monitor($daemon, local => $local, wait => 0) // next;
		syswrite $socket, $bytes if $bytes ne '';
		push @sockets, $socket;
	}
	return @sockets;
}

sub descriptors ($pid) { return scalar(() = glob "/proc/$pid/fd/*") }

subtest 'flooded' => sub {
	my $daemon = start(Workers => 2);
	my $client = watch_client($daemon);
	my $pid    = $daemon->monitor_pid;
	ok(healthy($daemon), 'one is there, with all that it opens');
	my $before = descriptors($pid);
	my @flood  = map { connect_monitor($daemon, wait => 0) } 1 .. 100;
	ok(healthy($daemon, '127.0.0.9'), 'one address cannot take all');
	cmp_ok(descriptors($pid) - $before, '<=', OF_ONE + 1, 'it has a bound');
	@flood = ();
	my $pages = 0;
	for my $bytes ('', 'GET / HT', "GET /status.json HTTP/1.1\r\nHost: x\r\n\r\n" x 20, "\0" x 5000, "POST / HTTP/1.1\r\nHost: x\r\n" .
		"Content-Length: 1000000\r\n\r\n") {
		for (1 .. 4) {
			my @sockets = half_open($daemon, 60, $bytes);
			send_one($client);
			$pages += @sockets;
			cmp_ok(descriptors($pid) - $before, '<=', CONNECTIONS + 2, 'no more connections than it may have') or last;
			close $_ for @sockets;
		}
	}
	cmp_ok($pages, '>=', 1000, 'a thousand connections and more');
	ok((wait_until { healthy($daemon, '127.0.0.9') } 8), 'it answers again, at once');
	is($daemon->monitor_pid, $pid, 'the same one');
	ok(wait_until { descriptors($pid) <= $before + 2 }, 'nothing is left open') or diag descriptors($pid) . " was $before";
	well($client);
	is($daemon->stop, 0, 'stops');
};

subtest 'flooded by those who may not ask' => sub {
	my $daemon = start(StatusRequire => 'ip 127.200.0.0/16');
	my $pid    = $daemon->monitor_pid;
	is(get($daemon, '/healthz', local => '127.1.1.1')->{status}, 403, 'told');
	my $before  = descriptors($pid);
	my @sockets = half_open($daemon, 500, 'GET / HT');
	ok(healthy($daemon, '127.200.0.1'), 'who may is answered');
	cmp_ok(descriptors($pid) - $before, '<=', CONNECTIONS / 2 + 1, 'they have half of it');
	is($daemon->stop, 0, 'stops');
};

# A request, wrong in one way or many.
sub any (@choices) { return $choices[rand @choices] }

sub noise ($most) { return join '', map { chr int rand 256 } 1 .. rand $most }

sub nonsense () {
	my $path = any('/', '/metrics', '/status.json', '/' . 'a' x any(10, 5000, 40_000), '/%', '/%00', '/%zz', '/../../etc/passwd',
		'http://x/metrics', '*', '', "/\x{7f}\xff", '/?' . '&a=b' x 3000, '//healthz', '/page.js');
	my $version = any('HTTP/1.1', 'HTTP/1.0', 'HTTP/9.9', 'HTTP/1.1 ', 'HTTP', '', "HTTP/1.1\0");
	my @headers = map { any('Host: x', 'Host:', "Host: x\r\nHost: y", 'Content-Length: -1', 'Content-Length: 99999999999999999999',
		"Content-Length: 3\r\nContent-Length: 5", 'Transfer-Encoding: chunked', 'Expect: 100-continue', ': x', ' folded', 'X' x 9000,
		'Accept: ' . 'application/openmetrics-text;q=' x any(1, 300), 'If-None-Match: ' . '"x",' x 500, 'Connection: keep-alive',
		'Connection: Upgrade', 'Upgrade: h2c', "A: \0", "A: b\rC: d", 'Cookie: ' . noise(100), 'Range: bytes=0-', noise(50)) } 1 .. rand 8;
	my $method = any('GET', 'GET', 'HEAD', 'POST', 'get', 'OPTIONS', '', 'G' x 3000, "GET\t", "PRI");
	my $end = any("\r\n", "\n", "\r");
	return any(noise(200),
		join($end, "$method $path $version", @headers, '', any('', noise(500), "5\r\nabcde\r\nffffffffffffffff\r\n", "0\r\n\r\n")),
		"$method $path $version$end" . any('', "\0" x 20_000, ('A: b' . $end) x 3000));
}

subtest 'asked nonsense' => sub {
	my $daemon = start();
	my $client = watch_client($daemon);
	my $pid    = $daemon->monitor_pid;
	my %seen;
	local $SIG{PIPE} = 'IGNORE';
	for my $n (1 .. 400) {
		my $socket = connect_monitor($daemon, local => '127.0.0.' . (1 + $n % 200)) or next;
		my $bytes = nonsense();
		my $cut = any(length $bytes, length $bytes, int rand 1 + length $bytes);
		syswrite $socket, substr $bytes, 0, $cut;
		shutdown $socket, 1 if rand() < 0.7;
		my $answer = raw_answer($socket, rand() < 0.1 ? 0 : 0.02);
		$seen{ $answer =~ m{\AHTTP/1\.\d (\d\d\d)} ? $1 : $answer eq '' ? 'none' : 'strange' }++;
		send_one($client) if $n % 50 == 0;
	}
	is($seen{strange}, undef, 'answers are HTTP');
	is_deeply([grep { /^[13]\d\d$/ && $_ != 100 } keys %seen], [], 'of the kinds there are') or diag explain \%seen;
	ok(wait_until { healthy($daemon) }, 'it answers') or diag "HOSTILE_SEED=$seed";
	is($daemon->monitor_pid, $pid, 'the same one') or diag "HOSTILE_SEED=$seed: " . $daemon->errors;
	well($client);
	is($daemon->stop, 0, 'stops');
};

subtest 'who sends a byte now and then' => sub {
	my $status = wait_until { waitpid($dribbler, WNOHANG) == $dribbler ? 'ended ' . ($? >> 8) : '' };
	is($status, 'ended 0', 'is ended after 10 seconds');
	ok(healthy($dribbled), 'others are answered');
	is($dribbled->stop, 0, 'stops');
};

subtest 'stopped' => sub {
	send_one($stopped_seen);
	ok(replaced($stopped, $stopped_pid), 'one that gives no sign of life is replaced');
	like($stopped->errors, qr/error: monitor \(pid $stopped_pid\) gives no sign of life, killing it/, 'told');
	well($stopped_seen);
	is($stopped->stop, 0, 'stops');
};

done_testing;
