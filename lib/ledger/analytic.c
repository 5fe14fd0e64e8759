#include "ledger/analytic.h"
#include "ledger/formulas.h"

#include <string.h>

int fl_analytic_copies(const struct fl_analytic *analytic, enum fl_stack stack, enum fl_operator op)
{
    return fl_operator_is_global(op) ? 1 : analytic->n_layers[stack];
}

/* Takes a whole figure out of a rational. The one convention that can give half a FLOP is `half`
 * with odd s, d_h and heads. */
static int whole(struct fl_rational value, enum fl_operator op, fl_wide *out,
                 struct fl_error *error)
{
    if (value.den != 1)
        return fl_fail(error,
                       "%s: this shape has no whole number of FLOPs under the convention "
                       "causal=half; expected an even s, or causal full or exact",
                       fl_operator_name(op));
    *out = value.num;
    return FL_OK;
}

/* What is read is linear in w, so that two evaluations part the matrices from the rest; both are
 * whole, which n * w need not be. */
static int analyse_reading(struct fl_op_analytic *out, const struct fl_environment *env,
                           enum fl_operator op, struct fl_error *error)
{
    struct fl_rational at_zero, at_one, written;
    struct fl_environment changed = *env;
    changed.w[op] = fl_rational_whole(0);
    if (fl_formula_bytes(&changed, op, &at_zero, &written, error) != FL_OK)
        return FL_FAILED;
    changed.w[op] = fl_rational_whole(1);
    if (fl_formula_bytes(&changed, op, &at_one, &written, error) != FL_OK ||
        whole(at_zero, op, &out->others_read, error) != FL_OK ||
        whole(at_one, op, &out->weights_read, error) != FL_OK)
        return FL_FAILED;
    out->weights_read -= out->others_read;
    struct fl_rational one_more;
    if (!fl_rational_add(changed.values[FL_SYMBOL_e], fl_rational_whole(1),
                         &changed.values[FL_SYMBOL_e]) ||
        fl_formula_bytes(&changed, op, &one_more, &written, error) != FL_OK ||
        whole(one_more, op, &out->expert_read, error) != FL_OK)
        return FL_FAILED;
    out->expert_read -= out->weights_read + out->others_read;
    return whole(written, op, &out->bytes_written, error);
}

/* n layers' reading at this width; false when it does not fit. Rounds down where the layers of a
 * mixture are not all there. */
static bool reading(fl_wide n, const struct fl_op_analytic *op, struct fl_rational width,
                    fl_wide *bytes)
{
    fl_wide weights, others;
    if (__builtin_mul_overflow(n, op->weights_read, &weights) ||
        __builtin_mul_overflow(weights, width.num, &weights) ||
        __builtin_mul_overflow(n, op->others_read, &others))
        return false;
    return !__builtin_add_overflow(weights / width.den, others, bytes);
}

/* The operator's figures in one layer. */
static struct fl_op_analytic in_layer(const struct fl_analytic *analytic, enum fl_stack stack,
                                      enum fl_operator op, int layer)
{
    struct fl_op_analytic figures = analytic->ops[stack][op];
    const int *hit = analytic->experts_hit;
    if (hit && figures.expert_read > 0)
        figures.weights_read += figures.expert_read * (hit[layer] - hit[0]);
    return figures;
}

/* Reading of all layers of an operator; false when it does not fit. */
static bool reading_of_all(const struct fl_analytic *analytic, enum fl_stack stack,
                           enum fl_operator op, fl_wide *bytes)
{
    const int copies = fl_analytic_copies(analytic, stack, op);
    if (!analytic->experts_hit || analytic->ops[stack][op].expert_read == 0)
        return reading(copies, &analytic->ops[stack][op],
                       fl_stored_width(analytic->stored, stack, op), bytes);
    *bytes = 0;
    for (int layer = 0; layer < copies; layer++) {
        const struct fl_op_analytic figures = in_layer(analytic, stack, op, layer);
        fl_wide one;
        if (!reading(1, &figures, fl_stored_layer_width(analytic->stored, stack, op, layer),
                     &one) ||
            __builtin_add_overflow(*bytes, one, bytes))
            return false;
    }
    return true;
}

