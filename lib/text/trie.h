/* trie.h - texts by their bytes, so that all that begin at a place are found in one walk. */
#ifndef FL_TEXT_TRIE_H
#define FL_TEXT_TRIE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fl_trie_edge {
    uint32_t from; /* node + 1, or 0: a free slot */
    uint32_t to;
    unsigned char byte;
};

/* Zeroes are an empty trie. Node 0 is the root. */
struct fl_trie {
    struct fl_trie_edge *edges; /* open addressing by node and byte */
    size_t n_slots;
    int *values; /* of each node, -1: no text ends here */
    uint32_t n_nodes, capacity;
};

/* Of equal texts the first value stays. False when memory runs out. value >= 0. */
bool fl_trie_add(struct fl_trie *trie, const char *text, size_t length, int value);

/* The node behind a byte, or -1 when no text goes on like that. */
int64_t fl_trie_step(const struct fl_trie *trie, int64_t node, unsigned char byte);

void fl_trie_close(struct fl_trie *trie);

#endif
