#include "tests/accuracy/counted_run.h"

#include "tests/cli/run.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { DIFFERENCE_SIZE = 512 };

void counted_skip(const char *format, ...)
{
    char reason[256];
    va_list args;
    va_start(args, format);
    vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    fprintf(stderr, "skipped: %s\n", reason);
    cr_skip_test("%s", reason);
}

#if defined(__SANITIZE_ADDRESS__)
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

static void need_file(const char *name)
{
    struct run_result found = run_shell("test -x \"$(dirname \"$FLOPLEDGER\")\"/%s", name);
    bool missing = found.status != 0;
    run_release(&found);
    if (missing)
        counted_skip("%s is not built", name);
}

static void need(enum counted_by by)
{
    if (SANITIZED)
        counted_skip("programs with sanitizers neither run under Valgrind nor compute alike");
    need_file("accuracy_kernels");
    if (by == BY_ORACLE)
        need_file("oracle");
    if (by == BY_FLOPGRIND) {
        need_file("flopgrind/flopgrind-amd64-linux");
        struct run_result found = run_shell("command -v valgrind");
        bool missing = found.status != 0;
        run_release(&found);
        if (missing)
            counted_skip("valgrind is not installed");
    }
}

cJSON *counted_run(enum counted_by by, const char *settings, const char *options,
                   const char *arguments)
{
    static const char *const COMMANDS[] = {
        [BY_NOBODY] = "",
        [BY_FLOPGRIND] = "VALGRIND_LIB=\"$bin/flopgrind\" valgrind --tool=flopgrind -q",
        [BY_ORACLE] = "\"$bin/oracle\" --json",
    };
    need(by);
    struct run_result r =
        run_shell("bin=$(dirname \"$FLOPLEDGER\"); export OMP_NUM_THREADS=1 "
                  "OMP_WAIT_POLICY=passive; export %s; %s %s \"$bin/accuracy_kernels\" %s",
                  settings, COMMANDS[by], options, arguments);
    if (strstr(r.err, "does not allow programs to be traced"))
        counted_skip("%s", r.err);
    cr_assert_eq(r.status, 0, "%s", r.err);
    cJSON *run = cJSON_Parse(r.out);
    cr_assert_not_null(run, "no JSON: %s%s", r.out, r.err);
    if (by == BY_ORACLE)
        cr_assert_eq(cJSON_GetNumberValue(cJSON_GetObjectItem(run, "threads")), 1,
                     "the oracle follows one thread");
    run_release(&r);
    return run;
}

const cJSON *counted_kernel(const cJSON *run, const char *name)
{
    const cJSON *kernel;
    cJSON_ArrayForEach(kernel, cJSON_GetObjectItem(run, "kernels"))
    {
        if (strcmp(cJSON_GetObjectItem(kernel, "name")->valuestring, name) == 0)
            return kernel;
    }
    return NULL;
}

struct flopgrind_counts counted_of(const cJSON *run, const char *name, const char *member)
{
    const cJSON *counts = cJSON_GetObjectItem(counted_kernel(run, name), member);
    cr_assert_not_null(counts, "%s: no %s", name, member);
    return op_counts_from_json(counts);
}

int counted_expect_same_ops(const cJSON *a, const cJSON *b, int n_least)
{
    int n = 0;
    const cJSON *kernel;
    cJSON_ArrayForEach(kernel, cJSON_GetObjectItem(a, "kernels"))
    {
        char text[DIFFERENCE_SIZE];
        const char *name = cJSON_GetObjectItem(kernel, "name")->valuestring;
        struct flopgrind_counts in_a = counted_of(a, name, "counts");
        struct flopgrind_counts in_b = counted_of(b, name, "counts");
        cr_expect_eq(op_counts_differ(text, sizeof text, &in_a, &in_b), 0, "%s: %s", name, text);
        n++;
    }
    cr_assert_geq(n, n_least, "compared %d kernels, expected %d at least", n, n_least);
    return n;
}
