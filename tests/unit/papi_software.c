/* Stands in front of two functions that libpapi calls: libpfm4's pfm_get_pmu_info() and the C
 * library's syscall(). Until one of the functions of
 * papi_software.h is called, both only pass on. */
#include "papi_software.h"

#include <dlfcn.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
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

enum { N_FDS = 4096 };

static bool offering;

/* Of a processor that is pretended. */
static const char *pretended; /* or NULL */
static int n_registers, n_in_group[N_FDS] /* by the leader's descriptor */;

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

/* Whether PAPI is to see a unit that libpfm4 says is there, or not. */
static bool is_present(get_pmu_fn get, const struct pmu_info *info)
{
    if (pretended && info->type == PMU_CORE)
        return strcmp(info->name, pretended) == 0;
    for (size_t i = 0; offering && i < sizeof STAND_INS / sizeof *STAND_INS; i++)
        if (strcmp(info->name, STAND_INS[i]) == 0 && !knows_processor(get))
            return true;
    return info->is_present;
}

int pfm_get_pmu_info(int pmu, struct pmu_info *info)
{
    get_pmu_fn get;
    *(void **)&get = next("pfm_get_pmu_info");
    if (!get)
        return -1; /* no libpfm4 in the process, and nobody to ask */
    int code = get(pmu, info);
    if (code == 0 && info->name)
        info->is_present = is_present(get, info) ? 1 : 0;
    return code;
}

/* The event that is counted instead of a hardware event. */
static void make_software(struct perf_event_attr *attr, uint64_t config)
{
    attr->type = PERF_TYPE_SOFTWARE;
    attr->config = config;
    attr->config1 = attr->config2 = 0;
    if (attr->size == 0)
        attr->size = PERF_ATTR_SIZE_VER0;
}

/* False when the group has no register left for another hardware event. */
static bool take_register(int leader)
{
    return leader < 0 || leader >= N_FDS || ++n_in_group[leader] <= n_registers;
}

/* The kernel takes pid, cpu and leader as int: the upper half of the word is anything. */
static long open_event(struct perf_event_attr *attr, int pid, int cpu, int leader, long flags,
                       long (*call)(long, long, long, long, long, long, long))
{
    bool software = attr->type == PERF_TYPE_SOFTWARE;
    /* PAPI asks for permission with a counter of instructions. */
    if (offering && attr->type == PERF_TYPE_HARDWARE && attr->config == PERF_COUNT_HW_INSTRUCTIONS)
        make_software(attr, PERF_COUNT_SW_DUMMY);
    else if (pretended && !software) {
        make_software(attr, PERF_COUNT_SW_PAGE_FAULTS);
        if (!take_register(leader)) {
            errno = ENOSPC;
            return -1;
        }
    }
    long fd = call(SYS_perf_event_open, (long)attr, pid, cpu, leader, flags, 0);
    if (leader < 0 && fd >= 0 && fd < N_FDS)
        n_in_group[fd] = software ? 0 : 1;
    return fd;
}

long stand_in_syscall(long number, long a, long b, long c, long d, long e, long f)
{
    long (*call)(long, long, long, long, long, long, long);
    *(void **)&call = next("syscall");
    if (number != SYS_perf_event_open || (!offering && !pretended))
        return call(number, a, b, c, d, e, f);
    struct perf_event_attr attr = {.size = 0};
    const uint32_t size = ((const struct perf_event_attr *)a)->size;
    memcpy(&attr, (const void *)a,
           size == 0            ? PERF_ATTR_SIZE_VER0
           : size < sizeof attr ? size
                                : sizeof attr);
    return open_event(&attr, (int)b, (int)c, (int)d, e, call);
}

bool papi_hardware(void)
{
    struct perf_event_attr attr = {
        .type = PERF_TYPE_HARDWARE,
        .size = sizeof attr,
        .config = PERF_COUNT_HW_CPU_CYCLES,
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

void papi_pretend_processor(const char *pmu, int n)
{
    setenv("LIBPFM_ENCODE_INACTIVE", "1", 1);
    pretended = pmu;
    n_registers = n;
}
