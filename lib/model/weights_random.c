#include "model/weight_layout.h"
#include "ops/convert.h"

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

struct values {
    uint64_t key;
    float centre, reach;
};

/* out[i] = centre + uniform in [-reach, reach], for numbers first .. first + n - 1 of a tensor;
 * every 64 random bits make two. */
static void fill(float *out, size_t first, size_t n, const struct values *values)
{
    const float step = values->reach / 2147483648.0f;
    for (size_t i = first; i < first + n; i++) {
        const uint64_t bits = mix(values->key + (i / 2 + 1) * GOLDEN);
        out[i - first] =
            values->centre + step * (float)(int32_t)(uint32_t)(i % 2 ? bits >> 32 : bits);
    }
}

/* A tensor in its format, a piece of whole blocks at a time. */
static void fill_as(unsigned char *out, enum fl_dtype dtype, size_t n, const struct values *values)
{
    enum { PIECE = 2048 };
    const size_t n_pieces = (n + PIECE - 1) / PIECE;
#pragma omp parallel for schedule(static) if (n > 65536)
    for (size_t i = 0; i < n_pieces; i++) {
        float piece[PIECE];
        const size_t first = i * PIECE, length = n - first < PIECE ? n - first : PIECE;
        fill(piece, first, length, values);
        fl_from_f32(out + fl_dtype_bytes(dtype, first), piece, dtype, length);
    }
}

/* Matrices have standard deviation 1/sqrt(n_in), so a normalised input gives outputs near 1: the
 * residual stream grows with the square root of the depth at most, and logits spread by about 1. */
static void fill_slot(void *out, const struct fl_weight_slot *slot, uint64_t seed)
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
    struct values values = {key, 0.0f, 0.02f};
    if (gain)
        values = (struct values){key, 1.0f, 0.1f};
    else if (slot->n_cols > 0)
        values.reach = (float)sqrt(3.0 / slot->n_cols);
    fill_as(out, fl_weight_slot_dtype(slot), n, &values);
}

/* Takes a piece of the arena for each slot; into a real arena, with its values. */
static void lay_out(struct fl_model *model, struct fl_arena *arena, uint64_t seed)
{
    struct fl_weight_slot slots[FL_N_WEIGHT_ROLES];
    for (int group = 0; group < fl_weight_n_groups(model); group++) {
        int n = fl_weight_group(model, group, slots);
        for (int i = 0; i < n; i++) {
            const enum fl_dtype dtype = fl_weight_slot_dtype(&slots[i]);
            const uint64_t bytes = fl_dtype_bytes(dtype, fl_weight_slot_size(&slots[i]));
            float *piece = fl_arena_floats(arena, (bytes + sizeof(float) - 1) / sizeof(float));
            if (piece)
                fill_slot(piece, &slots[i], seed);
            fl_weight_slot_set(&slots[i], piece, dtype);
        }
    }
}

int fl_model_random_as(struct fl_model *model, const struct fl_config *config, enum fl_dtype dtype,
                       uint64_t seed, struct fl_error *error)
{
    *model = (struct fl_model){0};
    struct fl_arena measure = {0};
    if (fl_config_runnable(config, error) != FL_OK ||
        fl_model_prepare(model, config, "random", error) != FL_OK)
        goto fail;
    fl_model_set_dtype(model, dtype);
    lay_out(model, &measure, seed);
    if (fl_model_require(config, measure.used, error) != FL_OK ||
        fl_arena_open(&model->storage->arena, measure.used, config->name, error) != FL_OK)
        goto fail;
    lay_out(model, &model->storage->arena, seed);
    fl_model_finish(model);
    return FL_OK;
fail:
    fl_model_close(model);
    return FL_FAILED;
}

int fl_model_random(struct fl_model *model, const struct fl_config *config, uint64_t seed,
                    struct fl_error *error)
{
    return fl_model_random_as(model, config, FL_F32, seed, error);
}
