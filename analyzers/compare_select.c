/* Selectors of `compare`, and when two points are one: a table of keys that all of it walks. */
#include "analyzers/compare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *const fl_compare_key_names[] = {
#define X(constant, name) name,
    FL_COMPARE_KEYS(X)
#undef X
        NULL};

static char *number(char out[FL_COMPARE_VALUE], int value)
{
    snprintf(out, FL_COMPARE_VALUE, "%d", value);
    return out;
}

const char *fl_point_value(const struct fl_result *result, enum fl_compare_key key,
                           char scratch[FL_COMPARE_VALUE])
{
    const struct fl_point *point = &result->point;
    switch (key) {
    case FL_KEY_MACHINE:
        return result->run->machine;
    case FL_KEY_MODEL:
        return result->model->name;
    case FL_KEY_PHASE:
        return fl_phase_names[point->phase];
    case FL_KEY_CACHE:
        return point->cache ? "on" : "off";
    case FL_KEY_ATTENTION:
        return point->attention;
    case FL_KEY_LOGITS:
        return point->logits;
    case FL_KEY_DTYPE:
        return point->dtype;
    case FL_KEY_THREADS:
        return number(scratch, point->n_threads);
    case FL_KEY_BATCH:
        return number(scratch, point->batch);
    case FL_KEY_CONTEXT:
        return number(scratch, point->context);
    case FL_KEY_RUN:
    case FL_N_COMPARE_KEYS:
        break;
    }
    return NULL;
}

static int find_key(const char *name, size_t length)
{
    for (int key = 0; fl_compare_key_names[key]; key++)
        if (strlen(fl_compare_key_names[key]) == length &&
            strncmp(fl_compare_key_names[key], name, length) == 0)
            return key;
    return -1;
}

static int take_pair(struct fl_selector *selector, const char *text, size_t length,
                     struct fl_error *error)
{
    const char *equals = memchr(text, '=', length);
    const int key = equals ? find_key(text, (size_t)(equals - text)) : -1;
    if (key < 0)
        return fl_fail(error,
                       "selector \"%.*s\": expected KEY=VALUE with a KEY of run, machine, model, "
                       "phase, cache, attention, logits, dtype, threads, batch, s",
                       (int)length, text);
    const size_t n = length - (size_t)(equals + 1 - text);
    if (n == 0 || n >= sizeof selector->values[key])
        return fl_fail(error, "selector %s: expected a value of 1 to %zu bytes",
                       fl_compare_key_names[key], sizeof selector->values[key] - 1);
    memcpy(selector->values[key], equals + 1, n);
    selector->values[key][n] = '\0';
    selector->named |= 1U << key;
    if (key == FL_KEY_RUN) {
        char *end;
        selector->run = strtoll(selector->values[key], &end, 10);
        if (*end || selector->run < 1)
            return fl_fail(error, "selector run=%s: expected the id of a run, from 1",
                           selector->values[key]);
    }
    return FL_OK;
}

int fl_selector_parse(struct fl_selector *selector, const char *text, struct fl_error *error)
{
    *selector = (struct fl_selector){0};
    const char *pairs = access(text, F_OK) == 0 ? NULL : strrchr(text, ':');
    const size_t length = pairs ? (size_t)(pairs - text) : strlen(text);
    if (length == 0 || length >= sizeof selector->path)
        return fl_fail(error, "\"%.80s\": expected FILE or FILE:KEY=VALUE,...", text);
    memcpy(selector->path, text, length);
    selector->path[length] = '\0';
    while (pairs) {
        const char *pair = pairs + 1;
        pairs = strchr(pair, ',');
        /* a format's name has a comma of its own: "f32, KV f16" */
        while (pairs && pairs[1] == ' ')
            pairs = strchr(pairs + 1, ',');
        if (take_pair(selector, pair, pairs ? (size_t)(pairs - pair) : strlen(pair), error) !=
            FL_OK)
            return FL_FAILED;
    }
    return FL_OK;
}

static bool has_sample_of(const struct fl_result *result, int64_t run)
{
    for (int i = 0; i < result->n_samples; i++)
        if (run == 0 || result->samples[i].run_id == run)
            return true;
    return false;
}

bool fl_selector_takes(const struct fl_selector *selector, const struct fl_result *result)
{
    char scratch[FL_COMPARE_VALUE];
    for (int key = 0; key < FL_N_COMPARE_KEYS; key++) {
        const char *value = fl_point_value(result, (enum fl_compare_key)key, scratch);
        if (!(selector->named >> key & 1) || !value)
            continue;
        if (key == FL_KEY_MACHINE ? !strstr(value, selector->values[key])
                                  : strcmp(value, selector->values[key]) != 0)
            return false;
    }
    return has_sample_of(result, selector->run);
}

bool fl_points_match(const struct fl_result *a, const struct fl_result *b, unsigned ignored)
{
    char of_a[FL_COMPARE_VALUE], of_b[FL_COMPARE_VALUE];
    for (int key = FL_KEY_MODEL; key < FL_N_COMPARE_KEYS; key++)
        if (!(ignored >> key & 1) && strcmp(fl_point_value(a, (enum fl_compare_key)key, of_a),
                                            fl_point_value(b, (enum fl_compare_key)key, of_b)) != 0)
            return false;
    return true;
}

const char *fl_point_phase(const struct fl_point *point)
{
    return point->phase == FL_PHASE_PREFILL ? "prefill"
           : point->cache                   ? "decode, cached"
                                            : "decode, uncached";
}

char *fl_point_label(const struct fl_result *result, char out[FL_POINT_LABEL])
{
    const struct fl_point *point = &result->point;
    snprintf(out, FL_POINT_LABEL, "%s %s, %s, %s, %d thread%s, b=%d, s=%d", result->model->name,
             fl_point_phase(point), point->attention, point->dtype, point->n_threads,
             point->n_threads == 1 ? "" : "s", point->batch, point->context);
    return out;
}
