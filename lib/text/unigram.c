#include "text/unigram.h"

#include "base/checked.h"
#include "base/utf8.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* sentencepiece's kUnkPenalty */
static const double UNKNOWN_PENALTY = 10;

/* The best way to get to a place in the text. */
struct fl_unigram_node {
    double score;
    int id;          /* of the last piece, -1: a character that is none */
    uint32_t length; /* of the last piece; 0: no way yet */
    uint32_t next;   /* of the piece that begins here on the best way to the end */
};

bool fl_unigram_open(struct fl_unigram *unigram, const struct fl_vocabulary *vocabulary)
{
    double worst = INFINITY;
    unigram->vocabulary = vocabulary;
    for (int id = 0; id < vocabulary->n_pieces; id++) {
        size_t length;
        const char *text = fl_vocabulary_text(vocabulary, id, &length);
        if (vocabulary->pieces[id].type != FL_PIECE_NORMAL)
            continue;
        worst = fmin(worst, (double)vocabulary->pieces[id].score);
        if (!fl_trie_add(&unigram->trie, text, length, id))
            return false;
    }
    unigram->unknown_score = (isfinite(worst) ? worst : 0) - UNKNOWN_PENALTY;
    return true;
}

void fl_unigram_close(struct fl_unigram *unigram)
{
    fl_trie_close(&unigram->trie);
}

void fl_unigram_work_close(struct fl_unigram_work *work)
{
    free(work->nodes);
    *work = (struct fl_unigram_work){0};
}

static bool reserve(struct fl_unigram_work *work, size_t n)
{
    size_t bytes;
    if (work->capacity < n) {
        if (!fl_size_mul(n, 2 * sizeof *work->nodes, &bytes))
            return false;
        free(work->nodes);
        work->capacity = 0;
        work->nodes = malloc(bytes);
        if (!work->nodes)
            return false;
        work->capacity = 2 * n;
    }
    memset(work->nodes, 0, n * sizeof *work->nodes);
    return true;
}

/* Of equal scores the way found first stays: the one with the longer last piece. */
static void reach(const struct fl_unigram *unigram, struct fl_unigram_node *nodes, size_t from,
                  size_t length, int id, double score)
{
    struct fl_unigram_node *node = &nodes[from + length];
    score += nodes[from].score;
    if (unigram->single_precision)
        score = (double)(float)score;
    if (node->length == 0 || score > node->score)
        *node = (struct fl_unigram_node){score, id, (uint32_t)length, 0};
}

static void find_ways(const struct fl_unigram *unigram, struct fl_unigram_node *nodes,
                      const char *text, size_t length)
{
    for (size_t at = 0, n; at < length; at += n) {
        bool is_covered = false;
        int64_t node = 0;
        n = fl_utf8_length(text + at, length - at);
        for (size_t i = at; i < length; i++) {
            node = fl_trie_step(&unigram->trie, node, (unsigned char)text[i]);
            if (node < 0)
                break;
            const int id = unigram->trie.values[node];
            if (id < 0)
                continue;
            reach(unigram, nodes, at, i + 1 - at, id,
                  (double)unigram->vocabulary->pieces[id].score);
            is_covered = is_covered || i + 1 - at == n;
        }
        if (!is_covered)
            reach(unigram, nodes, at, n, -1, unigram->unknown_score);
    }
}

int fl_unigram_encode(const struct fl_unigram *unigram, struct fl_unigram_work *work,
                      const char *text, size_t length, struct fl_ids *out, struct fl_error *error)
{
    if (length > INT32_MAX)
        return fl_fail(error, "text: expected at most %d bytes, not %zu", INT32_MAX, length);
    if (!reserve(work, length + 1))
        return fl_fail(error, "text: not enough memory to encode %zu bytes", length);
    struct fl_unigram_node *nodes = work->nodes;
    find_ways(unigram, nodes, text, length);
    for (size_t at = length; at > 0; at -= nodes[at].length)
        nodes[at - nodes[at].length].next = nodes[at].length;
    bool in_run = false;
    for (size_t at = 0; at < length; at += nodes[at].next) {
        const size_t n = nodes[at].next;
        const int id = nodes[at + n].id;
        if (id < 0 && fl_ids_push_unknown(out, unigram->vocabulary, unigram->unknown, text + at, n,
                                          &in_run, error) != FL_OK)
            return FL_FAILED;
        if (id < 0)
            continue;
        in_run = false;
        if (!fl_ids_push(out, id))
            return fl_fail(error, "text: not enough memory for its ids");
    }
    return FL_OK;
}
