/* Functions of arrays: charges, smoothing, lines, peaks, onset, blank, capacitance, areas. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analysis/area.h"
#include "analysis/baseline.h"
#include "analysis/blank.h"
#include "analysis/capacitance.h"
#include "analysis/flatjson.h"
#include "analysis/integrate.h"
#include "analysis/onset.h"
#include "analysis/peak.h"
#include "analysis/propagate.h"
#include "analysis/savgol.h"
#include "analysis/sweep.h"
#include "base/rng.h"

static void near(double got, double wanted, double tolerance)
{
    if (!(fabs(got - wanted) <= tolerance))
        fail_msg("%.12g is not within %.3g of %.12g", got, tolerance, wanted);
}

#define N 1000

/* i = 1 - t over 0..3: positive for 1 s (0.5 C), then negative for 2 s (-2 C). Exact for a piecewise line. */
static void charges_split_at_the_zero_crossing(void **state)
{
    (void)state;
    double t[7] = {0, 0.4, 0.8, 1.3, 2, 2.6, 3}, i[7], w[7], net = 0;
    for (int k = 0; k < 7; k++)
        i[k] = 1 - t[k];
    integrate_weights(t, i, 7, -INFINITY, INFINITY, CHARGE_OX, w);
    near(integrate_dot(w, i, 7), 0.5, 1e-14);
    integrate_weights(t, i, 7, -INFINITY, INFINITY, CHARGE_RED, w);
    near(integrate_dot(w, i, 7), -2, 1e-14);
    integrate_weights(t, NULL, 7, -INFINITY, INFINITY, CHARGE_NET, w);
    near(integrate_dot(w, i, 7), -1.5, 1e-14);
    for (int k = 0; k < 7; k++)
        net += w[k];
    near(net, 3, 1e-14);
    /* Cut inside intervals: integral of 1 - t from 0.5 to 2.3. */
    integrate_weights(t, NULL, 7, 0.5, 2.3, CHARGE_NET, w);
    near(integrate_dot(w, i, 7), 1.8 - (2.3 * 2.3 - 0.25) / 2, 1e-14);
    /* Sides agree with the whole in any window. */
    double red[7], ox[7];
    integrate_weights(t, i, 7, 0.5, 2.3, CHARGE_RED, red);
    integrate_weights(t, i, 7, 0.5, 2.3, CHARGE_OX, ox);
    near(integrate_dot(red, i, 7) + integrate_dot(ox, i, 7), integrate_dot(w, i, 7), 1e-14);
    near(integrate_dot(ox, i, 7), 0.125, 1e-14);
}

static void windows_are_cut_by_interpolation(void **state)
{
    (void)state;
    double t[100], e[100], a = 0, b = 0;
    for (int k = 0; k < 100; k++) {
        t[k] = 0.01 * k;
        e[k] = 1 - 0.01 * k + ((k % 2) ? 0.004 : -0.004); /* noise that steps back and forth */
    }
    assert_true(integrate_window(t, e, 100, 0.8, 0.3, 5e-3, &a, &b));
    near(a, 0.2, 0.006);
    near(b, 0.7, 0.006);
    /* The last sample is at 0.014: 0.01 is within tolerance, 0.0 is not. */
    assert_true(integrate_window(t, e, 100, 0.8, 0.01, 5e-3, &a, &b));
    near(b, 0.98, 0.011);
    assert_false(integrate_window(t, e, 100, 0.8, 0.0, 5e-3, &a, &b));
    assert_false(integrate_window(t, e, 100, 1.1, 0.5, 5e-3, &a, &b)); /* begins inside */
    assert_false(integrate_window(t, e, 100, 0.3, 0.8, 5e-3, &a, &b)); /* the other direction */
}

/* With noise and no current at all the textbook split charges both sides; the sign of the smoothed current
 * hardly. */
