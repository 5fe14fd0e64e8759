#include "base/cli.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    MAX_OPTIONS = 64,
    LONG_CODE = 256, /* getopt's code for row i: beyond every letter */
    HELP_CODE = LONG_CODE + MAX_OPTIONS,
    MAX_AXIS = 10000,
    WIDEST_COLUMN = 34, /* of --help; a longer option puts its text on the next line */
    HELP_COLUMNS = 100
};

/* ---- reading numbers ---- */

/* A decimal whole number at the start of text; false when there is none or it does not fit. */
static bool read_int(const char *text, const char **end, int64_t *value)
{
    const char *digits = text + (*text == '-');
    if (*digits < '0' || *digits > '9')
        return false;
    errno = 0;
    char *stop;
    long long parsed = strtoll(text, &stop, 10);
    if (errno != 0)
        return false;
    *end = stop;
    *value = parsed;
    return true;
}

static bool in_range(double value, double min, double max)
{
    return (min == 0 && max == 0) || (value >= min && value <= max);
}

/* " from 1 to 4096", " of at least 1" (a bound that is no real limit is not shown), "" */
static const char *range_text(double min, double max, char out[96])
{
    out[0] = '\0';
    if (min == 0 && max == 0)
        return out;
    if (max >= 9e15)
        snprintf(out, 96, " of at least %.15g", min);
    else
        snprintf(out, 96, " from %.15g to %.15g", min, max);
    return out;
}

/* ---- one option's value ---- */

/* "table, json or csv" */
static const char *choices_text(const char *const *choices, char out[256])
{
    size_t used = 0;
    out[0] = '\0';
    for (int i = 0; choices[i] && used < 256; i++) {
        const char *joint = i == 0 ? "" : choices[i + 1] ? ", " : " or ";
        used += (size_t)snprintf(out + used, 256 - used, "%s%s", joint, choices[i]);
    }
    return out;
}

static int find_choice(const char *const *choices, const char *text, size_t length)
{
    for (int i = 0; choices[i]; i++)
        if (strlen(choices[i]) == length && memcmp(choices[i], text, length) == 0)
            return i;
    return -1;
}

static int set_int(const struct fl_option *option, const char *text, struct fl_error *error)
{
    const char *end;
    int64_t value;
    char range[96];
    if (!read_int(text, &end, &value) || *end || !in_range((double)value, option->min, option->max))
        return fl_fail(error, "--%s: expected a whole number%s, not '%s'", option->name,
                       range_text(option->min, option->max, range), text);
    *(int64_t *)option->value = value;
    return FL_OK;
}

static int set_real(const struct fl_option *option, const char *text, struct fl_error *error)
{
    char range[96], *end;
    double value = strtod(text, &end);
    bool whole = *text && !*end && strspn(text, "+-.0123456789eE") == strlen(text);
    if (!whole || !isfinite(value) || !in_range(value, option->min, option->max))
        return fl_fail(error, "--%s: expected a number%s, not '%s'", option->name,
                       range_text(option->min, option->max, range), text);
    *(double *)option->value = value;
    return FL_OK;
}

static int set_choice(const struct fl_option *option, const char *text, struct fl_error *error)
{
    char names[256];
    int choice = find_choice(option->choices, text, strlen(text));
    if (choice < 0)
        return fl_fail(error, "--%s: expected %s, not '%s'", option->name,
                       choices_text(option->choices, names), text);
    *(int *)option->value = choice;
    return FL_OK;
}

static int add_text(const struct fl_option *option, const char *text, struct fl_error *error)
{
    struct fl_cli_texts *texts = option->value;
    if (texts->n == FL_CLI_TEXTS_MAX)
        return fl_fail(error, "--%s: expected at most %d times", option->name, FL_CLI_TEXTS_MAX);
    texts->items[texts->n++] = text;
    return FL_OK;
}

static int set_value(const struct fl_option *option, const char *text, struct fl_error *error)
{
    switch (option->kind) {
    case FL_OPTION_FLAG:
        *(bool *)option->value = true;
        return FL_OK;
    case FL_OPTION_INT:
        return set_int(option, text, error);
    case FL_OPTION_REAL:
        return set_real(option, text, error);
    case FL_OPTION_STRING:
        *(const char **)option->value = text;
        return FL_OK;
    case FL_OPTION_CHOICE:
        return set_choice(option, text, error);
    case FL_OPTION_TEXTS:
        return add_text(option, text, error);
    case FL_OPTION_ALIAS:
        break; /* resolved before */
    }
    return FL_OK;
}

