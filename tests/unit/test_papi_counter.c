/* The PAPI counter, with the kernel's software events where there is no hardware to count with.
 * Page faults are exact: the first touch of a fresh page is one, of whichever thread. */
#include "base/file.h"
#include "counters/counter_papi.h"
#include "engine_harness.h"
#include "papi_software.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <omp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef FL_HAS_PAPI
#define REQUIRE_PAPI() cr_skip_test("built without PAPI")
#else
#define REQUIRE_PAPI() ((void)0)
#endif

/* The most that n touched pages may count as: with the first use of the test's own pages, and
 * those that a sanitizer keeps its notes of memory in, one for eight. */
static uint64_t most(uint64_t n)
{
#ifdef __SANITIZE_ADDRESS__
    return n + n / 4 + 64;
#else
    return n + 8;
#endif
}

enum { THREAD_PAGES = 64 /* of a new thread's own, at most */ };

static void touch_pages(int n)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), size = (size_t)n * page;
    char *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(pages, MAP_FAILED);
    madvise(pages, size, MADV_NOHUGEPAGE);
    for (int i = 0; i < n; i++)
        ((volatile char *)pages)[(size_t)i * page] = 1;
    munmap(pages, size);
}

static void *touch_in_thread(void *n)
{
    touch_pages(*(int *)n);
    return NULL;
}

/* Reads a table from text. */
static int read_table(struct fl_papi_table *table, const char *text, struct fl_error *error)
{
    char path[] = "/tmp/flopledger-papi-XXXXXX";
    int fd = mkstemp(path);
    cr_assert(fd >= 0);
    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    int status = fl_papi_table_read(table, path, error);
    unlink(path);
    return status;
}

static struct fl_papi_table table;
static struct fl_counter counter;

static void open_table(const char *text, int n_at_once)
{
    struct fl_error error = {""};
    papi_offer_software_events();
    cr_assert(read_table(&table, text, &error) == FL_OK, "%s", error.text);
    const struct fl_papi_options options = {.table = &table, .n_at_once = n_at_once};
    cr_assert(fl_counter_papi_open(&counter, &options, &error) == FL_OK, "%s", error.text);
}

static void close_table(void)
{
    counter.close(&counter);
    fl_papi_table_close(&table);
}

static const char FAULTS[] = "perf::PAGE-FAULTS 1 flops # as if they were\n";

static bool about(uint64_t faults, uint64_t n)
{
    return faults >= n && faults <= most(n);
}

#define expect_faults(reading, n)                                                                  \
    cr_expect(about((reading).values[FL_COUNT_FLOPS], (n)), "%llu faults, expected %d",            \
              (unsigned long long)(reading).values[FL_COUNT_FLOPS], (n))

/* ---- by the processor ---- */

Test(papi, says_why_there_are_no_hardware_counters)
{
    struct fl_error error = {""};
    REQUIRE_PAPI();
    if (papi_hardware())
        cr_skip_test("this machine has hardware counters");
    FILE *cpuinfo = popen("grep -c -w hypervisor /proc/cpuinfo", "r");
    int n_virtual = 0;
    cr_assert(cpuinfo && fscanf(cpuinfo, "%d", &n_virtual) == 1);
    pclose(cpuinfo);
    if (n_virtual == 0 || geteuid() != 0)
        cr_skip_test("not root in a virtual machine: the reason is another one");
    cr_expect_eq(fl_counter_papi_open(&counter, NULL, &error), FL_FAILED);
    cr_expect_str_eq(error.text, "unavailable: no hardware counters (virtual machine)");

    static struct fl_papi_probe probe;
    fl_papi_probe(&probe);
    cr_expect_str_eq(probe.unavailable, "no hardware counters (virtual machine)");
    cr_expect_str_eq(probe.reasons[FL_COUNT_FLOPS], "no hardware counters (virtual machine)");
    cr_expect_eq(strncmp(probe.version, "PAPI ", 5), 0);
    cr_expect_gt(probe.n_components, 0);
    cr_expect_eq(probe.n_passes, 0);
}

Test(papi, says_that_it_was_left_out)
{
#ifdef FL_HAS_PAPI
    cr_skip_test("built with PAPI");
#else
    struct fl_error error = {""};
    cr_expect_eq(fl_counter_papi_open(&counter, NULL, &error), FL_FAILED);
    cr_expect_str_eq(error.text,
                     "unavailable: built without PAPI; install libpapi-dev and run make again");
    static struct fl_papi_probe probe;
    fl_papi_probe(&probe);
    cr_expect_not_null(strstr(probe.unavailable, "built without PAPI"));
    cr_expect_str_eq(probe.version, "");
#endif
}

