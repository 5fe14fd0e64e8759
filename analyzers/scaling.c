#include "analyzers/scaling.h"

bool fl_operator_is_quadratic(enum fl_operator op)
{
    return op == FL_OP_SCORES || op == FL_OP_SOFTMAX || op == FL_OP_CONTEXT ||
           op == FL_OP_ATTENTION;
}

struct fl_split fl_split_point(const struct fl_result *result, const struct fl_timing *timing)
{
    struct fl_split split = {.linear_ns = timing->outside_ns > 0 ? timing->outside_ns : 0};
    for (int i = 0; i < result->n_ops; i++) {
        const struct fl_op_record *record = &result->ops[i];
        bool quadratic = fl_operator_is_quadratic(record->op);
        *(quadratic ? &split.attention_flops : &split.linear_flops) += (double)record->exact_flops;
        *(quadratic ? &split.attention_ns : &split.linear_ns) += timing->op_ns[record->op];
    }
    return split;
}

static int overtaken(bool *yes, const struct fl_result *prefill, int64_t context,
                     struct fl_error *error)
{
    struct fl_analytic analytic;
    if (fl_point_analytic(&analytic, prefill, context, error) != FL_OK)
        return FL_FAILED;
    fl_wide attention = 0;
    for (int op = 0; op < FL_N_OPERATORS; op++)
        if (fl_operator_is_quadratic((enum fl_operator)op))
            attention += analytic.ops[FL_STACK_DECODER][op].exact *
                         fl_analytic_copies(&analytic, FL_STACK_DECODER, (enum fl_operator)op);
    *yes = attention > analytic.total.exact - attention;
    return FL_OK;
}

int fl_attention_overtakes(int64_t *context, const struct fl_result *prefill,
                           struct fl_error *error)
{
    /* the attention's share rises with s, so the crossing is found by halving */
    int64_t below = 0, above = INT64_C(1) << 24;
    bool yes;
    if (overtaken(&yes, prefill, above, error) != FL_OK)
        return FL_FAILED;
    *context = 0;
    if (!yes)
        return FL_OK;
    while (above - below > 1) {
        int64_t middle = below + (above - below) / 2;
        if (overtaken(&yes, prefill, middle, error) != FL_OK)
            return FL_FAILED;
        *(yes ? &above : &below) = middle;
    }
    *context = above;
    return FL_OK;
}
