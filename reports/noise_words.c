#include "reports/noise_words.h"

typedef bool sentence(enum fl_language language, const struct fl_disturbance *d,
                      char out[FL_NOISE_TEXT]);

static bool say_busy(enum fl_language language, const struct fl_disturbance *d,
                     char out[FL_NOISE_TEXT])
{
    fl_text_format(out, FL_NOISE_TEXT, language, NOISE_BUSY, d->busy.other_cores,
                   100 * d->busy.interrupted_share, 100 * d->busy.stolen_share, d->busy.load_high);
    return d->busy.found;
}

static bool say_clock(enum fl_language language, const struct fl_disturbance *d,
                      char out[FL_NOISE_TEXT])
{
    fl_text_format(out, FL_NOISE_TEXT, language, NOISE_CLOCK, d->clock.at_s, 100 * d->clock.change,
                   d->clock.p);
    return d->clock.found;
}

static bool say_drift(enum fl_language language, const struct fl_disturbance *d,
                      char out[FL_NOISE_TEXT])
{
    fl_text_format(out, FL_NOISE_TEXT, language, NOISE_DRIFT, 100 * d->drift.change,
                   d->drift.n_pairs, d->drift.p);
    return d->drift.found;
}

static bool say_cold(enum fl_language language, const struct fl_disturbance *d,
                     char out[FL_NOISE_TEXT])
{
    fl_text_format(out, FL_NOISE_TEXT, language, NOISE_COLD, d->warm_up.n_slower,
                   d->warm_up.n_visits, 100 * d->warm_up.change);
    return d->warm_up.found;
}

static bool say_dependent(enum fl_language language, const struct fl_disturbance *d,
                          char out[FL_NOISE_TEXT])
{
    fl_text_format(out, FL_NOISE_TEXT, language, NOISE_DEPENDENT, d->dependence.visit_correlation,
                   d->dependence.neighbour_correlation, d->dependence.inflation);
    return d->dependence.inflation > 1 && !(d->dependence.run_correlation > 0);
}

static bool say_runs(enum fl_language language, const struct fl_disturbance *d,
                     char out[FL_NOISE_TEXT])
{
    fl_text_format(out, FL_NOISE_TEXT, language, NOISE_RUNS, d->dependence.run_correlation,
                   d->dependence.inflation);
    return d->dependence.run_correlation > 0;
}

char *fl_noise_text(enum fl_language language, const struct fl_disturbance *disturbance, int i,
                    char out[FL_NOISE_TEXT])
{
    static sentence *const SENTENCES[] = {say_busy, say_clock,     say_drift,
                                          say_cold, say_dependent, say_runs};
    for (size_t k = 0; k < sizeof SENTENCES / sizeof *SENTENCES; k++)
        if (SENTENCES[k](language, disturbance, out) && i-- == 0)
            return out;
    return NULL;
}
