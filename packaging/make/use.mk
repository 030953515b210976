# SPDX-License-Identifier: ISC
# Goals for everyday use, in the spirit of `make run`, `make logs`.

CONF ?= conf/logcollectd.conf

sbin_programs := $(filter-out logsend,$(programs))
bin_programs  := $(filter logsend,$(programs))
installed      = $(sbin_programs:%=$(sbindir)/%) $(bin_programs:%=$(bindir)/%) \
                 $(foreach page,$(man_pages),$(mandir)/man$(subst .,,$(suffix $(page)))/$(notdir $(page)))

.PHONY: build run client logs stop clean install uninstall help
build: all ## the same as all

run: all ## serve in the foreground with CONF=conf/logcollectd.conf
	$(BUILD)/bin/logcollectd -f $(CONF) -c 'PidFile build/logcollectd.pid' $(ARGS)

client: all ## send one record of each level to a running daemon and show its answers
	$(BUILD)/bin/logsend --smoke $(ARGS)

logs: ## follow the log file that `make run` writes
	tail -n 20 -F logs/server.log

stop: ## stop the daemon that `make run` started
	@test -s build/logcollectd.pid || { echo 'not running' >&2; exit 1; }
	kill -TERM $$(cat build/logcollectd.pid)

clean: ## remove everything that was built
	rm -rf build

help: ## list these goals
	@sed -n 's/^\([a-z][a-z-]*\):[^#=]*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | sort | awk -F '\t' '{printf "  %-13s %s\n", $$1, $$2}'

install: all ## install programs, manual and configuration below prefix=/usr/local (DESTDIR honoured)
	$(INSTALL) -d $(addprefix $(DESTDIR),$(sort $(dir $(installed)))) $(DESTDIR)$(sysconfdir)/logcollectd
	$(INSTALL) -m 755 $(sbin_programs:%=$(BUILD)/bin/%) $(DESTDIR)$(sbindir)/
	$(INSTALL) -m 755 $(bin_programs:%=$(BUILD)/bin/%) $(DESTDIR)$(bindir)/
	for page in $(man_pages); do \
		$(INSTALL) -m 644 $$page $(DESTDIR)$(mandir)/man$${page##*.}/ || exit; \
	done
	test -e $(DESTDIR)$(sysconfdir)/logcollectd/logcollectd.conf || \
		$(INSTALL) -m 644 conf/logcollectd.conf $(DESTDIR)$(sysconfdir)/logcollectd/

uninstall: ## remove programs and manual again; the configuration stays
	rm -f $(addprefix $(DESTDIR),$(installed))
