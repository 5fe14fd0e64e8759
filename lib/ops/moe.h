/* moe.h - mixture of experts: a router sends each token to n_used of n_experts feed-forward
 * networks, and their results are added up by weight.
 *
 *   logits[i,:] = W_r x[i,:]
 *   ids[i,:]    = the n_used largest logits, best first, the lower id of equals
 *   weights     = softmax(logits[i,:])[ids]                      or, with norm_topk,
 *                 the same divided by its sum, which is softmax(logits[i,ids])
 *   out[i,:]    = sum_j weights[i,j] FFN_{ids[i,j]}(x[i,:])
 *
 * The rows of each expert are gathered side by side, so that its matrices are multiplied once,
 * whatever the number of its rows; the matrices of an expert that no token chose are not read.
 * Source: Shazeer et al., 2017 (arXiv:1701.06538); norm_topk as in Mixtral (arXiv:2401.04088). */
#ifndef FL_OPS_MOE_H
#define FL_OPS_MOE_H

#include "base/cost.h"
#include "base/excess.h"
#include "ops/linear.h"

#include <stdbool.h>

struct fl_moe_shape {
    int n_rows, d_model, n_experts, n_used;
    bool norm_topk;
};

/* Where the rows of a pass go; the caller's memory. */
struct fl_routes {
    float *logits;  /* [n_rows, n_experts]; probabilities afterwards without norm_topk */
    int *ids;       /* [n_rows, n_used] */
    float *weights; /* [n_rows, n_used] */
    int *places;    /* [n_rows, n_used] row of the gathered matrix */
    int *first;     /* [n_experts + 1] an expert's first row there; the last one is their number */
};

/* Fills logits, ids and weights. x [n_rows, d_model]; router [n_experts, d_model]. */
void fl_router(const struct fl_routes *routes, const float *x, const struct fl_linear *router,
               const struct fl_moe_shape *shape);

/* Work fl_router() executes: the product, and 5 n + 1 FLOP a row for a softmax over n = n_used
 * logits with norm_topk, n_experts without. Bytes: x and the matrix in, ids and weights out. */
struct fl_cost fl_router_cost(const struct fl_linear *router, const struct fl_moe_shape *shape);
struct fl_excess fl_router_excess(const struct fl_linear *router, const struct fl_moe_shape *shape);

/* Fills places and first from ids, and out [n_rows * n_used, d_model] with the rows of x by expert.
 * Returns the number of experts that have any. */
int fl_expert_gather(float *out, const struct fl_routes *routes, const float *x,
                     const struct fl_moe_shape *shape);

/* No FLOP. Bytes: x and ids in, gathered rows and places out. */
struct fl_cost fl_expert_gather_cost(const struct fl_moe_shape *shape);

/* One linear layer of each expert, over its own rows: y [rows, n_out], x [rows, n_in]; layers
 * [n_experts] of equal sizes. */
void fl_expert_linear(float *y, const float *x, const int *first, int n_experts,
                      const struct fl_linear *layers);

/* The sum over the experts that have rows. */
struct fl_cost fl_expert_linear_cost(const int *first, int n_experts,
                                     const struct fl_linear *layers);
struct fl_excess fl_expert_linear_excess(const int *first, int n_experts,
                                         const struct fl_linear *layers);

/* out[i,:] = start[i,:] + sum_j weights[i,j] y[places[i,j],:]; start NULL: zero; out [n_rows,
 * d_model] overlaps neither. */
void fl_expert_combine(float *out, const float *start, const float *y,
                       const struct fl_routes *routes, const struct fl_moe_shape *shape);

/* A multiplication and an addition for each element of y. Bytes: y, weights, places, start in. */
struct fl_cost fl_expert_combine_cost(const struct fl_moe_shape *shape, bool start);

/* The shared expert's own gate: y[i,:] *= sigmoid(W x[i,:]), W [1, d_model]. gates [n_rows] is
 * scratch. Source: Qwen2 technical report (arXiv:2407.10671), section 2.2.2. */
void fl_shared_scale(float *y, float *gates, const float *x, const struct fl_linear *layer,
                     const struct fl_moe_shape *shape);

/* The product; the sigmoid as a softmax of (g, 0), 11 FLOP; d_model multiplications a row. Bytes:
 * x, W and y in, y out. */
struct fl_cost fl_shared_scale_cost(const struct fl_linear *layer,
                                    const struct fl_moe_shape *shape);
struct fl_excess fl_shared_scale_excess(const struct fl_linear *layer,
                                        const struct fl_moe_shape *shape);

#endif
