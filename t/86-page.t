# SPDX-License-Identifier: ISC
# The monitor's page in a real browser, beside a real daemon under load: its figures are those of the daemon, and it
# lives through what may happen to that.
use v5.36;
use JSON::PP qw(decode_json);
use Test::More;
use File::Temp ();
use HTTP::Tiny;
use List::Util qw(sum0);
use LogCollectd;
use LogCollectd::Browser;

my $missing = LogCollectd::Browser->missing;
plan skip_all => $missing if $missing ne '';

my @VERDICTS = qw(received filtered invalid not_object missing limited too_long unknown_level failed);
my $http = HTTP::Tiny->new(timeout => 5);

my $board  = File::Temp::tempdir(CLEANUP => 1) . '/board';
my $daemon = LogCollectd->start(Workers => 2, ThreadsPerWorker => 20, RateLimit => 'on', RateLimitMaxRequests => 20_000,
	RateLimitWindowSeconds => 3600, ScoreBoardFile => $board, StatusListen => '127.0.0.1:0');
my $browser = LogCollectd::Browser->start;
my $address = $daemon->monitor;
my @all     = map { record(@$_) } ([ERROR => 'a'], [DEBUG => 'b'], [ODD => 'c']);

sub status () {
	my $answer = $http->get("$address/status.json");
	return $answer->{success} ? decode_json($answer->{content}) : {};
}

