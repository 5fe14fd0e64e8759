#include "model/gguf_convert.h"
#include "model/config_json.h"
#include "model/gguf.h"
#include "model/gguf_model.h"
#include "model/gguf_t5.h"
#include "ops/convert.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- formats ---- */

/* general.file_type of a file most of whose matrices have that format. */
static const uint32_t FILE_TYPES[FL_N_DTYPES] = {
    [FL_F32] = 0,  [FL_F16] = 1,   [FL_BF16] = 32, [FL_Q8_0] = 7,
    [FL_Q4_0] = 2, [FL_Q4_K] = 14, [FL_Q6_K] = 18,
};

/* What llama.cpp keeps in f32, being small, or because small errors there cost much: vectors,
 * tables of positions, and what chooses experts. */
static bool always_f32(const struct fl_weight_slot *slot)
{
    return !slot->linear || slot->role == FL_WEIGHT_ROUTER || slot->role == FL_WEIGHT_SHARED_ROUTER;
}

/* The format asked for, before a look at the rows. */
static enum fl_dtype wanted(const struct fl_weight_slot *slot, int asked, bool tied)
{
    if (always_f32(slot))
        return FL_F32;
    if (asked == FL_GGUF_DTYPE_KEEP)
        return fl_weight_slot_dtype(slot);
    bool makes_logits = slot->role == (tied ? FL_WEIGHT_TOKEN_EMBEDDING : FL_WEIGHT_LOGITS);
    if (makes_logits && (asked == FL_Q4_0 || asked == FL_Q4_K))
        return FL_Q6_K;
    return (enum fl_dtype)asked;
}

/* ---- the plan ---- */

static struct fl_gguf_planned *find_planned(const struct fl_gguf_plan *plan, const char *name)
{
    for (int i = plan->n_tensors; i-- > 0;)
        if (strcmp(plan->tensors[i].name, name) == 0)
            return &plan->tensors[i];
    return NULL;
}

/* A new row for that name; NULL when memory has run out. */
static struct fl_gguf_planned *add_planned(struct fl_gguf_plan *plan, const char *name)
{
    struct fl_gguf_planned *tensors =
        realloc(plan->tensors, (size_t)(plan->n_tensors + 1) * sizeof *tensors);
    if (!tensors)
        return NULL;
    plan->tensors = tensors;
    struct fl_gguf_planned *tensor = &tensors[plan->n_tensors++];
    *tensor = (struct fl_gguf_planned){0};
    snprintf(tensor->name, sizeof tensor->name, "%s", name);
    return tensor;
}

static bool add_part(struct fl_gguf_planned *tensor, const struct fl_weight_slot *slot)
{
    struct fl_weight_slot *parts =
        realloc(tensor->parts, (size_t)(tensor->n_parts + 1) * sizeof *parts);
    if (!parts)
        return false;
    tensor->parts = parts;
    parts[tensor->n_parts++] = *slot;
    return true;
}

static bool plan_slot(struct fl_gguf_plan *plan, const struct fl_weight_slot *slot,
                      const struct fl_weight_name *row, int asked)
{
    char name[FL_GGUF_NAME_MAX + 1];
    const char *pattern = slot->encoder ? row->encoder : row->pattern;
    assert(pattern);
    /* the patterns are constants of the loader, with at most two %d */
    snprintf(name, sizeof name, pattern, slot->layer, slot->expert);
    struct fl_gguf_planned *tensor = row->fused || row->stacked ? find_planned(plan, name) : NULL;
    const bool is_new = !tensor;
    if (is_new)
        tensor = add_planned(plan, name);
    if (!tensor)
        return false;
    if (is_new && slot->n_cols) {
        enum fl_dtype dtype = row->flat ? FL_F32 : wanted(slot, asked, plan->config->tied);
        tensor->dims[0] = (uint64_t)slot->n_cols;
        tensor->dtype = fl_dtype_fit(dtype, tensor->dims[0]);
        plan->n_matrices[tensor->dtype]++;
        plan->n_fallen_back[tensor->dtype] += tensor->dtype != dtype;
    }
    const int rows = slot->n_cols ? 1 : 0; /* the dimension they are counted along */
    tensor->n_dims = rows + 1 + row->stacked;
    if (row->flat) {
        tensor->n_dims = 1;
    } else if (row->stacked) {
        tensor->dims[rows] = (uint64_t)slot->n_rows;
        tensor->dims[rows + 1]++;
    } else
        tensor->dims[rows] += (uint64_t)slot->n_rows;
    return add_part(tensor, slot);
}

