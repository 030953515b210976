# SPDX-License-Identifier: ISC
# The monitor: what it shows is what the clients saw, by whatever way one looks; who may ask, and how; when the daemon is
# ready, and why not; reloads that move it.
use v5.36;
use JSON::PP qw(decode_json);
use Test::More;
use LogCollectd;
use LogCollectd::Http;

my @VERDICTS = qw(received filtered invalid not_object missing limited too_long unknown_level failed);

sub start (%settings) {
	my $daemon = LogCollectd->new(StatusListen => '127.0.0.1:0', %settings);
	$daemon->write_conf(slurp($daemon->conf_file) . "ScoreBoardFile $daemon->{dir}/board\n");
	return $daemon->launch;
}

sub json ($daemon, $path) {
	my $answer = get($daemon, $path);
	return ($answer->{status} // 0) == 200 ? decode_json($answer->{body}) : {};
}

# Metrics by their name with its labels.
sub metrics ($daemon, %how) {
	return map { /\A([^#\s]\S*) (\S+)\z/ ? ($1 => $2) : () } split /\n/, get($daemon, '/metrics', %how)->{body} // '';
}

sub ready ($daemon, %how) {
	my $answer = get($daemon, '/readyz', %how);
	return join ' ', $answer->{status} // 'none', split /\n/, $answer->{body} // '';
}

sub change ($daemon, $from, $to) {
	my $conf = slurp($daemon->conf_file) =~ s/$from/$to/mr;
	$daemon->write_conf($conf);
	my $reloads = () = $daemon->errors =~ /reloaded|reload failed/g;
	$daemon->signal('HUP');
	return wait_until { $reloads < (() = $daemon->errors =~ /reloaded|reload failed/g) };
}

subtest 'it is off where nobody asks for it' => sub {
	my $daemon = LogCollectd->start;
	is($daemon->monitor, undef, 'it is nowhere');
	is($daemon->monitor_pid, undef, 'there is no such process');
	is($daemon->stop, 0, 'stops');
};

my $daemon = start(RateLimit => 'on', RateLimitMaxRequests => 8, RateLimitWindowSeconds => 600);

subtest 'all ways to look show the same' => sub {
	my %seen;
	$seen{$_}++ for verdicts $daemon->ask(record(ERROR => 'a'), record(DEBUG => 'b'), '{}', '[]', '{',
		'x' x 2_000_000, (record(INFO => 'c')) x 9);
	my (undef, $out) = $daemon->run_command(LogCollectd::program('logcollectctl'), '-s', "$daemon->{dir}/board",
		'status', '--json');
	my $ctl    = decode_json($out);
	my $status = json($daemon, '/status.json');
	my %metric = metrics($daemon);
	my $page   = get($daemon, '/')->{body};
	for (@VERDICTS) {
		my $count = $seen{$_} // 0;
		is_deeply([$status->{counts}{$_}, $ctl->{counts}{$_}, $metric{qq(logcollectd_lines_total{verdict="$_"})}],
			[$count, $count, $count], $_);
		like($page, qr{<th scope="row">$_</th><td>$count</td>}, "$_ on the page");
	}
	is_deeply([sort grep { !exists $status->{$_} } keys %$ctl], [], 'every name of logcollectctl');
	delete @$status{qw(time rates interval storage ready addresses)};
	delete $ctl->{time};
	delete $_->{silent_ms} for $ctl, $status, map { @{ $_->{workers} } } $ctl, $status;
	$_->{counts} = undef for @{ $ctl->{workers} }, @{ $status->{workers} };
	is_deeply($status, $ctl, 'and every figure');
	is($metric{logcollectd_answer_seconds_count}, 15, 'times of all lines');
	cmp_ok($metric{logcollectd_answer_seconds_sum}, '>', 0, 'and their sum');
	is($metric{'logcollectd_workers{state="serving"}'}, 2, 'workers');
	is($metric{logcollectd_limiter_addresses}, 1, 'addresses');
	is($metric{logcollectd_connections_accepted_total}, 1, 'connections');
};

subtest 'what it adds' => sub {
	my $status;
	ok(wait_until { $status = json($daemon, '/status.json'); @{ $status->{addresses} } }, 'who is limited');
	is_deeply([@{ $status->{addresses}[0] }{qw(address passed limited)}], ['127.0.0.1', 8, 7], 'and how much');
	is_deeply([sort keys %{ $status->{rates} }], [sort qw(lines kilobytes workers), @VERDICTS], 'rates');
	is_deeply([sort keys %{ $status->{rates}{workers} }], [sort $daemon->workers], 'each worker has its own');
	ok(wait_until { exists json($daemon, '/status.json')->{interval}{answer_p99_us} }, 'times of the interval');
	ok(exists $status->{interval}{answer_p50_us}, 'and of half of its answers');
	is($status->{interval}{seconds}, 2, 'how long that is');
	is_deeply($status->{storage}, { state => 'ok', since => undef, error => undef }, 'storage');
	is_deeply([$status->{ready}{ready} ? 1 : 0, $status->{ready}{why}], [1, []], 'ready');
	my $history;
	ok(wait_until { $history = json($daemon, '/history.json'); @{ $history->{lines}{limited} } > 0 }, 'history');
	is_deeply([sort keys %{ $history->{lines} }], [sort @VERDICTS], 'of every verdict');
	like($history->{newest}, qr/\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z\z/, 'as of');
	is($history->{interval_seconds}, 2, 'every 2 seconds');
};

subtest 'its powers' => sub {
	my $pid  = $daemon->monitor_pid;
	my @maps = grep { m{\Q$daemon->{dir}/board\E} } split /\n/, slurp("/proc/$pid/maps");
	ok(@maps > 0, 'it sees the scoreboard');
	is(scalar(grep { !/ r--s / } @maps), 0, 'and can only read it');
	my $status = slurp("/proc/$pid/status");
	my ($threads) = $status =~ /^Threads:\t(\d+)$/m;
	cmp_ok($threads, '<=', ($ENV{BUILD} // '') =~ /thread/ ? 2 : 1, 'one thread, and one of a sanitizer');
	like($status, qr/^NoNewPrivs:\t1$/m, 'no way to more');
	my @sockets = grep { (readlink // '') =~ /socket/ } glob "/proc/$pid/fd/*";
	my ($inode) = map { (split)[9] } grep { /: \S+:@{[sprintf '%04X', $daemon->port]} \S+ 0A / } split /\n/, slurp('/proc/net/tcp');
	ok($inode, 'the clients\' socket');
	is(scalar(grep { (readlink // '') =~ /\[$inode\]/ } @sockets), 0, 'it does not have');
	my $user = LogCollectd->new(StatusListen => '127.0.0.1:0', User => 'nobody');
	SKIP: {
		skip 'needs root', 2 if $> != 0;
		mkdir $user->dir . '/logs';
		chmod 0777, $user->dir, $user->dir . '/logs';
		$user->launch;
		like(slurp('/proc/' . $user->monitor_pid . '/status'), qr/^Uid:\t(?!0\t)(\d+)\t\1\t\1\t\1$/m, 'the user of the workers');
		is($user->stop, 0, 'stops');
		LogCollectd::forget_notes(scalar getpwnam 'nobody');
	}
};

subtest 'the page without script' => sub {
	my $page = get($daemon, '/');
	my $pid  = $daemon->pid;
	is($page->{status}, 200, 'is there');
	like($page->{body}, qr{<noscript><meta http-equiv="refresh"}, 'refreshes itself');
	unlike($page->{body}, qr/<!--figures-->/, 'its figures are in it');
	like($page->{body}, qr{<$_}, $_) for 'dl id="daemon"', map { qq(table id="$_") } qw(verdicts workers addresses);
	like($page->{body}, qr{<dt>pid</dt><dd>$pid</dd>}, 'the daemon');
	like($page->{body}, qr{<tr><th scope="row">$_</th>}, "worker $_") for $daemon->workers;
	like($page->{body}, qr{<th scope="row">127\.0\.0\.1</th>}, 'who is limited');
};

subtest 'headers' => sub {
	my %type = ('/' => 'text/html; charset=utf-8', '/page.js' => 'text/javascript; charset=utf-8',
		'/page.css' => 'text/css; charset=utf-8', '/status.json' => 'application/json', '/history.json' => 'application/json',
		'/metrics' => 'text/plain; version=0.0.4; charset=utf-8', '/healthz' => 'text/plain; charset=utf-8',
		'/readyz' => 'text/plain; charset=utf-8');
	for my $path (sort keys %type) {
		my $answer = get($daemon, $path);
		my $policy = $answer->{'content-security-policy'};
		is($answer->{'content-type'}, $type{$path}, "$path: its type");
		like($policy, qr/\Adefault-src 'none'; script-src 'self'; style-src 'self';/, 'a strict policy');
		unlike($policy, qr/unsafe|http|\*/, 'without a hole');
		is($answer->{'x-content-type-options'}, 'nosniff', 'no guessing');
		is($answer->{'cache-control'}, $path =~ /page/ ? 'no-cache' : 'no-store', 'caching');
		my $head = get($daemon, $path, method => 'HEAD');
		is_deeply([@$head{qw(status body content-type)}], [200, '', $type{$path}], 'HEAD');
	}
	my $tag = get($daemon, '/page.js')->{etag};
	my $again = get($daemon, '/page.js', headers => { 'If-None-Match' => $tag });
	is_deeply([@$again{qw(status body)}], [304, ''], 'a file that one has is not sent again');
	is($again->{'content-length'}, length get($daemon, '/page.js')->{body}, 'and nothing else is said of it');
	is(get($daemon, '/page.js', headers => { 'If-None-Match' => '"other"' })->{status}, 200, 'another one is');
};

subtest 'two formats of metrics' => sub {
	my @accepts = ('application/openmetrics-text; version=1.0.0,text/plain;q=0.5', 'text/plain',
		'application/openmetrics-text;q=0,text/plain', '*/*');
	my @types = map { get($daemon, '/metrics', headers => { Accept => $_ })->{'content-type'} } @accepts;
	is_deeply([map { /openmetrics/ ? 1 : 0 } @types], [1, 0, 0, 0], 'by what is accepted');
	my $open = get($daemon, '/metrics', headers => { Accept => $accepts[0] })->{body};
	like($open, qr/\n# EOF\n\z/, 'the end of OpenMetrics');
	like($open, qr/^# TYPE logcollectd_lines counter\n# HELP|^# HELP logcollectd_lines .*\n# TYPE logcollectd_lines counter$/m, 'families');
	like($open, qr/^# UNIT logcollectd_answer_seconds seconds$/m, 'units');
	my %open  = metrics($daemon, headers => { Accept => $accepts[0] });
	my %plain = metrics($daemon);
	is_deeply([sort keys %open], [sort keys %plain], 'the same samples');
};

subtest 'what is not there, and what is not allowed' => sub {
	is(get($daemon, $_)->{status}, 404, $_) for '/x', '/status', '/page.js/', '/..%2fpage.js', '/index.html', '//',
		'/%00', '/healthz%00', '/healthz%00.css', '/healthz%00?x=1';
	is(get($daemon, '/%68ealthz?%00')->{status}, 200, 'other bytes may be encoded');
	is(get($daemon, $_)->{status}, 200, $_) for 'http://monitor:1/healthz', 'HTTP://monitor', 'http://monitor?x=1';
	is(get($daemon, 'http://monitor/x')->{status}, 404, 'of another host or not');
	is(get($daemon, '/healthz?x=1')->{status}, 200, 'a query is ignored');
	for my $method (qw(POST PUT DELETE OPTIONS TRACE PATCH CONNECT FOO)) {
		my $answer = get($daemon, '/status.json', method => $method);
		is_deeply([@$answer{qw(status allow)}], [405, 'GET, HEAD'], $method);
	}
	my $long = get($daemon, '/', method => 'POST', headers => { 'Content-Length' => 1 << 40 });
	is($long->{status}, 405, 'a body is not waited for');
};

subtest 'reloads move it' => sub {
	my ($old, $old_pid) = ($daemon->monitor, $daemon->monitor_pid);
	my @workers = $daemon->workers;
	my $client = $daemon->connect(local => '127.0.0.3');
	ok(change($daemon, qr/^StatusListen .*/m, "StatusListen 127.0.0.2:0"), 'another address');
	ok(wait_until { ($daemon->monitor // '') =~ /127\.0\.0\.2/ && (get($daemon, '/healthz')->{status} // 0) == 200 }, 'is served');
	ok(gone($old_pid), 'the old one is gone');
	is(IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $old =~ s/.*://r), undef, 'nobody listens where it was');
	like($daemon->errors, qr{no longer status on \Q$old\E/}, 'told');
	my $now = $daemon->monitor;
	my $pid = $daemon->monitor_pid;
	ok(change($daemon, qr/^StatusListen .*/m, 'StatusListen 127.0.0.1:' . $daemon->port), 'one that is taken');
	like($daemon->errors, qr/StatusListen: cannot listen on 127\.0\.0\.1:\d+: Address already in use.*reload failed/s, 'fails');
	is_deeply([get($daemon, '/healthz')->{status}, $daemon->monitor_pid], [200, $pid], 'everything is as it was');
	is(metrics_of($daemon, 'logcollectd_last_reload_successful'), 0, 'which can be scraped');
	like(get($daemon, '/')->{body}, qr{<dt>last reload</dt><dd>failed, .*\n.*StatusListen: cannot}, 'and read');
	ok(change($daemon, qr/\z/, "Odd\xff\xe2\x82\xac\xed\xa0\x80\xe2\x82 1\n"), 'a directive that is no UTF-8');
	like(json($daemon, '/status.json')->{reload}{messages}[-1], qr/: Odd\x{fffd}\x{20ac}\x{fffd}{3}\x{fffd}{2}: unknown/,
		'JSON is all the same');
	ok(change($daemon, qr/^Odd.*\n/m, ''), 'which is mended');
	ok(change($daemon, qr/^StatusListen .*/m, "StatusListen 127.0.0.2:0\nMinLogLevel DEBUG"), 'the same address');
	is($daemon->monitor_pid, $pid, 'it goes on');
	is_deeply([$daemon->workers], \@workers, 'and so do the workers');
	ok(change($daemon, qr/^StatusListen .*/m, 'StatusListen off'), 'off');
	ok(wait_until { !defined $daemon->monitor_pid }, 'it is gone');
	ok(change($daemon, qr/^StatusListen .*/m, 'StatusListen 127.0.0.1:0'), 'on');
	ok(wait_until { (get($daemon, '/healthz')->{status} // 0) == 200 }, 'it is there');
	is_deeply([verdicts $client->ask('{}')], ['missing'], 'a client has not noticed');
};

sub metrics_of ($daemon, $name) { my %metric = metrics($daemon); return $metric{$name} }

subtest 'who may ask' => sub {
	is(get($daemon, '/healthz', local => '127.0.0.5')->{status}, 200, 'anybody at first');
	ok(change($daemon, qr/\z/, "StatusRequire ip 127.0.0.1 127.0.4.0/22\n"), 'then some');
	my $pid = $daemon->monitor_pid;
	is(get($daemon, '/healthz', local => $_)->{status}, 200, $_) for '127.0.0.1', '127.0.7.9';
	for ('127.0.0.2', '127.0.8.0') {
		my $answer = get($daemon, '/status.json', local => $_);
		is_deeply([@$answer{qw(status body)}], [403, "forbidden\n"], $_);
	}
	is(get($daemon, '/x', method => 'POST', local => '127.0.0.2')->{status}, 403, 'nothing else is told to others');
	ok(change($daemon, qr/^StatusRequire .*/m, 'StatusRequire all'), 'anybody again');
	is(get($daemon, '/healthz', local => '127.0.0.2')->{status}, 200, 'as it says');
	is($daemon->monitor_pid, $pid, 'by the same process');
	is($daemon->stop, 0, 'stops');
};

subtest 'a name with several addresses' => sub {
	plan skip_all => 'needs root, unshare and mount' if system('unshare --mount -- true 2>/dev/null') != 0;
	my $daemon = LogCollectd->new(StatusListen => 'several:0', -private => 1);
	open my $hosts, '>', "$daemon->{dir}/hosts" or die "hosts: $!";
	print {$hosts} "127.0.0.2 several\n127.0.0.3 several\n";
	close $hosts;
	$daemon->{'-wrap'} = ['unshare', '--mount', '--', 'sh', '-c', 'mount --bind "$1" /etc/hosts && shift && exec "$@"', 'sh',
		"$daemon->{dir}/hosts"];
	$daemon->launch;
	my @said = $daemon->errors =~ m{status on http://(\S+)/$}mg;
	is(scalar @said, 2, 'it says where it is');
	for my $where (@said) {
		my $socket = IO::Socket::IP->new(PeerAddr => $where, Timeout => 5);
		syswrite $socket, "GET /healthz HTTP/1.0\r\n\r\n";
		like(raw_answer($socket, 5), qr{\r\n\r\nok\n}, "answers at $where");
	}
	is($daemon->stop, 0, 'stops');
};

subtest 'a socket in the file system' => sub {
	my $path = LogCollectd->new->dir . '.sock et';
	my $daemon = LogCollectd->start(StatusListen => "'unix:$path'", StatusRequire => 'ip 192.0.2.1');
	ok(-S $path, 'is there');
	my $socket = IO::Socket::UNIX->new(Peer => $path);
	syswrite $socket, "GET /healthz HTTP/1.0\r\n\r\n";
	like(raw_answer($socket), qr{\AHTTP/1\.[01] 200 OK\r\n.*\r\n\r\nok\n}s, 'answers, whatever addresses may');
	like($daemon->errors, qr{status on unix:\Q$path\E$}m, 'told');
	kill KILL => $daemon->pid;
	ok(wait_until { $daemon->reap; !$daemon->left_over }, 'killed');
	ok(-e $path, 'it stays behind');
	$daemon->launch;
	$socket = IO::Socket::UNIX->new(Peer => $path);
	syswrite $socket, "GET /healthz HTTP/1.0\r\n\r\n";
	like(raw_answer($socket), qr{\r\n\r\nok\n}, 'and is taken over');
	unlink $path;
	ok(change($daemon, qr/\z/, "\n") && -S $path, 'a reload makes one that was removed anew');
	ok(wait_until {
		my $socket = IO::Socket::UNIX->new(Peer => $path) or return;
		syswrite $socket, "GET /healthz HTTP/1.0\r\n\r\n";
		raw_answer($socket, 1) =~ /\r\n\r\nok\n/;
	}, 'which answers');
	unlink $path;
	my $other = LogCollectd->start(StatusListen => "'unix:$path'");
	is($daemon->stop, 0, 'stops');
	ok(-S $path, 'one that another daemon has made there meanwhile stays');
	is($other->stop, 0, 'and stops');
	ok(!-e $path, 'it is removed');
};

subtest 'where it cannot listen' => sub {
	my $other  = LogCollectd->start;
	my $daemon = LogCollectd->new;
	my ($status, undef, $err) = $daemon->run('-f', $daemon->conf_file, '-c', 'StatusListen 127.0.0.1:' . $other->port);
	is($status, 71, 'a port that is taken');
	like($err, qr/StatusListen: cannot listen on 127\.0\.0\.1:\d+: Address already in use/, 'says so');
	($status, undef, $err) = $daemon->run('-f', $daemon->conf_file, '-c', "StatusListen unix:$daemon->{dir}/none/x");
	is($status, 71, 'a folder that is not there');
	SKIP: {
		skip 'needs root', 1 if $> != 0;
		$daemon->{'-wrap'} = ['setpriv', '--reuid=65534', '--clear-groups', '--'];
		chmod 0777, $daemon->dir;
		($status) = $daemon->run('-c', 'LogPersistence off', '-c', 'Listen 127.0.0.1:0', '-c', 'StatusListen unix:/root/x/y');
		is($status, 77, 'a folder that one may not enter');
	}
	is($other->stop, 0, 'stops');
};

subtest 'ready, or why not' => sub {
	my $daemon = start(Workers => 1, GracefulShutdownTimeout => 60);
	is(ready($daemon), '200 ok', 'it serves');
	is_deeply([@{ get($daemon, '/healthz') }{qw(status body)}], [200, "ok\nrunning\n"], 'and lives');
	my ($worker) = $daemon->workers;
	my $client = $daemon->connect_to($worker);
	kill STOP => $worker;
	$client->send("{}\n");
	ok(wait_until { $client->arrived }, 'a line has arrived');
	$daemon->signal('TERM');
	ok(wait_until { ready($daemon) =~ /\A503 not ready draining/ }, 'it drains');
	is_deeply([@{ get($daemon, '/healthz') }{qw(status body)}], [200, "ok\nstopping\n"], 'and lives');
	kill CONT => $worker;
	is_deeply([verdicts $client->rest], ['missing'], 'the line is answered');
	is($daemon->ended, 0, 'ends');
};

subtest 'not ready while nobody serves' => sub {
	my $daemon = start(Workers => 1);
	# One that dies young again and again is not replaced at once.
	for my $n (1 .. 4) {
		my $worker;
		ok(wait_until { ($worker) = $daemon->workers }, "worker $n") or last;
		kill KILL => $worker;
		ok(wait_until { gone($worker) }, 'dies');
	}
	ok(wait_until { ready($daemon) =~ /\A503 not ready no worker serves/ }, 'told');
	ok(wait_until { ready($daemon) eq '200 ok' }, 'until one serves');
	is(metrics_of($daemon, 'logcollectd_worker_deaths_total'), 4, 'deaths are counted');
	is($daemon->stop, 0, 'stops');
};

subtest 'not ready while storage fails' => sub {
	plan skip_all => 'needs root, unshare and mount'
		if system('unshare --mount -- mount -t tmpfs none /mnt 2>/dev/null') != 0;
	my $script = 'mount -t tmpfs -o size=128k none "$1" && head -c 65536 /dev/zero >"$1/ballast" && shift && exec "$@"';
	my $daemon = LogCollectd->new(Workers => 1, StatusListen => '127.0.0.1:0', -private => 1);
	mkdir $daemon->dir . '/logs';
	$daemon->{'-wrap'} = ['unshare', '--mount', '--', 'sh', '-c', $script, 'sh', $daemon->dir . '/logs'];
	$daemon->launch;
	my $client = $daemon->connect;
	my $record = record(ERROR => 'k' x 1000);
	is(ready($daemon), '200 ok', 'there is room');
	ok((grep { $_ eq 'failed' } verdicts $client->ask(($record) x 200)), 'until there is none');
	like(ready($daemon), qr/\A503 not ready storage fails since \S+Z: No space left on device\z/, 'told');
	my $status = json($daemon, '/status.json');
	is_deeply([@{ $status->{storage} }{qw(state error)}], ['failing', 'No space left on device'], 'in JSON');
	like($status->{storage}{since}, qr/Z\z/, 'since when');
	is(metrics_of($daemon, $_->[0]), $_->[1], $_->[0]) for ['logcollectd_storage_failing', 1], ['logcollectd_ready', 0];
	unlink $daemon->path('logs/ballast');
	is_deeply([verdicts $client->ask($record)], ['received'], 'there is room again');
	is(ready($daemon), '200 ok', 'ready again');
	ok(change($daemon, qr/\z/, "LogPersistence off\n"), 'off');
	is(json($daemon, '/status.json')->{storage}{state}, 'off', 'is told');
	is($daemon->stop, 0, 'stops');
};

done_testing;
