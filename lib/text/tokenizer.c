#include "base/file.h"
#include "base/utf8.h"
#include "model/gguf.h"
#include "text/tokenizer_internal.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { N_BYTES = 256 };

/* ---- opening ---- */

static int open_bytes(struct fl_tokenizer *tokenizer, const char *model_spec, int vocab_size,
                      struct fl_error *error)
{
    tokenizer->kind = "bytes";
    tokenizer->n_ids = N_BYTES;
    if (vocab_size < N_BYTES)
        return fl_fail(error,
                       "%s: the byte tokenizer needs a vocabulary of at least 256 ids, the model "
                       "has %d",
                       model_spec, vocab_size);
    return FL_OK;
}

/* What lies beside tokenizers; any other name may be llama2.c's. */
static bool is_something_else(const char *path)
{
    static const char *const ENDS[] = {".txt", ".bpe", ".vocab", ".safetensors"};
    for (size_t i = 0; i < sizeof ENDS / sizeof *ENDS; i++)
        if (fl_tokenizer_ends_with(path, ENDS[i]))
            return fl_file_exists(path);
    return false;
}

static int fail_unknown_file(const char *path, struct fl_error *error)
{
    if (fl_tokenizer_ends_with(path, "merges.txt") || fl_tokenizer_ends_with(path, ".bpe"))
        return fl_fail(error,
                       "%s: expected the vocabulary, vocab.json or encoder.json, which finds these "
                       "merges beside it",
                       path);
    return fl_fail(
        error,
        "%s: expected a GGUF file, tokenizer.json, vocab.json, a sentencepiece .model or "
        "llama2.c's tokenizer.bin",
        path);
}

static int open_file(struct fl_tokenizer *tokenizer, const char *path, int vocab_size,
                     struct fl_error *error)
{
    int status;
    if (fl_gguf_is(path))
        status = fl_tokenizer_read_gguf(tokenizer, path, error);
    else if (fl_tokenizer_is_hf(path))
        status = fl_tokenizer_read_hf(tokenizer, path, error);
    else if (fl_tokenizer_ends_with(path, ".json"))
        status = fl_tokenizer_read_json(tokenizer, path, error);
    else if (fl_tokenizer_ends_with(path, ".model"))
        status = fl_tokenizer_read_sentencepiece(tokenizer, path, error);
    else {
        status = fl_tokenizer_read_llama2c(tokenizer, path, error);
        if (status != FL_OK && is_something_else(path))
            status = fail_unknown_file(path, error);
    }
    if (status != FL_OK)
        return FL_FAILED;
    if (tokenizer->n_ids > vocab_size)
        return fl_fail(error, "%s: expected at most the model's %d tokens, found %d", path,
                       vocab_size, tokenizer->n_ids);
    if (tokenizer->all_ids && vocab_size != INT_MAX && tokenizer->n_ids < vocab_size)
        return fl_fail(error, "%s: expected the model's %d tokens, found %d", path, vocab_size,
                       tokenizer->n_ids);
    return FL_OK;
}

int fl_tokenizer_open(struct fl_tokenizer **tokenizer, const char *model_spec, const char *path,
                      int vocab_size, struct fl_error *error)
{
    char found[4096];
    *tokenizer = NULL;
    if (path && fl_file_is_directory(path)) {
        if (fl_tokenizer_find(found, sizeof found, path, error) != FL_OK)
            return FL_FAILED;
        path = found;
    } else if (path && strcmp(path, "bytes") == 0)
        found[0] = '\0';
    else if (!path && fl_tokenizer_find(found, sizeof found, model_spec, error) != FL_OK)
        return FL_FAILED;
    struct fl_tokenizer *opened = calloc(1, sizeof *opened);
    if (!opened)
        return fl_fail(error, "%s: not enough memory for a tokenizer", model_spec);
    opened->bos = opened->eos = opened->unknown = opened->pad = -1;
    const char *file = path && strcmp(path, "bytes") != 0 ? path : found;
    int status = *file ? open_file(opened, file, vocab_size, error)
                       : open_bytes(opened, model_spec, vocab_size, error);
    if (status != FL_OK) {
        fl_tokenizer_close(opened);
        return FL_FAILED;
    }
    *tokenizer = opened;
    return FL_OK;
}

void fl_tokenizer_close(struct fl_tokenizer *tokenizer)
{
    if (!tokenizer)
        return;
    fl_added_tokens_close(&tokenizer->added);
    fl_normalizer_close(&tokenizer->normalizer);
    fl_splitter_close(&tokenizer->splitter);
    fl_unigram_close(&tokenizer->unigram);
    fl_merges_close(&tokenizer->merges);
    fl_vocabulary_close(&tokenizer->vocabulary);
    free(tokenizer->chat_template);
    free(tokenizer);
}

int fl_tokenizer_vocab_size(const struct fl_tokenizer *tokenizer)
{
    return tokenizer->n_ids;
}

int fl_tokenizer_bos(const struct fl_tokenizer *tokenizer)
{
    return tokenizer->bos;
}