/* GGUF has no word for every model that the engine can run. */
static bool has_names(struct fl_model *model, const struct fl_weight_name *names)
{
    struct fl_weight_slot slots[FL_N_WEIGHT_ROLES];
    for (int group = 0; group < fl_weight_n_groups(model); group++) {
        int n = fl_weight_group(model, group, slots);
        for (int i = 0; i < n; i++) {
            const struct fl_weight_name *row = &names[slots[i].role];
            if (!(slots[i].encoder ? row->encoder : row->pattern))
                return false;
        }
    }
    return true;
}

static bool plan_slots(struct fl_gguf_plan *plan, struct fl_model *model,
                       const struct fl_weight_name *names, int asked)
{
    struct fl_weight_slot slots[FL_N_WEIGHT_ROLES];
    for (int group = 0; group < fl_weight_n_groups(model); group++) {
        int n = fl_weight_group(model, group, slots);
        for (int i = 0; i < n; i++)
            if (!plan_slot(plan, &slots[i], &names[slots[i].role], asked))
                return false;
    }
    return true;
}

/* llama.cpp reads llama3 scaling as a table of divisors. */
static bool plan_rope_factors(struct fl_gguf_plan *plan)
{
    const struct fl_config *config = plan->config;
    if (config->positions != FL_POS_ROPE || config->rope.scaling != FL_ROPE_LLAMA3)
        return true;
    const int n = config->head_dim / 2;
    struct fl_gguf_planned *tensor = add_planned(plan, "rope_freqs.weight");
    plan->rope_factors = calloc((size_t)n, sizeof *plan->rope_factors);
    if (!tensor || !plan->rope_factors)
        return false;
    tensor->n_dims = 1;
    tensor->dims[0] = (uint64_t)n;
    for (int i = 0; i < n; i++)
        plan->rope_factors[i] = (float)fl_gguf_llama3_divisor(&config->rope, i, config->head_dim);
    return true;
}

int fl_gguf_plan(struct fl_gguf_plan *plan, struct fl_model *model, int dtype,
                 struct fl_error *error)
{
    *plan = (struct fl_gguf_plan){.config = &model->config};
    struct fl_gguf_habits habits;
    char known[128];
    if (!fl_gguf_habits(&habits, &model->config))
        return fl_fail(error, "%s: expected an architecture that is written as GGUF (%s), not %s",
                       model->config.name, fl_gguf_architectures(known, sizeof known),
                       fl_arch_name(model->config.arch));
    if (!has_names(model, habits.names))
        return fl_fail(error,
                       "%s: expected a model as GGUF files of %s hold it, this one has tensors "
                       "that have no name there",
                       model->config.name, habits.name);
    plan->architecture = habits.name;
    plan->eps_key = habits.eps_key;
    if (model->config.positions == FL_POS_ROPE) {
        plan->to_interleaved = habits.interleaved && !model->config.rope.interleaved;
        plan->to_halves = !habits.interleaved && model->config.rope.interleaved;
    }
    if (!plan_slots(plan, model, habits.names, dtype) || !plan_rope_factors(plan)) {
        fl_gguf_plan_close(plan);
        return fl_fail(error, "%s: cannot hold the list of its tensors in memory",
                       model->config.name);
    }
    for (int i = 0; i < plan->n_tensors; i++) {
        struct fl_gguf_planned *tensor = &plan->tensors[i];
        uint64_t n = 1;
        for (int d = 0; d < tensor->n_dims; d++)
            n *= tensor->dims[d]; /* no more than the model has parameters */
        tensor->n_bytes = fl_dtype_bytes(tensor->dtype, n);
        plan->n_bytes += tensor->n_bytes;
    }
    return FL_OK;
}

void fl_gguf_plan_close(struct fl_gguf_plan *plan)
{
    for (int i = 0; i < plan->n_tensors; i++)
        free(plan->tensors[i].parts);
    free(plan->tensors);
    free(plan->rope_factors);
    *plan = (struct fl_gguf_plan){0};
}

void fl_gguf_declare_all(struct fl_gguf_writer *writer, const struct fl_gguf_plan *plan)
{
    for (int i = 0; i < plan->n_tensors; i++) {
        const struct fl_gguf_planned *tensor = &plan->tensors[i];
        fl_gguf_declare(writer, tensor->name, tensor->n_dims, tensor->dims,
                        fl_gguf_type(tensor->dtype), tensor->n_bytes);
    }
}

/* ---- the numbers ---- */

