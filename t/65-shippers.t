# SPDX-License-Identifier: ISC
# The real rsyslog and syslog-ng, which read no answers, with the configuration that README.md gives: every record once in
# the file from a listener that sends none, and nobody stuck on one that does.
# They are there after `make bench-deps`; what is not is skipped, and said so, unless REQUIRE_PEERS is set.
use v5.36;
use IO::Socket::UNIX;
use Test::More;
use LogCollectd;
use LogCollectd::Http qw(get);
use Peers;
use Readme;
use Shippers;

sub syslog_lines ($from, $to) {
	return map { "<11>Jan 31 12:00:00 host app: line $_\n" } $from .. $to;
}

# Starts rsyslog with a socket for syslog lines, and writes into it.
sub start_rsyslog ($daemon, $port, @command) {
	my $dir = $daemon->dir;
	write_file("$dir/rsyslog.conf", <<~"END" . readme_code('From rsyslog', 'rsyslog', $port));
		global(workDirectory="$dir")
		module(load="imptcp")
		main_queue(queue.timeoutEnqueue="2000000000")
		input(type="imptcp" path="$dir/in")
		END
	my $pid = $daemon->spawn(("$dir/rsyslog.out") x 2, @command, '-n', '-f', "$dir/rsyslog.conf", '-i', "$dir/rsyslog.pid");
	my $socket = wait_until { IO::Socket::UNIX->new(Peer => "$dir/in") };
	ok($socket, 'rsyslog starts') or diag slurp("$dir/rsyslog.out");
	return ($pid, $socket);
}

sub start_syslog_ng ($daemon, $port, $edit, @command) {
	my $dir = $daemon->dir;
	my $code = readme_code('From syslog-ng', 'syslog-ng', $port);
	write_file("$dir/in.log", join '', syslog_lines(1, RECORDS));
	write_file("$dir/syslog-ng.conf", <<~"END" . $edit->($code));
		\@version: 3.38
		options { stats-freq(0); };
		source s_src { file("$dir/in.log" read-old-records(yes) follow-freq(0.1)); };
		END
	return $daemon->spawn(("$dir/syslog-ng.out") x 2, @command, '-F', '-f', "$dir/syslog-ng.conf", '-R', "$dir/persist",
		'-c', "$dir/control", '--pidfile', "$dir/syslog-ng.pid");
}

subtest 'rsyslog' => sub {
	my @command = rsyslog() or absent('rsyslog');
	my $daemon = start();
	my ($pid, $in) = start_rsyslog($daemon, $daemon->port(1), @command);
	print {$in} syslog_lines(1, RECORDS);
	close $in;
	is_stored($daemon, lines_of(RECORDS), 'every record once, in order');
	ends($pid, 'rsyslog');
	is($daemon->stop, 0, 'stops');
	is({ $daemon->counted }->{received}, RECORDS, 'counted');
};

# A few answers stay in the kernel.  When they find no more room the connection is closed, and rsyslog makes a new one: what
# was under way is lost, the last records are not.
subtest 'rsyslog, answered' => sub {
	my @command = rsyslog() or absent('rsyslog');
	my $daemon = start(SendTimeout => 1, StatusListen => '127.0.0.1:0');
	my ($pid, $in) = start_rsyslog($daemon, $daemon->port(0), @command);
	print {$in} syslog_lines(1, 2000);
	is_stored($daemon, lines_of(2000), 'a few records: every one once');
	my $last = 2000;
	my $closed = wait_until {
		print {$in} syslog_lines($last + 1, $last + 20_000) and $last += 20_000 if $last < 300_000;
		get($daemon, "/metrics")->{body} =~ /timeout="send"} [1-9]/;
	};
	ok($closed, 'many: the connection is closed after SendTimeout, and counted');
	is_deeply([verdicts $daemon->ask(record(ERROR => 'honest'))], ['received'], 'others are served');
	print {$in} "<11>Jan 31 12:00:00 host app: the last\n";
	ok(wait_until { $daemon->log =~ /Z \[ERROR\] the last\n/ }, 'rsyslog goes on');
	my @wrong = grep { !/Z \[ERROR\] (?:line (\d+)|honest|the last)\z/ } $daemon->log_lines;
	is_deeply(\@wrong, [], 'no line is torn');
	kill KILL => $pid;
	is($daemon->stop, 0, 'stops');
};

subtest 'syslog-ng' => sub {
	my @command = syslog_ng() or absent('syslog-ng');
	for my $case (['without answers', 1, sub ($code) { $code }],
		['answered', 0, sub ($code) { $code =~ s/transport\("tcp"\)/$& close-on-input(no)/r }]) {
		my ($name, $nth, $edit) = @$case;
		my $daemon = start(SendTimeout => 1);
		my $pid = start_syslog_ng($daemon, $daemon->port($nth), $edit, @command);
		is_stored($daemon, lines_of(RECORDS), "$name: every record once, in order")
			or diag slurp($daemon->dir . '/syslog-ng.out');
		ends($pid, 'syslog-ng');
		is($daemon->stop, 0, 'stops');
		is({ $daemon->counted }->{received}, RECORDS, 'counted');
	}
};

# Whatever is found of the listener in the README is a configuration that the daemon takes.
subtest 'the listener' => sub {
	my ($conf) = readme() =~ /^```apache\n(Listen .*?)^```$/ms;
	my ($status, undef, $err) = LogCollectd->new('-args' => [], Listen => undef, '-conf' => $conf)->run('-t', '-f', '/dev/null',
		map { ('-c', $_) } split /\n/, $conf);
	is($status, 0, 'as README.md has it') or diag $err;
};

done_testing;
