/* cmd_count.c - `flopledger count`: the analytic ledger of any model and shape; runs nothing. */
#include "analyzers/account.h"
#include "commands.h"
#include "model/presets.h"
#include "model/weights.h"
#include "reports/account_render.h"

#include <stdio.h>
#include <string.h>

static const char *const FORMATS[] = {"table", "json", "csv", "md", NULL};
enum { FORMAT_TABLE, FORMAT_JSON, FORMAT_CSV, FORMAT_MD };

struct arguments {
    const char *model;
    int64_t n_tokens, batch, n_past, n_encoder_tokens, n_prompt, n_gen;
    int cache, unit, causal, fused, lm_head, elementwise, weight_dtype, kv_dtype, format;
    bool explain, latex, list;
};

static int list_presets(void)
{
    static const char *const HEADINGS[] = {"name", "parameters", "layers", "h",      "heads",
                                           "kv",   "f",          "V",      "context"};
    int n;
    const struct fl_preset *presets = fl_presets(&n);
    struct fl_table table;
    fl_table_open(&table, "lrrrrrrrr", HEADINGS);
    for (int i = 0; i < n; i++) {
        const struct fl_config *config = &presets[i].config;
        char params[FL_UNIT_TEXT];
        fl_table_cell(&table, config->name);
        fl_table_cell(&table, fl_si_text((double)fl_config_n_params(config), "", params));
        fl_table_format(&table, "%d", config->n_layers);
        fl_table_format(&table, "%d", config->d_model);
        fl_table_format(&table, "%d", config->n_heads);
        fl_table_format(&table, "%d", config->n_kv_heads);
        fl_table_format(&table, "%d", config->d_ff);
        fl_table_format(&table, "%d", config->vocab_size);
        fl_table_format(&table, "%d", config->n_ctx_max);
    }
    fl_table_print(&table, FL_TABLE_TEXT, stdout);
    fl_table_close(&table);
    return FL_EXIT_DONE;
}

/* The account the arguments ask for: a forward, a decode step, or a generation. */
static int build_account(struct fl_account *account, const struct arguments *arguments,
                         const struct fl_config *config, const struct fl_stored *stored,
                         struct fl_error *error)
{
    struct fl_convention convention = {
        .unit = (enum fl_unit)arguments->unit,
        .causal = (enum fl_causal)arguments->causal,
        .lm_head = (enum fl_lm_head)arguments->lm_head,
        .elementwise = arguments->elementwise != 0,
        .fused = arguments->fused != 0,
    };
    bool cache = arguments->cache != 0;
    const bool encoder = config->n_encoder_layers > 0;
    if (arguments->n_gen > 0 && !encoder && arguments->n_prompt == 0)
        return fl_fail(error,
                       "--prompt and --gen go together: %s has no encoder, expected the "
                       "prompt's length",
                       config->name);
    if (arguments->n_gen > 0 && encoder && arguments->n_encoder_tokens == 0)
        return fl_fail(error,
                       "--encoder-tokens and --gen go together: %s reads its input with an "
                       "encoder, expected the input's length",
                       config->name);
    if (arguments->n_gen > 0) {
        struct fl_generation generation = {
            .batch = arguments->batch,
            .n_prompt = arguments->n_prompt > 0 ? arguments->n_prompt : 1, /* the start id */
            .n_gen = arguments->n_gen,
            .n_encoder_tokens = encoder ? arguments->n_encoder_tokens : 0,
            .cache = cache,
            .stored = stored,
            .kv_dtype = (enum fl_dtype)arguments->kv_dtype,
        };
        return fl_account_generation(account, config, &generation, &convention, error);
    }
    struct fl_shape shape = {
        .batch = arguments->batch,
        .n_tokens = arguments->n_tokens,
        .n_past = arguments->n_past,
        .n_encoder_tokens = arguments->n_encoder_tokens,
        .stored = stored,
        .kv_dtype = (enum fl_dtype)arguments->kv_dtype,
    };
    if (shape.n_tokens == 0) /* not given: one step behind a past, else a typical prompt */
        shape.n_tokens = shape.n_past > 0 ? 1 : config->n_ctx_max < 1024 ? config->n_ctx_max : 1024;
    if (encoder && shape.n_encoder_tokens == 0)
        shape.n_encoder_tokens = shape.n_past + shape.n_tokens;
    bool decode = shape.n_past > 0;
    shape.encoded = encoder && decode;
    if (!cache) {
        shape.n_tokens += shape.n_past;
        shape.n_past = 0;
        if (decode && convention.lm_head == FL_LM_HEAD_ALL)
            convention.lm_head = FL_LM_HEAD_LAST;
    }
    if (fl_account_forward(account, config, &shape, &convention, error) != FL_OK)
        return FL_FAILED;
    account->is_decode = decode;
    return FL_OK;
}

