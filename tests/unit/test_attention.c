/* All attention kernels against a naive one in double. Scores and probabilities sit between
 * sentinels that a kernel must not touch; keys and values that no query may see hold NaN where the
 * kernel promises not to read them. */
#include "ops/attention.h"
#include "ops_check.h"

#include <string.h>

struct problem {
    struct fl_attention_shape shape;
    size_t n_keys, n_q, n_kv, n_scores;
    float *q, *k, *v, *scores, *context;
};

static const float SENTINEL = 12345.0f;

static const struct fl_attention_shape SHAPES[] = {
    /* n_seqs, n_tokens, n_past, n_heads, n_kv_heads, head_dim, ctx_stride */
    {1, 1, 0, 1, 1, 1, 1},       {1, 7, 0, 2, 2, 7, 9},        {1, 33, 0, 3, 1, 33, 40},
    {2, 100, 0, 4, 2, 16, 100},  {1, 257, 0, 2, 2, 64, 300},   {2, 1, 32, 4, 2, 64, 33},
    {3, 1, 99, 6, 1, 33, 128},   {1, 1, 256, 12, 12, 64, 257}, {2, 7, 33, 4, 4, 20, 64},
    {1, 33, 100, 6, 2, 32, 256}, {1, 64, 5, 1, 1, 64, 128},    {1, 65, 31, 8, 8, 8, 100},
};
enum { N_SHAPES = sizeof SHAPES / sizeof *SHAPES };

static void problem_open(struct problem *p, const struct fl_attention_shape *shape)
{
    size_t d = (size_t)shape->head_dim;
    p->shape = *shape;
    p->n_keys = (size_t)(shape->n_past + shape->n_tokens);
    p->n_q = (size_t)shape->n_seqs * (size_t)shape->n_tokens * (size_t)shape->n_heads * d;
    p->n_kv = (size_t)shape->n_seqs * (size_t)shape->n_kv_heads * (size_t)shape->ctx_stride * d;
    p->n_scores =
        (size_t)shape->n_seqs * (size_t)shape->n_heads * (size_t)shape->n_tokens * p->n_keys;
    p->q = random_floats(p->n_q, 2.0f, 1);
    p->k = random_floats(p->n_kv, 2.0f, 2);
    p->v = random_floats(p->n_kv, 2.0f, 3);
    p->scores = filled_floats(p->n_scores, SENTINEL);
    p->context = filled_floats(p->n_q, NAN); /* whatever was there must not matter */
    /* rows of the cache behind the last token are never read */
    for (size_t head = 0; head < (size_t)(shape->n_seqs * shape->n_kv_heads); head++)
        for (size_t i = p->n_keys * d; i < (size_t)shape->ctx_stride * d; i++)
            p->k[head * (size_t)shape->ctx_stride * d + i] =
                p->v[head * (size_t)shape->ctx_stride * d + i] = NAN;
}

static void problem_close(struct problem *p)
{
    free(p->q);
    free(p->k);
    free(p->v);
    free(p->scores);
    free(p->context);
}

/* One row of the problem: query i of head `head` of sequence `seq`. */
struct row {
    const float *q, *k, *v;
    float *scores, *context;
    size_t n_visible;
};

static struct row row_at(const struct problem *p, size_t index)
{
    const struct fl_attention_shape *shape = &p->shape;
    size_t n_tokens = (size_t)shape->n_tokens, n_heads = (size_t)shape->n_heads;
    size_t i = index % n_tokens, head = index / n_tokens % n_heads;
    size_t seq = index / n_tokens / n_heads, d = (size_t)shape->head_dim;
    size_t kv_head = head * (size_t)shape->n_kv_heads / n_heads;
    size_t q = ((seq * n_tokens + i) * n_heads + head) * d;
    size_t kv = (seq * (size_t)shape->n_kv_heads + kv_head) * (size_t)shape->ctx_stride * d;
    return (struct row){.q = p->q + q,
                        .k = p->k + kv,
                        .v = p->v + kv,
                        .scores = p->scores + index * p->n_keys,
                        .context = p->context + q,
                        .n_visible = (size_t)shape->n_past + i + 1};
}

static size_t n_rows(const struct problem *p)
{
    return p->n_scores / p->n_keys;
}

