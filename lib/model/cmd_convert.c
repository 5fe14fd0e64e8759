/* cmd_convert.c - `flopledger convert`: any model as a GGUF file, in the number format asked for.
 */
#include "base/file.h"
#include "base/progress.h"
#include "base/units.h"
#include "commands.h"
#include "model/gguf.h"
#include "model/gguf_caveats.h"
#include "model/gguf_convert.h"
#include "text/vocabulary_export.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { MAX_PATH = 4096 };

struct arguments {
    const char *model, *tokenizer, *out;
    int64_t seed;
    int dtype;
    bool force, quiet;
};

static bool is(const char *text, const char *word)
{
    return text && strcmp(text, word) == 0;
}

/* ---- the tokenizer ---- */

/* Of an encoder-decoder it is what decoding starts with, which has a key of its own. */
static int bos_of(const struct fl_config *config)
{
    return config->n_encoder_layers > 0 ? -1 : config->bos_id;
}

/* llama.cpp's name for files that hold none. */
static void put_no_tokenizer(struct fl_gguf_writer *writer, const struct fl_config *config)
{
    fl_gguf_put_string(writer, "tokenizer.ggml.model", "no_vocab", strlen("no_vocab"));
    if (bos_of(config) >= 0)
        fl_gguf_put_uint(writer, "tokenizer.ggml.bos_token_id", (uint32_t)bos_of(config));
    if (config->eos_id >= 0)
        fl_gguf_put_uint(writer, "tokenizer.ggml.eos_token_id", (uint32_t)config->eos_id);
}

/* The ids that a vocabulary does not name, because its model has more: llama.cpp wants as many
 * tokens as the embedding has rows. */
static void padding_token(struct fl_token_view *token, int id)
{
    int n = snprintf(token->text, sizeof token->text, "[PAD%d]", id);
    token->length = (size_t)n;
    token->score = -1000; /* merges never lead to it */
    token->type = FL_PIECE_UNUSED;
}

static void token_at(struct fl_token_view *token, const struct fl_tokenizer_view *view, int id)
{
    if (id >= view->n_tokens) {
        padding_token(token, id);
        return;
    }
    fl_tokenizer_view_token(token, view, id);
    /* llama2.c spells "\n<s>\n" what everybody else calls <s> */
    const size_t n = token->length;
    if (token->type == FL_PIECE_CONTROL && n > 2 && token->text[0] == '\n' &&
        token->text[n - 1] == '\n') {
        memmove(token->text, token->text + 1, n - 2);
        token->length = n - 2;
    }
}

static void put_tokens(struct fl_gguf_writer *writer, const struct fl_tokenizer_view *view,
                       int vocab_size)
{
    struct fl_token_view token = {.length = 0};
    const uint64_t n = (uint64_t)vocab_size;
    fl_gguf_begin_strings(writer, "tokenizer.ggml.tokens", n);
    for (int id = 0; id < vocab_size; id++) {
        token_at(&token, view, id);
        fl_gguf_add_string(writer, token.text, token.length);
    }
    if (view->has_scores) {
        fl_gguf_begin_reals(writer, "tokenizer.ggml.scores", n);
        for (int id = 0; id < vocab_size; id++) {
            token_at(&token, view, id);
            fl_gguf_add_real(writer, token.score);
        }
    }
    fl_gguf_begin_ints(writer, "tokenizer.ggml.token_type", n);
    for (int id = 0; id < vocab_size; id++) {
        token_at(&token, view, id);
        fl_gguf_add_int(writer, (int32_t)token.type);
    }
}

static void put_merges(struct fl_gguf_writer *writer, const struct fl_tokenizer_view *view)
{
    struct fl_merge_view merge;
    fl_gguf_begin_strings(writer, "tokenizer.ggml.merges", (uint64_t)view->n_merges);
    for (int rank = 0; rank < view->n_merges; rank++) {
        fl_tokenizer_view_merge(&merge, view, rank);
        fl_gguf_add_string(writer, merge.text, merge.length);
    }
}

/* What the tokenizer's files leave open, the model's config may say. */
static int first_of(int id, int other)
{
    return id >= 0 ? id : other;
}

