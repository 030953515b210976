# SPDX-License-Identifier: ISC
# logcollect-cat: what each option shows, of both engines; repeats; an output that fails; what a broker does not have.
use v5.36;
use POSIX qw(strftime);
use Test::More;
use LogCollectd;
use LogCollectd::Engine;
use LogCollectd::Kafka;
use LogCollectd::Rabbit;
use AmqpPublisher;
use KafkaProxy;

my $build = $ENV{BUILD} // 'build';
my $cat   = LogCollectd::program('logcollect-cat');
my $any   = LogCollectd->new; # in its folder it runs

# Where it ends: [exit status, lines, what was said].
sub cat (@arguments) {
	my ($status, $out, $err) = $any->run_command($cat, @arguments);
	return [$status, [split /\n/, $out], $err];
}

sub numbers ($result) { return [map { /record (\d+) / } @{ $result->[1] }] }

# name => [engine, what follows its address]
my %engines;
my $kafka;
if (-x LogCollectd::Kafka::program() && $build !~ /-thread\b/) { # the sanitizer does not see how it starts threads
	$kafka = LogCollectd::Kafka->start;
	$engines{kafka} = [KafkaProxy->start($kafka), 'topic=logs'];
}
if (-e "$build/lib/logcollectd/amqp.so" && LogCollectd::Rabbit::installed()) {
	my $rabbit = LogCollectd::Rabbit->start(count => 1);
	$engines{queue}  = [$rabbit, 'routing-key=cat-queue'];
	$engines{stream} = [$rabbit, 'routing-key=cat-stream', 'queue-type=stream'];
}
elsif ($ENV{REQUIRE_PEERS}) {
	die "there is no RabbitMQ\n";
}
plan skip_all => 'there is no engine here' if !%engines;

# Reads until there are so many lines.
sub await_lines ($count, @arguments) {
	my $result;
	wait_until { $result = cat(@arguments); @{ $result->[1] } >= $count } LogCollectd::Engine::ARRIVE_S;
	return $result;
}

# The batches: their ids, and how many bytes each has.
sub ids (@where) { return map { [split / /] } @{ cat('--ids', @where)->[1] } }

