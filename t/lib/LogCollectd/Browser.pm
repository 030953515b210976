# SPDX-License-Identifier: ISC
# A browser without a window, driven through chromedriver's WebDriver.  All that it writes lies in a folder of
# its own, whose name its processes have on them; they are ended on every exit.
package LogCollectd::Browser;

use v5.36;
use File::Path  ();
use File::Temp  ();
use HTTP::Tiny  ();
use JSON::PP    ();
use LogCollectd qw(slurp wait_until);
use POSIX       ();

use constant { TAB => "\x{E004}", ENTER => "\x{E007}", SPACE => ' ', BOUND => 30 };

my $owner = $$;
my $json  = JSON::PP->new->utf8->canonical;
my %folders; # whose browsers END has to end

END {
	my $status = $?;
	if ($$ == $owner) {
		end($_) for keys %folders;
	}
	$? = $status;
}

# What there would have to be for a browser, or ''.
sub missing ($class) {
	my @missing = grep { my $name = $_; !grep { -x "$_/$name" } split /:/, $ENV{PATH} } qw(chromium chromedriver);
	return @missing ? 'there is no ' . join ' and no ', @missing : '';
}

# Some have left their parents, and some have written over what they were called with: both places tell.
sub processes ($folder) {
	opendir my $proc, '/proc' or die "/proc: $!";
	return grep { /^\d+$/ && $_ != $$ && index(slurp("/proc/$_/environ") . slurp("/proc/$_/cmdline"), $folder) >= 0 }
		readdir $proc;
}

# What dies while we look may have begun another one.
sub end ($folder) {
	wait_until {
		my @left = processes($folder);
		kill KILL => @left;
		waitpid $folders{$folder}, POSIX::WNOHANG;
		!@left;
	};
	File::Path::remove_tree($folder);
	delete $folders{$folder};
}

sub spawn ($folder) {
	my $pid = fork // die "fork: $!";
	return $pid if $pid != 0;
	@ENV{qw(HOME TMPDIR XDG_CONFIG_HOME XDG_CACHE_HOME)} = ($folder) x 4;
	open STDIN,  '<', '/dev/null';
	open STDOUT, '>', "$folder/driver";
	open STDERR, '>&', \*STDOUT;
	{ no warnings 'exec'; exec 'chromedriver', '--port=0' }
	POSIX::_exit(127);
}

# One with a profile of its own; dies when it does not come up.
sub start ($class) {
	my $self = bless { folder => File::Temp::tempdir('browser.XXXXXX', TMPDIR => 1), http => HTTP::Tiny->new(timeout => BOUND) },
		$class;
	$folders{ $self->{folder} } = spawn($self->{folder});
	# On a busy machine that takes its time.
	my $port = wait_until { slurp("$self->{folder}/driver") =~ /started successfully on port (\d+)/ ? $1 : 0 } 4 * BOUND;
	die "chromedriver does not start:\n" . slurp("$self->{folder}/driver") if !$port;
	$self->{base} = "http://127.0.0.1:$port";
	my @arguments = (qw(--headless=new --no-sandbox --disable-dev-shm-usage --disable-gpu --no-first-run
		--disable-background-networking --disable-component-update --disable-sync), "--user-data-dir=$self->{folder}/profile");
	my $session = $self->command(POST => '/session', { capabilities => { alwaysMatch => {
		'goog:loggingPrefs'  => { browser => 'ALL' },
		'goog:chromeOptions' => { args => \@arguments },
	} } });
	$self->{base} .= "/session/$session->{sessionId}";
	return $self;
}

sub command ($self, $method, $path, $content = undef) {
	my $answer = $self->{http}->request($method, $self->{base} . $path,
		{ content => defined $content ? $json->encode($content) : '', headers => { 'content-type' => 'application/json' } });
	my $value = eval { $json->decode($answer->{content})->{value} };
	die "$path: ", ref $value ? $value->{message} : $answer->{content}, "\n" if !$answer->{success};
	return $value;
}

sub go ($self, $url)  { return $self->command(POST => '/url', { url => $url }) }
sub refresh ($self)   { return $self->command(POST => '/refresh', {}) }

# What the script returns, which finds its arguments in arguments[]; a promise is waited for.
sub js ($self, $script, @arguments) {
	return $self->command(POST => '/execute/sync', { script => $script, args => \@arguments });
}

# Of the first element that a selector finds; '' when there is none.
sub text ($self, $selector) {
	return $self->js('return document.querySelector(arguments[0])?.textContent ?? ""', $selector);
}

# The rows of a table's body, each as its cells' texts; the first one is the row of the heads.
sub table ($self, $id) {
	return @{ $self->js('return [...document.getElementById(arguments[0]).rows].map(r => [...r.cells].map(c => c.textContent))', $id) };
}

# A command of the browser's own protocol.
sub cdp ($self, $name, %parameters) {
	return $self->command(POST => '/goog/cdp/execute', { cmd => $name, params => \%parameters });
}

sub press ($self, @keys) {
	my @actions = map { ({ type => 'keyDown', value => $_ }, { type => 'keyUp', value => $_ }) } @keys;
	return $self->command(POST => '/actions', { actions => [{ type => 'key', id => 'keyboard', actions => \@actions }] });
}

# What was said on the console since it was asked for last.
sub console ($self) {
	return map { "$_->{level}: $_->{message}" } @{ $self->command(POST => '/se/log', { type => 'browser' }) };
}

sub DESTROY ($self) {
	local ($?, $!, $@);
	end($self->{folder}) if $$ == $owner && exists $folders{ $self->{folder} };
}

1;
