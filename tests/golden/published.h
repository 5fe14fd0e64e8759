/* published.h - figures that others published (published.json of the reference data), for the tests
 * that reproduce them. */
#ifndef FL_TESTS_PUBLISHED_H
#define FL_TESTS_PUBLISHED_H

#include <cJSON.h>

/* The file, between the start and the end of a test; for .init and .fini of a suite. Skips the test
 * when there are no reference data, see fixture.h. */
extern cJSON *published;
void published_open(void);
void published_close(void);

/* The case with this id; fails the test when there is none. */
const cJSON *published_case(const char *id);

double published_number(const cJSON *object, const char *name);
const char *published_string(const cJSON *object, const char *name, const char *fallback);

/* A config.json, removed at the end: of the case's model in Hugging Face's words, so that the
 * program reads what a user would give it; or this text. The path is valid until the next call. */
const char *published_config(const cJSON *model);
const char *published_config_text(const char *text);

/* Equal when rounded to the digits that were printed. */
void published_expect(double value_g, double printed, const char *id);

#endif
