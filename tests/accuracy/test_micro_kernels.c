/* Counters against kernels whose work is written down beside them: equal, not close. */
#include "tests/accuracy/counted_run.h"
#include "tests/accuracy/micro_kernels.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

enum { LEAST_KERNELS = 40, DIFFERENCE_SIZE = 512 };

/* One kernel's row in the list of what is expected, and what was counted of it. The empty kernel's
 * counts are taken off: the call, the loop and the marks. */
struct comparison {
    const char *name;
    struct flopgrind_counts expected, counted;
};

static bool flag(const cJSON *row, const char *name)
{
    return cJSON_IsTrue(cJSON_GetObjectItem(row, name));
}

static void expect_ops(const struct comparison *c)
{
    char text[DIFFERENCE_SIZE];
    cr_expect_eq(op_counts_differ(text, sizeof text, &c->counted, &c->expected), 0, "%s: %s",
                 c->name, text);
}

static void expect_instructions(const struct comparison *c)
{
    cr_expect_eq(c->counted.instructions, c->expected.instructions, "%s: %lu instructions, not %lu",
                 c->name, c->counted.instructions, c->expected.instructions);
}

static void expect_bytes(const struct comparison *c)
{
    cr_expect_eq(c->counted.bytes_loaded, c->expected.bytes_loaded, "%s: %lu bytes loaded, not %lu",
                 c->name, c->counted.bytes_loaded, c->expected.bytes_loaded);
    cr_expect_eq(c->counted.bytes_stored, c->expected.bytes_stored, "%s: %lu bytes stored, not %lu",
                 c->name, c->counted.bytes_stored, c->expected.bytes_stored);
}

/* Of kernels that declare lines only; the others touch a few they do not care about. */
static void expect_lines(const struct comparison *c)
{
    if (c->expected.lines_read + c->expected.lines_written == 0)
        return;
    cr_expect_eq(c->counted.lines_read, c->expected.lines_read, "%s: %lu lines read, not %lu",
                 c->name, c->counted.lines_read, c->expected.lines_read);
    cr_expect_eq(c->counted.lines_written, c->expected.lines_written,
                 "%s: %lu lines written, not %lu", c->name, c->counted.lines_written,
                 c->expected.lines_written);
}

static void compare(const cJSON *row, const cJSON *run, enum counted_by by)
{
    struct comparison c = {
        .name = cJSON_GetObjectItem(row, "name")->valuestring,
        .expected = op_counts_from_json(cJSON_GetObjectItem(row, "counts")),
    };
    enum micro_where where =
        (enum micro_where)cJSON_GetNumberValue(cJSON_GetObjectItem(row, "where"));
    struct flopgrind_counts empty = counted_of(run, "empty", "counts");
    c.counted = counted_of(run, c.name, "counts");
    op_counts_subtract(&c.counted, &empty);
    expect_ops(&c);
    if (flag(row, "knows_instructions"))
        expect_instructions(&c);
    if (flag(row, "knows_bytes") && (where != MICRO_BYTES_BY_ORACLE || by == BY_ORACLE))
        expect_bytes(&c);
    if (c.counted.has_footprint)
        expect_lines(&c);
}

/* NULL: it is to be compared. */
static const char *why_not(const cJSON *row, const cJSON *kernel, enum counted_by by)
{
    double where = cJSON_GetNumberValue(cJSON_GetObjectItem(row, "where"));
    if (!flag(row, "supported"))
        return "this processor has no such instructions";
    if (by == BY_ORACLE && where == MICRO_BY_FLOPGRIND)
        return "the oracle follows one thread";
    if (by == BY_FLOPGRIND && cJSON_HasObjectItem(kernel, "lacks"))
        return "Valgrind has no such instructions";
    return NULL;
}

static void compare_all(enum counted_by by, const char *options)
{
    cJSON *list = counted_run(BY_NOBODY, "FL_ISA=", "", "--repeat 20 --list");
    cJSON *run = counted_run(by, "FL_ISA=", options, "--repeat 20 all");
    int n = 0;
    const cJSON *row;
    cJSON_ArrayForEach(row, cJSON_GetObjectItem(list, "kernels"))
    {
        const char *name = cJSON_GetObjectItem(row, "name")->valuestring;
        const char *reason = why_not(row, counted_kernel(run, name), by);
        if (reason) {
            fprintf(stderr, "skipped: micro-kernel %s: %s\n", name, reason);
            continue;
        }
        compare(row, run, by);
        n++;
    }
    cr_expect_geq(n, LEAST_KERNELS, "compared %d micro-kernels only", n);
    cJSON_Delete(run);
    cJSON_Delete(list);
}

