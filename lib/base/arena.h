/* arena.h - one block of memory per session, handed out in pieces and freed at once.
 *
 * The size is planned first: run the same sequence of requests against an arena
 * whose base is NULL (a measuring arena), read `used`, open the real one, and run it again. */
#ifndef FL_BASE_ARENA_H
#define FL_BASE_ARENA_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

struct fl_arena {
    char *base;    /* NULL while measuring */
    size_t size;   /* bytes */
    size_t used;   /* bytes; every piece starts on a 64-byte line */
    bool overflow; /* a request did not fit in size_t, or in the block */
};

/* Reserves zeroed memory. `what` names the owner in the error sentence. */
int fl_arena_open(struct fl_arena *arena, size_t size, const char *what, struct fl_error *error);
void fl_arena_close(struct fl_arena *arena);

/* A piece of n*size bytes, 64-byte aligned. NULL while measuring or after overflow. */
void *fl_arena_take(struct fl_arena *arena, size_t n, size_t size);

/* The same for a tensor, n being the product of its dimensions [n_dimensions]. */
void *fl_arena_take_tensor(struct fl_arena *arena, const size_t *dimensions, int n_dimensions,
                           size_t size);

/* FL_ARENA_FLOATS(arena, n_rows, d_model): a matrix of f32. */
#define FL_ARENA_FLOATS(arena, ...) FL_ARENA_TENSOR(arena, sizeof(float), __VA_ARGS__)
#define FL_ARENA_TENSOR(arena, size, ...)                                                          \
    fl_arena_take_tensor(arena, (const size_t[]){__VA_ARGS__},                                     \
                         (int)(sizeof((const size_t[]){__VA_ARGS__}) / sizeof(size_t)), size)

static inline float *fl_arena_floats(struct fl_arena *arena, size_t n)
{
    return fl_arena_take(arena, n, sizeof(float));
}

#endif
