/* Attention without a mask against a naive one in double: sequences of unequal lengths, shared
 * keys, grouped queries, odd heads. */
#include "ops/attention_cross.h"
#include "ops/scale.h"
#include "ops_check.h"

#include <float.h>
#include <string.h>

enum { N_RECTS = 4, N_QUERIES = 21, N_KEYS = 60 };

/* The second and third attend to the same keys; one has a single query, one a single key. */
static const struct fl_attention_rect RECTS[N_RECTS] = {
    {.query_row = 0, .key_row = 0, .n_tokens = 7, .n_keys = 1},
    {.query_row = 7, .key_row = 1, .n_tokens = 1, .n_keys = 33},
    {.query_row = 8, .key_row = 1, .n_tokens = 9, .n_keys = 33},
    {.query_row = 17, .key_row = 34, .n_tokens = 4, .n_keys = 26},
};

struct inputs {
    struct fl_attention_rect rects[N_RECTS];
    struct fl_cross_shape shape;
    float *q, *k, *v, *scores, *context;
    size_t n_scores, n_context;
};

static void inputs_open(struct inputs *in, int n_heads, int n_kv_heads, int d, float scale)
{
    memcpy(in->rects, RECTS, sizeof RECTS);
    fl_cross_place(in->rects, N_RECTS, n_heads);
    in->shape = (struct fl_cross_shape){in->rects, N_RECTS, n_heads, n_kv_heads, d, scale};
    in->n_scores = 0;
    for (int i = 0; i < N_RECTS; i++)
        in->n_scores += (size_t)(n_heads * RECTS[i].n_tokens * RECTS[i].n_keys);
    in->n_context = (size_t)N_QUERIES * (size_t)(n_heads * d);
    in->q = random_floats(in->n_context, 1.0f, 1);
    in->k = random_floats((size_t)N_KEYS * (size_t)(n_kv_heads * d), 1.0f, 2);
    in->v = random_floats((size_t)N_KEYS * (size_t)(n_kv_heads * d), 1.0f, 3);
    in->scores = filled_floats(in->n_scores, NAN);
    in->context = filled_floats(in->n_context, NAN);
}

static void inputs_close(struct inputs *in)
{
    free(in->q);
    free(in->k);
    free(in->v);
    free(in->scores);
    free(in->context);
}

/* One query of one head. A score errs by d + 2 roundings of its magnitude (at most d); the softmax
 * turns an absolute error of a score into twice that relative error of a probability, and adds some
 * roundings and 2 ulp of exp; the context sums at most 33 of them with values up to 1. */
static void check_row(const struct inputs *in, const struct fl_attention_rect *rect, int head,
                      int row, const char *isa)
{
    const struct fl_cross_shape *shape = &in->shape;
    const int d = shape->head_dim, d_q = shape->n_heads * d, d_kv = shape->n_kv_heads * d;
    const int kv_head = head / (shape->n_heads / shape->n_kv_heads), n = rect->n_keys;
    const float *q = in->q + (rect->query_row + (size_t)row) * (size_t)d_q + head * d;
    const double tolerance =
        2 * (d + 2) * ULP * d * (double)shape->scale + (8 + 2 * n) * (double)FLT_EPSILON;
    double probs[64], largest = -INFINITY, sum = 0;
    for (int j = 0; j < n; j++) {
        const float *k = in->k + (rect->key_row + (size_t)j) * (size_t)d_kv + kv_head * d;
        probs[j] = dot_reference(q, 1, k, 1, (size_t)d, 0).value * (double)shape->scale;
        largest = fmax(largest, probs[j]);
    }
    for (int j = 0; j < n; j++)
        sum += probs[j] = exp(probs[j] - largest);
    const float *got = in->scores + rect->scores + (size_t)((head * rect->n_tokens + row) * n);
    for (int j = 0; j < n; j++)
        CHECK_CLOSE(got[j], ((struct bounded){probs[j] / sum, tolerance}), "%s: head %d, key %d",
                    isa, head, j);
    for (int i = 0; i < d; i++) {
        double expected = 0;
        for (int j = 0; j < n; j++)
            expected +=
                probs[j] / sum *
                (double)
                    in->v[(rect->key_row + (size_t)j) * (size_t)d_kv + (size_t)(kv_head * d + i)];
        CHECK_CLOSE(
            in->context[(rect->query_row + (size_t)row) * (size_t)d_q + (size_t)(head * d + i)],
            ((struct bounded){expected, n * tolerance}), "%s: head %d, feature %d", isa, head, i);
    }
}

