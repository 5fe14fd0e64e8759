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
    fprintf(out, "%s: %s, ", config->name, fl_arch_name(config->arch));
    if (config->n_encoder_layers > 0)
        fprintf(out, "%d encoder and %d decoder", config->n_encoder_layers, config->n_layers);
    else
        fprintf(out, "%d", config->n_layers);
    fprintf(out, " layers, h = %d, %d heads", config->d_model, config->n_heads);
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
    if (config->n_encoder_layers > 0)
        fprintf(out, "encoder: s_e = %lld%s\n", (long long)shape->n_encoder_tokens,
                shape->encoded ? ", run before" : "");
    const struct fl_convention *convention = &account->convention;
    fprintf(out, "convention: unit = %s%s, causal = %s, lm_head = %s, elementwise = %s%s\n",
            fl_unit_names[convention->unit],
            convention->unit == FL_UNIT_FLOP ? " (a fused multiply-add is 2)"
                                             : " (matrix products only)",
            fl_causal_names[convention->causal], fl_lm_head_names[convention->lm_head],
            convention->elementwise && convention->unit == FL_UNIT_FLOP ? "on" : "off",
            convention->fused ? ", attention = fused" : "");
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

static fl_wide measured_flops(const struct fl_account_row *row)
{
    return (fl_wide)row->measured.reading.values[FL_COUNT_FLOPS];
}

static char *measured_figure(const struct fl_account *account, const struct fl_account_row *row,
                             char out[FL_WIDE_GROUPED])
{
    return fl_account_figure(account, measured_flops(row), true, out);
}

