/* cmd_sweep.c - measure over the axes and keep every sample. */
#include "base/interrupt.h"
#include "base/threads.h"
#include "bench/hostinfo.h"
#include "bench/peaks_cache.h"
#include "bench/sweep.h"
#include "bench/sweep_count.h"
#include "commands.h"
#include "counters/calibrate_run.h"
#include "ledger/analytic.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct arguments {
    const char *model, *contexts, *batches, *phases, *caches, *attentions, *threads, *out;
    int logits, dtype, kv_dtype; /* dtype -1: not given */
    int64_t reps, warmup, passes, seed;
    double max_time_s;
    int counter, footprint;
    const char *blas_core;
    bool quiet, dry_run;
};

static void free_axes(struct fl_sweep_axes *axes)
{
    free(axes->contexts);
    free(axes->batches);
    free(axes->threads);
    free(axes->phases);
    free(axes->caches);
    free(axes->attentions);
    *axes = (struct fl_sweep_axes){0};
}

static int default_threads(struct fl_sweep_axes *axes, struct fl_error *error)
{
    axes->threads = malloc(sizeof *axes->threads);
    if (!axes->threads)
        return fl_fail(error, "--threads: no memory");
    axes->threads[0] = fl_default_threads();
    axes->n_threads = 1;
    return FL_OK;
}

static int read_axes(struct fl_sweep_axes *axes, const struct arguments *args,
                     struct fl_error *error)
{
    enum { LONGEST = 1 << 24, WIDEST = 1 << 16, MOST_THREADS = 1024 };
    axes->logits = (enum fl_logits)(FL_LOGITS_LAST + args->logits);
    axes->kv_dtype = (enum fl_dtype)args->kv_dtype;
    if (fl_cli_axis(args->contexts, "-s", 1, LONGEST, &axes->contexts, &axes->n_contexts, error) !=
            FL_OK ||
        fl_cli_axis(args->batches, "-b", 1, WIDEST, &axes->batches, &axes->n_batches, error) !=
            FL_OK ||
        fl_cli_names(args->phases, "--phase", fl_phase_names, &axes->phases, &axes->n_phases,
                     error) != FL_OK ||
        fl_cli_names(args->caches, "--cache", fl_cli_off_on, &axes->caches, &axes->n_caches,
                     error) != FL_OK ||
        fl_cli_names(args->attentions, "--attention", fl_attention_names, &axes->attentions,
                     &axes->n_attentions, error) != FL_OK)
        return FL_FAILED;
    if (!args->threads)
        return default_threads(axes, error);
    return fl_cli_axis(args->threads, "--threads", 1, MOST_THREADS, &axes->threads,
                       &axes->n_threads, error);
}

/* One line for all points of a phase and context, since no other axis has a say in it. */
static void note_beyond(const struct fl_sweep_plan *plan, const struct fl_config *config)
{
    for (int i = 0; i < plan->n_beyond; i++) {
        const struct fl_point *point = &plan->beyond[i].point;
        int first = i, n = 0;
        for (int j = 0; j < plan->n_beyond; j++) {
            const struct fl_point *other = &plan->beyond[j].point;
            if (other->phase != point->phase || other->context != point->context)
                continue;
            first = j < first ? j : first;
            n++;
        }
        if (first == i)
            fprintf(stderr,
                    "flopledger sweep: left out %s at s=%d (%d point%s): needs %d tokens, %s has a "
                    "context of %d\n",
                    fl_phase_names[point->phase], point->context, n, n == 1 ? "" : "s",
                    fl_sweep_item_n_ctx(&plan->beyond[i]), config->name, config->n_ctx_max);
    }
}

