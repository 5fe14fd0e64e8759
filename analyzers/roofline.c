#include "analyzers/roofline.h"

#include "analyzers/account.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
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

double fl_ceiling_roof(const struct fl_ceiling *ceiling)
{
    return fl_ceiling_rate(ceiling).high;
}

bool fl_ceiling_is_noisy(const struct fl_ceiling *ceiling)
{
    const struct fl_rate rate = fl_ceiling_rate(ceiling);
    return rate.high - rate.low > 0.1 * rate.median;
}

enum fl_level fl_ceiling_level(const struct fl_ceiling *ceiling)
{
    int level = 0;
    while (fl_memory_level_names[level] &&
           strcmp(fl_memory_level_names[level], ceiling->level) != 0)
        level++;
    return (enum fl_level)level; /* FL_N_LEVELS: of FLOPs, or unknown */
}

static void take_ceiling(struct fl_roofs *roofs, const struct fl_ceiling *ceiling)
{
    const double rate = fl_ceiling_roof(ceiling);
    const enum fl_level level = fl_ceiling_level(ceiling);
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
        if (roofs->read[level] && fl_cache_holds((double)roofs->read[level]->capacity_bytes, bytes))
            return (enum fl_level)level;
    return FL_LEVEL_DRAM;
}

/* ---- bounds ---- */

double fl_work_bytes(const struct fl_work *work)
{
    double sum = 0;
    for (int level = 0; level < FL_N_LEVELS; level++)
        sum += work->bytes[level];
    return sum;
}

/* What moving all bytes takes, each at the bandwidth of its level. */
static double memory_seconds(const struct fl_roofs *roofs, const struct fl_work *work,
                             enum fl_level *longest)
{
    double sum = 0, most = 0;
    *longest = FL_LEVEL_DRAM;
    for (int level = 0; level < FL_N_LEVELS; level++) {
        if (work->bytes[level] <= 0)
            continue;
        const double seconds = work->bytes[level] / roofs->bytes_per_s[level];
        sum += seconds;
        if (seconds > most) {
            most = seconds;
            *longest = (enum fl_level)level;
        }
    }
    return sum;
}

struct fl_bound fl_roofline(const struct fl_roofs *roofs, const struct fl_work *work)
{
    struct fl_bound bound = {0};
    const double bytes = fl_work_bytes(work), peak = roofs->flops_per_s;
    const double compute_s = work->flops / peak;
    const double memory_s = memory_seconds(roofs, work, &bound.level);
    const double bandwidth = bytes > 0 ? bytes / memory_s : roofs->bytes_per_s[bound.level];
    bound.ridge = peak / bandwidth;
    bound.attainable_flops_per_s = peak;
    if (bytes > 0) {
        bound.intensity = work->flops / bytes;
        if (bound.intensity < bound.ridge)
            bound.attainable_flops_per_s = bound.intensity * bandwidth;
    }
    bound.memory_bound = memory_s > compute_s;
    bound.light_ns = 1e9 * (bound.memory_bound ? memory_s : compute_s);
    if (work->time_ns > 0) {
        const double seconds = work->time_ns * 1e-9;
        bound.flops_per_s = work->flops / seconds;
        bound.bytes_per_s = bytes / seconds;
        bound.of_light = bound.light_ns / work->time_ns;
        bound.mfu = work->model_flops / seconds / peak;
        bound.hfu = bound.flops_per_s / peak;
        bound.mbu = bound.bytes_per_s / roofs->bytes_per_s[FL_LEVEL_DRAM];
    }
    return bound;
}

char *fl_bound_text(const struct fl_bound *bound, char out[FL_BOUND_TEXT])
{
    if (bound->memory_bound)
        snprintf(out, FL_BOUND_TEXT, "memory (%s)", fl_memory_level_names[bound->level]);
    else
        snprintf(out, FL_BOUND_TEXT, "compute");
    return out;
}

/* ---- the model's own work ---- */

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

/* ---- steps ---- */

/* An operator that was executed, and where the step that it is of finds its data. */
struct executed {
    enum fl_operator op;
    double flops, bytes_read, bytes_written, time_ns;
    double weights_read;   /* of bytes_read */
    int n_layers;          /* it ran in */
    bool reads_cache;      /* of a decode step: keys and values of earlier ones */
    enum fl_level lasting; /* where a step's weights and cache come from */
};

static struct fl_work work_of(const struct executed *e, const struct fl_roofs *roofs)
{
    struct fl_work work = {.flops = e->flops, .time_ns = e->time_ns};
    const double bytes = e->bytes_read + e->bytes_written;
    const double lasting = e->reads_cache ? bytes : e->weights_read, rest = bytes - lasting;
    work.bytes[e->lasting] += lasting;
    work.bytes[fl_roofs_level(roofs, rest / e->n_layers)] += rest;
    return work;
}

static void add_op(struct fl_step *step, enum fl_operator op, const struct fl_work *work)
{
    struct fl_work *sum = &step->ops[op];
    step->present[op] = true;
    sum->flops += work->flops;
    sum->time_ns += work->time_ns;
    for (int level = 0; level < FL_N_LEVELS; level++) {
        sum->bytes[level] += work->bytes[level];
        step->whole.bytes[level] += work->bytes[level];
    }
}

