/* cmd_generate.c - `flopledger generate`: text in, text out, the ledger at the end. Its options,
 * what they mean together, and the printing of text; the work is done in generation.c. */
#include "base/interrupt.h"
#include "base/utf8.h"
#include "commands.h"
#include "engine/generate_flags.h"
#include "engine/generate_ledger.h"
#include "model/weights.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EOS_MAX = 32 };

static const char *const FORMATS[] = {"text", "json", NULL};

struct job {
    const struct fl_generate_flags *flags;
    struct fl_model model;
    struct fl_model draft;          /* when one was named */
    struct fl_tokenizer *tokenizer; /* NULL when ids go in and come out */
    struct fl_prompts prompts;
    int eos_ids[EOS_MAX];
    struct fl_generator_options options;
    struct fl_generator *generator;
    struct fl_generate_trace trace;
    struct fl_generate_text *texts; /* [n_prompts] what is printed at the end */
    bool lost;                      /* memory for a text ran out */
};

/* ---- printing ---- */

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

/* One prompt's output is printed as it comes; several, and JSON, when all are done. */
static bool is_live(const struct job *job)
{
    return job->prompts.n == 1 && job->flags->format == FL_GENERATE_TEXT;
}

static bool keep(struct fl_generate_text *text, const char *bytes, size_t length)
{
    if (text->capacity - text->length <= length) {
        const size_t capacity = 2 * (text->length + length) + 1024;
        char *larger = realloc(text->bytes, capacity);
        if (!larger)
            return false;
        text->bytes = larger;
        text->capacity = capacity;
    }
    memcpy(text->bytes + text->length, bytes, length);
    text->length += length;
    text->bytes[text->length] = '\0';
    return true;
}

static void take_text(void *context, int prompt, const char *text, size_t length)
{
    struct job *job = context;
    if (is_live(job)) {
        print_text(text, length);
        fflush(stdout);
    } else if (!keep(&job->texts[prompt], text, length)) {
        job->lost = true;
    }
}

static void take_token(void *context, int prompt, int id)
{
    const struct job *job = context;
    (void)prompt;
    if (is_live(job)) {
        printf("%d\n", id);
        fflush(stdout);
    }
}

/* Several outputs, each behind a line that says whose it is. */
static void print_outputs(const struct job *job)
{
    for (int i = 0; i < job->prompts.n; i++) {
        const struct fl_generated result = fl_generator_result(job->generator, i);
        printf("%s==> prompt %d <==\n", i ? "\n" : "", i + 1);
        if (!job->flags->ids)
            print_text(job->texts[i].bytes, job->texts[i].length);
        for (int k = 0; job->flags->ids && k < result.n_ids; k++)
            printf("%d\n", result.ids[k]);
        if (!job->flags->ids)
            putchar('\n');
    }
}

/* ---- what the options mean ---- */

static bool samples(const struct fl_generate_flags *f)
{
    return f->do_sample || f->top_k > 0 || !isnan(f->top_p) || !isnan(f->min_p) ||
           f->temperature > 0;
}

static struct fl_sampling sampling_of(const struct fl_generate_flags *f)
{
    const bool seen = f->repeat_last_n != 0; /* 0: the penalties see nothing */
    struct fl_sampling s = fl_sampling_default;
    s.temperature = !isnan(f->temperature) ? f->temperature : samples(f) ? 1 : 0;
    s.top_k = f->top_k > 0 ? (int)f->top_k : 0;
    s.top_p = isnan(f->top_p) ? 1 : f->top_p;
    s.min_p = isnan(f->min_p) ? 0 : f->min_p;
    s.repetition_penalty = seen ? f->repetition_penalty : 1;
    s.presence_penalty = seen ? f->presence_penalty : 0;
    s.frequency_penalty = seen ? f->frequency_penalty : 0;
    s.repeat_last_n = f->repeat_last_n > 0 ? (int)f->repeat_last_n : 0;
    s.no_repeat_ngram = (int)f->no_repeat_ngram;
    s.seed = (uint64_t)f->seed;
    return s;
}

