/* scripts/flopgrind on a program of somebody else's, and the client header in it. */
#include "counters/counter_flopgrind.h"
#include "tests/cli/run.h"

#include <cJSON.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

/* 1000 additions in "outer", of which 100 in "inner", which writes 64 lines and reads none. */
static const char PROGRAM[] =
    "#include \"counters/flopgrind.h\"\n"
    "#include <string.h>\n"
    "#include <sys/wait.h>\n"
    "#include <unistd.h>\n"
    "#define ATOMIC(text) __asm__ volatile(text : \"+m\"(*(long *)lines) : : \"rax\", \"cc\")\n"
    "static _Alignas(64) char lines[64 * 64];\n"
    "static void add(int n)\n"
    "{\n"
    "    for (int i = 0; i < n; i++)\n"
    "        __asm__ volatile(\"addsd %%xmm0, %%xmm0\" : : : \"xmm0\");\n"
    "}\n"
    "int main(int argc, char **argv)\n"
    "{\n"
    "    struct flopgrind_counts counts = {.instructions = 1};\n"
    "    if (argc > 1 && strcmp(argv[1], \"fork\") == 0 && fork() == 0) {\n"
    "        add(7);\n"
    "        _exit(0);\n"
    "    }\n"
    "    FLOPGRIND_ENTER(\"outer\");\n"
    "    add(900);\n"
    "    FLOPGRIND_ENTER(\"inner \\\"quoted\\\"\");\n"
    "    add(100);\n"
    "    for (int i = 0; i < 64; i++)\n"
    "        __asm__ volatile(\"movb $1, %0\" : \"=m\"(lines[64 * i]));\n"
    "    FLOPGRIND_LEAVE_INTO(&counts);\n"
    "    FLOPGRIND_LEAVE();\n"
    "    if (argc > 1 && strcmp(argv[1], \"unbalanced\") == 0) {\n"
    "        FLOPGRIND_LEAVE();\n"
    "        FLOPGRIND_LEAVE();\n"
    "        FLOPGRIND_ENTER(\"left open\");\n"
    "    }\n"
    "    if (argc > 1 && strcmp(argv[1], \"inside\") == 0) {\n"
    "        FLOPGRIND_ENTER(\"around fork\");\n"
    "        if (fork() == 0)\n"
    "            _exit(0);\n"
    "        FLOPGRIND_LEAVE();\n"
    "    }\n"
    "    if (argc > 1 && strcmp(argv[1], \"pointers\") == 0) {\n"
    "        FLOPGRIND_ENTER((const char *)8);\n"
    "        FLOPGRIND_LEAVE_INTO((void *)8);\n"
    "        FLOPGRIND_TOTALS((void *)8);\n"
    "    }\n"
    "    if (argc > 1 && strcmp(argv[1], \"deep\") == 0) {\n"
    "        for (int i = 0; i < 3000; i++)\n"
    "            FLOPGRIND_ENTER(\"deep\");\n"
    "        for (int i = 0; i < 3000; i++)\n"
    "            FLOPGRIND_LEAVE();\n"
    "        FLOPGRIND_ENTER(\"atomic\");\n"
    "        ATOMIC(\"lock addq $1, %0\");\n"
    "        FLOPGRIND_LEAVE();\n"
    "        FLOPGRIND_ENTER(\"atomics\");\n"
    "        ATOMIC(\"lock addq $1, %0; lock cmpxchgq %%rax, %0; xchgq %%rax, %0\");\n"
    "        FLOPGRIND_LEAVE();\n"
    "    }\n"
    "    while (wait(NULL) > 0)\n"
    "        ;\n"
    "    uint64_t added = counts.ops[FLOPGRIND_OP_ADD][FLOPGRIND_DOUBLE][FLOPGRIND_SCALAR];\n"
    "    return FLOPGRIND_RUNNING() ? added != 100 : counts.instructions != 1;\n"
    "}\n";

static struct run_scratch scratch;

static void build_program(void)
{
    char path[128];
    const char *missing = fl_flopgrind_missing();
    if (missing)
        cr_skip_test("flopgrind: %s", missing);
    run_scratch_make(&scratch);
    snprintf(path, sizeof path, "%s/program.c", scratch.path);
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    fputs(PROGRAM, file);
    fclose(file);
    struct run_result r = run_shell("cc -O1 -Ilib -o %s/program %s", scratch.path, path);
    cr_assert_eq(r.status, 0, "%s", r.err);
    run_release(&r);
}

