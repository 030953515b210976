# SPDX-License-Identifier: ISC
# The floors of the house: a file includes headers of its own room and of lower floors, nothing else.
use v5.36;
use File::Find qw(find);
use FindBin;
use Test::More;

my %floor = (
	base => 0,
	core => 1,
	(map { $_ => 2 } qw(settings shm store net guard)),
	figures => 3,
	(map { $_ => 4 } qw(serve super send ctl monitor forward)),
	(map { $_ => 5 } qw(cmd drivers)),
);

# What a file of this room may not include.
sub wrong_includes ($room, $text) {
	my @wrong;
	while ($text =~ m{^[ \t]*#[ \t]*include[ \t]*"([^"]*)"}mg) {
		my $path = $1;
		my ($other) = $path =~ m{\A(\w+)/[^/]+\z};
		next if defined $other && $other eq $room;
		push @wrong, $path if !defined $other || !defined $floor{$other} || $floor{$other} >= $floor{$room};
	}
	return @wrong;
}

subtest 'the check itself' => sub {
	my @cases = (
		# room, text, what is wrong
		['core',  '#include "base/buf.h"',               []],
		['core',  '#include "core/level.h"',             []],
		['core',  qq(\t#  include "store/journal.h"\n),  ['store/journal.h']],
		['store', '#include "shm/limiter.h"',            ['shm/limiter.h']],
		['serve', qq(#include <stdio.h>\n#include "net/stream.h"\n#include "super/child.h"), ['super/child.h']],
		['base',  '#include "tests.h"',                  ['tests.h']],
		['cmd',   '#include "attic/old.h"',              ['attic/old.h']],
	);
	is_deeply([wrong_includes(@$_[0, 1])], $_->[2], "$_->[0]: " . $_->[1] =~ s/\s+/ /gr) for @cases;
};

my $files = 0;
my %seen;
my $root = "$FindBin::Bin/..";
find({ no_chdir => 1, wanted => sub {
	return if !/\.[ch]\z/ || !m{\Q$root\E/(?:src|include)/(.*)};
	my $name = $1;
	my ($room) = $name =~ m{\A(\w+)/[^/]+\z};
	ok(defined $room && defined $floor{$room}, "$name is in a room") or return;
	open my $file, '<', $_ or die "$_: $!";
	local $/;
	is_deeply([wrong_includes($room, readline $file)], [], "$name includes nothing from above");
	$seen{$room} = 1;
	$files++;
} }, "$root/src", "$root/include");

cmp_ok($files, '>', 20, 'there are files');
ok($seen{$_}, "there is a room $_") for qw(base core settings shm store net guard figures serve super monitor cmd);

done_testing;
