#include "ops/relative_bias.h"

#include "ops/parallel.h"
#include "ops/simd/simd.h"

#include <math.h>
#include <stddef.h>

int fl_relative_bucket(int distance, bool bidirectional, int n_buckets, int max_distance)
{
    int bucket = 0;
    if (bidirectional) {
        n_buckets /= 2;
        if (distance > 0)
            bucket = n_buckets;
        else
            distance = -distance;
    } else {
        distance = distance < 0 ? -distance : 0;
    }
    const int n_exact = n_buckets / 2;
    if (distance < n_exact)
        return bucket + distance;
    const float turns = logf((float)distance / (float)n_exact);
    const float whole = (float)log((double)max_distance / n_exact);
    const int large = n_exact + (int)(turns / whole * (float)(n_buckets - n_exact));
    return bucket + (large < n_buckets ? large : n_buckets - 1);
}

void fl_relative_bias_fill(float *table, const float *weights, int n_heads, int n_ctx,
                           bool bidirectional, int n_buckets, int max_distance)
{
    const size_t n = 2 * (size_t)n_ctx - 1;
    for (size_t i = 0; i < n; i++) {
        const int distance = (int)i - (n_ctx - 1);
        const int bucket = fl_relative_bucket(distance, bidirectional, n_buckets, max_distance);
        for (size_t head = 0; head < (size_t)n_heads; head++)
            table[head * n + i] = weights[(size_t)bucket * (size_t)n_heads + head];
    }
}

struct job {
    float *scores;
    const float *table;
    const struct fl_relative_bias_shape *shape;
};

/* One head of one rectangle. */
static void bias_head(const void *context, size_t i)
{
    const struct job *job = context;
    const struct fl_relative_bias_shape *shape = job->shape;
    const size_t n_heads = (size_t)shape->n_heads, head = i % n_heads, n_ctx = (size_t)shape->n_ctx;
    const struct fl_attention_rect *rect = &shape->rects[i / n_heads];
    const size_t n_tokens = (size_t)rect->n_tokens, n_keys = (size_t)rect->n_keys;
    const float *nearest = job->table + head * (2 * n_ctx - 1) + n_ctx - 1;
    float *scores = job->scores + rect->scores + head * n_tokens * n_keys;
    for (size_t row = 0; row < n_tokens; row++) {
        const size_t query = n_keys - n_tokens + row;
        fl_simd()->add(scores + row * n_keys, nearest - query, shape->causal ? query + 1 : n_keys);
    }
}

/* Query-key pairs of a head, over all rectangles. */
static uint64_t n_pairs(const struct fl_relative_bias_shape *shape)
{
    uint64_t sum = 0;
    for (int i = 0; i < shape->n_rects; i++) {
        const uint64_t s = (uint64_t)shape->rects[i].n_tokens, t = (uint64_t)shape->rects[i].n_keys;
        sum += shape->causal ? s * (t - s) + s * (s + 1) / 2 : s * t;
    }
    return sum;
}

void fl_relative_bias(float *scores, const float *table, const struct fl_relative_bias_shape *shape)
{
    const struct job job = {scores, table, shape};
    const bool worth = (size_t)shape->n_heads * n_pairs(shape) >= FL_PARALLEL_MIN;
    fl_parallel_rows((size_t)shape->n_rects * (size_t)shape->n_heads, worth, bias_head, &job);
}

struct fl_cost fl_relative_bias_cost(const struct fl_relative_bias_shape *shape)
{
    const uint64_t n_heads = (uint64_t)shape->n_heads, n = n_heads * n_pairs(shape);
    uint64_t back = 0, ahead = 0; /* the longest: 0 .. t - 1 back, 1 .. s - 1 ahead */
    for (int i = 0; i < shape->n_rects; i++) {
        const uint64_t s = (uint64_t)shape->rects[i].n_tokens, t = (uint64_t)shape->rects[i].n_keys;
        back = t > back ? t : back;
        ahead = !shape->causal && s - 1 > ahead ? s - 1 : ahead;
    }
    return (struct fl_cost){
        .elementwise = n,
        .bytes_read = (n + n_heads * (back + ahead)) * sizeof(float),
        .bytes_written = n * sizeof(float),
    };
}
