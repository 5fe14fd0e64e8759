/* threads.h - how many threads there may be. */
#ifndef FL_BASE_THREADS_H
#define FL_BASE_THREADS_H

/* Processors this process may run on; at least 1. */
int fl_usable_cores(void);

/* Threads where nobody said how many: $OMP_NUM_THREADS (of a list its first number), as batch
 * systems set it; without one, or with one that is no number from 1 to 1024, fl_usable_cores(). */
int fl_default_threads(void);

#endif
