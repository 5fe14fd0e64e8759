/* fuzz_tokenizer_json.c - damaged tokenizer.json files and sentencepiece models.
 *
 * The first byte of an input says which reader it is for. */
#include "tests/fuzz/fuzz_tokenizer.h"

static void read_it(const unsigned char *data, size_t size)
{
    if (size > 0)
        read_tokenizer(data + 1, size - 1, data[0] == '{' ? ".json" : ".model");
}

/* The first byte is taken off. */
static const char BYTE_LEVEL[] =
    "{{\"added_tokens\": [{\"id\": 9, \"content\": \"<s>\", \"special\": true, \"lstrip\": true}, "
    "{\"id\": 10, \"content\": \"caf\", \"single_word\": true, \"normalized\": true}], "
    "\"normalizer\": "
    "{\"type\": \"Sequence\", \"normalizers\": [{\"type\": \"NFC\"}, {\"type\": \"Lowercase\"}]}, "
    "\"pre_tokenizer\": {\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"Digits\", "
    "\"individual_digits\": true}, {\"type\": \"Split\", \"pattern\": {\"Regex\": "
    "\"\\\\s+|[a-z]+\"}, "
    "\"behavior\": \"MergedWithNext\", \"invert\": false}, {\"type\": \"ByteLevel\", "
    "\"add_prefix_space\": true, \"use_regex\": true}]}, \"post_processor\": {\"type\": "
    "\"TemplateProcessing\", \"single\": [{\"SpecialToken\": {\"id\": \"<s>\"}}, {\"Sequence\": "
    "{\"id\": \"A\"}}], \"special_tokens\": {\"<s>\": {\"ids\": [9]}}}, \"model\": {\"type\": "
    "\"BPE\", "
    "\"ignore_merges\": true, \"vocab\": {\"a\": 0, \"n\": 1, \"c\": 2, \"e\": 3, \"nc\": 4, "
    "\"nce\": 5, "
    "\"o\": 6, \"\xc4\xa0\": 7, \"\xc3\xa9\": 8}, \"merges\": [\"n c\", [\"nc\", \"e\"]]}}";
static const char SPACES[] =
    "{{\"normalizer\": {\"type\": \"Sequence\", \"normalizers\": [{\"type\": \"Prepend\", "
    "\"prepend\": "
    "\"\xe2\x96\x81\"}, {\"type\": \"Replace\", \"pattern\": {\"String\": \" \"}, \"content\": "
    "\"\xe2\x96\x81\"}]}, \"model\": {\"type\": \"BPE\", \"unk_token\": \"<unk>\", "
    "\"byte_fallback\": "
    "true, \"vocab\": {\"<unk>\": 0, \"<0x41>\": 1, \"\xe2\x96\x81\": 2, \"a\": 3, \"n\": 4, "
    "\"c\": 5, "
    "\"\xe2\x96\x81\x61\": 6}, \"merges\": [\"\xe2\x96\x81 a\"]}}";
static const char UNIGRAM[] =
    "{{\"normalizer\": {\"type\": \"Sequence\", \"normalizers\": [{\"type\": \"NFKD\"}, {\"type\": "
    "\"StripAccents\"}, {\"type\": \"Strip\", \"strip_left\": true, \"strip_right\": true}, "
    "{\"type\": "
    "\"Replace\", \"pattern\": {\"Regex\": \" {2,}\"}, \"content\": \" \"}, {\"type\": "
    "\"Precompiled\", "
    "\"precompiled_charsmap\": \"DAAAAACAAQBhDQAAAAAAgGJjAA==\"}]}, \"pre_tokenizer\": {\"type\": "
    "\"Metaspace\", \"replacement\": \"\xe2\x96\x81\", \"prepend_scheme\": \"first\"}, \"model\": "
    "{\"type\": \"Unigram\", \"unk_id\": 0, \"vocab\": [[\"<unk>\", 0], [\"\xe2\x96\x81\", -2], "
    "[\"a\", "
    "-3.5], [\"nce\", -1], [\"e\", -4]]}}";

struct buffer {
    unsigned char data[1024];
    size_t size;
};

static void put(struct buffer *buffer, const void *data, size_t size)
{
    memcpy(buffer->data + buffer->size, data, size);
    buffer->size += size;
}

static void put_field(struct buffer *buffer, unsigned char tag, const void *data, size_t size)
{
    const unsigned char head[2] = {tag, (unsigned char)size};
    put(buffer, head, 2);
    put(buffer, data, size);
}

static void write_model(struct buffer *buffer, unsigned char model_type)
{
    static const struct {
        const char *text;
        unsigned char type;
    } PIECES[] = {{"<unk>", 2}, {"<s>", 3}, {"</s>", 3},   {"\xe2\x96\x81", 1},
                  {"a", 1},     {"nc", 1},  {"<0x41>", 6}, {"<x>", 4},
                  {"n", 1},     {"c", 1}};
    put(buffer, "m", 1);
    for (size_t i = 0; i < sizeof PIECES / sizeof *PIECES; i++) {
        struct buffer piece = {.size = 0};
        const float score = (float)-i;
        put_field(&piece, 0x0a, PIECES[i].text, strlen(PIECES[i].text));
        put(&piece, "\x15", 1);
        put(&piece, &score, sizeof score);
        put(&piece, (const unsigned char[]){0x18, PIECES[i].type}, 2);
        put_field(buffer, 0x0a, piece.data, piece.size);
    }
    put_field(buffer, 0x12, (const unsigned char[]){0x18, model_type, 0xc0, 0x02, 0}, 5);
    /* a table with one replacement: its trie has a root, a child for 'a', and its leaf */
    static const unsigned char MAP[] = {0x12, 19,  12,   0,    0, 0,    0, 0x80, 1,
                                        0,    'a', 0x0d, 0,    0, 0,    0, 0,    0x80,
                                        'b',  'c', 0,    0x18, 1, 0x20, 1};
    put_field(buffer, 0x1a, MAP, sizeof MAP);
}

int main(int argc, char **argv)
{
    static struct buffer unigram, bpe;
    write_model(&unigram, 1);
    write_model(&bpe, 2);
    const struct fuzz_seed seeds[] = {{BYTE_LEVEL, sizeof BYTE_LEVEL - 1},
                                      {SPACES, sizeof SPACES - 1},
                                      {UNIGRAM, sizeof UNIGRAM - 1},
                                      {unigram.data, unigram.size},
                                      {bpe.data, bpe.size},
                                      {NULL, 0}};
    return fuzz_main(argc, argv, read_it, seeds);
}
