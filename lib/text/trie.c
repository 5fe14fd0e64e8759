#include "text/trie.h"

#include "base/checked.h"

#include <stdlib.h>

static size_t find_slot(const struct fl_trie *trie, uint32_t node, unsigned char byte)
{
    const uint64_t key = (uint64_t)node << 8 | byte;
    size_t slot = (size_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 24) & (trie->n_slots - 1);
    const struct fl_trie_edge *edge = &trie->edges[slot];
    while (edge->from && (edge->from != node + 1 || edge->byte != byte)) {
        slot = (slot + 1) & (trie->n_slots - 1);
        edge = &trie->edges[slot];
    }
    return slot;
}

/* Twice the nodes, and two slots for each. */
static bool grow(struct fl_trie *trie)
{
    size_t value_bytes, edge_bytes;
    if (trie->capacity > UINT32_MAX / 4)
        return false;
    const uint32_t capacity = trie->capacity ? 2 * trie->capacity : 256;
    struct fl_trie larger = {.n_slots = 2 * (size_t)capacity};
    if (!fl_size_mul(capacity, sizeof *trie->values, &value_bytes) ||
        !fl_size_mul(larger.n_slots, sizeof *trie->edges, &edge_bytes))
        return false;
    int *values = realloc(trie->values, value_bytes);
    if (!values)
        return false;
    trie->values = values;
    larger.edges = calloc(1, edge_bytes);
    if (!larger.edges)
        return false;
    for (size_t i = 0; i < trie->n_slots; i++)
        if (trie->edges[i].from)
            larger.edges[find_slot(&larger, trie->edges[i].from - 1, trie->edges[i].byte)] =
                trie->edges[i];
    free(trie->edges);
    trie->edges = larger.edges;
    trie->n_slots = larger.n_slots;
    trie->capacity = capacity;
    return true;
}

static bool add_node(struct fl_trie *trie, uint32_t *node)
{
    if (trie->n_nodes == trie->capacity && !grow(trie))
        return false;
    *node = trie->n_nodes++;
    trie->values[*node] = -1;
    return true;
}

bool fl_trie_add(struct fl_trie *trie, const char *text, size_t length, int value)
{
    uint32_t node = 0, next;
    if (trie->n_nodes == 0 && !add_node(trie, &node))
        return false;
    for (size_t i = 0; i < length; i++, node = next) {
        const unsigned char byte = (unsigned char)text[i];
        const int64_t there = fl_trie_step(trie, node, byte);
        next = (uint32_t)there;
        if (there >= 0)
            continue;
        if (!add_node(trie, &next)) /* may move the edges */
            return false;
        trie->edges[find_slot(trie, node, byte)] = (struct fl_trie_edge){node + 1, next, byte};
    }
    if (trie->values[node] < 0)
        trie->values[node] = value;
    return true;
}

int64_t fl_trie_step(const struct fl_trie *trie, int64_t node, unsigned char byte)
{
    if (trie->n_slots == 0)
        return -1;
    const struct fl_trie_edge *edge = &trie->edges[find_slot(trie, (uint32_t)node, byte)];
    return edge->from ? (int64_t)edge->to : -1;
}

void fl_trie_close(struct fl_trie *trie)
{
    free(trie->edges);
    free(trie->values);
    *trie = (struct fl_trie){0};
}
