# SPDX-License-Identifier: ISC
# TLS for tests: certificates made by openssl, and a client that speaks it.  Not a core module: IO::Socket::SSL.
package LogCollectd::Tls;

use v5.36;
use Errno           qw(EAGAIN EINTR);
use IO::Socket::SSL qw($SSL_ERROR SSL_VERIFY_PEER SSL_WANT_READ SSL_WANT_WRITE);
use Time::HiRes     qw(time);

use parent qw(LogCollectd::Client);

use constant BOUND => 30;

$SIG{PIPE} = 'IGNORE'; # Net::SSLeay writes as it likes

sub openssl (@arguments) {
	open my $pipe, '-|', 'sh', '-c', 'exec openssl "$@" 2>&1', 'sh', @arguments or die "openssl: $!";
	my $said = do { local $/; readline $pipe };
	close $pipe or die "openssl @arguments: $said";
	return $said;
}

# An authority in the directory: its certificate is $dir/$name.pem.
sub authority ($dir, $name) {
	openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', 10, '-subj', "/CN=$name",
		'-keyout', "$dir/$name.key", '-out', "$dir/$name.pem");
	return "$dir/$name.pem";
}

# A certificate that the authority has signed: (certificate, key).  subject: /CN=…; not_after: as openssl wants it.
sub certificate ($dir, $name, $authority, %how) {
	my $subject = $how{subject} // "/CN=$name";
	open my $file, '>', "$dir/$name.cnf" or die "$name.cnf: $!";
	print {$file} <<~END;
		[ca]
		default_ca = ca
		[ca]
		database = $dir/$name.index
		serial = $dir/$name.serial
		new_certs_dir = $dir
		default_md = sha256
		policy = any
		x509_extensions = extensions
		unique_subject = no
		copy_extensions = none
		string_mask = utf8only
		[any]
		commonName = optional
		organizationName = optional
		organizationalUnitName = optional
		[extensions]
		subjectAltName = DNS:localhost,IP:127.0.0.1
		END
	close $file;
	open my $index, '>', "$dir/$name.index" or die "$name.index: $!";
	open my $serial, '>', "$dir/$name.serial" or die "$name.serial: $!";
	printf {$serial} "%08X\n", 1 + rand 0x7fffffff;
	close $serial;
	openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-utf8', '-subj', $subject,
		'-keyout', "$dir/$name.key", '-out', "$dir/$name.csr");
	openssl('ca', '-batch', '-notext', '-config', "$dir/$name.cnf", '-cert', $authority, '-keyfile', $authority =~ s/pem\z/key/r,
		'-preserveDN', '-startdate', $how{not_before} // '20200101000000Z', '-enddate', $how{not_after} // '20491231000000Z',
		'-in', "$dir/$name.csr", '-out', "$dir/$name.pem");
	return ("$dir/$name.pem", "$dir/$name.key");
}

# A client.  Options of IO::Socket::SSL, beside: local.  Nothing is verified unless SSL_ca_file is given.
# undef where hands cannot be shaken; why is in $LogCollectd::Tls::error.
our $error;
sub new ($class, $address, $port, %how) {
	my %verify = $how{SSL_ca_file} ? (SSL_verify_mode => SSL_VERIFY_PEER, SSL_verifycn_name => 'localhost', SSL_verifycn_scheme => 'http')
	                               : (SSL_verify_mode => 0);
	my $socket = IO::Socket::SSL->new(
		PeerHost => $address, PeerPort => $port, Timeout => BOUND, %verify,
		$how{local} ? (LocalHost => delete $how{local}) : (), %how,
	);
	$error = $SSL_ERROR // '';
	return if !$socket;
	$socket->blocking(0);
	return bless { socket => $socket, lines => [], tail => '' }, $class;
}

sub fill ($self) {
	my $n = sysread $self->{socket}, my $bytes, 1 << 18;
	if (!defined $n) {
		return if $!{EAGAIN} || $!{EINTR} || $SSL_ERROR == SSL_WANT_READ || $SSL_ERROR == SSL_WANT_WRITE;
		$self->{reset} = 1;
	}
	# The end is good when it was said: SSL_RECEIVED_SHUTDOWN.
	$self->{closed} = Net::SSLeay::get_shutdown($self->{socket}->_get_ssl_object) & 2 if !$n;
	$self->{eof} = 1 if !$n;
	return if !$n;
	my @lines = split /\n/, $self->{tail} . $bytes, -1;
	$self->{tail} = pop @lines;
	push @{ $self->{lines} }, @lines;
}

sub ready ($self, $read, $write, $end) {
	return LogCollectd::Client::READABLE if $read && $self->{socket}->pending;
	return $self->SUPER::ready($read, $write, $end);
}

# In a loop: records may come out of one read of the socket.
sub send ($self, $bytes, $bound = BOUND) {
	my ($at, $end) = (0, time + $bound);
	while ($at < length $bytes) {
		my $n = syswrite $self->{socket}, $bytes, 1 << 14, $at;
		if (defined $n) {
			$at += $n;
			next;
		}
		return 0 if $SSL_ERROR != SSL_WANT_WRITE && $SSL_ERROR != SSL_WANT_READ;
		my $ready = $self->ready(1, 1, $end) or return 0;
		$self->fill if $ready & LogCollectd::Client::READABLE && !$self->{eof};
	}
	return 1;
}

# No more to send: close_notify, and our reading goes on.
sub finish ($self) {
	Net::SSLeay::shutdown($self->{socket}->_get_ssl_object);
	return $self;
}

# The same without a word: TCP's FIN alone.
sub cut ($self) {
	shutdown $self->{socket}, 1;
	return $self;
}

# Whether the server has said that this was all.
sub was_closed ($self) { return $self->{closed} ? 1 : 0 }

sub close ($self) { $self->{socket}->close(SSL_no_shutdown => 1) }

sub reset ($self) {
	setsockopt $self->{socket}, Socket::SOL_SOCKET(), Socket::SO_LINGER(), pack('ii', 1, 0);
	$self->close;
}

1;
