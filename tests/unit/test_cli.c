#include "base/cli.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const FORMATS[] = {"table", "json", "csv", NULL};

static struct {
    bool quiet;
    int64_t batch, any;
    double top_p;
    const char *model;
    int format;
    struct fl_cli_texts stops;
} given;

static const struct fl_option OPTIONS[] = {
    {"Model", "model", 'm', FL_OPTION_STRING, &given.model, "NAME", "what to run", "gpt2", 0, 0,
     NULL},
    {NULL, "batch", 'b', FL_OPTION_INT, &given.batch, "N", "sequences", "1", 1, 4096, NULL},
    {NULL, "any", 0, FL_OPTION_INT, &given.any, "N",
     "any whole number, however large, and with a text so long that it needs another line", NULL, 0,
     0, NULL},
    {"Output", "top-p", 0, FL_OPTION_REAL, &given.top_p, "P", "nucleus", NULL, 0, 1, NULL},
    {NULL, "format", 0, FL_OPTION_CHOICE, &given.format, NULL, "layout", "table", 0, 0, FORMATS},
    {NULL, "quiet", 'q', FL_OPTION_FLAG, &given.quiet, NULL, "say nothing", NULL, 0, 0, NULL},
    {NULL, "stop", 0, FL_OPTION_TEXTS, &given.stops, "TEXT", "end here; repeatable", NULL, 0, 0,
     NULL},
    {NULL, "nucleus", 0, FL_OPTION_ALIAS, NULL, NULL, "top-p", NULL, 0, 0, NULL},
    {NULL, "silent", 's', FL_OPTION_ALIAS, NULL, NULL, "quiet", NULL, 0, 0, NULL},
    {0},
};

static int run_nothing(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return FL_EXIT_DONE;
}

static const struct fl_command COMMAND = {
    .name = "probe",
    .summary = "a command for these tests",
    .usage = "--model NAME [options]",
    .examples = "flopledger probe --model gpt2\nflopledger probe -b 2",
    .run = run_nothing,
};

/* Parses a line of words; the words stay where argv can point to them. */
static enum fl_cli_outcome parse(const char *line, int *first, int *n_args, char **args)
{
    static char words[512];
    snprintf(words, sizeof words, "probe %s", line);
    int argc = 0;
    for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
        args[argc++] = word;
    args[argc] = NULL;
    *n_args = argc;
    return fl_cli_parse(&COMMAND, OPTIONS, argc, args, first);
}

static enum fl_cli_outcome parse_line(const char *line)
{
    char *args[32];
    int first, argc;
    return parse(line, &first, &argc, args);
}

/* All of a redirected stream so far. */
static const char *read_all(FILE *stream)
{
    static char text[8192];
    fflush(stdout);
    fflush(stderr);
    size_t used = fread(text, 1, sizeof text - 1, stream);
    text[used] = '\0';
    return text;
}

Test(cli, values_reach_their_places)
{
    char *args[32];
    int first, argc;
    given.batch = 1;
    enum fl_cli_outcome outcome = parse(
        "one -b 8 --model=gpt2 two --top-p 0.9 --format csv -q --any -5", &first, &argc, args);
    cr_assert_eq(outcome, FL_CLI_RUN);
    cr_expect_eq(given.batch, 8);
    cr_expect_eq(given.any, -5);
    cr_expect_str_eq(given.model, "gpt2");
    cr_expect_float_eq(given.top_p, 0.9, 1e-15);
    cr_expect_eq(given.format, 2);
    cr_expect(given.quiet);
    cr_assert_eq(argc - first, 2);
    cr_expect_str_eq(args[first], "one");
    cr_expect_str_eq(args[first + 1], "two");
}

Test(cli, words_after_two_dashes_are_arguments)
{
    char *args[32];
    int first, argc;
    cr_assert_eq(parse("-q -- --model -b", &first, &argc, args), FL_CLI_RUN);
    cr_assert_eq(argc - first, 2);
    cr_expect_str_eq(args[first], "--model");
}

Test(cli, can_parse_twice)
{
    given.batch = 1;
    cr_assert_eq(parse_line("-b 2"), FL_CLI_RUN);
    cr_assert_eq(parse_line("-b 3"), FL_CLI_RUN);
    cr_expect_eq(given.batch, 3);
}

