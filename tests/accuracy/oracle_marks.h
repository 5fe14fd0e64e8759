/* oracle_marks.h - tells the oracle (oracle.c) where to count, from inside the program it traces.
 *
 *     if (oracle_traces())
 *         oracle_begin("sgemm 16 16 16");
 *     ...
 *     if (oracle_traces())
 *         oracle_end();
 *
 * A mark is a breakpoint instruction with a number in a register: it stops the program where it
 * is, without a symbol to look up or an instruction to patch. Stretches nest. */
#ifndef FL_TESTS_ORACLE_MARKS_H
#define FL_TESTS_ORACLE_MARKS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#define ORACLE_ENVIRONMENT "FL_ORACLE" /* set in the traced program */
#define ORACLE_BEGIN       UINT64_C(0x4f5241434c450001)
#define ORACLE_END         UINT64_C(0x4f5241434c450002)

static inline bool oracle_traces(void)
{
    return getenv(ORACLE_ENVIRONMENT) != NULL;
}

/* name: copied when the mark is reached. Without the oracle a mark ends the program. */
static inline void oracle_begin(const char *name)
{
    __asm__ volatile("int3" : : "a"(ORACLE_BEGIN), "D"(name) : "memory");
}

static inline void oracle_end(void)
{
    __asm__ volatile("int3" : : "a"(ORACLE_END) : "memory");
}

#endif
