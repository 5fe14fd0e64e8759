#include "ledger/stored.h"

#include "model/weight_layout.h"

#include <stdio.h>
#include <string.h>

/* The operator that reads a role's matrix. */
static const struct {
    enum fl_weight_role role;
    enum fl_operator op;
} READERS[] = {
    {FL_WEIGHT_TOKEN_EMBEDDING, FL_OP_EMBED},
    {FL_WEIGHT_ENCODER_EMBEDDING, FL_OP_EMBED},
    {FL_WEIGHT_LOGITS, FL_OP_LOGITS},
    {FL_WEIGHT_Q, FL_OP_QKV},
    {FL_WEIGHT_K, FL_OP_QKV},
    {FL_WEIGHT_V, FL_OP_QKV},
    {FL_WEIGHT_ATTN_OUT, FL_OP_ATTN_OUT},
    {FL_WEIGHT_CROSS_Q, FL_OP_CROSS_Q},
    {FL_WEIGHT_CROSS_K, FL_OP_CROSS_KV},
    {FL_WEIGHT_CROSS_V, FL_OP_CROSS_KV},
    {FL_WEIGHT_CROSS_OUT, FL_OP_CROSS_OUT},
    {FL_WEIGHT_FFN_GATE, FL_OP_FFN_GATE},
    {FL_WEIGHT_FFN_UP, FL_OP_FFN_UP},
    {FL_WEIGHT_FFN_DOWN, FL_OP_FFN_DOWN},
    {FL_WEIGHT_ROUTER, FL_OP_ROUTER},
    {FL_WEIGHT_SHARED_ROUTER, FL_OP_SHARED_SCALE},
    {FL_WEIGHT_SHARED_GATE, FL_OP_SHARED_GATE},
    {FL_WEIGHT_SHARED_UP, FL_OP_SHARED_UP},
    {FL_WEIGHT_SHARED_DOWN, FL_OP_SHARED_DOWN},
    {FL_WEIGHT_EXPERT_GATE, FL_OP_FFN_GATE},
    {FL_WEIGHT_EXPERT_UP, FL_OP_FFN_UP},
    {FL_WEIGHT_EXPERT_DOWN, FL_OP_FFN_DOWN},
};

static enum fl_operator reader(enum fl_weight_role role)
{
    for (size_t i = 0; i < sizeof READERS / sizeof *READERS; i++)
        if (READERS[i].role == role)
            return READERS[i].op;
    return FL_N_OPERATORS;
}

static void add(struct fl_stored_bytes *sum, const struct fl_stored_bytes *more)
{
    sum->n += more->n;
    sum->bytes += more->bytes;
}

/* Adds each matrix to the operator that reads it, and to its format. */
static void add_slots(struct fl_stored *stored, const struct fl_weight_slot *slots, int n,
                      uint64_t bytes[FL_N_DTYPES])
{
    for (int i = 0; i < n; i++) {
        const enum fl_dtype dtype = fl_weight_slot_dtype(&slots[i]);
        struct fl_stored_bytes size = {.n = fl_weight_slot_size(&slots[i])};
        size.bytes = fl_dtype_bytes(dtype, size.n);
        stored->bytes += size.bytes;
        const enum fl_operator op = reader(slots[i].role);
        if (!slots[i].linear || op == FL_N_OPERATORS)
            continue;
        const bool encoder = slots[i].encoder || slots[i].role == FL_WEIGHT_ENCODER_EMBEDDING;
        add(&stored->ops[encoder ? FL_STACK_ENCODER : FL_STACK_DECODER][op], &size);
        bytes[dtype] += size.bytes;
    }
}

