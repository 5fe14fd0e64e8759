/* batch.h - which rows of a pass belong to which sequence, and where a sequence's keys and values
 * lie.
 *
 * A pass runs new tokens of several sequences at once, as rows of one matrix. Operators that treat
 * every row alike see only how many there are; those that know of sequences see spans: n_tokens new
 * rows of one sequence, behind n_past tokens that its cache holds.
 *
 * The cache of a layer is a pool of blocks, k and v each
 *
 *     [n_blocks, n_kv_heads, block_tokens, head_dim]
 *
 * and token t of a sequence lies in its block number t / block_tokens. A block may belong to
 * several sequences. Source: paged attention, Kwon et al., 2023 (arXiv:2309.06180). */
#ifndef FL_OPS_BATCH_H
#define FL_OPS_BATCH_H

#include <stddef.h>

struct fl_batch_span {
    int n_tokens, n_past;
    const int *blocks; /* of the sequence, [(n_past + n_tokens) / block_tokens, rounded up] */
    /* filled in by fl_batch_lay_out() */
    int first_key;     /* the first key any of its queries sees; 0 without a window */
    size_t first_row;  /* among the rows of the pass */
    size_t first_pair; /* query-key pairs of the spans before it, in rectangles */
};

struct fl_batch {
    const struct fl_batch_span *spans;
    int n_spans;
    int n_rows;           /* of all spans */
    const int *positions; /* [n_rows] */
};

/* Fills in what follows from n_tokens and n_past, positions [sum of n_tokens] included. window: a
 * query sees that many keys at most, itself included; 0: all. */
struct fl_batch fl_batch_lay_out(struct fl_batch_span *spans, int n_spans, int *positions,
                                 int window);

/* Keys of a span that any of its queries sees. */
static inline size_t fl_batch_n_keys(const struct fl_batch_span *span)
{
    return (size_t)span->n_past + (size_t)span->n_tokens - (size_t)span->first_key;
}

/* Rows of a position table that a pass reads: sequences that stand at the same place share theirs.
 */
int fl_batch_n_positions(const struct fl_batch *batch);

#endif
