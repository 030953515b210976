# SPDX-License-Identifier: ISC
# What is written for containers agrees with the daemon: .env.example and compose.yaml have every setting that has a
# variable, with its default in the image.  That the image does its work is for packaging/docker/try.
use v5.36;
use FindBin;
use Test::More;
use LogCollectd;

my $packaging = "$FindBin::Bin/../packaging";

# unit/directive.c holds the manual equal to the table of directives.
my ($directives) = slurp("$packaging/man/logcollectd.conf.5") =~ /^\.Sh DIRECTIVES\n(.*?)^\.Sh /ms;
my @variables = sort map { /^\.Ev (\w+)/mg } $directives =~ /^(Environment:\n(?:\.Ev .*\n|and\n)+)/mg;
cmp_ok(scalar @variables, '>=', 10, 'variables');

my %example = slurp("$packaging/docker/.env.example") =~ /^(\w+)=(.*)$/mg;
is_deeply([sort keys %example], \@variables, '.env.example has all of them');

my ($server) = slurp("$packaging/docker/compose.yaml") =~ /^  server:\n((?:(?:    .*)?\n)+)/m;
my ($environment) = $server =~ /^    environment:\n((?:      .*\n)+)/m;
my %composed = $environment =~ /^      (\w+): (.*)$/mg;
is_deeply(\%composed, { map { $_ => "\${$_:-$example{$_}}" } @variables }, 'and so has compose.yaml, with the same defaults');
like($server, qr/^      - logs:\Q$example{LOG_DIR}\E$/m, 'whose volume is where the log is');

# {directive => [value, origin]}
sub settings ($environment) {
	my $daemon = LogCollectd->new(-env => $environment);
	my ($status, $out, $err) = $daemon->run('-S', '-f', "$packaging/docker/logcollectd.conf");
	is($status . $err, 0, 'the settings of the image');
	return { map { /^(\w+)\s+(.*?)\s+# (.*)$/ ? ($1 => [$2, $3]) : () } split /\n/, $out };
}

my %image = (SCOREBOARD_FILE => '/dev/shm/logcollectd.scoreboard');
my $plain = settings({%image});
my $set   = settings({%image, %example});
is_deeply({ map { $_ => $set->{$_}[0] } keys %$set }, { map { $_ => $plain->{$_}[0] } keys %$plain },
	'.env.example changes no value');
is_deeply([sort map { $_->[1] =~ /\Aenvironment (.*)/ ? split(/ /, $1) : () } values %$set], \@variables,
	'and sets every one');

my ($grace_s) = $server =~ /^    stop_grace_period: (\d+)s$/m;
cmp_ok($grace_s, '>', $plain->{GracefulShutdownTimeout}[0], 'the engine waits longer than the daemon');

done_testing;
