# SPDX-License-Identifier: ISC
# Fuzzing with libFuzzer: a target is t/fuzz/<name>.c, with a corpus and perhaps a dictionary beside it.

FUZZ_SECONDS ?= 20
FUZZ         ?= $(patsubst t/fuzz/%.c,%,$(wildcard t/fuzz/*.c))

fuzz_sanitizers = fuzzer-no-link,address,undefined
fuzz_programs   = $(FUZZ:%=$(BUILD)/t/fuzz/%)
fuzz_archives   = $(foreach room,serve $(floor_3),$(call archive,$(room)))

# Everything is built once more, instrumented, below $(BUILD)/fuzz.
.PHONY: fuzz $(FUZZ:%=fuzz-%)
fuzz: ## fuzz each target for FUZZ_SECONDS=20, up to the first crash (FUZZ='scan frame …')
	$(MAKE) CC=clang SANITIZE=$(fuzz_sanitizers) BUILD=$(BUILD)/fuzz $(FUZZ:%=fuzz-%)

fuzz_helpers = $(patsubst %,$(BUILD)/t/lib/%.o,oracle packed)
.SECONDARY: $(fuzz_programs:%=%.o) $(fuzz_helpers)
$(fuzz_programs): %: %.o $(fuzz_helpers) $(fuzz_archives)
	$(CC) $(LDFLAGS_ALL) -fsanitize=fuzzer -o $@ $^ $(LDLIBS_ALL) $(LDLIBS_tls)

# What is found goes to the copy of the corpus, a crash beside it; nothing is written into the tree.
$(FUZZ:%=fuzz-%): fuzz-%: $(BUILD)/t/fuzz/%
	@mkdir -p $(BUILD)/corpus/$*
	cp -n t/fuzz/corpus/$*/* $(BUILD)/corpus/$*/
	$< -max_total_time=$(FUZZ_SECONDS) -max_len=4096 -timeout=10 -verbosity=0 -print_final_stats=1 \
		-artifact_prefix=$(BUILD)/corpus/$*- $(addprefix -dict=,$(wildcard t/fuzz/$*.dict)) $(BUILD)/corpus/$*
