#include "text/merges.h"

#include "base/checked.h"

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>

/* The slot that holds the pair, or the free one where it would go. */
static size_t find_slot(const struct fl_merges *merges, int left, int right)
{
    const uint64_t key = (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
    size_t slot = (size_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 20) & (merges->n_slots - 1);
    for (; merges->slots[slot]; slot = (slot + 1) & (merges->n_slots - 1)) {
        const struct fl_merge *held = &merges->list[merges->slots[slot] - 1];
        if (held->left == left && held->right == right)
            break;
    }
    return slot;
}

/* Twice the room in the list, and four slots for each place in it. */
static bool grow(struct fl_merges *merges)
{
    size_t list_bytes, slot_bytes;
    if (merges->capacity > INT_MAX / 2)
        return false;
    const int capacity = merges->capacity ? 2 * merges->capacity : 512;
    const size_t n_slots = 4 * (size_t)capacity;
    if (!fl_size_mul((size_t)capacity, sizeof *merges->list, &list_bytes) ||
        !fl_size_mul(n_slots, sizeof *merges->slots, &slot_bytes))
        return false;
    struct fl_merge *list = realloc(merges->list, list_bytes);
    if (!list)
        return false;
    merges->list = list;
    int *slots = calloc(n_slots, sizeof *slots);
    if (!slots)
        return false;
    free(merges->slots);
    merges->slots = slots;
    merges->n_slots = n_slots;
    merges->capacity = capacity;
    for (int rank = 0; rank < merges->n; rank++)
        slots[find_slot(merges, list[rank].left, list[rank].right)] = rank + 1;
    return true;
}

bool fl_merges_add(struct fl_merges *merges, int left, int right, int merged)
{
    if (merges->n == merges->capacity && !grow(merges))
        return false;
    const size_t slot = find_slot(merges, left, right);
    if (merges->slots[slot])
        return true;
    merges->list[merges->n++] = (struct fl_merge){left, right, merged};
    merges->slots[slot] = merges->n;
    return true;
}

int fl_merges_rank(const struct fl_merges *merges, int left, int right, int *merged)
{
    if (merges->n_slots == 0)
        return -1;
    const int rank = merges->slots[find_slot(merges, left, right)] - 1;
    if (rank >= 0)
        *merged = merges->list[rank].merged;
    return rank;
}

void fl_merges_close(struct fl_merges *merges)
{
    free(merges->list);
    free(merges->slots);
    *merges = (struct fl_merges){0};
}