static void noise_is_not_rectified_by_a_smoothed_sign(void **state)
{
    (void)state;
    const uint64_t seed = 20240611;
    double t[N], i[N], s[N], w[N], plain = 0, smoothed = 0, squares = 0, sigma = 0.3e-12, dt = 2e-3;
    struct rng rng = rng_stream(seed, "test.rectify");
    for (int trial = 0; trial < 200; trial++) {
        for (int k = 0; k < N; k++) {
            t[k] = k * dt;
            i[k] = sigma * rng_normal(rng, (uint64_t)trial, (uint64_t)k, 0);
        }
        integrate_weights(t, i, N, -INFINITY, INFINITY, CHARGE_RED, w);
        plain += integrate_dot(w, i, N) / 200;
        savgol(i, N, 51, 0, s);
        integrate_weights(t, s, N, -INFINITY, INFINITY, CHARGE_RED, w);
        smoothed += integrate_dot(w, i, N) / 200;
        integrate_weights(t, NULL, N, -INFINITY, INFINITY, CHARGE_NET, w);
        squares += pow(integrate_dot(w, i, N), 2) / 200;
    }
    printf("seed %llu: bias of Q_red in 2 s of noise of 0.3 pA: textbook %.2f fC, smoothed sign %.2f fC; "
           "SD of Q_net %.3f fC, predicted %.3f fC\n",
           (unsigned long long)seed, plain * 1e15, smoothed * 1e15, sqrt(squares) * 1e15,
           sigma * integrate_norm(w, N) * 1e15);
    /* Rectified white noise: sigma / sqrt(2 pi) T, reduced by the interpolated crossings. */
    assert_true(plain < -150e-15);
    assert_true(smoothed > plain / 3 && smoothed < 0);
    near(sqrt(squares) / (sigma * integrate_norm(w, N)), 1, 0.15);
}

/* Savitzky and Golay 1964, table I: cubic, 5 points (-3 12 17 12 -3)/35 and 7 points (-2 3 6 7 6 3 -2)/21. */
static void smoothing_weights_are_the_published_ones(void **state)
{
    (void)state;
    static const double five[5] = {-3, 12, 17, 12, -3}, seven[7] = {-2, 3, 6, 7, 6, 3, -2};
    double x[15] = {0}, out[15];
    x[7] = 1;
    savgol(x, 15, 5, 0, out);
    for (int k = 0; k < 5; k++)
        near(out[5 + k], five[4 - k] / 35, 1e-14);
    savgol(x, 15, 7, 0, out);
    for (int k = 0; k < 7; k++)
        near(out[4 + k], seven[6 - k] / 21, 1e-14);
    near(savgol_centre_weight(5), 17.0 / 35, 1e-14);
}

static void cubics_pass_the_smoother_unchanged_up_to_the_ends(void **state)
{
    (void)state;
    double x[60], out[60], slope[60];
    for (int k = 0; k < 60; k++)
        x[k] = 2 - 0.3 * k + 0.02 * k * k - 1e-3 * k * k * k;
    savgol(x, 60, 21, 0, out);
    savgol(x, 60, 21, 1, slope);
    for (int k = 0; k < 60; k++) {
        near(out[k], x[k], 1e-10);
        near(slope[k], -0.3 + 0.04 * k - 3e-3 * k * k, 1e-10);
    }
    assert_int_equal(savgol_points(0.05, -2e-3, 1000), 25);
    assert_int_equal(savgol_points(0.048, 2e-3, 1000), 25);
    assert_int_equal(savgol_points(1e-6, 2e-3, 1000), SAVGOL_MIN);
    assert_int_equal(savgol_points(10, 2e-3, 100), 99);
    assert_int_equal(savgol_points(10, 2e-3, 4), 0);
    assert_int_equal(savgol_points(10, 0, 100), SAVGOL_MIN);
}

static void noise_is_estimated_beside_a_signal(void **state)
{
    (void)state;
    double x[N], s[N];
    struct rng rng = rng_stream(5, "test.noise");
    for (int k = 0; k < N; k++)
        x[k] = 100 * sin(k / 200.0) + 2 * rng_normal(rng, (uint64_t)k, 0, 0);
    savgol(x, N, 25, 0, s);
    near(savgol_noise(x, s, N, 25), 2, 0.15);
}

/* Anscombe, Am. Stat. 1973, 27, 17, set I: y = 3.0001 + 0.5001 x, SE of the slope 0.1179, residual SD 1.237.
 */
static void lines_agree_with_anscombe(void **state)
{
    (void)state;
    static const double x[11] = {10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5};
    static const double y[11] = {8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68};
    struct baseline b;
    assert_true(baseline_fit(x, y, 11, -INFINITY, INFINITY, &b));
    near(b.slope, 0.5001, 5e-5);
    near(baseline_at(&b, 0), 3.0001, 5e-5);
    near(sqrt(b.var_slope), 0.1179, 5e-5);
    near(b.residual, 1.237, 5e-4);
    near(baseline_sd(&b, 0), 1.1247, 5e-5); /* SE of the intercept */
    assert_false(baseline_fit(x, y, 11, 4.5, 6.5, &b));
}

