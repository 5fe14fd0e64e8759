/* Caches as sysfs tells them, or not. */
#include "bench/cache_levels.h"

#include "base/file.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char root[64];
static const char INDEX[] = "/sys/devices/system/cpu/cpu0/cache/index";

static void setup(void)
{
    strcpy(root, "/tmp/fl-caches-XXXXXX");
    cr_assert_not_null(mkdtemp(root));
}

static void teardown(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", root);
    cr_expect_eq(system(command), 0);
}

TestSuite(cache_levels, .init = setup, .fini = teardown);

static void write_file(int index, const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s%s%d/%s", root, INDEX, index, name);
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    fprintf(file, "%s\n", text);
    fclose(file);
}

static void add_index(int index, const char *level, const char *type, const char *size,
                      const char *sharing)
{
    char path[256];
    struct fl_error error;
    snprintf(path, sizeof path, "%s%s%d", root, INDEX, index);
    cr_assert_eq(fl_directory_make(path, &error), FL_OK, "%s", error.text);
    write_file(index, "level", level);
    write_file(index, "type", type);
    write_file(index, "size", size);
    write_file(index, "shared_cpu_list", sharing);
}

/* Eight processors: L1 and L2 of their own, L3 shared by four. */
static struct fl_cache_levels sample(void)
{
    struct fl_cache_levels caches;
    add_index(0, "1", "Data", "48K", "0");
    add_index(1, "1", "Instruction", "32K", "0");
    add_index(2, "2", "Unified", "2M", "0");
    add_index(3, "3", "Unified", "32768K", "0-1,4-5");
    fl_cache_levels_read(&caches, root, 8);
    return caches;
}

Test(cache_levels, are_read)
{
    char text[FL_CACHE_TEXT];
    const struct fl_cache_levels caches = sample();
    cr_expect(!caches.assumed);
    cr_assert_eq(caches.n_levels, 3);
    cr_expect_str_eq(fl_cache_levels_text(&caches, text),
                     "L1 48 KiB/1, L2 2048 KiB/1, L3 32768 KiB/4");
}

Test(cache_levels, hold_more_with_more_threads)
{
    const struct fl_cache_levels caches = sample();
    cr_expect_eq(fl_cache_capacity(&caches, 0, 1), 48 << 10);
    cr_expect_eq(fl_cache_capacity(&caches, 0, 8), 8 * 48 << 10);
    cr_expect_eq(fl_cache_capacity(&caches, 2, 1), 32 << 20);
    cr_expect_eq(fl_cache_capacity(&caches, 2, 8), 64 << 20, "two instances there are");
}

Test(cache_levels, working_sets_lie_between_the_levels)
{
    const struct fl_cache_levels caches = sample();
    cr_expect_eq(fl_cache_working_set(&caches, 0, 1, 4), 24 << 10);
    /* sqrt(48 KiB x 2 MiB) */
    cr_expect_eq(fl_cache_working_set(&caches, 1, 1, 4), 321059);
    cr_expect_eq(fl_cache_working_set(&caches, 2, 1, 4), 8 << 20);
    cr_expect_eq(fl_cache_working_set(&caches, 2, 4, 4), 4 << 20, "sqrt(2 MiB x 8 MiB)");
    cr_expect_eq(fl_cache_working_set(&caches, 3, 1, 4), UINT64_C(4) * 64 << 20);
    cr_expect_eq(fl_cache_working_set(&caches, 3, 8, 4), UINT64_C(4) * 8 << 20);
}

Test(cache_levels, a_share_no_larger_than_the_level_before_is_left_out)
{
    add_index(0, "1", "Data", "32K", "0");
    add_index(1, "2", "Unified", "2M", "0");
    add_index(2, "3", "Unified", "16M", "0-7");
    struct fl_cache_levels caches;
    fl_cache_levels_read(&caches, root, 8);
    cr_expect_gt(fl_cache_working_set(&caches, 2, 4, 4), 0);
    cr_expect_eq(fl_cache_working_set(&caches, 2, 8, 4), 0, "2 MiB of L3 beside 2 MiB of L2");
}

Test(cache_levels, two_levels_are_enough)
{
    add_index(0, "1", "Data", "32K", "0");
    add_index(1, "2", "Unified", "1024K", "0-3");
    struct fl_cache_levels caches;
    fl_cache_levels_read(&caches, root, 4);
    cr_expect(!caches.assumed);
    cr_assert_eq(caches.n_levels, 2);
    cr_expect_eq(fl_cache_working_set(&caches, 2, 1, 4), 4 << 20);
}

static void expect_assumed(const char *why)
{
    struct fl_cache_levels caches;
    char text[FL_CACHE_TEXT];
    fl_cache_levels_read(&caches, root, 2);
    cr_expect(caches.assumed, "%s", why);
    cr_expect_str_eq(fl_cache_levels_text(&caches, text),
                     "assumed L1 32 KiB/1, L2 1024 KiB/1, L3 32768 KiB/2", "%s", why);
}

Test(cache_levels, what_is_hidden_is_assumed)
{
    expect_assumed("no directory");
}

Test(cache_levels, what_cannot_be_is_not_believed)
{
    static const char *const SIZES[] = {
        "",     "0K",  "-48K", "48X", "K",     "99999999999999999999",
        "48KK", "nan", "64M",  "512", "0x30K", "9999999G"};
    for (size_t i = 0; i < sizeof SIZES / sizeof *SIZES; i++) {
        add_index(0, "1", "Data", SIZES[i], "0");
        add_index(1, "2", "Unified", "2048K", "0");
        expect_assumed(SIZES[i]);
    }
    static const char *const LISTS[] = {"", "x", "3-1", "-1", "0-", "0-99999999", "0;1"};
    for (size_t i = 0; i < sizeof LISTS / sizeof *LISTS; i++) {
        add_index(0, "1", "Data", "48K", LISTS[i]);
        expect_assumed(LISTS[i]);
    }
    add_index(0, "1", "Data", "48K", "0");
    add_index(1, "3", "Unified", "4096K", "0");
    expect_assumed("the second level is missing");
}
