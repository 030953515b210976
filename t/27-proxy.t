# SPDX-License-Identifier: ISC
# Behind a load balancer: the client is who the PROXY header says, from trusted addresses alone, and nothing
# that a balancer or a stranger does there harms anybody.  What a header may look like is a unit test's (t/unit/proxy.c).
use v5.36;
use JSON::PP qw(decode_json);
use Socket   qw(AF_INET AF_INET6 inet_pton);
use Test::More;
use Time::HiRes qw(sleep time);
use Counted;
use LogCollectd;

my @trusted = (ProxyTrusted => ['127.0.0.1', '::1']);

sub start (%settings) {
	return start_counted(Listen => '127.0.0.1:0 proxy', @trusted, LogFormat => 'json', %settings);
}

sub counts ($daemon) {
	return decode_json(($daemon->run_command($ctl, '-s', "$daemon->{dir}/board", qw(status --json)))[1])->{counts};
}

sub denied ($daemon) {
	my $json = ($daemon->run_command($ctl, '-s', "$daemon->{dir}/board", qw(denied --json)))[1];
	return { map { $_->{address} => $_->{denied} } @{ decode_json($json) } };
}

# The header that tells of a client, in either version.
sub text ($client) {
	my ($kind, $here) = $client =~ /:/ ? ('TCP6', '2001:db8::1') : ('TCP4', '198.51.100.1');
	return "PROXY $kind $client $here 56324 9000\r\n";
}

sub binary ($client, $command = 0x21, $extensions = '') {
	my ($family, $kind, $here) = $client =~ /:/ ? (AF_INET6, 0x21, '2001:db8::1') : (AF_INET, 0x11, '198.51.100.1');
	my $rest = inet_pton($family, $client) . inet_pton($family, $here) . pack('nn', 56324, 9000) . $extensions;
	return "\r\n\r\n\0\r\nQUIT\n" . pack('CCn', $command, $kind, length $rest) . $rest;
}

# A connection through the balancer.
sub through ($daemon, $header, %how) {
	my $client = $daemon->connect(%how);
	$client->send($header);
	return $client;
}

# What clients told of the records have in the file, in order.
sub clients ($daemon) {
	return map { decode_json($_)->{client} } $daemon->log_lines;
}

my $line = record(ERROR => 'x');

subtest 'who the client is' => sub {
	my $daemon = start(Listen => ['127.0.0.1:0 proxy', '[::1]:0 proxy'], Workers => 3);
	my @cases = (
		[text('192.0.2.7')            => '192.0.2.7'],
		[binary('192.0.2.8')          => '192.0.2.8'],
		[text('2001:db8::7')          => '2001:db8::7'],
		[binary('2001:db8::8')        => '2001:db8::8'],
		[text('::ffff:192.0.2.9')     => '192.0.2.9'],
		[binary('::ffff:192.0.2.10')  => '192.0.2.10'],
		[binary('192.0.2.11', 0x21, pack('Cn/a*', 4, 'x' x 3000)) => '192.0.2.11'],
		["PROXY UNKNOWN\r\n"          => undef],
		[binary('192.0.2.12', 0x20)   => undef],
	);
	my @expected;
	for my $nth (0, 1) {
		for my $case (@cases) {
			my ($header, $client) = @$case;
			my $connection = through($daemon, "$header$line\n", nth => $nth);
			is_deeply([verdicts $connection->finish->rest], ['received'], 'served');
			push @expected, $client // qw(127.0.0.1 ::1)[$nth];
		}
	}
	is_deeply([clients($daemon)], \@expected, 'is the one that the header names, or else the balancer');
	is(counts($daemon)->{proxy_failed}, 0, 'nothing was wrong');
	is($daemon->stop, 0, 'stops');
};

