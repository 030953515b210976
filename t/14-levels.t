# SPDX-License-Identifier: ISC
# MinLogLevel against every level, their aliases, and what becomes of a level that is none.
use v5.36;
use Test::More;
use LogCollectd;

my @levels = qw(DEBUG INFO WARNING ERROR CRITICAL);
my %names = (
	DEBUG    => [qw(DEBUG TRACE VERBOSE)],
	INFO     => [qw(INFO INFORMATION NOTICE)],
	WARNING  => [qw(WARNING WARN)],
	ERROR    => [qw(ERROR ERR)],
	CRITICAL => [qw(CRITICAL FATAL CRIT ALERT EMERG EMERGENCY PANIC)],
);
my @unknown = (qw(INF WARNINGS FATALITY LEVEL ERROR1 0 1), '', ' ', 'IN FO', '\u0130NFO', 'INFO\u0000');

# As it is, in two other cases, and with white space around it.
sub spellings ($name) {
	return ($name, lc $name, ucfirst lc $name, "  $name\\t", "\\r\\n$name ");
}

sub ask ($daemon, @levels) {
	return [verdicts $daemon->ask(map { qq({"level":"$_","message":"$_"}) } @levels)];
}

for my $least (0 .. $#levels) {
	my $daemon = LogCollectd->start(MinLogLevel => $levels[$least], Workers => 1);
	my $stored = 0;
	for my $level (0 .. $#levels) {
		my @all = map { spellings($_) } @{ $names{ $levels[$level] } };
		my $verdict = $level < $least ? 'filtered' : 'received';
		is_deeply(ask($daemon, @all), [($verdict) x @all], "MinLogLevel $levels[$least]: $levels[$level] is $verdict");
		$stored += @all if $verdict eq 'received';
		my @canonical = grep { /Z \[$levels[$level]\] / } $daemon->log_lines;
		is(scalar @canonical, $verdict eq 'received' ? @all : 0, "stored as $levels[$level]");
	}
	is_deeply(ask($daemon, @unknown), [('filtered') x @unknown], 'unknown levels are filtered');
	is(scalar $daemon->log_lines, $stored, 'nothing else is stored');
	is($daemon->stop, 0, 'stops');
}

for (['filter', 'filtered'], ['accept', 'received'], ['reject', 'unknown_level']) {
	my ($setting, $verdict) = @$_;
	my $daemon = LogCollectd->start(UnknownLevel => $setting, MinLogLevel => 'CRITICAL', Workers => 1);
	is_deeply(ask($daemon, @unknown), [($verdict) x @unknown], "UnknownLevel $setting: $verdict");
	is_deeply(ask($daemon, 'ERROR', 'panic'), [qw(filtered received)], 'known levels as ever');
	is_deeply([verdicts $daemon->ask('{"level":7,"message":"x"}')], [$verdict], 'a number is no level');
	is(scalar $daemon->log_lines, 1 + ($setting eq 'accept' ? @unknown + 1 : 0), 'the file');
	is($daemon->stop, 0, 'stops');
}

my $daemon = LogCollectd->start(MinLogLevel => 'warn');
is_deeply(ask($daemon, 'INFO', 'WARNING'), [qw(filtered received)], 'an alias as the setting');
is($daemon->stop, 0, 'stops');

$daemon = LogCollectd->start(LogPersistence => 'off');
is_deeply(ask($daemon, 'INFO', 'DEBUG'), [qw(received filtered)], 'LogPersistence off: the same verdicts');
is($daemon->stop, 0, 'stops');
ok(!-e $daemon->dir . '/logs', 'and nothing is created');

done_testing;
