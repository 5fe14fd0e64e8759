#include "counters/counter.h"

#include <string.h>

static const struct {
    const char *key, *name;
} COUNTS[] = {
#define FL_COUNT_ROW(constant, key, unit, name) {key, name},
    FL_COUNTS(FL_COUNT_ROW)
#undef FL_COUNT_ROW
};

const char *fl_count_key(enum fl_count count)
{
    return COUNTS[count].key;
}

const char *fl_count_name(enum fl_count count)
{
    return COUNTS[count].name;
}

enum fl_count fl_count_find(const char *key)
{
    int count = 0;
    while (count < FL_N_COUNTS && strcmp(key, COUNTS[count].key) != 0)
        count++;
    return (enum fl_count)count;
}

void fl_reading_add(struct fl_reading *sum, const struct fl_reading *more)
{
    for (int i = 0; i < FL_N_COUNTS; i++)
        sum->values[i] += more->values[i];
}
