/* Control charts: published numbers, average run lengths by drawing, and what the robust baseline is for. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "analysis/chart.h"
#include "base/rng.h"

static uint64_t test_seed(void)
{
    const char *given = getenv("SECCM_TEST_SEED");
    uint64_t seed =
        given ? strtoull(given, NULL, 0) : 1; /* what is left to chance has a small part that fails */
    print_message("seed %llu\n", (unsigned long long)seed);
    return seed;
}

/* --- published ------------------------------------------------------------------------------------------ */

/* Montgomery, Introduction to Statistical Quality Control, table 9.1: 20 values about 10, then 10 about 11.
 */
static const double montgomery[30] = {9.45,  7.99,  9.29,  11.66, 12.16, 10.18, 8.04,  11.46, 9.20,  10.34,
                                      9.03,  11.47, 10.51, 9.40,  10.08, 9.37,  10.62, 10.31, 8.52,  10.84,
                                      10.90, 9.33,  12.29, 11.50, 10.60, 11.08, 10.38, 11.62, 11.31, 10.52};

/* His EWMA of them, lambda 0.1 and L 2.7: the limits are 9.73 and 10.27 at first and settle at 9.38 and
 * 10.62; the values of z, whole, by hand. 29 is the first beyond. */
static void montgomery_s_example(void **state)
{
    (void)state;
    static const struct {
        int observation;
        double z;
    } row[] = {{1, 9.945}, {2, 9.7495}, {3, 9.70355}, {10, 10.02316}, {28, 10.57314}, {29, 10.64682}};
    const struct chart_law law = {.lambda = 0.1, .sigmas = 2.7, .clip = 100, .centre = 10, .scale = 1};
    struct chart *c = chart_new(&law);
    for (int k = 0; k < 30; k++) {
        chart_add(c, 0, montgomery[k]);
        if (k < 29)
            assert_int_equal(fabs(chart_reach(c)) >= 1, k + 1 == 29);
    }
    for (size_t k = 0; k < sizeof row / sizeof row[0]; k++)
        assert_float_equal(chart_point(c, row[k].observation - 1)->level, row[k].z, 5e-6);
    assert_float_equal(chart_point(c, 0)->low, 9.73, 1e-9);
    assert_float_equal(chart_point(c, 0)->high, 10.27, 1e-9);
    assert_float_equal(chart_point(c, 29)->low, 9.38, 5e-3);
    assert_float_equal(chart_point(c, 29)->high, 10.62, 5e-3);
    chart_free(c);
}

/* Average run length of a two-sided EWMA with limits that have settled. */
static double run_length(struct rng r, uint64_t which, double sigmas, double shift, int runs)
{
    const struct chart_law law = {.lambda = 0.2, .sigmas = sigmas, .clip = 1e9, .scale = 1};
    double limit = chart_limit(&law, 100000, 0, 0), total = 0;
    for (int run = 0; run < runs; run++) {
        double z = 0;
        uint64_t k = 0;
        do
            z = (1 - law.lambda) * z + law.lambda * (shift + rng_normal(r, which, (uint64_t)run, k++));
        while (fabs(z) < limit);
        total += (double)k;
    }
    return total / runs;
}

/* Lucas and Saccucci, Technometrics 1990, 32, 1 (in Montgomery, table 9.11): lambda 0.2, L 2.962. */
static void run_lengths_are_those_of_lucas_and_saccucci(void **state)
{
    (void)state;
    static const struct {
        double shift, length;
    } row[] = {{0, 500}, {0.5, 41.8}, {1, 10.5}, {1.5, 5.5}, {2, 3.7}, {3, 2.4}};
    enum { RUNS = 4000 };
    struct rng r = rng_stream(test_seed(), "test.arl");
    for (size_t k = 0; k < sizeof row / sizeof row[0]; k++) {
        double found = run_length(r, k, 2.962, row[k].shift, RUNS);
        print_message("shift %g: run length %.4g, published %g\n", row[k].shift, found, row[k].length);
        /* Run lengths vary about as much as they are long; the table has one digit behind the point. */
        assert_true(fabs(found - row[k].length) < 5 * row[k].length / sqrt(RUNS) + 0.06);
    }
}

