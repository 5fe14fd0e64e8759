/* excess.h - what a kernel executes beyond the cost it declares, in named terms.
 *
 * The cost (cost.h) is the mathematics: a product of m x k by k x n is 2mnk. The instructions that
 * do it are a little more: partial sums are joined, panels of a matrix product are added to the
 * result, exp is a polynomial. An operator's _excess() beside its _cost() says how much more, from
 * the arguments of the call, the instruction set and the BLAS core that run it; so that
 *
 *     cost + excess = what a counter of retired operations sees.
 *
 * Terms are FLOPs by the rule of cost.h for instructions: an addition, subtraction,
 * multiplication, division or square root of one lane is one, a fused multiply-add two. A term may
 * be negative where a kernel executes less than its cost. */
#ifndef FL_BASE_EXCESS_H
#define FL_BASE_EXCESS_H

#include <stdint.h>

/* X(constant, key, name): key in JSON and results, name in tables. */
#define FL_EXCESS_TERMS(X)                                                                         \
    X(GEMM_ALPHA, "gemm_alpha", "GEMM: alpha scaling of each K panel")                             \
    X(GEMM_PANELS, "gemm_panels", "GEMM: adding each K panel to the result")                       \
    X(GEMM_PARTIAL, "gemm_partial", "GEMM: joining partial accumulators")                          \
    X(GEMM_EDGES, "gemm_edges", "GEMM: idle lanes of edge tiles")                                  \
    X(GEMM_CALLS, "gemm_calls", "GEMM: scalars of each call")                                      \
    X(BIAS_START, "bias_start", "bias as the start of the sums")                                   \
    X(PARTIAL_SUMS, "partial_sums", "joining partial sums of dot products")                        \
    X(THREAD_SUMS, "thread_sums", "joining the threads' sums")                                     \
    X(TRANSCENDENTAL, "transcendental", "exp, tanh, erf as polynomials")                           \
    X(VECTOR_TAIL, "vector_tail", "idle lanes behind the end of a row")                            \
    X(REDUCTIONS, "reductions", "joining the lanes of row sums")                                   \
    X(DEQUANTISE, "dequantise", "dequantising weights")                                            \
    X(CALL_SCALARS, "call_scalars", "scalars of each call")

enum fl_excess_term {
#define FL_EXCESS_ENUM(constant, key, name) FL_EXCESS_##constant,
    FL_EXCESS_TERMS(FL_EXCESS_ENUM)
#undef FL_EXCESS_ENUM
        FL_N_EXCESS_TERMS
};

struct fl_excess {
    int64_t flops[FL_N_EXCESS_TERMS];
};

const char *fl_excess_key(enum fl_excess_term term);
const char *fl_excess_name(enum fl_excess_term term);

/* FL_N_EXCESS_TERMS when no term has this key. */
enum fl_excess_term fl_excess_find(const char *key);

void fl_excess_add(struct fl_excess *sum, const struct fl_excess *more);
/* n times the same call. */
struct fl_excess fl_excess_scale(int64_t n, const struct fl_excess *excess);

int64_t fl_excess_total(const struct fl_excess *excess);

#endif
