/* Describing a sample of values. */
#include "analysis/stats.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_errno.h>

#include "base/buf.h"

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int stats_sort_finite(const double *x, int n, double *out)
{
    int count = 0;
    for (int k = 0; k < n; k++)
        if (isfinite(x[k]))
            out[count++] = x[k];
    if (count > 1)
        qsort(out, (size_t)count, sizeof *out, by_value);
    return count;
}

double stats_quantile(const double *sorted, int n, double p, int type)
{
    if (n < 1)
        return NAN;
    double h = type == 5 ? n * p - 0.5 : (n - 1) * p; /* 0-based */
    if (h <= 0)
        return sorted[0];
    if (h >= n - 1)
        return sorted[n - 1];
    int below = (int)h;
    return sorted[below] + (h - below) * (sorted[below + 1] - sorted[below]);
}

double stats_median_sorted(const double *sorted, int n)
{
    return stats_quantile(sorted, n, 0.5, 7);
}

static double mad_of(const double *sorted, int n, double median, double *scratch)
{
    for (int k = 0; k < n; k++)
        scratch[k] = fabs(sorted[k] - median);
    qsort(scratch, (size_t)n, sizeof *scratch, by_value);
    return STATS_MAD_SCALE * stats_median_sorted(scratch, n);
}

static void moments(const double *x, int n, struct stats *s)
{
    double m2 = 0, m3 = 0, m4 = 0;
    for (int k = 0; k < n; k++) {
        double d = x[k] - s->mean;
        m2 += d * d;
        m3 += d * d * d;
        m4 += d * d * d * d;
    }
    if (n > 1)
        s->sd = sqrt(m2 / (n - 1));
    if (m2 > 0 && n > 2)
        s->skewness = m3 / n / pow(m2 / n, 1.5);
    if (m2 > 0 && n > 3)
        s->kurtosis = m4 / n / (m2 / n * (m2 / n)) - 3;
}

static void geometric(const double *x, int n, struct stats *s)
{
    /* Sorted: both ends on the same side of 0. */
    if (!(x[0] > 0 || x[n - 1] < 0))
        return;
    double sum = 0, squares = 0;
    for (int k = 0; k < n; k++)
        sum += log(fabs(x[k]));
    for (int k = 0; k < n; k++) {
        double d = log(fabs(x[k])) - sum / n;
        squares += d * d;
    }
    s->geo_mean = copysign(exp(sum / n), x[0]);
    if (n > 1)
        s->geo_sd = exp(sqrt(squares / (n - 1)));
}

void stats_describe(const double *x, int n, struct stats *out)
{
    struct stats s = {0, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
    double *sorted = xcalloc(2 * (size_t)(n > 0 ? n : 1), sizeof *sorted);
    s.n = stats_sort_finite(x, n, sorted);
    if (s.n > 0) {
        double sum = 0;
        for (int k = 0; k < s.n; k++)
            sum += sorted[k];
        s.mean = sum / s.n;
        s.median = stats_median_sorted(sorted, s.n);
        s.min = sorted[0];
        s.max = sorted[s.n - 1];
        s.q1 = stats_quantile(sorted, s.n, 0.25, 7);
        s.q3 = stats_quantile(sorted, s.n, 0.75, 7);
        s.iqr = s.q3 - s.q1;
        moments(sorted, s.n, &s);
        geometric(sorted, s.n, &s);
        if (s.n > 1)
            s.mad = mad_of(sorted, s.n, s.median, sorted + n);
        if (s.mean != 0)
            s.cv = s.sd / fabs(s.mean);
        if (s.median != 0)
            s.robust_cv = s.mad / fabs(s.median);
    }
    free(sorted);
    *out = s;
}

struct ranked {
    double x;
    int index;
};

static int by_ranked(const void *a, const void *b)
{
    const struct ranked *p = a, *q = b;
    return p->x != q->x ? (p->x > q->x) - (p->x < q->x) : (p->index > q->index) - (p->index < q->index);
}

double stats_ranks(const double *x, int n, double *rank)
{
    struct ranked *r = xcalloc((size_t)(n > 0 ? n : 1), sizeof *r);
    for (int k = 0; k < n; k++)
        r[k] = (struct ranked){x[k], k};
    qsort(r, (size_t)(n > 0 ? n : 0), sizeof *r, by_ranked);
    double ties = 0;
    for (int first = 0; first < n;) {
        int end = first + 1;
        while (end < n && r[end].x == r[first].x)
            end++;
        for (int k = first; k < end; k++)
            rank[r[k].index] = (first + 1 + end) / 2.0;
        double t = end - first;
        ties += t * t * t - t;
        first = end;
    }
    free(r);
    return ties;
}

static void handler_off(void)
{
    gsl_set_error_handler_off();
}

static void quiet(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, handler_off);
}

double stats_chi2_sf(double x, double degrees)
{
    quiet();
    return x > 0 ? gsl_cdf_chisq_Q(x, degrees) : 1;
}

double stats_normal_sf(double z)
{
    return 0.5 * erfc(z / sqrt(2));
}

double stats_normal_cdf(double z)
{
    return 0.5 * erfc(-z / sqrt(2));
}

double stats_normal_quantile(double p)
{
    quiet();
    return gsl_cdf_ugaussian_Pinv(p);
}
