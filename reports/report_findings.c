/* report_findings.c - findings in words, each with its figures. */
#include "analyzers/contrast.h"
#include "analyzers/footprint.h"
#include "analyzers/intensity.h"
#include "analyzers/reconcile.h"
#include "analyzers/scaling.h"
#include "base/units.h"
#include "reports/report.h"

#include <math.h>
#include <stdio.h>

static void find_agreement(struct fl_document *document, const struct fl_section *section)
{
    struct fl_mismatches mismatches = fl_section_mismatches(section);
    if (mismatches.n == 0)
        fl_document_add(document, FL_BLOCK_FINDING,
                        "What the operators counted while they ran is what the formulas say, to "
                        "the last FLOP and byte: %d figures of operators and totals in %d measured "
                        "points.",
                        mismatches.n_checked, section->all.n);
    else
        fl_document_add(document, FL_BLOCK_WARNING,
                        "%d of %d figures were counted as something else than the formulas say, "
                        "first %s of a %s at s = %d. The figures of this model cannot be trusted.",
                        mismatches.n, mismatches.n_checked,
                        mismatches.first_op < FL_N_OPERATORS ? fl_operator_name(mismatches.first_op)
                                                             : "the total",
                        fl_phase_names[mismatches.first->point.phase],
                        mismatches.first->point.context);
}

/* A sweep beside other work gives times that compare nothing: this must be said before they are
 * compared. */
static void find_noise(struct fl_document *document, const struct fl_section *section)
{
    struct fl_noise noise = fl_section_noise(section);
    char median[FL_UNIT_TEXT], low[FL_UNIT_TEXT], high[FL_UNIT_TEXT];
    const struct fl_estimate *worst = &noise.worst_time->total;
    if (noise.n_wide > 0)
        fl_document_add(document, FL_BLOCK_WARNING,
                        "The machine was not quiet: at %d of %d points the interval of the time is "
                        "wider than a fifth of its median, at worst %s [%s, %s] (%s, s = %d, batch "
                        "%d, %d thread%s). What is said below about time may be an accident; FLOPs "
                        "and bytes do not depend on it.",
                        noise.n_wide, section->all.n, fl_time_text(worst->median, median),
                        fl_time_text(worst->low, low), fl_time_text(worst->high, high),
                        fl_phase_names[noise.worst->point.phase], noise.worst->point.context,
                        noise.worst->point.batch, noise.worst->point.n_threads,
                        noise.worst->point.n_threads == 1 ? "" : "s");
}

static void find_few_samples(struct fl_document *document, const struct fl_section *section)
{
    struct fl_noise noise = fl_section_noise(section);
    if (noise.n_few > 0)
        fl_document_add(document, FL_BLOCK_MISSING,
                        "samples for a 95 %% interval at %d of %d points (fewest: %d). Even from "
                        "smallest to largest n samples cover 1 - 2/2^n; %d are enough.",
                        noise.n_few, section->all.n, noise.fewest, FL_SAMPLES_FOR_INTERVAL);
}

/* The largest difference between textbook and exact, by name. */
static int find_gap(struct fl_document *document, const struct fl_section *section,
                    struct fl_error *error)
{
    const struct fl_result *result = &section->prefill.points[section->prefill.n - 1];
    const struct fl_point *point = &result->point;
    struct fl_convention convention;
    struct fl_shape shape = {
        .batch = point->batch, .n_tokens = point->n_tokens, .n_past = point->n_past};
    struct fl_gap gap;
    if (fl_point_convention(&convention, point, error) != FL_OK ||
        fl_reconcile(&gap, &section->model->config, &shape, &convention, error) != FL_OK)
        return FL_FAILED;
    const struct fl_gap_term *largest = NULL;
    for (int i = 0; i < gap.n_terms; i++)
        if (!largest || fabs((double)gap.terms[i].flops) > fabs((double)largest->flops))
            largest = &gap.terms[i];
    char textbook[FL_UNIT_TEXT], exact[FL_UNIT_TEXT], term[FL_UNIT_TEXT];
    double difference = (double)point->exact_flops - (double)point->textbook_flops;
    fl_document_add(
        document, FL_BLOCK_FINDING,
        "A prefill of %d tokens costs %s by the textbook and %s exactly, %+.1f %%. The largest of "
        "%d named differences is %s with %s%s.",
        point->context, fl_si_text((double)point->textbook_flops, "FLOP", textbook),
        fl_si_text((double)point->exact_flops, "FLOP", exact),
        100 * difference / (double)point->textbook_flops, gap.n_terms,
        largest ? largest->term : "none", largest && largest->flops < 0 ? "-" : "+",
        fl_si_text(largest ? fabs((double)largest->flops) : 0, "FLOP", term));
    return FL_OK;
}

