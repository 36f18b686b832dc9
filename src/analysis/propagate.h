/* Uncertainty of computed quantities by numerical differentiation (GUM, JCGM 100:2008, 5.1.3): for inputs
 * x[n] with independent SDs, SD(y)^2 = sum (dy/dx_k SD_k)^2, each derivative as a central difference over
 * a fraction of SD_k. */
#ifndef SECCM_ANALYSIS_PROPAGATE_H
#define SECCM_ANALYSIS_PROPAGATE_H

#define PROPAGATE_OUTPUTS 1024

/* y[m] = fn(x); m <= PROPAGATE_OUTPUTS. Inputs whose SD is 0 or NAN are taken as exact. `x` is used as
 * scratch and restored. sd[k] is NAN where y[k] is. */
void propagate(void (*fn)(void *ctx, const double *x, double *y), void *ctx, double *x, const double *x_sd,
               int n, double *y, double *sd, int m);

#endif
