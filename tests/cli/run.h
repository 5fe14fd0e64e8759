/* run.h - runs the real program the way a user does, and keeps what it printed.
 *
 *     struct run_result r = run_flopledger("count --model %s -s 16", "gpt2");
 *     cr_expect_eq(r.status, 0, "%s", r.err);
 *     run_release(&r);
 *
 * The program is $FLOPLEDGER, or else `flopledger` beside the test binary. Standard input is
 * empty. A command that takes longer than RUN_SECONDS is killed and fails its test. */
#ifndef FL_TESTS_RUN_H
#define FL_TESTS_RUN_H

#include <stddef.h>

enum { RUN_SECONDS = 120 };

struct run_result {
    int status; /* exit status; 128 + n after signal n */
    char *out, *err;
    size_t out_size, err_size; /* without the NUL that follows */
};

/* The arguments as a shell reads them: quotes, redirections and pipes work. */
struct run_result run_flopledger(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A whole shell line, in which $FLOPLEDGER is the program. */
struct run_result run_shell(const char *format, ...) __attribute__((format(printf, 1, 2)));

void run_release(struct run_result *result);

/* How often `what` stands in the text. */
int run_count(const char *text, const char *what);

/* Runs it and expects it to print nothing but a message that holds the sentence. */
void run_expect_refused(int status, const char *arguments, const char *sentence);

/* A whole file; free it. */
char *run_read(const char *path_format, ...) __attribute__((format(printf, 1, 2)));

/* A new empty directory for one test, and its removal with all that is in it. */
struct run_scratch {
    char path[64];
};
void run_scratch_make(struct run_scratch *scratch);
void run_scratch_remove(struct run_scratch *scratch);

#endif
