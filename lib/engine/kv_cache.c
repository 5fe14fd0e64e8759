#include "engine/kv_cache.h"

#include <assert.h>
#include <limits.h>
#include <stddef.h>

void fl_kv_cache_plan(struct fl_kv_cache *cache, struct fl_arena *arena, int n_seqs, int n_ctx,
                      int block_tokens, int n_blocks)
{
    const int blocks_per_seq = fl_kv_blocks(n_ctx, block_tokens);
    *cache = (struct fl_kv_cache){
        .n_seqs = n_seqs,
        .n_blocks = n_blocks,
        .block_tokens = block_tokens,
        .blocks_per_seq = blocks_per_seq,
        .blocks = fl_arena_take(arena, (size_t)n_seqs * (size_t)blocks_per_seq, sizeof(int)),
        .lengths = fl_arena_take(arena, (size_t)n_seqs, sizeof(int)),
        .first = fl_arena_take(arena, (size_t)n_seqs, sizeof(int)),
        .n_owners = fl_arena_take(arena, (size_t)n_blocks, sizeof(int)),
        .free = fl_arena_take(arena, (size_t)n_blocks, sizeof(int)),
        .copies = fl_arena_take(arena, (size_t)n_seqs, sizeof(struct fl_kv_copy)),
    };
}

/* Blocks are taken from the end of the list: the first sequence to ask gets the first ones. */
void fl_kv_cache_clear(struct fl_kv_cache *cache)
{
    for (int i = 0; i < cache->n_seqs; i++)
        cache->lengths[i] = cache->first[i] = 0;
    for (int i = 0; i < cache->n_blocks; i++) {
        cache->n_owners[i] = 0;
        cache->free[i] = cache->n_blocks - 1 - i;
    }
    cache->n_free = cache->n_blocks;
    cache->n_copies = 0;
    cache->window = cache->n_rewind = 0;
}

void fl_kv_cache_set_window(struct fl_kv_cache *cache, int window, int n_rewind)
{
    cache->window = window;
    cache->n_rewind = n_rewind;
}

static int *blocks_of(struct fl_kv_cache *cache, int seq)
{
    return cache->blocks + (ptrdiff_t)seq * cache->blocks_per_seq;
}

/* The block that the next token goes to holds tokens of others as well. */
static bool shares_last(const struct fl_kv_cache *cache, int seq)
{
    const int length = cache->lengths[seq];
    return length % cache->block_tokens != 0 &&
           cache->n_owners[fl_kv_cache_blocks(cache, seq)[length / cache->block_tokens]] > 1;
}

int fl_kv_cache_need(const struct fl_kv_cache *cache, int seq, int n_tokens)
{
    const int length = cache->lengths[seq];
    const int n = fl_kv_blocks(length + n_tokens, cache->block_tokens) -
                  fl_kv_blocks(length, cache->block_tokens);
    return n_tokens > 0 && shares_last(cache, seq) ? n + 1 : n;
}

/* The owners of the block that the next token goes to, if it holds tokens already. */
static void own_last(struct fl_kv_cache *cache, int seq, int change)
{
    const int length = cache->lengths[seq];
    if (length % cache->block_tokens != 0)
        cache->n_owners[blocks_of(cache, seq)[length / cache->block_tokens]] += change;
}

void fl_kv_cache_leave(struct fl_kv_cache *cache, int seq)
{
    own_last(cache, seq, -1);
}

void fl_kv_cache_join(struct fl_kv_cache *cache, int seq)
{
    own_last(cache, seq, 1);
}

static int take_block(struct fl_kv_cache *cache)
{
    assert(cache->n_free > 0);
    const int block = cache->free[--cache->n_free];
    cache->n_owners[block] = 1;
    return block;
}

/* The first block that a query at this position sees. */
static int first_seen(int window, int block_tokens, int position)
{
    return window > 0 && position >= window ? (position + 1 - window) / block_tokens : 0;
}

static void drop_block(struct fl_kv_cache *cache, int block)
{
    assert(cache->n_owners[block] > 0);
    if (--cache->n_owners[block] == 0)
        cache->free[cache->n_free++] = block;
}