subtest 'cut anywhere' => sub {
	my $daemon = start(Workers => 2);
	my @expected;
	for my $header (text('192.0.2.7'), binary('192.0.2.7'), binary('192.0.2.7', 0x21, pack('Cn/a*', 4, 'abc'))) {
		my $bytes = "$header$line\n";
		for my $at (1 .. length($header) + 1) {
			my $client = $daemon->connect;
			$client->send(substr $bytes, 0, $at);
			wait_until { $client->arrived };
			$client->send(substr $bytes, $at);
			push @expected, '192.0.2.7' if "@{[verdicts $client->finish->rest]}" eq 'received';
		}
	}
	is(scalar @expected, length(text('192.0.2.7')) + 1 + 28 + 1 + 34 + 1, 'each is served');
	is_deeply([clients($daemon)], \@expected, 'and known');
	my $slow = $daemon->connect;
	for my $byte (split //, text('192.0.2.77') . "$line\n") {
		$slow->send($byte);
		wait_until { $slow->arrived };
	}
	is_deeply([verdicts $slow->finish->rest], ['received'], 'byte by byte');
	is(($daemon->log_lines)[-1] =~ /"client": "192\.0\.2\.77"/, 1, 'too');
	is($daemon->stop, 0, 'stops');
};

subtest 'pipelined right behind it' => sub {
	my $daemon = start(MinLogLevel => 'ERROR');
	my $client = $daemon->connect;
	my $lines = 20_000;
	$client->send(binary('192.0.2.7') . join '', map { record(ERROR => $_) . "\n" } 1 .. $lines);
	my @answers = verdicts $client->finish->rest;
	is(scalar(grep { $_ eq 'received' } @answers), $lines, 'all lines are answered');
	is_deeply([map { decode_json($_)->{record}{message} } $daemon->log_lines], [1 .. $lines], 'and stored, none twice, none lost');
	is($daemon->stop, 0, 'stops');
};

subtest 'who is not trusted' => sub {
	my $daemon = start(Listen => ['127.0.0.1:0 proxy', '127.0.0.1:0', '127.0.0.1:0 proxy noack'], ProxyTrusted => '192.0.2.1');
	for my $bytes ('', "$line\n", text('192.0.2.7') . "$line\n") {
		is_deeply([verdicts through($daemon, $bytes)->finish->rest], ['denied'], 'is refused');
	}
	is_deeply([$daemon->connect(nth => 2)->rest], [], 'without a word where no answers are');
	is_deeply(denied($daemon), {'127.0.0.1' => 4}, 'counted under its own address');
	is_deeply([verdicts through($daemon, text('192.0.2.7') . "$line\n", nth => 1)->finish->rest], [qw(invalid received)],
		'a header on a plain listener is a line that is no JSON');
	is_deeply([clients($daemon)], ['127.0.0.1'], 'and tells nothing');
	change($daemon, ProxyTrusted => '127.0.0.0/8');
	is_deeply([verdicts through($daemon, text('192.0.2.7') . "$line\n")->finish->rest], ['received'], 'live on reload');
	is((clients($daemon))[1], '192.0.2.7', 'from then on');
	is($daemon->stop, 0, 'stops');
};

subtest 'no header, or a bad one' => sub {
	my $daemon = start(Workers => 2);
	my @bad = ("$line\n", "\n", "PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n", "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n", 'PROXY ' . 'x' x 200,
		"\r\n\r\n\0\r\nQUIT\n\x31\x11\0\0", binary('192.0.2.7') =~ s/\x21\x11\0\x0c/\x21\x11\xff\xff/r, text('ff02::1'),
		"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03", "GET / HTTP/1.1\r\n\r\n");
	is_deeply([grep { !/^reset$/ } map { through($daemon, $_)->rest } @bad], [], 'closed without a word');
	is(counts($daemon)->{proxy_failed}, scalar @bad, 'each is counted');
	my @halves = map { through($daemon, $_)->finish } 'PROXY', text('192.0.2.7') =~ s/\r\n//r, substr binary('192.0.2.7'), 0, 20;
	$_->eof for @halves;
	ok(wait_until { counts($daemon)->{proxy_failed} == @bad + @halves }, 'half a header and the end, too');
	unlike($daemon->errors, qr/proxy/i, 'none is logged');
	is($daemon->log, '', 'nothing is stored');
	is($daemon->stop, 0, 'stops');
	my %count = $daemon->counted;
	is($count{lines}, 0, 'no line was seen');
};

