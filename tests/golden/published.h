/* published.h - figures that others published (published.json of the reference data), for the tests
 * that reproduce them. */
#ifndef FL_TESTS_PUBLISHED_H
#define FL_TESTS_PUBLISHED_H

#include <cJSON.h>

/* Skips the test when there are no reference data, see fixture.h. */
cJSON *published_read(void);

/* The case with this id; fails the test when there is none. */
const cJSON *published_case(const cJSON *published, const char *id);

double published_number(const cJSON *object, const char *name);
const char *published_string(const cJSON *object, const char *name, const char *fallback);

/* The case's model in Hugging Face's words, so that the program reads what a user would give it. */
void published_write_config(const char *path, const cJSON *model);

/* Equal when rounded to the digits that were printed. */
void published_expect(double value_g, double printed, const char *id);

#endif
