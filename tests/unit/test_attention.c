/* All attention kernels against a naive one in double. Scores and probabilities sit between
 * sentinels that a kernel must not touch; keys and values that no query may see hold NaN where the
 * kernel promises not to read them. */
#include "ops/attention.h"
#include "ops/convert.h"
#include "ops_check.h"

#include <string.h>

enum { SPANS_MAX = 4, ROWS_MAX = 1024, BLOCKS_MAX = 1024 };

/* What a pass looks like; lengths differ from sequence to sequence where n_spans says so. */
struct layout {
    int n_spans, n_tokens[SPANS_MAX], n_past[SPANS_MAX];
    int n_heads, n_kv_heads, head_dim, block_tokens, window;
    float scale;
};

struct problem {
    struct fl_attention_shape shape;
    struct fl_batch_span spans[SPANS_MAX];
    int positions[ROWS_MAX], blocks[BLOCKS_MAX];
    size_t n_q, n_kv, n_scores;
    float *q, *k, *v, *scores, *context;
};

static const float SENTINEL = 12345.0f;

static const struct layout LAYOUTS[] = {
    /* equal sequences, each in one piece */
    {1, {1}, {0}, 1, 1, 1, 1, 0, 0},
    {1, {7}, {0}, 2, 2, 7, 9, 0, 0},
    {1, {33}, {0}, 3, 1, 33, 40, 0, 0},
    {2, {100, 100}, {0, 0}, 4, 2, 16, 100, 0, 0},
    {1, {257}, {0}, 2, 2, 64, 300, 0, 0},
    {2, {1, 1}, {32, 32}, 4, 2, 64, 33, 0, 0},
    {3, {1, 1, 1}, {99, 99, 99}, 6, 1, 33, 128, 0, 0},
    {1, {1}, {256}, 12, 12, 64, 257, 0, 0},
    {2, {7, 7}, {33, 33}, 4, 4, 20, 64, 0, 0},
    {1, {33}, {100}, 6, 2, 32, 256, 0, 0},
    {1, {64}, {5}, 1, 1, 64, 128, 0, 0},
    {1, {65}, {31}, 8, 8, 8, 100, 0, 0},
    /* in blocks, unequal, some decoding while others begin */
    {1, {70}, {3}, 4, 2, 16, 16, 0, 0},
    {3, {1, 40, 5}, {77, 0, 12}, 4, 2, 20, 8, 0, 0},
    {4, {1, 1, 33, 2}, {0, 130, 65, 1}, 6, 2, 12, 16, 0, 0},
    {2, {9, 1}, {0, 0}, 2, 1, 5, 1, 0, 0},
    {2, {37, 64}, {5, 0}, 2, 1, 16, 16, 0, 0},
    /* a window: wider than a tile, narrower, one, and not reached */
    {1, {100}, {0}, 2, 1, 16, 100, 50, 0},
    {2, {75, 1}, {20, 90}, 4, 2, 16, 16, 11, 0},
    {3, {40, 33, 1}, {0, 7, 3}, 2, 2, 8, 7, 1, 0},
    {1, {20}, {30}, 2, 2, 8, 16, 4000, 0},
    {1, {64}, {64}, 2, 1, 8, 32, 64, 0},
    /* a scale of its own */
    {2, {37, 1}, {0, 0}, 3, 3, 16, 40, 0, 1.0f},
    {1, {45}, {3}, 2, 2, 8, 48, 0, 0.3f},
};
enum { N_LAYOUTS = sizeof LAYOUTS / sizeof *LAYOUTS };

