/* stored.h - how many bytes the matrices of each operator take, as stored.
 *
 * Files of one model mix formats (ggml's Q4_K_M keeps some layers' attn_v and ffn_down in Q6_K), so
 * the formulas' symbol w, bytes per weight, is a rational of each operator: the bytes of its
 * matrices by their elements, over all layers of its stack. Figures of all layers together are then
 * exact integers; those of one layer use that layer's own bytes. Vectors (norm gains, biases) and
 * tables of positions are f32 in memory whatever the file has: 4 bytes an element.
 *
 * The experts of a layer count as one matrix: w is theirs together. */
#ifndef FL_LEDGER_STORED_H
#define FL_LEDGER_STORED_H

#include "base/dtype.h"
#include "base/error.h"
#include "ledger/expression.h"
#include "ledger/operators.h"
#include "model/weights.h"

struct fl_stored_bytes {
    uint64_t n, bytes; /* elements of matrices, and what they take */
};

struct fl_stored {
    struct fl_stored_bytes ops[FL_N_STACKS][FL_N_OPERATORS]; /* all layers together */
    uint64_t bytes;               /* all weights, each tensor once, vectors included */
    const struct fl_model *model; /* whose layers differ; NULL: all layers are alike */
    char name[64];                /* "f32", or "q4_k+q6_k": formats by the bytes they take */
};

/* Of a loaded model, which stays open as long as *stored is used. */
void fl_stored_of_model(struct fl_stored *stored, const struct fl_model *model);

/* Of a config, every matrix in this format or, where its rows are no whole blocks, in what
 * fl_dtype_fit() puts in its place. */
int fl_stored_of_config(struct fl_stored *stored, const struct fl_config *config,
                        enum fl_dtype dtype, struct fl_error *error);

/* Of what --model and --dtype were given: every matrix in dtype; with dtype -1 the formats of the
 * file, f32 where there is none. The model stays open as long as *stored is used; a model that can
 * be counted but not run has no weights to look at. Close it in any case. */
int fl_stored_open(struct fl_stored *stored, struct fl_model *model, const char *spec, int dtype,
                   const struct fl_config *config, struct fl_error *error);

/* Bytes per weight over all layers of a stack; of one layer. stored NULL: 4. */
struct fl_rational fl_stored_width(const struct fl_stored *stored, enum fl_stack stack,
                                   enum fl_operator op);
struct fl_rational fl_stored_layer_width(const struct fl_stored *stored, enum fl_stack stack,
                                         enum fl_operator op, int layer);

#endif
