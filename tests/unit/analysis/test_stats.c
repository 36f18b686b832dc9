/* Statistics against published numbers. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analysis/bootstrap.h"
#include "analysis/groups.h"
#include "analysis/stats.h"
#include "analysis/trend.h"
#include "base/rng.h"

static void near(double got, double wanted, double tolerance)
{
    if (!(fabs(got - wanted) <= tolerance))
        fail_msg("%.12g is not within %.3g of %.12g", got, tolerance, wanted);
}

#define NA NAN

/* Ozone (ppb) in New York, May to September 1973: R's data set airquality, from Chambers et al., Graphical
 * Methods for Data Analysis, 1983. */
static const double ozone[] = {
    41,  36, 12, 18, NA, 28, 23,  19, 8,   NA, 7,  16, 11,  14,  18, 14,
    34,  6,  30, 11, 1,  11, 4,   32, NA,  NA, NA, 23, 45,  115, 37, /* May */
    NA,  NA, NA, NA, NA, NA, 29,  NA, 71,  39, NA, NA, 23,  NA,  NA, 21,
    37,  20, 12, 13, NA, NA, NA,  NA, NA,  NA, NA, NA, NA,  NA, /* June */
    135, 49, 32, NA, 64, 40, 77,  97, 97,  85, NA, 10, 27,  NA,  7,  48,
    35,  61, 79, 63, 16, NA, NA,  80, 108, 20, 52, 82, 50,  64,  59, /* July */
    39,  9,  16, 78, 35, 66, 122, 89, 110, NA, NA, 44, 28,  65,  NA, 22,
    59,  23, 31, 44, 21, 9,  NA,  45, 168, 73, NA, 76, 118, 84,  85, /* August */
    96,  78, 73, 91, 47, 32, 20,  23, 21,  24, 44, 21, 28,  9,   13, 46,
    18,  13, 24, 16, 13, 23, 36,  7,  14,  30, NA, 14, 18,  20, /* September */
};
#define DAYS ((int)(sizeof ozone / sizeof ozone[0]))

static void months(int *month)
{
    static const int days[5] = {31, 30, 31, 31, 30};
    for (int m = 0, k = 0; m < 5; m++)
        for (int d = 0; d < days[m]; d++)
            month[k++] = m;
}

/* R: kruskal.test(Ozone ~ Month, data = airquality): chi-squared = 29.267, df = 4, p-value = 6.901e-06. */
static void kruskal_wallis_agrees_with_r(void **state)
{
    (void)state;
    int month[DAYS];
    struct kruskal k;
    assert_int_equal(DAYS, 153);
    months(month);
    assert_true(kruskal_wallis(ozone, month, DAYS, 5, &k));
    near(k.h, 29.267, 5e-4);
    near(k.p, 6.901e-06, 5e-10);
    assert_int_equal(k.groups, 5);
    assert_int_equal(k.n, 116);
    const double same[4] = {1, 1, 1, 1};
    const int two[4] = {0, 0, 1, 1};
    assert_false(kruskal_wallis(same, two, 4, 2, &k));
}

/* R: pairwise.wilcox.test(airquality$Ozone, airquality$Month), Holm-adjusted, as printed; and
 * wilcox.test(Ozone ~ Month, subset = Month %in% c(5, 8)): W = 127.5, p = 0.0001208 (its help page's
 * example). */
static void pairs_agree_with_r(void **state)
{
    (void)state;
    static const double wanted[10] = {0.5775, 0.0003, 0.0011, 0.4744, 0.0848, 0.1295, 1, 1, 0.0060, 0.0227};
    int month[DAYS];
    struct group_pair pair[10];
    months(month);
    group_pairs(ozone, month, DAYS, 5, pair);
    for (int k = 0; k < 10; k++)
        near(pair[k].p_holm, wanted[k], 6e-5);
    near(pair[2].test.u, 127.5, 0);
    near(pair[2].test.p, 0.0001208, 5e-8);
    assert_false(pair[2].test.exact);
    near(pair[2].test.delta, 2 * 127.5 / (26 * 26) - 1, 1e-12);
}

