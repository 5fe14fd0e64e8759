/* cmd_audit.c - `flopledger audit`: runs one forward pass and accounts for every operator. */
#include "analyzers/account.h"
#include "analyzers/roofline.h"
#include "base/random.h"
#include "bench/hostinfo.h"
#include "bench/peaks_cache.h"
#include "commands.h"
#include "counters/counter_papi.h"
#include "engine/observe.h"
#include "engine/pass_cost.h"
#include "engine/session.h"
#include "model/weights.h"
#include "ops/simd/simd.h"
#include "reports/account_render.h"
#include "reports/light_render.h"
#include "reports/trace.h"

#include <cblas.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const PHASES[] = {"prefill", "decode", NULL};
static const char *const FORMATS[] = {"table", "json", "csv", "md", NULL};
enum { FORMAT_TABLE, FORMAT_JSON, FORMAT_CSV, FORMAT_MD };
enum { PREFILL, DECODE };

static const char *const COUNTERS[] = {"none", "flopgrind", "papi", NULL};
enum { COUNTER_NONE, COUNTER_FLOPGRIND, COUNTER_PAPI };

struct arguments {
    const char *model;
    int64_t context, n_source, batch, n_threads, n_reps, seed;
    int phase, cache, attention, logits, format;
    int counter, footprint, cache_model;
    int dtype, kv_dtype; /* dtype -1: not given */
    const char *blas_core, *papi_events, *trace;
    bool explain;
};

/* The execution that the account is of, where it is to be traced. */
struct traced {
    struct fl_event_log log;
    size_t first_pass, n_passes;
};

static void plan(struct fl_execution *execution, const struct arguments *a,
                 const struct fl_config *config)
{
    bool cache = a->cache != 0, decode = a->phase == DECODE;
    execution->n_past = decode && cache ? (int)a->context : 0;
    execution->n_tokens = !decode ? (int)a->context : cache ? 1 : (int)a->context + 1;
    execution->logits = (enum fl_logits)a->logits;
    if (decode && execution->logits == FL_LOGITS_ALL)
        execution->logits = FL_LOGITS_LAST;
    execution->n_seqs = (int)a->batch;
    execution->encoded = decode;
    if (config->n_encoder_layers > 0)
        execution->n_source = (int)(a->n_source > 0 ? a->n_source : a->context);
}

/* Costs do not depend on the ids; seeded ones keep runs alike. An encoder's ids lie behind the
 * decoder's; the caller frees *tokens. */
static int draw_tokens(struct fl_execution *execution, int **tokens, const struct arguments *a,
                       const struct fl_config *config, struct fl_error *error)
{
    const size_t batch = (size_t)a->batch, n_new = batch * (size_t)execution->n_tokens;
    const size_t n = n_new + batch * (size_t)execution->n_source;
    *tokens = calloc(n, sizeof **tokens);
    if (!*tokens)
        return fl_fail(error, "audit: cannot reserve memory for %zu token ids", n);
    uint64_t state = (uint64_t)a->seed;
    for (size_t i = 0; i < n; i++)
        (*tokens)[i] =
            (int)(fl_random_next(&state) %
                  (uint64_t)(i < n_new ? config->vocab_size : fl_config_prompt_vocab_size(config)));
    execution->tokens = *tokens;
    execution->source = execution->n_source > 0 ? *tokens + n_new : NULL;
    return FL_OK;
}

static int execute(struct fl_session *session, const struct fl_execution *execution,
                   uint64_t *time_ns, struct fl_error *error)
{
    fl_session_truncate(session, execution->n_past);
    fl_ledger_reset(fl_session_ledger(session));
    uint64_t start = fl_clock_ns();
    int status = fl_execution_run(session, execution, error);
    *time_ns = fl_clock_ns() - start;
    return status;
}

struct repetition {
    uint64_t time_ns;
    struct fl_ledger ledger;
    size_t first_pass, n_passes; /* in the trace */
};

static int by_time(const void *a, const void *b)
{
    uint64_t x = ((const struct repetition *)a)->time_ns,
             y = ((const struct repetition *)b)->time_ns;
    return (x > y) - (x < y);
}

