#include "base/file.h"
#include "base/utf8.h"
#include "tests/unit/tokenizer_harness.h"
#include "text/ids.h"

#include <criterion/criterion.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct fl_tokenizer *open_tokenizer(const char *spec, const char *path, int vocab_size)
{
    struct fl_tokenizer *tokenizer;
    struct fl_error error;
    cr_assert_eq(fl_tokenizer_open(&tokenizer, spec, path, vocab_size, &error), FL_OK, "%s",
                 error.text);
    return tokenizer;
}

static void expect_round_trip(const struct fl_tokenizer *tokenizer, const char *text, size_t length)
{
    int *ids;
    char *back;
    size_t n, n_back;
    struct fl_error error;
    cr_assert_eq(fl_tokenizer_encode(tokenizer, text, length, true, &ids, &n, &error), FL_OK);
    cr_assert_eq(fl_tokenizer_decode(tokenizer, ids, n, &back, &n_back, &error), FL_OK);
    cr_expect(n_back == length && memcmp(back, text, length) == 0, "'%s' became '%s'", text, back);
    free(ids);
    free(back);
}

static const char *const TEXTS[] = {
    "",
    " ",
    "a",
    "  two  spaces ",
    "Once upon a time",
    "caf\xc3\xa9 \xe4\xb8\xad\xe6\x96\x87 \xf0\x9f\x98\x80",
    "\xff\xfe broken \xc3",
    "\xe2\x96\x81",
    "line\nline\ttab",
    "\xe2\x96\x81the \xe2\x96\x81",
    "</s>a", /* phi-3 has </s> as a user-defined piece */
    " </s></s>  b ",
};
enum { N_TEXTS = sizeof TEXTS / sizeof *TEXTS };

Test(tokenizer, bytes_are_their_own_ids)
{
    struct fl_tokenizer *tokenizer = open_tokenizer("gpt2-nano", NULL, 256);
    int *ids;
    size_t n;
    struct fl_error error;
    cr_assert_eq(fl_tokenizer_encode(tokenizer, "a\xff", 2, true, &ids, &n, &error), FL_OK);
    cr_expect_eq(n, 2);
    cr_expect_eq(ids[0], 'a');
    cr_expect_eq(ids[1], 255);
    free(ids);
    for (int i = 0; i < N_TEXTS; i++)
        expect_round_trip(tokenizer, TEXTS[i], strlen(TEXTS[i]));
    fl_tokenizer_close(tokenizer);
}

Test(tokenizer, small_vocabulary_refuses_bytes)
{
    struct fl_tokenizer *tokenizer;
    struct fl_error error;
    cr_expect_eq(fl_tokenizer_open(&tokenizer, "gpt2-nano", "bytes", 105, &error), FL_FAILED);
    cr_expect(strstr(error.text, "at least 256"), "%s", error.text);
}

static void expect_round_trips(const char *path)
{
    if (harness_absent(path))
        return;
    struct fl_tokenizer *tokenizer = open_tokenizer(path, NULL, 1 << 20);
    for (int i = 0; i < N_TEXTS; i++)
        expect_round_trip(tokenizer, TEXTS[i], strlen(TEXTS[i]));
    fl_tokenizer_close(tokenizer);
}

Test(tokenizer, round_trip_with_byte_pieces)
{
    expect_round_trips(REFERENCE "tokenizers/ggml-vocab-phi-3.gguf");
}

Test(tokenizer, round_trip_at_byte_level)
{
    expect_round_trips(REFERENCE "tokenizers/ggml-vocab-gpt-2.gguf");
}

/* Where merging were quadratic, this would take hours. */
static void expect_long_texts(const char *path)
{
    static const char *const PATTERNS[] = {"a", " ", "Once upon a time, ", "\xe6\x97\xa5", "\xff"};
    const size_t length = 1000000;
    if (harness_absent(path))
        return;
    struct fl_tokenizer *tokenizer = open_tokenizer(path, NULL, 1 << 20);
    char *text = malloc(length + 1);
    cr_assert_not_null(text);
    for (size_t i = 0; i < sizeof PATTERNS / sizeof *PATTERNS; i++) {
        size_t n = strlen(PATTERNS[i]);
        for (size_t k = 0; k < length; k++)
            text[k] = PATTERNS[i][k % n];
        text[length] = '\0';
        expect_round_trip(tokenizer, text, length);
    }
    free(text);
    fl_tokenizer_close(tokenizer);
}

