#include "model/presets.h"
#include "model/weight_layout.h"

#include <criterion/criterion.h>
#include <math.h>
#include <omp.h>
#include <string.h>

static struct fl_model random_model(const char *preset, uint64_t seed)
{
    struct fl_model model;
    struct fl_error error = {""};
    cr_assert_eq(fl_model_random(&model, &fl_preset_find(preset)->config, seed, &error), FL_OK,
                 "%s", error.text);
    return model;
}

/* Calls visit for every slot of the model. */
static void each_slot(struct fl_model *model, void (*visit)(const struct fl_weight_slot *, void *),
                      void *context)
{
    struct fl_weight_slot slots[FL_N_WEIGHT_ROLES];
    for (int layer = FL_GLOBAL_SLOTS; layer < fl_n_slot_layers(&model->config); layer++) {
        int n = fl_weight_slots(model, layer, slots);
        for (int i = 0; i < n; i++)
            visit(&slots[i], context);
    }
}

static void hash_slot(const struct fl_weight_slot *slot, void *context)
{
    uint64_t *hash = context;
    for (size_t i = 0; i < fl_weight_slot_size(slot); i++) {
        uint32_t bits;
        memcpy(&bits, (const float *)fl_weight_slot_data(slot) + i, sizeof bits);
        *hash = (*hash ^ bits) * 0x100000001b3u;
    }
}

static uint64_t hash_model(const char *preset, uint64_t seed)
{
    struct fl_model model = random_model(preset, seed);
    uint64_t hash = 0;
    each_slot(&model, hash_slot, &hash);
    fl_model_close(&model);
    return hash;
}

Test(weights_random, depends_on_the_seed_and_not_on_the_threads)
{
    uint64_t first = hash_model("stories15m", 1);
    cr_expect_neq(hash_model("stories15m", 2), first);
    omp_set_num_threads(3);
    cr_expect_eq(hash_model("stories15m", 1), first);
    omp_set_num_threads(1);
    cr_expect_eq(hash_model("stories15m", 1), first);
}

/* Mean and standard deviation of every matrix within five standard errors: of n uniform values
 * they are s/sqrt(n) and about s*0.45/sqrt(n). */
static void check_moments(const struct fl_weight_slot *slot, void *context)
{
    (void)context;
    if (slot->n_cols == 0)
        return;
    size_t n = fl_weight_slot_size(slot);
    double sum = 0, squares = 0, expected = 1 / sqrt(slot->n_cols);
    for (size_t i = 0; i < n; i++) {
        double value = ((const float *)fl_weight_slot_data(slot))[i];
        sum += value;
        squares += value * value;
    }
    double mean = sum / (double)n, deviation = sqrt(squares / (double)n - mean * mean);
    cr_expect_lt(fabs(mean), 5 * expected / sqrt((double)n), "role %d mean %g", slot->role, mean);
    cr_expect_lt(fabs(deviation - expected), 5 * 0.45 * expected / sqrt((double)n),
                 "role %d deviation %g, expected %g", slot->role, deviation, expected);
}

Test(weights_random, matrices_keep_activations_in_scale)
{
    struct fl_model model = random_model("gpt2-nano", 7);
    each_slot(&model, check_moments, NULL);
    fl_model_close(&model);
}

Test(weights_random, every_parameter_is_stored_once)
{
    static const char *const NAMES[] = {"classic-nano", "gpt2-nano", "llama-nano"};
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        struct fl_model model = random_model(NAMES[i], 1);
        cr_expect_eq(model.weight_bytes, 4 * fl_config_n_params(&model.config), "%s", NAMES[i]);
        cr_expect_str_eq(model.format, "random");
        cr_expect_eq(model.logits.weight, model.token_embedding.weight);
        fl_model_close(&model);
    }
}

Test(weights_random, what_does_not_fit_is_refused_with_its_size)
{
    struct fl_model model;
    struct fl_error error = {""};
    const struct fl_config *config = &fl_preset_find("llama-3.1-405b")->config;
    cr_expect_eq(fl_model_random(&model, config, 1, &error), FL_FAILED);
    /* 405853388800 * 4 / 2^30 */
    cr_expect_not_null(strstr(error.text, "1511.92 GiB"), "%s", error.text);
    cr_expect_not_null(strstr(error.text, "llama-3.1-405b"), "%s", error.text);
    cr_expect_null(model.storage);
}

Test(weights_random, what_cannot_run_is_refused_by_name)
{
    struct fl_model model;
    struct fl_error error = {""};
    cr_expect_eq(fl_model_random(&model, &fl_preset_find("mixtral-8x7b")->config, 1, &error),
                 FL_FAILED);
    cr_expect_not_null(strstr(error.text, "mixtral"), "%s", error.text);
}
