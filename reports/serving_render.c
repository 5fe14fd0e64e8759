#include "reports/serving_render.h"

#include "reports/escape.h"
#include "reports/json_text.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>

enum { N_SLICES = 12, N_SHOWN = 40, N_BINS = 16 };

/* ---- cells ---- */

static void time_cell(struct fl_table *table, double seconds)
{
    char text[FL_UNIT_TEXT];
    fl_table_cell(table, isnan(seconds) ? "-" : fl_time_text(seconds * 1e9, text));
}

static void flops_cell(struct fl_table *table, fl_wide flops)
{
    char text[FL_UNIT_TEXT];
    fl_table_cell(table, fl_si_text((double)flops, "FLOP", text));
}

static void bytes_cell(struct fl_table *table, fl_wide bytes)
{
    char text[FL_UNIT_TEXT];
    fl_table_cell(table, fl_bytes_text((double)bytes, text));
}

static bool print_and_close(struct fl_table *table, enum fl_table_style style, FILE *out)
{
    const bool good = fl_table_print(table, style, out);
    fl_table_close(table);
    return good;
}

static void heading(enum fl_table_style style, FILE *out, const char *text)
{
    fprintf(out, style == FL_TABLE_MARKDOWN ? "\n## %s\n\n" : "\n%s\n", text);
}

/* ---- the summary ---- */

