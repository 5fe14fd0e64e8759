#include "reports/report.h"

#include "base/units.h"

#include <cJSON.h>
#include <stdio.h>
#include <string.h>

/* ---- words ---- */

const char *fl_point_words(enum fl_language language, const struct fl_point *point)
{
    return fl_text(language, point->phase == FL_PHASE_PREFILL ? FL_STR_PREFILL
                             : point->cache                   ? FL_STR_CACHED_STEP
                                                              : FL_STR_UNCACHED_STEP);
}

char *fl_threads_text(enum fl_language language, int n, char out[FL_THREADS_TEXT])
{
    if (n == 1)
        snprintf(out, FL_THREADS_TEXT, "%s", fl_text(language, FL_STR_ONE_THREAD));
    else
        fl_text_format(out, FL_THREADS_TEXT, language, N_THREADS, n);
    return out;
}

/* ---- topics ---- */

int fl_report_plot(struct fl_document *document, const struct fl_plot_input *input,
                   const char *name, struct fl_error *error)
{
    struct fl_drawing drawing;
    char caption[FL_CAPTION];
    const struct fl_plot *row = fl_plot_find(name);
    if (!row)
        return fl_fail(error, "report: %s: there is no such plot", name);
    if (!row->possible(input)) {
        fl_document_say(document, FL_BLOCK_MISSING, MISS_PLOT,
                        fl_text(document->language, row->needs),
                        fl_text(document->language, row->title));
        return FL_OK;
    }
    if (fl_plot_draw(&drawing, caption, row, input, error) != FL_OK)
        return FL_FAILED;
    fl_document_add_figure(document, &drawing, caption);
    return FL_OK;
}

static int add_topics(struct fl_document *document, enum fl_topic_place place,
                      const struct fl_plot_input *input, struct fl_error *error)
{
    int n, level = place == FL_OF_MODEL ? 3 : 2;
    const struct fl_topic *topics = fl_topics(place, &n);
    for (int i = 0; i < n; i++) {
        char anchor[64];
        snprintf(anchor, sizeof anchor, "%s%s", input->prefix, topics[i].name);
        if (!topics[i].possible(input))
            continue;
        fl_document_heading(document, level, anchor, fl_text(document->language, topics[i].title));
        if (topics[i].render(document, input, error) != FL_OK)
            return FL_FAILED;
    }
    for (int i = 0; i < n; i++)
        if (!topics[i].possible(input))
            fl_document_say(document, FL_BLOCK_MISSING, MISS_TOPIC,
                            fl_text(document->language, topics[i].needs),
                            fl_text(document->language, topics[i].title));
    return FL_OK;
}

/* A model that was run in several formats is several sections: their headings name the format. */
static void add_model_heading(struct fl_document *document, const struct fl_sections *sections,
                              int number)
{
    const struct fl_model_record *model = sections->rows[number].model;
    char anchor[32], heading[256];
    int n_alike = 0;
    for (int i = 0; i < sections->n; i++)
        n_alike += strcmp(sections->rows[i].model->name, model->name) == 0;
    if (n_alike > 1)
        fl_text_format(heading, sizeof heading, document->language, MODEL_AND_FORMAT, model->name,
                       sections->rows[number].all.points->point.dtype);
    else
        snprintf(heading, sizeof heading, "%s", model->name);
    snprintf(anchor, sizeof anchor, "model%d", number + 1);
    fl_document_heading(document, 2, anchor, heading);
}

static int add_model(struct fl_document *document, const struct fl_results *results,
                     const struct fl_sections *sections, int number, struct fl_error *error)
{
    const struct fl_section *section = &sections->rows[number];
    struct fl_contrast contrast;
    char params[FL_UNIT_TEXT], prefix[32] = "";
    const struct fl_config *config = &section->model->config;
    if (fl_contrast_make(&contrast, section, error) != FL_OK)
        return FL_FAILED;
    if (number > 0)
        snprintf(prefix, sizeof prefix, "model%d-", number + 1);
    add_model_heading(document, sections, number);
    fl_document_say(document, FL_BLOCK_TEXT, MODEL_LINE, fl_arch_name(config->arch),
                    config->n_layers, config->d_model, config->n_heads, config->head_dim,
                    config->n_kv_heads, config->d_ff, config->vocab_size,
                    fl_si_text((double)section->model->n_params, "", params),
                    section->model->format, section->all.points->run->machine);
    struct fl_plot_input input = {.section = section,
                                  .contrast = &contrast,
                                  .results = results,
                                  .sections = sections,
                                  .language = document->language,
                                  .prefix = prefix};
    int status = add_topics(document, FL_OF_MODEL, &input, error);
    fl_contrast_free(&contrast);
    return status;
}

/* ---- how and where ---- */

static int n_counted_points(const struct fl_results *results)
{
    int n = 0;
    for (int i = 0; i < results->n_points; i++)
        n += results->points[i].n_observed > 0 ? 1 : 0;
    return n;
}