enum { CHUNK_FLOATS = 1 << 20, TILE = 64 };

/* Which stored row of q or k becomes row `row` of the file: within each head the rotated features
 * change between (i, i + d/2) side by side and both halves one behind the other. */
static size_t source_row(const struct fl_gguf_plan *plan, const struct fl_weight_slot *slot,
                         size_t row)
{
    bool rotated = slot->role == FL_WEIGHT_Q || slot->role == FL_WEIGHT_K ||
                   slot->role == FL_WEIGHT_Q_BIAS || slot->role == FL_WEIGHT_K_BIAS;
    if (!rotated || (!plan->to_interleaved && !plan->to_halves))
        return row;
    const size_t dim = (size_t)plan->config->head_dim, half = dim / 2;
    const size_t at = row % dim, head = row - at;
    return head + (plan->to_interleaved ? at / 2 + at % 2 * half : at % half * 2 + at / half);
}

/* One row of a slot as f32. */
static void read_row(float *out, const struct fl_weight_slot *slot, size_t row)
{
    const enum fl_dtype dtype = fl_weight_slot_dtype(slot);
    const unsigned char *data = fl_weight_slot_data(slot);
    const size_t n = slot->n_cols ? (size_t)slot->n_cols : 1;
    const size_t ld = slot->linear ? (size_t)slot->linear->ld : n;
    fl_to_f32(out, data + fl_dtype_bytes(dtype, row * ld), dtype, n);
}

/* Rows first .. first + n - 1 of a matrix stored [n_in, n_out], which has no blocks: tile by tile,
 * so that what is read together lies together. */
static void read_columns(float *out, const struct fl_weight_slot *slot, size_t first, size_t n)
{
    const struct fl_linear *linear = slot->linear;
    const unsigned char *data = linear->weight;
    const size_t n_cols = (size_t)slot->n_cols;
    assert(fl_dtype_block(linear->dtype) == 1);
#pragma omp parallel for schedule(static)
    for (size_t tile = 0; tile < n; tile += TILE) {
        const size_t width = n - tile < TILE ? n - tile : TILE;
        float line[TILE];
        for (size_t c = 0; c < n_cols; c++) {
            const size_t at = c * (size_t)linear->ld + first + tile;
            fl_to_f32(line, data + fl_dtype_bytes(linear->dtype, at), linear->dtype, width);
            for (size_t r = 0; r < width; r++)
                out[(tile + r) * n_cols + c] = line[r];
        }
    }
}

struct scratch {
    float *rows;          /* CHUNK_FLOATS or one row, as f32 */
    unsigned char *bytes; /* the same in the file's format */
};

static void convert_rows(const struct fl_gguf_plan *plan, const struct fl_weight_slot *slot,
                         enum fl_dtype dtype, size_t first, size_t n, const struct scratch *scratch)
{
    const enum fl_dtype from = fl_weight_slot_dtype(slot);
    const size_t n_cols = slot->n_cols ? (size_t)slot->n_cols : 1;
    const size_t row_bytes = (size_t)fl_dtype_bytes(dtype, n_cols);
    const bool in_out = slot->linear && slot->linear->in_out;
    if (in_out)
        read_columns(scratch->rows, slot, first, n);
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < n; i++) {
        const size_t row = source_row(plan, slot, first + i);
        unsigned char *out = scratch->bytes + i * row_bytes;
        if (!in_out && from == dtype) { /* as it is, blocks and all */
            const size_t ld = slot->linear ? (size_t)slot->linear->ld : n_cols;
            const unsigned char *data = fl_weight_slot_data(slot);
            memcpy(out, data + fl_dtype_bytes(from, row * ld), row_bytes);
            continue;
        }
        if (!in_out)
            read_row(scratch->rows + i * n_cols, slot, row);
        fl_from_f32(out, scratch->rows + i * n_cols, dtype, n_cols);
    }
}

static int write_part(struct fl_gguf_writer *writer, const struct fl_gguf_plan *plan,
                      const struct fl_weight_slot *slot, enum fl_dtype dtype,
                      const struct scratch *scratch, struct fl_error *error)
{
    const size_t n_rows = (size_t)slot->n_rows, n_cols = slot->n_cols ? (size_t)slot->n_cols : 1;
    const size_t most = n_cols < CHUNK_FLOATS ? CHUNK_FLOATS / n_cols : 1;
    assert(!(slot->linear && slot->linear->in_out) || (!plan->to_interleaved && !plan->to_halves));
    for (size_t first = 0; first < n_rows; first += most) {
        const size_t n = n_rows - first < most ? n_rows - first : most;
        convert_rows(plan, slot, dtype, first, n, scratch);
        if (fl_gguf_write(writer, scratch->bytes, n * (size_t)fl_dtype_bytes(dtype, n_cols),
                          error) != FL_OK)
            return FL_FAILED;
    }
    return FL_OK;
}

