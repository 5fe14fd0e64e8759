/* kv_cache.h - which blocks of the KV cache belong to which sequence.
 *
 * Only the bookkeeping: keys and values themselves lie in the session's pools (ops/batch.h). A
 * block holds block_tokens tokens of every layer. Sequences that begin alike share blocks; one that
 * is about to write into a shared block gets a copy of it first. Source: Kwon et al., 2023
 * (arXiv:2309.06180), sections 4.2 and 4.4. */
#ifndef FL_ENGINE_KV_CACHE_H
#define FL_ENGINE_KV_CACHE_H

#include "base/arena.h"
#include "ops/kv_append.h"

#include <stdbool.h>

struct fl_kv_cache {
    int n_seqs, n_blocks, block_tokens;
    int blocks_per_seq; /* of a full sequence */
    int *blocks;        /* [n_seqs, blocks_per_seq] */
    int *lengths;       /* [n_seqs] tokens */
    int *n_owners;      /* [n_blocks] sequences a block belongs to */
    int *free;          /* [n_blocks] the first n_free are nobody's */
    int n_free;
    struct fl_kv_copy *copies; /* [n_seqs] that the next pass begins with */
    int n_copies;
};

/* Takes its tables from an arena, which may be measuring. n_ctx: tokens of a full sequence. */
void fl_kv_cache_plan(struct fl_kv_cache *cache, struct fl_arena *arena, int n_seqs, int n_ctx,
                      int block_tokens, int n_blocks);
/* All sequences empty; once, behind the second plan. */
void fl_kv_cache_clear(struct fl_kv_cache *cache);

static inline const int *fl_kv_cache_blocks(const struct fl_kv_cache *cache, int seq)
{
    return cache->blocks + (long)seq * cache->blocks_per_seq;
}

/* Blocks that n_tokens more of a sequence take from the free ones, copies of shared ones included.
 */
int fl_kv_cache_need(const struct fl_kv_cache *cache, int seq, int n_tokens);

/* For the need of several sequences together: fl_kv_cache_need() of each, followed by a leave; then
 * a join of each. The last of those that share a block needs no copy of it. */
void fl_kv_cache_leave(struct fl_kv_cache *cache, int seq);
void fl_kv_cache_join(struct fl_kv_cache *cache, int seq);

/* Makes room for n_tokens behind what the sequence holds, and notes the copy that this may take in
 * `copies`. The blocks must be free. Its length stays. */
void fl_kv_cache_extend(struct fl_kv_cache *cache, int seq, int n_tokens);

/* Keeps the first n_tokens, at most what is there; blocks behind them are let go. */
void fl_kv_cache_truncate(struct fl_kv_cache *cache, int seq, int n_tokens);

/* `to` lets go of what it has and begins with the first n_tokens of `from`, in the same blocks. */
void fl_kv_cache_fork(struct fl_kv_cache *cache, int to, int from, int n_tokens);

#endif
