#include "engine/forward_moe.h"

#include "engine/forward_parts.h"

/* ---- memory ---- */

void fl_moe_plan(struct fl_moe_workspace *work, struct fl_arena *arena,
                 const struct fl_config *config, size_t n_rows)
{
    const size_t n_experts = (size_t)config->n_experts, n_used = (size_t)config->n_experts_used;
    const size_t d_model = (size_t)config->d_model;
    work->routes.logits = FL_ARENA_FLOATS(arena, n_rows, n_experts);
    work->routes.ids = FL_ARENA_TENSOR(arena, sizeof(int), n_rows, n_used);
    work->routes.weights = FL_ARENA_FLOATS(arena, n_rows, n_used);
    work->routes.places = FL_ARENA_TENSOR(arena, sizeof(int), n_rows, n_used);
    work->routes.first = fl_arena_take(arena, n_experts + 1, sizeof(int));
    work->gathered = FL_ARENA_FLOATS(arena, n_rows, n_used, d_model);
    work->results = FL_ARENA_FLOATS(arena, n_rows, n_used, d_model);
    if (config->d_ff_shared > 0)
        work->gates = fl_arena_floats(arena, n_rows);
    work->n_hit = fl_arena_take(arena, (size_t)config->n_layers, sizeof(int));
}

size_t fl_moe_ffn_width(const struct fl_config *config)
{
    const size_t chosen = (size_t)config->n_experts_used * (size_t)config->d_ff;
    const size_t shared = (size_t)config->d_ff_shared;
    return chosen > shared ? chosen : shared;
}

/* ---- operators ---- */

static void route(const struct fl_pass *pass, int layer, const float *x,
                  const struct fl_moe_shape *shape)
{
    const struct fl_linear *router = &pass->model->layers[layer].router;
    const struct fl_moe_workspace *moe = &pass->work->moe;
    OPERATOR(pass, layer, FL_OP_ROUTER, fl_router_cost(router, shape),
             fl_router_excess(router, shape), fl_router(&moe->routes, x, router, shape));
    OPERATOR(pass, layer, FL_OP_EXPERT_GATHER, fl_expert_gather_cost(shape), NO_EXCESS,
             moe->n_hit[layer] = fl_expert_gather(moe->gathered, &moe->routes, x, shape));
}

static void expert_linear(const struct fl_pass *pass, int layer, enum fl_operator op, float *y,
                          const float *x, const struct fl_linear *layers)
{
    const int *first = pass->work->moe.routes.first, n_experts = pass->model->config.n_experts;
    OPERATOR(pass, layer, op, fl_expert_linear_cost(first, n_experts, layers),
             fl_expert_linear_excess(first, n_experts, layers),
             fl_expert_linear(y, x, first, n_experts, layers));
}

/* results = each chosen expert's network over the gathered rows. */
static void run_experts(const struct fl_pass *pass, int layer, int n_rows)
{
    const struct fl_config *config = &pass->model->config;
    const struct fl_layer_weights *weights = &pass->model->layers[layer];
    const struct fl_workspace *work = pass->work;
    if (config->gated)
        expert_linear(pass, layer, FL_OP_FFN_GATE, work->gate, work->moe.gathered,
                      weights->expert_gate);
    expert_linear(pass, layer, FL_OP_FFN_UP, work->up, work->moe.gathered, weights->expert_up);
    fl_pass_activate(pass, layer, FL_OP_FFN_ACT,
                     (size_t)n_rows * (size_t)config->n_experts_used * (size_t)config->d_ff);
    expert_linear(pass, layer, FL_OP_FFN_DOWN, work->moe.results, work->up, weights->expert_down);
}

/* y = the shared expert's network over x, scaled by its gate. */
static void run_shared(const struct fl_pass *pass, int layer, float *y, const float *x,
                       const struct fl_moe_shape *shape)
{
    const struct fl_config *config = &pass->model->config;
    const struct fl_layer_weights *weights = &pass->model->layers[layer];
    const struct fl_workspace *work = pass->work;
    const int n_rows = shape->n_rows;
    if (config->gated)
        fl_pass_linear(pass, layer, FL_OP_SHARED_GATE, work->gate, x, &weights->shared_gate,
                       n_rows);
    fl_pass_linear(pass, layer, FL_OP_SHARED_UP, work->up, x, &weights->shared_up, n_rows);
    fl_pass_activate(pass, layer, FL_OP_SHARED_ACT, (size_t)n_rows * (size_t)config->d_ff_shared);
    fl_pass_linear(pass, layer, FL_OP_SHARED_DOWN, y, work->up, &weights->shared_down, n_rows);
    OPERATOR(pass, layer, FL_OP_SHARED_SCALE, fl_shared_scale_cost(&weights->shared_router, shape),
             fl_shared_scale_excess(&weights->shared_router, shape),
             fl_shared_scale(y, work->moe.gates, x, &weights->shared_router, shape));
}

void fl_forward_moe(const struct fl_pass *pass, int layer, float *out, const float *x, int n_rows)
{
    const struct fl_config *config = &pass->model->config;
    const struct fl_moe_workspace *moe = &pass->work->moe;
    const struct fl_moe_shape shape = {
        .n_rows = n_rows,
        .d_model = config->d_model,
        .n_experts = config->n_experts,
        .n_used = config->n_experts_used,
        .norm_topk = config->norm_topk,
    };
    const bool shared = config->d_ff_shared > 0;
    route(pass, layer, x, &shape);
    run_experts(pass, layer, n_rows);
    if (shared) /* into the memory of the gathered rows, which have been used */
        run_shared(pass, layer, moe->gathered, x, &shape);
    OPERATOR(
        pass, layer, FL_OP_EXPERT_COMBINE, fl_expert_combine_cost(&shape, shared), NO_EXCESS,
        fl_expert_combine(out, shared ? moe->gathered : NULL, moe->results, &moe->routes, &shape));
}
