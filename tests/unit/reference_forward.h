/* reference_forward.h - every decoder-only architecture once more: plain loops in double precision
 * from the papers' equations, token by token without a cache, sharing no code with the engine but
 * the reading of stored formats. Its memory grows with the model: for tiny ones. */
#ifndef REFERENCE_FORWARD_H
#define REFERENCE_FORWARD_H

#include "model/weights.h"

/* Logits of every position of tokens [n], [n, vocab_size]; release with free(). margin: NULL, or
 * receives the smallest margin by which any expert was chosen before the next one, relative to the
 * logits' size; infinite without experts. */
double *reference_logits(const struct fl_model *model, const int *tokens, int n, double *margin);

#endif
