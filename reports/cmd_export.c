/* cmd_export.c - `flopledger export`: stored results for other programs. */
#include "base/file.h"
#include "commands.h"
#include "reports/export.h"
#include "store/store_views.h"

#include <sys/stat.h>

static const char *const FORMAT_NAMES[] = {"csv", "json", "jsonl", "md", NULL};

static int export_file(const char *path, const char *out_path, enum fl_export_format format,
                       enum fl_export_what what, struct fl_error *error)
{
    struct fl_results results;
    if (fl_results_read(&results, path, error) != FL_OK)
        return FL_FAILED;
    if (what == FL_EXPORT_CEILINGS && results.n_ceilings == 0)
        fprintf(stderr,
                "flopledger export: %s holds no ceilings; 'flopledger peaks --out' adds them\n",
                path);

    struct fl_output output;
    int status = fl_output_open(&output, out_path, error);
    if (status == FL_OK) {
        if (format == FL_EXPORT_MARKDOWN)
            status = fl_export_markdown(output.stream, &results, what, error);
        else
            fl_export_rows(output.stream, &results, format, what);
        if (status == FL_OK)
            status = fl_output_commit(&output, error);
        else
            fl_output_abandon(&output);
    }
    fl_results_free(&results);
    return status;
}

/* The file gets what programs that speak SQL need; it is the only thing that export writes to. */
static int add_views(const char *path, struct fl_error *error)
{
    struct fl_store *store;
    const char *taken;
    struct stat info;
    if (stat(path, &info) != 0)
        return fl_fail(error, "%s: expected a results file, there is none", path);
    if (!(info.st_mode & (S_IWUSR | S_IWGRP | S_IWOTH))) /* root could write to it all the same */
        return fl_fail(error, "%s: the file is read-only and was left as it is", path);
    if (fl_store_create(&store, path, error) != FL_OK)
        return FL_FAILED;
    int status = fl_store_add_views(store, &taken, error);
    if (status == FL_OK && taken)
        status = fl_fail(error, "%s: view %s: something else has this name and was left as it is",
                         path, taken);
    fl_store_close(store);
    return status;
}

static int run_export(int argc, char **argv)
{
    int format = FL_EXPORT_CSV;
    const char *out = "-";
    bool by_op = false, ceilings = false, views = false;
    const struct fl_option options[] = {
        {NULL, "format", 'f', FL_OPTION_CHOICE, &format, NULL, "how rows are written", "csv", 0, 0,
         FORMAT_NAMES},
        {NULL, "out", 'o', FL_OPTION_STRING, &out, "FILE", "where they go", "standard output", 0, 0,
         NULL},
        {NULL, "ops", 0, FL_OPTION_FLAG, &by_op, NULL,
         "a row an operator and sample, instead of a row a sample (md: and point)", NULL, 0, 0,
         NULL},
        {NULL, "ceilings", 0, FL_OPTION_FLAG, &ceilings, NULL,
         "a row a rate that a machine of the file reaches at most, instead", NULL, 0, 0, NULL},
        {NULL, "views", 0, FL_OPTION_FLAG, &views, NULL,
         "put the views of docs/results.md into the file, and export nothing", NULL, 0, 0, NULL},
        {0},
    };
    const struct fl_command *self = &fl_command_export;
    int first;
    enum fl_cli_outcome outcome = fl_cli_parse(self, options, argc, argv, &first);
    if (outcome != FL_CLI_RUN)
        return outcome == FL_CLI_HELP ? FL_EXIT_DONE : FL_EXIT_MISUSE;
    if (argc - first != 1)
        return fl_cli_misuse(self, "expected one results file, got %d", argc - first);
    if (by_op && ceilings)
        return fl_cli_misuse(self, "--ops and --ceilings are two exports: give one of them");
    const enum fl_export_what what = by_op      ? FL_EXPORT_OPS
                                     : ceilings ? FL_EXPORT_CEILINGS
                                                : FL_EXPORT_SAMPLES;
    struct fl_error error;
    if (views)
        return add_views(argv[first], &error) == FL_OK ? FL_EXIT_DONE : fl_cli_failed(self, &error);
    if (export_file(argv[first], out, (enum fl_export_format)format, what, &error) != FL_OK)
        return fl_cli_failed(self, &error);
    return FL_EXIT_DONE;
}

const struct fl_command fl_command_export = {
    .name = "export",
    .summary = "stored results as CSV, JSON, JSON Lines or Markdown, or as SQL views",
    .usage = "RESULTS.db [options]",
    .examples = "flopledger export results.db -o samples.csv\n"
                "flopledger export results.db --format jsonl | jq .gflop_per_s\n"
                "flopledger export results.db --ops -o operators.csv\n"
                "flopledger export results.db --ceilings -o ceilings.csv\n"
                "flopledger export results.db --format md -o results.md\n"
                "flopledger export results.db --views && sqlite3 results.db "
                "'SELECT * FROM cache_savings'",
    .run = run_export,
};
