/* The ledger as software-defined events: a PAPI client reads the ledger's own figures. */
#include "engine/export_sde.h"
#include "engine/session.h"
#include "model/presets.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef FL_HAS_PAPI
#include <papi.h>
#define REQUIRE_PAPI() ((void)0)
#else
#define REQUIRE_PAPI() cr_skip_test("built without PAPI")
#endif

enum { N_SEQS = 3, N_TOKENS = 7 };

static struct fl_model model;
static struct fl_session *session;

/* The model, the session and the two passes of tests/papi/papi_client.c. */
static void open_session(void)
{
    struct fl_error error;
    struct fl_config config = fl_preset_find("stories15m")->config;
    const struct fl_session_options options = {
        .n_seqs = N_SEQS, .n_ctx = 8, .logits = FL_LOGITS_LAST, .n_threads = 1};
    config.n_layers = 2;
    config.vocab_size = 64;
    cr_assert(fl_model_random(&model, &config, 2, &error) == FL_OK, "%s", error.text);
    cr_assert(fl_session_open(&session, &model, &options, &error) == FL_OK, "%s", error.text);
}

static void forward(int n_tokens, enum fl_logits logits)
{
    int tokens[N_SEQS * N_TOKENS];
    struct fl_error error;
    for (int i = 0; i < N_SEQS * N_TOKENS; i++)
        tokens[i] = i;
    cr_assert(fl_session_forward(session, tokens, n_tokens, logits, &error) == FL_OK, "%s",
              error.text);
}

static void close_session(void)
{
    fl_session_close(session);
    fl_model_close(&model);
}

static struct fl_ledger_entry of_operator(enum fl_operator op)
{
    struct fl_ledger_entry sum = {{0}, 0, 0};
    const struct fl_ledger *ledger = fl_session_ledger(session);
    for (int layer = 0; layer <= ledger->n_layers; layer++) {
        const struct fl_ledger_entry *entry = fl_ledger_entry(ledger, layer, op);
        sum.counted = fl_cost_add(sum.counted, entry->counted);
        sum.time_ns += entry->time_ns;
        sum.n_calls += entry->n_calls;
    }
    return sum;
}

#define EVENT_PREFIX "sde:::flopledger::"

/* Events, and the ledger's own figure of each. */
struct expected {
    const char *event;
    uint64_t value;
};

enum { N_EXPECTED = 9 };

static void fill_expected(struct expected expected[N_EXPECTED])
{
    const struct fl_ledger_entry all = fl_ledger_total(fl_session_ledger(session));
    const struct fl_ledger_entry qkv = of_operator(FL_OP_QKV), embed = of_operator(FL_OP_EMBED),
                                 down = of_operator(FL_OP_FFN_DOWN),
                                 logits = of_operator(FL_OP_LOGITS);
    const struct expected rows[N_EXPECTED] = {
        {EVENT_PREFIX "flops", fl_cost_flops(all.counted)},
        {EVENT_PREFIX "bytes_read", all.counted.bytes_read},
        {EVENT_PREFIX "bytes_written", all.counted.bytes_written},
        {EVENT_PREFIX "calls", all.n_calls},
        {EVENT_PREFIX "qkv_flops", fl_cost_flops(qkv.counted)},
        {EVENT_PREFIX "qkv_bytes_read", qkv.counted.bytes_read},
        {EVENT_PREFIX "ffn_down_bytes_written", down.counted.bytes_written},
        {EVENT_PREFIX "logits_flops", fl_cost_flops(logits.counted)},
        {EVENT_PREFIX "embed_calls", embed.n_calls},
    };
    memcpy(expected, rows, sizeof rows);
}

/* The client, beside this program; skips where it was not built. */
static void client_path(char out[4096])
{
    static const char NAME[] = "papi_client";
    ssize_t n = readlink("/proc/self/exe", out, 4096 - sizeof NAME);
    cr_assert(n > 0);
    out[n] = '\0';
    strcpy(strrchr(out, '/') + 1, NAME);
    if (access(out, X_OK) != 0)
        cr_skip_test("no %s", out);
}

Test(papi_sde, a_client_reads_the_ledgers_figures)
{
    char command[8192], path[4096], event[128];
    struct expected expected[N_EXPECTED];
    REQUIRE_PAPI();
    client_path(path);
    open_session();
    forward(1, FL_LOGITS_NONE);
    fl_ledger_reset(fl_session_ledger(session)); /* the client counts the second pass */
    forward(N_TOKENS, FL_LOGITS_LAST);
    fill_expected(expected);

    size_t used = (size_t)snprintf(command, sizeof command, "%s", path);
    for (int i = 0; i < N_EXPECTED; i++)
        used += (size_t)snprintf(command + used, sizeof command - used, " %s", expected[i].event);
    snprintf(command + used, sizeof command - used, " %s", EVENT_PREFIX "ffn_up_time_ns");
    FILE *client = popen(command, "r");
    cr_assert_not_null(client);
    unsigned long long value;
    for (int i = 0; i < N_EXPECTED; i++) {
        cr_assert_eq(fscanf(client, "%127s %llu", event, &value), 2);
        cr_expect_str_eq(event, expected[i].event);
        cr_expect_gt(value, 0, "%s", event);
        cr_expect_eq(value, expected[i].value, "%s: %llu, expected %llu", event, value,
                     (unsigned long long)expected[i].value);
    }
    cr_assert_eq(fscanf(client, "%127s %llu", event, &value), 2);
    cr_expect(value > 0 && value < 60000000000u, "%llu ns", value);
    cr_expect_eq(pclose(client), 0);
    close_session();
}

