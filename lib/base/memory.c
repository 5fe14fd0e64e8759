#include "base/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const double GIB = 1024.0 * 1024.0 * 1024.0;

/* The number behind `key` in a file of "key number" lines; an empty key takes the file's first
 * number. UINT64_MAX when there is none, as in an unlimited group's "max". */
static uint64_t read_number(const char *path, const char *key)
{
    FILE *file = fopen(path, "r");
    if (!file)
        return UINT64_MAX;
    uint64_t number = UINT64_MAX;
    size_t length = strlen(key);
    char line[256];
    while (fgets(line, sizeof line, file))
        if (strncmp(line, key, length) == 0 && sscanf(line + length, "%" SCNu64, &number) == 1)
            break;
    fclose(file);
    return number;
}

static uint64_t machine_available(void)
{
    uint64_t kib = read_number("/proc/meminfo", "MemAvailable:");
    return kib == UINT64_MAX ? kib : kib * 1024;
}

/* Version 2 of control groups, as a container sees its own. The group's use includes file pages
 * that the kernel drops on demand. */
static uint64_t group_available(void)
{
    uint64_t limit = read_number("/sys/fs/cgroup/memory.max", "");
    uint64_t used = read_number("/sys/fs/cgroup/memory.current", "");
    uint64_t droppable = read_number("/sys/fs/cgroup/memory.stat", "inactive_file ");
    if (limit == UINT64_MAX || used == UINT64_MAX)
        return UINT64_MAX;
    if (droppable != UINT64_MAX)
        used -= droppable < used ? droppable : used;
    return limit > used ? limit - used : 0;
}

static uint64_t available_bytes(void)
{
    uint64_t machine = machine_available(), group = group_available();
    return machine < group ? machine : group;
}

int fl_memory_require(uint64_t bytes, const char *what, struct fl_error *error)
{
    uint64_t available = available_bytes();
    if (bytes <= available)
        return FL_OK;
    return fl_fail(error, "%s needs %.2f GiB of memory, %.2f GiB are available", what,
                   (double)bytes / GIB, (double)available / GIB);
}
