#include "text/byte_level.h"

#include <string.h>

/* ---- patterns ---- */

#define GPT_2    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"
#define SUFFIXES "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
#define WORD     "[^\\r\\n\\p{L}\\p{N}]?"
#define UPPER    "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]"
#define LOWER    "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
#define SPACES   "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define LLAMA_3  SUFFIXES "|" WORD "\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|" SPACES
#define QWEN_2   SUFFIXES "|" WORD "\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|" SPACES
#define GPT_4O                                                                                     \
    WORD UPPER "*" LOWER "+" SUFFIXES "?|" WORD UPPER "+" LOWER "*" SUFFIXES                       \
               "?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|" SPACES
#define TEKKEN                                                                                     \
    WORD UPPER "*" LOWER "+|" WORD UPPER "+" LOWER                                                 \
               "*|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|" SPACES

/* Of equal patterns the first name is written to files. */
static const struct fl_byte_pattern PATTERNS[] = {
    {"gpt-2", {GPT_2}, false, false},
    {"llama-bpe", {LLAMA_3}, true, true},
    {"qwen2", {QWEN_2}, false, false},
    {"gpt-4o", {GPT_4O}, false, false},
    {"tekken", {TEKKEN}, true, true},
    {"starcoder", {"\\p{N}", GPT_2}, false, false},
    {"llama3", {LLAMA_3}, true, true},
    {"llama-v3", {LLAMA_3}, true, true},
    {"deepseek-r1-qwen", {QWEN_2}, false, false},
    {"stablelm2", {QWEN_2}, false, false},
    {"phi-2", {GPT_2}, false, false},
    {"mpt", {GPT_2}, false, false},
    {"olmo", {GPT_2}, false, false},
    {"jais", {GPT_2}, false, false},
    {"refact", {"\\p{N}", GPT_2}, false, false},
    {"command-r", {"\\p{N}", GPT_2}, false, false},
    {"smollm", {"\\p{N}", GPT_2}, false, false},
    {"codeshell", {"\\p{N}", GPT_2}, false, false},
};
enum { N_PATTERNS = sizeof PATTERNS / sizeof *PATTERNS };

const struct fl_byte_pattern *fl_byte_pattern_find(const char *name, size_t length)
{
    for (int i = 0; i < N_PATTERNS; i++)
        if (strlen(PATTERNS[i].name) == length && memcmp(PATTERNS[i].name, name, length) == 0)
            return &PATTERNS[i];
    return NULL;
}

const struct fl_byte_pattern *fl_byte_pattern_of(const char *pattern)
{
    for (int i = 0; i < N_PATTERNS; i++)
        if (!PATTERNS[i].patterns[1] && strcmp(PATTERNS[i].patterns[0], pattern) == 0)
            return &PATTERNS[i];
    return NULL;
}

const char *fl_byte_pattern_names(void)
{
    return "gpt-2, llama-bpe, qwen2, gpt-4o, tekken, starcoder or another name of theirs";
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
