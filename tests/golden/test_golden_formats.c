/* Models stored in other formats than f32: against float64 results of the unrounded weights,
 * against llama.cpp on the same files, and against themselves written out in f32. */
#include "fixture.h"
#include "model/gguf_convert.h"
#include "tests/unit/engine_harness.h"
#include "tests/unit/model_files.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>

/* As in test_golden_models.c: what two correct orders of summation in f32 may differ by. */
static const double LOGITS_ABS = 2.3e-4;

#define STORIES  "models/stories260K/"
#define BABY     "models/babyllama105/"
#define SLM      "models/slm4096/"
#define EXPECTED "expected/"

struct stored {
    char model[64];
    char ids[64];
    char gold[64];     /* float64 logits of the unrounded model */
    char llamacpp[80]; /* llama.cpp's on this file, f32; or empty */
    double gold_abs;   /* how far rounding the weights takes the logits from gold */
};

/* gold_abs is what the reference data's README says of correct programs, where it does. Q4_0 is
 * one: 3.8 (llama.cpp: 3.82, with activations in 8 bits); the exact product with the same weights,
 * which typed_weights_are_expanded_exactly() holds this engine to, is 3.88 away. For the others it
 * is llama.cpp's own distance (stories260K 0.0194 and 0.151), and for files that nobody else's
 * logits are known of, that of the same format and size of model. */
static struct stored CASES[] = {
    {BABY "babyllama105-F16.gguf", BABY EXPECTED "once.l2c.ids.txt",
     BABY EXPECTED "once.ref.logits.f64", BABY EXPECTED "babyllama105-once-F16.llamacpp.f32", 0.02},
    {BABY "babyllama105-BF16.gguf", BABY EXPECTED "once.l2c.ids.txt",
     BABY EXPECTED "once.ref.logits.f64", BABY EXPECTED "babyllama105-once-BF16.llamacpp.f32",
     0.10},
    {BABY "babyllama105-Q8_0.gguf", BABY EXPECTED "once.l2c.ids.txt",
     BABY EXPECTED "once.ref.logits.f64", BABY EXPECTED "babyllama105-once-Q8_0.llamacpp.f32",
     0.52},
    {BABY "babyllama105-Q4_0.gguf", BABY EXPECTED "once.l2c.ids.txt",
     BABY EXPECTED "once.ref.logits.f64", BABY EXPECTED "babyllama105-once-Q4_0.llamacpp.f32", 3.9},
    {STORIES "stories260K-F16.gguf", STORIES EXPECTED "once.l2c.ids.txt",
     STORIES EXPECTED "once.ref.logits.f64", STORIES EXPECTED "stories260K-once-F16.llamacpp.f32",
     0.0194},
    {STORIES "stories260K-BF16.gguf", STORIES EXPECTED "once.l2c.ids.txt",
     STORIES EXPECTED "once.ref.logits.f64", STORIES EXPECTED "stories260K-once-BF16.llamacpp.f32",
     0.151},
    {BABY "babyllama105-F16.gguf", BABY EXPECTED "park.l2c.ids.txt",
     BABY EXPECTED "park.ref.logits.f64", "", 0.02},
    {BABY "babyllama105-BF16.gguf", BABY EXPECTED "park.l2c.ids.txt",
     BABY EXPECTED "park.ref.logits.f64", "", 0.10},
    {BABY "babyllama105-Q8_0.gguf", BABY EXPECTED "park.l2c.ids.txt",
     BABY EXPECTED "park.ref.logits.f64", "", 0.52},
    {BABY "babyllama105-Q4_0.gguf", BABY EXPECTED "park.l2c.ids.txt",
     BABY EXPECTED "park.ref.logits.f64", "", 3.8},
    {SLM "slm4096-F16.gguf", SLM EXPECTED "corpus.ids.txt",
     SLM EXPECTED "corpus.ref_gelutanh.logits.f64", "", 0.02},
    {SLM "slm4096-Q8_0.gguf", SLM EXPECTED "corpus.ids.txt",
     SLM EXPECTED "corpus.ref_gelutanh.logits.f64", "", 0.52},
};
enum { N_CASES = sizeof CASES / sizeof *CASES };

ParameterizedTestParameters(golden_formats, no_farther_from_gold_than_rounding)
{
    return cr_make_param_array(struct stored, CASES, N_CASES);
}

ParameterizedTest(struct stored *row, golden_formats, no_farther_from_gold_than_rounding)
{
    char path[FIXTURE_PATH];
    struct fl_model model;
    size_t n;
    fixture_path(path, row->model);
    harness_model(&model, path);
    struct fixture_ids ids = fixture_ids_file(row->ids);
    double *gold = fixture_doubles(row->gold, &n);
    const int n_rows = (int)(n / (size_t)model.config.vocab_size);
    cr_assert(n_rows > 0 && n_rows <= ids.n);
    float *logits = harness_model_logits(&model, FL_ATTENTION_CAUSAL, ids.ids, n_rows, n_rows);
    const double distance = harness_distance_f64(logits, gold, n);
    cr_expect(distance <= row->gold_abs, "%s: %g from gold, at most %g allowed", row->model,
              distance, row->gold_abs);
    cr_expect(distance > LOGITS_ABS, "%s: this is not the rounded model", row->model);
    if (row->llamacpp[0]) {
        size_t n_other;
        float *other = fixture_floats(row->llamacpp, &n_other);
        cr_assert_eq(n_other, n, "%s", row->llamacpp);
        const double between = harness_distance(logits, other, n);
        cr_expect(between <= row->gold_abs, "%s: %g from llama.cpp, at most %g allowed", row->model,
                  between, row->gold_abs);
        free(other);
    }
    free(logits);
    free(gold);
    free(ids.ids);
    fl_model_close(&model);
}