static void remove_program(void)
{
    run_scratch_remove(&scratch);
}

/* `flopgrind OPTIONS program ARGUMENT`, with the tool of this build. */
static struct run_result flopgrind(const char *options, const char *argument)
{
    return run_shell("FLOPGRIND_LIB=$(dirname \"$FLOPLEDGER\")/flopgrind "
                     "scripts/flopgrind %s %s/program %s",
                     options, scratch.path, argument);
}

static cJSON *json(const char *options, const char *argument)
{
    char with_file[256];
    snprintf(with_file, sizeof with_file, "-q %s --json=%s/counts.json", options, scratch.path);
    struct run_result r = flopgrind(with_file, argument);
    cr_assert_eq(r.status, 0, "%s", r.err);
    cr_expect_str_eq(r.err, "", "-q is silent");
    run_release(&r);
    r = run_shell("cat %s/counts.json && ls %s", scratch.path, scratch.path);
    cr_expect_not(strstr(r.out, ".tmp"), "nothing half written stays behind");
    cJSON *object = cJSON_Parse(r.out);
    cr_assert_not_null(object, "%s", r.out);
    run_release(&r);
    return object;
}

static double region_number(const cJSON *root, int region, const char *name)
{
    const cJSON *regions = cJSON_GetObjectItem(root, "regions");
    return cJSON_GetObjectItem(cJSON_GetArrayItem(regions, region), name)->valuedouble;
}

Test(cli_flopgrind, prints_totals_and_regions, .init = build_program, .fini = remove_program)
{
    struct run_result r = flopgrind("", "");
    cr_expect_eq(r.status, 0, "%s", r.err);
    static const char *const TEXTS[] = {"FLOPs:", "bytes loaded:", "outer", "inner \"quoted\"",
                                        "add        double    scalar"};
    for (size_t i = 0; i < sizeof TEXTS / sizeof *TEXTS; i++)
        cr_expect(strstr(r.err, TEXTS[i]), "%s: %s", TEXTS[i], r.err);
    run_release(&r);
}

Test(cli_flopgrind, regions_nest_in_json, .init = build_program, .fini = remove_program)
{
    cJSON *root = json("--footprint=yes --cache-model=yes --l1=4096,4,64 --ll=65536,8,64", "");
    cr_expect_eq(region_number(root, 0, "flops"), 1000);
    cr_expect_eq(region_number(root, 0, "self_flops"), 900);
    cr_expect_eq(region_number(root, 1, "flops"), 100);
    cr_expect_eq(region_number(root, 1, "entered"), 1);
    double written = region_number(root, 1, "lines_written");
    cr_expect(written >= 64 && written <= 72, "%.0f: 64 and a few of the stack", written);
    cr_expect_eq(
        cJSON_GetObjectItem(cJSON_GetObjectItem(root, "cache_model"), "l1_bytes")->valuedouble,
        4096);
    cr_expect_geq(region_number(root, 1, "modelled_l1_misses"), 64);
    cJSON_Delete(root);
}

Test(cli_flopgrind, unbalanced_regions_do_no_harm, .init = build_program, .fini = remove_program)
{
    struct run_result r = flopgrind("", "unbalanced");
    cr_expect_eq(r.status, 0, "%s", r.err);
    const char *first = strstr(r.err, "FLOPGRIND_LEAVE without a region that is open");
    cr_assert_not_null(first, "%s", r.err);
    cr_expect(strstr(first, "the last was \"outer\""), "%s", r.err);
    cr_expect_not(strstr(first + 1, "FLOPGRIND_LEAVE without"), "said once");
    cr_expect(strstr(r.err, "region \"left open\" was still open at the end"), "%s", r.err);
    run_release(&r);
}

/* The child's own counts do not overwrite its parent's file. */
Test(cli_flopgrind, a_forked_child_counts_for_itself, .init = build_program, .fini = remove_program)
{
    cJSON *root = json("", "fork");
    cr_expect_eq(region_number(root, 0, "flops"), 1000);
    cr_expect_lt(cJSON_GetObjectItem(cJSON_GetObjectItem(root, "total"), "flops")->valuedouble,
                 1007);
    cJSON_Delete(root);
}

