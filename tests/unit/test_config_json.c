#include "model/config_json.h"
#include "model/presets.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

/* Through text and back; what the config does not say about rotary positions must be zero. */
static struct fl_config there_and_back(const struct fl_config *config)
{
    struct fl_config back;
    struct fl_error error = {""};
    cJSON *object = fl_config_to_json(config);
    char *text = cJSON_PrintUnformatted(object);
    cJSON *parsed = cJSON_Parse(text);
    cr_assert_not_null(parsed);
    cr_assert_eq(fl_config_from_json(&back, parsed, "test", &error), FL_OK, "%s", error.text);
    cJSON_Delete(object);
    cJSON_Delete(parsed);
    free(text);
    return back;
}

static void expect_equal(const struct fl_config *a, const struct fl_config *b)
{
    cJSON *x = fl_config_to_json(a), *y = fl_config_to_json(b);
    cr_expect(cJSON_Compare(x, y, 1), "%s differs", a->name);
    cr_expect_eq(a->norm_eps, b->norm_eps, "%s", a->name); /* cJSON_Compare allows an epsilon */
    cr_expect_eq(a->rope.theta, b->rope.theta, "%s", a->name);
    cJSON_Delete(x);
    cJSON_Delete(y);
}

Test(config_json, every_preset_survives_the_round_trip)
{
    int n;
    const struct fl_preset *presets = fl_presets(&n);
    for (int i = 0; i < n; i++) {
        struct fl_config back = there_and_back(&presets[i].config);
        expect_equal(&presets[i].config, &back);
    }
}

Test(config_json, every_field_matters)
{
    /* each number doubled and each switch turned in the JSON must show in the config */
    const struct fl_config *config = &fl_preset_find("llama-3.1-8b")->config;
    static const char *const DOUBLED[] = {"d_model",   "d_ff",     "n_layers", "vocab_size",
                                          "n_ctx_max", "head_dim", "n_heads",  "norm_eps"};
    for (size_t i = 0; i < sizeof DOUBLED / sizeof *DOUBLED; i++) {
        struct fl_config back;
        struct fl_error error = {""};
        cJSON *object = fl_config_to_json(config);
        cJSON *item = cJSON_GetObjectItem(object, DOUBLED[i]);
        double doubled = 2 * item->valuedouble;
        cJSON_SetNumberHelper(item, doubled);
        cr_assert_eq(fl_config_from_json(&back, object, "test", &error), FL_OK, "%s", error.text);
        cJSON *again = fl_config_to_json(&back);
        cr_expect_eq(cJSON_GetObjectItem(again, DOUBLED[i])->valuedouble, doubled, "%s",
                     DOUBLED[i]);
        cJSON_Delete(object);
        cJSON_Delete(again);
    }
}

Test(config_json, what_is_missing_or_wrong_is_refused_by_name)
{
    static const char *const KEYS[] = {"name", "arch", "d_model", "norm", "tied", "rope", "eos_id"};
    for (size_t i = 0; i < 2 * (sizeof KEYS / sizeof *KEYS); i++) {
        const char *key = KEYS[i / 2];
        struct fl_config back;
        struct fl_error error = {""};
        cJSON *object = fl_config_to_json(&fl_preset_find("llama-2-7b")->config);
        cJSON_DeleteItemFromObject(object, key);
        if (i % 2)
            cJSON_AddItemToObject(object, key, cJSON_CreateArray());
        cr_expect_eq(fl_config_from_json(&back, object, "test", &error), FL_FAILED, "%s", key);
        cr_expect_not_null(strstr(error.text, key), "%s", error.text);
        cJSON_Delete(object);
    }
}
