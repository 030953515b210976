# SPDX-License-Identifier: ISC
# Goals for everyday use, in the spirit of `make run`, `make logs`.

CONF ?= conf/logcollectd.conf

.PHONY: build run client logs stop clean help
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
