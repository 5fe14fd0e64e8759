/* cmd_generate.c - `flopledger generate`: text in, text out, the ledger at the end. */
#include "base/cost.h"
#include "base/file.h"
#include "base/units.h"
#include "commands.h"
#include "engine/sampler.h"
#include "engine/session.h"
#include "model/weights.h"
#include "text/ids.h"
#include "text/tokenizer.h"
#include "text/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PROMPT_MAX = 1 << 28 };

struct arguments {
    const char *model, *tokenizer, *prompt, *prompt_file, *prompt_ids, *prompt_ids_file;
    int64_t n_gen, n_threads, seed;
    double temperature;
    int cache, attention;
    bool ids, ignore_eos, quiet;
};

/* One phase's part of the ledger. */
struct phase {
    const char *name;
    int64_t n_tokens; /* run through the model: without a cache also those of earlier steps */
    int64_t n_new;    /* the rate's numerator: the prompt's tokens, or those decoded */
    uint64_t time_ns;
    struct fl_ledger ledger;
};
enum { PREFILL, DECODE, N_PHASES };

struct generation {
    const struct arguments *a;
    const struct fl_model *model;
    struct fl_tokenizer *tokenizer; /* NULL when ids go in and come out */
    struct fl_session *session;
    struct fl_sampler sampler;
    struct fl_stream stream;
    int *ids; /* prompt, then what was chosen; room for n_ctx */
    int n_prompt, n_ids, n_ctx;
    int64_t n_generated;
    struct phase phases[N_PHASES];
    bool full;           /* the model's context ended first */
    const char *stopped; /* why */
};

/* ---- the loop ---- */

/* Runs the tokens the cache lacks, or all of them without a cache. */
static int forward(struct generation *g, struct phase *phase, struct fl_error *error)
{
    if (!g->a->cache)
        fl_session_truncate(g->session, 0);
    int n_past = fl_session_n_past(g->session);
    fl_ledger_reset(fl_session_ledger(g->session));
    uint64_t start = fl_clock_ns();
    if (fl_session_forward(g->session, g->ids + n_past, g->n_ids - n_past, FL_LOGITS_LAST, error) !=
        FL_OK)
        return FL_FAILED;
    phase->time_ns += fl_clock_ns() - start;
    phase->n_tokens += g->n_ids - n_past;
    phase->n_new += phase == &g->phases[PREFILL] ? g->n_prompt : 1;
    fl_ledger_add(&phase->ledger, fl_session_ledger(g->session));
    return FL_OK;
}

static const char UNREADABLE[] = "\xef\xbf\xbd"; /* U+FFFD */

/* Whole characters as they are; bytes that are none must not reach a terminal. */
static void print_text(const char *text, size_t length)
{
    for (size_t i = 0, n; i < length; i += n) {
        n = fl_utf8_length(text + i, length - i);
        if (n == 1 && (unsigned char)text[i] >= 0x80)
            fputs(UNREADABLE, stdout);
        else
            fwrite(text + i, 1, n, stdout);
    }
}

static void emit(struct generation *g, int id)
{
    if (g->a->ids) {
        printf("%d\n", id);
    } else {
        size_t length;
        const char *text = fl_stream_push(&g->stream, id, &length);
        print_text(text, length);
    }
    fflush(stdout);
}

/* What never became a whole character counts as one. */
static void emit_end(struct generation *g)
{
    size_t length;
    fl_stream_flush(&g->stream, &length);
    if (length > 0)
        fputs(UNREADABLE, stdout);
    fputc('\n', stdout);
}

/* The end of a text is its end mark, or the mark that begins another one: llama2.c's small models
 * know no other. */
static bool is_end(const struct generation *g, int id)
{
    const struct fl_config *config = &g->model->config;
    if (g->a->ignore_eos)
        return false;
    if (id == config->eos_id || id == config->bos_id)
        return true;
    return g->tokenizer &&
           (id == fl_tokenizer_eos(g->tokenizer) || id == fl_tokenizer_bos(g->tokenizer));
}

