#include "engine/generate_ledger.h"

#include "engine/pass_cost.h"

static double flops_of(struct fl_cost cost)
{
    return (double)fl_cost_flops(cost);
}

static double bytes_of(struct fl_cost cost)
{
    return (double)cost.bytes_read + (double)cost.bytes_written;
}

/* ---- what was generated ---- */

static void print_prompts(FILE *out, const struct fl_generator *generator, int n_prompts)
{
    if (n_prompts > 1)
        fprintf(out, "\n%-8s %8s %10s  %s\n", "prompt", "tokens", "generated", "stopped");
    for (int i = 0; i < n_prompts; i++) {
        const struct fl_generated result = fl_generator_result(generator, i);
        const char *reason = fl_stop_reason_text(result.reason);
        if (n_prompts > 1)
            fprintf(out, "%-8d %8d %10d  %s\n", i + 1, result.n_prompt, result.n_ids, reason);
        else
            fprintf(out, "\n%d tokens of prompt, %d generated; stopped: %s\n", result.n_prompt,
                    result.n_ids, reason);
    }
}

/* ---- phases and operators ---- */

static void print_phase(FILE *out, const struct fl_generation_phase *phase)
{
    char flops[FL_UNIT_TEXT], time[FL_UNIT_TEXT];
    const struct fl_cost total = fl_ledger_total(&phase->ledger).counted;
    const double ns = (double)phase->time_ns;
    if (phase->n_tokens == 0)
        return;
    fprintf(out, "%-8s %8lld %8lld %10s %10.1f %14s %10.2f %8.2f\n", phase->name,
            (long long)phase->n_passes, (long long)phase->n_tokens, fl_time_text(ns, time),
            (double)phase->n_new / ns * 1e9, fl_si_text(flops_of(total), "FLOP", flops),
            flops_of(total) / ns, bytes_of(total) / ns);
}

static void print_operators(FILE *out, const struct fl_generator *generator)
{
    fprintf(out, "\n%-13s %14s %10s %14s %10s\n", "operator", "prefill", "time", "decode", "time");
    for (int op = 0; op < FL_N_OPERATORS; op++) {
        struct fl_ledger_entry sums[FL_GENERATOR_N_PHASES];
        uint64_t n_calls = 0;
        for (int i = 0; i < FL_GENERATOR_N_PHASES; i++) {
            const struct fl_generation_phase *phase =
                fl_generator_phase(generator, (enum fl_generator_phase)i);
            sums[i] = fl_ledger_operator(&phase->ledger, (enum fl_operator)op);
            n_calls += sums[i].n_calls;
        }
        if (n_calls == 0)
            continue;
        fprintf(out, "%-13s", fl_operator_name((enum fl_operator)op));
        for (int i = 0; i < FL_GENERATOR_N_PHASES; i++) {
            char flops[FL_UNIT_TEXT], time[FL_UNIT_TEXT];
            fprintf(out, " %14s %10s", fl_si_text(flops_of(sums[i].counted), "FLOP", flops),
                    fl_time_text((double)sums[i].time_ns, time));
        }
        fputc('\n', out);
    }
}

static void print_kv_size(FILE *out, const char *whose, const struct fl_kv_size *kv)
{
    char block[FL_WIDE_GROUPED], all[FL_WIDE_GROUPED], cross[FL_WIDE_GROUPED];
    fprintf(out, "%s KV cache: %d block%s of %d token%s, %s bytes each: %s bytes", whose,
            kv->n_blocks, kv->n_blocks == 1 ? "" : "s", kv->block_tokens,
            kv->block_tokens == 1 ? "" : "s", fl_grouped_text((fl_wide)kv->block_bytes, block),
            fl_grouped_text((fl_wide)kv->bytes, all));
    if (kv->cross_bytes > 0)
        fprintf(out, ", and %s of the encoder's output",
                fl_grouped_text((fl_wide)kv->cross_bytes, cross));
    fputc('\n', out);
}

