/* distributions.h - the few probabilities that intervals and tests are made of.
 *
 * Quantiles are found by halving an interval of the distribution function: slow beside a rational
 * approximation (about 5 us) and right to the last digits, and nobody asks for thousands. */
#ifndef FL_ANALYZERS_DISTRIBUTIONS_H
#define FL_ANALYZERS_DISTRIBUTIONS_H

/* P(Z <= z), standard normal. */
double fl_normal_cdf(double z);

/* z with P(Z <= z) = p; 0 < p < 1. */
double fl_normal_quantile(double p);

/* The regularised incomplete beta function I_x(a, b); a, b > 0, 0 <= x <= 1. */
double fl_beta_cdf(double x, double a, double b);

/* P(T <= t) and its inverse, Student's t; dof > 0 need not be whole. */
double fl_student_cdf(double t, double dof);
double fl_student_quantile(double p, double dof);

/* P(F > f), the F distribution: how likely a ratio of variances this large is when there is none.
 */
double fl_f_tail(double f, double dof_above, double dof_below);

/* P(B <= k), B the number of heads in n tosses of a fair coin. */
double fl_coin_cdf(int k, int n);

#endif
