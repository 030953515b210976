# SPDX-License-Identifier: ISC
# The version stands in the GNUmakefile; both changelogs and all programs say the same.
use v5.36;
use FindBin;
use Test::More;

my $root  = "$FindBin::Bin/..";
my $build = $ENV{BUILD} // "$root/build";

sub text ($path) {
	open my $file, '<', "$root/$path" or die "$path: $!";
	return do { local $/; <$file> };
}

my ($version) = text('GNUmakefile') =~ /^VERSION := (\d+\.\d+\.\d+)$/m;
ok($version, 'there is a version');

my ($newest, $date) = text('CHANGELOG.md') =~ /^## (\S+) \((\d{4}-\d\d-\d\d)\)$/m;
is($newest, $version, 'CHANGELOG.md begins with it');

my $changelog = text('packaging/debian/changelog');
my ($source, $upstream) = $changelog =~ /\A(\S+) \(([^)]+)-[^-)]+\) /;
is($source, 'logcollectd', "Debian's changelog is of logcollectd");
is($upstream, $version, 'and of this version');
my %month = map { state $n = 0; ($_ => sprintf '%02d', ++$n) } qw(Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec);
my @revisions = $changelog =~ /^\S+ \(\Q$version\E-[^-)]+\)/mg;
my @dates = map { m{(\d\d) (\w{3}) (\d{4})} ? "$3-$month{$2}-$1" : () } $changelog =~ /^ -- .*$/mg;
is($dates[$#revisions], $date, 'whose first revision is of the same day');

for my $program (map { m{([^/]+)\.c\z} } glob "$root/src/cmd/*.c") {
	next if !-x "$build/bin/$program"; # make release looks before it builds
	my $option = $program eq 'logsend' ? '--version' : '-V';
	chomp(my $said = `$build/bin/$program $option`);
	is($said, "$program $version", "$program $option");
}

done_testing;