static int print_account(const struct fl_account *account, const struct arguments *arguments,
                         struct fl_error *error)
{
    if (arguments->explain || arguments->latex)
        return fl_account_explain(account, arguments->latex ? FL_NOTATION_LATEX : FL_NOTATION_TEXT,
                                  stdout, error);
    switch (arguments->format) {
    case FORMAT_JSON:
        return fl_account_print_json(account, NULL, stdout, error);
    case FORMAT_CSV:
        return fl_account_print_csv(account, NULL, stdout, error);
    default:
        return fl_account_print(account,
                                arguments->format == FORMAT_MD ? FL_TABLE_MARKDOWN : FL_TABLE_TEXT,
                                stdout, error);
    }
}

enum { FUSED_STEPS_MOST = 100000 }; /* some twenty seconds */

/* NULL when the arguments go together. */
static const char *conflict(const struct arguments *a)
{
    bool generation = a->n_gen > 0 || a->n_prompt > 0;
    if (!a->model)
        return "--model: expected a preset, a config.json or a model file ('--list' shows the "
               "presets)";
    if (generation && a->n_gen == 0)
        return "--prompt and --gen go together";
    if (generation && (a->n_tokens > 0 || a->n_past > 0))
        return "--prompt and --gen describe a whole generation; -s and --past one forward";
    if (a->fused && a->n_gen > FUSED_STEPS_MOST)
        return "--attention fused is summed step by step: expected --gen of at most 100000";
    if ((a->explain || a->latex) && a->format != FORMAT_TABLE)
        return "--explain and --latex print text: leave --format out";
    return NULL;
}

static const char *const ATTENTION_FORMS[] = {"stepwise", "fused", NULL};

