#!/usr/bin/perl
# SPDX-License-Identifier: ISC
# logsend over TLS: whom it trusts and whom not, what it says when it does not, and that a connection over TLS is lost,
# made again and ended as a plain one is.
use v5.36;
use Test::More;
use IO::Socket::SSL;
use LogCollectd ();
use Pki;
use ScriptedServer;
use TlsProxy;

my $received = says_ok('received');
my $pki      = Pki->new('Test authority');
my $foreign  = Pki->new('Somebody else');
my @names    = (names => ['DNS:localhost', 'IP:127.0.0.1', 'DNS:logs.example.org']);
my $good     = $pki->issue('localhost', @names);
my @trusting = ('--tls', '--cafile', $pki->ca);

sub serving ($pair, %more) { return (SSL_cert_file => $pair->{cert}, SSL_key_file => $pair->{key}, %more) }
sub records                { return map { qq({"level":"INFO","message":"$_"}) } @_ }
sub text                   { return join '', map { "$_\n" } @_ }

sub secure ($script, @tls) { return scripted($script, TLS => { @tls ? @tls : serving($good) }) }

# A server that answers every line, and notes why a handshake failed or whether it was told of the end.
sub accepting (@tls) {
	return secure(sub {
		while (1) {
			my $client = $_[0]->client;
			if ($client->{failed}) { $_[0]->note('no handshake'); next }
			$client->answer_all($received);
			$_[0]->note($client->was_told ? 'told' : 'cut');
		}
	}, @tls);
}

# What an endless server has noted up to now.
sub noted ($server) {
	kill KILL => $server->{pid};
	return $server->heard;
}

sub send_to ($server, @options) {
	return run_client(['-h', 'localhost', '-p', $server->port, '--timeout', 10, @options, 'x']);
}

sub is_sent ($server, $options, $name) {
	my $run = send_to($server, @$options);
	is_deeply($run, { status => 0, out => "1 record: 1 received\n", err => '' }, $name);
	return is_deeply(noted($server), [[records('x'), 'told']], "$name: and says goodbye");
}

# It gives up at once, says why, and has sent nothing.
sub is_refused ($server, $options, $reason, $name) {
	my $run = send_to($server, @$options);
	is_deeply([@$run{qw(status out)}], [69, "1 record: 1 unanswered\n"], $name);
	like($run->{err}, qr/^logsend: \S+ port \d+: $reason\n\z/, "$name: told, once");
	return is_deeply([map { grep { /level/ } @$_ } @{ noted($server) }], [], "$name: nothing was sent");
}

subtest 'whom it trusts' => sub {
	is_sent(accepting(), \@trusting, 'the named authority, the name of -h');
	is_sent(accepting(), [@trusting, '-h', '127.0.0.1'], 'an address');
	is_sent(accepting(), [@trusting, '--tls-name', 'logs.example.org'], 'another name');
	my $self = $pki->issue('me', self => 1, names => ['DNS:localhost']);
	is_sent(accepting(serving($self)), ['--tls', '--cafile', $self->{cert}], 'one certificate alone');
	is_sent(accepting(serving($good)), ['--tls', '--cafile', $good->{cert}], 'one that somebody has signed, too');
	is_sent(accepting(serving($self)), ['--tls', '--insecure'], 'anybody, when told so');
	is_sent(accepting(serving($foreign->issue('other', until => -0.5))), ['--tls', '--insecure'], 'really anybody');
	for my $version ('TLSv1_2', 'TLSv1_3') {
		is_sent(accepting(serving($good, SSL_version => $version)), \@trusting, $version);
	}
	local $ENV{SSL_CERT_FILE} = $pki->ca;
	is_sent(accepting(), ['--tls'], 'the store of the system');
};

