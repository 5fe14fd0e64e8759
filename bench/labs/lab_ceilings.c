#include "bench/labs/lab_ceilings.h"

#include "analyzers/roofline.h"
#include "base/arena.h"
#include "bench/hostinfo.h"
#include "bench/peaks_cache.h"
#include "ledger/ledger.h"

#include <cblas.h>
#include <omp.h>

enum {
    PEAK_SIZE = 1024, /* three matrices of 4 MiB: far right of any ridge point */
    N_COLUMNS = 4096,
    N_REPEATS = 5
};

struct buffers {
    struct fl_arena arena;
    float *a, *b, *c;      /* [PEAK_SIZE, PEAK_SIZE] */
    float *matrix, *x, *y; /* [n_rows, N_COLUMNS], [N_COLUMNS], [n_rows] */
    int n_rows;
};

static void plan(struct buffers *buffers)
{
    const size_t n = (size_t)PEAK_SIZE * PEAK_SIZE, n_rows = (size_t)buffers->n_rows;
    buffers->a = fl_arena_floats(&buffers->arena, n);
    buffers->b = fl_arena_floats(&buffers->arena, n);
    buffers->c = fl_arena_floats(&buffers->arena, n);
    buffers->matrix = fl_arena_floats(&buffers->arena, n_rows * N_COLUMNS);
    buffers->x = fl_arena_floats(&buffers->arena, N_COLUMNS);
    buffers->y = fl_arena_floats(&buffers->arena, n_rows);
}

static int open_buffers(struct buffers *buffers, size_t n_bytes, struct fl_error *error)
{
    *buffers = (struct buffers){.n_rows = (int)(n_bytes / (N_COLUMNS * sizeof(float))) + 1};
    plan(buffers);
    const size_t size = buffers->arena.used;
    if (fl_arena_open(&buffers->arena, size, "lab 4", error) != FL_OK)
        return FL_FAILED;
    plan(buffers);
    /* pages that were never written all show the same zeros: reading them is no memory traffic */
    for (size_t i = 0; i < size / sizeof(float); i++)
        ((float *)(void *)buffers->arena.base)[i] = 1.0f;
    return FL_OK;
}

static void multiply(const struct buffers *b)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, PEAK_SIZE, PEAK_SIZE, PEAK_SIZE, 1.0f,
                b->a, PEAK_SIZE, b->b, PEAK_SIZE, 0.0f, b->c, PEAK_SIZE);
}

static void read_matrix(const struct buffers *b)
{
    cblas_sgemv(CblasRowMajor, CblasNoTrans, b->n_rows, N_COLUMNS, 1.0f, b->matrix, N_COLUMNS, b->x,
                1, 0.0f, b->y, 1);
}

/* The least time of a few calls, behind one that warms up: a ceiling is what nothing disturbs. */
static double least_ns(void (*call)(const struct buffers *), const struct buffers *buffers)
{
    double least = 0;
    call(buffers);
    for (int i = 0; i < N_REPEATS; i++) {
        const uint64_t started = fl_clock_ns();
        call(buffers);
        const double time_ns = (double)(fl_clock_ns() - started);
        if (i == 0 || time_ns < least)
            least = time_ns;
    }
    return least;
}

static bool find_kept(struct fl_lab_ceilings *ceilings, size_t n_bytes, int n_threads)
{
    struct fl_run host = {0};
    struct fl_peaks peaks;
    struct fl_roofs roofs;
    struct fl_error why; /* none are needed */
    fl_hostinfo_fill(&host);
    ceilings->kept = fl_peaks_of_host(&peaks, &host, &why) &&
                     fl_roofs_find(&roofs, peaks.rows, peaks.n, n_threads);
    if (ceilings->kept) {
        ceilings->flops_per_s = roofs.flops_per_s;
        ceilings->bytes_per_s = roofs.bytes_per_s[fl_roofs_level(&roofs, (double)n_bytes)];
    }
    fl_peaks_free(&peaks);
    return ceilings->kept;
}

int fl_lab_ceilings_find(struct fl_lab_ceilings *ceilings, size_t n_bytes, int n_threads,
                         struct fl_error *error)
{
    struct buffers buffers;
    const int n_before = omp_get_max_threads();
    if (find_kept(ceilings, n_bytes, n_threads))
        return FL_OK;
    if (open_buffers(&buffers, n_bytes, error) != FL_OK)
        return FL_FAILED;
    omp_set_num_threads(n_threads);
    const double n = PEAK_SIZE;
    ceilings->flops_per_s = 2 * n * n * n / least_ns(multiply, &buffers) * 1e9;
    ceilings->bytes_per_s =
        (double)buffers.n_rows * N_COLUMNS * sizeof(float) / least_ns(read_matrix, &buffers) * 1e9;
    omp_set_num_threads(n_before);
    fl_arena_close(&buffers.arena);
    return FL_OK;
}