/* It inherits the open region, which is its parent's to close. */
Test(cli_flopgrind, a_fork_inside_a_region_is_no_mistake, .init = build_program,
     .fini = remove_program)
{
    struct run_result r = flopgrind("-q", "inside");
    cr_expect_eq(r.status, 0, "%s", r.err);
    cr_expect_str_eq(r.err, "");
    run_release(&r);
}

Test(cli_flopgrind, pointers_to_nowhere_get_a_sentence, .init = build_program,
     .fini = remove_program)
{
    struct run_result r = flopgrind("-q", "pointers");
    cr_expect_eq(r.status, 0, "%s", r.err);
    static const char *const SENTENCES[] = {
        "FLOPGRIND_ENTER: expected a string",
        "FLOPGRIND_LEAVE_INTO: expected the address",
        "FLOPGRIND_TOTALS: expected the address",
    };
    for (size_t i = 0; i < sizeof SENTENCES / sizeof *SENTENCES; i++)
        cr_expect(strstr(r.err, SENTENCES[i]), "%s: %s", SENTENCES[i], r.err);
    run_release(&r);
}

/* Regions without end are cut off, and what comes after them is right again: an atomic instruction
 * loads and stores its 8 bytes once, whatever Valgrind makes of it. */
Test(cli_flopgrind, regions_too_deep_do_no_harm, .init = build_program, .fini = remove_program)
{
    enum { DEEP = 2, ATOMIC, ATOMICS };
    char options[128];
    snprintf(options, sizeof options, "-q --json=%s/counts.json", scratch.path);
    struct run_result r = flopgrind(options, "deep");
    cr_expect_eq(r.status, 0, "%s", r.err);
    cr_expect(strstr(r.err, "regions nest too deeply"), "%s", r.err);
    run_release(&r);
    r = run_shell("cat %s/counts.json", scratch.path);
    cJSON *root = cJSON_Parse(r.out);
    cr_assert_not_null(root, "%s", r.out);
    cr_expect_gt(region_number(root, DEEP, "entered"), 1000);
    cr_expect_eq(region_number(root, ATOMIC, "entered"), 1);
    static const char *const BYTES[] = {"bytes_loaded", "bytes_stored"};
    for (int i = 0; i < 2; i++)
        cr_expect_eq(region_number(root, ATOMICS, BYTES[i]) - region_number(root, ATOMIC, BYTES[i]),
                     16, "%s of two more atomic instructions", BYTES[i]);
    cJSON_Delete(root);
    run_release(&r);
}

Test(cli_flopgrind, the_program_runs_alone_too, .init = build_program, .fini = remove_program)
{
    struct run_result r = run_shell("%s/program", scratch.path);
    cr_expect_eq(r.status, 0);
    run_release(&r);
}

Test(cli_flopgrind, mistakes_get_a_sentence, .init = build_program, .fini = remove_program)
{
    static const struct {
        const char *options, *sentence;
    } MISTAKES[] = {
        {"--footprint=maybe", "should be 'yes' or 'no'"},
        {"--l1=32768,8", "expected SIZE,WAYS,LINE"},
        {"--ll=1000,3,64", "power of two"},
        {"--l1=32768,8,64", "expected --cache-model=yes"},
        {"--json=", "No filename given"},
        {"--json=/nowhere/counts.json", "--json: cannot write"},
        {"--nonsense=1", "Unknown option"},
    };
    for (size_t i = 0; i < sizeof MISTAKES / sizeof *MISTAKES; i++) {
        struct run_result r = flopgrind(MISTAKES[i].options, "");
        cr_expect_neq(r.status, 0, "%s", MISTAKES[i].options);
        cr_expect(strstr(r.err, MISTAKES[i].sentence), "%s: %s", MISTAKES[i].options, r.err);
        cr_expect_not(strstr(r.err, "FLOPs"), "%s: before the program runs", MISTAKES[i].options);
        run_release(&r);
    }
}

Test(cli_flopgrind, help_and_misuse)
{
    struct run_result r = run_shell("scripts/flopgrind --help");
    cr_expect_eq(r.status, 0);
    cr_expect(strstr(r.out, "examples:"), "%s", r.out);
    run_release(&r);
    r = run_shell("scripts/flopgrind");
    cr_expect_eq(r.status, 2);
    run_release(&r);
    r = run_shell("PATH=/usr/bin:/bin scripts/flopgrind /nonexistent/program");
    cr_expect_neq(r.status, 0);
    run_release(&r);
}
