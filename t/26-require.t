# SPDX-License-Identifier: ISC
# Who may connect, whose lines are not counted, and what is known of those who were turned away.
use v5.36;
use JSON::PP qw(decode_json);
use Test::More;
use Counted;
use LogCollectd;

sub of_ctl ($daemon, @command) {
	my ($status, $out, $err) = $daemon->run_command($ctl, '-s', "$daemon->{dir}/board", @command);
	is($status . $err, '0', "logcollectctl @command");
	return $out;
}

# {address => how often}
sub denied ($daemon) {
	return { map { $_->{address} => $_->{denied} } @{ decode_json(of_ctl($daemon, qw(denied --json))) } };
}

# What a client from that address is told of one record.
sub told ($daemon, $address) {
	my $client = $daemon->connect(local => $address, nth => $address =~ /:/ ? 1 : 0);
	$client->send(record(ERROR => $address) . "\n");
	return join ' ', verdicts $client->finish->rest;
}

subtest 'rules' => sub {
	my $daemon = start_counted(Listen => ['127.0.0.1:0', '[::1]:0'], Workers => 3);
	my @clients = ('127.0.0.1', '127.0.0.9', '127.1.0.1', '::1');
	for my $case (
		[[],                                          'yes yes yes yes'],
		[['all granted'],                             'yes yes yes yes'],
		[['all denied'],                              'no no no no'],
		[['ip 127.0.0.0/24'],                         'yes yes no no'],
		[['ip 127.0.0.9', 'ip ::1'],                  'no yes no yes'],
		[['not ip 127.0.0.0/24'],                     'no no yes yes'],
		[['not ip 127.0.0.9 ::1'],                    'yes no yes no'],
		[['ip 127.0.0.0/8', 'not ip 127.0.0.9'],      'yes no yes no'],
		[['not ip 127.0.0.9', 'all granted'],         'yes no yes yes'],
		[['all denied', 'ip 127.1.0.1'],              'no no yes no'],
	) {
		my ($rules, $expected) = @$case;
		change($daemon, Require => @$rules);
		is(join(' ', map { told($daemon, $_) eq 'received' ? 'yes' : 'no' } @clients), $expected, 'hold');
	}
	is($daemon->stop, 0, 'stops');
	my %count = $daemon->counted;
	is($count{denied}, 18, 'refusals are counted');
	is($count{lines}, 22, 'and are no lines');
	is(scalar $daemon->log_lines, 22, 'nothing of them is stored');
};

subtest 'what a refused client is told' => sub {
	my $daemon = start_counted(Listen => ['127.0.0.1:0', '127.0.0.1:0 noack'], Require => 'all denied');
	is_deeply([verdicts $daemon->connect->rest], ['denied'], 'at once');
	my $client = $daemon->connect;
	$client->send(record(ERROR => 'x') . "\n");
	is_deeply([verdicts $client->rest], ['denied'], 'once, whatever it sends');
	is_deeply([$daemon->connect(nth => 1)->rest], [], 'nothing on a listener without answers');
	is_deeply(denied($daemon), {'127.0.0.1' => 3}, 'each is counted');
	unlike($daemon->errors, qr/denied/, 'and none logged');
	is($daemon->stop, 0, 'stops');
};

subtest 'open connections, on reload' => sub {
	my $daemon = start_counted(Workers => 2);
	my ($stays, $goes, $silent, $begun) = map { $daemon->connect(local => "127.0.0.$_") } 1, 2, 2, 2;
	is_deeply([verdicts $_->ask(record(ERROR => 'before'))], ['received'], 'served')
		for $stays, $goes, $silent, $begun;
	$begun->send('{"level": "ERROR",');
	ok(wait_until { $begun->arrived }, 'a line has begun');
	change($daemon, Require => 'not ip 127.0.0.2');
	is_deeply([verdicts $stays->ask(record(ERROR => 'after'))], ['received'], 'who may be there stays');
	$goes->send(join '', map { "$_\n" } (record(ERROR => 'denied')) x 5);
	is_deeply([verdicts $goes->rest], ['denied'], 'the others are told with their next line, and closed');
	$begun->send(qq( "message": "denied"}\n));
	is_deeply([verdicts $begun->rest], ['denied'], 'also one that had begun before');
	ok(!$silent->eof(0.1), 'who is silent is let be');
	change($daemon, Require => 'all granted');
	is_deeply([verdicts $silent->ask(record(ERROR => 'again'))], ['received'], 'and may have become welcome again');
	is(told($daemon, '127.0.0.2'), 'received', 'as new ones');
	my @messages = $daemon->messages;
	is(scalar(grep { /denied/ } @messages), 0, 'nothing is stored of what was refused');
	is(scalar @messages, 4 + 3, 'all else is');
	is_deeply(denied($daemon), {'127.0.0.2' => 2}, 'counted');
	is($daemon->stop, 0, 'stops');
	my %count = $daemon->counted;
	is_deeply([@count{qw(denied lines received)}], [2, 7, 7], 'in sum');
};

