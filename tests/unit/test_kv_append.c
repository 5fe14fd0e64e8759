#include "ops/kv_append.h"
#include "ops_check.h"

#include <string.h>

enum { N_BLOCKS = 400 };

/* n_seqs sequences, one behind the other in blocks that lie in reverse order. */
struct layout {
    int n_seqs, n_tokens, n_past, n_kv_heads, head_dim, block_tokens;
};

struct problem {
    struct fl_batch_span spans[4];
    int blocks[N_BLOCKS], positions[1024];
    struct fl_kv_shape shape;
};

static int blocks_per_seq(const struct layout *at)
{
    return (at->n_past + at->n_tokens + at->block_tokens - 1) / at->block_tokens;
}

static void lay_out(struct problem *p, const struct layout *at)
{
    const int n_blocks = at->n_seqs * blocks_per_seq(at);
    cr_assert_leq(n_blocks, N_BLOCKS);
    for (int i = 0; i < n_blocks; i++)
        p->blocks[i] = n_blocks - 1 - i;
    for (int i = 0; i < at->n_seqs; i++)
        p->spans[i] = (struct fl_batch_span){.n_tokens = at->n_tokens,
                                             .n_past = at->n_past,
                                             .blocks = p->blocks + i * blocks_per_seq(at)};
    fl_batch_lay_out(p->spans, at->n_seqs, p->positions, 0);
    p->shape = (struct fl_kv_shape){p->spans,     at->n_seqs,       at->n_kv_heads,
                                    at->head_dim, at->block_tokens, FL_F32};
}

/* Every row of the cache is either the token it should be or untouched. */
static void check(const struct layout *at)
{
    struct problem p;
    lay_out(&p, at);
    const size_t d = (size_t)at->head_dim, n_heads = (size_t)at->n_kv_heads;
    const size_t n_new = (size_t)(at->n_seqs * at->n_tokens) * n_heads * d;
    const size_t n_cache =
        (size_t)(at->n_seqs * blocks_per_seq(at) * at->block_tokens) * n_heads * d;
    float *k = random_floats(n_new, 1.0f, 1), *v = random_floats(n_new, 1.0f, 2);
    float *k_cache = filled_floats(n_cache, 9.0f), *v_cache = filled_floats(n_cache, 9.0f);
    fl_kv_append(k_cache, v_cache, k, v, &p.shape);
    size_t n_found = 0;
    for (int seq = 0; seq < at->n_seqs; seq++)
        for (int token = 0; token < at->n_tokens; token++)
            for (size_t head = 0; head < n_heads; head++) {
                int position = at->n_past + token;
                size_t block =
                    (size_t)p.blocks[seq * blocks_per_seq(at) + position / at->block_tokens];
                size_t to = ((block * n_heads + head) * (size_t)at->block_tokens +
                             (size_t)(position % at->block_tokens)) *
                            d;
                size_t from = ((size_t)(seq * at->n_tokens + token) * n_heads + head) * d;
                cr_assert_arr_eq(k_cache + to, k + from, d * sizeof *k);
                cr_assert_arr_eq(v_cache + to, v + from, d * sizeof *v);
                n_found += d;
            }
    size_t n_touched = 0;
    for (size_t i = 0; i < n_cache; i++)
        n_touched += k_cache[i] != 9.0f;
    cr_assert_eq(n_touched, n_found);
    free(k);
    free(v);
    free(k_cache);
    free(v_cache);
}

Test(kv_append, puts_each_row_in_its_place)
{
    check(&(struct layout){1, 1, 0, 1, 1, 1});
    check(&(struct layout){2, 7, 33, 3, 20, 40});
    check(&(struct layout){3, 1, 99, 2, 64, 128});
    check(&(struct layout){2, 100, 0, 2, 33, 100});
    check(&(struct layout){2, 257, 4, 2, 32, 300}); /* several threads */
    check(&(struct layout){2, 37, 5, 2, 8, 16});
    check(&(struct layout){3, 9, 1, 1, 3, 1});
}

Test(kv_append, cost_by_hand)
{
    struct problem p;
    lay_out(&p, &(struct layout){2, 3, 5, 2, 8, 16});
    struct fl_cost cost = fl_kv_append_cost(&p.shape);
    cr_expect_eq(fl_cost_flops(cost), 0);
    cr_expect_eq(cost.bytes_read, 4 * 2 * 6 * 16);
    cr_expect_eq(cost.bytes_written, 4 * 2 * 6 * 16);
    const struct fl_kv_copy copies[2] = {{0, 1, 3}, {2, 3, 7}};
    cost = fl_kv_copy_cost(copies, 2, &p.shape);
    cr_expect_eq(fl_cost_flops(cost), 0);
    cr_expect_eq(cost.bytes_read, 4 * 2 * 10 * 16);
    cr_expect_eq(cost.bytes_written, 4 * 2 * 10 * 16);
}

/* The first tokens of every head, and nothing else. */
Test(kv_append, copies_the_beginning_of_a_block)
{
    enum { HEADS = 2, TOKENS = 4, D = 3, BLOCK = HEADS * TOKENS * D };
    struct problem p;
    lay_out(&p, &(struct layout){1, 1, 0, HEADS, D, TOKENS});
    float *k = random_floats(3 * BLOCK, 1.0f, 1), *v = random_floats(3 * BLOCK, 1.0f, 2);
    float k_before[3 * BLOCK], v_before[3 * BLOCK];
    memcpy(k_before, k, sizeof k_before);
    memcpy(v_before, v, sizeof v_before);
    const struct fl_kv_copy copy = {0, 2, 3};
    fl_kv_copy(k, v, &copy, 1, &p.shape);
    for (int i = 0; i < 3 * BLOCK; i++) {
        bool copied = i >= 2 * BLOCK && i % (TOKENS * D) < 3 * D;
        cr_assert(k[i] == k_before[copied ? i - 2 * BLOCK : i], "k at %d", i);
        cr_assert(v[i] == v_before[copied ? i - 2 * BLOCK : i], "v at %d", i);
    }
    free(k);
    free(v);
}