static void check(const char *isa, int n_heads, int n_kv_heads, int d, float scale)
{
    struct inputs in;
    inputs_open(&in, n_heads, n_kv_heads, d, scale);
    fl_cross_scores(in.scores, in.q, in.k, &in.shape);
    fl_cross_softmax(in.scores, &in.shape);
    fl_cross_context(in.context, in.scores, in.v, &in.shape);
    for (int i = 0; i < N_RECTS; i++)
        for (int head = 0; head < n_heads; head++)
            for (int row = 0; row < in.rects[i].n_tokens; row++)
                check_row(&in, &in.rects[i], head, row, isa);
    inputs_close(&in);
}

Test(attention_cross, is_that_of_a_naive_loop)
{
    FOR_EACH_SIMD(isa)
    {
        check(isa, 4, 4, 16, 0.25f);
        check(isa, 3, 3, 7, 1.0f);
        check(isa, 6, 2, 11, 0.3f);
        check(isa, 1, 1, 64, 0.125f);
        check(isa, 2, 1, 1, 1.0f);
    }
}

/* A sequence gives bit by bit what it gives alone: nothing of the others reaches it. */
Test(attention_cross, sequences_do_not_see_one_another)
{
    struct inputs all, one;
    inputs_open(&all, 4, 2, 16, 0.25f);
    inputs_open(&one, 4, 2, 16, 0.25f);
    fl_cross_scores(all.scores, all.q, all.k, &all.shape);
    fl_cross_softmax(all.scores, &all.shape);
    fl_cross_context(all.context, all.scores, all.v, &all.shape);
    for (int i = 0; i < N_RECTS; i++) {
        struct fl_cross_shape shape = one.shape;
        shape.rects = &one.rects[i];
        shape.n_rects = 1;
        fl_cross_scores(one.scores, one.q, one.k, &shape);
        fl_cross_softmax(one.scores, &shape);
        fl_cross_context(one.context, one.scores, one.v, &shape);
    }
    cr_expect_arr_eq(all.scores, one.scores, all.n_scores * sizeof(float));
    cr_expect_arr_eq(all.context, one.context, all.n_context * sizeof(float));
    inputs_close(&all);
    inputs_close(&one);
}

Test(attention_cross, costs_are_those_of_the_pairs)
{
    struct inputs in;
    inputs_open(&in, 6, 2, 11, 1.0f);
    const uint64_t pairs = 7 * 1 + 1 * 33 + 9 * 33 + 4 * 26, keys = 1 + 33 + 33 + 26;
    const struct fl_cost scores = fl_cross_scores_cost(&in.shape);
    const struct fl_cost softmax = fl_cross_softmax_cost(&in.shape);
    const struct fl_cost context = fl_cross_context_cost(&in.shape);
    cr_expect_eq(scores.macs, 6 * pairs * 11);
    cr_expect_eq(scores.bytes_read, 4 * (N_QUERIES * 66 + keys * 22));
    cr_expect_eq(scores.bytes_written, 4 * 6 * pairs);
    cr_expect_eq(softmax.elementwise, 6 * (5 * pairs + N_QUERIES));
    cr_expect_eq(context.macs, scores.macs);
    cr_expect_eq(context.bytes_read, 4 * (6 * pairs + keys * 22));
    cr_expect_eq(context.bytes_written, 4 * N_QUERIES * 66);
    inputs_close(&in);
}

Test(scale, multiplies_every_element_once)
{
    static const size_t LENGTHS[] = {1, 15, 16, 4097, 40000};
    for (size_t i = 0; i < sizeof LENGTHS / sizeof *LENGTHS; i++) {
        const size_t n = LENGTHS[i];
        float *x = random_floats(n, 4.0f, i), *before = random_floats(n, 4.0f, i);
        fl_scale(x, 0.3f, n);
        for (size_t j = 0; j < n; j++)
            cr_assert_eq(x[j], before[j] * 0.3f);
        cr_expect_eq(fl_scale_cost(n).elementwise, n);
        free(x);
        free(before);
    }
}
