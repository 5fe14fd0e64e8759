/* Ceilings in a results file, made up so that the answers are known, and what the report says of
 * them. */
#include "tests/cli/results.h"
#include "tests/cli/run.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
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

TestSuite(cli_roofline, .init = setup, .fini = teardown);

static void change_results(const char *sql)
{
    char path[512];
    snprintf(path, sizeof path, "%s/r.db", scratch.path);
    results_change(path, sql);
}

/* per_s: work of a sample of one second. isa is SQL text. */
static void add_ceiling(const char *unit, const char *kernel, const char *level, const char *isa,
                        const char *per_s, const char *capacity)
{
    char sql[1024];
    snprintf(sql, sizeof sql,
             "INSERT INTO ceilings SELECT NULL, id, machine, '2026-01-02T03:04:05Z', '%s', '%s', "
             "'%s', 'f32', %s, 1, 0, 1000, %s, '', %s FROM runs WHERE id = 1;"
             "INSERT INTO ceiling_samples VALUES (last_insert_rowid(), 0, 1000000000)",
             unit, kernel, level, isa, capacity, per_s);
    change_results(sql);
}

static void make_results(const char *dram_per_s, const char *isa)
{
    struct run_result r = run_flopledger("sweep -m llama-nano -s 4,8,16 -b 1,2 -t 1 --reps 2 -q "
                                         "--cache on,off -o %s/r.db",
                                         scratch.path);
    cr_assert_eq(r.status, 0, "%s", r.err);
    run_release(&r);
    add_ceiling("flops", "fma", "", isa, "1000000000000", "0");
    add_ceiling("flops", "gemm", "", "'SkylakeX'", "900000000000", "0");
    add_ceiling("flops", "dot", "", isa, "400000000000", "0");
    add_ceiling("bytes", "read", "L1", isa, "9000000000000", "0");
    add_ceiling("bytes", "read", "DRAM", isa, dram_per_s, "0");
}

static char *report(const char *language, const char *name)
{
    struct run_result r = run_flopledger("report %s/r.db -o %s/out --quiet --lang %s", scratch.path,
                                         scratch.path, language);
    cr_assert_eq(r.status, 0, "%s", r.err);
    run_release(&r);
    return run_read("%s/out/%s", scratch.path, name);
}

static void expect_plots(const char *suffix)
{
    static const char *const NAMES[] = {"roofline", "paths"};
    for (int i = 0; i < 2; i++) {
        char *text = run_read("%s/out/plots/%s%s.svg", scratch.path, NAMES[i], suffix);
        cr_expect(strstr(text, "<path") && strstr(text, "llama-nano"), "%s", NAMES[i]);
        free(text);
    }
}

/* A megabyte a second: every step takes its bytes in seconds. */
Test(cli_roofline, a_slow_memory_bounds_everything)
{
    make_results("1000000", "'avx2'");
    char *text = report("en", "report.md");
    cr_expect(strstr(text, "How far from the speed of light"));
    cr_expect(strstr(text, "was faster than the ceilings allow"), "no memory is so slow");
    cr_expect(strstr(text, "| memory (DRAM) |"));
    cr_expect_null(strstr(text, "| compute |"));
    cr_expect(strstr(text, "causal=full"), "MFU's convention");
    expect_plots("");
    free(text);
    text = report("en", "index.html");
    cr_expect(strstr(text, "the operators of a prefill at s = 16"));
    cr_expect(strstr(text, "1000.0 [1000.0, 1000.0] GFLOP/s"));
    cr_expect(strstr(text, "operators, one after the other"));
    free(text);
}

Test(cli_roofline, a_fast_memory_leaves_arithmetic)
{
    make_results("9000000000000000", "'avx2'");
    char *text = report("zh", "report.zh.md");
    cr_expect(strstr(text, "受算力限制"));
    cr_expect(strstr(text, "| 算力 |"));
    expect_plots(".zh");
    free(text);
}

Test(cli_roofline, is_missing_without_ceilings_for_as_many_threads)
{
    make_results("1000000", "'avx2'");
    change_results("UPDATE ceilings SET n_threads = 2");
    char *text = report("en", "report.md");
    cr_expect(strstr(text, "the machine's ceilings with as many threads (flopledger peaks"));
    cr_expect_null(strstr(text, "MFU"));
    free(text);
}

Test(cli_roofline, hostile_ceilings_stay_text)
{
    static const char ISA[] = "'\"; system(\"touch '||'/tmp/fl-owned\") # <script>x</script> `id` "
                              "%s\\n'";
    make_results("1000000000", ISA);
    change_results("UPDATE ceilings SET note = '<b>' || isa");
    char *text = report("en", "index.html");
    cr_expect_null(strstr(text, "<script>x"), "unescaped");
    cr_expect(strstr(text, "&lt;script&gt;x") || strstr(text, "\\u003cscript"), "shown as text");
    free(text);
    struct run_result r = run_shell("test ! -e /tmp/fl-owned");
    cr_expect_eq(r.status, 0, "a ceiling's name was run");
    run_release(&r);
}