fl_wide fl_analytic_layer_bytes_read(const struct fl_analytic *analytic, enum fl_stack stack,
                                     enum fl_operator op, int layer)
{
    const struct fl_op_analytic figures = in_layer(analytic, stack, op, layer);
    fl_wide bytes = 0;
    reading(1, &figures, fl_stored_layer_width(analytic->stored, stack, op, layer), &bytes);
    return bytes;
}

static int analyse_operator(struct fl_op_analytic *out, const struct fl_environment *env,
                            const struct fl_environment *textbook_env, enum fl_operator op,
                            struct fl_error *error)
{
    struct fl_rational flops, textbook;
    *out = (struct fl_op_analytic){.present = fl_formula_present(env, op)};
    /* the textbook knows nothing of an encoder's missing logits: it has none either */
    bool in_textbook = op != FL_OP_LOGITS || (textbook_env->features & FL_HAS_LOGITS);
    if (fl_formula_flops(env, op, &flops, error) != FL_OK ||
        fl_formula_textbook_flops(textbook_env, op, &textbook, error) != FL_OK)
        return FL_FAILED;
    if (!in_textbook)
        textbook = fl_rational_whole(0);
    out->present = out->present || textbook.num != 0;
    if (whole(flops, op, &out->exact, error) != FL_OK ||
        whole(textbook, op, &out->textbook, error) != FL_OK ||
        analyse_reading(out, env, op, error) != FL_OK)
        return FL_FAILED;
    if (!reading(1, out, env->w[op], &out->bytes_read))
        return fl_fail(error, "%s: the figure for this shape does not fit in 127 bits",
                       fl_operator_name(op));
    return FL_OK;
}

/* sum += n * a; false on overflow. */
static bool add_times(struct fl_op_analytic *sum, fl_wide n, const struct fl_op_analytic *a)
{
    const fl_wide terms[] = {a->textbook,     a->exact,       a->bytes_written,
                             a->weights_read, a->others_read, a->expert_read};
    fl_wide *const sums[] = {&sum->textbook,     &sum->exact,       &sum->bytes_written,
                             &sum->weights_read, &sum->others_read, &sum->expert_read};
    for (int i = 0; i < 6; i++) {
        fl_wide product;
        if (__builtin_mul_overflow(n, terms[i], &product) ||
            __builtin_add_overflow(*sums[i], product, sums[i]))
            return false;
    }
    sum->present = sum->present || a->present;
    return true;
}

static int add_up(struct fl_analytic *out, struct fl_error *error)
{
    out->total = (struct fl_op_analytic){0};
    for (int i = 0; i < FL_N_STACKS; i++)
        for (int k = 0; k < FL_N_OPERATORS; k++) {
            const enum fl_stack stack = (enum fl_stack)i;
            const enum fl_operator op = (enum fl_operator)k;
            const int copies = fl_analytic_copies(out, stack, op);
            const struct fl_op_analytic *figures = &out->ops[stack][op];
            fl_wide bytes;
            if (figures->present &&
                (!add_times(&out->total, copies, figures) ||
                 !reading_of_all(out, stack, op, &bytes) ||
                 __builtin_add_overflow(out->total.bytes_read, bytes, &out->total.bytes_read)))
                return fl_fail(error, "total: the figure for this shape does not fit in 127 bits");
        }
    return FL_OK;
}

bool fl_analytic_sum(const struct fl_analytic *analytic, enum fl_operator op,
                     struct fl_op_analytic *sum)
{
    *sum = (struct fl_op_analytic){0};
    for (int i = 0; i < FL_N_STACKS; i++) {
        const enum fl_stack stack = (enum fl_stack)i;
        if (!analytic->ops[stack][op].present)
            continue;
        fl_wide bytes = 0; /* that it fits was found out when the total was summed */
        add_times(sum, fl_analytic_copies(analytic, stack, op), &analytic->ops[stack][op]);
        reading_of_all(analytic, stack, op, &bytes);
        sum->bytes_read += bytes;
    }
    return sum->present;
}

