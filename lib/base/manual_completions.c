/* manual_completions.c - what bash, zsh and fish need to complete a command line. After an option
 * come its choices, or files where it takes a text; anything else is a file. */
#include "base/manual.h"

#include <string.h>

const char *const fl_manual_shells[] = {"bash", "zsh", "fish", NULL};

static const char HELP_WORDS[] = "--man --completions";

/* What follows an option: nothing, one of its choices, a file, or something to be typed. */
enum operand { OPERAND_NONE, OPERAND_CHOICE, OPERAND_FILE, OPERAND_TYPED };

static enum operand operand_of(const struct fl_option *option)
{
    switch (option->kind) {
    case FL_OPTION_FLAG:
        return OPERAND_NONE;
    case FL_OPTION_CHOICE:
        return OPERAND_CHOICE;
    case FL_OPTION_STRING:
        return OPERAND_FILE;
    case FL_OPTION_INT:
    case FL_OPTION_REAL:
    case FL_OPTION_TEXTS:
    case FL_OPTION_ALIAS:
        break;
    }
    return OPERAND_TYPED;
}

static void print_choices(FILE *out, const struct fl_option *option)
{
    for (int i = 0; option->choices[i]; i++)
        fprintf(out, "%s%s", i ? " " : "", option->choices[i]);
}

/* Between single quotes; `special` are characters that the reader of the word wants a backslash in
 * front of, which itself is one of them. */
static void print_quoted(FILE *out, const char *text, const char *special)
{
    for (; *text; text++) {
        if (*text == '\'')
            fputs("'\\''", out);
        else if (strchr(special, *text))
            fprintf(out, "\\%c", *text);
        else
            fputc(*text, out);
    }
}

static void print_names(FILE *out, const struct fl_command *const *commands)
{
    for (int i = 0; commands[i]; i++)
        fprintf(out, "%s%s", i ? " " : "", commands[i]->name);
}

static void each(const struct fl_command *const *commands,
                 void (*take)(void *, const struct fl_command *, const struct fl_option *),
                 FILE *out)
{
    for (int i = 0; commands[i]; i++)
        fl_cli_describe(commands[i], take, out);
}

/* ---- bash ---- */

static void bash_operands(void *context, const struct fl_command *command,
                          const struct fl_option *options)
{
    FILE *out = context;
    for (const struct fl_option *option = options; option->name; option++) {
        const struct fl_option *target = fl_cli_resolve(options, option);
        const enum operand operand = operand_of(target);
        if (operand == OPERAND_NONE || operand == OPERAND_FILE)
            continue; /* files are what comes where nothing else does */
        fprintf(out, "    '%s --%s'", command->name, option->name);
        if (option->letter)
            fprintf(out, " | '%s -%c'", command->name, option->letter);
        fputs(") words='", out);
        if (operand == OPERAND_CHOICE)
            print_choices(out, target);
        fputs("' ;;\n", out);
    }
}

static void bash_options(void *context, const struct fl_command *command,
                         const struct fl_option *options)
{
    FILE *out = context;
    fprintf(out, "        %s) words='", command->name);
    for (const struct fl_option *option = options; option->name; option++)
        fprintf(out, "--%s ", option->name);
    fputs("--help' ;;\n", out);
}

static void print_bash(FILE *out, const struct fl_command *const *commands)
{
    fputs("# bash completion for flopledger, made by `flopledger help --completions bash`\n"
          "_flopledger() {\n"
          "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
          "    local command=${COMP_WORDS[1]} words=files\n"
          "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
          "        words='",
          out);
    print_names(out, commands);
    fputs(" help --help --version'\n        command=\n    fi\n    case \"$command $prev\" in\n",
          out);
    each(commands, bash_operands, out);
    fputs("    'help --completions') words='bash zsh fish' ;;\n    *)\n", out);
    fputs("        case \"$cur\" in\n        -*) case \"$command\" in\n", out);
    each(commands, bash_options, out);
    fprintf(out, "        help) words='%s --help' ;;\n        esac ;;\n", HELP_WORDS);
    fputs("        *) [ \"$command\" != help ] || words='", out);
    print_names(out, commands);
    fputs("' ;;\n        esac\n        ;;\n    esac\n"
          "    if [ \"$words\" = files ]; then\n"
          "        mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
          "    else\n"
          "        mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
          "    fi\n"
          "}\n"
          "complete -o filenames -F _flopledger flopledger\n",
          out);
}

/* ---- zsh ---- */

static const char ZSH_SPECIAL[] = "\\[]:";

