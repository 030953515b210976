# SPDX-License-Identifier: ISC
# Debian's HAProxy in front of three collectors, as packaging/haproxy/haproxy.cfg has it: who the client is arrives,
# each has its exact limit, and when a collector is killed only its own clients move.
use v5.36;
use JSON::PP qw(decode_json);
use Test::More;
use LogCollectd;
use LogCollectd::Balancer;

use constant { CLIENTS => 40, CONNECTIONS => 3, LIMIT => 20, LINES => 15 };

if (!LogCollectd::Balancer::installed()) {
	die "there is no haproxy\n" if $ENV{REQUIRE_PEERS};
	plan skip_all => 'there is no haproxy';
}

sub start () {
	return LogCollectd->start(LogCollectd::Balancer::directives(), LogFormat => 'json', Workers => 2,
		RateLimit => 'on', RateLimitMaxRequests => LIMIT, RateLimitWindowSeconds => 600);
}

my @collectors = map { start() } 1 .. 3;
my $balancer = LogCollectd::Balancer->start(@collectors);

my @addresses = map { '127.' . $_ % 7 . ".$_.1" } 1 .. CLIENTS;

# Sends lines from all addresses at the same time; {address => [verdicts]}.
sub send_from_all (@from) {
	my %clients = map { my $from = $_; ($from => [map { $balancer->connect_from($from) } 1 .. CONNECTIONS]) } @from;
	for my $from (@from) {
		$_->send(join '', map { record(ERROR => "$from $_") . "\n" } 1 .. LINES) for @{ $clients{$from} };
	}
	return {
		map {
			my $from = $_;
			($from => [map { verdicts $_->finish->rest } @{ $clients{$from} }])
		} @from
	};
}

# {address => {the number of the collector that has its records => how many}}
sub records () {
	my %found;
	for my $n (0 .. $#collectors) {
		$found{ decode_json($_)->{client} }{$n}++ for $collectors[$n]->log_lines;
	}
	return \%found;
}

my $first = $balancer->connect_from('127.99.0.1');
if (!is_deeply([verdicts $first->ask('1')], ['not_object'], 'it serves')) {
	diag $balancer->errors;
	done_testing;
	exit;
}

my $verdicts = send_from_all(@addresses);
my @wrong = grep { my @v = @{ $verdicts->{$_} }; @v != CONNECTIONS * LINES || LIMIT != grep { $_ eq 'received' } @v } @addresses;
is_deeply(\@wrong, [], 'every client has exactly its limit, over all its connections');
my $before = records();
is_deeply([sort keys %$before], [sort @addresses], 'each is known by its own address');
is_deeply([grep { keys %{ $before->{$_} } != 1 } @addresses], [], 'and served by one collector');
my %home = map { $_ => (keys %{ $before->{$_} })[0] } @addresses;
is_deeply([sort { $a <=> $b } keys %{ { reverse %home } }], [0 .. 2], 'all of which have some');

my $victim = $home{ $addresses[0] };
my ($others) = grep { $home{$_} != $victim } @addresses;
my @open = map { $balancer->connect_from($_) } $others, $addresses[0];
is_deeply([verdicts $_->ask('1')], ['limited'], 'one with a connection open') for @open;
kill KILL => -$collectors[$victim]->pid;
is($collectors[$victim]->ended, 'signal 9', 'a collector is killed');
is_deeply([verdicts $open[1]->rest], [], 'its client sees that');

$verdicts = send_from_all(@addresses);
my @moved = grep { $home{$_} == $victim } @addresses;
my @stayed = grep { $home{$_} != $victim } @addresses;
@wrong = grep { my @v = @{ $verdicts->{$_} }; @v != CONNECTIONS * LINES || LIMIT != grep { $_ eq 'received' } @v } @moved;
is_deeply(\@wrong, [], 'its clients are served at once, each with exactly its limit');
is_deeply([grep { CONNECTIONS * LINES != grep { $_ eq 'limited' } @{ $verdicts->{$_} } } @stayed], [],
	'the others find their window as it was');
is_deeply([verdicts $open[0]->ask('1')], ['limited'], 'and their connections open');
my $after = records();
is_deeply([grep { join(' ', keys %{ $after->{$_} }) ne $home{$_} } @stayed], [], 'only its own clients have moved');
is_deeply([grep { 2 != keys %{ $after->{$_} } || LIMIT != ($after->{$_}{$victim} // 0) } @moved], [], 'each to one other collector');

for my $n (grep { $_ != $victim } 0 .. 2) {
	is($collectors[$n]->stop, 0, 'stops');
	my %count = $collectors[$n]->counted;
	is_deeply([@count{qw(proxy_failed denied busy invalid failed)}], [(0) x 5], 'no check of its health was an error');
	cmp_ok($count{accepted}, '>', 0, 'there were clients');
}

done_testing;
