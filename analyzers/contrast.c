#include "analyzers/contrast.h"

#include <stdlib.h>

double fl_line_time_at(const struct fl_line *line, int context)
{
    int i = 0;
    while (i < line->n - 1 && line->points[i + 1].point.context <= context)
        i++;
    double time_ns = line->times[i].total.median;
    int from = line->points[i].point.context;
    if (i == line->n - 1 || context <= from)
        return time_ns;
    int to = line->points[i + 1].point.context;
    return time_ns + (line->times[i + 1].total.median - time_ns) * (context - from) / (to - from);
}

static int find_steps(struct fl_contrast *contrast, const struct fl_section *section,
                      struct fl_error *error)
{
    const struct fl_line *lines[FL_N_CACHES] = {&section->cached, &section->uncached};
    contrast->steps = calloc((size_t)section->cached.n + 1, sizeof *contrast->steps);
    if (!contrast->steps)
        return fl_fail(error, "contrast: no memory for %d steps", section->cached.n);
    for (int i = 0; i < section->cached.n; i++) {
        int context = section->cached.points[i].point.context;
        const int at[FL_N_CACHES] = {i, fl_line_find(&section->uncached, context)};
        if (at[FL_UNCACHED] < 0)
            continue;
        struct fl_contrast_step *step = &contrast->steps[contrast->n_steps++];
        step->context = context;
        for (int k = 0; k < FL_N_CACHES; k++) {
            const struct fl_point *point = &lines[k]->points[at[k]].point;
            step->flops[k] = (double)point->exact_flops;
            step->bytes[k] = (double)point->bytes_read + (double)point->bytes_written;
            step->time_ns[k] = lines[k]->times[at[k]].total;
        }
    }
    return FL_OK;
}

/* The prompt's prefill costs the same both ways: it is the uncached step that yields the token
 * behind n_prompt - 1 tokens, and an encoder's pass before it. */
static int start_sums(struct fl_contrast *contrast, const struct fl_section *section,
                      struct fl_error *error)
{
    const struct fl_result *step = section->uncached.points;
    struct fl_shape shape = fl_point_shape(step, contrast->n_prompt - 1);
    struct fl_convention convention;
    struct fl_analytic prefill;
    shape.encoded = false;
    if (shape.n_encoder_tokens > 0)
        shape.n_encoder_tokens = contrast->n_prompt;
    if (fl_point_convention(&convention, &step->point, error) != FL_OK ||
        fl_analytic(&prefill, &step->model->config, &shape, &convention, error) != FL_OK)
        return FL_FAILED;
    int at = fl_line_find(&section->prefill, contrast->n_prompt);
    contrast->prefill_timed = at >= 0;
    struct fl_contrast_sum *sum = &contrast->sums[contrast->n_sums++];
    sum->n_tokens = 1;
    for (int k = 0; k < FL_N_CACHES; k++) {
        sum->flops[k] = (double)prefill.total.exact;
        sum->time_ns[k] = at >= 0 ? section->prefill.times[at].total.median : 0;
    }
    return FL_OK;
}

static int add_up(struct fl_contrast *contrast, const struct fl_section *section,
                  struct fl_error *error)
{
    const struct fl_line *lines[FL_N_CACHES] = {&section->cached, &section->uncached};
    int last = contrast->steps[contrast->n_steps - 1].context;
    contrast->n_prompt = contrast->steps[0].context;
    contrast->sums = calloc((size_t)(last - contrast->n_prompt) + 2, sizeof *contrast->sums);
    if (!contrast->sums)
        return fl_fail(error, "contrast: no memory for %d steps", last - contrast->n_prompt);
    if (start_sums(contrast, section, error) != FL_OK)
        return FL_FAILED;
    for (int context = contrast->n_prompt; context <= last; context++) {
        struct fl_contrast_sum *sum = &contrast->sums[contrast->n_sums++];
        *sum = sum[-1];
        sum->n_tokens++;
        for (int k = 0; k < FL_N_CACHES; k++) {
            struct fl_analytic step;
            if (fl_point_analytic(&step, lines[k]->points, context, error) != FL_OK)
                return FL_FAILED;
            sum->flops[k] += (double)step.total.exact;
            sum->time_ns[k] += fl_line_time_at(lines[k], context);
        }
    }
    return FL_OK;
}

static void find_crossings(struct fl_contrast *contrast)
{
    for (int i = contrast->n_sums - 1; i >= 0; i--) {
        const struct fl_contrast_sum *sum = &contrast->sums[i];
        if (sum->flops[FL_CACHED] >= sum->flops[FL_UNCACHED])
            break;
        contrast->flops_crossing = sum->n_tokens;
    }
    for (int i = contrast->n_sums - 1; i >= 0; i--) {
        const struct fl_contrast_sum *sum = &contrast->sums[i];
        if (sum->time_ns[FL_CACHED] >= sum->time_ns[FL_UNCACHED])
            break;
        contrast->time_crossing = sum->n_tokens;
    }
}

int fl_contrast_make(struct fl_contrast *contrast, const struct fl_section *section,
                     struct fl_error *error)
{
    *contrast = (struct fl_contrast){0};
    if (find_steps(contrast, section, error) != FL_OK ||
        (contrast->n_steps > 0 && add_up(contrast, section, error) != FL_OK)) {
        fl_contrast_free(contrast);
        return FL_FAILED;
    }
    find_crossings(contrast);
    return FL_OK;
}

void fl_contrast_free(struct fl_contrast *contrast)
{
    free(contrast->steps);
    free(contrast->sums);
    *contrast = (struct fl_contrast){0};
}
