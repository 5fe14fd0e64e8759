/* attention_tiles.h - queries in tiles of rows, for the kernels that compute exactly what is seen.
 *
 * Keys that all rows of a tile see form a rectangle: matrix products. What remains at its sides, a
 * triangle on the diagonal and one where the window ends, is done row by row:
 *
 *     keys   0 ... window | ...  n_past + first | . . . .
 *     row 0      x x x    | # # # # # # # # # # | x
 *     row 1        x x    | # # # # # # # # # # | x x          # matrix product   x row kernels
 *     row 2          x    | # # # # # # # # # # | x x x        nothing else is read or written
 *
 * For attention_*.c only. */
#ifndef FL_OPS_ATTENTION_TILES_H
#define FL_OPS_ATTENTION_TILES_H

#include "ops/attention_shared.h"

/* Rows a tile. Small tiles leave a small triangle to the slower row kernels, large tiles keep the
 * matrix product efficient; of 16, 32 and 64, 32 was the fastest for 12 heads of 64 features with
 * 128 and 512 tokens (Zen 4, two threads, OpenBLAS 0.3.21). */
enum { FL_TILE_ROWS = 32 };

/* One tile of one head. */
struct fl_tile {
    struct fl_attention_head head;
    int first, n_rows;          /* queries */
    struct fl_key_range common; /* keys of the rectangle */
    struct fl_key_range any;    /* keys that any of its queries sees */
};

int fl_tiles_of(const struct fl_batch_span *span);
struct fl_tile fl_tile_at(const struct fl_attention_shape *shape, int span, int head, int index);

/* Keys that row i of a tile sees on one side of the rectangle; empty where end <= first. */
struct fl_key_range fl_tile_left(const struct fl_attention_shape *shape, const struct fl_tile *tile,
                                 int i);
struct fl_key_range fl_tile_right(const struct fl_attention_shape *shape,
                                  const struct fl_tile *tile, int i);

/* Offset of a row in q and context. */
size_t fl_tile_query(const struct fl_tile *tile, int row);

/* Task number `index` of the tiles of all heads, job->n_pieces a head; false where a shorter span
 * has none. */
bool fl_tile_find(struct fl_tile *tile, const struct fl_attention_job *job, size_t index);

/* Calls body for every such task; tiles differ in work. Sets n_pieces. */
void fl_tile_for_each(void (*body)(const void *job, size_t index), struct fl_attention_job *job);

#endif