/* t and normal quantiles by SciPy: stats.t.isf(stats.norm.sf(L), n - 1) sqrt(0.2 / 1.8 + 1 / n). */
static void few_values_in_the_baseline_widen_the_limits(void **state)
{
    (void)state;
    static const struct {
        double sigmas;
        int n;
        double limit;
    } row[] = {{3, 8, 2.20117155}, {3, 12, 1.69766239}, {3, 25, 1.3002061},  {3, 50, 1.14439724},
               {5, 8, 8.31035322}, {5, 12, 4.52297685}, {5, 25, 2.61881153}, {5, 50, 2.08086583},
               {7, 8, 48.7940601}, {7, 12, 14.4445881}, {7, 25, 5.0323093},  {7, 50, 3.34719881}};
    const struct chart_law law = {.lambda = 0.2, .clip = 100};
    for (size_t k = 0; k < sizeof row / sizeof row[0]; k++) {
        struct chart_law l = law;
        l.sigmas = row[k].sigmas;
        double found = chart_limit(&l, 100000, row[k].n, 0);
        if (fabs(found / row[k].limit - 1) > 1e-5)
            fail_msg("%g sigmas, %d values: %.8g instead of %.8g", l.sigmas, row[k].n, found, row[k].limit);
    }
}

/* The variance of an EWMA of a series whose neighbours are alike, by drawing an AR(1) series. */
static void neighbours_that_are_alike_widen_the_limits(void **state)
{
    (void)state;
    const struct chart_law law = {.lambda = 0.2, .sigmas = 1, .clip = 100};
    struct rng r = rng_stream(test_seed(), "test.alike");
    for (double phi = 0; phi < 0.9; phi += 0.4) {
        double x = 0, z = 0, squares = 0;
        enum { N = 400000 };
        for (uint64_t k = 0; k < N; k++) {
            x = phi * x + sqrt(1 - phi * phi) * rng_normal(r, (uint64_t)(10 * phi), k, 0);
            z = 0.8 * z + 0.2 * x;
            squares += z * z;
        }
        double found = sqrt(squares / N), expected = chart_limit(&law, 100000, 0, phi);
        print_message("correlation %g: SD of the EWMA %.4f, expected %.4f\n", phi, found, expected);
        assert_float_equal(found, expected, 0.02 * expected);
    }
}

/* --- the baseline --------------------------------------------------------------------------------------- */

static const struct chart_law usual = {
    .baseline = 12, .sigmas = 5, .lambda = CHART_LAMBDA, .clip = CHART_CLIP, .least = 0.01};

static void nothing_is_said_before_the_baseline_is_complete(void **state)
{
    (void)state;
    struct chart *c = chart_new(&usual);
    for (int k = 0; k < 12; k++) {
        chart_add(c, 0, k == 5 ? 1000 : 1 + 0.1 * (k % 3));
        assert_false(chart_point(c, k)->judged);
        assert_true(chart_reach(c) == 0);
        assert_true(isnan(chart_point(c, k)->high));
    }
    chart_add(c, 0, 1.1);
    assert_true(chart_point(c, 12)->judged);
    /* One wild value among twelve moves centre and limits but little. */
    assert_true(chart_point(c, 12)->centre > 0.9 && chart_point(c, 12)->centre < 1.3);
    assert_true(chart_point(c, 12)->high < 2);
    chart_free(c);
}

/* n values about `centre` with that SD, the newest index behind them. */
static void add_many(struct chart *c, int group, struct rng r, uint64_t from, int n, double centre, double sd)
{
    for (int k = 0; k < n; k++)
        chart_add(c, group, centre + sd * rng_normal(r, from, (uint64_t)k, 1));
}

