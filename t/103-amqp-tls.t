# SPDX-License-Identifier: ISC
# Forwarding to RabbitMQ over TLS, with a name and a password: who is not who he should be gets nothing, which is told once, and what
# was not sent is sent when that was mended.
use v5.36;
use FindBin;
use Test::More;
use IO::Socket::INET;
use LogCollectd;
use LogCollectd::Engine;
use LogCollectd::Rabbit;

BEGIN {
	plan skip_all => 'built without the AMQP driver' if !-e ($ENV{BUILD} // 'build') . '/lib/logcollectd/amqp.so';
	plan skip_all => 'there is no IO::Socket::SSL here' if !eval { require IO::Socket::SSL };
}
use Pki;
use TlsProxy;

if (!LogCollectd::Rabbit::installed()) {
	die "there is no RabbitMQ\n" if $ENV{REQUIRE_PEERS};
	plan skip_all => 'there is no RabbitMQ here';
}

my $dir     = File::Temp->newdir('logcollectd-tls-XXXXXX', TMPDIR => 1);
my $pki     = Pki->new('Ours');
my $foreign = Pki->new('Theirs');
my $server  = $pki->issue('127.0.0.1', names => ['IP:127.0.0.1']);
my $client  = $pki->issue('collector');
my $ca      = 'ca=' . $pki->ca;
my $tls     = "$ca cert=$client->{cert} key=$client->{key}";

chmod 0755, $dir;

my $password = write_file("$dir/password", "se cret\n", 0600);
my $auth     = "user=logs passfile=$password";
my $rabbit   = LogCollectd::Rabbit->start(count => 1, user => 'logs', password => 'se cret', ca => $pki->ca, %$server);
my @reader   = ('--ca', $pki->ca, '--cert', $client->{cert}, '--key', $client->{key}, '--user', 'logs', '--passfile', $password);

# The same broker, asked over TLS.
{
	package Secure;
	use parent -norequire, 'LogCollectd::Engine';
	sub address { return $rabbit->secure_address }
}
my $engine = bless {}, 'Secure';
my $any; # a daemon in whose folder logcollect-cat runs

sub arrived ($key, $count) { return [$engine->numbers($any, $count, "routing-key=$key", @reader)] }

sub forward ($key, $address, $tls, $auth, @more) {
	my $daemon = start_forwarding(Forward => "$address routing-key=$key", ForwardTLS => $tls, ForwardAuth => $auth, @more);
	send_numbered($daemon, 1, 50);
	return $daemon;
}

sub said ($daemon) { return grep { /Forward: (?:refused|the engine is away)/ } split /\n/, $daemon->errors }

my $late   = $pki->issue('127.0.0.1', names => ['IP:127.0.0.1'], from => -3, until => -1);
my $expired = TlsProxy->start($rabbit->{nodes}[0]{port}, SSL_cert_file => $late->{cert}, SSL_key_file => $late->{key});
my $stray  = $foreign->issue('collector');
my $wrong  = write_file("$dir/wrong", 'secret', 0600);
my $silent = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1') or die "port: $!";

# [what, where, ForwardTLS, ForwardAuth, state, what the log says]; all of them at the same time, so that each is tried more than once.
my @refused = (
	['a foreign authority', $rabbit->secure_address, "ca=@{[$foreign->ca]} cert=$client->{cert} key=$client->{key}", $auth, 'refused',
		qr/127\.0\.0\.1: its certificate is not trusted: self-signed certificate in certificate chain/],
	['an expired certificate', 'amqp://127.0.0.1:' . $expired->port, $tls, $auth, 'refused', qr/its certificate is not trusted: certificate has expired/],
	['another name', $rabbit->secure_address('localhost'), $tls, $auth, 'refused', qr/localhost: its certificate is not trusted: hostname mismatch/],
	['no certificate of our own', $rabbit->secure_address, $ca, $auth, 'refused', qr/TLS: .*alert certificate required/],
	['one that the broker does not trust', $rabbit->secure_address, "$ca cert=$stray->{cert} key=$stray->{key}", $auth, 'refused', qr/TLS: .*alert unknown ca/],
	['a wrong password', $rabbit->secure_address, $tls, "user=logs passfile=$wrong", 'refused', qr/ACCESS_REFUSED - Login was refused/],
	['no password', $rabbit->secure_address, $tls, 'off', 'refused', qr/ACCESS_REFUSED - Login was refused/],
	['TLS to a plain port', $rabbit->address, $tls, $auth, 'refused', qr/127\.0\.0\.1: TLS: this port does not speak TLS/],
	['no TLS to a port that wants it', $rabbit->secure_address, 'off', $auth, 'away', qr/log in without TLS, which the port may want: /],
	['a port that says nothing', 'amqp://127.0.0.1:' . $silent->sockport, $tls, $auth, 'away', qr/127\.0\.0\.1: /],
);
my @daemons = map { forward('refused', @$_[1 .. 3]) } @refused;
$any = $daemons[0];

my $proxy   = TlsProxy->start($rabbit->{nodes}[0]{port}, SSL_cert_file => $server->{cert}, SSL_key_file => $server->{key});
my $stalled = start_forwarding(Forward => 'amqp://127.0.0.1:' . $proxy->port . ' routing-key=stalled', ForwardTLS => $tls, ForwardAuth => $auth,
	ForwardBatch => '33554432 linger=2000');
send_numbered($stalled, 1, 50);
is_deeply(arrived('stalled', 50), [1 .. 50], 'records go through a proxy');
# It reads no more, though its kernel acknowledges what comes until its buffers are full.
kill STOP => LogCollectd::processes(sub ($parent, $group) { $parent == $proxy->{pid} });
for my $n (1 .. 8) {
	my $sender = $stalled->connect;
	$sender->send(join '', map { record(ERROR => 'much ' . 'x' x 60_000) . "\n" } 1 .. 50);
	$sender->lines(50);
}

subtest 'all is right' => sub {
	my $daemon = forward('right', $rabbit->secure_address, $tls, $auth);
	is_deeply(arrived('right', 50), [1 .. 50], 'records arrive');
	is_deeply([said($daemon)], [], 'nothing is said');

	my $before = forwarder($daemon);
	write_file("$dir/password", 'wrong', 0600);
	$daemon->signal('HUP');
	ok(wait_until { $daemon->errors =~ /: reloaded$/m }, 'a reload');
	send_numbered($daemon, 51, 100);
	ok(wait_until { grep { /ACCESS_REFUSED/ } said($daemon) }, 'reads the password again');
	write_file("$dir/password", "se cret\r\nand a line that means nothing\n", 0600);
	$daemon->signal('HUP');
	is_deeply(arrived('right', 100), [1 .. 100], 'and once more: nothing is lost');
	is(forwarder($daemon), $before, 'by the same process');
	write_file("$dir/password", "se cret\n", 0600);
	is($daemon->stop, 0, 'stops');
};

subtest 'certificates that are renewed in their files' => sub {
	my $cert = write_file("$dir/renewed.crt", slurp($stray->{cert}));
	my $key  = write_file("$dir/renewed.key", slurp($stray->{key}), 0600);
	my $daemon = forward('renewed', $rabbit->secure_address, "$ca cert=$cert key=$key", $auth);
	ok(wait_until { grep { /unknown ca/ } said($daemon) }, 'one that is not trusted');
	write_file("$dir/renewed.crt", slurp($client->{cert}));
	$daemon->signal('HUP');
	ok(wait_until { $daemon->errors =~ /error: .*ForwardTLS: the key in \S+ is not that of the certificate in/ }, 'a pair that does not fit is refused');
	write_file("$dir/renewed.key", slurp($client->{key}), 0600);
	$daemon->signal('HUP');
	is_deeply(arrived('renewed', 50), [1 .. 50], 'a good one is taken');
	is($daemon->stop, 0, 'stops');
};

subtest 'files that cannot be read' => sub {
	my $path   = "$dir/later";
	my $daemon = forward('later', $rabbit->secure_address, $tls, "user=logs passfile=$path");
	ok(wait_until { $daemon->errors =~ m{Forward: refused: ForwardAuth: cannot read the password in $path: No such file} }, 'a password that is not there');
	ok(wait_until { (figure($daemon, 'state') // '') eq 'refused' }, 'the state');
	write_file("$dir/later", 'se cret', 0644);
	$daemon->signal('HUP');
	is_deeply(arrived('later', 50), [1 .. 50], 'is looked for again at a reload');
	like($daemon->errors, qr/warning: ForwardAuth: everybody can read $path, have chmod o-r $path/, 'one that everybody can read is told');
	is($daemon->stop, 0, 'stops');
	SKIP: {
		skip 'needs root', 2 if $> != 0;
		my $other = forward('later', $rabbit->secure_address, $tls, $auth, User => 'nobody');
		ok(wait_until { $other->errors =~ /cannot read the password in \S+: Permission denied; the account of the workers must be able to/ },
			'one that the account of the workers cannot read') or diag $other->errors;
		is($other->stop, 0, 'stops');
	}
};

subtest 'logcollect-cat' => sub {
	my $cat = sub ($address, @options) {
		my ($status, $out, $err) = $any->run_command(LogCollectd::program('logcollect-cat'), @options, $address, 'routing-key=right');
		return "$status " . ($out =~ tr/\n//) . " $err";
	};
	my @tls  = @reader[0 .. 5];
	my @auth = @reader[6 .. 9];
	my $secure = $rabbit->secure_address;
	like($cat->($secure, @reader), qr/^0 100 $/, 'reads over TLS');
	like($cat->($secure, '--tls', @auth), qr/^69 0 .*its certificate is not trusted: /, "the system's authorities do not know ours");
	like($cat->($secure, '--ca', $foreign->ca, @auth), qr/^69 0 .*its certificate is not trusted: /, 'nor does another');
	like($cat->($secure, '--ca', $pki->ca, @auth), qr/^69 0 .*alert certificate required/, 'without a certificate');
	like($cat->($secure, @tls), qr/^69 0 .*ACCESS_REFUSED/, 'without a password');
	like($cat->($secure, @tls, '--user', 'logs', '--passfile', $wrong), qr/^69 0 .*ACCESS_REFUSED/, 'with a wrong one');
	like($cat->($secure, @tls, '--user', 'logs', '--passfile', "$dir/none"), qr/^66 0 .*--passfile: cannot read the password in \S+: No such file/, 'no file');
	like($cat->($secure, @tls, '--user', 'logs', '--passfile', '/dev/null'), qr/^66 0 .*first line is empty/, 'an empty one');
	like($cat->($secure, @auth), qr/^75 0 .*log in without TLS/, 'without TLS');
	like($cat->($rabbit->address, @reader), qr/^69 0 .*this port does not speak TLS/, 'with TLS to a plain port');
	like($cat->($secure, '--ca', "$dir/none", @auth), qr/^69 0 .*TLS: cannot use \S+none: No such file/, 'an authority that is not there');
	like($cat->($secure, '--cert', $client->{cert}, @auth), qr/^64 0 .*--cert and --key go together/, 'a certificate alone');
	like($cat->($secure, '--user', 'logs'), qr/^64 0 .*--user and --passfile go together/, 'a name alone');
};

subtest 'mistakes' => sub {
	my $text = write_file("$dir/text", "no certificate\n");
	my $long = write_file("$dir/long", 'x' x 2000, 0600);
	my @cases = (
		[ForwardTLS => "ca=$dir/none", qr/cannot read \S+none: No such file/],
		[ForwardTLS => "ca=$dir", qr/cannot read \S+: it is no regular file/],
		[ForwardTLS => "ca=$text", qr/there is no certificate in \S+text, it must be in PEM form/],
		[ForwardTLS => "cert=$client->{cert} key=$stray->{key}", qr/the key in \S+ is not that of the certificate in \S+, its own is wanted/],
		[ForwardTLS => "cert=$client->{cert} key=$client->{cert}", qr/there is no private key in \S+, it must be in PEM form/],
		[ForwardTLS => "cert=$client->{cert}", qr/cert= and key= go together/],
		[ForwardTLS => 'perhaps', qr/'perhaps': must be on, off, or files as in ca=/],
		[ForwardTLS => "$ca pin=1", qr/'pin=1': must be on, off, or files as in ca=/],
		[ForwardAuth => "user=logs passfile=$dir/none", qr/cannot read the password in \S+none: No such file/],
		[ForwardAuth => "user=logs passfile=$dir", qr/cannot read the password in \S+: Is a directory/],
		[ForwardAuth => 'user=logs passfile=/dev/null', qr/its first line is empty, and must be the password/],
		[ForwardAuth => "user=logs passfile=$long", qr/its first line is longer than a password may be/],
		[ForwardAuth => 'user=logs', qr/user= and passfile= go together/],
		[ForwardAuth => "user=logs password=x", qr/'password=x': must be off, or as in user=logs passfile=/],
		[ForwardAuth => 'on', qr/'on': must be off, or as in user=logs passfile=/],
		[Forward => 'kafka://127.0.0.1:1 topic=logs mechanism=DIGEST', qr/mechanism must be one of PLAIN\|SCRAM-SHA-256\|SCRAM-SHA-512, not 'DIGEST'/],
	);
	my $try = sub (%settings) {
		my $daemon = LogCollectd->new(Forward => 'amqp://127.0.0.1:1', %settings);
		my ($status, $out, $err) = $daemon->run('-t', '-f', $daemon->conf_file);
		return "$status $out$err";
	};
	for my $case (@cases) {
		my ($directive, $value, $wrong) = @$case;
		next if $directive eq 'Forward' && !-e ($ENV{BUILD} // 'build') . '/lib/logcollectd/kafka.so';
		like($try->($directive => $value), qr/^78 \S+logcollectd\.conf:\d+: $directive: .*$wrong/, "$directive $value");
	}
	like($try->(ForwardTLS => "ca=$dir/none", ForwardAuth => "user=x passfile=$dir/none"), qr/ForwardTLS: .*\n.*ForwardAuth: /, 'all mistakes are told');
	like($try->(Forward => 'off', ForwardTLS => "ca=$dir/none"), qr/^0 Syntax OK/, 'nobody looks where nothing is forwarded');
	like($try->(ForwardTLS => $tls, ForwardAuth => $auth), qr/^0 Syntax OK$/, 'good ones');
	my $shown = write_file("$dir/shown", 'secret', 0644);
	like($try->(ForwardAuth => "user=x passfile=$shown"), qr/^0 .*conf:\d+: ForwardAuth: everybody can read $shown/s, 'a warning');
	like($try->(ForwardTLS => "$ca cert=$late->{cert} key=$late->{key}"), qr/^0 .*conf:\d+: ForwardTLS: the certificate in \S+ has expired/s, 'another');
};

subtest 'a name that is not found for a long time' => sub {
	is_not_held_up_by_names('127.0.0.53', 'amqp://broker.example routing-key=named', $rabbit->address . ' routing-key=named', ForwardAuth => $auth);
};

subtest 'a broker that takes no more' => sub {
	ok((wait_until { $stalled->errors =~ /Forward: the engine is away: publish: / } 60), 'is given up') or diag $stalled->errors;
	kill CONT => LogCollectd::processes(sub ($parent, $group) { $parent == $proxy->{pid} });
	ok((wait_until { figure($stalled, 'lag_bytes') == 0 } 60), 'all is sent when it goes on');
	is(scalar(my @records = $engine->messages($stalled, 'routing-key=stalled', @reader)), 450, 'once');
	is($stalled->stop, 0, 'stops');
};

for my $i (0 .. $#refused) {
	my ($what, undef, undef, undef, $state, $why) = @{ $refused[$i] };
	subtest $what => sub {
		my $daemon = $daemons[$i];
		ok(wait_until { grep { /$why/ } said($daemon) }, 'is told, with the reason') or diag $daemon->errors;
		# On a busy machine it may be away in between.
		my @news = map { /Forward: (refused|the engine is away)/ } said($daemon);
		is(scalar(grep { $news[$_] eq $news[$_ - 1] } 1 .. $#news), 0, 'not with each try') or diag $daemon->errors;
		ok(wait_until { (figure($daemon, 'state') // '') eq $state }, "the state is $state");
		is(figure($daemon, 'batches'), 0, 'nothing was sent');
		is($daemon->stop, 0, 'stops');
	};
}
is_deeply([$engine->messages($any, 'routing-key=refused', @reader)], [], 'the broker has nothing of them');
like($engine->{said}, qr/NOT_FOUND/, 'not even a queue');

done_testing;
