/* parallel.h - when an operator is worth more than one thread. */
#ifndef FL_OPS_PARALLEL_H
#define FL_OPS_PARALLEL_H

/* Elements below which element-wise work stays on the calling thread. Waking the OpenMP threads
 * costs some microseconds, in which one core does about this many additions or a third as many
 * activations; a decode step of usual models stays below, prefill passes it. */
enum { FL_PARALLEL_MIN = 16384 };

#endif
