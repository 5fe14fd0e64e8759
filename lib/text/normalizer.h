/* normalizer.h - what is done to a text before it is cut into pieces: a list of steps, each from
 * one text to the next. No steps leave a text as it is.
 *
 * Vocabularies that write a space as U+2581 are kept with spaces here, so that replacing one by the
 * other is no step. Bytes that are no characters pass every step unchanged. */
#ifndef FL_TEXT_NORMALIZER_H
#define FL_TEXT_NORMALIZER_H

#include "text/charsmap.h"
#include "text/pattern.h"
#include "text/unicode.h"

enum fl_normal_kind {
    FL_NORMAL_PREPEND,       /* text: in front of what is not empty */
    FL_NORMAL_PREPEND_FIRST, /* of a text as a whole only, not behind an added token */
    FL_NORMAL_REPLACE,       /* each of what pattern, or else text, finds by content */
    FL_NORMAL_FORM,
    FL_NORMAL_LOWERCASE,
    FL_NORMAL_STRIP_MARKS,
    FL_NORMAL_STRIP,    /* white space at the ends: left, right */
    FL_NORMAL_CHARSMAP, /* of the normalizer */
    FL_NORMAL_COLLAPSE, /* no spaces at the ends of a text as a whole, one for a run:
                           sentencepiece's remove_extra_whitespaces */
    FL_N_NORMALS
};

struct fl_normal_step {
    enum fl_normal_kind kind;
    struct fl_pattern *pattern; /* owned */
    char *text, *content;       /* owned */
    size_t text_length, content_length;
    enum fl_unicode_form form;
    bool left, right;
};

enum { FL_NORMAL_STEPS_MAX = 32 };

struct fl_normalizer {
    struct fl_normal_step steps[FL_NORMAL_STEPS_MAX];
    int n_steps;
    struct fl_charsmap charsmap; /* empty: none */
};

/* Where a stretch is in the text that it is of; between stretches are added tokens. */
struct fl_stretch {
    bool is_first, is_last; /* but for marks such as <s>, which are not text */
    bool is_start;          /* at the very start */
};

/* Appends a step and takes what it owns, also when it fails. */
int fl_normalizer_add(struct fl_normalizer *normalizer, struct fl_normal_step step,
                      const char *where, struct fl_error *error);

/* Copies of text and content into a step; false when memory runs out. */
bool fl_normal_step_texts(struct fl_normal_step *step, const char *text, size_t text_length,
                          const char *content, size_t content_length);
void fl_normal_step_close(struct fl_normal_step *step);

/* out is emptied first; scratch is used between the steps. */
int fl_normalizer_run(const struct fl_normalizer *normalizer, const char *text, size_t length,
                      struct fl_stretch stretch, const struct fl_matcher *matcher,
                      struct fl_text *out, struct fl_text *scratch, struct fl_error *error);

bool fl_normalizer_has(const struct fl_normalizer *normalizer, enum fl_normal_kind kind);
void fl_normalizer_close(struct fl_normalizer *normalizer);

#endif
