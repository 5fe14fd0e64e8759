#include "reports/account_render.h"

#include <string.h>

char *fl_account_figure(const struct fl_account *account, fl_wide flops, bool grouped,
                        char out[FL_WIDE_GROUPED])
{
    bool macs = account->convention.unit == FL_UNIT_MAC;
    fl_wide value = macs ? flops / 2 : flops;
    if (grouped)
        fl_grouped_text(value, out);
    else
        fl_wide_text(value, out);
    if (macs && flops % 2 != 0)
        strcat(out, ".5");
    return out;
}

static const char *unit_name(const struct fl_account *account)
{
    return account->convention.unit == FL_UNIT_MAC ? "MAC" : "FLOP";
}

/* ---- heading ---- */

static void print_heading(const struct fl_account *account, FILE *out)
{
    const struct fl_config *config = &account->config;
    char params[FL_UNIT_TEXT];
    fprintf(out, "%s: %s, %d layers, h = %d, %d heads", config->name, fl_arch_name(config->arch),
            config->n_layers, config->d_model, config->n_heads);
    if (config->n_kv_heads != config->n_heads)
        fprintf(out, " (%d key/value)", config->n_kv_heads);
    fprintf(out, " of %d, f = %d, V = %d; %s parameters\n", config->head_dim, config->d_ff,
            config->vocab_size, fl_si_text((double)account->n_params, "", params));
    const struct fl_shape *shape = &account->shape;
    if (account->has_generation)
        fprintf(out, "generation: b = %lld, prompt of %lld tokens, %lld generated, %s\n",
                (long long)shape->batch, (long long)account->generation.n_prompt,
                (long long)account->generation.n_gen,
                account->generation.cache ? "KV-cached" : "uncached");
    else
        fprintf(out, "%s: b = %lld, s = %lld, p = %lld (t = %lld)\n",
                account->is_decode ? "decode step" : "forward", (long long)shape->batch,
                (long long)shape->n_tokens, (long long)shape->n_past,
                (long long)(shape->n_past + shape->n_tokens));
    const struct fl_convention *convention = &account->convention;
    fprintf(out, "convention: unit = %s%s, causal = %s, lm_head = %s, elementwise = %s\n",
            fl_unit_names[convention->unit],
            convention->unit == FL_UNIT_FLOP ? " (a fused multiply-add is 2)"
                                             : " (matrix products only)",
            fl_causal_names[convention->causal], fl_lm_head_names[convention->lm_head],
            convention->elementwise && convention->unit == FL_UNIT_FLOP ? "on" : "off");
    if (account->has_counted)
        fprintf(out, "run: attention kernel %s, %d thread%s, median of %d execution%s\n",
                account->run.attention, account->run.n_threads,
                account->run.n_threads == 1 ? "" : "s", account->run.n_reps,
                account->run.n_reps == 1 ? "" : "s");
    fputc('\n', out);
}

/* ---- operators ---- */

static void push_ratio(struct fl_table *table, double a, double b)
{
    if (b > 0)
        fl_table_format(table, "%.2f", a / b);
    else
        fl_table_cell(table, "-");
}

static void push_figures(struct fl_table *table, const struct fl_account *account,
                         const struct fl_account_row *row)
{
    char text[FL_WIDE_GROUPED], unit[FL_UNIT_TEXT];
    fl_wide bytes = row->bytes_read + row->bytes_written;
    double flops =
        (double)(account->has_counted ? (fl_wide)fl_cost_flops(row->counted) : row->exact);
    fl_table_cell(table, fl_account_figure(account, row->textbook, true, text));
    fl_table_cell(table, fl_account_figure(account, row->exact, true, text));
    if (account->has_counted) {
        double ns = (double)row->time_ns;
        fl_table_cell(table,
                      fl_account_figure(account, (fl_wide)fl_cost_flops(row->counted), true, text));
        fl_table_cell(table, "unavailable");
        fl_table_cell(table, fl_time_text(ns, unit));
        push_ratio(table, flops, ns);
        push_ratio(table, (double)bytes, ns);
    } else {
        fl_table_cell(table, fl_grouped_text(row->bytes_read, text));
        fl_table_cell(table, fl_grouped_text(row->bytes_written, text));
    }
    push_ratio(table, flops, (double)bytes);
}

