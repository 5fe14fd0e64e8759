#include "analyzers/predict.h"

#include "analyzers/roofline.h"

#include <string.h>

const char *const fl_predicted_bound_names[] = {"compute", "memory", "capacity", NULL};

/* ---- arithmetic ---- */

enum fl_arith fl_arith_for(const struct fl_hardware *hardware, enum fl_dtype dtype)
{
    const double f16 = hardware->flops_per_s[FL_ARITH_F16];
    const double bf16 = hardware->flops_per_s[FL_ARITH_BF16];
    if (dtype == FL_F32)
        return FL_ARITH_F32;
    if (dtype == FL_F16 && f16 > 0)
        return FL_ARITH_F16;
    if (dtype == FL_BF16 && bf16 > 0)
        return FL_ARITH_BF16;
    if (f16 > 0 || bf16 > 0)
        return bf16 > f16 ? FL_ARITH_BF16 : FL_ARITH_F16;
    return FL_ARITH_F32;
}

enum fl_dtype fl_stored_main_dtype(const struct fl_stored *stored)
{
    const size_t length = strcspn(stored->name, "+");
    for (int i = 0; i < FL_N_DTYPES; i++)
        if (strlen(fl_dtype_names[i]) == length &&
            strncmp(fl_dtype_names[i], stored->name, length) == 0)
            return (enum fl_dtype)i;
    return FL_F32;
}

static double activation_width(const struct fl_hardware *hardware, enum fl_arith arith)
{
    return hardware->is_measured || arith == FL_ARITH_F32 || arith == FL_ARITH_TF32 ? 4 : 2;
}

/* FLOPs per second of an operator's matrix products. Attention reads no weights: in this engine it
 * is vector arithmetic. */
static double product_rate(const struct fl_hardware *hardware, const struct fl_workload *workload,
                           bool has_weights, double rows)
{
    const enum fl_dtype dtype = workload->weight_dtype;
    if (!hardware->is_measured)
        return hardware->flops_per_s[workload->arith];
    const double *rates = rows > 1 ? hardware->rows_flops_per_s : hardware->one_row_flops_per_s;
    if (has_weights && rates[dtype] > 0)
        return rates[dtype];
    return hardware->flops_per_s[FL_ARITH_F32];
}

/* ---- an operator's work ---- */

struct work {
    double matmul_flops, other_flops;
    double weight_bytes, kv_bytes, activation_bytes;
    bool has_weights;
    double rows; /* that the weights are multiplied with */
};

/* The same pass under the conventions that part its figures: with and without element-wise work,
 * and with two widths of the KV cache. */
struct views {
    struct fl_analytic all, products, narrow_kv;
    double kv_width;         /* bytes per element */
    double activation_width; /* likewise; the formulas have 4 */
    double rows, logits_rows;
};

static int analyse(struct views *views, const struct fl_hardware *hardware,
                   const struct fl_workload *workload, const struct fl_shape *shape,
                   const struct fl_convention *convention, struct fl_error *error)
{
    struct fl_convention with = *convention, without = *convention;
    struct fl_shape wide = *shape, narrow = *shape;
    with.unit = without.unit = FL_UNIT_FLOP;
    with.elementwise = true;
    without.elementwise = false;
    wide.stored = narrow.stored = workload->stored;
    wide.kv_dtype = FL_F32;
    narrow.kv_dtype = FL_F16;
    views->kv_width = fl_dtype_block_bytes(workload->kv_dtype);
    views->activation_width = activation_width(hardware, workload->arith);
    views->rows = (double)shape->batch * (double)shape->n_tokens;
    views->logits_rows = convention->lm_head == FL_LM_HEAD_ALL ? views->rows : (double)shape->batch;
    if (fl_analytic(&views->all, workload->config, &wide, &with, error) != FL_OK ||
        fl_analytic(&views->products, workload->config, &wide, &without, error) != FL_OK)
        return FL_FAILED;
    return fl_analytic(&views->narrow_kv, workload->config, &narrow, &with, error);
}

/* Of one layer. What is read and written of the cache is linear in its width, so the difference of
 * two widths, 4 and 2, is twice the elements; what is left over are activations at 4 bytes. */
static struct work work_of(const struct views *views, enum fl_stack stack, enum fl_operator op)
{
    const struct fl_op_analytic *all = &views->all.ops[stack][op];
    const struct fl_op_analytic *narrow = &views->narrow_kv.ops[stack][op];
    const double products = (double)views->products.ops[stack][op].exact;
    const double kv_elements = (double)(all->others_read - narrow->others_read +
                                        all->bytes_written - narrow->bytes_written) /
                               2;
    const double others = (double)all->others_read + (double)all->bytes_written - 4 * kv_elements;
    return (struct work){
        .matmul_flops = products,
        .other_flops = (double)all->exact - products,
        .weight_bytes = (double)(all->bytes_read - all->others_read),
        .kv_bytes = kv_elements * views->kv_width,
        .activation_bytes = others / 4 * views->activation_width,
        .has_weights = all->weights_read > 0,
        .rows = op == FL_OP_LOGITS ? views->logits_rows : views->rows,
    };
}

