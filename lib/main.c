/* main.c - the flopledger program: a table of commands. Each command lives with the room it
 * serves. */
#include "base/cli.h"
#include "base/manual.h"
#include "base/version.h"
#include "commands.h"

#include <stdio.h>
#include <string.h>

/* clang-format off */
static const struct fl_command *const COMMANDS[] = {
    &fl_command_count,
    &fl_command_why,
    &fl_command_predict,
    &fl_command_audit,
    &fl_command_generate,
    &fl_command_logits,
    &fl_command_convert,
    &fl_command_tokenize,
    &fl_command_detokenize,
    &fl_command_peaks,
    &fl_command_sweep,
    &fl_command_serve_trace,
    &fl_command_lab,
    &fl_command_export,
    &fl_command_report,
    &fl_command_compare,
    &fl_command_scaling,
    &fl_command_doctor,
    NULL,
};
/* clang-format on */

static void print_help(FILE *out)
{
    fprintf(out, "flopledger accounts for every FLOP of a transformer forward pass.\n\n"
                 "usage: flopledger COMMAND [options]\n\ncommands:\n");
    for (int i = 0; COMMANDS[i]; i++)
        fprintf(out, "  %-12s %s\n", COMMANDS[i]->name, COMMANDS[i]->summary);
    fprintf(out, "\n'flopledger COMMAND --help' shows a command's options and examples.\n");
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return FL_EXIT_MISUSE;
    }
    const char *name = argv[1];
    if (strcmp(name, "help") == 0 && argc > 2)
        return fl_cli_finish(NULL, fl_manual_run(COMMANDS, argc - 1, argv + 1));
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        print_help(stdout);
        return fl_cli_finish(NULL, FL_EXIT_DONE);
    }
    if (strcmp(name, "--version") == 0) {
        printf("flopledger %s (commit %s)\n", FL_VERSION, fl_version_commit);
        return fl_cli_finish(NULL, FL_EXIT_DONE);
    }
    for (int i = 0; COMMANDS[i]; i++)
        if (strcmp(name, COMMANDS[i]->name) == 0)
            return fl_cli_finish(COMMANDS[i], COMMANDS[i]->run(argc - 1, argv + 1));
    fprintf(stderr, "flopledger: no command '%s'; try 'flopledger --help'\n", name);
    return FL_EXIT_MISUSE;
}
