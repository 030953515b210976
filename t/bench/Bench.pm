# SPDX-License-Identifier: ISC
# What t/bench/run and t/bench/growth share: starting the servers that are measured, each on a free port and with a
# folder of its own, driving the load generator, and medians.
#
# From the environment: BUILD (build), BENCH_CONF (t/bench/bench.conf), BENCH_ARGS (more arguments for the daemon, as
# -c 'LogFormat json'), BENCH_FORMAT (text: the format that its file is verified in), TMPDIR.
package Bench;

use v5.36;
use Exporter       qw(import);
use File::Basename qw(dirname);
use File::Temp     ();
use IO::Socket::INET;
use POSIX            qw(WNOHANG);
use Text::ParseWords qw(shellwords);
use Time::HiRes      qw(sleep time);

our @EXPORT = qw(cpus installed measure median servers start_server stop_server);

use constant { READY_S => 10, STOP_S => 15 };

my $here  = dirname(__FILE__);
my $build = $ENV{BUILD} // 'build';
my $owner = $$;
my %running;    # process id => 1: what END has to kill

$SIG{$_} = sub { exit 130 }
	for qw(INT TERM HUP);

END {
	my $status = $?;
	if ($$ == $owner) {
		kill KILL => $_ for keys %running;
		waitpid $_, 0 for keys %running;
	}
	$? = $status;
}

# The caller's environment must not bend the measurement.
delete @ENV{ qw(SERVER_HOST SERVER_PORT BUFFER_SIZE MIN_LOG_LEVEL ENABLE_LOG_PERSISTENCE LOG_DIR LOG_FILENAME
		RATE_LIMIT_ENABLED RATE_LIMIT_MAX_REQUESTS RATE_LIMIT_WINDOW_SECONDS) };

