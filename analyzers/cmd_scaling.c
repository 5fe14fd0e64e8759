/* cmd_scaling.c - `flopledger scaling`: how FLOPs and time of stored results grow with the context,
 * as figures. */
#include "commands.h"
#include "reports/growth_render.h"
#include "reports/noise_words.h"

enum { FORMAT_TABLE, FORMAT_MARKDOWN, FORMAT_CSV, FORMAT_JSON };
static const char *const FORMAT_NAMES[] = {"table", "md", "csv", "json", NULL};

static void warn(const struct fl_section *section)
{
    char text[FL_NOISE_TEXT];
    for (int i = 0; fl_noise_text(FL_EN, &section->disturbance, i, text); i++)
        fprintf(stderr, "flopledger scaling: %s: %s\n", section->model->name, text);
}

static int scaling(const struct fl_results *results, int format, bool quiet, struct fl_error *error)
{
    static const enum fl_table_style STYLES[] = {FL_TABLE_TEXT, FL_TABLE_MARKDOWN, FL_TABLE_CSV};
    struct fl_sections sections;
    if (fl_sections_make(&sections, results, error) != FL_OK)
        return FL_FAILED;
    for (int i = 0; i < sections.n && !quiet; i++)
        warn(&sections.rows[i]);
    int status = format == FORMAT_JSON ? fl_growth_print_json(&sections, stdout, error)
                                       : fl_growth_print(&sections, STYLES[format], stdout, error);
    fl_sections_free(&sections);
    return status;
}

static int run(int argc, char **argv)
{
    int format = FORMAT_TABLE, first;
    bool quiet = false;
    const struct fl_option options[] = {{"Output", "format", 'f', FL_OPTION_CHOICE, &format, NULL,
                                         "of what is printed", "table", 0, 0, FORMAT_NAMES},
                                        {NULL, "quiet", 'q', FL_OPTION_FLAG, &quiet, NULL,
                                         "no warnings of noise", NULL, 0, 0, NULL},
                                        {0}};
    const struct fl_command *self = &fl_command_scaling;
    enum fl_cli_outcome outcome = fl_cli_parse(self, options, argc, argv, &first);
    if (outcome != FL_CLI_RUN)
        return outcome == FL_CLI_HELP ? FL_EXIT_DONE : FL_EXIT_MISUSE;
    if (argc - first != 1)
        return fl_cli_misuse(self, "expected one results file, got %d", argc - first);
    struct fl_results results;
    struct fl_error error;
    if (fl_results_read(&results, argv[first], &error) != FL_OK)
        return fl_cli_failed(self, &error);
    int status = scaling(&results, format, quiet, &error);
    fl_results_free(&results);
    return status == FL_OK ? FL_EXIT_DONE : fl_cli_failed(self, &error);
}

const struct fl_command fl_command_scaling = {
    .name = "scaling",
    .summary = "how FLOPs and time grow with the context: O(s) or O(s^2)",
    .usage = "RESULTS.db [options]",
    .examples = "  flopledger sweep -m gpt2-small -s '16-1024*2' -o results.db\n"
                "  flopledger scaling results.db\n"
                "  flopledger scaling results.db --format json | jq '.lines[].verdict'\n"
                "\n"
                "FLOPs are a + b s + c s^2, exactly; times are fitted, with 95 % intervals.\n"
                "A verdict takes 5 contexts or more.\n",
    .run = run,
};
