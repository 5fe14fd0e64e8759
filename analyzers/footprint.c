#include "analyzers/footprint.h"

static int kv_cache(fl_wide *bytes, const struct fl_config *config, int64_t batch, int64_t context,
                    struct fl_error *error)
{
    static const struct fl_convention CONVENTION = {FL_UNIT_FLOP, FL_CAUSAL_EXACT, FL_LM_HEAD_LAST,
                                                    true, false};
    struct fl_shape shape = {.batch = batch, .n_tokens = 1, .n_past = context - 1};
    struct fl_analytic analytic;
    if (fl_analytic(&analytic, config, &shape, &CONVENTION, error) != FL_OK)
        return FL_FAILED;
    *bytes = analytic.kv_cache_bytes;
    return FL_OK;
}

int fl_footprint_kv_cache(double *bytes, const struct fl_config *config, int64_t batch,
                          int64_t context, struct fl_error *error)
{
    fl_wide exact;
    if (kv_cache(&exact, config, batch, context, error) != FL_OK)
        return FL_FAILED;
    *bytes = (double)exact;
    return FL_OK;
}

int fl_footprint_overtakes(int64_t *context, const struct fl_config *config, int64_t batch,
                           uint64_t weights_bytes, struct fl_error *error)
{
    fl_wide per_token; /* the cache is linear in the context */
    if (kv_cache(&per_token, config, batch, 1, error) != FL_OK)
        return FL_FAILED;
    if (per_token <= 0)
        return fl_fail(error, "%s: expected a model with a KV cache", config->name);
    *context = (int64_t)((fl_wide)weights_bytes / per_token) + 1;
    return FL_OK;
}
