# SPDX-License-Identifier: ISC
# Debian's HAProxy in front of a test's collectors, with the file that is shipped, packaging/haproxy/haproxy.cfg, but for its addresses.
package LogCollectd::Balancer;

use v5.36;
use Fcntl          qw(FD_CLOEXEC F_SETFD);
use FindBin;
use IO::Socket::IP ();
use Socket         qw(SOMAXCONN);
use Test::More     ();
use LogCollectd;
use Peers;

my $shipped = slurp("$FindBin::Bin/../packaging/haproxy/haproxy.cfg");

sub installed { return defined which('haproxy') }

# What the file says that a collector must have, with this address to listen on.
sub directives ($address = '127.0.0.1:0') {
	my ($listen)  = $shipped =~ /^#\tListen \d+ (.*)$/m;
	my ($trusted) = $shipped =~ /^#\tProxyTrusted (\S+)$/m;
	die "the shipped file does not say what a collector needs\n" if !$listen || !$trusted;
	return (Listen => "$address $listen", ProxyTrusted => '127.0.0.1');
}

# The first collector's object runs and ends it.
sub start ($class, @collectors) {
	my $first = $collectors[0];
	my $front = IO::Socket::IP->new(LocalHost => '127.0.0.1', LocalPort => 0, Listen => SOMAXCONN) or die $@;
	fcntl $front, F_SETFD, 0;
	my $self = bless { front => $front, out => $first->dir . '/haproxy.out' }, $class;
	my $conf = $shipped =~ s/^\tbind .*$/"\tbind fd@" . fileno $front/mer;
	$conf =~ s/^(\tserver \S+) \S+$/"$1 " . join ':', @{ ((shift @collectors)->addresses)[0] }/gme;
	my $path = $first->dir . '/haproxy.cfg';
	open my $file, '>', $path or die "$path: $!";
	print {$file} $conf;
	close $file or die "$path: $!";
	my @command = (which('haproxy'), '-f', $path);
	my ($status, undef, $err) = $first->run_command(@command, '-c');
	Test::More::is($status, 0, 'HAProxy takes the shipped file') or Test::More::diag($err);
	Test::More::unlike($err, qr/WARNING/, 'without a warning');
	$self->{pid} = $first->spawn(($self->{out}) x 2, @command, '-db');
	fcntl $front, F_SETFD, FD_CLOEXEC;
	return $self;
}

sub port ($self)   { return $self->{front}->sockport }
sub errors ($self) { return slurp($self->{out}) }

sub connect_from ($self, $address) {
	return LogCollectd::Client->new('127.0.0.1', $self->port, local => $address);
}

1;
