# SPDX-License-Identifier: ISC
# What the clients of a storm send.  Line n of client c is a function of the seed, c and n alone, so that nobody
# has to keep what was sent to prove what has to be in the file.
package Storm::Lines;

use v5.36;
use Exporter qw(import);

our @EXPORT = qw(line_of message_of verdict_fits);

use constant { LONGEST => 16_000, MASK => 0xffff_ffff };

my @levels = qw(INFO WARNING ERROR CRITICAL info notice);
my $filler = join ' ', map { "word$_" } 1 .. 700;

# What may be answered; a record is stored if, and only if, it is `received`.
my %fits = (
	record  => { map { $_ => 1 } qw(received filtered limited failed) },
	odd     => { map { $_ => 1 } qw(received filtered limited failed unknown_level) },
	invalid => { map { $_ => 1 } qw(invalid limited) },
	list    => { map { $_ => 1 } qw(not_object limited) },
	missing => { map { $_ => 1 } qw(missing limited) },
	long    => { map { $_ => 1 } qw(too_long limited) },
);

sub verdict_fits ($kind, $verdict) { return $fits{$kind}{$verdict} }

sub mix ($seed, $client, $n) {
	my $h = ($n * 2_654_435_761 + $client * 97_531 + $seed * 7_919) & MASK;
	$h ^= $h >> 15;
	$h = ($h * 739_982_445) & MASK;
	$h ^= $h >> 12;
	return ($h * 695_872_825 & MASK) ^ $h >> 15;
}

# A client of junk sends few records.
sub kind_of ($h, $junk) {
	my $dice = $junk ? 70 + $h % 30 : $h % 100;
	return $dice < 76 || $dice >= 97 ? 'record'
	     : $dice < 80 ? 'odd'
	     : $dice < 85 ? 'invalid'
	     : $dice < 89 ? 'list'
	     : $dice < 93 ? 'missing'
	     : $dice < 95 ? 'long'
	     :              'blank';
}

sub text_of ($h, $client, $n) {
	my $bytes = $h >> 8 & 63 ? ($h >> 8) % 150 : 3000;
	return "c$client $n " . substr($filler, ($h >> 16) % 900, $bytes) . '.';
}

# The message of that record; nothing when the line is none.
sub message_of ($seed, $client, $n, $junk) {
	my $h = mix($seed, $client, $n);
	return kind_of($h, $junk) =~ /^(?:record|odd)$/ ? text_of($h, $client, $n) : undef;
}

# (kind, the line with its newline).
sub line_of ($seed, $client, $n, $junk) {
	my $h    = mix($seed, $client, $n);
	my $kind = kind_of($h, $junk);
	my $level = $kind eq 'odd' ? 'odd' : $h & 1 << 20 ? $levels[$h % @levels] : $h & 1 << 21 ? 'DEBUG' : 'INFO';
	my $line =
	    $kind eq 'invalid' ? qq({"level": "ERROR", "message": "c$client $n)
	  : $kind eq 'list'    ? "[$n]"
	  : $kind eq 'missing' ? qq({"level": "ERROR", "n": $n})
	  : $kind eq 'long'    ? qq({"level": "ERROR", "message": ") . 'l' x (LONGEST + $h % 100_000) . '"}'
	  : $kind eq 'blank'   ? " \t\r"
	  :                      qq({"level": "$level", "message": ") . text_of($h, $client, $n) . '"}';
	return ($kind, "$line\n");
}

1;
