/* Beams, batches of unequal prompts and ends of sequences against the reference, and what they
 * cost against the formulas. */
#include "engine/beam.h"
#include "engine/generation.h"
#include "engine/pass_cost.h"
#include "tiny.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- beams ---- */

enum { N_BEAMS_MAX = 8 };

/* Beams without a cache: every sequence is a list of ids, run anew in each pass. */
struct recomputed {
    struct fl_session *session;
    int vocab_size;
    int ids[N_BEAMS_MAX][TINY_CTX], n_ids[N_BEAMS_MAX];
    float *logits; /* [N_BEAMS_MAX, vocab_size] */
};

static int recompute(void *context, const int *seqs, int n_seqs, const int *tokens, int n_tokens,
                     const float **logits, struct fl_error *error)
{
    struct recomputed *r = context;
    (void)error;
    for (int i = 0; i < n_seqs; i++) {
        int *ids = r->ids[seqs[i]], *n_ids = &r->n_ids[seqs[i]];
        memcpy(ids + *n_ids, tokens + i * n_tokens, (size_t)n_tokens * sizeof *ids);
        *n_ids += n_tokens;
        fl_session_truncate(r->session, 0);
        memcpy(r->logits + (size_t)i * (size_t)r->vocab_size, tiny_forward(r->session, ids, *n_ids),
               (size_t)r->vocab_size * sizeof *r->logits);
    }
    *logits = r->logits;
    return FL_OK;
}

static int copy_ids(void *context, int to, int from, struct fl_error *error)
{
    struct recomputed *r = context;
    (void)error;
    memcpy(r->ids[to], r->ids[from], sizeof r->ids[to]);
    r->n_ids[to] = r->n_ids[from];
    return FL_OK;
}

static void recomputed_open(struct recomputed *r, const struct fl_model *model)
{
    *r = (struct recomputed){.session = tiny_session(model, FL_ATTENTION_CAUSAL, FL_LOGITS_LAST, 1),
                             .vocab_size = model->config.vocab_size};
    r->logits = calloc(N_BEAMS_MAX * (size_t)r->vocab_size, sizeof *r->logits);
    cr_assert_not_null(r->logits);
}

static void recomputed_close(struct recomputed *r)
{
    fl_session_close(r->session);
    free(r->logits);
}

/* Whether a fixture says that stopping early gives the same; without an end all variants agree. */
static bool same_early(const cJSON *entry, const char *what)
{
    const cJSON *names = cJSON_GetObjectItemCaseSensitive(entry, what), *item;
    if (tiny_eos_id(entry) < 0)
        return true;
    cJSON_ArrayForEach(item, names)
    {
        if (strcmp(item->valuestring, "early") == 0)
            return true;
    }
    return false;
}

static void expect_hypothesis(const char *what, int i, const struct fl_hypothesis *got,
                              const cJSON *expected, double tolerance)
{
    struct fixture_ids ids = fixture_ids(fixture_member(expected, "ids"));
    cr_expect(got->n_ids == ids.n && memcmp(got->ids, ids.ids, (size_t)ids.n * sizeof(int)) == 0,
              "%s: hypothesis %d has other ids", what, i);
    cr_expect_eq(got->finished, (bool)cJSON_IsTrue(fixture_member(expected, "finished")),
                 "%s: hypothesis %d", what, i);
    cr_expect_float_eq(got->sum, fixture_number(expected, "sum_logprob"), tolerance, "%s", what);
    cr_expect_float_eq(got->score, fixture_number(expected, "score"), tolerance, "%s", what);
    free(ids.ids);
}

static void expect_live(const char *what, const struct fl_beam *beam, const cJSON *expected,
                        double tolerance)
{
    const cJSON *ids = fixture_member(expected, "ids");
    const cJSON *sums = fixture_member(expected, "sum_logprob");
    cr_assert_eq(fl_beam_n_live(beam), cJSON_GetArraySize(ids), "%s", what);
    for (int i = 0; i < fl_beam_n_live(beam); i++) {
        struct fixture_ids line = fixture_ids(cJSON_GetArrayItem(ids, i));
        const struct fl_hypothesis got = fl_beam_live(beam, i);
        cr_expect(got.n_ids == line.n &&
                      memcmp(got.ids, line.ids, (size_t)line.n * sizeof(int)) == 0,
                  "%s: another live beam %d after %d steps", what, i, line.n);
        cr_expect_float_eq(got.sum, cJSON_GetArrayItem(sums, i)->valuedouble, tolerance);
        free(line.ids);
    }
}

