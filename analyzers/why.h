/* why.h - what another tool or formula reports for a model and shape, and every reason why that is
 * not our exact figure.
 *
 * A tool is a table (why_tools.c): rows that give its figure the way it computes it, as text in the
 * language of ledger/expression.h, and departures, each one property in which its view differs
 * from the model: a symbol with another value, a feature it does not know, operators it leaves out.
 *
 * The bridge is walked over the one formula table: all departures applied to the exact environment
 * give the tool's view of it, and taking them back one by one changes the sum by a term each. The
 * rows and the walk are independent of each other: what the tool's own formula has and the terms do
 * not account for is `unexplained`, and the tests hold it at 0 for every tool and model.
 *
 * docs/other-counters.md describes each tool with its source. */
#ifndef FL_ANALYZERS_WHY_H
#define FL_ANALYZERS_WHY_H

#include "base/error.h"
#include "base/units.h"
#include "ledger/analytic.h"
#include "model/config.h"

#include <stdbool.h>

/* What a tool's figure is a count of. FL_TOOL_BOTH: it prints two figures, FLOPs and MACs. */
enum fl_tool_units { FL_TOOL_FLOP = 1, FL_TOOL_MAC = 2, FL_TOOL_BOTH = 3 };

struct fl_tool_rules; /* opaque: why_tools.c */

struct fl_tool {
    const char *name;
    const char *title;   /* one line: what it is */
    const char *version; /* the release or commit whose rules these are; the paper's year */
    const char *source;  /* URL */
    enum fl_tool_units units;
    int passes;  /* its figure is forward (1) or forward and backward (3) */
    bool cached; /* it knows steps behind a KV cache; false: whole sequences only */
    bool traced; /* it watches a PyTorch model run, so it sees the head only if there is one */
    bool layers; /* it runs the layers' forward pass twice (activation recomputation) */
    const char *one_stack; /* what it does that leaves it without a figure for an encoder-decoder
                              ("counts ..."); NULL: it has one */
    const struct fl_tool_rules *rules;
};

const struct fl_tool *fl_tools(int *n);
const struct fl_tool *fl_tool_find(const char *name); /* NULL: none has this name */

struct fl_why_request {
    const struct fl_tool *tool;
    struct fl_shape shape; /* batch, n_tokens, n_past; n_encoder_tokens of encoder-decoders, whose
                              encoder runs where n_past is 0 */
    enum fl_unit unit;     /* which figure of a tool that prints both */
    bool headless;         /* a traced model without its lm_head (AutoModel) */
    bool to_textbook;      /* bridge to the textbook's figure, not to the exact one */
};

/* What goes into the tool's figure, in its own unit. */
struct fl_why_part {
    const char *label;
    fl_wide value; /* all layers and passes */
};

struct fl_why_term {
    char term[56];    /* what differs */
    const char *note; /* how the tool has it */
    fl_wide flops;    /* to add on the way to our figure */
};

enum { FL_WHY_PARTS_MAX = 32, FL_WHY_TERMS_MAX = 64 };

struct fl_why {
    struct fl_why_request request;
    const char *refused; /* fl_why_refusal(): the rest is empty; NULL: here it is */
    struct fl_why_part parts[FL_WHY_PARTS_MAX];
    int n_parts;
    fl_wide theirs; /* in the tool's unit: the sum of the parts */
    struct fl_why_term terms[FL_WHY_TERMS_MAX];
    int n_terms;
    fl_wide ours;        /* FLOPs: exact (causal exact, lm_head all, elementwise on) or textbook */
    fl_wide unexplained; /* ours - theirs - the terms */
};

/* Why the tool has no figure for this model and shape, a clause without its name ("counts ...");
 * NULL: it has one. */
const char *fl_why_refusal(const struct fl_tool *tool, const struct fl_config *config,
                           const struct fl_shape *shape);

/* Refuses what fl_why_refusal() does, and a unit the tool does not print. */
int fl_why(struct fl_why *why, const struct fl_config *config, const struct fl_why_request *request,
           struct fl_error *error);

#endif
