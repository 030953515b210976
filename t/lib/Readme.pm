# SPDX-License-Identifier: ISC
# The code that README.md tells a stranger to use.
package Readme;

use v5.36;
use Exporter qw(import);
use FindBin;

our @EXPORT = qw(readme readme_code);

sub readme () {
	open my $file, '<:raw', "$FindBin::Bin/../README.md" or die "README.md: $!";
	local $/;
	return readline $file;
}

# What stands under a heading in a language, and nothing where it does not; the ports replaced by this one.
sub readme_code ($heading, $language, $port = undef) {
	my ($code) = readme() =~ /^### \Q$heading\E\n(?:(?!#)[^\n]*\n)*?```\Q$language\E\n(.*?)^```$/ms or return;
	$code =~ s/\b900[01]\b/$port/g if defined $port;
	return $code;
}

1;
