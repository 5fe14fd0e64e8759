/* tokenizer_json.h - what the files that read Hugging Face's tokenizer.json share.
 *
 * The format is that of github.com/huggingface/tokenizers: a normalizer, a pre-tokenizer, a model
 * and a post-processor, each an object whose "type" names it. What is not supported is refused by
 * that name. Decoders are not read: they follow from the rest. */
#ifndef FL_TEXT_TOKENIZER_JSON_H
#define FL_TEXT_TOKENIZER_JSON_H

#include "model/json_read.h"
#include "text/tokenizer_internal.h"

struct fl_json_source {
    struct fl_tokenizer *tokenizer;
    const char *path;
    struct fl_error *error;
    bool spaces_replaced; /* from here on the file's text has U+2581 and no spaces */
    /* what a name of GGUF's may stand for, see fl_tokenizer.pre */
    const struct fl_byte_pattern *pattern;
    bool digits_first, is_other;
};

/* The steps of "normalizer" and "pre_tokenizer"; item may be NULL. */
int fl_json_read_normalizer(struct fl_json_source *source, const cJSON *item);
int fl_json_read_pre_tokenizer(struct fl_json_source *source, const cJSON *item);

/* Fields of an object whose refusals begin with where. */
struct fl_json fl_json_part(const struct fl_json_source *source, const cJSON *item,
                            const char *where);

/* Walks a part and, where it is a Sequence, the parts in its list `members`. Each is given to the
 * reader of its type. */
struct fl_json_part_kind {
    const char *type;
    int (*read)(struct fl_json_source *source, const struct fl_json *json);
};
int fl_json_read_parts(struct fl_json_source *source, const cJSON *item, const char *name,
                       const char *members, const struct fl_json_part_kind *kinds);

#endif
