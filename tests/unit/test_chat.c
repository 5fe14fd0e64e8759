#include "text/chat.h"

#include "base/file.h"

#include <criterion/criterion.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct fl_chat_message TALK[] = {
    {FL_CHAT_SYSTEM, "Be brief.", 9},
    {FL_CHAT_USER, "Hi!", 3},
    {FL_CHAT_ASSISTANT, "Hello.", 6},
    {FL_CHAT_USER, " Why? ", 6},
};

/* The same talk as the Jinja programs of the models' tokenizer_config.json render it, but for the
 * beginning of the sequence, which the tokenizer adds. */
Test(chat, every_family_renders_as_its_models_want_it)
{
    static const struct {
        const char *name, *text;
    } CASES[] = {
        {"chatml", "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi!<|im_end|>\n"
                   "<|im_start|>assistant\nHello.<|im_end|>\n<|im_start|>user\n Why? <|im_end|>\n"
                   "<|im_start|>assistant\n"},
        {"qwen2", "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi!<|im_end|>\n"
                  "<|im_start|>assistant\nHello.<|im_end|>\n<|im_start|>user\n Why? <|im_end|>\n"
                  "<|im_start|>assistant\n"},
        {"qwen2.5", "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi!<|im_end|>\n"
                    "<|im_start|>assistant\nHello.<|im_end|>\n<|im_start|>user\n Why? <|im_end|>\n"
                    "<|im_start|>assistant\n"},
        {"phi4", "<|im_start|>system<|im_sep|>Be brief.<|im_end|><|im_start|>user<|im_sep|>Hi!"
                 "<|im_end|><|im_start|>assistant<|im_sep|>Hello.<|im_end|><|im_start|>user"
                 "<|im_sep|> Why? <|im_end|><|im_start|>assistant<|im_sep|>"},
        {"llama2", "[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nHi! [/INST] Hello. </s><s>[INST] Why? "
                   "[/INST]"},
        {"mistral", "[INST] Be brief.\n\nHi! [/INST] Hello.</s>[INST]  Why?  [/INST]"},
        {"mistral-v3", "[INST] Be brief.\n\nHi![/INST] Hello.</s>[INST]  Why? [/INST]"},
        {"mistral-tekken", "[INST]Be brief.\n\nHi![/INST]Hello.</s>[INST] Why? [/INST]"},
        {"mistral-v7", "[SYSTEM_PROMPT] Be brief.[/SYSTEM_PROMPT][INST] Hi![/INST] Hello.</s>"
                       "[INST]  Why? [/INST]"},
        {"mistral-v7-tekken", "[SYSTEM_PROMPT]Be brief.[/SYSTEM_PROMPT][INST]Hi![/INST]Hello.</s>"
                              "[INST] Why? [/INST]"},
        {"llama3", "<|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|>"
                   "<|start_header_id|>user<|end_header_id|>\n\nHi!<|eot_id|><|start_header_id|>"
                   "assistant<|end_header_id|>\n\nHello.<|eot_id|><|start_header_id|>user"
                   "<|end_header_id|>\n\nWhy?<|eot_id|><|start_header_id|>assistant"
                   "<|end_header_id|>\n\n"},
        {"gemma", "<start_of_turn>user\nBe brief.\n\nHi!<end_of_turn>\n<start_of_turn>model\nHello."
                  "<end_of_turn>\n<start_of_turn>user\nWhy?<end_of_turn>\n<start_of_turn>model\n"},
        {"phi3",
         "<|system|>\nBe brief.<|end|>\n<|user|>\nHi!<|end|>\n<|assistant|>\nHello.<|end|>\n"
         "<|user|>\n Why? <|end|>\n<|assistant|>\n"},
        {"zephyr", "<|system|>\nBe brief.</s>\n<|user|>\nHi!</s>\n<|assistant|>\nHello.</s>\n"
                   "<|user|>\n Why? </s>\n<|assistant|>\n"},
        {"command-r", "<|START_OF_TURN_TOKEN|><|SYSTEM_TOKEN|>Be brief.<|END_OF_TURN_TOKEN|>"
                      "<|START_OF_TURN_TOKEN|><|USER_TOKEN|>Hi!<|END_OF_TURN_TOKEN|>"
                      "<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>Hello.<|END_OF_TURN_TOKEN|>"
                      "<|START_OF_TURN_TOKEN|><|USER_TOKEN|>Why?<|END_OF_TURN_TOKEN|>"
                      "<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>"},
        {"alpaca", "Be brief.\n\n### Instruction:\nHi!\n\n### Response:\nHello.</s>\n\n"
                   "### Instruction:\n Why? \n\n### Response:\n"},
        {"vicuna", "Be brief. USER: Hi! ASSISTANT: Hello.</s>USER:  Why?  ASSISTANT:"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        const struct fl_chat_template *chat = fl_chat_find(CASES[i].name);
        struct fl_error error;
        char *text;
        size_t length;
        cr_assert_not_null(chat, "%s", CASES[i].name);
        cr_assert_eq(fl_chat_render(chat, TALK, 4, true, &text, &length, &error), FL_OK);
        cr_expect_str_eq(text, CASES[i].text, "%s: '%s'", CASES[i].name, text);
        cr_expect_eq(length, strlen(CASES[i].text));
        free(text);
    }
}

Test(chat, what_the_system_says_unasked)
{
    struct fl_error error;
    char *text;
    size_t length;
    cr_assert_eq(fl_chat_render(fl_chat_find("qwen2"), TALK + 1, 1, true, &text, &length, &error),
                 FL_OK);
    cr_expect_str_eq(text, "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
                           "<|im_start|>user\nHi!<|im_end|>\n<|im_start|>assistant\n");
    free(text);
    cr_assert_eq(fl_chat_render(fl_chat_find("llama2"), TALK + 1, 1, true, &text, &length, &error),
                 FL_OK);
    cr_expect_str_eq(text, "[INST] Hi! [/INST]");
    free(text);
}

Test(chat, order_of_messages)
{
    static const struct fl_chat_message TWICE[] = {{FL_CHAT_USER, "a", 1}, {FL_CHAT_USER, "b", 1}};
    struct fl_error error;
    char *text;
    size_t length;
    const struct fl_chat_template *chat = fl_chat_find("chatml");
    cr_expect_eq(fl_chat_render(chat, TWICE, 2, true, &text, &length, &error), FL_FAILED);
    cr_expect(strstr(error.text, "message 2: expected users and assistants in turn"), "%s",
              error.text);
    cr_expect_eq(fl_chat_render(chat, TALK, 1, true, &text, &length, &error), FL_FAILED);
    cr_expect_eq(fl_chat_render(chat, TALK, 0, true, &text, &length, &error), FL_FAILED);
    cr_expect_eq(fl_chat_render(chat, TALK, 3, true, &text, &length, &error), FL_FAILED);
    cr_assert_eq(fl_chat_render(chat, TALK, 3, false, &text, &length, &error), FL_OK);
    free(text);
}

/* Lines that are characteristic of the families' own programs. */
Test(chat, families_are_recognised)
{
    static const struct {
        const char *jinja, *name;
    } CASES[] = {
        {"{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + "
         "message['content'] + '<|im_end|>' + '\\n'}}{% endfor %}",
         "chatml"},
        {"{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\\nYou are "
         "a "
         "helpful assistant.<|im_end|>\\n' }}{% endif %}",
         "qwen2"},
        {"{{- '<|im_start|>system\\nYou are Qwen, created by Alibaba Cloud. You are a helpful "
         "assistant.<|im_end|>\\n' }}",
         "qwen2.5"},
        {"{{ '<|im_start|>user<|im_sep|>' + message['content'] + '<|im_end|>' }}", "phi4"},
        {"{% set content = '<<SYS>>\\n' + system_message + '\\n<</SYS>>\\n\\n' %}{{ bos_token + "
         "'[INST] ' + content.strip() + ' [/INST]' }}",
         "llama2"},
        {"{{ bos_token }}{{ '[INST] ' + message['content'] + ' [/INST]' }}", "mistral"},
        {"{{- \"[INST] \" + message[\"content\"] + \"[/INST]\" }}", "mistral-v3"},
        {"{{- \"[INST]\" + message[\"content\"] + \"[/INST]\" }}", "mistral-tekken"},
        {"{{- \"[SYSTEM_PROMPT] \" + system_message + \"[/SYSTEM_PROMPT]\" }}", "mistral-v7"},
        {"{{- '[SYSTEM_PROMPT]' + system_message + '[/SYSTEM_PROMPT]' }}", "mistral-v7-tekken"},
        {"{% set content = '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n'+ "
         "message['content'] | trim + '<|eot_id|>' %}",
         "llama3"},
        {"{{ '<start_of_turn>' + role + '\\n' + message['content'] | trim + '<end_of_turn>\\n' }}",
         "gemma"},
        {"{{'<|user|>' + '\\n' + message['content'] + '<|end|>' + '\\n' + '<|assistant|>' + "
         "'\\n'}}",
         "phi3"},
        {"{{ '<|user|>\\n' + message['content'] + eos_token }}{{ '<|assistant|>' }}", "zephyr"},
        {"{{ '<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>' }}", "command-r"},
        {"{{ '### Instruction:\\n' + message['content'] }}{{ '### Response:\\n' }}", "alpaca"},
        {"{{ 'USER: ' + message['content'] }}{{ 'ASSISTANT: ' }}", "vicuna"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        const struct fl_chat_template *chat = fl_chat_detect(CASES[i].jinja);
        cr_assert_not_null(chat, "%s", CASES[i].name);
        cr_expect_str_eq(chat->name, CASES[i].name);
    }
    cr_expect_null(fl_chat_detect(""));
    cr_expect_null(fl_chat_detect("{{ messages }}"));
}

Test(chat, names_that_are_unknown_are_refused_with_the_list)
{
    const struct fl_chat_template *chat;
    struct fl_tokenizer *tokenizer;
    struct fl_error error;
    cr_assert_eq(fl_tokenizer_open(&tokenizer, "bytes", "bytes", INT_MAX, &error), FL_OK);
    cr_expect_eq(fl_chat_choose(&chat, "rwkv", tokenizer, &error), FL_FAILED);
    cr_expect(strstr(error.text, "rwkv: expected auto, qwen2.5") &&
                  strstr(error.text, "alpaca or vicuna"),
              "%s", error.text);
    cr_expect_eq(fl_chat_choose(&chat, "auto", tokenizer, &error), FL_FAILED);
    cr_expect(strstr(error.text, "the tokenizer comes with none; expected a name: qwen2.5"), "%s",
              error.text);
    cr_expect_eq(fl_chat_choose(&chat, "gemma", tokenizer, &error), FL_OK);
    cr_expect_str_eq(chat->name, "gemma");
    fl_tokenizer_close(tokenizer);
}

/* Special tokens of the template become their ids, whatever the words between them. */
Test(chat, is_encoded_with_its_special_tokens)
{
    static const char PATH[] = "../shared/reference/tokenizers/ggml-vocab-phi-3.gguf";
    /* <s> <|user|> Hi ! <|end|> <|assistant|>, with the line feeds as byte pieces */
    struct fl_tokenizer *tokenizer;
    struct fl_error error;
    int *ids, *text_ids;
    size_t n, n_text;
    if (!fl_file_exists(PATH)) {
        fprintf(stderr, "SKIPPED: %s is not there\n", PATH);
        return;
    }
    cr_assert_eq(fl_tokenizer_open(&tokenizer, PATH, PATH, INT_MAX, &error), FL_OK);
    cr_assert_eq(
        fl_chat_encode(fl_chat_find("phi3"), tokenizer, NULL, "Hi!", 3, true, &ids, &n, &error),
        FL_OK, "%s", error.text);
    cr_assert_eq(fl_tokenizer_encode(tokenizer, "<|user|>", 8, true, &text_ids, &n_text, &error),
                 FL_OK);
    int n_found[3] = {0};
    static const int MARKS[] = {32010, 32007, 32001}; /* <|user|> <|end|> <|assistant|> */
    for (size_t i = 0; i < n; i++)
        for (int k = 0; k < 3; k++)
            n_found[k] += ids[i] == MARKS[k];
    cr_expect_eq(ids[0], 1);
    for (int k = 0; k < 3; k++)
        cr_expect_eq(n_found[k], 1, "%d", MARKS[k]);
    cr_expect_gt(n_text, 2, "without being asked for, it is text");
    cr_expect(fl_tokenizer_ends(tokenizer, 32007));
    cr_expect_not(fl_tokenizer_ends(tokenizer, 32010));
    free(ids);
    free(text_ids);
    fl_tokenizer_close(tokenizer);
}
