/* The block tables against a model that knows nothing of blocks: each sequence as a list of tokens.
 * A block of the pool is a row of integers, written as a pass would write it. */
#include "engine/kv_cache.h"

#include "engine_harness.h"

#include <criterion/criterion.h>
#include <string.h>

enum { N_SEQS = 5, N_CTX = 40, N_BLOCKS_MAX = N_SEQS * N_CTX };

struct world {
    struct fl_kv_cache cache;
    struct fl_arena arena;
    int pool[N_BLOCKS_MAX][N_CTX];        /* what lies in the blocks */
    int tokens[N_SEQS][N_CTX], n[N_SEQS]; /* what should */
    int next;                             /* token, never the same twice */
};

static void world_open(struct world *w, int block_tokens, int n_blocks)
{
    struct fl_error error;
    memset(w, 0, sizeof *w);
    fl_kv_cache_plan(&w->cache, &w->arena, N_SEQS, N_CTX, block_tokens, n_blocks);
    size_t size = w->arena.used;
    cr_assert_eq(fl_arena_open(&w->arena, size, "test", &error), FL_OK);
    fl_kv_cache_plan(&w->cache, &w->arena, N_SEQS, N_CTX, block_tokens, n_blocks);
    fl_kv_cache_clear(&w->cache);
}

/* Appends and lets the window slide. */
static void append(struct world *w, int seq, int n)
{
    struct fl_kv_cache *cache = &w->cache;
    const int n_free = cache->n_free, need = fl_kv_cache_need(cache, seq, n);
    fl_kv_cache_extend(cache, seq, n);
    cr_assert_eq(n_free - cache->n_free, need, "the need is what is taken");
    for (int i = 0; i < cache->n_copies; i++)
        memcpy(w->pool[cache->copies[i].to], w->pool[cache->copies[i].from],
               (size_t)cache->copies[i].n_tokens * sizeof(int));
    cache->n_copies = 0;
    for (int i = 0; i < n; i++) {
        const int at = cache->lengths[seq]++;
        w->pool[fl_kv_cache_blocks(cache, seq)[at / cache->block_tokens]]
               [at % cache->block_tokens] = w->tokens[seq][w->n[seq]++] = w->next++;
    }
    const int seen = cache->lengths[seq] + 1 - cache->window - cache->n_rewind;
    const int before = cache->first[seq];
    fl_kv_cache_slide(cache, seq);
    const int want = cache->window > 0 && seen > 0 ? seen / cache->block_tokens : 0;
    cr_assert_eq(cache->first[seq], want > before ? want : before, "blocks let go");
}

/* What a query behind the sequence sees. */
static int first_seen(const struct fl_kv_cache *cache, int n)
{
    return cache->window > 0 && n >= cache->window ? n + 1 - cache->window : 0;
}

static void check(const struct world *w)
{
    const struct fl_kv_cache *cache = &w->cache;
    int owners[N_BLOCKS_MAX] = {0}, n_used = 0;
    for (int seq = 0; seq < N_SEQS; seq++) {
        const int *blocks = fl_kv_cache_blocks(cache, seq);
        cr_assert_eq(cache->lengths[seq], w->n[seq]);
        cr_assert(fl_kv_cache_holds(cache, seq, w->n[seq]));
        for (int i = first_seen(cache, w->n[seq]); i < w->n[seq]; i++)
            cr_assert_eq(w->pool[blocks[i / cache->block_tokens]][i % cache->block_tokens],
                         w->tokens[seq][i], "sequence %d, token %d", seq, i);
        for (int i = cache->first[seq]; i * cache->block_tokens < w->n[seq]; i++)
            owners[blocks[i]]++;
    }
    for (int i = 0; i < cache->n_blocks; i++) {
        cr_assert_eq(cache->n_owners[i], owners[i], "owners of block %d", i);
        n_used += owners[i] > 0;
    }
    cr_assert_eq(cache->n_free, cache->n_blocks - n_used);
}

Test(kv_cache, random_lives_keep_every_token)
{
    for (uint64_t seed = 0; seed < 80; seed++) {
        struct harness_random random = {seed};
        static struct world w;
        const int block_tokens = harness_pick(&random, 1, 17);
        const int most = N_SEQS * ((N_CTX + block_tokens - 1) / block_tokens);
        world_open(&w, block_tokens, harness_pick(&random, most / 2, most));
        if (seed % 2) /* every other one has a window */
            fl_kv_cache_set_window(&w.cache, harness_pick(&random, 1, N_CTX),
                                   harness_pick(&random, 0, 9));
        for (int step = 0; step < 400; step++) {
            const int seq = harness_pick(&random, 0, N_SEQS - 1);
            const int other = harness_pick(&random, 0, N_SEQS - 1);
            const int n = harness_pick(&random, 1, 9);
            switch (harness_pick(&random, 0, 3)) {
            case 0:
            case 1:
                if (w.n[seq] + n <= N_CTX && fl_kv_cache_need(&w.cache, seq, n) <= w.cache.n_free)
                    append(&w, seq, n);
                break;
            case 2: {
                const int kept = w.n[seq] * harness_pick(&random, 0, 4) / 4;
                if (!fl_kv_cache_holds(&w.cache, seq, kept))
                    break;
                w.n[seq] = kept;
                fl_kv_cache_truncate(&w.cache, seq, kept);
                break;
            }
            default: {
                const int keep = w.n[other] * harness_pick(&random, 0, 4) / 4;
                if (!fl_kv_cache_holds(&w.cache, other, keep))
                    break;
                fl_kv_cache_fork(&w.cache, seq, other, keep);
                memmove(w.tokens[seq], w.tokens[other], sizeof w.tokens[seq]);
                w.n[seq] = keep;
            }
            }
            check(&w);
        }
        fl_arena_close(&w.arena);
    }
}

Test(kv_cache, sharing_takes_no_blocks_and_writing_takes_one)
{
    static struct world w;
    world_open(&w, 8, 30);
    append(&w, 0, 21); /* three blocks, the last with five tokens */
    for (int seq = 1; seq < N_SEQS; seq++) {
        fl_kv_cache_fork(&w.cache, seq, 0, 21);
        memcpy(w.tokens[seq], w.tokens[0], sizeof w.tokens[0]);
        w.n[seq] = 21;
    }
    cr_expect_eq(w.cache.n_free, 27);
    for (int seq = 0; seq < N_SEQS; seq++) /* the last to write is alone with its block */
        cr_expect_eq(fl_kv_cache_need(&w.cache, seq, 1), 1);
    int together = 0;
    for (int seq = 0; seq < N_SEQS; seq++) {
        together += fl_kv_cache_need(&w.cache, seq, 1);
        fl_kv_cache_leave(&w.cache, seq);
    }
    for (int seq = 0; seq < N_SEQS; seq++)
        fl_kv_cache_join(&w.cache, seq);
    cr_expect_eq(together, N_SEQS - 1);
    for (int seq = 0; seq < N_SEQS; seq++)
        append(&w, seq, 1);
    cr_expect_eq(w.cache.n_free, 23);
    check(&w);
    fl_arena_close(&w.arena);
}
