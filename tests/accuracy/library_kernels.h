/* library_kernels.h - kernels whose counts nobody knows by heart: BLAS, libm and our own, which
 * flopgrind and the oracle must see alike.
 *
 * A case is a line of words, such as "sgemm 16 16 16 n t 1 0"; library_usage() lists them. */
#ifndef FL_TESTS_LIBRARY_KERNELS_H
#define FL_TESTS_LIBRARY_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { LIBRARY_ARGUMENTS = 8 };

struct library_case {
    const struct library_kernel *kernel;
    const char *words[LIBRARY_ARGUMENTS]; /* behind the kernel's name; NULL: not given */
    double numbers[LIBRARY_ARGUMENTS];    /* their values; 0 for what is no number */
    int sizes[LIBRARY_ARGUMENTS];
    float *x, *y, *z; /* `size` floats each; dx and dy hold the same in double */
    double *dx, *dy;
    size_t size;
};

/* words: the name and its arguments, up to the end or NULL; they must outlive the case. False,
 * with a message, when there is no such kernel or an argument is missing. */
bool library_open(struct library_case *lib, const char *const *words, int n_words);

/* Sets every operand to what it was, so that two runs do the same. */
void library_reset(struct library_case *lib);
void library_run(const struct library_case *lib);
void library_close(struct library_case *lib);

void library_usage(FILE *stream);

#endif
