#include "ledger/operators.h"

#include <string.h>

static const struct {
    const char *name, *group;
} OPERATORS[FL_N_OPERATORS] = {
#define FL_OPERATOR_ROW(constant, name, group) {name, group},
    FL_OPERATORS(FL_OPERATOR_ROW)
#undef FL_OPERATOR_ROW
};

const char *fl_operator_name(enum fl_operator op)
{
    return op < FL_N_OPERATORS ? OPERATORS[op].name : "?";
}

const char *fl_operator_group(enum fl_operator op)
{
    return op < FL_N_OPERATORS ? OPERATORS[op].group : "?";
}

bool fl_operator_is_global(enum fl_operator op)
{
    return op == FL_OP_EMBED || op == FL_OP_NORM_FINAL || op == FL_OP_LOGITS;
}

enum fl_operator fl_operator_find(const char *name)
{
    for (int op = 0; op < FL_N_OPERATORS; op++)
        if (strcmp(OPERATORS[op].name, name) == 0)
            return (enum fl_operator)op;
    return FL_N_OPERATORS;
}
