# SPDX-License-Identifier: ISC
# Settings as the program shows them: -t, -S, -c, the environment, and which is the stronger.
use v5.36;
use POSIX ();
use Test::More;
use LogCollectd;

use constant EX_CONFIG => 78;

# What -S prints: {directive => [value, origin]}; a directive that occurs twice is a list.
sub settings ($daemon, @arguments) {
	my ($status, $out, $err) = $daemon->run('-S', '-f', $daemon->conf_file, @arguments);
	is($status, 0, "-S @arguments") or diag $err;
	my (%value, $comment);
	for (split /\n/, $out) {
		if (/^\s*#\s*(.*)/) {
			$comment = $1;
		} elsif (/^\s*(\w+)\s+("(?:[^"\\]|\\.)*"|.*?)(?:\s+#\s*(.*))?$/) {
			push @{ $value{$1} }, [$2 =~ s/^"(.*)"$/$1/r, $3 // $comment // ''];
		}
	}
	return (\%value, $out);
}

sub value_of ($settings, $name) {
	return join ' + ', map { $_->[0] } @{ $settings->{$name} // [] };
}

sub origin_of ($settings, $name) {
	return $settings->{$name} ? $settings->{$name}[-1][1] : '';
}

subtest '-t' => sub {
	my $daemon = LogCollectd->new;
	my ($status, $out, $err) = $daemon->run('-t', '-f', $daemon->conf_file);
	is($status, 0, 'a good file');
	like($out . $err, qr/^Syntax OK$/m, 'Syntax OK');
	ok(!-e $daemon->dir . '/logs', 'nothing is created');

	my @bad = (
		# line => what has to be said about it
		['MinLogLevl DEBUG'          => qr/MinLogLevl: .*MinLogLevel/],
		['Workers 0'                 => qr/Workers: /],
		['Workers 1e3'               => qr/Workers: /],
		['MaxLineLength -1'          => qr/MaxLineLength: /],
		['RateLimit perhaps'         => qr/RateLimit: .*perhaps|RateLimit: .*on/],
		['UnknownLevel keep'         => qr/UnknownLevel: .*filter/],
		['LogFormat xml'             => qr/LogFormat: .*text/],
		['LogSync sometimes'         => qr/LogSync: /],
		['Listen 127.0.0.1:70000'    => qr/Listen: /],
		['Listen [::1:9000'          => qr/Listen: /],
		['RateLimitIPv6Prefix 129'   => qr/RateLimitIPv6Prefix: /],
		['LogDir "unfinished'        => qr/LogDir|quot/i],
		['LogFilename a/b'           => qr/LogFilename: /],
		['LogDir ${NO_SUCH_NAME_AT_ALL}' => qr/NO_SUCH_NAME_AT_ALL/],
		['Include ' . $daemon->dir . '/none.conf' => qr/Include: /],
		['Workers 1 2'               => qr/Workers: /],
		['PidFile'                   => qr/PidFile: /],
		['BufferSize 99999999999999999999' => qr/BufferSize: /],
	);
	$daemon->write_conf(join '', map { "$_->[0]\n" } @bad);
	($status, $out, $err) = $daemon->run('-t', '-f', $daemon->conf_file);
	is($status, EX_CONFIG, 'a bad file');
	unlike($out . $err, qr/Syntax OK/, 'is not OK');
	my $file = $daemon->conf_file;
	for my $n (1 .. @bad) {
		my ($line, $what) = @{ $bad[$n - 1] };
		my ($error) = ($out . $err) =~ /^(?:.* )?\Q$file\E:$n: (.*)$/m;
		like($error // '', $what, $line);
	}
};

subtest 'the file' => sub {
	my $daemon = LogCollectd->new;
	my $dir = $daemon->dir;
	$daemon->write_conf(<<'CONF');
# a comment
  # another
listen 127.0.0.1:0
LISTEN [::1]:9001

MinLogLevel	"WARNING"
LogDir "${WHERE}/a \
b"
logfilename "x # y.log"
RateLimit off
UnknownLevel Accept
Include part*.conf
IncludeOptional none*.conf
Workers 3
CONF
	mkdir "$dir/conf.d";
	for (['part1.conf', "LogFormat json\nWorkers 7\n"], ['part2.conf', 'LogFormat raw']) {
		open my $part, '>', "$dir/$_->[0]";
		print {$part} $_->[1];
	}
	$daemon->{'-env'} = { WHERE => "$dir/where" };
	my ($got, $text) = settings($daemon);
	is(value_of($got, 'Listen'), '127.0.0.1:0 + [::1]:9001', 'Listen is repeatable; names in any case');
	is(value_of($got, 'MinLogLevel'), 'WARNING', 'quotes');
	is(value_of($got, 'LogDir'), "$dir/where/a b", '${NAME}, and a line that goes on');
	is(value_of($got, 'LogFilename'), 'x # y.log', 'no comment within quotes');
	is(value_of($got, 'RateLimit'), 'off', 'off');
	is(value_of($got, 'UnknownLevel'), 'accept', 'accept');
	is(value_of($got, 'LogFormat'), 'raw', 'Include: in order of their names, relative to the file');
	is(value_of($got, 'Workers'), 3, 'the last one counts');
	like(origin_of($got, 'Workers'), qr/logcollectd\.conf:14\b/, 'its line');
	like(origin_of($got, 'LogFormat'), qr/part2\.conf:1\b/, 'a line of an included file');
	like(origin_of($got, 'SendTimeout'), qr/default/, 'a default');
	is(value_of($got, 'SendTimeout'), 30, 'its value');

	# Every directive of the contract that has a value is there.
	my %default = (
		BufferSize => 4096, LogPersistence => 'on', LogSync => 'none', RateLimitMaxRequests => 100,
		RateLimitWindowSeconds => 60, RateLimitTableSize => 65536, RateLimitIPv6Prefix => 64, ThreadsPerWorker => 1024,
		ListenBacklog => 511, MaxLineLength => 1048576, MaxConnectionsPerClient => 0, IdleTimeout => 0,
		GracefulShutdownTimeout => 10, ErrorLog => 'stderr', LogLevel => 'info');
	is(value_of($got, $_), $default{$_}, "$_ by default") for sort keys %default;

	my $copy = LogCollectd->new;
	$copy->write_conf($text);
	my ($again) = settings($copy);
	for my $all ($got, $again) {
		$_ = [map { $_->[0] } @$_] for values %$all;
	}
	is_deeply($again, $got, 'what -S prints parses again to the same settings');
	my ($status, $out, $err) = $copy->run('-t', '-f', $copy->conf_file);
	is($status, 0, 'and is OK') or diag $err;
};

subtest '-t and -S together' => sub {
	my $daemon = LogCollectd->new;
	my (undef, $settings) = $daemon->run('-S', '-f', $daemon->conf_file);
	my ($status, $out, $err) = $daemon->run('-t', '-S', '-f', $daemon->conf_file);
	is($status, 0, 'a good file');
	is($out, $settings, 'the output still parses again');
	is($err, "Syntax OK\n", 'and it is OK');
};

subtest 'Include of what is no file' => sub {
	my $daemon = LogCollectd->new;
	my $dir = $daemon->dir;
	POSIX::mkfifo("$dir/fifo.conf", 0600) or die "mkfifo: $!";
	$daemon->write_conf("Include fifo.conf\nIncludeOptional f*.conf\nInclude /dev/null\nInclude .\n");
	my ($status, $out, $err) = $daemon->run('-t', '-f', $daemon->conf_file);
	is($status, EX_CONFIG, 'a FIFO does not keep us waiting');
	my @errors = split /\n/, $err;
	is(scalar @errors, 3, 'it is told, and so is a folder; /dev/null is fine') or diag $err;
	like($errors[$_], qr/fifo\.conf is no regular file/, "line $_") for 0, 1;

	mkdir "$dir/many";
	for (1 .. 1030) {
		open my $file, '>', "$dir/many/$_.conf" or die $!;
	}
	$daemon->write_conf("Include many/*.conf\n");
	($status, $out, $err) = $daemon->run('-t', '-f', $daemon->conf_file);
	is($status, EX_CONFIG, 'too many files');
	is(scalar(() = $err =~ /\n/g), 1, 'are told once') or diag $err;
};

subtest 'no settings at all' => sub {
	my $daemon = LogCollectd->new;
	$daemon->write_conf('');
	my ($got) = settings($daemon);
	is(value_of($got, 'Listen'),      '0.0.0.0:9000', 'Listen');
	is(value_of($got, 'LogDir'),      './logs',       'LogDir');
	is(value_of($got, 'LogFilename'), 'server.log',   'LogFilename');
	is(value_of($got, 'MinLogLevel'), 'INFO',         'MinLogLevel');
	is(value_of($got, 'RateLimit'),   'on',           'RateLimit');
	is(value_of($got, 'LogFormat'),   'text',         'LogFormat');
	is(value_of($got, 'UnknownLevel'), 'filter',      'UnknownLevel');
	cmp_ok(value_of($got, 'Workers'), '>=', 1, 'Workers');
};

subtest 'precedence' => sub {
	my $daemon = LogCollectd->new(MinLogLevel => 'ERROR', LogFormat => 'json', -env => {
		MIN_LOG_LEVEL => 'WARNING', RATE_LIMIT_MAX_REQUESTS => '7' });
	my ($got) = settings($daemon, '-c', 'RateLimitMaxRequests 8', '-c', 'UnknownLevel reject');
	is(value_of($got, 'LogFormat'), 'json', 'the file');
	is(value_of($got, 'MinLogLevel'), 'WARNING', 'the environment is stronger');
	like(origin_of($got, 'MinLogLevel'), qr/environment.*MIN_LOG_LEVEL/, 'and named');
	is(value_of($got, 'RateLimitMaxRequests'), 8, '-c is stronger still');
	like(origin_of($got, 'RateLimitMaxRequests'), qr/command line/, 'and named');
	is(value_of($got, 'UnknownLevel'), 'reject', '-c is repeatable');
	($got) = settings($daemon, '-c', 'Listen 127.0.0.1:1234');
	is(value_of($got, 'Listen'), '127.0.0.1:1234', 'Listen of -c replaces those of the file');

	my ($status, $out, $err) = $daemon->run('-t', '-f', $daemon->conf_file, '-c', 'Wrokers 2', '-c', 'LogFormat xml');
	is($status, EX_CONFIG, 'a bad -c');
	like($err . $out, qr/(?:command line|-c).*Wrokers: .*Workers/, 'is told as one of the file is');
	like($err . $out, qr/LogFormat/, 'all of them');
};

subtest 'the environment' => sub {
	my $daemon = LogCollectd->new;
	$daemon->write_conf('');
	my $dir = $daemon->dir;
	my %variable = (
		SERVER_HOST => '127.0.0.1', SERVER_PORT => '9777', BUFFER_SIZE => '8192', MIN_LOG_LEVEL => 'error',
		ENABLE_LOG_PERSISTENCE => ' No ', LOG_DIR => "$dir/elsewhere", LOG_FILENAME => 'e.log',
		RATE_LIMIT_ENABLED => 'TRUE', RATE_LIMIT_MAX_REQUESTS => '5', RATE_LIMIT_WINDOW_SECONDS => '6');
	my %expected = (
		Listen => '127.0.0.1:9777', BufferSize => 8192, MinLogLevel => 'ERROR', LogPersistence => 'off',
		LogDir => "$dir/elsewhere", LogFilename => 'e.log', RateLimit => 'on', RateLimitMaxRequests => 5,
		RateLimitWindowSeconds => 6);
	$daemon->{'-env'} = \%variable;
	my ($got) = settings($daemon);
	is(value_of($got, $_), $expected{$_}, $_) for sort keys %expected;

	my %spelling = (
		on  => ['true', 'TRUE', '1', 'yes', ' Yes ', "\ttrue"],
		off => ['false', 'False', '0', 'no', 'off', 'OFF', '', ' '],
	);
	for my $value (sort keys %spelling) {
		for my $text (@{ $spelling{$value} }) {
			$daemon->{'-env'} = { RATE_LIMIT_ENABLED => $text };
			($got) = settings($daemon);
			is(value_of($got, 'RateLimit'), $value, "'$text' is $value");
		}
	}
	my %bad = (
		RATE_LIMIT_ENABLED => 'maybe', ENABLE_LOG_PERSISTENCE => '2', SERVER_PORT => 'http', BUFFER_SIZE => '4k?',
		MIN_LOG_LEVEL => 'LOUD', RATE_LIMIT_MAX_REQUESTS => '-1', RATE_LIMIT_WINDOW_SECONDS => 'x');
	$daemon->{'-env'} = \%bad;
	my ($status, $out, $err) = $daemon->run('-t', '-f', $daemon->conf_file);
	is($status, EX_CONFIG, 'bad values');
	like($out . $err, qr/\b$_\b/, "$_ is named") for sort keys %bad;

	$daemon = LogCollectd->new(Listen => undef, -env => { SERVER_HOST => '127.0.0.1', SERVER_PORT => '0' });
	$daemon->{sockets} = 1;
	$daemon->launch;
	is(($daemon->addresses)[0][0], '127.0.0.1', 'and the daemon obeys');
	is($daemon->stop, 0, 'stops');
};

done_testing;
