/* encdec_harness.h - small random encoder-decoders for tests. */
#ifndef ENCDEC_HARNESS_H
#define ENCDEC_HARNESS_H

#include "engine_harness.h"

/* T5, T5 1.1 and the classic kind take turns with the seed: gates, activations, biases, norms and
 * where they stand, positions, grouped queries, heads that do not add up to d_model, unequal
 * numbers of layers, separate vocabularies, tied logits. */
struct fl_config encdec_config(uint64_t seed);

/* What a model gives, in double precision and without any of the engine's code: the encoder over
 * source [n_source], the decoder over target [n_target]; every matrix f32. logits [n_target,
 * vocab_size], to be freed. */
double *encdec_reference(const struct fl_model *model, const int *source, int n_source,
                         const int *target, int n_target);

#endif
