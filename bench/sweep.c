#include "bench/sweep.h"

#include "base/progress.h"
#include "bench/measure.h"
#include "bench/sweep_count.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Beside FL_OK and FL_FAILED: the engine would not open this point; the sweep goes on. */
enum { REFUSED = 1 };

/* One sweep under way. */
struct sweep {
    const struct fl_sweep_plan *plan;
    const struct fl_model *model;
    struct fl_store *store;
    struct fl_run *run;
    const struct fl_sweep_options *options;
    struct fl_sweep_state *state;
    struct fl_sweep_tally *tally; /* the state's, as is the next one */
    struct fl_progress *progress;
    int64_t model_id;
};

static bool should_stop(struct sweep *sweep)
{
    const struct fl_sweep_options *options = sweep->options;
    if (options->stop && *options->stop)
        return true;
    double elapsed_s = (double)(fl_clock_ns() - sweep->state->started_ns) * 1e-9;
    if (options->max_time_s > 0 && elapsed_s >= options->max_time_s)
        sweep->tally->out_of_time = true;
    return sweep->tally->out_of_time;
}

/* On a terminal the note takes the place of the bar, which comes back with the next step. */
static void note(const struct sweep *sweep, const char *what, int index, const struct fl_error *why)
{
    char label[FL_SWEEP_LABEL];
    fprintf(stderr, "%sflopledger sweep: %s %s: %s\n",
            sweep->progress->terminal && !sweep->options->quiet ? "\r\033[K" : "", what,
            fl_sweep_label(&sweep->plan->items[index].point, label), why->text);
}

/* The run is recorded when it has something to keep. */
static int need_run(struct sweep *sweep, struct fl_error *error)
{
    return sweep->run->id != 0 ? FL_OK : fl_store_add_run(sweep->store, sweep->run, error);
}

/* The samples of one visit; those finished before a stop are kept. */
static int take_samples(struct sweep *sweep, struct fl_measurement *measurement, int first_rep,
                        int n_reps, struct fl_error *error)
{
    for (int i = 0; i < sweep->options->n_warmup && !should_stop(sweep); i++)
        if (fl_measurement_warm_up(measurement, error) != FL_OK)
            return FL_FAILED;
    for (int i = 0; i < n_reps && !should_stop(sweep); i++)
        if (fl_measurement_sample(measurement, first_rep + i, sweep->state->started_ns, error) !=
            FL_OK)
            return FL_FAILED;
    return FL_OK;
}

static int store_samples(struct sweep *sweep, struct fl_measurement *measurement, int64_t point_id,
                         struct fl_error *error)
{
    if (measurement->n_samples == 0)
        return FL_OK;
    if (need_run(sweep, error) != FL_OK)
        return FL_FAILED;
    int status = point_id != 0
                     ? fl_store_add_samples(sweep->store, point_id, measurement->samples,
                                            measurement->n_samples, error)
                     : fl_store_add_point(sweep->store, &measurement->item.point, measurement->ops,
                                          measurement->n_ops, measurement->samples,
                                          measurement->n_samples, error);
    if (status == FL_OK) {
        sweep->tally->n_measured++;
        sweep->tally->n_samples += measurement->n_samples;
    }
    return status;
}

/* How many samples the point has in the file; *id is 0 when it is not there. */
static int find_item(struct sweep *sweep, int index, struct fl_sweep_item *item, int64_t *id,
                     int *n_samples, struct fl_error *error)
{
    *item = sweep->plan->items[index];
    item->point.model_id = sweep->model_id;
    return fl_store_find_point(sweep->store, sweep->run->machine, &item->point, id, n_samples,
                               error);
}

/* Brings a point that has n_samples up to `target`. *complete: all of them could be taken. */
static int measure_point(struct sweep *sweep, const struct fl_sweep_item *item, int64_t id,
                         int n_samples, int target, bool *complete, struct fl_error *error)
{
    struct fl_measurement measurement;
    if (fl_measurement_open(&measurement, sweep->model, item, target - n_samples,
                            sweep->options->seed, error) != FL_OK)
        return REFUSED;
    int status = take_samples(sweep, &measurement, n_samples, target - n_samples, error);
    if (status == FL_OK)
        status = store_samples(sweep, &measurement, id, error);
    *complete = measurement.n_samples == target - n_samples;
    fl_measurement_close(&measurement);
    return status;
}

