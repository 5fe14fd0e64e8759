#include "reports/strings.h"

#include <stdarg.h>
#include <string.h>

const char *const fl_language_names[] = {"en", "zh", NULL};

static const struct {
    const char *name, *texts[FL_N_LANGUAGES];
} STRINGS[FL_N_STRINGS] = {
#define X(id, en, zh) {#id, {en, zh}},
#include "reports/strings_rows.h"
#undef X
};

const char *fl_text(enum fl_language language, enum fl_string_id id)
{
    return STRINGS[id].texts[language];
}

const char *fl_text_name(enum fl_string_id id)
{
    return STRINGS[id].name;
}

/* Words of analyzers: a heading that reads alike may mean something else. */
static const enum fl_string_id WORDS[] = {
#define X(id, en, zh) FL_STR_##id,
#include "reports/strings_words.h"
#undef X
};

/* NULL when no such row's English column is this. */
static const char *find(enum fl_language language, const char *english)
{
    for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++)
        if (strcmp(STRINGS[WORDS[i]].texts[FL_EN], english) == 0)
            return STRINGS[WORDS[i]].texts[language];
    return NULL;
}

const char *fl_text_of(enum fl_language language, const char *english, char scratch[FL_WORDS])
{
    const char *text = find(language, english), *colon = strstr(english, ": ");
    char before[FL_WORDS];
    if (text || !colon || colon - english >= FL_WORDS)
        return text ? text : english;
    snprintf(before, sizeof before, "%.*s", (int)(colon - english), english);
    const char *first = find(language, before);
    snprintf(scratch, FL_WORDS, "%s%s%s", first ? first : before, fl_text(language, FL_STR_COLON),
             colon + 2);
    return scratch;
}

char *fl_text_format_id(char *out, size_t size, enum fl_language language, enum fl_string_id id,
                        ...)
{
    va_list args;
    va_start(args, id);
    vsnprintf(out, size, fl_text(language, id), args);
    va_end(args);
    return out;
}