Test(tokenizer, a_long_text, .timeout = 60)
{
    expect_long_texts(REFERENCE "tokenizers/ggml-vocab-phi-3.gguf");
}

Test(tokenizer, a_long_text_at_byte_level, .timeout = 60)
{
    expect_long_texts(REFERENCE "tokenizers/ggml-vocab-gpt-2.gguf");
}

/* Spaces as the sentencepiece model of this vocabulary normalises them, which neither file format
 * records: none at the ends, one for a run. */
static char *normalise(const char *text)
{
    char *out = calloc(strlen(text) + 1, 1);
    size_t used = 0;
    cr_assert_not_null(out);
    for (; *text; text++)
        if (*text != ' ' || (used > 0 && out[used - 1] != ' '))
            out[used++] = *text;
    if (used > 0 && out[used - 1] == ' ')
        out[used - 1] = '\0';
    return out;
}

static void expect_case(const struct fl_tokenizer *tokenizer, const cJSON *row)
{
    char *text = normalise(cJSON_GetObjectItem(row, "t")->valuestring);
    cr_expect(harness_gives(tokenizer, text, cJSON_GetObjectItem(row, "ids")), "'%s'", text);
    free(text);
}

/* A vocabulary without byte pieces: a run of characters it lacks is one unknown id. */
Test(tokenizer, ids_of_sentencepiece)
{
    static const char PATH[] = REFERENCE "tokenizers/tok105.sentencepiece.json";
    static const char *const FILES[] = {REFERENCE "models/babyllama105/tok105.bin",
                                        REFERENCE "models/babyllama105/babyllama105-F32.gguf"};
    char *content;
    struct fl_error error;
    if (harness_absent(PATH))
        return;
    cr_assert_eq(fl_file_read(&content, NULL, PATH, 1 << 20, &error), FL_OK, "%s", error.text);
    cJSON *json = cJSON_Parse(content), *row;
    for (int i = 0; i < 2; i++) {
        struct fl_tokenizer *tokenizer = open_tokenizer(FILES[i], FILES[i], 105);
        int n_cases = 0;
        cJSON_ArrayForEach(row, cJSON_GetObjectItem(json, "cases"))
        {
            expect_case(tokenizer, row);
            n_cases++;
        }
        cr_expect_eq(n_cases, 409);
        fl_tokenizer_close(tokenizer);
    }
    cJSON_Delete(json);
    free(content);
}

/* tokenizer.bin: the longest piece, then four pieces of which the last is given. */
static void write_bin(FILE *file, int32_t longest, int32_t length, float score)
{
    static const char *const FIRST[] = {"<unk>", "<s>", "</s>"};
    fwrite(&longest, 4, 1, file);
    for (int i = 0; i < 4; i++) {
        int32_t n = i < 3 ? (int32_t)strlen(FIRST[i]) : length;
        fwrite(&score, 4, 1, file);
        fwrite(&n, 4, 1, file);
        fwrite(i < 3 ? FIRST[i] : "a", 1, i < 3 ? (size_t)n : 1, file);
    }
}

