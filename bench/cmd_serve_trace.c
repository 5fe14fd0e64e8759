/* cmd_serve_trace.c - `flopledger serve-trace`: a queue of requests, served pass by pass. */
#include "base/interrupt.h"
#include "bench/request_trace.h"
#include "bench/serve.h"
#include "commands.h"
#include "model/weights.h"
#include "reports/serving_render.h"
#include "reports/trace.h"
#include "text/tokenizer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const FORMATS[] = {"table", "json", "csv", "md", NULL};
enum { FORMAT_TABLE, FORMAT_JSON, FORMAT_CSV, FORMAT_MD };

struct arguments {
    const char *model, *tokenizer;
    int64_t max_seqs, max_batch_tokens, block_tokens, n_blocks, n_ctx, n_threads, seed;
    int prefix_cache, policy, clock, format, attention, kv_dtype;
    double gflops, ttft_s, tpot_s;
    const char *trace;
    bool quiet;
};

/* Text prompts want a tokenizer; a model without one still serves ids and lengths. */
static int read_trace(struct fl_request_trace *trace, const char *path, const struct arguments *a,
                      const struct fl_model *model, struct fl_error *error)
{
    struct fl_request_trace_options options = {
        .vocab_size = model->config.vocab_size,
        .n_ctx = a->n_ctx > 0 ? (int)a->n_ctx : model->config.n_ctx_max,
        .seed = (uint64_t)a->seed,
    };
    if (fl_tokenizer_open(&options.tokenizer, a->model, a->tokenizer, model->config.vocab_size,
                          error) != FL_OK) {
        if (a->tokenizer)
            return FL_FAILED;
        options.tokenizer = NULL;
    }
    const int status = fl_request_trace_read(trace, path, &options, error);
    fl_tokenizer_close(options.tokenizer);
    return status;
}

static bool render(const struct arguments *a, const struct fl_serving_view *view)
{
    switch (a->format) {
    case FORMAT_JSON:
        return fl_serving_json(view, stdout);
    case FORMAT_CSV:
        return fl_serving_table(view, FL_TABLE_CSV, stdout);
    case FORMAT_MD:
        return fl_serving_table(view, FL_TABLE_MARKDOWN, stdout);
    default:
        return fl_serving_table(view, FL_TABLE_TEXT, stdout);
    }
}

static int show(const struct arguments *a, const char *path, const struct fl_model *model,
                const struct fl_serve_options *options, const struct fl_serve_result *result,
                struct fl_error *error)
{
    struct fl_serving_summary summary;
    const struct fl_serving_view view = {
        .model = model->config.name,
        .trace = path,
        .policy = fl_schedule_policy_names[a->policy],
        .clock = fl_serve_clock_names[a->clock],
        .attention = fl_attention_names[a->attention],
        .kv_dtype = fl_dtype_names[a->kv_dtype],
        .max_seqs = options->schedule.max_seqs,
        .max_batch_tokens = options->schedule.max_batch_tokens,
        .block_tokens = result->block_tokens,
        .n_blocks = result->n_blocks,
        .n_ctx = result->n_ctx,
        .n_threads = result->n_threads,
        .prefix_cache = options->schedule.prefix_cache,
        .flops_per_s = options->clock == FL_SERVE_FLOPS ? options->flops_per_s : 0,
        .block_bytes = result->block_bytes,
        .seed = (uint64_t)a->seed,
        .limits = {a->ttft_s, a->tpot_s},
        .requests = result->requests,
        .n_requests = result->n_requests,
        .passes = result->passes,
        .n_passes = result->n_passes,
        .summary = &summary,
    };
    if (fl_serving_summarise(&summary, result->requests, result->n_requests, result->passes,
                             result->n_passes, &view.limits, error) != FL_OK)
        return FL_FAILED;
    if (!render(a, &view))
        return fl_fail(error, "not enough memory for the tables");
    return FL_OK;
}

/* Operators only where the clock is that of their times. */
static int write_trace(const struct arguments *a, const char *path, const struct fl_model *model,
                       const struct fl_event_log *log, const struct fl_serve_result *result,
                       struct fl_error *error)
{
    char threads[24];
    snprintf(threads, sizeof threads, "%d", result->n_threads);
    const char *const facts[] = {"command",   "serve-trace",
                                 "model",     model->config.name,
                                 "trace",     path,
                                 "policy",    fl_schedule_policy_names[a->policy],
                                 "clock",     fl_serve_clock_names[a->clock],
                                 "attention", fl_attention_names[a->attention],
                                 "kv_dtype",  fl_dtype_names[a->kv_dtype],
                                 "threads",   threads,
                                 NULL};
    const struct fl_trace_track track = {
        .name = "passes", .log = log, .config = &model->config, .clock = result->passes};
    const struct fl_trace trace = {
        .title = model->config.name,
        .facts = facts,
        .tracks = &track,
        .n_tracks = a->clock == FL_SERVE_FLOPS ? 0 : 1,
        .requests = result->requests,
        .n_requests = result->n_requests,
        .passes = result->passes,
        .n_passes = result->n_passes,
    };
    if (log->n_left_out > 0)
        fprintf(stderr,
                "flopledger serve-trace: --trace: the operators of the last %lld passes did not "
                "fit into the log of %d calls and are left out\n",
                (long long)log->n_left_out, FL_EVENT_LOG_MOST);
    return fl_trace_write(a->trace, &trace, error);
}

