/* tokenizer_json_steps.c - normalizers and pre-tokenizers of tokenizer.json as steps of ours. */
#include "text/base64.h"
#include "text/tokenizer_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fl_json fl_json_part(const struct fl_json_source *source, const cJSON *item,
                            const char *where)
{
    return (struct fl_json){item, where, source->error};
}

/* "normalizer: expected A, B or C, not D" */
static int refuse_type(const struct fl_json *json, const char *type,
                       const struct fl_json_part_kind *kinds)
{
    char known[300];
    size_t used = 0;
    for (; kinds->type && used < sizeof known; kinds++)
        used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", kinds->type,
                                 kinds[1].type ? ", " : " or Sequence");
    return fl_fail(json->error, "%s: %.60s: not supported; expected %s", json->path, type, known);
}

static int read_part(struct fl_json_source *source, const cJSON *item, const char *where,
                     const char *members, const struct fl_json_part_kind *kinds, int depth)
{
    enum { DEEPEST = 8 };
    const char *type = NULL;
    const cJSON *list = NULL, *member;
    const struct fl_json json = fl_json_part(source, item, where);
    if (!cJSON_IsObject(item))
        return fl_fail(source->error, "%s: expected an object", where);
    if (fl_json_string(&json, "type", FL_JSON_REQUIRED, &type) != FL_OK)
        return FL_FAILED;
    for (const struct fl_json_part_kind *kind = kinds; kind->type; kind++)
        if (strcmp(kind->type, type) == 0) {
            char inner[300];
            snprintf(inner, sizeof inner, "%.250s: %s", where, type);
            const struct fl_json part = fl_json_part(source, item, inner);
            return kind->read(source, &part);
        }
    if (strcmp(type, "Sequence") != 0)
        return refuse_type(&json, type, kinds);
    if (depth == DEEPEST)
        return fl_fail(source->error, "%s: expected at most %d lists inside one another", where,
                       DEEPEST);
    if (fl_json_find(&json, members, &list) != FL_OK)
        return FL_FAILED;
    if (!cJSON_IsArray(list))
        return fl_fail(source->error, "%s: Sequence: %s: expected a list", where, members);
    cJSON_ArrayForEach(member, list)
    {
        if (read_part(source, member, where, members, kinds, depth + 1) != FL_OK)
            return FL_FAILED;
    }
    return FL_OK;
}

int fl_json_read_parts(struct fl_json_source *source, const cJSON *item, const char *name,
                       const char *members, const struct fl_json_part_kind *kinds)
{
    char where[300];
    if (!item)
        return FL_OK;
    snprintf(where, sizeof where, "%.200s: %s", source->path, name);
    return read_part(source, item, where, members, kinds, 0);
}

/* {"String": text} or {"Regex": text} */
static int read_pattern(const struct fl_json *json, const char **text, bool *is_regex)
{
    const cJSON *item;
    if (fl_json_find(json, "pattern", &item) != FL_OK)
        return FL_FAILED;
    const struct fl_json pattern = {item, json->path, json->error};
    const char *string = NULL, *regex = NULL;
    if (!cJSON_IsObject(item) ||
        fl_json_string(&pattern, "String", FL_JSON_OPTIONAL, &string) != FL_OK ||
        fl_json_string(&pattern, "Regex", FL_JSON_OPTIONAL, &regex) != FL_OK || !string == !regex ||
        (string && !*string))
        return fl_fail(json->error, "%s: pattern: expected a String or a Regex", json->path);
    *text = string ? string : regex;
    *is_regex = regex != NULL;
    return FL_OK;
}

/* ---- normalizers ---- */

static int add_texts(struct fl_json_source *source, const struct fl_json *json,
                     enum fl_normal_kind kind, const char *text, const char *content,
                     struct fl_pattern *pattern)
{
    struct fl_normal_step step = {.kind = kind, .pattern = pattern};
    const bool has_spaces = source->tokenizer->has_spaces;
    if (!fl_normal_step_texts(&step, text, strlen(text), content, strlen(content))) {
        fl_normal_step_close(&step);
        return fl_fail(json->error, "%s: not enough memory", json->path);
    }
    if (has_spaces && (kind == FL_NORMAL_PREPEND || source->spaces_replaced))
        step.text_length = fl_tokenizer_unescape(step.text, step.text_length, step.text);
    if (has_spaces)
        step.content_length =
            fl_tokenizer_unescape(step.content, step.content_length, step.content);
    return fl_normalizer_add(&source->tokenizer->normalizer, step, json->path, json->error);
}