# The servers, in the order of a round.  command: from a folder and a workload; driven: more for the load generator.
my %servers = (
	logcollectd => {
		command => sub ($dir, $workload) {
			return ("$build/bin/logcollectd", '-f', $ENV{BENCH_CONF} // "$here/bench.conf", '-c', "LogDir $dir",
				(map { ('-c', $_) } @{ $workload->{settings} // [] }, $workload->{sync} ? 'LogSync always' : ()),
				shellwords($ENV{BENCH_ARGS} // ''));
		},
		driven => ['--format', $ENV{BENCH_FORMAT} // 'text'],
	},
	limit => {
		command => sub ($dir, $workload) {
			return ("$build/t/bench/limit", '--log', "$dir/server.log", $workload->{sync} ? '--sync' : ());
		},
		driven => [qw(--format raw --unfiltered)],
	},
	rsyslog => {
		program => 'rsyslogd',
		command => sub ($dir, $workload) {
			my @modules = map { ('-M', $_) } grep { -d } peer_file('lib/*/rsyslog');
			return (peer_program('rsyslogd'), '-n', '-f', "$dir/rsyslog.conf", '-i', "$dir/pid", @modules);
		},
		driven => [qw(--format peer --no-answers)],
	},
	'syslog-ng' => {
		program => 'syslog-ng',
		command => sub ($dir, $workload) {
			my @modules = map { ('--module-path', $_) } grep { -d } peer_file('lib/syslog-ng/3.*');
			return (peer_program('syslog-ng'), '-F', '--no-caps', '-f', "$dir/syslog-ng.conf", '-R', "$dir/persist",
				'-c', "$dir/control", '-p', "$dir/pid", @modules);
		},
		driven => [qw(--format peer --no-answers)],
	},
);

# A file that `make bench-deps` has unpacked.
sub peer_file ($pattern) {
	return glob "$build/peers/usr/$pattern";
}

sub peer_program ($name) {
	my @places = (peer_file("sbin/$name"), map { "$_/$name" } split(/:/, $ENV{PATH}), '/usr/sbin');
	my ($found) = grep { -x && !-d } @places;
	return $found;
}

sub servers () {
	return qw(logcollectd limit rsyslog syslog-ng);
}

sub installed ($server) {
	my $program = $servers{$server}{program};
	return !defined $program || defined peer_program($program);
}

sub cpus () {
	return `getconf _NPROCESSORS_ONLN` =~ s/\s+//gr;
}

sub median (@values) {
	my @sorted = sort { $a <=> $b } @values;
	return $sorted[ $#sorted / 2 ];
}

sub slurp ($path) {
	open my $file, '<', $path or return '';
	local $/;
	return readline($file) // '';
}

sub free_port () {
	my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1) or die "bench: no free port: $!\n";
	return $socket->sockport;
}

# Fills in the configuration of a server that is told its port.
sub write_conf ($server, $dir, $workload) {
	my $clients = $workload->{clients} + ($workload->{idle} // 0) + 1;
	my %value   = (
		DIR     => $dir,
		PORT    => free_port(),
		CLIENTS => $clients,
		WINDOW  => $clients < 100 ? 10_000 : 100 * $clients,
		SYNC    => $workload->{sync} ? 'on'  : 'off',
		YESNO   => $workload->{sync} ? 'yes' : 'no',
	);
	open my $file, '>', "$dir/$server.conf" or die "bench: $dir/$server.conf: $!\n";
	print $file slurp("$here/$server.conf.in") =~ s/@([A-Z]+)@/$value{$1}/gr;
	close $file;
	return $value{PORT};
}

sub fork_server ($dir, @command) {
	my $pid = fork // die "bench: fork: $!\n";
	if ($pid == 0) {
		open STDIN,  '<', '/dev/null'   or die "/dev/null: $!\n";
		open STDOUT, '>', "$dir/errors" or die "$dir/errors: $!\n";
		open STDERR, '>&', \*STDOUT     or die "dup: $!\n";
		my @libraries = (peer_file('lib/*-linux-gnu*'), peer_file('lib/syslog-ng'));
		$ENV{LD_LIBRARY_PATH} = join ':', @libraries if $command[0] =~ m{\Q$build\E/peers/};
		exec 'sh', '-c', 'ulimit -Sn $(ulimit -Hn); exec "$@"', 'sh', @command or die "$command[0]: $!\n";
	}
	$running{$pid} = 1;
	return $pid;
}

# The port that it says it listens on, or where it lets us in.
sub find_port ($dir, $told) {
	return (slurp("$dir/errors") =~ /listening on 127\.0\.0\.1:(\d+)/)[0] if !$told;
	return IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $told) ? $told : undef;
}

# Starts it; a hash with its name, pid, port and dir.
sub start_server ($name, $workload) {
	my $server = $servers{$name};
	my $dir    = File::Temp->newdir('logcollectd-bench-XXXXXX', TMPDIR => 1);
	my $told   = $server->{program} ? write_conf($name, "$dir", $workload) : undef;
	my $pid    = fork_server("$dir", $server->{command}->("$dir", $workload));
	my ($end, $port) = (time + READY_S);
	while (!($port = find_port("$dir", $told))) {
		my $gone = waitpid $pid, WNOHANG;
		delete $running{$pid} if $gone;
		die "bench: $name did not start:\n" . slurp("$dir/errors") if $gone || time > $end;
		sleep 0.01;
	}
	return { name => $name, pid => $pid, port => $port, dir => $dir };
}

# Its exit status.
sub stop_server ($server) {
	my ($pid, $end, $status) = ($server->{pid}, time + STOP_S);
	kill TERM => $pid;
	while (!waitpid $pid, WNOHANG) {
		kill KILL => $pid if time > $end;
		sleep 0.01;
	}
	$status = $?;
	delete $running{$pid};
	unlink "$server->{dir}/server.log";
	return $status;
}

# One run against it; what the load generator printed, by name.  Dies where a promise was broken.  A server that is
# unwatched is not asked for its memory and processor time: with thousands of threads that takes milliseconds of its own.
sub measure ($server, $workload, $seconds) {
	my %option = (%$workload, seconds => $seconds);
	$option{$_} //= undef for my @names = qw(clients window rate size kind lines seconds per-connection addresses idle);
	delete $option{seconds} if $option{lines};
	my @command = (
		"$build/t/bench/loadgen", '--port', $server->{port}, '--verify', "$server->{dir}/server.log",
		$workload->{unwatched} ? () : ('--pid', $server->{pid}), @{ $servers{ $server->{name} }{driven} },
		map { defined $option{$_} ? ("--$_", $option{$_}) : () } @names
	);
	open my $pipe, '-|', @command or die "bench: $command[0]: $!\n";
	my %result = map { /^(\w+) (\S+)$/ ? ($1, $2) : () } <$pipe>;
	close $pipe;
	die "a promise was broken, see above\n" if $?;
	my $settled = ($result{received} // 0) + ($result{filtered} // 0);
	die "only $settled of $result{lines} lines were accepted\n" if $settled != $result{lines} || $result{unanswered};
	return \%result;
}

1;
