#include "base/file.h"
#include "base/interrupt.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char directory[64];

static void enter(void)
{
    strcpy(directory, "/tmp/fl-test-file-XXXXXX");
    cr_assert_not_null(mkdtemp(directory));
}

static void leave(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", directory);
    cr_expect_eq(system(command), 0);
}

TestSuite(file, .init = enter, .fini = leave);

static const char *in(const char *name)
{
    static char path[2][256];
    static int turn;
    turn = !turn;
    snprintf(path[turn], sizeof path[turn], "%s/%s", directory, name);
    return path[turn];
}

static void put(const char *path, const char *text)
{
    FILE *stream = fopen(path, "wb");
    cr_assert_not_null(stream);
    fputs(text, stream);
    fclose(stream);
}

static void expect_content(const char *path, const char *expected)
{
    char *text = NULL;
    size_t size;
    struct fl_error error;
    cr_assert_eq(fl_file_read(&text, &size, path, 1000, &error), FL_OK, "%s", error.text);
    cr_expect_eq(size, strlen(expected));
    cr_expect_str_eq(text, expected);
    free(text);
}

Test(file, map_shows_the_bytes)
{
    struct fl_mapping mapping;
    struct fl_error error;
    put(in("a"), "weights");
    cr_assert_eq(fl_file_map(&mapping, in("a"), &error), FL_OK, "%s", error.text);
    cr_expect_eq(mapping.size, 7);
    cr_expect_eq(memcmp(mapping.data, "weights", 7), 0);
    fl_file_unmap(&mapping);
    cr_expect_null(mapping.data);

    put(in("empty"), "");
    cr_assert_eq(fl_file_map(&mapping, in("empty"), &error), FL_OK, "%s", error.text);
    cr_expect_eq(mapping.size, 0);
    cr_expect_null(mapping.data);
    fl_file_unmap(&mapping);
}

Test(file, map_names_what_it_cannot_open)
{
    struct fl_mapping mapping;
    struct fl_error error;
    cr_assert_eq(fl_file_map(&mapping, in("missing"), &error), FL_FAILED);
    cr_expect(strstr(error.text, "missing: cannot open: No such file or directory"), "%s",
              error.text);
    cr_assert_eq(fl_file_map(&mapping, directory, &error), FL_FAILED);
    cr_expect(strstr(error.text, ": expected a regular file"), "%s", error.text);
}

Test(file, read_refuses_more_than_its_limit)
{
    char *text = NULL;
    struct fl_error error;
    put(in("a"), "12345678");
    cr_assert_eq(fl_file_read(&text, NULL, in("a"), 8, &error), FL_OK);
    free(text);
    cr_assert_eq(fl_file_read(&text, NULL, in("a"), 7, &error), FL_FAILED);
    cr_expect(strstr(error.text, "/a: expected at most 7 bytes"), "%s", error.text);
    cr_assert_eq(fl_file_read(&text, NULL, directory, 8, &error), FL_FAILED);
    cr_expect(strstr(error.text, ": cannot read: Is a directory"), "%s", error.text);
    cr_assert_eq(fl_file_read(&text, NULL, in("missing"), 8, &error), FL_FAILED);
}

Test(file, output_appears_when_committed)
{
    struct fl_output output;
    struct fl_error error;
    put(in("a"), "old");
    cr_assert_eq(fl_output_open(&output, in("a"), &error), FL_OK, "%s", error.text);
    fputs("new", output.stream);
    expect_content(in("a"), "old");
    cr_assert_eq(fl_output_commit(&output, &error), FL_OK, "%s", error.text);
    expect_content(in("a"), "new");
    cr_expect_not(fl_file_exists(in("a.partial")));
}

Test(file, abandoned_output_leaves_no_trace)
{
    struct fl_output output;
    struct fl_error error;
    put(in("a"), "old");
    cr_assert_eq(fl_output_open(&output, in("a"), &error), FL_OK, "%s", error.text);
    fputs("new", output.stream);
    fl_output_abandon(&output);
    fl_output_abandon(&output);
    expect_content(in("a"), "old");
    cr_expect_not(fl_file_exists(in("a.partial")));
}

