#include "ops/attention_tiles.h"

#include "ops/parallel.h"

static int larger(int a, int b)
{
    return a > b ? a : b;
}

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

int fl_tiles_of(const struct fl_batch_span *span)
{
    return (span->n_tokens + FL_TILE_ROWS - 1) / FL_TILE_ROWS;
}

struct fl_tile fl_tile_at(const struct fl_attention_shape *shape, int span, int head, int index)
{
    struct fl_tile tile = {.head = fl_attention_head(shape, span, head),
                           .first = index * FL_TILE_ROWS};
    tile.n_rows = smaller(tile.head.span->n_tokens - tile.first, FL_TILE_ROWS);
    const struct fl_key_range begin = fl_attention_visible(shape, tile.head.span, tile.first);
    const struct fl_key_range last =
        fl_attention_visible(shape, tile.head.span, tile.first + tile.n_rows - 1);
    /* the first query's own key belongs to the triangle, which then has whole rows */
    const int before = begin.end - 1;
    tile.common = (struct fl_key_range){smaller(last.first, before), before};
    tile.any = (struct fl_key_range){begin.first, last.end};
    return tile;
}

struct fl_key_range fl_tile_left(const struct fl_attention_shape *shape, const struct fl_tile *tile,
                                 int i)
{
    struct fl_key_range seen = fl_attention_visible(shape, tile->head.span, tile->first + i);
    return (struct fl_key_range){seen.first, smaller(seen.end, tile->common.first)};
}

struct fl_key_range fl_tile_right(const struct fl_attention_shape *shape,
                                  const struct fl_tile *tile, int i)
{
    struct fl_key_range seen = fl_attention_visible(shape, tile->head.span, tile->first + i);
    return (struct fl_key_range){larger(seen.first, tile->common.end), seen.end};
}

size_t fl_tile_query(const struct fl_tile *tile, int row)
{
    return tile->head.queries + (size_t)(tile->first + row) * tile->head.q_stride;
}

bool fl_tile_find(struct fl_tile *tile, const struct fl_attention_job *job, size_t index)
{
    const struct fl_attention_shape *shape = job->shape;
    const int piece = (int)(index % (size_t)job->n_pieces);
    const size_t head = index / (size_t)job->n_pieces;
    const int span = (int)(head / (size_t)shape->n_heads);
    if (shape->spans[span].n_tokens == 1 || piece >= fl_tiles_of(&shape->spans[span]))
        return false;
    *tile = fl_tile_at(shape, span, (int)(head % (size_t)shape->n_heads), piece);
    return true;
}

void fl_tile_for_each(void (*body)(const void *job, size_t index), struct fl_attention_job *job)
{
    const struct fl_attention_shape *shape = job->shape;
    for (int i = 0; i < shape->n_spans; i++)
        job->n_pieces = larger(job->n_pieces, fl_tiles_of(&shape->spans[i]));
    fl_parallel_tasks((size_t)shape->n_spans * (size_t)shape->n_heads * (size_t)job->n_pieces,
                      fl_attention_parallel(shape, fl_attention_visible_pairs(shape)), body, job);
}
