/* cost.h - what one operator call executes, in exact integers, and the algebra to add them up.
 *
 * flops = 2 * macs + elementwise, a fused multiply-add being two operations.
 * elementwise holds every other arithmetic operation: add, subtract, multiply, divide, square
 * root, and each transcendental (exp, tanh, erf, sin, cos) as ONE operation; comparisons,
 * maxima, negations, conversions and copies are no FLOP. bias is the part of the elementwise work
 * that adds a bias vector. Bytes are compulsory traffic: every operand read once, every result
 * written once, whatever the caches do. */
#ifndef FL_BASE_COST_H
#define FL_BASE_COST_H

#include <stdint.h>

struct fl_cost {
    uint64_t macs;        /* multiply-accumulates of matrix products */
    uint64_t elementwise; /* FLOPs outside matrix products, bias included */
    uint64_t bias;        /* of which: bias additions */
    uint64_t bytes_read;
    uint64_t bytes_written;
};

static inline uint64_t fl_cost_flops(struct fl_cost cost)
{
    return 2 * cost.macs + cost.elementwise;
}

static inline struct fl_cost fl_cost_add(struct fl_cost a, struct fl_cost b)
{
    return (struct fl_cost){
        .macs = a.macs + b.macs,
        .elementwise = a.elementwise + b.elementwise,
        .bias = a.bias + b.bias,
        .bytes_read = a.bytes_read + b.bytes_read,
        .bytes_written = a.bytes_written + b.bytes_written,
    };
}

#endif
