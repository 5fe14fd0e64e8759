/* The lab's wrong LayerNorm is the reference's wrong one, and the engine's is the right one. */
#include "bench/labs/lab_slips.h"
#include "ops/layernorm.h"
#include "tests/golden/fixture.h"

#include <criterion/criterion.h>
#include <math.h>

enum { N_TOKENS = 4, N_FEATURES = 6, N = N_TOKENS * N_FEATURES };

static void numbers(float *out, const cJSON *json, const char *name)
{
    int n = 0;
    const cJSON *item, *value, *array = fixture_member(json, name);
    cJSON_ArrayForEach(item, array)
    {
        if (cJSON_IsNumber(item))
            out[n++] = (float)item->valuedouble;
        cJSON_ArrayForEach(value, item) out[n++] = (float)value->valuedouble;
    }
    cr_assert(n == N || n == N_FEATURES, "%s: %d", name, n);
}

/* f32 results of sums of 6 numbers near 1, divided by a deviation near 1: a few units in the last
 * place of numbers below 4. */
static const double TOLERANCE = 2e-6;

static void expect_equal(const float *got, const float *expected, const char *what)
{
    for (int i = 0; i < N; i++)
        cr_expect(fabs((double)got[i] - expected[i]) <= TOLERANCE, "%s[%d]: %g, expected %g", what,
                  i, (double)got[i], (double)expected[i]);
}

Test(lab_slips, both_layernorms_are_the_references)
{
    static const struct {
        const char *input, *right, *wrong;
    } CASES[] = {
        {"x", "layernorm", "normalised_over_tokens_wrong"},
        {"x_last_token_changed", "layernorm_last_token_changed",
         "normalised_over_tokens_wrong_last_token_changed"},
    };
    struct fixture fixture;
    fixture_open(&fixture, "tiny/layernorm_axis");
    const cJSON *json = fixture.expected;
    float gain[N_FEATURES], bias[N_FEATURES];
    numbers(gain, json, "weight");
    numbers(bias, json, "bias");
    for (int i = 0; i < 2; i++) {
        float x[N], expected[N], got[N];
        numbers(x, json, CASES[i].input);
        numbers(expected, json, CASES[i].right);
        fl_layernorm(got, x, gain, bias, N_TOKENS, N_FEATURES, 1e-5f);
        expect_equal(got, expected, CASES[i].right);
        numbers(expected, json, CASES[i].wrong);
        fl_lab_normalise_over_tokens(got, x, gain, bias, N_TOKENS, N_FEATURES, 1e-5f);
        expect_equal(got, expected, CASES[i].wrong);
    }
    fixture_close(&fixture);
}
