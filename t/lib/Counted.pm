# SPDX-License-Identifier: ISC
# Daemons with a scoreboard, whose settings logcollectctl changes while they run.
package Counted;

use v5.36;
use Exporter qw(import);
use Test::More;
use LogCollectd;

our @EXPORT = qw($ctl change start_counted);

our $ctl = LogCollectd::program('logcollectctl');

sub start_counted (%settings) {
	my $daemon = LogCollectd->new(%settings);
	$daemon->{conf} .= "ScoreBoardFile $daemon->{dir}/board\n";
	$daemon->write_conf($daemon->{conf});
	return $daemon->launch;
}

# Puts other lines in the place of those of this name, in force when this returns.
sub change ($daemon, $name, @values) {
	$daemon->{conf} =~ s/^$name .*\n//mg;
	$daemon->{conf} .= "$name $_\n" for @values;
	$daemon->write_conf($daemon->{conf});
	my ($status, $out, $err) = $daemon->run_command($ctl, '-f', $daemon->conf_file, 'reload');
	is($status, 0, join ' + ', $name, @values) or diag $err;
}

1;