static bool reads_cache(enum fl_operator op)
{
    const char *group = fl_operator_group(op);
    return strcmp(group, "attention products") == 0 || strcmp(group, "kv cache") == 0;
}

/* Bytes of weights, which the formula of what was executed holds apart from the others. */
static void part_weights(struct executed *e, const struct fl_op_analytic *formula)
{
    if (formula->weights_read > 0)
        e->weights_read = fmax(0, e->bytes_read - (double)formula->others_read);
}

/* Of an operator in all layers that it ran in. */
static void take_formula(struct executed *e, const struct fl_analytic *analytic)
{
    struct fl_op_analytic sum = {0};
    e->n_layers = 0;
    for (int stack = 0; stack < FL_N_STACKS; stack++)
        if (analytic->ops[stack][e->op].present)
            e->n_layers += fl_analytic_copies(analytic, (enum fl_stack)stack, e->op);
    if (e->n_layers == 0)
        e->n_layers = 1;
    fl_analytic_sum(analytic, e->op, &sum);
    part_weights(e, &sum);
}

int fl_step_of_point(struct fl_step *step, const struct fl_result *result,
                     const struct fl_timing *timing, const struct fl_roofs *roofs,
                     struct fl_error *error)
{
    const struct fl_point *point = &result->point;
    const struct fl_config *config = &result->model->config;
    const struct fl_shape shape = fl_point_shape(result, FL_OWN_CONTEXT);
    const bool is_decode = point->phase == FL_PHASE_DECODE;
    struct fl_convention convention;
    struct fl_analytic analytic;
    *step = (struct fl_step){
        .whole = {.flops = (double)point->counted_flops, .time_ns = timing->total.median}};
    if (fl_point_convention(&convention, point, error) != FL_OK ||
        fl_analytic(&analytic, config, &shape, &convention, error) != FL_OK)
        return FL_FAILED;
    const enum fl_level lasting =
        fl_roofs_level(roofs, (double)point->weights_bytes + (double)point->kv_cache_bytes +
                                  (double)point->activation_bytes);
    for (int i = 0; i < result->n_ops; i++) {
        const struct fl_op_record *op = &result->ops[i];
        struct executed e = {.op = op->op,
                             .flops = (double)op->counted_flops,
                             .bytes_read = (double)op->counted_bytes_read,
                             .bytes_written = (double)op->counted_bytes_written,
                             .time_ns = timing->op_ns[op->op],
                             .reads_cache = is_decode && point->cache && reads_cache(op->op),
                             .lasting = lasting};
        take_formula(&e, &analytic);
        const struct fl_work work = work_of(&e, roofs);
        add_op(step, op->op, &work);
    }
    return fl_model_flops(&step->whole.model_flops, config, &shape,
                          strcmp(point->logits, "all") == 0 ? FL_LM_HEAD_ALL : FL_LM_HEAD_LAST,
                          is_decode, error);
}

/* ---- accounts ---- */

static int take_account(struct fl_light *light, const struct fl_account *account,
                        struct fl_error *error)
{
    struct fl_analytic analytic;
    light->step = (struct fl_step){.whole = {.flops = (double)fl_cost_flops(account->total.counted),
                                             .time_ns = (double)account->run.time_ns}};
    if (fl_analytic(&analytic, &account->config, &account->shape, &account->convention, error) !=
        FL_OK)
        return FL_FAILED;
    const enum fl_level lasting = fl_roofs_level(
        &light->roofs, (double)account->weights_bytes + (double)account->kv_cache_bytes +
                           (double)account->activation_bytes);
    for (int i = 0; i < account->n_rows; i++) {
        const struct fl_account_row *row = &account->rows[i];
        struct executed e = {.op = row->op,
                             .flops = (double)fl_cost_flops(row->counted),
                             .bytes_read = (double)row->counted.bytes_read,
                             .bytes_written = (double)row->counted.bytes_written,
                             .time_ns = (double)row->time_ns,
                             .n_layers = 1,
                             .reads_cache =
                                 account->is_decode && account->run.cache && reads_cache(row->op),
                             .lasting = lasting};
        part_weights(&e, &analytic.ops[row->stack][row->op]);
        light->rows[i] = work_of(&e, &light->roofs);
        add_op(&light->step, row->op, &light->rows[i]);
    }
    return fl_model_flops(&light->step.whole.model_flops, &account->config, &account->shape,
                          account->convention.lm_head, account->is_decode, error);
}

int fl_light_of_account(struct fl_light *light, const struct fl_account *account,
                        const struct fl_ceiling *ceilings, int n_ceilings, struct fl_error *error)
{
    const int n_threads = account->run.n_threads;
    *light = (struct fl_light){0};
    if (!fl_roofs_find(&light->roofs, ceilings, n_ceilings, n_threads)) {
        snprintf(light->reason, sizeof light->reason,
                 "no ceilings with %d threads; 'flopledger peaks --threads %d' measures them",
                 n_threads, n_threads);
        return FL_OK;
    }
    light->known = true;
    light->rows = calloc((size_t)account->n_rows, sizeof *light->rows);
    if (!light->rows)
        return fl_fail(error, "%s: no memory for the roofline of %d rows", account->config.name,
                       account->n_rows);
    return take_account(light, account, error);
}

void fl_light_free(struct fl_light *light)
{
    free(light->rows);
    *light = (struct fl_light){0};
}
