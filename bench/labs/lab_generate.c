#include "bench/labs/lab_generate.h"

#include "base/random.h"
#include "engine/generation.h"
#include "ledger/analytic.h"

#include <assert.h>
#include <inttypes.h>

enum { PROMPT_MAX = 1024 };

static double flops_of(const struct fl_ledger *ledger)
{
    return (double)fl_cost_flops(fl_ledger_total(ledger).counted);
}

static double bytes_of(const struct fl_ledger *ledger)
{
    const struct fl_cost counted = fl_ledger_total(ledger).counted;
    return (double)(counted.bytes_read + counted.bytes_written);
}

static int compare(const struct fl_lab_job *job, const char *phase, fl_wide exact,
                   const struct fl_ledger *ledger, struct fl_error *error)
{
    const uint64_t counted = fl_cost_flops(fl_ledger_total(ledger).counted);
    if (exact == (fl_wide)counted)
        return FL_OK;
    char digits[FL_WIDE_DIGITS];
    return fl_fail(error,
                   "%s: %s: internal error: the formula gives %s FLOPs, the operators counted "
                   "%" PRIu64,
                   job->model->config.name, phase, fl_wide_text(exact, digits), counted);
}

static int take_plain(struct fl_lab_generation *out, const struct fl_lab_job *job,
                      const struct fl_generator *generator, struct fl_error *error)
{
    const struct fl_generation_phase *prefill = fl_generator_phase(generator, FL_GENERATOR_PREFILL);
    const struct fl_generation_phase *decode = fl_generator_phase(generator, FL_GENERATOR_DECODE);
    const struct fl_generation shape = {
        .batch = 1, .n_prompt = job->n_prompt, .n_gen = job->n_new, .cache = job->cache};
    const struct fl_convention convention = {
        .causal = FL_CAUSAL_EXACT, .lm_head = FL_LM_HEAD_LAST, .elementwise = true};
    struct fl_analytic exact[2];
    if (fl_analytic_generation(exact, &job->model->config, &shape, &convention, error) != FL_OK ||
        compare(job, "prefill", exact[0].total.exact, &prefill->ledger, error) != FL_OK ||
        compare(job, "decode", exact[1].total.exact, &decode->ledger, error) != FL_OK)
        return FL_FAILED;
    out->prefill_flops = flops_of(&prefill->ledger);
    out->decode_flops = flops_of(&decode->ledger);
    out->decode_bytes = bytes_of(&decode->ledger);
    return FL_OK;
}

static int take_speculative(struct fl_lab_generation *out, const struct fl_lab_job *job,
                            const struct fl_generator *generator, struct fl_error *error)
{
    const struct fl_speculative *speculative = fl_generator_speculative(generator);
    struct fl_speculative_account account;
    if (fl_speculative_account(speculative, &account, error) != FL_OK)
        return FL_FAILED;
    for (int i = 0; i < FL_SPECULATIVE_N_PHASES; i++) {
        const enum fl_speculative_phase phase = (enum fl_speculative_phase)i;
        if (compare(job, fl_speculative_phase_names[i], account.phases[i].exact,
                    fl_speculative_ledger(speculative, phase), error) != FL_OK)
            return FL_FAILED;
    }
    const struct fl_ledger *draft = fl_speculative_ledger(speculative, FL_SPECULATIVE_DRAFT);
    const struct fl_ledger *verify = fl_speculative_ledger(speculative, FL_SPECULATIVE_VERIFY);
    out->n_rounds = (double)account.n_rounds;
    out->n_drafted = (double)account.n_drafted;
    out->n_accepted = (double)account.n_accepted;
    out->draft_flops = flops_of(draft);
    out->verify_flops = flops_of(verify);
    out->prefill_flops = flops_of(fl_speculative_ledger(speculative, FL_SPECULATIVE_PREFILL)) +
                         flops_of(fl_speculative_ledger(speculative, FL_SPECULATIVE_DRAFT_PREFILL));
    out->decode_flops = out->draft_flops + out->verify_flops;
    out->decode_bytes = bytes_of(draft) + bytes_of(verify);
    return FL_OK;
}

static void take_ids(struct fl_lab_generation *out, const struct fl_generator *generator)
{
    const struct fl_generated result = fl_generator_result(generator, 0);
    out->n_ids = result.n_ids;
    for (int i = 0; i < result.n_ids; i++)
        out->ids[i] = result.ids[i];
}

int fl_lab_generate(struct fl_lab_generation *out, const struct fl_lab_job *job,
                    struct fl_error *error)
{
    int ids[PROMPT_MAX];
    uint64_t state = job->seed;
    assert(job->n_prompt <= PROMPT_MAX && job->n_new <= FL_LAB_NEW_MAX);
    for (int i = 0; i < job->n_prompt; i++)
        ids[i] = (int)(fl_random_next(&state) % (uint64_t)job->model->config.vocab_size);
    const struct fl_prompt prompt = {ids, job->n_prompt};
    const struct fl_generator_options options = {.sampling = fl_sampling_default,
                                                 .n_new_max = job->n_new,
                                                 .n_beams = 1,
                                                 .no_cache = !job->cache,
                                                 .draft = job->draft,
                                                 .n_draft = job->n_draft,
                                                 .attention = FL_ATTENTION_CAUSAL,
                                                 .n_threads = job->n_threads};
    struct fl_generator *generator;
    *out = (struct fl_lab_generation){0};
    if (fl_generator_open(&generator, job->model, &prompt, 1, &options, error) != FL_OK)
        return FL_FAILED;
    int status = fl_generator_run(generator, error);
    if (status == FL_OK) {
        take_ids(out, generator);
        out->prefill_ns = (double)fl_generator_phase(generator, FL_GENERATOR_PREFILL)->time_ns;
        out->decode_ns = (double)fl_generator_phase(generator, FL_GENERATOR_DECODE)->time_ns;
        status = job->draft ? take_speculative(out, job, generator, error)
                            : take_plain(out, job, generator, error);
    }
    fl_generator_close(generator);
    return status;
}