/* ---- the same weights in f32 ---- */

struct name {
    char model[64];
};

static struct name TYPED[] = {
    {BABY "babyllama105-F16.gguf"},   {BABY "babyllama105-BF16.gguf"},
    {BABY "babyllama105-Q8_0.gguf"},  {BABY "babyllama105-Q4_0.gguf"},
    {STORIES "stories260K-F16.gguf"}, {STORIES "stories260K-BF16.gguf"},
    {SLM "slm4096-F16.gguf"},         {SLM "slm4096-Q8_0.gguf"},
    {"tiny/llama-tiny-bf16"},         {"tiny/llama-tiny-f16-sharded"},
};
enum { N_TYPED = sizeof TYPED / sizeof *TYPED };

/* The model's GGUF file in f32, opened. */
static void open_expanded(struct fl_model *expanded, struct fl_model *model, const char *path)
{
    struct fl_gguf_plan plan;
    struct fl_gguf_writer *writer;
    struct fl_error error = {""};
    cr_assert_eq(fl_gguf_plan(&plan, model, FL_F32, &error), FL_OK, "%s", error.text);
    cr_assert_eq(fl_gguf_create(&writer, path, &error), FL_OK, "%s", error.text);
    fl_gguf_put_config(writer, &plan);
    fl_gguf_declare_all(writer, &plan);
    cr_assert_eq(fl_gguf_begin_data(writer, &error), FL_OK, "%s", error.text);
    for (int i = 0; i < plan.n_tensors; i++)
        cr_assert_eq(fl_gguf_write_tensor(writer, &plan, i, &error), FL_OK, "%s", error.text);
    cr_assert_eq(fl_gguf_finish(writer, &error), FL_OK, "%s", error.text);
    cr_assert_eq(fl_gguf_commit(writer, &error), FL_OK, "%s", error.text);
    fl_gguf_discard(writer);
    fl_gguf_plan_close(&plan);
    harness_model(expanded, path);
}

ParameterizedTestParameters(golden_formats, typed_weights_are_expanded_exactly)
{
    return cr_make_param_array(struct name, TYPED, N_TYPED);
}

/* Prefill and token by token, since matrix-matrix and matrix-vector products have kernels of their
 * own. */
ParameterizedTest(struct name *row, golden_formats, typed_weights_are_expanded_exactly)
{
    enum { N_IDS = 48 };
    char path[FIXTURE_PATH], directory[64];
    struct fl_model model, expanded;
    struct harness_random random = {7};
    int ids[N_IDS];
    fixture_path(path, row->model);
    harness_model(&model, path);
    scratch_open(directory);
    open_expanded(&expanded, &model, scratch_path(directory, "f32.gguf"));
    cr_expect_neq(model.layers[0].q.dtype, FL_F32, "%s", row->model);
    cr_expect_eq(expanded.layers[0].q.dtype, FL_F32);
    cr_expect_lt(model.weight_bytes, expanded.weight_bytes);
    for (int i = 0; i < N_IDS; i++)
        ids[i] = harness_pick(&random, 0, model.config.vocab_size - 1);
    const size_t n = N_IDS * (size_t)model.config.vocab_size;
    float *expected = harness_model_logits(&expanded, FL_ATTENTION_CAUSAL, ids, N_IDS, N_IDS);
    for (int chunk = 1; chunk <= N_IDS; chunk += N_IDS - 1) {
        float *logits = harness_model_logits(&model, FL_ATTENTION_CAUSAL, ids, N_IDS, chunk);
        const double distance = harness_distance(logits, expected, n);
        cr_expect(distance <= LOGITS_ABS, "%s in pieces of %d: off by %g, at most %g allowed",
                  row->model, chunk, distance, LOGITS_ABS);
        free(logits);
    }
    free(expected);
    fl_model_close(&expanded);
    fl_model_close(&model);
    scratch_close(directory);
}

/* ---- 16-bit checkpoints ---- */

/* By its directory, or by its index, which counts even beside a whole model. */
Test(golden_formats, shards_by_directory_or_index)
{
    char path[FIXTURE_PATH], index[FIXTURE_PATH + 64];
    struct fl_model by_directory, by_index;
    fixture_path(path, "tiny/llama-tiny-f16-sharded");
    snprintf(index, sizeof index, "%s/model.safetensors.index.json", path);
    harness_model(&by_directory, path);
    harness_model(&by_index, index);
    cr_expect_eq(by_index.weight_bytes, by_directory.weight_bytes);
    cr_expect_eq(by_index.layers[0].q.dtype, FL_F16);
    cr_expect_str_eq(by_index.config.name, "llama-tiny-f16-sharded");
    fl_model_close(&by_index);
    fl_model_close(&by_directory);
}