subtest 'whom it does not trust' => sub {
	my $expired = $pki->issue('localhost', @names, from => -2, until => -1);
	is_refused(accepting(serving($expired)), \@trusting,
		qr/the server's certificate expired on \d{4}-\d\d-\d\d \d\d:\d\d UTC: the server needs a new one/, 'expired');
	my $early = $pki->issue('localhost', @names, from => 1, until => 2);
	is_refused(accepting(serving($early)), \@trusting,
		qr/the server's certificate begins only on \d{4}-\S+ \S+ UTC: is the clock here right\?/, 'not yet valid');
	is_refused(accepting(serving($pki->issue('me', self => 1, @names))), \@trusting,
		qr/the server's certificate is self-signed: .*--cafile/, 'self-signed');
	is_refused(accepting(serving($foreign->issue('localhost', @names))), \@trusting,
		qr/.* not trusted, CN=Somebody else: give that authority's certificate with --cafile/, 'another authority');
	is_refused(accepting(), ['--tls'], qr/.* not trusted, CN=Test authority: .*/, 'none in the store of the system');
	is_refused(accepting(), [@trusting, '--tls-name', 'other.example.org'],
		qr/the server's certificate is for localhost, 127\.0\.0\.1, logs\.example\.org, not for other\.example\.org: .*--tls-name/,
		'another name');
	is_refused(accepting(serving($pki->issue('host', names => ['DNS:h']))), [@trusting, '-h', '127.0.0.1'],
		qr/the server's certificate is for h, not for 127\.0\.0\.1: .*/, 'another address');
	is_refused(accepting(serving($pki->issue('localhost'))), [@trusting, '--tls-name', 'x'],
		qr/the server's certificate is for CN=localhost, not for x: .*/, 'no name but the common one');
	is_refused(accepting(serving($pki->issue('x', names => ["DNS:\e[31m\nevil"]))), \@trusting,
		qr/the server's certificate is for \?\[31m\?evil, not for localhost: .*/, 'names that drive no terminal');
	is_refused(accepting(serving($pki->issue('localhost', @names, purpose => 'client'))), \@trusting,
		qr/the server's certificate is not accepted: .*purpose.*/, 'a certificate of a client');
};

subtest 'who it is' => sub {
	my $mine = $pki->issue('app');
	my @mine = ('--cert', $mine->{cert}, '--key', $mine->{key});
	my $both = temp_file(contents($mine->{cert}) . contents($mine->{key}));
	my $theirs = $foreign->issue('app');
	for my $version ('TLSv1_2', 'TLSv1_3') {
		my @asking = serving($good, SSL_version => $version, SSL_ca_file => $pki->ca,
			SSL_verify_mode => SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT);
		is_sent(accepting(@asking), [@trusting, @mine], "$version: proven");
		is_sent(accepting(@asking), [@trusting, '--cert', $both], "$version: from one file");
		# What a server says before it closes can be lost on the way, when it has not read what we sent.
		my $lost = qr/(?:.*(?:reset by peer|Broken pipe|cut the connection); trying again in .*\n.*: )*/;
		is_refused(accepting(@asking), \@trusting, qr/${lost}the server refused us: .*--cert.*/, "$version: not shown");
		is_refused(accepting(@asking), [@trusting, '--cert', $theirs->{cert}, '--key', $theirs->{key}],
			qr/${lost}the server refused our certificate: .* authority .*/, "$version: of another authority");
	}
};

subtest 'no TLS, or an old one' => sub {
	my $plain = scripted(sub { while (1) { my $client = $_[0]->client; $client->more; $client->say($received); $client->close } });
	my $run = send_to($plain, @trusting, '--retries', 0);
	is($run->{status}, 69, 'a plain server');
	like($run->{err}, qr/the server does not speak TLS there: leave out --tls, .*; gave up after 1 try\n$/, 'told');

	my $silent = scripted(sub { my $client = $_[0]->client; 1 while $client->more });
	$run = send_to($silent, @trusting, '--retries', 0, '--timeout', 1);
	is($run->{status}, 69, 'a silent server');
	like($run->{err}, qr/no TLS handshake in time: .*; gave up after 1 try\n$/, 'told');

	my $slow = scripted(sub {
		my $client = $_[0]->client;
		$client->more;
		my $hello = "\x16\x03\x03\x40\x00" . "\0" x 0x4000;
		while ($client->write(substr $hello, 0, 1, '')) { select undef, undef, undef, 0.1 }
	});
	$run = send_to($slow, @trusting, '--retries', 0, '--timeout', 1);
	like($run->{err}, qr/no TLS handshake in time: .*; gave up after 1 try\n$/, 'a byte now and then is no handshake');

	my @old = serving($good, SSL_version => 'TLSv1_1', SSL_cipher_list => 'DEFAULT@SECLEVEL=0');
	is_refused(accepting(@old), \@trusting, qr/.*TLS 1\.2 is the least/, 'TLS 1.1');
	is_refused(accepting(@old), ['--tls', '--insecure'], qr/.*TLS 1\.2 is the least/, 'not when insecure either');
};

for my $way (qw(close cut reset)) {
	subtest "$way in the middle" => sub {
		my $server = secure(sub {
			my $client = $_[0]->client;
			$client->line for 1 .. 10;
			$client->write("$received\n" x 3 . '{"status": "o');
			$client->$way;
			$_[0]->client->answer_all($received);
		});
		my $run = run_client(['-p', $server->port, @trusting], stdin => text(1 .. 10));
		is_deeply([@$run{qw(status out)}], [0, "10 records: 10 received\n"], 'each counted once');
		like($run->{err}, qr/^logsend: localhost port \d+: .*; trying again in 0\.1 s\n$/, 'told');
		my ($first, $second) = @{ $server->heard };
		is_deeply($first, [records(1 .. 10)], 'sent');
		# A reset takes with it what the client had not read yet.
		my $from = $way eq 'reset' && @$second == 10 ? 1 : 4;
		is_deeply($second, [records($from .. 10)], 'what was not answered is sent again, in order');
	};
}

subtest 'an idle connection that is closed' => sub {
	for my $way (qw(close cut)) {
		pipe my $read, my $write or die;
		my $server = secure(sub {
			close $write;
			my $client = $_[0]->client;
			$client->line;
			$client->say($received);
			$client->$way;
			$_[0]->note('closed');
			$_[0]->client->answer_all($received);
		});
		my $client = start_client(['-p', $server->port, '--retries', 0, @trusting], stdin => $read);
		syswrite $write, "1\n";
		ok(wait_until(sub { contents($server->{log}) =~ /closed/ }), "$way after the first answer");
		syswrite $write, "2\n";
		close $write;
		is_deeply(finish_client($client), { status => 0, out => "2 records: 2 received\n", err => '' },
			'the next record makes a new one; nothing has failed');
	}
};

subtest 'a port that closes at once' => sub {
	my $server = scripted(sub { $_[0]->client->close; $_[0]{tls} = { serving($good) }; $_[0]->client->answer_all($received) });
	my $run = run_client(['-p', $server->port, @trusting, 'x']);
	is_deeply([@$run{qw(status out)}], [0, "1 record: 1 received\n"], 'tried again');
	like($run->{err}, qr/^logsend: .*(?:cut the connection|reset by peer); trying again in 0\.1 s\n$/, 'told');
};

subtest 'answers in pieces' => sub {
	my $server = secure(sub {
		my $client = $_[0]->client;
		$client->line for 1 .. 3;
		$client->write($_) for split //, "$received\r\n{\"message\":\"filt";
		$client->write("ered\",\"status\":\"ok\"}\n$received\n");
	});
	my $run = run_client(['-p', $server->port, @trusting], stdin => text(1 .. 3));
	is_deeply($run, { status => 0, out => "3 records: 2 received, 1 filtered\n", err => '' }, 'put together');
};

subtest 'answers that fill every buffer' => sub {
	my $lines  = 20_000;
	my $answer = '{"status": "ok",' . ' ' x 1000 . '"message": "received"}';
	my $server = secure(sub {
		my $client = $_[0]->client;
		while (defined $client->raw_line) { $client->say($answer) or last }
	});
	my $run = run_client(['-p', $server->port, '-w', 100_000, '--retries', 0, '--timeout', 10, @trusting],
		stdin => text(map { 'z' x 180 } 1 .. $lines));
	is_deeply($run, { status => 0, out => "$lines records: $lines received\n", err => '' }, 'no deadlock');
};

subtest 'long lines' => sub {
	my $server = accepting();
	my @lines  = map { '"' . $_ x 3_000_000 . '"' } 'a' .. 'd';
	my $run = run_client(['-p', $server->port, '--ndjson', @trusting], stdin => text(@lines));
	is_deeply($run, { status => 0, out => "4 records: 4 received\n", err => '' }, 'sent');
	ok(eq_array(noted($server), [[@lines, 'told']]), 'whole, in order');
};

# Starts the real daemon; the port where it is spoken to over TLS, and the daemon.
sub behind_a_proxy (@settings) {
	my $daemon = LogCollectd->start(@settings);
	my $proxy  = TlsProxy->start($daemon->port, serving($good));
	return ($daemon, $proxy->port, $proxy);
}

sub by_itself (@settings) {
	my $daemon = LogCollectd->start(@settings, Listen => '127.0.0.1:0 tls', TLSCertificateFile => $good->{cert},
		TLSCertificateKeyFile => $good->{key});
	return ($daemon, $daemon->port);
}

sub knows_tls {
	my (undef, $printed) = LogCollectd->new->run('-S');
	return $printed =~ /^TLSCertificateFile/m;
}

for my $case (['the daemon behind a proxy that ends TLS', \&behind_a_proxy], ['the daemon itself', \&by_itself]) {
	my ($name, $start) = @$case;
	subtest $name => sub {
		plan skip_all => 'the daemon speaks no TLS yet' if $start == \&by_itself && !knows_tls();
		my ($daemon, $port, $proxy) = $start->();
		my $count = 30_000;
		my $run = run_client(['-h', '127.0.0.1', '-p', $port, @trusting], stdin => text(1 .. $count));
		is_deeply($run, { status => 0, out => "$count records: $count received\n", err => '' }, 'a file');
		my @messages = $daemon->messages;
		ok(eq_array(\@messages, [1 .. $count]), 'every record once, in order');
		$run = run_client(['-h', '127.0.0.1', '-p', $port, @trusting, '--smoke']);
		like($run->{out}, qr/^5 records: 4 received, 1 filtered$/m, 'smoke');
		$run = run_client(['-h', '127.0.0.1', '-p', $port, '--retries', 0, 'x']);
		is($run->{status}, 69, 'without --tls: no service');
		is(scalar(grep { /x/ } $daemon->messages), 0, 'and nothing stored');
		$proxy->stop if $proxy;
		is($daemon->stop, 0, 'stops');
	};
}

subtest 'usage' => sub {
	for my $case (
		[['--cafile', 'x', 'x'], qr/--cafile has no meaning without --tls/],
		[['--cert', 'x', 'x'], qr/--cert has no meaning without --tls/],
		[['--tls-name', 'x', 'x'], qr/--tls-name has no meaning without --tls/],
		[['--insecure', 'x'], qr/--insecure has no meaning without --tls/],
		[['--tls', '--key', 'x', 'x'], qr/--key has no meaning without --cert/],
		[['--tls', '--insecure', '--cafile', 'x', 'x'], qr/--cafile and --insecure exclude each other/],
		[['--tls', '--tls-name', '', 'x'], qr/--tls-name takes/],
		[['--tls', '--tls-name', 'a' x 256, 'x'], qr/--tls-name takes .* at most 255 bytes/],
	) {
		my $run = run_client($case->[0]);
		is($run->{status}, 64, "@{$case->[0]}");
		like($run->{err}, qr/^logsend: $case->[1].*\nusage: logsend /, 'told');
	}
};

subtest 'bad files' => sub {
	my ($mine, $other) = map { $pki->issue('app') } 1 .. 2;
	my $empty = temp_file("nothing\n");
	my $none  = "$empty.none";
	my $locked = "$empty.key";
	my $openssl = "openssl ec -in $mine->{key} -aes128 -passout pass:secret -out $locked 2>&1";
	like(`$openssl`, qr/writing/, 'a key is locked');
	for my $case (
		[['--cafile', $none], qr/\Q$none\E: No such file or directory/],
		[['--cafile', $empty], qr/\Q$empty\E: holds no certificate in PEM form/],
		[['--cafile', '/'], qr{/: holds no certificate in PEM form}],
		[['--cert', $none], qr/\Q$none\E: No such file or directory/],
		[['--cert', $empty], qr/\Q$empty\E: holds no certificate in PEM form/],
		[['--cert', $mine->{cert}], qr/\Q$mine->{cert}\E: holds no key in PEM form: give it with --key/],
		[['--cert', $mine->{cert}, '--key', $none], qr/\Q$none\E: No such file or directory/],
		[['--cert', $mine->{cert}, '--key', $empty], qr/\Q$empty\E: holds no key in PEM form/],
		[['--cert', $mine->{cert}, '--key', $other->{key}],
			qr/\Q$other->{key}\E: is not the key of the certificate in \Q$mine->{cert}\E/],
		[['--cert', $mine->{cert}, '--key', $locked], qr/\Q$locked\E: the key has a passphrase: give one without/],
	) {
		my $run = run_client(['--tls', @{ $case->[0] }, 'x']);
		is_deeply([@$run{qw(status out)}], [66, ''], "@{$case->[0]}");
		like($run->{err}, qr/^logsend: $case->[1]\n\z/, 'told');
	}
};

done_testing;