/* Blocks of a pool in an order of their own, as a cache hands them out after a while. */
static int lay_blocks(struct problem *p, const struct layout *layout)
{
    int n_blocks = 0;
    for (int i = 0; i < layout->n_spans; i++) {
        int n = (layout->n_past[i] + layout->n_tokens[i] + layout->block_tokens - 1) /
                layout->block_tokens;
        p->spans[i] = (struct fl_batch_span){.n_tokens = layout->n_tokens[i],
                                             .n_past = layout->n_past[i],
                                             .blocks = p->blocks + n_blocks};
        n_blocks += n;
    }
    cr_assert_leq(n_blocks, BLOCKS_MAX);
    for (int i = 0; i < n_blocks; i++)
        p->blocks[i] = (int)((unsigned)i * 7919u % (unsigned)n_blocks);
    for (int i = 0; i < n_blocks; i++) /* 7919 is prime, but n_blocks may be its multiple */
        for (int j = 0; j < i; j++)
            cr_assert_neq(p->blocks[i], p->blocks[j]);
    return n_blocks;
}

static size_t row_of_key(const struct problem *p, int span, int kv_head, int key)
{
    const struct fl_attention_shape *shape = &p->shape;
    int block = p->spans[span].blocks[key / shape->block_tokens];
    return ((size_t)(block * shape->n_kv_heads + kv_head) * (size_t)shape->block_tokens +
            (size_t)(key % shape->block_tokens)) *
           (size_t)shape->head_dim;
}

/* Rows of the cache that hold no token of any span, or one that no query sees, are NaN. */
static void spoil_unseen(struct problem *p)
{
    const struct fl_attention_shape *shape = &p->shape;
    const size_t d = (size_t)shape->head_dim;
    float *k = filled_floats(p->n_kv, NAN), *v = filled_floats(p->n_kv, NAN);
    for (int i = 0; i < shape->n_spans; i++)
        for (int head = 0; head < shape->n_kv_heads; head++)
            for (int key = p->spans[i].first_key; key < p->spans[i].n_past + p->spans[i].n_tokens;
                 key++) {
                size_t at = row_of_key(p, i, head, key);
                memcpy(k + at, p->k + at, d * sizeof *k);
                memcpy(v + at, p->v + at, d * sizeof *v);
            }
    free(p->k);
    free(p->v);
    p->k = k;
    p->v = v;
}

static void problem_open(struct problem *p, const struct layout *layout)
{
    const size_t d = (size_t)layout->head_dim, n_heads = (size_t)layout->n_heads;
    int n_blocks = lay_blocks(p, layout);
    struct fl_batch batch =
        fl_batch_lay_out(p->spans, layout->n_spans, p->positions, layout->window);
    cr_assert_leq(batch.n_rows, ROWS_MAX);
    p->shape =
        (struct fl_attention_shape){p->spans,           layout->n_spans,  layout->n_heads,
                                    layout->n_kv_heads, layout->head_dim, layout->block_tokens,
                                    layout->window,     layout->scale,    FL_F32};
    const struct fl_batch_span *last = &p->spans[layout->n_spans - 1];
    p->n_q = (size_t)batch.n_rows * n_heads * d;
    p->n_kv = (size_t)n_blocks * (size_t)layout->n_kv_heads * (size_t)layout->block_tokens * d;
    p->n_scores = n_heads * (last->first_pair + (size_t)last->n_tokens * fl_batch_n_keys(last));
    p->q = random_floats(p->n_q, 2.0f, 1);
    p->k = random_floats(p->n_kv, 2.0f, 2);
    p->v = random_floats(p->n_kv, 2.0f, 3);
    p->scores = filled_floats(p->n_scores, SENTINEL);
    p->context = filled_floats(p->n_q, NAN); /* whatever was there must not matter */
    spoil_unseen(p);
}

static void problem_close(struct problem *p)
{
    free(p->q);
    free(p->k);
    free(p->v);
    free(p->scores);
    free(p->context);
}

/* Query i of one head of one span. Its scores are those of keys from first_key on; it sees
 * first .. first + n_visible - 1. */
struct row {
    int span, kv_head, first_key, first;
    size_t n_visible, n_keys;
    const float *q;
    float *scores, *context;
};

