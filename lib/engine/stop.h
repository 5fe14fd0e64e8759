/* stop.h - when a generation ends, and which text may be shown until then.
 *
 * Rules are shared by the sequences of a batch; each sequence has a state. A sequence ends with an
 * end-of-sequence id (any of several), after n_new_max tokens, or when a stop text appears in what
 * was decoded, whatever the token borders. The stop text is not shown, nor what follows it; what
 * may still become one is held back, and shown when it does not. Where two stop texts end with the
 * same byte the longer one counts. Matching: Knuth, Morris and Pratt, 1977; one look at each byte
 * on average, and what is held back is a prefix of a stop text, so that no text is stored. */
#ifndef FL_ENGINE_STOP_H
#define FL_ENGINE_STOP_H

#include "base/error.h"

#include <stddef.h>

enum fl_stop_reason {
    FL_STOP_NONE,
    FL_STOP_LENGTH,  /* n_new_max */
    FL_STOP_EOS,     /* an end-of-sequence id */
    FL_STOP_TEXT,    /* a stop text */
    FL_STOP_CONTEXT, /* the context is full */
    FL_STOP_NOTHING, /* no id was left to choose */
    FL_STOP_SIGNAL,  /* someone asked to stop */
    FL_N_STOP_REASONS
};

/* "none", "length", "eos", "stop", "context", "nothing", "signal"; a sentence's end for people. */
const char *fl_stop_reason_name(enum fl_stop_reason reason);
const char *fl_stop_reason_text(enum fl_stop_reason reason);

struct fl_stop_rules {
    const int *eos_ids; /* [n_eos] */
    int n_eos;
    int n_new_max;            /* at least 1 */
    const char *const *texts; /* [n_texts] */
    int n_texts;
    /* Filled by fl_stop_rules_open(): */
    size_t *lengths;  /* [n_texts] */
    size_t **borders; /* [n_texts][length]: borders[t][i] is the longest proper prefix of text t
                         that also ends at byte i */
};

/* Fills in the rest of rules. Texts must not be empty, and be UTF-8, so that what is shown ends
 * where a character does. Ids and texts must outlive the rules. */
int fl_stop_rules_open(struct fl_stop_rules *rules, struct fl_error *error);
void fl_stop_rules_close(struct fl_stop_rules *rules);

struct fl_stop {
    const struct fl_stop_rules *rules;
    int n_new;
    enum fl_stop_reason reason; /* FL_STOP_NONE: goes on */
    int text;                   /* the stop text that ended it, or -1 */
    size_t *matched;            /* [n_texts] bytes of each that the text so far ends with */
};

int fl_stop_open(struct fl_stop *stop, const struct fl_stop_rules *rules, struct fl_error *error);
void fl_stop_close(struct fl_stop *stop);

/* Anew, without allocating. */
void fl_stop_start(struct fl_stop *stop);

/* A token was chosen: it counts unless it is an end. Returns and notes the reason. */
enum fl_stop_reason fl_stop_token(struct fl_stop *stop, int id);

/* What may be shown, in this order; both may be empty. */
struct fl_stop_shown {
    const char *held; /* what had been held back */
    size_t n_held;
    const char *text; /* of the new text */
    size_t n_text;
};

/* New decoded text, which ends where a character does. A match ends the sequence, whatever
 * fl_stop_token() said of the token. */
struct fl_stop_shown fl_stop_text(struct fl_stop *stop, const char *text, size_t length);

/* No more text comes: what was held back. */
struct fl_stop_shown fl_stop_flush(struct fl_stop *stop);

#endif
