/* generate_prompts.h - the prompts of `flopledger generate`: text or ids, from options or files. */
#ifndef FL_ENGINE_GENERATE_PROMPTS_H
#define FL_ENGINE_GENERATE_PROMPTS_H

#include "base/cli.h"
#include "engine/generation.h"
#include "text/chat.h"
#include "text/tokenizer.h"

/* What was given on the command line; one of the five is. */
struct fl_prompt_source {
    struct fl_cli_texts texts, ids; /* --prompt, --prompt-ids: each a prompt */
    const char *file;               /* --prompt-file: one prompt, the whole file */
    const char *lines;              /* --prompts-file: one prompt a line */
    const char *ids_file;           /* --prompt-ids-file: one prompt */
    /* of texts only */
    const char *chat;   /* --chat-template: each is a user's message; NULL: they are as they are */
    const char *system; /* --system: in front of it; NULL: what the template says */
    bool special;       /* --special: special tokens in texts are what they mark */
};

/* How many of the five kinds were given. */
int fl_prompt_source_kinds(const struct fl_prompt_source *source);
bool fl_prompt_source_is_ids(const struct fl_prompt_source *source);

struct fl_prompts {
    struct fl_prompt *items; /* [n] their ids belong to this list */
    int n;
    const struct fl_chat_template *chat; /* that was used, or NULL */
};

/* tokenizer may be NULL for ids. vocab_size bounds ids. */
int fl_prompts_read(struct fl_prompts *prompts, const struct fl_prompt_source *source,
                    const struct fl_tokenizer *tokenizer, int vocab_size, struct fl_error *error);
void fl_prompts_free(struct fl_prompts *prompts);

#endif