/* Known work: every addition depends on the one before, so none can be left out. */
static double add_up(int n)
{
    volatile double step = 1.0;
    double sum = 0, one = step;
    for (int i = 0; i < n; i++) {
        sum += one;
        __asm__ volatile("" : "+x"(sum));
    }
    return sum;
}

Test(papi, counts_known_work_with_hardware)
{
    enum { N = 1000000 };
    struct fl_error error = {""};
    REQUIRE_PAPI();
    if (!papi_hardware())
        cr_skip_test("no hardware counters");
    if (fl_counter_papi_open(&counter, NULL, &error))
        cr_skip_test("%s", error.text);
    struct fl_reading work = {{0}}, control = {{0}};
    for (int pass = 0; pass < counter.n_passes; pass++) {
        if (counter.start_pass)
            counter.start_pass(&counter, pass);
        counter.enter(&counter, "additions");
        cr_expect_eq(add_up(N), N);
        counter.leave(&counter, &work);
        counter.enter(&counter, "nothing");
        counter.leave(&counter, &control);
    }
    if (counter.available & FL_COUNT_BIT(INSTRUCTIONS))
        cr_expect_geq(work.values[FL_COUNT_INSTRUCTIONS], 2 * (uint64_t)N);
    if (counter.available & FL_COUNT_BIT(FLOPS)) {
        cr_expect_geq(work.values[FL_COUNT_FLOPS], (uint64_t)N);
        cr_expect_leq(work.values[FL_COUNT_FLOPS], (uint64_t)N + N / 100);
        cr_expect_eq(control.values[FL_COUNT_FLOPS], 0);
    }
    counter.close(&counter);
}

/* ---- by a table ---- */

Test(papi, counts_what_one_thread_does)
{
    REQUIRE_PAPI();
    open_table(FAULTS, 0);
    cr_expect_str_eq(counter.name, "papi");
    cr_expect_eq(counter.available, FL_COUNT_BIT(FLOPS));
    cr_expect_eq(counter.n_passes, 1);
    cr_expect_null((void *)(uintptr_t)counter.start_pass);
    struct fl_reading reading = {{0}}, nothing = {{0}};
    counter.enter(&counter, "touch");
    touch_pages(500);
    counter.leave(&counter, &reading);
    expect_faults(reading, 500);
    touch_pages(100); /* outside */
    counter.enter(&counter, "nothing");
    counter.leave(&counter, &nothing);
    expect_faults(nothing, 0);
    counter.enter(&counter, "again");
    touch_pages(250);
    counter.leave(&counter, &reading); /* adds */
    expect_faults(reading, 750);
    close_table();
}

Test(papi, stretches_nest)
{
    REQUIRE_PAPI();
    open_table(FAULTS, 0);
    struct fl_reading outer = {{0}}, inner = {{0}};
    counter.enter(&counter, "outer");
    touch_pages(300);
    counter.enter(&counter, "inner");
    touch_pages(70);
    counter.leave(&counter, &inner);
    touch_pages(30);
    counter.leave(&counter, &outer);
    expect_faults(inner, 70);
    expect_faults(outer, 400);
    close_table();
}

/* The pool of workers is there before the counter is. */
Test(papi, counts_workers_that_were_there_before)
{
    REQUIRE_PAPI();
    omp_set_dynamic(0);
    int n_threads = 0;
#pragma omp parallel num_threads(2) reduction(+ : n_threads)
    n_threads++;
    cr_assert_eq(n_threads, 2);
    open_table(FAULTS, 0);
    struct fl_reading worker = {{0}}, both = {{0}};
    counter.enter(&counter, "worker");
#pragma omp parallel num_threads(2)
    if (omp_get_thread_num() == 1)
        touch_pages(400);
    counter.leave(&counter, &worker);
    expect_faults(worker, 400);
    counter.enter(&counter, "both");
#pragma omp parallel num_threads(2)
    touch_pages(200);
    counter.leave(&counter, &both);
    expect_faults(both, 400);
    close_table();
}