static int generate(struct generation *g, struct fl_error *error)
{
    g->stopped = "as many tokens as asked for";
    for (int64_t i = 0; i < g->a->n_gen; i++) {
        if (forward(g, &g->phases[i == 0 ? PREFILL : DECODE], error) != FL_OK)
            return FL_FAILED;
        int id = fl_sampler_pick(&g->sampler, fl_session_logits(g->session), g->ids, g->n_ids);
        if (id < 0)
            return fl_fail(error, "%s: no logit is a number", g->model->config.name);
        if (is_end(g, id)) {
            g->stopped = "end of sequence";
            break;
        }
        emit(g, id);
        g->n_generated++;
        if (g->n_ids == g->n_ctx) {
            g->full = i + 1 < g->a->n_gen;
            break;
        }
        g->ids[g->n_ids++] = id;
    }
    if (!g->a->ids)
        emit_end(g);
    if (g->full) {
        g->stopped = "the model's context is full";
        fprintf(stderr,
                "flopledger generate: the model's context of %d tokens is full after %lld "
                "of %lld tokens\n",
                g->n_ctx, (long long)g->n_generated, (long long)g->a->n_gen);
    }
    return FL_OK;
}

/* ---- the ledger at the end ---- */

static void print_phase(const struct phase *phase)
{
    char flops[FL_UNIT_TEXT], time[FL_UNIT_TEXT];
    struct fl_ledger_entry total = fl_ledger_total(&phase->ledger);
    double ns = (double)phase->time_ns, work = (double)fl_cost_flops(total.counted);
    double bytes = (double)(total.counted.bytes_read + total.counted.bytes_written);
    if (phase->n_tokens == 0)
        return;
    fprintf(stderr, "%-8s %8lld %10s %10.1f %14s %10.2f %8.2f\n", phase->name,
            (long long)phase->n_tokens, fl_time_text(ns, time), (double)phase->n_new / ns * 1e9,
            fl_si_text(work, "FLOP", flops), work / ns, bytes / ns);
}

static struct fl_ledger_entry operator_total(const struct fl_ledger *ledger, enum fl_operator op)
{
    struct fl_ledger_entry sum = {0};
    for (int layer = 0; layer < ledger->n_rows; layer++) {
        const struct fl_ledger_entry *entry = fl_ledger_entry(ledger, layer, op);
        sum.counted = fl_cost_add(sum.counted, entry->counted);
        sum.time_ns += entry->time_ns;
        sum.n_calls += entry->n_calls;
    }
    return sum;
}

static void print_ledger(const struct generation *g)
{
    fprintf(stderr, "\n%d tokens of prompt, %lld generated; stopped: %s\n\n", g->n_prompt,
            (long long)g->n_generated, g->stopped);
    fprintf(stderr, "%-8s %8s %10s %10s %14s %10s %8s\n", "phase", "tokens", "time", "tokens/s",
            "counted", "GFLOP/s", "GB/s");
    for (int i = 0; i < N_PHASES; i++)
        print_phase(&g->phases[i]);
    fprintf(stderr, "\n%-12s %14s %10s %14s %10s\n", "operator", "prefill", "time", "decode",
            "time");
    for (int op = 0; op < FL_N_OPERATORS; op++) {
        struct fl_ledger_entry sums[N_PHASES];
        for (int i = 0; i < N_PHASES; i++)
            sums[i] = operator_total(&g->phases[i].ledger, (enum fl_operator)op);
        if (sums[PREFILL].n_calls + sums[DECODE].n_calls == 0)
            continue;
        fprintf(stderr, "%-12s", fl_operator_name((enum fl_operator)op));
        for (int i = 0; i < N_PHASES; i++) {
            char flops[FL_UNIT_TEXT], time[FL_UNIT_TEXT];
            fprintf(stderr, " %14s %10s",
                    fl_si_text((double)fl_cost_flops(sums[i].counted), "FLOP", flops),
                    fl_time_text((double)sums[i].time_ns, time));
        }
        fputc('\n', stderr);
    }
}

/* ---- setting up ---- */

static int read_prompt(const struct generation *g, int **ids, size_t *n, struct fl_error *error)
{
    const struct arguments *a = g->a;
    char *content = NULL;
    size_t length = a->prompt ? strlen(a->prompt) : 0;
    if (a->prompt_ids || a->prompt_ids_file)
        return fl_ids_read(ids, n, a->prompt_ids, a->prompt_ids_file, g->model->config.vocab_size,
                           error);
    if (a->prompt_file &&
        fl_file_read(&content, &length, a->prompt_file, PROMPT_MAX, error) != FL_OK)
        return FL_FAILED;
    int status = fl_tokenizer_encode(g->tokenizer, content ? content : a->prompt, length, true, ids,
                                     n, error);
    free(content);
    return status;
}

