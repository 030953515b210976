# SPDX-License-Identifier: ISC
# From the sources to what is given away: a tarball, Debian packages, sums.  The version stands in the GNUmakefile.

distribution = logcollectd-$(VERSION)
tarball      = $(abspath $(BUILD))/dist/$(distribution).tar.gz
deb_dir      = $(abspath $(BUILD))/deb
dist_check   = $(BUILD)/dist/check

.PHONY: dist dist-check deb release release-check
dist: ## make the source tarball build/dist/logcollectd-VERSION.tar.gz, the same bytes each time
	packaging/release/tarball $(distribution) $(tarball)

# Nothing of this tree, of git or of the caller's settings is there.  What was unpacked makes the same tarball again.
alone = env -i PATH="$$PATH" LC_ALL=C.UTF-8 GIT_DIR=/nonexistent $(if $(CI),CI=$(CI)) \
        $(MAKE) -C $(dist_check)/$(distribution) --no-print-directory
dist-check: dist ## build and test what is in the tarball, alone (TESTS=)
	rm -rf $(dist_check)
	mkdir -p $(dist_check)
	tar -C $(dist_check) -xf $(tarball)
	$(alone) -j$(JOBS) check $(if $(TESTS),TESTS='$(TESTS)')
	$(alone) SOURCE_DATE_EPOCH=$$(stat -c %Y $(dist_check)/$(distribution)/GNUmakefile) dist
	cmp $(tarball) $(dist_check)/$(distribution)/build/dist/$(distribution).tar.gz
	rm -rf $(dist_check)

deb: dist | $(preconditions) ## make Debian packages in build/deb (DEB_SUFFIX=+x for another revision, DEB_BUILD_OPTIONS=nocheck)
	packaging/release/deb $(VERSION) $(tarball) $(deb_dir)

release-check: ## fail unless the tree is clean and all say the same version
	@changes=$$(git status --porcelain) && [ -z "$$changes" ] || \
		{ printf 'the tree is not clean:\n%s\n' "$$changes" >&2; exit 1; }
	@! git rev-parse -q --verify refs/tags/v$(VERSION) >/dev/null || \
		[ "$$(git rev-parse 'v$(VERSION)^{commit}')" = "$$(git rev-parse HEAD)" ] || \
		{ echo 'v$(VERSION) is another commit already' >&2; exit 1; }
	prove t/95-version.t

# In this order, also with -j.
release: ## check, test, and make tarball, packages and SHA256SUMS in build/release; says how to tag
	$(MAKE) release-check
	$(MAKE) check
	$(MAKE) dist-check
	DEB_BUILD_OPTIONS=nocheck $(MAKE) deb
	packaging/release/release $(VERSION) $(abspath $(BUILD))/release