/* Runs the search of a fixture; `steps` is compared unless NULL. The caller closes it. */
static struct fl_beam *run_beams(const char *what, const struct fl_beam_model *model,
                                 const cJSON *entry, bool early, const cJSON *steps,
                                 double tolerance)
{
    struct fixture_ids prompt = fixture_ids(fixture_member(entry, "input_ids"));
    static int eos_id; /* outlives the search */
    eos_id = tiny_eos_id(entry);
    const struct fl_beam_options options = {
        .n_beams = (int)fixture_number(entry, "num_beams"),
        .n_new_max = (int)fixture_number(entry, "max_new_tokens"),
        .n_prompt_max = prompt.n,
        .length_penalty = fixture_number(entry, "alpha"),
        .early_stopping = early,
        .eos_ids = &eos_id,
        .n_eos = eos_id >= 0,
    };
    cr_assert_leq(options.n_beams, N_BEAMS_MAX);
    struct fl_beam *beam;
    struct fl_error error;
    cr_assert(fl_beam_open(&beam, &options, model->vocab_size, &error) == FL_OK, "%s", error.text);
    cr_assert(fl_beam_start(beam, model, prompt.ids, prompt.n, options.n_new_max, &error) == FL_OK,
              "%s", error.text);
    bool more = true;
    for (int step = 0; more; step++) {
        cr_assert(fl_beam_step(beam, &more, &error) == FL_OK, "%s", error.text);
        if (steps)
            expect_live(what, beam, cJSON_GetArrayItem(steps, step), tolerance);
    }
    free(prompt.ids);
    return beam;
}

static void check_beams(const char *name, const struct fl_model *model, const cJSON *entry,
                        double tolerance)
{
    const cJSON *expected = fixture_member(entry, "hypotheses");
    char what[128];
    snprintf(what, sizeof what, "%s: %s", name, fixture_member(entry, "name")->valuestring);
    for (int early = 0; early <= 1; early++) {
        struct recomputed r;
        recomputed_open(&r, model);
        const struct fl_beam_model beams = {&r, r.vocab_size, recompute, copy_ids};
        struct fl_beam *beam =
            run_beams(what, &beams, entry, early,
                      early ? NULL : cJSON_GetObjectItemCaseSensitive(entry, "live_beams_per_step"),
                      tolerance);
        cr_assert_eq(fl_beam_n_hypotheses(beam), cJSON_GetArraySize(expected));
        const bool same = !early || same_early(entry, "same_list_under");
        const bool best = same || same_early(entry, "same_best_under");
        const int n = same ? fl_beam_n_hypotheses(beam) : best ? 1 : 0;
        for (int i = 0; i < n; i++) {
            const struct fl_hypothesis got = fl_beam_hypothesis(beam, i);
            expect_hypothesis(what, i, &got, cJSON_GetArrayItem(expected, i), tolerance);
        }
        fl_beam_close(beam);
        recomputed_close(&r);
    }
}

ParameterizedTestParameters(golden_generation, beams)
{
    return tiny_decoders();
}

ParameterizedTest(struct tiny *row, golden_generation, beams)
{
    struct fixture fixture;
    struct fl_model model;
    const cJSON *entry;
    int n = 0;
    fixture_open(&fixture, row->name);
    harness_model(&model, fixture.directory);
    const double tolerance = tiny_tolerance(&fixture, "beam_score_abs");
    cJSON_ArrayForEach(entry, fixture_member(fixture.expected, "beam"))
    {
        check_beams(row->name, &model, entry, tolerance);
        n++;
    }
    cr_expect_geq(n, 3);
    fl_model_close(&model);
    fixture_close(&fixture);
}

/* ---- the decoding loop ---- */

static struct fl_generator *generate(const struct fl_model *model, const struct fl_prompt *prompts,
                                     int n_prompts, const struct fl_generator_options *options)
{
    struct fl_generator *generator;
    struct fl_error error;
    cr_assert(fl_generator_open(&generator, model, prompts, n_prompts, options, &error) == FL_OK,
              "%s", error.text);
    cr_assert(fl_generator_run(generator, &error) == FL_OK, "%s", error.text);
    return generator;
}

enum { N_BATCH = 3 };

