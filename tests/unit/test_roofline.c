/* Rooflines of synthetic ceilings, whose answers are known. */
#include "analyzers/roofline.h"

#include "model/presets.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

/* All samples of one rate: work of 1 s. */
static struct fl_ceiling ceiling(const char *unit, const char *kernel, const char *level,
                                 int n_threads, double per_s, uint64_t capacity)
{
    struct fl_ceiling c = {.dtype = "f32",
                           .isa = "avx2",
                           .n_threads = n_threads,
                           .capacity_bytes = capacity,
                           .work = (uint64_t)per_s,
                           .time_ns = {1000000000, 1000000000, 1000000000},
                           .n_samples = 3};
    strcpy(c.unit, unit);
    strcpy(c.kernel, kernel);
    strcpy(c.level, level);
    return c;
}

/* One thread: peak 100 GFLOP/s; L1 400, L2 200, DRAM 10 GB/s; no L3. Two threads: no DRAM. */
enum { N_CEILINGS = 12 };
static void make(struct fl_ceiling c[N_CEILINGS])
{
    c[0] = ceiling("flops", "gemm", "", 1, 80e9, 0);
    c[1] = ceiling("flops", "fma", "", 1, 100e9, 0);
    c[2] = ceiling("flops", "fma", "", 1, 30e9, 0);
    c[3] = ceiling("flops", "dot", "", 1, 900e9, 0); /* no peak, however fast */
    c[4] = ceiling("bytes", "read", "L1", 1, 400e9, 32 << 10);
    c[5] = ceiling("bytes", "read", "L2", 1, 200e9, 1 << 20);
    c[6] = ceiling("bytes", "read", "DRAM", 1, 10e9, 0);
    c[7] = ceiling("bytes", "copy", "DRAM", 1, 15e9, 0);      /* not of reading */
    c[8] = ceiling("bytes", "read", "L9", 1, 999e9, 1 << 30); /* no such level */
    c[9] = ceiling("flops", "fma", "", 2, 200e9, 0);
    c[10] = ceiling("bytes", "read", "L1", 2, 800e9, 64 << 10);
    c[11] = ceiling("flops", "fma", "", 1, 500e9, 0); /* not in f32 */
    strcpy(c[11].dtype, "f64");
}

static struct fl_roofs roofs(void)
{
    static struct fl_ceiling c[N_CEILINGS];
    struct fl_roofs found;
    make(c);
    cr_assert(fl_roofs_find(&found, c, N_CEILINGS, 1));
    return found;
}

Test(roofline, ceilings_have_medians_and_quartiles)
{
    struct fl_ceiling c = ceiling("flops", "fma", "", 1, 1200, 0);
    const uint64_t times[] = {4000000000, 1000000000, 2000000000, 3000000000, 6000000000};
    memcpy(c.time_ns, times, sizeof times);
    c.n_samples = 5;
    const struct fl_rate rate = fl_ceiling_rate(&c);
    cr_expect_float_eq(rate.median, 400, 1e-9, "1200 in 3 s");
    cr_expect_float_eq(rate.low, 300, 1e-9);
    cr_expect_float_eq(rate.high, 600, 1e-9);
    cr_expect_float_eq(rate.least, 200, 1e-9);
    cr_expect_float_eq(rate.most, 1200, 1e-9);
    cr_expect_float_eq(fl_ceiling_roof(&c), 600, 1e-9);
    cr_expect(fl_ceiling_is_noisy(&c));
    c.n_samples = 2; /* the median is that of the times: 2.5 s, as the database's view has it */
    cr_expect_float_eq(fl_ceiling_rate(&c).median, 480, 1e-9);
    c.n_samples = 1;
    cr_expect_float_eq(fl_ceiling_rate(&c).median, 300, 1e-9);
    cr_expect(!fl_ceiling_is_noisy(&c));
}

