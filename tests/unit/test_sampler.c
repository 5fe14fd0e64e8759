#include "engine/sampler.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

Test(sampler, greedy_takes_the_first_of_equals)
{
    const float logits[] = {-1, 3, 2, 3};
    struct fl_sampler sampler = {0};
    cr_expect_eq(fl_sampler_pick(&sampler, logits, 4), 1);
    cr_expect_eq(sampler.state, 0, "greedy draws no random number");
}

Test(sampler, a_seed_repeats)
{
    float logits[50];
    for (int i = 0; i < 50; i++)
        logits[i] = sinf((float)i);
    struct fl_sampler a = {1.0, 42}, b = {1.0, 42}, c = {1.0, 43};
    int n_different = 0;
    for (int i = 0; i < 100; i++) {
        int id = fl_sampler_pick(&a, logits, 50);
        cr_expect_eq(id, fl_sampler_pick(&b, logits, 50));
        n_different += id != fl_sampler_pick(&c, logits, 50);
    }
    cr_expect_gt(n_different, 10);
}

/* Chi-square against exp(l/T)/sum: with 7 degrees of freedom 24.3 is exceeded once in 1000. */
Test(sampler, draws_follow_the_distribution)
{
    const float logits[8] = {0.0f, 1.0f, -2.0f, 0.5f, 2.0f, -0.5f, 1.5f, 0.25f};
    for (int k = 0; k < 3; k++) {
        struct fl_sampler sampler = {0.5 + 0.75 * k, 7};
        const int n = 100000;
        int counts[8] = {0};
        double sum = 0, chi_square = 0;
        for (int i = 0; i < n; i++)
            counts[fl_sampler_pick(&sampler, logits, 8)]++;
        for (int i = 0; i < 8; i++)
            sum += exp((double)logits[i] / sampler.temperature);
        for (int i = 0; i < 8; i++) {
            double expected = n * exp((double)logits[i] / sampler.temperature) / sum;
            chi_square += (counts[i] - expected) * (counts[i] - expected) / expected;
        }
        cr_expect_lt(chi_square, 24.3, "T = %.2f: %.1f", sampler.temperature, chi_square);
    }
}

Test(sampler, impossible_ids_are_never_drawn)
{
    const float logits[4] = {-INFINITY, 0, -INFINITY, 0};
    struct fl_sampler sampler = {1.0, 1};
    for (int i = 0; i < 1000; i++) {
        int id = fl_sampler_pick(&sampler, logits, 4);
        cr_expect(id == 1 || id == 3);
    }
}
