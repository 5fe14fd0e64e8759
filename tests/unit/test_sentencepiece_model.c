#include "tests/unit/tokenizer_harness.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

/* Texts as they are, and the ids sentencepiece gave them. */
static void expect_ids(const char *model, const char *cases, int n_expected)
{
    if (harness_absent(model) || harness_absent(cases))
        return;
    char *content = harness_text(cases);
    struct fl_tokenizer *tokenizer = harness_tokenizer(model);
    cJSON *json = cJSON_Parse(content), *row;
    int n_cases = 0, n_same = 0;
    cr_expect_eq(fl_tokenizer_vocab_size(tokenizer), cJSON_GetObjectItem(json, "vocab")->valueint);
    cJSON_ArrayForEach(row, cJSON_GetObjectItem(json, "cases"))
    {
        const char *text = cJSON_GetObjectItem(row, "t")->valuestring;
        const bool same = harness_gives(tokenizer, text, cJSON_GetObjectItem(row, "ids"));
        if (!same)
            fprintf(stderr, "other ids: '%s'\n", text);
        n_same += same;
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
