/* cmd_lab.c - `flopledger lab`: the labs of the course. */
#include "base/threads.h"
#include "bench/labs/cmd_lab_print.h"
#include "commands.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

static const char *const FORMATS[] = {"text", "json", NULL};
enum { FORMAT_TEXT, FORMAT_JSON };

struct arguments {
    const char *predict, *plot;
    int64_t n_threads, n_rounds, seed;
    int language, format;
    bool list, answers, quiet;
};

/* ---- predictions ---- */

/* "838.9 MFLOP,4 %,-": one figure a question, from the first on; "-" or nothing skips one. */
static int read_predictions(double *predictions, const char *text, const struct fl_lab *lab,
                            enum fl_lab_language language, struct fl_error *error)
{
    for (int i = 0;; i++) {
        char figure[128];
        const size_t length = strcspn(text, ",");
        if (i >= lab->n_questions)
            return fl_fail(error, "--predict: %s %s %s %d %s",
                           fl_lab_text(language, FL_LAB_TEXT_FIGURES_LAB), fl_lab_id(lab),
                           fl_lab_text(language, FL_LAB_TEXT_FIGURES_HAS), lab->n_questions,
                           fl_lab_text(language, FL_LAB_TEXT_FIGURES_TOO_MANY));
        if (length >= sizeof figure)
            return fl_fail(error, "--predict%s",
                           fl_lab_text(language, FL_LAB_TEXT_FIGURE_TOO_LONG));
        memcpy(figure, text, length);
        figure[length] = '\0';
        if (length > 0 && strcmp(figure, "-") != 0 &&
            fl_lab_quantity_parse(&predictions[i], figure, lab->questions[i].unit, language,
                                  error) != FL_OK)
            return FL_FAILED;
        if (text[length] == '\0')
            return FL_OK;
        text += length + 1;
    }
}

/* Asks until the answer makes sense; false: the user has had enough. */
static bool ask(const struct fl_lab_view *view, int question, double *prediction)
{
    const enum fl_lab_unit unit = view->run->lab->questions[question].unit;
    char line[128];
    struct fl_error error;
    fl_lab_print_question(view, question, stdout);
    for (;;) {
        printf("  [%s %s] ", fl_lab_text(view->language, FL_LAB_TEXT_FOR_EXAMPLE),
               fl_lab_unit_example(unit));
        fflush(stdout);
        if (!fgets(line, sizeof line, stdin)) {
            putchar('\n');
            return false;
        }
        const char *text = line + strspn(line, " \t");
        if (strcmp(text, "q\n") == 0 || strcmp(text, "Q\n") == 0)
            return false;
        if (*text == '\n')
            return true;
        if (fl_lab_quantity_parse(prediction, text, unit, view->language, &error) == FL_OK)
            return true;
        printf("  %s\n  %s", error.text, fl_lab_text(view->language, FL_LAB_TEXT_ASK_AGAIN));
    }
}

static void ask_all(const struct fl_lab_view *view, double *predictions)
{
    printf("\n%s\n", fl_lab_text(view->language, FL_LAB_TEXT_PREDICT_FIRST));
    for (int i = 0; i < view->run->lab->n_questions; i++)
        if (!ask(view, i, &predictions[i]))
            return;
}

/* ---- the command ---- */

static int carry_out(struct fl_lab_run *run, const struct arguments *a, double *predictions,
                     struct fl_error *error)
{
    const struct fl_lab_view view = {.run = run,
                                     .predictions = predictions,
                                     .language = (enum fl_lab_language)a->language,
                                     .answers = a->answers};
    if (run->lab->prepare && run->lab->prepare(run, error) != FL_OK)
        return FL_FAILED;
    if (a->format == FORMAT_TEXT)
        fl_lab_print_opening(&view, stdout);
    if (a->format == FORMAT_TEXT && !a->answers && !a->predict && isatty(STDIN_FILENO) &&
        isatty(STDOUT_FILENO))
        ask_all(&view, predictions);
    fflush(stdout);
    if (run->lab->experiment(run, error) != FL_OK)
        return FL_FAILED;
    if (a->format == FORMAT_JSON)
        fl_lab_print_json(&view, stdout);
    else if (!fl_lab_print_outcome(&view, stdout))
        return fl_fail(error, "lab %s: no memory for its tables", fl_lab_id(run->lab));
    return a->plot ? fl_lab_plot(&view, a->plot, error) : FL_OK;
}

static int list_labs(const struct arguments *a)
{
    const enum fl_lab_language language = (enum fl_lab_language)a->language;
    if (a->format == FORMAT_JSON)
        fl_lab_print_list_json(language, stdout);
    else
        fl_lab_print_list(language, stdout);
    return FL_EXIT_DONE;
}

