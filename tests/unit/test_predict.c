#include "analyzers/predict.h"
#include "model/presets.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

/* Llama 2 7B: h, f, V, L; 32 heads of 128, no biases. */
static const double H = 4096, F = 11008, V = 32000, L = 32;

static struct fl_hardware machine(double tflops, double gb_s, double gb)
{
    struct fl_hardware hardware = {.bytes_per_s = gb_s * 1e9, .capacity_bytes = gb * 1e9};
    for (int i = 0; i < FL_N_ARITHS; i++)
        hardware.flops_per_s[i] = tflops * 1e12;
    return hardware;
}

static struct fl_stored stored;

static struct fl_workload workload(const char *model, enum fl_dtype dtype, int64_t batch,
                                   int64_t n_prompt, int64_t n_output)
{
    struct fl_error error;
    const struct fl_config *config = &fl_preset_find(model)->config;
    cr_assert_eq(fl_stored_of_config(&stored, config, dtype, &error), FL_OK, "%s", error.text);
    return (struct fl_workload){.config = config,
                                .stored = &stored,
                                .weight_dtype = dtype,
                                .kv_dtype = FL_F16,
                                .arith = FL_ARITH_F16,
                                .batch = batch,
                                .n_prompt = n_prompt,
                                .n_output = n_output,
                                .efficiency = {1, 1}};
}

static struct fl_prediction predict(const struct fl_hardware *hardware,
                                    const struct fl_workload *what)
{
    struct fl_prediction prediction;
    struct fl_error error;
    cr_assert_eq(fl_predict(&prediction, hardware, what, &error), FL_OK, "%s", error.text);
    return prediction;
}

/* Arithmetic for nothing: a decode step takes as long as its weights and cache take from memory. A
 * cache large enough keeps the activations out of it. */
Test(predict, decode_by_hand)
{
    struct fl_hardware hardware = machine(1e9, 1000, 80);
    hardware.caches[hardware.n_caches++].capacity_bytes = 1e12;
    const struct fl_workload what = workload("llama-2-7b", FL_F16, 1, 100, 2);
    const struct fl_prediction p = predict(&hardware, &what);
    /* the matrices, one row of the embedding; 101 cached tokens read and one written, K and V */
    const double weights = 2 * (L * (4 * H * H + 3 * H * F) + H * V + H);
    const double cache = 2 * 2 * L * H * (101 + 1);
    cr_expect_float_eq(p.first_step.weight_bytes, weights, 1);
    cr_expect_float_eq(p.first_step.kv_bytes, cache, 1);
    cr_expect_eq(p.first_step.activation_bytes, 0);
    cr_expect_float_eq(p.per_token_s, (weights + cache) / 1000e9, 1e-9 * p.per_token_s);
    cr_expect_eq(p.decode_bound, FL_BOUND_MEMORY);
    cr_expect_float_eq(p.decode_tokens_per_s, 1 / p.per_token_s, 1e-6);
}

/* Memory for nothing: FLOPs over the rates, products and the rest apart. */
Test(predict, prefill_by_hand)
{
    struct fl_hardware hardware = machine(100, 1e12, 80);
    hardware.flops_per_s[FL_ARITH_F32] = 10e12;
    const struct fl_workload what = workload("llama-2-7b", FL_F16, 1, 128, 2);
    const struct fl_prediction p = predict(&hardware, &what);
    const double s = 128, pairs = s * (s + 1) / 2;
    const double products = 2 * L * s * (4 * H * H + 3 * H * F) + 4 * L * pairs * H + 2 * H * V;
    /* norms 4h + 4, rotation 3 a feature of q and k, SiLU 3 and the gate 1, residuals 2; fused
     * softmax: 4 a pair; from 64 keys on a rescaling of d_h + 5 for half of the queries; d_h + 1 */
    const double rest = L * (2 * s * (4 * H + 4) + 3 * s * 2 * H + 4 * s * F + 2 * s * H +
                             32 * (4 * pairs + 64 * (128 + 5) + s * (128 + 1))) +
                        4 * H + 4;
    cr_expect_float_eq(p.prefill.flops, products + rest, 1, "%.0f", p.prefill.flops);
    cr_expect_float_eq(p.first_token_s, products / 100e12 + rest / 10e12, 1e-4 * p.first_token_s);
    cr_expect_eq(p.prefill.bound, FL_BOUND_COMPUTE);
}

/* Weights are read once for the whole batch: while memory binds, a batch of 8 costs hardly more
 * than one; where compute binds it costs eight times as much. */
