/* cmd_predict.c - `flopledger predict`: how fast other machines could run a model, by roofline from
 * published figures, and how far such predictions are from what this machine measured. */
#include "analyzers/against.h"
#include "analyzers/predict.h"
#include "bench/hostinfo.h"
#include "bench/peaks_cache.h"
#include "commands.h"
#include "model/weights.h"
#include "reports/predict_render.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const FORMATS[] = {"table", "json", "csv", "md", NULL};
enum { FORMAT_TABLE, FORMAT_JSON, FORMAT_CSV, FORMAT_MD };

enum { MACHINES_MAX = 64, BATCHES_MAX = 24, MOST_SEQUENCES = 4096, UNKNOWN_ROOM = 64 };

struct arguments {
    const char *model, *hardware, *batches, *against, *machine;
    int64_t n_prompt, n_output;
    int weight_dtype, kv_dtype, arith, format;
    struct fl_efficiency efficiency;
    bool list;
};

/* What stays open while the reports are printed. */
struct state {
    struct fl_config config;
    struct fl_model model;
    struct fl_stored stored;
    struct fl_predict_report items[MACHINES_MAX];
    int n_items;
    struct fl_results results;
    struct fl_against against;
    bool has_against;
    struct fl_peaks peaks; /* kept of this machine */
    struct fl_error no_peaks;
    int64_t *batches; /* given; NULL: 1, 2, 4, ... as many as fit */
    int n_batches;
};

static void release(struct state *state)
{
    for (int i = 0; i < state->n_items; i++)
        free(state->items[i].rows);
    if (state->has_against)
        fl_against_free(&state->against);
    fl_results_free(&state->results);
    fl_model_close(&state->model);
    fl_peaks_free(&state->peaks);
    free(state->batches);
}

/* ---- machines ---- */

/* This machine as measured, on as many threads as there are ceilings for. */
static int open_here(struct fl_hardware *hardware, const struct state *state,
                     struct fl_error *error)
{
    int n_threads = 0;
    for (int i = 0; i < state->peaks.n; i++)
        if (state->peaks.rows[i].n_threads > n_threads)
            n_threads = state->peaks.rows[i].n_threads;
    if (n_threads == 0)
        return fl_fail(error, "hardware: here: %.200s: run 'flopledger peaks'",
                       state->no_peaks.text);
    if (fl_hardware_of_ceilings(hardware, state->peaks.rows, state->peaks.n, n_threads, error) !=
        FL_OK)
        return FL_FAILED;
    snprintf(hardware->name, sizeof hardware->name, "here");
    hardware->capacity_bytes = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
    return FL_OK;
}

static int add_machine(struct state *state, const char *spec, struct fl_error *error)
{
    if (state->n_items == MACHINES_MAX)
        return fl_fail(error, "--hardware: expected at most %d machines", MACHINES_MAX);
    struct fl_predict_report *item = &state->items[state->n_items];
    *item = (struct fl_predict_report){0};
    const int status = strcmp(spec, "here") == 0 ? open_here(&item->hardware, state, error)
                                                 : fl_hardware_open(&item->hardware, spec, error);
    if (status != FL_OK)
        return FL_FAILED;
    state->n_items++;
    return FL_OK;
}

/* "all", or names and files between commas. */
static int open_machines(struct state *state, const char *specs, struct fl_error *error)
{
    if (strcmp(specs, "all") == 0) {
        for (int i = 0; i < fl_hardware_count(); i++)
            fl_hardware_row(&state->items[state->n_items++].hardware, i);
        return FL_OK;
    }
    char *copy = strdup(specs), *rest = copy, *spec;
    int status = copy ? FL_OK : fl_fail(error, "predict: out of memory");
    while (status == FL_OK && (spec = strsep(&rest, ",")))
        status = add_machine(state, spec, error);
    free(copy);
    return status;
}

/* 16 bits beside any weights but f32. */
static enum fl_dtype kv_dtype_for(enum fl_dtype weights)
{
    return weights == FL_F32 || weights == FL_BF16 ? weights : FL_F16;
}

