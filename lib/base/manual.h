/* manual.h - manual pages and shell completions, made of the tables that --help is made of: what
 * a command takes is written down once.
 *
 *     flopledger help COMMAND
 *     flopledger help --man [COMMAND]
 *     flopledger help --completions bash|zsh|fish */
#ifndef FL_BASE_MANUAL_H
#define FL_BASE_MANUAL_H

#include "base/cli.h"

#include <stdio.h>

/* What `help` does; commands [NULL-terminated]. Returns an exit status. */
int fl_manual_run(const struct fl_command *const *commands, int argc, char **argv);

/* In man(7). command NULL: the page of the program. */
void fl_manual_page(FILE *out, const struct fl_command *const *commands,
                    const struct fl_command *command);

enum fl_manual_shell { FL_MANUAL_BASH, FL_MANUAL_ZSH, FL_MANUAL_FISH };
extern const char *const fl_manual_shells[]; /* NULL-terminated */
void fl_manual_completions(FILE *out, const struct fl_command *const *commands,
                           enum fl_manual_shell shell);

#endif
