# SPDX-License-Identifier: ISC
# The rate limiter over connections and workers: of every window exactly RateLimitMaxRequests lines
# pass.  Its boundaries to the millisecond are a unit test's (t/unit/window.c).
use v5.36;
use Test::More;
use Time::HiRes qw(time);
use LogCollectd;

my @long = (RateLimit => 'on', RateLimitWindowSeconds => 600);

sub passed (@verdicts) {
	return scalar grep { $_ ne 'limited' } @verdicts;
}

subtest 'exactly so many lines pass' => sub {
	my $daemon = LogCollectd->start(@long, RateLimitMaxRequests => 100, Workers => 3);
	my @clients = map { $daemon->connect_to($_) } $daemon->workers, $daemon->workers, $daemon->workers;
	# connect_to() has asked one line each.
	my $left = 100 - @clients;
	for my $round (1 .. 3) {
		my $line = record(ERROR => "round $round") . "\n";
		$_->send($line x 20) for @clients;
	}
	my @all = map { verdicts $_->lines(60) } @clients;
	is(scalar @all, 60 * @clients, 'every line is answered');
	is(scalar(grep { $_ eq 'received' } @all), $left, 'over all connections and workers');
	is(passed(@all), $left, 'the others are limited');
	is(scalar $daemon->log_lines, $left, 'and not stored');
	is_deeply([verdicts $daemon->ask(record(ERROR => 'x'))], ['limited'], 'a new connection changes nothing');
	my $other = $daemon->connect(local => '127.0.0.2');
	is(passed(verdicts $other->ask((record(ERROR => 'x')) x 150)), 100, 'another address has its own window');
	is($daemon->stop, 0, 'stops');
	my %count = $daemon->counted;
	is($count{limited}, 60 * @clients - $left + 1 + 50, 'limited lines are counted');
};

subtest 'every line that is not blank counts' => sub {
	my @lines = ('{', '1', '{}', record(DEBUG => 'x'), record(odd => 'x'), 'x' x 300, record(ERROR => 'x'), '', " \t\r");
	my $daemon = LogCollectd->start(@long, RateLimitMaxRequests => 14, MaxLineLength => 200, Workers => 1);
	my @kinds = qw(invalid not_object missing filtered filtered too_long received);
	is_deeply([verdicts $daemon->ask((@lines) x 3)], [@kinds, @kinds, ('limited') x 7], 'whatever becomes of it');
	is($daemon->stop, 0, 'stops');
};

subtest 'the limit within a batch' => sub {
	for my $max (1, 2, 999) {
		my $daemon = LogCollectd->start(@long, RateLimitMaxRequests => $max, Workers => 1);
		is_deeply([verdicts $daemon->ask(map { record(ERROR => $_) } 1 .. 1000)],
			[('received') x $max, ('limited') x (1000 - $max)], "the first $max");
		is_deeply([$daemon->messages], [1 .. $max], 'are stored');
		is($daemon->stop, 0, 'stops');
	}
};

subtest 'a window ends' => sub {
	my $daemon = LogCollectd->start(
		RateLimit => 'on', RateLimitMaxRequests => 5, RateLimitWindowSeconds => 1, Workers => 2);
	my $client = $daemon->connect;
	my @batch = (record(ERROR => 'x')) x 20;
	my $began = time;
	is(passed(verdicts $client->ask(@batch)), 5, 'the first window');
	ok(wait_until { ($client->ask('1'))[0] ne $ANSWER{limited} }, 'the first line after its end passes');
	cmp_ok(time - $began, '>=', 0.99, 'not before a second has passed');
	is(passed(verdicts $client->ask(@batch)), 4, 'and begins the next one');
	is($daemon->stop, 0, 'stops');
};

subtest 'the defaults, and off' => sub {
	my $daemon = LogCollectd->start(RateLimit => undef);
	is(passed(verdicts $daemon->ask(('1') x 150)), 100, '100 lines');
	is($daemon->stop, 0, 'stops');
	$daemon = LogCollectd->start(RateLimitMaxRequests => 1);
	is(passed(verdicts $daemon->ask(('1') x 5000)), 5000, 'RateLimit off');
	is($daemon->stop, 0, 'stops');
};

subtest 'IPv4-mapped addresses count as IPv4' => sub {
	my $daemon = LogCollectd->start(@long, RateLimitMaxRequests => 10, LogFormat => 'json',
		Listen => ['127.0.0.1:0', '[::ffff:127.0.0.1]:0']);
	my $plain = $daemon->connect;
	is(passed(verdicts $plain->ask((record(ERROR => 'x')) x 6)), 6, 'over IPv4');
	# The second socket is an IPv6 one, which sees the same client as ::ffff:127.0.0.1.
	my $mapped = LogCollectd::Client->new('127.0.0.1', $daemon->port(1));
	is(passed(verdicts $mapped->ask((record(ERROR => 'x')) x 6)), 4, 'over an IPv6 socket: the same window');
	is(scalar(grep { /"client": "127\.0\.0\.1"/ } $daemon->log_lines), 10, 'and the same name');
	is($daemon->stop, 0, 'stops');
};

done_testing;
