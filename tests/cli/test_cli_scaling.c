/* scaling, and its place in the report, as a user runs them. */
#include "tests/cli/run.h"

#include <criterion/criterion.h>
#include <string.h>

static struct run_scratch scratch;

static void setup(void)
{
    run_scratch_make(&scratch);
    struct run_result r = run_flopledger("sweep -m gpt2-nano -s 4-64*2 --threads 1 --reps 3 -q -o "
                                         "%s/r.db",
                                         scratch.path);
    cr_assert_eq(r.status, 0, "%s", r.err);
    run_release(&r);
}

static void teardown(void)
{
    run_scratch_remove(&scratch);
}

TestSuite(cli_scaling, .init = setup, .fini = teardown);

/* gpt2-nano, cached decode: what a token more costs is 2 products of 2 FLOPs, 5 for the softmax,
 * in every layer, whatever else there is; the quadratic term is 0 and never overtakes. */
Test(cli_scaling, formats)
{
    const struct {
        const char *format, *expected;
    } cases[] = {{"table", "never"},
                 {"md", "| decode, cached |"},
                 {"csv", "\r\ngpt2-nano,prefill,causal,1,1,"},
                 {"json", "\"crossover\":\tnull"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct run_result r =
            run_flopledger("scaling %s/r.db -q --format %s", scratch.path, cases[i].format);
        cr_expect_eq(r.status, 0, "%s", r.err);
        cr_expect(strstr(r.out, cases[i].expected), "%s: %s", cases[i].format, r.out);
        run_release(&r);
    }
    struct run_result r = run_flopledger("scaling");
    cr_expect_eq(r.status, 2);
    run_release(&r);
    r = run_flopledger("scaling %s/none.db", scratch.path);
    cr_expect_eq(r.status, 1);
    run_release(&r);
}

Test(cli_scaling, the_report_says_it_in_both_languages)
{
    const struct {
        const char *language, *words[3];
    } cases[] = {
        {"en", {"overtakes the linear one, b·s,", "grows like s^", "Was the machine quiet?"}},
        {"zh", {"超过一次项 b·s", "增长", "机器是否安静"}}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct run_result r = run_flopledger("report %s/r.db -q --lang %s -o %s/out", scratch.path,
                                             cases[i].language, scratch.path);
        cr_assert_eq(r.status, 0, "%s", r.err);
        run_release(&r);
        r = run_shell("cat %s/out/report*.md", scratch.path);
        for (int k = 0; k < 3; k++)
            cr_expect(strstr(r.out, cases[i].words[k]), "%s", cases[i].words[k]);
        cr_expect(strstr(r.out, "growth"), "the plot");
        run_release(&r);
        r = run_shell("rm -r %s/out", scratch.path);
        run_release(&r);
    }
}
