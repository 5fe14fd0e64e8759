#include "text/tokenizer_json.h"

#include "text/tokenizer_config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Ids without a token are filled up; so many more than tokens are taken for damage. */
enum { GAPS_MAX = 1 << 16 };

/* What the file says about an id; text NULL: nothing. */
struct token {
    const char *text;
    double score;
    const cJSON *added; /* its entry in added_tokens, or NULL */
};

struct tokens {
    struct token *list;
    int n;
};

/* ---- the vocabulary: a list by id ---- */

static int id_of(const cJSON *item)
{
    const bool good = cJSON_IsNumber(item) && item->valuedouble >= 0 &&
                      item->valuedouble < FL_VOCABULARY_MAX &&
                      item->valuedouble == (double)(int)item->valuedouble;
    return good ? (int)item->valuedouble : -1;
}

static int bad_id(const struct fl_json_source *source, const char *token)
{
    return fl_fail(source->error, "%s: token %.40s: expected an id from 0 to %d", source->path,
                   token, FL_VOCABULARY_MAX - 1);
}

/* How many ids there are. */
static int count_ids(struct fl_json_source *source, const cJSON *vocab, const cJSON *added, int *n)
{
    const cJSON *item;
    int n_named = 0, last = -1;
    if (cJSON_IsArray(vocab))
        last = cJSON_GetArraySize(vocab) - 1;
    n_named = last + 1;
    cJSON_ArrayForEach(item, vocab)
    {
        if (cJSON_IsArray(vocab))
            break;
        const int id = id_of(item);
        if (id < 0)
            return bad_id(source, item->string);
        last = id > last ? id : last;
        n_named++;
    }
    cJSON_ArrayForEach(item, added)
    {
        const int id = id_of(cJSON_GetObjectItemCaseSensitive(item, "id"));
        if (id < 0)
            return fl_fail(source->error, "%s: added_tokens: id: expected 0 to %d", source->path,
                           FL_VOCABULARY_MAX - 1);
        last = id > last ? id : last;
        n_named++;
    }
    *n = last + 1;
    if (*n == 0)
        return fl_fail(source->error, "%s: expected at least one token", source->path);
    if (*n - n_named > GAPS_MAX || *n > FL_VOCABULARY_MAX)
        return fl_fail(source->error, "%s: expected an id for each of %d tokens, found id %d",
                       source->path, n_named, last);
    return FL_OK;
}

static int put_token(struct fl_json_source *source, struct tokens *tokens, int id, const char *text)
{
    struct token *token = &tokens->list[id];
    if (token->text && strcmp(token->text, text) != 0)
        return fl_fail(source->error, "%s: id %d: expected one token, found %.40s and %.40s",
                       source->path, id, token->text, text);
    token->text = text;
    return FL_OK;
}

/* BPE: {"token": id}; unigram: [["token", score], ...]. */
static int list_vocabulary(struct fl_json_source *source, struct tokens *tokens, const cJSON *vocab)
{
    const cJSON *item;
    int id = 0;
    cJSON_ArrayForEach(item, vocab)
    {
        const cJSON *text = cJSON_GetArrayItem(item, 0), *score = cJSON_GetArrayItem(item, 1);
        if (cJSON_IsObject(vocab)) {
            if (put_token(source, tokens, id_of(item), item->string) != FL_OK)
                return FL_FAILED;
            continue;
        }
        if (!cJSON_IsArray(item) || !cJSON_IsString(text) || !cJSON_IsNumber(score))
            return fl_fail(source->error, "%s: model: vocab: token %d: expected [text, score]",
                           source->path, id);
        tokens->list[id].score = score->valuedouble;
        tokens->list[id++].text = text->valuestring;
    }
    return FL_OK;
}

