# SPDX-License-Identifier: ISC
# make install: what goes where.  Nothing is asked of pkg-config; all follows from prefix and its kin.

# The account in the installed configuration; none, and the daemon stays who started it.
user ?=
# Where the service manager looks; without it no units are installed.
systemdunitdir ?=
completionsdir ?= $(prefix)/share/bash-completion/completions

# Where drivers are: programs look for them in ../lib/logcollectd from where they are themselves.
moduledir      = $(prefix)/lib/logcollectd

sbin_programs := $(filter-out logsend logcollect-cat,$(programs))
bin_programs  := $(filter logsend logcollect-cat,$(programs))
completions   := $(notdir $(wildcard packaging/completion/*))
units_of_service := $(notdir $(wildcard packaging/systemd/*))
# The service sees the system below this empty folder; it stands in the unit.
service_root   = $(if $(systemdunitdir),/usr/lib/logcollectd/root)
installed_conf = $(sysconfdir)/logcollectd/logcollectd.conf
installed      = $(sbin_programs:%=$(sbindir)/%) $(bin_programs:%=$(bindir)/%) \
                 $(DRIVERS:%=$(moduledir)/%.so) \
                 $(foreach page,$(man_pages),$(mandir)/man$(subst .,,$(suffix $(page)))/$(notdir $(page))) \
                 $(completions:%=$(completionsdir)/%) $(if $(systemdunitdir),$(units_of_service:%=$(systemdunitdir)/%))
# /run is emptied when the machine starts: a folder there is made by who starts the daemon.
own_folders    = $(sysconfdir)/logcollectd/conf.d $(service_root) \
                 $(if $(filter /run /var/run,$(runstatedir)),,$(runstatedir)/logcollectd)

# Paths as they are in the installed tree.  logcollectctl(8) names those that are built in.
for_conf = -e 's|^\(\# .* built in, but for\) StatusListen: |\1 LogDir, ScoreBoardFile, StatusListen, User\n\# and Group: |' \
           -e 's|^LogDir .*|LogDir $(localstatedir)/log/logcollectd|' \
           -e 's|^\#ScoreBoardFile .*|ScoreBoardFile $(runstatedir)/logcollectd/scoreboard|' \
           -e 's|^\#IncludeOptional |IncludeOptional |' \
           $(if $(user),-e 's/^\#\(User\|Group\) .*/\1 $(user)/')
for_page = -e 's|/usr/local/etc/logcollectd|$(sysconfdir)/logcollectd|' -e 's|/usr/local/sbin/|$(sbindir)/|'

.PHONY: install uninstall
install: all ## install programs, manual and configuration below prefix=/usr/local (DESTDIR honoured; user= systemdunitdir=)
	$(INSTALL) -d $(addprefix $(DESTDIR),$(sort $(dir $(installed)) $(dir $(installed_conf)) $(own_folders)))
	$(INSTALL) -m 755 $(sbin_programs:%=$(BUILD)/bin/%) $(DESTDIR)$(sbindir)/
	$(INSTALL) -m 755 $(bin_programs:%=$(BUILD)/bin/%) $(DESTDIR)$(bindir)/
	$(if $(DRIVERS),$(INSTALL) -m 644 $(modules) $(DESTDIR)$(moduledir)/)
	$(INSTALL) -m 644 $(completions:%=packaging/completion/%) $(DESTDIR)$(completionsdir)/
	$(if $(systemdunitdir),$(INSTALL) -m 644 $(units_of_service:%=packaging/systemd/%) $(DESTDIR)$(systemdunitdir)/)
	for page in $(man_pages); do \
		to=$(DESTDIR)$(mandir)/man$${page##*.}/$${page##*/}; \
		$(INSTALL) -m 644 $$page $$to || exit; \
		case $$page in */logcollectctl.8) ;; *) sed -i $(for_page) $$to || exit ;; esac; \
	done
	test -e $(DESTDIR)$(installed_conf) || { \
		$(INSTALL) -m 644 conf/logcollectd.conf $(DESTDIR)$(installed_conf) && \
		sed -i $(for_conf) $(DESTDIR)$(installed_conf); }

uninstall: ## remove programs and manual again; the configuration stays
	rm -f $(addprefix $(DESTDIR),$(installed))
	-rmdir --ignore-fail-on-non-empty $(addprefix $(DESTDIR),$(own_folders))
