/* Lab 4 takes the ceilings that `flopledger peaks` has kept, of the level that holds the weights.
 */
#include "bench/hostinfo.h"
#include "bench/labs/lab_ceilings.h"
#include "bench/peaks_cache.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct fl_error error;

static void add_ceiling(struct fl_peaks *peaks, const char *unit, const char *kernel,
                        const char *level, uint64_t capacity, uint64_t work)
{
    struct fl_ceiling *row = fl_peaks_add(peaks);
    cr_assert_not_null(row);
    snprintf(row->unit, sizeof row->unit, "%s", unit);
    snprintf(row->kernel, sizeof row->kernel, "%s", kernel);
    snprintf(row->level, sizeof row->level, "%s", level);
    snprintf(row->dtype, sizeof row->dtype, "f32");
    snprintf(row->isa, sizeof row->isa, "portable");
    snprintf(row->measured_at, sizeof row->measured_at, "2026-01-01T00:00:00Z");
    row->n_threads = 3;
    row->working_set_bytes = 1;
    row->capacity_bytes = capacity;
    row->work = work;
    row->time_ns[0] = 1000;
    row->n_samples = 1;
}

Test(lab_ceilings, kept_ones_are_taken)
{
    char directory[] = "/tmp/fl-test-XXXXXX", key[FL_PEAKS_KEY], path[FL_PEAKS_PATH];
    struct fl_run host = {0};
    struct fl_cache_levels caches;
    struct fl_peaks peaks = {0};
    cr_assert_not_null(mkdtemp(directory));
    cr_assert_eq(setenv("XDG_CACHE_HOME", directory, 1), 0);
    fl_hostinfo_fill(&host);
    fl_cache_levels_read(&caches, "", host.n_cores);
    fl_peaks_name(key, &host, &caches);
    snprintf(peaks.key, sizeof peaks.key, "%s", key);
    snprintf(path, sizeof path, "%s", host.machine);
    add_ceiling(&peaks, "flops", "gemm", "", 0, 5000);
    add_ceiling(&peaks, "bytes", "read", "L2", 4000, 700);
    add_ceiling(&peaks, "bytes", "read", "DRAM", 0, 90);
    for (int i = 0; i < peaks.n; i++)
        snprintf(peaks.rows[i].machine, sizeof peaks.rows[i].machine, "%s", host.machine);
    cr_assert_eq(fl_peaks_cache_path(path, key, &error), FL_OK, "%s", error.text);
    cr_assert_eq(fl_peaks_cache_write(&peaks, path, &error), FL_OK, "%s", error.text);
    fl_peaks_free(&peaks);

    struct fl_lab_ceilings ceilings = {0};
    cr_assert_eq(fl_lab_ceilings_find(&ceilings, 3000, 3, &error), FL_OK, "%s", error.text);
    cr_expect(ceilings.kept);
    cr_expect_float_eq(ceilings.flops_per_s, 5000e6, 1);
    cr_expect_float_eq(ceilings.bytes_per_s, 700e6, 1, "the level that holds it");
    cr_assert_eq(fl_lab_ceilings_find(&ceilings, 5000, 3, &error), FL_OK, "%s", error.text);
    cr_expect_float_eq(ceilings.bytes_per_s, 90e6, 1, "no level does");

    /* none were kept for one thread: then it measures */
    cr_assert_eq(fl_lab_ceilings_find(&ceilings, 1 << 20, 1, &error), FL_OK, "%s", error.text);
    cr_expect_not(ceilings.kept);
    cr_expect(ceilings.flops_per_s > 0 && ceilings.bytes_per_s > 0);
    char command[64];
    snprintf(command, sizeof command, "rm -r '%s'", directory);
    cr_expect_eq(system(command), 0);
}
