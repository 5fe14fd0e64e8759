/* splitter.h - cuts a text into the words that tokens never cross: a list of steps, each of which
 * cuts the words of the one before. No steps leave one word.
 *
 * Bytes that are no characters are words of their own, which no step changes. */
#ifndef FL_TEXT_SPLITTER_H
#define FL_TEXT_SPLITTER_H

#include "text/pattern.h"
#include "text/text_buffer.h"

/* What becomes of what a pattern finds (Hugging Face tokenizers' SplitDelimiterBehavior). */
enum fl_split {
    FL_SPLIT_ISOLATED,   /* a word of its own */
    FL_SPLIT_REMOVED,    /* left out */
    FL_SPLIT_PREVIOUS,   /* the end of the word before */
    FL_SPLIT_NEXT,       /* the start of the word behind */
    FL_SPLIT_CONTIGUOUS, /* neighbours together, a word */
    FL_N_SPLITS
};

enum fl_splitter_kind {
    FL_SPLITTER_PATTERN,
    FL_SPLITTER_SPACE,      /* a space before each word that does not begin with one */
    FL_SPLITTER_SPACE_FIRST /* before the first word of a text as a whole only */
};

struct fl_splitter_step {
    enum fl_splitter_kind kind;
    struct fl_pattern *pattern; /* owned */
    enum fl_split split;
    bool invert; /* what the pattern does not find is what it is about */
};

enum { FL_SPLITTER_STEPS_MAX = 32 };

struct fl_splitter {
    struct fl_splitter_step steps[FL_SPLITTER_STEPS_MAX];
    int n_steps;
};

/* Appends a step and takes its pattern, also when it fails. */
int fl_splitter_add(struct fl_splitter *splitter, struct fl_splitter_step step, const char *where,
                    struct fl_error *error);
void fl_splitter_close(struct fl_splitter *splitter);

struct fl_word {
    size_t at, length; /* in the words' text */
    bool is_start;     /* of the text as a whole */
    bool is_byte;      /* no part of a character */
};

struct fl_words {
    struct fl_text text, next_text;
    struct fl_word *list, *next;
    size_t n, capacity, n_next, next_capacity;
};

/* is_first: the stretch is the start of the text as a whole. words, zeroed or of an earlier call,
 * is filled anew. */
int fl_splitter_run(const struct fl_splitter *splitter, const char *text, size_t length,
                    bool is_first, const struct fl_matcher *matcher, struct fl_words *words,
                    struct fl_error *error);
void fl_words_close(struct fl_words *words);

#endif
