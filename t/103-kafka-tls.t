# SPDX-License-Identifier: ISC
# Forwarding to Kafka over TLS, with a name and a password, as t/103-amqp-tls.t for RabbitMQ.  librdkafka's mock knows neither: a proxy
# in front of it does.
use v5.36;
use FindBin;
use Test::More;
use IO::Socket::INET;
use LogCollectd;
use LogCollectd::Engine;
use LogCollectd::Kafka;

BEGIN {
	plan skip_all => 'built without the Kafka driver' if !-x LogCollectd::Kafka::program();
	# It starts threads in a way that the sanitizer does not see.
	plan skip_all => 'librdkafka does not run under ThreadSanitizer' if ($ENV{BUILD} // '') =~ /-thread\b/;
	plan skip_all => 'there is no IO::Socket::SSL here' if !eval { require IO::Socket::SSL };
}
use KafkaProxy;
use Pki;

my $dir     = File::Temp->newdir('logcollectd-tls-XXXXXX', TMPDIR => 1);
my $pki     = Pki->new('Ours');
my $foreign = Pki->new('Theirs');
my $client  = $pki->issue('collector');
my $stray   = $foreign->issue('collector');
my $ca      = 'ca=' . $pki->ca;
my $tls     = "$ca cert=$client->{cert} key=$client->{key}";

my $password = write_file("$dir/password", "se cret\n", 0600);
my $auth     = "user=logs passfile=$password";
my $wrong    = write_file("$dir/wrong", 'secret', 0600);

# Brokers behind a proxy that has this certificate and lets our clients in.
sub brokers (%how) {
	my $kafka  = LogCollectd::Kafka->start;
	my $server = $pki->issue('broker', names => ['IP:127.0.0.2'], %how);
	my $proxy  = KafkaProxy->start($kafka, user => 'logs', password => 'se cret', tls => { SSL_cert_file => $server->{cert},
		SSL_key_file => $server->{key}, SSL_ca_file => $pki->ca, SSL_verify_mode => 3 });
	return ($kafka, $proxy);
}

my ($kafka, $proxy)          = brokers();
my ($kafka_late, $late)      = brokers(from => -3, until => -1);
my ($kafka_other, $other)    = brokers(names => ['IP:127.0.0.9']);
my $silent = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1') or die "port: $!";

sub forward ($address, $tls, $auth, $options = '') {
	my $daemon = start_forwarding(Forward => "$address topic=logs $options", ForwardTLS => $tls, ForwardAuth => $auth);
	send_numbered($daemon, 1, 50);
	return $daemon;
}

sub said ($daemon) { return grep { /Forward: (?:refused|the engine is away)/ } split /\n/, $daemon->errors }

# All of them at the same time, so that each is tried more than once.
my @refused = (
	['a foreign authority', $proxy->address, "ca=@{[$foreign->ca]} cert=$client->{cert} key=$client->{key}", $auth, 'refused',
		qr/127\.0\.0\.2:\d+\S*: its certificate is not trusted: self-signed certificate in certificate chain/],
	['an expired certificate', $late->address, $tls, $auth, 'refused', qr/its certificate is not trusted: certificate has expired/],
	['another name', $other->address, $tls, $auth, 'refused', qr/its certificate is not trusted: IP address mismatch/],
	['no certificate of our own', $proxy->address, $ca, $auth, 'refused', qr/alert certificate required/],
	['one that the broker does not trust', $proxy->address, "$ca cert=$stray->{cert} key=$stray->{key}", $auth, 'refused', qr/alert unknown ca/],
	['a wrong password', $proxy->address, $tls, "user=logs passfile=$wrong", 'refused', qr/SASL authentication error: Invalid username or password/],
	['another mechanism', "@{[$proxy->address]} mechanism=SCRAM-SHA-256", $tls, $auth, 'refused', qr/SASL.*(?:unsupported|not supported|Unsupported)/],
	['no TLS to a port that wants it', $proxy->address, 'off', $auth, 'away', qr/connecting to a SSL listener\?/],
	['TLS to a plain port', $kafka->address, $tls, $auth, 'away', qr/connecting to a PLAINTEXT broker listener\?|Disconnected/],
	['a port that says nothing', 'kafka://127.0.0.1:' . $silent->sockport, 'off', 'off', 'away', qr/./],
	['an authority that is not there', $proxy->address, "ca=$dir/none", $auth, 'refused', qr{TLS: cannot use $dir/none: No such file}],
);
my @daemons = map { forward(@$_[1 .. 3]) } @refused;

subtest 'a wrong password' => sub {
	my $own    = write_file("$dir/own", 'wrong', 0600);
	my $daemon = forward($proxy->address, $tls, "user=logs passfile=$own");
	ok(wait_until { (figure($daemon, 'state') // '') eq 'refused' }, 'is refused');
	send_numbered($daemon, 51, 100);
	write_file("$dir/own", "se cret\n", 0600);
	$daemon->signal('HUP');
	is_deeply([$kafka->numbers($daemon, 100, 'topic=logs')], [1 .. 100], 'nothing is lost: with the right one, and a reload, all arrive');
	is(scalar(grep { /Invalid username or password/ } said($daemon)), 1, 'it was told once');
	write_file("$dir/own", 'wrong', 0600);
	$daemon->signal('HUP');
	ok(wait_until { 2 == (() = $daemon->errors =~ /: reloaded$/mg) }, 'another reload');
	send_numbered($daemon, 101, 150);
	ok(wait_until { figure($daemon, 'state') eq 'refused' }, 'reads the file again');
	write_file("$dir/own", 'se cret', 0600);
	$daemon->signal('HUP');
	is_deeply([$kafka->numbers($daemon, 150, 'topic=logs')], [1 .. 150], 'and again');
	is($daemon->stop, 0, 'stops');
};

subtest 'a name that is not found for a long time' => sub {
	is_not_held_up_by_names('127.0.0.54', 'kafka://broker.example topic=named', $kafka->address . ' topic=named');
};

subtest 'logcollect-cat' => sub {
	my $cat = sub ($address, @options) {
		my ($status, $out, $err) = $daemons[0]->run_command(LogCollectd::program('logcollect-cat'), @options, $address, 'topic=logs');
		return "$status " . ($out =~ tr/\n//) . " $err";
	};
	my @tls  = ('--ca', $pki->ca, '--cert', $client->{cert}, '--key', $client->{key});
	my @auth = ('--user', 'logs', '--passfile', $password);
	like($cat->($proxy->address, @tls, @auth), qr/^0 150 $/, 'reads over TLS');
	like($cat->($proxy->address, '--tls', @auth), qr/^69 0 .*its certificate is not trusted: /, "the system's authorities do not know ours");
	like($cat->($other->address, @tls, @auth), qr/^69 0 .*its certificate is not trusted: IP address mismatch/, 'another name');
	like($cat->($late->address, @tls, @auth), qr/^69 0 .*certificate has expired/, 'an expired certificate');
	like($cat->($proxy->address, '--ca', $pki->ca, @auth), qr/^69 0 .*alert certificate required/, 'without a certificate');
	like($cat->($proxy->address, @tls, '--user', 'logs', '--passfile', $wrong), qr/^69 0 .*Invalid username or password/, 'with a wrong password');
	like($cat->($proxy->address, @tls), qr/^75 0 \S+: ./, 'without one');
	like($cat->($proxy->address, @auth), qr/^75 0 .*connecting to a SSL listener\?/, 'without TLS');
	like($cat->($proxy->address, '--ca', "$dir/none", @auth), qr/^69 0 .*TLS: cannot use \S+none: No such file/, 'an authority that is not there');
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
is_deeply([$_->messages($daemons[0], 'topic=logs')], [], 'these brokers have nothing') for $kafka_late, $kafka_other;

done_testing;
