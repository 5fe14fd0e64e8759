/* tokenizer_hf.c - the two files of GPT-2's own tokenizer, as Hugging Face names them: vocab.json,
 * an object of tokens and their ids, and beside it merges.txt, a merge a line, the first found
 * first. encoder.json and vocab.bpe are the same under the names they were published with. */
#include "base/file.h"
#include "model/json_read.h"
#include "text/tokenizer_config.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *vocabulary, *merges;
} NAMES[] = {{"vocab.json", "merges.txt"}, {"encoder.json", "vocab.bpe"}};

/* tokenizer_class of tokenizer_config.json, and the pattern such tokenizers cut words with. */
static const struct {
    const char *tokenizer_class, *pattern;
} CLASSES[] = {{"GPT2Tokenizer", "gpt-2"}, {"Qwen2Tokenizer", "qwen2"}};

static const char END_OF_TEXT[] = "<|endoftext|>";

static int pattern_of(const char **pattern, const char *path, struct fl_error *error)
{
    char config[FL_HF_PATH_MAX];
    const char *tokenizer_class = CLASSES[0].tokenizer_class;
    *pattern = NULL;
    if (fl_hf_beside(config, path, "tokenizer_config.json", error) != FL_OK)
        return FL_FAILED;
    cJSON *root = NULL;
    int status = FL_OK;
    if (fl_file_exists(config)) {
        if (fl_json_read(&root, config, FL_HF_FILE_MAX, error) != FL_OK)
            return FL_FAILED;
        const struct fl_json json = {root, config, error};
        status = fl_json_string(&json, "tokenizer_class", FL_JSON_OPTIONAL, &tokenizer_class);
    }
    for (size_t i = 0; status == FL_OK && i < sizeof CLASSES / sizeof *CLASSES; i++)
        if (strcmp(tokenizer_class, CLASSES[i].tokenizer_class) == 0)
            *pattern = CLASSES[i].pattern;
    if (status == FL_OK && !*pattern)
        status =
            fl_fail(error,
                    "%s: tokenizer_class: expected GPT2Tokenizer or Qwen2Tokenizer, not %.40s; "
                    "give --tokenizer bytes, or token ids",
                    config, tokenizer_class);
    cJSON_Delete(root);
    return status;
}

/* ---- vocab.json ---- */

/* tokens[id] = its name in the object; every id from 0 on, once. */
static int order_tokens(const char **tokens, int n, const cJSON *object, const char *path,
                        struct fl_error *error)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, object)
    {
        if (!cJSON_IsNumber(item) || item->valuedouble < 0 || item->valuedouble >= n ||
            item->valuedouble != (int)item->valuedouble)
            return fl_fail(error, "%s: token %.40s: expected an id from 0 to %d", path,
                           item->string, n - 1);
        if (tokens[(int)item->valuedouble])
            return fl_fail(error, "%s: id %d: expected one token, found %.40s and %.40s", path,
                           (int)item->valuedouble, tokens[(int)item->valuedouble], item->string);
        tokens[(int)item->valuedouble] = item->string;
    }
    return FL_OK;
}

static int add_token(struct fl_tokenizer *tokenizer, const char *token, const char *path,
                     struct fl_error *error)
{
    const int id = tokenizer->vocabulary.n_pieces;
    const size_t length = strlen(token);
    const bool is_end = strcmp(token, END_OF_TEXT) == 0;
    char text[FL_WRITTEN_MAX];
    if (is_end)
        tokenizer->bos = tokenizer->eos = id;
    long n = length <= sizeof text ? fl_byte_level_bytes(token, length, text) : (long)length;
    if (n < 0)
        return fl_fail(error, "%s: token %d: expected characters that stand for bytes", path, id);
    return fl_vocabulary_add(&tokenizer->vocabulary, text, (size_t)n, 0,
                             is_end ? FL_PIECE_CONTROL : FL_PIECE_NORMAL, path, error);
}

static int read_vocabulary(struct fl_tokenizer *tokenizer, const char *path, struct fl_error *error)
{
    cJSON *root;
    int status = FL_OK;
    if (fl_json_read(&root, path, FL_HF_FILE_MAX, error) != FL_OK)
        return FL_FAILED;
    const int n = cJSON_GetArraySize(root);
    const char **tokens = calloc((size_t)n + 1, sizeof *tokens);
    if (n == 0)
        status = fl_fail(error, "%s: expected at least one token", path);
    else if (!tokens)
        status = fl_fail(error, "%s: not enough memory for %d tokens", path, n);
    else
        status = order_tokens(tokens, n, root, path, error);
    for (int id = 0; id < n && status == FL_OK; id++)
        status = add_token(tokenizer, tokens[id], path, error);
    free(tokens);
    cJSON_Delete(root);
    return status == FL_OK ? fl_tokenizer_finish(tokenizer, path, error) : FL_FAILED;
}

/* ---- merges.txt ---- */

static int read_merges(struct fl_tokenizer *tokenizer, const char *path, struct fl_error *error)
{
    char *text;
    size_t length;
    int status = FL_OK, number = 1;
    if (fl_file_read(&text, &length, path, FL_HF_FILE_MAX, error) != FL_OK)
        return FL_FAILED;
    for (const char *at = text, *end = text + length; at < end && status == FL_OK; number++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t n = (size_t)((stop ? stop : end) - at);
        if (n > 0 && at[n - 1] == '\r')
            n--;
        const bool is_version = number == 1 && n >= 8 && memcmp(at, "#version", 8) == 0;
        if (n > 0 && !is_version && fl_tokenizer_add_merge(tokenizer, at, n, error) != FL_OK) {
            struct fl_error cause = *error;
            status = fl_fail(error, "%s: line %d: %.300s", path, number, cause.text);
        }
        at = stop ? stop + 1 : end;
    }
    free(text);
    return status;
}

/* ---- both ---- */

bool fl_tokenizer_is_hf(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
        if (strcmp(name, NAMES[i].vocabulary) == 0)
            return true;
    return false;
}

int fl_tokenizer_read_hf(struct fl_tokenizer *tokenizer, const char *path, struct fl_error *error)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *pattern;
    char merges[FL_HF_PATH_MAX];
    int at = strcmp(name, NAMES[0].vocabulary) == 0 ? 0 : 1;
    tokenizer->kind = "byte-level bpe";
    tokenizer->model = FL_TEXT_MERGES;
    if (fl_hf_beside(merges, path, NAMES[at].merges, error) != FL_OK ||
        pattern_of(&pattern, path, error) != FL_OK ||
        fl_tokenizer_use_pattern(tokenizer, pattern, strlen(pattern), path, error) != FL_OK ||
        read_vocabulary(tokenizer, path, error) != FL_OK ||
        fl_tokenizer_read_config(tokenizer, path, true, error) != FL_OK)
        return FL_FAILED;
    return read_merges(tokenizer, merges, error);
}