static void print_caches(FILE *out, const struct fl_generator *generator,
                         const struct fl_model *model, const struct fl_generator_options *options)
{
    struct fl_kv_size kv = fl_generator_kv_size(generator);
    fputc('\n', out);
    print_kv_size(out, model->config.name, &kv);
    if (!options->draft)
        return;
    kv = fl_speculative_kv_size(fl_generator_speculative(generator), true);
    print_kv_size(out, options->draft->config.name, &kv);
}

/* ---- beams against greedy ---- */

int fl_generate_search_cost(struct fl_search_cost *cost, const struct fl_generator *generator,
                            const struct fl_model *model,
                            const struct fl_generator_options *options, int n_prompts,
                            struct fl_error *error)
{
    *cost = (struct fl_search_cost){0};
    for (int i = 0; i < FL_GENERATOR_N_PHASES; i++) {
        const struct fl_generation_phase *phase =
            fl_generator_phase(generator, (enum fl_generator_phase)i);
        const struct fl_cost total = fl_ledger_total(&phase->ledger).counted;
        cost->flops += fl_cost_flops(total);
        cost->bytes += (fl_wide)total.bytes_read + total.bytes_written;
    }
    for (int i = 0; i < n_prompts; i++) {
        const struct fl_generated result = fl_generator_result(generator, i);
        struct fl_op_analytic greedy;
        if (result.n_beams == 0)
            continue;
        const int kept = result.beams[0].n_ids;
        const int n_encoder = model->config.n_encoder_layers > 0 ? result.n_prompt : 0;
        if (fl_greedy_cost(&greedy, model, options->attention, options->kv_dtype, n_encoder,
                           n_encoder ? 1 : result.n_prompt, kept, error) != FL_OK)
            return FL_FAILED;
        cost->kept += kept;
        cost->greedy_flops += greedy.exact;
        cost->greedy_bytes += greedy.bytes_read + greedy.bytes_written;
    }
    return FL_OK;
}

static void print_search_row(FILE *out, const char *name, int64_t kept, fl_wide flops,
                             fl_wide bytes)
{
    char spent[FL_UNIT_TEXT], each[FL_UNIT_TEXT], moved[FL_UNIT_TEXT];
    fprintf(out, "%-13s %8lld %14s %14s %14s\n", name, (long long)kept,
            fl_si_text((double)flops, "FLOP", spent),
            fl_si_text((double)flops / (double)kept, "FLOP", each),
            fl_si_text((double)bytes, "B", moved));
}

static void print_search(FILE *out, const struct fl_search_cost *cost, int n_beams)
{
    char name[32];
    if (cost->kept == 0)
        return;
    snprintf(name, sizeof name, "%d beams", n_beams);
    fprintf(out, "\n%-13s %8s %14s %14s %14s\n", "decoding", "kept", "spent", "a kept token",
            "moved");
    print_search_row(out, name, cost->kept, cost->flops, cost->bytes);
    print_search_row(out, "greedy", cost->kept, cost->greedy_flops, cost->greedy_bytes);
    fprintf(out, "%-13s %8s %13.2fx %14s %13.2fx   (greedy: by formula, as many tokens)\n", "ratio",
            "", (double)cost->flops / (double)cost->greedy_flops, "",
            (double)cost->bytes / (double)cost->greedy_bytes);
}

/* ---- a draft ---- */

static void print_speculation_row(FILE *out, const char *name, fl_wide flops, fl_wide wasted,
                                  fl_wide bytes, const struct fl_ledger *ledger)
{
    char spent[FL_UNIT_TEXT], lost[FL_UNIT_TEXT], moved[FL_UNIT_TEXT], time[FL_UNIT_TEXT];
    fprintf(out, "%-13s %14s %14s %14s %10s\n", name, fl_si_text((double)flops, "FLOP", spent),
            fl_si_text((double)wasted, "FLOP", lost), fl_si_text((double)bytes, "B", moved),
            ledger ? fl_time_text((double)fl_ledger_total(ledger).time_ns, time) : "");
}