static int print_plan(const struct fl_sweep_plan *plan, const struct arguments *args,
                      const struct fl_config *config, struct fl_error *error)
{
    int *order = calloc((size_t)plan->n_items + 1, sizeof *order);
    if (!order)
        return fl_fail(error, "the axes: no memory for %d points", plan->n_items);
    int status = FL_OK;
    note_beyond(plan, config);
    fl_sweep_order(order, plan->n_items, (uint64_t)args->seed, 0);
    printf("%-8s %-5s %-9s %-6s %5s %8s %7s  %s\n", "phase", "cache", "attention", "logits",
           "batch", "context", "threads", "FLOPs");
    for (int i = 0; i < plan->n_items && status == FL_OK; i++) {
        struct fl_sweep_item item = plan->items[order[i]];
        const struct fl_point *point = &item.point;
        struct fl_analytic analytic;
        char digits[FL_WIDE_DIGITS];
        status = fl_sweep_item_analyse(&analytic, &item, config, NULL, NULL, error);
        if (status == FL_OK)
            printf("%-8s %-5s %-9s %-6s %5d %8d %7d  %s\n", fl_phase_names[point->phase],
                   fl_cli_off_on[point->cache], point->attention, point->logits, point->batch,
                   point->context, point->n_threads, fl_wide_text(analytic.total.exact, digits));
    }
    free(order);
    return status;
}

static int describe_model(struct fl_model_record *record, const struct fl_model *model,
                          const char *spec, struct fl_error *error)
{
    *record = (struct fl_model_record){.n_params = fl_config_n_params(&model->config),
                                       .weights_bytes = model->weight_bytes,
                                       .config = model->config};
    snprintf(record->name, sizeof record->name, "%s", model->config.name);
    snprintf(record->format, sizeof record->format, "%s", model->format);
    if ((size_t)snprintf(record->spec, sizeof record->spec, "%s", spec) >= sizeof record->spec)
        return fl_fail(error, "%.80s...: expected a model path of less than %zu bytes", spec,
                       sizeof record->spec);
    return FL_OK;
}

static void report_tally(const struct fl_sweep_tally *tally, const struct arguments *args)
{
    if (!args->quiet && args->counter != FL_SWEEP_COUNT_NONE)
        fprintf(stderr, "%d points counted by %s; ", tally->n_counted,
                fl_sweep_counter_names[args->counter]);
    if (!args->quiet)
        fprintf(stderr,
                "%lld samples from %d visits stored in %s; %d points were complete before, %d left "
                "out\n",
                (long long)tally->n_samples, tally->n_measured, args->out, tally->n_stored,
                tally->n_refused);
    if (fl_interrupt_signal || tally->out_of_time)
        fprintf(stderr,
                "flopledger sweep: stopped %s; what was measured is in %s, and the same command "
                "goes on from there\n",
                fl_interrupt_signal ? "by a signal" : "by --max-time", args->out);
}

/* How right the counter is on this machine, for the record. A calibration that fails is a counter
 * that would fail at its work. */
static int calibrate(struct fl_run *run, const struct fl_sweep_counter *counter,
                     struct fl_error *error)
{
    struct fl_calibration calibration;
    int status = FL_OK;
    if (counter->kind == FL_SWEEP_COUNT_NONE)
        return FL_OK;
    if (counter->kind == FL_SWEEP_COUNT_FLOPGRIND)
        status = fl_calibrate_flopgrind(&calibration, NULL, true, error);
    else
        status = fl_calibrate_papi(&calibration, error);
    if (status == FL_OK)
        status =
            fl_calibration_text(&calibration, run->calibration, sizeof run->calibration, error);
    return status;
}

static void describe_run(struct fl_run *run, const struct arguments *args,
                         const struct fl_sweep_counter *counter, int argc, char **argv)
{
    fl_hostinfo_fill(run);
    fl_hostinfo_command_line(run, argc, argv);
    run->seed = args->seed;
    snprintf(run->counter, sizeof run->counter, "%s", fl_sweep_counter_names[counter->kind]);
    memcpy(run->counter_version, counter->version, sizeof run->counter_version);
}

/* The formats of the weights, and of a cache that is not in f32, are part of a point's identity. */
static void name_formats(struct fl_sweep_plan *plan, const struct fl_model *model,
                         enum fl_dtype kv_dtype)
{
    struct fl_stored stored;
    fl_stored_of_model(&stored, model);
    for (int i = 0; i < plan->n_items; i++) {
        char *dtype = plan->items[i].point.dtype;
        const size_t size = sizeof plan->items[i].point.dtype;
        snprintf(dtype, size, kv_dtype == FL_F32 ? "%.*s" : "%.*s, KV %s", (int)size - 12,
                 stored.name, fl_dtype_names[kv_dtype]);
    }
}