subtest 'health checks are no error' => sub {
	my $daemon = start(Workers => 2, Require => 'not ip 127.0.0.0/8', MaxConnectionsPerClient => 1);
	is_deeply([$daemon->connect->finish->rest], [], 'connect and close');
	$daemon->connect->reset for 1 .. 10;
	is_deeply([through($daemon, $_)->finish->rest], [], 'a header that names nobody, and close')
		for binary('192.0.2.7', 0x20), "PROXY UNKNOWN\r\n";
	my @checks = map { through($daemon, binary('192.0.2.7', 0x20)) } 1 .. 5;
	ok(wait_until { counts($daemon)->{accepted} >= 18 }, 'many at once');
	my $count = counts($daemon);
	is_deeply([@$count{qw(proxy_failed denied busy)}], [0, 0, 0], 'none is counted as one');
	is_deeply([verdicts map { $_->ask($line) } $checks[0]], ['denied'], 'with a line the balancer is a client like others');
	is($daemon->stop, 0, 'stops');
};

subtest 'limits are the told client\'s' => sub {
	my $daemon = start(Workers => 3, RateLimit => 'on', RateLimitMaxRequests => 10, RateLimitWindowSeconds => 600,
		RateLimitExempt => '192.0.2.99 127.0.0.0/8', Require => ['ip 192.0.2.0/24', 'ip 127.0.0.0/8'], RateLimitIPv6Prefix => 64);
	my @clients = map { through($daemon, $_ % 2 ? text('192.0.2.7') : binary('192.0.2.7')) } 1 .. 6;
	my @all = map { verdicts $_->ask(('1') x 4) } @clients;
	is(scalar(grep { $_ eq 'not_object' } @all), 10, 'exactly so many lines pass over all its connections');
	is(scalar(grep { $_ eq 'limited' } @all), 14, 'the others are limited');
	is_deeply([verdicts through($daemon, text('192.0.2.8'))->ask(('1') x 11)], [('not_object') x 10, 'limited'], 'another client has its own');
	is_deeply([verdicts through($daemon, text('192.0.2.99'))->ask(('1') x 50)], [('not_object') x 50], 'one is exempt');
	is_deeply([verdicts through($daemon, binary('198.51.100.7'))->rest], ['denied'], 'Require is asked of the client');
	is_deeply(denied($daemon), {'198.51.100.7' => 1}, 'who is counted');
	my ($open) = through($daemon, text('192.0.2.9'));
	is_deeply([verdicts $open->ask('1')], ['not_object'], 'one is there');
	change($daemon, Require => 'not ip 192.0.2.9');
	is_deeply([verdicts $open->ask('1')], ['denied'], 'and refused on reload');
	is($daemon->stop, 0, 'stops');
};

subtest 'MaxConnectionsPerClient over all workers' => sub {
	my $daemon = start(Workers => 3, MaxConnectionsPerClient => 4, Listen => ['127.0.0.1:0 proxy', '127.0.0.1:0']);
	my @waiting = map { $daemon->connect } 1 .. 6; # whose header has not come
	my (@served, $denied);
	for my $n (1 .. 12) {
		my $client = through($daemon, binary('192.0.2.7') . "1\n");
		my ($verdict) = verdicts $client->lines(1);
		$verdict eq 'denied' ? $denied++ : push @served, $client;
	}
	is_deeply([scalar @served, $denied], [4, 8], 'four and no more');
	is_deeply([verdicts through($daemon, text('192.0.2.8') . "1\n")->lines(1)], ['not_object'], 'another client may come');
	is_deeply([verdicts $daemon->connect(nth => 1)->ask('1')], ['not_object'], 'as may the balancer\'s own address elsewhere');
	$_->send(binary('192.0.2.9') . "1\n") for @waiting;
	is_deeply([sort(verdicts(map { $_->lines(1) } @waiting))], [('denied') x 2, ('not_object') x 4], 'at the same moment, too');
	$served[0]->finish->rest;
	ok(wait_until { "@{[verdicts through($daemon, binary('192.0.2.7') . qq(1\n))->lines(1)]}" eq 'not_object' }, 'a place that is free again');
	is_deeply(denied($daemon)->{'192.0.2.9'}, 2, 'counted by client');
	is($daemon->stop, 0, 'stops');
};