void fl_kv_cache_extend(struct fl_kv_cache *cache, int seq, int n_tokens)
{
    int *blocks = blocks_of(cache, seq);
    const int length = cache->lengths[seq], last = length / cache->block_tokens;
    if (shares_last(cache, seq)) {
        const int shared = blocks[last];
        blocks[last] = take_block(cache);
        drop_block(cache, shared);
        cache->copies[cache->n_copies++] =
            (struct fl_kv_copy){shared, blocks[last], length % cache->block_tokens};
    }
    for (int i = fl_kv_blocks(length, cache->block_tokens);
         i < fl_kv_blocks(length + n_tokens, cache->block_tokens); i++)
        blocks[i] = take_block(cache);
}

static int slid_to(const struct fl_kv_cache *cache, int n_tokens)
{
    const int back = n_tokens - cache->n_rewind;
    return back > 0 ? first_seen(cache->window, cache->block_tokens, back) : 0;
}

void fl_kv_cache_slide(struct fl_kv_cache *cache, int seq)
{
    const int *blocks = blocks_of(cache, seq);
    const int first = slid_to(cache, cache->lengths[seq]);
    for (; cache->first[seq] < first; cache->first[seq]++)
        drop_block(cache, blocks[cache->first[seq]]);
}

bool fl_kv_cache_holds(const struct fl_kv_cache *cache, int seq, int n_tokens)
{
    return n_tokens == 0 ||
           cache->first[seq] <= first_seen(cache->window, cache->block_tokens, n_tokens);
}

int fl_kv_cache_need_assumed(const struct fl_kv_cache *cache, int n_tokens)
{
    return fl_kv_blocks(n_tokens, cache->block_tokens) - slid_to(cache, n_tokens);
}

void fl_kv_cache_assume(struct fl_kv_cache *cache, int seq, int n_tokens)
{
    int *blocks = blocks_of(cache, seq);
    assert(cache->lengths[seq] == 0);
    cache->first[seq] = slid_to(cache, n_tokens);
    for (int i = cache->first[seq]; i < fl_kv_blocks(n_tokens, cache->block_tokens); i++)
        blocks[i] = take_block(cache);
    cache->lengths[seq] = n_tokens;
}

void fl_kv_cache_truncate(struct fl_kv_cache *cache, int seq, int n_tokens)
{
    const int *blocks = blocks_of(cache, seq);
    if (n_tokens >= cache->lengths[seq])
        return;
    assert(fl_kv_cache_holds(cache, seq, n_tokens));
    const int n_kept = fl_kv_blocks(n_tokens, cache->block_tokens);
    const int end = n_kept > cache->first[seq] ? n_kept : cache->first[seq];
    for (int i = fl_kv_blocks(cache->lengths[seq], cache->block_tokens) - 1; i >= end; i--)
        drop_block(cache, blocks[i]);
    cache->lengths[seq] = n_tokens;
    if (n_tokens == 0)
        cache->first[seq] = 0;
}

void fl_kv_cache_fork(struct fl_kv_cache *cache, int to, int from, int n_tokens)
{
    assert(n_tokens <= cache->lengths[from] && fl_kv_cache_holds(cache, from, n_tokens));
    if (to == from) {
        fl_kv_cache_truncate(cache, to, n_tokens);
        return;
    }
    const int *source = blocks_of(cache, from);
    int *target = blocks_of(cache, to);
    const int first = n_tokens > 0 ? cache->first[from] : 0,
              end = fl_kv_blocks(n_tokens, cache->block_tokens);
    /* taken before `to` lets go: both may own the same blocks */
    for (int i = first; i < end; i++)
        cache->n_owners[source[i]]++;
    fl_kv_cache_truncate(cache, to, 0);
    for (int i = first; i < end; i++)
        target[i] = source[i];
    cache->lengths[to] = n_tokens;
    cache->first[to] = first;
}

int fl_kv_window_blocks(int64_t window, int block_tokens, int n_pass)
{
    const int64_t n = (window - 1 + n_pass + block_tokens - 2) / block_tokens + 1;
    return n < INT_MAX ? (int)n : INT_MAX;
}

int fl_kv_text_blocks(int window, int block_tokens, int n_prompt, int n_piece, int n_tokens)
{
    int most = 0;
    for (int length = 0, n; length < n_tokens; length += n) {
        const int left = n_prompt - length;
        n = left > n_piece ? n_piece : left > 0 ? left : 1;
        const int held =
            fl_kv_blocks(length + n, block_tokens) - first_seen(window, block_tokens, length);
        most = held > most ? held : most;
    }
    return most;
}
