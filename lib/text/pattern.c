#include "text/pattern.h"

#include "base/utf8.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <stdlib.h>

/* A search gives up after this many steps: some seconds. A text of 100 MB without a single word
 * boundary needs one step a byte. */
enum {
    STEPS_MAX = 100000000,
    LONGEST = 1 << 16, /* of a pattern */
    STACK_MIN = 1 << 15,
    STACK_MAX = 1 << 24,  /* bytes for what compiled patterns remember */
    HEAP_MAX_KB = 1 << 17 /* the same where patterns cannot be compiled */
};

struct fl_pattern {
    pcre2_code *code;
};

int fl_pattern_open(struct fl_pattern **pattern, const char *text, size_t length, const char *where,
                    struct fl_error *error)
{
    int code;
    PCRE2_SIZE offset;
    *pattern = NULL;
    if (length == 0 || length > LONGEST)
        return fl_fail(error, "%s: expected a pattern of 1 to %d bytes, not %zu", where, LONGEST,
                       length);
    struct fl_pattern *opened = calloc(1, sizeof *opened);
    if (!opened)
        return fl_fail(error, "%s: not enough memory for a pattern", where);
    opened->code =
        pcre2_compile((PCRE2_SPTR)text, length, PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C,
                      &code, &offset, NULL);
    if (!opened->code) {
        unsigned char reason[120];
        pcre2_get_error_message(code, reason, sizeof reason);
        free(opened);
        return fl_fail(error, "%s: expected a regular expression: %s at byte %zu", where,
                       (const char *)reason, offset);
    }
    pcre2_jit_compile(opened->code, PCRE2_JIT_COMPLETE); /* slower where it cannot */
    *pattern = opened;
    return FL_OK;
}

void fl_pattern_close(struct fl_pattern *pattern)
{
    if (!pattern)
        return;
    pcre2_code_free(pattern->code);
    free(pattern);
}

int fl_matcher_open(struct fl_matcher *matcher, struct fl_error *error)
{
    pcre2_match_context *context = pcre2_match_context_create(NULL);
    *matcher = (struct fl_matcher){
        .match = pcre2_match_data_create(1, NULL),
        .context = context,
        .stack = pcre2_jit_stack_create(STACK_MIN, STACK_MAX, NULL), /* NULL: the small one */
    };
    if (!matcher->match || !context) {
        fl_matcher_close(matcher);
        return fl_fail(error, "text: not enough memory to cut it into words");
    }
    pcre2_set_match_limit(context, STEPS_MAX);
    pcre2_set_heap_limit(context, HEAP_MAX_KB);
    if (matcher->stack)
        pcre2_jit_stack_assign(context, NULL, matcher->stack);
    return FL_OK;
}

void fl_matcher_close(struct fl_matcher *matcher)
{
    pcre2_match_data_free(matcher->match);
    pcre2_match_context_free(matcher->context);
    pcre2_jit_stack_free(matcher->stack);
    *matcher = (struct fl_matcher){0};
}

int fl_pattern_find(const struct fl_pattern *pattern, const struct fl_matcher *matcher,
                    const char *text, size_t length, size_t at, size_t *start, size_t *end,
                    struct fl_error *error)
{
    *start = *end = length;
    while (at < length) {
        const int found = pcre2_match(pattern->code, (PCRE2_SPTR)text, length, at,
                                      PCRE2_NO_UTF_CHECK, matcher->match, matcher->context);
        if (found == PCRE2_ERROR_NOMATCH)
            return FL_OK;
        if (found < 0)
            return fl_fail(error,
                           "text: the tokenizer's pattern of words needs too many steps at byte "
                           "%zu of a stretch of %zu",
                           at, length);
        const size_t *bounds = pcre2_get_ovector_pointer(matcher->match);
        if (bounds[1] > bounds[0] && bounds[0] >= at) {
            *start = bounds[0];
            *end = bounds[1];
            return FL_OK;
        }
        at = bounds[1] > at ? bounds[1] : at; /* an empty match: look behind the next character */
        if (at < length)
            at += fl_utf8_length(text + at, length - at);
    }
    return FL_OK;
}
