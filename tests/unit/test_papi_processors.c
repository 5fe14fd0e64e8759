/* What is chosen, weighed and counted on which processor: each is pretended, with every one of its
 * events counting page faults, so that a count is the number of pages touched times the sum of the
 * weights. The processor's registers are few, as in life. */
#include "counters/counter_papi.h"
#include "papi_software.h"

#include <criterion/criterion.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGES = 400, MAX_COUNTS = 16 };

static void touch_pages(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), size = PAGES * page;
    char *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(pages, MAP_FAILED);
    madvise(pages, size, MADV_NOHUGEPAGE);
    for (size_t i = 0; i < PAGES; i++)
        ((volatile char *)pages)[i * page] = 1;
    munmap(pages, size);
}

struct expected {
    const char *pmu;
    int n_registers, n_passes;
    const char *note; /* some of it; NULL: no note */
    struct {
        enum fl_count count;
        double weight;    /* summed over its events */
    } counts[MAX_COUNTS]; /* all that are available; up to the first of weight 0 */
};

static void expect_counts(const struct expected *expected, const struct fl_counter *counter,
                          const struct fl_reading *reading)
{
#ifdef __SANITIZE_ADDRESS__
    const double most = PAGES + PAGES / 4 + 64; /* with the sanitizer's own pages */
#else
    const double most = PAGES + 8;
#endif
    uint64_t available = 0;
    for (int i = 0; i < MAX_COUNTS && expected->counts[i].weight > 0; i++) {
        enum fl_count count = expected->counts[i].count;
        double value = (double)reading->values[count], weight = expected->counts[i].weight;
        cr_expect(value >= weight * PAGES && value <= weight * most, "%s: %s %g, expected %g x %d",
                  expected->pmu, fl_count_key(count), value, weight, PAGES);
        available |= UINT64_C(1) << count;
    }
    for (int count = 0; count < FL_N_COUNTS; count++) {
        cr_expect_eq(counter->available >> count & 1, available >> count & 1, "%s: %s",
                     expected->pmu, fl_count_key((enum fl_count)count));
        if (!(available >> count & 1))
            cr_expect_eq(reading->values[count], 0, "%s: %s", expected->pmu,
                         fl_count_key((enum fl_count)count));
    }
}

static void expect_processor(const struct expected *expected)
{
    struct fl_counter counter;
    struct fl_error error = {""};
    struct fl_reading reading = {{0}};
#ifndef FL_HAS_PAPI
    cr_skip_test("built without PAPI");
#endif
#ifndef __x86_64__
    cr_skip_test("libpfm4 knows x86 processors on x86 only");
#endif
    papi_pretend_processor(expected->pmu, expected->n_registers);
    cr_assert(fl_counter_papi_open(&counter, NULL, &error) == FL_OK, "%s: %s", expected->pmu,
              error.text);
    cr_expect_eq(counter.n_passes, expected->n_passes, "%s: %d passes", expected->pmu,
                 counter.n_passes);
    if (expected->note)
        cr_expect_not_null(strstr(counter.note, expected->note), "%s: %s", expected->pmu,
                           counter.note);
    else
        cr_expect_str_eq(counter.note, "");
    for (int pass = 0; pass < counter.n_passes; pass++) {
        if (counter.start_pass)
            counter.start_pass(&counter, pass);
        counter.enter(&counter, "touch");
        touch_pages();
        counter.leave(&counter, &reading);
    }
    expect_counts(expected, &counter, &reading);
    counter.close(&counter);
}

#define COMMON                                                                                     \
    {FL_COUNT_INSTRUCTIONS, 1},                                                                    \
    {                                                                                              \
        FL_COUNT_CYCLES, 1                                                                         \
    }

Test(papi_processors, skylake_sp)
{
    expect_processor(&(struct expected){"skx",
                                        4,
                                        3,
                                        "minima, maxima",
                                        {{FL_COUNT_FLOPS, 44},
                                         {FL_COUNT_FLOPS_SINGLE, 29},
                                         {FL_COUNT_FLOPS_DOUBLE, 15},
                                         {FL_COUNT_FLOPS_SCALAR, 2},
                                         {FL_COUNT_FLOPS_128, 6},
                                         {FL_COUNT_FLOPS_256, 12},
                                         {FL_COUNT_FLOPS_512, 24},
                                         {FL_COUNT_MEMORY_BYTES, 64},
                                         COMMON}});
}

Test(papi_processors, skylake_client_has_no_512_bits)
{
    expect_processor(&(struct expected){"skl",
                                        16,
                                        1,
                                        "lower bound",
                                        {{FL_COUNT_FLOPS, 20},
                                         {FL_COUNT_FLOPS_SINGLE, 13},
                                         {FL_COUNT_FLOPS_DOUBLE, 7},
                                         {FL_COUNT_FLOPS_SCALAR, 2},
                                         {FL_COUNT_FLOPS_128, 6},
                                         {FL_COUNT_FLOPS_256, 12},
                                         {FL_COUNT_MEMORY_BYTES, 64},
                                         COMMON}});
}

Test(papi_processors, haswell_counts_no_flops)
{
    expect_processor(&(struct expected){"hsw",
                                        4,
                                        1,
                                        "Haswell has no event for floating-point operations",
                                        {{FL_COUNT_MEMORY_BYTES, 64}, COMMON}});
}

Test(papi_processors, sandy_bridge_counts_too_many)
{
    expect_processor(&(struct expected){"snb_ep",
                                        8,
                                        2,
                                        "an upper bound",
                                        {{FL_COUNT_FLOPS, 20},
                                         {FL_COUNT_FLOPS_SINGLE, 13},
                                         {FL_COUNT_FLOPS_DOUBLE, 7},
                                         {FL_COUNT_FLOPS_SCALAR, 2},
                                         {FL_COUNT_FLOPS_128, 6},
                                         {FL_COUNT_FLOPS_256, 12},
                                         {FL_COUNT_MEMORY_BYTES, 64},
                                         COMMON}});
}

Test(papi_processors, zen)
{
    expect_processor(&(struct expected){"amd64_fam17h_zen1",
                                        3,
                                        3,
                                        NULL,
                                        {{FL_COUNT_FLOPS, 2},
                                         {FL_COUNT_FLOPS_SINGLE, 1},
                                         {FL_COUNT_FLOPS_DOUBLE, 1},
                                         {FL_COUNT_ADD, 1},
                                         {FL_COUNT_MUL, 1},
                                         {FL_COUNT_FMA, 0.5},
                                         COMMON}});
}

Test(papi_processors, zen_4_does_not_tell_precisions_apart)
{
    expect_processor(&(struct expected){"amd64_fam19h_zen4",
                                        1,
                                        7,
                                        "single and double precision are not told apart",
                                        {{FL_COUNT_FLOPS, 1},
                                         {FL_COUNT_ADD, 1},
                                         {FL_COUNT_MUL, 1},
                                         {FL_COUNT_FMA, 0.5},
                                         {FL_COUNT_MEMORY_BYTES, 64},
                                         COMMON}});
}
