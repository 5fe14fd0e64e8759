#include "base/file.h"
#include "text/tokenizer.h"

#include <cJSON.h>
#include <criterion/criterion.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REFERENCE "../shared/reference/"

static bool absent(const char *path)
{
    if (fl_file_exists(path))
        return false;
    fprintf(stderr, "SKIPPED: %s is not there\n", path);
    return true;
}

static bool is_case(const struct fl_tokenizer *tokenizer, const cJSON *row)
{
    const cJSON *wanted = cJSON_GetObjectItem(row, "ids");
    const char *text = cJSON_GetObjectItem(row, "t")->valuestring;
    struct fl_error error;
    int *ids;
    size_t n;
    cr_assert_eq(fl_tokenizer_encode(tokenizer, text, strlen(text), false, &ids, &n, &error), FL_OK,
                 "%s", error.text);
    bool same = n == (size_t)cJSON_GetArraySize(wanted);
    for (size_t i = 0; same && i < n; i++)
        same = ids[i] == cJSON_GetArrayItem(wanted, (int)i)->valueint;
    if (!same)
        fprintf(stderr, "other ids: '%s'\n", text);
    free(ids);
    return same;
}

/* Texts as they are, and the ids sentencepiece gave them. */
static void expect_ids(const char *model, const char *cases, int n_expected)
{
    char *content;
    struct fl_error error;
    struct fl_tokenizer *tokenizer;
    if (absent(model) || absent(cases))
        return;
    cr_assert_eq(fl_file_read(&content, NULL, cases, 1 << 20, &error), FL_OK, "%s", error.text);
    cr_assert_eq(fl_tokenizer_open(&tokenizer, model, model, INT_MAX, &error), FL_OK, "%s",
                 error.text);
    cJSON *json = cJSON_Parse(content), *row;
    int n_cases = 0, n_same = 0;
    cr_expect_eq(fl_tokenizer_vocab_size(tokenizer), cJSON_GetObjectItem(json, "vocab")->valueint);
    cJSON_ArrayForEach(row, cJSON_GetObjectItem(json, "cases"))
    {
        n_same += is_case(tokenizer, row);
        n_cases++;
    }
    cr_expect_eq(n_cases, n_expected);
    cr_expect_eq(n_same, n_cases);
    fl_tokenizer_close(tokenizer);
    cJSON_Delete(json);
    free(content);
}

Test(sentencepiece_model, ids_of_a_unigram_model)
{
    expect_ids(REFERENCE "tokenizers/sp_test_model.model",
               REFERENCE "tokenizers/sp_test_model.sentencepiece.json", 409);
}

Test(sentencepiece_model, ids_of_a_bpe_model)
{
    expect_ids(REFERENCE "models/babyllama105/tok105.model",
               REFERENCE "tokenizers/tok105.sentencepiece.json", 409);
}
