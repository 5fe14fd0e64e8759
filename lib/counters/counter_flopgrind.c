#include "counters/counter_flopgrind.h"

#include "counters/flopgrind.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- the counter ---- */

bool fl_flopgrind_running(void)
{
    return FLOPGRIND_RUNNING();
}

static void enter(struct fl_counter *counter, const char *name)
{
    (void)counter;
    FLOPGRIND_ENTER(name);
}

static const uint64_t PER_OP[FLOPGRIND_N_OPS] = {
    [FLOPGRIND_OP_ADD] = 1, [FLOPGRIND_OP_MUL] = 1,  [FLOPGRIND_OP_FMA] = 2,
    [FLOPGRIND_OP_DIV] = 1, [FLOPGRIND_OP_SQRT] = 1,
};

static const enum fl_count OP_COUNTS[FLOPGRIND_N_OPS] = {
    [FLOPGRIND_OP_ADD] = FL_COUNT_ADD,           [FLOPGRIND_OP_MUL] = FL_COUNT_MUL,
    [FLOPGRIND_OP_FMA] = FL_COUNT_FMA,           [FLOPGRIND_OP_DIV] = FL_COUNT_DIV,
    [FLOPGRIND_OP_SQRT] = FL_COUNT_SQRT,         [FLOPGRIND_OP_MINMAX] = FL_COUNT_MINMAX,
    [FLOPGRIND_OP_COMPARE] = FL_COUNT_COMPARE,   [FLOPGRIND_OP_CONVERT] = FL_COUNT_CONVERT,
    [FLOPGRIND_OP_ESTIMATE] = FL_COUNT_ESTIMATE, [FLOPGRIND_OP_OTHER] = FL_COUNT_OTHER,
};

static const enum fl_count WIDTH_COUNTS[FLOPGRIND_N_WIDTHS] = {
    [FLOPGRIND_SCALAR] = FL_COUNT_FLOPS_SCALAR,
    [FLOPGRIND_128] = FL_COUNT_FLOPS_128,
    [FLOPGRIND_256] = FL_COUNT_FLOPS_256,
    [FLOPGRIND_512] = FL_COUNT_FLOPS_512,
};

static void add_operations(uint64_t *values, const struct flopgrind_counts *counts)
{
    for (int op = 0; op < FLOPGRIND_N_OPS; op++)
        for (int precision = 0; precision < FLOPGRIND_N_PRECISIONS; precision++)
            for (int width = 0; width < FLOPGRIND_N_WIDTHS; width++) {
                uint64_t n = counts->ops[op][precision][width], flops = PER_OP[op] * n;
                values[OP_COUNTS[op]] += n;
                values[FL_COUNT_FLOPS] += flops;
                values[WIDTH_COUNTS[width]] += flops;
                if (precision == FLOPGRIND_SINGLE)
                    values[FL_COUNT_FLOPS_SINGLE] += flops;
                if (precision == FLOPGRIND_DOUBLE)
                    values[FL_COUNT_FLOPS_DOUBLE] += flops;
            }
}

static void leave(struct fl_counter *counter, struct fl_reading *sum)
{
    struct flopgrind_counts counts = {0};
    (void)counter;
    FLOPGRIND_LEAVE_INTO(&counts);
    add_operations(sum->values, &counts);
    sum->values[FL_COUNT_BYTES_LOADED] += counts.bytes_loaded;
    sum->values[FL_COUNT_BYTES_STORED] += counts.bytes_stored;
    sum->values[FL_COUNT_LINES_READ] += counts.lines_read;
    sum->values[FL_COUNT_LINES_WRITTEN] += counts.lines_written;
    sum->values[FL_COUNT_L1_MISSES] += counts.l1_misses;
    sum->values[FL_COUNT_LL_MISSES] += counts.ll_misses;
    sum->values[FL_COUNT_LL_WRITEBACKS] += counts.ll_writebacks;
    sum->values[FL_COUNT_INSTRUCTIONS] += counts.instructions;
}

static void close_nothing(struct fl_counter *counter)
{
    (void)counter;
}

#define TEXT_(a) #a
#define TEXT(a)  TEXT_(a)
#ifdef __VALGRIND_MAJOR__
static const char VALGRIND_VERSION[] =
    "Valgrind " TEXT(__VALGRIND_MAJOR__) "." TEXT(__VALGRIND_MINOR__);
#else
static const char VALGRIND_VERSION[] = "";
#endif

