/* cmd_report.c - `flopledger report`: results as a page, Markdown and plots. */
#include "base/file.h"
#include "commands.h"
#include "reports/html.h"
#include "reports/markdown.h"
#include "reports/report.h"

#include <stdio.h>

struct arguments {
    const char *results, *directory, *title;
    bool quiet;
};

typedef void document_writer(FILE *out, const struct fl_document *document);

static int write_document(const char *directory, const char *name, document_writer *writer,
                          const struct fl_document *document, struct fl_error *error)
{
    char path[4096];
    struct fl_output output;
    if (fl_path_join(path, sizeof path, directory, name, error) != FL_OK ||
        fl_output_open(&output, path, error) != FL_OK)
        return FL_FAILED;
    writer(output.stream, document);
    return fl_output_commit(&output, error);
}

static int write_drawings(const char *directory, const struct fl_document *document,
                          struct fl_error *error)
{
    char plots[4096], path[4096], name[96];
    if (fl_path_join(plots, sizeof plots, directory, "plots", error) != FL_OK ||
        fl_directory_make(plots, error) != FL_OK)
        return FL_FAILED;
    for (int i = 0; i < document->n_blocks; i++) {
        const struct fl_block *block = &document->blocks[i];
        struct fl_output output;
        if (block->kind != FL_BLOCK_FIGURE)
            continue;
        snprintf(name, sizeof name, "%s.svg", block->drawing.name);
        if (fl_path_join(path, sizeof path, plots, name, error) != FL_OK ||
            fl_output_open(&output, path, error) != FL_OK)
            return FL_FAILED;
        fl_drawing_file(output.stream, &block->drawing);
        if (fl_output_commit(&output, error) != FL_OK)
            return FL_FAILED;
    }
    return FL_OK;
}

static void print_headlines(const struct fl_sections *sections, const char *directory)
{
    for (int i = 0; i < sections->n; i++) {
        struct fl_table table;
        printf("%s\n\n", sections->rows[i].model->name);
        fl_report_headline(&table, &sections->rows[i]);
        fl_table_print(&table, FL_TABLE_TEXT, stdout);
        fl_table_close(&table);
        if (!fl_report_is_measured(&sections->rows[i]))
            printf("\nmeasured: unavailable: %s\n", fl_report_unmeasured(&sections->rows[i]));
        printf("\n");
    }
    printf("report: %s/index.html\n", directory);
}

static int report(const struct arguments *a, const struct fl_results *results,
                  struct fl_error *error)
{
    struct fl_sections sections;
    struct fl_document document;
    if (fl_sections_make(&sections, results, error) != FL_OK)
        return FL_FAILED;
    int status = fl_report_build(&document, a->title, results, &sections, error);
    if (status == FL_OK)
        status = fl_directory_make(a->directory, error);
    if (status == FL_OK)
        status = write_drawings(a->directory, &document, error);
    if (status == FL_OK)
        status = write_document(a->directory, "report.md", fl_markdown_write, &document, error);
    if (status == FL_OK)
        status = write_document(a->directory, "index.html", fl_html_write, &document, error);
    if (status == FL_OK && !a->quiet)
        print_headlines(&sections, a->directory);
    fl_document_close(&document);
    fl_sections_free(&sections);
    return status;
}

static int run(int argc, char **argv)
{
    struct arguments a = {.title = "Where the FLOPs go"};
    const struct fl_option options[] = {{"Output", "output", 'o', FL_OPTION_STRING, &a.directory,
                                         "DIR", "gets index.html, report.md and plots/", NULL, 0, 0,
                                         NULL},
                                        {NULL, "title", 0, FL_OPTION_STRING, &a.title, "TEXT",
                                         "heading of the page", "Where the FLOPs go", 0, 0, NULL},
                                        {NULL, "quiet", 'q', FL_OPTION_FLAG, &a.quiet, NULL,
                                         "print no headline table", NULL, 0, 0, NULL},
                                        {0}};
    int first;
    enum fl_cli_outcome outcome = fl_cli_parse(&fl_command_report, options, argc, argv, &first);
    if (outcome != FL_CLI_RUN)
        return outcome == FL_CLI_HELP ? FL_EXIT_DONE : FL_EXIT_MISUSE;
    if (argc - first != 1)
        return fl_cli_misuse(&fl_command_report, "expected one results file");
    if (!a.directory)
        return fl_cli_misuse(&fl_command_report, "--output: expected a directory");
    a.results = argv[first];

    struct fl_store *store;
    struct fl_results results;
    struct fl_error error;
    if (fl_store_open(&store, a.results, &error) != FL_OK)
        return fl_cli_failed(&fl_command_report, &error);
    int status = fl_store_load(store, &results, &error);
    if (status == FL_OK) {
        if (results.n_points == 0)
            status =
                fl_fail(&error, "%s: holds no points yet; expected a sweep's results", a.results);
        else
            status = report(&a, &results, &error);
        fl_results_free(&results);
    }
    fl_store_close(store);
    return status == FL_OK ? FL_EXIT_DONE : fl_cli_failed(&fl_command_report, &error);
}

const struct fl_command fl_command_report = {
    .name = "report",
    .summary = "results as a page, Markdown and plots",
    .usage = "RESULTS.db -o DIR [--title TEXT]",
    .examples = "  flopledger report results.db -o report\n"
                "  flopledger report results.db -o report --title 'llama-160m on two cores'\n",
    .run = run,
};
