#include "counters/papi_events.h"

#include "base/file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define B(constant) FL_COUNT_BIT(constant)

/* Intel: one count an instruction, two an FMA, so that a weight of one per lane makes FLOPs. */
#define SINGLE(event, lanes, width)                                                                \
    {                                                                                              \
        event, B(FLOPS) | B(FLOPS_SINGLE) | B(width), lanes, 1, false                              \
    }
#define DOUBLE(event, lanes, width)                                                                \
    {                                                                                              \
        event, B(FLOPS) | B(FLOPS_DOUBLE) | B(width), lanes, 1, false                              \
    }
#define EVENT(event, counts, times)                                                                \
    {                                                                                              \
        event, counts, times, 1, false                                                             \
    }
#define FRACTION(event, counts, times, per)                                                        \
    {                                                                                              \
        event, counts, times, per, false                                                           \
    }

#define FP_ARITH_256                                                                               \
    SINGLE("FP_ARITH_INST_RETIRED:SCALAR_SINGLE", 1, FLOPS_SCALAR),                                \
        DOUBLE("FP_ARITH_INST_RETIRED:SCALAR_DOUBLE", 1, FLOPS_SCALAR),                            \
        SINGLE("FP_ARITH_INST_RETIRED:128B_PACKED_SINGLE", 4, FLOPS_128),                          \
        DOUBLE("FP_ARITH_INST_RETIRED:128B_PACKED_DOUBLE", 2, FLOPS_128),                          \
        SINGLE("FP_ARITH_INST_RETIRED:256B_PACKED_SINGLE", 8, FLOPS_256),                          \
        DOUBLE("FP_ARITH_INST_RETIRED:256B_PACKED_DOUBLE", 4, FLOPS_256)

/* AMD: the event counts FLOPs, a multiply-accumulate as 2. */
#define AMD_FLOPS(any)                                                                             \
    EVENT(any, B(FLOPS), 1), EVENT("RETIRED_SSE_AVX_FLOPS:ADD_SUB_FLOPS", B(ADD), 1),              \
        EVENT("RETIRED_SSE_AVX_FLOPS:MULT_FLOPS", B(MUL), 1),                                      \
        FRACTION("RETIRED_SSE_AVX_FLOPS:MAC_FLOPS", B(FMA), 1, 2)

#define CAS(unit, imc)                                                                             \
    EVENT(unit imc "::UNC_M_CAS_COUNT:RD:cpu=0", B(MEMORY_BYTES), 64),                             \
        EVENT(unit imc "::UNC_M_CAS_COUNT:WR:cpu=0", B(MEMORY_BYTES), 64)
#define CAS_6(unit)                                                                                \
    CAS(unit, "0"), CAS(unit, "1"), CAS(unit, "2"), CAS(unit, "3"), CAS(unit, "4"), CAS(unit, "5")

static const char INTEL_NOTE[] = "minima, maxima and reciprocal estimates count as FLOPs";
static const char SDM[] =
    "Intel SDM vol. 3B, performance monitoring events: FP_ARITH_INST_RETIRED, where each count is "
    "one operation a lane and FM(N)ADD/SUB and DPP count twice; libpfm4 "
    "lib/events/intel_*_events.h";
static const char PPR[] =
    "AMD Processor Programming Reference of the family, PMCx003: Retired SSE/AVX FLOPs; "
    "libpfm4 lib/events/amd64_events_fam*.h";
static const char AMD_NOTE[] = "single and double precision are not told apart";
static const char ARM[] =
    "Arm Architecture Reference Manual, PMU events 0x80C0 FP_SCALE_OPS_SPEC (per 128 bits of "
    "vector "
    "length) and 0x80C1 FP_FIXED_OPS_SPEC, where a fused multiply-add counts twice; libpfm4 "
    "lib/events/arm_neoverse_*_events.h";
static const char IMC_SOURCE[] =
    "Intel Uncore Performance Monitoring Reference Manual of the processor: CAS_COUNT, one count a "
    "line of 64 bytes; libpfm4 lib/events/intel_*_unc_imc_events.h";
static const char IMC_NOTE[] = "memory traffic is of the whole machine";
static const char LLC_NOTE[] = "memory traffic is reads that missed the last cache, a lower bound";
static const char FILL_NOTE[] = "memory traffic is fills from memory, without write-backs";
static const char ENERGY_NOTE[] = "energy is of the whole package";
static const char LINUX_SOURCE[] =
    "Linux perf_event_open(2): generalised hardware events; libpfm4 lib/events/perf_events.h";

