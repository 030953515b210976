# SPDX-License-Identifier: ISC
# What is written for containers agrees with the daemon: .env.example and compose.yaml have every setting that has a
# variable, with its default in the image.  And with itself: in compose-cluster.yaml balancer, collectors and brokers find each
# other.  That they do their work is for packaging/docker/try and try-cluster.
use v5.36;
use FindBin;
use Test::More;
use LogCollectd;

my $packaging = "$FindBin::Bin/../packaging";

# unit/directive.c holds the manual equal to the table of directives.
my ($directives) = slurp("$packaging/man/logcollectd.conf.5") =~ /^\.Sh DIRECTIVES\n(.*?)^\.Sh /ms;
my @variables = sort map { /^\.Ev (\w+)/mg } $directives =~ /^(Environment:\n(?:\.Ev .*\n|and\n)+)/mg;
cmp_ok(scalar @variables, '>=', 10, 'variables');

my %example = slurp("$packaging/docker/.env.example") =~ /^(\w+)=(.*)$/mg;
is_deeply([sort keys %example], \@variables, '.env.example has all of them');

my ($server) = slurp("$packaging/docker/compose.yaml") =~ /^  server:\n((?:(?:    .*)?\n)+)/m;
my ($environment) = $server =~ /^    environment:\n((?:      .*\n)+)/m;
my %composed = $environment =~ /^      (\w+): (.*)$/mg;
is_deeply(\%composed, { map { $_ => "\${$_:-$example{$_}}" } @variables }, 'and so has compose.yaml, with the same defaults');
like($server, qr/^      - logs:\Q$example{LOG_DIR}\E$/m, 'whose volume is where the log is');

# {directive => [value, origin]}
sub settings ($environment) {
	my $daemon = LogCollectd->new(-env => $environment);
	my ($status, $out, $err) = $daemon->run('-S', '-f', "$packaging/docker/logcollectd.conf");
	is($status . $err, 0, 'the settings of the image');
	return { map { /^(\w+)\s+(.*?)\s+# (.*)$/ ? ($1 => [$2, $3]) : () } split /\n/, $out };
}

my %image = (SCOREBOARD_FILE => '/dev/shm/logcollectd.scoreboard');
my $plain = settings({%image});
my $set   = settings({%image, %example});
is_deeply({ map { $_ => $set->{$_}[0] } keys %$set }, { map { $_ => $plain->{$_}[0] } keys %$plain },
	'.env.example changes no value');
is_deeply([sort map { $_->[1] =~ /\Aenvironment (.*)/ ? split(/ /, $1) : () } values %$set], \@variables,
	'and sets every one');

my ($grace_s) = $server =~ /^    stop_grace_period: (\d+)s$/m;
cmp_ok($grace_s, '>', $plain->{GracefulShutdownTimeout}[0], 'the engine waits longer than the daemon');

my $cluster = slurp("$packaging/docker/compose-cluster.yaml");

# {name => text} of what is below `section:`.
sub blocks ($section) {
	my ($text) = $cluster =~ /^$section:.*\n((?:(?:  .*|#.*)?\n)+)/m;
	return { $text =~ /^  ([\w-]+):\n((?:(?:    .*|  #.*)?\n)+)/mg };
}

my $services   = blocks('services');
my @collectors = grep { /^collector/ } sort keys %$services;
my @brokers    = grep { /^broker/ } sort keys %$services;
is_deeply([sort keys %$services], [qw(balancer broker1 broker2 broker3 cat client collector1 collector2 collector3)],
	'the services of the cluster');
for my $name (@collectors, @brokers) {
	like($services->{$name}, qr/^    hostname: $name$/m, "$name: has its name");
	like($services->{$name}, qr{^      - $name:/var/(?:log/logcollectd|lib/rabbitmq)$}m, 'and a volume of its own');
}
is_deeply([sort keys %{ blocks('volumes') }], [sort @collectors, @brokers], 'which is declared');

my @files = map { "$packaging/docker/$_" } $cluster =~ m{[ -](\.\.?/[\w./-]+\w)[:\}]}g;
is(scalar @files, 4, 'it mounts four files');
is_deeply([grep { !-f } @files], [], 'which are there');

my %address  = map { $services->{$_} =~ /ipv4_address: (\S+)$/m ? ($_ => $1) : () } keys %$services;
my $haproxy  = slurp("$packaging/haproxy/haproxy.cfg");
my %balanced = $haproxy =~ /^\tserver (\S+) (\S+)$/mg;
my ($port)   = $haproxy =~ /^#\tListen (\d+) proxy$/m;
is_deeply({ map { $_ => "$address{$_}:$port" } @collectors }, \%balanced, 'HAProxy finds the collectors');

my ($variables) = $cluster =~ /^x-collector:(?:.*\n)*?  environment:\n((?:    .*\n)+)/m;
my %given       = $variables =~ /^    (\w+): \$\{\1:-(.*)\}$/mg;
is_deeply([grep { exists $example{$_} && $given{$_} ne $example{$_} } keys %given], [], 'their settings have the usual defaults');

SKIP: {
	skip 'built without the AMQP driver', 9 if !-e ($ENV{BUILD} // 'build') . '/lib/logcollectd/amqp.so';
	my $daemon = LogCollectd->new(-env => { %image, %given });
	my ($status, $out, $err) = $daemon->run('-S', '-f', "$packaging/docker/cluster/collector.conf");
	is($status . $err, 0, 'the collectors take their configuration');
	my %is = map { /^(\w+)\s+(.*?)\s+# (.*)$/ ? ($1 => $2) : () } split /\n/, $out;
	is($is{Listen}, "0.0.0.0:$port proxy", 'they listen where HAProxy goes');
	is($is{ProxyTrusted}, $address{balancer}, 'and believe it who the client is');
	is($is{Forward}, 'amqp://' . join(',', map { "$_:5672" } @brokers) . " routing-key=logs queue-type=$given{QUEUE_TYPE}",
		'forward to the brokers');
	my ($engine, @place) = split / /, $is{Forward} =~ s/:5672//gr =~ s/(?<=queue-type=).*/\${QUEUE_TYPE:-$given{QUEUE_TYPE}}/r;
	like($services->{cat}, qr/^      - \Q$engine\E\n      - \Q$place[0]\E\n      - \Q$place[1]\E$/m, 'cat reads it there');
	my ($user) = $cluster =~ /^    RABBITMQ_DEFAULT_USER: (\w+)$/m;
	is($is{ForwardAuth}, "user=$user passfile=/run/secrets/forward-password", 'as a user whom these know');
	like($services->{cat}, qr/^      - --\Q$_\E$/m, "so does cat: $_") for split / /, $is{ForwardAuth};
	($grace_s) = $cluster =~ /^x-collector:(?:.*\n)*?  stop_grace_period: (\d+)s$/m;
	cmp_ok($grace_s, '>', $is{GracefulShutdownTimeout}, 'and may take their time to stop');
}

is_deeply([slurp("$packaging/docker/cluster/rabbitmq.conf") =~ /^cluster_formation\.classic_config\.nodes\.\d = (.*)$/mg],
	[map { "rabbit\@$_" } @brokers], 'the brokers know each other');

SKIP: {
	skip 'there is no docker-compose', 1 if !grep { -x "$_/docker-compose" } split /:/, $ENV{PATH};
	my ($status, undef, $err) = LogCollectd->new->run_command('docker-compose', '-f', "$packaging/docker/compose-cluster.yaml",
		'--profile', 'client', '--profile', 'cat', 'config');
	is($status, 0, 'compose takes it') or diag $err;
}

done_testing;