Test(roofline, finds_the_roofs_of_a_number_of_threads)
{
    struct fl_ceiling c[N_CEILINGS];
    struct fl_roofs found;
    make(c);
    cr_assert(fl_roofs_find(&found, c, N_CEILINGS, 1));
    cr_expect_eq(found.peak, &c[1]);
    cr_expect_eq(found.gemm, &c[0]);
    cr_expect_float_eq(found.flops_per_s, 100e9, 1);
    cr_expect_null(found.read[FL_LEVEL_L3]);
    cr_expect_float_eq(found.bytes_per_s[FL_LEVEL_DRAM], 10e9, 1);
    cr_expect(!fl_roofs_find(&found, c, N_CEILINGS, 2), "DRAM was not measured");
    cr_expect(!fl_roofs_find(&found, c, N_CEILINGS, 3));
    cr_expect(!fl_roofs_find(&found, NULL, 0, 1));
}

Test(roofline, data_come_from_the_closest_level_that_holds_them)
{
    const struct fl_roofs r = roofs();
    cr_expect_eq(fl_roofs_level(&r, 0), FL_LEVEL_L1);
    cr_expect_eq(fl_roofs_level(&r, 24 << 10), FL_LEVEL_L1, "three quarters of 32 KiB");
    cr_expect_eq(fl_roofs_level(&r, (24 << 10) + 1), FL_LEVEL_L2);
    cr_expect_eq(fl_roofs_level(&r, (768 << 10) + 1), FL_LEVEL_DRAM, "there is no L3");
}

Test(roofline, memory_bounds_below_the_ridge)
{
    const struct fl_roofs r = roofs();
    /* 2 GFLOP over 1 GB: 2 FLOP/byte of DRAM, below the ridge at 10 */
    const struct fl_work work = {
        .flops = 2e9, .bytes = {[FL_LEVEL_DRAM] = 1e9}, .model_flops = 1e9, .time_ns = 0.4e9};
    const struct fl_bound b = fl_roofline(&r, &work);
    char text[FL_BOUND_TEXT];
    cr_expect(b.memory_bound);
    cr_expect_float_eq(b.intensity, 2, 1e-12);
    cr_expect_float_eq(b.ridge, 10, 1e-9);
    cr_expect_float_eq(b.attainable_flops_per_s, 20e9, 1);
    cr_expect_float_eq(b.light_ns, 0.1e9, 1e-3, "1 GB at 10 GB/s");
    cr_expect_float_eq(b.of_light, 0.25, 1e-12);
    cr_expect_float_eq(b.flops_per_s, 5e9, 1e-3);
    cr_expect_float_eq(b.hfu, 0.05, 1e-12);
    cr_expect_float_eq(b.mfu, 0.025, 1e-12);
    cr_expect_float_eq(b.mbu, 0.25, 1e-12, "2.5 of 10 GB/s");
    cr_expect_str_eq(fl_bound_text(&b, text), "memory (DRAM)");
}

Test(roofline, arithmetic_bounds_above_it)
{
    const struct fl_roofs r = roofs();
    const struct fl_work work = {
        .flops = 50e9, .bytes = {[FL_LEVEL_DRAM] = 1e9}, .model_flops = 60e9, .time_ns = 1e9};
    const struct fl_bound b = fl_roofline(&r, &work);
    char text[FL_BOUND_TEXT];
    cr_expect(!b.memory_bound);
    cr_expect_float_eq(b.attainable_flops_per_s, 100e9, 1);
    cr_expect_float_eq(b.light_ns, 0.5e9, 1e-3);
    cr_expect_float_eq(b.of_light, 0.5, 1e-12);
    cr_expect_float_eq(b.hfu, 0.5, 1e-12);
    cr_expect_float_eq(b.mfu, 0.6, 1e-12);
    cr_expect_float_eq(b.mbu, 0.1, 1e-12);
    cr_expect_str_eq(fl_bound_text(&b, text), "compute");
}