const struct fl_papi_set fl_papi_sets[] = {
    /* ---- floating-point operations ---- */
    {"skx clx icl icx spr emr",
     INTEL_NOTE,
     SDM,
     false,
     {FP_ARITH_256, SINGLE("FP_ARITH_INST_RETIRED:512B_PACKED_SINGLE", 16, FLOPS_512),
      DOUBLE("FP_ARITH_INST_RETIRED:512B_PACKED_DOUBLE", 8, FLOPS_512)}},
    {"bdw bdw_ep skl", INTEL_NOTE, SDM, false, {FP_ARITH_256}},
    {"snb snb_ep ivb ivb_ep",
     "FLOPs are counted when issued, again when operands are late: an upper bound, up to several "
     "times the work",
     "Intel SDM vol. 3B: FP_COMP_OPS_EXE and SIMD_FP_256 count micro-operations executed, again "
     "whenever they are issued again for operands that come late; libpfm4 "
     "lib/events/intel_{snb,ivb}_events.h",
     false,
     {SINGLE("FP_COMP_OPS_EXE:SSE_FP_SCALAR_SINGLE", 1, FLOPS_SCALAR),
      DOUBLE("FP_COMP_OPS_EXE:SSE_SCALAR_DOUBLE", 1, FLOPS_SCALAR),
      SINGLE("FP_COMP_OPS_EXE:SSE_PACKED_SINGLE", 4, FLOPS_128),
      DOUBLE("FP_COMP_OPS_EXE:SSE_FP_PACKED_DOUBLE", 2, FLOPS_128),
      SINGLE("SIMD_FP_256:PACKED_SINGLE", 8, FLOPS_256),
      DOUBLE("SIMD_FP_256:PACKED_DOUBLE", 4, FLOPS_256)}},
    {"amd64_fam17h amd64_fam17h_zen1",
     NULL,
     PPR,
     false,
     {EVENT("RETIRED_SSE_AVX_OPERATIONS:SP_ADD_SUB_FLOPS:SP_MULT_FLOPS:SP_DIV_FLOPS:"
            "SP_MULT_ADD_FLOPS",
            B(FLOPS) | B(FLOPS_SINGLE), 1),
      EVENT("RETIRED_SSE_AVX_OPERATIONS:DP_ADD_SUB_FLOPS:DP_MULT_FLOPS:DP_DIV_FLOPS:"
            "DP_MULT_ADD_FLOPS",
            B(FLOPS) | B(FLOPS_DOUBLE), 1),
      EVENT("RETIRED_SSE_AVX_OPERATIONS:SP_ADD_SUB_FLOPS:DP_ADD_SUB_FLOPS", B(ADD), 1),
      EVENT("RETIRED_SSE_AVX_OPERATIONS:SP_MULT_FLOPS:DP_MULT_FLOPS", B(MUL), 1),
      FRACTION("RETIRED_SSE_AVX_OPERATIONS:SP_MULT_ADD_FLOPS:DP_MULT_ADD_FLOPS", B(FMA), 1, 2)}},
    {"amd64_fam17h_zen2 amd64_fam19h_zen3 amd64_fam19h_zen4",
     AMD_NOTE,
     PPR,
     false,
     {AMD_FLOPS("RETIRED_SSE_AVX_FLOPS:ANY")}},
    {"amd64_fam1ah_zen5",
     NULL,
     PPR,
     false,
     {AMD_FLOPS("RETIRED_SSE_AVX_FLOPS:ANY:ALL_TYPE"),
      EVENT("RETIRED_SSE_AVX_FLOPS:ANY:FLOP_TYPE_SCALAR_SINGLE", B(FLOPS_SINGLE) | B(FLOPS_SCALAR),
            1),
      EVENT("RETIRED_SSE_AVX_FLOPS:ANY:FLOP_TYPE_PACKED_SINGLE", B(FLOPS_SINGLE), 1),
      EVENT("RETIRED_SSE_AVX_FLOPS:ANY:FLOP_TYPE_SCALAR_DOUBLE", B(FLOPS_DOUBLE) | B(FLOPS_SCALAR),
            1),
      EVENT("RETIRED_SSE_AVX_FLOPS:ANY:FLOP_TYPE_PACKED_DOUBLE", B(FLOPS_DOUBLE), 1)}},
    {"arm_v1 arm_n2 arm_v2",
     "FLOPs are of speculatively executed instructions, an upper bound; single and double "
     "precision are not told apart",
     ARM,
     false,
     {EVENT("FP_FIXED_OPS_SPEC", B(FLOPS), 1), {"FP_SCALE_OPS_SPEC", B(FLOPS), 1, 1, true}}},

    /* ---- bytes between caches and memory ---- */
    {"skx clx", IMC_NOTE, IMC_SOURCE, true, {CAS_6("skx_unc_imc")}},
    {"ivb ivb_ep hsw hsw_ep bdw bdw_ep skl skx clx icl icx spr emr",
     LLC_NOTE,
     "Intel SDM vol. 3B, architectural event 2EH/41H: LLC misses of core-originated requests",
     false,
     {EVENT("LONGEST_LAT_CACHE:MISS", B(MEMORY_BYTES), 64)}},
    {"snb snb_ep",
     LLC_NOTE,
     "Intel SDM vol. 3B, architectural event 2EH/41H",
     false,
     {EVENT("LAST_LEVEL_CACHE_MISSES", B(MEMORY_BYTES), 64)}},
    {"amd64_fam17h_zen2",
     FILL_NOTE,
     "AMD PPR of family 17h models 30h and up, PMCx043",
     false,
     {EVENT("DATA_CACHE_REFILLS_FROM_SYSTEM:LS_MABRESP_LCL_DRAM:LS_MABRESP_RMT_DRAM",
            B(MEMORY_BYTES), 64)}},
    {"amd64_fam19h_zen3",
     FILL_NOTE,
     "AMD PPR of family 19h models 00h and up, PMCx044",
     false,
     {EVENT("ANY_DATA_CACHE_FILLS_FROM_SYSTEM:MEM_IO_LCL:MEM_IO_RMT", B(MEMORY_BYTES), 64)}},
    {"amd64_fam19h_zen4 amd64_fam1ah_zen5",
     FILL_NOTE,
     "AMD PPR of family 19h models 10h and up, PMCx044",
     false,
     {EVENT("ANY_DATA_CACHE_FILLS_FROM_SYSTEM:DRAM_IO_NEAR:DRAM_IO_FAR", B(MEMORY_BYTES), 64)}},
    {"arm_n1 arm_v1 arm_n2 arm_v2",
     LLC_NOTE,
     "Arm ARM, PMU event 0x37 LL_CACHE_MISS_RD",
     false,
     {EVENT("LL_CACHE_MISS_RD", B(MEMORY_BYTES), 64)}},

    /* ---- instructions and cycles, in user mode ---- */
    {"*",
     NULL,
     LINUX_SOURCE,
     false,
     {EVENT("perf::INSTRUCTIONS", B(INSTRUCTIONS), 1), EVENT("perf::CYCLES", B(CYCLES), 1)}},
    /* for LIBPFM_FORCE_PMU, which leaves no other unit in libpfm4 */
    {"amd64_fam17h amd64_fam17h_zen1 amd64_fam17h_zen2 amd64_fam19h_zen3 amd64_fam19h_zen4 "
     "amd64_fam1ah_zen5",
     NULL,
     "AMD PPR, PMCx0C0 and PMCx076",
     false,
     {EVENT("RETIRED_INSTRUCTIONS", B(INSTRUCTIONS), 1),
      EVENT("CYCLES_NOT_IN_HALT", B(CYCLES), 1)}},

    /* ---- energy ---- */
    {"*",
     ENERGY_NOTE,
     "Linux powercap: energy_uj in microjoules; PAPI's powercap component",
     true,
     {EVENT("powercap:::ENERGY_UJ:ZONE0", B(ENERGY), 1000)}},
    {"*",
     ENERGY_NOTE,
     "libpfm4 lib/pfmlib_intel_rapl.c: units of 2^-32 J",
     true,
     {FRACTION("rapl::RAPL_ENERGY_PKG:cpu=0", B(ENERGY), 1000000000, UINT64_C(1) << 32)}},
    {"*",
     ENERGY_NOTE,
     "libpfm4 lib/pfmlib_amd64_rapl.c: units of 2^-32 J",
     true,
     {FRACTION("amd64_rapl::RAPL_ENERGY_PKG:cpu=0", B(ENERGY), 1000000000, UINT64_C(1) << 32)}},
    {NULL, NULL, NULL, false, {{0}}},
};

