#include "ops/blas_excess.h"

#include <cblas.h>

#include <stddef.h>
#include <strings.h>

/* One call of a core's kernel: a block of rows by all columns by one panel, in OpenBLAS's own,
 * column-major terms. */
struct block {
    int64_t m, n, k;
    bool first; /* of its panel: OpenBLAS hands over the columns in small groups, while it packs
                   them */
};

struct core {
    const char *name;
    int p, q;     /* longest block of rows, longest panel */
    int unroll_m; /* what both are rounded to where they are halved */
    void (*tiles)(struct fl_excess *excess, const struct block *block);
};

/* Tiles of 16 x 12, 16 x 8, 16 x 4, and edges down to one: columns go by twelves, then by eight if
 * they come together, by fours, then two and one. */
static void haswell_tiles(struct fl_excess *excess, const struct block *block)
{
    int64_t *partial = &excess->flops[FL_EXCESS_GEMM_PARTIAL];
    int64_t *edges = &excess->flops[FL_EXCESS_GEMM_EDGES];
    int64_t twelves = block->n / 12, fours = block->n % 12 / 4, last = block->n % 4;
    bool together = fours == 2 && !block->first;
    int64_t sixteens = block->m / 16;
    bool eight = block->m & 8, two = block->m & 2, one = block->m & 1;

    *partial += twelves * ((sixteens > 0 ? 96 : 0) + (one ? 24 : 0));
    *partial += fours * (one ? 8 : 0);
    if (!together)
        *partial += fours * (64 * sixteens + (eight ? 32 : 0));
    /* 2 x 2, 2 x 1 and 1 x 2 in registers of four lanes */
    int64_t lanes = (last & 2 ? (two ? 4 : 0) + (one ? 2 : 0) : 0) + (last & 1 && two ? 2 : 0);
    *edges += 2 * lanes * (block->k + 1);
}

static const struct core CORES[] = {
    {"Sandybridge", 768, 384, 16, NULL},
    {"Haswell", 320, 320, 16, haswell_tiles},
    {"Zen", 320, 320, 16, haswell_tiles},
};

static const struct core *find_core(const char *name)
{
    for (size_t i = 0; i < sizeof CORES / sizeof *CORES; i++)
        if (strcasecmp(CORES[i].name, name) == 0)
            return &CORES[i];
    return NULL;
}

bool fl_blas_core_known(const char *core)
{
    return find_core(core) != NULL;
}

/* The first piece of n: `most`, or all, or half where a piece of `most` would leave little. */
static int64_t piece(int64_t n, int most, int unroll)
{
    if (n >= 2 * (int64_t)most)
        return most;
    return n > most ? (n / 2 + unroll - 1) / unroll * unroll : n;
}

struct fl_excess fl_sgemm_excess(int m, int n, int k)
{
    struct fl_excess excess = {0};
    const struct core *core = find_core(openblas_get_corename());
    if (!core || m <= 0 || n <= 0 || k <= 0)
        return excess;
    /* Row-major C is the transpose of column-major C: rows and columns change places. */
    const int64_t rows = n, columns = m;
    excess.flops[FL_EXCESS_GEMM_CALLS] = 2;
    for (int64_t left = k, panel; left > 0; left -= panel) {
        panel = piece(left, core->q, core->unroll_m);
        excess.flops[FL_EXCESS_GEMM_ALPHA] += rows * columns;
        excess.flops[FL_EXCESS_GEMM_PANELS] += rows * columns;
        for (int64_t rows_left = rows, height; core->tiles && rows_left > 0; rows_left -= height) {
            height = piece(rows_left, core->p, core->unroll_m);
            core->tiles(&excess, &(struct block){height, columns, panel, rows_left == rows});
        }
    }
    return excess;
}
