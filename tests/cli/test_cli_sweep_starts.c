/* Every pass of a sweep is a start of the program of its own: the dynamic loader says how many
 * there were, and one run, one tally and one progress come of them all. */
#include "tests/cli/results.h"
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

TestSuite(cli_sweep_starts, .init = setup, .fini = teardown);

/* Starts of the program that `sweep` with these options makes; 6 samples of 2 points. */
static int starts_of(const char *options, const char *file)
{
    struct run_result r = run_shell(
        "LD_DEBUG=libs LD_DEBUG_OUTPUT=%s/loader $FLOPLEDGER sweep -m gpt2-nano -s 4 --phase "
        "prefill,decode --cache on -t 1 --reps 6 %s -o %s/%s",
        scratch.path, options, scratch.path, file);
    cr_assert_eq(r.status, 0, "%s", r.err);
    cr_expect_eq(run_count(r.err, "12 samples from "), 1, "%s", r.err);
    cr_expect_eq(run_count(r.err, "sweep: "), 2, "one progress, one tally: %s", r.err);
    run_release(&r);
    r = run_shell("cat %s/loader.* && rm %s/loader.*", scratch.path, scratch.path);
    const int n = run_count(r.out, "transferring control: ");
    run_release(&r);
    return n;
}

static long query(const char *file, const char *sql)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", scratch.path, file);
    return results_query(path, sql);
}

Test(cli_sweep_starts, a_pass_is_a_start)
{
    cr_expect_eq(starts_of("--passes 1", "1.db"), 1);
    cr_expect_eq(starts_of("--passes 3", "3.db"), 3);
    cr_expect_eq(query("3.db", "SELECT count(*) FROM runs"), 1);
    cr_expect_eq(query("3.db", "SELECT count(*) FROM samples WHERE run_id = 1"), 12);
    /* times since the run began rise from pass to pass */
    cr_expect_eq(query("3.db", "SELECT count(*) FROM samples a JOIN samples b ON b.point_id = "
                               "a.point_id AND b.rep = a.rep + 1 WHERE b.started_ns <= "
                               "a.started_ns"),
                 0);
}

Test(cli_sweep_starts, what_is_stored_needs_none)
{
    starts_of("--passes 2", "a.db");
    struct run_result r = run_shell(
        "LD_DEBUG=libs LD_DEBUG_OUTPUT=%s/loader $FLOPLEDGER sweep -m gpt2-nano -s 4 --phase "
        "prefill,decode --cache on -t 1 --reps 6 --passes 2 -o %s/a.db && cat %s/loader.*",
        scratch.path, scratch.path, scratch.path);
    cr_assert_eq(r.status, 0, "%s", r.err);
    cr_expect_eq(run_count(r.out, "transferring control: "), 1);
    run_release(&r);
}

/* What somebody else left in the environment is no sweep under way. */
Test(cli_sweep_starts, nonsense_in_the_environment_is_ignored)
{
    struct run_result r =
        run_shell("FLOPLEDGER_SWEEP_STATE='1 1 x' $FLOPLEDGER sweep -m gpt2-nano -s 4 --phase "
                  "prefill -t 1 --reps 2 -o %s/a.db",
                  scratch.path);
    cr_expect_eq(r.status, 0, "%s", r.err);
    cr_expect_eq(query("a.db", "SELECT count(*) FROM samples"), 2);
    run_release(&r);
}

Test(cli_sweep_starts, compare_says_when_there_was_one)
{
    static const char ONE[] = "of one start of the program";
    starts_of("--passes 1", "1.db");
    starts_of("--passes 2", "2.db");
    struct run_result r = run_flopledger("compare %s/1.db %s/2.db", scratch.path, scratch.path);
    cr_expect_eq(r.status, 0, "%s", r.err);
    cr_expect_eq(run_count(r.err, ONE), 1, "of A alone: %s", r.err);
    run_release(&r);
}
