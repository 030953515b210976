# SPDX-License-Identifier: ISC
# make install and make uninstall: every program, every page, and nothing of anybody else; paths as they are installed.
use v5.36;
use File::Find qw(find);
use FindBin;
use Test::More;
use LogCollectd;

my $root  = "$FindBin::Bin/..";
my $build = $ENV{BUILD} // "$root/build";
my $place = LogCollectd->new->dir;

# What was built is what is installed: make must find nothing that it would have to build anew.
sub make (@arguments) {
	delete local @ENV{qw(MAKEFLAGS MFLAGS MAKELEVEL)};
	my @command = ('make', '-s', '-C', $root, "BUILD=$build", '-o', 'all', @arguments);
	is(system(@command), 0, "make @arguments");
}

# {path below the place => mode}
sub files () {
	my %found;
	find({ no_chdir => 1, wanted => sub {
		$found{ s/\A\Q$place\E//r } = sprintf '%o', (stat)[2] & 07777 if -f;
	} }, $place);
	delete $found{'/logcollectd.conf'}; # of the test itself
	return \%found;
}

my %page = map { m{([^/]+\.(\d))\z} ? ("man$2/$1" => 644) : () } glob "$root/packaging/man/*";
my %program = map { m{([^/]+)\.c\z}; (($1 eq 'logsend' || $1 eq 'logcollect-cat' ? 'bin' : 'sbin') . "/$1" => 755) } glob "$root/src/cmd/*.c";

# All that is installed below a prefix.
sub expected ($prefix, $sysconfdir) {
	return {
		(map { ("$prefix/share/man/$_" => $page{$_}) } keys %page),
		(map { ("$prefix/$_" => $program{$_}) } keys %program),
		(map { ("$prefix/share/bash-completion/completions/$_" => 644) } qw(logcollect-cat logcollectctl logcollectd logsend)),
		(map { s{.*/}{}r =~ s{\A}{$prefix/lib/logcollectd/}r => 644 } glob "$build/lib/logcollectd/*.so"),
		"$sysconfdir/logcollectd/logcollectd.conf" => 644,
	};
}

cmp_ok(scalar keys %page, '>=', 5, 'there are pages');
cmp_ok(scalar keys %program, '>=', 3, 'and programs');

make('install', "DESTDIR=$place");
is_deeply(files, expected('/usr/local', '/usr/local/etc'), 'all is there');
is(slurp("$place/usr/local/sbin/logcollectd"), slurp("$build/bin/logcollectd"), 'as it was built');

my $conf = "$place/usr/local/etc/logcollectd/logcollectd.conf";
open my $file, '>>', $conf or die $!;
print {$file} "# ours\n";
close $file;
my $strange = "$place/usr/local/share/man/man8/strange.8";
open $file, '>', $strange or die $!;
close $file;
make('install', "DESTDIR=$place");
like(slurp($conf), qr/# ours/, 'a configuration that is there stays');
make('uninstall', "DESTDIR=$place");
is_deeply([sort keys %{ +files }], [map { s/\A\Q$place\E//r } $conf, $strange], 'what is not ours stays');
unlink $conf, $strange;

my @elsewhere = ("DESTDIR=$place", 'prefix=/usr', 'sysconfdir=/etc');
make('install', @elsewhere);
is_deeply(files, expected('/usr', '/etc'), 'another prefix');
make('uninstall', @elsewhere);
is_deeply([keys %{ +files }], ['/etc/logcollectd/logcollectd.conf'], 'is emptied, too');
unlink "$place/etc/logcollectd/logcollectd.conf";

# The settings that are not built in, by the installed configuration and with these options.
sub set_by_file (@options) {
	my $daemon = LogCollectd->new;
	my ($status, $out, $err) = $daemon->run('-S', '-f', "$place/etc/logcollectd/logcollectd.conf", @options);
	is($status, 0, 'the configuration is good') or diag $err;
	my %set = $out =~ m{^(\w+) +(\S+) +# /}mg;
	return \%set;
}

my @package = (@elsewhere, 'localstatedir=/var', 'runstatedir=/run', 'user=root', 'systemdunitdir=/lib/systemd/system');
make('install', @package);
my @units = map { m{([^/]+)\z} } glob "$root/packaging/systemd/*";
is_deeply(files, { %{ expected('/usr', '/etc') }, map { ("/lib/systemd/system/$_" => 644) } @units }, 'with units');
my $set = set_by_file();
is($set->{LogDir}, '/var/log/logcollectd', 'its log');
is($set->{ScoreBoardFile}, '/run/logcollectd/scoreboard', 'its scoreboard');
is($set->{User}, 'root', 'its user');
ok(!exists $set->{PidFile}, 'no pid file');
open $file, '>', "$place/etc/logcollectd/conf.d/x.conf" or die $!;
print {$file} "MinLogLevel ERROR\n";
close $file;
like((LogCollectd->new->run('-S', '-f', "$place/etc/logcollectd/logcollectd.conf"))[1], qr/^MinLogLevel +ERROR/m,
	'conf.d is read');
unlink "$place/etc/logcollectd/conf.d/x.conf";
my ($notice) = slurp("$place/etc/logcollectd/logcollectd.conf") =~ /^(# What is set here.*?\.)  Lines/ms;
is($notice, "# What is set here is what is built in, but for LogDir, ScoreBoardFile, StatusListen, User\n" .
	'# and Group: a directive can be left out as well.', 'what it says of itself is true');
my $manual = join '', map { slurp($_) } glob "$place/usr/share/man/man*/logcollectd.*";
unlike($manual, qr{/usr/local}, 'the manual names the places');
like($manual, qr{/usr/sbin/logcollectctl reopen}, 'of this installation');
ok(-d "$place/usr/lib/logcollectd/root", 'the folder that the service has for its root');
ok(!-e "$place/run", 'nothing in /run, which does not last');
make('uninstall', @package);
is_deeply([keys %{ +files }], ['/etc/logcollectd/logcollectd.conf'], 'is emptied, too');
ok(!-e "$place/usr/lib/logcollectd/root", 'with that folder');

done_testing;
