#include "text/unigram.h"

#include "base/file.h"
#include "model/gguf_write.h"
#include "text/tokenizer.h"
#include "text/vocabulary_export.h"

#include <cJSON.h>
#include <criterion/criterion.h>
#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MODEL "../shared/reference/tokenizers/sp_test_model.model"
#define CASES "../shared/reference/tokenizers/sp_test_model.sentencepiece.json"

static const struct {
    const char *text;
    float score;
    int type;
} PIECES[] = {{"<unk>", 0, FL_PIECE_UNKNOWN},       {"a", -2, FL_PIECE_NORMAL},
              {"b", -3, FL_PIECE_NORMAL},           {"ab", -4, FL_PIECE_NORMAL},
              {"ba", -1, FL_PIECE_NORMAL},          {"aba", -3.5F, FL_PIECE_NORMAL},
              {"\xc3\xa9", -2.5F, FL_PIECE_NORMAL}, {"bb", -1, FL_PIECE_UNUSED}};
enum { N_PIECES = sizeof PIECES / sizeof *PIECES };

static void open_pieces(struct fl_vocabulary *vocabulary, struct fl_unigram *unigram)
{
    struct fl_error error;
    *vocabulary = (struct fl_vocabulary){0};
    *unigram = (struct fl_unigram){.unknown = {0, true}};
    for (int i = 0; i < N_PIECES; i++)
        cr_assert_eq(fl_vocabulary_add(vocabulary, PIECES[i].text, strlen(PIECES[i].text),
                                       PIECES[i].score, PIECES[i].type, "test", &error),
                     FL_OK);
    cr_assert_eq(fl_vocabulary_finish(vocabulary, "test", &error), FL_OK);
    cr_assert(fl_unigram_open(unigram, vocabulary));
    cr_expect_float_eq(unigram->unknown_score, -14, 0);
}

static double score_of(const struct fl_ids *ids)
{
    double sum = 0;
    for (size_t i = 0; i < ids->n; i++)
        sum += ids->ids[i] == 0 ? -14 : (double)PIECES[ids->ids[i]].score;
    return sum;
}

/* The best of all ways to cut a text of a and b, by trying each. */
static double best_score(const char *text)
{
    double best = *text ? -DBL_MAX : 0;
    for (int i = 1; *text && i < N_PIECES; i++) {
        const size_t n = strlen(PIECES[i].text);
        if (PIECES[i].type != FL_PIECE_NORMAL || strncmp(text, PIECES[i].text, n) != 0)
            continue;
        best = fmax(best, (double)PIECES[i].score + best_score(text + n));
    }
    return best;
}

Test(unigram, finds_the_best_of_all_ways)
{
    struct fl_vocabulary vocabulary;
    struct fl_unigram unigram;
    struct fl_unigram_work work = {0};
    struct fl_error error;
    open_pieces(&vocabulary, &unigram);
    for (unsigned bits = 0; bits < 1u << 11; bits++) {
        char text[11] = "";
        struct fl_ids ids = {0};
        const size_t n = 1 + bits % 10;
        for (size_t i = 0; i < n; i++)
            text[i] = bits >> i & 1 ? 'a' : 'b';
        cr_assert_eq(fl_unigram_encode(&unigram, &work, text, n, &ids, &error), FL_OK);
        cr_expect_float_eq(score_of(&ids), best_score(text), 0, "%s", text); /* halves are exact */
        free(ids.ids);
    }
    fl_unigram_work_close(&work);
    fl_unigram_close(&unigram);
    fl_vocabulary_close(&vocabulary);
}

Test(unigram, what_no_piece_covers)
{
    static const struct {
        const char *text;
        int ids[5], n;
    } ROWS[] = {
        {"", {0}, 0},
        {"aba", {1, 4}, 2}, /* a, ba: -3; aba: -3.5 */
        {"xy", {0}, 1},     /* a run of unknown characters is one */
        {"axya", {1, 0, 1}, 3},
        {"bb", {2, 2}, 2}, /* unused */
        {"\xc3\xa9", {6}, 1},
        {"\xc3", {0}, 1}, /* half of it */
        {"a\xc3z\xa9"
         "b",
         {1, 0, 2},
         3},
    };
    struct fl_vocabulary vocabulary;
    struct fl_unigram unigram;
    struct fl_unigram_work work = {0};
    struct fl_error error;
    open_pieces(&vocabulary, &unigram);
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        struct fl_ids ids = {0};
        cr_assert_eq(
            fl_unigram_encode(&unigram, &work, ROWS[i].text, strlen(ROWS[i].text), &ids, &error),
            FL_OK);
        cr_expect_eq(ids.n, (size_t)ROWS[i].n, "row %zu", i);
        for (size_t k = 0; k < ids.n && k < (size_t)ROWS[i].n; k++)
            cr_expect_eq(ids.ids[k], ROWS[i].ids[k], "row %zu", i);
        free(ids.ids);
    }
    unigram.unknown.id = -1;
    struct fl_ids ids = {0};
    cr_expect_eq(fl_unigram_encode(&unigram, &work, "x", 1, &ids, &error), FL_FAILED);
    cr_expect(strstr(error.text, "neither a token for 'x'"), "%s", error.text);
    free(ids.ids);
    fl_unigram_work_close(&work);
    fl_unigram_close(&unigram);
    fl_vocabulary_close(&vocabulary);
}

