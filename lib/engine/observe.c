#include "engine/observe.h"

#include "ops/blas_excess.h"
#include "ops/simd/simd.h"

#include <cblas.h>

#include <stdio.h>
#include <string.h>

/* Without terms for the core, what its kernels execute beyond the products stays unexplained. */
static void note_unknown_core(struct fl_observation *observation)
{
    size_t n = strlen(observation->note);
    if (!fl_blas_core_known(observation->blas_core))
        snprintf(observation->note + n, sizeof observation->note - n,
                 "%sthe GEMM terms of OpenBLAS's %s kernels are not known and stay unexplained",
                 n > 0 ? "; " : "", observation->blas_core);
}

int fl_session_observe(struct fl_observation *observation, struct fl_session *session,
                       struct fl_counter *counter, const struct fl_execution *execution,
                       struct fl_error *error)
{
    struct fl_ledger *ledger = fl_session_ledger(session);
    struct fl_reading whole = {0};
    *observation = (struct fl_observation){0};
    fl_ledger_reset(ledger);
    int status = fl_ledger_attach(ledger, counter, error);
    for (int pass = 0; pass < counter->n_passes && status == FL_OK; pass++) {
        if (counter->start_pass)
            counter->start_pass(counter, pass);
        ledger->explain = pass == 0;
        counter->enter(counter, "forward");
        status = fl_execution_run(session, execution, error);
        counter->leave(counter, &whole);
    }
    if (status == FL_OK)
        status = fl_observation_take(observation, ledger, counter, &whole, error);
    fl_ledger_attach(ledger, NULL, error);
    if (status == FL_OK) {
        snprintf(observation->blas_core, sizeof observation->blas_core, "%s",
                 openblas_get_corename());
        snprintf(observation->isa, sizeof observation->isa, "%s", fl_simd_name());
        observation->n_threads = fl_session_n_threads(session);
        note_unknown_core(observation);
    }
    return status;
}

int fl_observe_under_flopgrind(struct fl_observation *observation,
                               const struct fl_observe_request *request,
                               const struct fl_flopgrind_options *options, int n_layers,
                               struct fl_error *error)
{
    char context[16], batch[16], threads[16], seed[24], source[16];
    snprintf(context, sizeof context, "%d", request->context);
    snprintf(batch, sizeof batch, "%d", request->batch);
    snprintf(threads, sizeof threads, "%d", request->n_threads);
    snprintf(seed, sizeof seed, "%lld", (long long)request->seed);
    snprintf(source, sizeof source, "%d", request->n_source);
    const char *args[32] = {"audit",
                            "--counter",
                            "flopgrind",
                            "--model",
                            request->model,
                            "--context",
                            context,
                            "--batch",
                            batch,
                            "--phase",
                            request->decode ? "decode" : "prefill",
                            "--cache",
                            request->cache ? "on" : "off",
                            "--attention",
                            fl_attention_name(request->attention),
                            "--logits",
                            fl_logits_names[request->logits],
                            "--threads",
                            threads,
                            "--seed",
                            seed};
    int n = 21;
    if (request->n_source > 0) {
        args[n++] = "--encoder-tokens";
        args[n++] = source;
    }
    if (request->dtype >= 0) {
        args[n++] = "--dtype";
        args[n++] = fl_dtype_names[request->dtype];
    }
    args[n++] = "--kv-dtype";
    args[n++] = fl_dtype_names[request->kv_dtype];
    struct fl_flopgrind_child child;
    struct fl_error ended;
    *observation = (struct fl_observation){0};
    if (fl_flopgrind_start(&child, args, options, error) != FL_OK)
        return FL_FAILED;
    int status = fl_observation_read(observation, n_layers, child.stream, "flopgrind", error);
    if (fl_flopgrind_finish(&child, &ended) == FL_OK)
        return status;
    *error = ended; /* the cause, where the counts that did not come are its effect */
    fl_observation_close(observation);
    return FL_FAILED;
}