sub try_options ($engine, @place) {
	my @where  = ($engine->address, @place);
	my @start  = (Forward => join(' ', @where, 'node=one'), MinLogLevel => 'DEBUG');
	my $one    = start_forwarding(@start);
	my @levels = qw(DEBUG INFO WARNING ERROR CRITICAL);
	$one->ask(map { record($_ => "text $_") } @levels);
	is(await_lines(5, @where)->[0], 0, 'records in text');
	# The other form, by another collector.
	my $two = start_forwarding(@start, Forward => join(' ', @where, 'node=two'), LogFormat => 'json');
	$two->ask(map { record($_ => "json $_") } @levels);
	is(scalar @{ await_lines(10, @where)->[1] }, 10, 'and as JSON');

	for my $i (0 .. $#levels) {
		my $shown = cat('--level', $levels[$i], @where);
		my $told  = join ' ', sort map { /(?:text|json) ([A-Z]+)/ } @{ $shown->[1] };
		is($told, join(' ', sort((@levels[$i .. $#levels]) x 2)), "--level $levels[$i]");
	}
	is(scalar @{ cat('--level', 'warn', @where)->[1] }, 6, 'by any name of the level');

	is(scalar(grep { /text / } @{ cat('--node', 'one', @where)->[1] }), 5, '--node one');
	is(scalar(grep { /json / } @{ cat('--node', 'two', @where)->[1] }), 5, '--node two');
	is(scalar @{ cat('--node', 'one', @where)->[1] }, 5, 'nothing else');
	is_deeply(cat('--node', 'three', @where), [0, [], ''], 'a node that is none');
	is(scalar @{ cat('--node', 'one', '--level', 'ERROR', @where)->[1] }, 2, '--node and --level');

	my @ids = ids(@where);
	is_deeply([grep { $_->[0] !~ /\A(?:one|two)\.[^\s.]+\.\d+-\d+\z/ } @ids], [], '--ids: node, segment, bytes');
	is_deeply([grep { my ($from, $to) = $_->[0] =~ /(\d+)-(\d+)$/; $to - $from != $_->[1] } @ids], [], 'and how many');
	my $bytes = 0;
	$bytes += $_->[1] for @ids;
	is($bytes, length($one->log) + length $two->log, 'all that was stored');
	is_deeply([grep { !/^two\./ } map { $_->[0] } ids('--node', 'two', @where)], [], 'of one node alone');

	# Engines and clocks tell whole seconds.
	my $now = time + 1;
	wait_until { time > $now };
	my $then = strftime('%Y-%m-%dT%H:%M:%SZ', gmtime $now);
	$one->ask(record(ERROR => 'text later'));
	is(scalar @{ await_lines(11, @where)->[1] }, 11, 'one more');
	is_deeply([map { /(text later)/ } @{ cat('--since', $then, @where)->[1] }], ['text later'], '--since a time: that one');
	is(scalar @{ cat('--since', $then, @where)->[1] }, 1, 'nothing else');
	is(scalar @{ cat('--since', $then =~ s/Z//r, @where)->[1] }, 1, 'a time is in UTC');
	is(scalar @{ cat('--since', $_, @where)->[1] }, 11, "--since $_") for '2026-01-31', '1d', '2h', '90m', '3600s';
	is_deeply(cat('--since', '2100-01-01', @where), [0, [], ''], 'what is to come');
	is_deeply([map { s/ .*//r } map { $_->[0] } ids('--since', $then, '--node', 'two', @where)], [], '--since and --ids');
	is($_->stop, 0, 'stops') for $one, $two;
}

# Of the line there.
sub turn ($path, $offset) { return (split ' ', substr slurp($path), $offset)[4] }

# The forwarder dies after it has sent a batch, before it has noted that: its checkpoint says that the batch is on its way.
sub try_repeats ($engine, @place) {
	my @where  = ($engine->address, @place);
	my $daemon = start_forwarding(Forward => join(' ', @where, 'node=again'), ForwardBatch => '4096 linger=0');
	send_numbered($daemon, 1, 1000);
	my @mine = (@where, '--node', 'again');
	is_deeply(numbers(await_lines(1000, @mine)), [1 .. 1000], 'records');
	is($daemon->stop, 0, 'the daemon stops');
	my @before = ids(@mine);
	# The line before the last one says that the last batch is on its way.
	my $path  = $daemon->dir . '/logs/spool/checkpoint';
	my ($newest) = sort { turn($path, $b) <=> turn($path, $a) } 0, 4096;
	open my $checkpoint, '+<', $path or die "checkpoint: $!";
	seek $checkpoint, $newest, 0;
	print {$checkpoint} 'torn';
	close $checkpoint or die "checkpoint: $!";
	$daemon->launch;
	my @after;
	ok(wait_until { @after = ids(@mine); @after > @before }, 'the engine gets a batch twice');
	is_deeply(\@after, [@before, $before[-1]], '--ids shows it, last and again');
	is_deeply(numbers(cat(@mine)), [1 .. 1000], 'its records are printed once');
	send_numbered($daemon, 1001, 1050);
	is_deeply(numbers(await_lines(1050, @mine)), [1 .. 1050], 'and those that follow');
	is($daemon->stop, 0, 'stops');
}

sub try_output ($engine, @place) {
	my @where = ($engine->address, @place, '--node', 'again');
	my ($status, $out) = $any->run_command('bash', '-c', '"$@" | head -1; echo "${PIPESTATUS[0]}"', 'bash', $cat, @where);
	like($out, qr/\A\S+Z \[ERROR\] record 1 x+\n(?:141|0)\n\z/, 'a pipe that is closed early');
	(undef, $out, my $err) = $any->run_command('bash', '-c', 'trap "" PIPE; "$@" | true; echo "${PIPESTATUS[0]}"', 'bash', $cat, @where);
	is($out, "74\n", 'the same where nobody dies of it');
	like($err, qr/logcollect-cat: standard output: Broken pipe/, 'is told');
	($status, undef, $err) = $any->run_command('bash', '-c', '"$@" > /dev/full', 'bash', $cat, @where);
	is($status, 74, 'a full disk');
	like($err, qr/standard output: No space left on device/, 'is told');
}

# A queue hands each message to one consumer only.
sub try_turns ($engine, @place) {
	my @where = ($engine->address, @place, '--node', 'again');
	my $pid = open my $slow, '-|', $cat, @where or die "$cat: $!";
	is(sysread($slow, my $first, 1), 1, 'one reads, slowly');
	is_deeply(cat(@where), [75, [], "logcollect-cat: the queue has another consumer; a stream can be read by many\n"],
		'the next one is told');
	kill KILL => $pid;
	is_deeply(numbers(cat(@where)), [1 .. 1050], 'it is killed: the next one has all');
	my @counts = map { scalar @{ cat(@where)->[1] } } 1 .. 20;
	is_deeply(\@counts, [(1050) x 20], 'so has each that follows at once');
	close $slow;
}

# Times in messages are those of whoever sent them.
sub try_clocks ($rabbit) {
	my @where  = ($rabbit->address, 'routing-key=cat-clocks', 'queue-type=stream');
	my $daemon = start_forwarding(Forward => "@where");
	send_numbered($daemon, 1, 50);
	is(scalar @{ await_lines(50, @where)->[1] }, 50, 'records');
	is($daemon->stop, 0, 'the daemon stops');
	my @to = (@{ $rabbit->{nodes}[0] }{qw(host port)}, 'cat-clocks');
	publish_foreign(@to, ["foreign\n", 1]);
	is(scalar @{ await_lines(51, @where)->[1] }, 51, 'the last one has an old time');
	is_deeply(numbers(cat('--since', '1h', @where)), [1 .. 50], '--since: those before it are there');
	publish_foreign(@to, ["foreign\n", ~0]);
	is(scalar @{ await_lines(52, @where)->[1] }, 52, 'one has a time that is none');
	my $count = 52;
	for (1 .. 5) {
		publish_foreign(@to, map { ["foreign\n", $_ % 10 == 0 ? 4_000_000_000 : undef] } 1 .. 400);
		$count += 400;
		is(scalar @{ await_lines($count, @where)->[1] }, $count, 'some among many are of the future: those behind them are there');
	}
}

for my $name (sort keys %engines) {
	my ($engine, @place) = @{ $engines{$name} };
	subtest "$name: options" => sub { try_options($engine, @place) };
	subtest "$name: repeats" => sub { try_repeats($engine, @place) };
	subtest "$name: output"  => sub { try_output($engine, @place) };
	subtest "$name: turns"   => sub { try_turns($engine, @place) } if $name eq 'queue';
	subtest "$name: clocks"  => sub { try_clocks($engine) } if $name eq 'stream';
}

subtest 'a broker, a queue that is not there' => sub {
	my ($rabbit) = @{ $engines{queue} // [] } or plan skip_all => 'there is no RabbitMQ here';
	my $closed = (LogCollectd::Rabbit::free_ports(1))[0];
	my $told   = sub (@where) { join ' ', map { ref ? @$_ : $_ } @{ cat(@where) } };
	like($told->("amqp://127.0.0.1:$closed"), qr/^75 .*127\.0\.0\.1: /, 'nobody listens');
	like($told->($rabbit->address, 'routing-key=none'), qr/^69 .*NOT_FOUND - no queue 'none'/, 'no such queue');
	like($told->($rabbit->address, 'vhost=none'), qr/^69 .*vhost none not found/, 'no such vhost');
	like($told->($rabbit->address, 'routing-key=cat-stream'), qr/^69 .*stream/, 'a stream that is no queue');
};

done_testing;
