# SPDX-License-Identifier: ISC
# What README.md tells a stranger to type works as it stands there, and its table of settings is true.
# What is not installed is skipped, and said so; syslog-ng may be that of `make bench-deps`.  Who reads no answers is in
# 65-shippers.t.
use v5.36;
use Test::More;
use LogCollectd;
use Peers;
use Readme;

my $readme = readme();
my $program = LogCollectd::program('logsend');

# The code that stands under a heading, for that daemon.
sub code ($heading, $language, $daemon) {
	my $code = readme_code($heading, $language, $daemon->port) // return;
	return $code =~ s{/usr/bin/logsend}{$program}gr;
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

subtest 'From syslog-ng, through logsend' => sub {
	my @command = syslog_ng() or plan skip_all => 'there is no syslog-ng';
	my $daemon = LogCollectd->start;
	my $dir = $daemon->dir;
	my $lines = 30_000; # more than its queue of 10,000 takes
	write_file("$dir/in.log", join '', map { "<12>Jan 31 12:00:00 host app: line $_\n" } 1 .. $lines);
	write_file("$dir/syslog-ng.conf", <<~"END" . code('From syslog-ng, through logsend', 'syslog-ng', $daemon));
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
	my %default = map { /^(\w+) +(.*?) +#/ ? ($1 => $2 eq '""' ? 'none' : $2) : () } split /\n/, $printed;
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