static int run(int argc, char **argv)
{
    struct arguments a = {
        .batch = 1, .causal = FL_CAUSAL_EXACT, .cache = 1, .elementwise = 1, .weight_dtype = -1};
    const struct fl_option options[] = {
        {"Model", "model", 'm', FL_OPTION_STRING, &a.model, "M",
         "preset, config.json, GGUF, safetensors folder or .bin", NULL, 0, 0, NULL},
        {NULL, "list", 0, FL_OPTION_FLAG, &a.list, NULL, "list the presets", NULL, 0, 0, NULL},
        {NULL, "dtype", 0, FL_OPTION_CHOICE, &a.weight_dtype, "TYPE", "type of the weights",
         "the file's; f32 without one", 0, 0, fl_dtype_names},
        {NULL, "kv-dtype", 0, FL_OPTION_CHOICE, &a.kv_dtype, "TYPE", "type of the KV cache", "f32",
         0, 0, fl_dtype_float_names},
        {"Shape", "tokens", 's', FL_OPTION_INT, &a.n_tokens, "S", "new tokens per sequence",
         "1024, at most the model's context; 1 with --past", 1, 1e12, NULL},
        {NULL, "batch", 'b', FL_OPTION_INT, &a.batch, "B", "sequences", "1", 1, 1e12, NULL},
        {NULL, "past", 'p', FL_OPTION_INT, &a.n_past, "P", "tokens before them", "0", 0, 1e12,
         NULL},
        {NULL, "encoder-tokens", 0, FL_OPTION_INT, &a.n_encoder_tokens, "N",
         "encoder input (encoder-decoders)", "as many as the decoder's", 0, 1e12, NULL},
        {NULL, "cache", 0, FL_OPTION_CHOICE, &a.cache, "on|off",
         "off: the past is run again with every step", "on", 0, 0, fl_cli_off_on},
        {"Generation", "prompt", 0, FL_OPTION_INT, &a.n_prompt, "P",
         "tokens of the prompt; of an encoder-decoder, those its decoder starts with (1)", NULL, 1,
         1 << 30, NULL},
        {NULL, "gen", 0, FL_OPTION_INT, &a.n_gen, "N", "tokens generated", NULL, 1, 1 << 30, NULL},
        {"Convention", "unit", 0, FL_OPTION_CHOICE, &a.unit, "UNIT",
         "flop (a fused multiply-add is 2) or mac", "flop", 0, 0, fl_unit_names},
        {NULL, "causal", 0, FL_OPTION_CHOICE, &a.causal, "HOW",
         "query-key pairs: full s*t, half s^2/2, exact s(s+1)/2", "exact", 0, 0, fl_causal_names},
        {NULL, "attention", 0, FL_OPTION_CHOICE, &a.fused, "HOW",
         "stepwise (scores, softmax, context) or fused (as flash attention)", "stepwise", 0, 0,
         ATTENTION_FORMS},
        {NULL, "lm-head", 0, FL_OPTION_CHOICE, &a.lm_head, "WHICH",
         "positions whose logits are computed: all, last, none", "all", 0, 0, fl_lm_head_names},
        {NULL, "elementwise", 0, FL_OPTION_CHOICE, &a.elementwise, "on|off",
         "norms, softmax, activations, biases", "on", 0, 0, fl_cli_off_on},
        {"Output", "format", 'f', FL_OPTION_CHOICE, &a.format, "F", "table, json, csv or md",
         "table", 0, 0, FORMATS},
        {NULL, "explain", 0, FL_OPTION_FLAG, &a.explain, NULL,
         "each formula: symbolic, figures put in, value", NULL, 0, 0, NULL},
        {NULL, "latex", 0, FL_OPTION_FLAG, &a.latex, NULL, "the same for LaTeX", NULL, 0, 0, NULL},
        {0}};

    int first;
    enum fl_cli_outcome outcome = fl_cli_parse(&fl_command_count, options, argc, argv, &first);
    if (outcome != FL_CLI_RUN)
        return outcome == FL_CLI_HELP ? FL_EXIT_DONE : FL_EXIT_MISUSE;
    if (a.list)
        return list_presets();
    if (first < argc && !a.model)
        a.model = argv[first++];
    if (first < argc)
        return fl_cli_misuse(&fl_command_count, "unexpected argument '%s'", argv[first]);
    const char *problem = conflict(&a);
    if (problem)
        return fl_cli_misuse(&fl_command_count, "%s", problem);

    struct fl_config config;
    struct fl_model model = {0};
    struct fl_stored stored;
    struct fl_account account = {0};
    struct fl_error error;
    int status = fl_config_open(&config, a.model, &error);
    if (status == FL_OK)
        status = fl_stored_open(&stored, &model, a.model, a.weight_dtype, &config, &error);
    if (status == FL_OK)
        status = build_account(&account, &a, &config, &stored, &error);
    if (status == FL_OK)
        status = print_account(&account, &a, &error);
    fl_account_close(&account);
    fl_model_close(&model);
    return status == FL_OK ? FL_EXIT_DONE : fl_cli_failed(&fl_command_count, &error);
}

const struct fl_command fl_command_count = {
    .name = "count",
    .summary = "analytic ledger of any model and shape; runs nothing",
    .usage = "--model M [-s S] [-b B] [--past P] [options]",
    .examples = "  flopledger count -m llama-3-70b -s 8192 --dtype bf16 --kv-dtype bf16\n"
                "  flopledger count -m gpt2-small -s 1024 --explain\n"
                "  flopledger count -m qwen2.5-7b --past 4095          # one cached decode step\n"
                "  flopledger count -m qwen2.5-7b --past 4095 --cache off\n"
                "  flopledger count -m mixtral-8x7b --prompt 512 --gen 256 --format json\n"
                "  flopledger count -m t5-small --encoder-tokens 64 --gen 20\n"
                "  flopledger count -m ./config.json -s 128 --unit mac --elementwise off\n",
    .run = run,
};