/* As much as a log can hold, where it is to be traced. */
static int open_log(struct fl_event_log *log, const struct arguments *a, struct fl_error *error)
{
    if (!a->trace)
        return FL_OK;
    return fl_event_log_open(log, a->clock == FL_SERVE_FLOPS ? 1 : FL_EVENT_LOG_MOST, error);
}

static int serve(const struct arguments *a, const char *path, struct fl_error *error)
{
    struct fl_model model;
    struct fl_request_trace trace;
    struct fl_serve_result result;
    struct fl_event_log log = {0};
    const struct fl_serve_options options = {
        .schedule = {.max_seqs = (int)a->max_seqs,
                     .max_batch_tokens = (int)a->max_batch_tokens,
                     .policy = (enum fl_schedule_policy)a->policy,
                     .prefix_cache = a->prefix_cache != 0},
        .n_ctx = (int)a->n_ctx,
        .block_tokens = (int)a->block_tokens,
        .n_blocks = (int)a->n_blocks,
        .attention = (enum fl_attention)a->attention,
        .kv_dtype = (enum fl_dtype)a->kv_dtype,
        .n_threads = (int)a->n_threads,
        .clock = (enum fl_serve_clock)a->clock,
        .flops_per_s = a->gflops * 1e9,
        .log = a->trace && a->clock != FL_SERVE_FLOPS ? &log : NULL,
        .interrupted = &fl_interrupt_signal,
        .quiet = a->quiet,
    };
    if (fl_model_open(&model, a->model, (uint64_t)a->seed, error) != FL_OK)
        return FL_FAILED;
    int status = read_trace(&trace, path, a, &model, error);
    if (status == FL_OK) {
        status = open_log(&log, a, error);
        if (status == FL_OK)
            fl_interrupt_catch();
        if (status == FL_OK)
            status = fl_serve(&result, &model, &trace, &options, error);
        if (status == FL_OK) {
            status = show(a, path, &model, &options, &result, error);
            if (status == FL_OK && a->trace)
                status = write_trace(a, path, &model, &log, &result, error);
            fl_serve_close(&result);
        }
        fl_event_log_close(&log);
        fl_request_trace_close(&trace);
    }
    fl_model_close(&model);
    return status;
}

