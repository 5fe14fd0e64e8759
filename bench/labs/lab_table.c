/* lab_table.c - the one table of the labs. */
#include "bench/labs/lab_list.h"

#include <stdio.h>
#include <string.h>

/* clang-format off */
static const struct {
    const char *id;
    const struct fl_lab *lab;
} LABS[] = {
    {"1", &fl_lab_formula},
    {"2", &fl_lab_phases},
    {"3", &fl_lab_kv_cache},
    {"4", &fl_lab_roofline},
    {"5", &fl_lab_attention},
    {"6", &fl_lab_batching},
    {"7", &fl_lab_quantisation},
    {"8", &fl_lab_speculation},
    {"slips", &fl_lab_slips},
};
/* clang-format on */

int fl_lab_count(void)
{
    return (int)(sizeof LABS / sizeof *LABS);
}

const struct fl_lab *fl_lab_at(int i)
{
    return LABS[i].lab;
}

const struct fl_lab *fl_lab_find(const char *name)
{
    for (int i = 0; i < fl_lab_count(); i++)
        if (strcmp(name, LABS[i].id) == 0 || strcmp(name, LABS[i].lab->name) == 0)
            return LABS[i].lab;
    return NULL;
}

const char *fl_lab_id(const struct fl_lab *lab)
{
    int i = 0;
    while (LABS[i].lab != lab)
        i++;
    return LABS[i].id;
}
