# SPDX-License-Identifier: ISC
# What a storm has left: reads the files, at any time and in any order, and then compares them with what the clients
# remember.  A string for each client has a byte for each of its lines: how often it is in the files.
package Storm::Proof;

use v5.36;
use Storable qw(retrieve);

use Storm::Client;
use Storm::Lines;

use constant MOST_FAULTS => 20;

# junk: whether the client of that number sends junk.
sub new ($class, $seed, $junk) {
	return bless { seed => $seed, junk => $junk, stored => [], records => 0, files => 0, faults => [] }, $class;
}

sub fault ($self, $text) {
	push @{ $self->{faults} }, $text if @{ $self->{faults} } < MOST_FAULTS;
}

# A file that nobody writes to any more.
sub read_file ($self, $path) {
	open my $file, '<:raw', $path or return $self->fault("$path: $!");
	$self->{files}++;
	while (my $line = readline $file) {
		$self->fault("$path: torn: " . substr $line, 0, 200) if $line !~ s/\n\z//;
		$self->read_record($path, $line);
	}
}

sub read_record ($self, $path, $line) {
	my ($message, $client, $n) = $line =~ /\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z \[\w+\] (c(\d+) (\d+) .*)\z/
		or return $self->fault("$path: not a record: " . substr $line, 0, 200);
	my $junk = $self->{junk}[$client] // return $self->fault("$path: of nobody: $line");
	my $sent = message_of($self->{seed}, $client, $n, $junk);
	return $self->fault("$path: was not sent so: " . substr $line, 0, 200) if !defined $sent || $sent ne $message;
	$self->{records}++;
	my $stored = \($self->{stored}[$client] //= '');
	$$stored .= "\0" x ($n + 1 - length $$stored) if length $$stored <= $n;
	vec($$stored, $n, 8)++;
}

# What a client remembers against what is there.
sub compare ($self, $result) {
	my $memory = retrieve $result;
	my $id     = $memory->{id};
	my $stored = $self->{stored}[$id] // '';
	my %say    = reverse %{ Storm::Client::letters() };
	$self->fault($_) for @{ $memory->{wrong} };
	$self->fault("client $id: line $_ is in the file, but was not sent")
		for grep { vec $stored, $_, 8 } $memory->{sent} + 1 .. length($stored) - 1;
	for my $n (1 .. $memory->{sent}) {
		my $times  = $n < length $stored ? vec $stored, $n, 8 : 0;
		my $answer = $n < length $memory->{answers} ? substr $memory->{answers}, $n, 1 : "\0";
		$self->fault("client $id: line $n is $times times in the file") if $times > 1;
		next if $answer eq "\0" || $times == ($answer eq 'r');
		$self->fault("client $id: line $n was answered $say{$answer} and is $times times in the file");
	}
	return $memory;
}

sub faults ($self)  { return @{ $self->{faults} } }
sub records ($self) { return $self->{records} }
sub files ($self)   { return $self->{files} }

1;
