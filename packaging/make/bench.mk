# SPDX-License-Identifier: ISC
# The load generator and the measurement.  It is linked with nothing of the daemon, so that it can judge it;
# nor is the limit server, which the daemon is compared with.

limit         := $(BUILD)/t/bench/limit
core_bench    := $(BUILD)/t/bench/core
loadgen       := $(BUILD)/t/bench/loadgen
bench_objects := $(filter-out $(limit).o $(core_bench).o,$(patsubst t/%.c,$(BUILD)/t/%.o,$(wildcard t/bench/*.c)))

$(loadgen): $(bench_objects)
	$(CC) $(LDFLAGS_ALL) -o $@ $^ -lbsd $(LDLIBS)

$(limit): $(limit).o
	$(CC) $(LDFLAGS_ALL) -o $@ $^ -lbsd $(LDLIBS)

check: $(loadgen) $(limit)

.SECONDARY: $(limit).o

.PHONY: bench
bench: all $(loadgen) $(limit) ## measure the daemon and verify its file (BENCH_SECONDS=3 BENCH_ROUNDS=3 WORKLOADS='8x512x120 …')
	BUILD=$(abspath $(BUILD)) t/bench/run $(WORKLOADS)

# The core alone, with nothing between it and its input.
$(core_bench): $(BUILD)/t/bench/core.o $(call archive,core) $(call archive,base)
	$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LDLIBS_ALL)

# Counted as gcc builds it, and without AVX2, so that every machine counts the same.
counted := $(BUILD)/instructions

.PHONY: bench-instructions
bench-instructions: ## count the core's instructions for a line, fail when there are more (UPDATE=1 puts them on record)
	$(MAKE) CC=gcc BUILD=$(counted) CPPFLAGS=-DBYTES_BASELINE $(counted)/t/bench/core
	t/bench/instructions $(counted)/t/bench/core $(if $(UPDATE),update)
