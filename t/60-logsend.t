#!/usr/bin/perl
# SPDX-License-Identifier: ISC
# logsend: options, what it sends, what it says of the answers.  The server is a script.
use strict;
use warnings;
use Test::More;
use ScriptedServer;

my $received = says_ok('received');

sub accepting { return scripted(sub { $_[0]->client->answer_all($received) }) }

sub record { qq({"level":"$_[0]","message":"$_[1]"}) }

sub is_run {
	my ($run, $status, $out, $err, $name) = @_;
	is_deeply [@$run{qw(status out)}], [$status, $out], $name or diag $run->{err};
	like $run->{err}, $err, "$name: stderr";
}

subtest 'words' => sub {
	my $server = accepting();
	my $run = run_client(['-p', $server->port, '-h', '127.0.0.1', '-l', 'ERROR', 'disk', '-x', 'full']);
	is_run $run, 0, "1 record: 1 received\n", qr/^$/, 'sent';
	is_deeply $server->heard, [[record('ERROR', 'disk -x full')]], 'one record, words joined, level given';

	$server = accepting();
	run_client(['-p', $server->port, '--', '-q', qq("\xFF"\n)]);
	is_deeply $server->heard, [[record('INFO', qq(-q \\"\xEF\xBF\xBD\\"\\n))]], 'escaped, repaired, one line';
};

subtest 'text lines' => sub {
	my $server = accepting();
	my $run = run_client(['-p', $server->port, '-l', 'WARN'], stdin => "one\r\n\n \t \ntwo \x80\n\nthree");
	is_run $run, 0, "3 records: 3 received\n", qr/^$/, 'standard input';
	is_deeply $server->heard, [[map { record('WARN', $_) } 'one', "two \xEF\xBF\xBD", 'three']],
		'wrapped; empty lines skipped; the last needs no newline';

	$server = accepting();
	$run = run_client(['-p', $server->port, '-f', temp_file("a\nb\n")], stdin => 'not this');
	is_run $run, 0, "2 records: 2 received\n", qr/^$/, 'file';
	is_deeply $server->heard, [[record('INFO', 'a'), record('INFO', 'b')]], 'lines of the file';
};

subtest 'NDJSON lines' => sub {
	my $server = accepting();
	my $long = '{"level":"INFO","message":"' . 'x' x 3_000_000 . '"}';
	my @lines = ('{"level":"INFO", "message":"a"}', 'no JSON', "\0", " spaced\t", $long, '{"last":1}');
	my $run = run_client(['-p', $server->port, '--ndjson'], stdin => "\n" . join "\n\r\n \f\n", @lines);
	is_run $run, 0, "6 records: 6 received\n", qr/^$/, 'sent';
	my $heard = $server->heard;
	ok eq_array($heard, [\@lines]), 'as they are, whatever their length, and no blank ones';
};

subtest 'no input, no connection' => sub {
	my $run = run_client(['-p', 1, '--retries', 0], stdin => "\n\n");
	is_run $run, 0, "0 records\n", qr/^$/, 'nothing to send';
};

subtest 'verdicts' => sub {
	my @answers = ($received, says_ok('filtered'), map { says_error($_) } 'invalid JSON',
		'expected JSON object', 'missing required fields: level, message', 'rate limit exceeded',
		'line too long', 'unknown level', 'storage failure', 'strange');
	my $all = sub {
		my $client = $_[0]->client;
		for my $answer (@answers) { $client->line; $client->say($answer) }
	};
	my $server = scripted($all);
	my $run = run_client(['-p', $server->port], stdin => "x\n" x @answers);
	is_run $run, 1, '10 records: 1 received, 1 filtered, 1 invalid, 1 not_object, 1 missing, 1 limited, '
		. "1 too_long, 1 unknown_level, 1 failed, 1 other\n", qr/^$/, 'all of them: some rejected';

	$server = scripted($all);
	$run = run_client(['-p', $server->port, '-q'], stdin => "x\n" x @answers);
	is_run $run, 1, '', qr/^$/, '-q tells by the status only';

	@answers = ($received, says_ok('filtered'));
	$server = scripted($all);
	$run = run_client(['-p', $server->port], stdin => "x\n" x 2);
	is_run $run, 0, "2 records: 1 received, 1 filtered\n", qr/^$/, 'filtered is accepted';
};

