#include "analyzers/fit.h"

#include "analyzers/distributions.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* Below any error that a measured time has, above what rounding does to the sums. */
static const double SMALLEST_MISFIT = 1e-9;

/* Weighted least squares in the columns that `used` has bits of. */
struct system {
    int n_columns;
    double normal[FL_FIT_TERMS][FL_FIT_TERMS], right[FL_FIT_TERMS];
};

/* Solves the columns of `used`; inverse [used, used] where asked for. Cholesky: the normal matrix
 * of distinct x is positive. False where rounding says otherwise. */
static bool solve(const struct system *system, unsigned used, double solution[FL_FIT_TERMS],
                  double inverse[FL_FIT_TERMS][FL_FIT_TERMS])
{
    int columns[FL_FIT_TERMS], n = 0;
    for (int i = 0; i < system->n_columns; i++)
        if (used >> i & 1)
            columns[n++] = i;
    double factor[FL_FIT_TERMS][FL_FIT_TERMS] = {{0}};
    for (int i = 0; i < n; i++)
        for (int j = 0; j <= i; j++) {
            double sum = system->normal[columns[i]][columns[j]];
            for (int k = 0; k < j; k++)
                sum -= factor[i][k] * factor[j][k];
            if (i == j && !(sum > 0))
                return false;
            factor[i][j] = i == j ? sqrt(sum) : sum / factor[j][j];
        }
    memset(solution, 0, FL_FIT_TERMS * sizeof *solution);
    /* the last right-hand side is the system's own, those before it unit vectors */
    for (int side = inverse ? 0 : n; side <= n; side++) {
        double x[FL_FIT_TERMS];
        for (int i = 0; i < n; i++) {
            x[i] = side == n ? system->right[columns[i]] : side == i;
            for (int k = 0; k < i; k++)
                x[i] -= factor[i][k] * x[k];
            x[i] /= factor[i][i];
        }
        for (int i = n - 1; i >= 0; i--) {
            for (int k = i + 1; k < n; k++)
                x[i] -= factor[k][i] * x[k];
            x[i] /= factor[i][i];
        }
        for (int i = 0; i < n; i++)
            if (side == n)
                solution[columns[i]] = x[i];
            else
                inverse[columns[i]][columns[side]] = x[i];
    }
    return true;
}

static double power(double x, int exponent)
{
    return exponent == 0 ? 1 : exponent == 1 ? x : x * x;
}

static double value_at(const double terms[FL_FIT_TERMS], double x)
{
    return terms[0] + x * (terms[1] + x * terms[2]);
}

static double weight_of(const struct fl_fit_point *point, double misfit)
{
    const double share = misfit + SMALLEST_MISFIT;
    return 1 / (point->error * point->error + share * share * point->y * point->y);
}

static double score_of(const struct fl_fit_point *points, int n, double misfit,
                       const double terms[FL_FIT_TERMS])
{
    double sum = 0;
    for (int i = 0; i < n; i++) {
        const double rest = points[i].y - value_at(terms, points[i].x);
        sum += weight_of(&points[i], misfit) * rest * rest;
    }
    return sum;
}

static void make_system(struct system *system, const struct fl_fit_point *points, int n,
                        int n_terms, double misfit)
{
    *system = (struct system){.n_columns = n_terms};
    for (int p = 0; p < n; p++) {
        const double weight = weight_of(&points[p], misfit);
        for (int i = 0; i < n_terms; i++) {
            const double column = weight * power(points[p].x, i);
            system->right[i] += column * points[p].y;
            for (int j = 0; j < n_terms; j++)
                system->normal[i][j] += column * power(points[p].x, j);
        }
    }
}

/* The best coefficients without a negative one: of 2^n_terms sets of free ones. */
static double fit_signed(double terms[FL_FIT_TERMS], const struct system *system,
                         const struct fl_fit_point *points, int n, double misfit)
{
    double best = INFINITY;
    for (unsigned used = 1; used < 1U << system->n_columns; used++) {
        double candidate[FL_FIT_TERMS];
        if (!solve(system, used, candidate, NULL) || candidate[0] < 0 || candidate[1] < 0 ||
            candidate[2] < 0)
            continue;
        const double score = score_of(points, n, misfit, candidate);
        if (score < best) {
            best = score;
            memcpy(terms, candidate, sizeof candidate);
        }
    }
    return best;
}

