/* kv_cache.h - which blocks of the KV cache belong to which sequence.
 *
 * Only the bookkeeping: keys and values themselves lie in the session's pools (ops/batch.h). A
 * block holds block_tokens tokens of every layer. Sequences that begin alike share blocks; one that
 * is about to write into a shared block gets a copy of it first. Source: Kwon et al., 2023
 * (arXiv:2309.06180), sections 4.2 and 4.4.
 *
 * Sliding windows: a query at position t sees the keys t - window + 1 .. t, so a whole block before
 * them is of no use to it nor to any later one. Where a window is set, such blocks are let go by
 * fl_kv_cache_slide(): a sequence holds the blocks of its window, and the bytes of its cache no
 * longer grow with its length. n_rewind tokens can still be taken back. */
#ifndef FL_ENGINE_KV_CACHE_H
#define FL_ENGINE_KV_CACHE_H

#include "base/arena.h"
#include "ops/kv_append.h"

#include <stdbool.h>
#include <stdint.h>

/* Tokens of a block where nobody says how many: vLLM's default, or all of a shorter context. */
enum { FL_KV_BLOCK_TOKENS = 16 };
static inline int fl_kv_block_tokens(int n_ctx)
{
    return n_ctx < FL_KV_BLOCK_TOKENS ? n_ctx : FL_KV_BLOCK_TOKENS;
}

/* Blocks that hold n_tokens; both numbers may be as large as an int. */
static inline int fl_kv_blocks(int n_tokens, int block_tokens)
{
    return n_tokens / block_tokens + (n_tokens % block_tokens != 0);
}

struct fl_kv_cache {
    int n_seqs, n_blocks, block_tokens;
    int blocks_per_seq; /* of a full sequence */
    int *blocks;        /* [n_seqs, blocks_per_seq] */
    int *lengths;       /* [n_seqs] tokens */
    int *first;         /* [n_seqs] blocks before this one were let go, the window has left them */
    int window;         /* 0: nothing slides */
    int n_rewind;
    int *n_owners; /* [n_blocks] sequences a block belongs to */
    int *free;     /* [n_blocks] the first n_free are nobody's */
    int n_free;
    struct fl_kv_copy *copies; /* [n_seqs] that the next pass begins with */
    int n_copies;
};

/* Takes its tables from an arena, which may be measuring. n_ctx: tokens of a full sequence. */
void fl_kv_cache_plan(struct fl_kv_cache *cache, struct fl_arena *arena, int n_seqs, int n_ctx,
                      int block_tokens, int n_blocks);
/* All sequences empty, no window; once, behind the second plan. */
void fl_kv_cache_clear(struct fl_kv_cache *cache);
/* From here on; window 0: none. */
void fl_kv_cache_set_window(struct fl_kv_cache *cache, int window, int n_rewind);

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

/* Lets go of the blocks that the window has left, for a query n_rewind tokens back, too. */
void fl_kv_cache_slide(struct fl_kv_cache *cache, int seq);

/* Whether the sequence has all that the query behind its first n_tokens sees: it may be truncated
 * or forked there. */
bool fl_kv_cache_holds(const struct fl_kv_cache *cache, int seq, int n_tokens);

/* The sequence, which is empty, holds n_tokens, whatever lies in the blocks that it takes. */
void fl_kv_cache_assume(struct fl_kv_cache *cache, int seq, int n_tokens);
int fl_kv_cache_need_assumed(const struct fl_kv_cache *cache, int n_tokens);

/* Keeps the first n_tokens, at most what is there and held; blocks behind them are let go. */
void fl_kv_cache_truncate(struct fl_kv_cache *cache, int seq, int n_tokens);

/* `to` lets go of what it has and begins with the first n_tokens of `from`, in the same blocks. */
void fl_kv_cache_fork(struct fl_kv_cache *cache, int to, int from, int n_tokens);

/* ---- how many blocks a sequence holds at most ---- */

/* Under a window (n_rewind added to it), in passes of at most n_pass tokens, however long it is:
 * window - 1 + n_pass tokens, wherever their first block begins. */
int fl_kv_window_blocks(int64_t window, int block_tokens, int n_pass);

/* A prompt in pieces of at most n_piece tokens, then token by token up to n_tokens: pass by pass,
 * so exactly. window 0: all of them. */
int fl_kv_text_blocks(int window, int block_tokens, int n_prompt, int n_piece, int n_tokens);

#endif
