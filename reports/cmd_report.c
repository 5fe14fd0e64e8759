/* cmd_report.c - `flopledger report`: results as a page, Markdown and plots. */
#include "base/file.h"
#include "commands.h"
#include "reports/font.h"
#include "reports/html.h"
#include "reports/markdown.h"
#include "reports/report.h"

#include <stdio.h>

enum { LANG_BOTH = FL_N_LANGUAGES };
static const char *const LANGS[] = {"en", "zh", "both", NULL};

/* The names of the files; the first language has the plain ones. */
static const struct {
    const char *page, *markdown, *drawing;
} FILES[FL_N_LANGUAGES] = {
    [FL_EN] = {"index.html", "report.md", ".svg"},
    [FL_ZH] = {"index.zh.html", "report.zh.md", ".zh.svg"},
};

struct arguments {
    const char *results, *directory, *title;
    int lang; /* of LANGS */
    bool quiet;
};

typedef void document_writer(FILE *out, const struct fl_document *document, const char *other);

static int write_document(const char *directory, const char *name, document_writer *writer,
                          const struct fl_document *document, const char *other,
                          struct fl_error *error)
{
    char path[4096];
    struct fl_output output;
    if (fl_path_join(path, sizeof path, directory, name, error) != FL_OK ||
        fl_output_open(&output, path, error) != FL_OK)
        return FL_FAILED;
    writer(output.stream, document, other);
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
        snprintf(name, sizeof name, "%s%s", block->drawing.name, FILES[document->language].drawing);
        if (fl_path_join(path, sizeof path, plots, name, error) != FL_OK ||
            fl_output_open(&output, path, error) != FL_OK)
            return FL_FAILED;
        fl_drawing_file(output.stream, &block->drawing);
        if (fl_output_commit(&output, error) != FL_OK)
            return FL_FAILED;
    }
    return FL_OK;
}

static void print_headlines(const struct fl_document *document, const struct fl_sections *sections,
                            const char *directory)
{
    const enum fl_language language = document->language;
    char line[4352], page[4224];
    for (int i = 0; i < sections->n; i++) {
        struct fl_table table;
        printf("%s\n\n", sections->rows[i].model->name);
        fl_report_headline(document, &table, &sections->rows[i]);
        fl_table_print(&table, FL_TABLE_TEXT, stdout);
        fl_table_close(&table);
        if (!fl_report_is_measured(&sections->rows[i]))
            printf("\n%s\n",
                   fl_text_format(line, sizeof line, language, PRINT_UNAVAILABLE,
                                  fl_text(language, fl_report_unmeasured(&sections->rows[i]))));
        printf("\n");
    }
    snprintf(page, sizeof page, "%s/%s", directory, FILES[language].page);
    printf("%s\n", fl_text_format(line, sizeof line, language, PRINT_WRITTEN, page));
}

/* Whoever looks at the plots needs a font for them; here is the place to say that there is none. */
static void check_font(enum fl_language language)
{
    char font[FL_FONT];
    if (language != FL_ZH || fl_font_for(language, font))
        return;
    fprintf(
        stderr,
        "report: no font that shows Chinese is installed here (Debian: fonts-wqy-microhei); the "
        "plots name the usual ones and leave the choice to the program that shows them\n");
}

/* print: the headline tables, too. */
static int report_in(enum fl_language language, bool print, const struct arguments *a,
                     const struct fl_results *results, const struct fl_sections *sections,
                     struct fl_error *error)
{
    struct fl_document document;
    enum fl_language switched = language == FL_EN ? FL_ZH : FL_EN;
    bool both = a->lang == LANG_BOTH;
    check_font(language);
    int status = fl_report_build(&document, language, a->title, results, sections, error);
    if (status == FL_OK)
        status = fl_directory_make(a->directory, error);
    if (status == FL_OK)
        status = write_drawings(a->directory, &document, error);
    if (status == FL_OK)
        status = write_document(a->directory, FILES[language].markdown, fl_markdown_write,
                                &document, both ? FILES[switched].markdown : NULL, error);
    if (status == FL_OK)
        status = write_document(a->directory, FILES[language].page, fl_html_write, &document,
                                both ? FILES[switched].page : NULL, error);
    if (status == FL_OK && print)
        print_headlines(&document, sections, a->directory);
    fl_document_close(&document);
    return status;
}

static int report(const struct arguments *a, const struct fl_results *results,
                  struct fl_error *error)
{
    struct fl_sections sections;
    int status = fl_sections_make(&sections, results, error);
    if (status != FL_OK)
        return status;
    for (int language = 0; language < FL_N_LANGUAGES && status == FL_OK; language++)
        if (a->lang == language || a->lang == LANG_BOTH)
            status = report_in((enum fl_language)language,
                               !a->quiet && (a->lang != LANG_BOTH || language == FL_EN), a, results,
                               &sections, error);
    fl_sections_free(&sections);
    return status;
}

static int run(int argc, char **argv)
{
    struct arguments a = {.lang = FL_EN};
    const struct fl_option options[] = {
        {"Output", "output", 'o', FL_OPTION_STRING, &a.directory, "DIR",
         "gets index.html, report.md and plots/, in Chinese index.zh.html and so on", NULL, 0, 0,
         NULL},
        {NULL, "lang", 0, FL_OPTION_CHOICE, &a.lang, "LANG",
         "language: en, zh, or both, with a link from one page to the other", "en", 0, 0, LANGS},
        {NULL, "title", 0, FL_OPTION_STRING, &a.title, "TEXT", "heading of the page",
         "Where the FLOPs go", 0, 0, NULL},
        {NULL, "quiet", 'q', FL_OPTION_FLAG, &a.quiet, NULL, "print no headline table", NULL, 0, 0,
         NULL},
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

    struct fl_results results;
    struct fl_error error;
    if (fl_results_read(&results, a.results, &error) != FL_OK)
        return fl_cli_failed(&fl_command_report, &error);
    int status;
    if (results.n_points == 0)
        status = fl_fail(&error, "%s: holds no points yet; expected a sweep's results", a.results);
    else
        status = report(&a, &results, &error);
    fl_results_free(&results);
    return status == FL_OK ? FL_EXIT_DONE : fl_cli_failed(&fl_command_report, &error);
}

const struct fl_command fl_command_report = {
    .name = "report",
    .summary = "results as a page, Markdown and plots",
    .usage = "RESULTS.db -o DIR [--lang LANG] [--title TEXT]",
    .examples = "  flopledger report results.db -o report\n"
                "  flopledger report results.db -o report --title 'llama-160m on two cores'\n"
                "  flopledger report results.db -o report --lang both\n",
    .run = run,
};