/* part of whole in percent; a plain 0 where nothing is left over. */
static void push_share(struct fl_table *table, fl_wide part, fl_wide whole)
{
    if (part == 0)
        fl_table_cell(table, "0");
    else if (whole == 0)
        fl_table_cell(table, "-");
    else
        fl_table_format(table, "%+.3f %%", 100.0 * (double)part / (double)whole);
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
        if (fl_account_has(account, FL_COUNT_FLOPS)) {
            fl_table_cell(table, measured_figure(account, row, text));
            push_share(table, fl_account_unexplained(row), measured_flops(row));
        } else {
            fl_table_cell(table, "unavailable");
            fl_table_cell(table, "-");
        }
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

static int print_operators(const struct fl_account *account, enum fl_table_style style, FILE *out,
                           struct fl_error *error)
{
    static const char *const COUNT_HEADINGS[] = {
        "operator", "x", "textbook", "exact", "bytes read", "bytes written", "FLOP/byte"};
    static const char *const AUDIT_HEADINGS[] = {"operator", "x",        "textbook",    "exact",
                                                 "counted",  "measured", "unexplained", "time",
                                                 "GFLOP/s",  "GB/s",     "FLOP/byte"};
    struct fl_table table;
    if (account->has_counted)
        fl_table_open(&table, "lrrrrrrrrrr", AUDIT_HEADINGS);
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
    return fl_table_finish(&table, style, out, error);
}

/* ---- gap and memory ---- */

static int print_gap(const struct fl_account *account, enum fl_table_style style, FILE *out,
                     struct fl_error *error)
{
    static const char *const HEADINGS[] = {"from", "to", "term", "difference", "of textbook"};
    const struct fl_gap *gap = &account->gap;
    struct fl_table table;
    char text[FL_WIDE_GROUPED];
    double textbook = (double)account->total.textbook;
    fl_table_open(&table, "lllrr", HEADINGS);
    for (int i = 0; i < gap->n_terms; i++) {
        const struct fl_gap_term *term = &gap->terms[i];
        if (strcmp(term->to, "measured") == 0)
            continue;
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
    return fl_table_finish(&table, style, out, error);
}

/* ---- what the processor did ---- */

static void push_term(struct fl_table *table, const struct fl_account *account, const char *term,
                      fl_wide flops, double measured)
{
    char text[FL_WIDE_GROUPED];
    fl_table_cell(table, term);
    fl_table_format(table, "%s%s", flops > 0 ? "+" : "",
                    fl_account_figure(account, flops, true, text));
    fl_table_format(table, "%+.3f %%", measured > 0 ? 100 * (double)flops / measured : 0.0);
}

static int print_measured_gap(const struct fl_account *account, enum fl_table_style style,
                              FILE *out, struct fl_error *error)
{
    static const char *const HEADINGS[] = {"exact to measured", "difference", "of measured"};
    const struct fl_gap *gap = &account->gap;
    double measured = (double)account->counter.whole.values[FL_COUNT_FLOPS];
    struct fl_table table;
    fl_table_open(&table, "lrr", HEADINGS);
    for (int i = 0; i < gap->n_terms; i++)
        if (strcmp(gap->terms[i].to, "measured") == 0)
            push_term(&table, account, gap->terms[i].term, gap->terms[i].flops, measured);
    push_term(&table, account, "between the operators", gap->between_operators, measured);
    push_term(&table, account, "unexplained", gap->unexplained, measured);
    fl_table_rule(&table);
    push_term(&table, account, "sum",
              (fl_wide)account->counter.whole.values[FL_COUNT_FLOPS] - account->total.exact,
              measured);
    fprintf(out, "\nmeasured, in %ss:\n\n", unit_name(account));
    return fl_table_finish(&table, style, out, error);
}

enum { LINE_BYTES = 64 };

/* Bytes by the formulas beside bytes of the lines that were touched, and what the instructions
 * loaded and stored. */
static void push_traffic(struct fl_table *table, const struct fl_account *account, const char *name,
                         const struct fl_account_row *row, const struct fl_reading *reading)
{
    char text[FL_WIDE_GROUPED];
    const uint64_t *values = reading->values;
    fl_wide exact = row->bytes_read + row->bytes_written;
    fl_table_cell(table, name);
    fl_table_cell(table, fl_grouped_text(row->bytes_read, text));
    fl_table_cell(table, fl_grouped_text(row->bytes_written, text));
    if (fl_account_has(account, FL_COUNT_LINES_READ)) {
        fl_wide read = (fl_wide)values[FL_COUNT_LINES_READ] * LINE_BYTES;
        fl_wide written = (fl_wide)values[FL_COUNT_LINES_WRITTEN] * LINE_BYTES;
        fl_table_cell(table, fl_grouped_text(read, text));
        fl_table_cell(table, fl_grouped_text(written, text));
        push_share(table, read + written - exact, exact);
    }
    static const enum fl_count MOVED[] = {FL_COUNT_BYTES_LOADED, FL_COUNT_BYTES_STORED};
    for (int i = 0; i < 2; i++)
        if (fl_account_has(account, MOVED[i]))
            fl_table_cell(table, fl_grouped_text((fl_wide)values[MOVED[i]], text));
    static const enum fl_count MODELLED[] = {FL_COUNT_L1_MISSES, FL_COUNT_LL_MISSES};
    for (int i = 0; i < 2; i++)
        if (fl_account_has(account, MODELLED[i]))
            fl_table_cell(table, fl_grouped_text((fl_wide)values[MODELLED[i]] * LINE_BYTES, text));
    if (fl_account_has(account, FL_COUNT_MEMORY_BYTES))
        fl_table_cell(table, fl_grouped_text((fl_wide)values[FL_COUNT_MEMORY_BYTES], text));
}

static int print_traffic(const struct fl_account *account, enum fl_table_style style, FILE *out,
                         struct fl_error *error)
{
    static const struct {
        enum fl_count count; /* FL_N_COUNTS: always there */
        const char *heading;
    } COLUMNS[] = {
        {FL_N_COUNTS, "operator"},
        {FL_N_COUNTS, "exact read"},
        {FL_N_COUNTS, "exact written"},
        {FL_COUNT_LINES_READ, "footprint read"},
        {FL_COUNT_LINES_READ, "footprint written"},
        {FL_COUNT_LINES_READ, "difference"},
        {FL_COUNT_BYTES_LOADED, "loaded"},
        {FL_COUNT_BYTES_STORED, "stored"},
        {FL_COUNT_L1_MISSES, "into L1 (modelled)"},
        {FL_COUNT_LL_MISSES, "from memory (modelled)"},
        {FL_COUNT_MEMORY_BYTES, "from and to memory"},
    };
    enum { N_COLUMNS = sizeof COLUMNS / sizeof *COLUMNS };
    const char *headings[N_COLUMNS];
    char aligns[N_COLUMNS + 1] = "";
    int n = 0;
    for (int i = 0; i < N_COLUMNS; i++)
        if (COLUMNS[i].count == FL_N_COUNTS || fl_account_has(account, COLUMNS[i].count)) {
            headings[n] = COLUMNS[i].heading;
            aligns[n] = n == 0 ? 'l' : 'r';
            n++;
        }
    aligns[n] = '\0';
    if (n == 3) /* nothing to put beside the formulas */
        return FL_OK;
    struct fl_table table;
    fl_table_open(&table, aligns, headings);
    for (int op = 0; op < FL_N_OPERATORS; op++) {
        struct fl_account_row sum;
        if (fl_account_sum(account, NULL, FL_STACK_DECODER, (enum fl_operator)op, &sum) > 0)
            push_traffic(&table, account, fl_operator_name((enum fl_operator)op), &sum,
                         &sum.measured.reading);
    }
    fl_table_rule(&table);
    push_traffic(&table, account, "total", &account->total, &account->total.measured.reading);
    push_traffic(&table, account, "whole pass", &account->total, &account->counter.whole);
    fprintf(out,
            "\nmemory traffic, in bytes (footprint: distinct lines of %d bytes an operator "
            "touched):\n\n",
            LINE_BYTES);
    return fl_table_finish(&table, style, out, error);
}

/* "add 1,234, mul 5,678, ...; single 100 %, 256-bit 98.1 %": zeros left out. */
static void print_kinds(const struct fl_account *account, FILE *out)
{
    char text[FL_WIDE_GROUPED];
    const uint64_t *values = account->counter.whole.values;
    const char *separator = "operations: ";
    for (int count = FL_COUNT_ADD; count <= FL_COUNT_OTHER; count++) {
        if (!fl_account_has(account, (enum fl_count)count) || values[count] == 0)
            continue;
        fprintf(out, "%s%s %s", separator, fl_count_key((enum fl_count)count),
                fl_grouped_text((fl_wide)values[count], text));
        separator = ", ";
    }
    separator = *separator == ',' ? "\nFLOPs by kind: " : "FLOPs by kind: ";
    for (int count = FL_COUNT_FLOPS_SINGLE; count <= FL_COUNT_FLOPS_512; count++) {
        if (!fl_account_has(account, (enum fl_count)count) || values[count] == 0)
            continue;
        fprintf(out, "%s%s %.2f %%", separator, fl_count_name((enum fl_count)count) + 9,
                100 * (double)values[count] / (double)values[FL_COUNT_FLOPS]);
        separator = ", ";
    }
    fputc('\n', out);
}

static int print_measured(const struct fl_account *account, enum fl_table_style style, FILE *out,
                          struct fl_error *error)
{
    if (!account->has_measured) {
        fprintf(out, "measured: unavailable: %s\n", account->measured_reason);
        return FL_OK;
    }
    if (fl_account_has(account, FL_COUNT_FLOPS) &&
        print_measured_gap(account, style, out, error) != FL_OK)
        return FL_FAILED;
    if (print_traffic(account, style, out, error) != FL_OK)
        return FL_FAILED;
    const struct fl_account_counter *counter = &account->counter;
    const struct fl_account_run *run = &account->run;
    fprintf(out, "\nmeasured by %s (%s), kernels: OpenBLAS %s, %s\n", counter->name,
            counter->version, counter->blas_core, counter->isa);
    if (strcmp(counter->blas_core, run->blas_core) != 0 || strcmp(counter->isa, run->isa) != 0)
        fprintf(out, "timed natively with other kernels: OpenBLAS %s, %s\n", run->blas_core,
                run->isa);
    if (*counter->note)
        fprintf(out, "note: %s\n", counter->note);
    if (fl_account_has(account, FL_COUNT_FLOPS))
        print_kinds(account, out);
    return FL_OK;
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
    /* a step without a cache runs the whole prefix for one new token, too */
    const struct fl_shape *shape = &account->shape;
    double tokens = (double)(shape->batch * (account->is_decode ? 1 : shape->n_tokens));
    double flops = (double)fl_cost_flops(account->total.counted);
    double bytes = (double)(account->total.bytes_read + account->total.bytes_written);
    fprintf(out, "\nwhole run: %s, %.1f tokens/s, %.2f GFLOP/s, %.2f GB/s of compulsory traffic\n",
            fl_time_text(ns, unit), ns > 0 ? 1e9 * tokens / ns : 0.0, ns > 0 ? flops / ns : 0.0,
            ns > 0 ? bytes / ns : 0.0);
}

int fl_account_print(const struct fl_account *account, enum fl_table_style style, FILE *out,
                     struct fl_error *error)
{
    print_heading(account, out);
    if (print_operators(account, style, out, error) != FL_OK ||
        print_gap(account, style, out, error) != FL_OK)
        return FL_FAILED;
    print_memory(account, out);
    if (account->has_counted) {
        print_run(account, out);
        if (print_measured(account, style, out, error) != FL_OK)
            return FL_FAILED;
    }
    return FL_OK;
}
