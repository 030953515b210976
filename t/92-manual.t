# SPDX-License-Identifier: ISC
# The manual says what the programs do: options, statuses, answers byte for byte, and its session as it is written.
# That logcollectd.conf(5) has every directive is for unit/directive.c.
use v5.36;
use FindBin;
use Test::More;
use LogCollectd;

my $pages = "$FindBin::Bin/../packaging/man";
my %page = map { m{([^/]+)\z} => slurp($_) } glob "$pages/*.[1-9]";
is_deeply([sort keys %page],
	[qw(logcollect-cat.1 logcollectctl.8 logcollectd-protocol.7 logcollectd.8 logcollectd.conf.5 logsend.1)], 'the pages');

# Literal text stands in the source as it is shown, but for the backslash.
sub displays ($text) {
	return map { s/\\e/\\/gr } $text =~ /^\.Bd -literal[^\n]*\n(.*?)^\.Ed$/msg;
}

subtest 'who names whom' => sub {
	for my $name (sort keys %page) {
		my ($title, $section) = $name =~ /\A(.*)\.(\d)\z/;
		my $upper = uc $title;
		ok($page{$name} =~ /^\.Dt \Q$upper\E $section$/m, "$name: its title");
		ok($page{$name} =~ /^\.Nm \Q$title\E$/m, "$name: its name");
		while ($page{$name} =~ /^\.Xr (log(?:collect|send)\S*) (\d)/mg) {
			ok($page{"$1.$2"}, "$name names $1($2)");
		}
		my ($see_also) = $page{$name} =~ /^\.Sh SEE ALSO\n((?:\.Xr .*\n?)+)/m;
		ok($see_also, "$name: SEE ALSO");
		ok(($see_also // '') !~ /^\.Xr \Q$title\E $section\b/m, "$name does not name itself");
	}
};

subtest 'logcollectd(8)' => sub {
	my (undef, $help) = LogCollectd->new->run('-h');
	my @options = $help =~ /^  (-\w)/mg;
	my ($list) = $page{'logcollectd.8'} =~ /^The options are as follows:\n(.*?)^\.El$/ms;
	is_deeply([sort map { "-$_" } $list =~ /^\.It Fl (\w)/mg], [sort @options], 'all options');
	my ($statuses) = $page{'logcollectd.8'} =~ /^\.Sh EXIT STATUS\n(.*?)^\.El$/ms;
	is_deeply([$statuses =~ /^\.It (\d+)$/mg], [0, 64, 71, 73, 77, 78], 'all exit statuses');
	my ($signals) = $page{'logcollectd.8'} =~ /^\.Sh SIGNALS\n(.*?)^\.El$/ms;
	is_deeply([$signals =~ /^\.It Dv (.*)$/mg], ['TERM , INT', 'HUP', 'USR1'], 'all signals');
};

subtest 'the notes in memory' => sub {
	my ($file) = $page{'logcollectd.8'} =~ m{^\.It Pa (/dev/shm/logcollectd-notes-\d+\.) Ns Ar uid$}m;
	my $daemon = LogCollectd->start;
	$daemon->ask(record(ERROR => 'x'));
	ok(-e "$file$>", 'are in the file that it names');
	is($daemon->stop, 0, 'stops');
};

subtest 'the example of logcollectd.conf(5)' => sub {
	my ($example) = displays($page{'logcollectd.conf.5'} =~ s/.*^\.Sh EXAMPLES//msr);
	my $daemon = LogCollectd->new;
	$daemon->write_conf($example =~ s/^User .*\n//mr);
	my ($status, $out, $err) = $daemon->run('-t', '-f', $daemon->conf_file);
	is($status, 0, 'is good, but for an account that there may not be') or diag $err;
};

subtest 'logcollectd-protocol(7)' => sub {
	my ($described, $examples) = split /^\.Sh EXAMPLES\n/m, $page{'logcollectd-protocol.7'};
	my @answers = map { split /\n/ } displays($described);
	is_deeply([sort(verdicts(@answers))],
		[sort qw(received filtered invalid not_object missing limited too_long unknown_level failed busy denied)],
		'every answer, once, byte for byte');

	my ($session, $file) = displays($examples);
	my @sent     = $session =~ /^C: ?(.*)$/mg;
	my @expected = $session =~ /^S: (.*)$/mg;
	cmp_ok(scalar @expected, '>', 5, 'there is a session');
	my $daemon = LogCollectd->start(RateLimit => undef);
	is_deeply([$daemon->ask(@sent)], \@expected, 'which goes as it is written');
	my $stamp = qr/\A[\d-]{10}T[\d:]{8}\.\d{6}Z /;
	is_deeply([map { s/$stamp//r } $daemon->log_lines], [map { s/$stamp//r } split /\n/, $file], 'and so does the file');
	is($daemon->stop, 0, 'stops');

	my ($levels) = $described =~ /^\.Ss Levels\n(.*?)^\.El$/ms;
	my @ladder = ($levels =~ /^\.It (\w+)\n(.*)$/mg);
	is(scalar @ladder, 10, 'five levels');
	while (my ($level, $aliases) = splice @ladder, 0, 2) {
		my $client = LogCollectd->start(MinLogLevel => 'DEBUG');
		$client->ask(map { record($_ => 'x') } my @names = ($level, split /, /, $aliases));
		is_deeply([map { /\[(\w+)\]/ } $client->log_lines], [($level) x @names], "$level: $aliases");
		is($client->stop, 0, 'stops');
	}
};

done_testing;