/* R's help page of wilcox.test, data of Hollander and Wolfe 1973, p. 69: W = 35, one-sided p = 0.1272, so
 * 0.2544. */
static void exact_mann_whitney_agrees_with_r(void **state)
{
    (void)state;
    const double x[10] = {0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46};
    const double y[5] = {1.15, 0.88, 0.90, 0.74, 1.21};
    struct mann_whitney m;
    assert_true(mann_whitney(x, 10, y, 5, &m));
    near(m.u, 35, 0);
    assert_true(m.exact);
    near(m.p, 0.2544, 5e-5);
    /* Complete separation of 3 and 3: two of 20 arrangements. */
    const double low[3] = {1, 2, 3}, high[3] = {4, 5, 6};
    assert_true(mann_whitney(low, 3, high, 3, &m));
    near(m.p, 0.1, 1e-12);
    near(m.delta, -1, 0);
    assert_false(mann_whitney(x, 0, y, 5, &m));
}

static void holm_is_monotone_and_skips_missing(void **state)
{
    (void)state;
    double p[5] = {0.01, NAN, 0.04, 0.03,
                   0.005}; /* R: p.adjust(c(.01, .04, .03, .005), "holm") = .03 .06 .06 .02 */
    holm_adjust(p, 5);
    near(p[0], 0.03, 1e-12);
    assert_true(isnan(p[1]));
    near(p[2], 0.06, 1e-12);
    near(p[3], 0.06, 1e-12);
    near(p[4], 0.02, 1e-12);
}

/* R's mtcars$mpg (Henderson and Velleman, Biometrics 1981): mean 20.09062, sd 6.026948, median 19.2,
 * mad 5.41149, quantile 15.425 and 22.8; skewness 0.6404399 and kurtosis 2.799467 by package moments. */
static const double mpg[32] = {21,   21,   22.8, 21.4, 18.7, 18.1, 14.3, 24.4, 22.8, 19.2, 17.8,
                               16.4, 17.3, 15.2, 10.4, 10.4, 14.7, 32.4, 30.4, 33.9, 21.5, 15.5,
                               15.2, 13.3, 19.2, 27.3, 26,   30.4, 15.8, 19.7, 15,   21.4};

static void description_agrees_with_r(void **state)
{
    (void)state;
    double x[34];
    memcpy(x, mpg, sizeof mpg);
    x[32] = NAN;
    x[33] = INFINITY;
    struct stats s;
    stats_describe(x, 34, &s);
    assert_int_equal(s.n, 32);
    near(s.mean, 20.09062, 5e-6);
    near(s.sd, 6.026948, 5e-7);
    near(s.median, 19.2, 1e-12);
    near(s.mad, 5.41149, 5e-6);
    near(s.q1, 15.425, 1e-9);
    near(s.q3, 22.8, 1e-9);
    near(s.skewness, 0.6404399, 5e-7);
    near(s.kurtosis + 3, 2.799467, 5e-7);
    near(s.robust_cv, 5.41149 / 19.2, 1e-6);
    const double g[3] = {-1, -10, -100};
    stats_describe(g, 3, &s);
    near(s.geo_mean, -10, 1e-12);
    near(s.geo_sd, 10, 1e-12);
    const double mixed[3] = {-1, 1, 2};
    stats_describe(mixed, 3, &s);
    assert_true(isnan(s.geo_mean));
    stats_describe(mixed, 0, &s);
    assert_true(s.n == 0 && isnan(s.mean) && isnan(s.median));
    stats_describe(mixed, 1, &s);
    assert_true(s.n == 1 && s.mean == -1 && isnan(s.sd) && isnan(s.mad));
}

