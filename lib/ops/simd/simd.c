#include "ops/simd/simd.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

extern const struct fl_simd fl_simd_portable;

static bool always(void)
{
    return true;
}

#if defined(__x86_64__)
extern const struct fl_simd fl_simd_avx2, fl_simd_avx512;

static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
           __builtin_cpu_supports("f16c");
}

static bool has_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
}
#endif

static const struct {
    const struct fl_simd *simd;
    bool (*supported)(void);
} SETS[] = {
    {&fl_simd_portable, always},
#if defined(__x86_64__)
    {&fl_simd_avx2, has_avx2},
    {&fl_simd_avx512, has_avx512},
#endif
};
enum { N_SETS = sizeof SETS / sizeof *SETS };

const char *const fl_simd_names[] = {"portable", "avx2", "avx512", NULL};

static _Atomic(const struct fl_simd *) chosen;

static const struct fl_simd *choose(void)
{
    const char *limit = getenv("FL_ISA");
    const struct fl_simd *best = &fl_simd_portable;
    for (int i = 0; i < N_SETS; i++) {
        if (SETS[i].supported())
            best = SETS[i].simd;
        if (limit && strcmp(limit, SETS[i].simd->name) == 0)
            break;
    }
    return best;
}

const struct fl_simd *fl_simd(void)
{
    const struct fl_simd *simd = atomic_load_explicit(&chosen, memory_order_acquire);
    if (!simd) {
        simd = choose(); /* threads that race here agree */
        atomic_store_explicit(&chosen, simd, memory_order_release);
    }
    return simd;
}

const char *fl_simd_name(void)
{
    return fl_simd()->name;
}

bool fl_simd_has(const char *name)
{
    for (int i = 0; i < N_SETS; i++)
        if (strcmp(name, SETS[i].simd->name) == 0)
            return SETS[i].supported();
    return false;
}

bool fl_simd_select(const char *name)
{
    const struct fl_simd *simd = name ? NULL : choose();
    for (int i = 0; name && i < N_SETS; i++)
        if (strcmp(name, SETS[i].simd->name) == 0 && SETS[i].supported())
            simd = SETS[i].simd;
    if (!simd)
        return false;
    atomic_store_explicit(&chosen, simd, memory_order_release);
    return true;
}
