/* embed.h - token ids to rows: out[i,:] = token_table[id_i,:] * scale + position_table[pos_i,:].
 *
 * scale is sqrt(d_model) in the original Transformer, Vaswani et al., 2017 (arXiv:1706.03762),
 * section 3.4, and 1 in most models. */
#ifndef FL_OPS_EMBED_H
#define FL_OPS_EMBED_H

#include "ops/linear.h"

#include <stdbool.h>

/* tokens, positions [n_rows], checked by the caller; token_table [vocab_size, d_model] in any
 * format; position_table [more than the largest position, d_model], or NULL: none; scale 1: none;
 * out [n_rows, d_model]. */
void fl_embed(float *out, const int *tokens, const int *positions, int n_rows,
              const struct fl_linear *token_table, const float *position_table, float scale);

/* Work fl_embed() executes. n_positions: rows of the position table that are read, 0 without one;
 * scaled: scale is not 1. A table's row is read only when it is used, so the bytes do not depend
 * on vocab_size. */
struct fl_cost fl_embed_cost(const struct fl_linear *token_table, int n_rows, int n_positions,
                             bool scaled);
struct fl_excess fl_embed_excess(const struct fl_linear *token_table, int n_rows, bool scaled);

#endif
