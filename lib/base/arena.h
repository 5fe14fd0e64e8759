/* arena.h - one block of memory per session, handed out in pieces and freed at once.
 *
 * The size is planned first: run the same sequence of fl_arena_floats() calls against an arena
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

static inline float *fl_arena_floats(struct fl_arena *arena, size_t n)
{
    return fl_arena_take(arena, n, sizeof(float));
}

#endif