int fl_tokenizer_eos(const struct fl_tokenizer *tokenizer)
{
    return tokenizer->eos;
}

bool fl_tokenizer_ends(const struct fl_tokenizer *tokenizer, int id)
{
    for (int i = 0; i < tokenizer->n_ends; i++)
        if (tokenizer->ends[i] == id)
            return true;
    return id >= 0 && id == tokenizer->eos;
}

const char *fl_tokenizer_chat_template(const struct fl_tokenizer *tokenizer)
{
    return tokenizer->chat_template;
}

const char *fl_tokenizer_kind(const struct fl_tokenizer *tokenizer)
{
    return tokenizer->kind;
}

/* ---- decoding ---- */

/* The bytes an id stands for; at most FL_PIECE_BYTES_MAX. at_start: what comes is the start of a
 * stretch of text, whose first space is the one that encoding added. */
static size_t piece_bytes(const struct fl_tokenizer *tokenizer, int id, bool *at_start,
                          char out[FL_PIECE_BYTES_MAX])
{
    if (id < 0 || id >= tokenizer->n_ids)
        return 0;
    if (tokenizer->model == FL_TEXT_BYTES) {
        out[0] = (char)id;
        return 1;
    }
    const struct fl_piece_entry *piece = &tokenizer->vocabulary.pieces[id];
    const bool is_added = piece->type == FL_PIECE_CONTROL || piece->type == FL_PIECE_USER_DEFINED;
    const bool drop_space =
        *at_start && tokenizer->space != FL_SPACE_NONE && piece->type != FL_PIECE_USER_DEFINED;
    if (tokenizer->space == FL_SPACE_EACH || piece->type != FL_PIECE_CONTROL)
        *at_start = is_added && tokenizer->space == FL_SPACE_EACH;
    if (piece->type == FL_PIECE_CONTROL)
        return 0;
    if (piece->type == FL_PIECE_BYTE) {
        out[0] = (char)piece->byte;
        return drop_space && out[0] == ' ' ? 0 : 1;
    }
    size_t length;
    const char *text = fl_vocabulary_text(&tokenizer->vocabulary, id, &length);
    if (drop_space && text[0] == ' ') {
        text++;
        length--;
    }
    memcpy(out, text, length);
    return length;
}

int fl_tokenizer_decode(const struct fl_tokenizer *tokenizer, const int *ids, size_t n_ids,
                        char **text, size_t *length, struct fl_error *error)
{
    size_t used = 0, capacity = 4 * n_ids + FL_PIECE_BYTES_MAX + 1;
    char *out = malloc(capacity);
    bool at_start = true;
    for (size_t i = 0; out && i < n_ids; i++) {
        if (capacity - used <= FL_PIECE_BYTES_MAX) {
            capacity *= 2;
            char *larger = realloc(out, capacity);
            if (!larger)
                free(out);
            out = larger;
        }
        if (out)
            used += piece_bytes(tokenizer, ids[i], &at_start, out + used);
    }
    if (!out)
        return fl_fail(error, "text: not enough memory to decode %zu ids", n_ids);
    out[used] = '\0';
    *text = out;
    *length = used;
    return FL_OK;
}

int fl_tokenizer_piece(const struct fl_tokenizer *tokenizer, int id, char **piece, size_t *length,
                       struct fl_error *error)
{
    char byte = (char)id;
    const char *text = &byte;
    *length = 1;
    if (id < 0 || id >= tokenizer->n_ids)
        return fl_fail(error, "token %d: expected an id of 0 to %d", id, tokenizer->n_ids - 1);
    if (tokenizer->model != FL_TEXT_BYTES)
        text = fl_vocabulary_text(&tokenizer->vocabulary, id, length);
    *piece = malloc(*length + 1);
    if (!*piece)
        return fl_fail(error, "token %d: not enough memory to show it", id);
    memcpy(*piece, text, *length);
    (*piece)[*length] = '\0';
    return FL_OK;
}

/* ---- streaming ---- */

void fl_stream_start(struct fl_stream *stream, const struct fl_tokenizer *tokenizer)
{
    *stream = (struct fl_stream){.tokenizer = tokenizer, .at_start = true};
}

const char *fl_stream_push(struct fl_stream *stream, int id, size_t *length)
{
    /* at most 3 bytes are ever held back, so a whole piece always fits */
    stream->n_pending +=
        piece_bytes(stream->tokenizer, id, &stream->at_start, stream->pending + stream->n_pending);
    size_t held = fl_utf8_unfinished(stream->pending, stream->n_pending);
    *length = stream->n_pending - held;
    memcpy(stream->ready, stream->pending, *length);
    memmove(stream->pending, stream->pending + *length, held);
    stream->n_pending = held;
    return stream->ready;
}

const char *fl_stream_flush(struct fl_stream *stream, size_t *length)
{
    *length = stream->n_pending;
    memcpy(stream->ready, stream->pending, *length);
    stream->n_pending = 0;
    return stream->ready;
}
