/* tokenizer_sentencepiece.c - sentencepiece's own files (tokenizer.model, spiece.model): a
 * ModelProto message of protocol buffers.
 *
 * Source: github.com/google/sentencepiece, src/sentencepiece_model.proto, and
 * protobuf.dev/programming-guides/encoding. Of the fields those are read that decide how a text is
 * encoded; the others are passed over. Nesting is two levels, so nothing here recurses. */
#include "base/file.h"
#include "text/tokenizer_config.h"

#include <stdio.h>
#include <string.h>

/* ---- the encoding ---- */

struct message {
    const unsigned char *at, *end;
};

enum wire { WIRE_VARINT = 0, WIRE_8 = 1, WIRE_BYTES = 2, WIRE_4 = 5 };

struct field {
    uint64_t number;
    enum wire wire;
    uint64_t value;       /* of a varint; the bits of 4 or 8 bytes */
    struct message bytes; /* of WIRE_BYTES */
};

static bool next_varint(struct message *message, uint64_t *value)
{
    *value = 0;
    for (int shift = 0; shift < 64 && message->at < message->end; shift += 7) {
        const unsigned char byte = *message->at++;
        *value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return true;
    }
    return false;
}

static bool next_fixed(struct message *message, uint64_t *value, size_t n)
{
    *value = 0;
    if ((size_t)(message->end - message->at) < n)
        return false;
    memcpy(value, message->at, n);
    message->at += n;
    return true;
}

/* False when the message is damaged here. There must be bytes left. */
static bool next_field(struct message *message, struct field *field)
{
    uint64_t tag, length;
    if (!next_varint(message, &tag))
        return false;
    field->number = tag >> 3;
    field->wire = (enum wire)(tag & 7);
    switch (field->wire) {
    case WIRE_VARINT:
        return next_varint(message, &field->value);
    case WIRE_8:
        return next_fixed(message, &field->value, 8);
    case WIRE_4:
        return next_fixed(message, &field->value, 4);
    case WIRE_BYTES:
        if (!next_varint(message, &length) || length > (uint64_t)(message->end - message->at))
            return false;
        field->bytes = (struct message){message->at, message->at + length};
        message->at += length;
        return true;
    default:
        return false; /* groups, which sentencepiece has none of */
    }
}

/* ---- the model ---- */

enum { MODEL_UNIGRAM = 1, MODEL_BPE = 2 };

/* With the defaults of the .proto. */
struct model {
    uint64_t model_type, suffix_space;
    int64_t ids[4]; /* unknown, bos, eos, pad */
    uint64_t add_prefix, collapse, escape;
    struct message charsmap;
};

static const struct model DEFAULTS = {
    .model_type = MODEL_UNIGRAM, .ids = {0, 1, 2, -1}, .add_prefix = 1, .collapse = 1, .escape = 1};

static int damaged(const char *path, const char *what, struct fl_error *error)
{
    return fl_fail(error, "%s: %s: damaged: is this a sentencepiece model?", path, what);
}

static int read_trainer(struct model *model, struct message message, const char *path,
                        struct fl_error *error)
{
    struct field field;
    while (message.at < message.end) {
        if (!next_field(&message, &field))
            return damaged(path, "trainer_spec", error);
        if (field.wire != WIRE_VARINT)
            continue;
        if (field.number == 3)
            model->model_type = field.value;
        else if (field.number == 24)
            model->suffix_space = field.value;
        else if (field.number >= 40 && field.number <= 43)
            model->ids[field.number - 40] = (int32_t)field.value;
    }
    return FL_OK;
}

static int read_normalizer(struct model *model, struct message message, const char *path,
                           struct fl_error *error)
{
    struct field field;
    while (message.at < message.end) {
        if (!next_field(&message, &field))
            return damaged(path, "normalizer_spec", error);
        if (field.number == 2 && field.wire == WIRE_BYTES)
            model->charsmap = field.bytes;
        if (field.wire != WIRE_VARINT)
            continue;
        if (field.number == 3)
            model->add_prefix = field.value;
        else if (field.number == 4)
            model->collapse = field.value;
        else if (field.number == 5)
            model->escape = field.value;
    }
    return FL_OK;
}

static int read_piece(struct fl_tokenizer *tokenizer, struct message message, const char *path,
                      struct fl_error *error)
{
    struct field field;
    struct message text = {0};
    char piece[FL_WRITTEN_MAX];
    float score = 0;
    uint64_t type = FL_PIECE_NORMAL;
    const int id = tokenizer->vocabulary.n_pieces;
    while (message.at < message.end) {
        if (!next_field(&message, &field))
            return fl_fail(error, "%s: piece %d: damaged: is this a sentencepiece model?", path,
                           id);
        if (field.number == 1 && field.wire == WIRE_BYTES)
            text = field.bytes;
        else if (field.number == 2 && field.wire == WIRE_4)
            memcpy(&score, &field.value, sizeof score);
        else if (field.number == 3 && field.wire == WIRE_VARINT)
            type = field.value;
    }
    size_t length = (size_t)(text.end - text.at);
    if (length <= sizeof piece)
        length = fl_tokenizer_unescape((const char *)text.at, length, piece);
    if (type > FL_PIECE_BYTE)
        type = 0; /* refused, with the token's number */
    return fl_vocabulary_add(&tokenizer->vocabulary, piece, length, score, (int)type, path, error);
}