/* ---- where bytes come from ---- */

/* Seconds that bytes of a set take which stays where it fits. Weights and KV cache (stream) are
 * taken from a cache only when its bandwidth is known; activations that fit into a cache of unknown
 * bandwidth take no time. *moved is what memory delivers. */
static double memory_time(const struct fl_hardware *hardware, double bytes, double set, bool stream,
                          double *moved)
{
    for (int i = 0; i < hardware->n_caches; i++) {
        const struct fl_hardware_cache *cache = &hardware->caches[i];
        const bool known = cache->bytes_per_s > 0;
        if (!fl_cache_holds(cache->capacity_bytes, set) || (stream && !known))
            continue;
        return known ? bytes / cache->bytes_per_s : 0;
    }
    *moved += bytes;
    return bytes / hardware->bytes_per_s;
}

/* ---- a step ---- */

static struct fl_predicted_group *find_group(struct fl_predicted_step *step, const char *name)
{
    for (int i = 0; i < step->n_groups; i++)
        if (strcmp(step->groups[i].name, name) == 0)
            return &step->groups[i];
    if (step->n_groups == FL_PREDICT_GROUPS)
        return &step->groups[FL_PREDICT_GROUPS - 1];
    step->groups[step->n_groups] = (struct fl_predicted_group){.name = name};
    return &step->groups[step->n_groups++];
}

struct times {
    double compute_s, memory_s;
};

static enum fl_predicted_bound bound_of(double compute_s, double memory_s)
{
    return compute_s > memory_s ? FL_BOUND_COMPUTE : FL_BOUND_MEMORY;
}

/* Ideal times as they are reached: by the efficiency of the rates, or by what the engine of the
 * shares makes of this operator. */
static void reach(struct times *times, const struct fl_workload *workload, enum fl_operator op,
                  bool many_rows)
{
    const struct fl_shares *shares = workload->shares;
    const struct fl_efficiency *efficiency = &workload->efficiency;
    if (!shares) {
        times->compute_s /= efficiency->compute;
        times->memory_s /= efficiency->memory;
        return;
    }
    const enum fl_predicted_bound bound = bound_of(times->compute_s, times->memory_s);
    double share = shares->of_op[op][bound][many_rows];
    if (!(share > 0))
        share = bound == FL_BOUND_COMPUTE ? efficiency->compute : efficiency->memory;
    const double factor = 1 / (share * (1 - shares->outside));
    times->compute_s *= factor;
    times->memory_s *= factor;
}

static void add_operator(struct fl_predicted_step *step, const struct fl_hardware *hardware,
                         const struct fl_workload *workload, const struct work *work, double copies,
                         double stream_set, enum fl_operator op)
{
    const double rate = product_rate(hardware, workload, work->has_weights, work->rows);
    const double vector = hardware->flops_per_s[FL_ARITH_F32];
    const bool many_rows = work->rows > 1;
    double streamed = 0, activations = 0;
    struct times times = {0, 0};
    if (rate > 0)
        times.compute_s += work->matmul_flops / rate;
    if (vector > 0)
        times.compute_s += work->other_flops / vector;
    if (rate <= 0 || vector <= 0)
        step->at_least = true;
    times.memory_s =
        memory_time(hardware, work->weight_bytes + work->kv_bytes, stream_set, true, &streamed) +
        memory_time(hardware, work->activation_bytes, work->activation_bytes, false, &activations);
    reach(&times, workload, op, many_rows);
    const double compute_s = times.compute_s, memory_s = times.memory_s;
    const double time_s = compute_s > memory_s ? compute_s : memory_s;

    struct fl_predicted_group *group = find_group(step, fl_operator_group(op));
    group->flops += copies * (work->matmul_flops + work->other_flops);
    group->bytes += copies * (work->weight_bytes + work->kv_bytes + activations);
    group->compute_s += copies * compute_s;
    group->memory_s += copies * memory_s;
    group->time_s += copies * time_s;
    step->flops += copies * (work->matmul_flops + work->other_flops);
    step->weight_bytes += copies * work->weight_bytes;
    step->kv_bytes += copies * work->kv_bytes;
    step->activation_bytes += copies * activations;
    step->compute_s += copies * compute_s;
    step->memory_s += copies * memory_s;
    step->time_s += copies * time_s;
    step->op_time_s[op] += copies * time_s;
    step->op_bound[op] = bound_of(compute_s, memory_s);
    step->op_many_rows[op] = many_rows;
}

