#include "text/byte_level.h"

#include "text/utf8.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <stdlib.h>
#include <string.h>

struct fl_byte_level {
    pcre2_code *pattern;
    int which; /* of PATTERNS */
};

/* ---- patterns ---- */

static const struct {
    const char *name, *pattern;
    bool whole_words;
} PATTERNS[] = {
    {"gpt-2", "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
     false},
    {"llama-bpe",
     "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|"
     " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
     true},
    {"qwen2",
     "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}|"
     " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
     false},
};
enum { N_PATTERNS = sizeof PATTERNS / sizeof *PATTERNS };

static int find_pattern(const char *name, size_t length)
{
    int i = 0;
    while (i < N_PATTERNS &&
           (strlen(PATTERNS[i].name) != length || memcmp(PATTERNS[i].name, name, length) != 0))
        i++;
    return i;
}

int fl_byte_level_open(struct fl_byte_level **byte_level, const char *pattern, size_t length,
                       const char *source, struct fl_error *error)
{
    *byte_level = NULL;
    const int at = find_pattern(pattern, length);
    if (at == N_PATTERNS)
        return fl_fail(error,
                       "%s: pre-tokenizer %.*s: expected gpt-2, llama-bpe or qwen2; give "
                       "--tokenizer bytes, or token ids",
                       source, length < 40 ? (int)length : 40, pattern);
    int code;
    PCRE2_SIZE offset;
    struct fl_byte_level *opened = calloc(1, sizeof *opened);
    if (!opened)
        return fl_fail(error, "%s: not enough memory for the merges", source);
    opened->which = at;
    opened->pattern = pcre2_compile((PCRE2_SPTR)PATTERNS[at].pattern, PCRE2_ZERO_TERMINATED,
                                    PCRE2_UTF | PCRE2_UCP, &code, &offset, NULL);
    if (!opened->pattern) {
        fl_byte_level_close(opened);
        return fl_fail(error, "%s: not enough memory for the pattern of its words", source);
    }
    pcre2_jit_compile(opened->pattern, PCRE2_JIT_COMPLETE); /* slower where it cannot */
    *byte_level = opened;
    return FL_OK;
}

void fl_byte_level_close(struct fl_byte_level *byte_level)
{
    if (!byte_level)
        return;
    pcre2_code_free(byte_level->pattern);
    free(byte_level);
}

const char *fl_byte_level_name(const struct fl_byte_level *byte_level)
{
    return PATTERNS[byte_level->which].name;
}

bool fl_byte_level_whole_words(const struct fl_byte_level *byte_level)
{
    return PATTERNS[byte_level->which].whole_words;
}

/* ---- bytes as printable characters ---- */

/* Printable bytes of Latin-1 stand for themselves; the others, in their order, are the characters
 * from U+0100 on. */
static bool is_printable(int byte)
{
    return (byte >= '!' && byte <= '~') || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
}

static int byte_of(unsigned character)
{
    if (character < 256)
        return is_printable((int)character) ? (int)character : -1;
    unsigned next = 256;
    for (int byte = 0; byte < 256; byte++)
        if (!is_printable(byte) && next++ == character)
            return byte;
    return -1;
}

long fl_byte_level_bytes(const char *token, size_t length, char *out)
{
    size_t used = 0;
    for (size_t i = 0; i < length;) {
        unsigned first = (unsigned char)token[i++], character = first;
        if (first >= 0x80) { /* all characters of the kind have at most two bytes */
            if ((first & 0xe0) != 0xc0 || i == length || ((unsigned char)token[i] & 0xc0) != 0x80)
                return -1;
            character = (first & 0x1f) << 6 | ((unsigned char)token[i++] & 0x3f);
        }
        const int byte = byte_of(character);
        if (byte < 0)
            return -1;
        out[used++] = (char)byte;
    }
    return (long)used;
}

size_t fl_byte_level_spell(const char *bytes, size_t length, char *out)
{
    unsigned characters[256], next = 256;
    size_t used = 0;
    for (int byte = 0; byte < 256; byte++)
        characters[byte] = is_printable(byte) ? (unsigned)byte : next++;
    for (size_t i = 0; i < length; i++) {
        const unsigned character = characters[(unsigned char)bytes[i]];
        if (character >= 0x80)
            out[used++] = (char)(0xc0 | character >> 6);
        out[used++] = (char)(character < 0x80 ? character : 0x80 | (character & 0x3f));
    }
    return used;
}

/* ---- words ---- */

bool fl_words_open(struct fl_words *words, const struct fl_byte_level *byte_level, const char *text,
                   size_t length)
{
    *words = (struct fl_words){.byte_level = byte_level, .text = text, .length = length};
    words->match = pcre2_match_data_create_from_pattern(byte_level->pattern, NULL);
    return words->match != NULL;
}

/* PCRE2 would check the whole text at every call; each stretch is checked once here instead. */
static void find_run(struct fl_words *words)
{
    while (words->run_end < words->length) {
        const char *at = words->text + words->run_end;
        size_t n = fl_utf8_length(at, words->length - words->run_end);
        if (n == 1 && (unsigned char)*at >= 0x80) /* no character */
            break;
        words->run_end += n;
    }
}

const char *fl_words_next(struct fl_words *words, size_t *length)
{
    if (words->at >= words->length)
        return NULL;
    if (words->at >= words->run_end) {
        words->run_end = words->at;
        find_run(words);
    }
    const char *word = words->text + words->at;
    *length = 1;
    if (words->run_end > words->at &&
        pcre2_match(words->byte_level->pattern, (PCRE2_SPTR)words->text, words->run_end, words->at,
                    PCRE2_ANCHORED | PCRE2_NO_UTF_CHECK, words->match, NULL) > 0)
        *length = pcre2_get_ovector_pointer(words->match)[1] - words->at;
    words->at += *length;
    return word;
}

void fl_words_close(struct fl_words *words)
{
    pcre2_match_data_free(words->match);
    words->match = NULL;
}
