# SPDX-License-Identifier: ISC
# A server that says what a test tells it to say, and a way to run a client against it.
#
#   my $server = scripted(sub { my $c = $_[0]->client; $c->line; $c->say(says_ok('received')) });
#   my $run = run_client(['-p', $server->port, 'disk full']);      # ->{status}, {out}, {err}
#   is_deeply $server->heard, [...];                               # what it read, by connection
package ScriptedServer;

use strict;
use warnings;
use Children qw(forget keep);
use Exporter 'import';
use File::Temp ();
use IO::Handle;
use IO::Socket::INET;
use POSIX ();
use Socket ();
use Time::HiRes ();

our @EXPORT = qw(scripted run_client start_client finish_client says_ok says_error temp_file wait_until contents);

my $BOUND_S = 60;    # nothing here takes longer, unless it hangs
my $dir = File::Temp->newdir;
my $files = 0;

sub says_ok    { qq({"status": "ok", "message": "$_[0]"}) }
sub says_error { qq({"status": "error", "message": "$_[0]"}) }

sub temp_file {
	my ($content) = @_;
	my $path = "$dir/" . $files++;
	open my $file, '>:raw', $path or die "$path: $!";
	print $file $content // '';
	close $file or die "$path: $!";
	return $path;
}

sub contents {
	my ($path) = @_;
	open my $file, '<:raw', $path or die "$path: $!";
	local $/;
	return scalar(<$file>) // '';
}

# Waits until the condition holds; false when it does not within the bound.
sub wait_until {
	my ($condition) = @_;
	my $end = Time::HiRes::time() + $BOUND_S;
	while (!$condition->()) {
		return 0 if Time::HiRes::time() > $end;
		select undef, undef, undef, 0.01;
	}
	return 1;
}

# Serves in a process of its own until the script returns.  Options: Host, Listen => 0 (bind only), TLS => options of
# IO::Socket::SSL.
sub scripted {
	my ($script, %options) = @_;
	my $self = bless {log => temp_file(), tls => $options{TLS}}, __PACKAGE__;
	require IO::Socket::SSL if $options{TLS};
	$self->{listener} = IO::Socket::INET->new(
		LocalAddr => $options{Host} // '127.0.0.1', LocalPort => 0, Proto => 'tcp', Type => Socket::SOCK_STREAM,
		defined $options{Listen} ? () : (Listen => 16),
	) or die "listen: $@";
	$self->{port} = $self->{listener}->sockport;
	return $self if defined $options{Listen};
	$self->serve($script);
	return $self;
}

sub serve {
	my ($self, $script) = @_;
	defined(my $pid = fork) or die "fork: $!";
	if ($pid == 0) {
		alarm $BOUND_S;
		$SIG{PIPE} = 'IGNORE';
		eval { $script->($self); 1 } or print STDERR "# server: $@";
		POSIX::_exit(0);
	}
	keep($pid);
	$self->{pid} = $pid;
	close $self->{listener};
}

sub port { $_[0]{port} }

# For the script: the next connection.  Of one whose handshake fails all that can be asked is why.
sub client {
	my ($self) = @_;
	my $socket = $self->{listener}->accept or die "accept: $!";
	$self->note("connection");
	my $failed = $self->{tls} && !IO::Socket::SSL->start_SSL($socket, SSL_server => 1, %{$self->{tls}})
		? IO::Socket::SSL::errstr() : undef;
	return bless {server => $self, socket => $socket, rest => '', failed => $failed}, 'ScriptedServer::Client';
}

sub note {
	my ($self, $line) = @_;
	open my $log, '>>:raw', $self->{log} or die "$self->{log}: $!";
	print $log "$line\n";
	close $log;
}

# For the test: once the script is over, the lines that were read, one list for each connection.
sub heard {
	my ($self) = @_;
	waitpid $self->{pid}, 0;
	forget($self->{pid});
	my @connections;
	for my $line (split /\n/, contents($self->{log})) {
		if ($line eq 'connection') { push @connections, [] }
		else                       { push @{$connections[-1]}, $line }
	}
	return \@connections;
}

# Options: stdin (a string, or a handle), stderr (a handle), env.
sub start_client {
	my ($arguments, %options) = @_;
	my %client = (out => temp_file(), err => temp_file());
	my $input = $options{stdin};
	if (!ref $input) {
		my $path = temp_file($input);
		undef $input;
		open $input, '<:raw', $path or die "$path: $!";
	}
	defined($client{pid} = fork) or die "fork: $!";
	if ($client{pid} == 0) {
		delete @ENV{qw(SERVER_HOST SERVER_PORT)};
		%ENV = (%ENV, %{$options{env} // {}});
		open STDIN, '<&', $input or POSIX::_exit(126);
		open STDOUT, '>', $options{stdout} // $client{out} or POSIX::_exit(126);
		if ($options{stderr}) { open STDERR, '>&', $options{stderr} or POSIX::_exit(126) }
		else                  { open STDERR, '>', $client{err} or POSIX::_exit(126) }
		alarm $BOUND_S;    # kept over exec: a client that hangs ends by SIGALRM
		exec "$ENV{BUILD}/bin/logsend", @$arguments or POSIX::_exit(127);
	}
	keep($client{pid});
	return \%client;
}

sub finish_client {
	my ($client) = @_;
	waitpid $client->{pid}, 0;
	forget($client->{pid});
	my $status = $? & 127 ? 'signal ' . ($? & 127) : $? >> 8;
	return {status => $status, out => contents($client->{out}), err => contents($client->{err})};
}

sub run_client { finish_client(start_client(@_)) }

package ScriptedServer::Client;

# The next line without its newline, noted; undef at the end of the stream.
sub line {
	my ($self) = @_;
	my $line = $self->raw_line;
	$self->{server}->note($line) if defined $line;
	return $line;
}

sub raw_line {
	my ($self) = @_;
	my $end;
	while (($end = index $self->{rest}, "\n") < 0) {
		return undef unless $self->more;
	}
	my $line = substr $self->{rest}, 0, $end + 1, '';
	chop $line;
	return $line;
}

sub more {
	my ($self) = @_;
	return sysread $self->{socket}, $self->{rest}, 65536, length $self->{rest};
}

# Whether nothing comes for a while.
sub is_quiet {
	my ($self, $seconds) = @_;
	my $bits = '';
	vec($bits, fileno $self->{socket}, 1) = 1;
	return $self->{rest} eq '' && select($bits, undef, undef, $seconds) == 0;
}

sub write {
	my ($self, $bytes) = @_;
	while (length $bytes) {
		my $n = syswrite $self->{socket}, $bytes;
		return 0 unless defined $n;
		substr $bytes, 0, $n, '';
	}
	return 1;
}

sub say { $_[0]->write("$_[1]\n") }

# Reads and answers the same to every line until the client closes.
sub answer_all {
	my ($self, $answer) = @_;
	while (defined $self->line) { $self->say($answer) }
}

sub close { CORE::close $_[0]{socket} }

# Closes without a goodbye of TLS.
sub cut {
	my ($self) = @_;
	$self->{server}{tls} ? $self->{socket}->close(SSL_no_shutdown => 1) : CORE::close $self->{socket};
}

# Whether the client's goodbye has come.
sub was_told {
	my ($self) = @_;
	return Net::SSLeay::get_shutdown($self->{socket}->_get_ssl_object) & 2;
}

sub reset {
	my ($self) = @_;
	setsockopt $self->{socket}, Socket::SOL_SOCKET, Socket::SO_LINGER, pack('ii', 1, 0);
	$self->cut;
}

1;
