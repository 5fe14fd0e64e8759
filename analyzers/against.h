/* against.h - predictions held against what was measured: every point of a results file predicted
 * from its machine's own ceilings.
 *
 * The roofline is the fastest that is possible, so the engine takes longer; the share it reaches is
 * predicted over measured time. The calibrated prediction divides every operator's ideal time by
 * the median share of that operator at those other points that are nearest in rows, context and
 * threads, never by the point's own, so that its error says what it would be for a point that was
 * not measured. */
#ifndef FL_ANALYZERS_AGAINST_H
#define FL_ANALYZERS_AGAINST_H

#include "analyzers/predict.h"
#include "analyzers/sections.h"
#include "store/store.h"

struct fl_against_point {
    const struct fl_result *result;
    double measured_s, ideal_s; /* median of the samples; the roofline */
    double calibrated_s;        /* 0: there is no other point */
    enum fl_predicted_bound bound;
    struct fl_predicted_step ideal;
    struct fl_timing timing;
};

struct fl_against_error {
    double median, worst;              /* of |predicted / measured - 1| */
    double median_signed;              /* below 0: predicted too fast */
    const struct fl_against_point *at; /* the worst; NULL: there are no points */
};

struct fl_against {
    struct fl_against_point *points;
    int n_points;
    int n_skipped; /* points that cannot be predicted, and why of the first */
    char skipped[256];
    struct fl_efficiency efficiency; /* medians over all points of each bound; 1 where there are
                                        none, and at most 1 */
    struct fl_shares shares;         /* medians over all points, operator by operator */
    int n_by_bound[2];
    struct fl_against_error ideal, calibrated; /* calibrated: of the points that have one */
};

/* Where points were measured. machine, if not NULL, takes the place of all ceilings; without one
 * those in the file count, then kept [n_kept], which are of one machine: this one. */
struct fl_against_machines {
    const struct fl_hardware *machine;
    const struct fl_ceiling *kept;
    int n_kept;
};

/* Points of machines without ceilings are left out. results must outlive it. */
int fl_against_make(struct fl_against *against, const struct fl_results *results,
                    const struct fl_against_machines *machines, struct fl_error *error);
void fl_against_free(struct fl_against *against);

/* The weights' and the cache's format out of a point's "q8_0, KV f16"; refuses mixed formats. */
int fl_point_dtypes(const struct fl_point *point, enum fl_dtype *weights, enum fl_dtype *kv,
                    struct fl_error *error);

#endif