/* Room for as many regions as the ledger has seen in the warm-up, n_reps times over. */
static int open_log(struct traced *traced, struct fl_ledger *ledger, const struct arguments *a,
                    struct fl_error *error)
{
    const double n_events = (double)fl_ledger_total(ledger).n_calls * (double)a->n_reps;
    if (n_events > FL_EVENT_LOG_MOST)
        return fl_fail(error,
                       "--trace: %lld repetitions have %.0f operator calls, expected at most %d; "
                       "use fewer --reps",
                       (long long)a->n_reps, n_events, FL_EVENT_LOG_MOST);
    if (fl_event_log_open(&traced->log, n_events, error) != FL_OK)
        return FL_FAILED;
    fl_event_log_phase(&traced->log, PHASES[a->phase]);
    ledger->log = &traced->log;
    return FL_OK;
}

/* Runs n_reps times after a warm-up; the ledger of the execution of median time goes into the
 * account, so that its operators' times belong together. */
static int repeat(struct fl_account *account, struct fl_session *session,
                  const struct fl_execution *execution, const struct arguments *a,
                  struct traced *traced, struct fl_error *error)
{
    const int n_reps = (int)a->n_reps;
    struct repetition *repetitions = calloc((size_t)n_reps, sizeof *repetitions);
    if (!repetitions)
        return fl_fail(error, "audit: cannot reserve memory for %d repetitions", n_reps);
    struct fl_ledger *ledger = fl_session_ledger(session);
    uint64_t ignored;
    int status = execute(session, execution, &ignored, error);
    if (status == FL_OK && a->trace)
        status = open_log(traced, ledger, a, error);
    for (int i = 0; i < n_reps && status == FL_OK; i++) {
        repetitions[i].first_pass = traced->log.n_passes;
        status = execute(session, execution, &repetitions[i].time_ns, error);
        repetitions[i].n_passes = traced->log.n_passes - repetitions[i].first_pass;
        if (status == FL_OK)
            status = fl_ledger_open_stacks(&repetitions[i].ledger, ledger->n_layers,
                                           ledger->n_encoder_layers, error);
        if (status == FL_OK)
            fl_ledger_copy(&repetitions[i].ledger, ledger);
    }
    if (status == FL_OK) {
        qsort(repetitions, (size_t)n_reps, sizeof *repetitions, by_time);
        const struct repetition *median = &repetitions[n_reps / 2];
        account->run.time_ns = median->time_ns;
        account->run.n_reps = n_reps;
        traced->first_pass = median->first_pass;
        traced->n_passes = median->n_passes;
        status = fl_account_add_ledger(account, &median->ledger, error);
    }
    if (status == FL_OK)
        status = fl_account_check(account, error);
    ledger->log = NULL;
    for (int i = 0; i < n_reps; i++)
        fl_ledger_close(&repetitions[i].ledger);
    free(repetitions);
    return status;
}

/* The exact column is what this run executes: that fixes the convention. */
static int open_account(struct fl_account *account, const struct arguments *a,
                        const struct fl_config *config, const struct fl_stored *stored,
                        const struct fl_execution *execution, const int *experts_hit,
                        struct fl_error *error)
{
    const struct fl_convention convention =
        fl_executed_convention((enum fl_attention)a->attention, execution->logits);
    struct fl_shape shape = {.batch = a->batch,
                             .n_tokens = execution->n_tokens,
                             .n_past = execution->n_past,
                             .n_encoder_tokens = execution->n_source,
                             .encoded = execution->encoded,
                             .stored = stored,
                             .kv_dtype = (enum fl_dtype)a->kv_dtype,
                             .experts_hit = experts_hit};
    if (fl_account_forward(account, config, &shape, &convention, error) != FL_OK)
        return FL_FAILED;
    account->is_decode = a->phase == DECODE;
    return FL_OK;
}

/* ---- the processor's own count ---- */

static int observe_here(struct fl_observation *observation, struct fl_session *session,
                        struct fl_counter *counter, const struct fl_execution *execution,
                        struct fl_error *error)
{
    int status = fl_session_observe(observation, session, counter, execution, error);
    counter->close(counter);
    return status;
}

/* In a process that runs under flopgrind, which is then the counted one. */
static int observe_under_it(struct fl_observation *observation, struct fl_session *session,
                            const struct fl_execution *execution, struct fl_error *error)
{
    struct fl_counter counter;
    if (fl_counter_flopgrind_open(&counter, error) != FL_OK)
        return FL_FAILED;
    return observe_here(observation, session, &counter, execution, error);
}

