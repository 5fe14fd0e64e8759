/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fg_main.c - the tool: options, requests of the program, and the instrumentation.
 *
 * Every instruction is decoded from the program's own bytes where Valgrind's intermediate code
 * marks it; the intermediate code itself is no guide to floating-point work, since it is optimised
 * and splits some instructions. Loads and stores are taken from it. What a stretch of straight
 * code does is noted once, at its end or before a branch out of it. */
#include "counters/flopgrind/fg_cache.h"
#include "counters/flopgrind/fg_decode.h"
#include "counters/flopgrind/fg_footprint.h"
#include "counters/flopgrind/fg_regions.h"
#include "counters/flopgrind/fg_report.h"
#include "counters/flopgrind/fg_signatures.h"

#include <pub_tool_aspacemgr.h>
#include <pub_tool_libcassert.h>
#include <pub_tool_libcbase.h>
#include <pub_tool_libcprint.h>
#include <pub_tool_libcproc.h>
#include <pub_tool_machine.h>
#include <pub_tool_options.h>
#include <pub_tool_tooliface.h>

static Bool option_footprint, option_cache_model;
static const HChar *option_json;
static struct fg_cache_size l1_size, ll_size;

/* ---- a stretch of straight code ---- */

enum { ADDENDS_MAX = 48, TOUCHES = 4 };

struct stretch {
    IRSB *out;
    UInt n_addends;
    struct fg_addend addends[ADDENDS_MAX];
    IRExpr *guarded[2]; /* bytes loaded and stored under conditions; NULL: none */
    Bool repeated;      /* the instruction counts once it is known to repeat */

    Int n_touches;
    IRExpr *addresses[TOUCHES];
    UInt kinds[TOUCHES]; /* size * 2 + write */
};

static void emit(struct stretch *stretch, IRStmt *statement)
{
    addStmtToIRSB(stretch->out, statement);
}

static IRExpr *assign(struct stretch *stretch, IRType type, IRExpr *expression)
{
    const IRTemp temporary = newIRTemp(stretch->out->tyenv, type);
    emit(stretch, IRStmt_WrTmp(temporary, expression));
    return IRExpr_RdTmp(temporary);
}

/* *where += amount, in the program's code. */
static void emit_add(struct stretch *stretch, ULong *where, IRExpr *amount)
{
    IRExpr *address = mkIRExpr_HWord((HWord)where);
    IRExpr *before = assign(stretch, Ity_I64, IRExpr_Load(Iend_LE, Ity_I64, address));
    IRExpr *after = assign(stretch, Ity_I64, IRExpr_Binop(Iop_Add64, before, amount));
    emit(stretch, IRStmt_Store(Iend_LE, address, after));
}

static IRExpr *constant(ULong value)
{
    return IRExpr_Const(IRConst_U64(value));
}

static void flush_addends(struct stretch *stretch)
{
    static uint64_t *const BYTES[2] = {&fg_totals.bytes_loaded, &fg_totals.bytes_stored};
    if (stretch->n_addends > 0)
        emit_add(stretch, fg_signature(stretch->addends, stretch->n_addends), constant(1));
    stretch->n_addends = 0;
    for (Int i = 0; i < 2; i++)
        if (stretch->guarded[i]) {
            emit_add(stretch, (ULong *)BYTES[i], stretch->guarded[i]);
            stretch->guarded[i] = NULL;
        }
}

static void add(struct stretch *stretch, const uint64_t *counter, UInt amount)
{
    const UInt index = (UInt)(counter - (const uint64_t *)&fg_totals);
    for (UInt i = 0; i < stretch->n_addends; i++)
        if (stretch->addends[i].counter == index) {
            stretch->addends[i].amount += amount;
            return;
        }
    if (stretch->n_addends == ADDENDS_MAX)
        flush_addends(stretch);
    stretch->addends[stretch->n_addends++] = (struct fg_addend){index, amount};
}

/* Called from the program's code: each kind is size * 2 + write in 16 bits; 0: no more. */
static void touch(ULong kinds, Addr a, Addr b, Addr c, Addr d)
{
    const Addr addresses[TOUCHES] = {a, b, c, d};
    for (Int i = 0; kinds != 0; i++, kinds >>= 16) {
        const UInt size = (kinds & 0xffff) >> 1;
        const Bool write = kinds & 1;
        if (addresses[i] == 0) /* guarded, and not executed */
            continue;
        if (option_footprint)
            fg_footprint_touch(addresses[i], size, write);
        if (option_cache_model)
            fg_cache_access(addresses[i], size, write);
    }
}

