# SPDX-License-Identifier: ISC
# What packaging/prometheus has is good and speaks of metrics that there are.  promtool reads them in the older format, a real
# Prometheus scrapes them as OpenMetrics.  Where these are not installed they are skipped, and said so.
use v5.36;
use FindBin;
use HTTP::Tiny;
use IPC::Open3 qw(open3);
use JSON::PP   qw(decode_json);
use Test::More;
use LogCollectd;
use LogCollectd::Http;

my $folder = "$FindBin::Bin/../packaging/prometheus";
my $daemon = LogCollectd->start(StatusListen => '127.0.0.1:0', RateLimit => 'on', RateLimitMaxRequests => 3);
$daemon->ask(record(ERROR => 'a'), record(DEBUG => 'b'), ('{}') x 3);
$daemon->write_conf(slurp($daemon->conf_file));
$daemon->signal('HUP');
ok(wait_until { $daemon->errors =~ /: reloaded$/m }, 'a daemon with something to tell');

sub which ($name) { return (grep { -x } map { "$_/$name" } split(/:/, $ENV{PATH}), '/usr/sbin')[0] }

# The text goes in; (exit status, all that was said).
sub run_with ($text, @command) {
	my $pid = open3(my $in, my $out, undef, @command);
	local $SIG{PIPE} = 'IGNORE';
	print {$in} $text;
	close $in;
	my $said = join '', readline $out;
	waitpid $pid, 0;
	return ($? >> 8, $said);
}

my $metrics = get($daemon, '/metrics')->{body};
my %known = map { $_ => 1 } $metrics =~ /^([a-z_]+)/mg;

subtest 'rules and dashboard speak of what there is' => sub {
	my $dashboard = decode_json(slurp("$folder/grafana-dashboard.json"));
	my @expressions = map { map { $_->{expr} } @{ $_->{targets} } } @{ $dashboard->{panels} };
	cmp_ok(scalar @expressions, '>', 10, 'panels');
	push @expressions, map { $_->{expr} } @{ $dashboard->{annotations}{list} };
	push @expressions, $_ for slurp("$folder/logcollectd.rules.yml");
	my %named = map { $_ => 1 } map { /\b(logcollectd_[a-z_]+)/g } @expressions;
	cmp_ok(scalar keys %named, '>', 10, 'metrics');
	is_deeply([grep { !$known{$_} } sort keys %named], [], 'all of them are there');
};

subtest 'promtool' => sub {
	my $promtool = which('promtool') // plan skip_all => 'there is no promtool (package prometheus)';
	my ($status, $said) = run_with($metrics, $promtool, 'check', 'metrics');
	is_deeply([$status, $said], [0, ''], 'the metrics have no fault');
	for ([qw(check rules), "$folder/logcollectd.rules.yml"], [qw(check config), "$folder/prometheus.yml"],
		[qw(test rules), "$folder/logcollectd.test.yml"]) {
		($status, $said) = run_with('', $promtool, @$_);
		is($status, 0, "@$_[0, 1]") or diag $said;
	}
};

subtest 'a real Prometheus' => sub {
	my $program = which('prometheus') // plan skip_all => 'there is no prometheus';
	my $dir     = $daemon->dir;
	my ($target) = $daemon->monitor =~ m{//(.*)};
	open my $file, '>', "$dir/prometheus.yml" or die "$dir: $!";
	print {$file} slurp("$folder/prometheus.yml") =~ s/127\.0\.0\.1:9080/$target/r =~ s/: 15s/: 1s/gr
		=~ s{logcollectd\.rules\.yml}{$folder/logcollectd.rules.yml}r;
	close $file;
	my $pid = $daemon->spawn(("$dir/prometheus.out") x 2, $program, "--config.file=$dir/prometheus.yml",
		"--storage.tsdb.path=$dir/tsdb", '--web.listen-address=127.0.0.1:0', '--log.level=info');
	my ($address) = wait_until { slurp("$dir/prometheus.out") =~ /msg="Listening on" address=(\S+)/ ? $1 : '' };
	ok($address, 'listens') or return diag slurp("$dir/prometheus.out");
	my $http  = HTTP::Tiny->new(timeout => 10);
	my $query = sub ($what) {
		my $answer = $http->get("http://$address/api/v1/query?query=" . $what =~ s/([^A-Za-z0-9_])/sprintf '%%%02X', ord $1/ger);
		return map { $_->{metric}{verdict} // '' => $_->{value}[1] }
			@{ ($answer->{success} ? decode_json($answer->{content}) : {})->{data}{result} // [] };
	};
	my %up;
	ok(wait_until { %up = $query->('up{job="logcollectd"}'); ($up{''} // 0) eq '1' }, 'scrapes')
		or diag $http->get("http://$address/api/v1/targets")->{content}, slurp("$dir/prometheus.out");
	my %lines = $query->('logcollectd_lines_total');
	is_deeply({ map { $lines{$_} ? ($_ => $lines{$_}) : () } keys %lines },
		{ received => 1, filtered => 1, missing => 1, limited => 2 }, 'the lines');
	is_deeply({ $query->('histogram_quantile(1, logcollectd_answer_seconds_bucket) < bool 60') }, { '' => 1 }, 'the histogram');
	is_deeply({ $query->('scrape_samples_scraped > bool 50') }, { '' => 1 }, 'samples');
	my $rules = decode_json($http->get("http://$address/api/v1/rules")->{content})->{data}{groups}[0]{rules};
	is(scalar(grep { $_->{state} eq 'inactive' } @$rules), scalar @$rules, 'no rule has anything to say');
	my $targets = decode_json($http->get("http://$address/api/v1/targets")->{content})->{data}{activeTargets};
	is($targets->[0]{lastError}, '', 'no error');
	$daemon->ask('[]');
	ok(wait_until { %lines = $query->('logcollectd_lines_total'); ($lines{limited} // 0) == 3 }, 'and goes on');
	kill KILL => $pid;
	waitpid $pid, 0;
};

is($daemon->stop, 0, 'stops');
done_testing;
