#include "bench/conditions.h"

#include <criterion/criterion.h>
#include <unistd.h>

/* 20,000 cycles are 4 us at 5 GHz and 40 us at 0.5 GHz; a tool that interprets needs more. */
Test(conditions, the_loop_takes_what_its_cycles_take)
{
    uint64_t best = UINT64_MAX;
    for (int i = 0; i < 20; i++) {
        uint64_t time_ns = fl_conditions_loop();
        best = time_ns < best ? time_ns : best;
    }
    cr_expect(best > 3000 && best < 40000, "%llu ns", (unsigned long long)best);
}

Test(conditions, own_work_is_not_that_of_others)
{
    struct fl_conditions_probe probe;
    struct fl_conditions conditions;
    volatile double x = 1;
    if (access("/proc/stat", R_OK) != 0)
        cr_skip_test("no /proc/stat");
    fl_conditions_begin(&probe);
    cr_expect_gt(probe.loop_ns, 0);
    for (int i = 0; i < 20000000; i++)
        x = x * 1.0000001;
    fl_conditions_end(&conditions, &probe);
    cr_expect(conditions.known);
    cr_expect_gt(conditions.window_ns, 5000000);
    cr_expect_eq(conditions.loop_ns, probe.loop_ns);
    /* no more than every core of the machine through, by a clock of 10 ms */
    const double cores = (double)sysconf(_SC_NPROCESSORS_ONLN);
    cr_expect_leq((double)conditions.other_ns, cores * ((double)conditions.window_ns + 2e7));
}
