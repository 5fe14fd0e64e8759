/* cmd_generate_trace.c - `flopledger generate --trace`: the passes of a generation, and of a draft
 * beside them, as a trace. */
#include "engine/generate_flags.h"
#include "ops/simd/simd.h"
#include "reports/trace.h"

#include <cblas.h>

/* Passes there can be at the most: the prompts' in pieces, those that decode, one after the other
 * where there are beams. */
static double n_passes_most(const struct fl_generate_flags *flags, const struct fl_prompts *prompts)
{
    double n = (double)flags->n_predict * (flags->n_beams > 1 ? prompts->n : 1) + 2.0 * prompts->n;
    for (int i = 0; i < prompts->n && (flags->prefill_chunk > 0 || flags->draft_model); i++)
        n += prompts->items[i].n_ids;
    return n;
}

static double need(const struct fl_config *config)
{
    return fl_event_log_need(config->n_layers + config->n_encoder_layers);
}

int fl_generate_trace_open(struct fl_generate_trace *trace, const struct fl_generate_flags *flags,
                           const struct fl_prompts *prompts, const struct fl_model *model,
                           const struct fl_model *draft, struct fl_error *error)
{
    const double n_passes = n_passes_most(flags, prompts);
    *trace = (struct fl_generate_trace){0};
    if (fl_event_log_open(&trace->log, n_passes * need(&model->config), error) != FL_OK)
        return FL_FAILED;
    if (!flags->draft_model)
        return FL_OK;
    return fl_event_log_open(&trace->draft_log,
                             n_passes * (double)(flags->n_draft + 1) * need(&draft->config), error);
}

void fl_generate_trace_close(struct fl_generate_trace *trace)
{
    fl_event_log_close(&trace->log);
    fl_event_log_close(&trace->draft_log);
}

int fl_generate_trace_write(const struct fl_generate_trace *trace,
                            const struct fl_generate_flags *flags, const struct fl_model *model,
                            const struct fl_model *draft, int n_threads, struct fl_error *error)
{
    char threads[24];
    snprintf(threads, sizeof threads, "%d", n_threads);
    const bool has_draft = flags->draft_model != NULL;
    const char *const facts[] = {"command",   "generate",
                                 "model",     model->config.name,
                                 "draft",     has_draft ? draft->config.name : "none",
                                 "cache",     fl_cli_off_on[flags->cache],
                                 "attention", fl_attention_names[flags->attention],
                                 "kv_dtype",  fl_dtype_names[flags->kv_dtype],
                                 "threads",   threads,
                                 "blas_core", openblas_get_corename(),
                                 "isa",       fl_simd_name(),
                                 NULL};
    const struct fl_trace_track tracks[] = {
        {.name = has_draft ? "target" : "forward passes",
         .log = &trace->log,
         .config = &model->config},
        {.name = "draft", .log = &trace->draft_log, .config = &draft->config},
    };
    const struct fl_trace file = {.title = model->config.name,
                                  .facts = facts,
                                  .tracks = tracks,
                                  .n_tracks = has_draft ? 2 : 1};
    const int64_t n_left_out = trace->log.n_left_out + trace->draft_log.n_left_out;
    if (n_left_out > 0)
        fprintf(stderr,
                "flopledger generate: --trace: the last %lld passes did not fit into the log of "
                "%d operator calls and are left out\n",
                (long long)n_left_out, FL_EVENT_LOG_MOST);
    return fl_trace_write(flags->trace, &file, error);
}
