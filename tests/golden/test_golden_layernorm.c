/* The axis that LayerNorm works on, on the reference's small example: each token over its features.
 * Were it each feature over the tokens, a later token would change earlier ones. */
#include "fixture.h"
#include "ops/layernorm.h"
#include "tests/unit/engine_harness.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N_TOKENS = 4, N_FEATURES = 6, N = N_TOKENS * N_FEATURES };

static const float *array_of(const struct fixture *fixture, const char *name, float out[N])
{
    const cJSON *arrays = fixture_member(fixture->expected, "arrays");
    struct fixture_array array = fixture_array(fixture, fixture_member(arrays, name));
    const size_t n = (size_t)array.n_rows * (size_t)array.n_columns;
    cr_assert(n == N || n == N_FEATURES, "%s", name);
    memcpy(out, array.data, n * sizeof *out);
    free(array.data);
    return out;
}

/* Of one token, over its features. */
static double moment(const float *row, double mean, int power)
{
    double sum = 0;
    for (int i = 0; i < N_FEATURES; i++)
        sum += pow((double)row[i] - mean, power);
    return sum / N_FEATURES;
}

static double numbers_at(const cJSON *rows, int token, int feature)
{
    return cJSON_GetArrayItem(cJSON_GetArrayItem(rows, token), feature)->valuedouble;
}

Test(golden_layernorm, each_token_over_its_features)
{
    static const char *const CASES[][2] = {
        {"x", "layernorm"}, {"x_last_token_changed", "layernorm_last_token_changed"}};
    struct fixture fixture;
    float x[N], gain[N], bias[N], expected[N], got[2][N];
    fixture_open(&fixture, "tiny/layernorm_axis");
    const float eps = (float)fixture_number(fixture.expected, "eps");
    const double allowed = fixture_number(fixture_member(fixture.expected, "tolerance"), "abs");
    array_of(&fixture, "weight", gain);
    array_of(&fixture, "bias", bias);
    for (int i = 0; i < 2; i++) {
        fl_layernorm(got[i], array_of(&fixture, CASES[i][0], x), gain, bias, N_TOKENS, N_FEATURES,
                     eps);
        const double distance =
            harness_distance(got[i], array_of(&fixture, CASES[i][1], expected), N);
        cr_expect(distance <= allowed, "%s: off by %g", CASES[i][1], distance);
    }
    const size_t earlier = N - N_FEATURES;
    cr_expect_eq(memcmp(got[0], got[1], earlier * sizeof **got), 0,
                 "a later token changed earlier ones");
    cr_expect_neq(memcmp(got[0] + earlier, got[1] + earlier, N_FEATURES * sizeof **got), 0);

    /* and it is not the other axis, which differs by much more than the tolerance */
    const cJSON *wrong = fixture_member(fixture.expected, "normalised_over_tokens_wrong");
    double distance = 0;
    for (int i = 0; i < N; i++)
        distance = fmax(
            distance, fabs((double)got[0][i] - numbers_at(wrong, i / N_FEATURES, i % N_FEATURES)));
    cr_expect_gt(distance, 0.1);
    fixture_close(&fixture);
}

Test(golden_layernorm, mean_zero_and_variance_one_of_each_token)
{
    static const float ONES[N_FEATURES] = {1, 1, 1, 1, 1, 1}, ZEROS[N_FEATURES] = {0};
    struct fixture fixture;
    float x[N], out[N];
    fixture_open(&fixture, "tiny/layernorm_axis");
    const double allowed = fixture_number(fixture_member(fixture.expected, "tolerance"), "abs");
    const cJSON *plain = fixture_member(fixture.expected, "without_weight_and_bias");
    const cJSON *variances = fixture_member(plain, "variance_per_token");
    fl_layernorm(out, array_of(&fixture, "x", x), ONES, ZEROS, N_TOKENS, N_FEATURES,
                 (float)fixture_number(fixture.expected, "eps"));
    for (int token = 0; token < N_TOKENS; token++) {
        const float *row = out + token * N_FEATURES;
        const double mean = moment(row, 0, 1);
        cr_expect_float_eq(mean, fixture_number(plain, "mean_per_token"), allowed);
        cr_expect_float_eq(moment(row, mean, 2), cJSON_GetArrayItem(variances, token)->valuedouble,
                           allowed);
    }
    fixture_close(&fixture);
}