/* Names of the formats, the largest share first. */
static void name_formats(char *name, size_t size, uint64_t bytes[FL_N_DTYPES])
{
    size_t used = 0;
    for (;;) {
        int largest = 0;
        for (int i = 1; i < FL_N_DTYPES; i++)
            if (bytes[i] > bytes[largest])
                largest = i;
        if (bytes[largest] == 0)
            return;
        used += (size_t)snprintf(name + used, size - used, "%s%s", used ? "+" : "",
                                 fl_dtype_names[largest]);
        bytes[largest] = 0;
    }
}

void fl_stored_of_model(struct fl_stored *stored, const struct fl_model *model)
{
    struct fl_weight_slot slots[FL_N_WEIGHT_ROLES];
    struct fl_model view = *model; /* slots point into a model that may be written to */
    uint64_t bytes[FL_N_DTYPES] = {0};
    *stored = (struct fl_stored){.model = model};
    for (int group = 0; group < fl_weight_n_groups(model); group++)
        add_slots(stored, slots, fl_weight_group(&view, group, slots), bytes);
    struct fl_stored_bytes(*ops)[FL_N_OPERATORS] = stored->ops;
    if (model->config.tied)
        ops[FL_STACK_DECODER][FL_OP_LOGITS] = ops[FL_STACK_DECODER][FL_OP_EMBED];
    if (model->config.source_vocab_size == 0)
        ops[FL_STACK_ENCODER][FL_OP_EMBED] = ops[FL_STACK_DECODER][FL_OP_EMBED];
    name_formats(stored->name, sizeof stored->name, bytes);
}

int fl_stored_of_config(struct fl_stored *stored, const struct fl_config *config,
                        enum fl_dtype dtype, struct fl_error *error)
{
    struct fl_model model;
    int status = fl_model_prepare(&model, config, "none", error);
    if (status == FL_OK) {
        fl_model_set_dtype(&model, dtype);
        fl_stored_of_model(stored, &model);
        stored->model = NULL;
    }
    fl_model_close(&model);
    return status;
}

int fl_stored_open(struct fl_stored *stored, struct fl_model *model, const char *spec, int dtype,
                   const struct fl_config *config, struct fl_error *error)
{
    bool file = false;
    struct fl_error unreadable;
    *model = (struct fl_model){0};
    if (dtype >= 0)
        return fl_stored_of_config(stored, config, (enum fl_dtype)dtype, error);
    if (fl_config_runnable(config, &unreadable) == FL_OK &&
        fl_model_peek(model, spec, &file, &unreadable) == FL_OK && file) {
        fl_stored_of_model(stored, model);
        return FL_OK;
    }
    return fl_stored_of_config(stored, config, FL_F32, error);
}

/* ---- widths ---- */

static struct fl_rational width(struct fl_stored_bytes size)
{
    struct fl_rational result = fl_rational_whole(4);
    if (size.n > 0)
        fl_rational_multiply(fl_rational_whole((fl_wide)size.bytes),
                             (struct fl_rational){1, (fl_wide)size.n}, &result);
    return result;
}

struct fl_rational fl_stored_width(const struct fl_stored *stored, enum fl_stack stack,
                                   enum fl_operator op)
{
    return stored ? width(stored->ops[stack][op]) : fl_rational_whole(4);
}

struct fl_rational fl_stored_layer_width(const struct fl_stored *stored, enum fl_stack stack,
                                         enum fl_operator op, int layer)
{
    if (!stored || !stored->model || fl_operator_is_global(op))
        return fl_stored_width(stored, stack, op);
    struct fl_model view = *stored->model;
    struct fl_weight_slot slots[FL_N_WEIGHT_ROLES];
    struct fl_stored sum = {0};
    uint64_t bytes[FL_N_DTYPES] = {0};
    const int per_layer = 1 + view.config.n_experts;
    const int first = layer + (stack == FL_STACK_ENCODER ? view.config.n_layers : 0);
    for (int i = 0; i < per_layer; i++)
        add_slots(&sum, slots, fl_weight_group(&view, 1 + first * per_layer + i, slots), bytes);
    return width(sum.ops[stack][op]);
}
