/* tokenizer.json files are made here from the reference vocabularies, in the spellings that the
 * common families use; their ids must be those of the other formats. */
#include "tests/unit/tokenizer_harness.h"
#include "text/trie.h"
#include "text/vocabulary_export.h"

#include <cJSON.h>
#include <criterion/criterion.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Opens text as a tokenizer.json. NULL: refused, and error says why. */
static struct fl_tokenizer *try_json(const char *text, struct fl_error *error)
{
    char path[] = "/tmp/fl-tokenizer-XXXXXX.json";
    struct fl_tokenizer *tokenizer;
    int fd = mkstemps(path, 5);
    cr_assert(fd >= 0);
    FILE *file = fdopen(fd, "wb");
    fputs(text, file);
    fclose(file);
    fl_tokenizer_open(&tokenizer, path, path, INT_MAX, error);
    unlink(path);
    return tokenizer;
}

static struct fl_tokenizer *open_json(const char *text)
{
    struct fl_error error = {""};
    struct fl_tokenizer *tokenizer = try_json(text, &error);
    cr_assert_not_null(tokenizer, "%s", error.text);
    return tokenizer;
}

static struct fl_tokenizer *open_tree(cJSON *root)
{
    char *text = cJSON_PrintUnformatted(root);
    struct fl_tokenizer *tokenizer = open_json(text);
    free(text);
    cJSON_Delete(root);
    return tokenizer;
}

static void expect_ids(const struct fl_tokenizer *tokenizer, const char *text, bool parse_special,
                       const char *wanted)
{
    char listed[256] = "";
    size_t n, used = 0;
    int *ids;
    struct fl_error error;
    cr_assert_eq(fl_tokenizer_encode_special(tokenizer, text, strlen(text), true, parse_special,
                                             &ids, &n, &error),
                 FL_OK, "'%s': %s", text, error.text);
    for (size_t i = 0; i < n; i++)
        used += (size_t)snprintf(listed + used, sizeof listed - used, "%s%d", i ? " " : "", ids[i]);
    cr_expect_str_eq(listed, wanted, "'%s' became %s, expected %s", text, listed, wanted);
    free(ids);
}

/* ---- GPT-2 ---- */

static cJSON *merges_of_gpt_2(bool as_pairs)
{
    char *text = harness_text(REFERENCE "tokenizers/vocab.bpe");
    cJSON *merges = cJSON_CreateArray();
    char *rest, *line = strtok_r(text, "\n", &rest);
    while ((line = strtok_r(NULL, "\n", &rest))) { /* the first line is the version */
        char *blank = strchr(line, ' ');
        if (!as_pairs) {
            cJSON_AddItemToArray(merges, cJSON_CreateString(line));
            continue;
        }
        *blank = '\0';
        const char *const pair[] = {line, blank + 1};
        cJSON_AddItemToArray(merges, cJSON_CreateStringArray(pair, 2));
    }
    free(text);
    return merges;
}

static cJSON *gpt_2(const char *pre_tokenizer, bool as_pairs)
{
    char *text = harness_text(REFERENCE "tokenizers/encoder.json");
    cJSON *root = cJSON_Parse("{\"version\": \"1.0\", \"normalizer\": null, \"added_tokens\": ["
                              "{\"id\": 50256, \"content\": \"<|endoftext|>\", \"special\": true, "
                              "\"normalized\": true}]}");
    cJSON *model = cJSON_AddObjectToObject(root, "model");
    cJSON_AddItemToObject(root, "pre_tokenizer", cJSON_Parse(pre_tokenizer));
    cJSON_AddItemToObject(model, "vocab", cJSON_Parse(text));
    cJSON_AddItemToObject(model, "merges", merges_of_gpt_2(as_pairs));
    free(text);
    return root;
}

static const char BYTE_LEVEL[] =
    "{\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"trim_offsets\": true}";
static const char SPLIT_AND_BYTE_LEVEL[] =
    "{\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"Split\", \"pattern\": {\"Regex\": "
    "\"'s|'t|'re|'ve|'m|'ll|'d| ?\\\\p{L}+| ?\\\\p{N}+| ?[^\\\\s\\\\p{L}\\\\p{N}]+|\\\\s+(?!\\\\S)|"
    "\\\\s+\"}, \"behavior\": \"Removed\", \"invert\": true}, {\"type\": \"ByteLevel\", "
    "\"add_prefix_space\": false, \"use_regex\": false}]}";