static int list_added(struct fl_json_source *source, struct tokens *tokens, const cJSON *added)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, added)
    {
        const cJSON *content = cJSON_GetObjectItemCaseSensitive(item, "content");
        const int id = id_of(cJSON_GetObjectItemCaseSensitive(item, "id"));
        if (!cJSON_IsString(content) || !*content->valuestring)
            return fl_fail(source->error, "%s: added_tokens: id %d: content: expected a text",
                           source->path, id);
        /* the model may write it in its own spelling */
        tokens->list[id].text = content->valuestring;
        tokens->list[id].added = item;
    }
    return FL_OK;
}

/* ---- the vocabulary: pieces ---- */

static bool flag_of(const cJSON *item, const char *key)
{
    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(item, key));
}

static int add_piece(struct fl_json_source *source, const struct token *token, int id,
                     bool byte_fallback)
{
    struct fl_tokenizer *tokenizer = source->tokenizer;
    char piece[FL_WRITTEN_MAX];
    const char *text = token->text ? token->text : "";
    size_t length = strlen(text);
    int type = FL_PIECE_NORMAL;
    if (length > sizeof piece)
        return fl_fail(source->error, "%s: token %d: expected at most %d bytes, not %zu",
                       source->path, id, FL_PIECE_BYTES_MAX, length);
    memcpy(piece, text, length);
    if (length == 0) { /* a gap */
        length = (size_t)snprintf(piece, sizeof piece, "[unused%d]", id);
        type = FL_PIECE_UNUSED;
    } else if (token->added) {
        type = flag_of(token->added, "special") ? FL_PIECE_CONTROL : FL_PIECE_USER_DEFINED;
    } else if (byte_fallback && fl_vocabulary_byte(text, length) >= 0) {
        type = FL_PIECE_BYTE;
    } else if (tokenizer->byte_level) {
        const long n = fl_byte_level_bytes(text, length, piece);
        type = n < 0 ? FL_PIECE_UNUSED : FL_PIECE_NORMAL; /* no bytes: never found in a text */
        length = n < 0 ? length : (size_t)n;
        if (n < 0)
            memcpy(piece, text, length);
    }
    if (tokenizer->has_spaces && type != FL_PIECE_UNUSED)
        length = fl_tokenizer_unescape(text, length, piece);
    if (id == tokenizer->unknown)
        type = FL_PIECE_UNKNOWN;
    return fl_vocabulary_add(&tokenizer->vocabulary, piece, length, (float)token->score, type,
                             source->path, source->error);
}

/* Tokens of the normalised text are looked for as the normalizer leaves them. */
static int add_added(struct fl_json_source *source, const struct token *token, int id)
{
    struct fl_tokenizer *tokenizer = source->tokenizer;
    const struct fl_stretch whole = {true, true, true};
    const struct fl_added_token added = {.id = id,
                                         .special = flag_of(token->added, "special"),
                                         .lstrip = flag_of(token->added, "lstrip"),
                                         .rstrip = flag_of(token->added, "rstrip"),
                                         .single_word = flag_of(token->added, "single_word"),
                                         .normalized = flag_of(token->added, "normalized") &&
                                                       tokenizer->normalizer.n_steps > 0};
    struct fl_text normal = {0}, scratch = {0};
    struct fl_matcher matcher;
    if (fl_matcher_open(&matcher, source->error) != FL_OK)
        return FL_FAILED;
    int status = FL_OK;
    const char *text = token->text;
    size_t length = strlen(text);
    if (added.normalized) {
        status = fl_normalizer_run(&tokenizer->normalizer, text, length, whole, &matcher, &normal,
                                   &scratch, source->error);
        text = normal.bytes;
        length = normal.n;
    }
    if (status == FL_OK && !fl_added_tokens_add(&tokenizer->added, added, text, length))
        status = fl_fail(source->error, "%s: not enough memory for the added tokens", source->path);
    fl_matcher_close(&matcher);
    fl_text_close(&normal);
    fl_text_close(&scratch);
    return status;
}

