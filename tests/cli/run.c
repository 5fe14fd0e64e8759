#include "tests/cli/run.h"

#include "base/file.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LONGEST_LINE = 8192, LARGEST_FILE = 1 << 26 };

/* Makes sure that $FLOPLEDGER is set, and that what the user has measured of this machine, which
 * would go into every results file, stays out of the tests. */
static void find_program(void)
{
    static const char NAME[] = "flopledger";
    char path[4096];
    cr_assert_eq(setenv("XDG_CACHE_HOME", "/dev/null/flopledger-tests", 1), 0);
    if (getenv("FLOPLEDGER"))
        return;
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - sizeof NAME);
    cr_assert_gt(n, 0, "cannot find the directory of the test binary");
    path[n] = '\0';
    char *slash = strrchr(path, '/');
    cr_assert_not_null(slash);
    memcpy(slash + 1, NAME, sizeof NAME);
    cr_assert_eq(setenv("FLOPLEDGER", path, 1), 0);
}

static char *read_back(FILE *stream, size_t *size)
{
    cr_assert_eq(fseek(stream, 0, SEEK_END), 0);
    long length = ftell(stream);
    cr_assert_geq(length, 0);
    rewind(stream);
    char *text = malloc((size_t)length + 1);
    cr_assert_not_null(text);
    *size = fread(text, 1, (size_t)length, stream);
    text[*size] = '\0';
    fclose(stream);
    return text;
}

static void become_shell(const char *line, int out, int err)
{
    int nothing = open("/dev/null", O_RDONLY);
    setpgid(0, 0); /* so that a timeout reaches every process of a pipe */
    /* whoever runs the tests may ignore SIGPIPE; a user's shell does not */
    signal(SIGPIPE, SIG_DFL);
    dup2(nothing, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    execl("/bin/sh", "sh", "-c", line, (char *)NULL);
    _exit(127);
}

static int wait_for(pid_t child, const char *line)
{
    int status;
    for (int waits = 0; waitpid(child, &status, WNOHANG) == 0; waits++) {
        if (waits > RUN_SECONDS * 100) {
            kill(-child, SIGKILL);
            waitpid(child, &status, 0);
            cr_assert_fail("took longer than %d seconds: %s", RUN_SECONDS, line);
        }
        usleep(10000);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static struct run_result run_line(const char *line)
{
    find_program();
    FILE *out = tmpfile(), *err = tmpfile();
    cr_assert(out && err, "cannot create temporary files");
    fflush(NULL);
    pid_t child = fork();
    cr_assert_geq(child, 0, "cannot start a process");
    if (child == 0)
        become_shell(line, fileno(out), fileno(err));
    struct run_result result = {.status = wait_for(child, line)};
    result.out = read_back(out, &result.out_size);
    result.err = read_back(err, &result.err_size);
    return result;
}

static void format_line(char line[LONGEST_LINE], const char *before, const char *format,
                        va_list args)
{
    int n = snprintf(line, LONGEST_LINE, "%s", before);
    n += vsnprintf(line + n, LONGEST_LINE - (size_t)n, format, args);
    cr_assert_lt(n, LONGEST_LINE, "the command line is too long");
}

struct run_result run_flopledger(const char *format, ...)
{
    char line[LONGEST_LINE];
    va_list args;
    va_start(args, format);
    format_line(line, "\"$FLOPLEDGER\" ", format, args);
    va_end(args);
    return run_line(line);
}

struct run_result run_shell(const char *format, ...)
{
    char line[LONGEST_LINE];
    va_list args;
    va_start(args, format);
    format_line(line, "", format, args);
    va_end(args);
    return run_line(line);
}

void run_release(struct run_result *result)
{
    free(result->out);
    free(result->err);
    *result = (struct run_result){0};
}

void run_expect_refused(int status, const char *arguments, const char *sentence)
{
    struct run_result r = run_flopledger("%s", arguments);
    cr_expect_eq(r.status, status, "%s: %d", arguments, r.status);
    cr_expect_str_empty(r.out, "%s", arguments);
    cr_expect(strstr(r.err, sentence), "%s: %s", arguments, r.err);
    run_release(&r);
}

char *run_read(const char *path_format, ...)
{
    char path[4096], *text;
    struct fl_error error;
    va_list args;
    va_start(args, path_format);
    cr_assert_lt(vsnprintf(path, sizeof path, path_format, args), (int)sizeof path);
    va_end(args);
    cr_assert_eq(fl_file_read(&text, NULL, path, LARGEST_FILE, &error), FL_OK, "%s", error.text);
    return text;
}

void run_scratch_make(struct run_scratch *scratch)
{
    strcpy(scratch->path, "/tmp/fl-test-XXXXXX");
    cr_assert_not_null(mkdtemp(scratch->path), "cannot create a directory under /tmp");
}

void run_scratch_remove(struct run_scratch *scratch)
{
    struct run_result removed = run_shell("rm -rf '%s'", scratch->path);
    cr_expect_eq(removed.status, 0, "%s", removed.err);
    run_release(&removed);
}

int run_count(const char *text, const char *what)
{
    int n = 0;
    for (; (text = strstr(text, what)); text += strlen(what))
        n++;
    return n;
}
