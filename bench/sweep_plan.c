#include "bench/sweep.h"

#include "base/random.h"
#include "engine/pass_cost.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A byte moved is worth about as much time as this many FLOPs: the balance of one core of today's
 * servers. It only shapes the estimate of the time left. */
static const double FLOPS_PER_BYTE = 8.0;

char *fl_sweep_label(const struct fl_point *point, char out[FL_SWEEP_LABEL])
{
    snprintf(out, FL_SWEEP_LABEL, "%s cache=%s attention=%s logits=%s b=%d s=%d threads=%d",
             fl_phase_names[point->phase], point->cache ? "on" : "off", point->attention,
             point->logits, point->batch, point->context, point->n_threads);
    return out;
}

int fl_sweep_item_n_ctx(const struct fl_sweep_item *item)
{
    return item->point.n_past + item->point.n_tokens;
}

int fl_sweep_item_n_source(const struct fl_sweep_item *item, const struct fl_config *config)
{
    return config->n_encoder_layers > 0 ? item->point.context : 0;
}

static void write_convention(char *out, size_t size, const struct fl_convention *convention)
{
    snprintf(out, size, "unit=%s causal=%s lm_head=%s elementwise=%s%s",
             fl_unit_names[convention->unit], fl_causal_names[convention->causal],
             fl_lm_head_names[convention->lm_head], convention->elementwise ? "on" : "off",
             convention->fused ? " attention=fused" : "");
}

int fl_sweep_item_analyse(struct fl_analytic *analytic, struct fl_sweep_item *item,
                          const struct fl_config *config, const struct fl_stored *stored,
                          const int *experts_hit, struct fl_error *error)
{
    struct fl_point *point = &item->point;
    const struct fl_shape shape = {.batch = point->batch,
                                   .n_tokens = point->n_tokens,
                                   .n_past = point->n_past,
                                   .stored = stored,
                                   .n_encoder_tokens = fl_sweep_item_n_source(item, config),
                                   .encoded = point->phase == FL_PHASE_DECODE,
                                   .kv_dtype = item->kv_dtype,
                                   .experts_hit = experts_hit};
    const struct fl_convention exact = fl_executed_convention(item->attention, item->logits);
    const struct fl_convention textbook = {
        .unit = FL_UNIT_FLOP, .causal = FL_CAUSAL_FULL, .lm_head = FL_LM_HEAD_ALL};
    write_convention(point->exact_convention, sizeof point->exact_convention, &exact);
    write_convention(point->textbook_convention, sizeof point->textbook_convention, &textbook);
    return fl_analytic(analytic, config, &shape, &exact, error);
}

/* What forward is called with, see struct fl_point. */
static void set_shape(struct fl_sweep_item *item)
{
    struct fl_point *point = &item->point;
    if (point->phase == FL_PHASE_PREFILL) {
        point->n_tokens = point->context;
        point->n_past = 0;
    } else {
        point->n_tokens = point->cache ? 1 : point->context + 1;
        point->n_past = point->cache ? point->context : 0;
    }
}

static int add_item(struct fl_sweep_plan *plan, struct fl_sweep_item *item,
                    const struct fl_config *config, struct fl_error *error)
{
    set_shape(item);
    if (fl_sweep_item_n_ctx(item) > config->n_ctx_max) {
        plan->beyond[plan->n_beyond++] = *item;
        return FL_OK;
    }
    struct fl_analytic analytic;
    if (fl_sweep_item_analyse(&analytic, item, config, NULL, NULL, error) != FL_OK)
        return FL_FAILED;
    item->work =
        (double)analytic.total.exact +
        FLOPS_PER_BYTE * (double)(analytic.total.bytes_read + analytic.total.bytes_written);
    plan->items[plan->n_items++] = *item;
    return FL_OK;
}

/* One value of the axes phase, cache and attention. */
struct choice {
    enum fl_phase phase;
    bool cache;
    enum fl_attention attention;
};

