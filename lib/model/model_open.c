#include "model/presets.h"
#include "model/weights.h"

int fl_config_runnable(const struct fl_config *config, struct fl_error *error)
{
    if (config->n_encoder_layers > 0 || config->positions == FL_POS_RELATIVE)
        return fl_fail(error, "%s: encoder-decoder models (%s) can be counted but not run yet",
                       config->name, fl_arch_name(config->arch));
    if (config->n_experts > 0)
        return fl_fail(error, "%s: mixture-of-experts models (%s) can be counted but not run yet",
                       config->name, fl_arch_name(config->arch));
    return FL_OK;
}

static int unknown(const char *spec, struct fl_error *error)
{
    return fl_fail(error, "%s: expected the name of a preset or an existing file", spec);
}

int fl_config_open(struct fl_config *config, const char *spec, struct fl_error *error)
{
    const struct fl_preset *preset = fl_preset_find(spec);
    if (!preset)
        return unknown(spec, error);
    *config = preset->config;
    return FL_OK;
}

int fl_model_open(struct fl_model *model, const char *spec, uint64_t seed, struct fl_error *error)
{
    *model = (struct fl_model){0};
    const struct fl_preset *preset = fl_preset_find(spec);
    if (!preset)
        return unknown(spec, error);
    return fl_model_random(model, &preset->config, seed, error);
}
