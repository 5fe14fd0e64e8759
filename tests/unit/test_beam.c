/* The search over a model that is a hash of its history: held against a search written down
 * naively, against every continuation there is, and against greedy decoding. */
#include "engine/beam.h"

#include "base/random.h"
#include "engine_harness.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { VOCAB_MAX = 40, SEQS_MAX = 700, IDS_MAX = 24 };

/* Logits are drawn from a hash of all ids, so that a beam in the wrong sequence, or one whose
 * history is another's, gives other logits. */
struct fake {
    uint64_t seed;
    int vocab_size, n_forks, n_passes;
    int ids[SEQS_MAX][IDS_MAX], n_ids[SEQS_MAX];
    float logits[SEQS_MAX * VOCAB_MAX];
};

static void fake_logits(const struct fake *fake, const int *ids, int n, float *logits)
{
    uint64_t state = fake->seed;
    for (int i = 0; i < n; i++) {
        state ^= (uint64_t)ids[i] + 1;
        state = fl_random_next(&state);
    }
    for (int id = 0; id < fake->vocab_size; id++)
        logits[id] = (float)(8 * fl_random_uniform(&state));
}

static int fake_forward(void *context, const int *seqs, int n_seqs, const int *tokens, int n_tokens,
                        const float **logits, struct fl_error *error)
{
    struct fake *fake = context;
    (void)error;
    fake->n_passes++;
    for (int i = 0; i < n_seqs; i++) {
        const int seq = seqs[i];
        cr_assert(seq >= 0 && seq < SEQS_MAX && fake->n_ids[seq] + n_tokens <= IDS_MAX);
        for (int j = 0; j < i; j++)
            cr_assert_neq(seqs[j], seq, "a sequence may be in a pass once");
        memcpy(fake->ids[seq] + fake->n_ids[seq], tokens + i * n_tokens,
               (size_t)n_tokens * sizeof *tokens);
        fake->n_ids[seq] += n_tokens;
        fake_logits(fake, fake->ids[seq], fake->n_ids[seq],
                    fake->logits + (size_t)i * (size_t)fake->vocab_size);
    }
    *logits = fake->logits;
    return FL_OK;
}

static int fake_fork(void *context, int to, int from, struct fl_error *error)
{
    struct fake *fake = context;
    (void)error;
    cr_assert_neq(to, from);
    memcpy(fake->ids[to], fake->ids[from], sizeof fake->ids[to]);
    fake->n_ids[to] = fake->n_ids[from];
    fake->n_forks++;
    return FL_OK;
}

static struct fl_beam *search(struct fake *fake, const struct fl_beam_options *options,
                              const int *prompt, int n_prompt)
{
    struct fl_error error;
    struct fl_beam *beam;
    const struct fl_beam_model model = {fake, fake->vocab_size, fake_forward, fake_fork};
    memset(fake->n_ids, 0, sizeof fake->n_ids);
    fake->n_forks = fake->n_passes = 0;
    cr_assert(fl_beam_open(&beam, options, fake->vocab_size, &error) == FL_OK, "%s", error.text);
    cr_assert(fl_beam_start(beam, &model, prompt, n_prompt, options->n_new_max, &error) == FL_OK,
              "%s", error.text);
    bool more = true;
    while (more)
        cr_assert(fl_beam_step(beam, &more, &error) == FL_OK, "%s", error.text);
    return beam;
}

/* ---- the search as its description says ---- */

struct line {
    int ids[IDS_MAX], n;
    double sum, score;
    bool finished;
};

static int by_sum(const void *a, const void *b)
{
    const struct line *x = a, *y = b;
    return x->sum > y->sum ? -1 : x->sum < y->sum;
}

static int by_score(const void *a, const void *b)
{
    const struct line *x = a, *y = b;
    return x->score > y->score ? -1 : x->score < y->score;
}