/* Says why nothing is measured; `reason` may begin with the word the output puts before it. */
static int unavailable(struct fl_account *account, const char *reason)
{
    static const char WORD[] = "unavailable: ";
    if (strncmp(reason, WORD, strlen(WORD)) == 0)
        reason += strlen(WORD);
    snprintf(account->measured_reason, sizeof account->measured_reason, "%s", reason);
    return FL_OK;
}

static int take(struct fl_account *account, struct fl_observation *observation,
                struct fl_error *error)
{
    int status = fl_account_add_observation(account, observation, error);
    fl_observation_close(observation);
    return status;
}

static int observe_with_flopgrind(struct fl_account *account, struct fl_session *session,
                                  const struct arguments *a, const struct fl_execution *execution,
                                  struct fl_error *error)
{
    struct fl_observation observation;
    if (fl_flopgrind_running())
        return observe_under_it(&observation, session, execution, error) == FL_OK
                   ? take(account, &observation, error)
                   : FL_FAILED;
    if (fl_flopgrind_missing())
        return unavailable(account, fl_flopgrind_missing());
    const struct fl_observe_request request = {
        .model = a->model,
        .decode = a->phase == DECODE,
        .cache = a->cache != 0,
        .context = (int)a->context,
        .batch = (int)a->batch,
        .n_threads = fl_session_n_threads(session),
        .n_source = execution->n_source,
        .attention = (enum fl_attention)a->attention,
        .logits = execution->logits,
        .seed = a->seed,
        .dtype = a->dtype,
        .kv_dtype = (enum fl_dtype)a->kv_dtype,
    };
    const struct fl_flopgrind_options options = {.no_footprint = !a->footprint,
                                                 .cache_model = a->cache_model != 0,
                                                 .blas_core = a->blas_core};
    if (isatty(STDERR_FILENO))
        fputs("counting under flopgrind ...\n", stderr);
    if (fl_observe_under_flopgrind(&observation, &request, &options,
                                   fl_session_ledger(session)->n_layers, error) != FL_OK)
        return FL_FAILED;
    return take(account, &observation, error);
}

static int observe_with_papi(struct fl_account *account, struct fl_session *session,
                             const struct arguments *a, const struct fl_execution *execution,
                             struct fl_error *error)
{
    struct fl_papi_table table = {0};
    struct fl_papi_options options = {.table = a->papi_events ? &table : NULL};
    struct fl_counter counter;
    struct fl_observation observation;
    struct fl_error reason;
    if (a->papi_events && fl_papi_table_read(&table, a->papi_events, error) != FL_OK)
        return FL_FAILED;
    int status;
    if (fl_counter_papi_open(&counter, &options, &reason) != FL_OK)
        status = unavailable(account, reason.text);
    else if (observe_here(&observation, session, &counter, execution, error) != FL_OK)
        status = FL_FAILED;
    else
        status = take(account, &observation, error);
    fl_papi_table_close(&table);
    return status;
}

/* A counter that is not here is said so in the account; one that is here and fails at its work is
 * an error. */
static int observe(struct fl_account *account, struct fl_session *session,
                   const struct arguments *a, const struct fl_execution *execution,
                   struct fl_error *error)
{
    switch (a->counter) {
    case COUNTER_FLOPGRIND:
        return observe_with_flopgrind(account, session, a, execution, error);
    case COUNTER_PAPI:
        return observe_with_papi(account, session, a, execution, error);
    default:
        return unavailable(account,
                           "no counter was asked for; --counter flopgrind counts on any machine");
    }
}

/* The process that was started to count: passes on what it saw and prints nothing. */
static int count_for_parent(FILE *parent, struct fl_session *session,
                            const struct fl_execution *execution, struct fl_error *error)
{
    struct fl_observation observation;
    if (observe_under_it(&observation, session, execution, error) != FL_OK)
        return FL_FAILED;
    int status = fl_observation_write(&observation, parent, error);
    fl_observation_close(&observation);
    return status;
}

/* The account once more, of the experts that this run's tokens are sent to. */
static int account_experts(struct fl_account *account, const struct arguments *a,
                           const struct fl_stored *stored, struct fl_session *session,
                           const struct fl_execution *execution, struct fl_error *error)
{
    uint64_t ignored;
    const struct fl_config config = account->config;
    if (execute(session, execution, &ignored, error) != FL_OK)
        return FL_FAILED;
    fl_account_close(account);
    return open_account(account, a, &config, stored, execution, fl_session_experts_hit(session),
                        error);
}

