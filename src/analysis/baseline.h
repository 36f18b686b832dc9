/* A straight line by least squares, with its covariance: the baseline of a peak, the current of a branch at
 * one potential, a drift. The line is kept about the mean of x, where offset and slope are uncorrelated. */
#ifndef SECCM_ANALYSIS_BASELINE_H
#define SECCM_ANALYSIS_BASELINE_H

#include <stdbool.h>

struct baseline {
    int n;
    double x0;                /* mean of x */
    double y0;                /* value at x0 */
    double slope;             /* unit of y per unit of x */
    double var_y0, var_slope; /* their variances; covariance at x0 is 0 */
    double residual;          /* SD of y about the line (n - 2) */
};

/* Fits the samples with low <= x <= high (-INFINITY and INFINITY: all). At least 3 samples at different x,
 * otherwise false and *out is untouched. Uncertainties assume white noise of equal SD. */
bool baseline_fit(const double *x, const double *y, int n, double low, double high, struct baseline *out);
double baseline_at(const struct baseline *b, double x);
/* SD of baseline_at(): grows away from x0, that is what an extrapolated baseline costs. */
double baseline_sd(const struct baseline *b, double x);

#endif
