#include "reports/calculator.h"

#include "analyzers/roofline.h"
#include "ledger/formulas.h"
#include "model/presets.h"
#include "reports/json_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Features that follow from the shape and the convention, not from the model: calculator.js sets
 * them by these names. */
static const struct {
    const char *name;
    unsigned bits;
} SHAPE_FEATURES[] = {
    {"logits", FL_HAS_LOGITS},
    {"rectangle", FL_HAS_RECTANGLE},
    {"stepwise", FL_HAS_STEPWISE_ATTENTION},
    {"fused", FL_HAS_FUSED_ATTENTION},
    /* what the textbook's view of a model lacks, and has */
    {"textbook_without", FL_HAS_GATE | FL_HAS_EXPERTS | FL_HAS_SHARED_EXPERT},
    {"textbook_with", FL_HAS_DENSE_FFN | FL_HAS_LOGITS},
};

/* The length of the rows of an operator's matrices, which decides the format they are stored in. */
static const struct {
    enum fl_operator op;
    const char *columns;
} MATRICES[] = {
    {FL_OP_EMBED, "h"},         {FL_OP_QKV, "h"},          {FL_OP_ATTN_OUT, "n_h*d_h"},
    {FL_OP_ROUTER, "h"},        {FL_OP_FFN_GATE, "h"},     {FL_OP_FFN_UP, "h"},
    {FL_OP_FFN_DOWN, "f"},      {FL_OP_SHARED_GATE, "h"},  {FL_OP_SHARED_UP, "h"},
    {FL_OP_SHARED_DOWN, "f_s"}, {FL_OP_SHARED_SCALE, "h"}, {FL_OP_LOGITS, "h"},
};

/* Symbols that belong to the model. */
static const enum fl_symbol MODEL_SYMBOLS[] = {
    FL_SYMBOL_h, FL_SYMBOL_n_h, FL_SYMBOL_n_kv, FL_SYMBOL_d_h, FL_SYMBOL_d_r,
    FL_SYMBOL_f, FL_SYMBOL_V,   FL_SYMBOL_L,    FL_SYMBOL_W,   FL_SYMBOL_E,
    FL_SYMBOL_k, FL_SYMBOL_k_r, FL_SYMBOL_f_s};

int fl_calculator_model(FILE *out, const struct fl_config *config, struct fl_error *error)
{
    static const unsigned OF_SHAPE = FL_HAS_LOGITS | FL_HAS_RECTANGLE | FL_HAS_STEPWISE_ATTENTION |
                                     FL_HAS_FUSED_ATTENTION | FL_HAS_KV_COPY;
    struct fl_environment env;
    struct fl_shape shape = {.batch = 1, .n_tokens = 1};
    struct fl_convention convention = {.causal = FL_CAUSAL_EXACT, .elementwise = true};
    if (fl_environment_init(&env, config, &shape, &convention, FL_STACK_DECODER, error) != FL_OK)
        return FL_FAILED;
    fputs("{\"name\": ", out);
    fl_json_text(out, config->name);
    fprintf(out, ", \"features\": %u, \"values\": {", env.features & ~OF_SHAPE);
    for (size_t i = 0; i < sizeof MODEL_SYMBOLS / sizeof *MODEL_SYMBOLS; i++)
        fprintf(out, "%s\"%s\": %lld", i ? ", " : "", fl_symbol_name(MODEL_SYMBOLS[i]),
                (long long)env.values[MODEL_SYMBOLS[i]].num);
    fputs("}}", out);
    return FL_OK;
}

/* ---- the tables ---- */

static void put_symbols(FILE *out, enum fl_language language)
{
    char words[FL_WORDS];
    fputs("\"symbols\": [", out);
    for (int i = 0; i < FL_N_SYMBOLS; i++) {
        const enum fl_symbol symbol = (enum fl_symbol)i;
        fprintf(out, "%s{\"name\": \"%s\", \"shown\": ", i ? ", " : "", fl_symbol_name(symbol));
        fl_json_text(out, fl_symbol_latex(symbol));
        fputs(", \"meaning\": ", out);
        fl_json_text(out, fl_text_of(language, fl_symbol_meaning(symbol), words));
        fputc('}', out);
    }
    fputs("],\n", out);
}

