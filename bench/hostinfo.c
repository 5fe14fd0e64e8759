#include "bench/hostinfo.h"

#include "base/threads.h"
#include "base/version.h"
#include "ops/simd/simd.h"

#include <cblas.h>

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

static const char UNAVAILABLE[] = "unavailable";

/* Copies text, cut to size, without the newline and blanks at its end; control characters, which
 * no name should have, become '?'. Nothing left means that nothing was known. */
static void copy_text(char *out, size_t size, const char *text)
{
    size_t length = 0;
    for (; text[length] && length + 1 < size; length++)
        out[length] =
            (unsigned char)text[length] < ' ' && text[length] != '\n' ? '?' : text[length];
    while (length > 0 && (out[length - 1] == '\n' || out[length - 1] == ' '))
        length--;
    out[length] = '\0';
    if (length == 0)
        copy_text(out, size, UNAVAILABLE);
}

/* The first line that begins with key, from behind its colon; an empty key takes the first line. */
static void read_line(char *out, size_t size, const char *path, const char *key)
{
    copy_text(out, size, UNAVAILABLE);
    FILE *file = fopen(path, "re");
    if (!file)
        return;
    char line[512];
    while (fgets(line, sizeof line, file)) {
        if (strncmp(line, key, strlen(key)) != 0)
            continue;
        const char *value = *key ? strchr(line, ':') : line;
        if (!value)
            continue;
        copy_text(out, size, value + (*key ? 1 + strspn(value + 1, " \t") : 0));
        break;
    }
    fclose(file);
}

static void fill_machine(struct fl_run *run)
{
    char host[sizeof run->host] = "";
    if (gethostname(host, sizeof host - 1) != 0)
        host[0] = '\0';
    copy_text(run->host, sizeof run->host, host);
    read_line(run->cpu_model, sizeof run->cpu_model, "/proc/cpuinfo", "model name");
    read_line(run->governor, sizeof run->governor,
              "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "");
    run->n_cores = fl_usable_cores();

    struct utsname name;
    if (uname(&name) == 0)
        snprintf(run->kernel, sizeof run->kernel, "%.30s %.70s %.20s", name.sysname, name.release,
                 name.machine);
    else
        copy_text(run->kernel, sizeof run->kernel, UNAVAILABLE);
}

void fl_hostinfo_fill(struct fl_run *run)
{
    *run = (struct fl_run){0};
    time_t now = time(NULL);
    struct tm utc;
    if (!gmtime_r(&now, &utc) ||
        strftime(run->started_at, sizeof run->started_at, "%Y-%m-%dT%H:%M:%SZ", &utc) == 0)
        copy_text(run->started_at, sizeof run->started_at, UNAVAILABLE);
    fill_machine(run);
    copy_text(run->blas_config, sizeof run->blas_config, openblas_get_config());
    copy_text(run->blas_core, sizeof run->blas_core, openblas_get_corename());
    copy_text(run->isa, sizeof run->isa, fl_simd_name());
    copy_text(run->counter, sizeof run->counter, "none");
    copy_text(run->version, sizeof run->version, FL_VERSION);
    copy_text(run->commit, sizeof run->commit, fl_version_commit);
    fl_run_name_machine(run);
}

/* Adds one word; in single quotes when a shell would read anything into it. */
static size_t add_word(char *out, size_t size, size_t used, const char *word)
{
    static const char PLAIN[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "-_=+.,:/@%^";
    bool quoted = !*word || strspn(word, PLAIN) != strlen(word);
    const char *quote = quoted ? "'" : "";
    char piece[8];
    if (used < size)
        used += (size_t)snprintf(out + used, size - used, " %s", quote);
    for (; *word && used < size; word++) {
        snprintf(piece, sizeof piece, *word == '\'' ? "'\\''" : "%c", *word);
        used += (size_t)snprintf(out + used, size - used, "%s", piece);
    }
    if (used < size)
        used += (size_t)snprintf(out + used, size - used, "%s", quote);
    return used;
}

void fl_hostinfo_command_line(struct fl_run *run, int argc, char **argv)
{
    size_t size = sizeof run->command_line;
    size_t used = (size_t)snprintf(run->command_line, size, "flopledger");
    for (int i = 0; i < argc; i++)
        used = add_word(run->command_line, size, used, argv[i]);
}

const char *fl_hostinfo_warning(int i)
{
    const char *warnings[2];
    int n = 0;
    if (openblas_get_parallel() != OPENBLAS_OPENMP)
        warnings[n++] = "this OpenBLAS is not the OpenMP build: its own threads compete with ours "
                        "(Debian: libopenblas-openmp-dev)";
    char governor[64];
    read_line(governor, sizeof governor, "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor",
              "");
    if (strcmp(governor, UNAVAILABLE) != 0 && strcmp(governor, "performance") != 0)
        warnings[n++] = "the CPU governor is not 'performance': clock rates may change between "
                        "samples (sudo cpupower frequency-set -g performance)";
    return i < n ? warnings[i] : NULL;
}
