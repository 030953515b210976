# SPDX-License-Identifier: ISC
# Completion for bash: every option and command that the programs' own help names is offered, and nothing else.
use v5.36;
use FindBin;
use Test::More;
use LogCollectd;

my $root  = "$FindBin::Bin/..";
my $build = $ENV{BUILD} // "$root/build";

# What is offered for the last of these words.
sub offered (@words) {
	my $program = $words[0];
	open my $bash, '-|', 'bash', '-c', <<~'END', $program, "$root/packaging/completion/$program", @words or die $!;
		compopt() { :; }
		source "$1"
		shift
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		_$0
		printf '%s\n' "${COMPREPLY[@]}"
		END
	chomp(my @offers = grep { /\S/ } <$bash>);
	close $bash;
	return [sort @offers];
}

sub help_of ($program, $option) {
	open my $help, '-|', "$build/bin/$program", $option or die $!;
	return do { local $/; <$help> };
}

my $daemon = help_of('logcollectd', '-h');
is_deeply(offered('logcollectd', ''), [sort $daemon =~ /^  (-\w)/mg], 'all options of logcollectd');

my $send = help_of('logsend', '--help');
my %options = map { $_ => 1 } map { /(?<![\w-])(--?\w[\w-]*)/g } $send =~ /^  ( *-.*?)(?:  |\z)/mg;
is_deeply(offered('logsend', ''), [sort keys %options], 'all options of logsend');
is_deeply(offered('logsend', '-l', 'e'), ['ERROR'], 'a level');
is_deeply(offered('logsend', '-p', ''), [], 'no guess at a port');

my $cat = help_of('logcollect-cat', '-h');
%options = map { $_ => 1 } map { /(?<![\w-])(--?\w+)/g } $cat =~ /^  (-.*)$/mg;
is_deeply(offered('logcollect-cat', ''), [sort keys %options], 'all options of logcollect-cat');

my $ctl = help_of('logcollectctl', '-h');
my @commands = $ctl =~ /^  ([a-z]+)  /mg;
is(scalar @commands, 8, 'there are commands');
is_deeply(offered('logcollectctl', ''), [sort @commands, qw(-f -h -s -V)], 'all commands of logcollectctl');
is_deeply(offered('logcollectctl', '-f', '/x', 're'), [qw(reload reopen)], 'behind options, too');
is_deeply(offered('logcollectctl', 'limits', '-'), [qw(--all --json -a)], 'a command has options of its own');
is_deeply(offered('logcollectctl', 'status', '-'), [qw(--json -t)], 'of status, all of them');
is_deeply(offered('logcollectctl', '-s', "$root/LIC"), ["$root/LICENSE"], 'files');

done_testing;