static int read_prepend(struct fl_json_source *source, const struct fl_json *json)
{
    const char *text = NULL;
    if (fl_json_string(json, "prepend", FL_JSON_REQUIRED, &text) != FL_OK)
        return FL_FAILED;
    if (strcmp(text, FL_WRITTEN_SPACE) == 0)
        source->tokenizer->space = FL_SPACE_EACH;
    return add_texts(source, json, FL_NORMAL_PREPEND, text, "", NULL);
}

static int read_replace(struct fl_json_source *source, const struct fl_json *json)
{
    const char *text, *content = NULL;
    bool is_regex;
    struct fl_pattern *pattern = NULL;
    if (read_pattern(json, &text, &is_regex) != FL_OK ||
        fl_json_string(json, "content", FL_JSON_REQUIRED, &content) != FL_OK)
        return FL_FAILED;
    if (!is_regex && strcmp(text, " ") == 0 && strcmp(content, FL_WRITTEN_SPACE) == 0) {
        source->spaces_replaced = true; /* which is how spaces are kept here anyway */
        return FL_OK;
    }
    if (is_regex && source->spaces_replaced)
        return fl_fail(json->error, "%s: Regex: not supported behind the replacement of spaces",
                       json->path);
    if (is_regex && fl_pattern_open(&pattern, text, strlen(text), json->path, json->error) != FL_OK)
        return FL_FAILED;
    return add_texts(source, json, FL_NORMAL_REPLACE, text, content, pattern);
}

static int add_step(struct fl_json_source *source, const struct fl_json *json,
                    struct fl_normal_step step)
{
    return fl_normalizer_add(&source->tokenizer->normalizer, step, json->path, json->error);
}

static int read_nfc(struct fl_json_source *source, const struct fl_json *json)
{
    return add_step(source, json, (struct fl_normal_step){.kind = FL_NORMAL_FORM, .form = FL_NFC});
}

static int read_nfd(struct fl_json_source *source, const struct fl_json *json)
{
    return add_step(source, json, (struct fl_normal_step){.kind = FL_NORMAL_FORM, .form = FL_NFD});
}

static int read_nfkc(struct fl_json_source *source, const struct fl_json *json)
{
    return add_step(source, json, (struct fl_normal_step){.kind = FL_NORMAL_FORM, .form = FL_NFKC});
}

static int read_nfkd(struct fl_json_source *source, const struct fl_json *json)
{
    return add_step(source, json, (struct fl_normal_step){.kind = FL_NORMAL_FORM, .form = FL_NFKD});
}

static int read_lowercase(struct fl_json_source *source, const struct fl_json *json)
{
    return add_step(source, json, (struct fl_normal_step){.kind = FL_NORMAL_LOWERCASE});
}

static int read_strip_accents(struct fl_json_source *source, const struct fl_json *json)
{
    return add_step(source, json, (struct fl_normal_step){.kind = FL_NORMAL_STRIP_MARKS});
}

static int read_strip(struct fl_json_source *source, const struct fl_json *json)
{
    struct fl_normal_step step = {.kind = FL_NORMAL_STRIP};
    if (fl_json_bool(json, "strip_left", FL_JSON_REQUIRED, &step.left) != FL_OK ||
        fl_json_bool(json, "strip_right", FL_JSON_REQUIRED, &step.right) != FL_OK)
        return FL_FAILED;
    return add_step(source, json, step);
}

static int read_precompiled(struct fl_json_source *source, const struct fl_json *json)
{
    const char *text = NULL;
    if (fl_json_string(json, "precompiled_charsmap", FL_JSON_OPTIONAL, &text) != FL_OK)
        return FL_FAILED;
    if (!text || !*text) /* an empty table: nothing is replaced */
        return FL_OK;
    size_t size;
    unsigned char *bytes = fl_base64_decode(text, strlen(text), &size);
    if (!bytes)
        return fl_fail(json->error, "%s: precompiled_charsmap: expected base64", json->path);
    const int status =
        fl_tokenizer_use_charsmap(source->tokenizer, bytes, size, json->path, json->error);
    free(bytes);
    return status;
}

int fl_json_read_normalizer(struct fl_json_source *source, const cJSON *item)
{
    static const struct fl_json_part_kind KINDS[] = {
        {"Prepend", read_prepend},
        {"Replace", read_replace},
        {"NFC", read_nfc},
        {"NFD", read_nfd},
        {"NFKC", read_nfkc},
        {"NFKD", read_nfkd},
        {"Precompiled", read_precompiled},
        {"Lowercase", read_lowercase},
        {"Strip", read_strip},
        {"StripAccents", read_strip_accents},
        {NULL, NULL},
    };
    return fl_json_read_parts(source, item, "normalizer", "normalizers", KINDS);
}