const char *fl_flopgrind_version(void)
{
    return VALGRIND_VERSION;
}

int fl_counter_flopgrind_open(struct fl_counter *counter, struct fl_error *error)
{
    if (!fl_flopgrind_running())
        return fl_fail(error, "flopgrind: expected to run under it; see scripts/flopgrind");
    struct flopgrind_counts counts = {0};
    FLOPGRIND_TOTALS(&counts);
    *counter = (struct fl_counter){
        .name = "flopgrind",
        .note = "exact counts of the instructions that ran under Valgrind, which shows programs a "
                "processor without AVX-512",
        .available = (FL_COUNT_BIT(MEMORY_BYTES) - 1) | FL_COUNT_BIT(INSTRUCTIONS),
        .n_passes = 1,
        .enter = enter,
        .leave = leave,
        .close = close_nothing,
    };
    snprintf(counter->version, sizeof counter->version, "%s", VALGRIND_VERSION);
    const uint64_t footprint = FL_COUNT_BIT(LINES_READ) | FL_COUNT_BIT(LINES_WRITTEN);
    const uint64_t cache =
        FL_COUNT_BIT(L1_MISSES) | FL_COUNT_BIT(LL_MISSES) | FL_COUNT_BIT(LL_WRITEBACKS);
    if (!counts.has_footprint)
        counter->available &= ~footprint;
    if (!counts.has_cache)
        counter->available &= ~cache;
    return FL_OK;
}

/* ---- running under it ---- */

static const char PARENT_VARIABLE[] = "FLOPLEDGER_COUNT_FD";
static const char TOOL[] = "flopgrind-amd64-linux";
enum { PATH_TEXT = 4096 };

/* Directory of this program, with its '/'. */
static bool own_directory(char out[PATH_TEXT])
{
    ssize_t n = readlink("/proc/self/exe", out, PATH_TEXT - 1);
    if (n <= 0)
        return false;
    out[n] = '\0';
    char *slash = strrchr(out, '/');
    if (!slash)
        return false;
    slash[1] = '\0';
    return true;
}

/* Where the tool is: beside the program (as built), or where `make install` puts it. */
static bool find_tool(char directory[PATH_TEXT])
{
    static const char *const PLACES[] = {"flopgrind", "../libexec/flopledger"};
    char own[PATH_TEXT], tool[PATH_TEXT + sizeof TOOL + 1];
    if (!own_directory(own))
        return false;
    for (size_t i = 0; i < sizeof PLACES / sizeof *PLACES; i++) {
        if (snprintf(directory, PATH_TEXT, "%s%s", own, PLACES[i]) >= PATH_TEXT)
            continue;
        snprintf(tool, sizeof tool, "%s/%s", directory, TOOL);
        if (access(tool, X_OK) == 0)
            return true;
    }
    return false;
}

static bool find_valgrind(void)
{
    const char *path = getenv("PATH");
    char file[PATH_TEXT];
    for (const char *at = path; at && *at;) {
        size_t n = strcspn(at, ":");
        if (snprintf(file, sizeof file, "%.*s/valgrind", (int)n, at) < PATH_TEXT &&
            access(file, X_OK) == 0)
            return true;
        at += n + (at[n] == ':');
    }
    return false;
}

const char *fl_flopgrind_missing(void)
{
    char directory[PATH_TEXT];
#if defined(__SANITIZE_ADDRESS__)
    return "this build carries a sanitizer, which Valgrind cannot run";
#endif
#ifndef FLOPGRIND_HAS_CLIENT
    return "built without Valgrind's header valgrind.h; install valgrind and run make again";
#endif
    if (!find_valgrind())
        return "valgrind is not installed";
    if (!find_tool(directory))
        return "the tool flopgrind is not beside this program; install valgrind and run make again";
    return NULL;
}

/* This process's environment with some variables replaced. */
struct environment {
    char lib[PATH_TEXT + 16], parent[64], core[96], wait[32];
    char **variables; /* NULL-terminated */
};