const struct fl_option *fl_cli_resolve(const struct fl_option *options,
                                       const struct fl_option *option)
{
    if (option->kind != FL_OPTION_ALIAS)
        return option;
    const struct fl_option *target = options;
    while (target->name && strcmp(target->name, option->help) != 0)
        target++;
    assert(target->name && target->kind != FL_OPTION_ALIAS);
    return target;
}

/* ---- --help ---- */

/* "  -m, --model NAME" */
static void option_column(const struct fl_option *option, char out[256])
{
    char letter[8] = "    ";
    if (option->letter)
        snprintf(letter, sizeof letter, "-%c, ", option->letter);
    size_t used = (size_t)snprintf(out, 256, "  %s--%s", letter, option->name);
    if (option->kind == FL_OPTION_FLAG || used >= 256)
        return;
    if (option->argument || option->kind != FL_OPTION_CHOICE) {
        snprintf(out + used, 256 - used, " %s", option->argument ? option->argument : "VALUE");
        return;
    }
    for (int i = 0; option->choices[i] && used < 256; i++)
        used += (size_t)snprintf(out + used, 256 - used, "%c%s", i ? '|' : ' ', option->choices[i]);
}

/* The text behind the options' column, broken between words at HELP_COLUMNS. */
static void print_wrapped(const char *text, int indent)
{
    int column = indent;
    while (*text) {
        int length = (int)strcspn(text, " ");
        if (column + 1 + length > HELP_COLUMNS && column > indent) {
            printf("\n%*s", indent, "");
            column = indent;
        }
        column += printf("%s%.*s", column > indent ? " " : "", length, text);
        text += length;
        text += strspn(text, " ");
    }
    putchar('\n');
}

static void append(char *text, size_t size, const char *before, const char *word,
                   const char *behind)
{
    const size_t n = strlen(text);
    snprintf(text + n, size - n, "%s%s%s", before, word, behind);
}

/* options: the table, searched for aliases. */
static void print_option(const struct fl_option *option, const struct fl_option *options, int width)
{
    char column[256], text[1024] = "";
    option_column(option, column);
    if ((int)strlen(column) > width)
        printf("%s\n%*s", column, width, "");
    else
        printf("%-*s", width, column);
    printf("  ");
    append(text, sizeof text, "", option->help, "");
    if (option->fallback)
        append(text, sizeof text, " (default: ", option->fallback, ")");
    for (const struct fl_option *other = options; other->name; other++)
        if (other->kind == FL_OPTION_ALIAS && strcmp(other->help, option->name) == 0)
            append(text, sizeof text, "; also --", other->name, "");
    print_wrapped(text, width + 2);
}

/* Examples are shown as they are, two columns in. */
static void print_examples(const char *examples)
{
    printf("\nExamples:\n");
    while (*examples) {
        int length = (int)strcspn(examples, "\n");
        printf("%s%.*s\n", length && *examples != ' ' ? "  " : "", length, examples);
        examples += length;
        examples += *examples == '\n';
    }
}

static void print_help(const struct fl_command *command, const struct fl_option *options)
{
    static const struct fl_option HELP = {.name = "help", .letter = 'h', .help = "show this text"};
    char column[256];
    int width = 0;
    for (const struct fl_option *option = options; option->name; option++) {
        if (option->kind == FL_OPTION_ALIAS)
            continue;
        option_column(option, column);
        int length = (int)strlen(column);
        if (length > width && length <= WIDEST_COLUMN)
            width = length;
    }
    printf("flopledger %s: %s\n\nusage: flopledger %s %s\n", command->name, command->summary,
           command->name, command->usage);
    const char *group = NULL;
    for (const struct fl_option *option = options; option->name; option++) {
        if (option->kind == FL_OPTION_ALIAS)
            continue;
        const char *heading = option->group ? option->group : group ? group : "Options";
        if (!group || strcmp(heading, group) != 0)
            printf("\n%s:\n", heading);
        group = heading;
        print_option(option, options, width);
    }
    if (!group)
        printf("\nOptions:\n");
    option_column(&HELP, column);
    print_option(&HELP, options, width > (int)strlen(column) ? width : (int)strlen(column));
    if (command->examples && command->examples[0])
        print_examples(command->examples);
}

/* ---- parsing ---- */

static int failed(const struct fl_command *command, const char *sentence)
{
    fflush(stdout); /* so that both streams on one terminal stay in order */
    fprintf(stderr, "flopledger%s%s: %s\n", command ? " " : "", command ? command->name : "",
            sentence);
    return FL_EXIT_FAILED;
}

