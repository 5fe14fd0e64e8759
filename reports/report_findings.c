/* report_findings.c - topics about FLOPs, bytes and how they grow: each its finding in words, its
 * plot, and the table behind it. */
#include "reports/report.h"

#include "analyzers/contrast.h"
#include "analyzers/footprint.h"
#include "analyzers/intensity.h"
#include "analyzers/reconcile.h"
#include "analyzers/scaling.h"
#include "base/units.h"

#include <math.h>
#include <stdio.h>

enum { FIGURE = 48 };

/* ---- whether the figures can be relied on ---- */

static void find_agreement(struct fl_document *document, const struct fl_section *section)
{
    struct fl_mismatches mismatches = fl_section_mismatches(section);
    const enum fl_language language = document->language;
    if (mismatches.n == 0)
        fl_document_find(document, "Δ = 0", FIND_AGREEMENT, mismatches.n_checked, section->all.n);
    else
        fl_document_say(
            document, FL_BLOCK_WARNING, WARN_MISMATCH, mismatches.n, mismatches.n_checked,
            mismatches.first_op < FL_N_OPERATORS ? fl_operator_name(mismatches.first_op)
                                                 : fl_text(language, FL_STR_THE_TOTAL),
            fl_point_words(language, &mismatches.first->point), mismatches.first->point.context);
}

/* Times of a sweep beside other work compare little: this is said before they are compared. */
static void find_noise(struct fl_document *document, const struct fl_section *section)
{
    struct fl_noise noise = fl_section_noise(section);
    const enum fl_language language = document->language;
    char median[FL_UNIT_TEXT], low[FL_UNIT_TEXT], high[FL_UNIT_TEXT], threads[FL_THREADS_TEXT];
    if (noise.n_wide == 0)
        return;
    const struct fl_estimate *worst = &noise.worst_time->total;
    const struct fl_point *point = &noise.worst->point;
    fl_document_say(document, FL_BLOCK_NOTE, NOTE_NOISE, noise.n_wide, section->all.n,
                    fl_time_text(worst->median, median), fl_time_text(worst->low, low),
                    fl_time_text(worst->high, high), fl_point_words(language, point),
                    point->context, point->batch,
                    fl_threads_text(language, point->n_threads, threads));
}

static void find_few_samples(struct fl_document *document, const struct fl_section *section)
{
    struct fl_noise noise = fl_section_noise(section);
    if (noise.n_few > 0)
        fl_document_say(document, FL_BLOCK_MISSING, MISS_SAMPLES, noise.n_few, section->all.n,
                        noise.fewest, FL_SAMPLES_FOR_INTERVAL);
}

int fl_report_agreement(struct fl_document *document, const struct fl_plot_input *input,
                        struct fl_error *error)
{
    find_agreement(document, input->section);
    find_noise(document, input->section);
    find_few_samples(document, input->section);
    return fl_report_plot(document, input, "operators", error);
}

/* ---- textbook against exact ---- */

/* The largest difference between textbook and exact, by name. */
static int find_gap(struct fl_document *document, const struct fl_section *section,
                    struct fl_error *error)
{
    const struct fl_result *result = &section->prefill.points[section->prefill.n - 1];
    const struct fl_point *point = &result->point;
    struct fl_convention convention;
    const struct fl_shape shape = fl_point_shape(result, FL_OWN_CONTEXT);
    struct fl_gap gap;
    if (fl_point_convention(&convention, point, error) != FL_OK ||
        fl_reconcile(&gap, &section->model->config, &shape, &convention, error) != FL_OK)
        return FL_FAILED;
    const struct fl_gap_term *largest = NULL;
    for (int i = 0; i < gap.n_terms; i++)
        if (!largest || fabs((double)gap.terms[i].flops) > fabs((double)largest->flops))
            largest = &gap.terms[i];
    char textbook[FL_UNIT_TEXT], exact[FL_UNIT_TEXT], term[FL_UNIT_TEXT], words[FL_WORDS];
    char figure[FIGURE];
    double percent = 100 * ((double)point->exact_flops - (double)point->textbook_flops) /
                     (double)point->textbook_flops;
    snprintf(figure, sizeof figure, "%+.1f %%", percent);
    fl_document_find(document, figure, FIND_GAP, point->context,
                     fl_si_text((double)point->textbook_flops, "FLOP", textbook),
                     fl_si_text((double)point->exact_flops, "FLOP", exact), percent, gap.n_terms,
                     fl_text_of(document->language, largest ? largest->term : "none", words),
                     largest && largest->flops < 0 ? "-" : "+",
                     fl_si_text(largest ? fabs((double)largest->flops) : 0, "FLOP", term));
    return FL_OK;
}

int fl_report_gap(struct fl_document *document, const struct fl_plot_input *input,
                  struct fl_error *error)
{
    const struct fl_section *section = input->section;
    if (find_gap(document, section, error) != FL_OK ||
        fl_report_gap_table(document, &section->prefill, error) != FL_OK)
        return FL_FAILED;
    return section->cached.n == 0 ? FL_OK : fl_report_gap_table(document, &section->cached, error);
}