static int plan(struct fl_workload *workload, const struct state *state, const struct arguments *a,
                const struct fl_hardware *hardware, struct fl_error *error)
{
    const enum fl_dtype dtype = fl_stored_main_dtype(&state->stored);
    const enum fl_arith arith =
        a->arith >= 0 ? (enum fl_arith)a->arith : fl_arith_for(hardware, dtype);
    if (a->arith >= 0 && !(hardware->flops_per_s[arith] > 0))
        return fl_fail(error, "--compute: %s has no figure for %s", hardware->name,
                       fl_arith_names[arith]);
    *workload = (struct fl_workload){
        .config = &state->config,
        .stored = &state->stored,
        .weight_dtype = dtype,
        .kv_dtype = a->kv_dtype >= 0 ? (enum fl_dtype)a->kv_dtype : kv_dtype_for(dtype),
        .arith = arith,
        .batch = 1,
        .n_prompt = a->n_prompt,
        .n_output = a->n_output,
        .efficiency = a->efficiency,
    };
    return FL_OK;
}

/* What 'flopledger peaks' keeps of this machine; its rows do not name it. */
static void read_peaks(struct state *state)
{
    struct fl_run host = {0};
    fl_hostinfo_fill(&host);
    fl_peaks_of_host(&state->peaks, &host, &state->no_peaks);
    for (int i = 0; i < state->peaks.n; i++)
        snprintf(state->peaks.rows[i].machine, sizeof state->peaks.rows[i].machine, "%s",
                 host.machine);
}

/* ---- batches ---- */

/* The k-th batch to show; 0: no more. Without a list, powers of two up to the first that does not
 * fit; several machines are compared at one batch. */
static int64_t batch_at(const struct state *state, const struct fl_predict_report *report, int k)
{
    if (state->batches)
        return k < state->n_batches ? state->batches[k] : 0;
    if (k == 0)
        return 1;
    const struct fl_prediction *last = &report->rows[k - 1].ideal;
    const bool known = last->memory.max_sequences >= 0;
    if (state->n_items > 1 || !last->memory.fits ||
        last->workload.batch >= (known ? MOST_SEQUENCES : UNKNOWN_ROOM))
        return 0;
    return 2 * last->workload.batch;
}

static int predict_machine(struct state *state, struct fl_predict_report *report,
                           const struct arguments *a, struct fl_error *error)
{
    struct fl_workload workload;
    const int most = state->batches ? state->n_batches : BATCHES_MAX;
    report->rows = calloc((size_t)most, sizeof *report->rows);
    if (!report->rows)
        return fl_fail(error, "predict: out of memory");
    if (plan(&workload, state, a, &report->hardware, error) != FL_OK)
        return FL_FAILED;
    for (int k = 0; k < most && (workload.batch = batch_at(state, report, k)) > 0; k++) {
        struct fl_predict_row *row = &report->rows[k];
        workload.efficiency = a->efficiency;
        workload.shares = NULL;
        if (fl_predict(&row->ideal, &report->hardware, &workload, error) != FL_OK)
            return FL_FAILED;
        if (state->has_against) {
            workload.efficiency = state->against.efficiency;
            workload.shares = &state->against.shares;
        }
        if (fl_predict(&row->reached, &report->hardware, &workload, error) != FL_OK)
            return FL_FAILED;
        report->n_rows = k + 1;
    }
    return FL_OK;
}

/* ---- measured points ---- */

static int hold_against(struct state *state, const struct arguments *a, struct fl_error *error)
{
    struct fl_hardware machine = {0};
    const struct fl_against_machines machines = {.machine = a->machine ? &machine : NULL,
                                                 .kept = state->peaks.rows,
                                                 .n_kept = state->peaks.n};
    if (!a->against)
        return FL_OK;
    if (a->machine && fl_hardware_open(&machine, a->machine, error) != FL_OK)
        return FL_FAILED;
    if (fl_results_read(&state->results, a->against, error) != FL_OK ||
        fl_against_make(&state->against, &state->results, &machines, error) != FL_OK)
        return FL_FAILED;
    state->has_against = true;
    return FL_OK;
}