int fl_cli_failed(const struct fl_command *command, const struct fl_error *error)
{
    return failed(command, error->text);
}

int fl_cli_misuse(const struct fl_command *command, const char *format, ...)
{
    char sentence[sizeof((struct fl_error *)0)->text];
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    struct fl_error clean;
    fl_fail(&clean, "%s", sentence);
    failed(command, clean.text);
    fprintf(stderr, "try 'flopledger %s --help'\n", command->name);
    return FL_EXIT_MISUSE;
}

static const struct fl_option *find_letter(const struct fl_option *options, int letter)
{
    for (; options->name; options++)
        if (options->letter && options->letter == letter)
            return options;
    return NULL;
}

/* What getopt objects to: a value that is missing (':'), one too many, or an unknown option. */
static int objection(const struct fl_command *command, const struct fl_option *options, int code,
                     int code_seen, const char *word)
{
    const struct fl_option *option = code_seen >= LONG_CODE && code_seen < HELP_CODE
                                         ? &options[code_seen - LONG_CODE]
                                         : find_letter(options, code_seen);
    if (option)
        option = fl_cli_resolve(options, option);
    if (code == ':' && option)
        return fl_cli_misuse(command, "--%s: expected a value", option->name);
    if (code_seen == HELP_CODE)
        return fl_cli_misuse(command, "--help: expected no value");
    if (option)
        return fl_cli_misuse(command, "--%s: expected no value", option->name);
    if (code_seen)
        return fl_cli_misuse(command, "-%c: no such option", code_seen);
    return fl_cli_misuse(command, "%s: no such option, or the beginning of several", word);
}

/* The table in getopt's form: row i has the code LONG_CODE + i, its letter the letter itself. */
static void getopt_tables(const struct fl_option *options, struct option *longs, char *letters)
{
    int n = 0;
    *letters++ = ':'; /* tell a missing value from an unknown option */
    *letters++ = 'h';
    for (; options[n].name; n++) {
        assert(n < MAX_OPTIONS);
        bool takes_value = fl_cli_resolve(options, &options[n])->kind != FL_OPTION_FLAG;
        longs[n] = (struct option){options[n].name, takes_value, NULL, LONG_CODE + n};
        if (options[n].letter) {
            *letters++ = options[n].letter;
            if (takes_value)
                *letters++ = ':';
        }
    }
    longs[n++] = (struct option){"help", no_argument, NULL, HELP_CODE};
    longs[n] = (struct option){0};
    *letters = '\0';
}

/* ---- the table itself ---- */

/* Who wants to see it: a program has one command line, and looks at its tables one by one. */
static struct {
    void (*take)(void *context, const struct fl_command *command, const struct fl_option *options);
    void *context;
} describing;

void fl_cli_describe(const struct fl_command *command,
                     void (*take)(void *context, const struct fl_command *command,
                                  const struct fl_option *options),
                     void *context)
{
    char name[64];
    char *argv[] = {name, NULL};
    snprintf(name, sizeof name, "%s", command->name);
    describing.take = take;
    describing.context = context;
    command->run(1, argv);
    describing.take = NULL;
}

enum fl_cli_outcome fl_cli_parse(const struct fl_command *command, const struct fl_option *options,
                                 int argc, char **argv, int *first)
{
    if (describing.take) {
        describing.take(describing.context, command, options);
        return FL_CLI_HELP;
    }
    struct option longs[MAX_OPTIONS + 2];
    char letters[2 * MAX_OPTIONS + 3];
    getopt_tables(options, longs, letters);
    opterr = 0;
    optind = 0; /* glibc: forget any earlier scan */
    for (;;) {
        optopt = 0;
        int code = getopt_long(argc, argv, letters, longs, NULL);
        if (code == -1)
            break;
        if (code == 'h' || code == HELP_CODE) {
            print_help(command, options);
            return FL_CLI_HELP;
        }
        if (code == ':' || code == '?') {
            objection(command, options, code, optopt, argv[optind > 0 ? optind - 1 : 0]);
            return FL_CLI_MISUSE;
        }
        const struct fl_option *option =
            code >= LONG_CODE ? &options[code - LONG_CODE] : find_letter(options, code);
        struct fl_error error;
        option = fl_cli_resolve(options, option);
        if (set_value(option, optarg, &error) != FL_OK) {
            fl_cli_misuse(command, "%s", error.text);
            return FL_CLI_MISUSE;
        }
    }
    *first = optind;
    return FL_CLI_RUN;
}

/* ---- lists ---- */

