/* footprint.h - what a context costs in memory: the KV cache beside the weights. */
#ifndef FL_ANALYZERS_FOOTPRINT_H
#define FL_ANALYZERS_FOOTPRINT_H

#include "base/error.h"
#include "ledger/analytic.h"
#include "model/config.h"

/* Bytes of the keys and values of `batch` sequences of `context` tokens, f32. */
int fl_footprint_kv_cache(double *bytes, const struct fl_config *config, int64_t batch,
                          int64_t context, struct fl_error *error);

/* The smallest context at which the cache of `batch` sequences is larger than the weights. */
int fl_footprint_overtakes(int64_t *context, const struct fl_config *config, int64_t batch,
                           uint64_t weights_bytes, struct fl_error *error);

#endif