Test(roofline, a_closer_level_moves_the_ridge)
{
    const struct fl_roofs r = roofs();
    struct fl_work work = {.flops = 2e9, .bytes = {[FL_LEVEL_L2] = 1e9}};
    struct fl_bound b = fl_roofline(&r, &work);
    cr_expect(!b.memory_bound, "2 FLOP/byte, ridge at 0.5");
    cr_expect_float_eq(b.light_ns, 0.02e9, 1e-3);
    cr_expect(b.of_light == 0 && b.mfu == 0 && b.mbu == 0, "not timed");
    work = (struct fl_work){.bytes = {[FL_LEVEL_L2] = 1e9}}; /* copies: no FLOPs at all */
    b = fl_roofline(&r, &work);
    cr_expect(b.memory_bound);
    cr_expect_float_eq(b.light_ns, 5e6, 1e-3);
    cr_expect(b.intensity == 0 && b.attainable_flops_per_s == 0);
    work = (struct fl_work){.flops = 1e9};
    b = fl_roofline(&r, &work);
    cr_expect_float_eq(b.light_ns, 1e7, 1e-3);
    cr_expect_float_eq(b.attainable_flops_per_s, 100e9, 1);
    work = (struct fl_work){0};
    b = fl_roofline(&r, &work);
    cr_expect(b.light_ns == 0 && isfinite(b.of_light));
}

/* ---- model FLOPs ---- */

/* GPT-2 small's shape is the textbook's: 24 b s h^2 + 4 b s t h a layer, 2 b h V for one position
 * of logits. */
Test(roofline, model_flops_of_a_classic_model_are_the_textbooks)
{
    struct fl_config config;
    struct fl_error error;
    double flops;
    cr_assert_eq(fl_config_open(&config, "gpt2", &error), FL_OK, "%s", error.text);
    const double s = 100, h = config.d_model, V = config.vocab_size, n = config.n_layers;
    const struct fl_shape prefill = {.batch = 1, .n_tokens = 100};
    cr_assert_eq(fl_model_flops(&flops, &config, &prefill, FL_LM_HEAD_LAST, false, &error), FL_OK);
    cr_expect_eq(flops, n * (24 * s * h * h + 4 * s * s * h) + 2 * h * V);
    cr_assert_eq(fl_model_flops(&flops, &config, &prefill, FL_LM_HEAD_ALL, false, &error), FL_OK);
    cr_expect_eq(flops, n * (24 * s * h * h + 4 * s * s * h) + 2 * s * h * V);

    const struct fl_shape cached = {.batch = 1, .n_tokens = 1, .n_past = 100};
    const struct fl_shape uncached = {.batch = 1, .n_tokens = 101};
    double again;
    cr_assert_eq(fl_model_flops(&flops, &config, &cached, FL_LM_HEAD_LAST, true, &error), FL_OK);
    cr_assert_eq(fl_model_flops(&again, &config, &uncached, FL_LM_HEAD_LAST, true, &error), FL_OK);
    cr_expect_eq(flops, n * (24 * h * h + 4 * 101 * h) + 2 * h * V);
    cr_expect_eq(again, flops, "running the prefix again is not the model's work");
}

Test(roofline, bytes_of_several_levels_take_their_turns)
{
    const struct fl_roofs r = roofs();
    /* 200 MB of L2 in 1 ms, 40 MB of DRAM in 4 ms */
    const struct fl_work work = {
        .flops = 100e6, .bytes = {[FL_LEVEL_L2] = 200e6, [FL_LEVEL_DRAM] = 40e6}, .time_ns = 10e6};
    const struct fl_bound b = fl_roofline(&r, &work);
    cr_expect(b.memory_bound);
    cr_expect_eq(b.level, FL_LEVEL_DRAM, "whose bytes take longest");
    cr_expect_float_eq(b.light_ns, 5e6, 1e-3);
    cr_expect_float_eq(b.attainable_flops_per_s, 100e6 / 5e-3, 1);
    cr_expect_float_eq(fl_work_bytes(&work), 240e6, 1e-3);
    cr_expect_float_eq(b.mbu, 2.4, 1e-9, "240 MB in 10 ms, 24 of 10 GB/s: caches served");
}

/* ---- stored points ---- */

