#include "text/chat.h"

#include "text/text_buffer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHATML                                                                                     \
    .roles = {{"<|im_start|>system\n", "<|im_end|>\n"},                                            \
              {"<|im_start|>user\n", "<|im_end|>\n"},                                              \
              {"<|im_start|>assistant\n", "<|im_end|>\n"}},                                        \
    .opening = "<|im_start|>assistant\n"

/* From the models' own tokenizer_config.json. The order is that of detection: the more particular
 * come first. */
static const struct fl_chat_template TEMPLATES[] = {
    {.name = "qwen2.5",
     CHATML,
     .system = "You are Qwen, created by Alibaba Cloud. You are a helpful assistant.",
     .markers = {"<|im_start|>", "You are Qwen, created by Alibaba Cloud"}},
    {.name = "qwen2",
     CHATML,
     .system = "You are a helpful assistant.",
     .markers = {"<|im_start|>", "You are a helpful assistant"}},
    {.name = "phi4",
     .roles = {{"<|im_start|>system<|im_sep|>", "<|im_end|>"},
               {"<|im_start|>user<|im_sep|>", "<|im_end|>"},
               {"<|im_start|>assistant<|im_sep|>", "<|im_end|>"}},
     .opening = "<|im_start|>assistant<|im_sep|>",
     .markers = {"<|im_start|>", "<|im_sep|>"}},
    {.name = "chatml", CHATML, .markers = {"<|im_start|>"}},
    {.name = "llama2",
     .roles = {{"<<SYS>>\n", "\n<</SYS>>\n\n"}, {"[INST] ", " [/INST]"}, {" ", " </s>"}},
     .opening = "",
     .again = "<s>",
     .system_in_user = true,
     .trim = true,
     .markers = {"[INST]", "<<SYS>>"}},
    {.name = "mistral-v7",
     .roles = {{"[SYSTEM_PROMPT] ", "[/SYSTEM_PROMPT]"}, {"[INST] ", "[/INST]"}, {" ", "</s>"}},
     .opening = "",
     .markers = {"[SYSTEM_PROMPT] "}},
    {.name = "mistral-v7-tekken",
     .roles = {{"[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]"}, {"[INST]", "[/INST]"}, {"", "</s>"}},
     .opening = "",
     .markers = {"[SYSTEM_PROMPT]"}},
    {.name = "mistral-tekken",
     .roles = {{"", "\n\n"}, {"[INST]", "[/INST]"}, {"", "</s>"}},
     .opening = "",
     .system_in_user = true,
     .markers = {"\"[INST]\""}},
    {.name = "mistral",
     .roles = {{"", "\n\n"}, {"[INST] ", " [/INST]"}, {" ", "</s>"}},
     .opening = "",
     .system_in_user = true,
     .markers = {"[INST]", " [/INST]"}},
    {.name = "mistral-v3",
     .roles = {{"", "\n\n"}, {"[INST] ", "[/INST]"}, {" ", "</s>"}},
     .opening = "",
     .system_in_user = true,
     .markers = {"[INST]"}},
    {.name = "llama3",
     .roles = {{"<|start_header_id|>system<|end_header_id|>\n\n", "<|eot_id|>"},
               {"<|start_header_id|>user<|end_header_id|>\n\n", "<|eot_id|>"},
               {"<|start_header_id|>assistant<|end_header_id|>\n\n", "<|eot_id|>"}},
     .opening = "<|start_header_id|>assistant<|end_header_id|>\n\n",
     .trim = true,
     .markers = {"<|start_header_id|>", "<|end_header_id|>"}},
    {.name = "gemma",
     .roles = {{"", "\n\n"},
               {"<start_of_turn>user\n", "<end_of_turn>\n"},
               {"<start_of_turn>model\n", "<end_of_turn>\n"}},
     .opening = "<start_of_turn>model\n",
     .system_in_user = true,
     .trim = true,
     .markers = {"<start_of_turn>"}},
    {.name = "phi3",
     .roles = {{"<|system|>\n", "<|end|>\n"},
               {"<|user|>\n", "<|end|>\n"},
               {"<|assistant|>\n", "<|end|>\n"}},
     .opening = "<|assistant|>\n",
     .markers = {"<|assistant|>", "<|end|>"}},
    {.name = "zephyr",
     .roles = {{"<|system|>\n", "</s>\n"}, {"<|user|>\n", "</s>\n"}, {"<|assistant|>\n", "</s>\n"}},
     .opening = "<|assistant|>\n",
     .markers = {"<|assistant|>", "eos_token"}},
    {.name = "command-r",
     .roles = {{"<|START_OF_TURN_TOKEN|><|SYSTEM_TOKEN|>", "<|END_OF_TURN_TOKEN|>"},
               {"<|START_OF_TURN_TOKEN|><|USER_TOKEN|>", "<|END_OF_TURN_TOKEN|>"},
               {"<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>", "<|END_OF_TURN_TOKEN|>"}},
     .opening = "<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>",
     .trim = true,
     .markers = {"<|START_OF_TURN_TOKEN|>", "<|CHATBOT_TOKEN|>"}},
    {.name = "alpaca",
     .roles = {{"", "\n\n"}, {"### Instruction:\n", "\n\n"}, {"### Response:\n", "</s>\n\n"}},
     .opening = "### Response:\n",
     .system = "Below is an instruction that describes a task. Write a response that appropriately "
               "completes the request.",
     .markers = {"### Instruction:", "### Response:"}},
    {.name = "vicuna",
     .roles = {{"", " "}, {"USER: ", " "}, {"ASSISTANT: ", "</s>"}},
     .opening = "ASSISTANT:",
     .system = "A chat between a curious user and an artificial intelligence assistant. The "
               "assistant gives helpful, detailed, and polite answers to the user's questions.",
     .markers = {"USER: ", "ASSISTANT: "}},
};
enum { N_TEMPLATES = sizeof TEMPLATES / sizeof *TEMPLATES, N_MARKERS = 2 };

