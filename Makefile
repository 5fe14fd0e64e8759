# flopledger. `make help` lists the targets and variables.
MAKEFLAGS += --no-builtin-rules
.DEFAULT_GOAL := all
GOALS := $(or $(MAKECMDGOALS),all)

config    ?= release
BUILD     ?= build$(if $(filter-out release,$(config)),/$(config))
BOOTSTRAP ?= yes
prefix    ?= $(or $(PREFIX),/usr/local)
V         ?= 0
FILTER    ?= *
DEMO      ?= build/demo
DB        ?= $(DEMO)/results.db
REPORT    ?= $(DB:.db=-report)
FUZZ_N    ?= 20000
FUZZ_SEED ?= 1
ifeq ($(origin CC),default)
CC := gcc
endif

# All cores, unless -j says otherwise; `make clean all` one after the other.
ifeq ($(MAKELEVEL)$(filter -j%,$(MAKEFLAGS)),0)
MAKEFLAGS += -j$(shell nproc 2>/dev/null || echo 1)
endif
ifneq ($(filter clean,$(GOALS)),)
.NOTPARALLEL:
endif

# ---- packages ----
# What the goals need and the system lacks is installed first; then make starts anew, so that
# pkg-config is asked when there is something to find.
NEEDS := $(if $(filter-out help clean format lint,$(GOALS)),build) \
         $(if $(filter test bench coverage %/tests %/oracle %/accuracy_kernels bench-flopgrind,$(GOALS)),test) \
         $(if $(filter format lint,$(GOALS)),lint)
ifeq ($(BOOTSTRAP),yes)
LACKING := $(if $(strip $(NEEDS)),$(shell scripts/bootstrap --check $(NEEDS)))
endif
ifneq ($(LACKING),)
$(GOALS): bootstrap
	@:
bootstrap:
	@scripts/bootstrap $(NEEDS) && $(MAKE) --no-print-directory BOOTSTRAP=no $(GOALS)
.PHONY: $(GOALS) bootstrap
else

# ---- flags ----
# The OpenMP build of OpenBLAS by its own directory: the alternatives system may make plain
# -lopenblas the pthread build, which would bring a second pool of threads. The run path keeps
# the program from picking up another one when it starts.
comma      := ,
MULTIARCH  := $(shell $(CC) -print-multiarch 2>/dev/null)
PKG_CONFIG := PKG_CONFIG_PATH=/usr/lib/$(MULTIARCH)/openblas-openmp/pkgconfig:$$PKG_CONFIG_PATH \
              pkg-config
# PAPI may be missing: the counter then says that it is.
PAPI       := $(shell pkg-config --exists papi 2>/dev/null && echo papi)
PACKAGES   := openblas sqlite3 libcjson libpcre2-8 libutf8proc $(PAPI)
BLAS_DIR   := $(patsubst %/,%,$(shell $(PKG_CONFIG) --variable=libdir openblas 2>/dev/null))

RUN_PATH   := $(if $(findstring openblas,$(BLAS_DIR)),-Wl$(comma)-rpath$(comma)$(BLAS_DIR))

ALL_CPPFLAGS := -Ilib -I. -D_GNU_SOURCE $(if $(PAPI),-DFL_HAS_PAPI) $(shell $(PKG_CONFIG) --cflags $(PACKAGES) 2>/dev/null)
ALL_LDLIBS   := $(shell $(PKG_CONFIG) --libs $(PACKAGES) 2>/dev/null) -lm

WARN     := -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes
CFLAGS_release  := -O2 -g
CFLAGS_debug    := -O0 -g3
CFLAGS_sanitize := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all \
                   -fno-omit-frame-pointer
CFLAGS_coverage := -O0 -g --coverage
ifeq ($(CFLAGS_$(config)),)
$(error config=$(config): expected release, debug, sanitize or coverage)
endif
ifdef CI
WARN += -Werror
endif
# -ffp-contract=off: the arithmetic that is counted is the arithmetic that is written.
ALL_CFLAGS = -std=c11 $(CFLAGS_$(config)) $(WARN) -fopenmp -ffp-contract=off $(CFLAGS)