static int read_vocabulary(struct fl_json_source *source, const cJSON *vocab, const cJSON *added,
                           bool byte_fallback)
{
    struct tokens tokens;
    if (count_ids(source, vocab, added, &tokens.n) != FL_OK)
        return FL_FAILED;
    tokens.list = calloc((size_t)tokens.n, sizeof *tokens.list);
    if (!tokens.list)
        return fl_fail(source->error, "%s: not enough memory for %d tokens", source->path,
                       tokens.n);
    int status = list_vocabulary(source, &tokens, vocab);
    if (status == FL_OK)
        status = list_added(source, &tokens, added);
    for (int id = 0; id < tokens.n && status == FL_OK; id++)
        status = add_piece(source, &tokens.list[id], id, byte_fallback);
    for (int id = 0; id < tokens.n && status == FL_OK; id++)
        if (tokens.list[id].added)
            status = add_added(source, &tokens.list[id], id);
    free(tokens.list);
    return status;
}

/* ---- models ---- */

/* "left right" or ["left", "right"] */
static int read_merge(struct fl_json_source *source, const cJSON *item)
{
    struct fl_tokenizer *tokenizer = source->tokenizer;
    if (cJSON_IsString(item))
        return fl_tokenizer_add_merge(tokenizer, item->valuestring, strlen(item->valuestring),
                                      source->error);
    const cJSON *left = cJSON_GetArrayItem(item, 0), *right = cJSON_GetArrayItem(item, 1);
    if (!cJSON_IsArray(item) || !cJSON_IsString(left) || !cJSON_IsString(right))
        return fl_fail(source->error, "expected \"left right\" or [\"left\", \"right\"]");
    return fl_tokenizer_add_pair(tokenizer, left->valuestring, strlen(left->valuestring),
                                 right->valuestring, strlen(right->valuestring), source->error);
}

/* Scores that put the pieces in the order of their merges: what formats without merges need. */
static void score_merged(struct fl_tokenizer *tokenizer)
{
    const struct fl_merges *merges = &tokenizer->merges;
    struct fl_piece_entry *pieces = tokenizer->vocabulary.pieces;
    for (int id = 0; id < tokenizer->vocabulary.n_pieces; id++)
        pieces[id].score = (float)-merges->n;
    for (int rank = merges->n - 1; rank >= 0; rank--)
        pieces[merges->list[rank].merged].score = (float)-rank;
}

static int read_merges(struct fl_json_source *source, const cJSON *merges)
{
    const cJSON *item;
    int rank = 0;
    if (!cJSON_IsArray(merges))
        return fl_fail(source->error, "%s: model: merges: expected a list", source->path);
    cJSON_ArrayForEach(item, merges)
    {
        if (read_merge(source, item) != FL_OK) {
            const struct fl_error cause = *source->error;
            return fl_fail(source->error, "%s: model: merges: merge %d: %.300s", source->path, rank,
                           cause.text);
        }
        rank++;
    }
    if (!source->tokenizer->byte_level)
        score_merged(source->tokenizer);
    return FL_OK;
}

/* Words marked at their ends, as CLIP has them. */
static int refuse_affixes(const struct fl_json *json)
{
    static const char *const KEYS[] = {"continuing_subword_prefix", "end_of_word_suffix"};
    double dropout = 0;
    for (int i = 0; i < 2; i++) {
        const char *text = NULL;
        if (fl_json_string(json, KEYS[i], FL_JSON_OPTIONAL, &text) != FL_OK)
            return FL_FAILED;
        if (text && *text)
            return fl_fail(json->error, "%s: BPE: %s: not supported; expected none", json->path,
                           KEYS[i]);
    }
    if (fl_json_real(json, "dropout", FL_JSON_OPTIONAL, &dropout) != FL_OK)
        return FL_FAILED;
    return dropout == 0 ? FL_OK
                        : fl_fail(json->error, "%s: BPE: dropout: expected none", json->path);
}

