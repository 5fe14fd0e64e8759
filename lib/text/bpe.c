#include "text/bpe.h"
#include "base/checked.h"
#include "text/utf8.h"

#include <stdlib.h>

bool fl_ids_push(struct fl_ids *ids, int id)
{
    if (ids->n == ids->capacity) {
        size_t capacity = ids->capacity ? 2 * ids->capacity : 64, bytes;
        if (!fl_size_mul(capacity, sizeof *ids->ids, &bytes))
            return false;
        int *larger = realloc(ids->ids, bytes);
        if (!larger)
            return false;
        ids->ids = larger;
        ids->capacity = capacity;
    }
    ids->ids[ids->n++] = id;
    return true;
}

/* A stretch of the text that is one piece, or an uncovered character. */
struct symbol {
    const char *text;
    uint32_t length;    /* 0: merged into its left neighbour */
    int previous, next; /* -1: none */
    int id;             /* -1: no piece has this text */
};

/* Two neighbours that would form a piece. Stale when one of them has changed since. */
struct candidate {
    float score;
    int left, right, id;
    uint32_t length; /* of both together, to notice a change */
};

struct merge {
    const struct fl_vocabulary *vocabulary;
    const struct fl_merges *merges; /* NULL: characters, by score */
    bool frozen_unknown;
    struct symbol *symbols;
    int n_symbols;
    struct candidate *heap; /* the best first */
    size_t n_heap, heap_capacity;
};

static bool comes_before(const struct candidate *a, const struct candidate *b)
{
    return a->score > b->score || (a->score == b->score && a->left < b->left);
}

static bool heap_push(struct merge *merge, struct candidate candidate)
{
    if (merge->n_heap == merge->heap_capacity) {
        size_t capacity = merge->heap_capacity ? 2 * merge->heap_capacity : 64, bytes;
        if (!fl_size_mul(capacity, sizeof *merge->heap, &bytes))
            return false;
        struct candidate *larger = realloc(merge->heap, bytes);
        if (!larger)
            return false;
        merge->heap = larger;
        merge->heap_capacity = capacity;
    }
    size_t i = merge->n_heap++;
    for (; i > 0 && comes_before(&candidate, &merge->heap[(i - 1) / 2]); i = (i - 1) / 2)
        merge->heap[i] = merge->heap[(i - 1) / 2];
    merge->heap[i] = candidate;
    return true;
}

static struct candidate heap_pop(struct merge *merge)
{
    struct candidate top = merge->heap[0], last = merge->heap[--merge->n_heap];
    size_t i = 0, n = merge->n_heap;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= n)
            break;
        if (child + 1 < n && comes_before(&merge->heap[child + 1], &merge->heap[child]))
            child++;
        if (!comes_before(&merge->heap[child], &last))
            break;
        merge->heap[i] = merge->heap[child];
        i = child;
    }
    if (n > 0)
        merge->heap[i] = last;
    return top;
}

static bool consider(struct merge *merge, int left, int right)
{
    if (left < 0 || right < 0)
        return true;
    const struct symbol *a = &merge->symbols[left], *b = &merge->symbols[right];
    if (merge->frozen_unknown && (a->id < 0 || b->id < 0))
        return true;
    uint32_t length = a->length + b->length;
    if (merge->merges) {
        int merged, rank = fl_merges_rank(merge->merges, a->id, b->id, &merged);
        return rank < 0 ||
               heap_push(merge, (struct candidate){-(float)rank, left, right, merged, length});
    }
    int id = fl_vocabulary_find(merge->vocabulary, a->text, length);
    if (id < 0)
        return true;
    return heap_push(
        merge, (struct candidate){merge->vocabulary->pieces[id].score, left, right, id, length});
}

static bool split(struct merge *merge, const char *text, size_t length)
{
    size_t bytes;
    if (!fl_size_mul(length, sizeof *merge->symbols, &bytes))
        return false;
    merge->symbols = malloc(bytes);
    if (!merge->symbols)
        return false;
    for (size_t at = 0; at < length;) {
        size_t n = merge->merges ? 1 : fl_utf8_length(text + at, length - at);
        int index = merge->n_symbols++;
        merge->symbols[index] = (struct symbol){
            .text = text + at,
            .length = (uint32_t)n,
            .previous = index - 1,
            .next = index + 1,
            .id = fl_vocabulary_find(merge->vocabulary, text + at, n),
        };
        at += n;
    }
    merge->symbols[merge->n_symbols - 1].next = -1;
    return true;
}

