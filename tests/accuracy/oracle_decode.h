/* oracle_decode.h - the floating-point work and the memory traffic of one instruction, as Zydis
 * decodes it.
 *
 * Independent of flopgrind's decoder by design: what an instruction is comes from its mnemonic,
 * how many lanes it has from Zydis's description of its operands. The conventions are those of
 * counters/flopgrind.h:
 *
 *   one operation a lane; addsub is add; haddps, hsubps have 4 adds per 128 bits, the double ones
 *   2; dpps 4 multiplications and 3 adds per 128 bits, dppd 2 and 1; every fused form is fma;
 *   rounding and the loads and stores of x87 integers are convert; rcp and rsqrt are estimate;
 *   x87 arithmetic is extended; x87 transcendentals, remainder and scale are other; logic, sign
 *   changes, moves, blends and tests are nothing.
 *   A conversion between two floating-point formats has the precision of the one it reads. */
#ifndef FL_TESTS_ORACLE_DECODE_H
#define FL_TESTS_ORACLE_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What decides at run time which lanes are active. */
enum oracle_mask {
    ORACLE_NO_MASK,
    ORACLE_OPMASK,   /* bit i of k register `mask_register` is lane i (AVX-512) */
    ORACLE_SIGN_MASK /* the sign of element i of vector register `mask_register` (AVX) */
};

struct oracle_work {
    uint8_t length;  /* of the instruction, bytes */
    bool breakpoint; /* int3 */
    uint8_t n_parts;
    struct {
        uint8_t op, precision, width; /* enums of counters/flopgrind.h */
        uint8_t lanes;
    } parts[2];

    uint16_t bytes_loaded, bytes_stored;
    bool repeats; /* string instruction: moves bytes only while rcx is not zero */

    uint8_t mask; /* enum oracle_mask: lanes of parts, and elements of memory */
    uint8_t mask_register;
    uint8_t mask_element; /* ORACLE_SIGN_MASK: bytes of one element of the mask */
    uint8_t mask_lanes;
    uint8_t memory_element; /* bytes an active lane moves; 0: memory is not masked */
    bool once;              /* a broadcast: one element is moved if any lane is active */
};

/* False when the bytes are no instruction. */
bool oracle_decode(struct oracle_work *work, const uint8_t *code, size_t size);

#endif