# ---- files ----
ROOMS     := $(wildcard lib analyzers bench reports)
BENCH_SRC := bench/bench_engine.c bench/forward_unrecorded.c
PEAKS_SRC := bench/bench_peaks.c
# flopgrind is another program.
LIB_SRC   := $(filter-out lib/main.c lib/counters/flopgrind/% $(BENCH_SRC) $(PEAKS_SRC),$(sort $(shell find $(ROOMS) -name '*.c')))
# Programs that the accuracy tests run: the oracle, and the kernels it and flopgrind look at.
ORACLE_SRC   := $(wildcard tests/accuracy/oracle*.c tests/accuracy/op_counts.c)
KERNELS_SRC  := $(wildcard tests/accuracy/*_kernels.c tests/accuracy/op_counts.c)
KERNELS_SRC  := $(filter-out tests/accuracy/test_%,$(KERNELS_SRC))
ACCURACY_SRC := $(filter-out tests/accuracy/op_counts.c,$(ORACLE_SRC) $(KERNELS_SRC))
TEST_SRC  := $(filter-out $(ACCURACY_SRC),\
               $(sort $(shell find $(wildcard tests/unit tests/golden tests/accuracy tests/cli) \
                                   -name '*.c')))
FUZZ_SRC  := $(wildcard tests/fuzz/fuzz_*.c)
ALL_C     := $(sort $(shell find $(ROOMS) tests $(wildcard docs/examples) -name '*.[ch]'))

obj        = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
LIB_OBJ   := $(call obj,$(LIB_SRC))
# and flopgrind's decoder, which needs nothing of Valgrind
TEST_OBJ  := $(call obj,$(TEST_SRC) lib/counters/flopgrind/fg_decode.c)
MAIN_OBJ  := $(call obj,lib/main.c)
BENCH_OBJ := $(call obj,$(BENCH_SRC))
FUZZ_BIN  := $(patsubst tests/fuzz/%.c,$(BUILD)/%,$(FUZZ_SRC))

# Element-wise kernels (ops/simd) and those that measure ceilings (bench): one source, one object
# per instruction set, chosen at run time.
# They are vectorised in every config; fused multiply-add is allowed where the set has it. What is
# left of a row behind its whole vectors is done one by one: gcc's narrower vectors for it would
# work on lanes that nobody asked for, and the work executed is to follow from the source.
SIMD_FLAGS := -O3 -fno-math-errno -fno-trapping-math $(shell $(CC) -Werror -S -o /dev/null -x c \
              --param=vect-epilogues-nomask=0 /dev/null 2>/dev/null && \
              echo --param=vect-epilogues-nomask=0)
SIMD_FLAGS_avx2   := $(SIMD_FLAGS) -mavx2 -mfma -mf16c -ffp-contract=fast
SIMD_FLAGS_avx512 := $(SIMD_FLAGS) -mavx512f -mavx512vl -mavx512dq -mavx512bw -mfma -mf16c \
                     -mprefer-vector-width=512 -ffp-contract=fast
SIMD_SETS := $(if $(filter x86_64%,$(shell $(CC) -dumpmachine)),avx2 avx512)
SIMD_SRC  := lib/ops/simd/elementwise bench/peak_kernels
SIMD_OBJ  := $(foreach set,$(SIMD_SETS),$(SIMD_SRC:%=$(BUILD)/obj/%.$(set).o))
LIB_OBJ   += $(SIMD_OBJ)

# `make V=1` shows the commands.
ifeq ($(V),1)
say  =
else
say  = @printf '  %-4s %s\n' $(1) '$(patsubst $(BUILD)/%,%,$(2))';
endif

# ---- build ----
include lib/counters/flopgrind/flopgrind.mk

# A program of all that its rule names, and of these libraries besides.
link = $(call say,LINK,$@)$(CC) $(ALL_CFLAGS) $(RUN_PATH) $(LDFLAGS) -o $@ $^ $(1) $(ALL_LDLIBS) $(LDLIBS)

all: $(BUILD)/flopledger flopgrind ## build the program (default)

$(BUILD)/flopledger: $(MAIN_OBJ) $(BUILD)/libflopledger.a
	$(call link)

$(BUILD)/libflopledger.a: $(LIB_OBJ)
	$(call say,AR,$@)rm -f $@ && ar rcs $@ $^

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(ALL_CPPFLAGS) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(SIMD_SRC:%=$(BUILD)/obj/%.o): ALL_CFLAGS += $(SIMD_FLAGS)
define simd_rule
$(SIMD_SRC:%=$(BUILD)/obj/%.$(1).o): $(BUILD)/obj/%.$(1).o: %.c
	@mkdir -p $$(@D)
	$$(call say,CC,$$< ($(1)))$$(CC) $$(ALL_CPPFLAGS) $$(CPPFLAGS) $$(ALL_CFLAGS) $$(SIMD_FLAGS_$(1)) \
	    -DFL_ISA=$(1) -MMD -MP -c -o $$@ $$<
endef
$(foreach set,$(SIMD_SETS),$(eval $(call simd_rule,$(set))))
# The assembler reads these into the program (reports/assets.c).
$(BUILD)/obj/reports/assets.o: reports/page.css reports/page.js reports/calculator.js

$(BUILD)/tests: $(TEST_OBJ) $(BUILD)/libflopledger.a
	$(call link,-lcriterion)

$(BUILD)/oracle: $(call obj,$(ORACLE_SRC))
	$(call link,-lZydis)

$(BUILD)/accuracy_kernels: $(call obj,$(KERNELS_SRC)) $(BUILD)/libflopledger.a
	$(call link)

# A PAPI program of its own, for the test of what we export to such programs.
PAPI_CLIENT := $(if $(PAPI),$(BUILD)/papi_client)
$(BUILD)/papi_client: $(call obj,tests/papi/papi_client.c) $(BUILD)/libflopledger.a
	$(call link,-Wl$(comma)--no-as-needed -lsde)

$(BUILD)/bench_engine: $(BENCH_OBJ) $(BUILD)/libflopledger.a
	$(call link)

$(BUILD)/bench_peaks: $(call obj,$(PEAKS_SRC)) $(BUILD)/libflopledger.a
	$(call link)

$(BUILD)/fuzz_%: $(BUILD)/obj/tests/fuzz/fuzz_%.o $(call obj,$(wildcard tests/fuzz/mutate.c tests/unit/model_files*.c)) \
                 $(BUILD)/libflopledger.a
	$(call link)

# What a program is linked with besides the archive is what ours was linked with.
VERSION := $(shell sed -n 's/^.define FL_VERSION "\(.*\)"/\1/p' lib/base/version.h)
$(BUILD)/flopledger.pc: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' 'prefix=$(prefix)' 'libdir=$${prefix}/lib' 'includedir=$${prefix}/include' '' \
	    'Name: flopledger' 'Description: accounts for the FLOPs of transformer inference' \
	    'Version: $(VERSION)' \
	    'Cflags: -I$${includedir}/flopledger -D_DEFAULT_SOURCE' \
	    'Libs: -L$${libdir} -lflopledger -fopenmp $(filter -fsanitize% --coverage,$(CFLAGS_$(config))) $(RUN_PATH) $(ALL_LDLIBS)' >$@.new
	@cmp -s $@.new $@ || mv $@.new $@
	@rm -f $@.new

# The commit goes into one file, which alone is compiled again when the commit changes.
COMMIT := $(or $(shell git describe --always --dirty --abbrev=12 --exclude='*' 2>/dev/null),unknown)
$(BUILD)/commit: FORCE
	@mkdir -p $(@D)
	@echo '$(COMMIT)' | cmp -s - $@ || echo '$(COMMIT)' >$@
$(BUILD)/obj/lib/base/version.o: $(BUILD)/commit
$(BUILD)/obj/lib/base/version.o: ALL_CPPFLAGS += -DFL_COMMIT='"$(COMMIT)"'

# What was built without PAPI is built again when there is one.
$(BUILD)/papi: FORCE
	@mkdir -p $(@D)
	@echo '$(PAPI)' | cmp -s - $@ || echo '$(PAPI)' >$@
$(filter %counter_papi.o %papi_library.o %papi_choice.o %papi_probe.o %test_papi_counter.o,$(LIB_OBJ) $(TEST_OBJ)): $(BUILD)/papi

# ---- use ----
demo: all ## measure two small models and write build/demo/index.html
	scripts/demo $(BUILD)/flopledger $(DEMO)

# Their code is for x86-64; elsewhere the tests say that they are not built.
ACCURACY := $(if $(SIMD_SETS),$(BUILD)/oracle $(BUILD)/accuracy_kernels)

test: $(BUILD)/tests $(PAPI_CLIENT) all $(ACCURACY) $(BUILD)/flopledger.pc ## run every test; FILTER='suite/*' runs a part
	scripts/run-tests $(BUILD) '$(FILTER)'

bench: bench-engine bench-peaks $(BUILD)/flopledger ## bench-engine, bench-peaks, and the longer sweep (GPT-2 124M), into build/bench/results.db
	scripts/bench $(BUILD)/flopledger build/bench/results.db

bench-engine: $(BUILD)/bench_engine ## whole forward passes against bare BLAS and memory bandwidth
	$(BUILD)/bench_engine

bench-peaks: $(BUILD)/bench_peaks ## the measured ceilings against bare loops; LIKWID=1: against likwid-bench
	OMP_WAIT_POLICY=passive $(BUILD)/bench_peaks $(if $(LIKWID),--likwid)

bench-flopgrind: $(BUILD)/accuracy_kernels flopgrind ## what counting costs, against native and against bare Valgrind
	scripts/bench-flopgrind $(BUILD)

report: $(BUILD)/flopledger ## turn DB=results.db into a report beside it
	$(BUILD)/flopledger report $(DB) -o $(REPORT)

format: ## lay out the source with clang-format
	clang-format -i $(ALL_C)

lint: ## layout, static analysis, include order, words of reports, shell scripts, links
	scripts/lint

fuzz: ## mutate the readers' inputs under sanitizers; FUZZ_N=count FUZZ_SEED=seed
	@$(MAKE) --no-print-directory config=sanitize run-fuzz

run-fuzz: $(FUZZ_BIN)
	scripts/run-fuzz $(BUILD) $(FUZZ_N) $(FUZZ_SEED) $(notdir $(FUZZ_BIN))

coverage: ## which lines the tests reach, by file
	@$(MAKE) --no-print-directory config=coverage test
	scripts/coverage build/coverage

install: all $(BUILD)/flopledger.pc ## program, library, headers, manual pages, completions, into $(DESTDIR)$(prefix)
	scripts/install-files install $(BUILD) $(prefix) $(DESTDIR)

uninstall: all $(BUILD)/flopledger.pc ## take away what install put there
	scripts/install-files uninstall $(BUILD) $(prefix) $(DESTDIR)

clean: ## remove build/
	rm -rf build

help: ## show this text
	@printf 'usage: make [TARGET] [VARIABLE=VALUE]\n\ntargets:\n'
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  \1|\2/p' Makefile | \
	    while IFS='|' read -r name text; do printf '  %-16s %s\n' $$name "$$text"; done
	@printf '\nvariables:\n'
	@printf '  %-24s %s\n' \
	    'config=release' 'or debug, sanitize, coverage; each builds in its own directory' \
	    'V=1'            'show the commands' \
	    'CI=1'           'warnings are errors' \
	    'BOOTSTRAP=no'   'do not look for missing packages' \
	    'prefix=/usr/local' 'where install puts things; DESTDIR goes in front'

FORCE:
.SECONDARY:
.PHONY: all flopgrind demo test bench bench-engine bench-peaks bench-flopgrind report format lint fuzz run-fuzz coverage install uninstall clean \
        help FORCE
-include $(patsubst %.o,%.d,$(LIB_OBJ) $(TEST_OBJ) $(MAIN_OBJ) $(BENCH_OBJ) \
           $(call obj,$(FUZZ_SRC) $(ACCURACY_SRC) $(PEAKS_SRC) tests/papi/papi_client.c))

endif