static void one_wild_value_is_no_alarm_and_a_shift_is(void **state)
{
    (void)state;
    struct rng r = rng_stream(test_seed(), "test.shift");
    int before = 0;
    double now = 0;
    for (uint64_t run = 0; run < 200; run++) {
        struct chart *c = chart_new(&usual);
        add_many(c, 0, r, 10 * run, 40, 1, 0.1);
        chart_add(c, 0, -1e9);
        assert_true(fabs(chart_reach(c)) < 1);
        add_many(c, 0, r, 10 * run + 1, 20, 1, 0.1);
        assert_true(fabs(chart_reach(c)) < 1);
        int n = 0;
        for (; chart_reach(c) > -1 && n < 60; n++)
            chart_add(c, 0, 0.5 + 0.1 * rng_normal(r, 10 * run + 2, (uint64_t)n, 1));
        if (n > 12)
            fail_msg("run %d: a shift by five standard deviations was told after %d values", (int)run, n);
        before += chart_since(c) - n;
        assert_true(chart_now(c) < 0.9); /* values before the shift may be among those that it is read from */
        now += chart_now(c) / 200;
        chart_free(c);
    }
    /* The EWMA may have been on that side before. */
    print_message("beginning of the shift told %.1f values too early on average\n", before / 200.0);
    assert_in_range(before, 0, 200 * 10);
    assert_float_equal(now, 0.5, 0.1);
}

/* Missing is missing: the EWMA stands still. */
static void a_missing_value_moves_nothing(void **state)
{
    (void)state;
    struct chart_law law = usual;
    law.log = true;
    struct chart *c = chart_new(&law);
    struct rng r = rng_stream(test_seed(), "test.missing");
    add_many(c, 0, r, 1, 30, 5, 0.3);
    double reach = chart_reach(c);
    static const double none[] = {NAN, -1, 0, INFINITY};
    for (int k = 0; k < 40; k++)
        chart_add(c, 0, none[k % 4]);
    assert_true(chart_reach(c) == reach);
    assert_int_equal(chart_count(c), 70);
    assert_true(isnan(chart_point(c, 69)->value) && !chart_point(c, 69)->judged);
    chart_free(c);
}

/* Regions differ: each has its own centre, and going from one to the other is no shift. */
static void groups_have_their_own_baselines(void **state)
{
    (void)state;
    struct chart *c = chart_new(&usual);
    struct rng r = rng_stream(test_seed(), "test.groups");
    add_many(c, 0, r, 1, 30, 1, 0.1);
    add_many(c, 1, r, 2, 30, 5, 0.3);
    assert_true(fabs(chart_reach(c)) < 1);
    assert_float_equal(chart_point(c, 29)->centre, 1, 0.15);
    assert_float_equal(chart_point(c, 59)->centre, 5, 0.5);
    add_many(c, 0, r, 3, 30, 1, 0.1);
    assert_true(fabs(chart_reach(c)) < 1);
    add_many(c, 1, r, 4, 30, 3, 0.3);
    assert_true(chart_reach(c) < -1);
    chart_free(c);
}

/* Two kinds of spots, at random: most of one kind, so that the MAD sees that one only. */
static void a_sample_of_two_kinds_is_no_alarm(void **state)
{
    (void)state;
    struct rng r = rng_stream(test_seed(), "test.kinds");
    enum { NIGHTS = 200 };
    int alarms = 0;
    for (uint64_t night = 0; night < NIGHTS; night++) {
        struct chart *c = chart_new(&usual);
        for (uint64_t k = 0; k < 1000; k++) {
            bool other = rng_uniform(r, night, k, 0) < 0.3;
            chart_add(c, 0, (other ? 0.2 : 1) + 0.02 * rng_normal(r, night, k, 1));
            if (fabs(chart_reach(c)) >= 1) {
                alarms++;
                break;
            }
        }
        chart_free(c);
    }
    print_message("%d of %d nights of 1000 sites with an alarm\n", alarms, NIGHTS);
    assert_true(alarms <= 4);
}