Test(papi, counts_threads_that_come_later)
{
    REQUIRE_PAPI();
    open_table(FAULTS, 0);
    struct fl_reading reading = {{0}};
    pthread_t thread;
    int n = 600;
    counter.enter(&counter, "thread");
    cr_assert_eq(pthread_create(&thread, NULL, touch_in_thread, &n), 0);
    pthread_join(thread, NULL);
    counter.leave(&counter, &reading);
    uint64_t faults = reading.values[FL_COUNT_FLOPS]; /* with the thread's own stack */
    cr_expect(faults >= 600 && faults <= most(600) + THREAD_PAGES, "%llu",
              (unsigned long long)faults);
    close_table();
}

Test(papi, weighs_events_and_uses_one_for_several_counts)
{
    REQUIRE_PAPI();
    open_table("perf::PAGE-FAULTS 64 memory_bytes\n"
               "perf::PAGE-FAULTS 3/4 energy_nj,cycles\n"
               "perf::MINOR-FAULTS 1 cycles\n",
               0);
    struct fl_reading reading = {{0}};
    counter.enter(&counter, "touch");
    touch_pages(1000);
    counter.leave(&counter, &reading);
    uint64_t n = reading.values[FL_COUNT_MEMORY_BYTES] / 64;
    cr_expect(about(n, 1000));
    cr_expect_eq(reading.values[FL_COUNT_MEMORY_BYTES], 64 * n);
    cr_expect_eq(reading.values[FL_COUNT_ENERGY], 3 * n / 4);
    cr_expect_eq(reading.values[FL_COUNT_CYCLES], 3 * n / 4 + n, "all of them minor faults");
    close_table();
}

/* One event at a time: each pass fills its own counts and leaves the others alone. */
Test(papi, counts_in_passes)
{
    REQUIRE_PAPI();
    open_table("perf::PAGE-FAULTS 1 flops\n"
               "perf::TASK-CLOCK 1 cycles\n"
               "perf::MINOR-FAULTS 1 instructions\n",
               1);
    cr_assert_eq(counter.n_passes, 3);
    cr_assert_not_null((void *)(uintptr_t)counter.start_pass);
    static const enum fl_count OF_PASS[] = {FL_COUNT_FLOPS, FL_COUNT_CYCLES, FL_COUNT_INSTRUCTIONS};
    struct fl_reading sum = {{0}};
    for (int pass = 0; pass < 3; pass++) {
        struct fl_reading reading = {{0}};
        counter.start_pass(&counter, pass);
        counter.enter(&counter, "touch");
        touch_pages(500);
        counter.leave(&counter, &reading);
        for (int count = 0; count < FL_N_COUNTS; count++)
            cr_expect_eq(reading.values[count] > 0, count == (int)OF_PASS[pass]);
        fl_reading_add(&sum, &reading);
    }
    expect_faults(sum, 500);
    cr_expect(about(sum.values[FL_COUNT_INSTRUCTIONS], 500));
    cr_expect_gt(sum.values[FL_COUNT_CYCLES], 1000, "500 faults take more than 1 us");
    close_table();
}

/* PAPI reads definitions of derived events when it starts. */
Test(papi, counts_presets_that_the_user_defined)
{
    char path[] = "/tmp/flopledger-papi-XXXXXX";
    REQUIRE_PAPI();
    papi_offer_software_events();
    static struct fl_papi_probe probe;
    fl_papi_probe(&probe);
    int fd = mkstemp(path);
    cr_assert(fd >= 0);
    dprintf(fd,
            "CPU,%s\nEVENT,FL_FAULTS_WEIGHED,DERIVED_POSTFIX,N0|3|*|N1|+|,"
            "perf::PAGE-FAULTS,perf::MINOR-FAULTS\n",
            probe.pmu);
    close(fd);
    setenv("PAPI_USER_EVENTS_FILE", path, 1);
    open_table("FL_FAULTS_WEIGHED 1 flops\n", 0);
    unlink(path);
    struct fl_reading reading = {{0}};
    counter.enter(&counter, "touch");
    touch_pages(500);
    counter.leave(&counter, &reading);
    cr_expect(about(reading.values[FL_COUNT_FLOPS] / 4, 500), "%llu",
              (unsigned long long)reading.values[FL_COUNT_FLOPS]);
    close_table();
}

Test(papi, names_the_event_that_cannot_be_counted)
{
    struct fl_error error = {""};
    REQUIRE_PAPI();
    papi_offer_software_events();
    cr_assert(read_table(&table, "perf::PAGE-FAULTS 1 flops\nNO_SUCH_EVENT 1 add\n", &error) ==
              FL_OK);
    const struct fl_papi_options options = {.table = &table};
    cr_expect_eq(fl_counter_papi_open(&counter, &options, &error), FL_FAILED);
    cr_expect_not_null(strstr(error.text, "NO_SUCH_EVENT"), "got: %s", error.text);
    fl_papi_table_close(&table);
    open_table(FAULTS, 0); /* nothing is left behind */
    close_table();
}

