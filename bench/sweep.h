/* sweep.h - the points of a sweep, the order in which they are measured, and the loop.
 *
 * The points are the cross product of the axes without what would say the same twice: prefill
 * fills the cache whatever --cache says, so it takes no part in that axis and is stored as
 * cache = on. What needs more tokens than the model's context is left out.
 *
 * Order: the repetitions of a point are split over `n_passes` passes; each pass visits all points
 * in an order of its own, shuffled by the seed. So no axis lines up with a drift of the machine,
 * and every point is seen at times that lie apart, while the repetitions within a visit follow one
 * another behind their warm-up. Each pass is a start of the program of its own, see
 * fl_sweep_start_anew(). After pass k of n a point has ceil(reps * k / n) samples; what is
 * stored already counts, and that is all there is to resuming.
 *
 * With a counter, every point that has no observation by it is counted once, when all times have
 * been taken: what a counter does to the machine never lies between two samples. */
#ifndef FL_BENCH_SWEEP_H
#define FL_BENCH_SWEEP_H

#include "base/progress.h"
#include "engine/session.h"
#include "model/weights.h"
#include "store/store.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/* The axes, as fl_cli_axis() and fl_cli_names() give them. */
struct fl_sweep_axes {
    int64_t *contexts, *batches, *threads;
    int n_contexts, n_batches, n_threads;
    int *phases;     /* enum fl_phase */
    int *caches;     /* 1 on, 0 off */
    int *attentions; /* enum fl_attention */
    int n_phases, n_caches, n_attentions;
    enum fl_logits logits; /* of prefill; decode always takes the last position's */
    enum fl_dtype kv_dtype;
};

struct fl_sweep_item {
    struct fl_point point; /* identity and shape; totals are filled in when measured */
    enum fl_attention attention;
    enum fl_logits logits;
    enum fl_dtype kv_dtype;
    double work; /* predicted cost of one execution, for the estimate of the time left */
};

struct fl_sweep_plan {
    struct fl_sweep_item *items; /* what fits into the model's context ... */
    int n_items;
    struct fl_sweep_item *beyond; /* ... and what does not */
    int n_beyond;
};

enum { FL_SWEEP_POINTS_MAX = 100000 };

int fl_sweep_plan_make(struct fl_sweep_plan *plan, const struct fl_sweep_axes *axes,
                       const struct fl_config *config, struct fl_error *error);
void fl_sweep_plan_free(struct fl_sweep_plan *plan);

/* The order of a pass: a permutation of 0 .. n-1. */
void fl_sweep_order(int *order, int n, uint64_t seed, int pass);

/* Samples a point shall have when pass `pass` (from 0) is over. */
int fl_sweep_target(int n_reps, int n_passes, int pass);

/* Tokens a sequence of this point holds at the end. */
int fl_sweep_item_n_ctx(const struct fl_sweep_item *item);

/* Tokens of an encoder's inputs: as many as the point's context; 0 without an encoder. */
int fl_sweep_item_n_source(const struct fl_sweep_item *item, const struct fl_config *config);

/* Analytic cost of the point under its conventions; fills point->*_convention. stored: the formats
 * of the weights, NULL: f32. experts_hit: of a run (fl_session_experts_hit()), or NULL. */
struct fl_analytic;
struct fl_stored;
int fl_sweep_item_analyse(struct fl_analytic *analytic, struct fl_sweep_item *item,
                          const struct fl_config *config, const struct fl_stored *stored,
                          const int *experts_hit, struct fl_error *error);

/* "decode cache=on attention=causal logits=last b=1 s=64 threads=2" */
enum { FL_SWEEP_LABEL = 128 };
char *fl_sweep_label(const struct fl_point *point, char out[FL_SWEEP_LABEL]);

struct fl_sweep_counter;

struct fl_sweep_options {
    int n_reps, n_warmup, n_passes;
    uint64_t seed;
    double max_time_s; /* 0: none */
    bool quiet;
    const volatile sig_atomic_t *stop; /* a signal's number ends the sweep after the sample */
    struct fl_sweep_counter *counter;  /* found, see sweep_count.h; NULL: none */
};

struct fl_sweep_tally {
    int n_measured; /* visits that stored samples */
    int n_stored;   /* points that had all their samples before */
    int n_refused;  /* points the engine would not open, e.g. for want of memory */
    int64_t n_samples;
    int n_counted;   /* points that got an observation */
    int n_uncounted; /* points whose counting failed */
    bool out_of_time;
};

/* A sweep under way. All 0 before the first pass; what a later one needs, in whatever process. */
struct fl_sweep_state {
    int pass; /* the next one */
    bool done;
    uint64_t started_ns; /* fl_clock_ns() */
    struct fl_sweep_tally tally;
    struct fl_progress progress;
};

/* One pass: measures what is not stored yet; behind the last one counts what is not counted yet and
 * sets state->done, which a signal, options->max_time_s and an error do sooner. record describes
 * the model and run the machine; both are added to the store, the run with its first samples or
 * observation. Points the engine refuses, and those that could not be counted, are named on stderr
 * and left out. */
int fl_sweep_pass(struct fl_sweep_state *state, const struct fl_sweep_plan *plan,
                  const struct fl_model *model, struct fl_model_record *record,
                  struct fl_store *store, struct fl_run *run,
                  const struct fl_sweep_options *options, struct fl_error *error);

/* Where memory lies differs from one start of a program to the next, and steps of 30 us with it, by
 * a tenth: samples of one start agree on a figure that the next start does not have. So every pass
 * is a start of its own. fl_sweep_start_anew() executes the program again with these arguments
 * (argv[0] is the command's name), and returns, with the reason, only where that cannot be done;
 * then the sweep goes on in this process. fl_sweep_take_over() is false at a sweep's beginning;
 * otherwise it sets *state and the run's id. */
void fl_sweep_start_anew(const struct fl_sweep_state *state, int64_t run_id, int argc, char **argv,
                         struct fl_error *error);
bool fl_sweep_take_over(struct fl_sweep_state *state, int64_t *run_id, bool quiet);

#endif
