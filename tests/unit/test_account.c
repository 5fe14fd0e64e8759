#include "analyzers/account.h"
#include "model/presets.h"

#include <criterion/criterion.h>
#include <string.h>

static const struct fl_convention EXACT = {FL_UNIT_FLOP, FL_CAUSAL_EXACT, FL_LM_HEAD_LAST, true,
                                           false};

static struct fl_account forward(const char *preset, int64_t s, int64_t p)
{
    struct fl_account account;
    struct fl_shape shape = {.batch = 2, .n_tokens = s, .n_past = p};
    struct fl_error error;
    cr_assert_eq(
        fl_account_forward(&account, &fl_preset_find(preset)->config, &shape, &EXACT, &error),
        FL_OK, "%s", error.text);
    return account;
}

Test(account, rows_follow_the_execution_and_add_up)
{
    struct fl_account account = forward("llama-nano", 20, 0);
    fl_wide exact = 0, textbook = 0;
    int layer = -1;
    cr_expect_eq(account.rows[0].op, FL_OP_EMBED);
    cr_expect_eq(account.rows[account.n_rows - 1].op, FL_OP_LOGITS);
    for (int i = 0; i < account.n_rows; i++) {
        const struct fl_account_row *row = &account.rows[i];
        exact += row->exact;
        textbook += row->textbook;
        if (row->layer != FL_LAYER_GLOBAL) {
            cr_expect(row->layer == layer || row->layer == layer + 1);
            layer = row->layer;
        }
    }
    cr_expect_eq(layer, account.config.n_layers - 1);
    cr_expect(exact == account.total.exact && textbook == account.total.textbook);
    struct fl_account_row sum;
    int n = fl_account_sum(&account, NULL, FL_STACK_DECODER, FL_OP_QKV, &sum);
    cr_expect_eq(n, account.config.n_layers);
    cr_expect(sum.exact == n * account.rows[2].exact, "all layers cost the same");
    fl_account_close(&account);
}

/* The terms of whole generations leave nothing over: with attention in steps and fused, whose cost
 * jumps where a stretch of keys ends; with the cache and without, through a window. */
Test(account, generations_leave_nothing_over)
{
    for (int variant = 0; variant < 8; variant++) {
        struct fl_account account;
        struct fl_error error;
        struct fl_config config = fl_preset_find("llama-nano")->config;
        struct fl_convention convention = EXACT;
        const struct fl_generation generation = {
            .batch = 2, .n_prompt = 50, .n_gen = 170, .cache = variant & 1};
        convention.fused = variant & 2;
        config.sliding_window = variant & 4 ? 90 : 0;
        cr_assert_eq(fl_account_generation(&account, &config, &generation, &convention, &error),
                     FL_OK, "%s", error.text);
        fl_wide terms = 0;
        for (int i = 0; i < account.gap.n_terms; i++)
            if (strcmp(account.gap.terms[i].from, "textbook") == 0)
                terms += account.gap.terms[i].flops;
        cr_expect(account.gap.unnamed == 0 && terms == account.total.exact - account.total.textbook,
                  "variant %d", variant);
        fl_account_close(&account);
    }
}

/* A ledger as a run would leave it: what the formulas say, spread over layers. */
static struct fl_ledger ledger_of(const struct fl_account *account)
{
    struct fl_ledger ledger;
    cr_assert_eq(fl_ledger_open(&ledger, account->config.n_layers, NULL), FL_OK);
    for (int i = 0; i < account->n_rows; i++) {
        const struct fl_account_row *row = &account->rows[i];
        int layer = row->layer == FL_LAYER_GLOBAL ? fl_ledger_global(&ledger) : row->layer;
        struct fl_ledger_entry *entry = fl_ledger_entry(&ledger, layer, row->op);
        entry->counted.elementwise = (uint64_t)row->exact;
        entry->counted.bytes_read = (uint64_t)row->bytes_read;
        entry->counted.bytes_written = (uint64_t)row->bytes_written;
        entry->time_ns = 5;
    }
    return ledger;
}

Test(account, equal_figures_pass)
{
    struct fl_account account = forward("gpt2-nano", 9, 3);
    struct fl_ledger ledger = ledger_of(&account);
    struct fl_error error;
    cr_assert_eq(fl_account_add_ledger(&account, &ledger, &error), FL_OK, "%s", error.text);
    cr_expect_eq(fl_account_check(&account, &error), FL_OK, "%s", error.text);
    cr_expect_eq(account.total.time_ns, 5 * (uint64_t)account.n_rows);
    fl_ledger_close(&ledger);
    fl_account_close(&account);
}

/* One FLOP, one byte: named by layer and operator. */
Test(account, one_wrong_figure_is_named)
{
    for (int what = 0; what < 3; what++) {
        struct fl_account account = forward("gpt2-nano", 9, 0);
        struct fl_ledger ledger = ledger_of(&account);
        struct fl_ledger_entry *entry = fl_ledger_entry(&ledger, 2, FL_OP_SOFTMAX);
        uint64_t *figures[] = {&entry->counted.elementwise, &entry->counted.bytes_read,
                               &entry->counted.bytes_written};
        ++*figures[what];
        struct fl_error error;
        cr_assert_eq(fl_account_add_ledger(&account, &ledger, &error), FL_OK);
        cr_expect_eq(fl_account_check(&account, &error), FL_FAILED);
        cr_expect(strstr(error.text, "layer 2: softmax"), "%s", error.text);
        fl_ledger_close(&ledger);
        fl_account_close(&account);
    }
}

Test(account, work_without_a_formula_is_refused)
{
    struct fl_account account = forward("gpt2-nano", 9, 0);
    struct fl_ledger ledger = ledger_of(&account);
    fl_ledger_entry(&ledger, 0, FL_OP_ROPE)->counted.elementwise = 1;
    struct fl_error error;
    cr_expect_eq(fl_account_add_ledger(&account, &ledger, &error), FL_FAILED);
    cr_expect(strstr(error.text, "without a formula"), "%s", error.text);
    fl_ledger_close(&ledger);
    fl_account_close(&account);
}