/* ---- the command ---- */

static int print(const struct state *state, const struct arguments *a, struct fl_error *error)
{
    const struct fl_predict_reports reports = {.items = state->items,
                                               .n = state->n_items,
                                               .against =
                                                   state->has_against ? &state->against : NULL,
                                               .against_path = a->against};
    const enum fl_table_style style = a->format == FORMAT_MD ? FL_TABLE_MARKDOWN : FL_TABLE_TEXT;
    if (a->format == FORMAT_JSON)
        return fl_predict_print_json(&reports, stdout, error);
    if (a->format == FORMAT_CSV)
        return fl_predict_print_csv(&reports, stdout, error);
    if (reports.n > 0 && fl_predict_print(&reports, style, stdout, error) != FL_OK)
        return FL_FAILED;
    if (!reports.against)
        return FL_OK;
    if (reports.n > 0)
        fputs("\nmeasured points\n\n", stdout);
    return fl_against_print(reports.against, style, stdout, error);
}

static int predict(struct state *state, const struct arguments *a, struct fl_error *error)
{
    if (a->batches && fl_cli_axis(a->batches, "batch", 1, INT64_C(1) << 30, &state->batches,
                                  &state->n_batches, error) != FL_OK)
        return FL_FAILED;
    read_peaks(state);
    if (hold_against(state, a, error) != FL_OK)
        return FL_FAILED;
    if (!a->hardware)
        return print(state, a, error);
    if (fl_config_open(&state->config, a->model, error) != FL_OK ||
        fl_stored_open(&state->stored, &state->model, a->model, a->weight_dtype, &state->config,
                       error) != FL_OK ||
        open_machines(state, a->hardware, error) != FL_OK)
        return FL_FAILED;
    for (int i = 0; i < state->n_items; i++)
        if (predict_machine(state, &state->items[i], a, error) != FL_OK)
            return FL_FAILED;
    return print(state, a, error);
}

/* NULL when the arguments go together. */
static const char *conflict(const struct arguments *a)
{
    if (!a->hardware && !a->against)
        return "--hardware: expected a name ('--list' shows them), a JSON file or all";
    if (a->hardware && !a->model)
        return "--model: expected a preset, a config.json or a model file";
    if (!a->hardware && a->model)
        return "--against without --hardware predicts the file's own points: leave --model out";
    if (!a->hardware && a->format == FORMAT_CSV)
        return "--format csv is of predictions: give --hardware, or take json";
    if (a->machine && !a->against)
        return "--machine: expected --against as well: it is where those points were measured";
    return NULL;
}