static void row(struct fl_table *table, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void row(struct fl_table *table, const char *name, const char *format, ...)
{
    char text[160];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    fl_table_cell(table, name);
    fl_table_cell(table, text);
}

/* "291,648,307,200 (291.6 GFLOP)" */
static void exact_row(struct fl_table *table, const char *name, fl_wide value, bool bytes)
{
    char digits[FL_WIDE_GROUPED], text[FL_UNIT_TEXT];
    if (bytes)
        fl_bytes_text((double)value, text);
    else
        fl_si_text((double)value, "FLOP", text);
    row(table, name, "%s (%s)", fl_grouped_text(value, digits), text);
}

static double share(fl_wide part, fl_wide whole)
{
    return whole > 0 ? 100 * (double)part / (double)whole : 0;
}

static void rates(struct fl_table *table, const struct fl_serving_view *view)
{
    const struct fl_serving_summary *s = view->summary;
    char time[FL_UNIT_TEXT], busy[FL_UNIT_TEXT];
    if (s->n_unfinished > 0)
        row(table, "requests", "%d done, %d refused, %d unfinished", s->n_done, s->n_refused,
            s->n_unfinished);
    else
        row(table, "requests", "%d done, %d refused", s->n_done, s->n_refused);
    row(table, "tokens", "%lld of prompts, %lld generated", (long long)s->n_prompt,
        (long long)s->n_output);
    row(table, "duration", "%s, %s of it in %d passes", fl_time_text(s->duration_s * 1e9, time),
        fl_time_text(s->busy_s * 1e9, busy), s->n_passes);
    row(table, "throughput", "%.2f requests/s, %.1f generated tokens/s", s->requests_per_s,
        s->output_per_s);
    row(table, "goodput", "%.2f requests/s (%d of %d within the limits)", s->goodput_per_s,
        s->n_good, s->n_done);
    row(table, "mean pass", "%.2f requests, %.2f tokens", s->mean_seqs, s->mean_rows);
}

static void costs(struct fl_table *table, const struct fl_serving_view *view)
{
    const struct fl_serving_summary *s = view->summary;
    char flops[FL_UNIT_TEXT];
    const bool equal = s->flops == s->exact_flops && s->exact_flops == s->counted_flops &&
                       s->bytes == s->exact_bytes && s->exact_bytes == s->counted_bytes;
    exact_row(table, "FLOPs", s->counted_flops, false);
    exact_row(table, "bytes", s->counted_bytes, true);
    row(table, "requests = exact = counted", "%s", equal ? "yes" : "NO");
    row(table, "shared beginnings", "%lld tokens not run again, %s saved", (long long)s->n_reused,
        fl_si_text((double)s->flops_saved, "FLOP", flops));
    row(table, "preemptions", "%d, %lld tokens run again, %s (%.2f %%)", s->n_preempted,
        (long long)s->n_repeated, fl_si_text((double)s->flops_repeated, "FLOP", flops),
        share(s->flops_repeated, s->counted_flops));
    row(table, "KV blocks", "%.1f in the mean, %d at most, of %d (%d tokens, %llu bytes each)",
        s->mean_blocks, s->peak_blocks, view->n_blocks, view->block_tokens,
        (unsigned long long)view->block_bytes);
}

static bool summary_table(const struct fl_serving_view *view, enum fl_table_style style, FILE *out)
{
    static const char *const HEADINGS[] = {"figure", "value"};
    struct fl_table table;
    fl_table_open(&table, "ll", HEADINGS);
    rates(&table, view);
    costs(&table, view);
    return print_and_close(&table, style, out);
}

static bool latency_table(const struct fl_serving_view *view, enum fl_table_style style, FILE *out)
{
    static const char *const HEADINGS[] = {"latency", "requests", "mean", "p50",
                                           "p90",     "p99",      "most"};
    struct fl_table table;
    heading(style, out, "Latencies");
    fl_table_open(&table, "lrrrrrr", HEADINGS);
    for (int i = 0; i < FL_N_SERVING_LATENCIES; i++) {
        const struct fl_serving_percentiles *p = &view->summary->latencies[i];
        fl_table_cell(&table, fl_serving_latency_names[i]);
        fl_table_format(&table, "%d", p->n);
        time_cell(&table, p->mean);
        time_cell(&table, p->p50);
        time_cell(&table, p->p90);
        time_cell(&table, p->p99);
        time_cell(&table, p->most);
    }
    return print_and_close(&table, style, out);
}

/* ---- batch sizes, time ---- */

static struct fl_serving_bin *histogram(const struct fl_serving_view *view)
{
    struct fl_serving_bin *bins = calloc((size_t)view->max_seqs, sizeof *bins);
    if (bins)
        fl_serving_histogram(bins, view->max_seqs, view->passes, view->n_passes);
    return bins;
}

/* Many sizes are put together, so that the table stays short. */
static bool histogram_table(const struct fl_serving_view *view, enum fl_table_style style,
                            FILE *out)
{
    static const char *const HEADINGS[] = {"requests", "passes", "tokens", "time"};
    struct fl_serving_bin *bins = histogram(view);
    struct fl_table table;
    if (!bins)
        return false;
    heading(style, out, "Requests in a pass");
    fl_table_open(&table, "rrrr", HEADINGS);
    const int step = (view->max_seqs + N_BINS - 1) / N_BINS;
    for (int first = 0; first < view->max_seqs; first += step) {
        struct fl_serving_bin sum = {0};
        const int end = first + step < view->max_seqs ? first + step : view->max_seqs;
        for (int i = first; i < end; i++) {
            sum.n_passes += bins[i].n_passes;
            sum.n_rows += bins[i].n_rows;
            sum.time_s += bins[i].time_s;
        }
        if (end - first > 1)
            fl_table_format(&table, "%d-%d", first + 1, end);
        else
            fl_table_format(&table, "%d", end);
        fl_table_format(&table, "%lld", (long long)sum.n_passes);
        fl_table_format(&table, "%lld", (long long)sum.n_rows);
        time_cell(&table, sum.time_s);
    }
    free(bins);
    return print_and_close(&table, style, out);
}

static void timeline(const struct fl_serving_view *view, struct fl_serving_slice slices[N_SLICES])
{
    const double begins_s = view->n_requests > 0 ? view->requests[0].arrival_s : 0;
    const double ends_s = view->n_passes > 0 ? view->passes[view->n_passes - 1].ends_s : begins_s;
    fl_serving_timeline(slices, N_SLICES, begins_s, ends_s, view->passes, view->n_passes);
}

static bool timeline_table(const struct fl_serving_view *view, enum fl_table_style style, FILE *out)
{
    static const char *const HEADINGS[] = {"from", "running", "queued", "KV blocks", "of all"};
    struct fl_serving_slice slices[N_SLICES];
    struct fl_table table;
    timeline(view, slices);
    heading(style, out, "Over time (means)");
    fl_table_open(&table, "rrrrr", HEADINGS);
    for (int i = 0; i < N_SLICES; i++) {
        time_cell(&table, slices[i].begins_s);
        fl_table_format(&table, "%.2f", slices[i].running);
        fl_table_format(&table, "%.2f", slices[i].queued);
        fl_table_format(&table, "%.1f", slices[i].blocks);
        fl_table_format(&table, "%.1f %%", 100 * slices[i].blocks / view->n_blocks);
    }
    return print_and_close(&table, style, out);
}

/* ---- requests ---- */

static bool request_table(const struct fl_serving_view *view, enum fl_table_style style, FILE *out)
{
    static const char *const HEADINGS[] = {"line",  "arrival", "prompt", "output",
                                           "queue", "TTFT",    "TPOT",   "end to end",
                                           "FLOPs", "bytes",   "saved",  "again"};
    struct fl_table table;
    heading(style, out, "Requests");
    fl_table_open(&table, "rrrrrrrrrrrr", HEADINGS);
    for (int i = 0; i < view->n_requests; i++) {
        const struct fl_serving_request *r = &view->requests[i];
        fl_table_format(&table, "%d", r->line);
        time_cell(&table, r->arrival_s);
        fl_table_format(&table, "%d", r->n_prompt);
        fl_table_format(&table, "%d", r->n_output);
        for (int k = 0; k < FL_N_SERVING_LATENCIES; k++)
            time_cell(&table, fl_serving_latency(r, (enum fl_serving_latency)k));
        flops_cell(&table, r->flops);
        bytes_cell(&table, r->bytes);
        flops_cell(&table, r->flops_saved);
        flops_cell(&table, r->flops_repeated);
    }
    return print_and_close(&table, style, out);
}

static void refusals(const struct fl_serving_view *view, enum fl_table_style style, FILE *out)
{
    if (view->summary->n_refused > 0)
        heading(style, out, "Refused");
    for (int i = 0; i < view->n_requests; i++) {
        if (!view->requests[i].refusal)
            continue;
        fprintf(out, "%sline %d: ", style == FL_TABLE_MARKDOWN ? "- " : "", view->requests[i].line);
        if (style == FL_TABLE_MARKDOWN)
            fl_escape_markdown(out, view->requests[i].refusal);
        else
            fputs(view->requests[i].refusal, out);
        fputc('\n', out);
    }
}

static void title(const struct fl_serving_view *view, enum fl_table_style style, FILE *out)
{
    if (style == FL_TABLE_MARKDOWN) {
        fputs("# ", out);
        fl_escape_markdown(out, view->model);
        fputs(" serves ", out);
        fl_escape_markdown(out, view->trace);
    } else {
        fprintf(out, "%s serves %s", view->model, view->trace);
    }
    fprintf(out,
            "\n\npolicy %s, at most %d requests and %d tokens a pass, prefix cache %s, clock %s, "
            "%s attention, KV cache %s, context %d, %d threads\n\n",
            view->policy, view->max_seqs, view->max_batch_tokens, view->prefix_cache ? "on" : "off",
            view->clock, view->attention, view->kv_dtype, view->n_ctx, view->n_threads);
}

/* ---- CSV: figures without units ---- */

static void number_cell(struct fl_table *table, double value)
{
    if (isnan(value))
        fl_table_cell(table, "");
    else
        fl_table_format(table, "%.9g", value);
}

static void wide_cell(struct fl_table *table, fl_wide value)
{
    char text[FL_WIDE_DIGITS];
    fl_table_cell(table, fl_wide_text(value, text));
}

static bool request_csv(const struct fl_serving_view *view, FILE *out)
{
    static const char *const HEADINGS[] = {
        "line",          "state",       "arrival_s",       "prompt_tokens",
        "output_tokens", "queue_s",     "ttft_s",          "tpot_s",
        "end_to_end_s",  "flops",       "bytes",           "reused_tokens",
        "flops_saved",   "preemptions", "repeated_tokens", "flops_repeated"};
    struct fl_table table;
    fl_table_open(&table, "rlrrrrrrrrrrrrrr", HEADINGS);
    for (int i = 0; i < view->n_requests; i++) {
        const struct fl_serving_request *r = &view->requests[i];
        fl_table_format(&table, "%d", r->line);
        fl_table_cell(&table, fl_serving_state(r));
        number_cell(&table, r->arrival_s);
        fl_table_format(&table, "%d", r->n_prompt);
        fl_table_format(&table, "%d", r->n_output);
        for (int k = 0; k < FL_N_SERVING_LATENCIES; k++)
            number_cell(&table, fl_serving_latency(r, (enum fl_serving_latency)k));
        wide_cell(&table, r->flops);
        wide_cell(&table, r->bytes);
        fl_table_format(&table, "%lld", (long long)r->n_reused);
        wide_cell(&table, r->flops_saved);
        fl_table_format(&table, "%d", r->n_preempted);
        fl_table_format(&table, "%lld", (long long)r->n_repeated);
        wide_cell(&table, r->flops_repeated);
    }
    return print_and_close(&table, FL_TABLE_CSV, out);
}

bool fl_serving_table(const struct fl_serving_view *view, enum fl_table_style style, FILE *out)
{
    if (style == FL_TABLE_CSV)
        return request_csv(view, out);
    title(view, style, out);
    if (!summary_table(view, style, out) || !latency_table(view, style, out) ||
        !histogram_table(view, style, out) || !timeline_table(view, style, out))
        return false;
    refusals(view, style, out);
    if (view->n_requests <= N_SHOWN)
        return request_table(view, style, out);
    fprintf(out, "\n%d requests: --format csv or json lists each.\n", view->n_requests);
    return true;
}

/* ---- JSON ---- */

/* JSON has no NaN and no infinity. */
static void json_number(FILE *out, const char *key, double value)
{
    if (isfinite(value))
        fprintf(out, "\"%s\": %.9g", key, value);
    else
        fprintf(out, "\"%s\": null", key);
}

static void json_wide(FILE *out, const char *key, fl_wide value)
{
    char text[FL_WIDE_DIGITS];
    fprintf(out, "\"%s\": %s", key, fl_wide_text(value, text));
}

static void json_string(FILE *out, const char *key, const char *value)
{
    fprintf(out, "    \"%s\": ", key);
    fl_json_text(out, value);
    fputs(",\n", out);
}

static void json_options(const struct fl_serving_view *view, FILE *out)
{
    fputs("  \"options\": {\n", out);
    json_string(out, "model", view->model);
    json_string(out, "trace", view->trace);
    json_string(out, "policy", view->policy);
    json_string(out, "clock", view->clock);
    json_string(out, "attention", view->attention);
    json_string(out, "kv_dtype", view->kv_dtype);
    fprintf(out,
            "    \"max_seqs\": %d, \"max_batch_tokens\": %d, \"block_tokens\": %d, \"kv_blocks\": "
            "%d,\n    \"block_bytes\": %llu, \"n_ctx\": %d, \"threads\": %d, \"prefix_cache\": %s, "
            "\"seed\": %llu,\n    ",
            view->max_seqs, view->max_batch_tokens, view->block_tokens, view->n_blocks,
            (unsigned long long)view->block_bytes, view->n_ctx, view->n_threads,
            view->prefix_cache ? "true" : "false", (unsigned long long)view->seed);
    json_number(out, "flops_per_s", view->flops_per_s > 0 ? view->flops_per_s : (double)NAN);
    fputs(", ", out);
    json_number(out, "ttft_limit_s", view->limits.ttft_s);
    fputs(", ", out);
    json_number(out, "tpot_limit_s", view->limits.tpot_s);
    fputs("\n  },\n", out);
}

struct json_field {
    const char *key;
    double value;
};

static void json_fields(FILE *out, const struct json_field *fields, int n)
{
    for (int i = 0; i < n; i++) {
        fputs(i > 0 ? ", " : "", out);
        json_number(out, fields[i].key, fields[i].value);
    }
}

static void json_latencies(const struct fl_serving_summary *s, FILE *out)
{
    for (int i = 0; i < FL_N_SERVING_LATENCIES; i++) {
        const struct fl_serving_percentiles *p = &s->latencies[i];
        const struct json_field fields[] = {
            {"mean", p->mean}, {"p50", p->p50}, {"p90", p->p90}, {"p99", p->p99}, {"max", p->most}};
        fprintf(out, ",\n    \"%s\": {\"n\": %d, ", fl_serving_latency_keys[i], p->n);
        json_fields(out, fields, 5);
        fputc('}', out);
    }
}

static void json_summary(const struct fl_serving_summary *s, FILE *out)
{
    const struct json_field rates_of[] = {
        {"duration_s", s->duration_s},         {"busy_s", s->busy_s},
        {"requests_per_s", s->requests_per_s}, {"output_tokens_per_s", s->output_per_s},
        {"goodput_per_s", s->goodput_per_s},   {"mean_seqs", s->mean_seqs},
        {"mean_rows", s->mean_rows},           {"mean_blocks", s->mean_blocks}};
    const struct {
        const char *key;
        fl_wide value;
    } counts[] = {{"requests", s->n_requests},
                  {"done", s->n_done},
                  {"refused", s->n_refused},
                  {"unfinished", s->n_unfinished},
                  {"good", s->n_good},
                  {"passes", s->n_passes},
                  {"prompt_tokens", s->n_prompt},
                  {"output_tokens", s->n_output},
                  {"preemptions", s->n_preempted},
                  {"reused_tokens", s->n_reused},
                  {"repeated_tokens", s->n_repeated},
                  {"peak_blocks", s->peak_blocks},
                  {"flops", s->flops},
                  {"flops_exact", s->exact_flops},
                  {"flops_counted", s->counted_flops},
                  {"flops_saved", s->flops_saved},
                  {"flops_repeated", s->flops_repeated},
                  {"bytes", s->bytes},
                  {"bytes_exact", s->exact_bytes},
                  {"bytes_counted", s->counted_bytes}};
    fputs("  \"summary\": {\n    ", out);
    json_fields(out, rates_of, sizeof rates_of / sizeof *rates_of);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        fputs(",\n    ", out);
        json_wide(out, counts[i].key, counts[i].value);
    }
    json_latencies(s, out);
    fputs("\n  },\n", out);
}