static void zsh_operand(FILE *out, const struct fl_option *option)
{
    const enum operand operand = operand_of(option);
    if (operand == OPERAND_NONE)
        return;
    fputc(':', out);
    print_quoted(out, option->argument ? option->argument : "value", ZSH_SPECIAL);
    fputc(':', out);
    if (operand == OPERAND_FILE)
        fputs("_files", out);
    if (operand == OPERAND_CHOICE) {
        fputc('(', out);
        print_choices(out, option);
        fputc(')', out);
    }
}

static void zsh_options(void *context, const struct fl_command *command,
                        const struct fl_option *options)
{
    FILE *out = context;
    fprintf(out, "    %s)\n        _arguments -s", command->name);
    for (const struct fl_option *option = options; option->name; option++) {
        const struct fl_option *target = fl_cli_resolve(options, option);
        const char *star = target->kind == FL_OPTION_TEXTS ? "*" : "";
        const int n_names = option->letter ? 2 : 1;
        for (int i = 0; i < n_names; i++) {
            fputs(" \\\n            '", out);
            if (i == 1)
                fprintf(out, "%s-%c[", star, option->letter);
            else
                fprintf(out, "%s--%s[", star, option->name);
            print_quoted(out, target->help, ZSH_SPECIAL);
            fputc(']', out);
            zsh_operand(out, target);
            fputc('\'', out);
        }
    }
    fputs(" \\\n            '--help[show help]' '*:file:_files'\n        ;;\n", out);
}

static void print_zsh(FILE *out, const struct fl_command *const *commands)
{
    fputs("#compdef flopledger\n"
          "# zsh completion for flopledger, made by `flopledger help --completions zsh`\n"
          "_flopledger() {\n    local -a commands\n    commands=(\n",
          out);
    for (int i = 0; commands[i]; i++) {
        fprintf(out, "        '%s:", commands[i]->name);
        print_quoted(out, commands[i]->summary, ZSH_SPECIAL);
        fputs("'\n", out);
    }
    fputs("        'help:help, manual pages and completions'\n    )\n"
          "    if (( CURRENT == 2 )); then\n        _describe command commands\n        return\n"
          "    fi\n    local command=$words[2]\n    shift words\n    (( CURRENT-- ))\n"
          "    case $command in\n",
          out);
    each(commands, zsh_options, out);
    fputs("    help)\n        _arguments '--man[a manual page]' "
          "'--completions[for a shell]:shell:(bash zsh fish)' '1:command:(",
          out);
    print_names(out, commands);
    fputs(")'\n        ;;\n    esac\n}\n_flopledger \"$@\"\n", out);
}

/* ---- fish ---- */

static void fish_options(void *context, const struct fl_command *command,
                         const struct fl_option *options)
{
    FILE *out = context;
    for (const struct fl_option *option = options; option->name; option++) {
        const struct fl_option *target = fl_cli_resolve(options, option);
        fprintf(out, "complete -c flopledger -n '__fish_seen_subcommand_from %s' -l %s",
                command->name, option->name);
        if (option->letter)
            fprintf(out, " -s %c", option->letter);
        switch (operand_of(target)) {
        case OPERAND_NONE:
            break;
        case OPERAND_CHOICE:
            fputs(" -x -a '", out);
            print_choices(out, target);
            fputc('\'', out);
            break;
        case OPERAND_FILE:
            fputs(" -r -F", out);
            break;
        case OPERAND_TYPED:
            fputs(" -x", out);
            break;
        }
        fputs(" -d '", out);
        for (const char *c = target->help; *c; c++)
            fprintf(out, *c == '\'' || *c == '\\' ? "\\%c" : "%c", *c);
        fputs("'\n", out);
    }
}

static void print_fish(FILE *out, const struct fl_command *const *commands)
{
    fputs("# fish completion for flopledger, made by `flopledger help --completions fish`\n", out);
    for (int i = 0; commands[i]; i++) {
        fprintf(out, "complete -c flopledger -f -n __fish_use_subcommand -a %s -d '",
                commands[i]->name);
        for (const char *c = commands[i]->summary; *c; c++)
            fprintf(out, *c == '\'' || *c == '\\' ? "\\%c" : "%c", *c);
        fputs("'\n", out);
    }
    fputs("complete -c flopledger -f -n __fish_use_subcommand -a help\n"
          "complete -c flopledger -n '__fish_seen_subcommand_from help' -l man\n"
          "complete -c flopledger -n '__fish_seen_subcommand_from help' -l completions -x "
          "-a 'bash zsh fish'\n",
          out);
    each(commands, fish_options, out);
}

void fl_manual_completions(FILE *out, const struct fl_command *const *commands,
                           enum fl_manual_shell shell)
{
    static void (*const PRINT[])(FILE *, const struct fl_command *const *) = {
        [FL_MANUAL_BASH] = print_bash,
        [FL_MANUAL_ZSH] = print_zsh,
        [FL_MANUAL_FISH] = print_fish,
    };
    PRINT[shell](out, commands);
}