static void put_view(struct fl_gguf_writer *writer, const struct fl_tokenizer_view *view,
                     const struct fl_config *config)
{
    const bool byte_level = is(view->model, "gpt2");
    const struct {
        const char *key;
        int id;
    } ids[] = {
        {"tokenizer.ggml.bos_token_id", first_of(view->bos, bos_of(config))},
        {"tokenizer.ggml.eos_token_id", first_of(view->eos, config->eos_id)},
        {"tokenizer.ggml.unknown_token_id", view->unknown},
        {"tokenizer.ggml.padding_token_id", view->pad},
    };
    fl_gguf_put_string(writer, "tokenizer.ggml.model", view->model, strlen(view->model));
    fl_gguf_put_string(writer, "tokenizer.ggml.pre", view->pre, strlen(view->pre));
    put_tokens(writer, view, config->vocab_size);
    if (byte_level)
        put_merges(writer, view);
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        if (ids[i].id >= 0)
            fl_gguf_put_uint(writer, ids[i].key, (uint32_t)ids[i].id);
    fl_gguf_put_bool(writer, "tokenizer.ggml.add_bos_token", view->add_bos);
    fl_gguf_put_bool(writer, "tokenizer.ggml.add_eos_token", view->add_eos);
    if (!byte_level)
        fl_gguf_put_bool(writer, "tokenizer.ggml.add_space_prefix", view->add_space_prefix);
    if (is(view->model, "t5"))
        fl_gguf_put_bool(writer, "tokenizer.ggml.remove_extra_whitespaces",
                         view->remove_extra_spaces);
    if (view->charsmap)
        fl_gguf_put_bytes(writer, "tokenizer.ggml.precompiled_charsmap", view->charsmap,
                          view->charsmap_size);
    if (view->chat_template)
        fl_gguf_put_string(writer, "tokenizer.chat_template", view->chat_template,
                           strlen(view->chat_template));
}

static int put_tokenizer(struct fl_gguf_writer *writer, const struct arguments *a,
                         const struct fl_model *model, struct fl_error *error)
{
    struct fl_tokenizer *tokenizer;
    struct fl_tokenizer_view view;
    if (is(a->tokenizer, "none") || (!a->tokenizer && is(model->format, "random"))) {
        put_no_tokenizer(writer, &model->config);
        return FL_OK;
    }
    int status =
        fl_tokenizer_open(&tokenizer, a->model, a->tokenizer, model->config.vocab_size, error);
    if (status == FL_OK) {
        status = fl_tokenizer_view(&view, tokenizer, error);
        if (status == FL_OK)
            put_view(writer, &view, &model->config);
        fl_tokenizer_close(tokenizer);
    }
    if (status == FL_OK || a->tokenizer)
        return status;
    struct fl_error cause = *error;
    return fl_fail(error, "%.420s; --tokenizer none writes a file without one", cause.text);
}

/* ---- metadata ---- */

static bool starts_with(const struct fl_gguf_string *text, const char *start)
{
    return text->length >= strlen(start) && memcmp(text->data, start, strlen(start)) == 0;
}

/* A GGUF file keeps what it says, but for what the new tensors change, the pieces that it was split
 * into, and the tokenizer when another one is given. */
static int copy_metadata(struct fl_gguf_writer *writer, const char *path, bool tokenizer,
                         struct fl_error *error)
{
    struct fl_gguf *gguf;
    if (fl_gguf_open(&gguf, path, error) != FL_OK)
        return FL_FAILED;
    for (size_t i = 0; i < fl_gguf_n_entries(gguf); i++) {
        const struct fl_gguf_entry entry = fl_gguf_entry(gguf, i);
        if (!fl_gguf_is_file_type_key(entry.key.data, entry.key.length) &&
            !starts_with(&entry.key, "split.") &&
            (tokenizer || !starts_with(&entry.key, "tokenizer.")))
            fl_gguf_put_raw(writer, entry.key.data, entry.key.length, entry.type, entry.value,
                            entry.size);
    }
    fl_gguf_close(gguf);
    return FL_OK;
}