static int place_prompt(struct generation *g, const int *ids, size_t n, struct fl_error *error)
{
    int own = g->model->config.n_ctx_max;
    if (n == 0)
        return fl_fail(error, "prompt: expected at least one token, and nothing marks the "
                              "beginning here");
    if (n > (size_t)own)
        return fl_fail(error, "prompt: expected at most %d tokens, the model's context, not %zu",
                       own, n);
    g->n_ids = g->n_prompt = (int)n;
    g->n_ctx = g->a->n_gen < own - g->n_prompt ? g->n_prompt + (int)g->a->n_gen : own;
    g->ids = calloc((size_t)g->n_ctx, sizeof *g->ids);
    if (!g->ids)
        return fl_fail(error, "prompt: not enough memory for %d ids", g->n_ctx);
    memcpy(g->ids, ids, n * sizeof *ids);
    return FL_OK;
}

static int open_prompt(struct generation *g, struct fl_error *error)
{
    const struct arguments *a = g->a;
    int *ids = NULL;
    size_t n = 0;
    bool only_ids = a->ids && (a->prompt_ids || a->prompt_ids_file);
    if (!only_ids && fl_tokenizer_open(&g->tokenizer, a->model, a->tokenizer,
                                       g->model->config.vocab_size, error) != FL_OK)
        return FL_FAILED;
    int status = read_prompt(g, &ids, &n, error);
    if (status == FL_OK)
        status = place_prompt(g, ids, n, error);
    free(ids);
    return status;
}

static int open_generation(struct generation *g, struct fl_error *error)
{
    const struct arguments *a = g->a;
    if (open_prompt(g, error) != FL_OK)
        return FL_FAILED;
    struct fl_session_options options = {
        .n_seqs = 1,
        .n_ctx = g->n_ctx,
        .n_tokens_max = a->cache ? g->n_prompt : g->n_ctx,
        .attention = (enum fl_attention)a->attention,
        .logits = FL_LOGITS_LAST,
        .n_threads = (int)a->n_threads,
    };
    if (fl_session_open(&g->session, g->model, &options, error) != FL_OK)
        return FL_FAILED;
    for (int i = 0; i < N_PHASES; i++)
        if (fl_ledger_open_stacks(&g->phases[i].ledger, g->model->config.n_layers,
                                  g->model->config.n_encoder_layers, error) != FL_OK)
            return FL_FAILED;
    g->phases[PREFILL].name = "prefill";
    g->phases[DECODE].name = "decode";
    struct fl_sampling sampling = fl_sampling_default;
    sampling.temperature = a->temperature;
    sampling.seed = (uint64_t)a->seed;
    if (fl_sampler_open(&g->sampler, &sampling, g->model->config.vocab_size, error) != FL_OK)
        return FL_FAILED;
    fl_stream_start(&g->stream, g->tokenizer);
    return FL_OK;
}

static void close_generation(struct generation *g)
{
    for (int i = 0; i < N_PHASES; i++)
        fl_ledger_close(&g->phases[i].ledger);
    fl_sampler_close(&g->sampler);
    fl_session_close(g->session);
    fl_tokenizer_close(g->tokenizer);
    free(g->ids);
}