Test(cli, mistakes_are_named_in_one_sentence, .init = cr_redirect_stderr)
{
    static const struct {
        const char *line, *sentence;
    } CASES[] = {
        {"--batch x", "--batch: expected a whole number from 1 to 4096, not 'x'"},
        {"--batch 12x", "--batch: expected a whole number from 1 to 4096, not '12x'"},
        {"--batch +1", "--batch: expected a whole number from 1 to 4096, not '+1'"},
        {"--batch 0x10", "--batch: expected a whole number from 1 to 4096, not '0x10'"},
        {"--batch 0", "--batch: expected a whole number from 1 to 4096, not '0'"},
        {"-b 4097", "--batch: expected a whole number from 1 to 4096, not '4097'"},
        {"-b 99999999999999999999",
         "--batch: expected a whole number from 1 to 4096, not '99999999999999999999'"},
        {"--batch=", "--batch: expected a whole number from 1 to 4096, not ''"},
        {"--any 9223372036854775808", "--any: expected a whole number, not '9223372036854775808'"},
        {"--any 1.5", "--any: expected a whole number, not '1.5'"},
        {"--top-p 1.5", "--top-p: expected a number from 0 to 1, not '1.5'"},
        {"--top-p nan", "--top-p: expected a number from 0 to 1, not 'nan'"},
        {"--top-p 0x1p-1", "--top-p: expected a number from 0 to 1, not '0x1p-1'"},
        {"--top-p 0.5,", "--top-p: expected a number from 0 to 1, not '0.5,'"},
        {"--top-p=", "--top-p: expected a number from 0 to 1, not ''"},
        {"--format xml", "--format: expected table, json or csv, not 'xml'"},
        {"--format tab", "--format: expected table, json or csv, not 'tab'"},
        {"--model", "--model: expected a value"},
        {"-b", "--batch: expected a value"},
        {"--quiet=yes", "--quiet: expected no value"},
        {"--help=yes", "--help: expected no value"},
        {"-z", "-z: no such option"},
        {"--bogus", "--bogus: no such option, or the beginning of several"},
        {"--model a\x1b[31m --batch \x1b[31m",
         "--batch: expected a whole number from 1 to 4096, not '?[31m'"},
    };
    char expected[1024] = "";
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        cr_expect_eq(parse_line(CASES[i].line), FL_CLI_MISUSE, "%s", CASES[i].line);
        snprintf(expected, sizeof expected, "flopledger probe: %s\ntry 'flopledger probe --help'\n",
                 CASES[i].sentence);
        const char *got = read_all(cr_get_redirected_stderr());
        cr_expect_str_eq(got, expected, "%s gave:\n%s", CASES[i].line, got);
    }
}

Test(cli, help_lists_groups_defaults_and_examples, .init = cr_redirect_stdout)
{
    cr_expect_eq(parse_line("-b 2 --help"), FL_CLI_HELP);
    const char *got = read_all(cr_get_redirected_stdout());
    cr_expect_str_eq(got,
                     "flopledger probe: a command for these tests\n"
                     "\n"
                     "usage: flopledger probe --model NAME [options]\n"
                     "\n"
                     "Model:\n"
                     "  -m, --model NAME             what to run (default: gpt2)\n"
                     "  -b, --batch N                sequences (default: 1)\n"
                     "      --any N                  any whole number, however large, and with a "
                     "text so long that it\n"
                     "                               needs another line\n"
                     "\n"
                     "Output:\n"
                     "      --top-p P                nucleus; also --nucleus\n"
                     "      --format table|json|csv  layout (default: table)\n"
                     "  -q, --quiet                  say nothing; also --silent\n"
                     "      --stop TEXT              end here; repeatable\n"
                     "  -h, --help                   show this text\n"
                     "\n"
                     "Examples:\n"
                     "  flopledger probe --model gpt2\n"
                     "  flopledger probe -b 2\n",
                     "got:\n%s", got);
}

Test(cli, axis_forms)
{
    static const struct {
        const char *text;
        int n;
        int64_t values[8];
    } CASES[] = {
        {"16", 1, {16}},
        {"1,4", 2, {1, 4}},
        {"16-128*2", 4, {16, 32, 64, 128}},
        {"16-100*2", 3, {16, 32, 64}},
        {"16-64+16", 4, {16, 32, 48, 64}},
        {"16-16*2", 1, {16}},
        {"1,16-64*2,32,1,100", 5, {1, 16, 32, 64, 100}},
        {"0-4+2", 3, {0, 2, 4}},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        int64_t *values;
        int n;
        struct fl_error error;
        cr_assert_eq(fl_cli_axis(CASES[i].text, "-s", 0, 1000, &values, &n, &error), FL_OK,
                     "%s: %s", CASES[i].text, error.text);
        cr_assert_eq(n, CASES[i].n, "%s: %d values", CASES[i].text, n);
        for (int k = 0; k < n; k++)
            cr_expect_eq(values[k], CASES[i].values[k], "%s", CASES[i].text);
        free(values);
    }
}

