#include "text/normalizer.h"

#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

/* ---- the list ---- */

static char *copy(const char *text, size_t length)
{
    char *out = malloc(length + 1);
    if (out && length > 0)
        memcpy(out, text, length);
    if (out)
        out[length] = '\0';
    return out;
}

bool fl_normal_step_texts(struct fl_normal_step *step, const char *text, size_t text_length,
                          const char *content, size_t content_length)
{
    step->text = copy(text, text_length);
    step->text_length = text_length;
    step->content = copy(content, content_length);
    step->content_length = content_length;
    return step->text && step->content;
}

void fl_normal_step_close(struct fl_normal_step *step)
{
    fl_pattern_close(step->pattern);
    free(step->text);
    free(step->content);
    *step = (struct fl_normal_step){0};
}

int fl_normalizer_add(struct fl_normalizer *normalizer, struct fl_normal_step step,
                      const char *where, struct fl_error *error)
{
    if (normalizer->n_steps == FL_NORMAL_STEPS_MAX) {
        fl_normal_step_close(&step);
        return fl_fail(error, "%s: expected at most %d normalizers", where, FL_NORMAL_STEPS_MAX);
    }
    normalizer->steps[normalizer->n_steps++] = step;
    return FL_OK;
}

bool fl_normalizer_has(const struct fl_normalizer *normalizer, enum fl_normal_kind kind)
{
    for (int i = 0; i < normalizer->n_steps; i++)
        if (normalizer->steps[i].kind == kind)
            return true;
    return false;
}

void fl_normalizer_close(struct fl_normalizer *normalizer)
{
    for (int i = 0; i < normalizer->n_steps; i++)
        fl_normal_step_close(&normalizer->steps[i]);
    fl_charsmap_close(&normalizer->charsmap);
    normalizer->n_steps = 0;
}

/* ---- steps ---- */

struct call {
    const struct fl_normalizer *normalizer;
    const struct fl_normal_step *step;
    struct fl_stretch stretch;
    const struct fl_matcher *matcher;
    const char *text;
    size_t length;
    struct fl_text *out;
    struct fl_error *error;
};

static int out_of_memory(const struct call *call)
{
    return fl_fail(call->error, "text: not enough memory to normalise %zu bytes", call->length);
}

static int done(const struct call *call, bool good)
{
    return good ? FL_OK : out_of_memory(call);
}

static int prepend(const struct call *call)
{
    /* sentencepiece: also in front of an added token that the text begins with */
    const bool wanted =
        call->step->kind == FL_NORMAL_PREPEND
            ? call->length > 0
            : call->stretch.is_first && (call->length > 0 || !call->stretch.is_last);
    return done(call,
                (!wanted || fl_text_add(call->out, call->step->text, call->step->text_length)) &&
                    fl_text_add(call->out, call->text, call->length));
}

static int replace_texts(const struct call *call)
{
    const char *at = call->text, *end = at + call->length, *found;
    const struct fl_normal_step *step = call->step;
    bool good = true;
    while (good && at < end &&
           (found = memmem(at, (size_t)(end - at), step->text, step->text_length))) {
        good = fl_text_add(call->out, at, (size_t)(found - at)) &&
               fl_text_add(call->out, step->content, step->content_length);
        at = found + step->text_length;
    }
    return done(call, good && fl_text_add(call->out, at, (size_t)(end - at)));
}

/* Patterns want characters: bytes that are none end a stretch. */
static int replace_matches(const struct call *call)
{
    const struct fl_normal_step *step = call->step;
    for (size_t start = 0; start < call->length;) {
        const char *text = call->text + start;
        const size_t n = fl_utf8_valid(text, call->length - start);
        for (size_t at = 0, from, to; at < n; at = to) {
            if (fl_pattern_find(step->pattern, call->matcher, text, n, at, &from, &to,
                                call->error) != FL_OK)
                return FL_FAILED;
            if (!fl_text_add(call->out, text + at, from - at) ||
                (to > from && !fl_text_add(call->out, step->content, step->content_length)))
                return out_of_memory(call);
        }
        start += n;
        if (start < call->length && !fl_text_add(call->out, call->text + start++, 1))
            return out_of_memory(call);
    }
    return FL_OK;
}

