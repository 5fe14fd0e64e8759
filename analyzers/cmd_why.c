/* cmd_why.c - `flopledger why`: what another tool or formula reports, and every reason why that is
 * not our figure. */
#include "analyzers/why.h"
#include "commands.h"
#include "model/presets.h"
#include "reports/why_render.h"

#include <stdlib.h>
#include <string.h>

static const char *const FORMATS[] = {"table", "json", "csv", "md", NULL};
enum { FORMAT_TABLE, FORMAT_JSON, FORMAT_CSV, FORMAT_MD };
static const char *const GOALS[] = {"exact", "textbook", NULL};
static const char *const HEADS[] = {"all", "none", NULL};

struct arguments {
    const char *model, *tool;
    int64_t n_tokens, batch, n_past, n_encoder_tokens;
    int unit, head, goal, format;
    bool list;
};

static struct fl_why_request request_of(const struct arguments *a, const struct fl_config *config,
                                        const struct fl_tool *tool)
{
    struct fl_why_request request = {
        .tool = tool,
        .shape = {.batch = a->batch, .n_tokens = a->n_tokens, .n_past = a->n_past},
        .unit = tool->units == FL_TOOL_MAC ? FL_UNIT_MAC : FL_UNIT_FLOP,
        .headless = a->head != 0,
        .to_textbook = a->goal != 0,
    };
    if (a->unit >= 0)
        request.unit = (enum fl_unit)a->unit;
    if (request.shape.n_tokens == 0)
        request.shape.n_tokens = a->n_past > 0              ? 1
                                 : config->n_ctx_max < 1024 ? config->n_ctx_max
                                                            : 1024;
    if (config->n_encoder_layers > 0)
        request.shape.n_encoder_tokens =
            a->n_encoder_tokens > 0 ? a->n_encoder_tokens : a->n_past + request.shape.n_tokens;
    return request;
}

static int print(const struct fl_why *whys, int n, const struct arguments *a,
                 const struct fl_config *config, struct fl_error *error)
{
    const enum fl_table_style style = a->format == FORMAT_MD ? FL_TABLE_MARKDOWN : FL_TABLE_TEXT;
    if (a->format == FORMAT_JSON)
        return fl_why_print_json(whys, n, config, stdout, error);
    if (a->format == FORMAT_CSV)
        return fl_why_print_csv(whys, n, stdout, error);
    if (a->tool)
        return fl_why_print(whys, config, style, stdout, error);
    return fl_why_print_overview(whys, n, config, style, stdout, error);
}

static int ask_one(const struct arguments *a, const struct fl_config *config,
                   const struct fl_tool *tool, struct fl_error *error)
{
    struct fl_why why;
    const struct fl_why_request request = request_of(a, config, tool);
    if (fl_why(&why, config, &request, error) != FL_OK)
        return FL_FAILED;
    return print(&why, 1, a, config, error);
}

/* A tool that knows no such unit, or no model without a head, is asked for what it does have; one
 * that has no figure for the model and shape stays empty. */
static int ask_all(const struct arguments *a, const struct fl_config *config,
                   struct fl_error *error)
{
    int n;
    const struct fl_tool *tools = fl_tools(&n);
    struct fl_why *whys = calloc((size_t)n, sizeof *whys);
    int status = whys ? FL_OK : fl_fail(error, "why: out of memory");
    for (int i = 0; i < n && status == FL_OK; i++) {
        struct fl_why_request request = request_of(a, config, &tools[i]);
        request.headless = request.headless && tools[i].traced;
        if (tools[i].units != FL_TOOL_BOTH)
            request.unit = tools[i].units == FL_TOOL_MAC ? FL_UNIT_MAC : FL_UNIT_FLOP;
        whys[i].request = request;
        whys[i].refused = fl_why_refusal(&tools[i], config, &request.shape);
        if (!whys[i].refused)
            status = fl_why(&whys[i], config, &request, error);
    }
    if (status == FL_OK)
        status = print(whys, n, a, config, error);
    free(whys);
    return status;
}

