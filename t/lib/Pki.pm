# SPDX-License-Identifier: ISC
# Certificates for one test, in a folder of its own: authorities, and what they sign.  Everything is a path of a PEM
# file, as programs want it.
#
#	my $pki = Pki->new('An authority');
#	my $server = $pki->issue('localhost', names => ['DNS:localhost', 'IP:127.0.0.1']);
#	$pki->ca, $server->{cert}, $server->{key}
package Pki;

use v5.36;
use File::Temp            ();
use IO::Socket::SSL::Utils qw(CERT_create CERT_free KEY_create_ec PEM_cert2file PEM_key2file);

use constant { DAY => 24 * 3600 };

my $dir   = File::Temp->newdir('logcollectd.pki.XXXXXX', TMPDIR => 1);
my $files = 0;

sub new ($class, $name) {
	my ($cert, $key) = CERT_create(CA => 1, subject => { commonName => $name }, key => KEY_create_ec('prime256v1'));
	return bless { cert => $cert, key => $key, ca => write_cert($cert) }, $class;
}

sub ca ($self) { return $self->{ca} }

sub write_cert ($cert) {
	my $path = "$dir/" . $files++ . '.crt';
	PEM_cert2file($cert, $path);
	return $path;
}

# names: as in subjectAltName; from, until: days from now; purpose: server, client; self: signed by itself.
sub issue ($self, $common_name, %how) {
	my ($cert, $key) = CERT_create(
		subject         => { commonName => $common_name },
		$how{names} ? (subjectAltNames => [map { [split /:/, $_, 2] } @{ $how{names} }]) : (),
		not_before      => time + DAY * ($how{from} // -1),
		not_after       => time + DAY * ($how{until} // 1),
		purpose         => $how{purpose} // 'server,client',
		key             => KEY_create_ec('prime256v1'),
		$how{self} ? () : (issuer => [@$self{qw(cert key)}]),
	);
	my %issued = (cert => write_cert($cert), key => "$dir/" . $files++ . '.key');
	PEM_key2file($key, $issued{key});
	CERT_free($cert);
	return \%issued;
}

1;
