#include "tests/unit/tokenizer_harness.h"

#include "base/file.h"
#include "text/ids.h"

#include <criterion/criterion.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool harness_absent(const char *path)
{
    if (strcmp(path, "bytes") == 0 || fl_file_exists(path))
        return false;
    fprintf(stderr, "SKIPPED: %s is not there\n", path);
    return true;
}

char *harness_text(const char *path)
{
    char *content;
    struct fl_error error;
    cr_assert_eq(fl_file_read(&content, NULL, path, 1 << 26, &error), FL_OK, "%s", error.text);
    return content;
}

struct fl_tokenizer *harness_tokenizer(const char *path)
{
    struct fl_tokenizer *tokenizer;
    struct fl_error error;
    cr_assert_eq(fl_tokenizer_open(&tokenizer, path, path, INT_MAX, &error), FL_OK, "%s",
                 error.text);
    return tokenizer;
}

void harness_expect_cases(const struct fl_tokenizer *tokenizer, const char *cases)
{
    static const char SEPARATOR[] = "\n__ggml_vocab_test__\n";
    char path[256];
    struct fl_error error;
    snprintf(path, sizeof path, "%s.inp", cases);
    char *texts = harness_text(path);
    snprintf(path, sizeof path, "%s.out", cases);
    char *expected = harness_text(path), *line = expected;
    int n_cases = 0;
    for (char *text = texts; text; n_cases++) {
        char *end = strstr(text, SEPARATOR), *line_end = strchr(line, '\n');
        size_t length = end ? (size_t)(end - text) : strlen(text), n, n_wanted;
        int *ids, *wanted;
        if (!line_end)
            line_end = line + strlen(line);
        cr_assert_eq(fl_ids_parse(&wanted, &n_wanted, line, (size_t)(line_end - line), 1 << 20,
                                  "expected", &error),
                     FL_OK);
        cr_assert_eq(fl_tokenizer_encode(tokenizer, text, length, false, &ids, &n, &error), FL_OK,
                     "%s", error.text);
        cr_expect(n == n_wanted && (n == 0 || memcmp(ids, wanted, n * sizeof *ids) == 0),
                  "case %d: '%.*s'", n_cases, (int)length, text);
        free(ids);
        free(wanted);
        line = *line_end ? line_end + 1 : line_end;
        text = end ? end + strlen(SEPARATOR) : NULL;
    }
    cr_expect_gt(n_cases, 40);
    free(texts);
    free(expected);
}

bool harness_gives(const struct fl_tokenizer *tokenizer, const char *text, const cJSON *wanted)
{
    struct fl_error error;
    int *ids;
    size_t n;
    cr_assert_eq(fl_tokenizer_encode(tokenizer, text, strlen(text), false, &ids, &n, &error), FL_OK,
                 "%s", error.text);
    bool same = n == (size_t)cJSON_GetArraySize(wanted);
    for (size_t i = 0; same && i < n; i++)
        same = ids[i] == cJSON_GetArrayItem(wanted, (int)i)->valueint;
    free(ids);
    return same;
}