Test(accuracy_micro, flopgrind_counts_what_is_known)
{
    compare_all(BY_FLOPGRIND, "");
}

Test(accuracy_micro, flopgrind_counts_the_same_with_footprint)
{
    compare_all(BY_FLOPGRIND, "--footprint=yes");
}

Test(accuracy_micro, oracle_counts_what_is_known)
{
    compare_all(BY_ORACLE, "");
}

/* Inside: n multiplications twice; around them n additions twice, twice. Four lanes each. */
static void check_nested(enum counted_by by)
{
    cJSON *run = counted_run(by, "FL_ISA=", "", "--repeat 10 nested");
    struct flopgrind_counts inner = counted_of(run, "nested inner", "counts");
    struct flopgrind_counts outer = counted_of(run, "nested outer", "counts");
    uint64_t *in_add = &inner.ops[FLOPGRIND_OP_ADD][FLOPGRIND_SINGLE][FLOPGRIND_128];
    uint64_t *in_mul = &inner.ops[FLOPGRIND_OP_MUL][FLOPGRIND_SINGLE][FLOPGRIND_128];
    uint64_t *out_add = &outer.ops[FLOPGRIND_OP_ADD][FLOPGRIND_SINGLE][FLOPGRIND_128];
    uint64_t *out_mul = &outer.ops[FLOPGRIND_OP_MUL][FLOPGRIND_SINGLE][FLOPGRIND_128];
    cr_expect_eq(*in_add, 0);
    cr_expect_eq(*in_mul, 80);
    cr_expect_eq(*out_add, 160);
    cr_expect_eq(*out_mul, 80, "what is inside belongs to what is around it, too");
    cr_expect_eq(op_counts_flops(&inner), 80);
    cr_expect_eq(op_counts_flops(&outer), 240);
    cJSON_Delete(run);
}

Test(accuracy_micro, flopgrind_nests_regions)
{
    check_nested(BY_FLOPGRIND);
}

Test(accuracy_micro, oracle_nests_stretches)
{
    check_nested(BY_ORACLE);
}

/* Zero is zero: not a conversion, not a comparison, in thousands of instructions. */
static void check_control(enum counted_by by)
{
    static const char *const CONTROLS[] = {"empty",     "integer", "logic_sse",
                                           "x87_moves", "copy",    "sort"};
    cJSON *run = counted_run(by, "FL_ISA=", "", "control, x87_moves, copy, sort");
    for (size_t i = 0; i < sizeof CONTROLS / sizeof *CONTROLS; i++) {
        char text[DIFFERENCE_SIZE];
        struct flopgrind_counts nothing = {0};
        struct flopgrind_counts counts = counted_of(run, CONTROLS[i], "counts");
        cr_expect_eq(op_counts_differ(text, sizeof text, &counts, &nothing), 0, "%s: %s",
                     CONTROLS[i], text);
        cr_expect_gt(counts.instructions, 100, "%s did not run", CONTROLS[i]);
    }
    cJSON_Delete(run);
}

Test(accuracy_micro, flopgrind_sees_no_flop_where_there_is_none)
{
    check_control(BY_FLOPGRIND);
}

Test(accuracy_micro, oracle_sees_no_flop_where_there_is_none)
{
    check_control(BY_ORACLE);
}

/* Everything that is counted, instructions and bytes included. */
Test(accuracy_micro, flopgrind_repeats_itself)
{
    static const char CASES[] = "all, sgemm 33 17 29, sgemv 33 47 t, expf 100, softmax 100, "
                                "linear 5 32 24 in_out 1";
    cJSON *first = counted_run(BY_FLOPGRIND, "FL_ISA=", "--footprint=yes", CASES);
    cJSON *second = counted_run(BY_FLOPGRIND, "FL_ISA=", "--footprint=yes", CASES);
    int n = 0;
    const cJSON *kernel;
    cJSON_ArrayForEach(kernel, cJSON_GetObjectItem(first, "kernels"))
    {
        const char *name = cJSON_GetObjectItem(kernel, "name")->valuestring;
        if (cJSON_HasObjectItem(kernel, "lacks") || strcmp(name, "threads") == 0)
            continue;
        struct flopgrind_counts a = counted_of(first, name, "counts");
        struct flopgrind_counts b = counted_of(second, name, "counts");
        cr_expect_arr_eq(&a, &b, sizeof a, "%s: two runs, two results", name);
        n++;
    }
    cr_expect_geq(n, LEAST_KERNELS);
    cJSON_Delete(second);
    cJSON_Delete(first);
}
