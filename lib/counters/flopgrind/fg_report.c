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

/* uint64_t as Valgrind's printf names it. */
static ULong N(uint64_t count)
{
    return count;
}

/* ---- for people ---- */

static void print_operations(const struct flopgrind_counts *counts)
{
    VG_(umsg)("%-10s %-9s %-8s %20s\n", "operation", "precision", "width", "count");
    for (int op = 0; op < FLOPGRIND_N_OPS; op++)
        for (int precision = 0; precision < FLOPGRIND_N_PRECISIONS; precision++)
            for (int width = 0; width < FLOPGRIND_N_WIDTHS; width++)
                if (counts->ops[op][precision][width])
                    VG_(umsg)
    ("%-10s %-9s %-8s %20llu\n", OPS[op], PRECISIONS[precision], WIDTHS[width],
     N(counts->ops[op][precision][width]));
}

static void print_regions(const struct fg_report *report, const struct flopgrind_counts *totals)
{
    (void)report;
    VG_(umsg)
    ("%-24s %10s %18s %18s %16s %16s", "region", "entered", "FLOPs", "FLOPs (self)", "bytes loaded",
     "bytes stored");
    if (totals->has_footprint)
        VG_(umsg)(" %14s %14s", "lines read", "lines written");
    VG_(umsg)("\n");
    for (const struct fg_region *region = fg_first_region; region; region = region->next) {
        VG_(umsg)
        ("%-24s %10llu %18llu %18llu %16llu %16llu", region->name, region->n_entered,
         fg_flops(&region->inclusive), fg_flops(&region->self), N(region->inclusive.bytes_loaded),
         N(region->inclusive.bytes_stored));
        if (totals->has_footprint)
            VG_(umsg)
        (" %14llu %14llu", N(region->inclusive.lines_read), N(region->inclusive.lines_written));
        VG_(umsg)("\n");
    }
}

void fg_report_print(const struct fg_report *report)
{
    struct flopgrind_counts totals;
    fg_region_totals(&totals);
    print_operations(&totals);
    VG_(umsg)("\n");
    VG_(umsg)("FLOPs:         %20llu (add + mul + 2 fma + div + sqrt)\n", fg_flops(&totals));
    VG_(umsg)("instructions:  %20llu\n", N(totals.instructions));
    VG_(umsg)("bytes loaded:  %20llu\n", N(totals.bytes_loaded));
    VG_(umsg)("bytes stored:  %20llu\n", N(totals.bytes_stored));
    if (totals.has_footprint) {
        VG_(umsg)("lines read:    %20llu (distinct lines of 64 bytes)\n", N(totals.lines_read));
        VG_(umsg)("lines written: %20llu\n", N(totals.lines_written));
    }
    if (totals.has_cache) {
        VG_(umsg)
        ("modelled: L1 %llu bytes, %u ways; last level %llu bytes, %u ways\n", report->l1->bytes,
         report->l1->ways, report->ll->bytes, report->ll->ways);
        VG_(umsg)
        ("modelled: L1 misses %llu, last-level misses %llu, write-backs %llu\n",
         N(totals.l1_misses), N(totals.ll_misses), N(totals.ll_writebacks));
    }
    if (fg_first_region) {
        VG_(umsg)("\n");
        print_regions(report, &totals);
    }
}

/* ---- for programs ---- */

static void write_counts(VgFile *out, const struct flopgrind_counts *counts)
{
    VG_(fprintf)(out, "\"flops\": %llu, \"operations\": [", fg_flops(counts));
    const HChar *separator = "";
    for (int op = 0; op < FLOPGRIND_N_OPS; op++)
        for (int precision = 0; precision < FLOPGRIND_N_PRECISIONS; precision++)
            for (int width = 0; width < FLOPGRIND_N_WIDTHS; width++) {
                if (counts->ops[op][precision][width] == 0)
                    continue;
                VG_(fprintf)
                (out,
                 "%s{\"op\": \"%s\", \"precision\": \"%s\", \"width\": \"%s\", "
                 "\"count\": %llu}",
                 separator, OP_KEYS[op], PRECISIONS[precision], WIDTH_KEYS[width],
                 N(counts->ops[op][precision][width]));
                separator = ", ";
            }
    VG_(fprintf)
    (out, "], \"instructions\": %llu, \"bytes_loaded\": %llu, \"bytes_stored\": %llu",
     N(counts->instructions), N(counts->bytes_loaded), N(counts->bytes_stored));
    if (fg_totals.has_footprint)
        VG_(fprintf)
    (out, ", \"lines_read\": %llu, \"lines_written\": %llu", N(counts->lines_read),
     N(counts->lines_written));
    if (fg_totals.has_cache)
        VG_(fprintf)
    (out,
     ", \"modelled_l1_misses\": %llu, \"modelled_ll_misses\": %llu, "
     "\"modelled_ll_writebacks\": %llu",
     N(counts->l1_misses), N(counts->ll_misses), N(counts->ll_writebacks));
}

/* A JSON string; control characters become spaces. */
static void write_string(VgFile *out, const HChar *text)
{
    VG_(fprintf)(out, "\"");
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            VG_(fprintf)(out, "\\%c", *text);
        else
            VG_(fprintf)(out, "%c", (UChar)*text < ' ' ? ' ' : *text);
    }
    VG_(fprintf)(out, "\"");
}

static void write_all(VgFile *out, const struct fg_report *report)
{
    struct flopgrind_counts totals;
    fg_region_totals(&totals);
    VG_(fprintf)(out, "{\"schema\": 1,\n \"total\": {");
    write_counts(out, &totals);
    VG_(fprintf)(out, "},\n");
    if (totals.has_cache)
        VG_(fprintf)
    (out,
     " \"cache_model\": {\"l1_bytes\": %llu, \"l1_ways\": %u, \"l1_line\": %u, "
     "\"ll_bytes\": %llu, \"ll_ways\": %u, \"ll_line\": %u},\n",
     report->l1->bytes, report->l1->ways, report->l1->line, report->ll->bytes, report->ll->ways,
     report->ll->line);
    VG_(fprintf)(out, " \"regions\": [");
    for (const struct fg_region *region = fg_first_region; region; region = region->next) {
        VG_(fprintf)(out, "%s\n  {\"name\": ", region == fg_first_region ? "" : ",");
        write_string(out, region->name);
        VG_(fprintf)
        (out, ", \"entered\": %llu, \"self_flops\": %llu, ", region->n_entered,
         fg_flops(&region->self));
        write_counts(out, &region->inclusive);
        VG_(fprintf)(out, "}");
    }
    VG_(fprintf)(out, "]}\n");
}

void fg_report_write_json(const struct fg_report *report)
{
    if (!report->json)
        return;
    HChar *name = VG_(expand_file_name)("--json", report->json);
    HChar *temporary = VG_(malloc)("fg.json", VG_(strlen)(name) + 8);
    VG_(sprintf)(temporary, "%s.tmp", name);
    VgFile *out = VG_(fopen)(temporary, VKI_O_CREAT | VKI_O_TRUNC | VKI_O_WRONLY, 0644);
    if (!out) {
        VG_(umsg)("flopgrind: --json: cannot write %s\n", temporary);
    } else {
        write_all(out, report);
        VG_(fclose)(out);
        if (VG_(rename)(temporary, name) != 0)
            VG_(umsg)("flopgrind: --json: cannot rename %s to %s\n", temporary, name);
    }
    VG_(free)(temporary);
    VG_(free)(name);
}
