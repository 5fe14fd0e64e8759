/* compare.h - two sets of measured points, A and B: which of them got slower, which faster, which
 * certainly did not, and of which one cannot say.
 *
 * Points are matched by their parameters: model, phase, cache, attention, logits, format, threads,
 * batch, context; never by the machine, which may differ and is then warned about. A parameter that
 * both selectors name is not compared, so that `r.db:attention=naive r.db:attention=causal` sets
 * kernels against one another.
 *
 * The ratio of a point is median B / median A, its interval and p-value bootstrap.h's, both widened
 * by how much the samples of either side resembled one another (noise.h). p-values are corrected
 * for their number: by Benjamini and Hochberg (1995, JRSS B 57:289-300), where of the points called
 * different no more than 1 - confidence are false on average, and where nothing differs a single
 * false one is as rare; or by Holm (1979, Scandinavian Journal of Statistics 6:65-70), where even
 * one false one among many true ones is. The first is the default because a change of a program
 * shifts many points at once, and then keeps the power to say so.
 *
 * Verdict, with a threshold t of what matters (2 %):
 *   slower, faster  the corrected p-value is at most 1 - confidence, and the ratio is beyond
 *                   1 + t, or below 1 / (1 + t)
 *   same            the whole interval lies within [1 / (1 + t), 1 + t]
 *   inconclusive    everything else: more samples would tell */
#ifndef FL_ANALYZERS_COMPARE_H
#define FL_ANALYZERS_COMPARE_H

#include "analyzers/bootstrap.h"
#include "analyzers/noise.h"
#include "base/error.h"
#include "store/store.h"

#include <stdbool.h>

/* ---- selectors ---- */

/* FILE, FILE:KEY=VALUE,...; the keys that points are matched by, and `run` and `machine`. */
#define FL_COMPARE_KEYS(X)                                                                         \
    X(RUN, "run")                                                                                  \
    X(MACHINE, "machine")                                                                          \
    X(MODEL, "model")                                                                              \
    X(PHASE, "phase")                                                                              \
    X(CACHE, "cache")                                                                              \
    X(ATTENTION, "attention")                                                                      \
    X(LOGITS, "logits")                                                                            \
    X(DTYPE, "dtype")                                                                              \
    X(THREADS, "threads")                                                                          \
    X(BATCH, "batch")                                                                              \
    X(CONTEXT, "s")

enum fl_compare_key {
#define X(constant, name) FL_KEY_##constant,
    FL_COMPARE_KEYS(X)
#undef X
        FL_N_COMPARE_KEYS
};

struct fl_selector {
    char path[4096];
    unsigned named; /* bits of enum fl_compare_key */
    char values[FL_N_COMPARE_KEYS][128];
    int64_t run; /* 0: any */
};

/* A ':' belongs to the path when a file of that whole name is there. machine=TEXT is any part of
 * the machine's name; the others are equal to what a table of points shows. */
int fl_selector_parse(struct fl_selector *selector, const char *text, struct fl_error *error);

/* Whether the point is selected; samples are chosen by `run` beside it. */
bool fl_selector_takes(const struct fl_selector *selector, const struct fl_result *result);

/* Whether both are one point, but for the parameters that `ignored` has bits of. */
bool fl_points_match(const struct fl_result *a, const struct fl_result *b, unsigned ignored);

/* The point's value of a key as a selector spells it; scratch may hold it. NULL: RUN. */
enum { FL_COMPARE_VALUE = 128 };
const char *fl_point_value(const struct fl_result *result, enum fl_compare_key key,
                           char scratch[FL_COMPARE_VALUE]);
extern const char *const fl_compare_key_names[];

/* "prefill", "decode, cached", "decode, uncached" */
const char *fl_point_phase(const struct fl_point *point);

/* "gpt2-small prefill, causal, f32, 2 threads, b=1, s=64" */
enum { FL_POINT_LABEL = 320 };
char *fl_point_label(const struct fl_result *result, char out[FL_POINT_LABEL]);

/* ---- comparison ---- */

enum fl_correction { FL_CORRECTION_BH, FL_CORRECTION_HOLM, FL_CORRECTION_NONE };
extern const char *const fl_correction_names[]; /* "bh", "holm", "none", NULL */

enum fl_verdict {
    FL_VERDICT_SLOWER,
    FL_VERDICT_FASTER,
    FL_VERDICT_SAME,
    FL_VERDICT_INCONCLUSIVE,
    FL_N_VERDICTS
};
extern const char *const fl_verdict_names[]; /* "slower", "faster", "no difference", ... */

struct fl_compare_options {
    struct fl_bootstrap_options bootstrap;
    double threshold; /* 0.02 */
    enum fl_correction correction;
};

struct fl_compare_side {
    const struct fl_results *results;
    const struct fl_selector *selector;
};

struct fl_compare_row {
    const struct fl_result *points[2]; /* A, B */
    const struct fl_run *runs[2];      /* that measured the first sample of either */
    int n_samples[2];
    double inflation[2]; /* see noise.h: of this kind of step */
    double medians_ns[2];
    struct fl_ratio ratio; /* NAN but for the ratio where a side has one sample */
    double p_adjusted;
    enum fl_verdict verdict;
    /* exact figures, B - A */
    int64_t flops_change, bytes_change;
};

struct fl_comparison {
    struct fl_compare_row *rows;
    int n;
    const struct fl_result **unmatched[2];
    int n_unmatched[2];
    struct fl_disturbance disturbance[2];
    int n_verdicts[FL_N_VERDICTS];
    int n_flops_changed, n_bytes_changed;
    double mean, mean_low, mean_high; /* geometric mean of the ratios of these points, interval */
};

/* Fails where a point of one side matches two of the other (several machines), or both sides are
 * the same samples. */
int fl_compare(struct fl_comparison *comparison, const struct fl_compare_side sides[2],
               const struct fl_compare_options *options, struct fl_error *error);
void fl_comparison_free(struct fl_comparison *comparison);

/* p [n] corrected in place of adjusted [n]; order [n] is scratch. */
void fl_adjust_p_values(double *adjusted, const double *p, int n, enum fl_correction correction,
                        int *order);

/* What the machines and programs of both sides have different: the i-th field of a run that differs
 * between the runs of matched points, or NULL behind the last. */
struct fl_run_difference {
    const char *field, *values[2];
};
bool fl_compare_difference(struct fl_run_difference *difference,
                           const struct fl_comparison *comparison, int i);

#endif