Test(predict, batches)
{
    const struct fl_hardware slow_memory = machine(1000, 100, 1000);
    struct fl_workload one = workload("llama-2-7b", FL_F16, 1, 16, 2), eight = one;
    eight.batch = 8;
    double ratio =
        predict(&slow_memory, &eight).per_token_s / predict(&slow_memory, &one).per_token_s;
    cr_expect(ratio > 1 && ratio < 1.02, "%g", ratio);
    const struct fl_hardware slow_compute = machine(0.001, 1e6, 1000);
    ratio = predict(&slow_compute, &eight).per_token_s / predict(&slow_compute, &one).per_token_s;
    cr_expect_float_eq(ratio, 8, 1e-3);
}

Test(predict, bound_changes_at_the_ridge)
{
    const struct fl_workload what = workload("llama-2-7b", FL_F16, 1, 512, 2);
    /* a matrix product with 512 rows has 512 FLOPs per byte of its f16 weights */
    struct fl_hardware below = machine(400, 1000, 80), above = machine(700, 1000, 80);
    below.caches[below.n_caches++].capacity_bytes = 1e12; /* no activations from memory */
    above.caches[above.n_caches++].capacity_bytes = 1e12;
    cr_expect_eq(predict(&below, &what).prefill.bound, FL_BOUND_COMPUTE);
    cr_expect_eq(predict(&above, &what).prefill.bound, FL_BOUND_MEMORY);
}

Test(predict, efficiency_divides)
{
    const struct fl_hardware hardware = machine(1000, 1000, 80);
    struct fl_workload what = workload("llama-2-7b", FL_F16, 1, 2048, 64);
    const struct fl_prediction ideal = predict(&hardware, &what);
    what.efficiency = (struct fl_efficiency){0.5, 0.25};
    const struct fl_prediction half = predict(&hardware, &what);
    cr_expect_float_eq(half.per_token_s / ideal.per_token_s, 4, 0.01, "memory binds");
    cr_expect(half.first_token_s > 1.99 * ideal.first_token_s, "compute binds");
    struct fl_prediction none;
    struct fl_error error;
    static const double WRONG[] = {0, -1, 1.5, NAN, INFINITY};
    for (int i = 0; i < 5; i++) {
        what.efficiency.compute = WRONG[i];
        cr_expect_eq(fl_predict(&none, &hardware, &what, &error), FL_FAILED, "%g", WRONG[i]);
        cr_expect(strstr(error.text, "compute efficiency"), "%s", error.text);
    }
}

Test(predict, capacity_by_hand)
{
    struct fl_workload what = workload("llama-2-7b", FL_F16, 1, 1000, 25);
    const struct fl_hardware unlimited = machine(100, 1000, 1e6);
    const struct fl_predicted_memory memory = predict(&unlimited, &what).memory;
    const double per_sequence = 2 * 2 * L * H * 1024; /* the last token is never fed back */
    cr_expect_float_eq(memory.weights_bytes,
                       2 * (L * (4 * H * H + 3 * H * F) + 2 * H * V) + 4 * (2 * L + 1) * H, 1,
                       "norms are kept in f32");
    cr_expect_float_eq(memory.kv_bytes_per_sequence, per_sequence, 1);
    struct fl_hardware hardware = unlimited;
    hardware.capacity_bytes = memory.weights_bytes + memory.activation_bytes + 3.5 * per_sequence;
    cr_expect_eq(predict(&hardware, &what).memory.max_sequences, 3);
    cr_expect_float_eq(predict(&hardware, &what).memory.max_tokens, 3.5 * 1024, 1);
    for (what.batch = 1; what.batch <= 5; what.batch++) {
        const struct fl_prediction p = predict(&hardware, &what);
        cr_expect_eq(p.memory.fits, what.batch <= 3, "%d", (int)what.batch);
        cr_expect_eq(p.decode_bound == FL_BOUND_CAPACITY, what.batch > 3, "%d", (int)what.batch);
    }
    hardware.capacity_bytes = memory.weights_bytes / 2;
    what.batch = 1;
    cr_expect_eq(predict(&hardware, &what).memory.max_sequences, 0);
}

