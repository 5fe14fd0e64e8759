/* cmd_compare.c - `flopledger compare`: two sets of results, with how sure one can be. */
#include "analyzers/compare.h"
#include "base/file.h"
#include "commands.h"
#include "reports/compare_render.h"
#include "reports/noise_words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FORMAT_TABLE, FORMAT_MARKDOWN, FORMAT_CSV, FORMAT_JSON };
static const char *const FORMAT_NAMES[] = {"table", "md", "csv", "json", NULL};

/* What --fail-on takes, and how many points of it there are. */
enum { FAIL_SLOWER, FAIL_FASTER, FAIL_INCONCLUSIVE, FAIL_WORK, FAIL_UNMATCHED };
static const char *const FAIL_NAMES[] = {"slower", "faster",    "inconclusive",
                                         "work",   "unmatched", NULL};

struct arguments {
    double confidence, threshold_percent;
    int correction, interval, format, language;
    int64_t resamples, seed;
    const char *fail_on, *plot;
    bool quiet;
};

/* A and B: two files, or two selections of one. */
struct inputs {
    struct fl_selector selectors[2];
    struct fl_results results[2];
    bool same_file;
    char names[2][4224];
};

/* One file alone: its last two runs that took samples. */
static int choose_runs(struct inputs *inputs, struct fl_error *error)
{
    const struct fl_results *results = &inputs->results[0];
    int64_t runs[2] = {0, 0};
    for (int i = 0; i < results->n_samples; i++) {
        const int64_t run = results->samples[i].run_id;
        if (run > runs[1]) {
            runs[0] = runs[1];
            runs[1] = run;
        } else if (run < runs[1] && run > runs[0]) {
            runs[0] = run;
        }
    }
    if (runs[0] == 0)
        return fl_fail(error,
                       "%s: expected samples of two runs, found one; name a second file, or what "
                       "is to be compared: %s:attention=naive %s:attention=causal",
                       inputs->selectors[0].path, inputs->selectors[0].path,
                       inputs->selectors[0].path);
    for (int k = 0; k < 2; k++) {
        inputs->selectors[k].run = runs[k];
        inputs->selectors[k].named |= 1U << FL_KEY_RUN;
        /* by way of a copy: under the sanitizers gcc takes the members for one another */
        char name[sizeof inputs->names[k]];
        snprintf(name, sizeof name, "%s:run=%lld", inputs->selectors[k].path, (long long)runs[k]);
        memcpy(inputs->names[k], name, sizeof name);
    }
    return FL_OK;
}

static int open_inputs(struct inputs *inputs, int n, struct fl_error *error)
{
    if (fl_results_read(&inputs->results[0], inputs->selectors[0].path, error) != FL_OK)
        return FL_FAILED;
    inputs->same_file = n == 1 || strcmp(inputs->selectors[0].path, inputs->selectors[1].path) == 0;
    if (!inputs->same_file)
        return fl_results_read(&inputs->results[1], inputs->selectors[1].path, error);
    return n == 1 ? choose_runs(inputs, error) : FL_OK;
}

static int print(const struct fl_compare_report *report, int format, struct fl_error *error)
{
    switch (format) {
    case FORMAT_CSV:
        return fl_compare_print_csv(report, stdout, error);
    case FORMAT_JSON:
        return fl_compare_print_json(report, stdout, error);
    case FORMAT_MARKDOWN:
        return fl_compare_print(report, FL_TABLE_MARKDOWN, stdout, error);
    default:
        return fl_compare_print(report, FL_TABLE_TEXT, stdout, error);
    }
}

static int draw(const struct fl_compare_report *report, const struct arguments *args,
                struct fl_error *error)
{
    struct fl_drawing drawing;
    struct fl_output output;
    if (fl_compare_draw(&drawing, report, (enum fl_language)args->language, error) != FL_OK)
        return FL_FAILED;
    int status = fl_output_open(&output, args->plot, error);
    if (status == FL_OK) {
        fl_drawing_file(output.stream, &drawing);
        status = fl_output_commit(&output, error);
    }
    free(drawing.svg);
    return status;
}