static int find_scaling(struct fl_document *document, const struct fl_section *section,
                        struct fl_error *error)
{
    const struct fl_line *line = &section->prefill;
    const struct fl_result *last = &line->points[line->n - 1];
    struct fl_split split = fl_split_point(last, &line->times[line->n - 1]);
    int64_t context;
    if (fl_attention_overtakes(&context, last, error) != FL_OK)
        return FL_FAILED;
    double flops = split.attention_flops + split.linear_flops;
    double time = split.attention_ns + split.linear_ns;
    char overtakes[96] = "";
    if (context > 0)
        snprintf(overtakes, sizeof overtakes,
                 " By formula it overtakes the linear part at s = %lld.", (long long)context);
    fl_document_add(document, FL_BLOCK_FINDING,
                    "At s = %d attention, the part that grows with the square of the prompt, is "
                    "%.1f %% of the prefill's FLOPs and took %.1f %% of its time.%s",
                    last->point.context, 100 * split.attention_flops / flops,
                    time > 0 ? 100 * split.attention_ns / time : 0.0, overtakes);
    return FL_OK;
}

static void find_contrast(struct fl_document *document, const struct fl_contrast *contrast)
{
    const struct fl_contrast_step *step = &contrast->steps[contrast->n_steps - 1];
    fl_document_add(document, FL_BLOCK_FINDING,
                    "Behind %d tokens an uncached decode step costs %.1f times the FLOPs of a "
                    "cached one and took %.1f times as long.",
                    step->context, step->flops[FL_UNCACHED] / step->flops[FL_CACHED],
                    step->time_ns[FL_UNCACHED].median / step->time_ns[FL_CACHED].median);
    const struct fl_contrast_sum *sum = &contrast->sums[contrast->n_sums - 1];
    char crossing[128];
    if (contrast->flops_crossing > 0)
        snprintf(crossing, sizeof crossing, "the cache saves FLOPs from generated token %d on",
                 contrast->flops_crossing);
    else
        snprintf(crossing, sizeof crossing, "the cache never saves FLOPs");
    fl_document_add(document, FL_BLOCK_FINDING,
                    "Generating behind a prompt of %d tokens, %s; after %d tokens the uncached "
                    "generation has cost %.1f times the FLOPs%s.",
                    contrast->n_prompt, crossing, sum->n_tokens,
                    sum->flops[FL_UNCACHED] / sum->flops[FL_CACHED],
                    contrast->time_crossing > 0 ? "" : " (in measured time it has not paid yet)");
    if (contrast->time_crossing > 0)
        fl_document_add(document, FL_BLOCK_FINDING,
                        "In measured time the cached generation is ahead from generated token %d "
                        "on; after %d tokens the uncached one has taken %.1f times as long.",
                        contrast->time_crossing, sum->n_tokens,
                        sum->time_ns[FL_UNCACHED] / sum->time_ns[FL_CACHED]);
}

static void find_intensity(struct fl_document *document, const struct fl_section *section)
{
    const struct fl_line *prefill = &section->prefill, *cached = &section->cached;
    int p = prefill->n - 1, c = cached->n - 1;
    struct fl_rates prompt = fl_point_rates(&prefill->points[p].point, &prefill->times[p]);
    struct fl_rates step = fl_point_rates(&cached->points[c].point, &cached->times[c]);
    fl_document_add(document, FL_BLOCK_FINDING,
                    "Prefill reads its weights once for all its tokens and decode once for every "
                    "token: %.1f FLOP per byte of compulsory traffic in a prefill of %d tokens, "
                    "%.2f in a decode step. They ran at %.1f and %.2f GFLOP/s, %.1f and %.1f GB/s.",
                    prompt.flops_per_byte, prefill->points[p].point.context, step.flops_per_byte,
                    prompt.flops_per_s / 1e9, step.flops_per_s / 1e9, prompt.bytes_per_s / 1e9,
                    step.bytes_per_s / 1e9);
}

static int find_memory(struct fl_document *document, const struct fl_section *section,
                       struct fl_error *error)
{
    double bytes;
    int64_t context;
    char per_token[FL_UNIT_TEXT], weights[FL_UNIT_TEXT];
    if (fl_footprint_kv_cache(&bytes, &section->model->config, 1, 1, error) != FL_OK ||
        fl_footprint_overtakes(&context, &section->model->config, 1, section->model->weights_bytes,
                               error) != FL_OK)
        return FL_FAILED;
    fl_document_add(document, FL_BLOCK_FINDING,
                    "The KV cache takes %s a token and sequence; beside %s of weights it becomes "
                    "the larger part at %lld tokens in all sequences together.",
                    fl_bytes_text(bytes, per_token),
                    fl_bytes_text((double)section->model->weights_bytes, weights),
                    (long long)context);
    return FL_OK;
}

int fl_report_findings(struct fl_document *document, const struct fl_section *section,
                       const struct fl_contrast *contrast, struct fl_error *error)
{
    find_noise(document, section);
    find_agreement(document, section);
    fl_report_find_measured(document, section);
    if (section->prefill.n > 0 && (find_gap(document, section, error) != FL_OK ||
                                   find_scaling(document, section, error) != FL_OK))
        return FL_FAILED;
    if (contrast->n_steps > 0)
        find_contrast(document, contrast);
    if (section->prefill.n > 0 && section->cached.n > 0)
        find_intensity(document, section);
    if (find_memory(document, section, error) != FL_OK)
        return FL_FAILED;
    find_few_samples(document, section);
    return FL_OK;
}
