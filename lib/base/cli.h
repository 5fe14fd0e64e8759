/* cli.h - a command's options as a table: parsing, checking and --help come from it.
 *
 * Parsing is getopt_long's. Output goes to stdout, everything else to stderr; exit statuses are
 * 0 done, 1 failed, 2 misuse. */
#ifndef FL_BASE_CLI_H
#define FL_BASE_CLI_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

enum { FL_EXIT_DONE = 0, FL_EXIT_FAILED = 1, FL_EXIT_MISUSE = 2 };

enum fl_option_kind {
    FL_OPTION_FLAG,   /* bool: set to true */
    FL_OPTION_INT,    /* int64_t within [min, max] */
    FL_OPTION_REAL,   /* double within [min, max] */
    FL_OPTION_STRING, /* const char * */
    FL_OPTION_CHOICE, /* int: index into choices */
    FL_OPTION_TEXTS,  /* struct fl_cli_texts: may be given several times */
    FL_OPTION_ALIAS   /* another name for the option that `help` names; no value of its own */
};

enum { FL_CLI_TEXTS_MAX = 64 };

/* In the order given; they point into argv. */
struct fl_cli_texts {
    const char *items[FL_CLI_TEXTS_MAX];
    int n;
};

struct fl_option {
    const char *group; /* heading in --help; NULL: as the row above */
    const char *name;  /* long name without dashes */
    char letter;       /* 0: none */
    enum fl_option_kind kind;
    void *value;                /* where it goes; holds the default */
    const char *argument;       /* placeholder in --help, e.g. "N" */
    const char *help;           /* one line; the default is appended from `fallback`, and aliases */
    const char *fallback;       /* how --help shows the default; NULL: not shown */
    double min, max;            /* INT, REAL; both 0: any */
    const char *const *choices; /* CHOICE: NULL-terminated names */
};

struct fl_command {
    const char *name;
    const char *summary;               /* one line */
    const char *usage;                 /* what follows the name, e.g. "--model M -s S [options]" */
    const char *examples;              /* lines, shown as they are */
    int (*run)(int argc, char **argv); /* argv[0] is the command's name; returns an exit status */
};

enum fl_cli_outcome { FL_CLI_RUN, FL_CLI_HELP, FL_CLI_MISUSE };

/* Parses argv[1..] into the table's values. Positional arguments end up at argv[*first ..
 * argc-1]. --help and -h print to stdout and give FL_CLI_HELP; a mistake prints one sentence and
 * "try 'flopledger NAME --help'" to stderr and gives FL_CLI_MISUSE. options ends with a row whose
 * name is NULL. */
enum fl_cli_outcome fl_cli_parse(const struct fl_command *command, const struct fl_option *options,
                                 int argc, char **argv, int *first);

/* Calls take() with the table that the command's own run() hands to fl_cli_parse(); nothing is run.
 * The table lives until take() returns. So that manual pages and completions are made of the same
 * table as --help. */
void fl_cli_describe(const struct fl_command *command,
                     void (*take)(void *context, const struct fl_command *command,
                                  const struct fl_option *options),
                     void *context);

/* The option that an alias stands for; any other option itself. */
const struct fl_option *fl_cli_resolve(const struct fl_option *options,
                                       const struct fl_option *option);

/* "flopledger NAME: sentence" on stderr; returns FL_EXIT_FAILED or FL_EXIT_MISUSE. */
int fl_cli_failed(const struct fl_command *command, const struct fl_error *error);
int fl_cli_misuse(const struct fl_command *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Flushes stdout; a full disk or closed pipe is reported: returns the exit status to use.
 * command is NULL before one is chosen. */
int fl_cli_finish(const struct fl_command *command, int status);

/* "16,32,64" or "16-4096*2" (times 2) or "16-64+16" (steps of 16), mixed with commas, into a
 * malloc'd list; every value within [min, max], at most 10,000 of them. */
int fl_cli_axis(const char *text, const char *name, int64_t min, int64_t max, int64_t **values,
                int *n, struct fl_error *error);

/* Comma-separated names out of choices, into a malloc'd list of indices. */
int fl_cli_names(const char *text, const char *name, const char *const *choices, int **values,
                 int *n, struct fl_error *error);

/* Choices "off" and "on", so that the value is 0 or 1. */
extern const char *const fl_cli_off_on[];

/* True when colours may be used on this stream: a terminal, and NO_COLOR unset. */
bool fl_cli_colour(int fd);

#endif
