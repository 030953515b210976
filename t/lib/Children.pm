# SPDX-License-Identifier: ISC
# The processes that a test has started: none outlives it, however it ends.
package Children;

use v5.36;
use Exporter 'import';

our @EXPORT_OK = qw(keep forget finish);

my $owner = $$;
my %kept;

END {
	my $status = $?;
	finish($_) for keys %kept;
	$? = $status;
}

# Takes charge of a process; of a group, where the number is negative, as kill() has it.
sub keep ($pid) { $kept{$pid} = 1 }

# It has ended, and was waited for.
sub forget (@pids) { delete @kept{@pids} }

# Ends what is in our charge, at once, and waits for it.  A child of the test ends nothing.
sub finish ($pid) {
	return if $$ != $owner || !delete $kept{$pid};
	kill KILL => $pid;
	waitpid abs $pid, 0;
}

1;
