#include "counters/papi_library.h"

#ifdef FL_HAS_PAPI

#include <dirent.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif

/* ---- why there is nothing to count ---- */

static bool in_virtual_machine(void)
{
#if defined(__x86_64__) || defined(__i386__)
    unsigned eax, ebx, ecx, edx; /* leaf 1, ECX bit 31: a hypervisor is there */
    return __get_cpuid(1, &eax, &ebx, &ecx, &edx) && (ecx >> 31 & 1);
#else
    return access("/sys/hypervisor/type", F_OK) == 0;
#endif
}

static int paranoid_level(void)
{
    int level = -1;
    FILE *file = fopen("/proc/sys/kernel/perf_event_paranoid", "r");
    if (!file)
        return level;
    if (fscanf(file, "%d", &level) != 1)
        level = -1;
    fclose(file);
    return level;
}

/* Asks the kernel for a cycle counter; writes why there is none, or an empty text. */
static void say_why_no_hardware(char *out, size_t size)
{
    struct perf_event_attr cycles = {
        .type = PERF_TYPE_HARDWARE,
        .size = sizeof cycles,
        .config = PERF_COUNT_HW_CPU_CYCLES,
        .disabled = 1,
        .exclude_kernel = 1,
        .exclude_hv = 1,
    };
    long fd = syscall(SYS_perf_event_open, &cycles, 0, -1, -1, 0);
    int code = errno;
    *out = '\0';
    if (fd >= 0) {
        close((int)fd);
        return;
    }
    switch (code) {
    case ENOENT:
    case ENODEV:
    case EOPNOTSUPP:
        snprintf(out, size, "no hardware counters (%s)",
                 in_virtual_machine() ? "virtual machine"
                                      : "this kernel has no driver for the processor's");
        break;
    case EACCES:
    case EPERM:
        if (paranoid_level() > 2)
            snprintf(out, size,
                     "the system keeps users from counting: perf_event_paranoid is %d, expected "
                     "2 or less",
                     paranoid_level());
        else
            snprintf(out, size, "perf_event_open is forbidden here, as container filters do (%s)",
                     strerror(code));
        break;
    case ENOSYS:
        snprintf(out, size, "this kernel, or a container's filter, has no perf_event_open");
        break;
    default:
        snprintf(out, size, "perf_event_open: %s", strerror(code));
    }
}

const PAPI_component_info_t *fl_papi_threads_component(int *index)
{
    for (int i = 0; i < PAPI_num_components(); i++) {
        const PAPI_component_info_t *info = PAPI_get_component_info(i);
        if (info && strcmp(info->name, "perf_event") == 0) {
            *index = i;
            return info;
        }
    }
    *index = -1;
    return NULL;
}

/* The first unit that is not generic. */
const char *fl_papi_pmu_name(void)
{
    int index;
    const PAPI_component_info_t *info = fl_papi_threads_component(&index);
    static const char *const GENERIC[] = {"perf", "perf_raw", "ix86arch"};
    for (int i = 0; info && !info->disabled && i < PAPI_PMU_MAX && info->pmu_names[i]; i++) {
        bool generic = false;
        for (size_t k = 0; k < sizeof GENERIC / sizeof *GENERIC; k++)
            generic |= strcmp(info->pmu_names[i], GENERIC[k]) == 0;
        if (!generic)
            return info->pmu_names[i];
    }
    return "";
}

void fl_papi_why_not(char *out, size_t size)
{
    int index;
    say_why_no_hardware(out, size);
    if (*out)
        return;
    const PAPI_component_info_t *info = fl_papi_threads_component(&index);
    if (!info)
        snprintf(out, size, "this PAPI was built without its perf_event component");
    else if (info->disabled && strstr(info->disabled_reason, "no default PMU"))
        snprintf(out, size,
                 "PAPI's libpfm4 does not know this processor; LIBPFM_FORCE_PMU may name one that "
                 "counts alike (docs/counters.md)");
    else if (info->disabled)
        snprintf(out, size, "PAPI's perf_event component is disabled: %.100s",
                 info->disabled_reason);
}