/* ---- pre-tokenizers ---- */

/* GPT-2's pattern, by which ByteLevel cuts unless the file says otherwise. */
static const struct fl_byte_pattern *gpt_2(void)
{
    return fl_byte_pattern_find("gpt-2", 5);
}

/* Behind what writes U+2581 there is no space left for a pattern to find, but here there is. */
static int refuse_behind_spaces(const struct fl_json_source *source, const struct fl_json *json)
{
    return source->spaces_replaced
               ? fl_fail(json->error, "%s: not supported behind the replacement of spaces",
                         json->path)
               : FL_OK;
}

static int add_cut(struct fl_json_source *source, const struct fl_json *json, const char *pattern,
                   enum fl_split split, bool invert)
{
    struct fl_splitter_step step = {.split = split, .invert = invert};
    if (source->tokenizer->byte_level)
        return fl_fail(json->error, "%s: not supported behind ByteLevel", json->path);
    if (fl_pattern_open(&step.pattern, pattern, strlen(pattern), json->path, json->error) != FL_OK)
        return FL_FAILED;
    return fl_splitter_add(&source->tokenizer->splitter, step, json->path, json->error);
}

static int add_space(struct fl_json_source *source, const struct fl_json *json, bool only_first)
{
    const struct fl_splitter_step step = {.kind = only_first ? FL_SPLITTER_SPACE_FIRST
                                                             : FL_SPLITTER_SPACE};
    source->is_other = true;
    return fl_splitter_add(&source->tokenizer->splitter, step, json->path, json->error);
}

static int read_byte_level(struct fl_json_source *source, const struct fl_json *json)
{
    bool add_prefix = true, use_regex = true;
    if (fl_json_bool(json, "add_prefix_space", FL_JSON_OPTIONAL, &add_prefix) != FL_OK ||
        fl_json_bool(json, "use_regex", FL_JSON_OPTIONAL, &use_regex) != FL_OK)
        return FL_FAILED;
    if (source->tokenizer->has_spaces)
        return fl_fail(json->error, "%s: not supported together with U+2581 for spaces",
                       json->path);
    if (add_prefix && add_space(source, json, false) != FL_OK)
        return FL_FAILED;
    if (use_regex) {
        if (add_cut(source, json, gpt_2()->patterns[0], FL_SPLIT_ISOLATED, false) != FL_OK)
            return FL_FAILED;
        source->is_other = source->is_other || source->pattern;
        source->pattern = gpt_2();
    }
    source->tokenizer->byte_level = true;
    return FL_OK;
}

static const char *const SPLITS[] = {
    [FL_SPLIT_ISOLATED] = "Isolated",           [FL_SPLIT_REMOVED] = "Removed",
    [FL_SPLIT_PREVIOUS] = "MergedWithPrevious", [FL_SPLIT_NEXT] = "MergedWithNext",
    [FL_SPLIT_CONTIGUOUS] = "Contiguous",       NULL};

/* A text as a pattern that finds it. */
static char *literal(const char *text, bool has_spaces)
{
    char *out = malloc(2 * strlen(text) + 1), *end = out;
    for (; out && *text; text++) {
        if (has_spaces && strncmp(text, FL_WRITTEN_SPACE, 3) == 0) {
            *end++ = ' ';
            text += 2;
            continue;
        }
        if ((unsigned char)*text < 0x80 && strchr("\\^$.[|()?*+{-#", *text))
            *end++ = '\\';
        *end++ = *text;
    }
    if (out)
        *end = '\0';
    return out;
}

static int read_split(struct fl_json_source *source, const struct fl_json *json)
{
    const char *text;
    bool is_regex, invert = false;
    int split = FL_SPLIT_ISOLATED;
    if (read_pattern(json, &text, &is_regex) != FL_OK ||
        fl_json_choice(json, "behavior", FL_JSON_REQUIRED, SPLITS, &split) != FL_OK ||
        fl_json_bool(json, "invert", FL_JSON_OPTIONAL, &invert) != FL_OK)
        return FL_FAILED;
    if (is_regex) {
        if (refuse_behind_spaces(source, json) != FL_OK)
            return FL_FAILED;
        const struct fl_byte_pattern *known = fl_byte_pattern_of(text);
        /* removing what is no match leaves the matches, which the known patterns cover all with */
        const bool keeps_matches = split == FL_SPLIT_ISOLATED  ? !invert
                                   : split == FL_SPLIT_REMOVED ? invert
                                                               : false;
        source->is_other = source->is_other || !known || source->pattern || !keeps_matches;
        source->pattern = known;
        return add_cut(source, json, text, (enum fl_split)split, invert);
    }
    source->is_other = true;
    if (source->spaces_replaced && strchr(text, ' ') && !invert)
        return FL_OK; /* there are none left to be found */
    char *pattern = literal(text, source->spaces_replaced);
    if (!pattern)
        return fl_fail(json->error, "%s: not enough memory", json->path);
    const int status = add_cut(source, json, pattern, (enum fl_split)split, invert);
    free(pattern);
    return status;
}