/* R: quantile(1:10, c(.1, .25, .9), type = 7) = 1.9 3.25 9.1; type = 5: 1.5 3.0 9.5. */
static void quantiles_agree_with_r(void **state)
{
    (void)state;
    double x[10];
    for (int k = 0; k < 10; k++)
        x[k] = k + 1;
    near(stats_quantile(x, 10, 0.1, 7), 1.9, 1e-12);
    near(stats_quantile(x, 10, 0.25, 7), 3.25, 1e-12);
    near(stats_quantile(x, 10, 0.9, 7), 9.1, 1e-12);
    near(stats_quantile(x, 10, 0.1, 5), 1.5, 1e-12);
    near(stats_quantile(x, 10, 0.25, 5), 3, 1e-12);
    near(stats_quantile(x, 10, 0.9, 5), 9.5, 1e-12);
    near(stats_quantile(x, 10, 0.01, 5), 1, 1e-12);
    assert_true(isnan(stats_quantile(x, 0, 0.5, 7)));
}

/* Variance with n of the first column of the spatial test data of Efron and Tibshirani 1993, table 14.1. */
static double plug_in_variance(const void *ctx, const int *index, int n)
{
    const double *x = ctx;
    double mean = 0, squares = 0;
    for (int k = 0; k < n; k++)
        mean += x[index[k]] / n;
    for (int k = 0; k < n; k++)
        squares += (x[index[k]] - mean) * (x[index[k]] - mean);
    return squares / n;
}

/* Table 14.2 there, 90 % intervals from 2000 resamples: percentile (100.8, 233.9), BCa (115.8, 259.6), a =
 * 0.061, z0 = 0.146; estimate 171.5. With 2000 resamples z0 has an SD of
 * 0.03 and the ends of the intervals have one of 2 to 3; the tolerances are 2 to 3 of these. */
static void bca_agrees_with_efron_and_tibshirani(void **state)
{
    (void)state;
    static const double a[26] = {48, 36, 20, 29, 42, 42, 20, 42, 22, 41, 45, 14, 6,
                                 0,  33, 28, 34, 4,  32, 24, 47, 41, 24, 26, 30, 41};
    struct interval r;
    assert_true(bootstrap_interval(plug_in_variance, a, 26, 0.9, 20000, 1, "test.spatial", &r));
    printf("seed 1: estimate %.2f percentile (%.1f, %.1f) BCa (%.1f, %.1f) a %.4f z0 %.4f\n", r.estimate,
           r.percentile[0], r.percentile[1], r.bca[0], r.bca[1], r.acceleration, r.bias);
    near(r.estimate, 171.5, 0.05);
    near(r.acceleration, 0.061, 5e-4);
    near(r.bias, 0.146, 0.07);
    near(r.percentile[0], 100.8, 6);
    near(r.percentile[1], 233.9, 4);
    near(r.bca[0], 115.8, 4);
    near(r.bca[1], 259.6, 7);
}

static double median_of_resample(const void *ctx, const int *index, int n)
{
    const double *x = ctx;
    double y[64], sorted[64];
    for (int k = 0; k < n; k++)
        y[k] = x[index[k]];
    return stats_median_sorted(sorted, stats_sort_finite(y, n, sorted));
}

/* The law of order statistics gives what resampling gives, for odd and even n. */
static void median_without_resampling_is_the_same(void **state)
{
    (void)state;
    for (int n = 31; n <= 32; n++) {
        struct interval made, law;
        assert_true(bootstrap_interval(median_of_resample, mpg, n, 0.95, 40000, 9, "test.median", &made));
        assert_true(bootstrap_median(mpg, n, 0.95, 40000, 10, &law));
        printf("n %d: resampled se %.4f (%.2f, %.2f), order statistics se %.4f (%.2f, %.2f)\n", n, made.se,
               made.percentile[0], made.percentile[1], law.se, law.percentile[0], law.percentile[1]);
        near(law.estimate, made.estimate, 1e-12);
        near(law.se / made.se, 1, 0.02);
        near(law.percentile[0], made.percentile[0], 0.11);
        near(law.percentile[1], made.percentile[1], 0.11);
    }
    struct interval a, b;
    assert_true(bootstrap_median(mpg, 32, 0.95, 1000, 4, &a));
    assert_true(bootstrap_median(mpg, 32, 0.95, 1000, 4, &b));
    assert_memory_equal(&a, &b, sizeof a); /* seeded */
    assert_true(bootstrap_median(mpg, 2, 0.95, 1000, 4, &a));
    assert_false(bootstrap_median(mpg, 1, 0.95, 1000, 4, &a));
}