/* What makes times of different machines, or of a disturbed one, hard to compare. */
static void warn(const struct fl_comparison *comparison, const struct arguments *args)
{
    struct fl_run_difference difference;
    char text[FL_NOISE_TEXT];
    if (args->quiet)
        return;
    for (int i = 0; fl_compare_difference(&difference, comparison, i); i++)
        fprintf(stderr, "flopledger compare: %s differs: %s in A, %s in B\n", difference.field,
                difference.values[0], difference.values[1]);
    for (int k = 0; k < 2; k++)
        for (int i = 0;
             fl_noise_text((enum fl_language)args->language, &comparison->disturbance[k], i, text);
             i++)
            fprintf(stderr, "flopledger compare: %c: %s\n", 'A' + k, text);
    for (int k = 0; k < 2; k++)
        if (comparison->disturbance[k].n_starts == 1)
            fprintf(stderr, "flopledger compare: %c: %s\n", 'A' + k,
                    fl_text((enum fl_language)args->language, FL_STR_NOISE_ONE_START));
}

static int judge(const struct fl_comparison *comparison, const struct arguments *args,
                 struct fl_error *error)
{
    const int counts[] = {
        [FAIL_SLOWER] = comparison->n_verdicts[FL_VERDICT_SLOWER],
        [FAIL_FASTER] = comparison->n_verdicts[FL_VERDICT_FASTER],
        [FAIL_INCONCLUSIVE] = comparison->n_verdicts[FL_VERDICT_INCONCLUSIVE],
        [FAIL_WORK] = comparison->n_flops_changed + comparison->n_bytes_changed,
        [FAIL_UNMATCHED] = comparison->n_unmatched[0] + comparison->n_unmatched[1],
    };
    int *chosen = NULL, n = 0, status = FL_EXIT_DONE;
    if (!args->fail_on)
        return FL_EXIT_DONE;
    if (fl_cli_names(args->fail_on, "--fail-on", FAIL_NAMES, &chosen, &n, error) != FL_OK)
        return fl_cli_failed(&fl_command_compare, error); /* was checked before */
    for (int i = 0; i < n; i++)
        if (counts[chosen[i]] > 0) {
            fprintf(stderr, "flopledger compare: failed by --fail-on %s: %d\n",
                    FAIL_NAMES[chosen[i]], counts[chosen[i]]);
            status = FL_EXIT_FAILED;
        }
    free(chosen);
    return status;
}

static int compare(const struct inputs *inputs, const struct arguments *args,
                   struct fl_error *error)
{
    const struct fl_compare_options options = {
        .bootstrap = {(enum fl_interval)args->interval, args->confidence, (size_t)args->resamples,
                      (uint64_t)args->seed},
        .threshold = args->threshold_percent / 100,
        .correction = (enum fl_correction)args->correction,
    };
    const struct fl_compare_side sides[2] = {
        {&inputs->results[0], &inputs->selectors[0]},
        {&inputs->results[inputs->same_file ? 0 : 1], &inputs->selectors[1]},
    };
    struct fl_comparison comparison;
    if (fl_compare(&comparison, sides, &options, error) != FL_OK)
        return fl_cli_failed(&fl_command_compare, error);
    const struct fl_compare_report report = {
        &comparison, &options, {inputs->names[0], inputs->names[1]}};
    int status = FL_OK;
    if (comparison.n == 0)
        status = fl_fail(error, "A and B have no point in common: %d points of A, %d of B",
                         comparison.n_unmatched[0], comparison.n_unmatched[1]);
    if (status == FL_OK)
        status = print(&report, args->format, error);
    if (status == FL_OK && args->plot)
        status = draw(&report, args, error);
    if (status == FL_OK)
        warn(&comparison, args);
    const int exit_status = status == FL_OK ? judge(&comparison, args, error)
                                            : fl_cli_failed(&fl_command_compare, error);
    fl_comparison_free(&comparison);
    return exit_status;
}