static void put_operators(FILE *out)
{
    fputs("\"operators\": [", out);
    for (int i = 0; i < FL_N_OPERATORS; i++) {
        const enum fl_operator op = (enum fl_operator)i;
        const char *columns = "";
        for (size_t k = 0; k < sizeof MATRICES / sizeof *MATRICES; k++)
            if (MATRICES[k].op == op)
                columns = MATRICES[k].columns;
        fprintf(out, "%s{\"name\": \"%s\", \"global\": %s, \"columns\": \"%s\"}", i ? ", " : "",
                fl_operator_name(op), fl_operator_is_global(op) ? "true" : "false", columns);
    }
    fputs("],\n", out);
}

static void put_rows(FILE *out)
{
    int n;
    const struct fl_textbook_row *textbook = fl_formula_textbook_rows(&n);
    fputs("\"textbook\": [", out);
    for (int i = 0; i < n; i++)
        fprintf(out, "%s[%d, %u, \"%s\"]", i ? ", " : "", textbook[i].op, textbook[i].features,
                textbook[i].text);
    const struct fl_piece *pieces = fl_formula_pieces(&n);
    fputs("],\n\"flops\": [", out);
    for (int i = 0; i < n; i++)
        fprintf(out, "%s[%d, %u, \"%s\"]", i ? ", " : "", pieces[i].op, pieces[i].features,
                pieces[i].text);
    const struct fl_bytes_piece *bytes = fl_formula_bytes_pieces(&n);
    fputs("],\n\"bytes\": [", out);
    for (int i = 0; i < n; i++)
        fprintf(out, "%s[%d, %u, \"%s\", \"%s\"]", i ? ", " : "", bytes[i].op, bytes[i].features,
                bytes[i].read_text, bytes[i].written_text);
    fputs("],\n", out);
}

static void put_named(FILE *out, const char *name, const struct fl_named_formula *rows, int n)
{
    fprintf(out, "\"%s\": {", name);
    for (int i = 0; i < n; i++)
        fprintf(out, "%s\"%s\": \"%s\"", i ? ", " : "", rows[i].name, rows[i].text);
    fputs("},\n", out);
}

static void put_formats(FILE *out)
{
    fputs("\"formats\": [", out);
    for (int i = 0; i < FL_N_DTYPES; i++) {
        const enum fl_dtype dtype = (enum fl_dtype)i;
        int shorter = 0; /* what takes its place where rows are no whole blocks */
        if (fl_dtype_block(dtype) > 1)
            shorter = (int)fl_dtype_fit(dtype, fl_dtype_block(dtype) == 32 ? 1 : 32);
        fprintf(out, "%s{\"name\": \"%s\", \"block\": %d, \"bytes\": %d, \"shorter\": %d}",
                i ? ", " : "", fl_dtype_names[i], fl_dtype_block(dtype),
                fl_dtype_block_bytes(dtype), shorter);
    }
    int n_cache = 0;
    while (fl_dtype_float_names[n_cache])
        n_cache++;
    fprintf(out, "],\n\"cache_formats\": %d, \"fused_keys\": %d,\n", n_cache, FL_FUSED_KEYS);
}

static void put_features(FILE *out)
{
    fputs("\"features\": {", out);
    for (size_t i = 0; i < sizeof SHAPE_FEATURES / sizeof *SHAPE_FEATURES; i++)
        fprintf(out, "%s\"%s\": %u", i ? ", " : "", SHAPE_FEATURES[i].name, SHAPE_FEATURES[i].bits);
    fputs("},\n", out);
}

/* All rows of strings_calculator.h that the script shows. */
static void put_words(FILE *out, enum fl_language language)
{
    static const enum fl_string_id WORDS[] = {
#define X(id, en, zh) FL_STR_##id,
#include "reports/strings_calculator.h"
#undef X
    };
    fputs("\"words\": {", out);
    for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++) {
        fprintf(out, "%s\"%s\": ", i ? ", " : "", fl_text_name(WORDS[i]));
        fl_json_text(out, fl_text(language, WORDS[i]));
    }
    fputs("},\n", out);
}

/* ---- models ---- */

