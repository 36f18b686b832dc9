/* The interval of a median: ranks against whole-number sums of the binomial distribution, coverage by
 * drawing. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "analysis/median.h"
#include "base/rng.h"

/* k with sum_{i<k} C(n, i) / 2^n <= 2.5 %, the largest; in Python, with whole numbers. */
static const struct {
    int n, k;
} ranks[] = {{6, 1},  {7, 1},  {8, 1},   {9, 2},   {10, 2},   {11, 2},     {12, 3},      {17, 5},
             {20, 6}, {25, 8}, {30, 10}, {50, 18}, {100, 40}, {1000, 469}, {10000, 4902}};

static void ranks_are_those_of_the_sign_test(void **state)
{
    (void)state;
    static double x[10000];
    for (int k = 0; k < 10000; k++)
        x[k] = k + 1;
    for (size_t i = 0; i < sizeof ranks / sizeof ranks[0]; i++) {
        double ends[2] = {0};
        assert_true(median_interval(x, ranks[i].n, 0.95, ends));
        if (ends[0] != ranks[i].k || ends[1] != ranks[i].n + 1 - ranks[i].k)
            fail_msg("%d values: from %g to %g instead of %d", ranks[i].n, ends[0], ends[1], ranks[i].k);
    }
}

static void few_values_have_no_interval(void **state)
{
    (void)state;
    const double x[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    double ends[2] = {-1, -1};
    for (int n = 0; n < 6; n++)
        assert_false(median_interval(x, n, 0.95, ends));
    assert_true(ends[0] == -1);
    assert_int_equal(median_least(0.95), 6);
    assert_int_equal(median_least(0.99), 8);
    assert_int_equal(median_least(0.5), 2);
    assert_false(median_interval(x, 7, 0.99, ends));
    assert_true(median_interval(x, 8, 0.99, ends));
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* It covers the median of any distribution at least as often as it says: here a skew one, median 1. */
static void it_covers_as_often_as_it_says(void **state)
{
    (void)state;
    const char *given = getenv("SECCM_TEST_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
    print_message("seed %llu\n", (unsigned long long)seed);
    struct rng r = rng_stream(seed, "median");
    enum { TRIALS = 4000, N = 23 };
    int covered = 0;
    for (int t = 0; t < TRIALS; t++) {
        double x[N], ends[2];
        for (int k = 0; k < N; k++)
            x[k] = -log(rng_uniform(r, (uint64_t)t, (uint64_t)k, 0)) / log(2);
        qsort(x, N, sizeof *x, by_value);
        assert_true(median_interval(x, N, 0.95, ends));
        covered += ends[0] <= 1 && ends[1] >= 1;
    }
    double share = covered / (double)TRIALS, exact = 0.9653; /* n = 23, ranks 7 and 17 */
    print_message("covered %.4f\n", share);
    assert_true(fabs(share - exact) < 5 * sqrt(exact * (1 - exact) / TRIALS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranks_are_those_of_the_sign_test),
        cmocka_unit_test(few_values_have_no_interval),
        cmocka_unit_test(it_covers_as_often_as_it_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