/* The sum of weighted squares with this misfit, over the degrees of freedom. */
static double excess_of_polynomial(const struct fl_fit_point *points, int n, int n_terms,
                                   double misfit)
{
    struct system system;
    double terms[FL_FIT_TERMS] = {0};
    make_system(&system, points, n, n_terms, misfit);
    return fit_signed(terms, &system, points, n, misfit) / (n - n_terms);
}

/* The smallest misfit with which the excess is at most 1. */
static double find_misfit(double (*excess)(const struct fl_fit_point *, int, int, double),
                          const struct fl_fit_point *points, int n, int n_terms)
{
    double low = 0, high = 1e-3;
    if (excess(points, n, n_terms, 0) <= 1)
        return 0;
    while (high < 1e3 && excess(points, n, n_terms, high) > 1)
        high *= 2;
    for (int i = 0; i < 60; i++) {
        const double middle = low + (high - low) / 2;
        *(excess(points, n, n_terms, middle) > 1 ? &low : &high) = middle;
    }
    return high;
}

static double corrected_criterion(double score, int n, int k)
{
    return n > k + 1 ? score + 2 * k + 2.0 * k * (k + 1) / (n - k - 1) : INFINITY;
}

void fl_fit_polynomial(struct fl_polynomial *fit, const struct fl_fit_point *points, int n,
                       int n_terms, double misfit, double confidence)
{
    assert(n_terms >= 1 && n_terms <= FL_FIT_TERMS && n > n_terms && n <= FL_FIT_POINTS_MAX);
    /* x in units of the largest: the columns are then of one size */
    struct fl_fit_point scaled[FL_FIT_POINTS_MAX];
    double largest = 0;
    for (int i = 0; i < n; i++)
        largest = fmax(largest, points[i].x);
    for (int i = 0; i < n; i++) {
        scaled[i] = points[i];
        scaled[i].x /= largest;
    }
    *fit = (struct fl_polynomial){.n = n, .n_terms = n_terms};
    fit->misfit = misfit < 0 ? find_misfit(excess_of_polynomial, scaled, n, n_terms) : misfit;
    fit->quantile = fl_student_quantile(0.5 + 0.5 * confidence, n - n_terms);

    struct system system;
    double terms[FL_FIT_TERMS] = {0}, inverse[FL_FIT_TERMS][FL_FIT_TERMS] = {{0}};
    make_system(&system, scaled, n, n_terms, fit->misfit);
    fit->score = fit_signed(terms, &system, scaled, n, fit->misfit);
    fit->aicc = corrected_criterion(fit->score, n, n_terms);
    if (!solve(&system, (1U << n_terms) - 1, fit->free_terms, inverse)) {
        memcpy(fit->free_terms, terms, sizeof terms);
        for (int i = 0; i < n_terms; i++)
            inverse[i][i] = INFINITY;
    }
    /* Student's quantile is for the scatter that was seen, which is 1 where a misfit was found
     * (Hartung and Knapp, 2001, Statistics in Medicine 20:1771-1782) */
    const double scatter = fit->score / (n - n_terms);
    for (int i = 0; i < n_terms; i++) {
        const double scale = 1 / power(largest, i);
        const double error = fit->quantile * sqrt(inverse[i][i] * scatter);
        fit->terms[i] =
            (struct fl_bounded){terms[i] * scale, fmax(0, fit->free_terms[i] - error) * scale,
                                fmax(0, fit->free_terms[i] + error) * scale};
        fit->free_terms[i] *= scale;
        for (int j = 0; j < n_terms; j++)
            fit->covariance[i][j] = scatter * inverse[i][j] * scale / power(largest, j);
    }
}

int fl_fit_nested(struct fl_polynomial fits[FL_FIT_TERMS], int *chosen,
                  const struct fl_fit_point *points, int n, double confidence)
{
    const int n_fits = n - 1 < FL_FIT_TERMS ? n - 1 : FL_FIT_TERMS;
    *chosen = 0;
    if (n_fits < 1)
        return 0;
    double misfit = -1, best = INFINITY;
    for (int k = n_fits; k >= 1; k--) {
        fl_fit_polynomial(&fits[k - 1], points, n, k, misfit, confidence);
        misfit = fits[k - 1].misfit;
        best = fmin(best, fits[k - 1].aicc);
    }
    while (*chosen + 1 < n_fits && fits[*chosen].aicc > best + 2)
        ++*chosen;
    return n_fits;
}