Test(tokenizer, damaged_files_are_refused_by_a_sentence)
{
    static const struct {
        int32_t longest, length;
        float score;
        int vocab_size;
        const char *sentence;
    } CASES[] = {
        {5, 1, 0, 4, NULL},
        {5, 1, 0, INT_MAX, NULL},
        {5, 0, 0, 4, "token 3: length: expected 1 to max_token_length 5, not 0"},
        {5, -1, 0, 4, "token 3: length: expected 1 to max_token_length 5, not -1"},
        {5, INT32_MAX, 0, 4, "token 3: length"},
        {5, 2, 0, 4, "token 3: expected 2 bytes, the file ends after 1"},
        {4, 1, 0, 4, "token 0: length"},
        {0, 1, 0, 4, "max_token_length"},
        {INT32_MAX, 1, 0, 4, "max_token_length"},
        {5, 1, NAN, 4, "token 0: expected a finite number"},
        {5, 1, INFINITY, 4, "token 0: expected a finite number"},
        {5, 1, 0, 3, "at most the model's 3 tokens, found 4"},
        {5, 1, 0, 5, "expected the model's 5 tokens, found 4"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        char path[] = "/tmp/fl-test-tokenizer-XXXXXX";
        int fd = mkstemp(path);
        cr_assert(fd >= 0);
        FILE *file = fdopen(fd, "wb");
        write_bin(file, CASES[i].longest, CASES[i].length, CASES[i].score);
        fclose(file);
        struct fl_tokenizer *tokenizer;
        struct fl_error error = {""};
        int status = fl_tokenizer_open(&tokenizer, path, path, CASES[i].vocab_size, &error);
        cr_expect_eq(status, CASES[i].sentence ? FL_FAILED : FL_OK, "case %zu: %s", i, error.text);
        if (CASES[i].sentence)
            cr_expect(strstr(error.text, path) && strstr(error.text, CASES[i].sentence),
                      "case %zu: %s", i, error.text);
        fl_tokenizer_close(tokenizer);
        unlink(path);
    }
}

/* Where no byte pieces can keep it, a text's own U+2581 is a space. */
Test(tokenizer, a_written_space_is_a_space)
{
    static const char *const FILES[] = {REFERENCE "models/babyllama105/tok105.bin",
                                        REFERENCE "models/babyllama105/tok105.model",
                                        REFERENCE "models/babyllama105/babyllama105-F32.gguf"};
    static const char SPACE[] = "once upon", WRITTEN[] = "once\xe2\x96\x81upon";
    for (size_t i = 0; i < sizeof FILES / sizeof *FILES; i++) {
        int *ids, *wanted;
        size_t n, n_wanted;
        struct fl_error error;
        if (harness_absent(FILES[i]))
            continue;
        struct fl_tokenizer *tokenizer = harness_tokenizer(FILES[i]);
        cr_assert_eq(
            fl_tokenizer_encode(tokenizer, SPACE, strlen(SPACE), false, &wanted, &n_wanted, &error),
            FL_OK);
        cr_assert_eq(
            fl_tokenizer_encode(tokenizer, WRITTEN, strlen(WRITTEN), false, &ids, &n, &error),
            FL_OK);
        cr_expect(n == n_wanted && memcmp(ids, wanted, n * sizeof *ids) == 0, "%s", FILES[i]);
        free(ids);
        free(wanted);
        fl_tokenizer_close(tokenizer);
    }
}

static void expect_ids_of_another_program(const char *path, const char *cases)
{
    if (harness_absent(path))
        return;
    struct fl_tokenizer *tokenizer = open_tokenizer(path, NULL, 1 << 20);
    harness_expect_cases(tokenizer, cases);
    fl_tokenizer_close(tokenizer);
}

Test(tokenizer, ids_of_another_program)
{
    static const char PATH[] = REFERENCE "tokenizers/ggml-vocab-phi-3.gguf";
    expect_ids_of_another_program(PATH, PATH);
}

Test(tokenizer, byte_level_ids_of_another_program)
{
    static const char PATH[] = REFERENCE "tokenizers/ggml-vocab-gpt-2.gguf";
    expect_ids_of_another_program(PATH, PATH);
    expect_ids_of_another_program(REFERENCE "tokenizers/encoder.json", PATH);
}

Test(tokenizer, files_of_hugging_face)
{
    static const struct {
        const char *vocabulary, *merges, *config, *sentence; /* NULL: good */
    } CASES[] = {
        {"{\"a\": 0, \"b\": 1, \"ab\": 2}", "#version: 0.2\na b\n", NULL, NULL},
        {"{\"a\": 0, \"b\": 1, \"ab\": 2}", "a b\r\n", "{\"tokenizer_class\": \"Qwen2Tokenizer\"}",
         NULL},
        {"{\"a\": 0, \"b\": 1}", "", "{\"tokenizer_class\": \"T5Tokenizer\"}",
         "tokenizer_class: expected GPT2Tokenizer"},
        {"{\"a\": 0, \"b\": 2}", "", NULL, "token b: expected an id from 0 to 1"},
        {"{\"a\": 0, \"b\": 0}", "", NULL, "id 0: expected one token, found a and b"},
        {"{\"a\": 0, \"b\": 1.5}", "", NULL, "expected an id"},
        {"{}", "", NULL, "expected at least one token"},
        {"[]", "", NULL, "vocab.json"},
        {"{\"a\": 0, \"b c\": 1}", "", NULL, "token 1: expected characters that stand for bytes"},
        {"{\"a\": 0, \"b\": 1}", "a b\n", NULL,
         "merges.txt: line 1: expected tokens of the vocabulary"},
        {"{\"a\": 0, \"b\": 1}", "\nab\n", NULL, "merges.txt: line 2: expected two tokens"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        char folder[] = "/tmp/fl-tokenizer-XXXXXX", command[128], vocabulary[64];
        cr_assert_not_null(mkdtemp(folder));
        const struct {
            const char *name, *text;
        } files[] = {{"vocab.json", CASES[i].vocabulary},
                     {"merges.txt", CASES[i].merges},
                     {"tokenizer_config.json", CASES[i].config}};
        for (int k = 0; k < 3; k++) {
            char path[128];
            snprintf(path, sizeof path, "%s/%s", folder, files[k].name);
            FILE *file = files[k].text ? fopen(path, "w") : NULL;
            if (file) {
                fputs(files[k].text, file);
                fclose(file);
            }
        }
        struct fl_tokenizer *tokenizer;
        struct fl_error error;
        snprintf(vocabulary, sizeof vocabulary, "%s/vocab.json", folder);
        int status = fl_tokenizer_open(&tokenizer, folder, vocabulary, 1 << 20, &error);
        cr_expect_eq(status, CASES[i].sentence ? FL_FAILED : FL_OK, "case %zu", i);
        if (CASES[i].sentence)
            cr_expect(strstr(error.text, CASES[i].sentence), "case %zu: %s", i, error.text);
        if (status == FL_OK) {
            int *ids;
            size_t n;
            cr_expect_eq(fl_tokenizer_encode(tokenizer, "aab", 3, true, &ids, &n, &error), FL_OK);
            cr_expect(n == 2 && ids[0] == 0 && ids[1] == 2);
            free(ids);
            fl_tokenizer_close(tokenizer);
        }
        snprintf(command, sizeof command, "rm -r %s", folder);
        cr_expect_eq(system(command), 0);
    }
}

/* The prompts of the real models, in both file formats. */
Test(tokenizer, prompts_of_real_models)
{
    static const struct {
        const char *model, *folder, *name;
        int vocab_size;
    } CASES[] = {
        {"stories260K/stories260K.bin", "stories260K", "once", 512},
        {"stories260K/stories260K-F32.gguf", "stories260K", "park", 512},
        {"babyllama105/model5000.bin", "babyllama105", "once", 105},
        {"babyllama105/babyllama105-F32.gguf", "babyllama105", "park", 105},
    };
    for (int i = 0; i < 4; i++) {
        char model[256], prompt[256], listed[256], *text, *wanted_text;
        struct fl_error error;
        int *ids, *wanted;
        size_t length, n, n_wanted, wanted_length;
        snprintf(model, sizeof model, REFERENCE "models/%s", CASES[i].model);
        snprintf(prompt, sizeof prompt, REFERENCE "models/%s/expected/%s.prompt.txt",
                 CASES[i].folder, CASES[i].name);
        snprintf(listed, sizeof listed, REFERENCE "models/%s/expected/%s.l2c.ids.txt",
                 CASES[i].folder, CASES[i].name);
        if (harness_absent(model))
            return;
        struct fl_tokenizer *tokenizer = open_tokenizer(model, NULL, CASES[i].vocab_size);
        cr_assert_eq(fl_file_read(&text, &length, prompt, 1 << 20, &error), FL_OK);
        cr_assert_eq(fl_file_read(&wanted_text, &wanted_length, listed, 1 << 20, &error), FL_OK);
        cr_assert_eq(fl_ids_parse(&wanted, &n_wanted, wanted_text, wanted_length,
                                  CASES[i].vocab_size, listed, &error),
                     FL_OK);
        cr_assert_eq(fl_tokenizer_encode(tokenizer, text, length, true, &ids, &n, &error), FL_OK);
        int n_prompt = 0;
        cr_assert_eq(sscanf(wanted_text, "# n_prompt %d", &n_prompt), 1);
        cr_expect_eq(n, (size_t)n_prompt);
        cr_expect_eq(memcmp(ids, wanted, n * sizeof *ids), 0, "%s", model);
        free(ids);
        free(wanted);
        free(text);
        free(wanted_text);
        fl_tokenizer_close(tokenizer);
    }
}

Test(tokenizer, another_kind_is_refused_by_name)
{
    static const char PATH[] = REFERENCE "tokenizers/ggml-vocab-gpt-2.gguf";
    static const char KEY[] = "tokenizer.ggml.model";
    if (harness_absent(PATH))
        return;
    struct fl_tokenizer *tokenizer;
    struct fl_error error;
    char *bytes, path[] = "/tmp/fl-tokenizer-XXXXXX";
    size_t size;
    cr_assert_eq(fl_file_read(&bytes, &size, PATH, 1 << 24, &error), FL_OK);
    char *key = memmem(bytes, size, KEY, strlen(KEY));
    cr_assert_not_null(key);
    /* behind the key: its type, and the length of the text */
    memcpy(key + strlen(KEY) + sizeof(uint32_t) + sizeof(uint64_t), "rwkv", 4);
    int fd = mkstemp(path);
    cr_assert(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
    close(fd);
    cr_expect_eq(fl_tokenizer_open(&tokenizer, path, NULL, 1 << 20, &error), FL_FAILED);
    cr_expect(strstr(error.text, "(byte-level BPE), not rwkv"), "%s", error.text);
    unlink(path);
    free(bytes);
}

Test(tokenizer, streaming_never_splits_a_character)
{
    struct fl_tokenizer *tokenizer = open_tokenizer("gpt2-nano", NULL, 256);
    static const char TEXT[] = "\xf0\x9f\x98\x80 \xe4\xb8\xad\xff\xc3\xa9!\xe4\xb8";
    struct fl_stream stream;
    char got[64];
    size_t used = 0, n;
    fl_stream_start(&stream, tokenizer);
    for (size_t i = 0; TEXT[i]; i++) {
        const char *piece = fl_stream_push(&stream, (unsigned char)TEXT[i], &n);
        cr_expect_eq(fl_utf8_unfinished(piece, n), 0);
        memcpy(got + used, piece, n);
        used += n;
    }
    const char *rest = fl_stream_flush(&stream, &n);
    cr_expect_eq(n, 2, "what never became a character comes at the end");
    memcpy(got + used, rest, n);
    cr_expect_eq(memcmp(got, TEXT, sizeof TEXT - 1), 0);
    fl_tokenizer_close(tokenizer);
}

Test(tokenizer, utf8_lengths)
{
    const struct {
        const char *text;
        size_t length, unfinished;
    } cases[] = {
        {"a", 1, 0},
        {"\xc3\xa9", 2, 0},
        {"\xc3", 1, 1},
        {"\xe4\xb8\xad", 3, 0},
        {"\xe4\xb8", 1, 2},
        {"\xf0\x9f\x98\x80", 4, 0},
        {"\xf0\x9f\x98", 1, 3},
        {"\xc0\x80", 1, 0},
        {"\xed\xa0\x80", 1, 0},
        {"\xf4\x90\x80\x80", 1, 0},
        {"\xff", 1, 0},
        {"\x80", 1, 0},
        {"\xe0\x80", 1, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t n = strlen(cases[i].text);
        cr_expect_eq(fl_utf8_length(cases[i].text, n), cases[i].length, "case %zu", i);
        cr_expect_eq(fl_utf8_unfinished(cases[i].text, n), cases[i].unfinished, "case %zu", i);
    }
}

Test(tokenizer, ids_as_text)
{
    struct fl_error error;
    int *ids;
    size_t n;
    static const char GOOD[] = "# three\n1, 2\t30\n";
    cr_assert_eq(fl_ids_parse(&ids, &n, GOOD, strlen(GOOD), 31, "x", &error), FL_OK);
    cr_expect(n == 3 && ids[0] == 1 && ids[1] == 2 && ids[2] == 30);
    free(ids);
    static const char *const BAD[] = {"-1", "1.5", "31", "99999999999999999999", "1;2", "0x1"};
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++)
        cr_expect_eq(fl_ids_parse(&ids, &n, BAD[i], strlen(BAD[i]), 31, "x", &error), FL_FAILED,
                     "%s", BAD[i]);
}
