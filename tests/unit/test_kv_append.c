#include "ops/kv_append.h"
#include "ops_check.h"

/* Every row of the cache is either the token it should be or untouched. */
static void check(const struct fl_kv_shape *shape)
{
    size_t d = (size_t)shape->head_dim, n_heads = (size_t)shape->n_kv_heads;
    size_t n_tokens = (size_t)shape->n_tokens, n_past = (size_t)shape->n_past;
    size_t n_seqs = (size_t)shape->n_seqs, stride = (size_t)shape->ctx_stride;
    size_t n_new = n_seqs * n_tokens * n_heads * d, n_cache = n_seqs * n_heads * stride * d;
    float *k = random_floats(n_new, 1.0f, 1), *v = random_floats(n_new, 1.0f, 2);
    float *k_cache = filled_floats(n_cache, 9.0f), *v_cache = filled_floats(n_cache, 9.0f);
    fl_kv_append(k_cache, v_cache, k, v, shape);
    for (size_t i = 0; i < n_cache; i++) {
        size_t feature = i % d, row = i / d % stride;
        size_t head = i / d / stride % n_heads, seq = i / d / stride / n_heads;
        bool is_new = row >= n_past && row < n_past + n_tokens;
        size_t from = ((seq * n_tokens + row - n_past) * n_heads + head) * d + feature;
        cr_assert(k_cache[i] == (is_new ? k[from] : 9.0f), "k at %zu", i);
        cr_assert(v_cache[i] == (is_new ? v[from] : 9.0f), "v at %zu", i);
    }
    free(k);
    free(v);
    free(k_cache);
    free(v_cache);
}

Test(kv_append, puts_each_row_in_its_place)
{
    check(&(struct fl_kv_shape){1, 1, 0, 1, 1, 1});
    check(&(struct fl_kv_shape){2, 7, 33, 3, 20, 40});
    check(&(struct fl_kv_shape){3, 1, 99, 2, 64, 128});
    check(&(struct fl_kv_shape){2, 100, 0, 2, 33, 100});
    check(&(struct fl_kv_shape){2, 257, 4, 2, 32, 300}); /* several threads */
}

Test(kv_append, cost_by_hand)
{
    struct fl_cost cost = fl_kv_append_cost(&(struct fl_kv_shape){2, 3, 5, 2, 8, 16});
    cr_expect_eq(fl_cost_flops(cost), 0);
    cr_expect_eq(cost.bytes_read, 4 * 2 * 6 * 16);
    cr_expect_eq(cost.bytes_written, 4 * 2 * 6 * 16);
}