static void peaks_have_parabolic_precision(void **state)
{
    (void)state;
    double e[101], i[101];
    for (int k = 0; k < 101; k++) {
        e[k] = 1 - 0.01 * k;
        i[k] = -5 + 40 * pow(e[k] - 0.4237, 2);
    }
    struct peak p;
    assert_true(peak_find(e, i, 101, 0, 1, -1, 0, 0.01, &p));
    near(p.e, 0.4237, 1e-12);
    near(p.i, -5, 1e-12);
    assert_true(peak_find(e, i, 101, 0, 1, -1, 0.1, 0.01, &p));
    near(p.e, 0.4237, 1e-12);
    near(p.e_sd, 0.01 * sqrt(2) / (80 * 0.11), 1e-9);         /* 0.37 and 0.48 V: 0.1 below on either side */
    assert_false(peak_find(e, i, 101, 0, 1, 1, 0, 0.01, &p)); /* largest at the end of the sweep */
    assert_false(peak_find(e, i, 101, 0.6, 0.9, -1, 0, 0.01, &p)); /* outside the range */
}

static void onset_ignores_a_single_spike(void **state)
{
    (void)state;
    double e[200], i[200], at = 0, slope = 0;
    for (int k = 0; k < 200; k++) {
        e[k] = 2 - 0.01 * k;
        i[k] = e[k] < 1.5 ? -(1.5 - e[k]) : 0; /* reaches -0.3 at 1.2 V */
    }
    i[20] = -9;
    assert_true(onset_find(e, i, 200, -1, 0.3, 5, &at, &slope));
    near(at, 1.2, 1e-12);
    near(slope, 1, 1e-9);
    assert_false(onset_find(e, i, 200, 1, 0.3, 5, &at, &slope));
    assert_false(onset_find(e, i, 200, -1, 3, 5, &at, &slope));
    assert_false(onset_find(e + 100, i + 100, 100, -1, 0.3, 5, &at, &slope)); /* beyond from the start */
}

/* A triangle in air: all three parameters within 4 SD, pulls of unit size over 200 trials. */
static void blank_regression_is_unbiased_with_honest_errors(void **state)
{
    (void)state;
    double e[400], rate[400], i[400], pull[3] = {0}, pull2[3] = {0};
    const double truth[3] = {0.5e-12, 0.1e-12, 1e-12};
    struct rng rng = rng_stream(77, "test.blank");
    struct blank b;
    for (int trial = 0; trial < 200; trial++) {
        for (int k = 0; k < 400; k++) {
            int leg = (k + 50) / 100 % 2;
            rate[k] = leg ? -1 : 1;
            e[k] = 2.5 + (leg ? 0.1 - 0.002 * ((k + 50) % 100) : -0.1 + 0.002 * ((k + 50) % 100));
            i[k] = truth[0] + truth[1] * (e[k] - 2.5) + truth[2] * rate[k] +
                   0.3e-12 * rng_normal(rng, (uint64_t)trial, (uint64_t)k, 0);
        }
        assert_true(blank_fit(e, rate, i, NULL, 400, 2.5, &b));
        const double got[3] = {b.offset, b.leak, b.capacitance};
        for (int j = 0; j < 3; j++) {
            double z = (got[j] - truth[j]) / sqrt(b.cov[j][j]);
            pull[j] += z / 200;
            pull2[j] += z * z / 200;
        }
    }
    printf("seed 77: pulls of i0, G, C: mean %.2f %.2f %.2f, mean square %.2f %.2f %.2f; SD of C %.2f fF\n",
           pull[0], pull[1], pull[2], pull2[0], pull2[1], pull2[2], sqrt(b.cov[2][2]) * 1e15);
    for (int j = 0; j < 3; j++) {
        near(pull[j], 0, 0.28);
        near(pull2[j], 1, 0.4);
    }
    near(b.noise, 0.3e-12, 0.05e-12);
    near(blank_current(&b, 2.6, -2), b.offset + 0.1 * b.leak - 2 * b.capacitance, 1e-20);
    near(blank_sd(&b, 0, 0, 1), sqrt(b.cov[2][2]), 1e-25);
    /* One direction only can not tell the offset from the capacitance; a hold not the leak. */
    for (int k = 0; k < 400; k++) {
        rate[k] = 1;
        e[k] = 2 + 0.002 * k;
    }
    assert_false(blank_fit(e, rate, i, NULL, 400, 2.5, &b));
    for (int k = 0; k < 400; k++)
        e[k] = 2.5;
    assert_false(blank_fit(e, rate, i, NULL, 400, 2.5, &b));
    assert_false(blank_fit(e, rate, i, NULL, 0, 2.5, &b));
}

