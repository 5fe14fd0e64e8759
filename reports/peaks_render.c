#include "reports/peaks_render.h"

#include "base/units.h"
#include "reports/json_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { THREADS_MAX = 16 };

/* ---- one row a ceiling: CSV ---- */

static void fill_list(struct fl_table *table, const struct fl_ceiling *ceilings, int n)
{
    static const char *const HEADINGS[] = {"unit",
                                           "kernel",
                                           "level",
                                           "dtype",
                                           "isa",
                                           "n_threads",
                                           "quick",
                                           "median_per_s",
                                           "quartile1_per_s",
                                           "quartile3_per_s",
                                           "least_per_s",
                                           "most_per_s",
                                           "n_samples",
                                           "work",
                                           "working_set_bytes",
                                           "capacity_bytes",
                                           "measured_at",
                                           "note"};
    fl_table_open(table, "lllllrlrrrrrrrrrll", HEADINGS);
    for (int i = 0; i < n; i++) {
        const struct fl_ceiling *row = &ceilings[i];
        const struct fl_rate rate = fl_ceiling_rate(row);
        const double rates[] = {rate.median, rate.low, rate.high, rate.least, rate.most};
        fl_table_cell(table, row->unit);
        fl_table_cell(table, row->kernel);
        fl_table_cell(table, row->level);
        fl_table_cell(table, row->dtype);
        fl_table_cell(table, row->isa);
        fl_table_format(table, "%d", row->n_threads);
        fl_table_cell(table, row->quick ? "yes" : "no");
        for (size_t k = 0; k < sizeof rates / sizeof *rates; k++)
            fl_table_format(table, "%.6g", rates[k]);
        fl_table_format(table, "%d", row->n_samples);
        fl_table_format(table, "%" PRIu64, row->work);
        fl_table_format(table, "%" PRIu64, row->working_set_bytes);
        fl_table_format(table, "%" PRIu64, row->capacity_bytes);
        fl_table_cell(table, row->measured_at);
        fl_table_cell(table, row->note);
    }
}

/* ---- a column a number of threads: terminal, Markdown ---- */

static bool is_same(const struct fl_ceiling *a, const struct fl_ceiling *b)
{
    return strcmp(a->unit, b->unit) == 0 && strcmp(a->kernel, b->kernel) == 0 &&
           strcmp(a->level, b->level) == 0 && strcmp(a->dtype, b->dtype) == 0 &&
           strcmp(a->isa, b->isa) == 0;
}

static bool is_first(const struct fl_ceiling *ceilings, int i)
{
    for (int k = 0; k < i; k++)
        if (is_same(&ceilings[k], &ceilings[i]))
            return false;
    return true;
}

static int find_threads(int threads[THREADS_MAX], const struct fl_ceiling *ceilings, int n)
{
    int n_threads = 0;
    for (int i = 0; i < n; i++) {
        bool known = false;
        for (int k = 0; k < n_threads; k++)
            known |= threads[k] == ceilings[i].n_threads;
        if (!known && n_threads < THREADS_MAX)
            threads[n_threads++] = ceilings[i].n_threads;
    }
    return n_threads;
}

/* "118.2 [117.9, 118.4] 12": median, quartiles, samples. */
static void push_rate(struct fl_table *table, const struct fl_ceiling *ceilings, int n,
                      const struct fl_ceiling *row, int n_threads)
{
    for (int i = 0; i < n; i++)
        if (ceilings[i].n_threads == n_threads && is_same(&ceilings[i], row)) {
            const struct fl_rate rate = fl_ceiling_rate(&ceilings[i]);
            fl_table_format(table, "%.1f [%.1f, %.1f] %d", rate.median * 1e-9, rate.low * 1e-9,
                            rate.high * 1e-9, ceilings[i].n_samples);
            return;
        }
    fl_table_cell(table, "-");
}

static void open_table(struct fl_table *table, const char *const names[3], const int *threads,
                       int n_threads)
{
    static const char ALIGNMENT[] = "lllrrrrrrrrrrrrrrrr";
    static char columns[THREADS_MAX][24]; /* the table copies them */
    const char *headings[3 + THREADS_MAX];
    static char alignment[3 + THREADS_MAX + 1]; /* the table keeps it */
    for (int i = 0; i < 3; i++)
        headings[i] = names[i];
    for (int i = 0; i < n_threads; i++) {
        snprintf(columns[i], sizeof columns[i], "%d thread%s", threads[i],
                 threads[i] == 1 ? "" : "s");
        headings[3 + i] = columns[i];
    }
    snprintf(alignment, sizeof alignment, "%.*s", 3 + n_threads, ALIGNMENT);
    fl_table_open(table, alignment, headings);
}