static int analyse_stack(struct fl_analytic *out, const struct fl_config *config,
                         const struct fl_shape *shape, const struct fl_convention *convention,
                         enum fl_stack stack, struct fl_error *error)
{
    struct fl_environment env;
    if (fl_environment_init(&env, config, shape, convention, stack, error) != FL_OK)
        return FL_FAILED;
    struct fl_environment textbook_env = env;
    fl_environment_textbook(&textbook_env);
    fl_environment_layer(&env, shape, 0);
    for (int op = 0; op < FL_N_OPERATORS; op++)
        if (analyse_operator(&out->ops[stack][op], &env, &textbook_env, (enum fl_operator)op,
                             error) != FL_OK)
            return FL_FAILED;

    struct fl_rational kv_cache_bytes, activation_bytes;
    if (fl_formula_memory(&env, &kv_cache_bytes, &activation_bytes, error) != FL_OK)
        return FL_FAILED;
    if (stack == FL_STACK_DECODER)
        out->kv_cache_bytes = kv_cache_bytes.num;
    if (activation_bytes.num > out->activation_bytes)
        out->activation_bytes = activation_bytes.num;
    return FL_OK;
}

/* The textbook knows no sequences that differ: it is asked of each alone. */
static int sum_textbook(struct fl_analytic *out, const struct fl_config *config,
                        const struct fl_shape *shape, const struct fl_convention *convention,
                        struct fl_error *error)
{
    for (int op = 0; op < FL_N_OPERATORS; op++)
        out->ops[FL_STACK_DECODER][op].textbook = 0;
    for (int i = 0; i < shape->n_spans; i++) {
        struct fl_shape one = *shape;
        struct fl_analytic alone;
        one.spans = &shape->spans[i];
        one.n_spans = 1;
        if (fl_analytic(&alone, config, &one, convention, error) != FL_OK)
            return FL_FAILED;
        for (int op = 0; op < FL_N_OPERATORS; op++)
            if (__builtin_add_overflow(out->ops[FL_STACK_DECODER][op].textbook,
                                       alone.ops[FL_STACK_DECODER][op].textbook,
                                       &out->ops[FL_STACK_DECODER][op].textbook))
                return fl_fail(error, "%s: the figure for this shape does not fit in 127 bits",
                               fl_operator_name((enum fl_operator)op));
    }
    return FL_OK;
}

int fl_analytic(struct fl_analytic *out, const struct fl_config *config,
                const struct fl_shape *shape, const struct fl_convention *convention,
                struct fl_error *error)
{
    *out = (struct fl_analytic){.stored = shape->stored, .experts_hit = shape->experts_hit};
    out->n_layers[FL_STACK_DECODER] = config->n_layers;
    if (analyse_stack(out, config, shape, convention, FL_STACK_DECODER, error) != FL_OK ||
        (shape->n_spans > 1 && sum_textbook(out, config, shape, convention, error) != FL_OK))
        return FL_FAILED;
    bool encoder_runs = config->n_encoder_layers > 0 && shape->n_past == 0 &&
                        shape->n_encoder_tokens > 0 && !shape->encoded;
    if (encoder_runs) {
        out->n_layers[FL_STACK_ENCODER] = config->n_encoder_layers;
        if (analyse_stack(out, config, shape, convention, FL_STACK_ENCODER, error) != FL_OK)
            return FL_FAILED;
    }
    out->n_params = (fl_wide)fl_config_n_params(config);
    out->weights_bytes = shape->stored ? (fl_wide)shape->stored->bytes : 4 * out->n_params;
    return add_up(out, error);
}

/* ---- whole generations ---- */