static int run(int argc, char **argv)
{
    struct arguments a = {.n_gen = 64, .cache = 1, .attention = FL_ATTENTION_CAUSAL};
    const struct fl_option options[] = {
        {"Model", "model", 'm', FL_OPTION_STRING, &a.model, "M",
         "GGUF, .bin, safetensors folder, or a preset (random weights)", NULL, 0, 0, NULL},
        {NULL, "tokenizer", 0, FL_OPTION_STRING, &a.tokenizer, "FILE",
         "GGUF, llama2.c tokenizer.bin, or 'bytes'", "the model's", 0, 0, NULL},
        {"Input", "prompt", 'p', FL_OPTION_STRING, &a.prompt, "TEXT", "the prompt", NULL, 0, 0,
         NULL},
        {NULL, "prompt-file", 0, FL_OPTION_STRING, &a.prompt_file, "FILE",
         "the prompt from a file, '-': standard input", NULL, 0, 0, NULL},
        {NULL, "prompt-ids", 0, FL_OPTION_STRING, &a.prompt_ids, "1,2,3",
         "the prompt as token ids; with --ids no tokenizer is needed", NULL, 0, 0, NULL},
        {NULL, "prompt-ids-file", 0, FL_OPTION_STRING, &a.prompt_ids_file, "FILE",
         "token ids from a file ('#' starts a comment), '-': standard input", NULL, 0, 0, NULL},
        {"Decoding", "n-predict", 'n', FL_OPTION_INT, &a.n_gen, "N", "tokens to generate", "64", 1,
         1 << 24, NULL},
        {NULL, "temperature", 0, FL_OPTION_REAL, &a.temperature, "T", "0: greedy", "0", 0, 1000,
         NULL},
        {NULL, "seed", 0, FL_OPTION_INT, &a.seed, "K", "of sampling, and of random weights", "0", 0,
         1e15, NULL},
        {NULL, "ignore-eos", 0, FL_OPTION_FLAG, &a.ignore_eos, NULL,
         "go on behind the end of sequence", NULL, 0, 0, NULL},
        {"Run", "cache", 0, FL_OPTION_CHOICE, &a.cache, "on|off",
         "off: every step runs the whole prefix again", "on", 0, 0, fl_cli_off_on},
        {NULL, "attention", 0, FL_OPTION_CHOICE, &a.attention, "KERNEL", "naive or causal",
         "causal", 0, 0, fl_attention_names},
        {NULL, "threads", 't', FL_OPTION_INT, &a.n_threads, "N", "BLAS and OpenMP threads",
         "all cores", 1, 1024, NULL},
        {"Output", "ids", 0, FL_OPTION_FLAG, &a.ids, NULL, "print token ids, one a line", NULL, 0,
         0, NULL},
        {NULL, "quiet", 'q', FL_OPTION_FLAG, &a.quiet, NULL, "no ledger at the end", NULL, 0, 0,
         NULL},
        {0}};
    int first;
    enum fl_cli_outcome outcome = fl_cli_parse(&fl_command_generate, options, argc, argv, &first);
    if (outcome != FL_CLI_RUN)
        return outcome == FL_CLI_HELP ? FL_EXIT_DONE : FL_EXIT_MISUSE;
    if (first < argc)
        return fl_cli_misuse(&fl_command_generate, "unexpected argument '%s'", argv[first]);
    if (!a.model)
        return fl_cli_misuse(&fl_command_generate, "--model: expected a model file or a preset");
    if (!!a.prompt + !!a.prompt_file + !!a.prompt_ids + !!a.prompt_ids_file != 1)
        return fl_cli_misuse(&fl_command_generate,
                             "--prompt or --prompt-file: expected one, or token ids");

    struct fl_model model;
    struct fl_error error;
    if (fl_model_open(&model, a.model, (uint64_t)a.seed, &error) != FL_OK)
        return fl_cli_failed(&fl_command_generate, &error);
    struct generation g = {.a = &a, .model = &model};
    int status = open_generation(&g, &error);
    if (status == FL_OK)
        status = generate(&g, &error);
    if (status == FL_OK && !a.quiet)
        print_ledger(&g);
    close_generation(&g);
    fl_model_close(&model);
    return status == FL_OK ? FL_EXIT_DONE : fl_cli_failed(&fl_command_generate, &error);
}

const struct fl_command fl_command_generate = {
    .name = "generate",
    .summary = "text in, text out, with a ledger at the end",
    .usage = "--model M --prompt TEXT [-n N] [options]",
    .examples = "  flopledger generate -m stories.gguf -p \"Once upon a time\" -n 200\n"
                "  flopledger generate -m stories.gguf -p \"Once\" --temperature 0.8 --seed 7\n"
                "  flopledger generate -m stories.gguf -p \"Once\" --cache off\n"
                "  flopledger generate -m model.safetensors --prompt-ids 23,8 --ids\n",
    .run = run,
};