static void check_scores(const struct problem *p, const char *what)
{
    size_t d = (size_t)p->shape.head_dim;
    for (size_t r = 0; r < n_rows(p); r++) {
        struct row row = row_at(p, r);
        for (size_t j = 0; j < row.n_visible; j++)
            CHECK_CLOSE(row.scores[j], dot_reference(row.q, 1, row.k + j * d, 1, d, 0.0),
                        "%s score of row %zu, key %zu", what, r, j);
    }
}

/* before: the scores the softmax started from. Subtraction and scaling round the exponent z twice
 * (each |z| ULP), the scale itself once more; exp turns that into 3 |z| relative, is itself 2 ulp
 * off; the sum of n terms n ULP, reciprocal and product 2. Below the normal floats one spacing. */
static void check_probs(const struct problem *p, const float *before, const char *what)
{
    double scale = 1.0 / sqrt((double)p->shape.head_dim);
    for (size_t r = 0; r < n_rows(p); r++) {
        struct row row = row_at(p, r);
        const float *x = before + r * p->n_keys;
        double maximum = (double)x[0], sum = 0.0;
        for (size_t j = 1; j < row.n_visible; j++)
            maximum = fmax(maximum, (double)x[j]);
        double spread = 0.0;
        for (size_t j = 0; j < row.n_visible; j++) {
            sum += exp(((double)x[j] - maximum) * scale);
            spread = fmax(spread, (maximum - (double)x[j]) * scale);
        }
        double relative = (2.0 * (3.0 * spread + 4.0) + (double)row.n_visible + 2.0) * ULP;
        for (size_t j = 0; j < row.n_visible; j++) {
            double want = exp(((double)x[j] - maximum) * scale) / sum;
            CHECK_CLOSE(row.scores[j], ((struct bounded){want, want * relative + 0x1p-149}),
                        "%s probability of row %zu, key %zu", what, r, j);
        }
    }
}

static void check_context(const struct problem *p, const char *what)
{
    size_t d = (size_t)p->shape.head_dim;
    for (size_t r = 0; r < n_rows(p); r++) {
        struct row row = row_at(p, r);
        for (size_t i = 0; i < d; i++)
            CHECK_CLOSE(row.context[i],
                        dot_reference(row.scores, 1, row.v + i, d, row.n_visible, 0.0),
                        "%s context of row %zu, feature %zu", what, r, i);
    }
}

static void check_beyond(const struct problem *p, float value, const char *what)
{
    for (size_t r = 0; r < n_rows(p); r++) {
        struct row row = row_at(p, r);
        for (size_t j = row.n_visible; j < p->n_keys; j++)
            cr_assert(row.scores[j] == value, "%s row %zu, key %zu: %g, expected %g", what, r, j,
                      (double)row.scores[j], (double)value);
    }
}

static void run(const struct fl_attention_kernel *kernel, const struct fl_attention_shape *shape,
                const char *isa)
{
    char what[96];
    snprintf(what, sizeof what, "%s %s s=%d p=%d d=%d:", kernel->name, isa, shape->n_tokens,
             shape->n_past, shape->head_dim);
    struct problem p;
    problem_open(&p, shape);
    bool exact = kernel == &fl_attention_causal;
    kernel->scores(p.scores, p.q, p.k, shape);
    check_scores(&p, what);
    if (exact)
        check_beyond(&p, SENTINEL, what);
    float *before = malloc(p.n_scores * sizeof *before);
    cr_assert_not_null(before);
    memcpy(before, p.scores, p.n_scores * sizeof *before);
    kernel->softmax(p.scores, shape);
    check_probs(&p, before, what);
    check_beyond(&p, exact ? SENTINEL : 0.0f, what);
    kernel->context(p.context, p.scores, p.v, shape);
    check_context(&p, what);
    free(before);
    problem_close(&p);
}

Test(attention, naive_equals_reference)
{
    FOR_EACH_SIMD(isa)
    for (int i = 0; i < N_SHAPES; i++)
        run(&fl_attention_naive, &SHAPES[i], isa);
}

Test(attention, causal_equals_reference_and_touches_nothing_beyond)
{
    FOR_EACH_SIMD(isa)
    for (int i = 0; i < N_SHAPES; i++)
        run(&fl_attention_causal, &SHAPES[i], isa);
}