static struct row row_at(const struct problem *p, int span, int head, int i)
{
    const struct fl_attention_shape *shape = &p->shape;
    const struct fl_batch_span *at = &p->spans[span];
    const size_t n_heads = (size_t)shape->n_heads, n_keys = fl_batch_n_keys(at);
    const size_t q =
        ((at->first_row + (size_t)i) * n_heads + (size_t)head) * (size_t)shape->head_dim;
    const int end = at->n_past + i + 1;
    int first = 0;
    if (shape->window > 0 && end > shape->window)
        first = end - shape->window;
    return (struct row){
        .span = span,
        .kv_head = head * shape->n_kv_heads / shape->n_heads,
        .first_key = at->first_key,
        .first = first,
        .n_visible = (size_t)(end - first),
        .n_keys = n_keys,
        .q = p->q + q,
        .scores = p->scores + at->first_pair * n_heads +
                  ((size_t)head * (size_t)at->n_tokens + (size_t)i) * n_keys,
        .context = p->context + q,
    };
}

#define FOR_EACH_ROW(p, row)                                                                       \
    for (int span_ = 0; span_ < (p)->shape.n_spans; span_++)                                       \
        for (int head_ = 0; head_ < (p)->shape.n_heads; head_++)                                   \
            for (int i_ = 0; i_ < (p)->spans[span_].n_tokens; i_++)                                \
                for (struct row row = row_at(p, span_, head_, i_), *once_ = &row; once_;           \
                     once_ = NULL)

/* The scores a row may see, in their own order. */
static float *visible(const struct row *row, float *scores)
{
    return scores + (row->first - row->first_key);
}

static void check_scores(const struct problem *p, const char *what)
{
    const size_t d = (size_t)p->shape.head_dim;
    FOR_EACH_ROW(p, row)
    for (size_t j = 0; j < row.n_visible; j++) {
        const float *k = p->k + row_of_key(p, row.span, row.kv_head, row.first + (int)j);
        CHECK_CLOSE(visible(&row, row.scores)[j], dot_reference(row.q, 1, k, 1, d, 0.0),
                    "%s span %d, row %d, key %zu", what, span_, i_, j);
    }
}

/* before: the scores the softmax started from. Subtraction and scaling round the exponent z twice
 * (each |z| ULP), the scale itself once more; exp turns that into 3 |z| relative, is itself 2 ulp
 * off; the sum of n terms n ULP, reciprocal and product 2. Below the normal floats one spacing. */
static void check_probs(const struct problem *p, const float *before, const char *what)
{
    double scale =
        p->shape.scale != 0.0f ? (double)p->shape.scale : 1.0 / sqrt((double)p->shape.head_dim);
    FOR_EACH_ROW(p, row)
    {
        const float *x = visible(&row, row.scores) - p->scores + before;
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
            CHECK_CLOSE(visible(&row, row.scores)[j],
                        ((struct bounded){want, want * relative + 0x1p-149}),
                        "%s probability of span %d, row %d, key %zu", what, span_, i_, j);
        }
    }
}

static void check_context(const struct problem *p, const char *what)
{
    const size_t d = (size_t)p->shape.head_dim;
    FOR_EACH_ROW(p, row)
    {
        float *v = malloc(row.n_visible * d * sizeof *v);
        cr_assert_not_null(v);
        for (size_t j = 0; j < row.n_visible; j++)
            memcpy(v + j * d, p->v + row_of_key(p, row.span, row.kv_head, row.first + (int)j),
                   d * sizeof *v);
        for (size_t i = 0; i < d; i++)
            CHECK_CLOSE(row.context[i],
                        dot_reference(visible(&row, row.scores), 1, v + i, d, row.n_visible, 0.0),
                        "%s context of span %d, row %d, feature %zu", what, span_, i_, i);
        free(v);
    }
}

static void check_beyond(const struct problem *p, float value, const char *what)
{
    FOR_EACH_ROW(p, row)
    for (size_t j = 0; j < row.n_keys; j++) {
        int key = row.first_key + (int)j;
        if (key < row.first || key >= row.first + (int)row.n_visible)
            cr_assert(row.scores[j] == value, "%s span %d, row %d, key %d: %g, expected %g", what,
                      span_, i_, key, (double)row.scores[j], (double)value);
    }
}

