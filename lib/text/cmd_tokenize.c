/* cmd_tokenize.c - `flopledger tokenize` and `flopledger detokenize`. */
#include "base/file.h"
#include "base/utf8.h"
#include "commands.h"
#include "model/weights.h"
#include "text/chat.h"
#include "text/ids.h"
#include "text/tokenizer.h"
#include "text/vocabulary_export.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 1 << 28 };

static const char *const FORMATS[] = {"ids", "table", "json", NULL};
enum { FORMAT_IDS, FORMAT_TABLE, FORMAT_JSON };

struct arguments {
    const char *model, *tokenizer, *text_file, *ids, *ids_file, *chat, *system;
    bool no_bos, special, show_special;
    int format;
};

/* The model's vocabulary bounds the tokenizer's; with --tokenizer alone there is no bound. */
static int open_tokenizer(struct fl_tokenizer **tokenizer, const struct arguments *a,
                          struct fl_error *error)
{
    struct fl_config config = {.vocab_size = INT_MAX};
    if (a->model && fl_config_open(&config, a->model, error) != FL_OK)
        return FL_FAILED;
    return fl_tokenizer_open(tokenizer, a->model ? a->model : a->tokenizer, a->tokenizer,
                             config.vocab_size, error);
}

/* A piece may be part of a character, which no JSON string can hold: control characters and bytes
 * that are no character are shown as \xHH. */
static void print_piece(const char *text, size_t length, bool json)
{
    for (size_t i = 0, n; i < length; i += n) {
        unsigned char c = (unsigned char)text[i];
        n = fl_utf8_length(text + i, length - i);
        if (n > 1)
            printf("%.*s", (int)n, text + i);
        else if (c == '"' || c == '\\')
            printf(json ? "\\%c" : "%c", c);
        else if (c >= ' ' && c < 127)
            putchar(c);
        else
            printf(json ? "\\\\x%02x" : "\\x%02x", c);
    }
}

static int print_pieces(const struct fl_tokenizer *tokenizer, const int *ids, size_t n, bool json,
                        struct fl_error *error)
{
    if (json)
        printf("{\"kind\": \"%s\", \"n\": %zu, \"tokens\": [", fl_tokenizer_kind(tokenizer), n);
    for (size_t i = 0; i < n; i++) {
        char *piece;
        size_t length;
        if (fl_tokenizer_piece(tokenizer, ids[i], &piece, &length, error) != FL_OK)
            return FL_FAILED;
        printf(json ? "%s\n  {\"id\": %d, \"piece\": \"" : "%s%7d  ", json && i ? "," : "", ids[i]);
        print_piece(piece, length, json);
        printf("%s", json ? "\"}" : "\n");
        free(piece);
    }
    if (json)
        printf("\n]}\n");
    return FL_OK;
}

/* The ids that mean something, and the tokens that are found whole in a text. */
static int show_special(const struct arguments *a, struct fl_error *error)
{
    static const char *const TYPES[] = {[FL_PIECE_UNKNOWN] = "unknown",
                                        [FL_PIECE_CONTROL] = "control",
                                        [FL_PIECE_USER_DEFINED] = "user-defined"};
    struct fl_tokenizer *tokenizer;
    struct fl_tokenizer_view view;
    struct fl_token_view token;
    struct fl_error none;
    if (open_tokenizer(&tokenizer, a, error) != FL_OK)
        return FL_FAILED;
    fl_tokenizer_view(&view, tokenizer, &none); /* also filled where GGUF has no name for it */
    printf("%7s  %-12s  %-20s  %s\n", "id", "type", "role", "token");
    for (int id = 0; id < view.n_tokens; id++) {
        fl_tokenizer_view_token(&token, &view, id);
        if (token.type < FL_PIECE_UNKNOWN || token.type > FL_PIECE_USER_DEFINED)
            continue;
        char role[64];
        snprintf(role, sizeof role, "%s%s%s", id == view.bos ? "bos " : "",
                 fl_tokenizer_ends(tokenizer, id) ? (id == view.eos ? "eos " : "end ") : "",
                 id == view.pad ? "pad" : "");
        printf("%7d  %-12s  %-20s  ", id, TYPES[token.type], role);
        print_piece(token.text, token.length, false);
        putchar('\n');
    }
    fprintf(stderr, "added to a text: bos %s, eos %s\n", view.add_bos ? "yes" : "no",
            view.add_eos ? "yes" : "no");
    fl_tokenizer_close(tokenizer);
    return FL_OK;
}