static double log_probability(const float *logits, int n, int id)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += exp((double)logits[i]);
    return (double)logits[id] - log(sum);
}

struct naive {
    const struct fake *fake;
    const struct fl_beam_options *options;
    struct line live[SEQS_MAX], ended[SEQS_MAX * 8], all[64 * VOCAB_MAX];
    int n_live, n_ended;
};

static void naive_end(struct naive *naive, const struct line *line)
{
    struct line *ended = &naive->ended[naive->n_ended++];
    *ended = *line;
    ended->score = line->sum / (pow(5.0 + line->n, naive->options->length_penalty) /
                                pow(6.0, naive->options->length_penalty));
}

static void naive_step(struct naive *naive, const int *prompt, int n_prompt)
{
    const int k = naive->options->n_beams, vocab_size = naive->fake->vocab_size;
    int n_all = 0;
    for (int i = 0; i < naive->n_live; i++) {
        const struct line *line = &naive->live[i];
        int ids[2 * IDS_MAX];
        float logits[VOCAB_MAX];
        memcpy(ids, prompt, (size_t)n_prompt * sizeof *ids);
        memcpy(ids + n_prompt, line->ids, (size_t)line->n * sizeof *ids);
        fake_logits(naive->fake, ids, n_prompt + line->n, logits);
        for (int id = 0; id < vocab_size; id++) {
            struct line *next = &naive->all[n_all++];
            *next = *line;
            next->ids[next->n++] = id;
            next->sum += log_probability(logits, vocab_size, id);
            next->finished = naive->options->n_eos && id == naive->options->eos_ids[0];
        }
    }
    qsort(naive->all, (size_t)n_all, sizeof *naive->all, by_sum);
    naive->n_live = 0;
    for (int rank = 0; rank < n_all && rank < 2 * k; rank++) {
        if (naive->all[rank].finished && rank < k)
            naive_end(naive, &naive->all[rank]);
        else if (!naive->all[rank].finished && naive->n_live < k)
            naive->live[naive->n_live++] = naive->all[rank];
    }
}

static void naive_search(struct naive *naive, const int *prompt, int n_prompt)
{
    naive->n_live = 1;
    naive->n_ended = 0;
    naive->live[0] = (struct line){0};
    for (int step = 0; step < naive->options->n_new_max; step++)
        naive_step(naive, prompt, n_prompt);
    for (int i = 0; i < naive->n_live; i++)
        naive_end(naive, &naive->live[i]);
    qsort(naive->ended, (size_t)naive->n_ended, sizeof *naive->ended, by_score);
}

static void expect_equal(const struct fl_beam *beam, const struct naive *naive, int round)
{
    const int k = naive->options->n_beams;
    const int n = naive->n_ended < k ? naive->n_ended : k;
    cr_assert_eq(fl_beam_n_hypotheses(beam), n, "round %d", round);
    for (int i = 0; i < n; i++) {
        const struct fl_hypothesis got = fl_beam_hypothesis(beam, i);
        const struct line *line = &naive->ended[i];
        cr_expect(got.n_ids == line->n &&
                      memcmp(got.ids, line->ids, (size_t)line->n * sizeof *line->ids) == 0,
                  "round %d: hypothesis %d has other ids", round, i);
        cr_expect_eq(got.finished, line->finished);
        /* a dozen sums of some 20, and a power: 1e-12 is far above the rounding of doubles */
        cr_expect_float_eq(got.sum, line->sum, 1e-12 * fabs(line->sum) + 1e-12);
        cr_expect_float_eq(got.score, line->score, 1e-12 * fabs(line->score) + 1e-12);
    }
}

