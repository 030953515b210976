# SPDX-License-Identifier: ISC
# make install and make uninstall: every program, every page, and nothing of anybody else.
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
my %program = map { m{([^/]+)\.c\z}; (($1 eq 'logsend' ? 'bin' : 'sbin') . "/$1" => 755) } glob "$root/src/cmd/*.c";

# All that is installed below a prefix.
sub expected ($prefix, $sysconfdir) {
	return {
		(map { ("$prefix/share/man/$_" => $page{$_}) } keys %page),
		(map { ("$prefix/$_" => $program{$_}) } keys %program),
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

done_testing;
