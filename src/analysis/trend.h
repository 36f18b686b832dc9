/* Does a feature drift with the order in which the sites were visited? */
#ifndef SECCM_ANALYSIS_TREND_H
#define SECCM_ANALYSIS_TREND_H

#include <stdbool.h>

/* Mann-Kendall (Mann 1945; Kendall 1975) with ties in x, and the Theil-Sen slope (Sen, J. Am. Stat. Assoc.
 * 1968, 63, 1379) of x against t. */
struct trend {
    int n;
    double s, var_s;  /* the statistic and its variance */
    double z, p;      /* with continuity correction, two-sided, normal approximation (good from n = 10) */
    double tau;       /* s / (n (n - 1) / 2) */
    double slope;     /* median of the slopes of all pairs with different t: unit of x per unit of t */
    double intercept; /* median of x - slope t */
    double slope_low, slope_high; /* 95 % interval of the slope (Gilbert 1987, 16.6) */
};

/* t need not be sorted; pairs with a value that is not finite are left out. false with fewer than 4 values.
 * All pairs count, without being looked at one by one (analysis/slopes.h). */
bool trend_test(const double *t, const double *x, int n, struct trend *out);

#endif