static int read_model(struct fl_tokenizer *tokenizer, struct model *model, struct message message,
                      const char *path, struct fl_error *error)
{
    struct field field;
    int status = FL_OK;
    *model = DEFAULTS;
    while (status == FL_OK && message.at < message.end) {
        if (!next_field(&message, &field))
            return damaged(path, "message", error);
        if (field.wire != WIRE_BYTES)
            continue;
        if (field.number == 1)
            status = read_piece(tokenizer, field.bytes, path, error);
        else if (field.number == 2)
            status = read_trainer(model, field.bytes, path, error);
        else if (field.number == 3)
            status = read_normalizer(model, field.bytes, path, error);
    }
    if (status == FL_OK && tokenizer->vocabulary.n_pieces == 0)
        status = fl_fail(error, "%s: expected pieces: is this a sentencepiece model?", path);
    return status;
}

/* ---- what is done with it ---- */

/* An id counts when the piece there is of its kind: models without one leave the default. */
static int id_of(const struct fl_tokenizer *tokenizer, int64_t id, int type)
{
    const struct fl_vocabulary *vocabulary = &tokenizer->vocabulary;
    return id >= 0 && id < vocabulary->n_pieces && vocabulary->pieces[id].type == type ? (int)id
                                                                                       : -1;
}

/* sentencepiece itself adds no ids around a text; models do as their families: <s> in front of BPE
 * (Llama), </s> behind unigram (T5). */
static void use_ids(struct fl_tokenizer *tokenizer, const struct model *model)
{
    const bool is_unigram = model->model_type == MODEL_UNIGRAM;
    tokenizer->unknown = id_of(tokenizer, model->ids[0], FL_PIECE_UNKNOWN);
    tokenizer->bos = id_of(tokenizer, model->ids[1], FL_PIECE_CONTROL);
    tokenizer->eos = id_of(tokenizer, model->ids[2], FL_PIECE_CONTROL);
    tokenizer->pad = id_of(tokenizer, model->ids[3], FL_PIECE_CONTROL);
    for (int id = 0; tokenizer->unknown < 0 && id < tokenizer->vocabulary.n_pieces; id++)
        tokenizer->unknown = id_of(tokenizer, id, FL_PIECE_UNKNOWN);
    fl_tokenizer_use_ends(tokenizer, !is_unigram, is_unigram);
}

static int use_model(struct fl_tokenizer *tokenizer, const struct model *model, const char *path,
                     struct fl_error *error)
{
    char where[300];
    const size_t charsmap_size = (size_t)(model->charsmap.end - model->charsmap.at);
    if (model->model_type != MODEL_UNIGRAM && model->model_type != MODEL_BPE)
        return fl_fail(error,
                       "%s: trainer_spec: model_type: expected 1 (unigram) or 2 (BPE), not %llu",
                       path, (unsigned long long)model->model_type);
    if (model->suffix_space)
        return fl_fail(error,
                       "%s: trainer_spec: treat_whitespace_as_suffix: expected false: spaces "
                       "behind words are not supported",
                       path);
    const bool is_unigram = model->model_type == MODEL_UNIGRAM;
    tokenizer->kind = is_unigram ? "unigram" : "bpe";
    tokenizer->model = is_unigram ? FL_TEXT_UNIGRAM : FL_TEXT_SCORES;
    tokenizer->has_spaces = model->escape != 0;
    tokenizer->fuse_unknown = tokenizer->single_precision = true;
    use_ids(tokenizer, model);
    snprintf(where, sizeof where, "%.200s: precompiled_charsmap", path);
    if (charsmap_size > 0 && fl_tokenizer_use_charsmap(tokenizer, model->charsmap.at, charsmap_size,
                                                       where, error) != FL_OK)
        return FL_FAILED;
    if (model->collapse && fl_normalizer_add(&tokenizer->normalizer,
                                             (struct fl_normal_step){.kind = FL_NORMAL_COLLAPSE},
                                             path, error) != FL_OK)
        return FL_FAILED;
    if (fl_tokenizer_use_written_space(tokenizer, path, error) != FL_OK)
        return FL_FAILED;
    return fl_tokenizer_use_space(tokenizer, model->add_prefix ? FL_SPACE_FIRST : FL_SPACE_NONE,
                                  path, error);
}

int fl_tokenizer_read_sentencepiece(struct fl_tokenizer *tokenizer, const char *path,
                                    struct fl_error *error)
{
    struct fl_mapping mapping;
    struct model model;
    if (fl_file_map(&mapping, path, error) != FL_OK)
        return FL_FAILED;
    const unsigned char *data = mapping.data;
    const struct message message = {data, data + mapping.size};
    int status = read_model(tokenizer, &model, message, path, error);
    if (status == FL_OK)
        status = use_model(tokenizer, &model, path, error);
    if (status == FL_OK)
        status = fl_tokenizer_finish(tokenizer, path, error);
    if (status == FL_OK)
        status = fl_tokenizer_read_config(tokenizer, path, true, error);
    fl_file_unmap(&mapping);
    return status;
}
