# SPDX-License-Identifier: ISC
# RateLimitIPv6Prefix.  Needs more IPv6 addresses than ::1, so the script runs itself again in a network
# namespace of its own (root only).
use v5.36;
use Test::More;
use LogCollectd;

my @addresses = qw(2001:db8:0:1::1 2001:db8:0:1:ffff::2 2001:db8:0:2::1 2001:db8:1::1);

if (!$ENV{OWN_NETWORK}) {
	plan skip_all => 'needs root, unshare and ip'
		if system('unshare --net -- ip link set lo up 2>/dev/null') != 0;
	my $setup = join ' && ', 'ip link set lo up', map { "ip -6 address add $_/128 dev lo nodad" } @addresses;
	$ENV{OWN_NETWORK} = 1;
	exec 'unshare', '--net', '--', 'sh', '-c', "$setup && exec \"\$@\"", 'sh', $^X, (map { "-I$_" } @INC), $0;
}

# How many of 10 lines pass from each address in turn, with 10 lines a window.
sub passed (@settings) {
	my $daemon = LogCollectd->start(Listen => '[::]:0', RateLimit => 'on', RateLimitMaxRequests => 10,
		RateLimitWindowSeconds => 600, LogFormat => 'json', @settings);
	my @passed;
	for my $address (@addresses) {
		my $client = LogCollectd::Client->new($addresses[0], $daemon->port, local => $address);
		my $lines = $address eq $addresses[0] ? 7 : 10;
		push @passed, scalar grep { $_ eq 'received' } verdicts $client->ask((record(ERROR => 'x')) x $lines);
		is(scalar(grep { /"client": "\Q$address\E"/ } $daemon->log_lines), $passed[-1], "$address in the file");
	}
	is($daemon->stop, 0, 'stops');
	return \@passed;
}

is_deeply(passed(), [7, 3, 10, 10], 'by default a /64 is one client');
is_deeply(passed(RateLimitIPv6Prefix => 128), [7, 10, 10, 10], '/128: every address by itself');
is_deeply(passed(RateLimitIPv6Prefix => 48), [7, 3, 0, 10], 'a /48');
is_deeply(passed(RateLimitIPv6Prefix => 32), [7, 3, 0, 0], 'a /32');

my $both = LogCollectd->start(Listen => ['0.0.0.0:0', '[::]:0'], RateLimit => 'on', RateLimitMaxRequests => 1,
	RateLimitWindowSeconds => 600, RateLimitIPv6Prefix => 1);
my $first = LogCollectd::Client->new('127.0.0.1', $both->port(0));
my $second = LogCollectd::Client->new('127.0.0.1', $both->port(0), local => '127.0.0.2');
is_deeply([verdicts $_->ask('1')], ['not_object'], 'the prefix does not concern IPv4') for $first, $second;
is($both->stop, 0, 'stops');

done_testing;
