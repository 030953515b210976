#!/usr/bin/perl
# SPDX-License-Identifier: ISC
# logsend against servers that refuse, vanish, stall or answer oddly: nothing is lost, nothing hangs.
use strict;
use warnings;
use Test::More;
use IO::Socket::INET;
use ScriptedServer;

my $received = says_ok('received');
my $busy = says_error('server busy');
my $denied = says_error('access denied');

sub records { map { qq({"level":"INFO","message":"$_"}) } @_ }
sub text { join '', map { "$_\n" } @_ }

subtest 'answers in pieces' => sub {
	my $server = scripted(sub {
		my $client = $_[0]->client;
		$client->line for 1 .. 3;
		$client->write($_) for split //, "$received\r\n{\"message\":\"filt";
		$client->write("ered\",\"status\":\"ok\"}\n$received\n");
	});
	my $run = run_client(['-p', $server->port], stdin => text(1 .. 3));
	is_deeply $run, {status => 0, out => "3 records: 2 received, 1 filtered\n", err => ''}, 'put together';
};

for my $way (qw(close reset)) {
	subtest "$way in the middle" => sub {
		my $server = scripted(sub {
			my $client = $_[0]->client;
			$client->line for 1 .. 10;
			$client->write("$received\n" x 3 . '{"status": "o');
			$client->$way;
			$_[0]->client->answer_all($received);
		});
		my $run = run_client(['-p', $server->port], stdin => text(1 .. 10));
		is $run->{status}, 0, 'all accepted';
		is $run->{out}, "10 records: 10 received\n", 'each counted once';
		like $run->{err}, qr/^logsend: localhost port \d+: .*; trying again in 0\.1 s\n$/, 'told';
		is_deeply $server->heard, [[records(1 .. 10)], [records(4 .. 10)]], 'what was not answered is sent again, in order';
	};
}

subtest 'one answer at a time, then gone, again and again' => sub {
	my $server = scripted(sub {
		for (1 .. 4) {
			my $client = $_[0]->client;
			$client->line;
			$client->say($received);
			$client->close;
		}
	});
	my $run = run_client(['-p', $server->port, '--retries', 1, '-q'], stdin => text(1 .. 4));
	is_deeply $run, {status => 0, out => '', err => ''}, 'an answer renews the tries; -q is silent';
};

subtest 'an idle connection that is closed' => sub {
	pipe my $read, my $write or die;
	my $server = scripted(sub {
		close $write;
		my $client = $_[0]->client;
		$client->line;
		$client->say($received);
		$client->close;
		$_[0]->note('closed');
		$_[0]->client->answer_all($received);
	});
	my $client = start_client(['-p', $server->port, '--retries', 0], stdin => $read);
	syswrite $write, "1\n";
	ok wait_until(sub { contents($server->{log}) =~ /closed/ }), 'closed after the first answer';
	syswrite $write, "2\n";
	close $write;
	is_deeply finish_client($client), {status => 0, out => "2 records: 2 received\n", err => ''},
		'the next record makes a new one; nothing has failed';
};

subtest 'refused, then not' => sub {
	my $server = scripted(undef, Listen => 0);
	my $client = start_client(['-p', $server->port, 'x']);
	ok wait_until(sub { contents($client->{err}) =~ /refused; trying again in 0.2 s/ }), 'tries twice';
	listen $server->{listener}, 1 or die;
	$server->serve(sub { $_[0]->client->answer_all($received) });
	is finish_client($client)->{out}, "1 record: 1 received\n", 'then it is there';
};

subtest 'never there' => sub {
	my $server = scripted(undef, Listen => 0);
	my $run = run_client(['-h', '127.0.0.1', '-p', $server->port, '--retries', 2], stdin => text(1 .. 3));
	is $run->{status}, 69, 'no service';
	is $run->{out}, "3 records: 3 unanswered\n", 'what is left';
	like $run->{err}, qr/^(.*refused; trying again in 0\.[12] s\n){2}.*refused; gave up after 3 tries\n$/, 'told';
	$run = run_client(['-h', 'no.such.host.invalid', '--retries', 0, 'x']);
	is $run->{status}, 69, 'no such host';
	like $run->{err}, qr/^logsend: no\.such\.host\.invalid port 9000: .*gave up after 1 try\n$/, 'told';
};

