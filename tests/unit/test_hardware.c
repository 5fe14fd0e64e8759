#include "analyzers/hardware.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- the table ---- */

static void expect_ratio(const struct fl_hardware *hardware, enum fl_arith over,
                         enum fl_arith under, double least, double most)
{
    const double a = hardware->flops_per_s[over], b = hardware->flops_per_s[under];
    if (a > 0 && b > 0)
        cr_expect(a / b >= least && a / b <= most, "%s: %s is %.3g times %s", hardware->name,
                  fl_arith_names[over], a / b, fl_arith_names[under]);
}

Test(hardware, figures_are_plausible)
{
    for (int i = 0; i < fl_hardware_count(); i++) {
        struct fl_hardware hardware, found;
        struct fl_error error;
        fl_hardware_row(&hardware, i);
        cr_expect(strncmp(hardware.source, "https://", 8) == 0, "%s: no source", hardware.name);
        cr_expect_str_not_empty(hardware.note, "%s", hardware.name);
        cr_assert_eq(fl_hardware_open(&found, hardware.name, &error), FL_OK, "%s", error.text);
        cr_expect_str_eq(found.title, hardware.title, "names are unique");
        cr_expect(hardware.bytes_per_s >= 10e9 && hardware.bytes_per_s <= 10e12, "%s",
                  hardware.name);
        cr_expect(hardware.capacity_bytes >= 1e9 && hardware.capacity_bytes <= 10e12, "%s",
                  hardware.name);
        cr_expect(hardware.n_caches == 1 && hardware.caches[0].capacity_bytes < 1e9, "%s",
                  hardware.name);
        /* halving the bits doubles the rate, or leaves it; 16 is an A100's tensor cores against its
         * plain f32 */
        expect_ratio(&hardware, FL_ARITH_TF32, FL_ARITH_F32, 1, 8);
        expect_ratio(&hardware, FL_ARITH_F16, FL_ARITH_TF32, 1.9, 2.1);
        expect_ratio(&hardware, FL_ARITH_F16, FL_ARITH_F32, 2, 16);
        expect_ratio(&hardware, FL_ARITH_BF16, FL_ARITH_F32, 2, 16);
        expect_ratio(&hardware, FL_ARITH_FP8, FL_ARITH_F16, 1.9, 2.1);
        /* fp8 and int8 at GeForce's different accumulators: up to 4 times */
        expect_ratio(&hardware, FL_ARITH_INT8, FL_ARITH_BF16, 1.9, 4.1);
        /* ridge points of real machines: 0.1 to 700 FLOPs a byte */
        const double ridge = hardware.flops_per_s[FL_ARITH_F16] / hardware.bytes_per_s;
        cr_expect(ridge == 0 || (ridge > 0.1 && ridge < 700), "%s: %g", hardware.name, ridge);
    }
}

/* The classic trap: what data sheets print for 16 bits "with sparsity" is twice the dense rate. */
Test(hardware, rates_are_dense)
{
    static const struct {
        const char *name;
        double sparse_tflops_f16;
    } SPARSE[] = {{"h100-sxm", 1979}, {"h100-pcie", 1513}, {"h200", 1979},      {"a100-40gb", 624},
                  {"a100-80gb", 624}, {"l4", 242},         {"rtx-4090", 330.4}, {"mi300x", 2614.9}};
    for (size_t i = 0; i < sizeof SPARSE / sizeof *SPARSE; i++) {
        struct fl_hardware hardware;
        struct fl_error error;
        cr_assert_eq(fl_hardware_open(&hardware, SPARSE[i].name, &error), FL_OK);
        const double half = SPARSE[i].sparse_tflops_f16 * 1e12 / 2;
        cr_expect_float_eq(hardware.flops_per_s[FL_ARITH_F16], half, 1e-3 * half, "%s",
                           SPARSE[i].name);
        cr_expect_lt(hardware.flops_per_s[FL_ARITH_F32], hardware.flops_per_s[FL_ARITH_F16] / 1.9,
                     "%s: plain f32 is not what tensor cores do", SPARSE[i].name);
    }
}

