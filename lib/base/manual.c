#include "base/manual.h"

#include <string.h>

static int run_nothing(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return FL_EXIT_MISUSE;
}

static const struct fl_command HELP = {
    .name = "help",
    .summary = "show a command's help, or make a manual page or a shell's completions",
    .usage = "[COMMAND] [--man | --completions SHELL]",
    .examples = "flopledger help audit\n"
                "flopledger help --man audit | man -l -\n"
                "flopledger help --completions bash > ~/.local/share/bash-completion/completions/"
                "flopledger",
    .run = run_nothing,
};

static const struct fl_command *find(const struct fl_command *const *commands, const char *name)
{
    for (; *commands; commands++)
        if (strcmp((*commands)->name, name) == 0)
            return *commands;
    return NULL;
}

static int show_help(const struct fl_command *command)
{
    char name[64], option[] = "--help";
    char *argv[] = {name, option, NULL};
    snprintf(name, sizeof name, "%s", command->name);
    return command->run(2, argv);
}

int fl_manual_run(const struct fl_command *const *commands, int argc, char **argv)
{
    bool man = false;
    int shell = -1, first;
    const struct fl_option options[] = {
        {NULL, "man", 0, FL_OPTION_FLAG, &man, NULL,
         "a manual page in man(7): of the command, or of the program", NULL, 0, 0, NULL},
        {NULL, "completions", 0, FL_OPTION_CHOICE, &shell, NULL, "for this shell", NULL, 0, 0,
         fl_manual_shells},
        {0}};
    const enum fl_cli_outcome outcome = fl_cli_parse(&HELP, options, argc, argv, &first);
    if (outcome != FL_CLI_RUN)
        return outcome == FL_CLI_HELP ? FL_EXIT_DONE : FL_EXIT_MISUSE;
    const struct fl_command *command = first < argc ? find(commands, argv[first]) : NULL;
    if (first < argc && !command)
        return fl_cli_misuse(&HELP, "no command '%s'", argv[first]);
    if (first + 1 < argc)
        return fl_cli_misuse(&HELP, "expected one command at most, got %d", argc - first);
    if (shell >= 0 && (man || command))
        return fl_cli_misuse(&HELP, "--completions: expected no --man and no command");
    if (shell >= 0)
        fl_manual_completions(stdout, commands, (enum fl_manual_shell)shell);
    else if (man)
        fl_manual_page(stdout, commands, command);
    else if (command)
        return show_help(command);
    else
        return fl_cli_misuse(&HELP, "expected a command, --man or --completions");
    return FL_EXIT_DONE;
}
