/* cmd_generate_json.c - what `flopledger generate --format json` prints: one object. */
#include "base/version.h"
#include "engine/generate_flags.h"
#include "engine/generate_ledger.h"
#include "reports/json_text.h"

#include <string.h>

static void print_ids(FILE *out, const char *name, const int *ids, int n)
{
    fprintf(out, "\"%s\": [", name);
    for (int i = 0; i < n; i++)
        fprintf(out, "%s%d", i ? ", " : "", ids[i]);
    fputc(']', out);
}

/* ---- settings ---- */

static void print_settings(FILE *out, const struct fl_generate_flags *flags,
                           const struct fl_generator *generator, const struct fl_model *model,
                           const struct fl_generator_options *options)
{
    const struct fl_sampling *s = &options->sampling;
    fprintf(out, "  \"schema\": 1,\n  \"version\": ");
    fl_json_text(out, FL_VERSION);
    fprintf(out, ",\n  \"model\": ");
    fl_json_text(out, model->config.name);
    fprintf(out,
            ",\n  \"settings\": {\n    \"seed\": %llu, \"temperature\": %.17g, \"top_k\": %d, "
            "\"top_p\": %.17g, \"min_p\": %.17g,\n",
            (unsigned long long)s->seed, s->temperature, s->top_k, s->top_p, s->min_p);
    fprintf(out,
            "    \"repetition_penalty\": %.17g, \"repeat_last_n\": %d, "
            "\"presence_penalty\": %.17g, \"frequency_penalty\": %.17g, "
            "\"no_repeat_ngram_size\": %d,\n",
            s->repetition_penalty, s->repeat_last_n > 0 ? s->repeat_last_n : -1,
            s->presence_penalty, s->frequency_penalty, s->no_repeat_ngram);
    fprintf(out, "    \"num_beams\": %d, \"length_penalty\": %.17g, \"early_stopping\": %s,\n",
            options->n_beams, options->length_penalty, options->early_stopping ? "true" : "false");
    fprintf(out, "    \"max_new_tokens\": %d, \"min_new_tokens\": %d, \"stop\": [",
            options->n_new_max, options->n_new_min);
    for (int i = 0; i < options->n_stop_texts; i++) {
        fputs(i ? ", " : "", out);
        fl_json_text(out, options->stop_texts[i]);
    }
    fputs("], ", out);
    print_ids(out, "eos_token_ids", options->eos_ids, options->n_eos);
    fprintf(out,
            ",\n    \"cache\": %s, \"attention\": \"%s\", \"kv_dtype\": \"%s\", \"threads\": %d\n  "
            "},\n",
            flags->cache ? "true" : "false", fl_attention_name(options->attention),
            fl_dtype_names[options->kv_dtype], fl_generator_n_threads(generator));
}

/* ---- outputs ---- */

static void print_beams(FILE *out, const struct fl_generated *result)
{
    fprintf(out, ",\n     \"beams\": [");
    for (int i = 0; i < result->n_beams; i++) {
        const struct fl_hypothesis *h = &result->beams[i];
        fprintf(out, "%s\n      {\"score\": %.9g, \"sum_logprob\": %.9g, \"finished\": %s, ",
                i ? "," : "", h->score, h->sum, h->finished ? "true" : "false");
        print_ids(out, "ids", h->ids, h->n_ids);
        fputc('}', out);
    }
    fputc(']', out);
}

static void print_output(FILE *out, const struct fl_generated *result,
                         const struct fl_generate_text *text)
{
    fprintf(out, "    {\"prompt_tokens\": %d, \"generated_tokens\": %d, \"stop_reason\": \"%s\", ",
            result->n_prompt, result->n_ids, fl_stop_reason_name(result->reason));
    fprintf(out, "\"stop_text\": ");
    if (result->stop_text)
        fl_json_text(out, result->stop_text);
    else
        fputs("null", out);
    if (text) {
        fprintf(out, ",\n     \"text\": ");
        fl_json_bytes(out, text->bytes ? text->bytes : "", text->length);
    }
    fprintf(out, ",\n     ");
    print_ids(out, "ids", result->ids, result->n_ids);
    if (result->beams)
        print_beams(out, result);
    fputc('}', out);
}

/* ---- the ledger ---- */

static void print_entry(FILE *out, const struct fl_ledger_entry *entry)
{
    const struct fl_cost *cost = &entry->counted;
    fprintf(out,
            "\"time_ns\": %llu, \"flops\": %llu, \"bytes_read\": %llu, \"bytes_written\": %llu",
            (unsigned long long)entry->time_ns, (unsigned long long)fl_cost_flops(*cost),
            (unsigned long long)cost->bytes_read, (unsigned long long)cost->bytes_written);
}

