/* peaks_cache.h - ceilings kept between runs: one JSON file a machine and program version, in
 * $XDG_CACHE_HOME/flopledger, or else ~/.cache/flopledger (XDG Base Directory Specification).
 *
 * The file says what it is of; one that says something else, or is damaged, is not believed. */
#ifndef FL_BENCH_PEAKS_CACHE_H
#define FL_BENCH_PEAKS_CACHE_H

#include "bench/peaks.h"

enum { FL_PEAKS_PATH = 4096 };

/* Where the ceilings of this key are kept. Fails when the environment names no directory. */
int fl_peaks_cache_path(char path[FL_PEAKS_PATH], const char *key, struct fl_error *error);

/* Reads *peaks; of the rows nothing is taken that the store would refuse. *found is false, and
 * peaks empty, when there is no file. A file that cannot be believed fails in one sentence. */
int fl_peaks_cache_read(struct fl_peaks *peaks, bool *found, const char *path, const char *key,
                        struct fl_error *error);

/* Creates the directory and replaces the file as a whole. */
int fl_peaks_cache_write(const struct fl_peaks *peaks, const char *path, struct fl_error *error);

/* What this machine's cache holds, for commands that would like to have it: the run from
 * fl_hostinfo_fill(). Empty peaks, and the reason in *why, when it holds nothing usable. */
bool fl_peaks_of_host(struct fl_peaks *peaks, const struct fl_run *run, struct fl_error *why);

#endif
