# SPDX-License-Identifier: ISC
# What README.md tells a stranger to type works as it stands there, and its table of settings is true.
# What is not installed is skipped, and said so; syslog-ng may be that of `make bench-deps`.
use v5.36;
use FindBin;
use Test::More;
use LogCollectd;

my $readme = slurp("$FindBin::Bin/../README.md");
my $program = LogCollectd::program('logsend');

# The code that stands under a heading, for that daemon.
sub code ($heading, $language, $daemon) {
	my ($code) = $readme =~ /^### \Q$heading\E\n(?:(?!^#).*\n)*?```\Q$language\E\n(.*?)^```$/ms or return;
	return $code =~ s/\b9000\b/$daemon->port/ger =~ s{/usr/bin/logsend}{$program}gr;
}

sub which ($name) {
	return (grep { -x } map { "$_/$name" } split(/:/, $ENV{PATH}), '/usr/sbin')[0];
}

sub write_file ($path, $text) {
	open my $file, '>', $path or die "$path: $!";
	print {$file} $text;
	close $file or die "$path: $!";
	return $path;
}

for my $case (['From Python', 'python', 'record.py', 'python3'], ['From Node.js', 'js', 'record.js', 'node'],
	['From Go', 'go', 'record.go', 'go', 'run']) {
	my ($heading, $language, $name, $interpreter, @arguments) = @$case;
	subtest $heading => sub {
		my $found = which($interpreter) // plan skip_all => "there is no $interpreter";
		my $daemon = LogCollectd->start;
		my $code = code($heading, $language, $daemon);
		ok(defined $code, 'stands there') or return;
		my $file = write_file($daemon->dir . "/$name", $code);
		local $ENV{GOCACHE} = $daemon->dir . '/cache';
		local $ENV{GO111MODULE} = 'off';
		my ($status, $out, $err) = $daemon->run_command($found, @arguments, $file);
		is_deeply([$status, $out], [0, "received\n"], 'the answer') or diag $err;
		is_deeply([$daemon->messages], ['disk full'], 'the record');
		is($daemon->stop, 0, 'stops');
	};
}

subtest 'From a shell' => sub {
	my $daemon = LogCollectd->start;
	my $dir = $daemon->dir;
	my ($code) = $readme =~ /^### From a shell\n\n((?:    .*\n)+)/m;
	write_file("$dir/app.log", "one\ntwo\n");
	write_file("$dir/app", qq(#!/bin/sh\necho '{"level":"ERROR","message":"three"}'\n));
	chmod 0755, "$dir/app";
	my $script = $code =~ s{\blogsend\b}{$program}gr =~ s{/var/log/app\.log}{$dir/app.log}gr =~ s{\bapp \|}{$dir/app |}gr;
	$daemon->{'-env'} = {SERVER_HOST => '127.0.0.1', SERVER_PORT => $daemon->port};
	my ($status, $out, $err) = $daemon->run_command('sh', '-euc', $script);
	is($status, 0, 'all of it runs') or diag $err;
	my @messages = $daemon->messages;
	is_deeply([@messages[0 .. 3]], ['disk is 90% full', 'one', 'two', 'three'], 'and is stored');
	is(scalar @messages, 4 + 4, 'with the records of four levels');
	is($daemon->stop, 0, 'stops');
};

# The command that runs syslog-ng; nothing when there is none.
sub syslog_ng () {
	my $peers = "$FindBin::Bin/../build/peers/usr";
	my $found = which('syslog-ng');
	return $found // () if !-x "$peers/sbin/syslog-ng";
	my $libraries = join ':', glob "$peers/lib/*-linux-gnu* $peers/lib/syslog-ng";
	my @modules = map { ('--module-path', $_) } glob "$peers/lib/syslog-ng/3.*";
	return ('env', "LD_LIBRARY_PATH=$libraries", "$peers/sbin/syslog-ng", '--no-caps', @modules);
}

subtest 'From syslog-ng' => sub {
	my @command = syslog_ng() or plan skip_all => 'there is no syslog-ng';
	my $daemon = LogCollectd->start;
	my $dir = $daemon->dir;
	my $lines = 30_000; # more than its queue of 10,000 takes
	write_file("$dir/in.log", join '', map { "<12>Jan 31 12:00:00 host app: line $_\n" } 1 .. $lines);
	write_file("$dir/syslog-ng.conf", <<~"END" . code('From syslog-ng', 'syslog-ng', $daemon));
		\@version: 3.38
		options { stats-freq(0); };
		source s_src { file("$dir/in.log" read-old-records(yes) follow-freq(0.1)); };
		END
	my $pid = $daemon->spawn(("$dir/syslog-ng.out") x 2, @command, '-F', '-f', "$dir/syslog-ng.conf", '-R', "$dir/persist",
		'-c', "$dir/control", '--pidfile', "$dir/syslog-ng.pid");
	ok(wait_until { my @lines = $daemon->log_lines; @lines >= $lines } or diag slurp("$dir/syslog-ng.out"));
	my @stored = $daemon->log_lines;
	is(scalar @stored, $lines, 'every line once');
	is(scalar(grep { $stored[$_ - 1] !~ /Z \[WARNING\] line $_\z/ } 1 .. $lines), 0, 'in order, with level and message');
	kill TERM => $pid;
	ok(wait_until { waitpid($pid, 1) == $pid }, 'syslog-ng ends');
	is($daemon->stop, 0, 'stops');
};

subtest 'settings' => sub {
	my $daemon = LogCollectd->new;
	my (undef, $printed) = $daemon->run('-S');
	my %default = map { /^(\w+) +(\S+(?: [^\s#]+)*)/ ? ($1 => $2 eq '""' ? 'none' : $2) : () } split /\n/, $printed;
	$default{Workers} = 'the CPUs';
	my ($table) = $readme =~ /^\| directive \| default .*\n\|[-|]+\n((?:\|.*\n)+)/m;
	my %told;
	for my $row (split /\n/, $table) {
		my ($names, $value) = $row =~ /^\| (.*?) \| (.*?) \|/;
		$told{$_} = $value =~ tr/`//dr for $names =~ /`(\w+)`/g;
	}
	is_deeply(\%told, \%default, 'all of them, with their defaults');
};

done_testing;