Test(tokenizer_json, gpt_2_in_all_spellings)
{
    static const char CASES[] = REFERENCE "tokenizers/ggml-vocab-gpt-2.gguf";
    struct fl_tokenizer_view view;
    struct fl_error error;
    if (harness_absent(CASES) || harness_absent(REFERENCE "tokenizers/encoder.json"))
        return;
    for (int i = 0; i < 3; i++) {
        struct fl_tokenizer *tokenizer =
            open_tree(gpt_2(i < 2 ? BYTE_LEVEL : SPLIT_AND_BYTE_LEVEL, i == 1));
        harness_expect_cases(tokenizer, CASES);
        expect_ids(tokenizer, "a<|endoftext|>b", true, "64 50256 65");
        expect_ids(tokenizer, "a<|endoftext|>b", false, "64 27 91 437 1659 5239 91 29 65");
        cr_assert_eq(fl_tokenizer_view(&view, tokenizer, &error), FL_OK, "%s", error.text);
        cr_expect_str_eq(view.model, "gpt2");
        cr_expect_str_eq(view.pre, "gpt-2");
        cr_expect_eq(view.n_merges, 50000);
        fl_tokenizer_close(tokenizer);
    }
}

/* ---- sentencepiece-style vocabularies ---- */

static void add_vocabulary(cJSON *root, const struct fl_tokenizer_view *view)
{
    cJSON *vocab = cJSON_AddObjectToObject(cJSON_GetObjectItem(root, "model"), "vocab");
    cJSON *added = cJSON_AddArrayToObject(root, "added_tokens");
    struct fl_token_view token;
    for (int id = 0; id < view->n_tokens; id++) {
        char text[sizeof token.text + 1];
        fl_tokenizer_view_token(&token, view, id);
        memcpy(text, token.text, token.length);
        text[token.length] = '\0';
        /* as cJSON_AddNumberToObject() does, which would look at each key before */
        cJSON *number = cJSON_CreateNumber(id);
        number->string = strdup(text);
        cJSON_AddItemToArray(vocab, number);
        if (token.type == FL_PIECE_NORMAL || token.type == FL_PIECE_BYTE)
            continue;
        cJSON *item = cJSON_CreateObject();
        cJSON_AddNumberToObject(item, "id", id);
        cJSON_AddStringToObject(item, "content", text);
        cJSON_AddBoolToObject(item, "special", token.type != FL_PIECE_USER_DEFINED);
        cJSON_AddItemToArray(added, item);
    }
}

struct made {
    float score;
    char left[800], right[800];
};

static int best_first(const void *a, const void *b)
{
    const struct made *first = a, *second = b;
    return first->score > second->score ? -1 : first->score < second->score;
}

/* Every way to make a piece of two, the best piece first: how files of merges are made from scores.
 * A tree of the vocabulary's texts answers whether a part is a piece. */
static cJSON *merges_of_scores(const struct fl_tokenizer_view *view)
{
    struct fl_token_view token;
    struct fl_trie trie = {0};
    size_t n = 0, capacity = 1 << 18;
    struct made *list = calloc(capacity, sizeof *list);
    cr_assert_not_null(list);
    for (int id = 0; id < view->n_tokens; id++) {
        fl_tokenizer_view_token(&token, view, id);
        if (token.type == FL_PIECE_NORMAL)
            cr_assert(fl_trie_add(&trie, token.text, token.length, id));
    }
    for (int id = 0; id < view->n_tokens; id++) {
        fl_tokenizer_view_token(&token, view, id);
        for (size_t cut = 1; token.type == FL_PIECE_NORMAL && cut < token.length; cut++) {
            int64_t left = 0, right = 0;
            for (size_t i = 0; i < cut && left >= 0; i++)
                left = fl_trie_step(&trie, left, (unsigned char)token.text[i]);
            for (size_t i = cut; i < token.length && right >= 0; i++)
                right = fl_trie_step(&trie, right, (unsigned char)token.text[i]);
            if (left < 0 || right < 0 || trie.values[left] < 0 || trie.values[right] < 0)
                continue;
            cr_assert(n < capacity);
            list[n].score = token.score;
            snprintf(list[n].left, sizeof list->left, "%.*s", (int)cut, token.text);
            snprintf(list[n++].right, sizeof list->right, "%.*s", (int)(token.length - cut),
                     token.text + cut);
        }
    }
    qsort(list, n, sizeof *list, best_first);
    cJSON *merges = cJSON_CreateArray();
    for (size_t i = 0; i < n; i++) {
        const char *const pair[] = {list[i].left, list[i].right};
        cJSON_AddItemToArray(merges, cJSON_CreateStringArray(pair, 2));
    }
    free(list);
    fl_trie_close(&trie);
    return merges;
}