static void capacitance_ignores_what_flows_in_both_branches(void **state)
{
    (void)state;
    double e[200], up[200], down[200], sd = 0;
    for (int k = 0; k < 200; k++) {
        e[k] = 2.6 + 0.002 * k;
        double both = -3e-12 + 2e-12 * (e[k] - 2.8); /* oxygen, leak, offset */
        up[k] = both + 1.03e-12 * 0.5;
        down[k] = both - 1.03e-12 * 0.5;
    }
    struct branch a, c;
    assert_true(capacitance_branch(e, up, 200, 2.6, 3, 0.5, &a));
    assert_true(capacitance_branch(e, down, 200, 2.6, 3, -0.5, &c));
    near(capacitance_between(&a, &c, 1e-12, 1e-15, &sd), 30e-15, 1e-19);
    near(sd, 1e-15, 1e-18);
    assert_true(isnan(capacitance_between(&a, &a, 1e-12, 1e-15, &sd)));
    assert_false(capacitance_branch(e, up, 200, 2.0, 2.7, 0.5, &a)); /* half of the window is not there */
}

/* Rings of fresh surface: the raw ratio follows the growth, the deconvolved one the film. */
static void areas_are_deconvolved(void **state)
{
    (void)state;
    const double law[5] = {1, 0.3, 0.15, 0.1, 0.08}, area[5] = {2, 2.6, 2.9, 3.0, 3.05};
    double q[5], r[5];
    area_convolve(-7e-13, law, area, 5, q);
    assert_true(q[1] / q[0] > 0.55); /* 0.3 + 0.6 / 2 */
    area_deconvolve(q, area, 5, r);
    for (int k = 0; k < 5; k++)
        near(r[k], law[k], 1e-13);
    for (int k = 0; k < 5; k++)
        q[k] = -3 * law[k] * area[k];
    area_ratio(q, area, 5, r);
    for (int k = 0; k < 5; k++)
        near(r[k], law[k], 1e-13);
    q[2] = NAN;
    area_deconvolve(q, area, 5, r);
    assert_true(isfinite(r[1]) && isnan(r[2]) && isnan(r[4]));
    q[0] = 0;
    area_deconvolve(q, area, 5, r);
    assert_true(isnan(r[0]));
}

static void product_and_sum(void *ctx, const double *x, double *y)
{
    (void)ctx;
    y[0] = x[0] * x[1];
    y[1] = x[0] + 2 * x[1];
    y[2] = NAN;
}

/* Worked by hand: 5 and 3 violate the order and become 4; all falling pools to the mean. */
static void areas_are_made_monotone(void **state)
{
    (void)state;
    double a[6] = {4, 5, NAN, 3, 6, 8}, falling[3] = {9, 6, 3}, none[1] = {NAN};
    area_monotone(a, 6);
    const double wanted[6] = {4, 4, NAN, 4, 6, 8};
    for (int k = 0; k < 6; k++)
        assert_true(k == 2 ? isnan(a[k]) : fabs(a[k] - wanted[k]) < 1e-12);
    area_monotone(falling, 3);
    for (int k = 0; k < 3; k++)
        assert_true(falling[k] == 6);
    area_monotone(none, 1);
    assert_true(isnan(none[0]));
}

/* Whenever the drop grew between the ends, the law is between the charge ratio and the bound. */
static void the_bound_holds_whenever_the_area_grew(void **state)
{
    (void)state;
    static const double law[4] = {1, 0.4, 0.2, 0.1};
    struct rng rng = rng_stream(9, "test.bound");
    for (uint64_t trial = 0; trial < 200; trial++) {
        double a[4], q[4], fresh[4], passivated[4];
        a[0] = 1 + rng_uniform(rng, trial, 0, 0);
        for (int k = 1; k < 4; k++)
            a[k] = a[k - 1] + rng_uniform(rng, trial, (uint64_t)k, 0);
        area_convolve(-1, law, a, 4, q);
        area_bound(q, 4, 1.1 * a[3] / 1.0, fresh, passivated); /* contact at 1, end 10 % above pass 4 */
        for (int k = 1; k < 4; k++)
            assert_true(fresh[k] <= law[k] && law[k] <= q[k] / q[0] && passivated[k] <= q[k] / q[0]);
        assert_true(fresh[0] == 1 && passivated[0] == 1);
    }
}

