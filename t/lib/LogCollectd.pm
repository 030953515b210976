# SPDX-License-Identifier: ISC
# Starts the real daemon for one test: a generated configuration and everything it writes lie in a
# temporary directory of its own, it listens on port 0, and it is gone when the script ends,
# however it ends.  Here lives what concerns the process; what a client does
# is in LogCollectd::Client.  Nothing here knows the code, only what it promises.
package LogCollectd;

use v5.36;
use Children    qw(finish forget keep);
use Exporter    qw(import);
use File::Temp  ();
use POSIX       qw(WNOHANG);
use Time::HiRes qw(sleep time);

use LogCollectd::Client;

our @EXPORT = qw(%ANSWER gone record slurp verdicts wait_until write_file);

# How long any condition may take: far beyond what is needed on an idle machine.
use constant BOUND => 30;

# Every verdict, byte for byte, and what a refused connection is told.
our %ANSWER = (
	received      => '{"status": "ok", "message": "received"}',
	filtered      => '{"status": "ok", "message": "filtered"}',
	invalid       => '{"status": "error", "message": "invalid JSON"}',
	not_object    => '{"status": "error", "message": "expected JSON object"}',
	missing       => '{"status": "error", "message": "missing required fields: level, message"}',
	limited       => '{"status": "error", "message": "rate limit exceeded"}',
	too_long      => '{"status": "error", "message": "line too long"}',
	unknown_level => '{"status": "error", "message": "unknown level"}',
	failed        => '{"status": "error", "message": "storage failure"}',
	busy          => '{"status": "error", "message": "server busy"}',
	denied        => '{"status": "error", "message": "access denied"}',
);
my %NAME = reverse %ANSWER;

# Settings from the caller's environment must not reach the daemon.
my @ENVIRONMENT = qw(SERVER_HOST SERVER_PORT BUFFER_SIZE MIN_LOG_LEVEL ENABLE_LOG_PERSISTENCE
	LOG_DIR LOG_FILENAME RATE_LIMIT_ENABLED RATE_LIMIT_MAX_REQUESTS RATE_LIMIT_WINDOW_SECONDS);

$SIG{$_} = sub { exit 130 }
	for qw(INT TERM HUP PIPE);

