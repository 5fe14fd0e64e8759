/* tokenizer_llama2c.c - llama2.c's tokenizer.bin. */
#include "base/file.h"
#include "text/tokenizer_internal.h"

#include <string.h>

struct reader {
    const unsigned char *at;
    size_t left;
};

static bool read_bytes(struct reader *reader, void *out, size_t n)
{
    if (reader->left < n)
        return false;
    memcpy(out, reader->at, n);
    reader->at += n;
    reader->left -= n;
    return true;
}

static int llama2c_type(int id, const char *text, size_t length)
{
    if (id == 0)
        return FL_PIECE_UNKNOWN;
    if (id <= 2)
        return FL_PIECE_CONTROL;
    return length == 6 && memcmp(text, "<0x", 3) == 0 && text[5] == '>' ? FL_PIECE_BYTE
                                                                        : FL_PIECE_NORMAL;
}

static int read_llama2c_piece(struct fl_tokenizer *tokenizer, struct reader *reader,
                              int32_t longest, const char *path, struct fl_error *error)
{
    float score;
    int32_t length;
    int id = tokenizer->vocabulary.n_pieces;
    if (!read_bytes(reader, &score, sizeof score) || !read_bytes(reader, &length, sizeof length))
        return fl_fail(error, "%s: token %d: the file ends inside its score or length", path, id);
    if (length < 1 || length > longest)
        return fl_fail(error, "%s: token %d: length: expected 1 to max_token_length %d, not %d",
                       path, id, (int)longest, (int)length);
    if ((size_t)length > reader->left)
        return fl_fail(error, "%s: token %d: expected %d bytes, the file ends after %zu", path, id,
                       (int)length, reader->left);
    const char *text = (const char *)reader->at;
    reader->at += length;
    reader->left -= (size_t)length;
    return fl_vocabulary_add(&tokenizer->vocabulary, text, (size_t)length, score,
                             llama2c_type(id, text, (size_t)length), path, error);
}

int fl_tokenizer_read_llama2c(struct fl_tokenizer *tokenizer, const char *path,
                              struct fl_error *error)
{
    struct fl_mapping mapping;
    if (fl_file_map(&mapping, path, error) != FL_OK)
        return FL_FAILED;
    struct reader reader = {mapping.data, mapping.size};
    int32_t longest = 0;
    int status = FL_OK;
    if (!read_bytes(&reader, &longest, sizeof longest) || longest < 1 ||
        longest > FL_PIECE_BYTES_MAX)
        status = fl_fail(error,
                         "%s: max_token_length: expected 1 to %d in the first four bytes: is this "
                         "a llama2.c tokenizer?",
                         path, FL_PIECE_BYTES_MAX);
    while (status == FL_OK && reader.left > 0)
        status = read_llama2c_piece(tokenizer, &reader, longest, path, error);
    fl_file_unmap(&mapping);
    if (status == FL_OK && tokenizer->vocabulary.n_pieces < 4)
        status = fl_fail(error, "%s: expected tokens behind <unk>, <s> and </s>", path);
    tokenizer->kind = "llama2.c";
    tokenizer->model = FL_TEXT_SCORES;
    tokenizer->has_spaces = true;
    tokenizer->unknown = 0;
    tokenizer->fuse_unknown = true;
    tokenizer->bos = 1;
    tokenizer->eos = 2;
    tokenizer->frozen_unknown = true;
    tokenizer->all_ids = true;
    fl_tokenizer_use_ends(tokenizer, true, false);
    if (status == FL_OK)
        status = fl_tokenizer_use_written_space(tokenizer, path, error);
    if (status == FL_OK)
        status = fl_tokenizer_use_space(tokenizer, FL_SPACE_EACH, path, error);
    return status == FL_OK ? fl_tokenizer_finish(tokenizer, path, error) : FL_FAILED;
}
