/* strings.h - all words of reports and plots, in every language, in one table.
 *
 * The rows are in files by area, which this header joins. A row is
 *
 *     X(ID, "English", "Chinese")
 *
 * and FL_STR_ID names it. To add words, add a row in the file of your area (strings_roofline.h,
 * strings_statistics.h, ...); for a new area, a file and a line in strings_rows.h. Both columns
 * carry the same printf directives, which stand for the same things in the same order: a test holds
 * every row to their number, order and type, but that two of a type have changed seats only a
 * reader sees. scripts/check-strings finds words in the code of reports that bypass the table.
 *
 * Identifiers (operators, attention kernels, formats, counters) are the same in every language and
 * are no rows. What comes out of the results file (names, notes) is shown as it is. */
#ifndef FL_REPORTS_STRINGS_H
#define FL_REPORTS_STRINGS_H

#include <stddef.h>
#include <stdio.h>

enum fl_language { FL_EN, FL_ZH, FL_N_LANGUAGES };

extern const char *const fl_language_names[]; /* "en", "zh", NULL: also the HTML lang */

enum fl_string_id {
#define X(id, en, zh) FL_STR_##id,
#include "reports/strings_rows.h"
#undef X
    FL_N_STRINGS
};

const char *fl_text(enum fl_language language, enum fl_string_id id);

/* The id as text, "GAP"; for tests. */
const char *fl_text_name(enum fl_string_id id);

/* Words that the analyzers chose in English, in the language: the row of strings_words.h whose
 * English column is the text ("causal mask"), or the part before ": " ("elementwise: rope"; scratch
 * is used for that). The text itself where there is none, which is right for identifiers. */
enum { FL_WORDS = 160 };
const char *fl_text_of(enum fl_language language, const char *english, char scratch[FL_WORDS]);

/* ---- rows with directives ----
 * Their arguments are checked against the English column when they are compiled:
 *
 *     fl_text_format(out, sizeof out, language, POINTS_OF_MODEL, n);
 */
#define FL_CHECK_STRING(id, ...) ((void)sizeof(fl_string_check(FL_ENGLISH_##id, __VA_ARGS__)))

#define fl_text_format(out, size, language, id, ...)                                               \
    (FL_CHECK_STRING(id, __VA_ARGS__),                                                             \
     fl_text_format_id(out, size, language, FL_STR_##id, __VA_ARGS__))

/* Like snprintf, and returns out. */
char *fl_text_format_id(char *out, size_t size, enum fl_language language, enum fl_string_id id,
                        ...);

/* ---- what the checks need ---- */
#define X(id, en, zh) static const char FL_ENGLISH_##id[] __attribute__((unused)) = en;
#include "reports/strings_rows.h"
#undef X

__attribute__((format(printf, 1, 2))) static inline int fl_string_check(const char *format, ...)
{
    return format != NULL;
}

#endif