/* Figures of processors are cores * FLOPs a cycle * base clock. */
Test(hardware, processors_by_hand)
{
    struct fl_hardware xeon, epyc, pi;
    struct fl_error error;
    fl_hardware_open(&xeon, "xeon-8480", &error);
    fl_hardware_open(&epyc, "epyc-9654", &error);
    fl_hardware_open(&pi, "raspberry-pi-5", &error);
    cr_expect_float_eq(xeon.flops_per_s[FL_ARITH_BF16], 56 * 1024 * 2.0e9, 1);
    cr_expect_float_eq(xeon.bytes_per_s, 8 * 4800e6 * 8, 1);
    cr_expect_float_eq(epyc.flops_per_s[FL_ARITH_F32], 96 * 32 * 2.4e9, 1);
    cr_expect_float_eq(epyc.bytes_per_s, 12 * 4800e6 * 8, 1);
    cr_expect_float_eq(pi.flops_per_s[FL_ARITH_F32], 4 * 16 * 2.4e9, 1);
    cr_expect_float_eq(pi.bytes_per_s, 4267e6 * 4, 0.01e9);
}

/* ---- files ---- */

static int parse(struct fl_hardware *hardware, const char *text, struct fl_error *error)
{
    return fl_hardware_parse(hardware, text, strlen(text), "my.json", error);
}

Test(hardware, file)
{
    struct fl_hardware hardware;
    struct fl_error error;
    cr_assert_eq(parse(&hardware,
                       "{\"name\": \"mine\", \"tflops\": {\"f32\": 20, \"f16\": 80.5},"
                       "\"bandwidth_gb_s\": 600, \"capacity_gb\": 24, \"cache_mb\": 6,"
                       "\"note\": \"a\\nb\"}",
                       &error),
                 FL_OK, "%s", error.text);
    cr_expect_str_eq(hardware.name, "mine");
    cr_expect_str_eq(hardware.note, "a?b", "no control characters reach a terminal");
    cr_expect_float_eq(hardware.flops_per_s[FL_ARITH_F16], 80.5e12, 1);
    cr_expect_eq(hardware.flops_per_s[FL_ARITH_INT8], 0);
    cr_expect_float_eq(hardware.bytes_per_s, 600e9, 1);
    cr_expect_float_eq(hardware.capacity_bytes, 24e9, 1);
    cr_expect_float_eq(hardware.caches[0].capacity_bytes, 6e6, 1);
}

Test(hardware, hostile_files)
{
#define REST ", \"bandwidth_gb_s\": 6, \"capacity_gb\": 2}"
    static const struct {
        const char *text, *sentence;
    } CASES[] = {
        {"", "my.json"},
        {"[]", "one JSON object"},
        {"{} {}", "nothing behind it"},
        {"{}", "name"},
        {"{\"name\": 7, \"tflops\": {\"f32\": 1}" REST, "name"},
        {"{\"name\": \"\", \"tflops\": {\"f32\": 1}" REST, "name: expected a name"},
        {"{\"name\": \"a\"" REST, "tflops: expected an object"},
        {"{\"name\": \"a\", \"tflops\": 9" REST, "tflops: expected an object"},
        {"{\"name\": \"a\", \"tflops\": {}" REST, "f32"},
        {"{\"name\": \"a\", \"tflops\": {\"f16\": 1}" REST, "f32"},
        {"{\"name\": \"a\", \"tflops\": {\"f32\": -1}" REST, "f32: expected a number above 0"},
        {"{\"name\": \"a\", \"tflops\": {\"f32\": 0}" REST, "f32: expected a number above 0"},
        {"{\"name\": \"a\", \"tflops\": {\"f32\": \"1\"}" REST, "f32: expected a number"},
        {"{\"name\": \"a\", \"tflops\": {\"f32\": NaN}" REST, "malformed"},
        {"{\"name\": \"a\", \"tflops\": {\"f32\": 1e999}" REST, "above 0, at most 1e9"},
        {"{\"name\": \"a\", \"tflops\": {\"f32\": 1, \"f33\": 1}" REST, "tflops.f33: no such"},
        {"{\"name\": \"a\", \"tflops\": {\"f32\": 1, \"f32\": 1}" REST, "twice"},
        {"{\"name\": \"a\", \"tflops\": {\"f32\": 1}, \"bandwith\": 1" REST, "bandwith: no such"},
        {"{\"name\": \"a\", \"tflops\": {\"f32\": 1}, \"cache_mb\": -5" REST, "cache_mb"},
        {"{\"name\": \"a\", \"tflops\": {\"f32\": 1}, \"capacity_gb\": 1}", "bandwidth_gb_s"},
        {"{\"name\": \"a\", \"tflops\": {\"f32\": 1}, \"bandwidth_gb_s\": 1}", "capacity_gb"},
    };
#undef REST
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct fl_hardware hardware;
        struct fl_error error = {""};
        cr_expect_eq(parse(&hardware, CASES[i].text, &error), FL_FAILED, "%s", CASES[i].text);
        cr_expect(strstr(error.text, CASES[i].sentence), "%s: %s", CASES[i].text, error.text);
    }
}