static void add_method(struct fl_document *document, const struct fl_results *results)
{
    const struct fl_point *point = &results->points[0].point;
    fl_document_heading(document, 2, "method", fl_text(document->language, FL_STR_H_METHOD));
    fl_document_say(document, FL_BLOCK_TEXT, METHOD_CONVENTIONS, point->textbook_convention,
                    point->exact_convention);
    fl_document_text(document, FL_BLOCK_TEXT, FL_STR_METHOD_TIMES);
    fl_document_say(document, FL_BLOCK_TEXT, METHOD_COUNTERS, n_counted_points(results),
                    results->n_points);
}

/* The calibration that a run carries as JSON, in words. */
static void describe_calibration(enum fl_language language, const struct fl_run *run, char *out,
                                 size_t size)
{
    cJSON *json = cJSON_Parse(run->calibration);
    const cJSON *n_rows = cJSON_GetObjectItem(json, "n_rows");
    bool exact = cJSON_IsTrue(cJSON_GetObjectItem(json, "exact"));
    if (!*run->calibration)
        snprintf(out, size, "%s", fl_text(language, FL_STR_CALIBRATION_NONE));
    else if (!cJSON_IsNumber(n_rows))
        snprintf(out, size, "%s", fl_text(language, FL_STR_CALIBRATION_UNREADABLE));
    else if (exact)
        fl_text_format(out, size, language, CALIBRATION_EXACT, n_rows->valuedouble);
    else
        fl_text_format(out, size, language, CALIBRATION_INEXACT, n_rows->valuedouble);
    cJSON_Delete(json);
}

static void add_run(struct fl_document *document, const struct fl_run *run, int number, int n_runs)
{
    static const enum fl_string_id HEADINGS[] = {FL_STR_C_WHAT, FL_STR_C_VALUE};
    struct fl_table table;
    char cores[32], seed[32], caption[96], counter[128], version[192], calibration[160];
    snprintf(cores, sizeof cores, "%d", run->n_cores);
    snprintf(seed, sizeof seed, "%lld", (long long)run->seed);
    snprintf(counter, sizeof counter, *run->counter_version ? "%s (%s)" : "%s", run->counter,
             run->counter_version);
    fl_text_format(version, sizeof version, document->language, RUN_VERSION_TEXT, run->version,
                   run->commit);
    describe_calibration(document->language, run, calibration, sizeof calibration);
    const struct {
        enum fl_string_id what;
        const char *value;
    } rows[] = {{FL_STR_RUN_STARTED, run->started_at},
                {FL_STR_RUN_HOST, run->host},
                {FL_STR_RUN_PROCESSOR, run->cpu_model},
                {FL_STR_RUN_CORES, cores},
                {FL_STR_RUN_GOVERNOR, run->governor},
                {FL_STR_RUN_KERNEL, run->kernel},
                {FL_STR_RUN_BLAS, run->blas_config},
                {FL_STR_RUN_BLAS_CORE, run->blas_core},
                {FL_STR_RUN_ISA, run->isa},
                {FL_STR_RUN_COUNTER, counter},
                {FL_STR_RUN_CALIBRATION, calibration},
                {FL_STR_RUN_VERSION, version},
                {FL_STR_RUN_SEED, seed},
                {FL_STR_RUN_COMMAND, run->command_line}};
    fl_document_open_table(document, &table, "ll", HEADINGS);
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        fl_table_cell(&table, fl_text(document->language, rows[k].what));
        fl_table_cell(&table, rows[k].value);
    }
    fl_text_format(caption, sizeof caption, document->language, CAPTION_RUN, number, n_runs);
    struct fl_block *block = fl_document_add_table(document, &table, caption);
    if (block)
        block->folded = number > 1;
}

static void add_runs(struct fl_document *document, const struct fl_results *results)
{
    fl_document_heading(document, 2, "runs", fl_text(document->language, FL_STR_H_RUNS));
    for (int i = 0; i < results->n_runs; i++)
        add_run(document, &results->runs[i], i + 1, results->n_runs);
}

int fl_report_build(struct fl_document *document, enum fl_language language, const char *title,
                    const struct fl_results *results, const struct fl_sections *sections,
                    struct fl_error *error)
{
    const struct fl_plot_input input = {
        .results = results, .sections = sections, .language = language, .prefix = ""};
    fl_document_open(document, language, title ? title : fl_text(language, FL_STR_DEFAULT_TITLE));
    if (sections->n == 1)
        fl_document_say(document, FL_BLOCK_TEXT, INTRO_ONE_MODEL, results->n_points,
                        results->n_samples);
    else
        fl_document_say(document, FL_BLOCK_TEXT, INTRO_MODELS, results->n_points,
                        results->n_samples, sections->n);
    for (int i = 0; i < sections->n; i++)
        if (add_model(document, results, sections, i, error) != FL_OK)
            return FL_FAILED;
    if (add_topics(document, FL_BEHIND_MODELS, &input, error) != FL_OK)
        return FL_FAILED;
    add_method(document, results);
    add_runs(document, results);
    return fl_document_check(document, error);
}
