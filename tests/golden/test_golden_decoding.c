/* What is done to logits, and what decoding makes of them, against the reference: the steps on
 * fixed vectors, and greedy continuations with a processor. */
#include "engine/sampler.h"
#include "tiny.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- processed logits ---- */

enum { N_LOGITS_MAX = 256 };

static double optional(const cJSON *object, const char *name)
{
    const cJSON *number = cJSON_GetObjectItemCaseSensitive(object, name);
    return number ? number->valuedouble : 0;
}

/* A step of the fixtures, whose parameters have a name of their own in each. */
static struct fl_logits_step step_of(const char *name, const cJSON *parameters)
{
    static const char *const VALUES[FL_N_STEP_KINDS] = {
        "penalty", "presence", NULL, "value", NULL, "p", "p",
    };
    static const char *const NUMBERS[FL_N_STEP_KINDS] = {
        [FL_STEP_NO_REPEAT_NGRAM] = "n",
        [FL_STEP_TOP_K] = "k",
    };
    struct fl_logits_step step = {.kind = fl_step_find(name)};
    cr_assert_neq(step.kind, FL_N_STEP_KINDS, "no step is called %s", name);
    if (VALUES[step.kind])
        step.value = fixture_number(parameters, VALUES[step.kind]);
    if (NUMBERS[step.kind])
        step.n = (int)fixture_number(parameters, NUMBERS[step.kind]);
    step.frequency = optional(parameters, "frequency");
    return step;
}

static int vector_logits(const struct fixture *fixture, const char *name, float *logits)
{
    const cJSON *vector = fixture_member(fixture_member(fixture->expected, "logits"), name);
    const cJSON *values = cJSON_GetObjectItemCaseSensitive(vector, "values");
    if (values) {
        for (int i = 0; i < cJSON_GetArraySize(values); i++)
            logits[i] = (float)cJSON_GetArrayItem(values, i)->valuedouble;
        return cJSON_GetArraySize(values);
    }
    struct fixture_array array = fixture_array(fixture, vector);
    cr_assert_leq(array.n_columns, N_LOGITS_MAX);
    memcpy(logits, array.data, (size_t)array.n_columns * sizeof *logits);
    free(array.data);
    return array.n_columns;
}

static void expected_probabilities(const struct fixture *fixture, const cJSON *entry, float *p)
{
    const cJSON *array = fixture_member(entry, "probabilities");
    if (cJSON_IsArray(array)) {
        for (int i = 0; i < cJSON_GetArraySize(array); i++)
            p[i] = (float)cJSON_GetArrayItem(array, i)->valuedouble;
        return;
    }
    struct fixture_array file = fixture_array(fixture, array);
    memcpy(p, file.data, (size_t)file.n_columns * sizeof *p);
    free(file.data);
}

/* Survivors by falling logit, the lower id first among equals. */
static int survivors(const float *logits, int n, int *ids)
{
    int n_ids = 0;
    for (int i = 0; i < n; i++) {
        if (!(logits[i] > -INFINITY))
            continue;
        int place = n_ids++;
        for (; place > 0 && logits[ids[place - 1]] < logits[i]; place--)
            ids[place] = ids[place - 1];
        ids[place] = i;
    }
    return n_ids;
}

