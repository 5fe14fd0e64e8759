#include "ops/moe.h"

#include "ops/parallel.h"
#include "ops/simd/simd.h"
#include "ops/softmax.h"

#include <stddef.h>
#include <string.h>

/* ---- router ---- */

struct choice {
    const struct fl_routes *routes;
    const struct fl_moe_shape *shape;
};

static bool is_chosen(const int *ids, int n, int id)
{
    for (int i = 0; i < n; i++)
        if (ids[i] == id)
            return true;
    return false;
}

/* One pass for each place: n_used is 2 to 8 of 8 to 128 experts, far from where sorting pays. */
static void choose_best(int *ids, const float *logits, const struct fl_moe_shape *shape)
{
    for (int i = 0; i < shape->n_used; i++) {
        int best = -1;
        for (int id = 0; id < shape->n_experts; id++)
            if (!is_chosen(ids, i, id) && (best < 0 || logits[id] > logits[best]))
                best = id;
        ids[i] = best;
    }
}

static void choose_row(const void *context, size_t row)
{
    const struct choice *choice = context;
    const struct fl_moe_shape *shape = choice->shape;
    const size_t n_used = (size_t)shape->n_used, n_experts = (size_t)shape->n_experts;
    float *logits = choice->routes->logits + row * n_experts;
    float *weights = choice->routes->weights + row * n_used;
    int *ids = choice->routes->ids + row * n_used;
    choose_best(ids, logits, shape);
    if (!shape->norm_topk)
        fl_softmax_row(logits, n_experts, 1.0f);
    for (size_t i = 0; i < n_used; i++)
        weights[i] = logits[ids[i]];
    if (shape->norm_topk)
        fl_softmax_row(weights, n_used, 1.0f);
}

void fl_router(const struct fl_routes *routes, const float *x, const struct fl_linear *router,
               const struct fl_moe_shape *shape)
{
    const struct choice choice = {routes, shape};
    const size_t n_rows = (size_t)shape->n_rows;
    fl_linear(routes->logits, x, shape->n_rows, router);
    fl_parallel_rows(n_rows,
                     n_rows * (size_t)shape->n_experts * (size_t)shape->n_used >= FL_PARALLEL_MIN,
                     choose_row, &choice);
}

static uint64_t softmax_width(const struct fl_moe_shape *shape)
{
    return (uint64_t)(shape->norm_topk ? shape->n_used : shape->n_experts);
}

struct fl_cost fl_router_cost(const struct fl_linear *router, const struct fl_moe_shape *shape)
{
    const uint64_t n_rows = (uint64_t)shape->n_rows;
    struct fl_cost cost = fl_linear_cost(router, shape->n_rows);
    cost.elementwise += n_rows * fl_softmax_row_flops(softmax_width(shape));
    cost.bytes_written = n_rows * (uint64_t)shape->n_used * (sizeof(int) + sizeof(float));
    return cost;
}

struct fl_excess fl_router_excess(const struct fl_linear *router, const struct fl_moe_shape *shape)
{
    struct fl_excess sum = fl_linear_excess(router, shape->n_rows);
    const struct fl_excess row = fl_softmax_row_excess(softmax_width(shape));
    const struct fl_excess rows = fl_excess_scale(shape->n_rows, &row);
    fl_excess_add(&sum, &rows);
    return sum;
}

/* ---- gathering ---- */

/* Counts each expert's rows, then gives every row its place: a counting sort. Returns the number of
 * experts that have rows. */
static int assign_places(const struct fl_routes *routes, const struct fl_moe_shape *shape)
{
    const int n = shape->n_rows * shape->n_used;
    int *first = routes->first, n_hit = 0;
    memset(first, 0, (size_t)(shape->n_experts + 1) * sizeof *first);
    for (int i = 0; i < n; i++)
        first[routes->ids[i] + 1]++;
    for (int id = 0; id < shape->n_experts; id++) {
        n_hit += first[id + 1] > 0;
        first[id + 1] += first[id];
    }
    for (int i = 0; i < n; i++)
        routes->places[i] = first[routes->ids[i]]++;
    for (int id = shape->n_experts; id > 0; id--) /* each has moved to the next one's start */
        first[id] = first[id - 1];
    first[0] = 0;
    return n_hit;
}

struct copy {
    float *out;
    const float *x;
    const int *places;
    size_t n_used, d_model;
};

static void copy_row(const void *context, size_t row)
{
    const struct copy *copy = context;
    for (size_t i = 0; i < copy->n_used; i++)
        memcpy(copy->out + (size_t)copy->places[row * copy->n_used + i] * copy->d_model,
               copy->x + row * copy->d_model, copy->d_model * sizeof *copy->x);
}

int fl_expert_gather(float *out, const struct fl_routes *routes, const float *x,
                     const struct fl_moe_shape *shape)
{
    const int n_hit = assign_places(routes, shape);
    const size_t n_rows = (size_t)shape->n_rows;
    const struct copy copy = {out, x, routes->places, (size_t)shape->n_used,
                              (size_t)shape->d_model};
    fl_parallel_rows(n_rows, n_rows * copy.n_used * copy.d_model >= FL_PARALLEL_MIN, copy_row,
                     &copy);
    return n_hit;
}