/* Weights and KV cache that the whole step reads. */
static double stream_of(const struct views *views)
{
    double bytes = 0;
    for (int stack = 0; stack < FL_N_STACKS; stack++)
        for (int op = 0; op < FL_N_OPERATORS; op++) {
            if (!views->all.ops[stack][op].present)
                continue;
            const struct work work = work_of(views, (enum fl_stack)stack, (enum fl_operator)op);
            bytes += fl_analytic_copies(&views->all, (enum fl_stack)stack, (enum fl_operator)op) *
                     (work.weight_bytes + work.kv_bytes);
        }
    return bytes;
}

int fl_predict_step(struct fl_predicted_step *step, const struct fl_hardware *hardware,
                    const struct fl_workload *workload, const struct fl_shape *shape,
                    const struct fl_convention *convention, struct fl_error *error)
{
    struct views views;
    double compute_bound_s = 0;
    *step = (struct fl_predicted_step){0};
    if (analyse(&views, hardware, workload, shape, convention, error) != FL_OK)
        return FL_FAILED;
    const double stream_set = stream_of(&views);
    for (int i = 0; i < FL_N_STACKS; i++)
        for (int k = 0; k < FL_N_OPERATORS; k++) {
            const enum fl_stack stack = (enum fl_stack)i;
            const enum fl_operator op = (enum fl_operator)k;
            if (!views.all.ops[stack][op].present)
                continue;
            const struct work work = work_of(&views, stack, op);
            const double copies = fl_analytic_copies(&views.all, stack, op);
            const double before_s = step->time_s;
            add_operator(step, hardware, workload, &work, copies, stream_set, op);
            if (step->op_bound[op] == FL_BOUND_COMPUTE)
                compute_bound_s += step->time_s - before_s;
        }
    step->bound = bound_of(compute_bound_s, step->time_s / 2);
    for (int i = 0; i < step->n_groups; i++)
        step->groups[i].bound = bound_of(step->groups[i].compute_s, step->groups[i].memory_s);
    return FL_OK;
}

/* ---- a batch of requests ---- */

static struct fl_generation generation_of(const struct fl_workload *workload)
{
    const bool encoder = workload->config->n_encoder_layers > 0;
    return (struct fl_generation){
        .batch = workload->batch,
        .n_prompt = encoder ? 1 : workload->n_prompt,
        .n_gen = workload->n_output,
        .n_encoder_tokens = encoder ? workload->n_prompt : 0,
        .cache = true,
        .stored = workload->stored,
        .kv_dtype = workload->kv_dtype,
    };
}

static const struct fl_convention SERVED = {.unit = FL_UNIT_FLOP,
                                            .causal = FL_CAUSAL_EXACT,
                                            .lm_head = FL_LM_HEAD_LAST,
                                            .elementwise = true,
                                            .fused = true};

static struct fl_shape prefill_shape(const struct fl_generation *generation)
{
    return (struct fl_shape){
        .batch = generation->batch,
        .n_tokens = generation->n_prompt,
        .n_encoder_tokens = generation->n_encoder_tokens,
        .stored = generation->stored,
        .kv_dtype = generation->kv_dtype,
    };
}

static int predict_memory(struct fl_predicted_memory *memory, const struct fl_hardware *hardware,
                          const struct fl_workload *workload, struct fl_error *error)
{
    const double width = activation_width(hardware, workload->arith) / 4;
    struct fl_generation one = generation_of(workload);
    struct fl_analytic prefill, step, whole;
    struct fl_convention convention;
    one.batch = 1;
    struct fl_shape prompt = prefill_shape(&one), full = prompt, decode;
    full.n_tokens += workload->n_output - 1; /* the last token is never fed back */
    one.batch = workload->batch;
    fl_generation_step(&one, &SERVED, workload->n_output, &decode, &convention);
    if (fl_analytic(&prefill, workload->config, &prompt, &SERVED, error) != FL_OK ||
        fl_analytic(&whole, workload->config, &full, &SERVED, error) != FL_OK ||
        fl_analytic(&step, workload->config, &decode, &convention, error) != FL_OK)
        return FL_FAILED;
    const fl_wide activations = prefill.activation_bytes > step.activation_bytes
                                    ? prefill.activation_bytes
                                    : step.activation_bytes;
    *memory = (struct fl_predicted_memory){
        .weights_bytes = (double)whole.weights_bytes,
        .kv_bytes_per_sequence = (double)whole.kv_cache_bytes,
        .activation_bytes = (double)activations * width,
        .max_sequences = -1,
        .max_tokens = -1,
        .fits = true,
    };
    memory->needed_bytes = memory->weights_bytes + memory->activation_bytes +
                           (double)workload->batch * memory->kv_bytes_per_sequence;
    if (hardware->capacity_bytes > 0) {
        double room = hardware->capacity_bytes - memory->weights_bytes - memory->activation_bytes;
        room = room > 0 ? room : 0;
        memory->max_sequences = (double)(int64_t)(room / memory->kv_bytes_per_sequence);
        memory->max_tokens = room / memory->kv_bytes_per_sequence *
                             (double)(workload->n_prompt + workload->n_output - 1);
        memory->fits = memory->needed_bytes <= hardware->capacity_bytes;
    }
    return FL_OK;
}