/* Three prompts of unequal length in one pass: their last logits. */
static void check_batch_logits(const char *name, const struct fixture *fixture,
                               const struct fl_model *model)
{
    const cJSON *batch = fixture_member(fixture->expected, "batch");
    struct fixture_array logits = fixture_array(fixture, fixture_member(batch, "last_logits"));
    struct fl_span spans[N_BATCH];
    int tokens[N_BATCH * TINY_CTX], n_tokens = 0;
    for (int i = 0; i < N_BATCH; i++) {
        struct fixture_ids ids =
            fixture_ids(cJSON_GetArrayItem(fixture_member(batch, "prompts"), i));
        spans[i] = (struct fl_span){i, ids.n};
        memcpy(tokens + n_tokens, ids.ids, (size_t)ids.n * sizeof *tokens);
        n_tokens += ids.n;
        free(ids.ids);
    }
    cr_assert_eq(logits.n_rows, N_BATCH);
    struct fl_session *session =
        harness_session(model, &(struct fl_session_options){.n_seqs = N_BATCH,
                                                            .n_ctx = TINY_CTX,
                                                            .block_tokens = 4,
                                                            .attention = FL_ATTENTION_CAUSAL,
                                                            .logits = FL_LOGITS_LAST,
                                                            .n_threads = 1});
    struct fl_error error;
    cr_assert(fl_session_run(session, spans, N_BATCH, tokens, FL_LOGITS_LAST, &error) == FL_OK,
              "%s", error.text);
    const double distance = harness_distance(fl_session_logits(session), logits.data,
                                             N_BATCH * (size_t)model->config.vocab_size);
    const double allowed = tiny_tolerance(fixture, "logits_abs");
    cr_expect(distance <= allowed, "%s: logits of a batch off by %g", name, distance);
    fl_session_close(session);
    free(logits.data);
}

/* And what follows behind each. */
static void check_batch(const char *name, const struct fixture *fixture,
                        const struct fl_model *model)
{
    const cJSON *batch = fixture_member(fixture->expected, "batch");
    struct fixture_ids ids[N_BATCH];
    struct fl_prompt prompts[N_BATCH];
    for (int i = 0; i < N_BATCH; i++) {
        ids[i] = fixture_ids(cJSON_GetArrayItem(fixture_member(batch, "prompts"), i));
        prompts[i] = (struct fl_prompt){ids[i].ids, ids[i].n};
    }
    const struct fl_generator_options options = {
        .sampling = fl_sampling_default,
        .n_new_max = (int)fixture_number(batch, "max_new_tokens"),
        .attention = FL_ATTENTION_CAUSAL,
        .n_threads = 1,
    };
    struct fl_generator *generator = generate(model, prompts, N_BATCH, &options);
    for (int i = 0; i < N_BATCH; i++) {
        struct fixture_ids expected =
            fixture_ids(cJSON_GetArrayItem(fixture_member(batch, "output_ids"), i));
        const struct fl_generated result = fl_generator_result(generator, i);
        tiny_expect_ids(name, "a batch", result.ids, result.n_ids, &expected);
        free(expected.ids);
        free(ids[i].ids);
    }
    fl_generator_close(generator);
}

/* An end of sequence, which the fixture lists and the output leaves out. */
static void check_greedy_eos(const char *name, const struct fixture *fixture,
                             const struct fl_model *model)
{
    const cJSON *entry = fixture_member(fixture->expected, "greedy_eos");
    struct fixture_ids ids = fixture_ids(fixture_member(entry, "input_ids"));
    struct fixture_ids expected = fixture_ids(fixture_member(entry, "output_ids"));
    const int eos = (int)fixture_number(entry, "eos_token_id");
    const struct fl_prompt prompt = {ids.ids, ids.n};
    const struct fl_generator_options options = {
        .sampling = fl_sampling_default,
        .n_new_max = (int)fixture_number(entry, "max_new_tokens"),
        .eos_ids = &eos,
        .n_eos = 1,
        .attention = FL_ATTENTION_CAUSAL,
        .n_threads = 1,
    };
    cr_assert_eq(expected.ids[expected.n - 1], eos);
    expected.n--;
    struct fl_generator *generator = generate(model, &prompt, 1, &options);
    const struct fl_generated result = fl_generator_result(generator, 0);
    tiny_expect_ids(name, "greedy_eos", result.ids, result.n_ids, &expected);
    cr_expect_eq(result.reason, FL_STOP_EOS);
    fl_generator_close(generator);
    free(expected.ids);
    free(ids.ids);
}

