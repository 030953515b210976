# SPDX-License-Identifier: ISC
# Tests: programs of t/unit and scripts of t, all under prove.  See t/README.

# A test program is linked with the room of the module that it tests and the rooms below, nothing else: that is
# the proof that the core is pure.  A test may name functions to replace: LDFLAGS_<module> = -Wl,--wrap=...
# A program that tests a whole room names it: ROOM_<program>.
unit_room  = $(or $(ROOM_$(1)),$(call floor_of,$(1)))
unit_rooms = $(call unit_room,$(1)) $(room_deps_$(call unit_room,$(1)))

store_faults = -Wl,--wrap=writev,--wrap=ftruncate,--wrap=fdatasync,--wrap=flock,--wrap=fstat,--wrap=pread \
               -Wl,--wrap=openat,--wrap=fstatat,--wrap=renameat,--wrap=unlinkat,--wrap=pthread_mutex_unlock
store_tests  = logfile journal syncer outlet rotate store changes mend
ROOM_store   = store
ROOM_changes = store
$(foreach unit,$(store_tests),$(eval LDFLAGS_$(unit) = $(store_faults)))
$(store_tests:%=$(BUILD)/t/unit/%): $(patsubst %,$(BUILD)/t/lib/%.o,faults ledger)
$(patsubst %,$(BUILD)/t/unit/%,$(store_tests) folder shared order spoiled local sandbox shipper): $(BUILD)/t/lib/scratch.o

# The limiter's users are stopped where they have just locked a shard, and killed from there on.
ROOM_limiter_death    = shm
ROOM_limiter_events   = shm
LDFLAGS_limiter_death = -Wl,--wrap=robust_lock

# Everything that is shown of a file that is not to be believed.
ROOM_spoiled   = ctl
LDLIBS_spoiled = $(LDLIBS_logcollectctl)

# The filter is the library's work.
LDLIBS_sandbox = -lseccomp
LDLIBS_refusal = $(LDLIBS_logsend)
LDLIBS_stream  = $(LDLIBS_tls)
LDLIBS_tls_tickets = $(LDLIBS_tls)

ROOM_oracle   = core
ROOM_harmless = core
$(BUILD)/t/unit/oracle: $(BUILD)/t/lib/oracle.o
$(BUILD)/t/unit/unpack: $(BUILD)/t/lib/packed.o

$(BUILD)/t/%.o: t/%.c GNUmakefile | $(preconditions)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS_ALL) -It $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

# The brokers that the Kafka driver is tested with.
mock_kafka = $(if $(filter kafka,$(DRIVERS)),$(BUILD)/t/lib/mock-kafka)
$(BUILD)/t/lib/mock-kafka: $(BUILD)/t/lib/mock-kafka.o
	$(CC) $(LDFLAGS_ALL) -o $@ $< -lrdkafka
bench-forward: $(mock_kafka)

define unit_program
$(BUILD)/t/unit/$(1): $(BUILD)/t/unit/$(1).o $(BUILD)/t/unit/tap.o $(foreach room,$(call unit_rooms,$(1)),$(call archive,$(room)))
	$$(CC) $$(LDFLAGS_ALL) $$(LDFLAGS_$(1)) -o $$@ $$(filter %.o,$$^) $$(filter %.a,$$^) -lcunit $$(LDLIBS_ALL) $$(LDLIBS_$(1))
endef
$(foreach unit,$(units),$(eval $(call unit_program,$(unit))))

.SECONDARY: $(unit_bin:%=%.o)

prove = BUILD=$(abspath $(BUILD)) prove $(PROVE_FLAGS) -j$(JOBS)

# Of the unit programs only those that are asked for are built, where some are.
wanted_units = $(if $(TESTS),$(filter $(unit_bin),$(TESTS)),$(unit_bin))

.PHONY: check test check-unit
check: all $(wanted_units) $(mock_kafka) ## build everything and run every test (JOBS=4, TESTS='t/10-wire.t …', SKIP='t/9%')
	$(prove) -It/lib $(filter-out $(SKIP),$(or $(TESTS),$(unit_bin) $(sort $(wildcard t/*.t))))

test: check ## the same as check

check-unit: $(unit_bin) ## run the unit tests alone
	$(prove) $(unit_bin)

# As a processor without SSE2 has it built: the searches with plain C, in line and not.
portable_units := bytes scan oracle harmless format

.PHONY: check-portable
check-portable: ## run the tests of what searches bytes without SSE2 and AVX2
	$(MAKE) BUILD=$(BUILD)/portable CPPFLAGS=-U__SSE2__ $(portable_units:%=$(BUILD)/portable/t/unit/%)
	$(prove) $(portable_units:%=$(BUILD)/portable/t/unit/%)