static void describe_run(struct fl_account *account, const struct arguments *a,
                         const struct fl_model *model, const struct fl_session *session)
{
    account->run.attention = fl_attention_name((enum fl_attention)a->attention);
    account->run.n_threads = fl_session_n_threads(session);
    account->run.cache = a->cache != 0;
    account->weights_bytes = (fl_wide)model->weight_bytes;
    account->kv_cache_bytes = (fl_wide)fl_session_kv_cache_bytes(session);
    account->activation_bytes = (fl_wide)fl_session_activation_bytes(session);
    snprintf(account->run.blas_core, sizeof account->run.blas_core, "%s", openblas_get_corename());
    snprintf(account->run.isa, sizeof account->run.isa, "%s", fl_simd_name());
}

static int write_trace(const struct fl_account *account, const struct arguments *a,
                       const struct traced *traced, struct fl_error *error)
{
    char context[24], batch[24], threads[24], n_reps[24];
    snprintf(context, sizeof context, "%lld", (long long)a->context);
    snprintf(batch, sizeof batch, "%lld", (long long)a->batch);
    snprintf(threads, sizeof threads, "%d", account->run.n_threads);
    snprintf(n_reps, sizeof n_reps, "%d", account->run.n_reps);
    const char *const facts[] = {"command",   "audit",
                                 "model",     account->config.name,
                                 "phase",     PHASES[a->phase],
                                 "context",   context,
                                 "batch",     batch,
                                 "cache",     fl_cli_off_on[a->cache],
                                 "attention", account->run.attention,
                                 "kv_dtype",  fl_dtype_names[a->kv_dtype],
                                 "threads",   threads,
                                 "execution", "of median time",
                                 "reps",      n_reps,
                                 "blas_core", account->run.blas_core,
                                 "isa",       account->run.isa,
                                 NULL};
    const struct fl_trace_track track = {.name = "forward passes",
                                         .log = &traced->log,
                                         .config = &account->config,
                                         .first_pass = traced->first_pass,
                                         .n_passes = traced->n_passes};
    const struct fl_trace trace = {
        .title = account->config.name, .facts = facts, .tracks = &track, .n_tracks = 1};
    return fl_trace_write(a->trace, &trace, error);
}

/* stored: the model's, which the account goes on to point to. */
static int audit(struct fl_account *account, const struct arguments *a,
                 const struct fl_model *model, const struct fl_stored *stored, FILE *parent,
                 struct fl_error *error)
{
    struct fl_execution execution = {0};
    struct fl_session *session = NULL;
    struct traced traced = {0};
    int *tokens = NULL;
    plan(&execution, a, &model->config);
    struct fl_session_options options = {
        .n_seqs = (int)a->batch,
        .n_ctx = execution.n_past + execution.n_tokens,
        .n_tokens_max = execution.n_tokens,
        .n_encoder_ctx = execution.n_source,
        .kv_dtype = (enum fl_dtype)a->kv_dtype,
        .attention = (enum fl_attention)a->attention,
        .logits = execution.logits,
        .n_threads = (int)a->n_threads,
    };
    int status = open_account(account, a, &model->config, stored, &execution, NULL, error);
    if (status == FL_OK)
        status = draw_tokens(&execution, &tokens, a, &model->config, error);
    if (status == FL_OK)
        status = fl_session_open(&session, model, &options, error);
    if (status == FL_OK)
        status = fl_execution_prepare(session, &execution, error);
    if (status == FL_OK && parent) {
        status = count_for_parent(parent, session, &execution, error);
    } else if (status == FL_OK) {
        if (model->config.n_experts > 0)
            status = account_experts(account, a, stored, session, &execution, error);
        describe_run(account, a, model, session);
        if (status == FL_OK)
            status = repeat(account, session, &execution, a, &traced, error);
        if (status == FL_OK && a->trace)
            status = write_trace(account, a, &traced, error);
        if (status == FL_OK)
            status = observe(account, session, a, &execution, error);
    }
    fl_session_close(session);
    fl_event_log_close(&traced.log);
    free(tokens);
    return status;
}

/* What the ceilings kept of this machine allow, or why there are none. The peaks must outlive it.
 */
