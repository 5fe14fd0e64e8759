#include "bench/labs/lab_text.h"

#include <stddef.h>

const char *const fl_lab_language_names[] = {"en", "zh", NULL};

static const struct {
    const char *name;
    const char *texts[FL_LAB_N_LANGUAGES];
} STRINGS[FL_LAB_N_STRINGS] = {
#define FL_LAB_STRING(id, english, chinese) {#id, {english, chinese}},
#include "bench/labs/lab_strings.h"
#undef FL_LAB_STRING
};

const char *fl_lab_text(enum fl_lab_language language, enum fl_lab_string string)
{
    return STRINGS[string].texts[language];
}

const char *fl_lab_string_name(enum fl_lab_string string)
{
    return STRINGS[string].name;
}