/* The mean over many steps lies between the first and the last, and is that of all of them. */
Test(predict, mean_of_all_steps)
{
    const struct fl_hardware hardware = machine(10, 100, 1000);
    struct fl_workload what = workload("gpt2", FL_F16, 4, 10, 901);
    const struct fl_prediction p = predict(&hardware, &what);
    const struct fl_convention convention = {
        .causal = FL_CAUSAL_EXACT, .lm_head = FL_LM_HEAD_LAST, .elementwise = true, .fused = true};
    double sum = 0;
    for (int i = 1; i <= 900; i += 1) {
        struct fl_predicted_step step;
        struct fl_error error;
        const struct fl_shape shape = {
            .batch = 4, .n_tokens = 1, .n_past = 10 + i - 1, .stored = &stored};
        cr_assert_eq(fl_predict_step(&step, &hardware, &what, &shape, &convention, &error), FL_OK);
        sum += step.time_s;
    }
    cr_expect_float_eq(p.per_token_s, sum / 900, 1e-3 * p.per_token_s);
    cr_expect_float_eq(p.request_tokens_per_s, 4 * 901 / (p.first_token_s + 900 * p.per_token_s),
                       1e-6 * p.request_tokens_per_s);
}

/* Quantised weights are read as they are stored and calculated in 16 bits. */
Test(predict, quantised_weights)
{
    const struct fl_hardware hardware = machine(1e9, 1000, 80);
    const struct fl_workload q4 = workload("llama-2-7b", FL_Q4_0, 1, 16, 2);
    const double bytes = predict(&hardware, &q4).first_step.weight_bytes;
    cr_expect_float_eq(bytes, (L * (4 * H * H + 3 * H * F) + H * V + H) * 18 / 32, 1);
    cr_expect_eq(fl_stored_main_dtype(&stored), FL_Q4_0);
    struct fl_hardware amx = machine(10, 100, 80);
    amx.flops_per_s[FL_ARITH_BF16] = 100e12;
    cr_expect_eq(fl_arith_for(&amx, FL_Q4_0), FL_ARITH_BF16, "the faster of the two");
    cr_expect_eq(fl_arith_for(&amx, FL_F16), FL_ARITH_F16, "its own");
    amx.flops_per_s[FL_ARITH_F16] = 0;
    cr_expect_eq(fl_arith_for(&amx, FL_F16), FL_ARITH_BF16);
    amx.flops_per_s[FL_ARITH_BF16] = 0;
    cr_expect_eq(fl_arith_for(&amx, FL_BF16), FL_ARITH_F32);
}

Test(predict, nothing_published_is_at_least)
{
    const struct fl_hardware hardware = machine(0, 100, 80);
    const struct fl_workload what = workload("llama-2-7b", FL_F16, 1, 16, 4);
    const struct fl_prediction p = predict(&hardware, &what);
    cr_expect(p.prefill.at_least);
    cr_expect_eq(p.prefill.compute_s, 0);
    cr_expect_gt(p.first_token_s, 0);
}

/* A measured machine: a model that fits into a cache of known bandwidth streams from there;
 * products with one row and with several have rates of their own. */
Test(predict, measured_caches_and_kernels)
{
    struct fl_hardware hardware = machine(1e6, 10, 8);
    hardware.is_measured = true;
    hardware.caches[hardware.n_caches++] = (struct fl_hardware_cache){1e9, 100e9};
    struct fl_workload what = workload("llama-nano", FL_F32, 1, 16, 2);
    what.kv_dtype = FL_F32;
    const double cached = predict(&hardware, &what).per_token_s;
    /* a quarter is left to others; activations are another set, and small */
    const double weights = predict(&hardware, &what).memory.weights_bytes;
    hardware.caches[0].capacity_bytes = 1.4 * weights;
    cr_expect_float_eq(predict(&hardware, &what).per_token_s / cached, 1, 1e-6);
    hardware.caches[0].capacity_bytes = 1.3 * weights;
    cr_expect_gt(predict(&hardware, &what).per_token_s / cached, 9);
    hardware.caches[0].capacity_bytes = 1;
    cr_expect_float_eq(predict(&hardware, &what).per_token_s / cached, 10, 1e-6);

    hardware.bytes_per_s = 1e15;
    hardware.one_row_flops_per_s[FL_F32] = 1e9;
    hardware.rows_flops_per_s[FL_F32] = 4e9;
    const double one = predict(&hardware, &what).per_token_s;
    what.batch = 4;
    cr_expect_float_eq(predict(&hardware, &what).per_token_s / one, 1, 0.01,
                       "four rows at four times the rate");
}

Test(predict, encoder_decoders)
{
    const struct fl_hardware hardware = machine(100, 1000, 80);
    struct fl_workload what = workload("t5-small", FL_F16, 1, 200, 20);
    const struct fl_prediction p = predict(&hardware, &what);
    what.n_prompt = 400;
    const struct fl_prediction longer = predict(&hardware, &what);
    cr_expect_gt(longer.first_token_s, p.first_token_s, "the encoder reads the prompt");
    cr_expect_gt(longer.memory.kv_bytes_per_sequence, p.memory.kv_bytes_per_sequence);
}
