/* store_file.h - a results file of a test's own, and what tests of the store do with it. */
#ifndef FL_TESTS_STORE_FILE_H
#define FL_TESTS_STORE_FILE_H

#include "store/store.h"

/* In a directory of its own, from store_setup() on; store_teardown() removes it and fails when the
 * store has left anything else behind. */
extern char store_path[64], store_directory[48];
void store_setup(void);
void store_teardown(void);

/* A file with one run, one model and points of these contexts, each with samples 30, 10, 20 ns. */
void store_fill(const int *contexts, int n);
void store_load(struct fl_results *results);

/* Runs SQL on the file as any other program could. */
void store_tamper(const char *sql);

/* Neither opened nor loaded; the sentence begins with the file's name and says this. */
void store_expect_refused(const char *sentence);

/* Not opened for writing, and left as it is. */
void store_expect_not_written(const char *sentence);

/* What the whole schema of the file says, in one text. */
enum { STORE_SCHEMA_TEXT = 32768 };
void store_schema_text(char out[STORE_SCHEMA_TEXT]);

#endif