subtest 'busy' => sub {
	my $server = scripted(sub {
		my $client = $_[0]->client;
		$client->say($busy);
		$client->close;
		$_[0]->client->answer_all($received);
	});
	my $run = run_client(['-p', $server->port], stdin => text(1 .. 2));
	is $run->{out}, "2 records: 2 received\n", 'tried again, and not counted as an answer';
	like $run->{err}, qr/server busy; trying again|closed the connection|reset/, 'told';

	$server = scripted(sub {
		for (1 .. 2) {
			my $client = $_[0]->client;
			$client->line;
			$client->say($busy);
			$client->more;
		}
	});
	$run = run_client(['-p', $server->port, '--retries', 1, 'x']);
	is $run->{status}, 69, 'busy for ever';
	like $run->{err}, qr/server busy; trying again in 0\.1 s\n.*server busy; gave up after 2 tries\n$/, 'told';
};

subtest 'denied' => sub {
	my $server = scripted(sub {
		my $client = $_[0]->client;
		$client->line;
		$client->say($denied);
		$client->more;
	});
	my $run = run_client(['-p', $server->port, 'x']);
	is_deeply [@$run{qw(status out)}], [69, "1 record: 1 unanswered\n"], 'no second try';
	like $run->{err}, qr/^logsend: localhost port \d+: access denied\n$/, 'told';
};

subtest 'silence' => sub {
	my $silent = sub { my $client = $_[0]->client; 1 while $client->more };
	my $server = scripted($silent);
	my $run = run_client(['-p', $server->port, '--timeout', 1, '--retries', 0, 'x']);
	is $run->{status}, 69, 'does not wait for ever';
	like $run->{err}, qr/no answer in time; gave up after 1 try\n$/, 'told';

	pipe my $read, my $write or die;
	$server = scripted($silent);
	local $SIG{PIPE} = 'IGNORE';
	my $client = start_client(['-p', $server->port, '--timeout', 1, '--retries', 0], stdin => $read);
	close $read;
	my $lines = 0;
	# 20 lines a second, never a second without one; the window has room for 25 seconds of it.
	while ($lines++ < 400 && syswrite $write, "x\n") { select undef, undef, undef, 0.05 }
	cmp_ok $lines, '<', 400, 'new lines do not hide that the first has no answer';
	is finish_client($client)->{status}, 69, 'gives up in time';
};

subtest 'an answer to nothing' => sub {
	my $server = scripted(sub {
		my $client = $_[0]->client;
		$client->line;
		$client->write("$received\n" x 2);
		$client->more;
		$_[0]->client->answer_all($received);
	});
	pipe my $read, my $write or die;
	my $client = start_client(['-p', $server->port], stdin => $read);
	syswrite $write, "1\n";
	ok wait_until(sub { contents($server->{log}) =~ /1/ }), 'one line sent, two answers';
	# The second connection shows that the first was given up.
	syswrite $write, "2\n";
	close $write;
	close $read;
	is finish_client($client)->{out}, "2 records: 2 received\n", 'not taken for the next line\'s';
};

subtest 'an answer before the line is whole' => sub {
	my $server = scripted(sub {
		my $client = $_[0]->client;
		$client->more while length $client->{rest} < 1000;
		$client->say(says_error('line too long'));
		$_[0]->note(length $client->raw_line);
		$client->answer_all($received);
	});
	my $run = run_client(['-p', $server->port, '--ndjson'], stdin => 'y' x 8_000_000 . "\nnext\n");
	is_deeply [@$run{qw(status out err)}], [1, "2 records: 1 received, 1 too_long\n", ''], 'both answered';
	is_deeply $server->heard, [[8_000_000, 'next']], 'in step, on one connection';
};

subtest 'answers that fill every buffer' => sub {
	my $lines = 20_000;
	my $answer = '{"status": "ok",' . ' ' x 1000 . '"message": "received"}';
	my $server = scripted(sub {
		my ($self) = @_;
		my $client = $self->client;
		# Reads nothing while it writes, as a simple server does.
		while (defined $client->raw_line) { $client->say($answer) or last }
	});
	my $run = run_client(['-p', $server->port, '-w', 100_000, '--retries', 0, '--timeout', 10],
		stdin => text(map { 'z' x 180 } 1 .. $lines));
	is_deeply $run, {status => 0, out => "$lines records: $lines received\n", err => ''}, 'no deadlock';
};

subtest 'the window' => sub {
	my $server = scripted(sub {
		my $client = $_[0]->client;
		for (1 .. 4) {
			$client->line for 1 .. 5;
			$_[0]->note('more than the window') unless $client->is_quiet(0.1);
			$client->write("$received\n" x 5);
		}
	});
	my $run = run_client(['-p', $server->port, '-w', 5], stdin => text(1 .. 20));
	is $run->{out}, "20 records: 20 received\n", 'all sent';
	is_deeply $server->heard, [[records(1 .. 20)]], 'never more than the window without an answer';
};

done_testing;