static void json_request(const struct fl_serving_request *r, FILE *out)
{
    fprintf(out, "    {\"line\": %d, \"state\": \"%s\", ", r->line, fl_serving_state(r));
    json_number(out, "arrival_s", r->arrival_s);
    fprintf(out, ", \"prompt_tokens\": %d, \"output_tokens\": %d", r->n_prompt, r->n_output);
    for (int k = 0; k < FL_N_SERVING_LATENCIES; k++) {
        fputs(", ", out);
        json_number(out, fl_serving_latency_keys[k],
                    fl_serving_latency(r, (enum fl_serving_latency)k));
    }
    fprintf(out, ", \"preemptions\": %d, \"reused_tokens\": %lld, \"repeated_tokens\": %lld, ",
            r->n_preempted, (long long)r->n_reused, (long long)r->n_repeated);
    json_wide(out, "flops", r->flops);
    fputs(", ", out);
    json_wide(out, "bytes", r->bytes);
    fputs(", ", out);
    json_wide(out, "flops_saved", r->flops_saved);
    fputs(", ", out);
    json_wide(out, "flops_repeated", r->flops_repeated);
    if (r->refusal) {
        fputs(", \"refusal\": ", out);
        fl_json_text(out, r->refusal);
    }
    fputc('}', out);
}