struct axis {
    int64_t *values;
    int n;
};

/* False when the list is full. The list has room for MAX_AXIS from the start. */
static bool axis_add(struct axis *axis, int64_t value)
{
    for (int i = 0; i < axis->n; i++)
        if (axis->values[i] == value)
            return true;
    if (axis->n == MAX_AXIS)
        return false;
    axis->values[axis->n++] = value;
    return true;
}

/* One part between commas: "16", "16-4096*2" or "16-64+16". */
struct span {
    int64_t low, high, step;
    char kind; /* '*', '+', or 0: low alone */
};

static bool read_span(const char **text, struct span *span)
{
    *span = (struct span){0};
    if (!read_int(*text, text, &span->low))
        return false;
    span->high = span->low;
    if (**text != '-')
        return true;
    if (!read_int(*text + 1, text, &span->high))
        return false;
    span->kind = **text;
    if (span->kind != '*' && span->kind != '+')
        return false;
    if (!read_int(*text + 1, text, &span->step))
        return false;
    /* a product must grow: from 1 upwards, by a factor of at least 2 */
    bool grows = span->kind == '+' ? span->step >= 1 : span->step >= 2 && span->low >= 1;
    return grows && span->high >= span->low;
}

static bool add_span(struct axis *axis, const struct span *span)
{
    for (int64_t value = span->low;;) {
        if (!axis_add(axis, value))
            return false;
        bool overflow = span->kind == '*' ? __builtin_mul_overflow(value, span->step, &value)
                                          : __builtin_add_overflow(value, span->step, &value);
        if (!span->kind || overflow || value > span->high)
            return true;
    }
}

int fl_cli_axis(const char *text, const char *name, int64_t min, int64_t max, int64_t **values,
                int *n, struct fl_error *error)
{
    *values = NULL;
    *n = 0;
    struct axis axis = {malloc(MAX_AXIS * sizeof *axis.values), 0};
    if (!axis.values)
        return fl_fail(error, "%s: cannot hold the list in memory", name);
    const char *next = text;
    do {
        struct span span;
        if (!read_span(&next, &span) || (*next && *next != ',')) {
            fl_fail(error,
                    "%s: expected a list such as 16,32,64 or 16-4096*2 or 16-64+16, not '%s'", name,
                    text);
            goto fail;
        }
        if (span.low < min || span.high > max) {
            fl_fail(error, "%s: expected whole numbers from %lld to %lld, not '%s'", name,
                    (long long)min, (long long)max, text);
            goto fail;
        }
        if (!add_span(&axis, &span)) {
            fl_fail(error, "%s: expected at most %d values, '%s' has more", name, MAX_AXIS, text);
            goto fail;
        }
    } while (*next++ == ',');
    *values = axis.values;
    *n = axis.n;
    return FL_OK;

fail:
    free(axis.values);
    return FL_FAILED;
}

int fl_cli_names(const char *text, const char *name, const char *const *choices, int **values,
                 int *n, struct fl_error *error)
{
    size_t n_choices = 0;
    while (choices[n_choices])
        n_choices++;
    *n = 0;
    *values = malloc((n_choices + 1) * sizeof **values);
    if (!*values)
        return fl_fail(error, "%s: cannot hold the list in memory", name);
    for (const char *next = text;; next++) {
        size_t length = strcspn(next, ",");
        int choice = find_choice(choices, next, length);
        if (choice < 0) {
            char names[256];
            free(*values);
            *values = NULL;
            *n = 0;
            return fl_fail(error, "%s: expected a list of %s, not '%s'", name,
                           choices_text(choices, names), text);
        }
        bool seen = false;
        for (int i = 0; i < *n; i++)
            seen |= (*values)[i] == choice;
        if (!seen)
            (*values)[(*n)++] = choice;
        next += length;
        if (!*next)
            return FL_OK;
    }
}

/* ---- the streams ---- */

int fl_cli_finish(const struct fl_command *command, int status)
{
    bool failed_before = ferror(stdout);
    errno = 0;
    if (fflush(stdout) == 0 && !failed_before)
        return status;
    struct fl_error error;
    fl_fail(&error, "standard output: cannot write%s%s", errno ? ": " : "",
            errno ? strerror(errno) : "");
    fl_cli_failed(command, &error);
    return FL_EXIT_FAILED;
}

const char *const fl_cli_off_on[] = {"off", "on", NULL};

bool fl_cli_colour(int fd)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    return isatty(fd) && !(no_color && *no_color) && !(term && strcmp(term, "dumb") == 0);
}
