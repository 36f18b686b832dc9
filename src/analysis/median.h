/* Confidence interval of a median by order statistics: free of any distribution, exact, and cheap enough to
 * be asked after every site. */
#ifndef SECCM_ANALYSIS_MEDIAN_H
#define SECCM_ANALYSIS_MEDIAN_H

#include <stdbool.h>

/* Interval [x(k), x(n + 1 - k)] of the sorted sample with the largest k whose coverage
 * 1 - 2 P(Bin(n, 1/2) < k) is at least `confidence` (Thompson, Ann. Math. Stat. 1936, 7, 122). False if n is
 * too small for any. */
bool median_interval(const double *sorted, int n, double confidence, double out[2]);
/* Smallest n that has an interval: 6 at 0.95. */
int median_least(double confidence);

#endif