static void json_pass(const struct fl_serving_pass *p, FILE *out)
{
    fputs("    {", out);
    json_number(out, "begins_s", p->begins_s);
    fputs(", ", out);
    json_number(out, "ends_s", p->ends_s);
    fprintf(
        out,
        ", \"requests\": %d, \"tokens\": %d, \"decoding\": %d, \"running\": %d, \"queued\": %d, "
        "\"kv_blocks\": %d, \"flops\": %llu, \"bytes\": %llu}",
        p->n_seqs, p->n_rows, p->n_decoding, p->n_running, p->n_queued, p->n_blocks,
        (unsigned long long)p->flops, (unsigned long long)p->bytes);
}

static bool json_histogram(const struct fl_serving_view *view, FILE *out)
{
    struct fl_serving_bin *bins = histogram(view);
    if (!bins)
        return false;
    fputs("  \"batch_sizes\": [\n", out);
    for (int i = 0; i < view->max_seqs; i++) {
        fprintf(out, "    {\"requests\": %d, \"passes\": %lld, \"tokens\": %lld, ", i + 1,
                (long long)bins[i].n_passes, (long long)bins[i].n_rows);
        json_number(out, "time_s", bins[i].time_s);
        fputs(i + 1 < view->max_seqs ? "},\n" : "}\n", out);
    }
    fputs("  ],\n", out);
    free(bins);
    return true;
}

