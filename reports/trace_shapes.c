#include "reports/trace_shapes.h"

#include <inttypes.h>
#include <stdio.h>

enum width { NO_WIDTH, D_MODEL, D_FF, D_SHARED, D_Q, D_Q_KV, D_QKV, D_2KV, N_EXPERTS, VOCABULARY };

enum kind {
    NOT_SAID,
    PRODUCT, /* [rows, from] x [from, to] */
    ROWS,    /* [rows, to] are written, in f32 */
    PAIRS    /* queries against keys; `per_pair` products of head_dim for each */
};

struct shape {
    enum kind kind;
    enum width from, to;
    int per_pair;
};

/* Operators whose shape does not follow from their cost have no row. */
static const struct shape SHAPES[FL_N_OPERATORS] = {
    [FL_OP_EMBED] = {ROWS, NO_WIDTH, D_MODEL, 0},
    [FL_OP_NORM_ATTN] = {ROWS, NO_WIDTH, D_MODEL, 0},
    [FL_OP_QKV] = {PRODUCT, D_MODEL, D_QKV, 0},
    [FL_OP_QK_NORM] = {ROWS, NO_WIDTH, D_Q_KV, 0},
    [FL_OP_SCORES] = {PAIRS, NO_WIDTH, NO_WIDTH, 1},
    [FL_OP_CONTEXT] = {PAIRS, NO_WIDTH, NO_WIDTH, 1},
    [FL_OP_ATTENTION] = {PAIRS, NO_WIDTH, NO_WIDTH, 2},
    [FL_OP_ATTN_OUT] = {PRODUCT, D_Q, D_MODEL, 0},
    [FL_OP_NORM_CROSS] = {ROWS, NO_WIDTH, D_MODEL, 0},
    [FL_OP_CROSS_Q] = {PRODUCT, D_MODEL, D_Q, 0},
    [FL_OP_CROSS_KV] = {PRODUCT, D_MODEL, D_2KV, 0},
    [FL_OP_CROSS_SCORES] = {PAIRS, NO_WIDTH, NO_WIDTH, 1},
    [FL_OP_CROSS_CONTEXT] = {PAIRS, NO_WIDTH, NO_WIDTH, 1},
    [FL_OP_CROSS_OUT] = {PRODUCT, D_Q, D_MODEL, 0},
    [FL_OP_NORM_FFN] = {ROWS, NO_WIDTH, D_MODEL, 0},
    [FL_OP_ROUTER] = {PRODUCT, D_MODEL, N_EXPERTS, 0},
    [FL_OP_FFN_GATE] = {PRODUCT, D_MODEL, D_FF, 0},
    [FL_OP_FFN_UP] = {PRODUCT, D_MODEL, D_FF, 0},
    [FL_OP_FFN_ACT] = {ROWS, NO_WIDTH, D_FF, 0},
    [FL_OP_FFN_DOWN] = {PRODUCT, D_FF, D_MODEL, 0},
    [FL_OP_SHARED_GATE] = {PRODUCT, D_MODEL, D_SHARED, 0},
    [FL_OP_SHARED_UP] = {PRODUCT, D_MODEL, D_SHARED, 0},
    [FL_OP_SHARED_ACT] = {ROWS, NO_WIDTH, D_SHARED, 0},
    [FL_OP_SHARED_DOWN] = {PRODUCT, D_SHARED, D_MODEL, 0},
    [FL_OP_RESIDUAL] = {ROWS, NO_WIDTH, D_MODEL, 0},
    [FL_OP_NORM_FINAL] = {ROWS, NO_WIDTH, D_MODEL, 0},
    [FL_OP_LOGITS] = {PRODUCT, D_MODEL, VOCABULARY, 0},
};

static uint64_t width_of(enum width width, const struct fl_config *config)
{
    const uint64_t d_q = (uint64_t)config->n_heads * (uint64_t)config->head_dim;
    const uint64_t d_kv = (uint64_t)config->n_kv_heads * (uint64_t)config->head_dim;
    switch (width) {
    case D_MODEL:
        return (uint64_t)config->d_model;
    case D_FF:
        return (uint64_t)config->d_ff;
    case D_SHARED:
        return (uint64_t)config->d_ff_shared;
    case D_Q:
        return d_q;
    case D_Q_KV:
        return d_q + d_kv;
    case D_QKV:
        return d_q + 2 * d_kv;
    case D_2KV:
        return 2 * d_kv;
    case N_EXPERTS:
        return (uint64_t)config->n_experts;
    case VOCABULARY:
        return (uint64_t)config->vocab_size;
    case NO_WIDTH:
        break;
    }
    return 0;
}

/* How often `part` goes into `whole`; false when not evenly, or not at all. */
static bool divide(uint64_t whole, uint64_t part, uint64_t *times)
{
    if (part == 0 || whole == 0 || whole % part != 0)
        return false;
    *times = whole / part;
    return true;
}

bool fl_trace_shape(char out[FL_TRACE_SHAPE_TEXT], const struct fl_event *event,
                    const struct fl_config *config)
{
    const struct shape *shape = &SHAPES[event->op];
    const uint64_t from = width_of(shape->from, config), to = width_of(shape->to, config);
    const uint64_t head_dim = (uint64_t)config->head_dim, n_heads = (uint64_t)config->n_heads;
    uint64_t n;
    switch (shape->kind) {
    case PRODUCT:
        if (!divide(event->cost.macs, from * to, &n))
            return false;
        snprintf(out, FL_TRACE_SHAPE_TEXT,
                 "[%" PRIu64 ", %" PRIu64 "] x [%" PRIu64 ", %" PRIu64 "]", n, from, from, to);
        return true;
    case ROWS:
        if (!divide(event->cost.bytes_written, to * sizeof(float), &n))
            return false;
        snprintf(out, FL_TRACE_SHAPE_TEXT, "[%" PRIu64 ", %" PRIu64 "]", n, to);
        return true;
    case PAIRS:
        if (!divide(event->cost.macs, (uint64_t)shape->per_pair * n_heads * head_dim, &n))
            return false;
        snprintf(out, FL_TRACE_SHAPE_TEXT,
                 "%" PRIu64 " pairs of a query and a key, %" PRIu64 " heads of %" PRIu64, n,
                 n_heads, head_dim);
        return true;
    case NOT_SAID:
        break;
    }
    return false;
}