# Verdicts by name, which reads better than the answers; an unknown line stays what it is.
sub verdicts (@lines) {
	return map { $NAME{$_} // $_ } @lines;
}

# One record as a line, without its newline.
sub record ($level, $message) {
	s/(["\\])/\\$1/g for $level, $message;
	return qq({"level": "$level", "message": "$message"});
}

# Polls until the condition holds and returns its value; false when it does not within the bound.  What is dear to ask is asked less often.
sub wait_until :prototype(&;$) ($condition, $bound = BOUND) {
	my $end = time + $bound;
	my $pause = 0.0001;
	while (1) {
		my $asked = time;
		my $value = $condition->();
		return $value if $value || time > $end;
		my $dear = 3 * (time - $asked);
		sleep($dear > $pause ? $dear : $pause);
		$pause *= 2 if $pause < 0.01;
	}
}

sub slurp ($path) {
	open my $file, '<:raw', $path or return '';
	local $/;
	return readline($file) // '';
}

# In one step, as an editor does: somebody may be reading it.  Returns the path.
sub write_file ($path, $text, $mode = 0644) {
	open my $file, '>:raw', "$path.new" or die "$path: $!";
	print {$file} $text;
	close $file or die "$path: $!";
	chmod $mode, "$path.new";
	rename "$path.new", $path or die "$path: $!";
	return $path;
}

# A process by /proc: its state letter, parent and group; nothing when there is none.
sub stat_of ($pid) {
	return slurp("/proc/$pid/stat") =~ /\) (\S) (\d+) (\d+) /;
}

# Whether the process has ended; nobody may have reaped it yet.
sub gone ($pid) {
	my ($state) = stat_of($pid);
	return !defined $state || $state eq 'Z';
}

sub processes ($wanted) {
	opendir my $proc, '/proc' or die "/proc: $!";
	my @found = sort { $a <=> $b } grep {
		my ($state, $parent, $group) = /^\d+$/ ? stat_of($_) : ();
		defined $state && $state ne 'Z' && $wanted->($parent, $group);
	} readdir $proc;
	return @found; # not the sort itself, which is nothing where a number is asked for
}

# Directive => value pairs; a list means several lines, undef none.  Options begin with a dash:
# -conf text to append, -env {}, -args [], -wrap [command that runs the daemon], -private when
# that command gives the daemon mounts of its own.
sub new ($class, @settings) {
	my $self = bless {
		dir => File::Temp::tempdir('logcollectd.XXXXXX', TMPDIR => 1, CLEANUP => 1),
		'-conf' => '', '-env' => {}, '-args' => [], '-wrap' => [],
	}, $class;
	my %value = (
		Listen   => '127.0.0.1:0',
		Workers  => 2,
		LogDir   => "$self->{dir}/logs",
		ErrorLog => 'stderr',
		RateLimit => 'off',
	);
	while (my ($name, $value) = splice @settings, 0, 2) {
		($name =~ /^-/ ? $self->{$name} : $value{$name}) = $value;
	}
	chmod 0755, $self->{dir};
	for my $name (sort keys %value) {
		my @values = ref $value{$name} ? @{ $value{$name} } : $value{$name} // ();
		$self->{conf} .= "$name $_\n" for @values;
		$self->{sockets} = @values if $name eq 'Listen';
	}
	$self->write_conf($self->{conf} . $self->{'-conf'});
	return $self;
}

sub start ($class, @settings) {
	return $class->new(@settings)->launch;
}

sub write_conf ($self, $text) { write_file($self->conf_file, $text) }

sub dir ($self)       { return $self->{dir} }
sub conf_file ($self) { return "$self->{dir}/logcollectd.conf" }
sub pid ($self)       { return $self->{pid} }

sub program ($name = 'logcollectd') {
	return ($ENV{BUILD} // 'build') . "/bin/$name";
}

# What daemons of a user that only one test has leave in memory.
sub forget_notes ($uid) { unlink glob "/dev/shm/logcollectd-notes-*.$uid" }

sub spawn ($self, $out, $err, @command) {
	my $pid = fork // die "fork: $!";
	if ($pid == 0) {
		setpgrp;
		$SIG{$_} = 'DEFAULT' for qw(PIPE INT TERM HUP);
		delete @ENV{@ENVIRONMENT};
		%ENV = (%ENV, %{ $self->{'-env'} });
		open STDIN,  '<',  '/dev/null';
		open STDOUT, '>>', $out;
		open STDERR, '>>', $err;
		{ no warnings 'exec'; exec { $command[0] } @command }
		POSIX::_exit(127);
	}
	setpgrp $pid, $pid;
	keep(-$pid);
	return $pid;
}

# Starts the daemon and waits until it says that it listens on every socket, and its monitor, if it has one, is there.
sub launch ($self) {
	$self->{said} = length $self->errors;
	$self->{pid} = $self->spawn(("$self->{dir}/stderr") x 2,
		@{ $self->{'-wrap'} }, program(), '-f', $self->conf_file, @{ $self->{'-args'} });
	delete $self->{status};
	wait_until { $self->addresses >= $self->{sockets} || defined $self->reap };
	die 'the daemon does not listen: ' . $self->errors . "\n"
		if defined $self->{status} || $self->addresses < $self->{sockets};
	wait_until { $self->monitor_pid || defined $self->reap } if defined $self->monitor;
	return $self;
}

# Takes charge of a daemon that has detached itself; it has said that it listens.
sub adopt ($self) {
	$self->{said} = 0;
	wait_until { $self->addresses >= $self->{sockets} } or return;
	($self->{pid}) = $self->errors =~ /\[(\d+)\] \w+: listening on/;
	my $group = getpgrp $self->{pid};
	keep(-$group) if $group != getpgrp(0);
	return $self->{pid};
}

# Runs the program with these arguments to its end: (exit status, standard output, standard error).
sub run ($self, @arguments) {
	return $self->run_command(program(), @arguments);
}

# The same with any command, wrapped as the daemon is.
sub run_command ($self, @command) {
	my ($out, $err) = map { "$self->{dir}/run.$_" } qw(out err);
	unlink $out, $err;
	my $pid = $self->spawn($out, $err, @{ $self->{'-wrap'} }, @command);
	my $status = wait_until { waitpid($pid, WNOHANG) == $pid ? "$?." : '' };
	$status eq '' ? finish(-$pid) : forget(-$pid);
	return ($status eq '' ? 'does not end' : status_text(int $status), slurp($out), slurp($err));
}

sub status_text ($status) {
	return $status & 127 ? 'signal ' . ($status & 127) : $status >> 8;
}

# The daemon's own messages.
sub errors ($self) {
	return slurp("$self->{dir}/stderr");
}

# The [address, port] of every socket, as the daemon said them at its last start; [unix:/path, 0].
sub addresses ($self) {
	my $said = substr $self->errors, $self->{said};
	my @found;
	push @found, $3 ? [$3, 0] : [$1, $2] while $said =~ /listening on (?:\[?([^\s\]]+?)\]?:(\d+)|(unix:\S+))$/mg;
	return @found;
}

sub port ($self, $nth = 0) {
	return ($self->addresses)[$nth][1];
}

# A client of the nth socket; local: the address to come from, receive: SO_RCVBUF.
sub connect ($self, %how) {
	my ($address, $port) = @{ ($self->addresses)[delete $how{nth} // 0] };
	return LogCollectd::Client->new($address, $port, %how);
}

# A client that a certain worker serves: the others stand still meanwhile.
sub connect_to ($self, $worker, %how) {
	my @others = grep { $_ != $worker } $self->workers;
	kill STOP => @others;
	my $client = $self->connect(%how);
	$client->ask(record(DEBUG => 'which worker serves this'));
	kill CONT => @others;
	return $client;
}

# Sends the lines on a connection of its own and returns all answers, up to the server's FIN.
sub ask ($self, @lines) {
	my $client = $self->connect;
	$client->send(join '', map { "$_\n" } @lines);
	$client->finish;
	return $client->rest;
}

# The path of something below the directory, as the daemon sees it.
sub path ($self, $name) {
	my $root = $self->{'-private'} ? "/proc/$self->{pid}/root" : '';
	return "$root$self->{dir}/$name";
}

sub log ($self) {
	return slurp($self->path('logs/server.log'));
}

# Without their newlines; a torn last line is told by what it is called.
sub log_lines ($self) {
	my @lines = split /\n/, $self->log, -1;
	my $tail = pop @lines // '';
	return $tail eq '' ? @lines : (@lines, "torn: $tail");
}

# What stands behind `[LEVEL] ` in each line.
sub messages ($self) {
	return map { s/^\S+Z \[[^\]]*\] //r } $self->log_lines;
}

sub children ($self, $title) {
	my ($pid, $first) = ($self->{pid}, "/proc/$self->{pid}/task/$self->{pid}/children");
	my @children = -e $first ? split(' ', slurp($first)) : processes(sub ($parent, $group) { $parent == $pid });
	return grep { !gone($_) && slurp("/proc/$_/cmdline") =~ /: $title / } @children;
}

sub workers ($self) { return $self->children('worker') }

# The pid of the monitor, or undef.
sub monitor_pid ($self) { return ($self->children('monitor:'))[0] }

# Where the monitor was said to be last: http://127.0.0.1:43127 or unix:/path.
sub monitor ($self) {
	my ($where) = (substr $self->errors, $self->{said}) =~ m{.*info: status on (\S+?)/?$}ms;
	return $where;
}

# Everything that this daemon has started and that still runs.
sub left_over ($self) {
	return processes(sub ($parent, $group) { $group == $self->{pid} });
}

sub signal ($self, $name) {
	return kill $name => $self->{pid};
}

# The exit status when the supervisor has ended, else undef.
sub reap ($self) {
	$self->{status} = status_text($?)
		if !defined $self->{status} && waitpid($self->{pid}, WNOHANG) == $self->{pid};
	return $self->{status};
}

# Waits for the supervisor's end and that of all its processes; the exit status.
sub ended ($self, $bound = BOUND) {
	wait_until { defined $self->reap } $bound;
	return 'does not end' if !defined $self->{status};
	wait_until { !$self->left_over } $bound;
	my @left = $self->left_over;
	return "left over: @left" if @left;
	forget(-$self->{pid});
	return $self->errors =~ /(.*(?:Sanitizer:|runtime error:).*)/ ? $1 : $self->{status};
}

sub stop ($self, $bound = BOUND) {
	$self->signal('TERM');
	return $self->ended($bound);
}

# The counters that the daemon tells when it stops.
sub counted ($self) {
	my ($pairs) = $self->errors =~ /.*counted: (.*)/s or return;
	return $pairs =~ /\b(\w+)=(\d+)/g;
}

sub DESTROY ($self) {
	local ($?, $!, $@);
	finish(-$self->{pid}) if defined $self->{pid};
}

1;