subtest 'who takes too long' => sub {
	my $daemon = start(HandshakeTimeout => 1, Workers => 1);
	my $began = time;
	my ($silent, $drips) = ($daemon->connect, $daemon->connect);
	for my $byte (split //, text('192.0.2.7')) {
		last if time - $began > 5 || !$drips->send($byte) || $drips->eof(0.2);
	}
	ok($drips->eof, 'bytes now and then are of no use');
	ok($silent->eof, 'nor is silence');
	my $took = time - $began;
	ok($took >= 0.9 && $took < 5, 'the time is over for both together') or diag $took;
	is(counts($daemon)->{proxy_failed}, 2, 'both are counted');
	my $idle = through($daemon, text('192.0.2.7'));
	is_deeply([verdicts $idle->ask('1')], ['not_object'], 'a client whose header has come');
	ok(!$idle->eof(1.3), 'may be silent');
	is($daemon->stop, 0, 'stops');
};

# What the daemon needs to speak TLS, where it is built with it.
sub certificate ($daemon) {
	return if ($daemon->run('-S'))[1] !~ /^TLSCertificateFile /m;
	my $dir = $daemon->dir;
	my ($status, $out, $err) = $daemon->run_command(qw(openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2),
		'-subj', '/CN=localhost', '-keyout', "$dir/key.pem", '-out', "$dir/certificate.pem");
	is($status, 0, 'a certificate') or diag $err;
	return (TLSCertificateFile => "$dir/certificate.pem", TLSCertificateKeyFile => "$dir/key.pem");
}

subtest 'before TLS' => sub {
	my $owner = LogCollectd->new; # of the directory
	my @tls = certificate($owner);
	my $daemon = start(Listen => '127.0.0.1:0 proxy tls', Require => 'not ip 192.0.2.66', @tls);
	is_deeply([through($daemon, text('192.0.2.66'))->rest], [], 'who is denied hears nothing in clear');
	is_deeply(denied($daemon), {'192.0.2.66' => 1}, 'but is counted');
	SKIP: {
		skip 'the daemon has no TLS', 2 if !@tls;
		skip 'there is no IO::Socket::SSL', 2 if !eval { require IO::Socket::SSL };
		my $socket = through($daemon, binary('192.0.2.7'))->socket;
		$socket->blocking(1);
		my $client = IO::Socket::SSL->start_SSL($socket, SSL_verify_mode => 0) or diag "$!";
		print {$client} "$line\n";
		chomp(my $answer = readline $client);
		is_deeply([verdicts $answer], ['received'], 'the handshake comes behind the header');
		is_deeply([clients($daemon)], ['192.0.2.7'], 'whose client it is');
	}
	change($daemon, ProxyTrusted => '192.0.2.1');
	is_deeply([$daemon->connect->rest], [], 'nor does who is not trusted');
	is($daemon->stop, 0, 'stops');
};

subtest 'a stop' => sub {
	my $daemon = start(Workers => 1, HandshakeTimeout => 600);
	my ($worker) = $daemon->workers;
	my @waiting = ($daemon->connect, through($daemon, 'PROXY TCP4'));
	ok(wait_until { counts($daemon)->{accepted} == 2 }, 'some have not greeted yet');
	kill STOP => $worker;
	my $late = through($daemon, text('192.0.2.7') . "$line\n");
	ok(wait_until { $late->arrived }, 'one has sent its header and a line');
	$daemon->signal('TERM');
	kill CONT => $worker;
	is_deeply([verdicts $late->rest], ['received'], 'which is stored');
	is($daemon->ended, 0, 'nobody is waited for');
	is_deeply([clients($daemon)], ['192.0.2.7'], 'it is in the file');
	my %count = $daemon->counted;
	is($count{proxy_failed}, 0, 'a stop is not their fault');
};

done_testing;
