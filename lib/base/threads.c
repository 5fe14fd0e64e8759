#include "base/threads.h"

#include <sched.h>
#include <stdlib.h>

int fl_usable_cores(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

int fl_default_threads(void)
{
    enum { MOST = 1024 };
    const char *text = getenv("OMP_NUM_THREADS");
    char *end;
    const long n = text ? strtol(text, &end, 10) : 0;
    return n >= 1 && n <= MOST && (*end == '\0' || *end == ',') ? (int)n : fl_usable_cores();
}