static const struct {
    const char *pmus, *reason;
} NO_FLOPS[] = {
    {"hsw hsw_ep", "Haswell has no event for floating-point operations"},
    {"knl knm", "Knights Landing counts instructions without their lanes"},
    {"arm_n1", "Neoverse N1 counts floating-point instructions, not operations"},
    {"adl_glc adl_grt", "a processor with two kinds of cores; PAPI knows one"},
};

bool fl_papi_pmu_listed(const char *pmus, const char *pmu)
{
    if (strcmp(pmus, "*") == 0)
        return true;
    size_t length = strlen(pmu);
    for (const char *at = pmus; *at;) {
        size_t n = strcspn(at, " ");
        if (n == length && strncmp(at, pmu, n) == 0)
            return true;
        at += n + (at[n] == ' ');
    }
    return false;
}

const char *fl_papi_no_flops(const char *pmu)
{
    for (size_t i = 0; i < sizeof NO_FLOPS / sizeof *NO_FLOPS; i++)
        if (fl_papi_pmu_listed(NO_FLOPS[i].pmus, pmu))
            return NO_FLOPS[i].reason;
    return NULL;
}

/* ---- tables of the user's own ---- */

/* The word at *at, ended with a NUL, and *at behind it; NULL at the end of the line. */
static char *next_word(char **at)
{
    char *word = *at + strspn(*at, " \t\r");
    if (!*word)
        return NULL;
    char *end = word + strcspn(word, " \t\r");
    *at = *end ? end + 1 : end;
    *end = '\0';
    return word;
}

