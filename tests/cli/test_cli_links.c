/* scripts/check-links finds what it is there for. */
#include "tests/cli/run.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct run_scratch scratch;

static void setup(void)
{
    run_scratch_make(&scratch);
}

static void teardown(void)
{
    run_scratch_remove(&scratch);
}

TestSuite(cli_links, .init = setup, .fini = teardown);

/* Pages in a repository of their own: README.md and docs/README.md with this in it. */
static struct run_result check(const char *top, const char *docs)
{
    return run_shell(
        "cd %s && mkdir -p docs/part && printf '%%b' '%s' > README.md && "
        "printf '%%b' '%s' > docs/README.md && printf '# A B, c\\n' > docs/part/x.md && "
        "\"$OLDPWD\"/scripts/check-links .",
        scratch.path, top, docs);
}

static void expect_fine(const char *top, const char *docs)
{
    struct run_result r = check(top, docs);
    cr_expect_eq(r.status, 0, "%s", r.err);
    cr_expect_str_empty(r.err);
    run_release(&r);
}

static void expect_wrong(const char *top, const char *docs, const char *sentence)
{
    struct run_result r = check(top, docs);
    cr_expect_eq(r.status, 1);
    cr_expect(strstr(r.err, sentence), "%s", r.err);
    run_release(&r);
}

Test(cli_links, links_that_hold)
{
    expect_fine("[docs](docs/README.md) and [x](docs/part/x.md#a-b-c \"a title\")\n",
                "[x](part/x.md) [up](../README.md) [out](https://example.org/none)\n");
    expect_fine("```\n[no](link.md)\n```\n`[no](link.md)`\n", "[x](part/x.md)\n");
}

Test(cli_links, links_that_do_not)
{
    expect_wrong("[gone](docs/gone.md)\n", "[x](part/x.md)\n",
                 "README.md:1: docs/gone.md: there is no such file");
    expect_wrong("a [x](docs/part/x.md) b\n\n[x](docs/part/x.md#a)\n", "[x](part/x.md)\n",
                 "README.md:3: docs/part/x.md#a: there is no such heading");
    expect_wrong("[x](docs/part/x.md)\n", "nothing\n",
                 "docs/part/x.md: no link leads here from docs/README.md");
}
