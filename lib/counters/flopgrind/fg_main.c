/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fg_main.c - the tool: options, requests of the program, beginning and end. */
#include "counters/flopgrind/fg_cache.h"
#include "counters/flopgrind/fg_instrument.h"
#include "counters/flopgrind/fg_regions.h"
#include "counters/flopgrind/fg_report.h"
#include "counters/flopgrind/fg_signatures.h"

#include <pub_tool_aspacemgr.h>
#include <pub_tool_libcbase.h>
#include <pub_tool_libcprint.h>
#include <pub_tool_libcproc.h>
#include <pub_tool_options.h>
#include <pub_tool_tooliface.h>

static const HChar *option_json;
static struct fg_cache_size l1_size, ll_size;

/* ---- requests of the program ---- */

static Bool fill(UWord pointer, const struct flopgrind_counts *counts)
{
    if (!VG_(am_is_valid_for_client)((Addr)pointer, sizeof *counts, VKI_PROT_WRITE))
        return False;
    *(struct flopgrind_counts *)pointer = *counts;
    return True;
}

/* Each sentence of these is said once. */
static void complain_once(Bool *said, const HChar *sentence)
{
    if (!*said)
        VG_(umsg)("flopgrind: %s\n", sentence);
    *said = True;
}

/* A NUL-terminated string that the program can read; NULL: it is none. */
static const HChar *client_string(UWord pointer)
{
    enum { LONGEST = 4096 };
    for (UWord i = 0; i < LONGEST; i++) {
        const Bool new_page = i == 0 || (pointer + i) % VKI_PAGE_SIZE == 0;
        if (new_page && !VG_(am_is_valid_for_client)((Addr)(pointer + i), 1, VKI_PROT_READ))
            return NULL;
        if (((const HChar *)pointer)[i] == '\0')
            return (const HChar *)pointer;
    }
    return NULL;
}

static void enter(UWord name)
{
    static Bool said_name, said_depth;
    const HChar *text = client_string(name);
    if (!text)
        complain_once(&said_name, "FLOPGRIND_ENTER: expected a string of less than 4096 bytes");
    if (!fg_region_enter(text ? text : "(unnamed)"))
        complain_once(&said_depth, "regions nest too deeply to be told apart; "
                                   "expected a FLOPGRIND_LEAVE for each FLOPGRIND_ENTER");
}

static void leave(UWord counts)
{
    static Bool said_closed, said_address;
    struct flopgrind_counts passage;
    if (!fg_region_leave(&passage)) {
        HChar sentence[256];
        VG_(snprintf)
        (sentence, sizeof sentence,
         "FLOPGRIND_LEAVE without a region that is open; the last was \"%s\"",
         fg_region_last_left());
        complain_once(&said_closed, sentence);
    } else if (counts && !fill(counts, &passage)) {
        complain_once(&said_address,
                      "FLOPGRIND_LEAVE_INTO: expected the address of a flopgrind_counts");
    }
}

static void totals(UWord counts)
{
    static Bool said;
    struct flopgrind_counts sum;
    fg_region_totals(&sum);
    if (!fill(counts, &sum))
        complain_once(&said, "FLOPGRIND_TOTALS: expected the address of a flopgrind_counts");
}

static Bool request(ThreadId thread, UWord *args, UWord *answer)
{
    (void)thread;
    if (!VG_IS_TOOL_USERREQ('F', 'L', args[0]))
        return False;
    *answer = 0;
    switch (args[0]) {
    case FLOPGRIND_REQUEST_RUNNING:
        *answer = sizeof(struct flopgrind_counts);
        return True;
    case FLOPGRIND_REQUEST_ENTER:
        enter(args[1]);
        return True;
    case FLOPGRIND_REQUEST_LEAVE:
        leave(args[1]);
        return True;
    case FLOPGRIND_REQUEST_TOTALS:
        totals(args[1]);
        return True;
    default:
        return False;
    }
}

/* ---- options, beginning and end ---- */

static Bool process_option(const HChar *arg)
{
    const HChar *text;
    if (VG_BOOL_CLO(arg, "--footprint", fg_traffic.footprint) ||
        VG_BOOL_CLO(arg, "--cache-model", fg_traffic.cache_model) ||
        VG_STR_CLO(arg, "--json", option_json))
        return True;
    if (VG_STR_CLO(arg, "--l1", text))
        return fg_cache_parse(arg, text, &l1_size);
    if (VG_STR_CLO(arg, "--ll", text))
        return fg_cache_parse(arg, text, &ll_size);
    return False;
}

static void print_usage(void)
{
    VG_(printf)
    ("    --footprint=no|yes        count distinct 64-byte lines of each region [no]\n"
     "    --cache-model=no|yes      model a first-level and a last-level cache [no]\n"
     "    --l1=SIZE,WAYS,LINE       first-level data cache to model [the host's]\n"
     "    --ll=SIZE,WAYS,LINE       last-level cache to model [the host's]\n"
     "    --json=FILE               write all counts to FILE (%%p: process id)\n");
}

static void print_debug_usage(void)
{
    VG_(printf)("    (none)\n");
}

/* Better now than when the program has run. */
static void refuse(const HChar *sentence)
{
    VG_(fmsg)("flopgrind: %s\n", sentence);
    VG_(exit)(1);
}

static void begin(void)
{
    /* Valgrind would join the code behind branches into one block, and execute instructions that
     * the program may not reach. */
    VG_(clo_vex_control).guest_chase = False;
    if (!fg_traffic.cache_model && (l1_size.bytes || ll_size.bytes))
        refuse("--l1, --ll: expected --cache-model=yes beside them");
    if (option_json && !fg_report_can_write(option_json))
        refuse("--json: cannot write the file");
    fg_totals.has_footprint = fg_traffic.footprint;
    fg_totals.has_cache = fg_traffic.cache_model;
    if (fg_traffic.cache_model)
        fg_cache_init(&l1_size, &ll_size);
}

static void finish(Int exit_code)
{
    const struct fg_report report = {option_json, &l1_size, &ll_size};
    (void)exit_code;
    fg_regions_close();
    if (VG_(clo_verbosity) > 0)
        fg_report_print(&report);
    fg_report_write_json(&report);
}

/* A child of fork() counts on from where its parent was, and is not the one asked for a file. */
static void forked(ThreadId thread)
{
    (void)thread;
    if (option_json && !VG_(strstr)(option_json, "%p"))
        option_json = NULL;
    fg_regions_forked();
}

static void initialise(void)
{
    VG_(details_name)("flopgrind");
    VG_(details_version)("1");
    VG_(details_description)("counts floating-point operations and memory traffic");
    VG_(details_copyright_author)("Part of flopledger; this tool is GPL-2.0-or-later.");
    VG_(details_bug_reports_to)("the authors of flopledger");
    VG_(details_avg_translation_sizeB)(400);
    VG_(basic_tool_funcs)(begin, fg_instrument, finish);
    VG_(needs_command_line_options)(process_option, print_usage, print_debug_usage);
    VG_(needs_client_requests)(request);
    VG_(atfork)(NULL, NULL, forked);
    fg_signatures_init();
    fg_regions_init();
}

VG_DETERMINE_INTERFACE_VERSION(initialise)
