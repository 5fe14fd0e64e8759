#include "text/charsmap.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

int fl_charsmap_open(struct fl_charsmap *map, const unsigned char *bytes, size_t size,
                     const char *where, struct fl_error *error)
{
    uint32_t trie_size;
    *map = (struct fl_charsmap){0};
    if (size <= sizeof trie_size)
        return fl_fail(error, "%s: expected a table of replacements, it has %zu bytes", where,
                       size);
    memcpy(&trie_size, bytes, sizeof trie_size); /* little-endian, as everything here */
    if (trie_size < sizeof *map->units || trie_size % sizeof *map->units != 0 ||
        trie_size >= size - sizeof trie_size)
        return fl_fail(error, "%s: size of the trie: expected 4 to %zu, a multiple of 4, not %u",
                       where, size - sizeof trie_size - 1, trie_size);
    if (bytes[size - 1] != '\0')
        return fl_fail(error, "%s: expected a NUL behind the last replacement", where);
    map->bytes = malloc(size);
    map->units = malloc(trie_size);
    if (!map->bytes || !map->units) {
        fl_charsmap_close(map);
        return fl_fail(error, "%s: not enough memory for %zu bytes", where, size);
    }
    memcpy(map->bytes, bytes, size);
    memcpy(map->units, bytes + sizeof trie_size, trie_size);
    map->size = size;
    map->n_units = trie_size / sizeof *map->units;
    map->replacements = (const char *)map->bytes + sizeof trie_size + trie_size;
    map->replacements_size = size - sizeof trie_size - trie_size;
    return FL_OK;
}

void fl_charsmap_close(struct fl_charsmap *map)
{
    free(map->bytes);
    free(map->units);
    *map = (struct fl_charsmap){0};
}

/* A unit of the double array: where its children are (relative), the byte that leads to it, and
 * whether a text ends there. */
static size_t offset_of(uint32_t unit)
{
    return (size_t)(unit >> 10) << ((unit & 0x200) >> 6);
}

static uint32_t label_of(uint32_t unit)
{
    return unit & 0x800000ff;
}

static bool has_leaf(uint32_t unit)
{
    return unit >> 8 & 1;
}

size_t fl_charsmap_find(const struct fl_charsmap *map, const char *text, size_t length,
                        const char **replacement, size_t *replacement_length)
{
    size_t longest = 0, node = offset_of(map->units[0]);
    for (size_t i = 0; i < length; i++) {
        const unsigned char byte = (unsigned char)text[i];
        node ^= byte;
        if (byte == 0 || node >= map->n_units || label_of(map->units[node]) != byte)
            break;
        const uint32_t unit = map->units[node];
        node ^= offset_of(unit);
        if (!has_leaf(unit) || node >= map->n_units)
            continue;
        const size_t value = map->units[node] & 0x7fffffff;
        if (value >= map->replacements_size) /* damaged: as if it were not there */
            continue;
        longest = i + 1;
        *replacement = map->replacements + value;
    }
    if (longest > 0)
        *replacement_length = strlen(*replacement); /* the table ends with a NUL */
    return longest;
}