/* ---- in a GGUF file ---- */

static void put_charsmap(struct fl_gguf_writer *writer, const struct fl_tokenizer_view *view)
{
    fl_gguf_begin_ints(writer, "tokenizer.ggml.precompiled_charsmap", view->charsmap_size);
    for (size_t i = 0; i < view->charsmap_size; i++)
        fl_gguf_add_int(writer, view->charsmap[i]);
}

static void write_gguf(const char *path, const struct fl_tokenizer_view *view)
{
    struct fl_gguf_writer *writer;
    struct fl_error error;
    struct fl_token_view token;
    cr_assert_eq(fl_gguf_create(&writer, path, &error), FL_OK, "%s", error.text);
    fl_gguf_put_string(writer, "tokenizer.ggml.model", view->model, strlen(view->model));
    fl_gguf_begin_strings(writer, "tokenizer.ggml.tokens", (uint64_t)view->n_tokens);
    for (int id = 0; id < view->n_tokens; id++) {
        fl_tokenizer_view_token(&token, view, id);
        fl_gguf_add_string(writer, token.text, token.length);
    }
    fl_gguf_begin_reals(writer, "tokenizer.ggml.scores", (uint64_t)view->n_tokens);
    for (int id = 0; id < view->n_tokens; id++) {
        fl_tokenizer_view_token(&token, view, id);
        fl_gguf_add_real(writer, token.score);
    }
    fl_gguf_begin_ints(writer, "tokenizer.ggml.token_type", (uint64_t)view->n_tokens);
    for (int id = 0; id < view->n_tokens; id++) {
        fl_tokenizer_view_token(&token, view, id);
        fl_gguf_add_int(writer, (int32_t)token.type);
    }
    fl_gguf_put_uint(writer, "tokenizer.ggml.eos_token_id", (uint32_t)view->eos);
    fl_gguf_put_uint(writer, "tokenizer.ggml.unknown_token_id", (uint32_t)view->unknown);
    fl_gguf_put_bool(writer, "tokenizer.ggml.add_space_prefix", view->add_space_prefix);
    fl_gguf_put_bool(writer, "tokenizer.ggml.remove_extra_whitespaces", view->remove_extra_spaces);
    put_charsmap(writer, view);
    cr_assert_eq(fl_gguf_begin_data(writer, &error), FL_OK, "%s", error.text);
    cr_assert_eq(fl_gguf_finish(writer, &error), FL_OK, "%s", error.text);
    cr_assert_eq(fl_gguf_commit(writer, &error), FL_OK, "%s", error.text);
    fl_gguf_discard(writer);
}

static int count_same(const struct fl_tokenizer *tokenizer, const cJSON *rows)
{
    const cJSON *row;
    int n_same = 0;
    cJSON_ArrayForEach(row, rows)
    {
        const cJSON *wanted = cJSON_GetObjectItem(row, "ids");
        const char *text = cJSON_GetObjectItem(row, "t")->valuestring;
        struct fl_error error;
        int *ids;
        size_t n;
        cr_assert_eq(fl_tokenizer_encode(tokenizer, text, strlen(text), true, &ids, &n, &error),
                     FL_OK);
        /* T5: </s> behind every text */
        bool same = n == (size_t)cJSON_GetArraySize(wanted) + 1 && ids[n - 1] == 2;
        for (size_t i = 0; same && i + 1 < n; i++)
            same = ids[i] == cJSON_GetArrayItem(wanted, (int)i)->valueint;
        n_same += same;
        free(ids);
    }
    return n_same;
}

Test(unigram, a_gguf_file_gives_the_ids_of_sentencepiece)
{
    char path[] = "/tmp/fl-unigram-XXXXXX", *content;
    struct fl_tokenizer *model, *tokenizer;
    struct fl_tokenizer_view view, again;
    struct fl_error error;
    if (!fl_file_exists(MODEL)) {
        fprintf(stderr, "SKIPPED: " MODEL " is not there\n");
        return;
    }
    const int fd = mkstemp(path);
    cr_assert(fd >= 0);
    close(fd);
    cr_assert_eq(fl_tokenizer_open(&model, MODEL, MODEL, INT_MAX, &error), FL_OK);
    cr_assert_eq(fl_tokenizer_view(&view, model, &error), FL_OK);
    write_gguf(path, &view);
    cr_assert_eq(fl_tokenizer_open(&tokenizer, path, path, INT_MAX, &error), FL_OK, "%s",
                 error.text);
    unlink(path);
    cr_assert_eq(fl_file_read(&content, NULL, CASES, 1 << 20, &error), FL_OK);
    cJSON *json = cJSON_Parse(content);
    const cJSON *rows = cJSON_GetObjectItem(json, "cases");
    cr_expect_eq(count_same(tokenizer, rows), cJSON_GetArraySize(rows));
    cr_assert_eq(fl_tokenizer_view(&again, tokenizer, &error), FL_OK);
    cr_expect_str_eq(again.model, "t5");
    cr_expect(again.add_eos && !again.add_bos && again.add_space_prefix &&
              again.remove_extra_spaces);
    cr_expect(again.charsmap_size == view.charsmap_size &&
              memcmp(again.charsmap, view.charsmap, view.charsmap_size) == 0);
    cJSON_Delete(json);
    free(content);
    fl_tokenizer_close(tokenizer);
    fl_tokenizer_close(model);
}