static int put_metadata(struct fl_gguf_writer *writer, const struct fl_gguf_plan *plan,
                        const struct arguments *a, const struct fl_model *model,
                        struct fl_error *error)
{
    char path[MAX_PATH];
    const bool from_gguf = is(model->format, "gguf"), keeps = from_gguf && !a->tokenizer;
    int status = FL_OK;
    if (from_gguf) {
        if (fl_model_file(path, sizeof path, a->model, error) != FL_OK)
            return FL_FAILED;
        status = copy_metadata(writer, path, keeps, error);
    } else
        fl_gguf_put_config(writer, plan);
    fl_gguf_put_file_type(writer, plan);
    return status != FL_OK || keeps ? status : put_tokenizer(writer, a, model, error);
}

/* ---- notes ---- */

static void note_fallbacks(const struct fl_gguf_plan *plan)
{
    int n = 0;
    for (int i = 0; i < FL_N_DTYPES; i++)
        n += plan->n_fallen_back[i];
    if (n == 0)
        return;
    fprintf(stderr, "flopledger convert: %d of the matrices %s rows that are not whole blocks:", n,
            n == 1 ? "has" : "have");
    const char *comma = "";
    for (int i = 0; i < FL_N_DTYPES; i++)
        if (plan->n_fallen_back[i] > 0) {
            fprintf(stderr, "%s %d become%s %s", comma, plan->n_fallen_back[i],
                    plan->n_fallen_back[i] == 1 ? "s" : "", fl_dtype_names[i]);
            comma = ",";
        }
    fprintf(stderr, "\n");
}

static void note_result(const struct fl_gguf_plan *plan, const char *path)
{
    char size[FL_UNIT_TEXT];
    int n_matrices = 0;
    fprintf(stderr, "%s: %s, %d tensors, %s:", path, plan->architecture, plan->n_tensors,
            fl_bytes_text((double)plan->n_bytes, size));
    for (int i = 0; i < FL_N_DTYPES; i++)
        if (plan->n_matrices[i] > 0) {
            fprintf(stderr, " %d %s,", plan->n_matrices[i], fl_dtype_names[i]);
            n_matrices += plan->n_matrices[i];
        }
    fprintf(stderr, " %d vectors f32\n", plan->n_tensors - n_matrices);
}

/* Also when quiet: the file would be used as if it were this model. */
static void note_caveats(const struct fl_config *config)
{
    const char *sentence;
    for (int next = 0; (sentence = fl_gguf_caveat(config, &next)) != NULL;)
        fprintf(stderr, "flopledger convert: %s: llama.cpp %s\n", config->name, sentence);
}

/* GGUF's gpt2 names no activation; who reads it takes the tanh form. */
static struct fl_config as_gguf_says(const struct fl_config *config)
{
    struct fl_config said = *config;
    if (config->arch == FL_ARCH_GPT2 && config->activation == FL_ACT_GELU_ERF) {
        said.activation = FL_ACT_GELU_TANH;
        fprintf(stderr,
                "flopledger convert: %s: its GELU by the error function becomes the tanh form, "
                "the only one a GGUF gpt2 has\n",
                config->name);
    }
    return said;
}

/* ---- the file ---- */

static int write_tensors(struct fl_gguf_writer *writer, const struct fl_gguf_plan *plan, bool quiet,
                         struct fl_error *error)
{
    struct fl_progress progress;
    fl_progress_start(&progress, "convert", plan->n_tensors, (double)plan->n_bytes, quiet);
    for (int i = 0; i < plan->n_tensors; i++) {
        if (fl_gguf_write_tensor(writer, plan, i, error) != FL_OK)
            return FL_FAILED;
        fl_progress_step(&progress, (double)plan->tensors[i].n_bytes, plan->tensors[i].name);
    }
    fl_progress_finish(&progress);
    return FL_OK;
}

static int write_file(const struct fl_gguf_plan *plan, const struct arguments *a,
                      const struct fl_model *model, struct fl_error *error)
{
    struct fl_gguf_writer *writer;
    if (fl_gguf_create(&writer, a->out, error) != FL_OK)
        return FL_FAILED;
    int status = put_metadata(writer, plan, a, model, error);
    if (status == FL_OK) {
        fl_gguf_declare_all(writer, plan);
        status = fl_gguf_begin_data(writer, error);
    }
    if (status == FL_OK)
        status = write_tensors(writer, plan, a->quiet, error);
    if (status == FL_OK)
        status = fl_gguf_finish(writer, error);
    if (status == FL_OK) {
        const struct fl_config said = as_gguf_says(&model->config);
        status = fl_gguf_check_config(&said, fl_gguf_partial(writer), error);
    }
    if (status == FL_OK)
        status = fl_gguf_commit(writer, error);
    fl_gguf_discard(writer);
    return status;
}