static void check_case(const struct fixture *fixture, const cJSON *entry)
{
    const char *name = fixture_member(entry, "name")->valuestring;
    const char *vector = fixture_member(entry, "logits")->valuestring;
    const cJSON *tolerance = fixture_member(fixture->expected, "tolerance"), *item;
    struct fixture_ids history =
        fixture_ids(fixture_member(fixture_member(fixture->expected, "history"), vector));
    struct fixture_ids expected_ids = fixture_ids(fixture_member(entry, "surviving_ids"));
    float logits[N_LOGITS_MAX], expected[N_LOGITS_MAX] = {0}, got[N_LOGITS_MAX];
    double p[N_LOGITS_MAX];
    const int n = vector_logits(fixture, vector, logits);

    /* the steps of the case in place of those that settings would give */
    struct fl_sampling settings = fl_sampling_default;
    settings.temperature = 1;
    struct fl_sampler sampler;
    struct fl_error error;
    cr_assert(fl_sampler_open(&sampler, &settings, n, &error) == FL_OK, "%s", error.text);
    cJSON_ArrayForEach(item, fixture_member(entry, "steps"))
    {
        cr_assert_lt(sampler.n_steps, FL_N_STEP_KINDS);
        sampler.steps[sampler.n_steps++] = step_of(fixture_member(item, "op")->valuestring, item);
    }
    fl_sampler_distribution(&sampler, p, logits, history.ids, history.n);
    for (int i = 0; i < n; i++)
        got[i] = (float)p[i];

    int ids[N_LOGITS_MAX];
    const int n_ids = survivors(sampler.row, n, ids);
    cr_expect(n_ids == expected_ids.n &&
                  memcmp(ids, expected_ids.ids, (size_t)n_ids * sizeof *ids) == 0,
              "%s: other survivors, or another order (%d)", name, n_ids);
    expected_probabilities(fixture, entry, expected);
    double allowed = fixture_number(tolerance, "probabilities_abs");
    double distance = harness_distance(got, expected, (size_t)n);
    cr_expect(distance <= allowed, "%s: probabilities off by %g", name, distance);

    const cJSON *processed = cJSON_GetObjectItemCaseSensitive(entry, "processed_logits");
    if (processed) {
        struct fixture_array rows = fixture_array(fixture, processed);
        allowed = fixture_number(tolerance, "logits_abs");
        for (int i = 0; i < n; i++)
            cr_expect(sampler.row[i] == rows.data[i] ||
                          fabs((double)sampler.row[i] - (double)rows.data[i]) <= allowed,
                      "%s: logit %d", name, i);
        free(rows.data);
    }
    fl_sampler_close(&sampler);
    free(expected_ids.ids);
    free(history.ids);
}

Test(golden_decoding, processed_logits)
{
    struct fixture fixture;
    const cJSON *entry;
    int n = 0;
    fixture_open(&fixture, "tiny/processed_logits");
    cJSON_ArrayForEach(entry, fixture_member(fixture.expected, "cases"))
    {
        check_case(&fixture, entry);
        n++;
    }
    cr_expect_geq(n, 45);
    fixture_close(&fixture);
}

/* ---- greedy with a processor ---- */

static void check_processed(const char *model_name, const struct fl_model *model,
                            const cJSON *entry)
{
    const char *processor = fixture_member(entry, "processor")->valuestring;
    struct fixture_ids prompt = fixture_ids(fixture_member(entry, "input_ids"));
    struct fixture_ids expected = fixture_ids(fixture_member(entry, "output_ids"));
    int ids[TINY_CTX], n = prompt.n;
    cr_assert_leq(prompt.n + expected.n, TINY_CTX);
    memcpy(ids, prompt.ids, (size_t)n * sizeof *ids);

    struct fl_sampler sampler;
    struct fl_error error;
    cr_assert(fl_sampler_open(&sampler, &fl_sampling_default, model->config.vocab_size, &error) ==
                  FL_OK,
              "%s", error.text);
    sampler.steps[sampler.n_steps++] = step_of(processor, fixture_member(entry, "params"));
    struct fl_session *session = tiny_session(model, FL_ATTENTION_CAUSAL, FL_LOGITS_LAST, 1);
    while (n < prompt.n + expected.n) {
        const int n_past = fl_session_n_past(session);
        const float *logits = tiny_forward(session, ids + n_past, n - n_past);
        ids[n] = fl_sampler_pick(&sampler, logits, ids, n);
        n++;
    }
    cr_expect(memcmp(ids + prompt.n, expected.ids, (size_t)expected.n * sizeof *ids) == 0,
              "%s: %s: other ids", model_name, processor);
    fl_session_close(session);
    fl_sampler_close(&sampler);
    free(expected.ids);
    free(prompt.ids);
}

ParameterizedTestParameters(golden_decoding, greedy_processed)
{
    return tiny_decoders();
}

ParameterizedTest(struct tiny *row, golden_decoding, greedy_processed)
{
    struct fixture fixture;
    struct fl_model model;
    const cJSON *entry;
    int n = 0;
    fixture_open(&fixture, row->name);
    harness_model(&model, fixture.directory);
    cJSON_ArrayForEach(entry, fixture_member(fixture.expected, "greedy_processed"))
    {
        check_processed(row->name, &model, entry);
        n++;
    }
    cr_expect_gt(n, 0);
    fl_model_close(&model);
    fixture_close(&fixture);
}
