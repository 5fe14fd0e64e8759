#include "text/merges.h"

#include <criterion/criterion.h>

Test(merges, are_found_by_pair_and_keep_their_order)
{
    struct fl_merges merges = {0};
    int merged = -7;
    cr_expect_eq(fl_merges_rank(&merges, 1, 2, &merged), -1, "none yet");
    for (int i = 0; i < 5000; i++)
        cr_assert(fl_merges_add(&merges, i, i + 1, 10000 + i));
    cr_assert(fl_merges_add(&merges, 3, 4, 1)); /* again: the first counts */
    cr_expect_eq(merges.n, 5000);
    for (int i = 0; i < 5000; i++) {
        cr_expect_eq(fl_merges_rank(&merges, i, i + 1, &merged), i);
        cr_expect_eq(merged, 10000 + i);
        cr_expect(merges.list[i].left == i && merges.list[i].right == i + 1);
    }
    cr_expect_eq(fl_merges_rank(&merges, 2, 1, &merged), -1);
    cr_expect_eq(fl_merges_rank(&merges, -1, 0, &merged), -1);
    fl_merges_close(&merges);
}