static int execute(const struct fl_lab *lab, const struct arguments *a)
{
    static struct fl_lab_run run; /* large */
    double predictions[FL_LAB_QUESTIONS_MAX];
    struct fl_error error;
    for (int i = 0; i < FL_LAB_QUESTIONS_MAX; i++)
        predictions[i] = NAN;
    run = (struct fl_lab_run){.lab = lab,
                              .n_threads =
                                  a->n_threads > 0 ? (int)a->n_threads : fl_default_threads(),
                              .n_rounds = (int)a->n_rounds,
                              .seed = (uint64_t)a->seed,
                              .quiet = a->quiet};
    if (a->predict && read_predictions(predictions, a->predict, lab,
                                       (enum fl_lab_language)a->language, &error) != FL_OK)
        return fl_cli_misuse(&fl_command_lab, "%s", error.text);
    if (carry_out(&run, a, predictions, &error) != FL_OK)
        return fl_cli_failed(&fl_command_lab, &error);
    return FL_EXIT_DONE;
}

static int run_command(int argc, char **argv)
{
    struct arguments a = {.n_rounds = 3};
    const struct fl_option options[] = {
        {"Lab", "list", 0, FL_OPTION_FLAG, &a.list, NULL, "list the labs, as without a number",
         NULL, 0, 0, NULL},
        {NULL, "predict", 'p', FL_OPTION_STRING, &a.predict, "VALUE,...",
         "a figure a question, such as '838.9 MFLOP,4 %,-'; on a terminal they are asked for", NULL,
         0, 0, NULL},
        {NULL, "answers", 0, FL_OPTION_FLAG, &a.answers, NULL,
         "for the lecturer: ask nothing, show expected figures and explanation first", NULL, 0, 0,
         NULL},
        {"Run", "threads", 't', FL_OPTION_INT, &a.n_threads, "N", "BLAS and OpenMP threads",
         "$OMP_NUM_THREADS, else all cores", 1, 1024, NULL},
        {NULL, "rounds", 0, FL_OPTION_INT, &a.n_rounds, "N",
         "times each point is measured, in turns; shown are medians", "3", 1, 1000, NULL},
        {NULL, "seed", 0, FL_OPTION_INT, &a.seed, "K", "of random weights and token ids", "0", 0,
         1e15, NULL},
        {"Output", "lang", 0, FL_OPTION_CHOICE, &a.language, "en|zh", "English or Chinese", "en", 0,
         0, fl_lab_language_names},
        {NULL, "format", 'f', FL_OPTION_CHOICE, &a.format, "F", "text or json", "text", 0, 0,
         FORMATS},
        {NULL, "plot", 0, FL_OPTION_STRING, &a.plot, "FILE", "the figure as SVG, by gnuplot", NULL,
         0, 0, NULL},
        {NULL, "quiet", 'q', FL_OPTION_FLAG, &a.quiet, NULL, "no progress on stderr", NULL, 0, 0,
         NULL},
        {0}};
    int first;
    enum fl_cli_outcome outcome = fl_cli_parse(&fl_command_lab, options, argc, argv, &first);
    if (outcome != FL_CLI_RUN)
        return outcome == FL_CLI_HELP ? FL_EXIT_DONE : FL_EXIT_MISUSE;
    if (first >= argc || a.list)
        return list_labs(&a);
    if (first + 1 < argc)
        return fl_cli_misuse(&fl_command_lab, "unexpected argument '%s'", argv[first + 1]);
    const struct fl_lab *lab = fl_lab_find(argv[first]);
    if (!lab)
        return fl_cli_misuse(&fl_command_lab,
                             "no lab '%s': expected a number from 1 to 8, slips, or a name of "
                             "'flopledger lab --list'",
                             argv[first]);
    return execute(lab, &a);
}

const struct fl_command fl_command_lab = {
    .name = "lab",
    .summary = "the course's labs: predict, measure, explain the difference",
    .usage = "[N] [--predict VALUE,...] [--answers] [--lang en|zh] [options]",
    .examples = "  flopledger lab                                 # the list\n"
                "  flopledger lab 1\n"
                "  flopledger lab 2 --lang zh\n"
                "  flopledger lab 1 --predict '838.9 MFLOP,4 %,3072'\n"
                "  flopledger lab 4 --answers\n"
                "  flopledger lab 4 --plot roofline.svg\n"
                "  flopledger lab slips --format json\n",
    .run = run_command,
};