void fl_generation_step(const struct fl_generation *generation,
                        const struct fl_convention *convention, int64_t i, struct fl_shape *shape,
                        struct fl_convention *step_convention)
{
    int64_t context = generation->n_prompt + i;
    *shape = (struct fl_shape){
        .batch = generation->batch,
        .n_tokens = generation->cache ? 1 : context,
        .n_past = generation->cache ? context - 1 : 0,
        .n_encoder_tokens = generation->n_encoder_tokens,
        .encoded = generation->n_encoder_tokens > 0,
        .stored = generation->stored,
        .kv_dtype = generation->kv_dtype,
    };
    *step_convention = *convention;
    if (convention->lm_head == FL_LM_HEAD_ALL)
        step_convention->lm_head = FL_LM_HEAD_LAST;
}

static int check_generation(const struct fl_config *config, const struct fl_generation *generation,
                            struct fl_error *error)
{
    static const int64_t MOST = INT64_C(1) << 30;
    if (config->n_encoder_layers > 0 &&
        (generation->n_encoder_tokens < 1 || generation->n_encoder_tokens > MOST))
        return fl_fail(error, "%s: encoder tokens: expected 1 to 2^30, not %lld", config->name,
                       (long long)generation->n_encoder_tokens);
    if (generation->n_prompt < 1 || generation->n_prompt > MOST)
        return fl_fail(error, "prompt: expected 1 to 2^30 tokens");
    if (generation->n_gen < 1 || generation->n_gen > MOST)
        return fl_fail(error, "gen: expected 1 to 2^30 tokens");
    return FL_OK;
}

static int analyse_prefill(struct fl_analytic *out, const struct fl_config *config,
                           const struct fl_generation *generation,
                           const struct fl_convention *convention, struct fl_error *error)
{
    struct fl_shape shape = {.batch = generation->batch,
                             .n_tokens = generation->n_prompt,
                             .n_encoder_tokens = generation->n_encoder_tokens,
                             .stored = generation->stored,
                             .kv_dtype = generation->kv_dtype};
    return fl_analytic(out, config, &shape, convention, error);
}

static int analyse_step(struct fl_analytic *out, const struct fl_config *config,
                        const struct fl_generation *generation,
                        const struct fl_convention *convention, int64_t i, struct fl_error *error)
{
    struct fl_shape shape;
    struct fl_convention step_convention;
    fl_generation_step(generation, convention, i, &shape, &step_convention);
    return fl_analytic(out, config, &shape, &step_convention, error);
}

/* sum.ops += n * a.ops; the rest of sum becomes a's when it is the later step. */
static int accumulate(struct fl_analytic *sum, fl_wide n, const struct fl_analytic *a,
                      struct fl_error *error)
{
    for (int op = 0; op < FL_N_OPERATORS; op++)
        if (a->ops[0][op].present &&
            (!add_times(&sum->ops[0][op], n, &a->ops[0][op]) ||
             !reading(1, &sum->ops[0][op],
                      fl_stored_width(a->stored, FL_STACK_DECODER, (enum fl_operator)op),
                      &sum->ops[0][op].bytes_read)))
            return fl_fail(error, "%s: the figure for this generation does not fit in 127 bits",
                           fl_operator_name((enum fl_operator)op));
    return FL_OK;
}

static void adopt_memory(struct fl_analytic *sum, const struct fl_analytic *last)
{
    sum->n_layers[0] = last->n_layers[0];
    sum->n_params = last->n_params;
    sum->weights_bytes = last->weights_bytes;
    sum->stored = last->stored;
    sum->kv_cache_bytes = last->kv_cache_bytes;
    sum->activation_bytes = last->activation_bytes;
}