static int encode(const struct arguments *a, const struct fl_tokenizer *tokenizer, const char *text,
                  size_t length, int **ids, size_t *n, struct fl_error *error)
{
    const struct fl_chat_template *chat;
    if (!a->chat)
        return fl_tokenizer_encode_special(tokenizer, text, length, !a->no_bos, a->special, ids, n,
                                           error);
    if (fl_chat_choose(&chat, a->chat, tokenizer, error) != FL_OK)
        return FL_FAILED;
    fprintf(stderr, "flopledger tokenize: chat template %s\n", chat->name);
    return fl_chat_encode(chat, tokenizer, a->system, text, length, !a->no_bos, ids, n, error);
}

static int tokenize(const struct arguments *a, const char *text, size_t length,
                    struct fl_error *error)
{
    struct fl_tokenizer *tokenizer;
    int *ids = NULL;
    size_t n = 0;
    if (open_tokenizer(&tokenizer, a, error) != FL_OK)
        return FL_FAILED;
    int status = encode(a, tokenizer, text, length, &ids, &n, error);
    if (status == FL_OK && a->format != FORMAT_IDS)
        status = print_pieces(tokenizer, ids, n, a->format == FORMAT_JSON, error);
    for (size_t i = 0; status == FL_OK && a->format == FORMAT_IDS && i < n; i++)
        printf("%d\n", ids[i]);
    free(ids);
    fl_tokenizer_close(tokenizer);
    return status;
}

/* texts: the arguments behind the options. */
static int tokenize_what_was_asked(struct arguments *a, int n_texts, char **texts)
{
    static const struct fl_command *const COMMAND = &fl_command_tokenize;
    struct fl_error error;
    char *content = NULL;
    if (!a->model && !a->tokenizer)
        return fl_cli_misuse(COMMAND, "--model or --tokenizer: expected one of them");
    if (a->show_special && (n_texts > 0 || a->text_file))
        return fl_cli_misuse(COMMAND, "--show-special: expected no text");
    if (a->show_special)
        return show_special(a, &error) == FL_OK ? FL_EXIT_DONE : fl_cli_failed(COMMAND, &error);
    if (a->system && !a->chat)
        return fl_cli_misuse(COMMAND, "--system: expected --chat-template with it");
    if (n_texts > 1)
        return fl_cli_misuse(COMMAND, "expected one text; quote it");
    if (n_texts == 1 && strcmp(texts[0], "-") == 0 && !a->text_file) {
        a->text_file = texts[0];
        n_texts = 0;
    }
    if ((n_texts == 1) == (a->text_file != NULL))
        return fl_cli_misuse(COMMAND, "expected a text or --text-file");
    size_t length = n_texts == 1 ? strlen(texts[0]) : 0;
    int status = FL_OK;
    if (a->text_file)
        status = fl_file_read(&content, &length, a->text_file, TEXT_MAX, &error);
    if (status == FL_OK)
        status = tokenize(a, content ? content : texts[0], length, &error);
    free(content);
    return status == FL_OK ? FL_EXIT_DONE : fl_cli_failed(COMMAND, &error);
}

static int run_tokenize(int argc, char **argv)
{
    struct arguments a = {0};
    const struct fl_option options[] = {
        {"Model", "model", 'm', FL_OPTION_STRING, &a.model, "M",
         "model whose tokenizer is used (presets: bytes)", NULL, 0, 0, NULL},
        {NULL, "tokenizer", 0, FL_OPTION_STRING, &a.tokenizer, "FILE",
         "GGUF, tokenizer.json, vocab.json, sentencepiece .model, llama2.c tokenizer.bin, or "
         "'bytes'",
         "the model's", 0, 0, NULL},
        {"Input", "text-file", 0, FL_OPTION_STRING, &a.text_file, "FILE",
         "text from a file; '-', also as TEXT: standard input", "the argument", 0, 0, NULL},
        {NULL, "no-bos", 0, FL_OPTION_FLAG, &a.no_bos, NULL,
         "leave out the ids that the tokenizer puts around a text", NULL, 0, 0, NULL},
        {NULL, "special", 0, FL_OPTION_FLAG, &a.special, NULL,
         "special tokens in the text, such as <|im_end|>, are what they mark", NULL, 0, 0, NULL},
        {NULL, "chat-template", 0, FL_OPTION_STRING, &a.chat, "NAME",
         "the text is a user's message to a chat model of this family; auto: the tokenizer's own",
         NULL, 0, 0, NULL},
        {NULL, "system", 0, FL_OPTION_STRING, &a.system, "TEXT",
         "the system's message in front of it", "the template's", 0, 0, NULL},
        {"Output", "format", 'f', FL_OPTION_CHOICE, &a.format, "F",
         "ids (one a line), table (with pieces) or json", "ids", 0, 0, FORMATS},
        {NULL, "show-special", 0, FL_OPTION_FLAG, &a.show_special, NULL,
         "list special and user-defined tokens instead", NULL, 0, 0, NULL},
        {0}};
    int first;
    enum fl_cli_outcome outcome = fl_cli_parse(&fl_command_tokenize, options, argc, argv, &first);
    if (outcome != FL_CLI_RUN)
        return outcome == FL_CLI_HELP ? FL_EXIT_DONE : FL_EXIT_MISUSE;
    return tokenize_what_was_asked(&a, argc - first, argv + first);
}