/* 95 % intervals of the mean of a normal sample contain the truth about 93 to 95 times in 100 at n = 40. */
static void intervals_cover(void **state)
{
    (void)state;
    struct rng rng = rng_stream(2024, "test.cover");
    int mean = 0, median = 0;
    for (int trial = 0; trial < 400; trial++) {
        double x[40];
        struct interval r;
        for (int k = 0; k < 40; k++)
            x[k] = rng_normal(rng, (uint64_t)trial, (uint64_t)k, 0);
        assert_true(bootstrap_mean(x, 40, 0.95, 1000, (uint64_t)trial, &r));
        mean += r.bca[0] <= 0 && r.bca[1] >= 0;
        assert_true(bootstrap_median(x, 40, 0.95, 1000, (uint64_t)trial, &r));
        median += r.bca[0] <= 0 && r.bca[1] >= 0;
    }
    printf("seed 2024: coverage of 95 %% BCa intervals at n = 40: mean %.1f %%, median %.1f %%\n", mean / 4.0,
           median / 4.0);
    assert_in_range(mean, 360, 396);
    assert_in_range(median, 360, 396);
}

/* Worked by hand by J. Little, College of the Holy Cross ("A Mann-Kendall Example"): S = 54, one tied pair,
 * V = 14 x 13 x 33 / 18 - 2 x 1 x 9 / 18, Z = 2.9058. */
static void mann_kendall_agrees_with_a_worked_example(void **state)
{
    (void)state;
    const double x[14] = {12.9, 14.8, 13.2, 15.7, 13.8, 15.6, 12.9, 11.0, 17.3, 15.9, 19.0, 18.3, 20.1, 21.7};
    double t[14];
    for (int k = 0; k < 14; k++)
        t[k] = k;
    struct trend r;
    assert_true(trend_test(t, x, 14, &r));
    near(r.s, 54, 0);
    near(r.var_s, 14 * 13 * 33 / 18.0 - 1, 1e-9);
    near(r.z, 2.9058, 5e-5);
    near(r.p, 2 * 0.0018, 1e-4);
    assert_true(r.slope > 0.3 && r.slope < 0.9 && r.slope_low < r.slope && r.slope_high > r.slope &&
                r.slope_low > 0);
    /* A line with one wild point: the slope does not see it. */
    double y[14];
    for (int k = 0; k < 14; k++)
        y[k] = 3 - 0.25 * t[k];
    y[5] = 1e6;
    assert_true(trend_test(t, y, 14, &r));
    near(r.slope, -0.25, 1e-12);
    near(r.intercept, 3, 1e-9);
    assert_false(trend_test(t, y, 3, &r));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kruskal_wallis_agrees_with_r),
        cmocka_unit_test(pairs_agree_with_r),
        cmocka_unit_test(exact_mann_whitney_agrees_with_r),
        cmocka_unit_test(holm_is_monotone_and_skips_missing),
        cmocka_unit_test(description_agrees_with_r),
        cmocka_unit_test(quantiles_agree_with_r),
        cmocka_unit_test(bca_agrees_with_efron_and_tibshirani),
        cmocka_unit_test(median_without_resampling_is_the_same),
        cmocka_unit_test(intervals_cover),
        cmocka_unit_test(mann_kendall_agrees_with_a_worked_example),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
