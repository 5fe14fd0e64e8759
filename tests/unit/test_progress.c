#include "base/progress.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <stdio.h>
#include <string.h>

/* Criterion's redirected stderr is a pipe, so these see the plain lines. */
static const char *shown(void)
{
    static char text[4096];
    fflush(stderr);
    size_t used = fread(text, 1, sizeof text - 1, cr_get_redirected_stderr());
    text[used] = '\0';
    return text;
}

Test(progress, short_work_prints_its_end_only, .init = cr_redirect_stderr)
{
    struct fl_progress progress;
    fl_progress_start(&progress, "sweep", 3, 0, false);
    for (int i = 0; i < 3; i++)
        fl_progress_step(&progress, 0, "point");
    fl_progress_finish(&progress);
    const char *text = shown();
    cr_expect_eq(strncmp(text, "sweep: 3 of 3 in ", 17), 0, "%s", text);
    cr_expect_eq(strchr(text, '\n'), text + strlen(text) - 1, "expected one line: %s", text);
}

Test(progress, long_work_prints_a_line_every_five_seconds, .init = cr_redirect_stderr)
{
    struct fl_progress progress;
    fl_progress_start(&progress, "sweep", 4, 1000, false);
    /* as if a minute had passed since the start, and since the last line */
    progress.started_ns -= 60000000000u;
    progress.shown_ns = progress.started_ns;
    fl_progress_step(&progress, 250, "s=16");
    fl_progress_step(&progress, 250, "s=32");
    cr_expect_str_eq(shown(), "sweep: 1 of 4 (25 %), about 3 m 00 s left: s=16\n");
}

Test(progress, counts_items_when_work_is_unknown, .init = cr_redirect_stderr)
{
    struct fl_progress progress;
    fl_progress_start(&progress, "read", 4, 0, false);
    progress.started_ns -= 60000000000u;
    progress.shown_ns = progress.started_ns;
    progress.done = 2;
    fl_progress_step(&progress, 0, NULL);
    cr_expect_str_eq(shown(), "read: 3 of 4 (75 %), about 20.0 s left\n");
}

Test(progress, quiet_says_nothing, .init = cr_redirect_stderr)
{
    struct fl_progress progress;
    fl_progress_start(&progress, "sweep", 1, 0, true);
    progress.shown_ns = 0;
    fl_progress_step(&progress, 0, "point");
    fl_progress_finish(&progress);
    fputs("end\n", stderr);
    cr_expect_str_eq(shown(), "end\n");
}
