/* noise_words.h - what disturbed the machine, in sentences of the table of strings. */
#ifndef FL_REPORTS_NOISE_WORDS_H
#define FL_REPORTS_NOISE_WORDS_H

#include "analyzers/noise.h"
#include "reports/strings.h"

enum { FL_NOISE_TEXT = 768 };

/* The i-th thing that was found, in a sentence or two; NULL behind the last. */
char *fl_noise_text(enum fl_language language, const struct fl_disturbance *disturbance, int i,
                    char out[FL_NOISE_TEXT]);

#endif
