/* reconcile.h - from the textbook's figure to the exact one, and from there to what the processor
 * did, one named difference at a time.
 *
 * Starting from the textbook's environment, each step puts one property of the real model, shape
 * or convention in its place and notes by how much the sum changed. The steps end at the exact
 * environment, so the terms add up to exact - textbook to the last FLOP, by construction; that
 * the first environment gives the textbook's own formulas is tested. */
#ifndef FL_ANALYZERS_RECONCILE_H
#define FL_ANALYZERS_RECONCILE_H

#include "base/excess.h"
#include "ledger/analytic.h"

enum { FL_GAP_TERMS_MAX = 48 + FL_N_EXCESS_TERMS };

struct fl_gap_term {
    /* "textbook", "exact"; "exact", "measured"; or "textbook_uncached", "textbook" */
    const char *from, *to;
    char term[56];
    fl_wide flops; /* over all layers; negative: saved */
    fl_wide by_op[FL_N_OPERATORS];
};

struct fl_gap {
    int n_terms;
    struct fl_gap_term terms[FL_GAP_TERMS_MAX];
    fl_wide unnamed; /* exact - textbook - the terms: zero unless a formula is wrong */

    /* Once measured: what is left of measured - exact behind the terms, over all operators, and
     * by operator; and what ran between the operators, in no operator's figure. */
    fl_wide unexplained, unexplained_by_op[FL_N_OPERATORS], between_operators;
};

/* The terms of one forward. Behind a cache (n_past > 0) a last term says what the textbook would
 * have charged for running the whole prefix again. Terms of value zero are left out. */
int fl_reconcile(struct fl_gap *gap, const struct fl_config *config, const struct fl_shape *shape,
                 const struct fl_convention *convention, struct fl_error *error);

/* Adds to a term from exact to measured what it is in one operator. */
int fl_gap_add_excess(struct fl_gap *gap, enum fl_excess_term term, enum fl_operator op,
                      fl_wide flops, struct fl_error *error);

/* gap += n * more, term by term; the terms from textbook to exact only. */
int fl_gap_add(struct fl_gap *gap, fl_wide n, const struct fl_gap *more, struct fl_error *error);

#endif
