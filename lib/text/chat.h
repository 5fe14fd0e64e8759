/* chat.h - how messages become the one text that a chat model was trained on: a table of the common
 * families' forms.
 *
 * Models bring theirs along as a Jinja program (tokenizer.chat_template of GGUF files,
 * chat_template of tokenizer_config.json). It is not run: the family is recognised by texts that
 * only its programs contain, and its form is taken from the table.
 *
 * What is rendered is meant for fl_tokenizer_encode_special() with both add_special (the beginning
 * of the sequence is the tokenizer's to add) and parse_special. Special tokens that a message
 * itself spells out are then parsed, too. */
#ifndef FL_TEXT_CHAT_H
#define FL_TEXT_CHAT_H

#include "base/error.h"
#include "text/tokenizer.h"

#include <stdbool.h>
#include <stddef.h>

enum fl_chat_role { FL_CHAT_SYSTEM, FL_CHAT_USER, FL_CHAT_ASSISTANT, FL_N_CHAT_ROLES };

struct fl_chat_message {
    enum fl_chat_role role;
    const char *text;
    size_t length;
};

struct fl_chat_template {
    const char *name;
    struct {
        const char *before, *behind;
    } roles[FL_N_CHAT_ROLES];
    const char *opening;    /* what an answer follows */
    const char *again;      /* in front of every user's turn but the first */
    bool system_in_user;    /* the system's message is part of the first user's turn */
    bool trim;              /* messages without white space at their ends */
    const char *system;     /* said when there is no message of the system; NULL: nothing */
    const char *markers[2]; /* texts of the family's Jinja programs */
};

/* NULL: no such name. */
const struct fl_chat_template *fl_chat_find(const char *name);

/* The family that a Jinja program belongs to; NULL: unknown. */
const struct fl_chat_template *fl_chat_detect(const char *jinja);

/* By name; "auto": what came with the tokenizer. Refused with the list of names. */
int fl_chat_choose(const struct fl_chat_template **chat, const char *name,
                   const struct fl_tokenizer *tokenizer, struct fl_error *error);

/* A system's message comes first, if there is one; users and assistants take turns. answer: the
 * text ends where the assistant's next message begins. text: malloc'd, NUL-terminated. */
int fl_chat_render(const struct fl_chat_template *chat, const struct fl_chat_message *messages,
                   size_t n_messages, bool answer, char **text, size_t *length,
                   struct fl_error *error);

/* One message of a user, and of the system unless that is NULL: what commands take. Renders it and
 * encodes it. */
int fl_chat_encode(const struct fl_chat_template *chat, const struct fl_tokenizer *tokenizer,
                   const char *system, const char *user, size_t user_length, bool add_special,
                   int **ids, size_t *n_ids, struct fl_error *error);

#endif