static int find_light(struct fl_light *light, struct fl_peaks *peaks,
                      const struct fl_account *account, struct fl_error *error)
{
    struct fl_run *run = malloc(sizeof *run);
    struct fl_error why;
    *light = (struct fl_light){0};
    *peaks = (struct fl_peaks){0};
    if (!run)
        return fl_fail(error, "audit: no memory for the machine's ceilings");
    fl_hostinfo_fill(run);
    const bool found = fl_peaks_of_host(peaks, run, &why);
    free(run);
    if (found)
        return fl_light_of_account(light, account, peaks->rows, peaks->n, error);
    snprintf(light->reason, sizeof light->reason, "%.440s; 'flopledger peaks' measures them",
             why.text);
    return FL_OK;
}

static int print_audit(const struct fl_account *account, const struct fl_light *light,
                       const struct arguments *a, struct fl_error *error)
{
    const enum fl_table_style style = a->format == FORMAT_MD ? FL_TABLE_MARKDOWN : FL_TABLE_TEXT;
    switch (a->format) {
    case FORMAT_JSON:
        return fl_account_print_json(account, light, stdout, error);
    case FORMAT_CSV:
        if (!light->known)
            fprintf(stderr, "flopledger audit: speed of light: unavailable: %s\n", light->reason);
        return fl_account_print_csv(account, light, stdout, error);
    default:
        if (fl_account_print(account, style, stdout, error) != FL_OK ||
            fl_light_print(light, style, stdout, error) != FL_OK)
            return FL_FAILED;
    }
    if (!a->explain)
        return FL_OK;
    fputc('\n', stdout);
    return fl_account_explain(account, FL_NOTATION_TEXT, stdout, error);
}

static int show(const struct fl_account *account, const struct arguments *a, struct fl_error *error)
{
    struct fl_light light;
    struct fl_peaks peaks;
    int status = find_light(&light, &peaks, account, error);
    if (status == FL_OK)
        status = print_audit(account, &light, a, error);
    fl_light_free(&light);
    fl_peaks_free(&peaks);
    return status;
}