static fl_wide bytes_moved(const struct fl_op_analytic *cost)
{
    return cost->bytes_read + cost->bytes_written;
}

/* What the draft proposed, what it cost, and what the text costs without it. Figures are formulas,
 * equal to what was counted. */
static int print_speculation(FILE *out, const struct fl_generator *generator,
                             const struct fl_model *model,
                             const struct fl_generator_options *options, struct fl_error *error)
{
    const struct fl_speculative *speculative = fl_generator_speculative(generator);
    const struct fl_generated result = fl_generator_result(generator, 0);
    struct fl_speculative_account a;
    struct fl_op_analytic plain;
    if (fl_speculative_account(speculative, &a, error) != FL_OK ||
        fl_greedy_cost(&plain, model, options->attention, options->kv_dtype, 0, result.n_prompt,
                       (int)a.n_emitted, error) != FL_OK)
        return FL_FAILED;
    fprintf(out,
            "\n%s proposed %lld tokens in %lld rounds, %lld accepted (%.1f %%): %.2f tokens a "
            "round\n",
            options->draft->config.name, (long long)a.n_drafted, (long long)a.n_rounds,
            (long long)a.n_accepted,
            a.n_drafted > 0 ? 100 * (double)a.n_accepted / (double)a.n_drafted : 0,
            a.n_rounds > 0 ? (double)a.n_emitted / (double)a.n_rounds : 0);
    fprintf(out, "\n%-13s %14s %14s %14s %10s\n", "speculation", "spent", "of it wasted", "moved",
            "time");
    fl_wide flops = 0, bytes = 0;
    const fl_wide wasted[FL_SPECULATIVE_N_PHASES] = {
        [FL_SPECULATIVE_DRAFT] = a.draft_wasted, [FL_SPECULATIVE_VERIFY] = a.verify_wasted};
    for (int i = 0; i < FL_SPECULATIVE_N_PHASES; i++) {
        print_speculation_row(out, fl_speculative_phase_names[i], a.phases[i].exact, wasted[i],
                              bytes_moved(&a.phases[i]),
                              fl_speculative_ledger(speculative, (enum fl_speculative_phase)i));
        flops += a.phases[i].exact;
        bytes += bytes_moved(&a.phases[i]);
    }
    print_speculation_row(out, "all", flops, a.draft_wasted + a.verify_wasted, bytes, NULL);
    print_speculation_row(out, "plain", plain.exact, 0, bytes_moved(&plain), NULL);
    fprintf(out, "%-13s %13.2fx %14s %13.2fx   (plain: by formula, as many tokens)\n", "ratio",
            (double)flops / (double)plain.exact, "", (double)bytes / (double)bytes_moved(&plain));
    return FL_OK;
}

int fl_generate_ledger(FILE *out, const struct fl_generator *generator,
                       const struct fl_model *model, const struct fl_generator_options *options,
                       int n_prompts, struct fl_error *error)
{
    print_prompts(out, generator, n_prompts);
    fprintf(out, "\n%-8s %8s %8s %10s %10s %14s %10s %8s\n", "phase", "passes", "tokens", "time",
            "tokens/s", "counted", "GFLOP/s", "GB/s");
    for (int i = 0; i < FL_GENERATOR_N_PHASES; i++)
        print_phase(out, fl_generator_phase(generator, (enum fl_generator_phase)i));
    print_operators(out, generator);
    print_caches(out, generator, model, options);
    if (options->n_beams > 1) {
        struct fl_search_cost cost;
        if (fl_generate_search_cost(&cost, generator, model, options, n_prompts, error) != FL_OK)
            return FL_FAILED;
        print_search(out, &cost, options->n_beams);
    }
    if (options->draft)
        return print_speculation(out, generator, model, options, error);
    return FL_OK;
}