Test(beam, search_is_what_its_description_says)
{
    static const double ALPHAS[] = {0, 0.6, 1, 2, -0.5};
    struct fake *fake = calloc(1, sizeof *fake);
    struct naive *naive = calloc(1, sizeof *naive);
    struct harness_random random = {2};
    cr_assert(fake && naive);
    for (int round = 0; round < 400; round++) {
        const int prompt[] = {1, 2, 0, 1}, n_prompt = harness_pick(&random, 1, 4);
        fake->seed = (uint64_t)round;
        fake->vocab_size = harness_pick(&random, 2, VOCAB_MAX);
        const int eos = harness_pick(&random, 0, fake->vocab_size - 1);
        const struct fl_beam_options options = {
            .n_beams = harness_pick(&random, 1, 9),
            .n_new_max = harness_pick(&random, 1, 12),
            .n_prompt_max = 4,
            .length_penalty = ALPHAS[harness_pick(&random, 0, 4)],
            .eos_ids = &eos,
            .n_eos = harness_pick(&random, 0, 1),
        };
        naive->fake = fake;
        naive->options = &options;
        struct fl_beam *beam = search(fake, &options, prompt, n_prompt);
        naive_search(naive, prompt, n_prompt);
        expect_equal(beam, naive, round);
        fl_beam_close(beam);
    }
    free(naive);
    free(fake);
}

/* As many beams as there are continuations: the best one found is the best one there is. */
Test(beam, wide_search_is_exhaustive)
{
    enum { V = 5, N = 4, ALL = 625 };
    struct fake *fake = calloc(1, sizeof *fake);
    cr_assert_not_null(fake);
    for (uint64_t seed = 0; seed < 10; seed++) {
        const int prompt[] = {3};
        *fake = (struct fake){.seed = seed, .vocab_size = V};
        const struct fl_beam_options options = {.n_beams = ALL, .n_new_max = N, .n_prompt_max = 1};
        struct fl_beam *beam = search(fake, &options, prompt, 1);
        double best = -INFINITY;
        for (int code = 0; code < ALL; code++) {
            int ids[1 + N] = {3};
            double sum = 0;
            for (int i = 0, rest = code; i < N; i++, rest /= V) {
                float logits[VOCAB_MAX];
                fake_logits(fake, ids, 1 + i, logits);
                ids[1 + i] = rest % V;
                sum += log_probability(logits, V, rest % V);
            }
            best = fmax(best, sum);
        }
        cr_expect_eq(fl_beam_n_hypotheses(beam), ALL);
        cr_expect_float_eq(fl_beam_hypothesis(beam, 0).sum, best, 1e-10);
        fl_beam_close(beam);
    }
    free(fake);
}

/* A search of one beam goes on behind an end, unless it stops early. */
Test(beam, one_beam_is_greedy)
{
    struct fake *fake = calloc(1, sizeof *fake);
    cr_assert_not_null(fake);
    for (uint64_t seed = 0; seed < 200; seed++) {
        const int prompt[] = {0, 1}, eos = 2;
        *fake = (struct fake){.seed = seed, .vocab_size = 7};
        const struct fl_beam_options options = {.n_beams = 1,
                                                .n_new_max = 15,
                                                .n_prompt_max = 2,
                                                .early_stopping = true,
                                                .eos_ids = &eos,
                                                .n_eos = 1};
        int ids[2 + 15] = {0, 1}, n = 2;
        for (bool more = true; more && n < 17;) {
            float logits[VOCAB_MAX];
            fake_logits(fake, ids, n, logits);
            int best = 0;
            for (int id = 1; id < 7; id++)
                if (logits[id] > logits[best])
                    best = id;
            ids[n++] = best;
            more = best != eos;
        }
        struct fl_beam *beam = search(fake, &options, prompt, 2);
        const struct fl_hypothesis got = fl_beam_hypothesis(beam, 0);
        cr_expect(got.n_ids == n - 2 &&
                      memcmp(got.ids, ids + 2, (size_t)got.n_ids * sizeof *ids) == 0,
                  "seed %d", (int)seed);
        cr_expect_eq(got.finished, ids[n - 1] == eos);
        cr_expect_eq(fake->n_forks, 0);
        cr_expect_eq(fl_beam_n_run(beam), n - 1, "the last id is never run");
        fl_beam_close(beam);
    }
    free(fake);
}