static void uncertainty_is_propagated(void **state)
{
    (void)state;
    double x[2] = {3, 5}, sd[2] = {0.1, 0.2}, y[3], y_sd[3];
    propagate(product_and_sum, NULL, x, sd, 2, y, y_sd, 3);
    near(y_sd[0], hypot(5 * 0.1, 3 * 0.2), 1e-12);
    near(y_sd[1], hypot(0.1, 0.4), 1e-12);
    assert_true(isnan(y_sd[2]));
    near(x[0], 3, 0);
}

static void sweeps_are_cut_by_label_or_by_turns(void **state)
{
    (void)state;
    double t[600], e[600];
    int32_t cycle[600];
    int16_t sweep[600];
    struct rng rng = rng_stream(3, "test.turn");
    for (int k = 0; k < 600; k++) {
        t[k] = 0.01 * k;
        int in = k % 200;
        e[k] = (in < 100 ? 3 - 0.02 * (in + 1) : 1 + 0.02 * (in - 99)) +
               0.005 * rng_normal(rng, (uint64_t)k, 0, 0);
        cycle[k] = 1 + k / 200;
        sweep[k] = (int16_t)(in / 100);
    }
    struct leg leg[16];
    assert_int_equal(sweep_legs(t, e, cycle, sweep, 600, leg, 16), 6);
    assert_int_equal(leg[3].first, 300);
    assert_int_equal(leg[3].cycle, 2);
    near(leg[3].rate, 2, 0.02);
    near(leg[2].rate, -2, 0.02);
    for (int k = 0; k < 600; k++) {
        cycle[k] = 1;
        sweep[k] = 0;
    }
    assert_int_equal(sweep_legs(t, e, cycle, sweep, 600, leg, 16), 6);
    assert_int_equal(leg[4].cycle, 3);
    assert_in_range(leg[3].first, 297, 303);
    double rate[600];
    sweep_rates(leg, 6, e, 600, NAN, rate);
    near(rate[50], -2, 0.02);
    near(rate[350], 2, 0.02);
    assert_int_equal(sweep_legs(t, e, cycle, sweep, 0, leg, 16), 0);
}

static void settings_are_read_from_flat_json(void **state)
{
    (void)state;
    const char *text =
        "{ \"name\":\"a\\\"b, {\", \"list\":[1,{\"rate\":9}],\"rate\": -2.5e-1 ,\"cycles\":5,\"ok\":true}";
    near(flatjson_or(text, "rate", NAN), -0.25, 0);
    near(flatjson_or(text, "cycles", NAN), 5, 0);
    near(flatjson_or(text, "start", 7), 7, 0);
    double x = 1;
    assert_false(flatjson_number(text, "name", &x));
    assert_false(flatjson_number(text, "ok", &x));
    static const char *const broken[] = {"",           "x",           "{",          "{\"a",
                                         "{\"a\"",     "{\"a\":",     "{\"a\":}",   "{\"a\":1x}",
                                         "{\"b\":[1,", "{\"b\":\"",   "{\"b\" 1}",  "{\"b\":1 \"a\":2}",
                                         "[1]",        "{\"a\":nan}", "{\"a\":inf}"};
    for (size_t k = 0; k < sizeof broken / sizeof broken[0]; k++)
        assert_false(flatjson_number(broken[k], "a", &x));
    near(x, 1, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(charges_split_at_the_zero_crossing),
        cmocka_unit_test(windows_are_cut_by_interpolation),
        cmocka_unit_test(noise_is_not_rectified_by_a_smoothed_sign),
        cmocka_unit_test(smoothing_weights_are_the_published_ones),
        cmocka_unit_test(cubics_pass_the_smoother_unchanged_up_to_the_ends),
        cmocka_unit_test(noise_is_estimated_beside_a_signal),
        cmocka_unit_test(lines_agree_with_anscombe),
        cmocka_unit_test(peaks_have_parabolic_precision),
        cmocka_unit_test(onset_ignores_a_single_spike),
        cmocka_unit_test(blank_regression_is_unbiased_with_honest_errors),
        cmocka_unit_test(capacitance_ignores_what_flows_in_both_branches),
        cmocka_unit_test(areas_are_deconvolved),
        cmocka_unit_test(areas_are_made_monotone),
        cmocka_unit_test(the_bound_holds_whenever_the_area_grew),
        cmocka_unit_test(uncertainty_is_propagated),
        cmocka_unit_test(sweeps_are_cut_by_label_or_by_turns),
        cmocka_unit_test(settings_are_read_from_flat_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