/* The engine refused a point if the pass before left it behind; it will again. */
static bool was_refused(const struct sweep *sweep, int n_samples)
{
    const struct fl_sweep_options *options = sweep->options;
    const int pass = sweep->state->pass;
    return pass > 0 && n_samples < fl_sweep_target(options->n_reps, options->n_passes, pass - 1);
}

static int visit(struct sweep *sweep, int index, int target, struct fl_error *error)
{
    struct fl_sweep_item item;
    int64_t id;
    int n_samples;
    if (find_item(sweep, index, &item, &id, &n_samples, error) != FL_OK)
        return FL_FAILED;
    if (n_samples >= target)
        return FL_OK;

    bool complete = true;
    if (!was_refused(sweep, n_samples)) {
        int status = measure_point(sweep, &item, id, n_samples, target, &complete, error);
        if (status == REFUSED) {
            sweep->tally->n_refused++;
            note(sweep, "left out", index, error);
        } else if (status != FL_OK) {
            return FL_FAILED;
        }
    }
    char label[FL_SWEEP_LABEL];
    if (complete)
        fl_progress_step(sweep->progress,
                         item.work * (target - n_samples + sweep->options->n_warmup),
                         fl_sweep_label(&item.point, label));
    return FL_OK;
}

/* ---- counting ---- */

/* Whether the point in the file, id, is still to be counted. */
static int find_uncounted(struct sweep *sweep, int64_t id, bool *uncounted, struct fl_error *error)
{
    const struct fl_sweep_counter *counter = sweep->options->counter;
    bool found = false;
    *uncounted = false;
    if (!counter)
        return FL_OK;
    if (id != 0 && fl_store_find_observed(sweep->store, id, fl_sweep_counter_names[counter->kind],
                                          counter->blas_core, &found, error) != FL_OK)
        return FL_FAILED;
    *uncounted = !found;
    return FL_OK;
}

/* OpenBLAS takes another core's kernels when it has none of the name it was given: points counted
 * so before are not counted again. */
static int store_observed(struct sweep *sweep, int64_t id, struct fl_observed *observed,
                          struct fl_error *error)
{
    struct fl_sweep_counter *counter = sweep->options->counter;
    bool uncounted = true;
    if (strcasecmp(counter->blas_core, observed->blas_core) != 0) {
        fprintf(stderr, "flopledger sweep: warning: OpenBLAS counts kernels of %s, not of %s\n",
                observed->blas_core, counter->blas_core);
        memcpy(counter->blas_core, observed->blas_core, sizeof counter->blas_core);
        if (find_uncounted(sweep, id, &uncounted, error) != FL_OK)
            return FL_FAILED;
    }
    if (!uncounted)
        return FL_OK;
    if (need_run(sweep, error) != FL_OK ||
        fl_store_add_observed(sweep->store, id, observed, error) != FL_OK)
        return FL_FAILED;
    sweep->tally->n_counted++;
    return FL_OK;
}

static int count_point(struct sweep *sweep, int index, struct fl_observed *observed,
                       struct fl_error *error)
{
    struct fl_sweep_counter *counter = sweep->options->counter;
    struct fl_sweep_item item;
    int64_t id;
    int n_samples;
    bool uncounted;
    char label[FL_SWEEP_LABEL];
    if (find_item(sweep, index, &item, &id, &n_samples, error) != FL_OK ||
        find_uncounted(sweep, id, &uncounted, error) != FL_OK)
        return FL_FAILED;
    if (!uncounted)
        return FL_OK;
    if (id != 0) { /* the engine did not refuse it */
        if (fl_sweep_counter_observe(observed, counter, sweep->model, &item, error) == FL_OK) {
            if (store_observed(sweep, id, observed, error) != FL_OK)
                return FL_FAILED;
        } else if (!should_stop(sweep)) { /* a signal for us may end the counting process too */
            sweep->tally->n_uncounted++;
            note(sweep, "could not count", index, error);
        }
    }
    fl_progress_step(sweep->progress, fl_sweep_counter_work(counter, &item),
                     fl_sweep_label(&item.point, label));
    return FL_OK;
}