static struct fl_tokenizer *open_with_spaces(const struct fl_tokenizer_view *view,
                                             const char *steps)
{
    cJSON *root = cJSON_Parse(steps);
    cr_assert_not_null(root, "%s", steps);
    cJSON_AddItemToObject(
        root, "model",
        cJSON_Parse("{\"type\": \"BPE\", \"byte_fallback\": true, \"fuse_unk\": true, "
                    "\"unk_token\": \"<unk>\", \"dropout\": null}"));
    add_vocabulary(root, view);
    cJSON_AddItemToObject(cJSON_GetObjectItem(root, "model"), "merges", merges_of_scores(view));
    return open_tree(root);
}

#define SPACE "\xe2\x96\x81"
/* Llama 2, Phi-3; and, without the space in front, Gemma */
static const char LLAMA_2[] =
    "{\"normalizer\": {\"type\": \"Sequence\", \"normalizers\": [{\"type\": \"Prepend\", "
    "\"prepend\": \"" SPACE "\"}, {\"type\": \"Replace\", \"pattern\": {\"String\": \" \"}, "
    "\"content\": \"" SPACE "\"}]}, \"pre_tokenizer\": null, \"post_processor\": {\"type\": "
    "\"TemplateProcessing\", \"single\": [{\"SpecialToken\": {\"id\": \"<s>\", \"type_id\": 0}}, "
    "{\"Sequence\": {\"id\": \"A\", \"type_id\": 0}}], \"pair\": [], \"special_tokens\": {\"<s>\": "
    "{\"id\": \"<s>\", \"ids\": [1], \"tokens\": [\"<s>\"]}}}}";
static const char GEMMA[] =
    "{\"normalizer\": {\"type\": \"Replace\", \"pattern\": {\"String\": \" \"}, "
    "\"content\": \"" SPACE "\"}, \"pre_tokenizer\": {\"type\": \"Split\", \"pattern\": "
    "{\"String\": \" \"}, \"behavior\": \"MergedWithPrevious\", \"invert\": false}}";
static const char MISTRAL[] =
    "{\"normalizer\": null, \"pre_tokenizer\": {\"type\": \"Metaspace\", \"replacement\": "
    "\"" SPACE "\", \"prepend_scheme\": \"first\", \"split\": false}}";

static void expect_same(const struct fl_tokenizer *a, const struct fl_tokenizer *b,
                        const char *text)
{
    int *ids, *others;
    size_t n, n_others;
    struct fl_error error;
    cr_assert_eq(fl_tokenizer_encode(a, text, strlen(text), false, &ids, &n, &error), FL_OK);
    cr_assert_eq(fl_tokenizer_encode(b, text, strlen(text), false, &others, &n_others, &error),
                 FL_OK);
    cr_expect(n == n_others && (n == 0 || memcmp(ids, others, n * sizeof *ids) == 0), "'%s'", text);
    free(ids);
    free(others);
}