int fl_papi_start(bool *started, struct fl_error *error)
{
    *started = PAPI_is_initialized() == PAPI_NOT_INITED;
    if (!*started)
        return FL_OK;
    int code = PAPI_library_init(PAPI_VER_CURRENT);
    if (code == PAPI_VER_CURRENT)
        return FL_OK;
    return fl_fail(error, "unavailable: PAPI does not start: %s",
                   code > 0 ? "the library is of another version than its header"
                            : PAPI_strerror(code));
}

void fl_papi_version(char *out, size_t size)
{
    int version = PAPI_get_opt(PAPI_LIB_VERSION, NULL);
    snprintf(out, size, "PAPI %d.%d.%d", PAPI_VERSION_MAJOR(version), PAPI_VERSION_MINOR(version),
             PAPI_VERSION_REVISION(version));
}

/* ---- event sets ---- */

void fl_papi_drop_set(int *handle)
{
    if (*handle == PAPI_NULL)
        return;
    PAPI_cleanup_eventset(*handle);
    PAPI_destroy_eventset(handle);
    *handle = PAPI_NULL;
}

static bool counts_by_thread(int component)
{
    int index;
    return fl_papi_threads_component(&index) && component == index;
}

/* Inheriting also has PAPI read through the kernel: its shorter way, the rdpmc
 * instruction, would read the registers of the thread that asks instead of those of tid. A set
 * that is not multiplexed is pinned: its events count all of the time, or the kernel says that
 * they do not. */
int fl_papi_make_set(int component, int tid, int *handle)
{
    *handle = PAPI_NULL;
    int code = PAPI_create_eventset(handle);
    if (code == PAPI_OK)
        code = PAPI_assign_eventset_component(*handle, component);
    if (code == PAPI_OK && counts_by_thread(component)) {
        PAPI_option_t option = {
            .inherit = {.eventset = *handle, .inherit = PAPI_INHERIT_ALL},
        };
        code = PAPI_set_opt(PAPI_INHERIT, &option);
        if (code == PAPI_OK)
            code = PAPI_attach(*handle, (unsigned long)tid);
    }
    if (code != PAPI_OK)
        fl_papi_drop_set(handle);
    return code;
}

int fl_papi_own_tid(void)
{
    return (int)syscall(SYS_gettid);
}

int fl_papi_new_descriptor(bool known[FL_PAPI_DESCRIPTORS])
{
    int lowest = -1;
    DIR *directory = opendir("/proc/self/fd");
    for (struct dirent *entry; directory && (entry = readdir(directory));) {
        char target[64];
        ssize_t length = readlinkat(dirfd(directory), entry->d_name, target, sizeof target - 1);
        int descriptor = atoi(entry->d_name);
        if (length <= 0 || descriptor >= FL_PAPI_DESCRIPTORS || known[descriptor])
            continue;
        target[length] = '\0';
        if (!strstr(target, "[perf_event]"))
            continue;
        known[descriptor] = true;
        if (lowest < 0 || descriptor < lowest)
            lowest = descriptor;
    }
    if (directory)
        closedir(directory);
    return lowest;
}

/* perf_event_open(2): reading an event in the error state, that of a pinned event without its
 * register, yields nothing. */
bool fl_papi_still_counts(int descriptor)
{
    uint64_t values[64]; /* room for a group, with its times */
    return read(descriptor, values, sizeof values) > 0;
}

int fl_papi_try(const char *name)
{
    int id, handle = PAPI_NULL;
    int code = PAPI_event_name_to_code(name, &id);
    if (code == PAPI_OK)
        code = fl_papi_make_set(PAPI_get_event_component(id), fl_papi_own_tid(), &handle);
    if (code == PAPI_OK)
        code = PAPI_add_event(handle, id);
    fl_papi_drop_set(&handle);
    return code;
}

#endif
