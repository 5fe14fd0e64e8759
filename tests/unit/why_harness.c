#include "tests/unit/why_harness.h"

#include <string.h>

double why_term(const struct fl_why *why, const char *name)
{
    for (int i = 0; i < why->n_terms; i++)
        if (strcmp(why->terms[i].term, name) == 0)
            return (double)why->terms[i].flops;
    return 0;
}