static void push_phase(struct fl_table *table, const struct fl_account *account, const char *phase,
                       enum fl_stack stack)
{
    for (int op = 0; op < FL_N_OPERATORS; op++) {
        struct fl_account_row sum;
        int n = fl_account_sum(account, phase, stack, (enum fl_operator)op, &sum);
        if (n == 0)
            continue;
        fl_table_format(table, "%s%s", stack == FL_STACK_ENCODER ? "encoder " : "",
                        fl_operator_name((enum fl_operator)op));
        fl_table_format(table, "%d", n);
        push_figures(table, account, &sum);
    }
}

static bool print_operators(const struct fl_account *account, enum fl_table_style style, FILE *out)
{
    static const char *const COUNT_HEADINGS[] = {
        "operator", "x", "textbook", "exact", "bytes read", "bytes written", "FLOP/byte"};
    static const char *const AUDIT_HEADINGS[] = {"operator", "x",        "textbook", "exact",
                                                 "counted",  "measured", "time",     "GFLOP/s",
                                                 "GB/s",     "FLOP/byte"};
    struct fl_table table;
    if (account->has_counted)
        fl_table_open(&table, "lrrrrrrrrr", AUDIT_HEADINGS);
    else
        fl_table_open(&table, "lrrrrrr", COUNT_HEADINGS);
    const char *const phases[] = {"prefill", "decode"};
    for (int phase = 0; phase < 2; phase++) {
        if (phase == 1 && account->has_generation)
            fl_table_rule(&table);
        push_phase(&table, account, phases[phase], FL_STACK_ENCODER);
        push_phase(&table, account, phases[phase], FL_STACK_DECODER);
    }
    fl_table_rule(&table);
    fl_table_cell(&table, "total");
    fl_table_cell(&table, "");
    push_figures(&table, account, &account->total);
    bool good = fl_table_print(&table, style, out);
    fl_table_close(&table);
    return good;
}

/* ---- gap and memory ---- */

static bool print_gap(const struct fl_account *account, enum fl_table_style style, FILE *out)
{
    static const char *const HEADINGS[] = {"from", "to", "term", "difference", "of textbook"};
    const struct fl_gap *gap = &account->gap;
    struct fl_table table;
    char text[FL_WIDE_GROUPED];
    double textbook = (double)account->total.textbook;
    fl_table_open(&table, "lllrr", HEADINGS);
    for (int i = 0; i < gap->n_terms; i++) {
        const struct fl_gap_term *term = &gap->terms[i];
        fl_table_cell(&table, term->from);
        fl_table_cell(&table, term->to);
        fl_table_cell(&table, term->term);
        fl_table_format(&table, "%s%s", term->flops > 0 ? "+" : "",
                        fl_account_figure(account, term->flops, true, text));
        fl_table_format(&table, "%+.2f %%",
                        textbook > 0 ? 100 * (double)term->flops / textbook : 0.0);
    }
    fl_table_rule(&table);
    fl_wide difference = account->total.exact - account->total.textbook;
    fl_table_cell(&table, "textbook");
    fl_table_cell(&table, "exact");
    fl_table_cell(&table, gap->unnamed == 0 ? "sum, nothing left over" : "sum, terms MISSING");
    fl_table_format(&table, "%s%s", difference > 0 ? "+" : "",
                    fl_account_figure(account, difference, true, text));
    fl_table_format(&table, "%+.2f %%", textbook > 0 ? 100 * (double)difference / textbook : 0.0);
    fprintf(out, "\ngap, in %ss:\n\n", unit_name(account));
    bool good = fl_table_print(&table, style, out);
    fl_table_close(&table);
    return good;
}

