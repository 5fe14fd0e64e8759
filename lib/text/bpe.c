#include "text/bpe.h"

#include "base/checked.h"
#include "base/utf8.h"

#include <stdlib.h>

/* A stretch of the text that is one piece, or an uncovered character. */
struct fl_bpe_symbol {
    const char *text;
    uint32_t length;    /* 0: merged into its left neighbour */
    int previous, next; /* -1: none */
    int id;             /* -1: no piece has this text */
};

/* Two neighbours that would form a piece. Stale when one of them has changed since. */
struct fl_bpe_candidate {
    float score;
    int left, right, id;
    uint32_t length; /* of both together, to notice a change */
};

static bool comes_before(const struct fl_bpe_candidate *a, const struct fl_bpe_candidate *b)
{
    return a->score > b->score || (a->score == b->score && a->left < b->left);
}

static bool heap_push(struct fl_bpe_work *work, struct fl_bpe_candidate candidate)
{
    if (work->n_heap == work->heap_capacity) {
        size_t capacity = work->heap_capacity ? 2 * work->heap_capacity : 64, bytes;
        if (!fl_size_mul(capacity, sizeof *work->heap, &bytes))
            return false;
        struct fl_bpe_candidate *larger = realloc(work->heap, bytes);
        if (!larger)
            return false;
        work->heap = larger;
        work->heap_capacity = capacity;
    }
    size_t i = work->n_heap++;
    for (; i > 0 && comes_before(&candidate, &work->heap[(i - 1) / 2]); i = (i - 1) / 2)
        work->heap[i] = work->heap[(i - 1) / 2];
    work->heap[i] = candidate;
    return true;
}

static struct fl_bpe_candidate heap_pop(struct fl_bpe_work *work)
{
    struct fl_bpe_candidate top = work->heap[0], last = work->heap[--work->n_heap];
    size_t i = 0, n = work->n_heap;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= n)
            break;
        if (child + 1 < n && comes_before(&work->heap[child + 1], &work->heap[child]))
            child++;
        if (!comes_before(&work->heap[child], &last))
            break;
        work->heap[i] = work->heap[child];
        i = child;
    }
    if (n > 0)
        work->heap[i] = last;
    return top;
}

static bool consider(const struct fl_bpe *bpe, struct fl_bpe_work *work, int left, int right)
{
    if (left < 0 || right < 0)
        return true;
    const struct fl_bpe_symbol *a = &work->symbols[left], *b = &work->symbols[right];
    if (bpe->frozen_unknown && (a->id < 0 || b->id < 0))
        return true;
    const uint32_t length = a->length + b->length;
    if (bpe->merges) {
        int merged, rank = fl_merges_rank(bpe->merges, a->id, b->id, &merged);
        return rank < 0 || heap_push(work, (struct fl_bpe_candidate){-(float)rank, left, right,
                                                                     merged, length});
    }
    const int id = fl_vocabulary_find(bpe->vocabulary, a->text, length);
    if (id < 0)
        return true;
    const float score = bpe->vocabulary->pieces[id].score;
    return heap_push(work, (struct fl_bpe_candidate){score, left, right, id, length});
}

static bool split(const struct fl_bpe *bpe, struct fl_bpe_work *work, const char *text,
                  size_t length)
{
    if (work->symbol_capacity < length) {
        size_t bytes;
        if (!fl_size_mul(length, 2 * sizeof *work->symbols, &bytes))
            return false;
        free(work->symbols);
        work->symbol_capacity = 0;
        work->symbols = malloc(bytes);
        if (!work->symbols)
            return false;
        work->symbol_capacity = 2 * length;
    }
    int index = 0;
    for (size_t at = 0, n; at < length; at += n, index++) {
        n = bpe->bytes ? 1 : fl_utf8_length(text + at, length - at);
        work->symbols[index] = (struct fl_bpe_symbol){
            .text = text + at,
            .length = (uint32_t)n,
            .previous = index - 1,
            .next = index + 1,
            .id = fl_vocabulary_find(bpe->vocabulary, text + at, n),
        };
    }
    work->symbols[index - 1].next = -1;
    work->n_symbols = (size_t)index;
    work->n_heap = 0;
    return true;
}

static bool merge_all(const struct fl_bpe *bpe, struct fl_bpe_work *work)
{
    struct fl_bpe_symbol *symbols = work->symbols;
    for (int i = 0; (size_t)i + 1 < work->n_symbols; i++)
        if (!consider(bpe, work, i, i + 1))
            return false;
    while (work->n_heap > 0) {
        const struct fl_bpe_candidate best = heap_pop(work);
        struct fl_bpe_symbol *left = &symbols[best.left], *right = &symbols[best.right];
        if (left->length == 0 || right->length == 0 || left->next != best.right ||
            left->length + right->length != best.length)
            continue;
        left->length = best.length;
        left->id = best.id;
        left->next = right->next;
        right->length = 0;
        if (left->next >= 0)
            symbols[left->next].previous = best.left;
        if (!consider(bpe, work, left->previous, best.left) ||
            !consider(bpe, work, best.left, left->next))
            return false;
    }
    return true;
}

static int push_symbols(const struct fl_bpe *bpe, const struct fl_bpe_work *work,
                        struct fl_ids *out, struct fl_error *error)
{
    bool in_run = false;
    for (int i = 0; i >= 0; i = work->symbols[i].next) {
        const struct fl_bpe_symbol *symbol = &work->symbols[i];
        if (symbol->id < 0) {
            if (fl_ids_push_unknown(out, bpe->vocabulary, bpe->unknown, symbol->text,
                                    symbol->length, &in_run, error) != FL_OK)
                return FL_FAILED;
            continue;
        }
        in_run = false;
        if (!fl_ids_push(out, symbol->id))
            return fl_fail(error, "text: not enough memory for its ids");
    }
    return FL_OK;
}

int fl_bpe_encode(const struct fl_bpe *bpe, struct fl_bpe_work *work, const char *text,
                  size_t length, struct fl_ids *out, struct fl_error *error)
{
    if (length == 0)
        return FL_OK;
    if (length > INT32_MAX)
        return fl_fail(error, "text: expected at most %d bytes, not %zu", INT32_MAX, length);
    const int whole = bpe->whole_words ? fl_vocabulary_find(bpe->vocabulary, text, length) : -1;
    if (whole >= 0)
        return fl_ids_push(out, whole) ? FL_OK
                                       : fl_fail(error, "text: not enough memory for its ids");
    if (!split(bpe, work, text, length) || !merge_all(bpe, work))
        return fl_fail(error, "text: not enough memory to encode %zu bytes", length);
    return push_symbols(bpe, work, out, error);
}

void fl_bpe_work_close(struct fl_bpe_work *work)
{
    free(work->symbols);
    free(work->heap);
    *work = (struct fl_bpe_work){0};
}
