#include "tests/cli/browser.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

static bool is_there(const char *program)
{
    struct run_result r = run_shell("command -v '%s' >/dev/null", program);
    bool there = r.status == 0;
    run_release(&r);
    return there;
}

static const char *first_of(const char *const *names)
{
    for (int i = 0; names[i]; i++)
        if (is_there(names[i]))
            return names[i];
    return NULL;
}

const char *browser_chromium(void)
{
    static const char *const NAMES[] = {"chromium", "chromium-browser", "google-chrome",
                                        "chromium-headless-shell", NULL};
    const char *named = getenv("FLOPLEDGER_CHROMIUM");
    if (named)
        return *named && is_there(named) ? named : NULL;
    return first_of(NAMES);
}

const char *browser_node(void)
{
    static const char *const NAMES[] = {"node", "nodejs", NULL};
    return first_of(NAMES);
}

void browser_skip(const char *what)
{
    fprintf(stderr, "SKIPPED: %s: no Chromium here (Debian: chromium)\n", what);
    cr_skip_test("no Chromium here");
}

struct run_result browser_load(const struct run_scratch *scratch, const char *file, int width,
                               const char *options)
{
    const char *chromium = browser_chromium();
    cr_assert_not_null(chromium);
    return run_shell(
        "HOME='%s' '%s' --headless --no-sandbox --disable-gpu --disable-dev-shm-usage "
        "--no-first-run --hide-scrollbars --user-data-dir='%s/profile' --enable-logging=stderr "
        "--window-size=%d,900 %s --dump-dom 'file://%s/%s'",
        scratch->path, chromium, scratch->path, width, options, scratch->path, file);
}