static void print_memory(const struct fl_account *account, FILE *out)
{
    char digits[FL_WIDE_GROUPED], unit[FL_UNIT_TEXT];
    const struct {
        const char *what;
        fl_wide bytes;
    } rows[] = {{"weights", account->weights_bytes},
                {"KV cache", account->kv_cache_bytes},
                {"activations", account->activation_bytes}};
    fprintf(out, "\nmemory: ");
    for (int i = 0; i < 3; i++)
        fprintf(out, "%s%s %s bytes (%s)", i ? ", " : "", rows[i].what,
                fl_grouped_text(rows[i].bytes, digits), fl_bytes_text((double)rows[i].bytes, unit));
    fputc('\n', out);
}

static void print_run(const struct fl_account *account, FILE *out)
{
    char unit[FL_UNIT_TEXT];
    double ns = (double)account->run.time_ns;
    double flops = (double)fl_cost_flops(account->total.counted);
    double bytes = (double)(account->total.bytes_read + account->total.bytes_written);
    fprintf(out, "\nwhole run: %s, %.2f GFLOP/s, %.2f GB/s of compulsory traffic\n",
            fl_time_text(ns, unit), ns > 0 ? flops / ns : 0.0, ns > 0 ? bytes / ns : 0.0);
    fprintf(out, "measured: unavailable: %s\n", account->measured_reason);
}

int fl_account_print(const struct fl_account *account, enum fl_table_style style, FILE *out,
                     struct fl_error *error)
{
    print_heading(account, out);
    if (!print_operators(account, style, out) || !print_gap(account, style, out))
        return fl_fail(error, "%s: not enough memory for the table", account->config.name);
    print_memory(account, out);
    if (account->has_counted)
        print_run(account, out);
    return FL_OK;
}

int fl_account_print_csv(const struct fl_account *account, FILE *out, struct fl_error *error)
{
    static const char *const HEADINGS[] = {
        "model",    "batch",       "n_tokens",   "n_past",        "unit",    "causal",
        "lm_head",  "elementwise", "phase",      "stack",         "layer",   "op",
        "textbook", "exact",       "bytes_read", "bytes_written", "counted", "time_ns"};
    struct fl_table table;
    char text[FL_WIDE_GROUPED];
    const struct fl_convention *convention = &account->convention;
    fl_table_open(&table, "llllllllllllllllll", HEADINGS);
    for (int i = 0; i < account->n_rows; i++) {
        const struct fl_account_row *row = &account->rows[i];
        fl_table_cell(&table, account->config.name);
        fl_table_format(&table, "%lld", (long long)account->shape.batch);
        fl_table_format(&table, "%lld", (long long)account->shape.n_tokens);
        fl_table_format(&table, "%lld", (long long)account->shape.n_past);
        fl_table_cell(&table, fl_unit_names[convention->unit]);
        fl_table_cell(&table, fl_causal_names[convention->causal]);
        fl_table_cell(&table, fl_lm_head_names[convention->lm_head]);
        fl_table_cell(&table, convention->elementwise ? "on" : "off");
        fl_table_cell(&table, row->phase);
        fl_table_cell(&table, row->stack == FL_STACK_ENCODER ? "encoder" : "decoder");
        if (row->layer == FL_LAYER_GLOBAL)
            fl_table_cell(&table, "");
        else
            fl_table_format(&table, "%d", row->layer);
        fl_table_cell(&table, fl_operator_name(row->op));
        fl_table_cell(&table, fl_account_figure(account, row->textbook, false, text));
        fl_table_cell(&table, fl_account_figure(account, row->exact, false, text));
        fl_table_cell(&table, fl_wide_text(row->bytes_read, text));
        fl_table_cell(&table, fl_wide_text(row->bytes_written, text));
        if (account->has_counted) {
            fl_table_cell(&table, fl_account_figure(account, (fl_wide)fl_cost_flops(row->counted),
                                                    false, text));
            fl_table_format(&table, "%llu", (unsigned long long)row->time_ns);
        } else {
            fl_table_cell(&table, "");
            fl_table_cell(&table, "");
        }
    }
    bool good = fl_table_print(&table, FL_TABLE_CSV, out);
    fl_table_close(&table);
    return good ? FL_OK
                : fl_fail(error, "%s: not enough memory for the table", account->config.name);
}
