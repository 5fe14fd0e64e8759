#include "base/threads.h"

#include <criterion/criterion.h>
#include <stdlib.h>

Test(threads, the_environment_says_how_many)
{
    static const struct {
        const char *text;
        int n; /* 0: as many as cores */
    } CASES[] = {{"1", 1},
                 {"7", 7},
                 {"3,2", 3},
                 {"1024", 1024},
                 {"", 0},
                 {"0", 0},
                 {"-2", 0},
                 {"x", 0},
                 {"2 cores", 0},
                 {"1025", 0},
                 {"99999999999999999999", 0}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        setenv("OMP_NUM_THREADS", CASES[i].text, 1);
        cr_expect_eq(fl_default_threads(), CASES[i].n ? CASES[i].n : fl_usable_cores(), "'%s'",
                     CASES[i].text);
    }
    unsetenv("OMP_NUM_THREADS");
    cr_expect_eq(fl_default_threads(), fl_usable_cores());
    cr_expect_geq(fl_usable_cores(), 1);
}
