/* manual_page.c - pages in man(7), see man(7) and groff_man(7). */
#include "base/manual.h"
#include "base/version.h"

#include <ctype.h>
#include <string.h>

/* ---- text ---- */

/* Of a paragraph: nothing in it is a request or an escape; a dash that may be typed is a dash. */
static void print_text(FILE *out, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        const char c = text[i];
        const bool at_start = i == 0 || text[i - 1] == '\n';
        if (at_start && (c == '.' || c == '\''))
            fputs("\\&", out);
        if (c == '\\')
            fputs("\\e", out);
        else if (c == '-')
            fputs("\\-", out);
        else if (c == '\'')
            fputs("\\(aq", out);
        else if (c == '`')
            fputs("\\(ga", out);
        else if (c == '^')
            fputs("\\(ha", out);
        else if (c == '~')
            fputs("\\(ti", out);
        else
            fputc(c, out);
    }
}

static void print(FILE *out, const char *text)
{
    print_text(out, text, strlen(text));
}

/* Lines as they are, without the blanks they all begin with. */
static void print_lines(FILE *out, const char *lines)
{
    fputs(".nf\n.RS 2\n", out);
    while (*lines) {
        const char *line = lines + (strncmp(lines, "  ", 2) == 0 ? 2 : 0);
        const size_t length = strcspn(line, "\n");
        print_text(out, line, length);
        fputc('\n', out);
        lines = line + length + (line[length] == '\n');
    }
    fputs(".RE\n.fi\n", out);
}

static void print_heading(FILE *out, const char *name, const char *summary)
{
    char title[64];
    snprintf(title, sizeof title, "%s", name);
    for (char *c = title; *c; c++)
        *c = (char)toupper((unsigned char)*c);
    fputs(".\\\" made by flopledger help --man\n.TH ", out);
    print(out, title);
    fputs(" 1 \"\" \"flopledger " FL_VERSION "\" \"User Commands\"\n.SH NAME\n", out);
    print(out, name);
    fputs(" \\- ", out);
    print(out, summary);
    fputs("\n.SH SYNOPSIS\n", out);
}

static void print_exit_status(FILE *out)
{
    fputs(".SH \"EXIT STATUS\"\n0 done, 1 failed, 2 misuse.\n", out);
}

/* ---- a command ---- */

static void print_names(FILE *out, const struct fl_option *option)
{
    fputs(".TP\n", out);
    if (option->letter)
        fprintf(out, "\\fB\\-%c\\fR, ", option->letter);
    fputs("\\fB\\-\\-", out);
    print(out, option->name);
    fputs("\\fR", out);
    if (option->kind == FL_OPTION_FLAG) {
        fputc('\n', out);
        return;
    }
    fputs(" \\fI", out);
    if (option->argument || option->kind != FL_OPTION_CHOICE) {
        print(out, option->argument ? option->argument : "VALUE");
    } else {
        for (int i = 0; option->choices[i]; i++) {
            fputs(i ? "|" : "", out);
            print(out, option->choices[i]);
        }
    }
    fputs("\\fR\n", out);
}

static void print_choices(FILE *out, const struct fl_option *option)
{
    if (option->kind != FL_OPTION_CHOICE || !option->argument)
        return;
    fputs("\nOne of", out);
    for (int i = 0; option->choices[i]; i++) {
        fputs(i ? ", " : " ", out);
        print(out, option->choices[i]);
    }
    fputs(".\n", out);
}

static void print_option(FILE *out, const struct fl_option *option, const struct fl_option *options)
{
    print_names(out, option);
    print(out, option->help);
    if (option->fallback) {
        fputs(" (default: ", out);
        print(out, option->fallback);
        fputc(')', out);
    }
    for (const struct fl_option *other = options; other->name; other++)
        if (other->kind == FL_OPTION_ALIAS && strcmp(other->help, option->name) == 0) {
            fputs("; also \\fB\\-\\-", out);
            print(out, other->name);
            fputs("\\fR", out);
        }
    fputc('\n', out);
    print_choices(out, option);
}

static void print_options(void *context, const struct fl_command *command,
                          const struct fl_option *options)
{
    FILE *out = context;
    const char *group = NULL;
    (void)command;
    fputs(".SH OPTIONS\n", out);
    for (const struct fl_option *option = options; option->name; option++) {
        if (option->kind == FL_OPTION_ALIAS)
            continue;
        if (option->group && (!group || strcmp(group, option->group) != 0)) {
            fputs(".SS \"", out);
            print(out, option->group);
            fputs("\"\n", out);
            group = option->group;
        }
        print_option(out, option, options);
    }
    fputs(".TP\n\\fB\\-h\\fR, \\fB\\-\\-help\\fR\nshow the same on the terminal\n", out);
}

static void print_command(FILE *out, const struct fl_command *command)
{
    char name[64];
    snprintf(name, sizeof name, "flopledger-%s", command->name);
    print_heading(out, name, command->summary);
    fputs("\\fBflopledger ", out);
    print(out, command->name);
    fputs("\\fR ", out);
    print(out, command->usage);
    fputc('\n', out);
    fl_cli_describe(command, print_options, out);
    if (command->examples && command->examples[0]) {
        fputs(".SH EXAMPLES\n", out);
        print_lines(out, command->examples);
    }
    print_exit_status(out);
    fputs(".SH \"SEE ALSO\"\n\\fBflopledger\\fR(1)\n", out);
}

/* ---- the program ---- */

static const char DESCRIPTION[] =
    "flopledger runs a transformer on an engine of its own, writes down what every operator cost, "
    "and explains the differences between four numbers: the textbook's closed form, the exact one "
    "of what is executed, what the operators count, and what the processor did. Data goes to "
    "standard output, everything else to standard error.";

static const struct {
    const char *name, *text;
} ENVIRONMENT[] = {
    {"NO_COLOR", "set and not empty: no colours"},
    {"OPENBLAS_CORETYPE", "the kernels that OpenBLAS is to use"},
    {"OMP_NUM_THREADS", "threads, where a command has no --threads"},
    {"FLOPGRIND_LIB", "the directory of the Valgrind tool, where it is not beside the program"},
};

static void print_program(FILE *out, const struct fl_command *const *commands)
{
    print_heading(out, "flopledger",
                  "account for every floating-point operation of transformer inference");
    fputs("\\fBflopledger\\fR \\fICOMMAND\\fR [options]\n.br\n"
          "\\fBflopledger\\fR \\fBhelp\\fR \\fICOMMAND\\fR\n.SH DESCRIPTION\n",
          out);
    print(out, DESCRIPTION);
    fputs("\n.SH COMMANDS\n", out);
    for (int i = 0; commands[i]; i++) {
        fputs(".TP\n\\fBflopledger\\-", out);
        print(out, commands[i]->name);
        fputs("\\fR(1)\n", out);
        print(out, commands[i]->summary);
        fputc('\n', out);
    }
    fputs(".SH ENVIRONMENT\n", out);
    for (size_t i = 0; i < sizeof ENVIRONMENT / sizeof *ENVIRONMENT; i++) {
        fprintf(out, ".TP\n\\fB%s\\fR\n", ENVIRONMENT[i].name);
        print(out, ENVIRONMENT[i].text);
        fputc('\n', out);
    }
    print_exit_status(out);
    fputs(".SH \"SEE ALSO\"\n\\fBvalgrind\\fR(1); the documents beside README.md, installed in\n"
          "share/doc/flopledger\n",
          out);
}

void fl_manual_page(FILE *out, const struct fl_command *const *commands,
                    const struct fl_command *command)
{
    if (command)
        print_command(out, command);
    else
        print_program(out, commands);
}
