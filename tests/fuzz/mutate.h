/* mutate.h - a repeatable mutation loop for code that reads what others wrote.
 *
 * A harness is one file, tests/fuzz/fuzz_X.c, with
 *
 *     static void read_it(const unsigned char *data, size_t size) { ... }
 *     int main(int argc, char **argv) { return fuzz_main(argc, argv, read_it, SEEDS); }
 *
 * Arguments: -n COUNT mutations (default 1000), -s SEED (default 1), then corpus files. Every
 * seed is read as it is, then COUNT mutants of the seeds are. The same arguments give the same
 * mutants. A sanitizer's report, a crash or a reader that takes longer than FUZZ_SECONDS leaves
 * the input beside the harness, in fuzz_X.crash, and ends the run with a failure. `make fuzz`
 * builds the harnesses with sanitizers and runs each on the files of tests/fuzz/corpus/X, if there
 * are. */
#ifndef FL_TESTS_MUTATE_H
#define FL_TESTS_MUTATE_H

#include <stddef.h>

enum { FUZZ_SECONDS = 10, FUZZ_MAX_BYTES = 1 << 20 };

/* data is allocated to the byte, so that reading past its end is seen. */
typedef void fuzz_reader(const unsigned char *data, size_t size);

/* An input built into the harness. The list ends with data NULL; it may itself be NULL. */
struct fuzz_seed {
    const void *data;
    size_t size;
};

int fuzz_main(int argc, char **argv, fuzz_reader *reader, const struct fuzz_seed *seeds);

/* Writes data to a file of this process whose name ends in suffix, for readers that want a path.
 * The name stays valid until the next call; the file is removed when the program ends. */
const char *fuzz_file(const unsigned char *data, size_t size, const char *suffix);

#endif