/* What is kept of this machine's ceilings goes into the file, unless it is there already. Without
 * them a report can say how fast, but not how fast it could be. */
static int embed_ceilings(struct fl_store *store, struct fl_run *run, bool quiet,
                          struct fl_error *error)
{
    struct fl_peaks peaks;
    struct fl_error why;
    char stored[FL_CEILING_TIME], kept[FL_CEILING_TIME] = "";
    if (fl_store_find_ceilings(store, run->machine, stored, error) != FL_OK)
        return FL_FAILED;
    if (!fl_peaks_of_host(&peaks, run, &why)) {
        if (!quiet && !*stored)
            fprintf(stderr,
                    "flopledger sweep: no ceilings beside the results: %s; 'flopledger peaks' "
                    "first, and the report shows how far from them each step is\n",
                    why.text);
        return FL_OK;
    }
    for (int i = 0; i < peaks.n; i++)
        if (strcmp(peaks.rows[i].measured_at, kept) > 0)
            memcpy(kept, peaks.rows[i].measured_at, sizeof kept);
    int status = FL_OK;
    if (strcmp(kept, stored) > 0) {
        if (run->id == 0)
            status = fl_store_add_run(store, run, error);
        if (status == FL_OK)
            status = fl_store_set_ceilings(store, peaks.rows, peaks.n, error);
    }
    fl_peaks_free(&peaks);
    return status;
}

/* At the beginning of a sweep: what belongs to its record, and to its user. Between two passes: the
 * record that is there already. */
static int begin(struct fl_sweep_state *state, struct fl_run *run, struct fl_store *store,
                 const struct fl_sweep_plan *plan, const struct fl_config *config,
                 const struct arguments *args, const struct fl_sweep_counter *counter,
                 struct fl_error *error)
{
    int64_t run_id;
    const char *warning;
    if (fl_sweep_take_over(state, &run_id, args->quiet))
        return fl_store_continue_run(store, run, run_id, error);
    note_beyond(plan, config);
    if (calibrate(run, counter, error) != FL_OK ||
        embed_ceilings(store, run, args->quiet, error) != FL_OK)
        return FL_FAILED;
    for (int i = 0; (warning = fl_hostinfo_warning(i)); i++)
        fprintf(stderr, "flopledger sweep: warning: %s\n", warning);
    return FL_OK;
}

static int measure(struct fl_sweep_plan *plan, const struct arguments *args, int argc, char **argv,
                   struct fl_error *error)
{
    struct fl_model model = {0};
    struct fl_store *store = NULL;
    struct fl_model_record *record = malloc(sizeof *record);
    struct fl_run *run = malloc(sizeof *run);
    struct fl_sweep_state state = {0};
    struct fl_sweep_counter counter = {
        .kind = (enum fl_sweep_counter_kind)args->counter,
        .model = args->model,
        .dtype = args->dtype,
        .kv_dtype = (enum fl_dtype)args->kv_dtype,
        .seed = (uint64_t)args->seed,
        .flopgrind = {.no_footprint = !args->footprint, .blas_core = args->blas_core},
    };
    const struct fl_sweep_options options = {
        .n_reps = (int)args->reps,
        .n_warmup = (int)args->warmup,
        .n_passes = (int)(args->passes < args->reps ? args->passes : args->reps),
        .seed = (uint64_t)args->seed,
        .max_time_s = args->max_time_s,
        .quiet = args->quiet,
        .stop = &fl_interrupt_signal,
        .counter = counter.kind == FL_SWEEP_COUNT_NONE ? NULL : &counter,
    };
    int status = FL_FAILED;
    if (!record || !run) {
        fl_fail(error, "no memory to describe the run");
        goto done;
    }
    /* A file that may grow no further is an error to report, not the end of the process. */
    signal(SIGXFSZ, SIG_IGN);
    /* What may be refused soonest comes first: nobody wants to learn after hours of timing that the
     * counter is not there. */
    if (fl_sweep_counter_find(&counter, error) != FL_OK ||
        fl_store_create(&store, args->out, error) != FL_OK ||
        fl_model_open_as(&model, args->model, args->dtype, options.seed, error) != FL_OK ||
        describe_model(record, &model, args->model, error) != FL_OK)
        goto done;
    name_formats(plan, &model, (enum fl_dtype)args->kv_dtype);
    describe_run(run, args, &counter, argc, argv);
    if (begin(&state, run, store, plan, &model.config, args, &counter, error) != FL_OK)
        goto done;
    fl_interrupt_catch();
    do {
        const int64_t n_before = state.tally.n_samples;
        status = fl_sweep_pass(&state, plan, &model, record, store, run, &options, error);
        if (status == FL_OK && !state.done && state.tally.n_samples > n_before) {
            fl_sweep_start_anew(&state, run->id, argc, argv, error);
            fprintf(stderr, "flopledger sweep: warning: %s\n", error->text);
        }
    } while (status == FL_OK && !state.done);
    if (status == FL_OK)
        report_tally(&state.tally, args);
    if (status == FL_OK && state.tally.n_uncounted > 0)
        status =
            fl_fail(error, "%d point%s could not be counted; what was measured is in %s",
                    state.tally.n_uncounted, state.tally.n_uncounted == 1 ? "" : "s", args->out);
done:
    fl_model_close(&model);
    fl_store_close(store);
    free(record);
    free(run);
    return status;
}

