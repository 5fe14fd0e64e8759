#include "model/llama2c.h"
#include "base/units.h"
#include "model/weight_layout.h"

#include <assert.h>
#include <limits.h>
#include <string.h>

enum {
    MAGIC = 0x616b3432,
    LEGACY_HEADER = 7 * 4, /* bytes */
    VERSION_1_HEADER = 256,
    SHARED_FLAG_AT = 2 * 4 + 7 * 4
};

/* The order of the tensors. Those of layers: all layers of one role, then the next role. */
enum { ROTARY_TABLES = FL_N_WEIGHT_ROLES }; /* two of [n_ctx, head_dim / 2] */
static const int LEGACY_ORDER[] = {
    FL_WEIGHT_TOKEN_EMBEDDING,
    FL_WEIGHT_NORM_ATTN,
    FL_WEIGHT_Q,
    FL_WEIGHT_K,
    FL_WEIGHT_V,
    FL_WEIGHT_ATTN_OUT,
    FL_WEIGHT_NORM_FFN,
    FL_WEIGHT_FFN_GATE,
    FL_WEIGHT_FFN_DOWN,
    FL_WEIGHT_FFN_UP,
    FL_WEIGHT_NORM_FINAL,
    ROTARY_TABLES,
    FL_WEIGHT_LOGITS,
};
static const int VERSION_1_ORDER[] = {
    FL_WEIGHT_NORM_ATTN, FL_WEIGHT_NORM_FFN, FL_WEIGHT_NORM_FINAL, FL_WEIGHT_TOKEN_EMBEDDING,
    FL_WEIGHT_Q,         FL_WEIGHT_K,        FL_WEIGHT_V,          FL_WEIGHT_ATTN_OUT,
    FL_WEIGHT_FFN_GATE,  FL_WEIGHT_FFN_DOWN, FL_WEIGHT_FFN_UP,     FL_WEIGHT_LOGITS,
};

struct layout {
    size_t header;    /* bytes */
    const int *order; /* enum fl_weight_role, or ROTARY_TABLES */
    int n_roles;
};
static const struct layout LEGACY = {LEGACY_HEADER, LEGACY_ORDER,
                                     sizeof LEGACY_ORDER / sizeof *LEGACY_ORDER};
static const struct layout VERSION_1 = {VERSION_1_HEADER, VERSION_1_ORDER,
                                        sizeof VERSION_1_ORDER / sizeof *VERSION_1_ORDER};

static int32_t int_at(const struct fl_mapping *file, size_t offset)
{
    int32_t value;
    memcpy(&value, file->data + offset, sizeof value);
    return value;
}

/* The seven numbers of the header, which start at `offset`. */
static int read_config(struct fl_config *config, const struct fl_mapping *file, size_t offset,
                       const char *path, struct fl_error *error)
{
    int *const fields[] = {&config->d_model,  &config->d_ff,       &config->n_layers,
                           &config->n_heads,  &config->n_kv_heads, &config->vocab_size,
                           &config->n_ctx_max};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        *fields[i] = int_at(file, offset + 4 * i);
    if (config->n_heads < 1 || config->d_model % config->n_heads != 0)
        return fl_fail(error, "%s: n_heads: expected a divisor of d_model (%d), not %d", path,
                       config->d_model, config->n_heads);
    config->head_dim = config->d_model / config->n_heads;
    return FL_OK;
}

static int read_header(struct fl_config *config, const struct layout **layout,
                       const struct fl_mapping *file, const char *path, struct fl_error *error)
{
    if (file->size < LEGACY_HEADER)
        return fl_fail(error, "%s: expected a llama2.c model of at least %d bytes, not %zu", path,
                       LEGACY_HEADER, file->size);
    if (memcmp(file->data, "PK", 2) == 0)
        return fl_fail(error,
                       "%s: expected a llama2.c model, this is a ZIP archive as PyTorch "
                       "writes them",
                       path);
    bool legacy = int_at(file, 0) != MAGIC;
    *layout = legacy ? &LEGACY : &VERSION_1;
    if (!legacy && int_at(file, 4) != 1)
        return fl_fail(error,
                       "%s: version: expected the legacy layout or version 1 (32-bit floats), not "
                       "version %d",
                       path, int_at(file, 4));
    if (file->size < (*layout)->header)
        return fl_fail(error, "%s: expected a header of %zu bytes, the file has %zu", path,
                       (*layout)->header, file->size);
    if (read_config(config, file, legacy ? 0 : 8, path, error) != FL_OK)
        return FL_FAILED;
    if (legacy) {
        config->tied = config->vocab_size > 0;
        if (config->vocab_size < 0 && config->vocab_size != INT_MIN)
            config->vocab_size = -config->vocab_size;
    } else
        config->tied = file->data[SHARED_FLAG_AT] != 0;
    if (config->vocab_size < 3) /* too few for the usual ids */
        config->bos_id = config->eos_id = -1;
    return fl_config_check(config, path, error);
}