int fl_gguf_write_tensor(struct fl_gguf_writer *writer, const struct fl_gguf_plan *plan, int i,
                         struct fl_error *error)
{
    const struct fl_gguf_planned *tensor = &plan->tensors[i];
    if (tensor->n_parts == 0)
        return fl_gguf_write(writer, plan->rope_factors, (size_t)tensor->n_bytes, error);
    const size_t n_cols = tensor->parts[0].n_cols ? (size_t)tensor->parts[0].n_cols : 1;
    const size_t n = n_cols < CHUNK_FLOATS ? CHUNK_FLOATS : n_cols;
    struct scratch scratch = {malloc(n * sizeof(float)), malloc(n * sizeof(float))};
    int status = FL_OK;
    if (!scratch.rows || !scratch.bytes)
        status = fl_fail(error, "%s: cannot reserve memory for a part of it", tensor->name);
    for (int part = 0; part < tensor->n_parts && status == FL_OK; part++)
        status = write_part(writer, plan, &tensor->parts[part], tensor->dtype, &scratch, error);
    free(scratch.rows);
    free(scratch.bytes);
    return status;
}

/* ---- keys ---- */

bool fl_gguf_is_file_type_key(const char *key, size_t length)
{
    static const char *const KEYS[] = {"general.file_type", "general.quantization_version",
                                       "general.alignment"};
    for (size_t i = 0; i < sizeof KEYS / sizeof *KEYS; i++)
        if (length == strlen(KEYS[i]) && memcmp(key, KEYS[i], length) == 0)
            return true;
    return false;
}

void fl_gguf_put_file_type(struct fl_gguf_writer *writer, const struct fl_gguf_plan *plan)
{
    enum fl_dtype most = FL_F32;
    for (int i = 0; i < FL_N_DTYPES; i++)
        if (plan->n_matrices[i] > plan->n_matrices[most])
            most = (enum fl_dtype)i;
    fl_gguf_put_uint(writer, "general.file_type", FILE_TYPES[most]);
    fl_gguf_put_uint(writer, "general.quantization_version", 2);
    fl_gguf_put_uint(writer, "general.alignment", FL_GGUF_ALIGNMENT);
}

enum { KEY_MAX = 128 };

/* "llama.block_count" and so on. */
static const char *own_key(char key[KEY_MAX], const struct fl_gguf_plan *plan, const char *name)
{
    snprintf(key, KEY_MAX, "%s.%s", plan->architecture, name);
    return key;
}

static void put_own(struct fl_gguf_writer *writer, const struct fl_gguf_plan *plan,
                    const char *name, int value)
{
    char key[KEY_MAX];
    fl_gguf_put_uint(writer, own_key(key, plan, name), (uint32_t)value);
}

static void put_own_real(struct fl_gguf_writer *writer, const struct fl_gguf_plan *plan,
                         const char *name, double value)
{
    char key[KEY_MAX];
    fl_gguf_put_real(writer, own_key(key, plan, name), value);
}

static void put_own_bool(struct fl_gguf_writer *writer, const struct fl_gguf_plan *plan,
                         const char *name, bool value)
{
    char key[KEY_MAX];
    fl_gguf_put_bool(writer, own_key(key, plan, name), value);
}

static void put_rope(struct fl_gguf_writer *writer, const struct fl_gguf_plan *plan)
{
    const struct fl_rope_params *rope = &plan->config->rope;
    char key[KEY_MAX];
    put_own(writer, plan, "rope.dimension_count", fl_config_rotary_dim(plan->config));
    put_own_real(writer, plan, "rope.freq_base", rope->theta);
    if (rope->scaling == FL_ROPE_LINEAR) {
        fl_gguf_put_string(writer, own_key(key, plan, "rope.scaling.type"), "linear",
                           strlen("linear"));
        put_own_real(writer, plan, "rope.scaling.factor", rope->factor);
    } else if (rope->scaling == FL_ROPE_LLAMA3) {
        /* llama.cpp takes the table of factors; these say what made it */
        put_own(writer, plan, "rope.scaling.original_context_length", rope->original_ctx);
        put_own_real(writer, plan, "rope.scaling.low_freq_factor", rope->low_freq_factor);
        put_own_real(writer, plan, "rope.scaling.high_freq_factor", rope->high_freq_factor);
    }
}