static int predict_decode_step(struct fl_predicted_step *step, const struct fl_hardware *hardware,
                               const struct fl_workload *workload, int64_t i,
                               struct fl_error *error)
{
    const struct fl_generation generation = generation_of(workload);
    struct fl_convention convention;
    struct fl_shape shape;
    fl_generation_step(&generation, &SERVED, i, &shape, &convention);
    return fl_predict_step(step, hardware, workload, &shape, &convention, error);
}

/* Mean over the steps 1 .. n_output - 1. A step's time is piecewise linear in its number, so the
 * trapezoids of a few steps are the sum up to where a piece ends within one of them. */
static int predict_decode(struct fl_prediction *p, const struct fl_hardware *hardware,
                          struct fl_error *error)
{
    enum { STRETCHES = 8 };
    const int64_t last = p->workload.n_output > 2 ? p->workload.n_output - 1 : 1;
    const int64_t stretches = last - 1 < STRETCHES ? last - 1 : STRETCHES;
    double sum = 0, compute_bound = 0, before = 0;
    int64_t i_before = 1;
    for (int64_t k = 0; k <= stretches; k++) {
        const int64_t i = stretches > 0 ? 1 + (last - 1) * k / stretches : 1;
        if (predict_decode_step(&p->last_step, hardware, &p->workload, i, error) != FL_OK)
            return FL_FAILED;
        if (k == 0)
            p->first_step = p->last_step;
        /* the steps from i_before + 1 to i */
        const double n = (double)(i - i_before);
        const double step = n > 0 ? (p->last_step.time_s - before) / n : 0;
        const double stretch = n * before + step * n * (n + 1) / 2;
        sum += k == 0 ? p->last_step.time_s : stretch;
        if (p->last_step.bound == FL_BOUND_COMPUTE)
            compute_bound += k == 0 ? p->last_step.time_s : stretch;
        before = p->last_step.time_s;
        i_before = i;
    }
    p->per_token_s = sum / (double)last;
    p->decode_bound = bound_of(compute_bound, sum / 2);
    return FL_OK;
}

static int check_workload(const struct fl_workload *workload, struct fl_error *error)
{
    const struct {
        const char *name;
        double value;
    } factors[] = {{"compute efficiency", workload->efficiency.compute},
                   {"memory efficiency", workload->efficiency.memory}};
    for (int i = 0; i < 2; i++)
        if (!(factors[i].value > 0 && factors[i].value <= 1)) /* false for NaN */
            return fl_fail(error, "%s: expected a number above 0, at most 1, not %g",
                           factors[i].name, factors[i].value);
    if (workload->n_prompt < 1 || workload->n_output < 1 || workload->batch < 1)
        return fl_fail(error, "predict: expected a batch, a prompt and an output of at least 1");
    return FL_OK;
}

int fl_predict(struct fl_prediction *prediction, const struct fl_hardware *hardware,
               const struct fl_workload *workload, struct fl_error *error)
{
    struct fl_prediction *p = prediction;
    *p = (struct fl_prediction){.workload = *workload};
    const struct fl_generation generation = generation_of(workload);
    const struct fl_shape prefill = prefill_shape(&generation);
    if (check_workload(workload, error) != FL_OK ||
        predict_memory(&p->memory, hardware, workload, error) != FL_OK ||
        fl_predict_step(&p->prefill, hardware, workload, &prefill, &SERVED, error) != FL_OK ||
        predict_decode(p, hardware, error) != FL_OK)
        return FL_FAILED;
    const double batch = (double)workload->batch, n_output = (double)workload->n_output;
    p->first_token_s = p->prefill.time_s;
    p->decode_tokens_per_s = batch / p->per_token_s;
    p->request_tokens_per_s =
        batch * n_output / (p->first_token_s + (n_output - 1) * p->per_token_s);
    if (!p->memory.fits)
        p->decode_bound = FL_BOUND_CAPACITY;
    return FL_OK;
}