/* One chart of independent values, normal and with wide shoulders (Student's t with 3 degrees of freedom). */
static void false_alarms_are_rare(void **state)
{
    (void)state;
    struct rng r = rng_stream(test_seed(), "test.false");
    enum { NIGHTS = 400 };
    for (int wide = 0; wide < 2; wide++) {
        int alarms = 0;
        for (uint64_t night = 0; night < NIGHTS; night++) {
            struct chart *c = chart_new(&usual);
            bool alarm = false;
            for (uint64_t k = 0; k < 1000 && !alarm; k++) {
                double x = rng_normal(r, night, k, 1);
                for (uint64_t j = 2; wide && j < 3; j++) {
                    double a = rng_normal(r, night, k, 2), b = rng_normal(r, night, k, 3),
                           d = rng_normal(r, night, k, 4);
                    x /= sqrt((a * a + b * b + d * d) / 3);
                }
                chart_add(c, 0, x);
                alarm = fabs(chart_reach(c)) >= 1;
            }
            alarms += alarm;
            chart_free(c);
        }
        print_message("%s: %d of %d nights of 1000 sites with an alarm\n", wide ? "wide" : "normal", alarms,
                      NIGHTS);
        /* With wide shoulders it is one night in a hundred: some 4 here, hardly ever 16. */
        assert_true(alarms <= (wide ? 16 : 4));
    }
}

/* Groups in turn or one after another, each with a centre and (twice as wide as the narrowest, at most) a
 * scatter of its own: few values of a group are enough to judge it, but not to raise an alarm. */
static void many_groups_are_quiet(void **state)
{
    (void)state;
    struct rng r = rng_stream(test_seed(), "test.many");
    enum { NIGHTS = 300, VALUES = 240 };
    for (int kind = 0; kind < 8; kind++) {
        int groups = kind & 1 ? 8 : 3, alarms = 0;
        for (uint64_t night = 0; night < NIGHTS; night++) {
            struct chart *c = chart_new(&usual);
            bool alarm = false;
            for (uint64_t k = 0; k < VALUES && !alarm; k++) {
                int g = kind & 2 ? (int)k * groups / VALUES
                                 : (int)rng_below(r, (uint64_t)groups, night, 1000 * (uint64_t)kind + k);
                double sd = kind & 4 ? 1 + 1.0 * g / (groups - 1) : 1;
                chart_add(c, g, 10 * g + sd * rng_normal(r, night, k, 10 + (uint64_t)kind));
                alarm = fabs(chart_reach(c)) >= 1;
            }
            alarms += alarm;
            chart_free(c);
        }
        print_message("%d groups %s, scatter %s: %d of %d nights of %d sites with an alarm\n", groups,
                      kind & 2 ? "one after another" : "in turn", kind & 4 ? "1 to 2" : "alike", alarms,
                      NIGHTS, VALUES);
        assert_true(alarms <= (kind & 4 ? 9 : 4));
    }
}

/* A change before any group has a baseline of its own is told within a few values. */
static void a_change_is_told_in_groups_that_are_young(void **state)
{
    (void)state;
    struct rng r = rng_stream(test_seed(), "test.young");
    int late = 0;
    for (uint64_t night = 0; night < 200; night++) {
        struct chart *c = chart_new(&usual);
        int told = 0;
        for (uint64_t k = 0; k < 60 && !told; k++) {
            chart_add(c, (int)(k % 4),
                      10.0 * (double)(k % 4) + rng_normal(r, night, k, 1) + (k >= 24 ? 6 : 0));
            told = k >= 24 && chart_reach(c) >= 1 ? (int)k - 23 : 0;
        }
        late += !told || told > 12;
        chart_free(c);
    }
    print_message("%d of 200 later than 12 values\n", late);
    assert_true(late <= 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(montgomery_s_example),
        cmocka_unit_test(run_lengths_are_those_of_lucas_and_saccucci),
        cmocka_unit_test(few_values_in_the_baseline_widen_the_limits),
        cmocka_unit_test(neighbours_that_are_alike_widen_the_limits),
        cmocka_unit_test(nothing_is_said_before_the_baseline_is_complete),
        cmocka_unit_test(one_wild_value_is_no_alarm_and_a_shift_is),
        cmocka_unit_test(a_missing_value_moves_nothing),
        cmocka_unit_test(groups_have_their_own_baselines),
        cmocka_unit_test(a_sample_of_two_kinds_is_no_alarm),
        cmocka_unit_test(false_alarms_are_rare),
        cmocka_unit_test(many_groups_are_quiet),
        cmocka_unit_test(a_change_is_told_in_groups_that_are_young),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