static int print_unit(const char *unit, const struct fl_ceiling *ceilings, int n,
                      enum fl_table_style style, FILE *out, struct fl_error *error)
{
    static const char *const FLOPS[] = {"GFLOP/s", "weights", "instructions"};
    static const char *const BYTES[] = {"GB/s", "kernel", "working set"};
    int threads[THREADS_MAX];
    const int n_threads = find_threads(threads, ceilings, n);
    const bool is_bytes = strcmp(unit, "bytes") == 0;
    const char *level = "";
    struct fl_table table;
    open_table(&table, is_bytes ? BYTES : FLOPS, threads, n_threads);
    for (int i = 0; i < n; i++) {
        const struct fl_ceiling *row = &ceilings[i];
        char text[FL_UNIT_TEXT];
        if (strcmp(row->unit, unit) != 0 || !is_first(ceilings, i))
            continue;
        if (is_bytes && *level && strcmp(level, row->level) != 0)
            fl_table_rule(&table);
        level = row->level;
        fl_table_cell(&table, is_bytes ? row->level : row->kernel);
        fl_table_cell(&table, is_bytes ? row->kernel : row->dtype);
        if (is_bytes)
            fl_table_format(&table, "%s a thread",
                            fl_bytes_text((double)row->working_set_bytes / row->n_threads, text));
        else
            fl_table_cell(&table, row->isa);
        for (int k = 0; k < n_threads; k++)
            push_rate(&table, ceilings, n, row, threads[k]);
    }
    return fl_table_finish(&table, style, out, error);
}

/* Each note once, and how far the samples can be relied on. */
static void print_notes(const struct fl_ceiling *ceilings, int n, FILE *out)
{
    bool quick = false;
    int n_noisy = 0;
    for (int i = 0; i < n; i++) {
        bool known = !*ceilings[i].note;
        for (int k = 0; k < i; k++)
            known |= strcmp(ceilings[k].note, ceilings[i].note) == 0;
        if (!known)
            fprintf(out, "%s %s: %s.\n", ceilings[i].level, ceilings[i].kernel, ceilings[i].note);
        quick |= ceilings[i].quick;
        n_noisy += fl_ceiling_is_noisy(&ceilings[i]) ? 1 : 0;
    }
    if (n_noisy > 0)
        fprintf(out,
                "The machine was not quiet: the quartiles of %d of %d ceilings lie more than a "
                "tenth apart.\n",
                n_noisy, n);
    if (quick)
        fprintf(out, "Measured quickly: few and short samples.\n");
}

int fl_peaks_print(const char *key, const struct fl_ceiling *ceilings, int n,
                   enum fl_table_style style, FILE *out, struct fl_error *error)
{
    if (style == FL_TABLE_CSV) {
        struct fl_table table;
        fill_list(&table, ceilings, n);
        return fl_table_finish(&table, style, out, error);
    }
    fprintf(out, "%s\nmeasured %s\n\n", key, n > 0 ? ceilings[n - 1].measured_at : "");
    if (print_unit("flops", ceilings, n, style, out, error) != FL_OK)
        return FL_FAILED;
    fputs("\n", out);
    if (print_unit("bytes", ceilings, n, style, out, error) != FL_OK)
        return FL_FAILED;
    fputs("\nMedian [quartiles] number of samples. A fused multiply-add is two FLOPs. Bytes are "
          "those the loop\nreads and writes (STREAM); a line that is written to is first read, "
          "which adds 1/1 to write,\n1/2 to copy and 1/3 to triad, where the processor does not "
          "avoid it.\n",
          out);
    print_notes(ceilings, n, out);
    return FL_OK;
}

/* ---- JSON ---- */

static void print_text(FILE *out, const char *name, const char *text)
{
    fprintf(out, "\"%s\": ", name);
    fl_json_text(out, text);
    fputs(", ", out);
}

void fl_peaks_print_json(const char *key, const struct fl_ceiling *ceilings, int n, FILE *out)
{
    fputs("{\"schema\": 1, ", out);
    print_text(out, "key", key);
    fputs("\"conventions\": {\"fma_flops\": 2, \"bytes\": \"stream\", \"write_allocate\": \"not "
          "counted\"}, \"ceilings\": [",
          out);
    for (int i = 0; i < n; i++) {
        const struct fl_ceiling *row = &ceilings[i];
        const struct fl_rate rate = fl_ceiling_rate(row);
        fputs(i > 0 ? ",\n  {" : "\n  {", out);
        print_text(out, "unit", row->unit);
        print_text(out, "kernel", row->kernel);
        print_text(out, "level", row->level);
        print_text(out, "dtype", row->dtype);
        print_text(out, "isa", row->isa);
        print_text(out, "measured_at", row->measured_at);
        print_text(out, "note", row->note);
        fprintf(out,
                "\"n_threads\": %d, \"quick\": %s, \"median_per_s\": %.9g, \"quartiles_per_s\": "
                "[%.9g, %.9g], \"least_per_s\": %.9g, \"most_per_s\": %.9g, \"working_set_bytes\": "
                "%" PRIu64 ", \"capacity_bytes\": %" PRIu64 ", \"work\": %" PRIu64
                ", \"time_ns\": [",
                row->n_threads, row->quick ? "true" : "false", rate.median, rate.low, rate.high,
                rate.least, rate.most, row->working_set_bytes, row->capacity_bytes, row->work);
        for (int k = 0; k < row->n_samples; k++)
            fprintf(out, "%s%" PRIu64, k > 0 ? ", " : "", row->time_ns[k]);
        fputs("]}", out);
    }
    fputs("\n]}\n", out);
}
