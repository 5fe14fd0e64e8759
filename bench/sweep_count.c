#include "bench/sweep_count.h"

#include "bench/measure.h"
#include "counters/counter_papi.h"
#include "engine/observe.h"

#include <cblas.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const fl_sweep_counter_names[] = {"none", "flopgrind", "papi", NULL};

static int find_flopgrind(struct fl_sweep_counter *counter, struct fl_error *error)
{
    const char *missing = fl_flopgrind_missing();
    if (missing)
        return fl_fail(error, "--counter flopgrind: unavailable: %s", missing);
    const char *core = counter->flopgrind.blas_core;
    if (!core)
        core = getenv("OPENBLAS_CORETYPE");
    snprintf(counter->blas_core, sizeof counter->blas_core, "%s",
             core ? core : FL_FLOPGRIND_BLAS_CORE);
    snprintf(counter->version, sizeof counter->version, "%s", fl_flopgrind_version());
    counter->n_passes = 1;
    return FL_OK;
}

static int open_papi(struct fl_counter *counter, struct fl_error *error)
{
    return fl_counter_papi_open(counter, NULL, error);
}

static int find_papi(struct fl_sweep_counter *counter, struct fl_error *error)
{
    struct fl_counter papi;
    struct fl_error reason;
    counter->open = open_papi;
    if (counter->open(&papi, &reason) != FL_OK)
        return fl_fail(error, "--counter papi: %s", reason.text);
    memcpy(counter->version, papi.version, sizeof counter->version);
    counter->n_passes = papi.n_passes;
    papi.close(&papi);
    snprintf(counter->blas_core, sizeof counter->blas_core, "%s", openblas_get_corename());
    return FL_OK;
}

int fl_sweep_counter_find(struct fl_sweep_counter *counter, struct fl_error *error)
{
    switch (counter->kind) {
    case FL_SWEEP_COUNT_FLOPGRIND:
        return find_flopgrind(counter, error);
    case FL_SWEEP_COUNT_PAPI:
        return find_papi(counter, error);
    case FL_SWEEP_COUNT_NONE:
        break;
    }
    return FL_OK;
}

static int observe_flopgrind(struct fl_observation *observation,
                             const struct fl_sweep_counter *counter, const struct fl_model *model,
                             const struct fl_sweep_item *item, struct fl_error *error)
{
    const struct fl_point *point = &item->point;
    const struct fl_observe_request request = {
        .model = counter->model,
        .decode = point->phase == FL_PHASE_DECODE,
        .cache = point->cache,
        .context = point->context,
        .batch = point->batch,
        .n_threads = point->n_threads,
        .n_source = fl_sweep_item_n_source(item, &model->config),
        .attention = item->attention,
        .logits = item->logits,
        .seed = (int64_t)counter->seed,
        .dtype = counter->dtype,
        .kv_dtype = counter->kv_dtype,
    };
    return fl_observe_under_flopgrind(observation, &request, &counter->flopgrind,
                                      model->config.n_layers, error);
}

static int observe_here(struct fl_observation *observation, const struct fl_sweep_counter *counter,
                        const struct fl_model *model, const struct fl_sweep_item *item,
                        struct fl_error *error)
{
    struct fl_measurement measurement;
    struct fl_counter here;
    if (fl_measurement_open(&measurement, model, item, 1, counter->seed, error) != FL_OK)
        return FL_FAILED;
    int status = fl_measurement_warm_up(&measurement, error);
    if (status == FL_OK)
        status = counter->open(&here, error);
    if (status == FL_OK) {
        status = fl_measurement_observe(&measurement, &here, observation, error);
        here.close(&here);
    }
    fl_measurement_close(&measurement);
    return status;
}

int fl_sweep_counter_observe(struct fl_observed *observed, const struct fl_sweep_counter *counter,
                             const struct fl_model *model, const struct fl_sweep_item *item,
                             struct fl_error *error)
{
    struct fl_observation observation;
    int status = counter->kind == FL_SWEEP_COUNT_FLOPGRIND
                     ? observe_flopgrind(&observation, counter, model, item, error)
                     : observe_here(&observation, counter, model, item, error);
    if (status != FL_OK)
        return status;
    fl_observed_sum(observed, &observation);
    fl_observation_close(&observation);
    return FL_OK;
}

double fl_sweep_counter_work(const struct fl_sweep_counter *counter,
                             const struct fl_sweep_item *item)
{
    /* Valgrind starts the program and its weights anew, about a second of a core's work, and runs
     * the pass some dozens of times as slowly. */
    if (counter->kind == FL_SWEEP_COUNT_FLOPGRIND)
        return 2e10 + 40 * item->work;
    return (1 + counter->n_passes) * item->work;
}