/* The id of the unknown token, by its text. */
static int find_unknown(struct fl_json_source *source, const struct fl_json *json,
                        const cJSON *vocab, const cJSON *added)
{
    const char *unknown = NULL;
    const cJSON *item;
    if (fl_json_string(json, "unk_token", FL_JSON_OPTIONAL, &unknown) != FL_OK)
        return FL_FAILED;
    if (!unknown)
        return FL_OK;
    cJSON_ArrayForEach(item, vocab)
    {
        if (strcmp(item->string, unknown) == 0)
            source->tokenizer->unknown = id_of(item);
    }
    cJSON_ArrayForEach(item, added)
    {
        const cJSON *content = cJSON_GetObjectItemCaseSensitive(item, "content");
        if (cJSON_IsString(content) && strcmp(content->valuestring, unknown) == 0)
            source->tokenizer->unknown = id_of(cJSON_GetObjectItemCaseSensitive(item, "id"));
    }
    return FL_OK;
}

static int read_bpe(struct fl_json_source *source, const struct fl_json *json, const cJSON *added)
{
    struct fl_tokenizer *tokenizer = source->tokenizer;
    const cJSON *vocab, *merges;
    bool byte_fallback = false;
    if (refuse_affixes(json) != FL_OK || fl_json_find(json, "vocab", &vocab) != FL_OK ||
        fl_json_find(json, "merges", &merges) != FL_OK ||
        fl_json_bool(json, "byte_fallback", FL_JSON_OPTIONAL, &byte_fallback) != FL_OK ||
        fl_json_bool(json, "fuse_unk", FL_JSON_OPTIONAL, &tokenizer->fuse_unknown) != FL_OK ||
        fl_json_bool(json, "ignore_merges", FL_JSON_OPTIONAL, &tokenizer->whole_words) != FL_OK)
        return FL_FAILED;
    if (!cJSON_IsObject(vocab))
        return fl_fail(source->error, "%s: vocab: expected an object of tokens and ids",
                       json->path);
    tokenizer->kind = tokenizer->byte_level ? "byte-level bpe" : "bpe";
    tokenizer->model = FL_TEXT_MERGES;
    if (find_unknown(source, json, vocab, added) != FL_OK ||
        read_vocabulary(source, vocab, added, byte_fallback) != FL_OK ||
        fl_tokenizer_finish(tokenizer, source->path, source->error) != FL_OK)
        return FL_FAILED;
    return read_merges(source, merges);
}

static int read_unigram(struct fl_json_source *source, const struct fl_json *json,
                        const cJSON *added)
{
    struct fl_tokenizer *tokenizer = source->tokenizer;
    const cJSON *vocab;
    bool byte_fallback = false;
    if (fl_json_find(json, "vocab", &vocab) != FL_OK ||
        fl_json_int(json, "unk_id", FL_JSON_OPTIONAL, &tokenizer->unknown) != FL_OK ||
        fl_json_bool(json, "byte_fallback", FL_JSON_OPTIONAL, &byte_fallback) != FL_OK)
        return FL_FAILED;
    if (!cJSON_IsArray(vocab))
        return fl_fail(source->error, "%s: vocab: expected a list of tokens and scores",
                       json->path);
    const int n = cJSON_GetArraySize(vocab);
    if (tokenizer->unknown < -1 || tokenizer->unknown >= n)
        return fl_fail(source->error, "%s: unk_id: expected 0 to %d", json->path, n - 1);
    if (tokenizer->byte_level)
        return fl_fail(source->error, "%s: Unigram: not supported with ByteLevel", json->path);
    tokenizer->kind = "unigram";
    tokenizer->model = FL_TEXT_UNIGRAM;
    tokenizer->fuse_unknown = true;
    if (read_vocabulary(source, vocab, added, byte_fallback) != FL_OK)
        return FL_FAILED;
    return fl_tokenizer_finish(tokenizer, source->path, source->error);
}

/* ---- what is put around a text ---- */