static void flush_touches(struct stretch *stretch)
{
    if (stretch->n_touches == 0)
        return;
    ULong kinds = 0;
    IRExpr *addresses[TOUCHES];
    for (Int i = 0; i < TOUCHES; i++) {
        const Bool used = i < stretch->n_touches;
        kinds |= (ULong)(used ? stretch->kinds[i] : 0) << (16 * i);
        addresses[i] = used ? stretch->addresses[i] : constant(0);
    }
    IRExpr **args =
        mkIRExprVec_5(constant(kinds), addresses[0], addresses[1], addresses[2], addresses[3]);
    emit(stretch, IRStmt_Dirty(unsafeIRDirty_0_N(0, "touch", VG_(fnptr_to_fnentry)(touch), args)));
    stretch->n_touches = 0;
}

static void flush(struct stretch *stretch)
{
    flush_addends(stretch);
    flush_touches(stretch);
}

/* ---- instructions, loads and stores ---- */

/* A repeated string instruction is a loop of its own: it leaves when its count is zero, and comes
 * back to itself otherwise. Processors count an instruction for each time round. */
static void settle_repeated(struct stretch *stretch)
{
    if (stretch->repeated)
        add(stretch, &fg_totals.instructions, 1);
    stretch->repeated = False;
}

static void instruction(struct stretch *stretch, Addr address, UInt size)
{
    struct fg_work work[FG_WORK_MAX];
    settle_repeated(stretch);
    if (fg_is_repeated((const UChar *)address, size))
        stretch->repeated = True;
    else
        add(stretch, &fg_totals.instructions, 1);
    const Int n = fg_decode((const UChar *)address, size, work);
    for (Int i = 0; i < n; i++)
        add(stretch, &fg_totals.ops[work[i].op][work[i].precision][work[i].width], work[i].lanes);
}

static Bool is_always(const IRExpr *guard)
{
    return !guard || (guard->tag == Iex_Const && guard->Iex.Const.con->Ico.U1);
}

/* guard: NULL, or an atom of one bit. */
static void access(struct stretch *stretch, IRExpr *address, UInt size, Bool write, IRExpr *guard)
{
    uint64_t *bytes = write ? &fg_totals.bytes_stored : &fg_totals.bytes_loaded;
    const Bool always = is_always(guard);
    if (always) {
        add(stretch, bytes, size);
    } else {
        IRExpr **sum = &stretch->guarded[write];
        IRExpr *moved = assign(stretch, Ity_I64, IRExpr_ITE(guard, constant(size), constant(0)));
        *sum = *sum ? assign(stretch, Ity_I64, IRExpr_Binop(Iop_Add64, *sum, moved)) : moved;
    }
    if (!option_footprint && !option_cache_model)
        return;
    if (stretch->n_touches == TOUCHES)
        flush_touches(stretch);
    if (!always)
        address = assign(stretch, Ity_I64, IRExpr_ITE(guard, address, constant(0)));
    stretch->addresses[stretch->n_touches] = address;
    stretch->kinds[stretch->n_touches++] = size * 2 + write;
}

static UInt type_size(const struct stretch *stretch, IRExpr *expression)
{
    return (UInt)sizeofIRType(typeOfIRExpr(stretch->out->tyenv, expression));
}

static void load_guarded(struct stretch *stretch, IRLoadG *load)
{
    IRType result, memory;
    typeOfIRLoadGOp(load->cvt, &result, &memory);
    access(stretch, load->addr, (UInt)sizeofIRType(memory), False, load->guard);
}

static void compare_and_swap(struct stretch *stretch, IRCAS *cas)
{
    UInt size = type_size(stretch, cas->dataLo);
    if (cas->dataHi)
        size *= 2;
    access(stretch, cas->addr, size, False, NULL);
    access(stretch, cas->addr, size, True, NULL);
}

/* A helper of Valgrind's own that stands for an instruction, e.g. an x87 load. */
static void helper(struct stretch *stretch, IRDirty *dirty)
{
    if (dirty->mFx == Ifx_Read || dirty->mFx == Ifx_Modify)
        access(stretch, dirty->mAddr, (UInt)dirty->mSize, False, dirty->guard);
    if (dirty->mFx == Ifx_Write || dirty->mFx == Ifx_Modify)
        access(stretch, dirty->mAddr, (UInt)dirty->mSize, True, dirty->guard);
}

/* What comes before the statement in the result. */
static void before(struct stretch *stretch, IRStmt *statement)
{
    switch (statement->tag) {
    case Ist_IMark:
        instruction(stretch, (Addr)statement->Ist.IMark.addr, statement->Ist.IMark.len);
        break;
    case Ist_WrTmp: {
        IRExpr *data = statement->Ist.WrTmp.data;
        if (data->tag == Iex_Load)
            access(stretch, data->Iex.Load.addr, (UInt)sizeofIRType(data->Iex.Load.ty), False,
                   NULL);
        break;
    }
    case Ist_Store:
        access(stretch, statement->Ist.Store.addr, type_size(stretch, statement->Ist.Store.data),
               True, NULL);
        break;
    case Ist_LoadG:
        load_guarded(stretch, statement->Ist.LoadG.details);
        break;
    case Ist_StoreG: {
        IRStoreG *store = statement->Ist.StoreG.details;
        access(stretch, store->addr, type_size(stretch, store->data), True, store->guard);
        break;
    }
    case Ist_CAS:
        compare_and_swap(stretch, statement->Ist.CAS.details);
        break;
    case Ist_Dirty:
        helper(stretch, statement->Ist.Dirty.details);
        break;
    case Ist_Exit:
        flush(stretch);
        settle_repeated(stretch);
        break;
    default:
        break;
    }
}

