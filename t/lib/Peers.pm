# SPDX-License-Identifier: ISC
# Programs of others that talk to the daemon in tests: the machine's own, or what `make bench-deps` and `make npm-deps`
# have put below build/.
package Peers;

use v5.36;
use Exporter qw(import);
use FindBin;

our @EXPORT = qw(log4j npm_modules rsyslog syslog_ng which);

my $build = "$FindBin::Bin/../build";
my $usr   = "$build/peers/usr";

sub which ($name) {
	return (grep { -x } map { "$_/$name" } split(/:/, $ENV{PATH}), '/usr/sbin')[0];
}

sub with_libraries (@command) {
	return ('env', 'LD_LIBRARY_PATH=' . join(':', glob "$usr/lib/*-linux-gnu* $usr/lib/syslog-ng"), @command);
}

# The command that runs it; nothing when there is none.
sub syslog_ng () {
	return which('syslog-ng') // () if !-x "$usr/sbin/syslog-ng";
	my @modules = map { ('--module-path', $_) } glob "$usr/lib/syslog-ng/3.*";
	return with_libraries("$usr/sbin/syslog-ng", '--no-caps', @modules);
}

sub rsyslog () {
	return which('rsyslogd') // () if !-x "$usr/sbin/rsyslogd";
	my ($modules) = glob "$usr/lib/*/rsyslog";
	return with_libraries("$usr/sbin/rsyslogd", '-M', $modules);
}

# Where node finds modules; nothing when they are not there.
sub npm_modules () {
	return -d "$build/npm/node_modules/pino" ? "$build/npm/node_modules" : ();
}

# The class path of Log4j.
sub log4j () {
	my @jars = map { (grep { -e } "$usr/share/java/$_.jar", "/usr/share/java/$_.jar")[0] // () } qw(log4j-api log4j-core);
	return @jars == 2 ? join(':', @jars) : ();
}

1;