static void print_phase(FILE *out, const struct fl_generation_phase *phase)
{
    struct fl_ledger_entry total = fl_ledger_total(&phase->ledger);
    total.time_ns = phase->time_ns; /* of whole passes */
    fprintf(out,
            "    {\"phase\": \"%s\", \"passes\": %lld, \"tokens\": %lld, \"new_tokens\": %lld, ",
            phase->name, (long long)phase->n_passes, (long long)phase->n_tokens,
            (long long)phase->n_new);
    print_entry(out, &total);
    fprintf(out, ",\n     \"operators\": [");
    for (int op = 0, n = 0; op < FL_N_OPERATORS; op++) {
        const struct fl_ledger_entry entry =
            fl_ledger_operator(&phase->ledger, (enum fl_operator)op);
        if (entry.n_calls == 0)
            continue;
        fprintf(out, "%s\n      {\"operator\": \"%s\", \"calls\": %llu, ", n++ ? "," : "",
                fl_operator_name((enum fl_operator)op), (unsigned long long)entry.n_calls);
        print_entry(out, &entry);
        fputc('}', out);
    }
    fprintf(out, "]}");
}

static void print_search(FILE *out, const struct fl_search_cost *cost)
{
    const struct {
        const char *name;
        fl_wide value;
    } figures[] = {{"flops", cost->flops},
                   {"greedy_flops", cost->greedy_flops},
                   {"bytes", cost->bytes},
                   {"greedy_bytes", cost->greedy_bytes}};
    fprintf(out, "  \"search\": {\"kept_tokens\": %lld", (long long)cost->kept);
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        char digits[FL_WIDE_DIGITS];
        fprintf(out, ", \"%s\": %s", figures[i].name, fl_wide_text(figures[i].value, digits));
    }
    fputs("},\n", out);
}

static void print_kv_size(FILE *out, const struct fl_kv_size *kv)
{
    fprintf(out,
            "  \"kv_cache\": {\"blocks\": %d, \"block_tokens\": %d, \"block_bytes\": %llu, "
            "\"bytes\": %llu, \"cross_bytes\": %llu},\n",
            kv->n_blocks, kv->block_tokens, (unsigned long long)kv->block_bytes,
            (unsigned long long)kv->bytes, (unsigned long long)kv->cross_bytes);
}

/* Nothing without a draft model. */
static int print_speculation(FILE *out, const struct fl_generator *generator,
                             const struct fl_generator_options *options, struct fl_error *error)
{
    const struct fl_speculative *speculative = fl_generator_speculative(generator);
    struct fl_speculative_account account;
    if (!speculative)
        return FL_OK;
    if (fl_speculative_account(speculative, &account, error) != FL_OK)
        return FL_FAILED;
    char digits[FL_WIDE_DIGITS];
    fprintf(out, "  \"speculation\": {\"draft_model\": ");
    fl_json_text(out, options->draft->config.name);
    fprintf(out, ", \"n_draft\": %d, \"rounds\": %lld, \"drafted\": %lld, \"accepted\": %lld,\n",
            options->n_draft, (long long)account.n_rounds, (long long)account.n_drafted,
            (long long)account.n_accepted);
    fprintf(out, "    \"draft_wasted_flops\": %s", fl_wide_text(account.draft_wasted, digits));
    fprintf(out, ", \"verify_wasted_flops\": %s,\n    \"phases\": [\n",
            fl_wide_text(account.verify_wasted, digits));
    for (int i = 0; i < FL_SPECULATIVE_N_PHASES; i++) {
        const struct fl_ledger_entry total =
            fl_ledger_total(fl_speculative_ledger(speculative, (enum fl_speculative_phase)i));
        fprintf(out, "      {\"phase\": \"%s\", \"exact_flops\": %s, ",
                fl_speculative_phase_names[i], fl_wide_text(account.phases[i].exact, digits));
        print_entry(out, &total);
        fputs(i + 1 < FL_SPECULATIVE_N_PHASES ? "},\n" : "}\n", out);
    }
    fputs("    ]},\n", out);
    return FL_OK;
}

int fl_generate_json(FILE *out, const struct fl_generate_flags *flags,
                     const struct fl_generator *generator, const struct fl_model *model,
                     const struct fl_generator_options *options,
                     const struct fl_generate_text *texts, int n_prompts, struct fl_error *error)
{
    struct fl_search_cost cost;
    if (options->n_beams > 1 &&
        fl_generate_search_cost(&cost, generator, model, options, n_prompts, error) != FL_OK)
        return FL_FAILED;
    fputs("{\n", out);
    print_settings(out, flags, generator, model, options);
    fprintf(out, "  \"outputs\": [\n");
    for (int i = 0; i < n_prompts; i++) {
        const struct fl_generated result = fl_generator_result(generator, i);
        print_output(out, &result, options->tokenizer ? &texts[i] : NULL);
        fputs(i + 1 < n_prompts ? ",\n" : "\n", out);
    }
    fprintf(out, "  ],\n");
    if (options->n_beams > 1)
        print_search(out, &cost);
    const struct fl_kv_size kv = fl_generator_kv_size(generator);
    print_kv_size(out, &kv);
    if (print_speculation(out, generator, options, error) != FL_OK)
        return FL_FAILED;
    fprintf(out, "  \"phases\": [\n");
    for (int i = 0; i < FL_GENERATOR_N_PHASES; i++) {
        print_phase(out, fl_generator_phase(generator, (enum fl_generator_phase)i));
        fputs(i + 1 < FL_GENERATOR_N_PHASES ? ",\n" : "\n", out);
    }
    fprintf(out, "  ]\n}\n");
    return FL_OK;
}