/* What the file's size must be, given its header. */
static int check_size(const struct fl_config *config, const struct layout *layout,
                      const struct fl_mapping *file, const char *path, struct fl_error *error)
{
    fl_wide n_floats = fl_config_n_params(config);
    for (int i = 0; i < layout->n_roles; i++)
        if (layout->order[i] == ROTARY_TABLES)
            n_floats += (fl_wide)config->n_ctx_max * (config->head_dim / 2) * 2;
    fl_wide size = (fl_wide)layout->header + n_floats * (fl_wide)sizeof(float);
    if (size == (fl_wide)file->size)
        return FL_OK;
    char expected[FL_WIDE_DIGITS];
    return fl_fail(error, "%s: size: expected %s bytes by its header, the file has %zu", path,
                   fl_wide_text(size, expected), file->size);
}

/* Maps the file and fills config. */
static int open_file(struct fl_mapping *file, struct fl_config *config,
                     const struct layout **layout, const char *path, const char *name,
                     struct fl_error *error)
{
    /* facts of the program that the file does not hold: run.c of llama2.c */
    *config = (struct fl_config){
        .arch = FL_ARCH_LLAMA,
        .norm = FL_NORM_RMSNORM,
        .norm_eps = 1e-5,
        .activation = FL_ACT_SILU,
        .gated = true,
        .positions = FL_POS_ROPE,
        .rope = {.theta = 10000, .interleaved = true},
        .bos_id = 1,
        .eos_id = 2,
    };
    fl_config_set_name(config, name);
    if (fl_file_map(file, path, error) != FL_OK)
        return FL_FAILED;
    if (read_header(config, layout, file, path, error) == FL_OK &&
        check_size(config, *layout, file, path, error) == FL_OK)
        return FL_OK;
    fl_file_unmap(file);
    return FL_FAILED;
}

int fl_llama2c_config(struct fl_config *config, const char *path, const char *name,
                      struct fl_error *error)
{
    struct fl_mapping file;
    const struct layout *layout;
    if (open_file(&file, config, &layout, path, name, error) != FL_OK)
        return FL_FAILED;
    fl_file_unmap(&file);
    return FL_OK;
}

/* Gives the slot of that role in one layer (if the model has it) the floats at `next`; returns what
 * lies behind them. */
static const float *place(struct fl_model *model, int layer, int role, const float *next)
{
    struct fl_weight_slot slots[FL_N_WEIGHT_ROLES];
    int n = fl_weight_slots(model, layer, slots);
    for (int i = 0; i < n; i++)
        if ((int)slots[i].role == role) {
            fl_weight_slot_set(&slots[i], next, FL_F32);
            return next + fl_weight_slot_size(&slots[i]);
        }
    return next;
}

static void place_all(struct fl_model *model, const struct layout *layout,
                      const struct fl_mapping *file)
{
    const struct fl_config *config = &model->config;
    const float *next = (const void *)(file->data + layout->header); /* a multiple of 4 */
    for (int i = 0; i < layout->n_roles; i++) {
        int role = layout->order[i];
        if (role == ROTARY_TABLES)
            next += 2 * (size_t)config->n_ctx_max * (size_t)(config->head_dim / 2);
        else if (role < FL_WEIGHT_NORM_ATTN)
            next = place(model, FL_GLOBAL_SLOTS, role, next);
        else
            for (int layer = 0; layer < config->n_layers; layer++)
                next = place(model, layer, role, next);
    }
    assert((const unsigned char *)next == file->data + file->size);
}

int fl_llama2c_model(struct fl_model *model, const char *path, const char *name,
                     struct fl_error *error)
{
    struct fl_mapping file;
    struct fl_config config;
    const struct layout *layout;
    *model = (struct fl_model){0};
    if (open_file(&file, &config, &layout, path, name, error) != FL_OK)
        return FL_FAILED;
    int status = fl_model_prepare(model, &config, "llama2.c", error);
    if (status == FL_OK) {
        place_all(model, layout, &file);
        fl_model_finish(model);
        status = fl_model_own_file(model, &file, error);
    }
    if (status != FL_OK)
        fl_model_close(model);
    fl_file_unmap(&file);
    return status;
}
