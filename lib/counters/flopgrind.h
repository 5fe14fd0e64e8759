/* flopgrind.h - regions for programs that run under flopgrind, the Valgrind tool of flopledger that
 * counts floating-point operations and memory traffic exactly, on any processor.
 *
 *     FLOPGRIND_ENTER("solve");
 *     solve(a, x, b);
 *     FLOPGRIND_LEAVE();
 *
 * and `scripts/flopgrind ./program` prints a line for "solve" beside the total. Outside flopgrind
 * the macros do nothing, at the price of a few instructions without effect. Regions nest, and are
 * of the whole process: the work of threads that run meanwhile belongs to the region.
 *
 * Nothing but valgrind.h, which is under a BSD-style licence, is needed to compile, and nothing to
 * link. This header may be copied into any program under the licence of flopledger (MIT). */
#ifndef FLOPGRIND_H
#define FLOPGRIND_H

#include <stdint.h>

/* Kinds of operations; one count a lane. FLOPs are ADD + MUL + 2 FMA + DIV + SQRT. */
enum flopgrind_op {
    FLOPGRIND_OP_ADD, /* and subtract */
    FLOPGRIND_OP_MUL,
    FLOPGRIND_OP_FMA,
    FLOPGRIND_OP_DIV,
    FLOPGRIND_OP_SQRT,
    FLOPGRIND_OP_MINMAX,
    FLOPGRIND_OP_COMPARE,
    FLOPGRIND_OP_CONVERT,  /* between number formats (in the one read, if it is of floating point),
                              and rounding to integers */
    FLOPGRIND_OP_ESTIMATE, /* rcp, rsqrt */
    FLOPGRIND_OP_OTHER,    /* x87 sine, logarithm, remainder, scale, ... */
    FLOPGRIND_N_OPS
};

enum flopgrind_precision {
    FLOPGRIND_HALF, /* 16 bits: only conversions */
    FLOPGRIND_SINGLE,
    FLOPGRIND_DOUBLE,
    FLOPGRIND_EXTENDED, /* x87 */
    FLOPGRIND_N_PRECISIONS
};

enum flopgrind_width {
    FLOPGRIND_SCALAR,
    FLOPGRIND_128,
    FLOPGRIND_256,
    FLOPGRIND_512,
    FLOPGRIND_N_WIDTHS
};

struct flopgrind_counts {
    uint64_t ops[FLOPGRIND_N_OPS][FLOPGRIND_N_PRECISIONS][FLOPGRIND_N_WIDTHS];
    uint64_t instructions;
    uint64_t bytes_loaded, bytes_stored;
    uint64_t has_footprint;             /* --footprint=yes: the next two are filled */
    uint64_t lines_read, lines_written; /* distinct 64-byte lines between enter and leave */
    uint64_t has_cache;                 /* --cache-model=yes: the next ones are filled */
    uint64_t l1_misses;                 /* lines, reads and writes */
    uint64_t ll_misses;                 /* lines brought from memory */
    uint64_t ll_writebacks;             /* dirty lines that left the last level */
};

#if defined(__has_include)
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#define FLOPGRIND_HAS_CLIENT 1
#endif
#endif

#ifdef FLOPGRIND_HAS_CLIENT
enum flopgrind_request {
    FLOPGRIND_REQUEST_RUNNING = VG_USERREQ_TOOL_BASE('F', 'L'),
    FLOPGRIND_REQUEST_ENTER,
    FLOPGRIND_REQUEST_LEAVE,
    FLOPGRIND_REQUEST_TOTALS,
};
#define FLOPGRIND_REQUEST_(request, a, b)                                                          \
    VALGRIND_DO_CLIENT_REQUEST_EXPR(0, (request), (a), (b), 0, 0, 0)
#else
#define FLOPGRIND_REQUEST_(request, a, b) ((void)(a), (void)(b), 0)
#endif

/* True under flopgrind: the size of struct flopgrind_counts as the tool knows it. */
#define FLOPGRIND_RUNNING()                                                                        \
    (FLOPGRIND_REQUEST_(FLOPGRIND_REQUEST_RUNNING, 0, 0) == sizeof(struct flopgrind_counts))

/* Opens a region inside the current one. name: a string, copied. */
#define FLOPGRIND_ENTER(name) ((void)FLOPGRIND_REQUEST_(FLOPGRIND_REQUEST_ENTER, (name), 0))

/* Closes the innermost region. */
#define FLOPGRIND_LEAVE() ((void)FLOPGRIND_REQUEST_(FLOPGRIND_REQUEST_LEAVE, 0, 0))

/* Closes the innermost region and stores what was counted in this passage through it. */
#define FLOPGRIND_LEAVE_INTO(counts)                                                               \
    ((void)FLOPGRIND_REQUEST_(FLOPGRIND_REQUEST_LEAVE, (counts), 0))

/* Stores what was counted since the program began. */
#define FLOPGRIND_TOTALS(counts) ((void)FLOPGRIND_REQUEST_(FLOPGRIND_REQUEST_TOTALS, (counts), 0))

#endif