const struct fl_chat_template *fl_chat_find(const char *name)
{
    for (int i = 0; i < N_TEMPLATES; i++)
        if (strcmp(TEMPLATES[i].name, name) == 0)
            return &TEMPLATES[i];
    return NULL;
}

const struct fl_chat_template *fl_chat_detect(const char *jinja)
{
    for (int i = 0; i < N_TEMPLATES; i++) {
        bool found = true;
        for (int k = 0; k < N_MARKERS && TEMPLATES[i].markers[k]; k++)
            found = found && strstr(jinja, TEMPLATES[i].markers[k]);
        if (found)
            return &TEMPLATES[i];
    }
    return NULL;
}

static void list_names(char out[256])
{
    size_t used = 0;
    for (int i = 0; i < N_TEMPLATES && used < 256; i++)
        used += (size_t)snprintf(out + used, 256 - used, "%s%s",
                                 i == 0                 ? ""
                                 : i + 1 == N_TEMPLATES ? " or "
                                                        : ", ",
                                 TEMPLATES[i].name);
}

int fl_chat_choose(const struct fl_chat_template **chat, const char *name,
                   const struct fl_tokenizer *tokenizer, struct fl_error *error)
{
    char names[256];
    list_names(names);
    if (strcmp(name, "auto") != 0) {
        *chat = fl_chat_find(name);
        return *chat ? FL_OK
                     : fl_fail(error, "chat template %.40s: expected auto, %s", name, names);
    }
    const char *jinja = fl_tokenizer_chat_template(tokenizer);
    *chat = jinja ? fl_chat_detect(jinja) : NULL;
    if (*chat)
        return FL_OK;
    return fl_fail(error, "chat template auto: %s; expected a name: %s",
                   jinja ? "the tokenizer's own is of no known family"
                         : "the tokenizer comes with none",
                   names);
}

