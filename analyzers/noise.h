/* noise.h - was the machine quiet while it was measured, and if not, how much wider must intervals
 * be? All figures come from many points together, because a single one has too few samples to
 * tell, and none of them needs a distribution.
 *
 * A visit is a stretch of samples of one point that followed one another; a sweep visits every
 * point several times, in an order of its own and by a new start of the program each time. Samples
 * of a visit may resemble one another more than those of another visit (the machine was in another
 * mood, memory lay elsewhere), and neighbours more than others: then n samples tell less than n
 * independent ones.
 *
 * Dependence. Whether visits differ is an analysis of variance of ranks within points, summed over
 * points. By how much: every point has its ratio F of variances between and within visits, of
 * logarithms, which is (1 + m' v) times an F distributed one when visits add v times the variance
 * of samples; v is where the ratios, divided by that, lie in the middle of their distributions on
 * average. So no point's own noise, nor an outlier, weighs more than another's. With visits of m
 * samples the variance of a median grows by 1 + m v (Kish, 1965, section 5.4, for r = v / (1 + v)),
 * of which the spread of a point's samples shows 1 + e v, e = (n - sum m^2 / n) / (n - 1).
 * Neighbours within a visit have a correlation q, and n samples are worth n (1 - q) / (1 + q)
 * (Bayley and Hammersley, 1946, JRSS Supplement 8:184-197). `inflation` is the square root of the
 * larger ratio, and 1 where neither correlation differs from 0 at the 5 % level: intervals are
 * widened by it, standard errors multiplied.
 *
 * Where points have samples of several runs, runs take the place of visits a second time, and the
 * larger inflation counts: hours differ more than minutes.
 *
 * Both are judged for each kind of step by itself (model, phase, cache, threads): steps of 30 us
 * depend on where memory lies, passes of milliseconds do not, and what is right for neither on
 * average would be wrong for both.
 *
 * Drift. The seasonal Kendall test (Hirsch, Slack and Smith, 1982, Water Resources Research
 * 18:107-121), a point being a season: was the later of two visits the slower one, more often than
 * not? The slope is the median over all pairs of visits of a point (Theil, 1950; Sen, 1968).
 *
 * Warm-up. Was the first sample of a visit slower than the median of those behind it, more often
 * than a coin would say?
 *
 * Clock. Before every sample a loop of fixed work in registers is timed: only the clock rate, and
 * whoever takes the processor away, can change that. Pettitt's test (1979, Applied Statistics
 * 28:126-135) finds the step among the visits' medians. */
#ifndef FL_ANALYZERS_NOISE_H
#define FL_ANALYZERS_NOISE_H

#include "base/error.h"
#include "store/store.h"

#include <stdbool.h>

struct fl_noise_sample {
    double log_time;                        /* natural logarithm of the time */
    double at_s;                            /* since its run began */
    int run, visit;                         /* any numbers, rising */
    const struct fl_conditions *conditions; /* NULL: none were recorded */
};

/* Samples of one point, by run and in the order of time. */
struct fl_noise_series {
    struct fl_noise_sample *samples;
    int n;
    int kind;         /* of step; any numbers */
    double inflation; /* >= 1; fl_noise_judge() finds it, the same for all points of a kind */
};

struct fl_dependence {
    int n_revisited;          /* points with two visits or more */
    double visit_size;        /* samples of a visit, as a sample sees it */
    double visit_correlation; /* r, within [0, 1]; 0 where nothing is known */
    double visit_p;           /* F test of r; 1 where nothing is known */
    double neighbour_correlation, neighbour_p;
    double run_correlation; /* of samples of one run, where that costs more than visits do */
    double inflation;       /* >= 1 */
};

struct fl_drift {
    int n_pairs;   /* of visits */
    double p;      /* two-sided */
    double change; /* of the time, relative, from the beginning to the end of a run */
    bool found;    /* p < 0.01 */
};

struct fl_warm_up {
    int n_visits, n_slower;
    double p, change; /* of the first sample against the rest, relative */
    bool found;       /* p < 0.01 and slower */
};

struct fl_clock_steps {
    int n;             /* visits with timed loops; 0: not recorded */
    double p;          /* Pettitt's test */
    double at_s;       /* the step, since its run began */
    double change;     /* of the loop's time from before to behind it, relative */
    double slow_share; /* of visits whose loops took 5 % longer than the median */
    bool found;        /* p < 0.01 and 1 % or more */
};

struct fl_busy {
    int n; /* samples with figures; 0: not recorded, or of less than half a second together */
    double interrupted_share; /* of samples in which a thread of ours was taken off its core */
    double other_cores;       /* cores that other processes kept busy meanwhile, on average */
    double stolen_share;      /* of the time of our cores that the hypervisor took */
    double load_high;         /* the largest load average of a minute */
    bool found;               /* see FL_BUSY_... */
};

struct fl_disturbance {
    struct fl_dependence dependence; /* of the kind of step where it costs most */
    int n_starts;                    /* of the program: visits to the point with most */
    struct fl_drift drift;
    struct fl_warm_up warm_up;
    struct fl_clock_steps clock;
    struct fl_busy busy;
};

/* From which on a machine is called busy: other processes keep a tenth of a core, a hundredth of
 * the time is stolen, or every fifth sample is interrupted. */
#define FL_BUSY_OTHER_CORES 0.1
#define FL_BUSY_STOLEN      0.01
#define FL_BUSY_INTERRUPTED 0.2

int fl_noise_judge(struct fl_disturbance *disturbance, struct fl_noise_series *series, int n_series,
                   struct fl_error *error);

/* The visit of every sample of a file: visits[i] belongs to results->samples[i]; malloc'd. */
int fl_noise_visits(int **visits, const struct fl_results *results, struct fl_error *error);

/* The series of n points of a file whose visits are known, all samples of a point that were taken
 * in `run`, or in any run where that is 0. Points without such samples have n = 0. */
int fl_noise_series_make(struct fl_noise_series **series, const struct fl_results *results,
                         const int *visits, const struct fl_result *const *points, int n,
                         int64_t run, struct fl_error *error);
void fl_noise_series_free(struct fl_noise_series *series, int n);

#endif