/* Changing what only later queries may see leaves earlier rows as they are, to the last bit. */
static void check_future_is_unseen(const struct fl_attention_kernel *kernel)
{
    const struct fl_attention_shape shape = {1, 65, 7, 4, 2, 16, 72};
    struct problem p;
    problem_open(&p, &shape);
    float *first = malloc(p.n_q * sizeof *first);
    cr_assert_not_null(first);
    size_t row_floats = p.n_q / (size_t)shape.n_tokens, d = (size_t)shape.head_dim;
    for (int round = 0; round < 2; round++) {
        for (size_t head = 0; round == 1 && head < (size_t)shape.n_kv_heads; head++)
            for (size_t i = 0; i < d; i++) {
                size_t last = (head * (size_t)shape.ctx_stride + p.n_keys - 1) * d + i;
                p.k[last] += 3.0f;
                p.v[last] -= 3.0f;
            }
        kernel->scores(p.scores, p.q, p.k, &shape);
        kernel->softmax(p.scores, &shape);
        kernel->context(p.context, p.scores, p.v, &shape);
        if (round == 0)
            memcpy(first, p.context, p.n_q * sizeof *first);
    }
    cr_assert_arr_eq(first, p.context, (p.n_q - row_floats) * sizeof *first);
    cr_assert_arr_neq(first + p.n_q - row_floats, p.context + p.n_q - row_floats,
                      row_floats * sizeof *first);
    free(first);
    problem_close(&p);
}

Test(attention, later_tokens_do_not_change_earlier_rows)
{
    check_future_is_unseen(&fl_attention_naive);
    check_future_is_unseen(&fl_attention_causal);
}

Test(attention, cost_by_hand)
{
    /* 2 sequences, 3 new tokens behind 5, 4 heads over 2 key/value heads of 8 features. */
    const struct fl_attention_shape shape = {2, 3, 5, 4, 2, 8, 100};
    const struct fl_attention_kernel *naive = &fl_attention_naive, *causal = &fl_attention_causal;
    struct fl_cost cost = naive->scores_cost(&shape);
    cr_expect_eq(cost.macs, 1536);                         /* 2 * 4 * 24 pairs * 8 */
    cr_expect_eq(cost.bytes_read, 4 * (6 * 32 + 16 * 16)); /* q, k */
    cr_expect_eq(cost.bytes_written, 4 * 192);
    cost = naive->softmax_cost(&shape);
    cr_expect_eq(cost.elementwise, 8 * (5 * 24 + 3));
    cr_expect_eq(cost.bytes_read, 4 * 192);
    cr_expect_eq(cost.bytes_written, 4 * 192);
    cost = naive->context_cost(&shape);
    cr_expect_eq(cost.macs, 1536);
    cr_expect_eq(cost.bytes_read, 4 * (192 + 256));
    cr_expect_eq(cost.bytes_written, 4 * 192);
    cost = causal->scores_cost(&shape);
    cr_expect_eq(cost.macs, 8 * 21 * 8); /* 6 + 7 + 8 pairs */
    cr_expect_eq(cost.bytes_read, 4 * (6 * 32 + 16 * 16));
    cr_expect_eq(cost.bytes_written, 4 * 8 * 21);
    cost = causal->softmax_cost(&shape);
    cr_expect_eq(cost.elementwise, 8 * (5 * 21 + 3));
    cost = causal->context_cost(&shape);
    cr_expect_eq(cost.macs, 8 * 21 * 8);
    cr_expect_eq(cost.bytes_read, 4 * (8 * 21 + 256));
    cr_expect_eq(cost.bytes_written, 4 * 192);
}

/* What the causal kernel wrote is what it said it would: scores that are no sentinel any more. */
Test(attention, causal_cost_counts_what_is_written)
{
    for (int i = 0; i < N_SHAPES; i++) {
        struct problem p;
        problem_open(&p, &SHAPES[i]);
        fl_attention_causal.scores(p.scores, p.q, p.k, &p.shape);
        uint64_t written = 0;
        for (size_t j = 0; j < p.n_scores; j++)
            written += p.scores[j] != SENTINEL;
        struct fl_cost cost = fl_attention_causal.scores_cost(&p.shape);
        cr_expect_eq(cost.bytes_written, written * sizeof(float));
        cr_expect_eq(cost.macs, written * (uint64_t)p.shape.head_dim);
        problem_close(&p);
    }
}
