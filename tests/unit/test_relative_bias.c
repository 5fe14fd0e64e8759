/* Buckets against the published definition in exact terms, and biases against a naive loop. */
#include "ops/relative_bias.h"
#include "ops_check.h"

#include <string.h>

enum { N_BUCKETS = 32, MAX_DISTANCE = 128 };

static int bucket(int distance, bool bidirectional)
{
    return fl_relative_bucket(distance, bidirectional, N_BUCKETS, MAX_DISTANCE);
}

Test(relative_bias, small_distances_have_buckets_of_their_own)
{
    for (int distance = 0; distance < 16; distance++)
        cr_expect_eq(bucket(-distance, false), distance);
    for (int distance = 0; distance < 8; distance++) {
        cr_expect_eq(bucket(-distance, true), distance);
        cr_expect_eq(bucket(distance, true), distance == 0 ? 0 : 16 + distance);
    }
    for (int distance = 1; distance < 300; distance++)
        cr_expect_eq(bucket(distance, false), 0, "a decoder sees nothing ahead");
}

/* The logarithmic half in long double, far enough from every boundary to be certain. */
Test(relative_bias, large_distances_share_logarithmic_buckets)
{
    int n_certain = 0;
    for (int distance = 16; distance < 400; distance++) {
        long double place = logl(distance / 16.0L) / logl(8.0L) * 16.0L;
        long double away = fabsl(place - roundl(place));
        if (away < 1e-4L)
            continue;
        int expected = 16 + (int)place;
        cr_expect_eq(bucket(-distance, false), expected < 31 ? expected : 31, "%d", distance);
        n_certain++;
    }
    cr_expect_gt(n_certain, 370);
    for (int distance = MAX_DISTANCE; distance < 100000; distance *= 3) {
        cr_expect_eq(bucket(-distance, false), 31);
        cr_expect_eq(bucket(-distance, true), 15);
        cr_expect_eq(bucket(distance, true), 31);
    }
}

/* Scores of rectangles of these sizes, every element of which is looked at afterwards. */
static void check(const char *isa, bool causal)
{
    enum { N_HEADS = 3, N_CTX = 40, N_RECTS = 4 };
    struct fl_attention_rect rects[N_RECTS] = {{.n_tokens = 1, .n_keys = 1},
                                               {.n_tokens = 7, .n_keys = 7},
                                               {.n_tokens = 1, .n_keys = 40},
                                               {.n_tokens = 9, .n_keys = 30}};
    size_t n = 0;
    fl_cross_place(rects, N_RECTS, N_HEADS);
    for (int i = 0; i < N_RECTS; i++)
        n += (size_t)N_HEADS * (size_t)rects[i].n_tokens * (size_t)rects[i].n_keys;
    float *weights = random_floats((size_t)N_BUCKETS * N_HEADS, 2.0f, 1);
    float *table = filled_floats((size_t)N_HEADS * (2 * N_CTX - 1), NAN);
    float *scores = random_floats(n, 3.0f, 2), *before = random_floats(n, 3.0f, 2);
    fl_relative_bias_fill(table, weights, N_HEADS, N_CTX, !causal, N_BUCKETS, MAX_DISTANCE);
    const struct fl_relative_bias_shape shape = {rects, N_RECTS, N_HEADS, N_CTX, causal};
    fl_relative_bias(scores, table, &shape);

    size_t n_pairs = 0, at = 0;
    for (int r = 0; r < N_RECTS; r++)
        for (int head = 0; head < N_HEADS; head++)
            for (int i = 0; i < rects[r].n_tokens; i++)
                for (int j = 0; j < rects[r].n_keys; j++, at++) {
                    const int distance = j - (rects[r].n_keys - rects[r].n_tokens + i);
                    const bool seen = !causal || distance <= 0;
                    const float bias = weights[bucket(distance, !causal) * N_HEADS + head];
                    cr_assert_eq(scores[at], seen ? before[at] + bias : before[at],
                                 "%s: causal %d, rectangle %d, head %d, query %d, key %d", isa,
                                 causal, r, head, i, j);
                    n_pairs += seen;
                }
    cr_expect_eq(fl_relative_bias_cost(&shape).elementwise, n_pairs);
    free(weights);
    free(table);
    free(scores);
    free(before);
}

Test(relative_bias, every_pair_gets_its_bucket)
{
    FOR_EACH_SIMD(isa)
    {
        check(isa, false);
        check(isa, true);
    }
}

/* Distances: 0 .. t - 1 back, and 1 .. s - 1 ahead where those are seen. */
Test(relative_bias, the_table_is_read_once)
{
    const struct fl_attention_rect rects[] = {{.n_tokens = 5, .n_keys = 12},
                                              {.n_tokens = 5, .n_keys = 12}};
    struct fl_relative_bias_shape shape = {rects, 2, 3, 64, true};
    const uint64_t causal = 2 * 3 * (5 * 7 + 15), whole = 2 * 3 * 5 * 12;
    cr_expect_eq(fl_relative_bias_cost(&shape).bytes_read, 4 * (causal + 3 * 12));
    cr_expect_eq(fl_relative_bias_cost(&shape).bytes_written, 4 * causal);
    shape.causal = false;
    cr_expect_eq(fl_relative_bias_cost(&shape).bytes_read, 4 * (whole + 3 * 16));
}