static int detokenize(const struct arguments *a, struct fl_error *error)
{
    struct fl_tokenizer *tokenizer;
    int *ids = NULL;
    size_t n = 0, length = 0;
    char *text = NULL;
    if (open_tokenizer(&tokenizer, a, error) != FL_OK)
        return FL_FAILED;
    int status = fl_ids_read(&ids, &n, "--ids", a->ids, a->ids_file,
                             fl_tokenizer_vocab_size(tokenizer), error);
    if (status == FL_OK)
        status = fl_tokenizer_decode(tokenizer, ids, n, &text, &length, error);
    if (status == FL_OK)
        fwrite(text, 1, length, stdout);
    free(text);
    free(ids);
    fl_tokenizer_close(tokenizer);
    return status;
}

static int run_detokenize(int argc, char **argv)
{
    struct arguments a = {0};
    const struct fl_option options[] = {
        {"Model", "model", 'm', FL_OPTION_STRING, &a.model, "M",
         "model whose tokenizer is used (presets: bytes)", NULL, 0, 0, NULL},
        {NULL, "tokenizer", 0, FL_OPTION_STRING, &a.tokenizer, "FILE",
         "GGUF, tokenizer.json, vocab.json, sentencepiece .model, llama2.c tokenizer.bin, or "
         "'bytes'",
         "the model's", 0, 0, NULL},
        {"Input", "ids", 0, FL_OPTION_STRING, &a.ids, "1,2,3", "the ids", NULL, 0, 0, NULL},
        {NULL, "ids-file", 0, FL_OPTION_STRING, &a.ids_file, "FILE",
         "ids from a file, '-': standard input", "-", 0, 0, NULL},
        {0}};
    int first;
    enum fl_cli_outcome outcome = fl_cli_parse(&fl_command_detokenize, options, argc, argv, &first);
    if (outcome != FL_CLI_RUN)
        return outcome == FL_CLI_HELP ? FL_EXIT_DONE : FL_EXIT_MISUSE;
    if (!a.model && !a.tokenizer)
        return fl_cli_misuse(&fl_command_detokenize,
                             "--model or --tokenizer: expected one of them");
    if (first < argc)
        return fl_cli_misuse(&fl_command_detokenize, "unexpected argument '%s'", argv[first]);
    if (a.ids && a.ids_file)
        return fl_cli_misuse(&fl_command_detokenize, "--ids and --ids-file: expected one of them");
    if (!a.ids && !a.ids_file)
        a.ids_file = "-";
    struct fl_error error;
    return detokenize(&a, &error) == FL_OK ? FL_EXIT_DONE
                                           : fl_cli_failed(&fl_command_detokenize, &error);
}

const struct fl_command fl_command_tokenize = {
    .name = "tokenize",
    .summary = "text to token ids",
    .usage = "--model M [TEXT | - | --text-file FILE] [options]",
    .examples =
        "  flopledger tokenize -m model.gguf \"Once upon a time\"\n"
        "  flopledger tokenize --tokenizer tokenizer.bin --format table \"a b\"\n"
        "  flopledger tokenize -m MODEL --chat-template auto --system \"Be brief.\" \"Hi!\"\n"
        "  flopledger tokenize --tokenizer tokenizer.json --show-special\n"
        "  cat book.txt | flopledger tokenize -m model.gguf - | wc -l\n",
    .run = run_tokenize,
};

const struct fl_command fl_command_detokenize = {
    .name = "detokenize",
    .summary = "token ids to text",
    .usage = "--model M [--ids 1,2,3 | --ids-file FILE] [options]",
    .examples = "  flopledger detokenize -m model.gguf --ids 1,403,407,261,378\n"
                "  flopledger tokenize -m M TEXT | flopledger detokenize -m M\n",
    .run = run_detokenize,
};