/* ---- rendering ---- */

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool add_message(struct fl_text *out, const struct fl_chat_template *chat,
                        enum fl_chat_role role, const char *text, size_t length)
{
    while (chat->trim && length > 0 && is_blank(text[length - 1]))
        length--;
    while (chat->trim && length > 0 && is_blank(*text)) {
        text++;
        length--;
    }
    return fl_text_add_string(out, chat->roles[role].before) && fl_text_add(out, text, length) &&
           fl_text_add_string(out, chat->roles[role].behind);
}

/* A user's turn, which in some families has the system's message in it. */
static bool add_user(struct fl_text *out, const struct fl_chat_template *chat,
                     const struct fl_chat_message *message, const struct fl_chat_message *system,
                     bool is_first)
{
    if (!is_first && chat->again && !fl_text_add_string(out, chat->again))
        return false;
    if (!is_first || !system || !chat->system_in_user)
        return add_message(out, chat, FL_CHAT_USER, message->text, message->length);
    struct fl_text both = {0};
    const bool good = add_message(&both, chat, FL_CHAT_SYSTEM, system->text, system->length) &&
                      fl_text_add(&both, message->text, message->length) &&
                      add_message(out, chat, FL_CHAT_USER, both.bytes, both.n);
    fl_text_close(&both);
    return good;
}

static int check_order(const struct fl_chat_message *messages, size_t n, bool answer,
                       struct fl_error *error)
{
    const size_t first = n > 0 && messages[0].role == FL_CHAT_SYSTEM;
    for (size_t i = first; i < n; i++)
        if (messages[i].role != ((i - first) % 2 == 0 ? FL_CHAT_USER : FL_CHAT_ASSISTANT))
            return fl_fail(error,
                           "chat: message %zu: expected users and assistants in turn, and "
                           "the system at the start only",
                           i + 1);
    if (n == first || (answer && messages[n - 1].role != FL_CHAT_USER))
        return fl_fail(error, "chat: expected a user's message at the end");
    return FL_OK;
}

int fl_chat_render(const struct fl_chat_template *chat, const struct fl_chat_message *messages,
                   size_t n_messages, bool answer, char **text, size_t *length,
                   struct fl_error *error)
{
    *text = NULL;
    if (check_order(messages, n_messages, answer, error) != FL_OK)
        return FL_FAILED;
    struct fl_text out = {0};
    bool good = true;
    const size_t first = messages[0].role == FL_CHAT_SYSTEM;
    const struct fl_chat_message usual = {FL_CHAT_SYSTEM, chat->system,
                                          chat->system ? strlen(chat->system) : 0};
    const struct fl_chat_message *system = first ? &messages[0] : chat->system ? &usual : NULL;
    if (system && !chat->system_in_user)
        good = add_message(&out, chat, FL_CHAT_SYSTEM, system->text, system->length);
    for (size_t i = first; good && i < n_messages; i++)
        good =
            messages[i].role == FL_CHAT_USER
                ? add_user(&out, chat, &messages[i], system, i == first)
                : add_message(&out, chat, FL_CHAT_ASSISTANT, messages[i].text, messages[i].length);
    if (!good || (answer && !fl_text_add_string(&out, chat->opening)) ||
        !fl_text_add(&out, "", 1)) {
        fl_text_close(&out);
        return fl_fail(error, "chat: not enough memory for the text");
    }
    *text = out.bytes;
    *length = out.n - 1;
    return FL_OK;
}

int fl_chat_encode(const struct fl_chat_template *chat, const struct fl_tokenizer *tokenizer,
                   const char *system, const char *user, size_t user_length, bool add_special,
                   int **ids, size_t *n_ids, struct fl_error *error)
{
    const struct fl_chat_message messages[] = {
        {FL_CHAT_SYSTEM, system, system ? strlen(system) : 0},
        {FL_CHAT_USER, user, user_length},
    };
    char *text;
    size_t length;
    const int skipped = system ? 0 : 1;
    if (fl_chat_render(chat, messages + skipped, (size_t)(2 - skipped), true, &text, &length,
                       error) != FL_OK)
        return FL_FAILED;
    const int status =
        fl_tokenizer_encode_special(tokenizer, text, length, add_special, true, ids, n_ids, error);
    free(text);
    return status;
}
