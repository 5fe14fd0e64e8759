#include "analyzers/distributions.h"

#include <assert.h>
#include <float.h>
#include <math.h>

double fl_normal_cdf(double z)
{
    return 0.5 * erfc(-z * M_SQRT1_2);
}

/* Halves [low, high] until neighbouring numbers are left; cdf rises. */
static double invert(double (*cdf)(double x, double parameter), double parameter, double p,
                     double low, double high)
{
    for (;;) {
        double middle = low + (high - low) / 2;
        if (middle <= low || middle >= high)
            return middle;
        if (cdf(middle, parameter) < p)
            low = middle;
        else
            high = middle;
    }
}

static double normal_cdf(double z, double unused)
{
    (void)unused;
    return fl_normal_cdf(z);
}

double fl_normal_quantile(double p)
{
    assert(p > 0 && p < 1);
    /* from the lower tail, where the distribution function keeps all its digits */
    return p > 0.5 ? -fl_normal_quantile(1 - p) : invert(normal_cdf, 0, p, -40, 0);
}

/* The continued fraction of DLMF 8.17.22 by Lentz's method (Thompson and Barnett, 1986):
 * converges fast for x < (a + 1) / (a + b + 2). */
static double beta_fraction(double x, double a, double b)
{
    const double tiny = DBL_MIN / DBL_EPSILON;
    double c = 1, d = 1 - (a + b) * x / (a + 1);
    d = 1 / (fabs(d) < tiny ? tiny : d);
    double value = d;
    for (int m = 1; m <= 10000; m++) {
        const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        double step = 1;
        for (int k = 0; k < 2; k++) {
            const double term = k == 0 ? even : odd;
            d = 1 + term * d;
            d = 1 / (fabs(d) < tiny ? tiny : d);
            c = 1 + term / c;
            c = fabs(c) < tiny ? tiny : c;
            step = c * d;
            value *= step;
        }
        if (fabs(step - 1) < 4 * DBL_EPSILON)
            break;
    }
    return value;
}

double fl_beta_cdf(double x, double a, double b)
{
    assert(a > 0 && b > 0);
    if (!(x > 0))
        return 0;
    if (x >= 1)
        return 1;
    const double front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
    if (x < (a + 1) / (a + b + 2))
        return front * beta_fraction(x, a, b) / a;
    return 1 - front * beta_fraction(1 - x, b, a) / b;
}

double fl_student_cdf(double t, double dof)
{
    const double tail = 0.5 * fl_beta_cdf(dof / (dof + t * t), 0.5 * dof, 0.5);
    return t > 0 ? 1 - tail : tail;
}

double fl_student_quantile(double p, double dof)
{
    assert(p > 0 && p < 1 && dof > 0);
    return p > 0.5 ? -fl_student_quantile(1 - p, dof) : invert(fl_student_cdf, dof, p, -1e9, 0);
}

double fl_f_tail(double f, double dof_above, double dof_below)
{
    if (!(f > 0))
        return 1;
    return fl_beta_cdf(dof_below / (dof_below + dof_above * f), 0.5 * dof_below, 0.5 * dof_above);
}

double fl_coin_cdf(int k, int n)
{
    if (k >= n)
        return 1;
    if (2 * k >= n) /* the shorter tail has the digits */
        return 1 - fl_coin_cdf(n - k - 1, n);
    double sum = 0, log_ways = 0; /* ln of n over i */
    for (int i = 0; i <= k; i++) {
        sum += exp(log_ways - n * M_LN2);
        log_ways += log((double)(n - i) / (i + 1));
    }
    return sum;
}
