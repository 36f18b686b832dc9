/* Order statistics of the slopes of all pairs of points, without looking at all pairs. */
#ifndef SECCM_ANALYSIS_SLOPES_H
#define SECCM_ANALYSIS_SLOPES_H

#include <stdint.h>

struct slope_point {
    double t, x;
};

/* Sorts by t, then x. */
void slopes_sort(struct slope_point *p, int n);
/* Pairs with different t, among points in that order. */
int64_t slopes_pairs(const struct slope_point *p, int n);
/* Kendall's S: pairs that rise minus pairs that fall with t. Exact, O(n log n). */
int64_t slopes_kendall(const struct slope_point *p, int n);
/* For each of the n_k > 0 ranks (from 0, rising, below slopes_pairs()) the slope (x' - x) / (t' - t) of that
 * rank among all pairs with different t. O(n log n) in the mean, memory for some million numbers; the values
 * are those of sorting all slopes, but for ties within rounding. */
void slopes_at_ranks(const struct slope_point *p, int n, const int64_t *k, int n_k, double *out);

#endif