static void run(const struct fl_attention_kernel *kernel, int number, const char *isa)
{
    char what[96];
    snprintf(what, sizeof what, "%s %s layout %d:", kernel->name, isa, number);
    struct problem p;
    problem_open(&p, &LAYOUTS[number]);
    const struct fl_attention_shape *shape = &p.shape;
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

/* A cache in 16 bits against a reference that reads the rounded numbers. */
static void run_half(const struct fl_attention_kernel *kernel, int number, enum fl_dtype dtype)
{
    struct problem p;
    problem_open(&p, &LAYOUTS[number]);
    uint16_t *k = calloc(p.n_kv, sizeof *k), *v = calloc(p.n_kv, sizeof *v);
    cr_assert(k && v);
    fl_from_f32(k, p.k, dtype, p.n_kv);
    fl_from_f32(v, p.v, dtype, p.n_kv);
    fl_to_f32(p.k, k, dtype, p.n_kv);
    fl_to_f32(p.v, v, dtype, p.n_kv);
    char what[96];
    snprintf(what, sizeof what, "%s %s layout %d:", kernel->name, fl_dtype_names[dtype], number);
    p.shape.kv_dtype = dtype;
    kernel->scores(p.scores, p.q, k, &p.shape);
    check_scores(&p, what);
    kernel->softmax(p.scores, &p.shape);
    kernel->context(p.context, p.scores, v, &p.shape);
    check_context(&p, what);
    struct fl_attention_shape wide = p.shape;
    wide.kv_dtype = FL_F32;
    const struct fl_cost half = kernel->scores_cost(&p.shape), full = kernel->scores_cost(&wide);
    cr_expect_eq(half.macs, full.macs);
    cr_expect_eq(full.bytes_read - half.bytes_read, kernel->context_cost(&wide).bytes_read -
                                                        kernel->context_cost(&p.shape).bytes_read);
    cr_expect_gt(full.bytes_read, half.bytes_read);
    free(k);
    free(v);
    problem_close(&p);
}

Test(attention, caches_of_16_bits_equal_reference)
{
    for (int i = 0; i < N_LAYOUTS; i++)
        for (int dtype = FL_F16; dtype <= FL_BF16; dtype++) {
            run_half(&fl_attention_naive, i, (enum fl_dtype)dtype);
            run_half(&fl_attention_causal, i, (enum fl_dtype)dtype);
        }
}

Test(attention, naive_equals_reference)
{
    FOR_EACH_SIMD(isa)
    for (int i = 0; i < N_LAYOUTS; i++)
        run(&fl_attention_naive, i, isa);
}

Test(attention, causal_equals_reference_and_touches_nothing_beyond)
{
    FOR_EACH_SIMD(isa)
    for (int i = 0; i < N_LAYOUTS; i++)
        run(&fl_attention_causal, i, isa);
}

/* Weights e^z are off by 3 |z| + 4 relative (see check_probs), and by as much again for each of the
 * factors that shrink them, of which there is one a stretch; products and sums of n terms add n.
 * The result is a mean of values, so its error is that of the weights times the largest value. */
static void check_fused(const struct problem *p, const float *k, const float *v, const char *what)
{
    const size_t d = (size_t)p->shape.head_dim;
    const double scale = p->shape.scale != 0.0f ? (double)p->shape.scale : 1.0 / sqrt((double)d);
    FOR_EACH_ROW(p, row)
    {
        double *weights = malloc(row.n_visible * sizeof *weights);
        cr_assert_not_null(weights);
        double maximum = -INFINITY, sum = 0, spread = 0, magnitude = 0;
        for (size_t j = 0; j < row.n_visible; j++) {
            const float *key = k + row_of_key(p, row.span, row.kv_head, row.first + (int)j);
            weights[j] = 0;
            double size = 0;
            for (size_t i = 0; i < d; i++) {
                weights[j] += (double)row.q[i] * (double)key[i];
                size += fabs((double)row.q[i] * (double)key[i]);
            }
            maximum = fmax(maximum, weights[j]);
            magnitude = fmax(magnitude, size * scale);
        }
        for (size_t j = 0; j < row.n_visible; j++) {
            spread = fmax(spread, (maximum - weights[j]) * scale);
            sum += weights[j] = exp((weights[j] - maximum) * scale);
        }
        /* a score is off by d roundings of its magnitude, which the exponential makes relative */
        double relative = (2.0 * (3.0 * spread + 4.0 + (double)d * magnitude) *
                               (double)(row.n_visible / FL_FLASH_KEYS + 2) +
                           (double)row.n_visible + (double)d) *
                          ULP;
        for (size_t i = 0; i < d; i++) {
            double want = 0, largest = 0;
            for (size_t j = 0; j < row.n_visible; j++) {
                double value =
                    (double)v[row_of_key(p, row.span, row.kv_head, row.first + (int)j) + i];
                want += weights[j] / sum * value;
                largest = fmax(largest, fabs(value));
            }
            CHECK_CLOSE(row.context[i], ((struct bounded){want, relative * largest}),
                        "%s span %d, row %d, feature %zu", what, span_, i_, i);
        }
        free(weights);
    }
}

static void run_fused(int number, enum fl_dtype dtype, const char *isa)
{
    char what[96];
    snprintf(what, sizeof what, "flash %s %s layout %d:", isa, fl_dtype_names[dtype], number);
    struct problem p;
    problem_open(&p, &LAYOUTS[number]);
    void *k = calloc(p.n_kv, sizeof(float)), *v = calloc(p.n_kv, sizeof(float));
    cr_assert(k && v);
    fl_from_f32(k, p.k, dtype, p.n_kv);
    fl_from_f32(v, p.v, dtype, p.n_kv);
    fl_to_f32(p.k, k, dtype, p.n_kv);
    fl_to_f32(p.v, v, dtype, p.n_kv);
    p.shape.kv_dtype = dtype;
    fl_attention_flash.fused(p.context, p.q, k, v, &p.shape);
    check_fused(&p, p.k, p.v, what);
    free(k);
    free(v);
    problem_close(&p);
}

Test(attention, flash_equals_reference)
{
    FOR_EACH_SIMD(isa)
    for (int i = 0; i < N_LAYOUTS; i++)
        for (int dtype = FL_F32; dtype <= FL_BF16; dtype++)
            run_fused(i, (enum fl_dtype)dtype, isa);
}

/* Changing what only later queries may see leaves earlier rows as they are, to the last bit. */
static void check_future_is_unseen(const struct fl_attention_kernel *kernel)
{
    static const struct layout LAYOUT = {1, {65}, {7}, 4, 2, 16, 72, 0, 0};
    struct problem p;
    problem_open(&p, &LAYOUT);
    const struct fl_attention_shape shape = p.shape;
    float *first = malloc(p.n_q * sizeof *first);
    cr_assert_not_null(first);
    size_t row_floats = p.n_q / 65, d = (size_t)shape.head_dim;
    for (int round = 0; round < 2; round++) {
        for (int head = 0; round == 1 && head < shape.n_kv_heads; head++)
            for (size_t i = 0; i < d; i++) {
                size_t last = row_of_key(&p, 0, head, 7 + 65 - 1) + i;
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
    static const struct layout LAYOUT = {2, {3, 3}, {5, 5}, 4, 2, 8, 100, 0, 0};
    struct problem p;
    problem_open(&p, &LAYOUT);
    const struct fl_attention_shape shape = p.shape;
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
    problem_close(&p);
}

/* What the causal kernel wrote is what it said it would: scores that are no sentinel any more. */
Test(attention, causal_cost_counts_what_is_written)
{
    for (int i = 0; i < N_LAYOUTS; i++) {
        struct problem p;
        problem_open(&p, &LAYOUTS[i]);
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