static int count_points(struct sweep *sweep, int *order, struct fl_error *error)
{
    int n = sweep->plan->n_items, status = FL_OK;
    if (!sweep->options->counter)
        return FL_OK;
    struct fl_observed *observed = malloc(sizeof *observed);
    if (!observed)
        return fl_fail(error, "sweep: no memory for what is counted");
    fl_sweep_order(order, n, sweep->options->seed, 0);
    for (int i = 0; i < n && status == FL_OK && !should_stop(sweep); i++)
        status = count_point(sweep, order[i], observed, error);
    free(observed);
    return status;
}

/* ---- the whole ---- */

/* Counts what is to be done before anything is, for the progress bar and the notes. */
static int survey(struct sweep *sweep, struct fl_error *error)
{
    const struct fl_sweep_options *options = sweep->options;
    int64_t n_visits = 0;
    double work = 0;
    for (int i = 0; i < sweep->plan->n_items; i++) {
        struct fl_sweep_item item;
        int64_t id;
        int n_samples;
        bool uncounted;
        if (find_item(sweep, i, &item, &id, &n_samples, error) != FL_OK)
            return FL_FAILED;
        if (find_uncounted(sweep, id, &uncounted, error) != FL_OK)
            return FL_FAILED;
        if (n_samples >= options->n_reps && !uncounted)
            sweep->tally->n_stored++;
        if (uncounted) {
            n_visits++;
            work += fl_sweep_counter_work(options->counter, &item);
        }
        for (int pass = 0; pass < options->n_passes; pass++) {
            int target = fl_sweep_target(options->n_reps, options->n_passes, pass);
            if (n_samples >= target)
                continue;
            n_visits++;
            work += item.work * (target - n_samples + options->n_warmup);
            n_samples = target;
        }
    }
    fl_progress_start(sweep->progress, "sweep", n_visits, work, options->quiet);
    return FL_OK;
}

static int intern_model(struct sweep *sweep, struct fl_model_record *record, struct fl_error *error)
{
    if (fl_store_add_model(sweep->store, record, error) != FL_OK)
        return FL_FAILED;
    sweep->model_id = record->id;
    return FL_OK;
}

static int run_pass(struct sweep *sweep, int *order, struct fl_error *error)
{
    const struct fl_sweep_options *options = sweep->options;
    const int n = sweep->plan->n_items, pass = sweep->state->pass;
    const int target = fl_sweep_target(options->n_reps, options->n_passes, pass);
    fl_sweep_order(order, n, options->seed, pass);
    for (int i = 0; i < n && !should_stop(sweep); i++)
        if (visit(sweep, order[i], target, error) != FL_OK)
            return FL_FAILED;
    return FL_OK;
}

int fl_sweep_pass(struct fl_sweep_state *state, const struct fl_sweep_plan *plan,
                  const struct fl_model *model, struct fl_model_record *record,
                  struct fl_store *store, struct fl_run *run,
                  const struct fl_sweep_options *options, struct fl_error *error)
{
    struct sweep sweep = {
        .plan = plan,
        .model = model,
        .store = store,
        .run = run,
        .options = options,
        .state = state,
        .tally = &state->tally,
        .progress = &state->progress,
    };
    int *order = calloc((size_t)plan->n_items + 1, sizeof *order);
    if (!order)
        return fl_fail(error, "the axes: no memory for %d points", plan->n_items);
    int status = intern_model(&sweep, record, error);
    if (status == FL_OK && state->pass == 0) {
        state->started_ns = fl_clock_ns();
        status = survey(&sweep, error);
    }
    if (status == FL_OK) {
        status = run_pass(&sweep, order, error);
        state->pass++;
        state->done = status != FL_OK || state->pass >= options->n_passes || should_stop(&sweep);
        if (status == FL_OK && state->done)
            status = count_points(&sweep, order, error);
        if (state->done)
            fl_progress_finish(&state->progress);
    }
    free(order);
    return status;
}
