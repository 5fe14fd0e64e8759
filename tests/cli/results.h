/* results.h - what a test does to a results file behind the program's back, and reads from it. */
#ifndef FL_TESTS_RESULTS_H
#define FL_TESTS_RESULTS_H

void results_change(const char *path, const char *sql);

/* The integer that a query gives. */
long results_query(const char *path, const char *sql);

#endif
