/* Does a feature drift with the order in which the sites were visited? */
#include "analysis/trend.h"

#include <math.h>
#include <stdlib.h>

#include "analysis/stats.h"
#include "base/buf.h"

#define ALL_PAIRS 2000

struct point {
    double t, x;
};

static int by_time(const void *a, const void *b)
{
    const struct point *p = a, *q = b;
    return p->t != q->t ? (p->t > q->t) - (p->t < q->t) : (p->x > q->x) - (p->x < q->x);
}

static double sign_of(double d)
{
    return (d > 0) - (d < 0);
}

/* Slopes of pairs, sorted; returns their count. */
static int slopes(const struct point *p, int n, double **out)
{
    int lags = n - 1 < ALL_PAIRS ? n - 1 : ALL_PAIRS, count = 0;
    double *list = xcalloc((size_t)lags * (size_t)n + 1, sizeof *list);
    for (int k = 0; k < lags; k++) {
        int lag = lags == n - 1 ? k + 1 : 1 + (int)((double)k / lags * (n - 1));
        for (int j = 0; j + lag < n; j++)
            if (p[j + lag].t > p[j].t)
                list[count++] = (p[j + lag].x - p[j].x) / (p[j + lag].t - p[j].t);
    }
    count = stats_sort_finite(list, count, list);
    *out = list;
    return count;
}

static void sen(const struct point *p, int n, struct trend *r)
{
    double *list = NULL, *left = xcalloc((size_t)n, sizeof *left);
    int m = slopes(p, n, &list);
    r->slope = stats_median_sorted(list, m);
    /* Ranks of the limits scale with the share of pairs that was looked at. */
    double spread = stats_normal_quantile(0.975) * sqrt(r->var_s) * m / (n * (n - 1.0) / 2);
    int low = (int)floor((m - spread) / 2), high = (int)ceil((m + spread) / 2);
    r->slope_low = m ? list[low < 1 ? 0 : low - 1] : NAN;
    r->slope_high = m ? list[high >= m ? m - 1 : high] : NAN;
    for (int k = 0; k < n; k++)
        left[k] = p[k].x - r->slope * p[k].t;
    r->intercept = stats_median_sorted(left, stats_sort_finite(left, n, left));
    free(list);
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
    struct point *p = xcalloc((size_t)(n > 0 ? n : 1), sizeof *p);
    int m = 0;
    for (int k = 0; k < n; k++)
        if (isfinite(t[k]) && isfinite(x[k]))
            p[m++] = (struct point){t[k], x[k]};
    if (m < 4) {
        free(p);
        return false;
    }
    qsort(p, (size_t)m, sizeof *p, by_time);
    struct trend r = {.n = m};
    for (int a = 0; a < m; a++)
        for (int b = a + 1; b < m; b++)
            r.s += p[b].t > p[a].t ? sign_of(p[b].x - p[a].x) : 0;
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