Test(tokenizer_json, phi_3_from_its_merges)
{
    static const char PATH[] = REFERENCE "tokenizers/ggml-vocab-phi-3.gguf";
    struct fl_tokenizer_view view, again;
    struct fl_error error;
    if (harness_absent(PATH))
        return;
    struct fl_tokenizer *gguf = harness_tokenizer(PATH);
    cr_assert_eq(fl_tokenizer_view(&view, gguf, &error), FL_OK);
    struct fl_tokenizer *tokenizer = open_with_spaces(&view, LLAMA_2);
    harness_expect_cases(tokenizer, PATH);
    expect_ids(tokenizer, "Hello<|end|>", true, "1 15043 32007");
    cr_assert_eq(fl_tokenizer_view(&again, tokenizer, &error), FL_OK, "%s", error.text);
    cr_expect_str_eq(again.model, "llama");
    cr_expect(again.add_bos && again.add_space_prefix && again.bos == 1);
    fl_tokenizer_close(tokenizer);
    /* without a space in front: as the other with one in the text */
    tokenizer = open_with_spaces(&view, GEMMA);
    expect_ids(tokenizer, " Hello world", false, "15043 3186");
    expect_ids(tokenizer, "Hello", false, "10994");
    fl_tokenizer_close(tokenizer);
    tokenizer = open_with_spaces(&view, MISTRAL);
    expect_same(tokenizer, gguf, "Hello world, \xe4\xb8\xad and  two  spaces");
    expect_ids(tokenizer, "Hello<|end|>Hello", true, "15043 32007 10994");
    fl_tokenizer_close(tokenizer);
    fl_tokenizer_close(gguf);
}

/* ---- unigram ---- */

static char *base64_of(const unsigned char *bytes, size_t n)
{
    static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *out = malloc(n / 3 * 4 + 8), *at = out;
    cr_assert_not_null(out);
    for (size_t i = 0; i < n; i += 3) {
        unsigned bits = 0;
        for (size_t k = 0; k < 3; k++)
            bits = bits << 8 | (i + k < n ? bytes[i + k] : 0u);
        for (size_t k = 0; k < 4; k++)
            *at++ = i + k <= n ? DIGITS[bits >> (18 - 6 * k) & 63] : '=';
    }
    *at = '\0';
    return out;
}

/* As T5's files have it. */
static struct fl_tokenizer *open_t5(const struct fl_tokenizer_view *view)
{
    cJSON *root = cJSON_Parse(
        "{\"normalizer\": {\"type\": \"Precompiled\"}, \"pre_tokenizer\": {\"type\": \"Sequence\", "
        "\"pretokenizers\": [{\"type\": \"WhitespaceSplit\"}, {\"type\": \"Metaspace\", "
        "\"replacement\": \"" SPACE "\", \"add_prefix_space\": true}]}, \"post_processor\": "
        "{\"type\": \"TemplateProcessing\", \"single\": [{\"Sequence\": {\"id\": \"A\"}}, "
        "{\"SpecialToken\": {\"id\": \"</s>\"}}], \"special_tokens\": {\"</s>\": {\"ids\": [2]}}}, "
        "\"added_tokens\": [{\"id\": 0, \"content\": \"<unk>\", \"special\": true}, {\"id\": 1, "
        "\"content\": \"<s>\", \"special\": true}, {\"id\": 2, \"content\": \"</s>\", "
        "\"special\": true}], \"model\": {\"type\": \"Unigram\", \"unk_id\": 0}}");
    cr_assert_not_null(root);
    char *map = base64_of(view->charsmap, view->charsmap_size);
    cJSON_AddStringToObject(cJSON_GetObjectItem(root, "normalizer"), "precompiled_charsmap", map);
    cJSON *vocab = cJSON_AddArrayToObject(cJSON_GetObjectItem(root, "model"), "vocab");
    struct fl_token_view token;
    for (int id = 0; id < view->n_tokens; id++) {
        char text[sizeof token.text + 1];
        fl_tokenizer_view_token(&token, view, id);
        memcpy(text, token.text, token.length);
        text[token.length] = '\0';
        cJSON *row = cJSON_CreateArray();
        cJSON_AddItemToArray(row, cJSON_CreateString(text));
        cJSON_AddItemToArray(row, cJSON_CreateNumber((double)token.score));
        cJSON_AddItemToArray(vocab, row);
    }
    free(map);
    return open_tree(root);
}