/* batch, context, threads of one choice. */
static int add_shapes(struct fl_sweep_plan *plan, const struct fl_sweep_axes *axes,
                      const struct choice *choice, const struct fl_config *config,
                      struct fl_error *error)
{
    enum fl_logits logits = choice->phase == FL_PHASE_PREFILL ? axes->logits : FL_LOGITS_LAST;
    for (int b = 0; b < axes->n_batches; b++)
        for (int s = 0; s < axes->n_contexts; s++)
            for (int t = 0; t < axes->n_threads; t++) {
                struct fl_sweep_item item = {
                    .attention = choice->attention,
                    .logits = logits,
                    .point = {.phase = choice->phase,
                              .cache = choice->cache,
                              .batch = (int)axes->batches[b],
                              .context = (int)axes->contexts[s],
                              .n_threads = (int)axes->threads[t],
                              .dtype = "f32"},
                    .kv_dtype = axes->kv_dtype,
                };
                snprintf(item.point.attention, sizeof item.point.attention, "%s",
                         fl_attention_name(choice->attention));
                snprintf(item.point.logits, sizeof item.point.logits, "%s",
                         fl_logits_names[logits]);
                if (add_item(plan, &item, config, error) != FL_OK)
                    return FL_FAILED;
            }
    return FL_OK;
}

static int add_choices(struct fl_sweep_plan *plan, const struct fl_sweep_axes *axes,
                       const struct fl_config *config, struct fl_error *error)
{
    for (int p = 0; p < axes->n_phases; p++)
        for (int c = 0; c < axes->n_caches; c++)
            for (int a = 0; a < axes->n_attentions; a++) {
                struct choice choice = {(enum fl_phase)axes->phases[p], axes->caches[c] != 0,
                                        (enum fl_attention)axes->attentions[a]};
                if (choice.phase == FL_PHASE_PREFILL) {
                    if (c > 0)
                        continue;
                    choice.cache = true;
                }
                if (add_shapes(plan, axes, &choice, config, error) != FL_OK)
                    return FL_FAILED;
            }
    return FL_OK;
}

int fl_sweep_plan_make(struct fl_sweep_plan *plan, const struct fl_sweep_axes *axes,
                       const struct fl_config *config, struct fl_error *error)
{
    *plan = (struct fl_sweep_plan){0};
    double n_points = (double)axes->n_contexts * axes->n_batches * axes->n_threads *
                      axes->n_phases * axes->n_caches * axes->n_attentions;
    if (n_points > FL_SWEEP_POINTS_MAX)
        return fl_fail(error, "the axes: expected at most %d points, they span %.0f",
                       FL_SWEEP_POINTS_MAX, n_points);
    plan->items = calloc((size_t)n_points + 1, sizeof *plan->items);
    plan->beyond = calloc((size_t)n_points + 1, sizeof *plan->beyond);
    int status = FL_OK;
    if (!plan->items || !plan->beyond)
        status = fl_fail(error, "the axes: no memory for %.0f points", n_points);
    else
        status = add_choices(plan, axes, config, error);
    if (status != FL_OK)
        fl_sweep_plan_free(plan);
    return status;
}

void fl_sweep_plan_free(struct fl_sweep_plan *plan)
{
    free(plan->items);
    free(plan->beyond);
    *plan = (struct fl_sweep_plan){0};
}

void fl_sweep_order(int *order, int n, uint64_t seed, int pass)
{
    uint64_t state = seed;
    for (int i = 0; i <= pass; i++)
        state = fl_random_next(&state);
    for (int i = 0; i < n; i++)
        order[i] = i;
    for (int i = n - 1; i > 0; i--) {
        int j = (int)(fl_random_next(&state) % (uint64_t)(i + 1));
        int held = order[i];
        order[i] = order[j];
        order[j] = held;
    }
}

int fl_sweep_target(int n_reps, int n_passes, int pass)
{
    int64_t shared = (int64_t)n_reps * (pass + 1);
    return (int)((shared + n_passes - 1) / n_passes);
}
