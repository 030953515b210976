#!/usr/bin/perl
# SPDX-License-Identifier: ISC
# The load generator is the judge of the daemon's main promise, so it is judged first: against a small server
# of this file that keeps the promises, and then against the same one with each of them broken.
use strict;
use warnings;
use File::Temp qw(tempdir);
use IO::Select;
use IO::Socket::INET;
use JSON::PP ();
use Test::More;

my $loadgen = ( $ENV{BUILD} // 'build' ) . '/t/bench/loadgen';
my $dir     = tempdir( CLEANUP => 1 );
my $ok      = qq({"status": "ok", "message": "received"}\n);
my $not_ok  = qq({"status": "error", "message": "storage failure"}\n);
my $filter  = qq({"status": "ok", "message": "filtered"}\n);
my %letter  = ( "\t" => '\\t', "\n" => '\\n' );

# What goes wrong with the 100th record of a run, of those to be stored: from its line in the file and its answer to
# others.
my %faults = (
	honest      => sub { @_ },
	lost        => sub { ( '', $_[1] ) },
	doubled     => sub { ( $_[0] x 2, $_[1] ) },
	torn        => sub { ( substr( $_[0], 0, 60 ) . "\n", $_[1] ) },
	merged      => sub { ( substr( $_[0], 0, -1 ), $_[1] ) },
	altered     => sub { my $line = $_[0]; substr( $line, -3, 1 ) = 'y'; ( $line, $_[1] ) },
	failed      => sub { ( '', $not_ok ) },
	lied        => sub { ( $_[0], $not_ok ) },
	foreign     => sub { ( "$_[0]somebody else's line\n", $_[1] ) },
	mute        => sub { ( $_[0], '' ) },
	chatty      => sub { ( $_[0], $_[1] x 2 ) },
	babbling    => sub { ( $_[0], "received\n" ) },
	gone        => sub { ( $_[0], undef ) },
	stalled     => sub { select undef, undef, undef, 0.5; @_ },
	overzealous => sub { ( '', $filter ) },
);

# Level and message of a line; the message as the text format has it.
sub decode {
	my $record = JSON::PP->new->utf8->decode( $_[0] );
	my $text   = $record->{message} =~ s/([\x00-\x1f\x7f-\x9f])/$letter{$1} \/\/ sprintf '\\u%04x', ord $1/ger;
	utf8::encode($text);
	return ( $record->{level}, $text );
}

# all: nothing is filtered.  mute: nothing is answered.
sub serve {
	my ( $listener, $log, $fault, $swap, $all, $mute ) = @_;
	my $select = IO::Select->new($listener);
	my ( %rest, $held, $records );
	open my $file, '>>', $log or die "$log: $!";
	$file->autoflush(1);
	while ( my @ready = $select->can_read ) {
		for my $socket (@ready) {
			if ( $socket == $listener ) { $select->add( $listener->accept ); next; }
			my ( $text, $answers ) = ( '', '' );
			my $got = sysread $socket, $text, 65536;
			if ( !$got ) { $select->remove($socket); close $socket; next; }
			$text = ( delete $rest{$socket} // '' ) . $text;
			while ( $text =~ s/^(.*)\n// ) {
				my ( $level, $message ) = decode($1);
				my @result = ( "2026-01-31T12:00:00.123456Z [$level] $message\n", $ok );
				if ( $level eq 'DEBUG' && !$all ) { $answers .= $filter unless $mute; next; }
				@result = $fault->(@result) if ++$records == 100;
				$result[1] = '' if $mute;
				if ($swap) { ( $result[0], $held ) = ( $held // '', $result[0] ) if $records == 100; }
				print $file $result[0];
				if ( defined $held && $records > 100 ) { print $file $held; undef $held; }
				if ( !defined $result[1] ) { $select->remove($socket); close $socket; last; }
				$answers .= $result[1];
			}
			next unless $socket->opened;
			$rest{$socket} = $text;
			syswrite $socket, $answers;
		}
	}
}

# Runs the load generator against a server with this fault; its exit status and what it said.
sub run {
	my ( $name, $fault, @options ) = @_;
	my $log      = "$dir/$name.log";
	my $listener = IO::Socket::INET->new( LocalAddr => '127.0.0.1', Listen => 64 ) or die "listen: $!";
	my $server   = fork // die "fork: $!";
	if ( $server == 0 ) {
		$SIG{PIPE} = 'IGNORE';
		serve( $listener, $log, $fault, $name eq 'swapped', scalar $name =~ /^all/, scalar $name =~ /^no-answers/ );
		exit 0;
	}
	my $port   = $listener->sockport;
	my @command = ( $loadgen, '--port', $port, '--verify', $log, qw(--lines 300 --patience 1), @options );
	my $said   = `@command 2>&1`;
	my $status = $? >> 8;
	kill KILL => $server;
	waitpid $server, 0;
	return ( $status, $said );
}

my ( $status, $said ) = run( 'honest', $faults{honest}, qw(--clients 4 --window 16) );
is $status, 0, 'an honest server passes' or diag $said;
like $said, qr/^received 1200\n/m,      'every answer is counted';
like $said, qr/^found_in_file 1200\n/m, 'every record is found';
like $said, qr/^violations 0\n/m,       'nothing is wrong';

( $status, $said ) = run( 'failed', $faults{failed}, qw(--clients 2 --window 16) );
is $status, 0, 'a record that is answered storage failure may be absent' or diag $said;
like $said, qr/^failed 1\n/m, 'and is counted';

( $status, $said ) = run( 'single', $faults{honest}, qw(--clients 1 --window 1 --size 300) );
is $status, 0, 'one client, one line in flight, another size' or diag $said;

my %symptoms = (
	lost     => qr/record \d+ of client \d+ was answered received and is lost/,
	doubled  => qr/record \d+ of client \d+ is there twice/,
	torn     => qr/not a record of this run/,
	merged   => qr/not a record of this run/,
	altered  => qr/not a record of this run/,
	lied     => qr/was answered failed and is in the file/,
	foreign  => qr/not a record of this run .* somebody else's line/,
	mute     => qr/no answer for 1 s/,
	chatty   => qr/an answer too many/,
	babbling => qr/not an answer: received/,
	gone     => qr/with \d+ lines unanswered/,
);
for my $name ( sort keys %symptoms ) {
	( $status, $said ) = run( $name, $faults{$name}, qw(--clients 1 --window 16) );
	is $status, 1, "$name: caught";
	like $said, $symptoms{$name}, "$name: named";
}
( $status, $said ) = run( 'swapped', $faults{honest}, qw(--clients 1 --window 16) );
is $status, 1, 'swapped: caught';
like $said, qr/record 99 of client 0 stands behind its number 100/, 'swapped: named';

( $status, $said ) = run( 'reconnected', $faults{gone}, qw(--clients 1 --window 16 --reconnect) );
is $status, 0, 'a broken connection is forgiven with --reconnect' or diag $said;
like $said, qr/^reconnects 1\n/m, 'and counted';

# The kinds of records: what is wrong is caught in each of them.
my %bytes = ( half => 120, fields => 300, escapes => 200, unicode => 200 );
for my $kind ( sort keys %bytes ) {
	my @shape = ( '--clients', 1, '--window', 16, '--kind', $kind, '--size', $bytes{$kind} );
	my $kept  = $kind eq 'half' ? 150 : 300;
	( $status, $said ) = run( "honest-$kind", $faults{honest}, @shape );
	is $status, 0, "$kind: an honest server passes" or diag $said;
	like $said, qr/^found_in_file $kept\n/m, "$kind: every record is found";
	for my $name (qw(lost doubled torn altered overzealous)) {
		( $status, $said ) = run( "$name-$kind", $faults{$name}, @shape );
		is $status, 1, "$kind, $name: caught";
		like $said, $symptoms{$name} // qr/was answered filtered, not received/, "$kind, $name: named";
	}
}
( $status, $said ) = run( 'all-half', $faults{honest}, qw(--clients 1 --window 16 --kind half) );
is $status, 1, 'half, stored all: caught';
like $said, qr/record 1 of client 0 was answered received, not filtered/, 'half, stored all: named';
like $said, qr/^found_in_file 150\n/m, 'half, stored all: and none of those counts as found';

# A server that does not answer is done when its file is.
( $status, $said ) = run( 'no-answers', $faults{honest}, qw(--clients 4 --kind half --no-answers) );
is $status, 0, 'no answers: a file with all records passes' or diag $said;
like $said, qr/^received 600\nfiltered 600\n/m, 'no answers: all lines count';
like $said, qr/^found_in_file 600\n/m,          'no answers: every record is found';
( $status, $said ) = run( 'no-answers-lost', $faults{lost}, qw(--clients 1 --no-answers) );
is $status, 1, 'no answers, lost: caught';
like $said, $symptoms{lost}, 'no answers, lost: named';

# With a rate a stall is charged to every line that was due meanwhile: to two thirds of 300 lines in 0.3 s.
( $status, $said ) = run( 'stalled', $faults{stalled}, qw(--clients 1 --rate 1000) );
is $status, 0, 'a rate: passes' or diag $said;
like $said, qr/^received 300\n/m, 'a rate: all lines are sent';
my ($half) = $said =~ /^answer_us_p50 (\d+)$/m;
cmp_ok $half, '>', 200_000, 'a rate: half of the lines waited for the stall';

for my $wrong ( [qw(--kind odd)], [qw(--format xml)], [qw(--size 20)], [qw(--clients 0)], [qw(--rate)], ['--no-answers'] ) {
	system "$loadgen @$wrong 2>/dev/null";
	is $? >> 8, 64, "usage: @$wrong";
}

done_testing;
