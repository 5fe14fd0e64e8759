/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "counters/flopgrind/fg_report.h"

#include <pub_tool_libcbase.h>
#include <pub_tool_libcfile.h>
#include <pub_tool_libcprint.h>
#include <pub_tool_mallocfree.h>
#include <pub_tool_options.h>
#include <pub_tool_vki.h>

static const HChar *const OPS[] = {"add",    "mul",     "fma",     "div",      "sqrt",
                                   "minmax", "compare", "convert", "estimate", "x87 other"};
static const HChar *const OP_KEYS[] = {"add",    "mul",     "fma",     "div",      "sqrt",
                                       "minmax", "compare", "convert", "estimate", "other"};
static const HChar *const PRECISIONS[] = {"half", "single", "double", "extended"};
static const HChar *const WIDTHS[] = {"scalar", "128-bit", "256-bit", "512-bit"};
static const HChar *const WIDTH_KEYS[] = {"scalar", "128", "256", "512"};

#define PRINT VG_(umsg)

/* uint64_t as Valgrind's printf names it. */
static ULong N(uint64_t count)
{
    return count;
}

/* ---- for people ---- */

static Bool has_operations(const struct flopgrind_counts *counts)
{
    const uint64_t *count = &counts->ops[0][0][0];
    for (SizeT i = 0; i < sizeof counts->ops / sizeof *count; i++)
        if (count[i])
            return True;
    return False;
}

static void print_operations(const struct flopgrind_counts *counts)
{
    if (!has_operations(counts)) {
        PRINT("no floating-point operations\n");
        return;
    }
    PRINT("%-10s %-9s %-8s %20s\n", "operation", "precision", "width", "count");
    for (int op = 0; op < FLOPGRIND_N_OPS; op++)
        for (int precision = 0; precision < FLOPGRIND_N_PRECISIONS; precision++)
            for (int width = 0; width < FLOPGRIND_N_WIDTHS; width++)
                if (counts->ops[op][precision][width])
                    PRINT("%-10s %-9s %-8s %20llu\n", OPS[op], PRECISIONS[precision], WIDTHS[width],
                          N(counts->ops[op][precision][width]));
}

static void print_regions(const struct fg_report *report, const struct flopgrind_counts *totals)
{
    (void)report;
    PRINT("%-24s %10s %18s %18s %16s %16s", "region", "entered", "FLOPs", "FLOPs (self)",
          "bytes loaded", "bytes stored");
    if (totals->has_footprint)
        PRINT(" %14s %14s", "lines read", "lines written");
    PRINT("\n");
    for (const struct fg_region *region = fg_first_region; region; region = region->next) {
        PRINT("%-24s %10llu %18llu %18llu %16llu %16llu", region->name, region->n_entered,
              fg_flops(&region->inclusive), fg_flops(&region->self),
              N(region->inclusive.bytes_loaded), N(region->inclusive.bytes_stored));
        if (totals->has_footprint)
            PRINT(" %14llu %14llu", N(region->inclusive.lines_read),
                  N(region->inclusive.lines_written));
        PRINT("\n");
    }
}

void fg_report_print(const struct fg_report *report)
{
    struct flopgrind_counts totals;
    fg_region_totals(&totals);
    print_operations(&totals);
    PRINT("\n");
    PRINT("FLOPs:         %20llu (add + mul + 2 fma + div + sqrt)\n", fg_flops(&totals));
    PRINT("instructions:  %20llu\n", N(totals.instructions));
    PRINT("bytes loaded:  %20llu\n", N(totals.bytes_loaded));
    PRINT("bytes stored:  %20llu\n", N(totals.bytes_stored));
    if (totals.has_footprint) {
        PRINT("lines read:    %20llu (distinct lines of 64 bytes)\n", N(totals.lines_read));
        PRINT("lines written: %20llu\n", N(totals.lines_written));
    }
    if (totals.has_cache) {
        PRINT("modelled: L1 %llu bytes, %u ways; last level %llu bytes, %u ways\n",
              report->l1->bytes, report->l1->ways, report->ll->bytes, report->ll->ways);
        PRINT("modelled: L1 misses %llu, last-level misses %llu, write-backs %llu\n",
              N(totals.l1_misses), N(totals.ll_misses), N(totals.ll_writebacks));
    }
    if (fg_first_region) {
        PRINT("\n");
        print_regions(report, &totals);
    }
}

/* ---- for programs ---- */

struct file {
    VgFile *stream;
    ULong bytes; /* written to it, if it took them */
};

static void PRINTF_CHECK(2, 3) put(struct file *out, const HChar *format, ...)
{
    va_list args;
    va_start(args, format);
    out->bytes += VG_(vfprintf)(out->stream, format, args);
    va_end(args);
}