static int add_around(struct fl_json_source *source, const struct fl_json *json, bool behind,
                      const cJSON *id)
{
    struct fl_tokenizer *tokenizer = source->tokenizer;
    int *n = behind ? &tokenizer->n_behind : &tokenizer->n_before;
    if (id_of(id) < 0 || id_of(id) >= tokenizer->n_ids)
        return fl_fail(json->error, "%s: expected ids of tokens from 0 to %d", json->path,
                       tokenizer->n_ids - 1);
    if (*n == FL_AROUND_MAX)
        return fl_fail(json->error, "%s: expected at most %d ids around a text", json->path,
                       FL_AROUND_MAX);
    (behind ? tokenizer->behind : tokenizer->before)[(*n)++] = id_of(id);
    return FL_OK;
}

/* A list of {"SpecialToken": {"id": name}} and {"Sequence": ...}; names stand for ids in
 * special_tokens. */
static int read_template(struct fl_json_source *source, const struct fl_json *json)
{
    const cJSON *single, *names, *item, *id;
    bool behind = false;
    if (fl_json_find(json, "single", &single) != FL_OK ||
        fl_json_find(json, "special_tokens", &names) != FL_OK)
        return FL_FAILED;
    if (!cJSON_IsArray(single))
        return fl_fail(json->error, "%s: single: expected a list", json->path);
    cJSON_ArrayForEach(item, single)
    {
        if (cJSON_GetObjectItemCaseSensitive(item, "Sequence")) {
            behind = true;
            continue;
        }
        const cJSON *name = cJSON_GetObjectItemCaseSensitive(
            cJSON_GetObjectItemCaseSensitive(item, "SpecialToken"), "id");
        const cJSON *ids =
            cJSON_IsString(name)
                ? cJSON_GetObjectItemCaseSensitive(
                      cJSON_GetObjectItemCaseSensitive(names, name->valuestring), "ids")
                : NULL;
        if (!cJSON_IsArray(ids))
            return fl_fail(json->error, "%s: single: expected special tokens with their ids",
                           json->path);
        cJSON_ArrayForEach(id, ids)
        {
            if (add_around(source, json, behind, id) != FL_OK)
                return FL_FAILED;
        }
    }
    return FL_OK;
}

/* "cls": ["<s>", 0] in front, "sep": ["</s>", 2] behind */
static int read_cls_sep(struct fl_json_source *source, const struct fl_json *json)
{
    static const char *const KEYS[] = {"cls", "sep"};
    for (int i = 0; i < 2; i++) {
        const cJSON *item;
        if (fl_json_find(json, KEYS[i], &item) != FL_OK)
            return FL_FAILED;
        if (add_around(source, json, i == 1, cJSON_GetArrayItem(item, 1)) != FL_OK)
            return FL_FAILED;
    }
    return FL_OK;
}

static int read_nothing(struct fl_json_source *source, const struct fl_json *json)
{
    (void)source;
    (void)json;
    return FL_OK;
}

static int read_post_processor(struct fl_json_source *source, const cJSON *item)
{
    static const struct fl_json_part_kind KINDS[] = {
        {"TemplateProcessing", read_template},
        {"RobertaProcessing", read_cls_sep},
        {"BertProcessing", read_cls_sep},
        {"ByteLevel", read_nothing}, /* offsets only */
        {NULL, NULL},
    };
    return fl_json_read_parts(source, item, "post_processor", "processors", KINDS);
}

/* bos and eos as tokenizer_config.json names them, or else what is put around a text. */
static int read_ends(struct fl_json_source *source)
{
    struct fl_tokenizer *tokenizer = source->tokenizer;
    if (tokenizer->n_before > 0)
        tokenizer->bos = tokenizer->before[0];
    if (tokenizer->n_behind > 0)
        tokenizer->eos = tokenizer->behind[0];
    return fl_tokenizer_read_config(tokenizer, source->path, false, source->error);
}

/* ---- the file ---- */

