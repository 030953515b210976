# SPDX-License-Identifier: ISC
# Debian's HAProxy in front of three collectors, as packaging/haproxy/haproxy.cfg has it: who the client is arrives,
# each has its exact limit, and when a collector is killed only its own clients move.
use v5.36;
use Fcntl    qw(F_SETFD);
use FindBin;
use IO::Socket::IP ();
use JSON::PP qw(decode_json);
use Socket   qw(SOMAXCONN);
use Test::More;
use LogCollectd;

use constant { CLIENTS => 40, CONNECTIONS => 3, LIMIT => 20, LINES => 15 };

my ($haproxy) = grep { -x } map { "$_/haproxy" } split(/:/, $ENV{PATH}), '/usr/sbin';
plan skip_all => 'there is no haproxy' if !$haproxy;

my $shipped = slurp("$FindBin::Bin/../packaging/haproxy/haproxy.cfg");
my ($listen) = $shipped =~ /^#\t(Listen .*)$/m;
my ($trusted) = $shipped =~ /^#\t(ProxyTrusted .*)$/m;

sub start () {
	return LogCollectd->start(Listen => $listen =~ s/^Listen \d+/127.0.0.1:0/r, ProxyTrusted => $trusted =~ s/.* \S+/127.0.0.1/r,
		LogFormat => 'json', Workers => 2, RateLimit => 'on', RateLimitMaxRequests => LIMIT, RateLimitWindowSeconds => 600);
}

# Starts it with the shipped file, but for its ports; the first collector's object runs and ends it.
sub balance (@collectors) {
	my $first = $collectors[0];
	my $front = IO::Socket::IP->new(LocalHost => '127.0.0.1', LocalPort => 0, Listen => SOMAXCONN) or die $@;
	fcntl $front, F_SETFD, 0;
	my $conf = $shipped =~ s/^\tbind .*$/"\tbind fd@" . fileno $front/mer;
	$conf =~ s/^(\tserver \S+) \S+$/"$1 127.0.0.1:" . (shift @collectors)->port/gme;
	my $path = $first->dir . '/haproxy.cfg';
	open my $file, '>', $path or die "$path: $!";
	print {$file} $conf;
	close $file or die "$path: $!";
	my @command = ($haproxy, '-f', $path);
	my ($status, $out, $err) = $first->run_command(@command, '-c');
	is($status, 0, 'HAProxy takes the shipped file') or diag $err;
	unlike($err, qr/WARNING/, 'without a warning');
	$first->spawn(($first->dir . '/haproxy.out') x 2, @command, '-db');
	return $front;
}

my @collectors = map { start() } 1 .. 3;
my $front = balance(@collectors);

sub connect_from ($address) {
	return LogCollectd::Client->new('127.0.0.1', $front->sockport, local => $address);
}

my @addresses = map { '127.' . $_ % 7 . ".$_.1" } 1 .. CLIENTS;

# Sends lines from all addresses at the same time; {address => [verdicts]}.
sub send_from_all (@from) {
	my %clients = map { my $from = $_; ($from => [map { connect_from($from) } 1 .. CONNECTIONS]) } @from;
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

my $first = connect_from('127.99.0.1');
if (!is_deeply([verdicts $first->ask('1')], ['not_object'], 'it serves')) {
	diag slurp($collectors[0]->dir . '/haproxy.out');
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
my @open = map { connect_from($_) } $others, $addresses[0];
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