enum { N_FDS = 256 };

static bool is_kernel_event(int fd)
{
    char path[64], target[64] = "";
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return readlink(path, target, sizeof target - 1) > 0 && strstr(target, "perf_event");
}

/* As when the kernel gives a register to somebody else: reading yields nothing. saved: what was
 * there, by descriptor. */
static void break_events(int saved[N_FDS])
{
    int empty = open("/dev/null", O_RDONLY);
    cr_assert(empty >= 0);
    for (int fd = 0; fd < N_FDS; fd++) {
        saved[fd] = is_kernel_event(fd) ? fcntl(fd, F_DUPFD, N_FDS) : -1;
        if (saved[fd] >= 0)
            cr_assert_eq(dup2(empty, fd), fd);
    }
    close(empty);
}

static void mend_events(const int saved[N_FDS])
{
    for (int fd = 0; fd < N_FDS; fd++)
        if (saved[fd] >= 0) {
            cr_assert_eq(dup2(saved[fd], fd), fd);
            close(saved[fd]);
        }
}

Test(papi, says_when_it_lost_a_counter)
{
    REQUIRE_PAPI();
    open_table(FAULTS, 0);
    struct fl_reading reading = {{0}};
    int saved[N_FDS];
    counter.enter(&counter, "touch");
    touch_pages(10);
    break_events(saved);
    counter.leave(&counter, &reading);
    mend_events(saved);
    cr_expect_eq(counter.available, 0);
    cr_expect_not_null(strstr(counter.note, "lost"), "got: %s", counter.note);
    cr_expect_eq(reading.values[FL_COUNT_FLOPS], 0);
    close_table();
}

/* ---- in a ledger ---- */

Test(papi, attributes_work_of_workers_to_the_operator)
{
    struct fl_ledger ledger;
    struct fl_error error;
    REQUIRE_PAPI();
    omp_set_dynamic(0);
    open_table(FAULTS, 0);
    cr_assert(fl_ledger_open(&ledger, 2, &error) == FL_OK);
    cr_assert(fl_ledger_attach(&ledger, &counter, &error) == FL_OK);
    static const struct {
        int layer;
        enum fl_operator op;
        int n_threads, n_pages;
    } WORK[] = {{0, FL_OP_QKV, 1, 300}, {0, FL_OP_FFN_UP, 2, 150}, {1, FL_OP_QKV, 2, 90}};
    for (size_t i = 0; i < sizeof WORK / sizeof *WORK; i++) {
        fl_region_enter(&ledger, WORK[i].op);
#pragma omp parallel num_threads(WORK[i].n_threads)
        touch_pages(WORK[i].n_pages);
        fl_region_leave(&ledger, WORK[i].layer, WORK[i].op, (struct fl_cost){0});
    }
    for (size_t i = 0; i < sizeof WORK / sizeof *WORK; i++) {
        const struct fl_measured *measured = fl_ledger_measured(&ledger, WORK[i].layer, WORK[i].op);
        int n = WORK[i].n_threads * WORK[i].n_pages;
        uint64_t faults = measured->reading.values[FL_COUNT_FLOPS];
        /* The pool's second thread starts inside its first region, with pages of its own. */
        cr_expect(faults >= (uint64_t)n && faults <= most((uint64_t)n) + THREAD_PAGES,
                  "%llu, expected %d", (unsigned long long)faults, n);
    }
    cr_expect_eq(fl_ledger_measured(&ledger, 1, FL_OP_FFN_UP)->reading.values[FL_COUNT_FLOPS], 0);
    fl_ledger_attach(&ledger, NULL, &error);
    fl_ledger_close(&ledger);
    close_table();
}

