# SPDX-License-Identifier: ISC
# TLS and those who mean no good, or are in a hurry: handshakes that never end, noise, resets, clients that do not read; and a
# stop while lines are on their way.
use v5.36;
use File::Temp ();
use Test::More;
use Time::HiRes qw(sleep time);
use LogCollectd;

BEGIN { eval { require IO::Socket::SSL; 1 } or plan skip_all => 'there is no IO::Socket::SSL' }
use LogCollectd::Tls;

my $dir = File::Temp::tempdir('tls.XXXXXX', TMPDIR => 1, CLEANUP => 1);
chmod 0755, $dir;
my $authority = LogCollectd::Tls::authority($dir, 'authority');
my ($certificate, $key) = LogCollectd::Tls::certificate($dir, 'localhost', $authority);
chmod 0644, $key; # for a daemon of any user

sub start (%settings) {
	return LogCollectd->start(
		Listen => '127.0.0.1:0 tls', TLSCertificateFile => $certificate, TLSCertificateKeyFile => $key, %settings);
}

sub dial ($daemon, %how) { return LogCollectd::Tls->new('127.0.0.1', $daemon->port, SSL_ca_file => $authority, %how) }

# What a client says first.
my $hello = do {
	my ($client, $server) = map { Net::SSLeay::BIO_new(Net::SSLeay::BIO_s_mem()) } 1 .. 2;
	my $context = Net::SSLeay::CTX_new();
	my $ssl = Net::SSLeay::new($context);
	Net::SSLeay::set_bio($ssl, $server, $client);
	Net::SSLeay::connect($ssl);
	Net::SSLeay::BIO_read($client);
};

sub counted ($daemon, $name) {
	my %count = $daemon->counted;
	return $count{$name};
}

# All lines of a client that nobody speaks TLS with: its bytes as they come, in hexadecimal.
sub raw_rest ($client) {
	$client->eof;
	return unpack 'H*', join("\n", splice(@{ $client->{lines} }), $client->{tail});
}

subtest 'handshakes that do not end' => sub {
	my $daemon = start(Workers => 1, HandshakeTimeout => 1);
	my $began = time;
	my ($silent, $half, $slow) = map { $daemon->connect } 1 .. 3;
	$half->send(substr $hello, 0, 40);
	for my $byte (split //, $hello) {
		last if !$slow->send($byte) || $slow->eof(0.1);
	}
	my $took = time - $began;
	cmp_ok($took, '>', 0.9, 'a byte now and then has its time');
	cmp_ok($took, '<', 15,  'as a whole, not one for each byte');
	ok($_->eof, 'who stops is closed') for $silent, $half;
	ok(my $client = dial($daemon), 'others are served');
	is_deeply([verdicts $client->ask('1')], ['not_object'], 'well');
	sleep 1.2; # the deadline that is over must not hold for what follows
	is_deeply([verdicts $client->ask('1')], ['not_object'], 'also after that time');
	is($daemon->stop, 0, 'stops');
	is(counted($daemon, 'handshake_failed'), 3, 'the three were counted');
};

subtest 'no TLS' => sub {
	my $daemon = start(Workers => 1);
	my @noise = map { join '', map { chr int rand 256 } 1 .. 1 + rand 2000 } 1 .. 100;
	for my $bytes (record(ERROR => 'plain') . "\n", "GET / HTTP/1.1\r\n\r\n", "\x80\x2e\x01\x03\x01", "\x16\x03\x01\x40\x00" . "\0" x 0x4000,
		"\x17\x03\x03\x00\x10" . 'x' x 16, substr($hello, 0, 5) . 'x' x 500, @noise) {
		my $client = $daemon->connect;
		$client->send($bytes);
		$client->finish;
		my $said = raw_rest($client);
		$said =~ /\A(?:15030[0-9]0002....)?\z/ or fail('nothing but an alert is said: ' . $said);
	}
	$daemon->connect->close for 1 .. 10;
	my $stranger = dial($daemon, SSL_ca_file => undef, SSL_cipher_list => 'ECDHE-ECDSA-AES128-GCM-SHA256', SSL_version => 'TLSv1_2');
	ok($stranger, 'a proper one is served') and is_deeply([verdicts $stranger->ask('1')], ['not_object'], 'well');
	# Noise after the handshake, in the place of a record.
	syswrite $stranger->socket, "1\n";
	open my $wire, '+>&', fileno $stranger->socket or die "dup: $!";
	syswrite $wire, "\x17\x03\x03\x00\x20" . 'x' x 32;
	ok($stranger->eof, 'a forged record ends the connection');
	is($daemon->stop, 0, 'stops');
	cmp_ok(counted($daemon, 'handshake_failed'), '>=', 100, 'they were counted');
	cmp_ok(counted($daemon, 'handshake_failed'), '<=', 106, 'but not who only knocks');
	is_deeply([$daemon->messages], [], 'nothing was stored');
	unlike($daemon->errors, qr/handshake (?!failed=)|SSL|alert/i, 'and nobody is told of in the log');
};

subtest 'refusals' => sub {
	my $daemon = start(Workers => 1, MaxConnectionsPerClient => 1);
	my $first = dial($daemon);
	$first->ask('1');
	my $second = $daemon->connect;
	is_deeply([$second->rest], [], 'nothing is said in clear');
	is_deeply([verdicts $first->ask('1')], ['not_object'], 'the first one is served on');
	is($daemon->stop, 0, 'stops');
	is(counted($daemon, 'denied'), 1, 'it was counted');
};

