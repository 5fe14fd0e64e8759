/* cache_levels.h - the data caches of this machine, from Linux's sysfs, and the working sets that
 * show the bandwidth of each.
 *
 * Virtual machines and containers may hide or misstate their caches: what is not told is assumed,
 * and said to be. */
#ifndef FL_BENCH_CACHE_LEVELS_H
#define FL_BENCH_CACHE_LEVELS_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FL_CACHE_LEVELS_MAX = 3 }; /* a fourth level is too rare and too large to stream from */

struct fl_cache_level {
    uint64_t bytes; /* of one instance */
    int n_sharing;  /* processors of this machine that share an instance */
};

struct fl_cache_levels {
    struct fl_cache_level levels[FL_CACHE_LEVELS_MAX]; /* L1 data first */
    int n_levels;
    bool assumed; /* sizes are a guess */
    int n_cores;  /* processors this process may use */
};

/* root: "" or, for tests, a directory that has sys/ in it. */
void fl_cache_levels_read(struct fl_cache_levels *caches, const char *root, int n_cores);

/* "L1 48 KiB/1, L2 2048 KiB/1, L3 491520 KiB/2": part of what a machine's ceilings are kept by. */
enum { FL_CACHE_TEXT = 160 };
char *fl_cache_levels_text(const struct fl_cache_levels *caches, char out[FL_CACHE_TEXT]);

/* What the caches of a level hold that n_threads threads, each on a core of its own, can use. */
uint64_t fl_cache_capacity(const struct fl_cache_levels *caches, int level, int n_threads);

/* Bytes a thread should stream over so that they come from this level (the last one being DRAM:
 * level == n_levels) and not from the one before it: the geometric mean of the thread's shares of
 * both; half of the first level; for DRAM `llc_times` times all of the last level together, as
 * STREAM asks for 4. 0: the level cannot be told from the one before, its share per thread being
 * less than half as large again. */
uint64_t fl_cache_working_set(const struct fl_cache_levels *caches, int level, int n_threads,
                              int llc_times);

#endif
