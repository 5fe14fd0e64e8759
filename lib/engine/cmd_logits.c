/* cmd_logits.c - `flopledger logits`: the logits of every position, for checking against other
 * programs. */
#include "base/file.h"
#include "base/interrupt.h"
#include "commands.h"
#include "engine/session.h"
#include "model/weights.h"
#include "text/ids.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct arguments {
    const char *model, *ids, *ids_file, *decoder_ids, *out;
    int64_t n_threads, seed;
    int cache, attention;
};

/* Runs the ids through the session, n_tokens at a time, and writes each part's logits; fails when
 * asked to stop, because half of them would pass for all. */
static int write_logits(struct fl_session *session, const int *ids, size_t n_ids, size_t n_tokens,
                        int vocab_size, FILE *out, struct fl_error *error)
{
    for (size_t at = 0; at < n_ids; at += n_tokens) {
        if (fl_session_forward(session, ids + at, (int)n_tokens, FL_LOGITS_ALL, error) != FL_OK)
            return FL_FAILED;
        if (fl_interrupt_signal)
            return fl_fail(error, "interrupted behind %zu of %zu tokens", at + n_tokens, n_ids);
        size_t n = n_tokens * (size_t)vocab_size;
        if (fwrite(fl_session_logits(session), sizeof(float), n, out) != n)
            return fl_fail(error, "logits: cannot write them: the disk may be full");
    }
    return FL_OK;
}

/* The ids of --ids and, of an encoder-decoder, those of --decoder-ids. */
struct input {
    int *ids, *decoder_ids;
    size_t n_ids, n_decoder_ids;
};

static int read_input(struct input *input, const struct arguments *a,
                      const struct fl_config *config, struct fl_error *error)
{
    const bool encoder = config->n_encoder_layers > 0;
    if (encoder != (a->decoder_ids != NULL))
        return fl_fail(error,
                       encoder ? "--decoder-ids: expected what the decoder of %s reads, beginning "
                                 "with its start id; --ids are the encoder's"
                               : "--decoder-ids: expected none, %s has no encoder",
                       config->name);
    if (fl_ids_read(&input->ids, &input->n_ids, "--ids", a->ids, a->ids_file,
                    fl_config_prompt_vocab_size(config), error) != FL_OK ||
        (encoder &&
         fl_ids_parse(&input->decoder_ids, &input->n_decoder_ids, a->decoder_ids,
                      strlen(a->decoder_ids), config->vocab_size, "--decoder-ids", error) != FL_OK))
        return FL_FAILED;
    if (input->n_ids == 0 || input->n_ids > INT32_MAX)
        return fl_fail(error, "%s: expected at least one token id",
                       a->ids_file ? a->ids_file : "--ids");
    if (encoder && input->n_decoder_ids == 0)
        return fl_fail(error, "--decoder-ids: expected at least one token id");
    return FL_OK;
}

static int open_session(struct fl_session **session, const struct arguments *a,
                        const struct fl_model *model, const struct input *input, int n_ctx,
                        struct fl_error *error)
{
    const struct fl_session_options options = {
        .n_seqs = 1,
        .n_ctx = n_ctx,
        .n_tokens_max = a->cache ? 1 : n_ctx,
        .n_encoder_ctx = (int)input->n_ids,
        .attention = (enum fl_attention)a->attention,
        .logits = FL_LOGITS_ALL,
        .n_threads = (int)a->n_threads,
    };
    const int n_ids = (int)input->n_ids;
    if (fl_session_open(session, model, &options, error) != FL_OK)
        return FL_FAILED;
    return input->decoder_ids ? fl_session_encode(*session, input->ids, &n_ids, 1, error) : FL_OK;
}

