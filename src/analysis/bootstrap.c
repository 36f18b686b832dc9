/* Confidence intervals by resampling. */
#include "analysis/bootstrap.h"

#include <math.h>
#include <stdlib.h>

#include <gsl/gsl_cdf.h>

#include "analysis/stats.h"
#include "base/buf.h"
#include "base/rng.h"

/* Level of the resamples that BCa takes for the normal quantile z. */
static double adjusted(double z0, double a, double z)
{
    double shifted = z0 + (z0 + z) / (1 - a * (z0 + z));
    return stats_normal_cdf(shifted);
}

/* Intervals from the resampled statistics (unsorted, may hold values that are not finite). */
static bool intervals(double *value, int resamples, double level, struct interval *r)
{
    double *sorted = xcalloc((size_t)resamples, sizeof *sorted);
    int n = stats_sort_finite(value, resamples, sorted);
    bool ok = n >= 0.99 * resamples && n > 1 && isfinite(r->estimate);
    if (ok) {
        double below = 0, sum = 0, squares = 0, tail = (1 - level) / 2;
        for (int k = 0; k < n; k++) {
            below += sorted[k] < r->estimate ? 1 : sorted[k] == r->estimate ? 0.5 : 0;
            sum += sorted[k];
        }
        for (int k = 0; k < n; k++)
            squares += (sorted[k] - sum / n) * (sorted[k] - sum / n);
        r->se = sqrt(squares / (n - 1));
        r->resamples = n;
        double share = fmin(fmax(below / n, 0.5 / n), 1 - 0.5 / n), z = stats_normal_quantile(1 - tail);
        r->bias = stats_normal_quantile(share);
        r->percentile[0] = stats_quantile(sorted, n, tail, 7);
        r->percentile[1] = stats_quantile(sorted, n, 1 - tail, 7);
        r->bca[0] = stats_quantile(sorted, n, adjusted(r->bias, r->acceleration, -z), 7);
        r->bca[1] = stats_quantile(sorted, n, adjusted(r->bias, r->acceleration, z), 7);
    }
    free(sorted);
    return ok;
}

/* Acceleration: a sixth of the skewness of the jackknife influence values. */
static double jackknife(bootstrap_statistic fn, const void *ctx, int n, int *index)
{
    double *left = xcalloc((size_t)n, sizeof *left), mean = 0, cubes = 0, squares = 0;
    for (int k = 0; k < n - 1; k++)
        index[k] = k + 1;
    for (int k = 0; k < n; k++) {
        left[k] = fn(ctx, index, n - 1);
        mean += left[k] / n;
        if (k < n - 1)
            index[k] = k;
    }
    for (int k = 0; k < n; k++) {
        double d = mean - left[k];
        squares += d * d;
        cubes += d * d * d;
    }
    free(left);
    return squares > 0 ? cubes / (6 * pow(squares, 1.5)) : 0;
}

bool bootstrap_interval(bootstrap_statistic fn, const void *ctx, int n, double level, int resamples,
                        uint64_t seed, const char *what, struct interval *out)
{
    if (n < 2 || resamples < 100 || !(level > 0 && level < 1))
        return false;
    int *index = xcalloc((size_t)n, sizeof *index);
    double *value = xcalloc((size_t)resamples, sizeof *value);
    struct rng rng = rng_stream(seed, what);
    struct interval r = {0};
    for (int k = 0; k < n; k++)
        index[k] = k;
    r.estimate = fn(ctx, index, n);
    r.acceleration = jackknife(fn, ctx, n, index);
    for (int b = 0; b < resamples; b++) {
        for (int k = 0; k < n; k++)
            index[k] = (int)rng_below(rng, (uint64_t)n, (uint64_t)b, (uint64_t)k);
        value[b] = fn(ctx, index, n);
    }
    bool ok = intervals(value, resamples, level, &r);
    free(index);
    free(value);
    if (ok)
        *out = r;
    return ok;
}

static double mean_of(const void *ctx, const int *index, int n)
{
    const double *x = ctx;
    double sum = 0;
    for (int k = 0; k < n; k++)
        sum += x[index[k]];
    return sum / n;
}

bool bootstrap_mean(const double *x, int n, double level, int resamples, uint64_t seed, struct interval *out)
{
    double *finite = xcalloc((size_t)(n > 0 ? n : 1), sizeof *finite);
    int count = stats_sort_finite(x, n, finite);
    bool ok = bootstrap_interval(mean_of, finite, count, level, resamples, seed, "bootstrap.mean", out);
    free(finite);
    return ok;
}

/* Distribution function of the index I (1..n) of the r-th smallest of n draws from n items:
 * P(I <= i) = P(Bin(n, i/n) >= r). */
static void order_cdf(int n, int r, double *cdf)
{
    for (int i = 1; i < n; i++)
        cdf[i] = gsl_cdf_beta_P((double)i / n, r, n + 1 - r);
    cdf[0] = 0;
    cdf[n] = 1;
}

/* Smallest i in 1..n with cdf[i] >= u. */
static int draw_order(const double *cdf, int n, double u)
{
    int low = 0, high = n;
    while (high - low > 1) {
        int middle = (low + high) / 2;
        if (cdf[middle] >= u)
            high = middle;
        else
            low = middle;
    }
    return high;
}

/* For even n the median needs the next order statistic J too. Given I = i, none of the upper n - r draws is
 * at or below j with probability  P(J > j | I = i) = C(n, r) [(i/n)^r - ((i-1)/n)^r] (1 - j/n)^(n-r) / P(I =
 * i)  for j >= i. */
static int draw_next(const double *cdf, int n, int r, int i, double v)
{
    double chance = cdf[i] - cdf[i - 1];
    if (!(chance > 0) || i == n)
        return i;
    double ways = lgamma(n + 1.0) - lgamma(r + 1.0) - lgamma(n - r + 1.0);
    double inside = r * log((double)i / n) + log1p(-pow((i - 1.0) / i, r));
    double k = ways + inside - log(chance); /* log of the factor before (1 - j/n)^(n-r) */
    if (log(v) >= k + (n - r) * log1p(-(double)i / n))
        return i;
    double j = ceil(n * (1 - exp((log(v) - k) / (n - r))) - 1e-12);
    return j > n ? n : j <= i ? i + 1 : (int)j;
}

bool bootstrap_median(const double *x, int n, double level, int resamples, uint64_t seed,
                      struct interval *out)
{
    if (resamples < 100 || !(level > 0 && level < 1))
        return false;
    double *sorted = xcalloc((size_t)(n > 0 ? n : 1), sizeof *sorted);
    int count = stats_sort_finite(x, n, sorted);
    if (count < 2) {
        free(sorted);
        return false;
    }
    struct interval r = {.estimate = stats_median_sorted(sorted, count)};
    double *value = xcalloc((size_t)resamples, sizeof *value);
    double *cdf = xcalloc((size_t)count + 1, sizeof *cdf);
    struct rng rng = rng_stream(seed, "bootstrap.median");
    int order = (count + 1) / 2;
    order_cdf(count, order, cdf);
    for (int b = 0; b < resamples; b++) {
        int i = draw_order(cdf, count, rng_uniform(rng, (uint64_t)b, 0, 0)), j = i;
        if (count % 2 == 0)
            j = draw_next(cdf, count, order, i, rng_uniform(rng, (uint64_t)b, 1, 0));
        value[b] = (sorted[i - 1] + sorted[j - 1]) / 2;
    }
    bool ok = intervals(value, resamples, level, &r);
    free(sorted);
    free(value);
    free(cdf);
    if (ok)
        *out = r;
    return ok;
}
