/* prefix_cache.h - finds the sequence whose cache begins as a new prompt does.
 *
 * Only the search: keys and values stay in the session's blocks, and what is found is shared by
 * fl_session_fork(). A sequence is known by its whole blocks of block_tokens ids; the key of a
 * block is a hash over its ids and the key of the block before it, so that one look-up a block
 * finds the longest common prefix in whole blocks. Ids are compared as well: a collision costs
 * time, never a wrong prefix. The way of vLLM's automatic prefix caching (Kwon et al., 2023,
 * arXiv:2309.06180, and its documentation). */
#ifndef FL_ENGINE_PREFIX_CACHE_H
#define FL_ENGINE_PREFIX_CACHE_H

#include "base/error.h"

#include <stdint.h>

struct fl_prefix_cache {
    int n_seqs, block_tokens, blocks_per_seq;
    uint32_t n_buckets;   /* a power of two */
    int *ids;             /* [n_seqs, blocks_per_seq * block_tokens] */
    int *n_blocks;        /* [n_seqs] known of each */
    uint64_t *keys;       /* [n_seqs, blocks_per_seq] */
    int *buckets, *nexts; /* lists of entries seq * blocks_per_seq + block; -1: end */
};

/* n_ctx: ids of a full sequence. */
int fl_prefix_cache_open(struct fl_prefix_cache *cache, int n_seqs, int n_ctx, int block_tokens,
                         struct fl_error *error);
void fl_prefix_cache_close(struct fl_prefix_cache *cache);

/* The cache of seq holds the keys and values of ids [n_ids], which go on as those known of it. */
void fl_prefix_cache_note(struct fl_prefix_cache *cache, int seq, const int *ids, int n_ids);

/* seq keeps its first n_ids ids at most; 0: it is forgotten. */
void fl_prefix_cache_truncate(struct fl_prefix_cache *cache, int seq, int n_ids);

/* How many ids, in whole blocks, the longest known beginning of ids [n_ids] has; *seq is one that
 * holds it, -1 when there is none. */
int fl_prefix_cache_find(const struct fl_prefix_cache *cache, const int *ids, int n_ids, int *seq);

#endif
