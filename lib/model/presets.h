/* presets.h - well-known shapes by name, each with the source of its numbers. */
#ifndef FL_MODEL_PRESETS_H
#define FL_MODEL_PRESETS_H

#include "model/config.h"

struct fl_preset {
    const char *source; /* where the numbers come from */
    struct fl_config config;
};

/* NULL when there is none; names are matched without regard to case. */
const struct fl_preset *fl_preset_find(const char *name);

/* All of them, sorted by family and size. */
const struct fl_preset *fl_presets(int *n);

#endif