static int run(int argc, char **argv)
{
    struct arguments args = {
        .confidence = 0.95, .threshold_percent = 2, .resamples = 9999, .seed = 1};
    const struct fl_option options[] = {
        {"Statistics", "confidence", 0, FL_OPTION_REAL, &args.confidence, "P",
         "of intervals and verdicts", "0.95", 0.5, 0.9999, NULL},
        {NULL, "threshold", 0, FL_OPTION_REAL, &args.threshold_percent, "PERCENT",
         "differences up to this do not matter", "2", 0, 1000, NULL},
        {NULL, "correction", 0, FL_OPTION_CHOICE, &args.correction, NULL,
         "of p-values for the number of points: Benjamini and Hochberg, Holm", "bh", 0, 0,
         fl_correction_names},
        {NULL, "interval", 0, FL_OPTION_CHOICE, &args.interval, NULL,
         "of ratios: ratios that a permutation test does not refute, or percentile bootstrap",
         "permutation", 0, 0, fl_interval_names},
        {NULL, "resamples", 0, FL_OPTION_INT, &args.resamples, "N", "splits or draws a point",
         "9999", 99, 1000000, NULL},
        {NULL, "seed", 0, FL_OPTION_INT, &args.seed, "K", "of splits and draws", "1", 0,
         9007199254740992.0, NULL},
        {"Output", "format", 'f', FL_OPTION_CHOICE, &args.format, NULL, "of what is printed",
         "table", 0, 0, FORMAT_NAMES},
        {NULL, "plot", 'p', FL_OPTION_STRING, &args.plot, "FILE.svg", "ratios with intervals", NULL,
         0, 0, NULL},
        {NULL, "lang", 0, FL_OPTION_CHOICE, &args.language, NULL, "of the plot and of warnings",
         "en", 0, 0, fl_language_names},
        {NULL, "fail-on", 0, FL_OPTION_STRING, &args.fail_on, "LIST",
         "exit with 1 for any point that is slower,faster,inconclusive, of other FLOPs or bytes "
         "(work), or unmatched",
         "nothing", 0, 0, NULL},
        {NULL, "quiet", 'q', FL_OPTION_FLAG, &args.quiet, NULL,
         "no warnings of other machines and of noise", NULL, 0, 0, NULL},
        {0}};
    const struct fl_command *self = &fl_command_compare;
    int first, n_chosen, *chosen;
    struct fl_error error;
    enum fl_cli_outcome outcome = fl_cli_parse(self, options, argc, argv, &first);
    if (outcome != FL_CLI_RUN)
        return outcome == FL_CLI_HELP ? FL_EXIT_DONE : FL_EXIT_MISUSE;
    const int n = argc - first;
    if (n != 1 && n != 2)
        return fl_cli_misuse(self, "expected two results files, or one with two runs; got %d", n);
    if (args.fail_on) {
        if (fl_cli_names(args.fail_on, "--fail-on", FAIL_NAMES, &chosen, &n_chosen, &error) !=
            FL_OK)
            return fl_cli_misuse(self, "%s", error.text);
        free(chosen);
    }
    struct inputs *inputs = calloc(1, sizeof *inputs);
    if (!inputs) {
        fl_fail(&error, "no memory");
        return fl_cli_failed(self, &error);
    }
    int status = FL_EXIT_DONE;
    for (int k = 0; k < 2 && status == FL_EXIT_DONE; k++) {
        const char *text = argv[n == 1 ? first : first + k];
        snprintf(inputs->names[k], sizeof inputs->names[k], "%s", text);
        if (fl_selector_parse(&inputs->selectors[k], text, &error) != FL_OK)
            status = fl_cli_misuse(self, "%s", error.text);
    }
    if (status == FL_EXIT_DONE)
        status = open_inputs(inputs, n, &error) == FL_OK ? compare(inputs, &args, &error)
                                                         : fl_cli_failed(self, &error);
    for (int k = 0; k < 2; k++)
        fl_results_free(&inputs->results[k]);
    free(inputs);
    return status;
}

const struct fl_command fl_command_compare = {
    .name = "compare",
    .summary = "two sets of results, point by point, with confidence intervals",
    .usage = "A [B] [options]     A, B: RESULTS.db or RESULTS.db:KEY=VALUE,...",
    .examples = "  flopledger compare before.db after.db\n"
                "  flopledger compare before.db after.db --fail-on slower,work --plot ratios.svg\n"
                "  flopledger compare results.db:attention=naive results.db:attention=causal\n"
                "  flopledger compare results.db                  # its last two runs\n"
                "  flopledger compare results.db:run=1 results.db:run=3 --threshold 5 --format md\n"
                "\n"
                "Keys: run, machine (any part of its name), model, phase, cache, attention, "
                "logits, dtype,\n"
                "threads, batch, s. Points are matched by all of them but run, machine and those "
                "that both\n"
                "sides name.\n"
                "Machines change from minute to minute. A comparison that must hold takes turns: "
                "sweeps of A, B,\n"
                "B and A, each with more --reps, into one file a side (docs/statistics.md).\n"
                "Exit status: 0 done, 1 failed or refused by --fail-on, 2 misuse.\n",
    .run = run,
};