/* Whether the normalizer or the pre-tokenizer writes U+2581. */
static bool mentions_spaces(const cJSON *item)
{
    const cJSON *child;
    if (cJSON_IsString(item))
        return strcmp(item->valuestring, FL_WRITTEN_SPACE) == 0 ||
               (item->string && strcmp(item->string, "type") == 0 &&
                strcmp(item->valuestring, "Metaspace") == 0);
    cJSON_ArrayForEach(child, item)
    {
        if (mentions_spaces(child))
            return true;
    }
    return false;
}

/* The name that GGUF has for these steps, if there is one. */
static const char *name_of(const struct fl_json_source *source)
{
    const struct fl_byte_pattern *pattern = source->pattern;
    if (!source->tokenizer->byte_level || source->is_other || !pattern)
        return NULL;
    if (source->digits_first)
        pattern = strcmp(pattern->name, "gpt-2") == 0 ? fl_byte_pattern_find("starcoder", 9) : NULL;
    return pattern && pattern->whole_words == source->tokenizer->whole_words ? pattern->name : NULL;
}

static int read_model(struct fl_json_source *source, const cJSON *model, const cJSON *added)
{
    char where[300];
    const char *type = NULL;
    snprintf(where, sizeof where, "%.200s: model", source->path);
    const struct fl_json json = fl_json_part(source, model, where);
    if (fl_json_string(&json, "type", FL_JSON_OPTIONAL, &type) != FL_OK)
        return FL_FAILED;
    if (!type) /* older files leave it out */
        type = cJSON_GetObjectItemCaseSensitive(model, "merges") ? "BPE" : "without a type";
    if (strcmp(type, "BPE") == 0)
        return read_bpe(source, &json, added);
    if (strcmp(type, "Unigram") == 0)
        return read_unigram(source, &json, added);
    return fl_fail(source->error, "%s: %.60s: not supported; expected BPE or Unigram", where, type);
}

static int read_root(struct fl_json_source *source, const cJSON *root)
{
    const struct fl_json json = fl_json_part(source, root, source->path);
    struct fl_tokenizer *tokenizer = source->tokenizer;
    const cJSON *model, *added, *normalizer, *pre_tokenizer, *post_processor;
    if (fl_json_find(&json, "model", &model) != FL_OK ||
        fl_json_find(&json, "added_tokens", &added) != FL_OK ||
        fl_json_find(&json, "normalizer", &normalizer) != FL_OK ||
        fl_json_find(&json, "pre_tokenizer", &pre_tokenizer) != FL_OK ||
        fl_json_find(&json, "post_processor", &post_processor) != FL_OK)
        return FL_FAILED;
    if (!cJSON_IsObject(model))
        return fl_fail(source->error, "%s: model: expected an object: is this a tokenizer.json?",
                       source->path);
    if (added && !cJSON_IsArray(added))
        return fl_fail(source->error, "%s: added_tokens: expected a list", source->path);
    tokenizer->has_spaces = mentions_spaces(normalizer) || mentions_spaces(pre_tokenizer);
    tokenizer->all_added = true;
    if (fl_json_read_normalizer(source, normalizer) != FL_OK ||
        fl_json_read_pre_tokenizer(source, pre_tokenizer) != FL_OK ||
        read_model(source, model, added) != FL_OK ||
        (tokenizer->has_spaces &&
         fl_tokenizer_use_written_space(tokenizer, source->path, source->error) != FL_OK) ||
        read_post_processor(source, post_processor) != FL_OK)
        return FL_FAILED;
    tokenizer->pre = name_of(source);
    return read_ends(source);
}

int fl_tokenizer_read_json(struct fl_tokenizer *tokenizer, const char *path, struct fl_error *error)
{
    struct fl_json_source source = {.tokenizer = tokenizer, .path = path, .error = error};
    cJSON *root;
    if (fl_json_read(&root, path, FL_HF_FILE_MAX, error) != FL_OK)
        return FL_FAILED;
    const int status = read_root(&source, root);
    cJSON_Delete(root);
    return status;
}
