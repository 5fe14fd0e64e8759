/* engine_harness.h - opens models and sessions and runs them for tests; what fails ends the test.
 */
#ifndef ENGINE_HARNESS_H
#define ENGINE_HARNESS_H

#include "engine/session.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The model, or a failed test. */
void harness_model(struct fl_model *model, const char *path);

/* A session, or a failed test. */
struct fl_session *harness_session(const struct fl_model *model,
                                   const struct fl_session_options *options);

/* Feeds ids [n] of one sequence in pieces of at most `chunk` tokens, from an empty cache; returns
 * the logits of every position [n, vocab_size]. Release with free(). */
float *harness_logits(struct fl_session *session, const struct fl_model *model, const int *ids,
                      int n, int chunk);

/* The same in a session of its own, with one thread. */
float *harness_model_logits(const struct fl_model *model, enum fl_attention attention,
                            const int *ids, int n, int chunk);

/* Continues prompt [n_prompt] by n_new ids of largest logit (the lowest id of equals), fewer when
 * eos_id appears; it is included. With the cache, or recomputing everything at each step. ids
 * [n_new] is filled; step_logits [n_new, vocab_size] unless NULL. Returns how many. */
int harness_greedy(struct fl_session *session, const struct fl_model *model, const int *prompt,
                   int n_prompt, int n_new, int eos_id, bool cached, int *ids, float *step_logits);

/* Index of the largest of n logits, the lowest of equals. */
int harness_largest(const float *logits, int n);

/* Natural logarithm of the probability that n logits give an id. */
double harness_log_probability(const float *logits, int n, int id);

/* Largest |a[i] - b[i]|; infinite when a value is not finite. */
double harness_distance(const float *a, const float *b, size_t n);
double harness_distance_f64(const float *a, const double *b, size_t n);

/* A stream of numbers that is the same everywhere. */
struct harness_random {
    uint64_t state;
};

/* Uniform in [low, high]. */
int harness_pick(struct harness_random *random, int low, int high);

/* A small config that the engine runs, drawn over everything it supports: norms and where they
 * stand, positions, activations, gates, biases, grouped queries, odd head sizes, heads that do not
 * add up to d_model, tied logits. The architectures take turns with the seed. */
struct fl_config harness_config(uint64_t seed);

#endif