/* A process that a signal ends while it writes; caught: the first signal was only noted. */
Test(file, a_signal_leaves_no_half_file)
{
    static const int SIGNALS[] = {SIGINT, SIGTERM, SIGHUP};
    for (int caught = 0; caught <= 1; caught++)
        for (int i = 0; i < 3 - caught; i++) {
            put(in("a"), "old");
            const pid_t child = fork();
            if (child == 0) {
                struct fl_output output;
                struct fl_error error;
                for (int k = 0; k < 3; k++)
                    signal(SIGNALS[k], SIG_DFL);
                if (caught)
                    fl_interrupt_catch();
                if (fl_output_open(&output, in("a"), &error) != FL_OK ||
                    !fl_file_exists(in("a.partial")))
                    _exit(1);
                raise(SIGNALS[i]);
                if (!caught || fl_interrupt_signal != SIGNALS[i])
                    _exit(2);
                raise(SIGNALS[i]);
                _exit(3);
            }
            int status;
            cr_assert_eq(waitpid(child, &status, 0), child);
            cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGNALS[i], "%d, %d: %x", caught,
                      i, (unsigned)status);
            cr_expect_not(fl_file_exists(in("a.partial")));
            expect_content(in("a"), "old");
        }
}

Test(file, output_failures_are_reported)
{
    struct fl_output output;
    struct fl_error error;
    cr_assert_eq(fl_output_open(&output, in("no/such/a"), &error), FL_FAILED);
    cr_expect(strstr(error.text, "cannot create: No such file or directory"), "%s", error.text);

    /* a full disk: the partial file is a link to the device that is always full */
    cr_assert_eq(symlink("/dev/full", in("a.partial")), 0);
    cr_assert_eq(fl_output_open(&output, in("a"), &error), FL_OK, "%s", error.text);
    fputs("new", output.stream);
    cr_assert_eq(fl_output_commit(&output, &error), FL_FAILED);
    cr_expect(strstr(error.text, "/a: cannot write: No space left on device"), "%s", error.text);
    cr_expect_not(fl_file_exists(in("a")));
    cr_expect_not(fl_file_exists(in("a.partial")));
}

/* What is no file must not become one: here a pipe, which is still one afterwards. */
Test(file, pipes_are_written_to_and_stay)
{
    struct fl_output output;
    struct fl_error error;
    struct stat status;
    char got[8] = "";
    cr_assert_eq(mkfifo(in("pipe"), 0600), 0);
    const int reader = open(in("pipe"), O_RDWR | O_NONBLOCK);
    cr_assert_geq(reader, 0);
    for (int commits = 0; commits < 2; commits++) {
        cr_assert_eq(fl_output_open(&output, in("pipe"), &error), FL_OK, "%s", error.text);
        fputs("new", output.stream);
        if (commits)
            cr_expect_eq(fl_output_commit(&output, &error), FL_OK, "%s", error.text);
        else
            fl_output_abandon(&output);
        cr_expect(stat(in("pipe"), &status) == 0 && S_ISFIFO(status.st_mode));
        cr_expect_not(fl_file_exists(in("pipe.partial")));
        cr_expect_eq(read(reader, got, 3), 3);
        cr_expect_str_eq(got, "new");
    }
    close(reader);
}

/* A link stays a link: what it leads to is replaced. */
Test(file, links_are_followed)
{
    struct fl_output output;
    struct fl_error error;
    struct stat status;
    put(in("target"), "old");
    cr_assert_eq(symlink(in("target"), in("link")), 0);
    cr_assert_eq(fl_output_open(&output, in("link"), &error), FL_OK, "%s", error.text);
    fputs("newer", output.stream);
    cr_assert_eq(fl_output_commit(&output, &error), FL_OK, "%s", error.text);
    cr_expect(lstat(in("link"), &status) == 0 && S_ISLNK(status.st_mode));
    cr_expect(stat(in("target"), &status) == 0 && status.st_size == 5);
}

Test(file, directories_are_made_with_their_parents)
{
    struct fl_error error;
    cr_expect_eq(fl_directory_make(in("x/y/z"), &error), FL_OK, "%s", error.text);
    cr_expect(fl_file_is_directory(in("x/y/z")));
    cr_expect_eq(fl_directory_make(in("x/y/z"), &error), FL_OK, "making it again is no mistake");
    put(in("plain"), "");
    cr_expect_eq(fl_directory_make(in("plain"), &error), FL_FAILED);
    cr_expect_eq(fl_directory_make(in("plain/below"), &error), FL_FAILED);
    cr_expect_eq(fl_directory_make("", &error), FL_FAILED);
}

Test(file, path_join_refuses_what_does_not_fit)
{
    char out[8];
    struct fl_error error;
    cr_expect_eq(fl_path_join(out, sizeof out, "abc", "def", &error), FL_OK);
    cr_expect_str_eq(out, "abc/def");
    cr_expect_eq(fl_path_join(out, sizeof out, "abc", "defg", &error), FL_FAILED);
}