static bool merge_all(struct merge *merge)
{
    for (int i = 0; i + 1 < merge->n_symbols; i++)
        if (!consider(merge, i, i + 1))
            return false;
    while (merge->n_heap > 0) {
        struct candidate best = heap_pop(merge);
        struct symbol *left = &merge->symbols[best.left], *right = &merge->symbols[best.right];
        if (left->length == 0 || right->length == 0 || left->next != best.right ||
            left->length + right->length != best.length)
            continue;
        left->length = best.length;
        left->id = best.id;
        left->next = right->next;
        right->length = 0;
        if (left->next >= 0)
            merge->symbols[left->next].previous = best.left;
        if (!consider(merge, left->previous, best.left) || !consider(merge, best.left, left->next))
            return false;
    }
    return true;
}

static bool has_bytes(const struct merge *merge, const struct symbol *symbol)
{
    for (uint32_t i = 0; i < symbol->length; i++)
        if (merge->vocabulary->byte_ids[(unsigned char)symbol->text[i]] < 0)
            return false;
    return true;
}

static bool push_bytes(const struct merge *merge, const struct symbol *symbol, struct fl_ids *out)
{
    for (uint32_t i = 0; i < symbol->length; i++)
        if (!fl_ids_push(out, merge->vocabulary->byte_ids[(unsigned char)symbol->text[i]]))
            return false;
    return true;
}

static int push_symbols(const struct merge *merge, int unknown_id, struct fl_ids *out,
                        struct fl_error *error)
{
    bool in_unknown = false;
    for (int i = 0; i >= 0; i = merge->symbols[i].next) {
        const struct symbol *symbol = &merge->symbols[i];
        bool unknown = symbol->id < 0 && !has_bytes(merge, symbol), good = true;
        if (unknown && unknown_id < 0)
            return fl_fail(error,
                           "text: the vocabulary has neither a token for '%.*s' nor one for what "
                           "is unknown",
                           (int)symbol->length, symbol->text);
        if (symbol->id >= 0)
            good = fl_ids_push(out, symbol->id);
        else if (!unknown)
            good = push_bytes(merge, symbol, out);
        else if (!in_unknown)
            good = fl_ids_push(out, unknown_id);
        if (!good)
            return fl_fail(error, "text: not enough memory for its ids");
        in_unknown = unknown;
    }
    return FL_OK;
}

static int encode(struct merge merge, const char *text, size_t length, int unknown_id,
                  struct fl_ids *out, struct fl_error *error)
{
    if (length == 0)
        return FL_OK;
    if (length > INT32_MAX)
        return fl_fail(error, "text: expected at most %d bytes, not %zu", INT32_MAX, length);
    int status = FL_OK;
    if (!split(&merge, text, length) || !merge_all(&merge))
        status = fl_fail(error, "text: not enough memory to encode %zu bytes", length);
    else
        status = push_symbols(&merge, unknown_id, out, error);
    free(merge.symbols);
    free(merge.heap);
    return status;
}

int fl_bpe_encode(const struct fl_vocabulary *vocabulary, const char *text, size_t length,
                  int unknown_id, bool frozen_unknown, struct fl_ids *out, struct fl_error *error)
{
    return encode((struct merge){.vocabulary = vocabulary, .frozen_unknown = frozen_unknown}, text,
                  length, unknown_id, out, error);
}

int fl_bpe_encode_bytes(const struct fl_vocabulary *vocabulary,
                        const struct fl_byte_level *byte_level, const struct fl_merges *merges,
                        const char *text, size_t length, struct fl_ids *out, struct fl_error *error)
{
    const struct merge merge = {.vocabulary = vocabulary, .merges = merges};
    struct fl_words words;
    if (!fl_words_open(&words, byte_level, text, length))
        return fl_fail(error, "text: not enough memory to encode %zu bytes", length);
    int status = FL_OK;
    const char *word;
    size_t n;
    while (status == FL_OK && (word = fl_words_next(&words, &n))) {
        int whole =
            fl_byte_level_whole_words(byte_level) ? fl_vocabulary_find(vocabulary, word, n) : -1;
        if (whole < 0)
            status = encode(merge, word, n, -1, out, error);
        else if (!fl_ids_push(out, whole))
            status = fl_fail(error, "text: not enough memory for its ids");
    }
    fl_words_close(&words);
    return status;
}
