#include "base/excess.h"

#include <string.h>

static const char *const KEYS[] = {
#define FL_EXCESS_KEY(constant, key, name) key,
    FL_EXCESS_TERMS(FL_EXCESS_KEY)
#undef FL_EXCESS_KEY
};

static const char *const NAMES[] = {
#define FL_EXCESS_NAME(constant, key, name) name,
    FL_EXCESS_TERMS(FL_EXCESS_NAME)
#undef FL_EXCESS_NAME
};

const char *fl_excess_key(enum fl_excess_term term)
{
    return KEYS[term];
}

const char *fl_excess_name(enum fl_excess_term term)
{
    return NAMES[term];
}

enum fl_excess_term fl_excess_find(const char *key)
{
    int term = 0;
    while (term < FL_N_EXCESS_TERMS && strcmp(key, KEYS[term]) != 0)
        term++;
    return (enum fl_excess_term)term;
}

void fl_excess_add(struct fl_excess *sum, const struct fl_excess *more)
{
    for (int i = 0; i < FL_N_EXCESS_TERMS; i++)
        sum->flops[i] += more->flops[i];
}

struct fl_excess fl_excess_scale(int64_t n, const struct fl_excess *excess)
{
    struct fl_excess scaled = *excess;
    for (int i = 0; i < FL_N_EXCESS_TERMS; i++)
        scaled.flops[i] *= n;
    return scaled;
}

int64_t fl_excess_total(const struct fl_excess *excess)
{
    int64_t total = 0;
    for (int i = 0; i < FL_N_EXCESS_TERMS; i++)
        total += excess->flops[i];
    return total;
}
