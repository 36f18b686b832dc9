/* Does a feature drift with the order in which the sites were visited? */
#include "analysis/trend.h"

#include <math.h>
#include <stdlib.h>

#include "analysis/slopes.h"
#include "analysis/stats.h"
#include "base/buf.h"

static double sign_of(double d)
{
    return (d > 0) - (d < 0);
}

static int64_t clamped(double rank, int64_t pairs)
{
    return rank < 0 ? 0 : rank >= (double)pairs ? pairs - 1 : (int64_t)rank;
}

static void sen(const struct slope_point *p, int n, struct trend *r)
{
    int64_t m = slopes_pairs(p, n);
    r->slope = r->slope_low = r->slope_high = r->intercept = NAN;
    if (m == 0)
        return;
    /* Ranks of the limits scale with the share of pairs that have a slope. */
    double share = (double)m / (n * (n - 1.0) / 2), at[4];
    double spread = stats_normal_quantile(0.975) * sqrt(r->var_s) * share;
    const int64_t rank[4] = {clamped(floor(((double)m - spread) / 2) - 1, m), (m - 1) / 2, m / 2,
                             clamped(ceil(((double)m + spread) / 2), m)};
    slopes_at_ranks(p, n, rank, 4, at);
    r->slope_low = at[0];
    r->slope = at[1] + 0.5 * (at[2] - at[1]);
    r->slope_high = at[3];
    double *left = xcalloc((size_t)n, sizeof *left);
    for (int k = 0; k < n; k++)
        left[k] = p[k].x - r->slope * p[k].t;
    r->intercept = stats_median_sorted(left, stats_sort_finite(left, n, left));
    free(left);
}

/* Sum over tied groups of t (t - 1) (2 t + 5). */
static double tied(const double *sorted, int n)
{
    double sum = 0;
    for (int first = 0; first < n;) {
        int end = first + 1;
        while (end < n && sorted[end] == sorted[first])
            end++;
        double t = end - first;
        sum += t * (t - 1) * (2 * t + 5);
        first = end;
    }
    return sum;
}

bool trend_test(const double *t, const double *x, int n, struct trend *out)
{
    struct slope_point *p = xcalloc((size_t)(n > 0 ? n : 1), sizeof *p);
    int m = 0;
    for (int k = 0; k < n; k++)
        if (isfinite(t[k]) && isfinite(x[k]))
            p[m++] = (struct slope_point){t[k], x[k]};
    if (m < 4) {
        free(p);
        return false;
    }
    slopes_sort(p, m);
    struct trend r = {.n = m, .s = (double)slopes_kendall(p, m)};
    double *sorted = xcalloc((size_t)m, sizeof *sorted);
    for (int k = 0; k < m; k++)
        sorted[k] = p[k].x;
    stats_sort_finite(sorted, m, sorted);
    r.var_s = (m * (m - 1.0) * (2.0 * m + 5) - tied(sorted, m)) / 18;
    r.z = r.var_s > 0 ? (r.s - sign_of(r.s)) / sqrt(r.var_s) : 0;
    r.p = fmin(1, 2 * stats_normal_sf(fabs(r.z)));
    r.tau = r.s / (m * (m - 1.0) / 2);
    sen(p, m, &r);
    free(sorted);
    free(p);
    *out = r;
    return true;
}