subtest 'smoke' => sub {
	my @answers = (says_ok('filtered'), ($received) x 3, qq({"status": "error",\t"message": "\e[31m"}));
	my $server = scripted(sub {
		my $client = $_[0]->client;
		for my $answer (@answers) { $client->line; $client->say($answer) }
	});
	my $run = run_client(['-p', $server->port, '--smoke']);
	my @sent = map { record($_, 'logsend smoke test') } qw(DEBUG INFO WARNING ERROR CRITICAL);
	my @shown = map { "$sent[$_]  ->  $answers[$_]\n" } 0 .. 4;
	$shown[4] =~ tr/\t\e/?/;
	is_run $run, 1, join('', @shown) . "5 records: 3 received, 1 filtered, 1 other\n", qr/^$/,
		'each answer beside what was sent, nothing that drives a terminal';
	is_deeply $server->heard, [\@sent], 'one of each level';
};

subtest 'where to' => sub {
	my $server = accepting();
	my $run = run_client(['x'], env => {SERVER_HOST => '127.0.0.1', SERVER_PORT => $server->port});
	is_run $run, 0, "1 record: 1 received\n", qr/^$/, 'from the environment';
	$server = accepting();
	$run = run_client(['-p', $server->port, 'x'], env => {SERVER_HOST => '', SERVER_PORT => 'nonsense'});
	is_run $run, 0, "1 record: 1 received\n", qr/^$/, 'an option wins, empty is not set, all addresses of localhost';
	$run = run_client(['x'], env => {SERVER_PORT => 'nonsense'});
	is_run $run, 64, '', qr/^logsend: SERVER_PORT "nonsense" is invalid.*\nusage: /, 'a bad variable is named';
};

subtest 'usage' => sub {
	for my $case (
		[['-h'], qr/requires an argument/],
		[['--nonsense'], qr/unrecognized option/],
		[['-p', '65536', 'x'], qr/^logsend: --port "65536" is too large/],
		[['-p', '0', 'x'], qr/too small/],
		[['-w', '0', 'x'], qr/--window "0"/],
		[['--timeout', '1.5', 'x'], qr/--timeout "1.5" is invalid/],
		[['--retries', '-1', 'x'], qr/--retries "-1"/],
		[['-f', '/dev/null', 'x'], qr/exclude each other/],
		[['--smoke', 'x'], qr/exclude each other/],
		[['--ndjson', 'x'], qr/--ndjson is for lines/],
		[['--ndjson', '-l', 'INFO'], qr/--level has no meaning/],
	) {
		my $run = run_client($case->[0]);
		is_run $run, 64, '', qr/$case->[1].*\nusage: logsend /s, "@{$case->[0]}";
	}
	my $run = run_client(['--help']);
	is $run->{status}, 0, '--help';
	like $run->{out}, qr/^usage: logsend .*--smoke.*Exit status/s, '--help tells all';
	is_run run_client(['-V']), 0, "logsend 0.1.0\n", qr/^$/, '-V';
};

subtest 'bad files' => sub {
	my $path = temp_file() . '.none';
	is_run run_client(['-f', $path]), 66, '', qr/^logsend: \Q$path\E: No such file/, 'no file';
	is_run run_client(['-f', '/']), 66, "0 records\n", qr/^logsend: \/: Is a directory/, 'a folder';
	my $server = accepting();
	my $run = run_client(['-p', $server->port, 'x'], stdout => '/dev/full');
	is_run $run, 74, '', qr/^logsend: standard output: No space left/, 'standard output is full';
};

subtest 'progress on a terminal' => sub {
	plan skip_all => 'no terminals here' unless open my $terminal, '+<', '/dev/ptmx';
	my $number = pack 'i', 0;
	plan skip_all => 'no terminals here'
		unless ioctl($terminal, 0x40045431, $number) && ioctl($terminal, 0x80045430, $number);    # unlock, number
	open my $stderr, '+<', '/dev/pts/' . unpack('i', $number) or plan skip_all => "pts: $!";

	my $go = temp_file();
	my $server = scripted(sub {
		my $client = $_[0]->client;
		$client->line, $client->say($received) for 1 .. 3;
		wait_until(sub { -s $go });
		$client->answer_all($received);
	});
	my $client = start_client(['-p', $server->port, '-w', 2, '-f', temp_file("12345\n" x 10)], stderr => $stderr);
	my $seen = '';
	while ($seen !~ /left/) { sysread $terminal, $seen, 4096, length $seen or last }
	like $seen, qr/\r3 records, \d+\/s, 50%, 0:\d\d left\e\[K/, 'records, rate, share, time left';
	open my $signal, '>', $go or die;
	print $signal "go\n";
	close $signal;
	is finish_client($client)->{out}, "10 records: 10 received\n", 'standard output has the summary only';
};

done_testing;
