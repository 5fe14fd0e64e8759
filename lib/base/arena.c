#include "base/arena.h"
#include "base/checked.h"

#include <string.h>
#include <sys/mman.h>

enum { LINE = 64 };

int fl_arena_open(struct fl_arena *arena, size_t size, const char *what, struct fl_error *error)
{
    *arena = (struct fl_arena){0};
    if (size == 0)
        size = LINE;
    void *base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED)
        return fl_fail(error, "%s: cannot reserve %zu bytes of memory", what, size);
#ifdef MADV_HUGEPAGE
    madvise(base, size, MADV_HUGEPAGE); /* fewer TLB misses on the KV cache; a hint only */
#endif
    arena->base = base;
    arena->size = size;
    return FL_OK;
}

void fl_arena_close(struct fl_arena *arena)
{
    if (arena->base)
        munmap(arena->base, arena->size);
    *arena = (struct fl_arena){0};
}

void *fl_arena_take(struct fl_arena *arena, size_t n, size_t size)
{
    size_t bytes, end;
    if (arena->overflow || !fl_size_mul(n, size, &bytes) || !fl_size_add(bytes, LINE - 1, &bytes) ||
        !fl_size_add(arena->used, bytes & ~(size_t)(LINE - 1), &end) ||
        (arena->base && end > arena->size)) {
        arena->overflow = true;
        return NULL;
    }
    char *piece = arena->base ? arena->base + arena->used : NULL;
    arena->used = end;
    return piece;
}

void *fl_arena_take_tensor(struct fl_arena *arena, const size_t *dimensions, int n_dimensions,
                           size_t size)
{
    size_t n;
    if (!fl_size_product(dimensions, n_dimensions, &n)) {
        arena->overflow = true;
        return NULL;
    }
    return fl_arena_take(arena, n, size);
}
