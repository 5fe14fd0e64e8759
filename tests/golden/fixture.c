#include "fixture.h"

#include "base/file.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIXTURE_BYTES_MAX = 64 << 20 };

static void join(char out[FIXTURE_PATH], const char *directory, const char *name)
{
    struct fl_error error;
    cr_assert(fl_path_join(out, FIXTURE_PATH, directory, name, &error) == FL_OK, "%s", error.text);
}

static char *read_whole(const char *path, size_t *size)
{
    struct fl_error error;
    char *text = NULL;
    cr_assert(fl_file_read(&text, size, path, FIXTURE_BYTES_MAX, &error) == FL_OK, "%s",
              error.text);
    return text;
}

void fixture_path(char out[FIXTURE_PATH], const char *name)
{
    const char *root = getenv("FLOPLEDGER_REFERENCE");
    if (!root || !*root)
        root = "../shared/reference";
    if (!fl_file_is_directory(root)) {
        fprintf(stderr, "skipped: no reference data in %s\n", root);
        cr_skip("no reference data in %s", root);
    }
    join(out, root, name);
}

void fixture_open(struct fixture *fixture, const char *name)
{
    char path[FIXTURE_PATH];
    size_t size;
    fixture_path(fixture->directory, name);
    join(path, fixture->directory, "expected.json");
    char *text = read_whole(path, &size);
    fixture->expected = cJSON_ParseWithLength(text, size);
    free(text);
    cr_assert_not_null(fixture->expected, "%s is no JSON", path);
}

void fixture_close(struct fixture *fixture)
{
    cJSON_Delete(fixture->expected);
}

const cJSON *fixture_member(const cJSON *object, const char *name)
{
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(object, name);
    cr_assert_not_null(member, "expected.json has no \"%s\" here", name);
    return member;
}

double fixture_number(const cJSON *object, const char *name)
{
    const cJSON *number = fixture_member(object, name);
    cr_assert(cJSON_IsNumber(number), "\"%s\" is no number", name);
    return number->valuedouble;
}

struct fixture_ids fixture_ids(const cJSON *array)
{
    struct fixture_ids out = {.n = cJSON_GetArraySize(array)};
    cr_assert(out.n > 0);
    out.ids = calloc((size_t)out.n, sizeof *out.ids);
    cr_assert_not_null(out.ids);
    for (int i = 0; i < out.n; i++)
        out.ids[i] = cJSON_GetArrayItem(array, i)->valueint;
    out.n_prompt = out.n;
    return out;
}

struct fixture_ids fixture_ids_file(const char *name)
{
    char path[FIXTURE_PATH];
    size_t size;
    fixture_path(path, name);
    char *text = read_whole(path, &size), *rest = NULL;
    struct fixture_ids out = {.ids = calloc(size + 1, sizeof *out.ids)};
    cr_assert_not_null(out.ids);
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        if (*line == '#')
            sscanf(line, "# n_prompt %d", &out.n_prompt);
        else
            out.ids[out.n++] = (int)strtol(line, NULL, 10);
    }
    free(text);
    cr_assert(out.n_prompt > 0 && out.n_prompt <= out.n, "%s: no prompt length", path);
    return out;
}

struct fixture_array fixture_array(const struct fixture *fixture, const cJSON *description)
{
    struct fixture_array out = {.n_rows = 1, .n_columns = 1};
    const cJSON *shape = fixture_member(description, "shape"), *extent;
    cJSON_ArrayForEach(extent, shape)
    {
        out.n_rows *= out.n_columns;
        out.n_columns = extent->valueint;
    }
    char path[FIXTURE_PATH];
    size_t size;
    join(path, fixture->directory, fixture_member(description, "file")->valuestring);
    out.data = (float *)(void *)read_whole(path, &size);
    cr_assert(size == (size_t)out.n_rows * (size_t)out.n_columns * sizeof(float),
              "%s: %zu bytes do not make [%d, %d]", path, size, out.n_rows, out.n_columns);
    return out;
}

double *fixture_doubles(const char *name, size_t *n)
{
    char path[FIXTURE_PATH];
    size_t size;
    fixture_path(path, name);
    char *data = read_whole(path, &size);
    *n = size / sizeof(double);
    return (double *)(void *)data;
}

float *fixture_floats(const char *name, size_t *n)
{
    char path[FIXTURE_PATH];
    size_t size;
    fixture_path(path, name);
    char *data = read_whole(path, &size);
    *n = size / sizeof(float);
    return (float *)(void *)data;
}
