#include "model/weight_layout.h"

#include <math.h>

/* Splitmix64 as a function of a counter: value i of a tensor depends on the seed, the tensor and i
 * alone, so any number of threads gives the same weights.
 * Source: Steele, Lea and Flood, 2014 (doi:10.1145/2660193.2660195). */
static const uint64_t GOLDEN = 0x9e3779b97f4a7c15u;

static inline uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* out[i] = centre + uniform in [-reach, reach]; every 64 random bits make two floats. */
static void fill(float *out, size_t n, uint64_t key, float centre, float reach)
{
    const float step = reach / 2147483648.0f;
    size_t n_pairs = n / 2;
#pragma omp parallel for schedule(static) if (n > 65536)
    for (size_t i = 0; i < n_pairs; i++) {
        uint64_t bits = mix(key + (i + 1) * GOLDEN);
        out[2 * i] = centre + step * (float)(int32_t)(uint32_t)bits;
        out[2 * i + 1] = centre + step * (float)(int32_t)(uint32_t)(bits >> 32);
    }
    if (n % 2)
        out[n - 1] = centre + step * (float)(int32_t)(uint32_t)mix(key + (n_pairs + 1) * GOLDEN);
}

/* Matrices have standard deviation 1/sqrt(n_in), so a normalised input gives outputs near 1: the
 * residual stream grows with the square root of the depth at most, and logits spread by about 1. */
static void fill_slot(float *out, const struct fl_weight_slot *slot, uint64_t seed)
{
    uint64_t tensor = (uint64_t)(slot->layer + 1) * FL_N_WEIGHT_ROLES + (uint64_t)slot->role;
    uint64_t key = mix((slot->encoder ? ~seed : seed) + GOLDEN * (tensor + 1));
    if (slot->expert >= 0)
        key = mix(key + GOLDEN * ((uint64_t)slot->expert + 1));
    size_t n = fl_weight_slot_size(slot);
    bool gain = slot->role == FL_WEIGHT_NORM_FINAL || slot->role == FL_WEIGHT_NORM_ATTN ||
                slot->role == FL_WEIGHT_NORM_FFN || slot->role == FL_WEIGHT_NORM_CROSS ||
                slot->role == FL_WEIGHT_Q_NORM || slot->role == FL_WEIGHT_K_NORM ||
                slot->role == FL_WEIGHT_ENCODER_NORM_FINAL;
    if (gain)
        fill(out, n, key, 1.0f, 0.1f);
    else if (slot->n_cols == 0)
        fill(out, n, key, 0.0f, 0.02f);
    else
        fill(out, n, key, 0.0f, (float)sqrt(3.0 / slot->n_cols));
}

/* Takes a piece of the arena for each slot; into a real arena, with its values. */
static void lay_out(struct fl_model *model, struct fl_arena *arena, uint64_t seed)
{
    struct fl_weight_slot slots[FL_N_WEIGHT_ROLES];
    for (int group = 0; group < fl_weight_n_groups(model); group++) {
        int n = fl_weight_group(model, group, slots);
        for (int i = 0; i < n; i++) {
            float *piece = fl_arena_floats(arena, fl_weight_slot_size(&slots[i]));
            if (piece)
                fill_slot(piece, &slots[i], seed);
            fl_weight_slot_set(&slots[i], piece, FL_F32);
        }
    }
}

int fl_model_random(struct fl_model *model, const struct fl_config *config, uint64_t seed,
                    struct fl_error *error)
{
    *model = (struct fl_model){0};
    struct fl_arena measure = {0};
    if (fl_config_runnable(config, error) != FL_OK ||
        fl_model_prepare(model, config, "random", fl_config_n_params(config) * sizeof(float),
                         error) != FL_OK)
        goto fail;
    lay_out(model, &measure, seed);
    if (fl_arena_open(&model->storage->arena, measure.used, config->name, error) != FL_OK)
        goto fail;
    lay_out(model, &model->storage->arena, seed);
    fl_model_finish(model);
    return FL_OK;
fail:
    fl_model_close(model);
    return FL_FAILED;
}