Test(papi_sde, lists_every_operator)
{
    char command[4200], path[4096], line[512];
    bool found[FL_N_OPERATORS] = {false};
    int n = 0;
    REQUIRE_PAPI();
    client_path(path);
    snprintf(command, sizeof command, "%s --list", path);
    FILE *client = popen(command, "r");
    cr_assert_not_null(client);
    while (fgets(line, sizeof line, client)) {
        cr_expect_eq(strncmp(line, EVENT_PREFIX, strlen(EVENT_PREFIX)), 0, "%s", line);
        cr_expect_not_null(strstr(line, " | "), "%s", line);
        for (int op = 0; op < FL_N_OPERATORS; op++) {
            char event[128];
            snprintf(event, sizeof event, EVENT_PREFIX "%s_flops |",
                     fl_operator_name((enum fl_operator)op));
            found[op] |= strncmp(line, event, strlen(event)) == 0;
        }
        n++;
    }
    cr_expect_eq(pclose(client), 0);
    cr_expect_eq(n, (FL_N_OPERATORS + 1) * 5);
    for (int op = 0; op < FL_N_OPERATORS; op++)
        cr_expect(found[op], "%s", fl_operator_name((enum fl_operator)op));
}

#ifdef FL_HAS_PAPI
static long long read_event(int events)
{
    long long value;
    cr_assert_eq(PAPI_read(events, &value), PAPI_OK);
    return value;
}
#endif

/* This program does not link libsde: it is loaded for the export, and PAPI finds it. */
Test(papi_sde, loads_libsde_when_it_is_wanted)
{
    REQUIRE_PAPI();
#ifdef FL_HAS_PAPI
    struct fl_error error;
    int events = PAPI_NULL;
    open_session();
    cr_assert(fl_sde_export_begin(fl_session_ledger(session), &error) == FL_OK, "%s", error.text);
    cr_assert_eq(PAPI_library_init(PAPI_VER_CURRENT), PAPI_VER_CURRENT);
    cr_assert_eq(PAPI_create_eventset(&events), PAPI_OK);
    cr_assert_eq(PAPI_add_named_event(events, EVENT_PREFIX "flops"), PAPI_OK);
    cr_assert_eq(PAPI_start(events), PAPI_OK);
    cr_expect_eq(read_event(events), 0);
    forward(1, FL_LOGITS_NONE);
    uint64_t first = fl_cost_flops(fl_ledger_total(fl_session_ledger(session)).counted);
    cr_expect_eq(read_event(events), (long long)first);
    forward(2, FL_LOGITS_LAST);
    uint64_t both = fl_cost_flops(fl_ledger_total(fl_session_ledger(session)).counted);
    cr_expect_gt(both, first);
    cr_expect_eq(read_event(events), (long long)both);
    long long last;
    PAPI_stop(events, &last);
    PAPI_cleanup_eventset(events);
    PAPI_destroy_eventset(&events);
    fl_sde_export_end();
    PAPI_shutdown();
    close_session();
#endif
}

#ifdef FL_HAS_PAPI
static void expect_flops_of_a_pass(void)
{
    int events = PAPI_NULL;
    cr_assert_eq(PAPI_create_eventset(&events), PAPI_OK);
    cr_assert_eq(PAPI_add_named_event(events, EVENT_PREFIX "flops"), PAPI_OK);
    cr_assert_eq(PAPI_start(events), PAPI_OK);
    forward(1, FL_LOGITS_NONE);
    cr_expect_eq(read_event(events),
                 (long long)fl_cost_flops(fl_ledger_total(fl_session_ledger(session)).counted));
    long long last;
    PAPI_stop(events, &last);
    PAPI_cleanup_eventset(events);
    PAPI_destroy_eventset(&events);
}
#endif

/* The events of one session serve the next. */
Test(papi_sde, exports_one_ledger_after_the_other)
{
    REQUIRE_PAPI();
#ifdef FL_HAS_PAPI
    struct fl_error error;
    for (int i = 0; i < 3; i++) {
        open_session();
        cr_assert(fl_sde_export_begin(fl_session_ledger(session), &error) == FL_OK, "%s",
                  error.text);
        cr_expect_eq(fl_sde_export_begin(fl_session_ledger(session), &error), FL_FAILED);
        cr_expect_not_null(strstr(error.text, "already"), "got: %s", error.text);
        if (i == 0)
            cr_assert_eq(PAPI_library_init(PAPI_VER_CURRENT), PAPI_VER_CURRENT);
        expect_flops_of_a_pass();
        fl_sde_export_end();
        close_session();
    }
    PAPI_shutdown();
#endif
}
