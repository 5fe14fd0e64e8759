/* The engine against the naive forward pass in double precision, over random models of every
 * decoder-only architecture; and that pass against results of other programs. */
#include "engine_harness.h"
#include "reference_forward.h"
#include "tests/golden/fixture.h"

#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>

enum { N_SEEDS = 192, N_CTX = 24 };

/* Sums of up to `widest` products, each off by half an ULP a term, one behind the other in each of
 * about 8 operators a layer; the factor 2 is for the norms, which spread what they are given. */
static double tolerance(const struct fl_config *config, const double *logits, size_t n)
{
    int widest = config->d_model > config->d_ff ? config->d_model : config->d_ff;
    double largest = 0;
    for (size_t i = 0; i < n; i++)
        largest = fmax(largest, fabs(logits[i]));
    return 2.0 * widest * (FLT_EPSILON / 2) * (8 * config->n_layers + 1) * fmax(largest, 1);
}

static void compare(struct fl_session *session, const struct fl_model *model, const int *ids, int n,
                    int chunk, const double *expected)
{
    const size_t n_logits = (size_t)n * (size_t)model->config.vocab_size;
    const double allowed = tolerance(&model->config, expected, n_logits);
    float *got = harness_logits(session, model, ids, n, chunk);
    const double distance = harness_distance_f64(got, expected, n_logits);
    cr_expect_leq(distance, allowed, "%s: pieces of %d: off by %g, at most %g allowed",
                  model->config.name, chunk, distance, allowed);
    free(got);
}

static void check_model(const struct fl_model *model, uint64_t seed)
{
    /* an expert chosen by less than this could be another one in float */
    const double MARGIN = 1e-4;
    struct harness_random random = {seed};
    int ids[N_CTX];
    const int n = harness_pick(&random, 2, N_CTX);
    for (int i = 0; i < n; i++)
        ids[i] = harness_pick(&random, 0, model->config.vocab_size - 1);
    double margin;
    double *expected = reference_logits(model, ids, n, &margin);
    for (int kernel = FL_ATTENTION_NAIVE; kernel <= FL_ATTENTION_CAUSAL && margin > MARGIN;
         kernel++) {
        struct fl_session *session = harness_session(
            model, &(struct fl_session_options){.n_seqs = 1,
                                                .n_ctx = N_CTX,
                                                .attention = (enum fl_attention)kernel,
                                                .logits = FL_LOGITS_ALL,
                                                .n_threads = 1});
        compare(session, model, ids, n, N_CTX, expected);
        compare(session, model, ids, n, 1, expected);
        fl_session_close(session);
    }
    free(expected);
}

Test(reference_forward, engine_gives_the_same)
{
    for (uint64_t seed = 0; seed < N_SEEDS; seed++) {
        struct fl_config config = harness_config(seed);
        struct fl_model model;
        struct fl_error error;
        cr_assert(fl_model_random(&model, &config, seed, &error) == FL_OK, "%s", error.text);
        check_model(&model, seed);
        fl_model_close(&model);
    }
}

Test(reference_forward, engine_gives_the_same_through_a_window)
{
    for (uint64_t seed = 2; seed < N_SEEDS; seed++) {
        struct fl_config config = harness_config(seed);
        struct fl_model model;
        struct fl_error error;
        config.sliding_window = 1 + (int)(seed % 7);
        cr_assert(fl_model_random(&model, &config, seed, &error) == FL_OK, "%s", error.text);
        check_model(&model, seed);
        fl_model_close(&model);
    }
}

/* The reference is right: it gives what other programs give, in double precision. The fixtures are
 * rounded to float at the end. */
static void check_fixture(const char *name)
{
    struct fixture fixture;
    struct fl_model model;
    fixture_open(&fixture, name);
    harness_model(&model, fixture.directory);
    const cJSON *entry;
    cJSON_ArrayForEach(entry, fixture_member(fixture.expected, "full"))
    {
        struct fixture_ids ids = fixture_ids(fixture_member(entry, "input_ids"));
        struct fixture_array expected = fixture_array(&fixture, fixture_member(entry, "logits"));
        double *got = reference_logits(&model, ids.ids, ids.n, NULL);
        const int n = expected.n_rows * expected.n_columns;
        double distance = 0, largest = 0;
        cr_assert_eq(expected.n_rows, ids.n);
        for (int i = 0; i < n; i++) {
            distance = fmax(distance, fabs(got[i] - (double)expected.data[i]));
            largest = fmax(largest, fabs(got[i]));
        }
        cr_expect_leq(distance, largest * (double)FLT_EPSILON, "%s: off by %g of %g", name,
                      distance, largest);
        free(got);
        free(expected.data);
        free(ids.ids);
    }
    fl_model_close(&model);
    fixture_close(&fixture);
}

Test(reference_forward, is_what_other_programs_give)
{
    static const char *const NAMES[] = {"tiny/gpt2-tiny",
                                        "tiny/llama-tiny-gqa",
                                        "tiny/llama-tiny-llama3rope",
                                        "tiny/qwen2-tiny",
                                        "tiny/llama-tiny-bf16",
                                        "tiny/llama-tiny-f16-sharded",
                                        "tiny/mixtral-tiny",
                                        "tiny/vanilla-postln",
                                        "tiny/vanilla-preln",
                                        "tiny/vanilla-preln-learned-gelu"};
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
        check_fixture(NAMES[i]);
}
