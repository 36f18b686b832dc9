/* Order statistics of slopes against sorting all of them, on random data of the kinds that occur: noise,
 * drift, steps of a quantised value, places visited at equal times. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "analysis/slopes.h"
#include "analysis/stats.h"
#include "analysis/trend.h"
#include "base/buf.h"
#include "base/rng.h"

static uint64_t seed;

static const char *const kinds[] = {"noise",   "drift",       "quantised",   "mostly equal",
                                    "falling", "equal times", "heavy tails", "all equal"};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

static void make(int kind, int n, uint64_t index, double *t, double *x)
{
    struct rng r = rng_stream(seed, kinds[kind]);
    for (int k = 0; k < n; k++) {
        uint64_t u = (uint64_t)k;
        double noise = rng_normal(r, index, u, 0);
        t[k] = 10.3 * k + 3 * rng_uniform(r, index, u, 1);
        switch (kind) {
        case 0:
            x[k] = 1e-12 * noise;
            break;
        case 1:
            x[k] = 1e-12 * noise + 3e-15 * t[k];
            break;
        case 2:
            x[k] = floor(3 * noise);
            break;
        case 3:
            x[k] = rng_below(r, 10, index, u) ? 7 : noise;
            break;
        case 4:
            x[k] = 5 - 0.01 * t[k] + 1e-4 * noise;
            break;
        case 5:
            t[k] = (double)rng_below(r, (uint64_t)n / 3 + 1, index, u);
            x[k] = floor(10 * noise) / 10;
            break;
        case 6:
            x[k] = noise / (1e-3 + rng_uniform(r, index, u, 2));
            break;
        default:
            x[k] = 4.25;
        }
    }
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* All slopes, sorted, and Kendall's S. */
static int64_t all_slopes(const struct slope_point *p, int n, double **out, int64_t *s)
{
    double *list = xcalloc((size_t)n * (size_t)n / 2 + 1, sizeof *list);
    int64_t m = 0;
    *s = 0;
    for (int i = 0; i < n; i++)
        for (int j = i + 1; j < n; j++)
            if (p[j].t > p[i].t) {
                list[m++] = (p[j].x - p[i].x) / (p[j].t - p[i].t);
                *s += (p[j].x > p[i].x) - (p[j].x < p[i].x);
            }
    qsort(list, (size_t)m, sizeof *list, by_value);
    *out = list;
    return m;
}

/* Slopes that are the same but for rounding may change places. */
static bool same(double a, double b)
{
    return a == b || fabs(a - b) <= 1e-12 * fmax(fabs(a), fabs(b));
}

static void check(int kind, int n, uint64_t index)
{
    struct slope_point *p = xcalloc((size_t)n, sizeof *p);
    double *t = xcalloc(2 * (size_t)n, sizeof *t), *x = t + n, *list;
    make(kind, n, index, t, x);
    for (int k = 0; k < n; k++)
        p[k] = (struct slope_point){t[k], x[k]};
    slopes_sort(p, n);
    int64_t s, m = all_slopes(p, n, &list, &s);
    if (slopes_pairs(p, n) != m || slopes_kendall(p, n) != s)
        fail_msg("%s, %d points, %d: %lld pairs, S %lld, not %lld and %lld", kinds[kind], n, (int)index,
                 (long long)slopes_pairs(p, n), (long long)slopes_kendall(p, n), (long long)m, (long long)s);
    struct rng r = rng_stream(seed, "ranks");
    for (uint64_t round = 0; m && round < 3; round++) {
        int64_t rank[4] = {0, m / 2, m / 2, m - 1};
        double got[4];
        if (round) /* near each other, as for a median and its limits, and anywhere */
            rank[0] = (int64_t)rng_below(r, (uint64_t)m, index, round),
            rank[1] = rank[0] + (m - rank[0]) / (round == 1 ? 400 : 3),
            rank[2] = rank[1] + (m - 1 - rank[1]) / (round == 1 ? 300 : 2), rank[3] = rank[2];
        slopes_at_ranks(p, n, rank, 4, got);
        for (int k = 0; k < 4; k++)
            if (!same(got[k], list[rank[k]]))
                fail_msg("%s, %d points, %d: rank %lld of %lld is %.17g, not %.17g", kinds[kind], n,
                         (int)index, (long long)rank[k], (long long)m, got[k], list[rank[k]]);
    }
    free(list);
    free(t);
    free(p);
}

static void small_sets_are_those_of_sorting_all_pairs(void **state)
{
    (void)state;
    struct rng r = rng_stream(seed, "sizes");
    for (int kind = 0; kind < KINDS; kind++)
        for (uint64_t k = 0; k < 60; k++)
            check(kind, 2 + (int)rng_below(r, 120, (uint64_t)kind, k), k);
}

/* Beyond 2 897 points the pairs are no longer looked at one by one. */
static void large_sets_are_those_of_sorting_all_pairs(void **state)
{
    (void)state;
    for (int kind = 0; kind < KINDS; kind++)
        check(kind, 3100, 0);
}

/* The trend as it was computed from all pairs. */
static void trend_is_that_of_all_pairs(void **state)
{
    (void)state;
    struct rng r = rng_stream(seed, "trends");
    for (int kind = 0; kind < KINDS - 1; kind++)
        for (uint64_t index = 0; index < 20; index++) {
            int n = 10 + (int)rng_below(r, 200, (uint64_t)kind, index);
            double t[256], x[256], *list;
            struct slope_point p[256];
            struct trend got;
            make(kind, n, 1000 + index, t, x);
            assert_true(trend_test(t, x, n, &got));
            for (int k = 0; k < n; k++)
                p[k] = (struct slope_point){t[k], x[k]};
            slopes_sort(p, n);
            int64_t s;
            int m = (int)all_slopes(p, n, &list, &s);
            double spread = stats_normal_quantile(0.975) * sqrt(got.var_s) * m / (n * (n - 1.0) / 2);
            int low = (int)floor((m - spread) / 2), high = (int)ceil((m + spread) / 2);
            assert_true(got.s == (double)s);
            assert_true(got.slope == stats_median_sorted(list, m));
            assert_true(got.slope_low == list[low < 1 ? 0 : low - 1]);
            assert_true(got.slope_high == list[high >= m ? m - 1 : high]);
            free(list);
        }
}

int main(void)
{
    const char *given = getenv("SECCM_TEST_SEED");
    seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL) * 1000003u + (uint64_t)getpid();
    print_message("seed %llu\n", (unsigned long long)seed);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_sets_are_those_of_sorting_all_pairs),
        cmocka_unit_test(large_sets_are_those_of_sorting_all_pairs),
        cmocka_unit_test(trend_is_that_of_all_pairs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
