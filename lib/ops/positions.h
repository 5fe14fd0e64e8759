/* positions.h - the sinusoidal position table.
 *
 * table[pos, 2i] = sin(pos / 10000^(2i / d_model)), table[pos, 2i+1] = cos of the same.
 * Source: Vaswani et al., 2017 (arXiv:1706.03762), section 3.5. */
#ifndef FL_OPS_POSITIONS_H
#define FL_OPS_POSITIONS_H

/* table [n_ctx, d_model] f32, computed in double. Filled once, when a session opens. */
void fl_positions_sinusoidal(float *table, int n_ctx, int d_model);

/* The variant of Tensor2Tensor, Vaswani et al., 2018 (arXiv:1803.07416), and of OpenNMT: row i
 * belongs to position i + 1; table[i, j] = sin((i + 1) r_j) and
 * table[i, d_model/2 + j] = cos((i + 1) r_j), r_j = 10000^(-j / (d_model/2 - 1)).
 * d_model is even and at least 4. */
void fl_positions_halves(float *table, int n_ctx, int d_model);

#endif