/* A straight line through the logarithms; a relative error is an absolute one there. */
struct line {
    double slope, level, spread; /* spread: weighted squares of ln x about their mean */
    double excess;               /* weighted squares of what is left, over n - 2 */
};

static struct line fit_line(const struct fl_fit_point *points, int n, double misfit)
{
    double sum = 0, x_sum = 0, y_sum = 0, products = 0;
    double weights[FL_FIT_POINTS_MAX];
    struct line line = {0};
    for (int i = 0; i < n; i++) {
        weights[i] = weight_of(&points[i], misfit) * points[i].y * points[i].y;
        sum += weights[i];
        x_sum += weights[i] * log(points[i].x);
        y_sum += weights[i] * log(points[i].y);
    }
    for (int i = 0; i < n; i++) {
        const double dx = log(points[i].x) - x_sum / sum;
        line.spread += weights[i] * dx * dx;
        products += weights[i] * dx * (log(points[i].y) - y_sum / sum);
    }
    line.slope = products / line.spread;
    line.level = (y_sum - line.slope * x_sum) / sum;
    for (int i = 0; i < n; i++) {
        const double rest = log(points[i].y) - line.level - line.slope * log(points[i].x);
        line.excess += weights[i] * rest * rest / (n - 2);
    }
    return line;
}

static double excess_of_line(const struct fl_fit_point *points, int n, int n_terms, double misfit)
{
    (void)n_terms; /* level and slope */
    return fit_line(points, n, misfit).excess;
}

void fl_fit_power_law(struct fl_power_law *law, const struct fl_fit_point *points, int n,
                      double confidence)
{
    assert(n >= 3 && n <= FL_FIT_POINTS_MAX);
    const double misfit = find_misfit(excess_of_line, points, n, 2);
    const struct line line = fit_line(points, n, misfit);
    const double error =
        fl_student_quantile(0.5 + 0.5 * confidence, n - 2) * sqrt(line.excess / line.spread);
    *law = (struct fl_power_law){
        .n = n,
        .exponent = {line.slope, line.slope - error, line.slope + error},
        .factor = exp(line.level),
        .misfit = misfit,
    };
}

struct fl_bounded fl_fit_local_exponent(const struct fl_polynomial *fit, double x)
{
    const double y = value_at(
        (const double[]){fit->terms[0].value, fit->terms[1].value, fit->terms[2].value}, x);
    const double rise = x * (fit->terms[1].value + 2 * x * fit->terms[2].value);
    struct fl_bounded exponent = {.value = rise / y};
    /* the delta method: d(rise / y) / d term i = (i x^i - exponent x^i) / y */
    double gradient[FL_FIT_TERMS], variance = 0;
    for (int i = 0; i < fit->n_terms; i++)
        gradient[i] = (i - exponent.value) * power(x, i) / y;
    for (int i = 0; i < fit->n_terms; i++)
        for (int j = 0; j < fit->n_terms; j++)
            variance += gradient[i] * gradient[j] * fit->covariance[i][j];
    const double error = fit->quantile * sqrt(fmax(0, variance));
    exponent.low = exponent.value - error;
    exponent.high = exponent.value + error;
    return exponent;
}

struct fl_bounded fl_fit_crossover(const struct fl_polynomial *fit)
{
    assert(fit->n_terms == FL_FIT_TERMS);
    const double t2 = fit->quantile * fit->quantile;
    const double b = fit->free_terms[1], c = fit->free_terms[2];
    /* all x with (b - x c)^2 <= t^2 var(b - x c): A x^2 - 2 B x + C <= 0 */
    const double A = c * c - t2 * fit->covariance[2][2];
    const double B = b * c - t2 * fit->covariance[1][2];
    const double C = b * b - t2 * fit->covariance[1][1];
    const double root = B * B - A * C;
    struct fl_bounded crossover = {
        fit->terms[2].value > 0 ? fit->terms[1].value / fit->terms[2].value : INFINITY, 0,
        INFINITY};
    if (root < 0)
        return crossover; /* any x will do */
    const double first = (B - sqrt(root)) / A, second = (B + sqrt(root)) / A;
    if (A > 0) {
        crossover.low = fmax(0, first);
        crossover.high = fmax(0, second);
    } else if (A < 0) { /* x <= second or x >= first, and first is the larger */
        crossover.low = second > 0 ? 0 : fmax(0, first);
    }
    return crossover;
}
