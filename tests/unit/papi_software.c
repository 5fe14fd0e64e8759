/* Stands in front of two functions that libpapi calls: libpfm4's pfm_get_pmu_info() and the C
 * library's syscall(). Until papi_offer_software_events() both only pass on. */
#include "papi_software.h"

#include <dlfcn.h>
#include <linux/perf_event.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The start of libpfm4's pfm_pmu_info_t (perfmon/pfmlib.h, ABI version 4), whose header comes
 * with a package that nothing else needs. */
struct pmu_info {
    const char *name, *description;
    size_t size;
    int pmu, type, n_events, first_event, max_encoding, n_counters, n_fixed;
    unsigned is_present : 1;
};

enum { PMU_CORE = 1, PMU_END = -2 /* PFM_ERR_INVAL */ };
typedef int (*get_pmu_fn)(int pmu, struct pmu_info *info);

static bool offering;

/* One that libpfm4 has for all x86 and one for all Arm. */
static const char *const STAND_INS[] = {"amd64_fam19h_zen4", "arm_n1"};

int pfm_get_pmu_info(int pmu, struct pmu_info *info);

/* Takes the place of syscall(), whose arguments are words however many there are. */
long stand_in_syscall(long number, long a, long b, long c, long d, long e,
                      long f) __asm__("syscall");

static void *next(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

/* PAPI refuses two units; "ix86arch" is no processor's own. */
static bool knows_processor(get_pmu_fn get)
{
    for (int pmu = 0;; pmu++) {
        struct pmu_info info = {.size = sizeof info};
        int code = get(pmu, &info);
        if (code == PMU_END)
            return false;
        if (code == 0 && info.type == PMU_CORE && info.is_present &&
            strcmp(info.name, "ix86arch") != 0)
            return true;
    }
}

int pfm_get_pmu_info(int pmu, struct pmu_info *info)
{
    get_pmu_fn get;
    *(void **)&get = next("pfm_get_pmu_info");
    if (!get)
        return -1; /* no libpfm4 in the process, and nobody to ask */
    int code = get(pmu, info);
    if (!offering || code != 0 || !info->name)
        return code;
    for (size_t i = 0; i < sizeof STAND_INS / sizeof *STAND_INS; i++)
        if (strcmp(info->name, STAND_INS[i]) == 0 && !knows_processor(get))
            info->is_present = 1;
    return code;
}

long stand_in_syscall(long number, long a, long b, long c, long d, long e, long f)
{
    long (*call)(long, long, long, long, long, long, long);
    struct perf_event_attr attr;
    *(void **)&call = next("syscall");
    if (offering && number == SYS_perf_event_open) {
        /* PAPI's question for permission leaves the size at 0, which no event does. */
        memcpy(&attr, (const void *)a, PERF_ATTR_SIZE_VER0);
        if (attr.size == 0 && attr.type == PERF_TYPE_HARDWARE) {
            attr.type = PERF_TYPE_SOFTWARE;
            attr.config = PERF_COUNT_SW_DUMMY;
            attr.size = PERF_ATTR_SIZE_VER0;
            a = (long)&attr;
        }
    }
    return call(number, a, b, c, d, e, f);
}

bool papi_hardware(void)
{
    struct perf_event_attr attr = {
        .type = PERF_TYPE_HARDWARE,
        .size = sizeof attr,
        .config = PERF_COUNT_HW_INSTRUCTIONS,
        .exclude_kernel = 1,
        .exclude_hv = 1,
    };
    long fd = syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
    if (fd >= 0)
        close((int)fd);
    return fd >= 0;
}

void papi_offer_software_events(void)
{
    offering = !papi_hardware();
}
