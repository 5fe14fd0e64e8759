/* The longest common prefix in whole blocks, against comparing every sequence. */
#include "engine/prefix_cache.h"
#include "engine_harness.h"

#include <criterion/criterion.h>
#include <string.h>

enum { N_SEQS = 6, N_CTX = 37 };

struct known {
    int ids[N_SEQS][N_CTX], lengths[N_SEQS];
};

/* Whole blocks only, of what is known of each. */
static int naive_find(const struct known *known, const int *ids, int n_ids, int block_tokens)
{
    int best = 0;
    for (int seq = 0; seq < N_SEQS; seq++) {
        int n = 0;
        while (n < n_ids && n < known->lengths[seq] && known->ids[seq][n] == ids[n])
            n++;
        if (n / block_tokens * block_tokens > best)
            best = n / block_tokens * block_tokens;
    }
    return best;
}

/* Few different ids and copies of each other's beginnings, so that prefixes are common. */
static void draw_ids(struct harness_random *random, const struct known *known, int *ids)
{
    const int from = harness_pick(random, 0, N_SEQS - 1);
    const int n = harness_pick(random, 0, known->lengths[from]);
    memcpy(ids, known->ids[from], (size_t)n * sizeof *ids);
    for (int i = n; i < N_CTX; i++)
        ids[i] = harness_pick(random, 0, 2);
}

Test(prefix_cache, finds_what_comparing_all_finds)
{
    for (uint64_t seed = 0; seed < 40; seed++) {
        struct harness_random random = {seed};
        struct known known = {0};
        struct fl_prefix_cache cache;
        struct fl_error error;
        const int block_tokens = harness_pick(&random, 1, 9);
        int n_hits = 0;
        cr_assert(fl_prefix_cache_open(&cache, N_SEQS, N_CTX, block_tokens, &error) == FL_OK);
        for (int step = 0; step < 300; step++) {
            const int seq = harness_pick(&random, 0, N_SEQS - 1);
            int ids[N_CTX], found;
            draw_ids(&random, &known, ids);
            switch (harness_pick(&random, 0, 2)) {
            case 0: /* another text in this sequence, then more of it */
                memcpy(known.ids[seq], ids, sizeof ids);
                known.lengths[seq] = harness_pick(&random, 1, N_CTX);
                fl_prefix_cache_truncate(&cache, seq, 0);
                fl_prefix_cache_note(&cache, seq, ids, known.lengths[seq] / 2);
                fl_prefix_cache_note(&cache, seq, ids, known.lengths[seq]);
                break;
            case 1:
                known.lengths[seq] = harness_pick(&random, 0, known.lengths[seq]);
                fl_prefix_cache_truncate(&cache, seq, known.lengths[seq]);
                break;
            default:
                break;
            }
            /* a block is known while it is whole */
            for (int i = 0; i < N_SEQS; i++)
                cr_assert_eq(cache.n_blocks[i], known.lengths[i] / block_tokens);
            const int n = harness_pick(&random, 0, N_CTX);
            const int got = fl_prefix_cache_find(&cache, ids, n, &found);
            cr_assert_eq(got, naive_find(&known, ids, n, block_tokens));
            cr_assert_eq(found >= 0, got > 0);
            if (got > 0) {
                n_hits++;
                cr_assert_geq(known.lengths[found], got);
                cr_assert_arr_eq(known.ids[found], ids, (size_t)got * sizeof *ids);
            }
        }
        cr_expect_gt(n_hits, 20, "seed %d: hardly anything was found", (int)seed);
        fl_prefix_cache_close(&cache);
    }
}

Test(prefix_cache, refuses_what_cannot_be_addressed)
{
    struct fl_prefix_cache cache;
    struct fl_error error;
    cr_expect(fl_prefix_cache_open(&cache, 1 << 20, 1 << 20, 1, &error) == FL_FAILED);
    cr_expect(strstr(error.text, "too many"), "%s", error.text);
}