Test(beam, an_early_stop_saves_passes_and_an_end_may_be_put_off)
{
    struct fake *fake = calloc(1, sizeof *fake);
    cr_assert_not_null(fake);
    int n_saved = 0;
    for (uint64_t seed = 0; seed < 50; seed++) {
        const int prompt[] = {0}, ends[] = {1, 2};
        *fake = (struct fake){.seed = seed, .vocab_size = 6};
        struct fl_beam_options options = {.n_beams = 3,
                                          .n_new_max = 12,
                                          .n_prompt_max = 1,
                                          .length_penalty = 0.6,
                                          .early_stopping = true,
                                          .eos_ids = ends,
                                          .n_eos = 2};
        struct fl_beam *beam = search(fake, &options, prompt, 1);
        const bool saved = fake->n_passes < 12;
        n_saved += saved;
        for (int i = 0; saved && i < fl_beam_n_hypotheses(beam); i++)
            cr_expect(fl_beam_hypothesis(beam, i).finished);
        fl_beam_close(beam);

        options.n_new_min = 5;
        beam = search(fake, &options, prompt, 1);
        for (int i = 0; i < fl_beam_n_hypotheses(beam); i++) {
            const struct fl_hypothesis h = fl_beam_hypothesis(beam, i);
            cr_expect_geq(h.n_ids, 6, "five ids, then the end");
            for (int j = 0; j < 5; j++)
                cr_expect(h.ids[j] != 1 && h.ids[j] != 2);
        }
        fl_beam_close(beam);
    }
    cr_expect_gt(n_saved, 10);
    free(fake);
}

Test(beam, steps_see_each_beams_own_history)
{
    const struct fl_logits_step step = {FL_STEP_NO_REPEAT_NGRAM, 0, 0, 1};
    struct fake *fake = calloc(1, sizeof *fake);
    cr_assert_not_null(fake);
    *fake = (struct fake){.seed = 4, .vocab_size = 8};
    const int prompt[] = {0};
    struct fl_beam_options options = {
        .n_beams = 3, .n_new_max = 7, .n_prompt_max = 1, .steps = &step, .n_steps = 1};
    struct fl_beam *beam = search(fake, &options, prompt, 1);
    cr_expect_eq(fl_beam_n_hypotheses(beam), 3);
    for (int i = 0; i < 3; i++) {
        const struct fl_hypothesis h = fl_beam_hypothesis(beam, i);
        int seen = 1;
        for (int j = 0; j < h.n_ids; j++) {
            cr_expect(!(seen & (1 << h.ids[j])), "an id came twice");
            seen |= 1 << h.ids[j];
        }
    }
    fl_beam_close(beam);
    options.n_new_max = 9; /* more than there are ids: the beams die out */
    beam = search(fake, &options, prompt, 1);
    cr_expect_eq(fl_beam_n_hypotheses(beam), 0);
    fl_beam_close(beam);
    free(fake);
}

Test(beam, mistakes_are_named)
{
    struct fl_error error;
    struct fl_beam *beam;
    cr_expect_eq(fl_beam_open(&beam, &(struct fl_beam_options){0}, 5, &error), FL_FAILED);
    cr_expect(strstr(error.text, "n_beams"), "%s", error.text);
    const struct fl_beam_options options = {.n_beams = 2, .n_new_max = 1, .n_prompt_max = 2};
    cr_assert_eq(fl_beam_open(&beam, &options, 5, &error), FL_OK);
    const struct fl_beam_model model = {.vocab_size = 5};
    cr_expect_eq(fl_beam_start(beam, &model, (int[]){1, 2, 3}, 3, 1, &error), FL_FAILED);
    cr_expect(strstr(error.text, "1 to 2"), "%s", error.text);
    fl_beam_close(beam);
}
