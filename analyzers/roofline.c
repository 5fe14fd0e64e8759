#include "analyzers/roofline.h"

#include <stdio.h>
#include <string.h>

const char *const fl_memory_level_names[] = {"L1", "L2", "L3", "DRAM", NULL};

const char fl_model_flops_convention[] =
    "unit=flop causal=full lm_head=as computed elementwise=off";

/* ---- ceilings ---- */

struct fl_rate fl_ceiling_rate(const struct fl_ceiling *ceiling)
{
    double rates[FL_CEILING_SAMPLES_MAX];
    const size_t n = (size_t)ceiling->n_samples;
    for (size_t i = 0; i < n; i++)
        rates[i] = (double)ceiling->work / ((double)ceiling->time_ns[i] * 1e-9);
    fl_sort(rates, n);
    /* the median of the times, so that it is the same as the database's */
    const double middle =
        ((double)ceiling->work / rates[(n - 1) / 2] + (double)ceiling->work / rates[n / 2]) / 2;
    return (struct fl_rate){
        .median = (double)ceiling->work / middle,
        .low = fl_quantile_sorted(rates, n, 0.25),
        .high = fl_quantile_sorted(rates, n, 0.75),
        .least = rates[0],
        .most = rates[n - 1],
    };
}

bool fl_ceiling_is_noisy(const struct fl_ceiling *ceiling)
{
    const struct fl_rate rate = fl_ceiling_rate(ceiling);
    return rate.high - rate.low > 0.1 * rate.median;
}

static enum fl_level level_of(const struct fl_ceiling *ceiling)
{
    int level = 0;
    while (fl_memory_level_names[level] &&
           strcmp(fl_memory_level_names[level], ceiling->level) != 0)
        level++;
    return (enum fl_level)level; /* FL_N_LEVELS: of FLOPs, or unknown */
}

static void take_ceiling(struct fl_roofs *roofs, const struct fl_ceiling *ceiling)
{
    const double rate = fl_ceiling_rate(ceiling).median;
    const enum fl_level level = level_of(ceiling);
    if (strcmp(ceiling->unit, "bytes") == 0) {
        if (strcmp(ceiling->kernel, "read") == 0 && level < FL_N_LEVELS &&
            rate > roofs->bytes_per_s[level]) {
            roofs->read[level] = ceiling;
            roofs->bytes_per_s[level] = rate;
        }
        return;
    }
    const bool is_gemm = strcmp(ceiling->kernel, "gemm") == 0;
    if ((!is_gemm && strcmp(ceiling->kernel, "fma") != 0) || strcmp(ceiling->dtype, "f32") != 0)
        return;
    if (is_gemm)
        roofs->gemm = ceiling;
    if (rate > roofs->flops_per_s) {
        roofs->peak = ceiling;
        roofs->flops_per_s = rate;
    }
}

bool fl_roofs_find(struct fl_roofs *roofs, const struct fl_ceiling *ceilings, int n_ceilings,
                   int n_threads)
{
    *roofs = (struct fl_roofs){.n_threads = n_threads};
    for (int i = 0; i < n_ceilings; i++)
        if (ceilings[i].n_threads == n_threads)
            take_ceiling(roofs, &ceilings[i]);
    return roofs->peak && roofs->read[FL_LEVEL_DRAM];
}

enum fl_level fl_roofs_level(const struct fl_roofs *roofs, double bytes)
{
    for (int level = 0; level < FL_LEVEL_DRAM; level++)
        if (roofs->read[level] && bytes <= (double)roofs->read[level]->capacity_bytes)
            return (enum fl_level)level;
    return FL_LEVEL_DRAM;
}

/* ---- bounds ---- */

struct fl_bound fl_roofline(const struct fl_roofs *roofs, const struct fl_work *work)
{
    struct fl_bound bound = {0};
    const double bandwidth = roofs->bytes_per_s[work->level];
    const double compute_s = work->flops / roofs->flops_per_s;
    const double memory_s = work->bytes / bandwidth;
    bound.ridge = roofs->flops_per_s / bandwidth;
    bound.attainable_flops_per_s = roofs->flops_per_s;
    if (work->bytes > 0) {
        bound.intensity = work->flops / work->bytes;
        if (bound.intensity < bound.ridge)
            bound.attainable_flops_per_s = bound.intensity * bandwidth;
    }
    bound.memory_bound = memory_s > compute_s;
    bound.light_ns = 1e9 * (bound.memory_bound ? memory_s : compute_s);
    if (work->time_ns > 0) {
        const double seconds = work->time_ns * 1e-9;
        bound.flops_per_s = work->flops / seconds;
        bound.bytes_per_s = work->bytes / seconds;
        bound.of_light = bound.light_ns / work->time_ns;
        bound.mfu = work->model_flops / seconds / roofs->flops_per_s;
        bound.hfu = bound.flops_per_s / roofs->flops_per_s;
        bound.mbu = bound.bytes_per_s / roofs->bytes_per_s[FL_LEVEL_DRAM];
    }
    return bound;
}