static void measure_forward(int n_threads)
{
    struct fl_error error;
    struct fl_model model;
    struct fl_config drawn = harness_config(2);
    cr_assert(fl_model_random(&model, &drawn, 2, &error) == FL_OK, "%s", error.text);
    struct fl_session *session = harness_session(
        &model, &(struct fl_session_options){
                    .n_seqs = 2, .n_ctx = 32, .logits = FL_LOGITS_LAST, .n_threads = n_threads});
    struct fl_ledger *ledger = fl_session_ledger(session);
    open_table("perf::TASK-CLOCK 1 cycles\nperf::PAGE-FAULTS 4096 memory_bytes\n", 0);
    cr_assert(fl_ledger_attach(ledger, &counter, &error) == FL_OK);
    int tokens[2 * 16];
    for (int i = 0; i < 32; i++)
        tokens[i] = i % drawn.vocab_size;
    cr_assert(fl_session_forward(session, tokens, 16, FL_LOGITS_LAST, &error) == FL_OK, "%s",
              error.text);

    uint64_t clock = 0;
    for (int layer = 0; layer <= ledger->n_layers; layer++)
        for (int op = 0; op < FL_N_OPERATORS; op++) {
            const struct fl_ledger_entry *entry =
                fl_ledger_entry(ledger, layer, (enum fl_operator)op);
            uint64_t ns = fl_ledger_measured(ledger, layer, (enum fl_operator)op)
                              ->reading.values[FL_COUNT_CYCLES];
            cr_expect_eq(ns > 0, entry->n_calls > 0, "%s", fl_operator_name((enum fl_operator)op));
            clock += ns;
        }
    /* Processor time of all threads, against wall time of the same stretches. */
    uint64_t wall = fl_ledger_total(ledger).time_ns;
    cr_expect_leq(clock, (uint64_t)n_threads * wall);
    fl_ledger_attach(ledger, NULL, &error);
    close_table();
    fl_session_close(session);
    fl_model_close(&model);
}

Test(papi, measures_a_forward_pass_on_one_thread)
{
    REQUIRE_PAPI();
    measure_forward(1);
}

Test(papi, measures_a_forward_pass_on_two_threads)
{
    REQUIRE_PAPI();
    if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
        cr_skip_test("one processor");
    measure_forward(2);
}

/* ---- tables ---- */

Test(papi, reads_tables)
{
    struct fl_error error;
    cr_assert(read_table(&table,
                         "# comment\n\n  perf::A:b=1  5 flops,flops_single # more\r\n"
                         "\tB 1000000000/4294967296\tenergy_nj",
                         &error) == FL_OK);
    cr_assert_eq(table.n_events, 2);
    cr_expect_str_eq(table.events[0].name, "perf::A:b=1");
    cr_expect_eq(table.events[0].times, 5);
    cr_expect_eq(table.events[0].per, 1);
    cr_expect_eq(table.events[0].counts, FL_COUNT_BIT(FLOPS) | FL_COUNT_BIT(FLOPS_SINGLE));
    cr_expect_str_eq(table.events[1].name, "B");
    cr_expect_eq(table.events[1].times, 1000000000);
    cr_expect_eq(table.events[1].per, UINT64_C(1) << 32);
    cr_expect_eq(table.events[1].counts, FL_COUNT_BIT(ENERGY));
    fl_papi_table_close(&table);
}

Test(papi, refuses_tables)
{
    static const struct {
        const char *text, *expected;
    } CASES[] = {
        {"", "expected at least one event"},
        {"# only this\n", "expected at least one event"},
        {"A\n", ":1: expected an event, its weight"},
        {"A 1\n", ":1: expected an event, its weight"},
        {"A 1 flops\nB 1 flops more\n", ":2: expected an event, its weight"},
        {"A 0 flops\n", "weight '0'"},
        {"A -1 flops\n", "weight '-1'"},
        {"A 1.5 flops\n", "weight '1.5'"},
        {"A 1/0 flops\n", "weight '1/0'"},
        {"A 1/2/3 flops\n", "weight '1/2/3'"},
        {"A 99999999999999999999 flops\n", "weight '99999999999999999999'"},
        {"A 1 flips\n", "'flips' is no count"},
        {"A 1 flops\nABCDEFGHIJABCDEFGHIJABCDEFGHIJABCDEFGHIJABCDEFGHIJABCDEFGHIJABCDEFGHIJABCD"
         "EFGHIJABCDEFGHIJABCDEFGHIJABCDEFGHIJABCDEFGHIJABCDEFGH 1 flops",
         ":2: expected an event of at most 127 characters"},
        {"A 1 flops,\n", NULL}, /* an empty key is no key */
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct fl_error error = {""};
        int status = read_table(&table, CASES[i].text, &error);
        cr_expect_eq(status, CASES[i].expected ? FL_FAILED : FL_OK, "case %zu", i);
        if (CASES[i].expected)
            cr_expect_not_null(strstr(error.text, CASES[i].expected), "got: %s", error.text);
        fl_papi_table_close(&table);
    }
}