static int logits(const struct arguments *a, const struct fl_model *model, struct fl_error *error)
{
    struct input input = {0};
    struct fl_session *session = NULL;
    struct fl_output output = {0};
    int status = read_input(&input, a, &model->config, error);
    const int *ids = input.decoder_ids ? input.decoder_ids : input.ids;
    const size_t n_ids = input.decoder_ids ? input.n_decoder_ids : input.n_ids;
    if (status == FL_OK)
        status = open_session(&session, a, model, &input, (int)n_ids, error);
    fl_interrupt_catch(); /* nothing half written is left behind */
    if (status == FL_OK)
        status = fl_output_open(&output, a->out, error);
    if (status == FL_OK) {
        status = write_logits(session, ids, n_ids, a->cache ? 1 : n_ids, model->config.vocab_size,
                              output.stream, error);
        if (status == FL_OK)
            status = fl_output_commit(&output, error);
        fl_output_abandon(&output);
    }
    fl_session_close(session);
    free(input.ids);
    free(input.decoder_ids);
    return status;
}

static int run(int argc, char **argv)
{
    struct arguments a = {.attention = FL_ATTENTION_CAUSAL};
    const struct fl_option options[] = {
        {"Model", "model", 'm', FL_OPTION_STRING, &a.model, "M",
         "preset (random weights), GGUF, safetensors folder, .bin or config.json", NULL, 0, 0,
         NULL},
        {NULL, "seed", 0, FL_OPTION_INT, &a.seed, "K", "of random weights", "0", 0, 1e15, NULL},
        {"Input", "ids", 0, FL_OPTION_STRING, &a.ids, "1,2,3", "token ids", NULL, 0, 0, NULL},
        {NULL, "ids-file", 0, FL_OPTION_STRING, &a.ids_file, "FILE",
         "token ids from a file ('#' starts a comment), '-': standard input", NULL, 0, 0, NULL},
        {NULL, "decoder-ids", 0, FL_OPTION_STRING, &a.decoder_ids, "0,5,7",
         "encoder-decoders: what the decoder reads; the ids above are the encoder's", NULL, 0, 0,
         NULL},
        {"Run", "cache", 0, FL_OPTION_CHOICE, &a.cache, "on|off",
         "on: token by token behind the KV cache; off: all at once", "off", 0, 0, fl_cli_off_on},
        {NULL, "attention", 0, FL_OPTION_CHOICE, &a.attention, "KERNEL", "naive, causal or flash",
         "causal", 0, 0, fl_attention_names},
        {NULL, "threads", 't', FL_OPTION_INT, &a.n_threads, "N", "BLAS and OpenMP threads",
         "$OMP_NUM_THREADS, else all cores", 1, 1024, NULL},
        {"Output", "output", 'o', FL_OPTION_STRING, &a.out, "FILE.f32",
         "little-endian f32 [n_tokens, vocab_size], '-': standard output", NULL, 0, 0, NULL},
        {0}};
    int first;
    enum fl_cli_outcome outcome = fl_cli_parse(&fl_command_logits, options, argc, argv, &first);
    if (outcome != FL_CLI_RUN)
        return outcome == FL_CLI_HELP ? FL_EXIT_DONE : FL_EXIT_MISUSE;
    if (first < argc)
        return fl_cli_misuse(&fl_command_logits, "unexpected argument '%s'", argv[first]);
    if (!a.model)
        return fl_cli_misuse(&fl_command_logits, "--model: expected a preset or a model file");
    if (!a.ids == !a.ids_file)
        return fl_cli_misuse(&fl_command_logits, "--ids or --ids-file: expected one of them");
    if (!a.out)
        return fl_cli_misuse(&fl_command_logits, "--output: expected a file, or '-'");

    struct fl_model model;
    struct fl_error error;
    int status = fl_model_open(&model, a.model, (uint64_t)a.seed, &error);
    if (status == FL_OK) {
        status = logits(&a, &model, &error);
        fl_model_close(&model);
    }
    if (status == FL_OK)
        return FL_EXIT_DONE;
    return fl_interrupt_status(fl_cli_failed(&fl_command_logits, &error));
}

const struct fl_command fl_command_logits = {
    .name = "logits",
    .summary = "logits of every position, to check against other programs",
    .usage = "--model M --ids 1,2,3 | --ids-file FILE -o FILE.f32 [options]",
    .examples = "  flopledger logits -m model.gguf --ids 1,403,407,261,378 -o out.f32\n"
                "  flopledger logits -m ./gpt2 --ids-file ids.txt --cache on -o out.f32\n"
                "  flopledger logits -m ./t5 --ids 363,19,1 --decoder-ids 0 -o out.f32\n",
    .run = run,
};
