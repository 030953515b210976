# SPDX-License-Identifier: ISC
# The load generator and the measurement.  It is linked with nothing of the daemon, so that it can judge it.

bench_objects := $(patsubst t/%.c,$(BUILD)/t/%.o,$(wildcard t/bench/*.c))
loadgen       := $(BUILD)/t/bench/loadgen

$(loadgen): $(bench_objects)
	$(CC) $(LDFLAGS_ALL) -o $@ $^ -lbsd $(LDLIBS)

check: $(loadgen)

.PHONY: bench
bench: all $(loadgen) ## measure the daemon and verify its file (BENCH_SECONDS=3 BENCH_ROUNDS=3 WORKLOADS='8x512x120 …')
	BUILD=$(abspath $(BUILD)) t/bench/run $(WORKLOADS)