static bool make_environment(struct environment *environment, const char *directory, int fd,
                             const struct fl_flopgrind_options *options)
{
    const char *blas_core = options->blas_core ? options->blas_core : getenv("OPENBLAS_CORETYPE");
    snprintf(environment->lib, sizeof environment->lib, "VALGRIND_LIB=%s", directory);
    snprintf(environment->parent, sizeof environment->parent, "%s=%d", PARENT_VARIABLE, fd);
    snprintf(environment->core, sizeof environment->core, "OPENBLAS_CORETYPE=%s",
             blas_core ? blas_core : FL_FLOPGRIND_BLAS_CORE);
    /* Under Valgrind threads take turns: one that spins keeps the others from working. */
    snprintf(environment->wait, sizeof environment->wait, "OMP_WAIT_POLICY=passive");
    char *const replaced[] = {environment->lib, environment->parent, environment->core,
                              environment->wait};
    enum { N_REPLACED = sizeof replaced / sizeof *replaced };
    size_t n = 0, used = 0;
    while (environ[n])
        n++;
    environment->variables = calloc(n + N_REPLACED + 1, sizeof *environment->variables);
    if (!environment->variables)
        return false;
    for (size_t i = 0; i < n; i++) {
        bool keep = true;
        for (size_t k = 0; k < N_REPLACED; k++)
            keep &= strncmp(environ[i], replaced[k], strcspn(replaced[k], "=") + 1) != 0;
        if (keep)
            environment->variables[used++] = environ[i];
    }
    memcpy(environment->variables + used, replaced, sizeof replaced);
    return true;
}

static int spawn(struct fl_flopgrind_child *child, char *const *argv, char *const *environment,
                 const int ends[2], struct fl_error *error)
{
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addclose(&actions, ends[0]);
    posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
    int code = posix_spawnp(&child->pid, argv[0], &actions, NULL, argv, environment);
    posix_spawn_file_actions_destroy(&actions);
    if (code != 0)
        return fl_fail(error, "valgrind: cannot start it: %s", strerror(code));
    return FL_OK;
}

int fl_flopgrind_start(struct fl_flopgrind_child *child, const char *const *args,
                       const struct fl_flopgrind_options *options, struct fl_error *error)
{
    enum { BEFORE = 6 };
    const char *missing = fl_flopgrind_missing();
    char directory[PATH_TEXT], program[PATH_TEXT];
    *child = (struct fl_flopgrind_child){0};
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    if (missing || length <= 0 || !find_tool(directory))
        return fl_fail(error, "flopgrind: %s", missing ? missing : "cannot find this program");
    program[length] = '\0';

    size_t n = 0;
    while (args[n])
        n++;
    const char **argv = calloc(n + BEFORE + 1, sizeof *argv);
    int ends[2] = {-1, -1};
    if (!argv || pipe(ends) != 0) {
        free(argv);
        return fl_fail(error, "flopgrind: cannot prepare to start it: %s", strerror(errno));
    }
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    argv[0] = "valgrind";
    argv[1] = "--tool=flopgrind";
    argv[2] = "-q";
    argv[3] = options->no_footprint ? "--footprint=no" : "--footprint=yes";
    argv[4] = options->cache_model ? "--cache-model=yes" : "--cache-model=no";
    argv[5] = program;
    memcpy(argv + BEFORE, args, n * sizeof *args);

    struct environment environment;
    int status =
        make_environment(&environment, directory, ends[1], options)
            ? spawn(child, (char *const *)(uintptr_t)argv, environment.variables, ends, error)
            : fl_fail(error, "flopgrind: no memory to start it");
    close(ends[1]);
    child->stream = fdopen(ends[0], "rb");
    if (!child->stream)
        close(ends[0]);
    free(environment.variables);
    free(argv);
    return status;
}

int fl_flopgrind_finish(struct fl_flopgrind_child *child, struct fl_error *error)
{
    int status = 0;
    /* An interrupted read: nobody waits for the counts any more. */
    if (child->stream && ferror(child->stream) && child->pid > 0)
        kill(child->pid, SIGTERM);
    if (child->stream)
        fclose(child->stream);
    if (child->pid > 0)
        while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
            ;
    *child = (struct fl_flopgrind_child){0};
    if (WIFSIGNALED(status))
        return fl_fail(error, "flopgrind: the counted run was ended by signal %d (%s)",
                       WTERMSIG(status), strsignal(WTERMSIG(status)));
    if (WEXITSTATUS(status) != 0)
        return fl_fail(error, "flopgrind: the counted run failed with exit status %d",
                       WEXITSTATUS(status));
    return FL_OK;
}

FILE *fl_flopgrind_parent(void)
{
    const char *fd = getenv(PARENT_VARIABLE);
    return fd ? fdopen(atoi(fd), "wb") : NULL;
}
