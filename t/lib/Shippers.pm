# SPDX-License-Identifier: ISC
# What the tests of shippers have in common: a daemon with a listener that answers and one that does not, and whether every
# record is in its file.
package Shippers;

use v5.36;
use Exporter qw(import);
use Test::More;
use LogCollectd;

our @EXPORT = qw(RECORDS absent ends is_stored lines_of start);

use constant RECORDS => 30_000;

# Skips the subtest, or fails it where all have to be there.
sub absent ($what) {
	die "there is no $what\n" if $ENV{REQUIRE_PEERS};
	plan skip_all => "there is no $what";
}

# A daemon of which those on its second listener hear nothing.
sub start (@settings) {
	return LogCollectd->start(Listen => ['127.0.0.1:0', '127.0.0.1:0 noack'], MinLogLevel => 'DEBUG', @settings);
}

# Waits until the file has so many lines and then looks whether they are these, each once and in order.
sub is_stored ($daemon, $expected, $name) {
	wait_until { $daemon->log =~ tr/\n// >= @$expected };
	my @stored = map { s/^\S+Z //r } $daemon->log_lines;
	my ($first) = grep { ($stored[$_] // 'nothing') ne ($expected->[$_] // 'nothing') }
		0 .. (@stored > @$expected ? $#stored : $#$expected);
	return ok(!defined $first, $name)
		|| diag(@stored . ' lines; line ' . ($first + 1) . ': ' . ($stored[$first] // 'nothing'));
}

sub lines_of ($count) { return [map { "[ERROR] line $_" } 1 .. $count] }

sub ends ($pid, $name) {
	kill TERM => $pid;
	return ok(wait_until { waitpid($pid, 1) == $pid }, "$name ends");
}

1;
