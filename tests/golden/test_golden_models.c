/* Small trained models against a float64 reference, in every format they come in, and their greedy
 * continuations, on which three other programs agree token by token. */
#include "fixture.h"
#include "tests/unit/engine_harness.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdlib.h>

/* Correct float32 programs were seen up to 2.3e-4 from the reference; logits reach about 20, so
 * that is some 100 roundings of 2^-23 relative to the largest. This engine is within 3e-5. */
static const double LOGITS_ABS = 2.3e-4;

struct trained {
    char model[64];
    char ids[64];       /* prompt and greedy continuation */
    char reference[64]; /* float64 logits of the positions of ids; empty: ids alone */
};

#define STORIES  "models/stories260K/"
#define BABY     "models/babyllama105/"
#define SLM      "models/slm4096/"
#define EXPECTED "expected/"

static struct trained CASES[] = {
    {STORIES "stories260K.bin", STORIES EXPECTED "once.l2c.ids.txt",
     STORIES EXPECTED "once.ref.logits.f64"},
    {STORIES "stories260K.bin", STORIES EXPECTED "long512.l2c.ids.txt",
     STORIES EXPECTED "long512.ref.logits.f64"},
    {STORIES "stories260K.bin", STORIES EXPECTED "park.l2c.ids.txt", ""},
    {STORIES "stories260K.bin", STORIES EXPECTED "empty.l2c.ids.txt", ""},
    {STORIES "stories260K_v1.bin", STORIES EXPECTED "once.l2c.ids.txt",
     STORIES EXPECTED "once.ref.logits.f64"},
    {STORIES "stories260K-F32.gguf", STORIES EXPECTED "once.l2c.ids.txt",
     STORIES EXPECTED "once.ref.logits.f64"},
    {STORIES "stories260K-F32.gguf", STORIES EXPECTED "park.l2c.ids.txt", ""},
    {BABY "model5000.bin", BABY EXPECTED "once.l2c.ids.txt", BABY EXPECTED "once.ref.logits.f64"},
    {BABY "model5000.bin", BABY EXPECTED "park.l2c.ids.txt", BABY EXPECTED "park.ref.logits.f64"},
    {BABY "babyllama105-F32.gguf", BABY EXPECTED "once.l2c.ids.txt",
     BABY EXPECTED "once.ref.logits.f64"},
    {BABY "babyllama105-F32.gguf", BABY EXPECTED "park.l2c.ids.txt",
     BABY EXPECTED "park.ref.logits.f64"},
    {SLM "model.safetensors", SLM EXPECTED "corpus.ids.txt", SLM EXPECTED "corpus.ref.logits.f64"},
    {SLM "model.safetensors", SLM EXPECTED "what.ids.txt", SLM EXPECTED "what.ref.logits.f64"},
    /* GGUF does not say which GELU; its GPT-2 means the tanh form. */
    {SLM "slm4096-F32.gguf", SLM EXPECTED "corpus.ids.txt",
     SLM EXPECTED "corpus.ref_gelutanh.logits.f64"},
    {SLM "slm4096-F32.gguf", SLM EXPECTED "what.ids.txt",
     SLM EXPECTED "what.ref_gelutanh.logits.f64"},
};
enum { N_CASES = sizeof CASES / sizeof *CASES };

static void check_logits(const struct trained *row, const struct fl_model *model,
                         const struct fixture_ids *ids, enum fl_attention attention, int chunk)
{
    size_t n;
    double *expected = fixture_doubles(row->reference, &n);
    const int n_rows = (int)(n / (size_t)model->config.vocab_size);
    cr_assert(n_rows > 0 && n_rows <= ids->n, "%s: %d rows", row->reference, n_rows);
    float *logits = harness_model_logits(model, attention, ids->ids, n_rows, chunk);
    const double distance = harness_distance_f64(logits, expected, n);
    cr_expect(distance <= LOGITS_ABS, "%s, %s in pieces of %d, %s: off by %g, at most %g allowed",
              row->model, row->reference, chunk, fl_attention_name(attention), distance,
              LOGITS_ABS);
    free(logits);
    free(expected);
}

ParameterizedTestParameters(golden_models, logits_of_every_position)
{
    return cr_make_param_array(struct trained, CASES, N_CASES);
}

ParameterizedTest(struct trained *row, golden_models, logits_of_every_position)
{
    char path[FIXTURE_PATH];
    struct fl_model model;
    fixture_path(path, row->model);
    if (!row->reference[0])
        return; /* only the continuation is known */
    harness_model(&model, path);
    struct fixture_ids ids = fixture_ids_file(row->ids);
    check_logits(row, &model, &ids, FL_ATTENTION_NAIVE, model.config.n_ctx_max);
    check_logits(row, &model, &ids, FL_ATTENTION_CAUSAL, 64);
    check_logits(row, &model, &ids, FL_ATTENTION_CAUSAL, 1);
    free(ids.ids);
    fl_model_close(&model);
}

ParameterizedTestParameters(golden_models, greedy_continuation)
{
    return cr_make_param_array(struct trained, CASES, N_CASES);
}