# A table's rows by what they begin with, each by the columns' names.
sub rows ($id) {
	my ($names, @rows) = $browser->table($id);
	return map { my $row = $_; $row->[0] => { map { $names->[$_] => $row->[$_] } 0 .. $#$names } } @rows;
}

# A figure of the list of the daemon.
sub told ($name) {
	return $browser->js('return [...document.querySelectorAll("#daemon dt")]' .
		'.find((dt) => dt.textContent === arguments[0])?.nextElementSibling.textContent ?? ""', $name);
}

# Waits as wait_until does, for a page that does not wait itself: it looks at once when it goes on after a pause.
sub soon :prototype(&) ($condition) {
	return wait_until {
		$browser->js('document.getElementById("pause").click(); document.getElementById("pause").click()');
		return $condition->();
	};
}

# All that rests when no client sends: the tables' names and figures, without the commas, and the list of the daemon.
sub shown () {
	my %shown;
	for my $id (qw(verdicts workers addresses)) {
		$shown{$id} = { map { ref ? { map { number($_) } %$_{ grep { $_ ne 'age' && $_ ne 'a second' } keys %$_ } } : $_ } rows($id) };
	}
	$shown{daemon} = $browser->js('return [...document.querySelectorAll("#daemon dt, #daemon dd")]' .
		'.filter((item) => item.parentNode.firstElementChild.textContent !== "up").map((item) => item.textContent.trim())');
	return %shown;
}

sub number ($text) { return $text =~ s/,//gr }

# A load that goes on until it is ended.
sub load (@options) {
	return $daemon->spawn('/dev/null', '/dev/null', ($ENV{BUILD} // 'build') . '/t/bench/loadgen', '--port', $daemon->port,
		'--seconds', 60, '--reconnect', @options);
}

sub end_load ($pid) {
	kill KILL => $pid;
	waitpid $pid, 0;
	return wait_until { status()->{clients} == 0 };
}

# Whether every verdict's total on the page is what the daemon says.
sub totals_agree () {
	my $status = status();
	my %rows   = rows('verdicts');
	return !grep { number($rows{$_}{total}) ne $status->{counts}{$_} } 'lines', @VERDICTS;
}

subtest 'without script' => sub {
	$daemon->ask(@all, '{', '[]', '{}', 'x' x 1_100_000);
	$browser->cdp('Emulation.setScriptExecutionDisabled', value => JSON::PP::true);
	$browser->go($address);
	ok($browser->js('return document.querySelector("meta[http-equiv=refresh]") !== null'), 'it refreshes itself');
	is($browser->js('return getComputedStyle(document.getElementById("chart")).display === "none" || ' .
		'getComputedStyle(document.getElementById("rates")).display'), 'none', 'there is no chart');
	ok(totals_agree, 'verdicts');
	my %workers = rows('workers');
	is_deeply([sort keys %workers], [sort map { $_->{pid} } @{ status()->{workers} }], 'workers');
	is($workers{$_}{state}, 'serving', 'their state') for keys %workers;
	is(told('pid'), $daemon->pid, 'the daemon');
	my %plain = shown();
	$browser->cdp('Emulation.setScriptExecutionDisabled', value => JSON::PP::false);
	$browser->go($address);
	ok(wait_until { $browser->text('#link-state') eq 'live' }, 'with script');
	is_deeply({shown()}, \%plain, 'the same figures have the same names and words');
};

subtest 'beside top' => sub {
	my ($status, $out) = $daemon->run_command(LogCollectd::program('logcollectctl'), '-f', $daemon->conf_file, 'top',
		'-n', 1, '-d', 0.1);
	my ($names) = $out =~ /^TIME +WHAT +STATE +(.*)/m;
	is_deeply([split ' ', lc $names], ['clients', 'lines', @VERDICTS, 'kb'], 'its columns');
	my %rows = rows('verdicts');
	is_deeply([sort keys %rows], [sort 'lines', @VERDICTS], 'are called what they are on the page');
};

subtest 'figures move, and are right' => sub {
	my $load = load('--rate' => 3000, '--clients' => 8, '--window' => 4, '--kind' => 'half', '--addresses' => 8);
	$browser->go($address);
	ok($browser->js('return document.querySelector("meta[http-equiv=refresh]") === null'), 'the page does not refresh itself');
	ok(wait_until { $browser->text('#now-lines') =~ /^(\d+)$/ && abs($1 - 3000) < 600 }, 'lines a second')
		or diag $browser->text('#now-lines');
	is($browser->text('#now-clients'), 8, 'clients');
	my %before = rows('verdicts');
	ok(wait_until { my %now = rows('verdicts'); number($now{received}{total}) > number($before{received}{total}) }, 'they move');
	like($browser->js('return document.querySelector("#chart svg").getAttribute("aria-label")'),
		qr/received \S+, filtered /, 'the chart tells in words what it shows');
	ok($browser->js('return document.querySelector("#chart .area.received").getBBox().width > 0'), 'and shows it');
	my %workers = rows('workers');
	like($workers{$_}{clients}, qr/^\d+ of 20$/, 'how full a worker is') for keys %workers;
	like($browser->text('#now-answer'), qr/^[\d.]+ (?:us|ms|s)$/, 'how long answers take');
	ok(wait_until { my %now = rows('workers'); 600 > abs 3000 - sum0(map { $_->{'a second'} } values %now) }, 'what each does');
	ok(end_load($load), 'the load ends');
	ok(soon { totals_agree }, 'every verdict is what the daemon says');
	my $status = status();
	%workers = rows('workers');
	is(number($workers{ $_->{pid} }{lines}), $_->{counts}{lines}, 'so is each worker') for @{ $status->{workers} };
	ok(wait_until { $browser->text('#now-lines') eq '0' }, 'rest is told too');
};

subtest 'who is limited' => sub {
	my $client = $daemon->connect(local => '127.0.0.9');
	$client->ask((1) x 20_010);
	my %addresses;
	ok(soon { %addresses = rows('addresses'); exists $addresses{'127.0.0.9'} }, 'is named');
	my ($known) = grep { $_->{address} eq '127.0.0.9' } @{ status()->{addresses} };
	is_deeply([map { number($addresses{'127.0.0.9'}{$_}) } qw(passed limited)], [@$known{qw(passed limited)}], 'with the figures');
	like($browser->text('#now-limited-more'), qr/^\d+ address/, 'and counted');
};

subtest 'a reload' => sub {
	my $conf = slurp($daemon->conf_file);
	$daemon->write_conf("${conf}MinLogLevel ERROR\n");
	$daemon->signal('HUP');
	ok(soon { told('settings generation') eq '2' }, 'its settings are in force');
	like(told('last reload'), qr/^done, /, 'told');
	$daemon->write_conf("${conf}MinLogLevel <b>loud</b>\n");
	$daemon->signal('HUP');
	ok(soon { told('last reload') =~ /^failed, .*\n.*MinLogLevel/s }, 'one that fails is told with its errors');
	is($browser->js('return document.querySelectorAll("main b").length'), 0, 'which are text, whatever is in them');
	$daemon->write_conf($conf);
};

# How large a file the workers may write.
sub limit_files ($bytes) {
	return 0 == grep { system('prlimit', '--pid', $_->{pid}, "--fsize=$bytes:") != 0 } @{ status()->{workers} };
}

subtest 'storage fails' => sub {
	plan skip_all => 'there is no prlimit(1)' if !grep { -x "$_/prlimit" } split /:/, $ENV{PATH};
	my $client = $daemon->connect;
	ok(limit_files(1), 'no room for more');
	is_deeply([verdicts $client->ask(record(ERROR => 'a'))], ['failed'], 'a record is not stored');
	ok(soon { $browser->text('#now-storage') eq 'failing' }, 'told');
	like($browser->text('#now-storage-more'), qr/^since \d\d:\d\d:\d\d: \w+/, 'since when and why');
	like($browser->text('#about'), qr/\bnot ready: storage fails\b/, 'in the first line too');
	ok(limit_files('unlimited'), 'there is room again');
	is_deeply([verdicts $client->ask(record(ERROR => 'a'))], ['received'], 'a record is stored');
	ok(soon { $browser->text('#now-storage') eq 'ok' }, 'told');
};

subtest 'a worker dies' => sub {
	my $victim = status()->{workers}[0]{pid};
	kill KILL => $victim;
	ok(soon { told('workers that died') eq '1' }, 'told');
	ok(soon { my %workers = rows('workers'); 2 == keys %workers && !exists $workers{$victim} }, 'another one has its row');
	ok(totals_agree, 'what it has counted is not lost');
};

subtest 'a page that is opened anew' => sub {
	$browser->refresh;
	ok(wait_until { $browser->js('return document.querySelectorAll("#chart .area").length') > 1 }, 'knows what has been');
	is($browser->js('return document.getElementById("link-state").textContent'), 'live', 'and is live');
};

subtest 'by keyboard' => sub {
	my %reached;
	for (1 .. 22) {
		$browser->press($browser->TAB);
		$reached{ $browser->js('const a = document.activeElement; return a.id || a.className || a.tagName') } = 1;
	}
	ok($reached{$_}, $_) for 'pause', 'SUMMARY', 'scroll', map { "verdict $_" } @VERDICTS;
	$browser->js('document.querySelector("input.received").focus()');
	$browser->press($browser->SPACE);
	is($browser->js('return document.querySelectorAll("#chart .received").length'), 0, 'a verdict leaves the chart');
	$browser->press($browser->SPACE);
	$browser->js('document.querySelector("summary").focus()');
	$browser->press($browser->ENTER);
	my ($heads, @rows);
	ok(wait_until { ($heads, @rows) = $browser->table('history'); @rows > 0 }, 'the chart as a table');
	is_deeply($heads, ['from', 'lines', @VERDICTS], 'of all verdicts');
	$browser->js('document.getElementById("pause").focus()');
	$browser->press($browser->SPACE);
	is($browser->text('#link-state'), 'paused', 'pausing');
	$browser->press($browser->SPACE);
	ok(wait_until { $browser->text('#link-state') eq 'live' }, 'and going on');
};

subtest 'narrow and dark' => sub {
	my $background = 'return getComputedStyle(document.body).backgroundColor';
	for my $width (320, 768, 1280) {
		$browser->cdp('Emulation.setDeviceMetricsOverride', width => $width, height => 700, deviceScaleFactor => 1,
			mobile => JSON::PP::false);
		is($browser->js('const root = document.documentElement; return innerWidth + Math.max(0, root.scrollWidth - root.clientWidth)'),
			$width, "fits $width pixels");
	}
	my %seen;
	for my $scheme ('light', 'dark') {
		$browser->cdp('Emulation.setEmulatedMedia', features => [{ name => 'prefers-color-scheme', value => $scheme }]);
		my ($red) = $browser->js($background) =~ /(\d+)/;
		$seen{$scheme} = $red;
	}
	ok($seen{light} > 200 && $seen{dark} < 50, 'light and dark') or diag explain \%seen;
};

subtest 'it keeps to itself' => sub {
	is_deeply([$browser->console], [], 'nothing was said on the console');
	my $names = $browser->js('return performance.getEntriesByType("resource").map((entry) => entry.name)');
	is_deeply([grep { index($_, "$address/") != 0 } @$names], [], 'nothing was asked of anybody else');
	cmp_ok(scalar @$names, '>', 3, 'though something was asked');
};

subtest 'the monitor goes and comes' => sub {
	my ($port) = $address =~ /:(\d+)$/;
	my $killed = $daemon->monitor_pid;
	kill KILL => $killed;
	ok(wait_until { ($daemon->monitor_pid // $killed) != $killed }, 'another monitor takes its place');
	ok(soon { $browser->text('#link-state') eq 'live' && $browser->js('return page.history.lines.received.length') < 5 },
		'which the page asks');
	is($daemon->stop, 0, 'the daemon stops');
	ok(wait_until { $browser->text('#link-state') =~ /^No answer since \d\d:\d\d:\d\d/ }, 'told, and since when');
	$daemon->write_conf(slurp($daemon->conf_file) =~ s/^StatusListen .*/StatusListen 127.0.0.1:$port/mr);
	$daemon->launch;
	ok(wait_until { $browser->text('#link-state') eq 'live' }, 'it goes on by itself');
	is(told('pid'), $daemon->pid, 'with the new one');
	is($daemon->stop, 0, 'stops');
};

done_testing;