Test(tokenizer_json, unigram_as_sentencepiece)
{
    static const char MODEL[] = REFERENCE "tokenizers/sp_test_model.model";
    struct fl_tokenizer_view view;
    struct fl_error error;
    if (harness_absent(MODEL))
        return;
    struct fl_tokenizer *model = harness_tokenizer(MODEL);
    cr_assert_eq(fl_tokenizer_view(&view, model, &error), FL_OK, "%s", error.text);
    cr_expect_str_eq(view.model, "t5");
    struct fl_tokenizer *tokenizer = open_t5(&view);
    char *cases = harness_text(REFERENCE "tokenizers/sp_test_model.sentencepiece.json");
    cJSON *json = cJSON_Parse(cases), *row;
    int n_cases = 0;
    cJSON_ArrayForEach(row, cJSON_GetObjectItem(json, "cases"))
    {
        /* white space of other kinds is left out by WhitespaceSplit, and unknown there */
        const char *text = cJSON_GetObjectItem(row, "t")->valuestring;
        if (strpbrk(text, "\t\n\r"))
            continue;
        expect_same(tokenizer, model, text);
        n_cases++;
    }
    cr_expect_gt(n_cases, 400);
    expect_ids(tokenizer, "This", false, "284 2");
    cJSON_Delete(json);
    free(cases);
    fl_tokenizer_close(tokenizer);
    fl_tokenizer_close(model);
}

/* ---- parts ---- */

/* A vocabulary of letters, their bytes as ids would be no help here: a 0, b 1, ab 2, space 3. */
static struct fl_tokenizer *try_parts(const char *parts, const char *model, struct fl_error *error)
{
    char text[4096];
    snprintf(text, sizeof text,
             "{%s%s\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 0, \"b\": 1, \"ab\": 2, "
             "\" \": 3, \"1\": 4, \"2\": 5, \"12\": 6, \".\": 7, \"?\": 8, \"\u00e9\": 9, "
             "\"..\": 10, \"a \": 11, \" b\": 12}, \"merges\": [\"a b\", \"1 2\", \". .\", "
             "[\"a\", \" \"], [\" \", \"b\"]], \"unk_token\": \"?\"%s%s}}",
             parts, *parts ? ", " : "", *model ? ", " : "", model);
    return try_json(text, error);
}