void fl_gguf_put_config(struct fl_gguf_writer *writer, const struct fl_gguf_plan *plan)
{
    const struct fl_config *config = plan->config;
    fl_gguf_put_string(writer, "general.architecture", plan->architecture,
                       strlen(plan->architecture));
    fl_gguf_put_string(writer, "general.name", config->name, strlen(config->name));
    const struct {
        const char *name;
        int value;
        bool absent;
    } rows[] = {
        {"context_length", config->n_ctx_max, false},
        {"embedding_length", config->d_model, false},
        {"block_count", config->n_encoder_layers ? config->n_encoder_layers : config->n_layers,
         false},
        {"feed_forward_length", config->d_ff, false},
        {"attention.head_count", config->n_heads, false},
        {"attention.head_count_kv", config->n_kv_heads, false},
        {"attention.key_length", config->head_dim,
         config->head_dim * config->n_heads == config->d_model},
        {"attention.value_length", config->head_dim,
         config->head_dim * config->n_heads == config->d_model},
        {"attention.sliding_window", config->sliding_window, config->sliding_window == 0},
        {"vocab_size", config->vocab_size, false},
        {"expert_count", config->n_experts, config->n_experts == 0},
        {"expert_used_count", config->n_experts_used, config->n_experts == 0},
        {"expert_feed_forward_length", config->d_ff, config->n_experts == 0},
        {"expert_shared_feed_forward_length", config->d_ff_shared, config->d_ff_shared == 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (!rows[i].absent)
            put_own(writer, plan, rows[i].name, rows[i].value);
    put_own_real(writer, plan, plan->eps_key, config->norm_eps);
    if (config->n_experts > 0)
        put_own_bool(writer, plan, "expert_weights_norm", config->norm_topk);
    if (config->arch == FL_ARCH_NEOX)
        put_own_bool(writer, plan, "use_parallel_residual",
                     config->branches == FL_BRANCHES_PARALLEL);
    if (config->arch == FL_ARCH_T5)
        fl_gguf_t5_put(writer, config);
    if (config->positions == FL_POS_ROPE)
        put_rope(writer, plan);
}

/* ---- reading it back ---- */

/* What a GGUF file says by other means: names, the tokenizer's ids, the order of rotary pairs. */
static bool may_differ(const char *field)
{
    static const char *const FIELDS[] = {"name", "bos_id", "eos_id", "interleaved"};
    for (size_t i = 0; i < sizeof FIELDS / sizeof *FIELDS; i++)
        if (strcmp(field, FIELDS[i]) == 0)
            return true;
    return false;
}

static bool values_equal(const cJSON *a, const cJSON *b)
{
    if (cJSON_IsNumber(a) && cJSON_IsNumber(b)) /* kept in f32 */
        return (float)a->valuedouble == (float)b->valuedouble;
    return cJSON_Compare(a, b, true);
}

static int compare_fields(const cJSON *before, const cJSON *after, const char *path,
                          struct fl_error *error)
{
    const cJSON *field;
    cJSON_ArrayForEach(field, before)
    {
        const cJSON *other = cJSON_GetObjectItemCaseSensitive(after, field->string);
        if (may_differ(field->string))
            continue;
        if (cJSON_IsObject(field) && cJSON_IsObject(other)) {
            if (compare_fields(field, other, path, error) != FL_OK)
                return FL_FAILED;
        } else if (!other || !values_equal(field, other)) {
            char *of_a = cJSON_PrintUnformatted(field), *of_b = cJSON_PrintUnformatted(other);
            fl_fail(error, "%s: %s: expected a model whose GGUF file says %s, it says %s", path,
                    field->string, of_a ? of_a : "?", of_b ? of_b : "nothing");
            cJSON_free(of_a);
            cJSON_free(of_b);
            return FL_FAILED;
        }
    }
    return FL_OK;
}

int fl_gguf_check_config(const struct fl_config *config, const char *path, struct fl_error *error)
{
    struct fl_config read;
    if (fl_gguf_config(&read, path, config->name, error) != FL_OK)
        return FL_FAILED;
    cJSON *before = fl_config_to_json(config), *after = fl_config_to_json(&read);
    int status = before && after ? compare_fields(before, after, config->name, error)
                                 : fl_fail(error, "%s: cannot hold its config in memory", path);
    cJSON_Delete(before);
    cJSON_Delete(after);
    return status;
}