static int convert(const struct arguments *a, struct fl_error *error)
{
    struct fl_model model;
    struct fl_gguf_plan plan;
    if (fl_file_is_directory(a->out))
        return fl_fail(error, "%s: expected the name of a file, this is a directory", a->out);
    if (!a->force && fl_file_exists(a->out))
        return fl_fail(error, "%s: the file exists; --force replaces it", a->out);
    if (fl_model_open(&model, a->model, (uint64_t)a->seed, error) != FL_OK)
        return FL_FAILED;
    int status = fl_gguf_plan(&plan, &model, a->dtype, error);
    if (status == FL_OK) {
        status = write_file(&plan, a, &model, error);
        if (status == FL_OK)
            note_caveats(&model.config);
        if (status == FL_OK && !a->quiet) {
            note_fallbacks(&plan);
            note_result(&plan, a->out);
        }
        fl_gguf_plan_close(&plan);
    }
    fl_model_close(&model);
    return status;
}

static int run(int argc, char **argv)
{
    struct arguments a = {.dtype = FL_GGUF_DTYPE_KEEP};
    const struct fl_option options[] = {
        {"Model", "model", 'm', FL_OPTION_STRING, &a.model, "M",
         "preset (random weights), GGUF, safetensors folder, .bin or config.json; of llama, "
         "mistral, mixtral, qwen2, qwen3, their mixtures of experts, gpt_neox, gpt2 or t5",
         NULL, 0, 0, NULL},
        {NULL, "seed", 0, FL_OPTION_INT, &a.seed, "K", "of random weights", "0", 0, 1e15, NULL},
        {NULL, "tokenizer", 0, FL_OPTION_STRING, &a.tokenizer, "FILE",
         "tokenizer to write into the file; 'none': write none", "the model's", 0, 0, NULL},
        {"Output", "output", 'o', FL_OPTION_STRING, &a.out, "FILE.gguf", "the file to write", NULL,
         0, 0, NULL},
        {NULL, "dtype", 0, FL_OPTION_CHOICE, &a.dtype, "TYPE",
         "of the matrices: f32, f16, bf16, q8_0, q4_0, q4_k or q6_k; one whose rows are not whole "
         "blocks (256 numbers in q4_k and q6_k, 32 in q8_0 and q4_0) takes the next format that "
         "fits, which is said",
         "as they are", 0, 0, fl_dtype_names},
        {NULL, "force", 0, FL_OPTION_FLAG, &a.force, NULL, "replace a file that exists", NULL, 0, 0,
         NULL},
        {NULL, "quiet", 'q', FL_OPTION_FLAG, &a.quiet, NULL, "no progress and no summary", NULL, 0,
         0, NULL},
        {0}};
    int first;
    enum fl_cli_outcome outcome = fl_cli_parse(&fl_command_convert, options, argc, argv, &first);
    if (outcome != FL_CLI_RUN)
        return outcome == FL_CLI_HELP ? FL_EXIT_DONE : FL_EXIT_MISUSE;
    if (first < argc)
        return fl_cli_misuse(&fl_command_convert, "unexpected argument '%s'", argv[first]);
    if (!a.model)
        return fl_cli_misuse(&fl_command_convert, "--model: expected a preset or a model file");
    if (!a.out || is(a.out, "-") || !*a.out)
        return fl_cli_misuse(&fl_command_convert, "--output: expected the name of a file");

    struct fl_error error;
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is then an error like a full disk */
    return convert(&a, &error) == FL_OK ? FL_EXIT_DONE : fl_cli_failed(&fl_command_convert, &error);
}

const struct fl_command fl_command_convert = {
    .name = "convert",
    .summary = "a model as a GGUF file that llama.cpp reads, in another number format",
    .usage = "--model M -o FILE.gguf [--dtype TYPE] [options]",
    .examples = "  flopledger convert -m ./TinyLlama -o tinyllama-Q4_K.gguf --dtype q4_k\n"
                "  flopledger convert -m stories15M.bin -o stories15M.gguf --dtype f16\n"
                "  flopledger convert -m gpt2 -o random.gguf --dtype q8_0 --seed 1\n",
    .run = run,
};
