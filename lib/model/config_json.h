/* config_json.h - a config as JSON and back: the `model` member of outputs, and what the results
 * store keeps. Every field is written, under the names of struct fl_config. */
#ifndef FL_MODEL_CONFIG_JSON_H
#define FL_MODEL_CONFIG_JSON_H

#include "base/error.h"
#include "model/config.h"

#include <cJSON.h>

/* The caller deletes it; NULL when there is no memory. Also holds n_params, for readers. */
cJSON *fl_config_to_json(const struct fl_config *config);

/* Checked by fl_config_check(); source begins the error sentences. */
int fl_config_from_json(struct fl_config *config, const cJSON *object, const char *source,
                        struct fl_error *error);

#endif