Test(hardware, unknown_names)
{
    struct fl_hardware hardware;
    struct fl_error error;
    cr_expect_eq(fl_hardware_open(&hardware, "b300", &error), FL_FAILED);
    cr_expect(strstr(error.text, "--list"), "%s", error.text);
    cr_expect_eq(fl_hardware_open(&hardware, "/no/such/file.json", &error), FL_FAILED);
    cr_expect(strstr(error.text, "/no/such/file.json"), "%s", error.text);
}

/* ---- ceilings ---- */

static struct fl_ceiling ceiling(const char *unit, const char *kernel, const char *level,
                                 const char *dtype, uint64_t work, uint64_t capacity)
{
    struct fl_ceiling c = {.n_threads = 2,
                           .work = work,
                           /* upper quartile of rates: that of 2 us */
                           .time_ns = {3000, 4000, 5000, 2000, 1000},
                           .n_samples = 5,
                           .capacity_bytes = capacity};
    snprintf(c.unit, sizeof c.unit, "%s", unit);
    snprintf(c.kernel, sizeof c.kernel, "%s", kernel);
    snprintf(c.level, sizeof c.level, "%s", level);
    snprintf(c.dtype, sizeof c.dtype, "%s", dtype);
    snprintf(c.machine, sizeof c.machine, "box");
    return c;
}

Test(hardware, measured_ceilings)
{
    const struct fl_ceiling ceilings[] = {
        ceiling("flops", "fma", "", "f32", 1000, 0),
        ceiling("flops", "fma", "", "f32", 4000, 0), /* another instruction set: the best counts */
        ceiling("flops", "gemm", "", "f32", 3000, 0),
        ceiling("flops", "linear", "", "q8_0", 2500, 0),
        ceiling("flops", "dot", "", "q8_0", 800, 0),
        ceiling("bytes", "read", "DRAM", "f32", 100, 0),
        ceiling("bytes", "triad", "DRAM", "f32", 999, 0), /* not what inference does */
        ceiling("bytes", "read", "L1", "f32", 900, 64000),
        ceiling("bytes", "read", "L3", "f32", 300, 32000000),
    };
    enum { N = sizeof ceilings / sizeof *ceilings };
    struct fl_hardware hardware;
    struct fl_error error;
    cr_assert_eq(fl_hardware_of_ceilings(&hardware, ceilings, N, 2, &error), FL_OK, "%s",
                 error.text);
    cr_expect_float_eq(hardware.flops_per_s[FL_ARITH_F32], 4000 / 2e-6, 1);
    cr_expect_float_eq(hardware.rows_flops_per_s[FL_F32], 3000 / 2e-6, 1);
    cr_expect_float_eq(hardware.rows_flops_per_s[FL_Q8_0], 2500 / 2e-6, 1);
    cr_expect_float_eq(hardware.one_row_flops_per_s[FL_Q8_0], 800 / 2e-6, 1);
    cr_expect_float_eq(hardware.bytes_per_s, 100 / 2e-6, 1);
    cr_assert_eq(hardware.n_caches, 2, "the level without a figure is left out");
    cr_expect_float_eq(hardware.caches[0].bytes_per_s, 900 / 2e-6, 1);
    cr_expect_float_eq(hardware.caches[1].capacity_bytes, 32e6, 1);

    /* L1 behind a busy machine: it is no slower than L3 */
    struct fl_ceiling disturbed[N];
    memcpy(disturbed, ceilings, sizeof disturbed);
    disturbed[7].work = 3;
    cr_assert_eq(fl_hardware_of_ceilings(&hardware, disturbed, N, 2, &error), FL_OK);
    cr_expect_float_eq(hardware.caches[0].bytes_per_s, 300 / 2e-6, 1);

    cr_expect_eq(fl_hardware_of_ceilings(&hardware, ceilings, N, 1, &error), FL_FAILED);
    cr_expect(strstr(error.text, "on 1 thread"), "%s", error.text);
    cr_expect_eq(fl_hardware_of_ceilings(&hardware, ceilings, 5, 2, &error), FL_FAILED,
                 "no bandwidth");
}
