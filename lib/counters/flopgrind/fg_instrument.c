/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "counters/flopgrind/fg_instrument.h"

#include "counters/flopgrind/fg_cache.h"
#include "counters/flopgrind/fg_decode.h"
#include "counters/flopgrind/fg_footprint.h"
#include "counters/flopgrind/fg_regions.h"
#include "counters/flopgrind/fg_signatures.h"

#include <pub_tool_libcassert.h>
#include <pub_tool_machine.h>

struct fg_traffic fg_traffic;

/* ---- a stretch of straight code ---- */

enum { ADDENDS_MAX = 48, TOUCHES = 4 };

struct stretch {
    IRSB *out;
    UInt n_addends;
    struct fg_addend addends[ADDENDS_MAX]; /* in ascending order of their counters */
    IRExpr *guarded[2]; /* bytes loaded and stored under a condition; NULL: none */
    const IRSB *in;
    Int mark;      /* where in it the instruction begins */
    Bool swaps;    /* it is an atomic one, whose loads its compare-and-swap stands for */
    Bool repeated; /* it counts once it is known to repeat */
    Bool gathers;  /* it loads lanes under conditions */

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

static IRExpr *constant(ULong value)
{
    return IRExpr_Const(IRConst_U64(value));
}

/* *where += amount, in the program's code. */
static void emit_add(struct stretch *stretch, ULong *where, IRExpr *amount)
{
    IRExpr *address = mkIRExpr_HWord((HWord)where);
    IRExpr *before = assign(stretch, Ity_I64, IRExpr_Load(Iend_LE, Ity_I64, address));
    IRExpr *after = assign(stretch, Ity_I64, IRExpr_Binop(Iop_Add64, before, amount));
    emit(stretch, IRStmt_Store(Iend_LE, address, after));
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
    struct fg_addend *addends = stretch->addends;
    if (stretch->n_addends == ADDENDS_MAX)
        flush_addends(stretch);
    UInt at = 0;
    while (at < stretch->n_addends && addends[at].counter < index)
        at++;
    if (at < stretch->n_addends && addends[at].counter == index) {
        addends[at].amount += amount;
        return;
    }
    for (UInt i = stretch->n_addends++; i > at; i--)
        addends[i] = addends[i - 1];
    addends[at] = (struct fg_addend){index, amount};
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
        if (fg_traffic.footprint)
            fg_footprint_touch(addresses[i], size, write);
        if (fg_traffic.cache_model)
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

static void count_instruction(struct stretch *stretch, const UChar *code, UInt size)
{
    struct fg_work work[FG_WORK_MAX];
    settle_repeated(stretch);
    if (fg_is_repeated(code, size))
        stretch->repeated = True;
    else
        add(stretch, &fg_totals.instructions, 1);
    const Int n = fg_decode(code, size, work);
    for (Int i = 0; i < n; i++)
        add(stretch, &fg_totals.ops[work[i].op][work[i].precision][work[i].width], work[i].lanes);
}

/* Valgrind loads the memory operand of an atomic instruction once or twice before it swaps, the
 * processor once. */
static Bool is_swap(const IRSB *in, Int mark)
{
    for (Int i = mark + 1; i < in->stmts_used && in->stmts[i]->tag != Ist_IMark; i++)
        if (in->stmts[i]->tag == Ist_CAS)
            return True;
    return False;
}

static void begin_instruction(struct stretch *stretch, Int mark)
{
    const IRStmt *statement = stretch->in->stmts[mark];
    const UChar *code = (const UChar *)(Addr)statement->Ist.IMark.addr;
    const UInt size = statement->Ist.IMark.len;
    stretch->mark = mark;
    stretch->swaps = is_swap(stretch->in, mark);
    stretch->gathers = fg_is_gather(code, size);
    count_instruction(stretch, code, size);
}

static Bool is_always(const IRExpr *guard)
{
    return !guard || (guard->tag == Iex_Const && guard->Iex.Const.con->Ico.U1);
}

/* Summed in a register until the stretch ends. */
static void add_guarded(struct stretch *stretch, IRExpr **sum, UInt size, IRExpr *guard)
{
    IRExpr *bytes = assign(stretch, Ity_I64, IRExpr_ITE(guard, constant(size), constant(0)));
    *sum = *sum ? assign(stretch, Ity_I64, IRExpr_Binop(Iop_Add64, *sum, bytes)) : bytes;
}

/* guard: NULL, or an atom of one bit. */
static void access(struct stretch *stretch, IRExpr *address, UInt size, Bool write, IRExpr *guard)
{
    const Bool always = is_always(guard);
    if (always)
        add(stretch, write ? &fg_totals.bytes_stored : &fg_totals.bytes_loaded, size);
    else
        add_guarded(stretch, &stretch->guarded[write], size, guard);
    if (!fg_traffic.footprint && !fg_traffic.cache_model)
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

/* Valgrind writes a lane of a gather as a load from an address that depends on the mask: the
 * lane's own, or one that is always there. Returns that condition, or NULL. */
static IRExpr *gather_guard(const struct stretch *stretch, const IRExpr *address)
{
    for (Int i = stretch->mark + 1; address->tag == Iex_RdTmp && i < stretch->in->stmts_used; i++) {
        const IRStmt *statement = stretch->in->stmts[i];
        if (statement->tag != Ist_WrTmp || statement->Ist.WrTmp.tmp != address->Iex.RdTmp.tmp)
            continue;
        IRExpr *data = statement->Ist.WrTmp.data;
        return data->tag == Iex_ITE ? data->Iex.ITE.cond : NULL;
    }
    return NULL;
}

static void load(struct stretch *stretch, const IRExpr *load)
{
    if (stretch->swaps)
        return;
    IRExpr *address = load->Iex.Load.addr;
    IRExpr *guard = stretch->gathers ? gather_guard(stretch, address) : NULL;
    access(stretch, address, (UInt)sizeofIRType(load->Iex.Load.ty), False, guard);
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

/* What comes before statement `at` in the result. */
static void before(struct stretch *stretch, Int at)
{
    const IRStmt *statement = stretch->in->stmts[at];
    switch (statement->tag) {
    case Ist_IMark:
        begin_instruction(stretch, at);
        break;
    case Ist_WrTmp:
        if (statement->Ist.WrTmp.data->tag == Iex_Load)
            load(stretch, statement->Ist.WrTmp.data);
        break;
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

IRSB *fg_instrument(VgCallbackClosure *closure, IRSB *in, const VexGuestLayout *layout,
                    const VexGuestExtents *extents, const VexArchInfo *host, IRType guest_word,
                    IRType host_word)
{
    (void)closure, (void)layout, (void)extents, (void)host;
    if (guest_word != host_word)
        VG_(tool_panic)("the program and its host are of different word size");
    struct stretch stretch = {.in = in, .out = deepCopyIRSBExceptStmts(in)};
    Bool begun = False; /* what comes before the first instruction is Valgrind's */
    for (Int i = 0; i < in->stmts_used; i++) {
        begun |= in->stmts[i]->tag == Ist_IMark;
        if (begun)
            before(&stretch, i);
        emit(&stretch, in->stmts[i]);
    }
    settle_repeated(&stretch);
    flush(&stretch);
    return stretch.out;
}
