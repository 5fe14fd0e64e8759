#include "analyzers/growth.h"

#include "analyzers/distributions.h"

#include <math.h>

const char *const fl_growth_verdict_names[] = {"undecided",    "O(1)",   "O(1) + O(s)", "O(s)",
                                               "O(s)..O(s^2)", "O(s^2)", NULL};

static const double CONFIDENCE = 0.95, LARGEST_MISFIT = 0.25;

/* ---- FLOPs ---- */

static int flops_at(double *flops, const struct fl_line *line, int64_t context,
                    struct fl_error *error)
{
    struct fl_analytic analytic;
    if (fl_point_analytic(&analytic, line->points, context, error) != FL_OK)
        return FL_FAILED;
    *flops = (double)analytic.total.exact;
    return FL_OK;
}

/* d ln F / d ln s from one context to the next. */
static int flops_exponent(double *exponent, const struct fl_line *line, int64_t context,
                          struct fl_error *error)
{
    double here, next;
    if (flops_at(&here, line, context, error) != FL_OK ||
        flops_at(&next, line, context + 1, error) != FL_OK)
        return FL_FAILED;
    *exponent = log(next / here) / log((double)(context + 1) / (double)context);
    return FL_OK;
}

/* Newton's forward differences from s: exact in doubles below 2^53 FLOPs, to 16 digits beyond. */
static int find_flops(struct fl_growth *growth, const struct fl_line *line, struct fl_error *error)
{
    const int64_t s = line->points[0].point.context;
    const int64_t last = line->points[line->n - 1].point.context;
    double at[3], at_last;
    for (int i = 0; i < 3; i++)
        if (flops_at(&at[i], line, s + i, error) != FL_OK)
            return FL_FAILED;
    if (flops_at(&at_last, line, last, error) != FL_OK ||
        flops_exponent(&growth->flops_exponent_first, line, s, error) != FL_OK ||
        flops_exponent(&growth->flops_exponent_last, line, last, error) != FL_OK)
        return FL_FAILED;
    const double from = (double)s, c = 0.5 * (at[2] - 2 * at[1] + at[0]);
    const double b = at[1] - at[0] - c * (2 * from + 1), a = at[0] - from * (b + c * from);
    const double x = (double)last, predicted = a + x * (b + x * c);
    growth->flops_crossover = INFINITY;
    growth->is_polynomial = fabs(predicted - at_last) <= 1e-9 * at_last;
    if (!growth->is_polynomial)
        return FL_OK;
    growth->flops[0] = a;
    growth->flops[1] = b;
    growth->flops[2] = c;
    if (c > 0)
        growth->flops_crossover = fmax(0, b) / c;
    return FL_OK;
}

/* ---- time ---- */

static void take_points(struct fl_growth *growth, const struct fl_line *line)
{
    const int every = (line->n + FL_FIT_POINTS_MAX - 1) / FL_FIT_POINTS_MAX;
    const double quantile = fl_normal_quantile(0.5 + 0.5 * CONFIDENCE);
    for (int i = 0; i < line->n; i += every) {
        const struct fl_estimate *time = &line->times[i].total;
        if (!(time->median > 0) || !(time->low > 0))
            continue;
        const double relative = log(time->high / time->low) / (2 * quantile);
        growth->points[growth->n++] = (struct fl_fit_point){line->points[i].point.context,
                                                            time->median, relative * time->median};
    }
}

static enum fl_growth_verdict judge(const struct fl_growth *growth)
{
    if (growth->n < FL_GROWTH_CONTEXTS)
        return FL_GROWTH_UNDECIDED;
    const struct fl_polynomial *fit = &growth->fits[growth->chosen];
    const struct fl_bounded *exponent = &growth->law.exponent;
    if (fit->misfit > LARGEST_MISFIT || (growth->chosen == 2 && !(fit->terms[2].low > 0)) ||
        (growth->chosen < 2 && exponent->low > 1))
        return FL_GROWTH_UNDECIDED;
    const double constant = fit->terms[0].value, linear = fit->terms[1].value * growth->last;
    const double quadratic = fit->terms[2].value * growth->last * growth->last;
    if (growth->chosen == 0)
        return FL_GROWTH_CONSTANT;
    if (growth->chosen == 1)
        return constant > linear ? FL_GROWTH_FIXED : FL_GROWTH_LINEAR;
    return quadratic > linear ? FL_GROWTH_QUADRATIC : FL_GROWTH_BETWEEN;
}

int fl_growth_make(struct fl_growth *growth, const struct fl_line *line, struct fl_error *error)
{
    *growth = (struct fl_growth){.verdict = FL_GROWTH_UNDECIDED};
    if (line->n == 0)
        return FL_OK;
    take_points(growth, line);
    growth->first = line->points[0].point.context;
    growth->last = line->points[line->n - 1].point.context;
    if (find_flops(growth, line, error) != FL_OK)
        return FL_FAILED;
    growth->n_fits =
        fl_fit_nested(growth->fits, &growth->chosen, growth->points, growth->n, CONFIDENCE);
    if (growth->n_fits > 0)
        growth->local = fl_fit_local_exponent(&growth->fits[growth->chosen], growth->last);
    growth->has_law = growth->n >= 3;
    if (growth->has_law)
        fl_fit_power_law(&growth->law, growth->points, growth->n, CONFIDENCE);
    growth->has_crossover = growth->n_fits == FL_FIT_TERMS;
    if (growth->has_crossover)
        growth->crossover = fl_fit_crossover(&growth->fits[2]);
    growth->verdict = judge(growth);
    return FL_OK;
}