static int replace(const struct call *call)
{
    return call->step->pattern ? replace_matches(call) : replace_texts(call);
}

static int change_form(const struct call *call)
{
    return done(call, fl_unicode_normalize(call->out, call->text, call->length, call->step->form));
}

static int lowercase(const struct call *call)
{
    return done(call, fl_unicode_lowercase(call->out, call->text, call->length));
}

static int strip_marks(const struct call *call)
{
    return done(call, fl_unicode_strip_marks(call->out, call->text, call->length));
}

static int strip(const struct call *call)
{
    size_t start = 0, end = call->length, n;
    while (call->step->left && start < end &&
           fl_unicode_is_space(fl_unicode_at(call->text + start, end - start, &n)))
        start += n;
    while (call->step->right && end > start) {
        size_t back = 1;
        while (back < 4 && back < end - start &&
               ((unsigned char)call->text[end - back] & 0xc0) == 0x80)
            back++;
        if (!fl_unicode_is_space(fl_unicode_at(call->text + end - back, back, &n)) || n != back)
            break;
        end -= back;
    }
    return done(call, fl_text_add(call->out, call->text + start, end - start));
}

static int map_characters(const struct call *call)
{
    bool good = true;
    for (size_t at = 0, n; good && at < call->length; at += n) {
        const char *replacement = NULL;
        size_t replaced = 0;
        n = fl_charsmap_find(&call->normalizer->charsmap, call->text + at, call->length - at,
                             &replacement, &replaced);
        if (n > 0) {
            good = fl_text_add(call->out, replacement, replaced);
            continue;
        }
        n = fl_utf8_length(call->text + at, call->length - at);
        good = fl_text_add(call->out, call->text + at, n);
    }
    return done(call, good);
}

static int collapse(const struct call *call)
{
    size_t start = 0, end = call->length;
    while (call->stretch.is_first && start < end && call->text[start] == ' ')
        start++;
    while (call->stretch.is_last && end > start && call->text[end - 1] == ' ')
        end--;
    if (!fl_text_reserve(call->out, end - start))
        return out_of_memory(call);
    for (size_t i = start; i < end; i++)
        if (call->text[i] != ' ' || i == start || call->text[i - 1] != ' ')
            call->out->bytes[call->out->n++] = call->text[i];
    return FL_OK;
}

static int (*const STEPS[FL_N_NORMALS])(const struct call *) = {
    [FL_NORMAL_PREPEND] = prepend,     [FL_NORMAL_PREPEND_FIRST] = prepend,
    [FL_NORMAL_REPLACE] = replace,     [FL_NORMAL_FORM] = change_form,
    [FL_NORMAL_LOWERCASE] = lowercase, [FL_NORMAL_STRIP_MARKS] = strip_marks,
    [FL_NORMAL_STRIP] = strip,         [FL_NORMAL_CHARSMAP] = map_characters,
    [FL_NORMAL_COLLAPSE] = collapse,
};

int fl_normalizer_run(const struct fl_normalizer *normalizer, const char *text, size_t length,
                      struct fl_stretch stretch, const struct fl_matcher *matcher,
                      struct fl_text *out, struct fl_text *scratch, struct fl_error *error)
{
    struct call call = {.normalizer = normalizer,
                        .stretch = stretch,
                        .matcher = matcher,
                        .text = text,
                        .length = length,
                        .out = out,
                        .error = error};
    out->n = 0;
    if (normalizer->n_steps == 0)
        return done(&call, fl_text_add(out, text, length));
    for (int i = 0; i < normalizer->n_steps; i++) {
        if (i > 0) { /* what came out goes in */
            const struct fl_text in = *out;
            *out = *scratch;
            *scratch = in;
            out->n = 0;
            call.text = in.bytes;
            call.length = in.n;
        }
        call.step = &normalizer->steps[i];
        if (STEPS[call.step->kind](&call) != FL_OK)
            return FL_FAILED;
    }
    return FL_OK;
}
