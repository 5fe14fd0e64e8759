#include "engine/prefix_cache.h"

#include "base/checked.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int fl_prefix_cache_open(struct fl_prefix_cache *cache, int n_seqs, int n_ctx, int block_tokens,
                         struct fl_error *error)
{
    assert(n_seqs > 0 && n_ctx > 0 && block_tokens > 0);
    *cache = (struct fl_prefix_cache){
        .n_seqs = n_seqs, .block_tokens = block_tokens, .blocks_per_seq = n_ctx / block_tokens + 1};
    const size_t factors[] = {(size_t)n_seqs, (size_t)cache->blocks_per_seq, (size_t)block_tokens};
    size_t n_ids;
    if (!fl_size_product(factors, 3, &n_ids) || n_ids > INT32_MAX)
        return fl_fail(error, "prefix cache: %d sequences of %d tokens are too many", n_seqs,
                       n_ctx);
    const size_t n_entries = factors[0] * factors[1];
    for (cache->n_buckets = 16; cache->n_buckets < n_entries;)
        cache->n_buckets *= 2;
    cache->ids = calloc(n_ids, sizeof *cache->ids);
    cache->n_blocks = calloc((size_t)n_seqs, sizeof *cache->n_blocks);
    cache->keys = calloc(n_entries, sizeof *cache->keys);
    cache->nexts = calloc(n_entries, sizeof *cache->nexts);
    cache->buckets = malloc(cache->n_buckets * sizeof *cache->buckets);
    if (!cache->ids || !cache->n_blocks || !cache->keys || !cache->nexts || !cache->buckets) {
        fl_prefix_cache_close(cache);
        return fl_fail(error, "prefix cache: not enough memory for %d sequences of %d tokens",
                       n_seqs, n_ctx);
    }
    memset(cache->buckets, -1, cache->n_buckets * sizeof *cache->buckets);
    return FL_OK;
}

void fl_prefix_cache_close(struct fl_prefix_cache *cache)
{
    free(cache->ids);
    free(cache->n_blocks);
    free(cache->keys);
    free(cache->nexts);
    free(cache->buckets);
    *cache = (struct fl_prefix_cache){0};
}

/* FNV-1a over the ids' bytes, beginning with the key of the block before; the multiplication's
 * high bits are folded in, since buckets are chosen by the low ones. */
static uint64_t key_of(uint64_t before, const int *ids, int n)
{
    uint64_t key = before ^ UINT64_C(0xcbf29ce484222325);
    for (int i = 0; i < n; i++)
        for (int shift = 0; shift < 32; shift += 8) {
            key ^= ((uint32_t)ids[i] >> shift) & 0xff;
            key *= UINT64_C(0x100000001b3);
        }
    return key ^ (key >> 32);
}

static int *bucket_of(const struct fl_prefix_cache *cache, uint64_t key)
{
    return &cache->buckets[key & (cache->n_buckets - 1)];
}

static int *ids_of(const struct fl_prefix_cache *cache, int seq)
{
    return cache->ids + (size_t)seq * (size_t)cache->blocks_per_seq * (size_t)cache->block_tokens;
}

static void link_entry(struct fl_prefix_cache *cache, int entry)
{
    int *head = bucket_of(cache, cache->keys[entry]);
    cache->nexts[entry] = *head;
    *head = entry;
}

static void unlink_entry(struct fl_prefix_cache *cache, int entry)
{
    int *link = bucket_of(cache, cache->keys[entry]);
    while (*link != entry)
        link = &cache->nexts[*link];
    *link = cache->nexts[entry];
}

void fl_prefix_cache_note(struct fl_prefix_cache *cache, int seq, const int *ids, int n_ids)
{
    const int block_tokens = cache->block_tokens;
    int *own = ids_of(cache, seq);
    assert(seq >= 0 && seq < cache->n_seqs && n_ids / block_tokens <= cache->blocks_per_seq);
    for (int block = cache->n_blocks[seq]; block < n_ids / block_tokens; block++) {
        const int entry = seq * cache->blocks_per_seq + block;
        memcpy(own + block * block_tokens, ids + block * block_tokens,
               (size_t)block_tokens * sizeof *ids);
        cache->keys[entry] = key_of(block > 0 ? cache->keys[entry - 1] : 0,
                                    ids + block * block_tokens, block_tokens);
        link_entry(cache, entry);
        cache->n_blocks[seq] = block + 1;
    }
}

void fl_prefix_cache_truncate(struct fl_prefix_cache *cache, int seq, int n_ids)
{
    while (cache->n_blocks[seq] > n_ids / cache->block_tokens)
        unlink_entry(cache, seq * cache->blocks_per_seq + --cache->n_blocks[seq]);
}

/* A sequence that holds the first `block + 1` blocks of ids, whose last one has this key; or -1. */
static int holder(const struct fl_prefix_cache *cache, const int *ids, int block, uint64_t key)
{
    const size_t length = (size_t)(block + 1) * (size_t)cache->block_tokens;
    for (int entry = *bucket_of(cache, key); entry >= 0; entry = cache->nexts[entry]) {
        const int seq = entry / cache->blocks_per_seq;
        if (cache->keys[entry] == key && entry % cache->blocks_per_seq == block &&
            memcmp(ids_of(cache, seq), ids, length * sizeof *ids) == 0)
            return seq;
    }
    return -1;
}

int fl_prefix_cache_find(const struct fl_prefix_cache *cache, const int *ids, int n_ids, int *seq)
{
    uint64_t key = 0;
    int n_found = 0;
    *seq = -1;
    for (int block = 0; block < n_ids / cache->block_tokens; block++) {
        key = key_of(key, ids + block * cache->block_tokens, cache->block_tokens);
        const int found = holder(cache, ids, block, key);
        if (found < 0)
            break;
        *seq = found;
        n_found = (block + 1) * cache->block_tokens;
    }
    return n_found;
}