subtest 'a thousand resets' => sub {
	my $daemon = start(Workers => 1);
	my ($worker) = $daemon->workers;
	my $resident = sub { slurp("/proc/$worker/status") =~ /^VmRSS:\s+(\d+)/m; $1 };
	my $open = sub { scalar(() = glob "/proc/$worker/fd/*") };
	my $storm = sub ($n) {
		for my $i (1 .. $n) {
			my $client = $daemon->connect;
			$client->send(substr $hello, 0, $i % 2 ? length $hello : 1 + rand length $hello);
			$client->ready(1, 0, time + 10) if $i % 2;
			$client->reset;
		}
		wait_until { (dial($daemon) // next)->ask('1') && $open->() <= 20 };
	};
	$storm->(200);
	my ($descriptors, $memory) = ($open->(), $resident->());
	$storm->(1000);
	ok(wait_until { $open->() <= $descriptors }, 'no descriptor is left');
	# Sanitizers take memory as they like.
	my $sanitized = slurp(LogCollectd::program()) =~ /__[at]san_init/;
	cmp_ok($resident->() - $memory, '<', 2048, 'nor memory') if !$sanitized;
	is($daemon->stop, 0, 'stops');
};

subtest 'clients that are slow or stop' => sub {
	my $daemon = start(Workers => 1, ReadTimeout => 1, SendTimeout => 1);
	my $client = dial($daemon) or return fail("shake hands: $LogCollectd::Tls::error");
	$client->send('{"level":');
	# A record of which only pieces come: taken from another connection, it need not be right.
	open my $wire, '+>&', fileno $client->socket or die "dup: $!";
	my $began = time;
	for my $byte (split //, "\x17\x03\x03\x40\x00" . 'x' x 2000) {
		last if !defined syswrite($wire, $byte) || $client->eof(0.02);
	}
	cmp_ok(time - $began, '<', 15, 'a record in pieces does not keep a line from its ReadTimeout');
	is_deeply([$client->rest], [], 'it is closed without a word');
	my $mute = dial($daemon);
	my $lines = 0;
	# It never reads: what the kernels take in is not without end.
	$began = time;
	while (time - $began < 25) {
		my $n = syswrite $mute->socket, "1\n" x 8000;
		last if !defined $n && !$!{EAGAIN};
		sleep 0.01 if !defined $n;
	}
	cmp_ok(time - $began, '<', 25, 'who does not read is closed after SendTimeout');
	is($daemon->stop, 0, 'stops');
	is(counted($daemon, 'read_closed'), 1, 'the one is counted');
	is(counted($daemon, 'send_closed'), 1, 'and the other one');
};

# Closed with something unread, what is still on its way would be lost: a client that reads nothing must have been sent
# nothing, no ticket either.
subtest 'noack' => sub {
	for my $version ('TLSv1_2', 'TLSv1_3') {
		my $daemon = start(Listen => '127.0.0.1:0 tls noack', Workers => 1);
		my $client = dial($daemon, SSL_version => $version);
		my ($line, $sent) = (record(ERROR => 'x' x 100) . "\n", 1);
		$client->send($line);
		wait_until { $daemon->log_lines == 1 };
		my ($worker) = $daemon->workers;
		kill STOP => $worker;
		# A record at a time, as many as the kernels take.
		$sent += 100 while $sent < 200_000 && defined syswrite $client->socket, $line x 100;
		$client->close;
		kill CONT => $worker;
		ok(wait_until { my @stored = $daemon->log_lines; @stored >= $sent }, "$version: who closes at once has all its lines stored")
			or diag "$sent sent, stored " . scalar(my @stored = $daemon->log_lines);
		is($daemon->stop, 0, 'stops');
	}
};

subtest 'a stop' => sub {
	my $daemon = start(Workers => 2, ThreadsPerWorker => 100);
	my @clients = map { dial($daemon) // () } 1 .. 20;
	is(scalar @clients, 20, 'clients');
	$_->ask('1') for @clients;
	my $early = $daemon->connect; # in the middle of its handshake
	$early->send($hello);
	my @workers = $daemon->workers;
	kill STOP => @workers;
	# Several records each; the last line has no end, and nobody says close_notify.
	for my $client (@clients) {
		$client->send(join '', map { record(ERROR => "line $_") . "\n" } 1 .. 400);
		$client->send(join '', map { record(ERROR => "line $_") . "\n" } 401 .. 500);
		$client->send(record(ERROR => 'half a line'));
	}
	ok(wait_until { !grep { $_->outstanding > 0 } @clients }, 'all has arrived');
	$daemon->signal('TERM');
	kill CONT => @workers;
	is(scalar(grep { "@{[verdicts $_->rest]}" ne join ' ', ('received') x 500 } @clients), 0, 'each line that had arrived is answered');
	is(scalar(grep { !$_->was_closed } @clients), 0, 'and the end is said');
	is($daemon->ended, 0, 'stops');
	is(scalar(my @stored = $daemon->messages), 20 * 500, 'stored');
	is(counted($daemon, 'handshake_failed'), 0, 'whom we stop has not failed');
};

done_testing;
