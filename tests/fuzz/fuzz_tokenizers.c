/* fuzz_tokenizers.c - damaged tokenizer files: llama2.c's tokenizer.bin and GGUF vocabularies, by
 * score, unigram and at byte level.
 *
 * The first byte of an input says which reader it is for. What opens must encode and decode any
 * bytes, and streaming must say what decoding says. */
#include "model/gguf.h"
#include "tests/fuzz/fuzz_tokenizer.h"

#include <stdint.h>
#include <string.h>

static void read_it(const unsigned char *data, size_t size)
{
    if (size > 0)
        read_tokenizer(data + 1, size - 1, data[0] == 'g' ? ".gguf" : ".bin");
}

/* ---- seeds: the smallest files that hold every kind of piece ---- */

struct buffer {
    unsigned char data[16384];
    size_t size;
};

static void put(struct buffer *buffer, const void *data, size_t size)
{
    memcpy(buffer->data + buffer->size, data, size);
    buffer->size += size;
}

static void put_number(struct buffer *buffer, uint64_t value, size_t size)
{
    put(buffer, &value, size);
}

static void put_string(struct buffer *buffer, const char *text)
{
    put_number(buffer, strlen(text), 8);
    put(buffer, text, strlen(text));
}

static const char *const PIECES[] = {"<unk>", "<s>", "</s>", "<0x41>", "<0xFF>",
                                     " ",     "a",   "O",    "n",      "c",
                                     "e",     "nc",  "nce",  " a",     "<|end|>"};
static const int32_t TYPES[] = {2, 3, 3, 6, 6, 1, 1, 1, 1, 1, 1, 1, 1, 1, 4};
enum { N_PIECES = sizeof PIECES / sizeof *PIECES };

static void write_llama2c(struct buffer *buffer)
{
    put(buffer, "b", 1);
    put_number(buffer, 8, 4);
    for (int i = 0; i < N_PIECES; i++) {
        float score = (float)-i;
        put(buffer, &score, 4);
        put_number(buffer, strlen(PIECES[i]), 4);
        put(buffer, PIECES[i], strlen(PIECES[i]));
    }
}

static void put_array(struct buffer *buffer, const char *key, uint32_t type, uint64_t n)
{
    put_string(buffer, key);
    put_number(buffer, 9, 4);
    put_number(buffer, type, 4);
    put_number(buffer, n, 8);
}

/* model: "llama" or "t5" */
static void write_gguf(struct buffer *buffer, const char *model)
{
    put(buffer, "gGGUF", 5);
    put_number(buffer, 3, 4);
    put_number(buffer, 0, 8);
    put_number(buffer, 8, 8);
    put_string(buffer, "tokenizer.ggml.model");
    put_number(buffer, 8, 4);
    put_string(buffer, model);
    put_array(buffer, "tokenizer.ggml.tokens", 8, N_PIECES);
    for (int i = 0; i < N_PIECES; i++)
        put_string(buffer, i == 5 ? "\xe2\x96\x81" : PIECES[i]);
    put_array(buffer, "tokenizer.ggml.scores", 6, N_PIECES);
    for (int i = 0; i < N_PIECES; i++) {
        float score = (float)-i;
        put(buffer, &score, 4);
    }
    put_array(buffer, "tokenizer.ggml.token_type", 5, N_PIECES);
    put(buffer, TYPES, sizeof TYPES);
    put_string(buffer, "tokenizer.ggml.bos_token_id");
    put_number(buffer, 4, 4);
    put_number(buffer, 1, 4);
    put_string(buffer, "tokenizer.ggml.add_space_prefix");
    put_number(buffer, 7, 4);
    put_number(buffer, 1, 1);
    put_string(buffer, "tokenizer.ggml.remove_extra_whitespaces");
    put_number(buffer, 7, 4);
    put_number(buffer, 1, 1);
    /* a table with one replacement: its trie has a root, a child for 'a', and its leaf */
    static const unsigned char MAP[] = {12, 0, 0, 0, 0, 0x80, 1,   0,   'a', 0x0d,
                                        0,  0, 0, 0, 0, 0x80, 'b', 'c', 0};
    put_array(buffer, "tokenizer.ggml.precompiled_charsmap", 0, sizeof MAP);
    put(buffer, MAP, sizeof MAP);
}

static const char *const BYTE_PIECES[] = {"<|end|>",
                                          "\xc4\xa0",
                                          "a",
                                          "O",
                                          "n",
                                          "c",
                                          "e",
                                          "p",
                                          "nc",
                                          "nce",
                                          "\xc4\xa0"
                                          "a",
                                          "\xc3\xa9"};
static const int32_t BYTE_TYPES[] = {3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
static const char *const MERGES[] = {"n c", "nc e", "\xc4\xa0 a"};
enum {
    N_BYTE_PIECES = sizeof BYTE_PIECES / sizeof *BYTE_PIECES,
    N_MERGES = sizeof MERGES / sizeof *MERGES
};

static void write_byte_level(struct buffer *buffer)
{
    put(buffer, "gGGUF", 5);
    put_number(buffer, 3, 4);
    put_number(buffer, 0, 8);
    put_number(buffer, 5, 8);
    put_string(buffer, "tokenizer.ggml.model");
    put_number(buffer, 8, 4);
    put_string(buffer, "gpt2");
    put_string(buffer, "tokenizer.ggml.pre");
    put_number(buffer, 8, 4);
    put_string(buffer, "llama-bpe");
    put_array(buffer, "tokenizer.ggml.tokens", 8, N_BYTE_PIECES);
    for (int i = 0; i < N_BYTE_PIECES; i++)
        put_string(buffer, BYTE_PIECES[i]);
    put_array(buffer, "tokenizer.ggml.token_type", 5, N_BYTE_PIECES);
    put(buffer, BYTE_TYPES, sizeof BYTE_TYPES);
    put_array(buffer, "tokenizer.ggml.merges", 8, N_MERGES);
    for (int i = 0; i < N_MERGES; i++)
        put_string(buffer, MERGES[i]);
}

int main(int argc, char **argv)
{
    static struct buffer llama2c, gguf, t5, byte_level;
    write_llama2c(&llama2c);
    write_gguf(&gguf, "llama");
    write_gguf(&t5, "t5");
    write_byte_level(&byte_level);
    const struct fuzz_seed seeds[] = {{llama2c.data, llama2c.size},
                                      {gguf.data, gguf.size},
                                      {t5.data, t5.size},
                                      {byte_level.data, byte_level.size},
                                      {NULL, 0}};
    return fuzz_main(argc, argv, read_it, seeds);
}