struct fl_cost fl_expert_gather_cost(const struct fl_moe_shape *shape)
{
    const uint64_t n = (uint64_t)shape->n_rows, pairs = n * (uint64_t)shape->n_used;
    const uint64_t d = (uint64_t)shape->d_model;
    return (struct fl_cost){
        .bytes_read = n * d * sizeof(float) + pairs * sizeof(int),
        .bytes_written = pairs * d * sizeof(float) + pairs * sizeof(int),
    };
}

/* ---- the experts' linear layers ---- */

void fl_expert_linear(float *y, const float *x, const int *first, int n_experts,
                      const struct fl_linear *layers)
{
    for (int id = 0; id < n_experts; id++) {
        const size_t at = (size_t)first[id];
        fl_linear(y + at * (size_t)layers[id].n_out, x + at * (size_t)layers[id].n_in,
                  first[id + 1] - first[id], &layers[id]);
    }
}

struct fl_cost fl_expert_linear_cost(const int *first, int n_experts,
                                     const struct fl_linear *layers)
{
    struct fl_cost sum = {0};
    for (int id = 0; id < n_experts; id++)
        sum = fl_cost_add(sum, fl_linear_cost(&layers[id], first[id + 1] - first[id]));
    return sum;
}

struct fl_excess fl_expert_linear_excess(const int *first, int n_experts,
                                         const struct fl_linear *layers)
{
    struct fl_excess sum = {0};
    for (int id = 0; id < n_experts; id++) {
        const struct fl_excess one = fl_linear_excess(&layers[id], first[id + 1] - first[id]);
        fl_excess_add(&sum, &one);
    }
    return sum;
}

/* ---- adding up ---- */

struct mix {
    float *out;
    const float *start, *y;
    const struct fl_routes *routes;
    size_t n_used, d_model;
};

static void mix_row(const void *context, size_t row)
{
    const struct mix *mix = context;
    const size_t d = mix->d_model;
    float *out = mix->out + row * d;
    if (mix->start)
        memcpy(out, mix->start + row * d, d * sizeof *out);
    else
        memset(out, 0, d * sizeof *out);
    for (size_t i = row * mix->n_used; i < (row + 1) * mix->n_used; i++)
        fl_simd()->mix_rows(out, &mix->routes->weights[i],
                            mix->y + (size_t)mix->routes->places[i] * d, 1, d, d);
}

void fl_expert_combine(float *out, const float *start, const float *y,
                       const struct fl_routes *routes, const struct fl_moe_shape *shape)
{
    const struct mix mix = {
        out, start, y, routes, (size_t)shape->n_used, (size_t)shape->d_model,
    };
    const size_t n_rows = (size_t)shape->n_rows;
    fl_parallel_rows(n_rows, n_rows * mix.n_used * mix.d_model >= FL_PARALLEL_MIN, mix_row, &mix);
}

struct fl_cost fl_expert_combine_cost(const struct fl_moe_shape *shape, bool start)
{
    const uint64_t n = (uint64_t)shape->n_rows, pairs = n * (uint64_t)shape->n_used;
    const uint64_t d = (uint64_t)shape->d_model;
    return (struct fl_cost){
        .elementwise = 2 * pairs * d,
        .bytes_read =
            (pairs * d + pairs + (start ? n * d : 0)) * sizeof(float) + pairs * sizeof(int),
        .bytes_written = n * d * sizeof(float),
    };
}

/* ---- the shared expert's gate ---- */

struct scaling {
    float *y;
    const float *gates;
    size_t d_model;
};

static void scale_row(const void *context, size_t row)
{
    const struct scaling *scaling = context;
    float pair[2] = {scaling->gates[row], 0.0f};
    fl_softmax_row(pair, 2, 1.0f);
    fl_simd()->scale(scaling->y + row * scaling->d_model, pair[0], scaling->d_model);
}

void fl_shared_scale(float *y, float *gates, const float *x, const struct fl_linear *layer,
                     const struct fl_moe_shape *shape)
{
    const struct scaling scaling = {y, gates, (size_t)shape->d_model};
    const size_t n_rows = (size_t)shape->n_rows;
    fl_linear(gates, x, shape->n_rows, layer);
    fl_parallel_rows(n_rows, n_rows * scaling.d_model >= FL_PARALLEL_MIN, scale_row, &scaling);
}

struct fl_cost fl_shared_scale_cost(const struct fl_linear *layer, const struct fl_moe_shape *shape)
{
    const uint64_t n = (uint64_t)shape->n_rows, elements = n * (uint64_t)shape->d_model;
    struct fl_cost cost = fl_linear_cost(layer, shape->n_rows);
    cost.elementwise += n * fl_softmax_row_flops(2) + elements;
    cost.bytes_read += elements * sizeof(float);
    cost.bytes_written = elements * sizeof(float);
    return cost;
}

struct fl_excess fl_shared_scale_excess(const struct fl_linear *layer,
                                        const struct fl_moe_shape *shape)
{
    struct fl_excess sum = fl_linear_excess(layer, shape->n_rows);
    const struct fl_excess row = fl_softmax_row_excess(2);
    const struct fl_excess rows = fl_excess_scale(shape->n_rows, &row);
    fl_excess_add(&sum, &rows);
    return sum;
}