static int put_models(FILE *out, const struct fl_results *results, struct fl_error *error)
{
    int n_presets, n = 0;
    const struct fl_preset *presets = fl_presets(&n_presets);
    fputs("\"models\": [", out);
    for (int i = 0; results && i < results->n_models; i++) {
        const struct fl_config *config = &results->models[i].config;
        bool seen = config->n_encoder_layers > 0;
        for (int k = 0; k < i; k++)
            seen = seen || memcmp(config, &results->models[k].config, sizeof *config) == 0;
        if (seen)
            continue;
        fputs(n++ ? ",\n" : "", out);
        if (fl_calculator_model(out, config, error) != FL_OK)
            return FL_FAILED;
    }
    fprintf(out, "],\n\"presets\": [");
    n = 0;
    for (int i = 0; i < n_presets; i++) {
        if (presets[i].config.n_encoder_layers > 0)
            continue;
        fputs(n++ ? ",\n" : "", out);
        if (fl_calculator_model(out, &presets[i].config, error) != FL_OK)
            return FL_FAILED;
    }
    fputs("]", out);
    return FL_OK;
}

/* The roofs of the machine of the first point, on as many threads as any point was measured with
 * and they were. */
static void put_ceilings(FILE *out, enum fl_language language, const struct fl_results *results)
{
    struct fl_roofs roofs;
    int n, most = 0;
    if (!results || results->n_points == 0)
        return;
    const struct fl_ceiling *ceilings =
        fl_results_ceilings(results, results->points[0].run->machine, &n);
    for (int i = 0; i < results->n_points; i++)
        if (results->points[i].point.n_threads > most)
            most = results->points[i].point.n_threads;
    while (most > 0 && !fl_roofs_find(&roofs, ceilings, n, most))
        most--;
    if (most == 0)
        return;
    char threads[FL_THREADS_TEXT], note[192];
    fl_text_format(note, sizeof note, language, CALC_MEASURED_HERE,
                   fl_threads_text(language, most, threads));
    fprintf(out, ",\n\"ceilings\": {\"gflops_per_s\": %.4g, \"gbytes_per_s\": %.4g, \"note\": ",
            roofs.flops_per_s / 1e9, roofs.bytes_per_s[FL_LEVEL_DRAM] / 1e9);
    fl_json_text(out, note);
    fputs("}", out);
}

/* Writes every '<' as \u003c: within a <script> nothing may look like its end. */
static char *without_tags(const char *json)
{
    size_t n_tags = 0;
    for (const char *at = json; *at; at++)
        n_tags += *at == '<';
    char *result = malloc(strlen(json) + 5 * n_tags + 1), *to = result;
    for (const char *at = json; result && *at; at++)
        if (*at == '<')
            to = stpcpy(to, "\\u003c");
        else
            *to++ = *at;
    if (result)
        *to = '\0';
    return result;
}

int fl_calculator_json(char **json, enum fl_language language, const struct fl_results *results,
                       struct fl_error *error)
{
    char *text = NULL;
    size_t size;
    int n;
    FILE *out = open_memstream(&text, &size);
    *json = NULL;
    if (!out)
        return fl_fail(error, "calculator: no memory for its tables");
    fputs("{", out);
    put_words(out, language);
    put_symbols(out, language);
    put_operators(out);
    put_rows(out);
    const struct fl_named_formula *rows = fl_formula_pairs_rows(&n);
    put_named(out, "pairs", rows, n);
    rows = fl_formula_memory_rows(&n);
    put_named(out, "memory", rows, n);
    put_formats(out);
    put_features(out);
    int status = put_models(out, results, error);
    put_ceilings(out, language, results);
    fputs("}\n", out);
    bool bad = fclose(out) != 0;
    if (status == FL_OK && !bad)
        *json = without_tags(text);
    free(text);
    if (status == FL_OK && !*json)
        return fl_fail(error, "calculator: no memory for its tables");
    return status;
}

int fl_report_calculator(struct fl_document *document, const struct fl_plot_input *input,
                         struct fl_error *error)
{
    char *json;
    if (fl_calculator_json(&json, document->language, input->results, error) != FL_OK)
        return FL_FAILED;
    fl_document_text(document, FL_BLOCK_TEXT, FL_STR_CALC_INTRODUCTION);
    fl_document_add_calculator(document, json);
    return FL_OK;
}
