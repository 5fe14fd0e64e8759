/* tiny.h - the tiny random models of the reference data (tiny/), and what the tests on them share.
 * What fails ends the test, but for the expectations. */
#ifndef TINY_H
#define TINY_H

#include "fixture.h"
#include "tests/unit/engine_harness.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

enum { TINY_CTX = 64 }; /* no prompt with its continuation is longer */

/* A parameter of tests: the fixture's name. */
struct tiny {
    char name[64];
};

struct criterion_test_params tiny_all(void);
struct criterion_test_params tiny_decoders(void);
struct criterion_test_params tiny_encoder_decoders(void);

/* A session of TINY_CTX tokens a sequence and one thread. */
struct fl_session *tiny_session(const struct fl_model *model, enum fl_attention attention,
                                enum fl_logits logits, int n_seqs);

/* Feeds the one sequence of a session; returns the last position's logits [vocab_size]. */
const float *tiny_forward(struct fl_session *session, const int *ids, int n);
/* Feeds the one sequence of its encoder. */
void tiny_encode(struct fl_session *session, const int *ids, int n);

/* One of the fixture's own tolerances. */
double tiny_tolerance(const struct fixture *fixture, const char *name);

/* The end of sequence of an entry; -1 where it has none. */
int tiny_eos_id(const cJSON *entry);

/* Expects got to be as near to all of the array as the tolerance, or the ids to be these. */
void tiny_expect_close(const char *model, const char *what, const float *got,
                       const struct fixture_array *expected, double tolerance);
void tiny_expect_ids(const char *model, const char *what, const int *got, int n,
                     const struct fixture_ids *expected);

#endif
