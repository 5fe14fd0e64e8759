#include "text/splitter.h"

#include "base/utf8.h"

#include <stdlib.h>

int fl_splitter_add(struct fl_splitter *splitter, struct fl_splitter_step step, const char *where,
                    struct fl_error *error)
{
    if (splitter->n_steps == FL_SPLITTER_STEPS_MAX) {
        fl_pattern_close(step.pattern);
        return fl_fail(error, "%s: expected at most %d steps", where, FL_SPLITTER_STEPS_MAX);
    }
    splitter->steps[splitter->n_steps++] = step;
    return FL_OK;
}

void fl_splitter_close(struct fl_splitter *splitter)
{
    for (int i = 0; i < splitter->n_steps; i++)
        fl_pattern_close(splitter->steps[i].pattern);
    splitter->n_steps = 0;
}

void fl_words_close(struct fl_words *words)
{
    fl_text_close(&words->text);
    fl_text_close(&words->next_text);
    free(words->list);
    free(words->next);
    *words = (struct fl_words){0};
}

/* ---- lists of words ---- */

static int out_of_memory(struct fl_error *error)
{
    return fl_fail(error, "text: not enough memory to cut it into words");
}

static bool add_word(struct fl_words *words, struct fl_word word)
{
    if (word.length == 0)
        return true;
    if (words->n_next == words->next_capacity) {
        const size_t capacity = words->next_capacity ? 2 * words->next_capacity : 64;
        struct fl_word *larger = realloc(words->next, capacity * sizeof *larger);
        if (!larger)
            return false;
        words->next = larger;
        words->next_capacity = capacity;
    }
    words->next[words->n_next++] = word;
    return true;
}

/* What was made of the words is what the next step works on. */
static void turn(struct fl_words *words)
{
    struct fl_word *list = words->list;
    const size_t capacity = words->capacity;
    words->list = words->next;
    words->n = words->n_next;
    words->capacity = words->next_capacity;
    words->next = list;
    words->n_next = 0;
    words->next_capacity = capacity;
}

/* ---- steps ---- */

/* Words in pieces: what the pattern finds and what lies between, each marked. */
struct cut {
    struct fl_words *words;
    struct fl_word whole;
    const struct fl_splitter_step *step;
    struct fl_word pending; /* length 0: none */
    bool pending_found;     /* FL_SPLIT_NEXT: it waits for what follows; CONTIGUOUS: of its kind */
};

static bool flush(struct cut *cut)
{
    const struct fl_word word = cut->pending;
    cut->pending.length = 0;
    return add_word(cut->words, word);
}

/* Takes the next piece, from the start to the end of a word. Each behaviour keeps at most one piece
 * back, because the next may belong to it. */
static bool take(struct cut *cut, size_t start, size_t end, bool found)
{
    const struct fl_word piece = {.at = start,
                                  .length = end - start,
                                  .is_start = cut->whole.is_start && start == cut->whole.at};
    bool joins = false;
    if (piece.length == 0)
        return true;
    switch (cut->step->split) {
    case FL_SPLIT_REMOVED:
        return found || add_word(cut->words, piece);
    case FL_SPLIT_PREVIOUS: /* of several finds only the first */
        joins = found && !cut->pending_found;
        break;
    case FL_SPLIT_NEXT: /* of several finds only the last */
        joins = !found && cut->pending_found;
        break;
    case FL_SPLIT_CONTIGUOUS:
        joins = found == cut->pending_found;
        break;
    default:
        return add_word(cut->words, piece);
    }
    if (cut->pending.length > 0 && joins) {
        cut->pending.length += piece.length;
        cut->pending_found = cut->step->split == FL_SPLIT_NEXT ? false : found;
        return true;
    }
    if (!flush(cut))
        return false;
    cut->pending = piece;
    cut->pending_found = found;
    return true;
}

static int cut_word(struct fl_words *words, const struct fl_word *word,
                    const struct fl_splitter_step *step, const struct fl_matcher *matcher,
                    struct fl_error *error)
{
    struct cut cut = {.words = words, .whole = *word, .step = step};
    const char *text = words->text.bytes + word->at;
    for (size_t at = 0, start, end; at < word->length; at = end) {
        if (fl_pattern_find(step->pattern, matcher, text, word->length, at, &start, &end, error) !=
            FL_OK)
            return FL_FAILED;
        if (!take(&cut, word->at + at, word->at + start, step->invert) ||
            !take(&cut, word->at + start, word->at + end, !step->invert))
            return out_of_memory(error);
    }
    return flush(&cut) ? FL_OK : out_of_memory(error);
}

/* The text anew, with a space before words that begin with none. */
static int add_spaces(struct fl_words *words, bool only_first, struct fl_error *error)
{
    words->next_text.n = 0;
    for (size_t i = 0; i < words->n; i++) {
        const struct fl_word *word = &words->list[i];
        const char *text = words->text.bytes + word->at;
        const bool wanted = !word->is_byte && *text != ' ' && (!only_first || word->is_start);
        const struct fl_word moved = {.at = words->next_text.n,
                                      .length = word->length + wanted,
                                      .is_start = word->is_start,
                                      .is_byte = word->is_byte};
        if ((wanted && !fl_text_add(&words->next_text, " ", 1)) ||
            !fl_text_add(&words->next_text, text, word->length) || !add_word(words, moved))
            return out_of_memory(error);
    }
    const struct fl_text text = words->text;
    words->text = words->next_text;
    words->next_text = text;
    return FL_OK;
}

/* Valid stretches and single bytes. */
static int find_characters(struct fl_words *words, bool is_first, struct fl_error *error)
{
    for (size_t at = 0; at < words->text.n;) {
        const size_t n = fl_utf8_valid(words->text.bytes + at, words->text.n - at);
        const struct fl_word word = {
            .at = at, .length = n ? n : 1, .is_start = is_first && at == 0, .is_byte = n == 0};
        if (!add_word(words, word))
            return out_of_memory(error);
        at += word.length;
    }
    return FL_OK;
}

int fl_splitter_run(const struct fl_splitter *splitter, const char *text, size_t length,
                    bool is_first, const struct fl_matcher *matcher, struct fl_words *words,
                    struct fl_error *error)
{
    words->text.n = words->n = words->n_next = 0;
    if (!fl_text_add(&words->text, text, length))
        return out_of_memory(error);
    int status = find_characters(words, is_first, error);
    turn(words);
    for (int i = 0; i < splitter->n_steps && status == FL_OK; i++) {
        const struct fl_splitter_step *step = &splitter->steps[i];
        if (step->kind != FL_SPLITTER_PATTERN)
            status = add_spaces(words, step->kind == FL_SPLITTER_SPACE_FIRST, error);
        for (size_t k = 0; step->kind == FL_SPLITTER_PATTERN && k < words->n && status == FL_OK;
             k++) {
            const struct fl_word *word = &words->list[k];
            if (!word->is_byte)
                status = cut_word(words, word, step, matcher, error);
            else if (!add_word(words, *word))
                status = out_of_memory(error);
        }
        turn(words);
    }
    return status;
}
