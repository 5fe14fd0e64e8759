#include "bench/cache_levels.h"

#include "analyzers/roofline.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INDICES = 10, LONGEST_LINE = 4096 };

/* Of many processors of the last ten years; used where a machine says nothing. */
static const struct fl_cache_level ASSUMED[] = {
    {32 << 10, 1}, {1 << 20, 1}, {32 << 20, 1 << 20 /* all */}};

/* The first line, without its newline; "" when there is none. */
static void read_line(char out[LONGEST_LINE], const char *root, int index, const char *name)
{
    char path[1024];
    out[0] = '\0';
    int n = snprintf(path, sizeof path, "%s/sys/devices/system/cpu/cpu0/cache/index%d/%s", root,
                     index, name);
    FILE *file = n > 0 && (size_t)n < sizeof path ? fopen(path, "re") : NULL;
    if (!file)
        return;
    if (!fgets(out, LONGEST_LINE, file))
        out[0] = '\0';
    out[strcspn(out, "\n")] = '\0';
    fclose(file);
}

/* "48K", "2M", "32768"; 0 when it is none of these, or nothing a cache could be. */
static uint64_t parse_size(const char *text)
{
    char *end;
    if (*text < '0' || *text > '9')
        return 0;
    unsigned long long value = strtoull(text, &end, 10);
    const int shift = *end == 'K' ? 10 : *end == 'M' ? 20 : *end == 'G' ? 30 : 0;
    if ((shift && end[1]) || (!shift && *end) || value > (UINT64_C(1) << 40) >> shift)
        return 0;
    return (uint64_t)value << shift;
}

/* Processors in "0-3,8,10-11"; 0 when it is no such list. */
static int parse_list(const char *text)
{
    long n = 0;
    while (*text) {
        char *end;
        long first = strtol(text, &end, 10), last = first;
        if (end == text || first < 0)
            return 0;
        if (*end == '-') {
            text = end + 1;
            last = strtol(text, &end, 10);
            if (end == text || last < first)
                return 0;
        }
        n += last - first + 1;
        if (n > 1 << 20 || (*end && *end != ','))
            return 0;
        text = *end ? end + 1 : end;
    }
    return (int)n;
}

/* Sizes of a level must grow, or the level says nothing. */
static bool is_sound(const struct fl_cache_levels *caches)
{
    for (int i = 0; i < caches->n_levels; i++)
        if (caches->levels[i].bytes < 1024 || caches->levels[i].n_sharing < 1 ||
            (i > 0 && caches->levels[i].bytes <= caches->levels[i - 1].bytes))
            return false;
    return caches->n_levels > 0;
}

void fl_cache_levels_read(struct fl_cache_levels *caches, const char *root, int n_cores)
{
    *caches = (struct fl_cache_levels){.n_cores = n_cores > 0 ? n_cores : 1};
    for (int index = 0; index < INDICES; index++) {
        char level[LONGEST_LINE], type[LONGEST_LINE], size[LONGEST_LINE], sharing[LONGEST_LINE];
        read_line(level, root, index, "level");
        read_line(type, root, index, "type");
        read_line(size, root, index, "size");
        read_line(sharing, root, index, "shared_cpu_list");
        const int number = level[0] >= '1' && level[0] <= '3' && !level[1] ? level[0] - '0' : 0;
        if (!number || (strcmp(type, "Data") != 0 && strcmp(type, "Unified") != 0))
            continue;
        caches->levels[number - 1] =
            (struct fl_cache_level){parse_size(size), *sharing ? parse_list(sharing) : 0};
        caches->n_levels = number > caches->n_levels ? number : caches->n_levels;
    }
    if (is_sound(caches))
        return;
    caches->assumed = true;
    caches->n_levels = FL_CACHE_LEVELS_MAX;
    memcpy(caches->levels, ASSUMED, sizeof ASSUMED);
    for (int i = 0; i < caches->n_levels; i++)
        if (caches->levels[i].n_sharing > caches->n_cores)
            caches->levels[i].n_sharing = caches->n_cores;
}

char *fl_cache_levels_text(const struct fl_cache_levels *caches, char out[FL_CACHE_TEXT])
{
    size_t used = (size_t)snprintf(out, FL_CACHE_TEXT, "%s", caches->assumed ? "assumed " : "");
    for (int i = 0; i < caches->n_levels && used < FL_CACHE_TEXT; i++)
        used += (size_t)snprintf(out + used, FL_CACHE_TEXT - used, "%s%s %llu KiB/%d",
                                 i ? ", " : "", fl_memory_level_names[i],
                                 (unsigned long long)(caches->levels[i].bytes >> 10),
                                 caches->levels[i].n_sharing);
    return out;
}

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

uint64_t fl_cache_capacity(const struct fl_cache_levels *caches, int level, int n_threads)
{
    const struct fl_cache_level *cache = &caches->levels[level];
    const int n_instances = (caches->n_cores + cache->n_sharing - 1) / cache->n_sharing;
    return cache->bytes * (uint64_t)smaller(n_threads, n_instances);
}

/* A thread's part of an instance, threads filling one instance after the other. */
static double share(const struct fl_cache_levels *caches, int level, int n_threads)
{
    const struct fl_cache_level *cache = &caches->levels[level];
    return (double)cache->bytes / smaller(cache->n_sharing, n_threads);
}

uint64_t fl_cache_working_set(const struct fl_cache_levels *caches, int level, int n_threads,
                              int llc_times)
{
    const int last = caches->n_levels - 1;
    if (level > last)
        return (uint64_t)llc_times * fl_cache_capacity(caches, last, caches->n_cores) /
               (uint64_t)n_threads;
    if (level == 0)
        return (uint64_t)(share(caches, 0, n_threads) / 2);
    const double own = share(caches, level, n_threads);
    const double below = share(caches, level - 1, n_threads);
    return own < 1.5 * below ? 0 : (uint64_t)sqrt(own * below);
}
