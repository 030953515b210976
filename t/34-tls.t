# SPDX-License-Identifier: ISC
# TLS: the same protocol under it, certificates of both sides, resumption, reloads, the end of a stream.
use v5.36;
use File::Temp ();
use IPC::Open2 qw(open2);
use Test::More;
use LogCollectd;

BEGIN { eval { require IO::Socket::SSL; 1 } or plan skip_all => 'there is no IO::Socket::SSL' }
use LogCollectd::Tls;

my $dir = File::Temp::tempdir('tls.XXXXXX', TMPDIR => 1, CLEANUP => 1);
chmod 0755, $dir;
my $authority = LogCollectd::Tls::authority($dir, 'authority');
my $stranger  = LogCollectd::Tls::authority($dir, 'stranger');
my ($certificate, $key) = LogCollectd::Tls::certificate($dir, 'localhost', $authority);
chmod 0644, $key; # for a daemon of any user
my @pair = (TLSCertificateFile => $certificate, TLSCertificateKeyFile => $key);
my %trust = (SSL_ca_file => $authority);

sub start (%settings) { return LogCollectd->start(Listen => '127.0.0.1:0 tls', @pair, %settings) }

sub dial ($daemon, %how) { return LogCollectd::Tls->new('127.0.0.1', $daemon->port($how{nth} // 0), %trust, map { $_ => $how{$_} } grep { $_ ne 'nth' } keys %how) }

# The outcome of a reload: reloaded, or failed.  Workers that were replaced have been told to accept nobody any more by then,
# and here they have understood.
sub reload ($daemon) {
	my $before = length $daemon->errors;
	my %old = map { $_ => 1 } $daemon->workers;
	$daemon->signal('HUP');
	my $outcome = wait_until { substr($daemon->errors, $before) =~ /: (reloaded|reload failed)/ ? $1 : '' };
	wait_until { !grep { !gone($_) && slurp("/proc/$_/cmdline") !~ /retiring/ } keys %old } if grep { !$old{$_} } $daemon->workers;
	return $outcome;
}

# One line and its verdict through openssl s_client, and whether its session was resumed: "received resumed".  The
# session is kept in that file.
sub resume ($daemon, $file, @options) {
	my $pid = open2(my $out, my $in, 'sh', '-c', 'exec openssl s_client "$@" 2>&1', 'sh', '-connect', '127.0.0.1:' . $daemon->port,
		@options, -e $file ? ('-sess_in', $file) : (), '-sess_out', $file);
	local $SIG{ALRM} = sub { kill KILL => $pid };
	alarm 30;
	print {$in} record(ERROR => 'x'), "\n";
	$in->flush;
	my ($verdict, $kind) = ('refused', '');
	# The tickets of TLS 1.3 have come before the answer.
	while (my $line = readline $out) {
		$kind = ' resumed' if $line =~ /^Reused, /;
		($verdict) = verdicts($1) if $line =~ /(\{"status.*\})/;
		last if $verdict ne 'refused';
	}
	close $in;
	1 while readline $out;
	waitpid $pid, 0;
	alarm 0;
	return $verdict . $kind;
}

sub subject_of ($client) { return $client->socket->peer_certificate('subject') =~ s{.*/CN=}{}r }

subtest 'the protocol' => sub {
	my $daemon = start(LogFormat => 'json');
	my $client = dial($daemon) or return fail("shake hands: $LogCollectd::Tls::error");
	is_deeply([verdicts $client->ask(record(ERROR => 'one'), '1', record(DEBUG => 'x'))], [qw(received not_object filtered)], 'verdicts');
	ok($client->send(record(ERROR => 'without an end')), 'half a line');
	$client->finish;
	is_deeply([verdicts $client->rest], ['received'], 'is one after close_notify, and the answer follows');
	ok($client->was_closed, 'the server says that this was all');
	my $cut = dial($daemon);
	$cut->ask('1');
	$cut->send("1\n" . record(ERROR => 'cut off'));
	$cut->cut;
	is_deeply([verdicts $cut->rest], ['not_object'], 'TCP alone cuts: whole lines are answered, half a line is none');
	ok($cut->was_closed, 'and the server says its end');
	my $torn = dial($daemon);
	$torn->ask('1');
	my @workers = $daemon->workers;
	kill STOP => @workers;
	$torn->send("1\n1\n");
	open my $wire, '+>&', fileno $torn->socket or die "dup: $!";
	syswrite $wire, "\x17\x03\x03\x00\x40" . 'x' x 20;
	$torn->cut;
	wait_until { $torn->arrived };
	kill CONT => @workers;
	is_deeply([verdicts $torn->rest], [('not_object') x 2], 'in the middle of a record, too');
	my @stored = $daemon->log_lines;
	is(scalar @stored, 2, 'stored');
	like($stored[0], qr/"client": "127\.0\.0\.1", "level"/, 'without a certificate no subject stands there');
	is($daemon->stop, 0, 'stops');
	my %count = $daemon->counted;
	is($count{handshake_failed}, 0, 'no handshake has failed');
	unlike($daemon->errors, qr/PRIVATE/, 'nothing of the key is told');
};

for my $version ('TLSv1_2', 'TLSv1_3') {
	subtest "many lines, $version" => sub {
		my $daemon = start(MaxLineLength => 1048576);
		my $client = dial($daemon, SSL_version => $version) or return fail("shake hands: $LogCollectd::Tls::error");
		is($client->socket->get_sslversion, $version, 'is spoken');
		my $lines = 50_000;
		ok($client->send(join '', map { record(ERROR => "$version line $_") . "\n" } 1 .. $lines), 'sent at once');
		my $long = 'l' x (1048576 - length record(ERROR => ''));
		$client->send(record(ERROR => $long) . "\n" . record(ERROR => "l$long") . "\n");
		$client->finish;
		my %verdicts;
		$verdicts{$_}++ for verdicts $client->rest;
		is_deeply(\%verdicts, {received => $lines + 1, too_long => 1}, 'answered, with the longest line');
		my @stored = $daemon->messages;
		is(pop @stored, $long, 'which is stored');
		is(scalar(grep { $stored[$_ - 1] ne "$version line $_" } 1 .. $lines), 0, 'all in order');
		is(scalar @stored, $lines, 'once');
		is($daemon->stop, 0, 'stops');
	};
}

subtest 'every cut' => sub {
	my $daemon = start();
	my $client = dial($daemon);
	my $text = join '', map { record(ERROR => "piece $_") . "\n" } 1 .. 3;
	$client->send($_) for split //, $text;
	is_deeply([verdicts $client->lines(3)], [('received') x 3], 'a record for each byte');
	is($daemon->stop, 0, 'stops');
};

subtest 'what is not spoken' => sub {
	my $daemon = start(Listen => ['127.0.0.1:0 tls', '127.0.0.1:0']);
	my @s_client = ('s_client', '-connect', '127.0.0.1:' . $daemon->port, '-cipher', 'ALL:@SECLEVEL=0');
	for my $old (qw(-tls1 -tls1_1)) {
		my (undef, $out, $err) = $daemon->run_command('openssl', @s_client, $old);
		like("$out$err", qr/alert protocol version|unsupported protocol/, "$old is refused");
	}
	for my $cipher ('AES128-SHA', 'ECDHE-ECDSA-AES128-SHA', 'aNULL') {
		my (undef, $out, $err) = $daemon->run_command('openssl', @s_client[0 .. 2], '-tls1_2', '-cipher', "$cipher:\@SECLEVEL=0");
		like("$out$err", qr/alert handshake failure/, "$cipher is refused");
	}
	my (undef, $out, $err) = $daemon->run_command('sh', '-c', '(echo R; sleep 1) | exec "$@"', 'sh', 'openssl', @s_client[0 .. 2], '-tls1_2');
	like("$out$err", qr/no renegotiation|RENEGOTIATING\n.*error/s, 'renegotiation is refused');
	unlike("$out$err", qr/^Compression: (?!NONE)/m, 'nothing is compressed');
	is_deeply([verdicts $daemon->connect(nth => 1)->ask('1')], ['not_object'], 'beside it a plain listener serves');
	is($daemon->stop, 0, 'stops');
	my $new = start(TLSProtocols => 'TLSv1.3', TLSCiphers => 'TLS_CHACHA20_POLY1305_SHA256');
	ok(!dial($new, SSL_version => 'TLSv1_2'), 'TLSProtocols: 1.3 alone');
	my $client = dial($new);
	is($client->socket->get_cipher, 'TLS_CHACHA20_POLY1305_SHA256', 'TLSCiphers: the one suite') if ok($client, '1.3 is spoken');
	is($new->stop, 0, 'stops');
	my %count = $new->counted;
	is($count{handshake_failed}, 1, 'the failure is counted');
};

subtest 'sessions' => sub {
	my $daemon = start(Workers => 3);
	for my $version ('-tls1_2', '-tls1_3') {
		my $file = "$dir/session$version";
		my @said;
		for my $worker ($daemon->workers) {
			my @others = grep { $_ != $worker } $daemon->workers;
			kill STOP => @others;
			push @said, resume($daemon, $file, $version);
			kill CONT => @others;
		}
		is_deeply(\@said, ['received', ('received resumed') x 2], "$version: all workers know it again");
		my @workers = $daemon->workers;
		$daemon->write_conf($daemon->{conf} . 'ThreadsPerWorker 10' . substr($version, -1) . "\n");
		is(reload($daemon), 'reloaded', 'a reload');
		isnt(($daemon->workers)[-1], $workers[-1], 'with new workers');
		is(resume($daemon, $file, $version), 'received resumed', 'and so do these');
	}
	is($daemon->stop, 0, 'stops');
};

subtest 'certificates of clients' => sub {
	my @good    = LogCollectd::Tls::certificate($dir, 'web1', $authority, subject => '/O=A "quoted\\\\ one"/CN=web1, J' . "\xc3\xb6rg");
	my @expired = LogCollectd::Tls::certificate($dir, 'expired', $authority, not_after => '20210101000000Z');
	my @foreign = LogCollectd::Tls::certificate($dir, 'foreign', $stranger);
	my $use = sub ($certificate, $key) { return (SSL_cert_file => $certificate, SSL_key_file => $key) };
	# With TLS 1.3 a client learns after its own handshake that it was refused.
	my $serves = sub ($daemon, @how) {
		my $client = dial($daemon, @how) or return 'refused';
		return join(' ', verdicts $client->ask(record(ERROR => 'x'))) || 'refused';
	};
	for my $version ('TLSv1_2', 'TLSv1_3') {
		for my $case (['none', 'received', 'received', 'received', 'received'], ['optional', 'received', 'received', 'refused', 'refused'],
			['require', 'refused', 'received', 'refused', 'refused']) {
			my ($mode, @expected) = @$case;
			my $daemon = start(TLSVerifyClient => $mode, TLSClientCAFile => $authority, LogFormat => 'json');
			my @got = map { $serves->($daemon, SSL_version => $version, @$_) } [], map { [$use->(@$_)] } \@good, \@expired, \@foreign;
			is_deeply(\@got, \@expected, "$version, $mode: without one, good, expired, foreign");
			my @subjects = grep { /"subject"/ } $daemon->log_lines;
			is(scalar @subjects, $mode eq 'none' ? 0 : 1, 'who has shown one is named');
			like($subjects[0], qr/"client": "127\.0\.0\.1", "subject": "CN=web1\\\\, J\\\\C3\\\\B6rg,O=A \\\\\\"quoted\\\\\\\\ one\\\\\\"", "level": "ERROR"/,
				'as RFC 2253 has it, in JSON') if @subjects;
			is($daemon->stop, 0, 'stops');
			my %count = $daemon->counted;
			is($count{handshake_failed}, scalar(grep { $_ eq 'refused' } @expected), 'who was refused is counted');
		}
	}
	# A ticket does not get round other authorities.
	my $cas = "$dir/cas.pem";
	write_file($cas, slurp($authority));
	my $daemon = start(TLSVerifyClient => 'require', TLSClientCAFile => $cas);
	for my $version ('-tls1_2', '-tls1_3') {
		my @how = ("$dir/client$version", $version, '-cert', $good[0], '-key', $good[1]);
		is(resume($daemon, @how), 'received', "$version: a client with a ticket");
		is(resume($daemon, @how), 'received resumed', 'uses it');
	}
	write_file($cas, slurp($stranger));
	is(reload($daemon), 'reloaded', 'when its authority is not trusted any more');
	for my $version ('-tls1_2', '-tls1_3') {
		like(resume($daemon, "$dir/client$version", $version, '-cert', $good[0], '-key', $good[1]), qr/^refused/, "$version: it is of no use");
	}
	is($daemon->stop, 0, 'stops');
};

subtest 'reloads' => sub {
	my ($file, $keyfile) = ("$dir/live.pem", "$dir/live.key");
	my @second = LogCollectd::Tls::certificate($dir, 'second', $authority);
	write_file($file, slurp($certificate));
	write_file($keyfile, slurp($key));
	my $daemon = LogCollectd->start(Listen => '127.0.0.1:0 tls', TLSCertificateFile => $file, TLSCertificateKeyFile => $keyfile);
	my $old = dial($daemon);
	is(subject_of($old), 'localhost', 'the first certificate');
	my @workers = $daemon->workers;
	is(reload($daemon), 'reloaded', 'a reload without a change');
	is_deeply([$daemon->workers], \@workers, 'leaves the workers alone');
	write_file($file, slurp($second[0]));
	is(reload($daemon), 'reload failed', 'a certificate whose key is another one');
	like($daemon->errors, qr/error: TLSCertificateKeyFile: the key in \Q$keyfile\E is not that of the certificate in \Q$file\E/, 'is told');
	is(subject_of(dial($daemon)), 'localhost', 'and changes nothing');
	is_deeply([$daemon->workers], \@workers, 'no worker');
	write_file($keyfile, slurp($second[1]));
	is(reload($daemon), 'reloaded', 'with its key');
	# Those who come before the old workers have heard of it are theirs.
	ok(wait_until { subject_of(dial($daemon)) eq 'second' }, 'new clients get it');
	is_deeply([verdicts $old->ask(record(ERROR => 'old one'))], ['received'], 'an old connection goes on');
	write_file($file, 'nonsense');
	is(reload($daemon), 'reload failed', 'nonsense');
	like($daemon->errors, qr/error: TLSCertificateFile: there is no certificate in \Q$file\E, it must be in PEM form/, 'is told');
	unlink $file;
	is(reload($daemon), 'reload failed', 'so is a missing file');
	is(subject_of(dial($daemon)), 'second', 'which changes nothing either');
	$daemon->write_conf($daemon->{conf} =~ s/ tls$//mr);
	is(reload($daemon), 'reloaded', 'without tls nobody looks at it');
	ok(wait_until { "@{[verdicts $daemon->ask('1')]}" eq 'not_object' }, 'the same port is plain now');
	is_deeply([verdicts $old->ask(record(ERROR => 'old one'))], ['received'], 'and the old connection still goes on');
	is($daemon->stop, 0, 'stops');
	is_deeply([$daemon->messages], [('old one') x 2], 'nothing is lost');
};

subtest 'mistakes' => sub {
	my ($expired, $expired_key) = LogCollectd::Tls::certificate($dir, 'late', $authority, not_after => '20210101000000Z');
	LogCollectd::Tls::openssl('ec', '-in', $key, '-aes128', '-passout', 'pass:secret', '-out', "$dir/locked.key");
	my $daemon = LogCollectd->new(Listen => '127.0.0.1:0 tls');
	my $try = sub (%settings) {
		$daemon->write_conf($daemon->{conf} . join '', map { "$_ $settings{$_}\n" } sort keys %settings);
		my ($status, $out, $err) = $daemon->run('-t', '-f', $daemon->conf_file);
		return $status . ' ' . $out . $err;
	};
	like($try->(), qr/^78 (?:\S+: )?TLSCertificateFile: must name the server's certificate/, 'no certificate');
	like($try->(@pair), qr/^0 Syntax OK/, 'a good pair');
	like($try->(TLSCertificateFile => $certificate), qr/^78 (?:\S+: )?TLSCertificateFile: there is no private key in .*PEM form/, 'no key in it');
	like($try->(@pair, TLSCertificateKeyFile => "$dir/locked.key"), qr/^78 (?:\S+: )?TLSCertificateKeyFile: a passphrase is wanted .* use a key without one/, 'a locked key');
	like($try->(@pair, TLSCertificateKeyFile => $expired_key), qr/^78 (?:\S+: )?TLSCertificateKeyFile: the key in \S+ is not that of/, 'another key');
	like($try->(@pair, TLSCertificateFile => '/dev/null'), qr/^78 (?:\S+: )?TLSCertificateFile: cannot read .* no regular file/, 'no file');
	like($try->(@pair, TLSVerifyClient => 'require'), qr/^78 (?:\S+: )?TLSClientCAFile: must name the authorities/, 'nobody to trust');
	like($try->(@pair, TLSClientCAFile => $key), qr/^78 (?:\S+: )?TLSClientCAFile: there is no certificate in/, 'no authority');
	like($try->(@pair, TLSCiphers => 'ECDHE+AESGCM:NONSENSE'), qr/^78 (?:\S+: )?TLSCiphers: 'NONSENSE' stands for no cipher/, 'no such cipher');
	like($try->(@pair, TLSCiphers => 'TLS_NONSENSE'), qr/^78 (?:\S+: )?TLSCiphers: 'TLS_NONSENSE' stands for no cipher/, 'no such suite');
	my @rsa_only = (@pair, TLSCiphers => 'ECDHE-RSA-AES128-GCM-SHA256');
	like($try->(@rsa_only), qr/^78 (?:\S+: )?TLSCiphers: none for TLS 1\.2 goes with the key, which is one of elliptic curves: allow some/, 'none for this key');
	like($try->(@rsa_only, TLSProtocols => 'TLSv1.3'), qr/^0 Syntax OK/, 'which needs none with TLS 1.3 alone');
	like($try->(@pair, TLSCiphers => 'ECDHE+AESGCM', TLSProtocols => 'TLSv1.2 TLSv1.3'), qr/^0 Syntax OK/, 'one that goes with it');
	like($try->(@pair, TLSProtocols => 'TLSv1.1'), qr/^78 .*TLSProtocols: must be TLSv1\.2, TLSv1\.3 or both/, 'too old a protocol');
	like($try->(TLSCertificateFile => $expired, TLSCertificateKeyFile => $expired_key), qr/^0 .*has expired on 2021-01-01/s, 'an expired one is a warning');
	like($try->(TLSCertificateFile => "$dir/none", TLSVerifyClient => 'require'), qr/cannot read.*\n.*TLSClientCAFile/, 'all mistakes are told');
	like($try->(Listen => '127.0.0.1:0'), qr/^78/, 'a later line does not take it back');
	my ($status) = $daemon->run('-f', $daemon->conf_file);
	is($status, 78, 'nor does it start so');
	write_file("$dir/both.pem", slurp($certificate) . slurp($key));
	like($try->(TLSCertificateFile => "$dir/both.pem"), qr/^0 Syntax OK/, 'both in one file');
};

done_testing;
