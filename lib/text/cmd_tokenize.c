/* cmd_tokenize.c - `flopledger tokenize` and `flopledger detokenize`. */
#include "base/file.h"
#include "commands.h"
#include "model/weights.h"
#include "text/ids.h"
#include "text/tokenizer.h"
#include "text/utf8.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 1 << 28 };

static const char *const FORMATS[] = {"ids", "table", "json", NULL};
enum { FORMAT_IDS, FORMAT_TABLE, FORMAT_JSON };

struct arguments {
    const char *model, *tokenizer, *text_file, *ids, *ids_file;
    bool no_bos;
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

static int tokenize(const struct arguments *a, const char *text, size_t length,
                    struct fl_error *error)
{
    struct fl_tokenizer *tokenizer;
    int *ids = NULL;
    size_t n = 0;
    if (open_tokenizer(&tokenizer, a, error) != FL_OK)
        return FL_FAILED;
    int status = fl_tokenizer_encode(tokenizer, text, length, !a->no_bos, &ids, &n, error);
    if (status == FL_OK && a->format != FORMAT_IDS)
        status = print_pieces(tokenizer, ids, n, a->format == FORMAT_JSON, error);
    for (size_t i = 0; status == FL_OK && a->format == FORMAT_IDS && i < n; i++)
        printf("%d\n", ids[i]);
    free(ids);
    fl_tokenizer_close(tokenizer);
    return status;
}

static int run_tokenize(int argc, char **argv)
{
    struct arguments a = {0};
    const struct fl_option options[] = {
        {"Model", "model", 'm', FL_OPTION_STRING, &a.model, "M",
         "model whose tokenizer is used (presets: bytes)", NULL, 0, 0, NULL},
        {NULL, "tokenizer", 0, FL_OPTION_STRING, &a.tokenizer, "FILE",
         "GGUF, vocab.json, llama2.c tokenizer.bin, or 'bytes'", "the model's", 0, 0, NULL},
        {"Input", "text-file", 0, FL_OPTION_STRING, &a.text_file, "FILE",
         "text from a file; '-', also as TEXT: standard input", "the argument", 0, 0, NULL},
        {NULL, "no-bos", 0, FL_OPTION_FLAG, &a.no_bos, NULL,
         "leave out the beginning-of-sequence id", NULL, 0, 0, NULL},
        {"Output", "format", 'f', FL_OPTION_CHOICE, &a.format, "F",
         "ids (one a line), table (with pieces) or json", "ids", 0, 0, FORMATS},
        {0}};
    int first;
    enum fl_cli_outcome outcome = fl_cli_parse(&fl_command_tokenize, options, argc, argv, &first);
    if (outcome != FL_CLI_RUN)
        return outcome == FL_CLI_HELP ? FL_EXIT_DONE : FL_EXIT_MISUSE;
    if (!a.model && !a.tokenizer)
        return fl_cli_misuse(&fl_command_tokenize, "--model or --tokenizer: expected one of them");
    if (argc - first > 1)
        return fl_cli_misuse(&fl_command_tokenize, "expected one text; quote it");
    if (first < argc && strcmp(argv[first], "-") == 0 && !a.text_file)
        a.text_file = argv[first++];
    if ((first < argc) == (a.text_file != NULL))
        return fl_cli_misuse(&fl_command_tokenize, "expected a text or --text-file");

    struct fl_error error;
    char *content = NULL;
    size_t length = first < argc ? strlen(argv[first]) : 0;
    int status = FL_OK;
    if (a.text_file)
        status = fl_file_read(&content, &length, a.text_file, TEXT_MAX, &error);
    if (status == FL_OK)
        status = tokenize(&a, content ? content : argv[first], length, &error);
    free(content);
    return status == FL_OK ? FL_EXIT_DONE : fl_cli_failed(&fl_command_tokenize, &error);
}

static int detokenize(const struct arguments *a, struct fl_error *error)
{
    struct fl_tokenizer *tokenizer;
    int *ids = NULL;
    size_t n = 0, length = 0;
    char *text = NULL;
    if (open_tokenizer(&tokenizer, a, error) != FL_OK)
        return FL_FAILED;
    int status =
        fl_ids_read(&ids, &n, a->ids, a->ids_file, fl_tokenizer_vocab_size(tokenizer), error);
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
         "GGUF, llama2.c tokenizer.bin, or 'bytes'", "the model's", 0, 0, NULL},
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
    .examples = "  flopledger tokenize -m model.gguf \"Once upon a time\"\n"
                "  flopledger tokenize --tokenizer tokenizer.bin --format table \"a b\"\n"
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