static int read_metaspace(struct fl_json_source *source, const struct fl_json *json)
{
    static const char *const SCHEMES[] = {"always", "first", "never", NULL};
    enum { ALWAYS, FIRST, NEVER };
    const char *replacement = FL_WRITTEN_SPACE;
    bool add_prefix = true, split = true;
    int scheme = -1;
    if (fl_json_string(json, "replacement", FL_JSON_OPTIONAL, &replacement) != FL_OK ||
        fl_json_bool(json, "add_prefix_space", FL_JSON_OPTIONAL, &add_prefix) != FL_OK ||
        fl_json_choice(json, "prepend_scheme", FL_JSON_OPTIONAL, SCHEMES, &scheme) != FL_OK ||
        fl_json_bool(json, "split", FL_JSON_OPTIONAL, &split) != FL_OK)
        return FL_FAILED;
    if (strcmp(replacement, FL_WRITTEN_SPACE) != 0)
        return fl_fail(json->error, "%s: replacement: expected U+2581, not %.20s", json->path,
                       replacement);
    if (scheme < 0) /* files of before there were schemes */
        scheme = add_prefix ? ALWAYS : NEVER;
    source->spaces_replaced = true;
    if (scheme != NEVER) {
        source->tokenizer->space = scheme == FIRST ? FL_SPACE_FIRST : FL_SPACE_EACH;
        if (add_space(source, json, scheme == FIRST) != FL_OK)
            return FL_FAILED;
    }
    return split ? add_cut(source, json, " ", FL_SPLIT_NEXT, false) : FL_OK;
}

static int read_whitespace(struct fl_json_source *source, const struct fl_json *json)
{
    static const char WORDS[] = "[\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}]+|"
                                "[^\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}\\s]+";
    if (refuse_behind_spaces(source, json) != FL_OK)
        return FL_FAILED;
    source->is_other = true;
    return add_cut(source, json, WORDS, FL_SPLIT_REMOVED, true);
}

static int read_whitespace_split(struct fl_json_source *source, const struct fl_json *json)
{
    if (refuse_behind_spaces(source, json) != FL_OK)
        return FL_FAILED;
    source->is_other = true;
    return add_cut(source, json, "\\p{White_Space}", FL_SPLIT_REMOVED, false);
}

static int read_digits(struct fl_json_source *source, const struct fl_json *json)
{
    bool individual = false;
    if (fl_json_bool(json, "individual_digits", FL_JSON_OPTIONAL, &individual) != FL_OK)
        return FL_FAILED;
    source->is_other = source->is_other || !individual || source->pattern || source->digits_first;
    source->digits_first = true;
    return add_cut(source, json, "\\p{N}", individual ? FL_SPLIT_ISOLATED : FL_SPLIT_CONTIGUOUS,
                   false);
}

static int read_punctuation(struct fl_json_source *source, const struct fl_json *json)
{
    int split = FL_SPLIT_ISOLATED;
    if (fl_json_choice(json, "behavior", FL_JSON_OPTIONAL, SPLITS, &split) != FL_OK)
        return FL_FAILED;
    source->is_other = true;
    return add_cut(source, json, "[\\p{P}$+<=>^`|~]", (enum fl_split)split, false);
}

int fl_json_read_pre_tokenizer(struct fl_json_source *source, const cJSON *item)
{
    static const struct fl_json_part_kind KINDS[] = {
        {"ByteLevel", read_byte_level},
        {"Split", read_split},
        {"Metaspace", read_metaspace},
        {"Whitespace", read_whitespace},
        {"WhitespaceSplit", read_whitespace_split},
        {"Digits", read_digits},
        {"Punctuation", read_punctuation},
        {NULL, NULL},
    };
    return fl_json_read_parts(source, item, "pre_tokenizer", "pretokenizers", KINDS);
}
