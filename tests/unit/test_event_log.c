#include "ledger/event_log.h"
#include "ledger/ledger.h"

#include <criterion/criterion.h>

static const struct fl_event_shape ONE_TOKEN = {.n_seqs = 1, .n_rows = 1};

static void run_pass(struct fl_ledger *ledger, int n_regions)
{
    fl_event_log_begin(ledger->log, &ONE_TOKEN, fl_clock_ns());
    for (int i = 0; i < n_regions; i++) {
        fl_region_enter(ledger, FL_OP_QKV);
        fl_region_leave(ledger, i % ledger->n_layers, FL_OP_QKV, (struct fl_cost){.macs = 7});
    }
    fl_event_log_end(ledger->log, fl_clock_ns());
}

static uint64_t sum_of_times(const struct fl_event_log *log)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < log->n; i++)
        sum += log->events[i].ends_ns - log->events[i].begins_ns;
    return sum;
}

Test(event_log, has_what_the_ledger_sums)
{
    struct fl_error error;
    struct fl_ledger ledger;
    struct fl_event_log log;
    cr_assert_eq(fl_ledger_open(&ledger, 2, &error), FL_OK);
    cr_assert_eq(fl_event_log_open(&log, 100, &error), FL_OK);
    ledger.log = &log;
    fl_event_log_phase(&log, "prefill");
    run_pass(&ledger, 5);
    fl_event_log_phase(&log, "decode");
    run_pass(&ledger, 3);
    cr_assert_eq(log.n_passes, 2);
    cr_expect_str_eq(log.passes[0].phase, "prefill");
    cr_expect_str_eq(log.passes[1].phase, "decode");
    cr_expect_eq(log.passes[1].first, 5);
    cr_expect_eq(log.passes[1].n, 3);
    cr_expect_eq(log.n, 8);
    cr_expect_eq(sum_of_times(&log), fl_ledger_total(&ledger).time_ns);
    for (size_t i = 0; i < log.n; i++) {
        const struct fl_event_pass *pass = &log.passes[i < 5 ? 0 : 1];
        cr_expect_geq(log.events[i].begins_ns, pass->begins_ns);
        cr_expect_leq(log.events[i].ends_ns, pass->ends_ns);
        cr_expect_eq(log.events[i].cost.macs, 7);
    }
    fl_event_log_close(&log);
    fl_ledger_close(&ledger);
}

Test(event_log, regions_outside_of_passes_are_no_events)
{
    struct fl_error error;
    struct fl_ledger ledger;
    struct fl_event_log log;
    cr_assert_eq(fl_ledger_open(&ledger, 1, &error), FL_OK);
    cr_assert_eq(fl_event_log_open(&log, 100, &error), FL_OK);
    ledger.log = &log;
    fl_region_enter(&ledger, FL_OP_QKV);
    fl_region_leave(&ledger, 0, FL_OP_QKV, (struct fl_cost){.macs = 7});
    cr_expect_eq(log.n, 0);
    cr_expect_eq(fl_ledger_total(&ledger).n_calls, 1);
    fl_event_log_close(&log);
    fl_ledger_close(&ledger);
}

/* What does not fit is left out as a whole, and nothing behind it comes in again. */
Test(event_log, a_full_log_keeps_whole_passes_and_counts_the_others)
{
    struct fl_error error;
    struct fl_ledger ledger;
    struct fl_event_log log;
    cr_assert_eq(fl_ledger_open(&ledger, 1, &error), FL_OK);
    cr_assert_eq(fl_event_log_open(&log, 20, &error), FL_OK);
    ledger.log = &log;
    run_pass(&ledger, 8);
    run_pass(&ledger, 8);
    run_pass(&ledger, 8);
    run_pass(&ledger, 1);
    cr_expect_eq(log.n_passes, 2);
    cr_expect_eq(log.n, 16);
    cr_expect_eq(log.n_left_out, 2);
    cr_expect_eq(fl_ledger_total(&ledger).n_calls, 25, "the ledger has them all");
    fl_event_log_close(&log);
    fl_ledger_close(&ledger);
}

Test(event_log, an_encoder_has_rows_of_its_own)
{
    struct fl_error error;
    struct fl_ledger ledger;
    struct fl_event_log log;
    cr_assert_eq(fl_ledger_open_stacks(&ledger, 3, 2, &error), FL_OK);
    cr_assert_eq(fl_event_log_open(&log, 10, &error), FL_OK);
    ledger.log = &log;
    struct fl_ledger encoder = fl_ledger_of_encoder(&ledger);
    fl_event_log_begin(&log, &ONE_TOKEN, fl_clock_ns());
    fl_region_enter(&encoder, FL_OP_QKV);
    fl_region_leave(&encoder, 1, FL_OP_QKV, (struct fl_cost){.macs = 7});
    fl_event_log_end(&log, fl_clock_ns());
    cr_assert_eq(log.n, 1);
    cr_expect_eq(log.events[0].row, fl_ledger_row(3, 2, FL_STACK_ENCODER, 1));
    fl_event_log_close(&log);
    fl_ledger_close(&ledger);
}

Test(event_log, no_log_is_no_matter)
{
    fl_event_log_phase(NULL, "prefill");
    fl_event_log_begin(NULL, &ONE_TOKEN, 1);
    fl_event_log_end(NULL, 2);
}