static int run_sweep(int argc, char **argv)
{
    struct arguments args = {
        .dtype = -1,
        .contexts = "16-1024*2",
        .batches = "1",
        .phases = "prefill,decode",
        .caches = "on,off",
        .attentions = "causal",
        .reps = 7,
        .warmup = 1,
        .passes = 2,
        .seed = 1,
        .footprint = 1,
    };
    const struct fl_option options[] = {
        {"Input", "model", 'm', FL_OPTION_STRING, &args.model, "M",
         "preset name, weights file, or directory", NULL, 0, 0, NULL},
        {NULL, "dtype", 0, FL_OPTION_CHOICE, &args.dtype, "TYPE", "format of random weights", "f32",
         0, 0, fl_dtype_names},
        {NULL, "kv-dtype", 0, FL_OPTION_CHOICE, &args.kv_dtype, "TYPE",
         "type of the KV cache: f32, f16 or bf16", "f32", 0, 0, fl_dtype_float_names},
        {"Axes", "context", 's', FL_OPTION_STRING, &args.contexts, "LIST",
         "tokens: 16,32 or 16-4096*2 or 16-64+16", args.contexts, 0, 0, NULL},
        {NULL, "batch", 'b', FL_OPTION_STRING, &args.batches, "LIST", "sequences in the batch",
         args.batches, 0, 0, NULL},
        {NULL, "phase", 0, FL_OPTION_STRING, &args.phases, "LIST", "prefill,decode", args.phases, 0,
         0, NULL},
        {NULL, "cache", 0, FL_OPTION_STRING, &args.caches, "LIST",
         "decode with the KV cache or by recomputing the prefix: on,off", args.caches, 0, 0, NULL},
        {NULL, "attention", 0, FL_OPTION_STRING, &args.attentions, "LIST", "naive,causal,flash",
         args.attentions, 0, 0, NULL},
        {NULL, "threads", 't', FL_OPTION_STRING, &args.threads, "LIST", "worker threads",
         "$OMP_NUM_THREADS, else all cores", 0, 0, NULL},
        {NULL, "logits", 0, FL_OPTION_CHOICE, &args.logits, NULL,
         "positions with logits in prefill", "last", 0, 0, &fl_logits_names[FL_LOGITS_LAST]},
        {"Measuring", "reps", 0, FL_OPTION_INT, &args.reps, "N", "samples a point", "7", 1, 10000,
         NULL},
        {NULL, "warmup", 0, FL_OPTION_INT, &args.warmup, "N",
         "executions before the samples of a visit that are not kept", "1", 0, 1000, NULL},
        {NULL, "passes", 0, FL_OPTION_INT, &args.passes, "N",
         "times all points are visited, by a new start of the program each; the samples are split "
         "over them",
         "2", 1, 1000, NULL},
        {NULL, "seed", 0, FL_OPTION_INT, &args.seed, "K", "order of the points, tokens, weights",
         "1", 0, 9007199254740992.0, NULL},
        {NULL, "max-time", 0, FL_OPTION_REAL, &args.max_time_s, "SECONDS",
         "stop after this time; the same command goes on later", NULL, 0, 1e9, NULL},
        {"Counter", "counter", 'c', FL_OPTION_CHOICE, &args.counter, NULL,
         "counts every point once, beside the timed samples", "none", 0, 0, fl_sweep_counter_names},
        {NULL, "footprint", 0, FL_OPTION_CHOICE, &args.footprint, "on|off",
         "flopgrind: count distinct 64-byte lines; off is several times faster", "on", 0, 0,
         fl_cli_off_on},
        {NULL, "blas-core", 0, FL_OPTION_STRING, &args.blas_core, "NAME",
         "flopgrind: OpenBLAS core that is counted (AVX2: Haswell, slower)",
         "$OPENBLAS_CORETYPE, else " FL_FLOPGRIND_BLAS_CORE, 0, 0, NULL},
        {"Output", "out", 'o', FL_OPTION_STRING, &args.out, "FILE",
         "results file; stored samples are not taken again", NULL, 0, 0, NULL},
        {NULL, "quiet", 'q', FL_OPTION_FLAG, &args.quiet, NULL, "no progress, only warnings", NULL,
         0, 0, NULL},
        {NULL, "dry-run", 'n', FL_OPTION_FLAG, &args.dry_run, NULL,
         "print the points in the order of the first pass, measure nothing", NULL, 0, 0, NULL},
        {0},
    };
    const struct fl_command *self = &fl_command_sweep;
    int first;
    enum fl_cli_outcome outcome = fl_cli_parse(self, options, argc, argv, &first);
    if (outcome != FL_CLI_RUN)
        return outcome == FL_CLI_HELP ? FL_EXIT_DONE : FL_EXIT_MISUSE;
    if (first < argc)
        return fl_cli_misuse(self, "%s: expected options only", argv[first]);
    if (!args.model)
        return fl_cli_misuse(self, "--model: expected a preset name or a weights file");
    if (!args.out && !args.dry_run)
        return fl_cli_misuse(self, "--out: expected the results file to write");

    struct fl_sweep_axes axes = {0};
    struct fl_sweep_plan plan = {0};
    struct fl_config config;
    struct fl_error error;
    int status = FL_EXIT_DONE;
    fl_interrupt_signal = 0;
    if (read_axes(&axes, &args, &error) != FL_OK) {
        status = fl_cli_misuse(self, "%s", error.text);
    } else if (fl_config_open(&config, args.model, &error) != FL_OK ||
               fl_config_runnable(&config, &error) != FL_OK ||
               fl_sweep_plan_make(&plan, &axes, &config, &error) != FL_OK) {
        status = fl_cli_failed(self, &error);
    } else {
        if ((args.dry_run ? print_plan(&plan, &args, &config, &error)
                          : measure(&plan, &args, argc, argv, &error)) != FL_OK)
            status = fl_cli_failed(self, &error);
        else
            status = fl_interrupt_status(status);
    }
    fl_sweep_plan_free(&plan);
    free_axes(&axes);
    return status;
}

const struct fl_command fl_command_sweep = {
    .name = "sweep",
    .summary = "measure over context, batch, threads, phase, cache and attention kernel",
    .usage = "--model M --out FILE [axes] [options]",
    .examples =
        "flopledger sweep -m stories260K.bin -s '16-256*2' --reps 5 -o results.db\n"
        "flopledger sweep -m gpt2-small -s '16-1024*2' -b 1,4 --attention naive,causal \\\n"
        "    --threads 1,2 -o results.db\n"
        "flopledger sweep -m gpt2-nano -s 16,64 --counter flopgrind -o results.db\n"
        "flopledger sweep -m gpt2-small -s 64,128 --dry-run\n"
        "\n"
        "Interrupted (Ctrl-C, exit status 130) or killed, the same command goes on where it ended.",
    .run = run_sweep,
};