char *fl_bound_text(const struct fl_bound *bound, enum fl_level level, char out[FL_BOUND_TEXT])
{
    if (bound->memory_bound)
        snprintf(out, FL_BOUND_TEXT, "memory (%s)", fl_memory_level_names[level]);
    else
        snprintf(out, FL_BOUND_TEXT, "compute");
    return out;
}

/* ---- work ---- */

int fl_model_flops(double *flops, const struct fl_config *config, const struct fl_shape *shape,
                   enum fl_lm_head lm_head, bool is_decode, struct fl_error *error)
{
    const struct fl_convention convention = {
        .unit = FL_UNIT_FLOP, .causal = FL_CAUSAL_FULL, .lm_head = lm_head, .elementwise = false};
    struct fl_shape own = *shape;
    struct fl_analytic analytic;
    if (is_decode && own.n_tokens > 1) {
        own.n_past += own.n_tokens - 1;
        own.n_tokens = 1;
    }
    if (fl_analytic(&analytic, config, &own, &convention, error) != FL_OK)
        return FL_FAILED;
    *flops = (double)analytic.total.exact;
    return FL_OK;
}

bool fl_operator_reads_memory(enum fl_operator op)
{
    static const char *const GROUPS[] = {"embedding",          "kv cache", "attention projections",
                                         "attention products", "ffn",      "logits"};
    for (size_t i = 0; i < sizeof GROUPS / sizeof *GROUPS; i++)
        if (strcmp(fl_operator_group(op), GROUPS[i]) == 0)
            return true;
    return false;
}

/* What a step goes over, again in the next one. */
static double working_set(const struct fl_point *point)
{
    return (double)point->weights_bytes + (double)point->kv_cache_bytes +
           (double)point->activation_bytes;
}

static int point_model_flops(double *flops, const struct fl_result *result, struct fl_error *error)
{
    const struct fl_point *point = &result->point;
    const struct fl_config *config = &result->model->config;
    const bool is_decode = point->phase == FL_PHASE_DECODE;
    const struct fl_shape shape = {
        .batch = point->batch,
        .n_tokens = point->n_tokens,
        .n_past = point->n_past,
        .n_encoder_tokens = config->n_encoder_layers > 0 ? point->context : 0,
        .encoded = is_decode,
    };
    return fl_model_flops(flops, config, &shape,
                          strcmp(point->logits, "all") == 0 ? FL_LM_HEAD_ALL : FL_LM_HEAD_LAST,
                          is_decode, error);
}

int fl_point_work(struct fl_work *work, const struct fl_result *result,
                  const struct fl_timing *timing, const struct fl_roofs *roofs,
                  struct fl_error *error)
{
    const struct fl_point *point = &result->point;
    *work = (struct fl_work){
        .flops = (double)point->counted_flops,
        .bytes = (double)point->bytes_read + (double)point->bytes_written,
        .time_ns = timing->total.median,
        .level = fl_roofs_level(roofs, working_set(point)),
    };
    return point_model_flops(&work->model_flops, result, error);
}

struct fl_work fl_op_work(const struct fl_result *result, const struct fl_timing *timing,
                          const struct fl_op_record *op, const struct fl_roofs *roofs)
{
    const struct fl_config *config = &result->model->config;
    const double bytes = (double)op->counted_bytes_read + (double)op->counted_bytes_written;
    const int n_layers =
        fl_operator_is_global(op->op) ? 1 : config->n_layers + config->n_encoder_layers;
    const double held =
        fl_operator_reads_memory(op->op) ? working_set(&result->point) : bytes / n_layers;
    return (struct fl_work){
        .flops = (double)op->counted_flops,
        .bytes = bytes,
        .time_ns = timing->op_ns[op->op],
        .level = fl_roofs_level(roofs, held),
    };
}
