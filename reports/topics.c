/* topics.c - the tables of topics, in the order of the page; each ends with an empty row. */
#include "reports/calculator.h"
#include "reports/plots_internal.h"
#include "reports/report.h"

static const struct fl_topic OF_MODEL[] = {
    {"agreement", FL_STR_T_AGREEMENT, FL_STR_NEEDS_ANY, fl_plot_has_any, fl_report_agreement},
    {"gap", FL_STR_T_GAP, FL_STR_NEEDS_PREFILL, fl_plot_has_prefill, fl_report_gap},
    {"processor", FL_STR_T_PROCESSOR, FL_STR_NEEDS_ANY, fl_plot_has_any, fl_report_measured},
    {"prompt", FL_STR_T_PROMPT, FL_STR_NEEDS_PREFILL, fl_plot_has_prefill, fl_report_prefill},
    {"growth-order", FL_STR_T_GROWTH, FL_STR_NEEDS_GROWTH, fl_plot_has_growth, fl_report_growth},
    {"cache", FL_STR_T_CACHE, FL_STR_NEEDS_CONTRAST, fl_plot_has_contrast, fl_report_cache},
    {"phases", FL_STR_T_PHASES, FL_STR_NEEDS_BOTH, fl_plot_has_both, fl_report_intensity},
    {"kv-memory", FL_STR_T_MEMORY, FL_STR_NEEDS_ANY, fl_plot_has_any, fl_report_memory},
    {"shares", FL_STR_T_TIME, FL_STR_NEEDS_BOTH, fl_plot_has_both, fl_report_time},
    {"speed-of-light", FL_STR_T_ROOFLINE, FL_STR_NEEDS_CEILINGS, fl_plot_has_roofs,
     fl_report_roofline},
    {"thread-count", FL_STR_T_THREADS, FL_STR_NEEDS_THREADS, fl_plot_has_threads,
     fl_report_threads},
    {"kernels", FL_STR_T_KERNELS, FL_STR_NEEDS_KERNELS, fl_plot_has_kernels, fl_report_kernels},
    {"number-formats", FL_STR_T_FORMATS, FL_STR_NEEDS_FORMATS, fl_plot_has_formats,
     fl_report_formats},
    {"noise", FL_STR_T_NOISE, FL_STR_NEEDS_ANY, fl_plot_has_any, fl_report_noise},
    {"figures", FL_STR_T_FIGURES, FL_STR_NEEDS_ANY, fl_plot_has_any, fl_report_figures},
    {0},
};

static bool always(const struct fl_plot_input *input)
{
    (void)input;
    return true;
}

static const struct fl_topic BEHIND_MODELS[] = {
    {"ledger-calculator", FL_STR_CALC_TITLE, FL_STR_NEEDS_ANY, always, fl_report_calculator},
    {0},
};

const struct fl_topic *fl_topics(enum fl_topic_place place, int *n)
{
    static const struct fl_topic *const TABLES[] = {
        [FL_OF_MODEL] = OF_MODEL,
        [FL_BEHIND_MODELS] = BEHIND_MODELS,
    };
    for (*n = 0; TABLES[place][*n].name;)
        ++*n;
    return TABLES[place];
}
