/* config_json.h - a model's shape as one line of JSON, and back. Every field of struct fl_config
 * is written, enumerations as the names of config_json.c; the text is canonical: equal configs
 * give equal text. */
#ifndef FL_STORE_CONFIG_JSON_H
#define FL_STORE_CONFIG_JSON_H

#include "base/error.h"
#include "model/config.h"

/* A malloc'd string. */
int fl_config_json_write(char **text, const struct fl_config *config, struct fl_error *error);

/* Refuses what lacks a field or carries one of another type; source starts the sentence. */
int fl_config_json_read(struct fl_config *config, const char *text, const char *source,
                        struct fl_error *error);

#endif
