#include "engine/kv_cache.h"

#include <assert.h>
#include <stddef.h>

/* Blocks that hold n tokens; n and block_tokens may both be as large as an int. */
static int n_blocks_for(int n_tokens, int block_tokens)
{
    return n_tokens / block_tokens + (n_tokens % block_tokens != 0);
}

void fl_kv_cache_plan(struct fl_kv_cache *cache, struct fl_arena *arena, int n_seqs, int n_ctx,
                      int block_tokens, int n_blocks)
{
    const int blocks_per_seq = n_blocks_for(n_ctx, block_tokens);
    *cache = (struct fl_kv_cache){
        .n_seqs = n_seqs,
        .n_blocks = n_blocks,
        .block_tokens = block_tokens,
        .blocks_per_seq = blocks_per_seq,
        .blocks = fl_arena_take(arena, (size_t)n_seqs * (size_t)blocks_per_seq, sizeof(int)),
        .lengths = fl_arena_take(arena, (size_t)n_seqs, sizeof(int)),
        .n_owners = fl_arena_take(arena, (size_t)n_blocks, sizeof(int)),
        .free = fl_arena_take(arena, (size_t)n_blocks, sizeof(int)),
        .copies = fl_arena_take(arena, (size_t)n_seqs, sizeof(struct fl_kv_copy)),
    };
}

/* Blocks are taken from the end of the list: the first sequence to ask gets the first ones. */
void fl_kv_cache_clear(struct fl_kv_cache *cache)
{
    for (int i = 0; i < cache->n_seqs; i++)
        cache->lengths[i] = 0;
    for (int i = 0; i < cache->n_blocks; i++) {
        cache->n_owners[i] = 0;
        cache->free[i] = cache->n_blocks - 1 - i;
    }
    cache->n_free = cache->n_blocks;
    cache->n_copies = 0;
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
    const int n = n_blocks_for(length + n_tokens, cache->block_tokens) -
                  n_blocks_for(length, cache->block_tokens);
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
    for (int i = n_blocks_for(length, cache->block_tokens);
         i < n_blocks_for(length + n_tokens, cache->block_tokens); i++)
        blocks[i] = take_block(cache);
}

void fl_kv_cache_truncate(struct fl_kv_cache *cache, int seq, int n_tokens)
{
    const int *blocks = blocks_of(cache, seq);
    if (n_tokens >= cache->lengths[seq])
        return;
    for (int i = n_blocks_for(cache->lengths[seq], cache->block_tokens) - 1;
         i >= n_blocks_for(n_tokens, cache->block_tokens); i--)
        drop_block(cache, blocks[i]);
    cache->lengths[seq] = n_tokens;
}

void fl_kv_cache_fork(struct fl_kv_cache *cache, int to, int from, int n_tokens)
{
    assert(n_tokens <= cache->lengths[from]);
    if (to == from) {
        fl_kv_cache_truncate(cache, to, n_tokens);
        return;
    }
    const int *source = blocks_of(cache, from);
    int *target = blocks_of(cache, to);
    /* taken before `to` lets go: both may own the same blocks */
    for (int i = 0; i < n_blocks_for(n_tokens, cache->block_tokens); i++)
        cache->n_owners[source[i]]++;
    fl_kv_cache_truncate(cache, to, 0);
    for (int i = 0; i < n_blocks_for(n_tokens, cache->block_tokens); i++)
        target[i] = source[i];
    cache->lengths[to] = n_tokens;
}