static int run(int argc, char **argv)
{
    struct arguments a = {.max_seqs = 8,
                          .max_batch_tokens = 256,
                          .prefix_cache = 1,
                          .policy = FL_SCHEDULE_CONTINUOUS,
                          .attention = FL_ATTENTION_CAUSAL,
                          .gflops = 1,
                          .ttft_s = (double)INFINITY,
                          .tpot_s = (double)INFINITY};
    const struct fl_option options[] = {
        {"Model", "model", 'm', FL_OPTION_STRING, &a.model, "M",
         "GGUF, .bin, safetensors folder, or a preset (random weights)", NULL, 0, 0, NULL},
        {NULL, "tokenizer", 0, FL_OPTION_STRING, &a.tokenizer, "FILE",
         "for prompts as text: GGUF, tokenizer.json, vocab.json, sentencepiece .model, llama2.c "
         "tokenizer.bin, or 'bytes'",
         "the model's", 0, 0, NULL},
        {NULL, "ctx", 'c', FL_OPTION_INT, &a.n_ctx, "N", "tokens a request may have",
         "the model's; memory is taken for the longest request", 1, 1 << 24, NULL},
        {"Batching", "max-seqs", 0, FL_OPTION_INT, &a.max_seqs, "N", "requests running at once",
         "8", 1, 4096, NULL},
        {NULL, "max-batch-tokens", 0, FL_OPTION_INT, &a.max_batch_tokens, "N",
         "tokens in one pass: longer prompts run in pieces", "256", 1, 1 << 20, NULL},
        {NULL, "policy", 0, FL_OPTION_CHOICE, &a.policy, "P",
         "static: a batch ends before the next one begins; or continuous", "continuous", 0, 0,
         fl_schedule_policy_names},
        {"KV cache", "block-tokens", 0, FL_OPTION_INT, &a.block_tokens, "N", "tokens in a block",
         "16, or the context where that is shorter", 1, 1 << 20, NULL},
        {NULL, "kv-blocks", 0, FL_OPTION_INT, &a.n_blocks, "N",
         "blocks in all; too few: the youngest request is preempted", "enough", 1, 1 << 30, NULL},
        {NULL, "kv-dtype", 0, FL_OPTION_CHOICE, &a.kv_dtype, "TYPE",
         "type of keys and values: f32, f16 or bf16", "f32", 0, 0, fl_dtype_float_names},
        {NULL, "prefix-cache", 0, FL_OPTION_CHOICE, &a.prefix_cache, "on|off",
         "prompts that begin alike share blocks and are not run twice", "on", 0, 0, fl_cli_off_on},
        {"Run", "clock", 0, FL_OPTION_CHOICE, &a.clock, "C",
         "virtual: idle time is skipped; real: arrivals are waited for; flops: a pass takes its "
         "FLOPs at --gflops",
         "virtual", 0, 0, fl_serve_clock_names},
        {NULL, "gflops", 0, FL_OPTION_REAL, &a.gflops, "R", "of --clock flops, in GFLOP/s", "1",
         1e-6, 1e12, NULL},
        {NULL, "attention", 0, FL_OPTION_CHOICE, &a.attention, "KERNEL", "naive, causal or flash",
         "causal", 0, 0, fl_attention_names},
        {NULL, "threads", 't', FL_OPTION_INT, &a.n_threads, "N", "BLAS and OpenMP threads",
         "$OMP_NUM_THREADS, else all cores", 1, 1024, NULL},
        {NULL, "seed", 0, FL_OPTION_INT, &a.seed, "K",
         "of prompts without text or ids, and of "
         "random weights",
         "0", 0, 1e15, NULL},
        {"Output", "format", 0, FL_OPTION_CHOICE, &a.format, "FORMAT",
         "table, json (every request and pass), csv (a row a request) or md", "table", 0, 0,
         FORMATS},
        {NULL, "slo-ttft", 0, FL_OPTION_REAL, &a.ttft_s, "S",
         "goodput: most seconds to the first token", "any", 0, 1e9, NULL},
        {NULL, "slo-tpot", 0, FL_OPTION_REAL, &a.tpot_s, "S",
         "goodput: most seconds per output token", "any", 0, 1e9, NULL},
        {NULL, "trace", 0, FL_OPTION_STRING, &a.trace, "FILE",
         "requests, passes and operators as JSON for https://ui.perfetto.dev (docs/traces.md)",
         NULL, 0, 0, NULL},
        {NULL, "quiet", 'q', FL_OPTION_FLAG, &a.quiet, NULL, "no progress", NULL, 0, 0, NULL},
        {0}};
    const struct fl_command *command = &fl_command_serve_trace;
    int first;
    enum fl_cli_outcome outcome = fl_cli_parse(command, options, argc, argv, &first);
    if (outcome != FL_CLI_RUN)
        return outcome == FL_CLI_HELP ? FL_EXIT_DONE : FL_EXIT_MISUSE;
    if (!a.model)
        return fl_cli_misuse(command, "--model: expected a model file or a preset");
    if (first + 1 != argc)
        return fl_cli_misuse(command, "expected one trace file, got %d", argc - first);
    if (a.max_batch_tokens < a.max_seqs)
        return fl_cli_misuse(command,
                             "--max-batch-tokens: expected at least --max-seqs, %lld, got %lld",
                             (long long)a.max_seqs, (long long)a.max_batch_tokens);
    struct fl_error error;
    if (serve(&a, argv[first], &error) != FL_OK)
        return fl_cli_failed(command, &error);
    return fl_interrupt_status(FL_EXIT_DONE);
}

const struct fl_command fl_command_serve_trace = {
    .name = "serve-trace",
    .summary = "serve a queue of requests in batches, each with its latencies and FLOPs",
    .usage = "FILE --model M [options]",
    .examples =
        "  flopledger serve-trace bench/traces/chat.csv -m gpt2-small\n"
        "  flopledger serve-trace bench/traces/chat.csv -m gpt2-small --policy static\n"
        "  flopledger serve-trace trace.jsonl -m stories.gguf --kv-blocks 64 --format json\n"
        "  flopledger serve-trace trace.csv -m stories.gguf --slo-ttft 0.5 --slo-tpot 0.05\n"
        "  flopledger serve-trace bench/traces/chat.csv -m gpt2-nano --trace trace.json\n\n"
        "FILE is CSV with a header, or JSON Lines. Columns: arrival_s, output_tokens, and one of\n"
        "prompt_tokens (random ids), prompt (text) and prompt_ids; also prefix_group and\n"
        "prefix_tokens: prompts of a group begin alike. docs/serving.md says more.\n",
    .run = run,
};
