/* Confidence intervals by resampling, seeded: percentile and BCa (bias-corrected and accelerated; Efron, J.
 * Am. Stat. Assoc. 1987, 82, 171; Efron and Tibshirani, An Introduction to the Bootstrap, 1993, ch. 14). */
#ifndef SECCM_ANALYSIS_BOOTSTRAP_H
#define SECCM_ANALYSIS_BOOTSTRAP_H

#include <stdbool.h>
#include <stdint.h>

#define BOOTSTRAP_RESAMPLES 10000

struct interval {
    double estimate;      /* of the sample itself */
    double percentile[2]; /* low, high */
    double bca[2];
    double
        bias; /* z0: normal quantile of the share of resamples below the estimate (half of the equal ones) */
    double acceleration; /* a, from the jackknife */
    double se;           /* SD over the resamples */
    int resamples;
};

/* A statistic of the resample that consists of the items index[0..n) of ctx. */
typedef double (*bootstrap_statistic)(const void *ctx, const int *index, int n);

/* Any statistic of n >= 2 items at a confidence level such as 0.95. `what` names the stream of random
 * numbers. A statistic that is not finite in more than 1 % of the resamples gives false. */
bool bootstrap_interval(bootstrap_statistic fn, const void *ctx, int n, double level, int resamples,
                        uint64_t seed, const char *what, struct interval *out);

/* Mean and median of x[n] (finite values only; at least 2). The resamples of the median are not made: its
 * bootstrap distribution is that of order statistics of n draws from the sorted sample, from which
 * `resamples` values are drawn exactly, in O(n log n + resamples log n). Its jackknife is degenerate, so its
 * acceleration is taken as 0. */
bool bootstrap_mean(const double *x, int n, double level, int resamples, uint64_t seed, struct interval *out);
bool bootstrap_median(const double *x, int n, double level, int resamples, uint64_t seed,
                      struct interval *out);

#endif