int fl_analytic_generation_steps(struct fl_analytic out[2], const struct fl_config *config,
                                 const struct fl_generation *generation,
                                 const struct fl_convention *convention, struct fl_error *error)
{
    if (check_generation(config, generation, error) != FL_OK ||
        analyse_prefill(&out[0], config, generation, convention, error) != FL_OK)
        return FL_FAILED;
    out[1] = (struct fl_analytic){0};
    adopt_memory(&out[1], &out[0]);
    for (int64_t i = 1; i < generation->n_gen; i++) {
        struct fl_analytic step;
        if (analyse_step(&step, config, generation, convention, i, error) != FL_OK ||
            accumulate(&out[1], 1, &step, error) != FL_OK)
            return FL_FAILED;
        adopt_memory(&out[1], &step);
    }
    return add_up(&out[1], error);
}

/* The first step at which something saturates, behind `first`: the sliding window is full, or
 * every expert is hit. n_gen when nothing does. */
static int64_t segment_end(const struct fl_config *config, const struct fl_generation *generation,
                           int64_t first)
{
    int64_t end = generation->n_gen;
    int64_t candidates[3] = {end, end, end};
    if (config->sliding_window > 0) {
        candidates[0] = config->sliding_window - generation->n_prompt;
        candidates[1] = config->sliding_window - generation->n_prompt + 1;
    }
    if (config->n_experts > 0 && !generation->cache) {
        int64_t per_token = generation->batch * config->n_experts_used;
        candidates[2] = (config->n_experts + per_token - 1) / per_token - generation->n_prompt;
    }
    for (int i = 0; i < 3; i++)
        if (candidates[i] > first && candidates[i] < end)
            end = candidates[i];
    return end;
}

/* Steps first .. first + n - 1 lie on one polynomial f of at most second degree:
 * sum f = n f0 + C(n,2) (f1 - f0) + C(n,3) (f2 - 2 f1 + f0), here gathered by sample. With one or
 * two steps the higher coefficients are zero, so no sample lies outside the segment. */
static int add_segment(struct fl_generation_sample *samples, int64_t first, int64_t n)
{
    fl_wide count = n, pairs = count * (count - 1) / 2, triples = pairs * (count - 2) / 3;
    const fl_wide weights[3] = {count - pairs + triples, pairs - 2 * triples, triples};
    int k;
    for (k = 0; k < 3 && k < n; k++)
        samples[k] = (struct fl_generation_sample){first + k, weights[k]};
    return k;
}

int fl_generation_samples(struct fl_generation_sample samples[FL_GENERATION_SAMPLES],
                          int *n_samples, const struct fl_config *config,
                          const struct fl_generation *generation, struct fl_error *error)
{
    if (check_generation(config, generation, error) != FL_OK)
        return FL_FAILED;
    *n_samples = 0;
    for (int64_t first = 1; first < generation->n_gen;) {
        int64_t end = segment_end(config, generation, first);
        *n_samples += add_segment(samples + *n_samples, first, end - first);
        first = end;
    }
    return FL_OK;
}

int fl_analytic_generation(struct fl_analytic out[2], const struct fl_config *config,
                           const struct fl_generation *generation,
                           const struct fl_convention *convention, struct fl_error *error)
{
    struct fl_generation_sample samples[FL_GENERATION_SAMPLES];
    int n_samples;
    if (convention->fused) /* a step's cost jumps where a stretch of keys ends */
        return fl_analytic_generation_steps(out, config, generation, convention, error);
    if (fl_generation_samples(samples, &n_samples, config, generation, error) != FL_OK ||
        analyse_prefill(&out[0], config, generation, convention, error) != FL_OK)
        return FL_FAILED;
    out[1] = (struct fl_analytic){0};
    adopt_memory(&out[1], &out[0]);
    struct fl_analytic step;
    for (int i = 0; i < n_samples; i++)
        if (analyse_step(&step, config, generation, convention, samples[i].step, error) != FL_OK ||
            accumulate(&out[1], samples[i].weight, &step, error) != FL_OK)
            return FL_FAILED;
    if (n_samples > 0) {
        if (analyse_step(&step, config, generation, convention, generation->n_gen - 1, error) !=
            FL_OK)
            return FL_FAILED;
        adopt_memory(&out[1], &step);
    }
    return add_up(&out[1], error);
}