subtest 'a last line without its newline' => sub {
	my $daemon = start_counted();
	my $client = $daemon->connect;
	$client->ask('1');
	change($daemon, Require => 'all denied');
	$client->send(record(ERROR => 'x'));
	is_deeply([verdicts $client->finish->rest], ['denied'], 'is one');
	is($daemon->stop, 0, 'stops');
	is($daemon->log, '', 'and not stored');
};

subtest 'who was denied' => sub {
	my $daemon = start_counted(Require => 'ip 127.9.9.9', RateLimit => 'on', RateLimitMaxRequests => 5,
		RateLimitWindowSeconds => 600, RateLimitTableSize => 4);
	is_deeply(denied($daemon), {}, 'nobody yet');
	my $counted = $daemon->connect(local => '127.9.9.9');
	$counted->ask(('1') x 5);
	for my $n (1 .. 40) {
		told($daemon, "127.0.1.$n") for 1 .. ($n > 38 ? 2 : 1);
	}
	my $denied = denied($daemon);
	is(scalar keys %$denied, 40, 'all of them');
	is_deeply([@$denied{qw(127.0.1.1 127.0.1.38 127.0.1.40)}], [1, 1, 2], 'as often as they came');
	my ($head, $first, $second) = split /\n/, of_ctl($daemon, 'denied');
	like($head, qr/^address +denied +last$/, 'for people');
	like($first, qr/^127\.0\.1\.39 +2 +\d+s ago$/, 'the most frequent one first');
	is_deeply([verdicts $counted->ask('1')], ['limited'], 'strangers push nobody out of the rate limiter');
	my $json = decode_json(of_ctl($daemon, qw(status --json)));
	is($json->{counts}{denied}, 42, 'all of them in sum');
	is($json->{limiter}{addresses}, 1, 'and none in the other table');
	is($daemon->stop, 0, 'stops');
};

subtest 'too many connections are refusals too' => sub {
	my $daemon = start_counted(MaxConnectionsPerClient => 1);
	my $first = $daemon->connect;
	$first->ask('1');
	is(told($daemon, '127.0.0.1'), 'denied', 'refused') for 1 .. 3;
	is_deeply(denied($daemon), {'127.0.0.1' => 3}, 'and counted so');
	is($daemon->stop, 0, 'stops');
};

subtest 'who is exempt from the rate limit' => sub {
	my $daemon = start_counted(RateLimit => 'on', RateLimitMaxRequests => 3, RateLimitWindowSeconds => 600,
		RateLimitExempt => ['127.0.0.2 10.0.0.0/8', '127.0.2.0/24']);
	my ($counted, @exempt) = map { $daemon->connect(local => $_) } qw(127.0.0.1 127.0.0.2 127.0.2.77);
	is_deeply([verdicts $counted->ask(('{}') x 5)], [('missing') x 3, ('limited') x 2], 'the others are limited');
	is_deeply([verdicts $_->ask(('{}') x 50)], [('missing') x 50], 'those are not') for @exempt;
	is(decode_json(of_ctl($daemon, qw(status --json)))->{limiter}{addresses}, 1, 'nor do they take room');
	change($daemon, RateLimitExempt => '127.0.0.1');
	is_deeply([verdicts $counted->ask('{}')], ['missing'], 'live, for open connections');
	is_deeply([verdicts $exempt[0]->ask(('{}') x 4)], [('missing') x 3, 'limited'], 'both ways');
	change($daemon, RateLimitExempt => 'none');
	is_deeply([verdicts $counted->ask('{}')], ['limited'], 'its window is the old one');
	is($daemon->stop, 0, 'stops');
};

subtest 'bad ones' => sub {
	my $daemon = LogCollectd->new;
	for my $case (
		['Require'                    => qr/:\d+: Require: takes one argument, all granted/],
		['Require ip'                 => qr/:\d+: Require: must name an address behind ip/],
		['Require all'                => qr/:\d+: Require: must be all granted, all denied/],
		['Require host example.org'   => qr/:\d+: Require: must be all granted.*not 'host example\.org'/],
		['Require not ip 10.0.0.0/99' => qr{:\d+: Require: '10\.0\.0\.0/99': no number of bits}],
		['RateLimitExempt localhost'  => qr/:\d+: RateLimitExempt: 'localhost': no address/],
		['Listen 1 proxy'             => qr/:\d+: Listen: proxy refuses everybody without ProxyTrusted/],
		['Listen unix:/x proxy'       => qr/:\d+: Listen: .*a unix:\/path takes no proxy/],
	) {
		$daemon->write_conf("$case->[0]\n");
		my ($status, $out, $err) = $daemon->run('-t', '-f', $daemon->conf_file);
		is($status, 78, $case->[0]);
		like($err, $case->[1], 'is told what would be right');
	}
};

done_testing;