static int run(int argc, char **argv)
{
    struct arguments a = {.n_prompt = 512,
                          .n_output = 128,
                          .weight_dtype = -1,
                          .kv_dtype = -1,
                          .arith = -1,
                          .efficiency = {1, 1}};
    const struct fl_option options[] = {
        {"Machine", "hardware", 'w', FL_OPTION_STRING, &a.hardware, "NAME|FILE",
         "one device: a machine, several to compare, here (by 'flopledger peaks') or all; no "
         "tensor parallelism",
         NULL, 0, 0, NULL},
        {NULL, "list", 0, FL_OPTION_FLAG, &a.list, NULL, "the published figures and their sources",
         NULL, 0, 0, NULL},
        {NULL, "compute", 0, FL_OPTION_CHOICE, &a.arith, "TYPE",
         "arithmetic of matrix products: f32, tf32, f16, bf16, fp8, int8",
         "the weights'; f16 or bf16 for quantised ones", 0, 0, fl_arith_names},
        {NULL, "compute-efficiency", 0, FL_OPTION_REAL, &a.efficiency.compute, "X",
         "share of the FLOP/s that is reached", "1", 1e-6, 1, NULL},
        {NULL, "memory-efficiency", 0, FL_OPTION_REAL, &a.efficiency.memory, "X",
         "share of the bandwidth that is reached", "1", 1e-6, 1, NULL},
        {"Model", "model", 'm', FL_OPTION_STRING, &a.model, "M",
         "preset, config.json, GGUF, safetensors folder or .bin", NULL, 0, 0, NULL},
        {NULL, "dtype", 0, FL_OPTION_CHOICE, &a.weight_dtype, "TYPE", "type of the weights",
         "the file's; f32 without one", 0, 0, fl_dtype_names},
        {NULL, "kv-dtype", 0, FL_OPTION_CHOICE, &a.kv_dtype, "TYPE", "type of the KV cache",
         "16 bits, f32 beside f32 weights", 0, 0, fl_dtype_float_names},
        {"Requests", "prompt", 'p', FL_OPTION_INT, &a.n_prompt, "P", "tokens of each prompt", "512",
         1, 1 << 30, NULL},
        {NULL, "output", 'o', FL_OPTION_INT, &a.n_output, "N", "tokens generated for each", "128",
         1, 1 << 30, NULL},
        {NULL, "batch", 'b', FL_OPTION_STRING, &a.batches, "AXIS",
         "requests together, e.g. 1,8 or 1-64*2", "1, 2, 4, ... as many as fit", 0, 0, NULL},
        {"Check", "against", 0, FL_OPTION_STRING, &a.against, "FILE",
         "results of a sweep: predict its points, print the error, scale by what it reached", NULL,
         0, 0, NULL},
        {NULL, "machine", 0, FL_OPTION_STRING, &a.machine, "NAME|FILE", "where they were measured",
         "by the ceilings in FILE, or by those kept of this machine", 0, 0, NULL},
        {"Output", "format", 'f', FL_OPTION_CHOICE, &a.format, "F", "table, json, csv or md",
         "table", 0, 0, FORMATS},
        {0}};
    int first;
    enum fl_cli_outcome outcome = fl_cli_parse(&fl_command_predict, options, argc, argv, &first);
    if (outcome != FL_CLI_RUN)
        return outcome == FL_CLI_HELP ? FL_EXIT_DONE : FL_EXIT_MISUSE;
    struct fl_error error;
    if (a.list)
        return fl_hardware_print(stdout, &error) == FL_OK
                   ? FL_EXIT_DONE
                   : fl_cli_failed(&fl_command_predict, &error);
    if (first < argc)
        return fl_cli_misuse(&fl_command_predict, "unexpected argument '%s'", argv[first]);
    const char *problem = conflict(&a);
    if (problem)
        return fl_cli_misuse(&fl_command_predict, "%s", problem);
    struct state *state = calloc(1, sizeof *state);
    if (!state) {
        fl_fail(&error, "predict: out of memory");
        return fl_cli_failed(&fl_command_predict, &error);
    }
    int status = predict(state, &a, &error);
    release(state);
    free(state);
    return status == FL_OK ? FL_EXIT_DONE : fl_cli_failed(&fl_command_predict, &error);
}

const struct fl_command fl_command_predict = {
    .name = "predict",
    .summary = "how fast another machine could run a model, by roofline",
    .usage = "--hardware NAME|FILE --model M [options]",
    .examples =
        "  flopledger predict --list\n"
        "  flopledger predict -w h100-sxm -m llama-3-8b --dtype bf16\n"
        "  flopledger predict -w all -m llama-3-70b --dtype q4_k --prompt 2048\n"
        "  flopledger predict -w l4,a100-80gb,my-card.json -m qwen2.5-7b --dtype f16 -b 8\n"
        "  flopledger predict -w xeon-8480 -m llama-3-8b --dtype bf16 --memory-efficiency 0.8\n"
        "  flopledger peaks && flopledger predict -w here -m gpt2-small\n"
        "  flopledger predict --against results.db\n"
        "  flopledger predict -w epyc-9654 -m llama-3-8b --against results.db\n",
    .run = run,
};
