# SPDX-License-Identifier: ISC
# What has to be installed.  The packages stand in packaging/packages, nowhere else.

packages = $(shell sed -n 's/^\(\($(subst $(space),\|,$(1))\)\):/ /p' packaging/packages)
space   := $(subst ,, )
as_root := $(if $(filter 0,$(shell id -u)),,sudo)

define install_packages
@missing=; for package in $(call packages,$(1)); do \
	dpkg-query -W -f '$${Status}' $$package 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$package"; \
done; \
if [ -n "$$missing" ]; then \
	$(as_root) apt-get update -q && \
	$(as_root) env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $$missing; \
fi
endef

# With `make deps run` nothing may be compiled before the compiler is there, also with -j.
preconditions := $(filter deps deps-deb deps-ci,$(MAKECMDGOALS))

.PHONY: deps deps-deb deps-ci
deps: ## install what building, running and testing need (Debian packages; root or sudo)
	$(call install_packages,build run check)

deps-deb: ## install what `make deb` and `make release` need on top
	$(call install_packages,build run check deb)

deps-ci: ## install what .ci/run needs on top
	$(call install_packages,build run check deb ci)

# They are unpacked below the build, not installed: the packages exclude each other, would replace the machine's own
# log server, and would start theirs.
peers := $(BUILD)/peers

.PHONY: bench-deps
bench-deps: ## fetch the log servers that `make bench` compares with (unpacked into build/peers)
	rm -rf $(peers)
	mkdir -p $(peers)/debs
	cd $(peers)/debs && { apt-get download -q $(call packages,peers) || \
		{ $(as_root) apt-get update -q && apt-get download -q $(call packages,peers); }; }
	for deb in $(peers)/debs/*.deb; do dpkg -x $$deb $(peers) || exit; done
	rm -rf $(peers)/debs

# Logging libraries of Node.js that the tests send from, of major versions that Debian's node can run.  Who has an npm of his own keeps it.
loggers := pino@9 pino-socket@7 winston@3

.PHONY: npm-deps
npm-deps: ## fetch the logging libraries that the tests send from (npm; into build/npm)
	$(if $(shell command -v npm),,$(call install_packages,npm))
	mkdir -p build/npm
	npm install --prefix build/npm --no-audit --no-fund --loglevel=error $(loggers)