static IRSB *instrument(VgCallbackClosure *closure, IRSB *in, const VexGuestLayout *layout,
                        const VexGuestExtents *extents, const VexArchInfo *host, IRType guest_word,
                        IRType host_word)
{
    (void)closure, (void)layout, (void)extents, (void)host;
    if (guest_word != host_word)
        VG_(tool_panic)("the program and its host are of different word size");
    struct stretch stretch = {.out = deepCopyIRSBExceptStmts(in)};
    Bool begun = False; /* what comes before the first instruction is Valgrind's */
    for (Int i = 0; i < in->stmts_used; i++) {
        IRStmt *statement = in->stmts[i];
        begun |= statement->tag == Ist_IMark;
        if (begun)
            before(&stretch, statement);
        emit(&stretch, statement);
    }
    settle_repeated(&stretch);
    flush(&stretch);
    return stretch.out;
}

/* ---- requests of the program ---- */

static Bool fill(UWord pointer, const struct flopgrind_counts *counts)
{
    if (!VG_(am_is_valid_for_client)((Addr)pointer, sizeof *counts, VKI_PROT_WRITE))
        return False;
    *(struct flopgrind_counts *)pointer = *counts;
    return True;
}

static void complain_once(const HChar *sentence)
{
    static Bool complained;
    if (!complained)
        VG_(umsg)("flopgrind: %s\n", sentence);
    complained = True;
}

static Bool request(ThreadId thread, UWord *args, UWord *answer)
{
    struct flopgrind_counts counts;
    (void)thread;
    if (!VG_IS_TOOL_USERREQ('F', 'L', args[0]))
        return False;
    *answer = 0;
    switch (args[0]) {
    case FLOPGRIND_REQUEST_RUNNING:
        *answer = sizeof counts;
        return True;
    case FLOPGRIND_REQUEST_ENTER:
        fg_region_enter((const HChar *)args[1]);
        return True;
    case FLOPGRIND_REQUEST_LEAVE:
        if (!fg_region_leave(&counts))
            complain_once("FLOPGRIND_LEAVE without a region that is open");
        else if (args[1] && !fill(args[1], &counts))
            complain_once("FLOPGRIND_LEAVE_INTO: expected the address of a flopgrind_counts");
        return True;
    case FLOPGRIND_REQUEST_TOTALS:
        fg_region_totals(&counts);
        if (!fill(args[1], &counts))
            complain_once("FLOPGRIND_TOTALS: expected the address of a flopgrind_counts");
        return True;
    default:
        return False;
    }
}

/* ---- options, beginning and end ---- */

static Bool process_option(const HChar *arg)
{
    const HChar *text;
    if (VG_BOOL_CLO(arg, "--footprint", option_footprint) ||
        VG_BOOL_CLO(arg, "--cache-model", option_cache_model) ||
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

static void begin(void)
{
    fg_totals.has_footprint = option_footprint;
    fg_totals.has_cache = option_cache_model;
    if (option_cache_model)
        fg_cache_init(&l1_size, &ll_size);
}

static void finish(Int exit_code)
{
    const struct fg_report report = {option_json, &l1_size, &ll_size};
    (void)exit_code;
    fg_signatures_settle(&fg_totals);
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
}

static void initialise(void)
{
    VG_(details_name)("flopgrind");
    VG_(details_version)("1");
    VG_(details_description)("counts floating-point operations and memory traffic");
    VG_(details_copyright_author)("Part of flopledger; this tool is GPL-2.0-or-later.");
    VG_(details_bug_reports_to)("the authors of flopledger");
    VG_(details_avg_translation_sizeB)(400);
    VG_(basic_tool_funcs)(begin, instrument, finish);
    VG_(needs_command_line_options)(process_option, print_usage, print_debug_usage);
    VG_(needs_client_requests)(request);
    VG_(atfork)(NULL, NULL, forked);
    /* Valgrind would join blocks behind a branch that is hardly ever taken into one and execute
     * instructions the program may not reach. */
    VG_(clo_vex_control).guest_chase = False;
    fg_signatures_init();
    fg_regions_init();
}

VG_DETERMINE_INTERFACE_VERSION(initialise)
