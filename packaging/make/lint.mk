# SPDX-License-Identifier: ISC
# Static checks.  What each tool is asked for stands in .clang-format, .clang-tidy and packaging/ci.

c_sources := $(wildcard src/*/*.c t/bench/*.c)
c_files   := $(sort $(c_sources) $(wildcard include/*/*.h t/*/*.c t/*/*.h))
man_pages := $(wildcard packaging/man/*.[1-9])
LINT_JOBS ?= 2
# How far the analyzer follows each function, in states: clang's own default.  A fifth of it takes a fifth of the time.
LINT_STATES ?= 225000

.PHONY: lint lint-cppcheck lint-tidy lint-man lint-service format format-check
lint: lint-cppcheck lint-tidy lint-man lint-service ## check the sources with cppcheck and clang-tidy, the manual, the service

# The queue macros are given by force, or cppcheck takes them for functions.
lint-cppcheck:
	cppcheck -q -j$(LINT_JOBS) --std=c11 --enable=warning,performance,portability --inline-suppr \
		--library=posix --library=gnu --library=bsd --include=/usr/include/bsd/sys/queue.h \
		--suppressions-list=packaging/ci/cppcheck-suppressions --error-exitcode=1 \
		-D_GNU_SOURCE -DLOGCOLLECTD_VERSION='"$(VERSION)"' -Iinclude -It $(c_sources)

# With clang's warnings.  One file a run: the analyzer of clang 14 carries false reports from file to file.
lint-tidy:
	@printf '%s\n' $(c_sources) | xargs -P$(LINT_JOBS) -I{} sh -c 'said=$$(clang-tidy --quiet \
		--extra-arg=-Xclang --extra-arg=-analyzer-config --extra-arg=-Xclang --extra-arg=max-nodes=$(LINT_STATES) {} -- -std=gnu11 \
		$(filter-out -Werror,$(WARNINGS)) -D_GNU_SOURCE -DLOGCOLLECTD_VERSION=\"$(VERSION)\" -Iinclude -It \
		-include base/banned.h 2>&1) || \
		{ printf "%s\n" "$$said"; exit 1; }'

lint-man:
	mandoc -T lint -W warning $(man_pages)

# Exposure of at most 1.0.
lint-service:
	systemd-analyze security --offline=true --threshold=10 packaging/systemd/logcollectd.service

format: ## format all C files (clang-format)
	clang-format -i $(c_files)

format-check: ## fail when a C file is not formatted
	clang-format --dry-run -Werror $(c_files)