/* What contradicts something else, or NULL. */
static const char *contradiction(const struct fl_generate_flags *f)
{
    const bool beams = f->n_beams > 1, only_ids = f->ids && fl_prompt_source_is_ids(&f->prompts);
    const struct {
        bool wrong;
        const char *sentence;
    } rules[] = {
        {!f->model, "--model: expected a model file or a preset"},
        {fl_prompt_source_kinds(&f->prompts) != 1,
         "--prompt or --prompt-file: expected one, or --prompts-file, or token ids"},
        {f->prompts.system && !f->prompts.chat, "--system: expected --chat-template with it"},
        {(f->prompts.chat || f->prompts.special) && fl_prompt_source_is_ids(&f->prompts),
         "--chat-template, --special: expected a prompt of text"},
        {f->do_sample && f->temperature == 0,
         "--do-sample: expected a --temperature above 0, which is greedy"},
        {beams && samples(f),
         "--num-beams: beam search draws nothing; expected no --temperature, --top-k, --top-p, "
         "--min-p or --do-sample"},
        {beams && f->stops.n > 0, "--stop: expected no --num-beams, whose texts end together"},
        {beams && !f->cache, "--num-beams: expected --cache on, where beams share what they have"},
        {!beams && (f->early_stopping || !isnan(f->length_penalty)),
         "--length-penalty, --early-stopping: expected --num-beams of at least 2"},
        {f->draft_model && (beams || !f->cache),
         "--draft-model: expected no --num-beams, and --cache on"},
        {f->draft_model && f->prompts.texts.n + f->prompts.ids.n > 1,
         "--draft-model: expected one prompt"},
        {f->prefill_chunk > 0 && (beams || !f->cache),
         "--prefill-chunk: expected no --num-beams, and --cache on"},
        {f->stops.n > 0 && only_ids,
         "--stop: expected text to search, here ids go in and come out"},
        {f->n_new_min > f->n_predict, "--min-new-tokens: expected at most --n-predict"},
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (rules[i].wrong)
            return rules[i].sentence;
    for (int i = 0; i < f->stops.n; i++)
        if (!f->stops.items[i][0])
            return "--stop: expected at least one character";
    return NULL;
}

static void add_end(struct job *job, int id)
{
    struct fl_generator_options *o = &job->options;
    bool known = id < 0 || id >= job->model.config.vocab_size || o->n_eos == EOS_MAX;
    for (int i = 0; i < o->n_eos; i++)
        known = known || job->eos_ids[i] == id;
    if (!known)
        job->eos_ids[o->n_eos++] = id;
}

/* The end of a text is its end mark, the end of a turn in a conversation, or the mark that begins
 * another text: llama2.c's small models know no other. */
static void find_ends(struct job *job)
{
    const struct fl_config *config = &job->model.config;
    job->options.eos_ids = job->eos_ids;
    if (job->flags->ignore_eos)
        return;
    const bool starts = config->n_encoder_layers == 0; /* a decoder's own start is no end */
    add_end(job, config->eos_id);
    add_end(job, starts ? config->bos_id : -1);
    if (!job->tokenizer)
        return;
    add_end(job, fl_tokenizer_eos(job->tokenizer));
    for (int id = 0; id < fl_tokenizer_vocab_size(job->tokenizer); id++)
        if (fl_tokenizer_ends(job->tokenizer, id))
            add_end(job, id);
    add_end(job, starts ? fl_tokenizer_bos(job->tokenizer) : -1);
}

static void set_options(struct job *job)
{
    const struct fl_generate_flags *f = job->flags;
    job->options = (struct fl_generator_options){
        .sampling = sampling_of(f),
        .n_new_max = (int)f->n_predict,
        .n_new_min = (int)f->n_new_min,
        .stop_texts = f->stops.items,
        .n_stop_texts = f->stops.n,
        .n_beams = (int)f->n_beams,
        .length_penalty = isnan(f->length_penalty) ? 1 : f->length_penalty,
        .early_stopping = f->early_stopping,
        .no_cache = !f->cache,
        .attention = (enum fl_attention)f->attention,
        .kv_dtype = (enum fl_dtype)f->kv_dtype,
        .prefill_chunk = (int)f->prefill_chunk,
        .draft = f->draft_model ? &job->draft : NULL,
        .n_draft = (int)f->n_draft,
        .n_threads = (int)f->n_threads,
        .tokenizer = job->tokenizer,
        .interrupted = &fl_interrupt_signal,
        .sink = {job, f->ids ? take_token : NULL, f->ids ? NULL : take_text},
    };
    if (f->format == FL_GENERATE_JSON && job->tokenizer)
        job->options.sink.text = take_text;
    find_ends(job);
}

/* ---- running ---- */

/* Said before the work begins. */
static void warn_of_contexts(const struct job *job)
{
    const struct fl_config *config = &job->model.config;
    for (int i = 0; i < job->prompts.n; i++) {
        const int n = job->prompts.items[i].n_ids, room = fl_generator_room(config, n);
        if (room >= 1 && room < job->options.n_new_max)
            fprintf(stderr,
                    "flopledger generate: prompt %d of %d tokens leaves room for %d of %d new ones "
                    "in the model's context of %d\n",
                    i + 1, n, room, job->options.n_new_max, config->n_ctx_max);
    }
}

static int open_job(struct job *job, struct fl_error *error)
{
    const struct fl_generate_flags *f = job->flags;
    const int vocab_size = job->model.config.vocab_size;
    const bool only_ids = f->ids && fl_prompt_source_is_ids(&f->prompts);
    if (!only_ids &&
        fl_tokenizer_open(&job->tokenizer, f->model, f->tokenizer, vocab_size, error) != FL_OK)
        return FL_FAILED;
    if (fl_prompts_read(&job->prompts, &f->prompts, job->tokenizer,
                        fl_config_prompt_vocab_size(&job->model.config), error) != FL_OK)
        return FL_FAILED;
    if (job->prompts.chat)
        fprintf(stderr, "flopledger generate: chat template %s\n", job->prompts.chat->name);
    job->texts = calloc((size_t)job->prompts.n, sizeof *job->texts);
    if (!job->texts)
        return fl_fail(error, "prompt: not enough memory for %d texts", job->prompts.n);
    set_options(job);
    if (f->trace) {
        if (fl_generate_trace_open(&job->trace, f, &job->prompts, &job->model, &job->draft,
                                   error) != FL_OK)
            return FL_FAILED;
        job->options.log = &job->trace.log;
        job->options.draft_log = f->draft_model ? &job->trace.draft_log : NULL;
    }
    if (fl_generator_open(&job->generator, &job->model, job->prompts.items, job->prompts.n,
                          &job->options, error) != FL_OK)
        return FL_FAILED;
    warn_of_contexts(job);
    return FL_OK;
}

static int run_job(struct job *job, struct fl_error *error)
{
    const struct fl_generate_flags *f = job->flags;
    fl_interrupt_catch();
    if (fl_generator_run(job->generator, error) != FL_OK)
        return FL_FAILED;
    if (job->lost)
        return fl_fail(error, "generation: not enough memory for the texts");
    if (f->trace && fl_generate_trace_write(&job->trace, f, &job->model, &job->draft,
                                            fl_generator_n_threads(job->generator), error) != FL_OK)
        return FL_FAILED;
    if (f->format == FL_GENERATE_JSON)
        return fl_generate_json(stdout, f, job->generator, &job->model, &job->options, job->texts,
                                job->prompts.n, error);
    if (job->prompts.n > 1)
        print_outputs(job);
    else if (!f->ids)
        putchar('\n');
    fflush(stdout);
    if (f->quiet)
        return FL_OK;
    return fl_generate_ledger(stderr, job->generator, &job->model, &job->options, job->prompts.n,
                              error);
}

static void close_job(struct job *job)
{
    for (int i = 0; job->texts && i < job->prompts.n; i++)
        free(job->texts[i].bytes);
    free(job->texts);
    fl_generator_close(job->generator);
    fl_generate_trace_close(&job->trace);
    fl_prompts_free(&job->prompts);
    fl_tokenizer_close(job->tokenizer);
    fl_model_close(&job->draft);
    fl_model_close(&job->model);
}

static int execute(const struct fl_generate_flags *flags)
{
    const char *wrong = contradiction(flags);
    if (wrong)
        return fl_cli_misuse(&fl_command_generate, "%s", wrong);
    struct job job = {.flags = flags};
    struct fl_error error;
    if (fl_model_open_as(&job.model, flags->model, flags->dtype, (uint64_t)flags->seed, &error) !=
        FL_OK)
        return fl_cli_failed(&fl_command_generate, &error);
    int status = FL_OK;
    if (flags->draft_model)
        status = fl_model_open(&job.draft, flags->draft_model, (uint64_t)flags->seed, &error);
    if (status == FL_OK)
        status = open_job(&job, &error);
    if (status == FL_OK)
        status = run_job(&job, &error);
    close_job(&job);
    if (status != FL_OK)
        return fl_cli_failed(&fl_command_generate, &error);
    return fl_interrupt_status(FL_EXIT_DONE);
}

/* ---- options ---- */

#define ALIAS(name, of)                                                                            \
    {                                                                                              \
        NULL, name, 0, FL_OPTION_ALIAS, NULL, NULL, of, NULL, 0, 0, NULL                           \
    }

static int run(int argc, char **argv)
{
    struct fl_generate_flags f = {
        .n_predict = 64,
        .dtype = -1,
        .repeat_last_n = -1,
        .n_beams = 1,
        .n_draft = 4,
        .temperature = NAN,
        .top_p = NAN,
        .min_p = NAN,
        .length_penalty = NAN,
        .repetition_penalty = 1,
        .cache = 1,
        .attention = FL_ATTENTION_CAUSAL,
    };
    const struct fl_option options[] = {
        {"Model", "model", 'm', FL_OPTION_STRING, &f.model, "M",
         "GGUF, .bin, safetensors folder, or a preset (random weights)", NULL, 0, 0, NULL},
        {NULL, "dtype", 0, FL_OPTION_CHOICE, &f.dtype, "TYPE", "format of random weights", "f32", 0,
         0, fl_dtype_names},
        {NULL, "tokenizer", 0, FL_OPTION_STRING, &f.tokenizer, "FILE",
         "GGUF, tokenizer.json, vocab.json, sentencepiece .model, llama2.c tokenizer.bin, or "
         "'bytes'",
         "the model's", 0, 0, NULL},
        {"Input", "prompt", 'p', FL_OPTION_TEXTS, &f.prompts.texts, "TEXT",
         "the prompt; several times: a batch", NULL, 0, 0, NULL},
        {NULL, "prompt-file", 0, FL_OPTION_STRING, &f.prompts.file, "FILE",
         "the prompt from a file, '-': standard input", NULL, 0, 0, NULL},
        ALIAS("file", "prompt-file"),
        {NULL, "prompts-file", 0, FL_OPTION_STRING, &f.prompts.lines, "FILE",
         "a batch, one prompt a line", NULL, 0, 0, NULL},
        {NULL, "prompt-ids", 0, FL_OPTION_TEXTS, &f.prompts.ids, "1,2,3",
         "a prompt as token ids; with --ids no tokenizer is needed", NULL, 0, 0, NULL},
        {NULL, "prompt-ids-file", 0, FL_OPTION_STRING, &f.prompts.ids_file, "FILE",
         "token ids from a file ('#' starts a comment), '-': standard input", NULL, 0, 0, NULL},
        {NULL, "chat-template", 0, FL_OPTION_STRING, &f.prompts.chat, "NAME",
         "prompts are messages to a chat model of this family; auto: the tokenizer's own", NULL, 0,
         0, NULL},
        {NULL, "system", 0, FL_OPTION_STRING, &f.prompts.system, "TEXT",
         "the system's message in front of them", "the template's", 0, 0, NULL},
        {NULL, "special", 0, FL_OPTION_FLAG, &f.prompts.special, NULL,
         "special tokens in prompts, such as <|im_end|>, are what they mark", NULL, 0, 0, NULL},
        {"Sampling", "temperature", 0, FL_OPTION_REAL, &f.temperature, "T", "0: greedy",
         "0; 1 with another option of sampling", 0, 1000, NULL},
        ALIAS("temp", "temperature"),
        {NULL, "top-k", 0, FL_OPTION_INT, &f.top_k, "K",
         "of the K largest, ties included; 0: of all", "0", 0, INT_MAX, NULL},
        {NULL, "top-p", 0, FL_OPTION_REAL, &f.top_p, "P",
         "of the fewest whose probabilities reach P", "1", 0, 1, NULL},
        {NULL, "min-p", 0, FL_OPTION_REAL, &f.min_p, "P",
         "of those with at least P times the largest probability", "0", 0, 1, NULL},
        {NULL, "do-sample", 0, FL_OPTION_FLAG, &f.do_sample, NULL, "draw, at temperature 1", NULL,
         0, 0, NULL},
        {NULL, "seed", 's', FL_OPTION_INT, &f.seed, "K", "of sampling, and of random weights", "0",
         0, 1e15, NULL},
        {"Penalties (before sampling, on prompt and generated tokens)", "repetition-penalty", 0,
         FL_OPTION_REAL, &f.repetition_penalty, "R",
         "once per id: positive logits divided by R, negative ones multiplied", "1", 1e-6, 1e6,
         NULL},
        ALIAS("repeat-penalty", "repetition-penalty"),
        {NULL, "presence-penalty", 0, FL_OPTION_REAL, &f.presence_penalty, "A",
         "subtracted from ids that occurred", "0", -1e6, 1e6, NULL},
        {NULL, "frequency-penalty", 0, FL_OPTION_REAL, &f.frequency_penalty, "A",
         "subtracted once per occurrence", "0", -1e6, 1e6, NULL},
        {NULL, "repeat-last-n", 0, FL_OPTION_INT, &f.repeat_last_n, "N",
         "tokens these three look back; -1: all, 0: off", "-1", -1, INT_MAX, NULL},
        {NULL, "no-repeat-ngram-size", 0, FL_OPTION_INT, &f.no_repeat_ngram, "N",
         "no N tokens in a row twice; 0: off", "0", 0, INT_MAX, NULL},
        {"Beam search", "num-beams", 0, FL_OPTION_INT, &f.n_beams, "K", "1: no search", "1", 1,
         4096, NULL},
        ALIAS("beams", "num-beams"),
        {NULL, "length-penalty", 0, FL_OPTION_REAL, &f.length_penalty, "A",
         "score = sum of log-probabilities / ((5 + length) / 6)^A", "1", -100, 100, NULL},
        {NULL, "early-stopping", 0, FL_OPTION_FLAG, &f.early_stopping, NULL,
         "end with K ended texts", NULL, 0, 0, NULL},
        {"Stopping", "n-predict", 'n', FL_OPTION_INT, &f.n_predict, "N", "tokens to generate", "64",
         1, 1 << 24, NULL},
        ALIAS("max-new-tokens", "n-predict"),
        {NULL, "min-new-tokens", 0, FL_OPTION_INT, &f.n_new_min, "N", "no end of sequence before",
         "0", 0, 1 << 24, NULL},
        {NULL, "stop", 0, FL_OPTION_TEXTS, &f.stops, "TEXT",
         "end before this text, which is not printed; may be given several times", NULL, 0, 0,
         NULL},
        ALIAS("reverse-prompt", "stop"),
        {NULL, "ignore-eos", 0, FL_OPTION_FLAG, &f.ignore_eos, NULL,
         "go on behind the end of sequence", NULL, 0, 0, NULL},
        {"Speculation", "draft-model", 0, FL_OPTION_STRING, &f.draft_model, "M",
         "a small model proposes, the model verifies in one pass", "none", 0, 0, NULL},
        ALIAS("model-draft", "draft-model"),
        {NULL, "draft-n", 0, FL_OPTION_INT, &f.n_draft, "N", "tokens proposed in a round", "4", 1,
         1024, NULL},
        ALIAS("draft-max", "draft-n"),
        {"Run", "cache", 0, FL_OPTION_CHOICE, &f.cache, "on|off",
         "off: every step runs the whole prefix again", "on", 0, 0, fl_cli_off_on},
        {NULL, "attention", 0, FL_OPTION_CHOICE, &f.attention, "KERNEL", "naive, causal or flash",
         "causal", 0, 0, fl_attention_names},
        {NULL, "kv-dtype", 0, FL_OPTION_CHOICE, &f.kv_dtype, "TYPE",
         "type of the KV cache: f32, f16 or bf16", "f32", 0, 0, fl_dtype_float_names},
        {NULL, "prefill-chunk", 0, FL_OPTION_INT, &f.prefill_chunk, "N",
         "the prompt in passes of at most N tokens", "one pass; 64 with a draft", 1, 1 << 24, NULL},
        ALIAS("ubatch-size", "prefill-chunk"),
        {NULL, "threads", 't', FL_OPTION_INT, &f.n_threads, "N", "BLAS and OpenMP threads",
         "$OMP_NUM_THREADS, else all cores", 1, 1024, NULL},
        {"Output", "ids", 0, FL_OPTION_FLAG, &f.ids, NULL, "print token ids, one a line", NULL, 0,
         0, NULL},
        {NULL, "format", 0, FL_OPTION_CHOICE, &f.format, NULL,
         "json: one object with texts, ids, settings and the ledger", "text", 0, 0, FORMATS},
        {NULL, "trace", 0, FL_OPTION_STRING, &f.trace, "FILE",
         "when every operator ran, as JSON for https://ui.perfetto.dev (docs/traces.md)", NULL, 0,
         0, NULL},
        {NULL, "quiet", 'q', FL_OPTION_FLAG, &f.quiet, NULL, "no ledger at the end", NULL, 0, 0,
         NULL},
        {0}};
    int first;
    enum fl_cli_outcome outcome = fl_cli_parse(&fl_command_generate, options, argc, argv, &first);
    if (outcome != FL_CLI_RUN)
        return outcome == FL_CLI_HELP ? FL_EXIT_DONE : FL_EXIT_MISUSE;
    if (first < argc)
        return fl_cli_misuse(&fl_command_generate, "unexpected argument '%s'", argv[first]);
    return execute(&f);
}

const struct fl_command fl_command_generate = {
    .name = "generate",
    .summary = "text in, text out, with a ledger at the end",
    .usage = "--model M --prompt TEXT [-n N] [options]",
    .examples =
        "  flopledger generate -m stories.gguf -p \"Once upon a time\" -n 200\n"
        "  flopledger generate -m stories.gguf -p \"Once\" --temp 0.8 --top-k 40 --top-p 0.95 "
        "--seed 7\n"
        "  flopledger generate -m stories.gguf -p \"Once\" --repetition-penalty 1.2 --stop \"The "
        "end\"\n"
        "  flopledger generate -m stories.gguf -p \"Once\" --num-beams 4 --length-penalty 0.6\n"
        "  flopledger generate -m stories.gguf -p \"Once\" -p \"Lily was\" --format json\n"
        "  flopledger generate -m stories.gguf -p \"Once\" --draft-model small.gguf --draft-n 5\n"
        "  flopledger generate -m stories.gguf -p \"Once\" --cache off\n"
        "  flopledger generate -m stories.gguf -p \"Once\" -n 20 --trace trace.json\n"
        "  flopledger generate -m model.safetensors --prompt-ids 23,8 --ids\n",
    .run = run,
};
