/* lab_slips.h - the wrong ways that lab "slips" sets beside the engine's own. */
#ifndef FL_BENCH_LAB_SLIPS_H
#define FL_BENCH_LAB_SLIPS_H

/* What some notes call LayerNorm: every feature is normalised over the tokens, so that a later
 * token changes what earlier ones get. x, out [n_tokens, d_model]; gain, bias [d_model]. */
void fl_lab_normalise_over_tokens(float *out, const float *x, const float *gain, const float *bias,
                                  int n_tokens, int d_model, float eps);

#endif
