#include "ops/parallel.h"

#include <omp.h>

static bool alone(size_t n, bool worth)
{
    return !worth || n < 2 || omp_get_max_threads() == 1 || omp_in_parallel();
}

static void in_order(size_t n, void (*body)(const void *job, size_t i), const void *job)
{
    for (size_t i = 0; i < n; i++)
        body(job, i);
}

void fl_parallel_rows(size_t n, bool worth, void (*body)(const void *job, size_t i),
                      const void *job)
{
    if (alone(n, worth)) {
        in_order(n, body, job);
        return;
    }
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < n; i++)
        body(job, i);
}

void fl_parallel_tasks(size_t n, bool worth, void (*body)(const void *job, size_t i),
                       const void *job)
{
    if (alone(n, worth)) {
        in_order(n, body, job);
        return;
    }
#pragma omp parallel for schedule(dynamic)
    for (size_t i = 0; i < n; i++)
        body(job, i);
}