static void write_counts(struct file *out, const struct flopgrind_counts *counts)
{
    put(out, "\"flops\": %llu, \"operations\": [", fg_flops(counts));
    const HChar *separator = "";
    for (int op = 0; op < FLOPGRIND_N_OPS; op++)
        for (int precision = 0; precision < FLOPGRIND_N_PRECISIONS; precision++)
            for (int width = 0; width < FLOPGRIND_N_WIDTHS; width++) {
                if (counts->ops[op][precision][width] == 0)
                    continue;
                put(out,
                    "%s{\"op\": \"%s\", \"precision\": \"%s\", \"width\": \"%s\", "
                    "\"count\": %llu}",
                    separator, OP_KEYS[op], PRECISIONS[precision], WIDTH_KEYS[width],
                    N(counts->ops[op][precision][width]));
                separator = ", ";
            }
    put(out, "], \"instructions\": %llu, \"bytes_loaded\": %llu, \"bytes_stored\": %llu",
        N(counts->instructions), N(counts->bytes_loaded), N(counts->bytes_stored));
    if (fg_totals.has_footprint)
        put(out, ", \"lines_read\": %llu, \"lines_written\": %llu", N(counts->lines_read),
            N(counts->lines_written));
    if (fg_totals.has_cache)
        put(out,
            ", \"modelled_l1_misses\": %llu, \"modelled_ll_misses\": %llu, "
            "\"modelled_ll_writebacks\": %llu",
            N(counts->l1_misses), N(counts->ll_misses), N(counts->ll_writebacks));
}

/* A JSON string; control characters become spaces. */
static void write_string(struct file *out, const HChar *text)
{
    put(out, "\"");
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            put(out, "\\%c", *text);
        else
            put(out, "%c", (UChar)*text < ' ' ? ' ' : *text);
    }
    put(out, "\"");
}

static void write_all(struct file *out, const struct fg_report *report)
{
    struct flopgrind_counts totals;
    fg_region_totals(&totals);
    put(out, "{\"schema\": 1,\n \"total\": {");
    write_counts(out, &totals);
    put(out, "},\n");
    if (totals.has_cache)
        put(out,
            " \"cache_model\": {\"l1_bytes\": %llu, \"l1_ways\": %u, \"l1_line\": %u, "
            "\"ll_bytes\": %llu, \"ll_ways\": %u, \"ll_line\": %u},\n",
            report->l1->bytes, report->l1->ways, report->l1->line, report->ll->bytes,
            report->ll->ways, report->ll->line);
    put(out, " \"regions\": [");
    for (const struct fg_region *region = fg_first_region; region; region = region->next) {
        put(out, "%s\n  {\"name\": ", region == fg_first_region ? "" : ",");
        write_string(out, region->name);
        put(out, ", \"entered\": %llu, \"self_flops\": %llu, ", region->n_entered,
            fg_flops(&region->self));
        write_counts(out, &region->inclusive);
        put(out, "}");
    }
    put(out, "]}\n");
}

/* Beside the file, so that a rename brings it to its place. The caller frees it. */
static HChar *temporary_name(const HChar *name)
{
    HChar *temporary = VG_(malloc)("fg.json", VG_(strlen)(name) + 8);
    VG_(sprintf)(temporary, "%s.tmp", name);
    return temporary;
}

Bool fg_report_can_write(const HChar *json)
{
    HChar *name = VG_(expand_file_name)("--json", json);
    HChar *temporary = temporary_name(name);
    const SysRes opened = VG_(open)(temporary, VKI_O_CREAT | VKI_O_WRONLY, 0644);
    const Bool fine = !sr_isError(opened);
    if (fine) {
        VG_(close)((Int)sr_Res(opened));
        VG_(unlink)(temporary);
    }
    VG_(free)(temporary);
    VG_(free)(name);
    return fine;
}

/* Opened, written and of the size that was written. */
static Bool write_file(const HChar *name, const struct fg_report *report)
{
    struct vg_stat status;
    struct file out = {VG_(fopen)(name, VKI_O_CREAT | VKI_O_TRUNC | VKI_O_WRONLY, 0644), 0};
    if (!out.stream)
        return False;
    write_all(&out, report);
    VG_(fclose)(out.stream);
    return !sr_isError(VG_(stat)(name, &status)) && (ULong)status.size == out.bytes;
}

void fg_report_write_json(const struct fg_report *report)
{
    if (!report->json)
        return;
    HChar *name = VG_(expand_file_name)("--json", report->json);
    HChar *temporary = temporary_name(name);
    if (!write_file(temporary, report)) {
        PRINT("flopgrind: --json: cannot write %s\n", temporary);
        VG_(unlink)(temporary);
    } else if (VG_(rename)(temporary, name) != 0) {
        PRINT("flopgrind: --json: cannot rename %s to %s\n", temporary, name);
    }
    VG_(free)(temporary);
    VG_(free)(name);
}