/* "3" or "3/4", both positive. */
static bool parse_weight(struct fl_papi_event *event, const char *text)
{
    uint64_t *parts[] = {&event->times, &event->per};
    event->per = 1;
    for (int i = 0; i < 2; i++) {
        char *end;
        errno = 0;
        unsigned long long value = strtoull(text, &end, 10);
        if (*text < '0' || *text > '9' || errno || value == 0)
            return false;
        *parts[i] = value;
        if (!*end)
            return true;
        if (*end != '/')
            return false;
        text = end + 1;
    }
    return false;
}

static int parse_counts(struct fl_papi_event *event, char *text, const char *path, int line,
                        struct fl_error *error)
{
    char *rest;
    for (char *key = strtok_r(text, ",", &rest); key; key = strtok_r(NULL, ",", &rest)) {
        enum fl_count count = fl_count_find(key);
        if (count == FL_N_COUNTS)
            return fl_fail(error,
                           "%s:%d: '%s' is no count; expected one such as flops or "
                           "memory_bytes",
                           path, line, key);
        event->counts |= UINT64_C(1) << count;
    }
    return FL_OK;
}

static int parse_line(struct fl_papi_table *table, char *text, const char *path, int line,
                      struct fl_error *error)
{
    text[strcspn(text, "#")] = '\0';
    char *name = next_word(&text);
    if (!name)
        return FL_OK;
    if (strlen(name) > FL_PAPI_NAME)
        return fl_fail(error, "%s:%d: expected an event of at most %d characters", path, line,
                       FL_PAPI_NAME);
    struct fl_papi_event event = {.name = name};
    char *weight = next_word(&text), *counts = weight ? next_word(&text) : NULL;
    if (!counts || next_word(&text))
        return fl_fail(error,
                       "%s:%d: expected an event, its weight and what it counts, such as "
                       "'PAPI_SP_OPS 1 flops'",
                       path, line);
    if (!parse_weight(&event, weight))
        return fl_fail(error, "%s:%d: weight '%s': expected a positive integer, or two as in 1/2",
                       path, line, weight);
    if (parse_counts(&event, counts, path, line, error))
        return FL_FAILED;
    table->events[table->n_events++] = event;
    return FL_OK;
}

int fl_papi_table_read(struct fl_papi_table *table, const char *path, struct fl_error *error)
{
    enum { MAX_BYTES = 1 << 20 };
    size_t size, n_lines = 1;
    *table = (struct fl_papi_table){0};
    if (fl_file_read(&table->text, &size, path, MAX_BYTES, error))
        return FL_FAILED;
    if (strlen(table->text) != size) {
        fl_papi_table_close(table);
        return fl_fail(error, "%s: expected text", path);
    }
    for (size_t i = 0; i < size; i++)
        n_lines += table->text[i] == '\n';
    table->events = calloc(n_lines, sizeof *table->events);
    int status = table->events ? FL_OK : fl_fail(error, "%s: no memory to read it", path);
    int line = 0;
    for (char *at = table->text; !status && at;) {
        char *end = strchr(at, '\n');
        if (end)
            *end = '\0';
        status = parse_line(table, at, path, ++line, error);
        at = end ? end + 1 : NULL;
    }
    if (!status && table->n_events == 0)
        status = fl_fail(error, "%s: expected at least one event", path);
    if (status)
        fl_papi_table_close(table);
    return status;
}

void fl_papi_table_close(struct fl_papi_table *table)
{
    free(table->events);
    free(table->text);
    *table = (struct fl_papi_table){0};
}
