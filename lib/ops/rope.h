/* rope.h - rotary position embedding: turns each pair of features of q and k by an angle that
 * grows with the position.
 *
 * For the pair (a, b) number i of a head at position m: angle = m * freq[i],
 * freq[i] = theta^(-2i / d), a' = a cos - b sin, b' = a sin + b cos, where d = rotary_dim is
 * head_dim, or less where only the first features of a head are rotated (GPT-NeoX,
 * arXiv:2204.06745).
 * Source: Su et al., 2021 (arXiv:2104.09864). linear: freq / factor, Chen et al., 2023
 * (arXiv:2306.15595). llama3: by the number of turns within original_ctx, a frequency that turns
 * more than high_freq_factor times is kept, fewer than low_freq_factor times divided by factor,
 * between them a mix linear in the turns; Llama 3.1 (arXiv:2407.21783). */
#ifndef FL_OPS_ROPE_H
#define FL_OPS_ROPE_H

#include "base/cost.h"

#include <stdbool.h>

enum fl_rope_scaling { FL_ROPE_PLAIN, FL_ROPE_LINEAR, FL_ROPE_LLAMA3 };

struct fl_rope_params {
    double theta;     /* base of the frequencies, 10000 in the paper */
    bool interleaved; /* pairs (2i, 2i+1), as llama2.c and GGUF llama store them; else (i, i+d/2) */
    enum fl_rope_scaling scaling;
    double factor, low_freq_factor, high_freq_factor;
    int original_ctx;
};

/* Fills the tables cosine, sine [n_ctx, rotary_dim / 2]; rotary_dim is even. Angles are computed in
 * double: at position 100,000 a float angle would be off by 0.004. */
void fl_rope_fill(float *cosine, float *sine, int n_ctx, int rotary_dim,
                  const struct fl_rope_params *params);

struct fl_rope_shape {
    int n_rows;
    int n_positions; /* different ones among the rows; for the cost */
    int n_heads, n_kv_heads, head_dim;
    bool interleaved;
    int rotary_dim; /* the first features of a head, at most head_dim; 0: all */
};

/* In place on q [n_rows, n_heads * head_dim] and k [n_rows, n_kv_heads * head_dim]; positions
 * [n_rows] are rows of the tables. */
void fl_rope(float *q, float *k, const int *positions, const float *cosine, const float *sine,
             const struct fl_rope_shape *shape);

/* Work fl_rope() executes: 4 multiplications and 2 additions a pair. Bytes: what is rotated of q
 * and k both ways, and n_positions rows of the tables. */
struct fl_cost fl_rope_cost(const struct fl_rope_shape *shape);

#endif
