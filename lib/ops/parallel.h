/* parallel.h - sharing an operator's loop among the threads, when it is worth it.
 *
 * Work for one thread must not enter an OpenMP region at all: gcc's runtime reserves and frees
 * memory for every team of one, and the decode loop allocates nothing. */
#ifndef FL_OPS_PARALLEL_H
#define FL_OPS_PARALLEL_H

#include <stdbool.h>
#include <stddef.h>

/* Elements below which element-wise work stays on the calling thread. Waking the OpenMP threads
 * costs some microseconds, in which one core does about this many additions or a third as many
 * activations; a decode step of usual models stays below, prefill passes it. */
enum { FL_PARALLEL_MIN = 16384 };

/* Calls body(job, i) for i = 0 .. n-1, in any order; on several threads when `worth` is true and
 * there are any. rows: each thread gets one stretch, the same one in every operator, so that what
 * it wrote is still in its cache. tasks: whoever is free takes the next, for calls of unequal
 * cost. */
void fl_parallel_rows(size_t n, bool worth, void (*body)(const void *job, size_t i),
                      const void *job);
void fl_parallel_tasks(size_t n, bool worth, void (*body)(const void *job, size_t i),
                       const void *job);

#endif