ParameterizedTest(struct trained *row, golden_models, greedy_continuation)
{
    char path[FIXTURE_PATH];
    struct fl_model model;
    fixture_path(path, row->model);
    harness_model(&model, path);
    struct fixture_ids ids = fixture_ids_file(row->ids);
    const int n_new = ids.n - ids.n_prompt;
    int *got = calloc((size_t)n_new, sizeof *got);
    cr_assert(n_new > 0 && got);
    for (int cached = 0; cached <= 1; cached++) {
        struct fl_session *session =
            harness_session(&model, &(struct fl_session_options){.n_seqs = 1,
                                                                 .attention = FL_ATTENTION_CAUSAL,
                                                                 .logits = FL_LOGITS_LAST,
                                                                 .n_threads = 1});
        harness_greedy(session, &model, ids.ids, ids.n_prompt, n_new, -1, cached, got, NULL);
        for (int i = 0; i < n_new; i++)
            cr_assert(got[i] == ids.ids[ids.n_prompt + i], "%s, %s: id %d of %d is %d, not %d",
                      row->model, row->ids, i, n_new, got[i], ids.ids[ids.n_prompt + i]);
        fl_session_close(session);
    }
    free(got);
    free(ids.ids);
    fl_model_close(&model);
}

/* ---- figures of other programs in f32 ---- */

static struct trained OTHERS[] = {
    {STORIES "stories260K-F32.gguf", STORIES EXPECTED "once.l2c.ids.txt",
     STORIES EXPECTED "stories260K-once-F32.llamacpp.f32"},
    {SLM "model.safetensors", SLM EXPECTED "corpus.ids.txt",
     SLM EXPECTED "corpus.torch.logits.f32"},
    {SLM "model.safetensors", SLM EXPECTED "what.ids.txt", SLM EXPECTED "what.torch.logits.f32"},
};

ParameterizedTestParameters(golden_models, logits_of_other_programs)
{
    return cr_make_param_array(struct trained, OTHERS, sizeof OTHERS / sizeof *OTHERS);
}

/* Two correct programs are each within LOGITS_ABS of the reference. */
ParameterizedTest(struct trained *row, golden_models, logits_of_other_programs)
{
    char path[FIXTURE_PATH];
    struct fl_model model;
    size_t n;
    fixture_path(path, row->model);
    harness_model(&model, path);
    struct fixture_ids ids = fixture_ids_file(row->ids);
    float *expected = fixture_floats(row->reference, &n);
    const size_t n_rows = n / (size_t)model.config.vocab_size;
    cr_assert(n_rows > 0 && n_rows <= (size_t)ids.n, "%s: %zu rows", row->reference, n_rows);
    float *logits =
        harness_model_logits(&model, FL_ATTENTION_CAUSAL, ids.ids, (int)n_rows, (int)n_rows);
    const double distance = harness_distance(logits, expected, n);
    cr_expect(distance <= 2 * LOGITS_ABS, "%s: off by %g, at most %g allowed", row->reference,
              distance, 2 * LOGITS_ABS);
    free(logits);
    free(expected);
    free(ids.ids);
    fl_model_close(&model);
}

/* The reference's own figures: negative log-likelihood per token of the case's ids. */
static struct likelihood {
    char model[64], ids[64];
    double per_token;
} LIKELIHOODS[] = {
    {STORIES "stories260K.bin", STORIES EXPECTED "once.l2c.ids.txt", 0.45578763},
    {STORIES "stories260K.bin", STORIES EXPECTED "park.l2c.ids.txt", 0.65951981},
    {STORIES "stories260K.bin", STORIES EXPECTED "long512.l2c.ids.txt", 0.47195673},
    {BABY "model5000.bin", BABY EXPECTED "once.l2c.ids.txt", 0.17232027},
    {BABY "model5000.bin", BABY EXPECTED "park.l2c.ids.txt", 0.28192264},
};

ParameterizedTestParameters(golden_models, likelihood_of_the_text)
{
    return cr_make_param_array(struct likelihood, LIKELIHOODS,
                               sizeof LIKELIHOODS / sizeof *LIKELIHOODS);
}

/* An id's log-probability moves by no more than twice its row's logits do, which are seen within
 * 3e-5; over a text such errors mostly cancel. The figures have eight digits. */
ParameterizedTest(struct likelihood *row, golden_models, likelihood_of_the_text)
{
    char path[FIXTURE_PATH];
    struct fl_model model;
    fixture_path(path, row->model);
    harness_model(&model, path);
    struct fixture_ids ids = fixture_ids_file(row->ids);
    const int vocab_size = model.config.vocab_size, n = ids.n - 1;
    float *logits = harness_model_logits(&model, FL_ATTENTION_CAUSAL, ids.ids, n, n);
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum -= harness_log_probability(logits + (size_t)i * (size_t)vocab_size, vocab_size,
                                       ids.ids[i + 1]);
    cr_expect_float_eq(sum / n, row->per_token, 2e-6, "%s, %s: %.8f", row->model, row->ids,
                       sum / n);
    free(logits);
    free(ids.ids);
    fl_model_close(&model);
}
