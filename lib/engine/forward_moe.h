/* forward_moe.h - the feed-forward network of a layer of experts, as operator calls.
 *
 * Router, rows by expert, each expert's network over its rows, the shared expert's over all, and
 * what they give added up by weight (ops/moe.h). */
#ifndef FL_ENGINE_FORWARD_MOE_H
#define FL_ENGINE_FORWARD_MOE_H

#include "base/arena.h"
#include "model/config.h"
#include "ops/moe.h"

#include <stddef.h>

struct fl_pass;

/* Memory of a session for it, sized for n_rows rows. */
struct fl_moe_workspace {
    struct fl_routes routes;
    float *gathered; /* [n_rows * n_used, d_model]; the shared expert's results afterwards */
    float *results;  /* [n_rows * n_used, d_model] */
    float *gates;    /* [n_rows] of the shared expert */
    int *n_hit;      /* [n_layers] experts that had rows in the last pass */
};

/* Takes the pieces from the arena, which may be one that only measures. */
void fl_moe_plan(struct fl_moe_workspace *work, struct fl_arena *arena,
                 const struct fl_config *config, size_t n_rows);

/* Features of a row of the workspace's gate and up: of all its experts, or of the shared one. */
size_t fl_moe_ffn_width(const struct fl_config *config);

/* out = the network of this layer over x; both [n_rows, d_model], the same or apart. */
void fl_forward_moe(const struct fl_pass *pass, int layer, float *out, const float *x, int n_rows);

#endif
