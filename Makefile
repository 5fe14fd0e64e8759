# flopledger. `make help` lists the targets.
config ?= release
BUILD  ?= build$(if $(filter-out release,$(config)),/$(config))

CC      ?= gcc
PACKAGES := openblas sqlite3 libcjson

CPPFLAGS += -Ilib -I. -D_GNU_SOURCE $(shell pkg-config --cflags $(PACKAGES) 2>/dev/null)
WARN     := -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes
CFLAGS_release  := -O2 -g
CFLAGS_debug    := -O0 -g3
CFLAGS_sanitize := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
CFLAGS_coverage := -O0 -g --coverage
ifeq ($(CFLAGS_$(config)),)
$(error config=$(config): expected release, debug, sanitize or coverage)
endif
ifdef CI
WARN += -Werror
endif
ALL_CFLAGS = -std=c11 $(CFLAGS_$(config)) $(WARN) -fopenmp -ffp-contract=off $(CFLAGS)
LDLIBS += $(shell pkg-config --libs $(PACKAGES) 2>/dev/null) -lm

LIB_SRC  := $(filter-out lib/main.c,$(shell find $(wildcard lib analyzers bench reports) -name '*.c' | sort))
TEST_SRC := $(sort $(foreach room,$(wildcard tests/unit tests/golden tests/accuracy tests/cli),\
            $(shell find $(room) -name '*.c')))

obj = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
LIB_OBJ  := $(call obj,$(LIB_SRC))
TEST_OBJ := $(call obj,$(TEST_SRC))

all: $(BUILD)/flopledger

# Element-wise kernels: one source, one object per instruction set, chosen at run time (ops/simd).
# They are vectorised in every config; fused multiply-add is allowed where the set has it.
SIMD_FLAGS := -O3 -fno-math-errno -fno-trapping-math
SIMD_FLAGS_avx2   := $(SIMD_FLAGS) -mavx2 -mfma -ffp-contract=fast
SIMD_FLAGS_avx512 := $(SIMD_FLAGS) -mavx512f -mavx512vl -mavx512dq -mavx512bw -mfma \
                     -mprefer-vector-width=512 -ffp-contract=fast
SIMD_SETS := $(if $(filter x86_64%,$(shell $(CC) -dumpmachine)),avx2 avx512)
SIMD_OBJ  := $(SIMD_SETS:%=$(BUILD)/obj/lib/ops/simd/elementwise.%.o)
LIB_OBJ   += $(SIMD_OBJ)
$(BUILD)/obj/lib/ops/simd/elementwise.o: ALL_CFLAGS += $(SIMD_FLAGS)
$(SIMD_OBJ): $(BUILD)/obj/lib/ops/simd/elementwise.%.o: lib/ops/simd/elementwise.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) $(SIMD_FLAGS_$*) -DFL_ISA=$* -MMD -MP -c -o $@ $<

$(BUILD)/flopledger: $(call obj,lib/main.c) $(BUILD)/libflopledger.a
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/libflopledger.a: $(LIB_OBJ)
	rm -f $@
	ar rcs $@ $^

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/tests: $(TEST_OBJ) $(BUILD)/libflopledger.a
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ -lcriterion $(LDLIBS)

test: $(BUILD)/tests $(BUILD)/flopledger
	FLOPLEDGER=$(abspath $(BUILD)/flopledger) $(BUILD)/tests

clean:
	rm -rf build

.PHONY: all test clean
-include $(patsubst %.o,%.d,$(LIB_OBJ) $(TEST_OBJ) $(call obj,lib/main.c))
