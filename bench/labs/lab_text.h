/* lab_text.h - every word the labs say, in English and in Chinese, in one table: lab_strings.h has
 * the rows. */
#ifndef FL_BENCH_LAB_TEXT_H
#define FL_BENCH_LAB_TEXT_H

enum fl_lab_language { FL_LAB_ENGLISH, FL_LAB_CHINESE, FL_LAB_N_LANGUAGES };

extern const char *const fl_lab_language_names[]; /* "en", "zh", NULL */

enum fl_lab_string {
#define FL_LAB_STRING(id, english, chinese) FL_LAB_TEXT_##id,
#include "bench/labs/lab_strings.h"
#undef FL_LAB_STRING
    FL_LAB_N_STRINGS
};

const char *fl_lab_text(enum fl_lab_language language, enum fl_lab_string string);

/* "KV_CACHE": the row's name, the same in every language, for machines. */
const char *fl_lab_string_name(enum fl_lab_string string);

#endif