Test(tokenizer_json, parts)
{
    static const struct {
        const char *parts, *model, *text, *ids;
    } CASES[] = {
        {"", "", "ab", "2"},
        {"", "", "a\xc3\xa9z", "0 9 8"},
        {"", "\"fuse_unk\": true", "zza", "8 0"},
        {"", "\"fuse_unk\": false", "zza", "8 8 0"},
        {"\"normalizer\": {\"type\": \"Lowercase\"}", "", "AB", "2"},
        {"\"normalizer\": {\"type\": \"NFC\"}", "", "e\xcc\x81", "9"},
        {"\"normalizer\": {\"type\": \"NFKC\"}", "", "\xef\xbc\x91\xef\xbc\x92", "6"},
        {"\"normalizer\": {\"type\": \"Sequence\", \"normalizers\": [{\"type\": \"NFD\"}, "
         "{\"type\": \"StripAccents\"}]}",
         "", "\xc3\xa0", "0"},
        {"\"normalizer\": {\"type\": \"Strip\", \"strip_left\": true, \"strip_right\": true}", "",
         " \ta\xe2\x80\x83", "0"},
        {"\"normalizer\": {\"type\": \"Replace\", \"pattern\": {\"Regex\": \"x+\"}, "
         "\"content\": \"b\"}",
         "", "axxx", "2"},
        {"\"normalizer\": {\"type\": \"Prepend\", \"prepend\": \"a\"}", "", "b", "2"},
        {"\"pre_tokenizer\": {\"type\": \"Digits\", \"individual_digits\": true}", "", "a12",
         "0 4 5"},
        {"\"pre_tokenizer\": {\"type\": \"Digits\", \"individual_digits\": false}", "", "a12b",
         "0 6 1"},
        {"\"pre_tokenizer\": {\"type\": \"WhitespaceSplit\"}", "", "a b  ab", "0 1 2"},
        {"\"pre_tokenizer\": {\"type\": \"Whitespace\"}", "", "ab..1 ", "2 10 4"},
        {"\"pre_tokenizer\": {\"type\": \"Punctuation\"}", "", "..", "7 7"},
        {"\"pre_tokenizer\": {\"type\": \"Punctuation\", \"behavior\": \"Contiguous\"}", "", "..",
         "10"},
        {"\"pre_tokenizer\": {\"type\": \"Split\", \"pattern\": {\"String\": \" \"}, "
         "\"behavior\": \"MergedWithPrevious\"}",
         "", "a b", "11 1"},
        {"\"pre_tokenizer\": {\"type\": \"Split\", \"pattern\": {\"String\": \" \"}, "
         "\"behavior\": \"MergedWithNext\"}",
         "", "a b", "0 12"},
        {"\"pre_tokenizer\": {\"type\": \"Split\", \"pattern\": {\"String\": \".\"}, "
         "\"behavior\": \"Isolated\"}",
         "", "ab..", "2 7 7"},
        {"\"pre_tokenizer\": {\"type\": \"Split\", \"pattern\": {\"Regex\": \"b\"}, "
         "\"behavior\": \"Removed\"}",
         "", "ab", "0"},
        {"\"added_tokens\": [{\"id\": 13, \"content\": \"<x>\", \"special\": false, \"lstrip\": "
         "true, \"rstrip\": true}]",
         "", "a <x>  b", "0 13 1"},
        {"\"added_tokens\": [{\"id\": 13, \"content\": \"12\", \"special\": false, "
         "\"single_word\": true}]",
         "", "12 a12", "13 3 0 6"},
        {"\"added_tokens\": [{\"id\": 20, \"content\": \"<x>\", \"special\": false}]", "", "<x>",
         "20"},
        {"\"normalizer\": {\"type\": \"Lowercase\"}, \"added_tokens\": [{\"id\": 13, "
         "\"content\": \"AB\", \"special\": false, \"normalized\": true}]",
         "", "ab", "13"},
        {"\"post_processor\": {\"type\": \"RobertaProcessing\", \"cls\": [\"a\", 0], \"sep\": "
         "[\"b\", 1]}",
         "", "1", "0 4 1"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct fl_error error = {""};
        struct fl_tokenizer *tokenizer = try_parts(CASES[i].parts, CASES[i].model, &error);
        cr_assert_not_null(tokenizer, "case %zu: %s", i, error.text);
        expect_ids(tokenizer, CASES[i].text, false, CASES[i].ids);
        fl_tokenizer_close(tokenizer);
    }
}

Test(tokenizer_json, what_is_not_supported_is_refused_by_name)
{
    static const struct {
        const char *parts, *model, *sentence;
    } CASES[] = {
        {"\"normalizer\": {\"type\": \"BertNormalizer\"}", "",
         "normalizer: BertNormalizer: not supported; expected Prepend, Replace"},
        {"\"pre_tokenizer\": {\"type\": \"BertPreTokenizer\"}", "",
         "pre_tokenizer: BertPreTokenizer: not supported; expected ByteLevel"},
        {"\"post_processor\": {\"type\": \"Else\"}", "", "post_processor: Else: not supported"},
        {"\"normalizer\": []", "", "normalizer: expected an object"},
        {"\"normalizer\": {\"type\": \"Sequence\"}", "", "Sequence: normalizers: expected a list"},
        {"\"normalizer\": {\"type\": \"Precompiled\", \"precompiled_charsmap\": \"AAA\"}", "",
         "precompiled_charsmap: expected base64"},
        {"\"normalizer\": {\"type\": \"Precompiled\", \"precompiled_charsmap\": \"/////w==\"}", "",
         "Precompiled"},
        {"\"pre_tokenizer\": {\"type\": \"Split\", \"pattern\": {\"Regex\": \"(\"}, "
         "\"behavior\": \"Isolated\"}",
         "", "Split: expected a regular expression"},
        {"\"pre_tokenizer\": {\"type\": \"Split\", \"pattern\": {\"Regex\": \"a\"}, "
         "\"behavior\": \"Else\"}",
         "", "behavior: expected Isolated"},
        {"", "\"end_of_word_suffix\": \"</w>\"", "BPE: end_of_word_suffix: not supported"},
        {"", "\"dropout\": 0.1", "dropout: expected none"},
        {"", "\"merges\": []", "merges: expected once"},
        {"\"added_tokens\": [{\"id\": -1, \"content\": \"x\"}]", "", "added_tokens: id: expected"},
        {"\"added_tokens\": [{\"id\": 9000000, \"content\": \"x\"}]", "",
         "expected an id for each of 14 tokens"},
        {"\"added_tokens\": [{\"id\": 1}]", "", "content: expected a text"},
        {"\"post_processor\": {\"type\": \"BertProcessing\", \"cls\": [\"a\", 99], \"sep\": "
         "[\"b\", 1]}",
         "", "expected ids of tokens from 0 to 12"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct fl_error error = {""};
        struct fl_tokenizer *tokenizer = try_parts(CASES[i].parts, CASES[i].model, &error);
        cr_expect_null(tokenizer, "case %zu", i);
        cr_expect(strstr(error.text, CASES[i].sentence), "case %zu: %s", i, error.text);
        fl_tokenizer_close(tokenizer);
    }
    static const char *const WHOLE[][2] = {
        {"{}", "model: expected an object: is this a tokenizer.json?"},
        {"{\"model\": {\"type\": \"WordPiece\"}}",
         "WordPiece: not supported; expected BPE or Unigram"},
        {"{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 1.5}, \"merges\": []}}",
         "token a: expected an id"},
        {"{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 0, \"b\": 0}, \"merges\": []}}",
         "id 0: expected one token, found a and b"},
        {"{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 0}, \"merges\": [\"a a\"]}}",
         "merge 0: expected tokens of the vocabulary that become one"},
        {"{\"model\": {\"type\": \"Unigram\", \"vocab\": [[\"a\", 0]], \"unk_id\": 1}}",
         "unk_id: expected 0 to 0"},
        {"{\"model\": {\"type\": \"Unigram\", \"vocab\": [[\"a\"]]}}",
         "token 0: expected [text, score]"},
    };
    for (size_t i = 0; i < sizeof WHOLE / sizeof *WHOLE; i++) {
        struct fl_error error = {""};
        struct fl_tokenizer *tokenizer = try_json(WHOLE[i][0], &error);
        cr_expect_null(tokenizer, "%s", WHOLE[i][0]);
        cr_expect(strstr(error.text, WHOLE[i][1]), "%s", error.text);
        fl_tokenizer_close(tokenizer);
    }
}

/* ---- a model's folder ---- */

static void write_file(const char *folder, const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    fputs(text, file);
    fclose(file);
}

/* tokenizer.json comes before vocab.json; tokenizer_config.json names the ends and the template. */
Test(tokenizer_json, is_found_in_a_folder_with_its_configuration)
{
    static const char *const TEMPLATES[] = {
        "\"<|im_start|>\"",
        "[{\"name\": \"tool_use\", \"template\": \"[INST]\"}, {\"name\": \"default\", "
        "\"template\": \"<|im_start|>\"}]"};
    for (int i = 0; i < 2; i++) {
        char folder[] = "/tmp/fl-tokenizer-XXXXXX", config[512], command[64];
        cr_assert_not_null(mkdtemp(folder));
        snprintf(config, sizeof config,
                 "{\"bos_token\": {\"content\": \"<s>\"}, \"eos_token\": \"<|im_end|>\", "
                 "\"pad_token\": \"<none>\", \"chat_template\": %s}",
                 TEMPLATES[i]);
        write_file(folder, "tokenizer_config.json", config);
        write_file(folder, "vocab.json", "{");
        write_file(folder, "tokenizer.json",
                   "{\"added_tokens\": [{\"id\": 1, \"content\": \"<s>\", \"special\": true}, "
                   "{\"id\": 2, \"content\": \"<|im_end|>\", \"special\": true}], \"model\": "
                   "{\"type\": \"BPE\", \"vocab\": {\"a\": 0}, \"merges\": []}}");
        struct fl_tokenizer *tokenizer;
        struct fl_error error;
        cr_assert_eq(fl_tokenizer_open(&tokenizer, folder, NULL, 3, &error), FL_OK, "%s",
                     error.text);
        cr_expect_eq(fl_tokenizer_bos(tokenizer), 1);
        cr_expect_eq(fl_tokenizer_eos(tokenizer), 2);
        cr_expect(fl_tokenizer_ends(tokenizer, 2) && !fl_tokenizer_ends(tokenizer, 1));
        cr_assert_not_null(fl_tokenizer_chat_template(tokenizer));
        cr_expect_str_eq(fl_tokenizer_chat_template(tokenizer), "<|im_start|>");
        expect_ids(tokenizer, "a", false, "0"); /* nothing is put around a text unasked */
        fl_tokenizer_close(tokenizer);
        snprintf(command, sizeof command, "rm -r %s", folder);
        cr_expect_eq(system(command), 0);
    }
}
