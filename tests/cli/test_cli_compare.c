/* compare, as a user runs it: on sweeps that were made alike, made slower, and broken. */
#include "tests/cli/results.h"
#include "tests/cli/run.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct run_scratch scratch;

static void setup(void)
{
    run_scratch_make(&scratch);
    struct run_result r =
        run_flopledger("sweep -m gpt2-nano -s 4,8 --phase prefill,decode --cache on --threads "
                       "1 --reps 7 -q -o %s/a.db",
                       scratch.path);
    cr_assert_eq(r.status, 0, "%s", r.err);
    run_release(&r);
    r = run_shell("cp %s/a.db %s/b.db", scratch.path, scratch.path);
    run_release(&r);
}

static void teardown(void)
{
    run_scratch_remove(&scratch);
}

TestSuite(cli_compare, .init = setup, .fini = teardown);

static void change(const char *file, const char *sql)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", scratch.path, file);
    results_change(path, sql);
}

/* Times that leave no doubt: 1 ms and a little more with each repetition. */
static const char STEADY[] = "UPDATE samples SET time_ns = 1000000 + 100 * rep";
static const char SLOWER[] = "UPDATE samples SET time_ns = 1300000 + 100 * rep";

static void expect(const char *arguments, int status, const char *out, const char *err)
{
    struct run_result r =
        run_flopledger("compare %s/a.db %s/%s", scratch.path, scratch.path, arguments);
    cr_expect_eq(r.status, status, "%s: %d: %s", arguments, r.status, r.err);
    cr_expect(strstr(r.out, out), "%s: expected \"%s\" in\n%s", arguments, out, r.out);
    cr_expect(strstr(r.err, err), "%s: expected \"%s\" in\n%s", arguments, err, r.err);
    run_release(&r);
}

Test(cli_compare, alike_slower_and_faster)
{
    change("a.db", STEADY);
    change("b.db", STEADY);
    expect("b.db --fail-on slower,faster,inconclusive,work,unmatched", 0,
           "4 points: 0 slower, 0 faster, 4 no difference, 0 inconclusive", "");
    change("b.db", SLOWER);
    expect("b.db", 0, "4 slower", "");
    expect("b.db --fail-on faster", 0, "4 slower", "");
    expect("b.db --fail-on slower", 1, "1.300", "failed by --fail-on slower: 4");
    expect("b.db --threshold 40", 0, "0 slower, 0 faster, 4 no difference", "");
    change("a.db", "UPDATE samples SET time_ns = 2000000 + 100 * rep");
    expect("b.db --fail-on faster -q", 1, "0.650", "failed by --fail-on faster: 4");
}

Test(cli_compare, work_machines_and_unmatched_points)
{
    change("b.db", "UPDATE points SET exact_flops = exact_flops + 1000 WHERE context = 4");
    change("b.db", "UPDATE runs SET host = 'another-host'");
    expect("b.db --fail-on work", 1, "+1,000", "host differs: ");
    expect("b.db", 0, "FLOPs differ at 2 of 4 points", "another-host in B");
    change("b.db", "UPDATE points SET context = 5 WHERE context = 4");
    expect("b.db --fail-on unmatched", 1, "only in B: gpt2-nano prefill", "unmatched: 4");
    change("b.db", "UPDATE points SET context = context + 100");
    expect("b.db", 1, "", "no point in common");
}

Test(cli_compare, formats)
{
    change("a.db", STEADY);
    change("b.db", SLOWER);
    expect("b.db -f csv", 0, "\r\ngpt2-nano,prefill,on,causal,last,f32,1,1,4,7,7,", "");
    expect("b.db -f json", 0, "\"verdict\":\t\"slower\"", "");
    expect("b.db -f md", 0, "|---|---|---:|", "");
    char arguments[600];
    snprintf(arguments, sizeof arguments, "b.db -q --lang zh --plot %s/r.svg", scratch.path);
    expect(arguments, 0, "4 slower", "");
    struct run_result r = run_shell("cat %s/r.svg", scratch.path);
    cr_expect(strstr(r.out, "<svg") && strstr(r.out, "变慢") && strstr(r.out, "s=8"));
    run_release(&r);
}

/* More samples of the same points are another run of the same file. */
Test(cli_compare, runs_and_settings_of_one_file)
{
    struct run_result r =
        run_flopledger("sweep -m gpt2-nano -s 4,8 --phase prefill,decode --cache on "
                       "--threads 1 --reps 14 -q -o %s/a.db",
                       scratch.path);
    cr_assert_eq(r.status, 0, "%s", r.err);
    run_release(&r);
    change("a.db", "UPDATE samples SET time_ns = (run_id + 1) * 1000000 + 100 * rep");
    r = run_flopledger("compare %s/a.db", scratch.path);
    cr_expect_eq(r.status, 0, "%s", r.err);
    cr_expect(strstr(r.out, "a.db:run=2") && strstr(r.out, "4 slower"), "%s", r.out);
    run_release(&r);
    r = run_flopledger("compare %s/a.db:phase=prefill %s/a.db:phase=decode", scratch.path,
                       scratch.path);
    cr_expect_eq(r.status, 0, "%s", r.err);
    cr_expect(strstr(r.out, "phase prefill against decode") && strstr(r.out, "FLOPs differ at 2"),
              "%s", r.out);
    run_release(&r);
}

Test(cli_compare, misuse_and_broken_files)
{
    expect("b.db x y", 2, "", "expected two results files");
    expect("b.db --fail-on nonsense", 2, "", "--fail-on");
    expect("b.db:nonsense=1", 2, "", "expected KEY=VALUE");
    expect("b.db --confidence 2", 2, "", "--confidence");
    expect("none.db", 1, "", "none.db");
    expect("a.db", 1, "", "the same samples");
    struct run_result r = run_flopledger("compare %s/a.db", scratch.path);
    cr_expect_eq(r.status, 1);
    cr_expect(strstr(r.err, "expected samples of two runs"), "%s", r.err);
    run_release(&r);
    r = run_flopledger("compare");
    cr_expect_eq(r.status, 2);
    run_release(&r);
    change("b.db", "UPDATE models SET name = 'x | y <b> `z`'");
    change("a.db", "UPDATE models SET name = 'x | y <b> `z`'");
    expect("b.db -f md", 0, "x \\| y &lt;b&gt; \\`z\\`", "");
}
