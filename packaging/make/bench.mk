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

.PHONY: bench bench-growth bench-hostile bench-forward
bench: all $(loadgen) $(limit) ## measure the daemon beside the kernel's limit and its peers (BENCH_SECONDS=2 BENCH_ROUNDS=3 WORKLOADS='half sync …')
	BUILD=$(abspath $(BUILD)) t/bench/run $(WORKLOADS)

bench-growth: all $(loadgen) $(limit) ## measure what a line costs as clients, workers, log and addresses grow (GROWTH='clients …')
	BUILD=$(abspath $(BUILD)) t/bench/growth $(GROWTH)

bench-hostile: all $(loadgen) ## measure what honest clients feel of slow ones, of a flood, of resets (HOSTILE='quiet slow …')
	BUILD=$(abspath $(BUILD)) t/bench/hostile $(HOSTILE)

# And, where there is the driver, the brokers of check.mk.
bench-forward: all $(loadgen) ## measure what forwarding does, costs clients, and how it catches up (FORWARD='rate clients outage' FORWARD_ENGINES='kafka quorum stream')
	BUILD=$(abspath $(BUILD)) t/bench/forward $(FORWARD)

# The core alone, with nothing between it and its input.
$(core_bench): $(BUILD)/t/bench/core.o $(call archive,core) $(call archive,base)
	$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LDLIBS_ALL)

# Counted as gcc builds it, and without AVX2, so that every machine counts the same.
counted := $(BUILD)/instructions

.PHONY: bench-instructions
bench-instructions: ## count the core's instructions for a line, fail when there are more (UPDATE=1 puts them on record)
	$(MAKE) CC=gcc BUILD=$(counted) CPPFLAGS=-DBYTES_BASELINE $(counted)/t/bench/core
	t/bench/instructions $(counted)/t/bench/core $(if $(UPDATE),update)
