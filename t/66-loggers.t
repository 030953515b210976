# SPDX-License-Identifier: ISC
# Logging libraries that read no answers, the real ones, with the programs that README.md gives: every record once in the
# file from a listener that sends none.
# They are there after `make npm-deps bench-deps`, Log4j where there is a Java compiler; what is not is skipped, and said so, unless REQUIRE_PEERS is set.
use v5.36;
use Test::More;
use LogCollectd;
use Peers;
use Readme;
use Shippers;

sub knows ($directive) {
	my (undef, $printed) = LogCollectd->new->run('-S');
	return $printed =~ /^$directive\b/m;
}

# A program of the README with this call for each n in the place of its one record; the text of that call; what it becomes.
sub looping ($code, $call) {
	my $loop = "for (let n = 1; n <= @{[RECORDS]}; n++) $call;\n";
	return $code =~ s/^log\.error\(.*\n/$loop/mr;
}
my $text = qq<`line \${n} "\\n\xe2\x82\xac`>;
my $odd = [map { qq([ERROR] line $_ "\\n\xe2\x82\xac) } 1 .. RECORDS];

sub has_node { return which('node') && npm_modules() }

sub is_sent_by_node ($code, @settings) {
	my $daemon = start(@settings);
	my $dir = $daemon->dir;
	$daemon->{'-env'} = { NODE_PATH => npm_modules() };
	my ($status, undef, $err) = $daemon->run_command(which('node'), write_file("$dir/log.js", $code->($daemon->port(1))));
	is($status, 0, 'ends') or diag $err;
	is_stored($daemon, $odd, 'every record once, in order');
	is($daemon->stop, 0, 'stops');
	return is({ $daemon->counted }->{received}, RECORDS, 'counted');
}

sub pino_code ($port, $options = '') {
	return looping(readme_code('From pino', 'js', $port) =~ s/pino\(server\)/pino(${options}server)/r, "log.error({n}, $text)");
}

subtest 'pino, told the names' => sub {
	has_node() or absent('pino');
	my ($options) = readme() =~ /`pino\((\{.*\}, )server\)`/;
	ok(defined $options, 'stands in README.md') or return;
	is_sent_by_node(sub ($port) { pino_code($port, $options) });
};

subtest 'pino, as it is' => sub {
	has_node() or absent('pino');
	knows('LevelNumbers') or plan skip_all => 'the daemon has no LevelNumbers yet';
	is_sent_by_node(\&pino_code, '-conf' => readme_code('From pino', 'apache'));
};

# It throws away what it has not sent when its program ends, so this one stays until it is told.
subtest 'pino, with pino-socket' => sub {
	has_node() or absent('pino');
	my $daemon = start();
	my $dir = $daemon->dir;
	write_file("$dir/log.js", <<~"END");
		const pino = require("pino");
		const transport = pino.transport({target: "pino-socket",
			options: {mode: "tcp", address: "127.0.0.1", port: @{[$daemon->port(1)]}}});
		const log = pino({messageKey: "message", timestamp: false}, transport);
		for (let n = 1; n <= @{[RECORDS]}; n++) log.error({level: "error"}, `line \${n}`);
		setInterval(() => {}, 1000);
		END
	$daemon->{'-env'} = { NODE_PATH => npm_modules() };
	my $pid = $daemon->spawn(("$dir/node.out") x 2, which('node'), "$dir/log.js");
	is_stored($daemon, lines_of(RECORDS), 'every record once, in order') or diag slurp("$dir/node.out");
	ends($pid, 'node');
	is($daemon->stop, 0, 'stops');
};

subtest 'winston' => sub {
	has_node() or absent('winston');
	is_sent_by_node(sub ($port) { looping(readme_code('From winston', 'js', $port), "log.error($text, {n})") });
};

subtest 'Log4j' => sub {
	my ($java, $jars) = (which('java'), log4j());
	which('javac') && $java && $jars or plan skip_all => 'there is no Log4j, or no Java compiler';
	my $daemon = start();
	my $dir = $daemon->dir;
	write_file("$dir/log4j2.xml", <<~"END");
		<Configuration status="warn"><Appenders>
		@{[readme_code('From Log4j', 'xml', $daemon->port(1))]}
		</Appenders><Loggers><Root level="trace"><AppenderRef ref="logcollectd"/></Root></Loggers></Configuration>
		END
	write_file("$dir/Log.java", <<~"END");
		public class Log {
			public static void main(String[] arguments) {
				org.apache.logging.log4j.Logger log = org.apache.logging.log4j.LogManager.getLogger("a \\"b\\"");
				for (int n = 1; n <= @{[RECORDS]}; n++)
					log.error("line " + n + " \\"\\n\\u20ac", n == 1 ? new Exception("why\\nnot") : null);
			}
		}
		END
	my ($status, $out, $err) = $daemon->run_command($java, '-Dfile.encoding=UTF-8', "-Dlog4j2.configurationFile=$dir/log4j2.xml",
		'-cp', $jars, "$dir/Log.java");
	is($status, 0, 'ends') or diag $err;
	is_stored($daemon, $odd, 'every record once, in order') or diag $out;
	is($daemon->stop, 0, 'stops');
};

done_testing;
