#include "bench/measure.h"
#include "model/presets.h"

#include <criterion/criterion.h>
#include <string.h>

static struct fl_error error;
static struct fl_model model;

static void setup(void)
{
    const struct fl_config *config = &fl_preset_find("llama-nano")->config;
    cr_assert_eq(fl_model_random(&model, config, 1, &error), FL_OK, "%s", error.text);
}

static void teardown(void)
{
    fl_model_close(&model);
}

TestSuite(measure, .init = setup, .fini = teardown);

/* Decode behind 32 tokens, cached (one token) or not (33 of them). */
static struct fl_sweep_item decode_item(bool cache)
{
    return (struct fl_sweep_item){.attention = FL_ATTENTION_CAUSAL,
                                  .logits = FL_LOGITS_LAST,
                                  .point = {.phase = FL_PHASE_DECODE,
                                            .cache = cache,
                                            .attention = "causal",
                                            .logits = "last",
                                            .batch = 2,
                                            .context = 32,
                                            .n_tokens = cache ? 1 : 33,
                                            .n_past = cache ? 32 : 0,
                                            .n_threads = 1,
                                            .dtype = "f32"}};
}

static void open_item(struct fl_measurement *measurement, bool cache)
{
    const struct fl_sweep_item item = decode_item(cache);
    cr_assert_eq(fl_measurement_open(measurement, &model, &item, 3, 1, &error), FL_OK, "%s",
                 error.text);
}

Test(measure, every_sample_executes_the_same_point)
{
    for (int cache = 0; cache < 2; cache++) {
        struct fl_measurement m;
        open_item(&m, cache == 1);
        cr_assert_eq(fl_measurement_warm_up(&m, &error), FL_OK, "%s", error.text);
        cr_expect_eq(m.n_samples, 0);
        for (int rep = 0; rep < 3; rep++) {
            cr_assert_eq(fl_measurement_sample(&m, rep, 0, &error), FL_OK, "%s", error.text);
            cr_expect_eq(m.item.point.counted_flops, m.item.point.exact_flops);
            const struct fl_sample *sample = &m.samples[rep];
            uint64_t sum_ns = 0;
            for (int i = 0; i < m.n_ops; i++)
                sum_ns += sample->op_time_ns[m.ops[i].op];
            cr_expect_gt(sum_ns, 0);
            cr_expect_leq(sum_ns, sample->time_ns);
            cr_expect(rep == 0 || sample->started_ns > sample[-1].started_ns);
        }
        cr_expect_eq(m.n_samples, 3);
        fl_measurement_close(&m);
    }
}

Test(measure, without_a_cache_a_step_costs_the_whole_prefix)
{
    struct fl_measurement cached, uncached;
    open_item(&cached, true);
    open_item(&uncached, false);
    cr_expect_gt(uncached.item.point.exact_flops, 30 * cached.item.point.exact_flops);
    cr_expect_eq(uncached.item.point.kv_cache_bytes, cached.item.point.kv_cache_bytes);
    fl_measurement_close(&cached);
    fl_measurement_close(&uncached);
}

/* What a wrong formula or a wrong count would look like. */
Test(measure, a_difference_of_one_ends_in_a_sentence)
{
    static const char *const WHAT[] = {"FLOPs", "bytes read", "bytes written"};
    for (int i = 0; i < 3; i++) {
        struct fl_measurement m;
        open_item(&m, true);
        struct fl_op_record *op = &m.ops[3];
        *(i == 0   ? &op->exact_flops
          : i == 1 ? &op->exact_bytes_read
                   : &op->exact_bytes_written) += 1;
        cr_expect_eq(fl_measurement_sample(&m, 0, 0, &error), FL_FAILED);
        cr_expect(strstr(error.text, "internal error"), "%s", error.text);
        cr_expect(strstr(error.text, WHAT[i]), "%s", error.text);
        cr_expect(strstr(error.text, fl_operator_name(op->op)), "%s", error.text);
        cr_expect_eq(m.n_samples, 0, "nothing to store");
        fl_measurement_close(&m);
    }
}

Test(measure, an_operator_the_formulas_do_not_know_is_noticed)
{
    struct fl_measurement m;
    open_item(&m, true);
    m.n_ops--; /* logits, the last */
    cr_expect_eq(fl_measurement_sample(&m, 0, 0, &error), FL_FAILED);
    cr_expect(strstr(error.text, "operator logits: internal error: the formula gives 0"), "%s",
              error.text);
    fl_measurement_close(&m);
}

Test(measure, what_the_engine_refuses_is_refused)
{
    struct fl_measurement m;
    struct fl_sweep_item item = decode_item(true);
    item.point.n_threads = 5000;
    cr_expect_eq(fl_measurement_open(&m, &model, &item, 3, 1, &error), FL_FAILED);
    cr_expect(strstr(error.text, "n_threads"), "%s", error.text);
}