static void json_timeline(const struct fl_serving_view *view, FILE *out)
{
    struct fl_serving_slice slices[N_SLICES];
    timeline(view, slices);
    fputs("  \"timeline\": [\n", out);
    for (int i = 0; i < N_SLICES; i++) {
        const struct json_field fields[] = {{"begins_s", slices[i].begins_s},
                                            {"running", slices[i].running},
                                            {"queued", slices[i].queued},
                                            {"kv_blocks", slices[i].blocks}};
        fputs("    {", out);
        json_fields(out, fields, 4);
        fputs(i + 1 < N_SLICES ? "},\n" : "}\n", out);
    }
    fputs("  ],\n", out);
}

bool fl_serving_json(const struct fl_serving_view *view, FILE *out)
{
    fputs("{\n", out);
    json_options(view, out);
    json_summary(view->summary, out);
    if (!json_histogram(view, out))
        return false;
    json_timeline(view, out);
    fputs("  \"requests\": [\n", out);
    for (int i = 0; i < view->n_requests; i++) {
        json_request(&view->requests[i], out);
        fputs(i + 1 < view->n_requests ? ",\n" : "\n", out);
    }
    fputs("  ],\n  \"passes\": [\n", out);
    for (int i = 0; i < view->n_passes; i++) {
        json_pass(&view->passes[i], out);
        fputs(i + 1 < view->n_passes ? ",\n" : "\n", out);
    }
    fputs("  ]\n}\n", out);
    return true;
}