Test(cli, axis_mistakes)
{
    static const char *const WRONG[] = {
        "",        ",",       "16,",    "16,,32",   " 16", "16-64", "16-64*", "16-64*1",
        "16-64+0", "64-16*2", "0-64*2", "16-64*2x", "a",   "16 32", "1e3",    "16-64/2"};
    int64_t *values;
    int n;
    struct fl_error error;
    for (size_t i = 0; i < sizeof WRONG / sizeof *WRONG; i++) {
        cr_expect_eq(fl_cli_axis(WRONG[i], "-s", 0, 1000, &values, &n, &error), FL_FAILED, "'%s'",
                     WRONG[i]);
        cr_expect(strstr(error.text, "-s: expected a list such as"), "%s", error.text);
        cr_expect_null(values);
    }
    cr_expect_eq(fl_cli_axis("16-2000*2", "-s", 1, 1000, &values, &n, &error), FL_FAILED);
    cr_expect_str_eq(error.text, "-s: expected whole numbers from 1 to 1000, not '16-2000*2'");
    cr_expect_eq(fl_cli_axis("0-10000+1", "-s", 0, 100000, &values, &n, &error), FL_FAILED);
    cr_expect_str_eq(error.text, "-s: expected at most 10000 values, '0-10000+1' has more");
}

Test(cli, axis_stops_before_it_overflows)
{
    int64_t *values;
    int n;
    struct fl_error error;
    cr_assert_eq(
        fl_cli_axis("1-9223372036854775807*1000000000", "-s", 1, INT64_MAX, &values, &n, &error),
        FL_OK);
    cr_assert_eq(n, 3);
    cr_expect_eq(values[2], 1000000000000000000);
    free(values);
}

Test(cli, names)
{
    int *indices, n;
    struct fl_error error;
    cr_assert_eq(fl_cli_names("csv,table,csv", "--format", FORMATS, &indices, &n, &error), FL_OK);
    cr_assert_eq(n, 2);
    cr_expect_eq(indices[0], 2);
    cr_expect_eq(indices[1], 0);
    free(indices);
    static const char *const WRONG[] = {"", "csv,", "csvx", "cs", "csv table"};
    for (size_t i = 0; i < sizeof WRONG / sizeof *WRONG; i++) {
        cr_expect_eq(fl_cli_names(WRONG[i], "--format", FORMATS, &indices, &n, &error), FL_FAILED);
        cr_expect(strstr(error.text, "--format: expected a list of table, json or csv, not '"));
        cr_expect_null(indices);
    }
}

Test(cli, failure_names_the_command, .init = cr_redirect_stderr)
{
    struct fl_error error;
    fl_fail(&error, "a.json: d_model: expected a whole number");
    cr_expect_eq(fl_cli_failed(&COMMAND, &error), FL_EXIT_FAILED);
    const char *got = read_all(cr_get_redirected_stderr());
    cr_expect_str_eq(got, "flopledger probe: a.json: d_model: expected a whole number\n");
}

Test(cli, colour_needs_a_terminal)
{
    FILE *file = tmpfile();
    cr_assert_not_null(file);
    cr_expect_not(fl_cli_colour(fileno(file)));
    fclose(file);
}

Test(cli, aliases_are_the_option_itself, .init = cr_redirect_stderr)
{
    given.top_p = 0;
    given.quiet = false;
    cr_expect_eq(parse_line("--nucleus 0.25 -s"), FL_CLI_RUN);
    cr_expect_eq(given.top_p, 0.25);
    cr_expect(given.quiet);
    given.quiet = false;
    cr_expect_eq(parse_line("--silent"), FL_CLI_RUN);
    cr_expect(given.quiet);
    cr_expect_eq(parse_line("--nucleus 2"), FL_CLI_MISUSE);
    cr_expect_eq(parse_line("--nucleus"), FL_CLI_MISUSE);
    const char *err = read_all(cr_get_redirected_stderr());
    cr_expect(strstr(err, "--top-p: expected a number from 0 to 1, not '2'"), "%s", err);
    cr_expect(strstr(err, "--top-p: expected a value"), "%s", err);
}

Test(cli, an_option_may_be_given_several_times, .init = cr_redirect_stderr)
{
    given.stops.n = 0;
    cr_expect_eq(parse_line("--stop one --stop=two --stop three"), FL_CLI_RUN);
    cr_assert_eq(given.stops.n, 3);
    cr_expect_str_eq(given.stops.items[0], "one");
    cr_expect_str_eq(given.stops.items[1], "two");
    cr_expect_str_eq(given.stops.items[2], "three");

    given.stops.n = FL_CLI_TEXTS_MAX;
    cr_expect_eq(parse_line("--stop more"), FL_CLI_MISUSE);
    const char *err = read_all(cr_get_redirected_stderr());
    cr_expect(strstr(err, "--stop: expected at most 64 times"), "%s", err);
}

Test(cli, help_names_aliases_beside_their_option, .init = cr_redirect_stdout)
{
    cr_expect_eq(parse_line("--help"), FL_CLI_HELP);
    const char *out = read_all(cr_get_redirected_stdout());
    cr_expect(strstr(out, "nucleus; also --nucleus"), "%s", out);
    cr_expect(strstr(out, "say nothing; also --silent"), "%s", out);
    cr_expect(!strstr(out, "  --nucleus"), "%s", out);
}
