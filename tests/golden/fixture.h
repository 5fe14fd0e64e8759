/* fixture.h - reads the reference data: expected.json, raw arrays and id lists.
 *
 * The data lie in $FLOPLEDGER_REFERENCE, or ../shared/reference. Whatever is there but cannot be
 * read fails the running test; when the whole folder is absent the test is skipped and says so. */
#ifndef FIXTURE_H
#define FIXTURE_H

#include <cjson/cJSON.h>
#include <stddef.h>

enum { FIXTURE_PATH = 1024 };

/* A folder with expected.json: "tiny/gpt2-tiny". */
struct fixture {
    char directory[FIXTURE_PATH];
    cJSON *expected;
};

/* A matrix of float32; higher ranks are flattened into rows of the last dimension. */
struct fixture_array {
    float *data;
    int n_rows, n_columns;
};

struct fixture_ids {
    int *ids;
    int n, n_prompt;
};

/* Full path of a file or folder of the reference data; skips the test when there are none. */
void fixture_path(char out[FIXTURE_PATH], const char *name);

void fixture_open(struct fixture *fixture, const char *name);
void fixture_close(struct fixture *fixture);

/* Member of an object; must be there. */
const cJSON *fixture_member(const cJSON *object, const char *name);
double fixture_number(const cJSON *object, const char *name);

/* A JSON array of integers, and a text file of one id a line under "# n_prompt N ...". Release
 * with free(). */
struct fixture_ids fixture_ids(const cJSON *array);
struct fixture_ids fixture_ids_file(const char *name);

/* {"file": ..., "shape": [...]} of an expected.json. Release with free(). */
struct fixture_array fixture_array(const struct fixture *fixture, const cJSON *description);

/* A raw file of float64, or of float32, all of it. Release with free(). */
double *fixture_doubles(const char *name, size_t *n);
float *fixture_floats(const char *name, size_t *n);

#endif