/* A decode step of a model whose weights and cache, 700,001 bytes, fit into the L2. */
Test(roofline, stored_points_become_work)
{
    const struct fl_roofs r = roofs();
    struct fl_error error;
    struct fl_model_record model = {0};
    cr_assert_eq(fl_config_open(&model.config, "gpt2", &error), FL_OK);
    const uint64_t h = (uint64_t)model.config.d_model, n = (uint64_t)model.config.n_layers;
    /* qkv of one token: x and the bias besides the weights; softmax of 12 heads and 101 keys */
    const uint64_t weights = 4 * n * 3 * h * h, others = 4 * n * (h + 3 * h);
    const struct fl_op_record ops[] = {
        {.op = FL_OP_QKV,
         .counted_flops = 10,
         .counted_bytes_read = weights + others,
         .counted_bytes_written = 4 * n * 3 * h},
        {.op = FL_OP_CONTEXT, .counted_flops = 5, .counted_bytes_read = 70},
        {.op = FL_OP_RESIDUAL, .counted_flops = 1, .counted_bytes_read = n * 40000}};
    struct fl_result result = {
        .point = {.phase = FL_PHASE_DECODE,
                  .cache = true,
                  .logits = "last",
                  .exact_convention = "unit=flop causal=exact lm_head=last elementwise=on",
                  .dtype = "f32",
                  .attention = "causal",
                  .batch = 1,
                  .context = 100,
                  .n_tokens = 1,
                  .n_past = 100,
                  .counted_flops = 16,
                  .weights_bytes = 600000,
                  .kv_cache_bytes = 100000,
                  .activation_bytes = 1},
        .model = &model,
        .ops = ops,
        .n_ops = 3};
    struct fl_timing timing = {.total = {.median = 5000}};
    struct fl_step step;
    timing.op_ns[FL_OP_QKV] = 70;
    cr_assert_eq(fl_step_of_point(&step, &result, &timing, &r, &error), FL_OK, "%s", error.text);
    cr_expect_eq(step.whole.flops, 16);
    cr_expect_eq(step.whole.time_ns, 5000);
    cr_expect_gt(step.whole.model_flops, 0);
    cr_expect(step.present[FL_OP_QKV] && !step.present[FL_OP_FFN_UP]);
    cr_expect_eq(step.ops[FL_OP_QKV].time_ns, 70);
    cr_expect_eq(step.ops[FL_OP_QKV].bytes[FL_LEVEL_L2], (double)weights, "%.0f of %lu",
                 step.ops[FL_OP_QKV].bytes[FL_LEVEL_L2], weights);
    cr_expect_eq(step.ops[FL_OP_QKV].bytes[FL_LEVEL_L1], (double)(others + 4 * n * 3 * h));
    cr_expect_eq(step.ops[FL_OP_CONTEXT].bytes[FL_LEVEL_L2], 70, "the cache outlives the step");
    cr_expect_eq(step.ops[FL_OP_RESIDUAL].bytes[FL_LEVEL_L2], (double)n * 40000,
                 "40,000 bytes a layer are more than L1");
    cr_expect_eq(fl_work_bytes(&step.whole),
                 (double)(weights + others + 4 * n * 3 * h + 70 + n * 40000));

    /* more than the caches hold: weights come from DRAM, activations still from L1 */
    result.point.weights_bytes = 1 << 30;
    cr_assert_eq(fl_step_of_point(&step, &result, &timing, &r, &error), FL_OK);
    cr_expect_eq(step.ops[FL_OP_QKV].bytes[FL_LEVEL_DRAM], (double)weights);
    cr_expect_eq(step.ops[FL_OP_QKV].bytes[FL_LEVEL_L1], (double)(others + 4 * n * 3 * h));

    /* a prefill has just written its keys and values */
    result.point.phase = FL_PHASE_PREFILL;
    cr_assert_eq(fl_step_of_point(&step, &result, &timing, &r, &error), FL_OK);
    cr_expect_eq(step.ops[FL_OP_CONTEXT].bytes[FL_LEVEL_L1], 70);
}