static int run(int argc, char **argv)
{
    struct arguments a = {.batch = 1, .unit = -1};
    const struct fl_option options[] = {
        {"Model", "model", 'm', FL_OPTION_STRING, &a.model, "M",
         "preset, config.json, GGUF, safetensors folder or .bin", NULL, 0, 0, NULL},
        {"Tool", "tool", 't', FL_OPTION_STRING, &a.tool, "NAME", "one tool, term by term",
         "all of them, a line each", 0, 0, NULL},
        {NULL, "list", 0, FL_OPTION_FLAG, &a.list, NULL, "list the tools", NULL, 0, 0, NULL},
        {NULL, "unit", 0, FL_OPTION_CHOICE, &a.unit, "UNIT",
         "which figure of a tool that prints both: flop or mac", "flop", 0, 0, fl_unit_names},
        {NULL, "lm-head", 0, FL_OPTION_CHOICE, &a.head, "all|none",
         "none: a tool that runs the model was given it without its head (AutoModel)", "all", 0, 0,
         HEADS},
        {"Shape", "tokens", 's', FL_OPTION_INT, &a.n_tokens, "S", "tokens per sequence",
         "1024, at most the model's context; 1 with --past", 1, 1e12, NULL},
        {NULL, "batch", 'b', FL_OPTION_INT, &a.batch, "B", "sequences", "1", 1, 1e12, NULL},
        {NULL, "past", 'p', FL_OPTION_INT, &a.n_past, "P", "tokens in the KV cache before them",
         "0", 0, 1e12, NULL},
        {NULL, "encoder-tokens", 0, FL_OPTION_INT, &a.n_encoder_tokens, "N",
         "encoder input (encoder-decoders)", "as many as the decoder's", 0, 1e12, NULL},
        {"Output", "to", 0, FL_OPTION_CHOICE, &a.goal, "GOAL",
         "our figure to arrive at: exact or textbook", "exact", 0, 0, GOALS},
        {NULL, "format", 'f', FL_OPTION_CHOICE, &a.format, "F", "table, json, csv or md", "table",
         0, 0, FORMATS},
        {0}};
    int first;
    enum fl_cli_outcome outcome = fl_cli_parse(&fl_command_why, options, argc, argv, &first);
    if (outcome != FL_CLI_RUN)
        return outcome == FL_CLI_HELP ? FL_EXIT_DONE : FL_EXIT_MISUSE;
    struct fl_error error;
    if (a.list)
        return fl_why_print_tools(stdout, &error) == FL_OK ? FL_EXIT_DONE
                                                           : fl_cli_failed(&fl_command_why, &error);
    if (first < argc && !a.model)
        a.model = argv[first++];
    if (first < argc)
        return fl_cli_misuse(&fl_command_why, "unexpected argument '%s'", argv[first]);
    if (!a.model)
        return fl_cli_misuse(&fl_command_why, "--model: expected a preset, a config.json or a "
                                              "model file");
    const struct fl_tool *tool = a.tool ? fl_tool_find(a.tool) : NULL;
    if (a.tool && !tool)
        return fl_cli_misuse(&fl_command_why,
                             "--tool: expected a name that '--list' shows, not '%s'", a.tool);
    struct fl_config config;
    int status = fl_config_open(&config, a.model, &error);
    if (status == FL_OK)
        status = tool ? ask_one(&a, &config, tool, &error) : ask_all(&a, &config, &error);
    return status == FL_OK ? FL_EXIT_DONE : fl_cli_failed(&fl_command_why, &error);
}

const struct fl_command fl_command_why = {
    .name = "why",
    .summary = "what another tool or formula reports, and why it differs",
    .usage = "--model M [--tool NAME] [-s S] [-b B] [options]",
    .examples = "  flopledger why --list\n"
                "  flopledger why -m llama-2-7b -s 128                  # every tool, a line each\n"
                "  flopledger why -m llama-2-7b -s 128 --tool calflops\n"
                "  flopledger why -m llama-2-7b -s 128 --tool calflops --unit mac\n"
                "  flopledger why -m gpt2-small -s 1024 --tool palm --to textbook\n"
                "  flopledger why -m llama-2-7b --past 511 --tool llm-analysis\n"
                "  flopledger why -m t5-small -s 64 --encoder-tokens 256\n"
                "  flopledger why -m gpt2-small --tool torchinfo --format json\n",
    .run = run,
};
