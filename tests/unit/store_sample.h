/* store_sample.h - records for tests of the store: a run, a model, a point with its operators and
 * samples, all different from zero and from one another. */
#ifndef FL_TESTS_STORE_SAMPLE_H
#define FL_TESTS_STORE_SAMPLE_H

#include "store/store.h"

#include <string.h>

static inline struct fl_run sample_run(const char *host)
{
    struct fl_run run = {.n_cores = 2, .seed = 42};
    const struct {
        char *field;
        const char *text;
    } texts[] = {
        {run.started_at, "2026-01-02T03:04:05Z"},
        {run.host, host},
        {run.cpu_model, "Processor \"X\", 3 GHz"},
        {run.governor, "performance"},
        {run.kernel, "Linux 6.1"},
        {run.blas_config, "OpenBLAS 0.3.21"},
        {run.blas_core, "Haswell"},
        {run.isa, "avx2"},
        {run.counter, "flopgrind"},
        {run.counter_version, "Valgrind 3.19"},
        {run.calibration, "{\"sgemm\": 1.0}"},
        {run.version, "0.1.0"},
        {run.commit, "abc"},
        {run.command_line, "flopledger sweep -m 'a b'"},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        strcpy(texts[i].field, texts[i].text);
    return run;
}

static inline struct fl_model_record sample_model(const char *name)
{
    struct fl_model_record model = {
        .spec = "dir/model.gguf",
        .format = "gguf",
        .n_params = 1234567,
        .weights_bytes = 4938268,
        .config = {.arch = FL_ARCH_LLAMA,
                   .d_model = 64,
                   .d_ff = 172,
                   .n_layers = 5,
                   .n_heads = 8,
                   .n_kv_heads = 4,
                   .head_dim = 8,
                   .vocab_size = 512,
                   .n_ctx_max = 512,
                   .norm = FL_NORM_RMSNORM,
                   .norm_eps = 1e-5,
                   .activation = FL_ACT_SILU,
                   .gated = true,
                   .positions = FL_POS_ROPE,
                   .tied = true,
                   .rope = {.theta = 1e4, .interleaved = true, .factor = 1.5},
                   .bos_id = 1,
                   .eos_id = -1},
    };
    strcpy(model.name, name);
    strcpy(model.config.name, name);
    return model;
}

static inline struct fl_point sample_point(int64_t model_id, int context)
{
    return (struct fl_point){.model_id = model_id,
                             .phase = FL_PHASE_DECODE,
                             .cache = true,
                             .attention = "causal",
                             .logits = "last",
                             .batch = 2,
                             .context = context,
                             .n_tokens = 1,
                             .n_past = context,
                             .n_threads = 1,
                             .dtype = "f32",
                             .textbook_convention = "unit=flop causal=full",
                             .exact_convention = "unit=flop causal=exact",
                             .textbook_flops = 1000,
                             .exact_flops = 900,
                             .counted_flops = 900,
                             .bytes_read = 500,
                             .bytes_written = 50,
                             .kv_cache_bytes = 4096,
                             .activation_bytes = 8192,
                             .weights_bytes = 4938268};
}

enum { SAMPLE_N_OPS = 2 };
static const struct fl_op_record SAMPLE_OPS[SAMPLE_N_OPS] = {
    {FL_OP_LOGITS, 700, 600, 10, 11, 600, 10, 11}, /* not in the order of the enumeration */
    {FL_OP_QKV, 300, 300, 12, 13, 300, 12, 13},
};

static inline struct fl_sample sample_sample(int rep, uint64_t time_ns)
{
    struct fl_sample sample = {.rep = rep, .time_ns = time_ns, .started_ns = 7 * time_ns};
    sample.op_time_ns[FL_OP_QKV] = time_ns / 2;
    sample.op_time_ns[FL_OP_LOGITS] = time_ns / 4;
    sample.conditions = (struct fl_conditions){true, time_ns, 3, -5, 7, 11, 1250};
    return sample;
}

/* Three counts, of which one is zero; the terms of `logits` have both signs. */
static inline struct fl_observed sample_observed(const char *blas_core)
{
    struct fl_observed observed = {
        .counter = "flopgrind",
        .counter_version = "Valgrind 3.19",
        .note = "exact",
        .isa = "avx2",
        .n_threads = 1,
        .available = FL_COUNT_BIT(FLOPS) | FL_COUNT_BIT(FLOPS_DOUBLE) | FL_COUNT_BIT(LINES_READ),
        .whole.values = {[FL_COUNT_FLOPS] = 950, [FL_COUNT_LINES_READ] = 9},
        .ops = {[FL_OP_QKV] =
                    {.reading.values = {[FL_COUNT_FLOPS] = 310, [FL_COUNT_LINES_READ] = 3},
                     .excess.flops = {[FL_EXCESS_GEMM_ALPHA] = 8}},
                [FL_OP_LOGITS] =
                    {.reading.values = {[FL_COUNT_FLOPS] = 620, [FL_COUNT_LINES_READ] = 5},
                     .excess.flops = {[FL_EXCESS_GEMM_ALPHA] = 30, [FL_EXCESS_BIAS_START] = -10}}},
    };
    strcpy(observed.blas_core, blas_core);
    return observed;
}

#endif