/* ---- the prompt ---- */

int fl_report_prefill(struct fl_document *document, const struct fl_plot_input *input,
                      struct fl_error *error)
{
    const struct fl_line *line = &input->section->prefill;
    const struct fl_result *last = &line->points[line->n - 1];
    struct fl_split split = fl_split_point(last, &line->times[line->n - 1]);
    int64_t context;
    char figure[FIGURE];
    if (fl_attention_overtakes(&context, last, error) != FL_OK)
        return FL_FAILED;
    double flops = split.attention_flops + split.linear_flops;
    double time = split.attention_ns + split.linear_ns;
    double of_flops = flops > 0 ? 100 * split.attention_flops / flops : 0;
    double of_time = time > 0 ? 100 * split.attention_ns / time : 0;
    snprintf(figure, sizeof figure, "%.1f %%", of_flops);
    if (context > 0)
        fl_document_find(document, figure, FIND_SCALING_OVERTAKES, last->point.context, of_flops,
                         of_time, (long long)context);
    else
        fl_document_find(document, figure, FIND_SCALING, last->point.context, of_flops, of_time);
    return fl_report_plot(document, input, "prefill", error);
}

/* ---- the cache ---- */

int fl_report_cache(struct fl_document *document, const struct fl_plot_input *input,
                    struct fl_error *error)
{
    const struct fl_contrast *contrast = input->contrast;
    const struct fl_contrast_step *step = &contrast->steps[contrast->n_steps - 1];
    const struct fl_contrast_sum *sum = &contrast->sums[contrast->n_sums - 1];
    const char *paid =
        contrast->time_crossing > 0 ? "" : fl_text(document->language, FL_STR_NOT_PAID_IN_TIME);
    double flops = step->flops[FL_UNCACHED] / step->flops[FL_CACHED];
    double sum_flops = sum->flops[FL_UNCACHED] / sum->flops[FL_CACHED];
    double sum_time = sum->time_ns[FL_UNCACHED] / sum->time_ns[FL_CACHED];
    char figure[FIGURE];
    snprintf(figure, sizeof figure, "%.1f×", flops);
    fl_document_find(document, figure, FIND_STEP, step->context, flops,
                     step->time_ns[FL_UNCACHED].median / step->time_ns[FL_CACHED].median);
    snprintf(figure, sizeof figure, "%.1f×", sum_flops);
    if (contrast->flops_crossing > 0)
        fl_document_find(document, figure, FIND_SUM_SAVES, contrast->n_prompt,
                         contrast->flops_crossing, sum->n_tokens, sum_flops, paid);
    else
        fl_document_find(document, figure, FIND_SUM_NEVER, contrast->n_prompt, sum->n_tokens,
                         sum_flops, paid);
    snprintf(figure, sizeof figure, "%.1f×", sum_time);
    if (contrast->time_crossing > 0)
        fl_document_find(document, figure, FIND_SUM_TIME, contrast->time_crossing, sum->n_tokens,
                         sum_time);
    return fl_report_plot(document, input, "contrast", error);
}

/* ---- arithmetic intensity ---- */

int fl_report_intensity(struct fl_document *document, const struct fl_plot_input *input,
                        struct fl_error *error)
{
    const struct fl_line *prefill = &input->section->prefill, *cached = &input->section->cached;
    int p = prefill->n - 1, c = cached->n - 1;
    struct fl_rates prompt = fl_point_rates(&prefill->points[p].point, &prefill->times[p]);
    struct fl_rates step = fl_point_rates(&cached->points[c].point, &cached->times[c]);
    char figure[FIGURE];
    snprintf(figure, sizeof figure, "%.1f : %.2f", prompt.flops_per_byte, step.flops_per_byte);
    fl_document_find(document, figure, FIND_INTENSITY, prompt.flops_per_byte,
                     prefill->points[p].point.context, step.flops_per_byte,
                     prompt.flops_per_s / 1e9, step.flops_per_s / 1e9, prompt.bytes_per_s / 1e9,
                     step.bytes_per_s / 1e9);
    return fl_report_plot(document, input, "intensity", error);
}

/* ---- memory ---- */

int fl_report_memory(struct fl_document *document, const struct fl_plot_input *input,
                     struct fl_error *error)
{
    const struct fl_model_record *model = input->section->model;
    double bytes;
    int64_t context;
    char per_token[FL_UNIT_TEXT], weights[FL_UNIT_TEXT];
    if (fl_footprint_kv_cache(&bytes, &model->config, 1, 1, error) != FL_OK ||
        fl_footprint_overtakes(&context, &model->config, 1, model->weights_bytes, error) != FL_OK)
        return FL_FAILED;
    fl_bytes_text(bytes, per_token);
    fl_document_find(document, per_token, FIND_MEMORY, per_token,
                     fl_bytes_text((double)model->weights_bytes, weights), (long long)context);
    return fl_report_plot(document, input, "memory", error);
}