static int run(int argc, char **argv)
{
    struct arguments a = {.batch = 1,
                          .dtype = -1,
                          .cache = 1,
                          .footprint = 1,
                          .n_reps = 5,
                          .context = 128,
                          .attention = FL_ATTENTION_CAUSAL,
                          .logits = FL_LOGITS_ALL};
    const struct fl_option options[] = {
        {"Model", "model", 'm', FL_OPTION_STRING, &a.model, "M",
         "preset (random weights), GGUF, safetensors folder, .bin or config.json", NULL, 0, 0,
         NULL},
        {NULL, "dtype", 0, FL_OPTION_CHOICE, &a.dtype, "TYPE", "format of random weights", "f32", 0,
         0, fl_dtype_names},
        {NULL, "kv-dtype", 0, FL_OPTION_CHOICE, &a.kv_dtype, "TYPE",
         "type of the KV cache: f32, f16 or bf16", "f32", 0, 0, fl_dtype_float_names},
        {NULL, "seed", 0, FL_OPTION_INT, &a.seed, "K", "of random weights and token ids", "0", 0,
         1e15, NULL},
        {"Shape", "context", 's', FL_OPTION_INT, &a.context, "S",
         "prefill: tokens of the prompt; decode: tokens before the step", "128", 1, 1 << 24, NULL},
        {NULL, "batch", 'b', FL_OPTION_INT, &a.batch, "B", "sequences", "1", 1, 65536, NULL},
        {NULL, "encoder-tokens", 0, FL_OPTION_INT, &a.n_source, "N",
         "encoder input (encoder-decoders); the prompt is then the decoder's", "as many as S", 1,
         1 << 24, NULL},
        {NULL, "phase", 0, FL_OPTION_CHOICE, &a.phase, "PHASE", "prefill or decode", "prefill", 0,
         0, PHASES},
        {NULL, "cache", 0, FL_OPTION_CHOICE, &a.cache, "on|off",
         "decode: off runs the whole prefix again", "on", 0, 0, fl_cli_off_on},
        {NULL, "logits", 0, FL_OPTION_CHOICE, &a.logits, "WHICH",
         "positions whose logits are computed (decode: the last)", "all", 0, 0, fl_logits_names},
        {"Run", "attention", 0, FL_OPTION_CHOICE, &a.attention, "KERNEL",
         "naive (all pairs, masked), causal (only visible pairs) or flash (those, without storing "
         "scores)",
         "causal", 0, 0, fl_attention_names},
        {NULL, "threads", 't', FL_OPTION_INT, &a.n_threads, "N", "BLAS and OpenMP threads",
         "$OMP_NUM_THREADS, else all cores", 1, 1024, NULL},
        {NULL, "reps", 0, FL_OPTION_INT, &a.n_reps, "N", "executions behind a warm-up", "5", 1,
         10000, NULL},
        {"Counter", "counter", 'c', FL_OPTION_CHOICE, &a.counter, "WHICH",
         "what fills the measured column: none, flopgrind (Valgrind, any machine), papi", "none", 0,
         0, COUNTERS},
        {NULL, "footprint", 0, FL_OPTION_CHOICE, &a.footprint, "on|off",
         "flopgrind: count distinct 64-byte lines; off is several times faster", "on", 0, 0,
         fl_cli_off_on},
        {NULL, "cache-model", 0, FL_OPTION_CHOICE, &a.cache_model, "on|off",
         "flopgrind: simulate caches of this machine's sizes (modelled, not measured)", "off", 0, 0,
         fl_cli_off_on},
        {NULL, "blas-core", 0, FL_OPTION_STRING, &a.blas_core, "NAME",
         "flopgrind: OpenBLAS core that is counted (AVX2: Haswell, slower)",
         "$OPENBLAS_CORETYPE, else " FL_FLOPGRIND_BLAS_CORE, 0, 0, NULL},
        {NULL, "papi-events", 0, FL_OPTION_STRING, &a.papi_events, "FILE",
         "papi: events of your own and what they count (docs/counters.md)", "by processor", 0, 0,
         NULL},
        {"Output", "format", 'f', FL_OPTION_CHOICE, &a.format, "F", "table, json, csv or md",
         "table", 0, 0, FORMATS},
        {NULL, "explain", 0, FL_OPTION_FLAG, &a.explain, NULL, "add the formulas", NULL, 0, 0,
         NULL},
        {NULL, "trace", 0, FL_OPTION_STRING, &a.trace, "FILE",
         "when every operator ran, as JSON for https://ui.perfetto.dev (docs/traces.md)", NULL, 0,
         0, NULL},
        {0}};
    int first;
    enum fl_cli_outcome outcome = fl_cli_parse(&fl_command_audit, options, argc, argv, &first);
    if (outcome != FL_CLI_RUN)
        return outcome == FL_CLI_HELP ? FL_EXIT_DONE : FL_EXIT_MISUSE;
    if (first < argc && !a.model)
        a.model = argv[first++];
    if (first < argc)
        return fl_cli_misuse(&fl_command_audit, "unexpected argument '%s'", argv[first]);
    if (!a.model)
        return fl_cli_misuse(&fl_command_audit, "--model: expected a preset or a model file");
    if (a.explain && (a.format == FORMAT_JSON || a.format == FORMAT_CSV))
        return fl_cli_misuse(&fl_command_audit, "--explain goes with --format table or md");

    struct fl_model model;
    struct fl_account account = {0};
    struct fl_error error;
    FILE *parent = fl_flopgrind_parent();
    int status = fl_model_open_as(&model, a.model, a.dtype, (uint64_t)a.seed, &error);
    if (status == FL_OK) {
        struct fl_stored stored;
        fl_stored_of_model(&stored, &model);
        status = audit(&account, &a, &model, &stored, parent, &error);
        if (status == FL_OK && !parent)
            status = show(&account, &a, &error);
        fl_account_close(&account);
        fl_model_close(&model);
    }
    return status == FL_OK ? FL_EXIT_DONE : fl_cli_failed(&fl_command_audit, &error);
}

const struct fl_command fl_command_audit = {
    .name = "audit",
    .summary = "run one forward pass and account for every operator",
    .usage = "--model M -s S [-b B] [--phase prefill|decode] [--cache on|off] [options]",
    .examples = "  flopledger audit -m gpt2-nano -s 64\n"
                "  flopledger audit -m llama-160m -s 512 --phase decode\n"
                "  flopledger audit -m llama-160m -s 512 --phase decode --cache off\n"
                "  flopledger audit -m gpt2-nano -s 64 --counter flopgrind\n"
                "  flopledger audit -m gpt2-nano -s 64 --trace trace.json\n"
                "  flopledger audit -m model.gguf -s 256 -b 4 --attention naive --format json\n",
    .run = run,
};