/* What greedy decoding cost is what the formula says, whatever the weights are stored in. */
static void check_cost(const char *name, const struct fl_model *model)
{
    enum { N_NEW = 7 };
    static const int IDS[] = {5, 4, 3, 2, 1};
    /* which experts a prompt hits only the run knows; a token hits as many as it uses */
    const struct fl_prompt prompt = {IDS, model->config.n_experts > 0 ? 1 : 5};
    const bool encoder = model->config.n_encoder_layers > 0;
    const struct fl_generator_options options = {.sampling = fl_sampling_default,
                                                 .n_new_max = N_NEW,
                                                 .attention = FL_ATTENTION_CAUSAL,
                                                 .kv_dtype = encoder ? FL_F32 : FL_BF16,
                                                 .n_threads = 1};
    struct fl_generator *generator = generate(model, &prompt, 1, &options);
    struct fl_cost counted = {0};
    for (int i = 0; i < FL_GENERATOR_N_PHASES; i++)
        counted = fl_cost_add(counted,
                              fl_ledger_total(&fl_generator_phase(generator, i)->ledger).counted);
    struct fl_op_analytic formula;
    struct fl_error error;
    cr_assert(fl_greedy_cost(&formula, model, options.attention, options.kv_dtype,
                             encoder ? prompt.n_ids : 0, encoder ? 1 : prompt.n_ids, N_NEW,
                             &error) == FL_OK,
              "%s", error.text);
    cr_expect_eq((uint64_t)formula.exact, fl_cost_flops(counted), "%s: FLOPs", name);
    cr_expect_eq((uint64_t)formula.bytes_read, counted.bytes_read, "%s: bytes read", name);
    cr_expect_eq((uint64_t)formula.bytes_written, counted.bytes_written, "%s: written", name);
    fl_generator_close(generator);
}

/* Beams as forks of one cache in blocks, which share the input that an encoder has read. */
static void check_forked_beams(const char *name, const struct fl_model *model, const cJSON *entry,
                               double tolerance)
{
    struct fixture_ids ids = fixture_ids(fixture_member(entry, "input_ids"));
    const cJSON *expected = fixture_member(entry, "hypotheses");
    const int eos_id = tiny_eos_id(entry);
    const struct fl_prompt prompt = {ids.ids, ids.n};
    const struct fl_generator_options options = {
        .sampling = fl_sampling_default,
        .n_new_max = (int)fixture_number(entry, "max_new_tokens"),
        .n_beams = (int)fixture_number(entry, "num_beams"),
        .length_penalty = fixture_number(entry, "alpha"),
        .eos_ids = &eos_id,
        .n_eos = eos_id >= 0,
        .attention = FL_ATTENTION_CAUSAL,
        .n_threads = 1,
    };
    struct fl_generator *generator = generate(model, &prompt, 1, &options);
    const struct fl_generated result = fl_generator_result(generator, 0);
    char what[128];
    snprintf(what, sizeof what, "%s: %s", name, fixture_member(entry, "name")->valuestring);
    cr_assert_eq(result.n_beams, cJSON_GetArraySize(expected), "%s", what);
    for (int i = 0; i < result.n_beams; i++)
        expect_hypothesis(what, i, &result.beams[i], cJSON_GetArrayItem(expected, i), tolerance);
    fl_generator_close(generator);
    free(ids.ids);
}

ParameterizedTestParameters(golden_generation, generation)
{
    return tiny_all();
}

ParameterizedTest(struct tiny *row, golden_generation, generation)
{
    struct fixture fixture;
    struct fl_model model;
    const cJSON *entry;
    int n_searches = 0;
    fixture_open(&fixture, row->name);
    harness_model(&model, fixture.directory);
    const double tolerance = tiny_tolerance(&fixture, "beam_score_abs");
    if (model.config.n_encoder_layers == 0)
        check_batch_logits(row->name, &fixture, &model);
    check_batch(row->name, &fixture, &model);
    check_greedy_eos(row->name, &fixture, &model);
    check_cost(row->name, &model);
    cJSON_ArrayForEach(entry, fixture_member(fixture.expected, "beam"))
    {
        check_forked_beams(row->name, &model, entry, tolerance);
        n_searches++;
    }
    cr_expect_eq(n_searches, 3);
    fl_model_close(&model);
    fixture_close(&fixture);
}
