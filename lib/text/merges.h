/* merges.h - which pairs of pieces become one, in the order in which training found them. */
#ifndef FL_TEXT_MERGES_H
#define FL_TEXT_MERGES_H

#include <stdbool.h>
#include <stddef.h>

struct fl_merge {
    int left, right, merged; /* ids */
};

struct fl_merges {
    struct fl_merge *list; /* by rank; each pair once */
    int n, capacity;
    int *slots; /* open addressing by pair: rank + 1, or 0 */
    size_t n_slots;
};

/* Appends a merge; of equal pairs the first counts. False when memory runs out. */
bool fl_merges_add(struct fl_merges *merges, int left, int right, int merged);

/* The rank of the merge of two pieces, and what they become; -1: they do not merge. */
int fl_merges_rank(const struct fl_merges *merges, int left, int right, int *merged);

void fl_merges_close(struct fl_merges *merges);

#endif
