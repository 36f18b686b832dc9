/* Registration: published and hand-computed fits, mirrors, residuals, what can not be fitted. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "analysis/registration.h"
#include "base/rng.h"

static void near(double found, double expected, double tolerance)
{
    if (!(fabs(found - expected) <= tolerance))
        fail_msg("%.12g instead of %.12g", found, expected);
}

/* The worked example of Umeyama (1991), section IV: rotation [0.832 0.555; -0.555 0.832], translation
 * (-0.800, 0.400), scale 0.721. By hand: a = (6 - 4i)/10 in complex numbers, so scale sqrt(52)/10, and the
 * squares left are 10/3 - 0.52 * 10/3 = 1.6. */
static void the_example_of_umeyama(void **state)
{
    (void)state;
    static const double from[3][2] = {{0, 0}, {1, 0}, {0, 2}}, to[3][2] = {{0, 0}, {-1, 0}, {0, 2}};
    struct registration r;
    struct err e = ERR_INIT;
    assert_true(registration_fit(REGISTRATION_SIMILARITY, MIRROR_NO, 3, from, to, &r, &e));
    near(r.scale, 0.721, 5e-4);
    near(r.a[0][0] / r.scale, 0.832, 5e-4);
    near(r.a[0][1] / r.scale, 0.555, 5e-4);
    near(r.a[1][0] / r.scale, -0.555, 5e-4);
    near(r.a[1][1] / r.scale, 0.832, 5e-4);
    near(r.scale, sqrt(52) / 10, 1e-12);
    near(r.a[0][2], -0.8, 1e-12);
    near(r.a[1][2], 0.4, 1e-12);
    near(r.rotation, atan2(-4, 6), 1e-12);
    near(r.rms, sqrt(1.6 / 3), 1e-12);
    near(r.sigma, sqrt(1.6 / 2), 1e-12); /* six coordinates, four parameters */
    /* With a mirror it fits without residual. */
    assert_true(registration_fit(REGISTRATION_SIMILARITY, MIRROR_AUTO, 3, from, to, &r, &e));
    assert_true(r.mirrored);
    near(r.rms, 0, 1e-12);
    near(r.a[0][0], -1, 1e-12);
    near(r.a[1][1], 1, 1e-12);
}

static void map_of(const double a[2][3], const double from[2], double to[2])
{
    for (int k = 0; k < 2; k++)
        to[k] = a[k][0] * from[0] + a[k][1] * from[1] + a[k][2];
}

/* What was put in comes out, for many random maps, mirrored or not. */
static void exact_points_give_the_map_back(void **state)
{
    (void)state;
    struct rng r = rng_stream(4, "test.registration");
    printf("seed 4\n");
    for (uint64_t k = 0; k < 200; k++) {
        double from[6][2], to[6][2], angle = 6.28 * rng_uniform(r, k, 0, 0),
                                     scale = 1e-9 + 1e-7 * rng_uniform(r, k, 1, 0);
        double m = k % 2 ? -1 : 1, c = scale * cos(angle), s = scale * sin(angle);
        double similar[2][3] = {{c, -m * s, 1e-4 * rng_normal(r, k, 2, 0)},
                                {s, m * c, 1e-4 * rng_normal(r, k, 3, 0)}};
        double sheared[2][3] = {{c, -0.8 * m * s, similar[0][2]}, {1.1 * s, m * c, similar[1][2]}};
        for (int kind = 0; kind < 2; kind++) {
            const double(*a)[3] = (const double(*)[3])(kind ? sheared : similar);
            struct registration fit;
            struct err e = ERR_INIT;
            for (uint64_t i = 0; i < 6; i++) {
                from[i][0] = 2000 * rng_uniform(r, k, 10 + i, 0);
                from[i][1] = 2000 * rng_uniform(r, k, 10 + i, 1);
                map_of(a, from[i], to[i]);
            }
            if (!registration_fit(kind ? REGISTRATION_AFFINE : REGISTRATION_SIMILARITY, MIRROR_AUTO, 6,
                                  (const double(*)[2])from, (const double(*)[2])to, &fit, &e))
                fail_msg("%s", e.text);
            assert_int_equal(fit.mirrored, m < 0);
            for (int i = 0; i < 2; i++)
                for (int j = 0; j < 3; j++)
                    near(fit.a[i][j], a[i][j], (j == 2 ? 1e-10 : 1e-9 * scale));
            near(fit.rms, 0, 1e-12);
        }
    }
}

/* Four corners of a square of side 2, one of them off by d in x. By hand: for the affine map the pattern that
 * no plane can follow is (+ - + -)/2, onto which d projects as d/2: residuals of d/4 at each corner. */
static void an_affine_residual_by_hand(void **state)
{
    (void)state;
    static const double from[4][2] = {{0, 0}, {2, 0}, {2, 2}, {0, 2}},
                        to[4][2] = {{0, 0}, {2, 0}, {2.4, 2}, {0, 2}};
    struct registration r;
    double error[4];
    assert_true(registration_fit(REGISTRATION_AFFINE, MIRROR_AUTO, 4, from, to, &r, NULL));
    for (int i = 0; i < 4; i++)
        near(registration_residual(&r, from[i], to[i]), 0.1, 1e-12);
    near(r.rms, 0.1, 1e-12);
    near(r.sigma, sqrt(4 * 0.01 / 2), 1e-12);
    /* Three points fit exactly: whichever is left out is then off by all of d. */
    assert_true(registration_leave_one_out(REGISTRATION_AFFINE, MIRROR_AUTO, 4, from, to, error, NULL));
    for (int i = 0; i < 4; i++)
        near(error[i], 0.4, 1e-12);
    /* Standard error: sigma sqrt(2 (1/4 + x^T S^-1 x)), S = 4 in both axes; in the middle and at a corner. */
    const double middle[2] = {1, 1};
    near(registration_error(&r, middle), r.sigma * sqrt(0.5), 1e-12);
    near(registration_error(&r, from[0]), r.sigma * sqrt(2 * (0.25 + 0.5)), 1e-12);
}

/* The predicted error of a mapped place is what many noisy fits scatter by. */
static void the_predicted_error_is_what_happens(void **state)
{
    (void)state;
    static const double from[5][2] = {{0, 0}, {10, 0}, {10, 8}, {0, 8}, {3, 5}}, target[2] = {12, 2};
    struct rng r = rng_stream(9, "test.registration");
    double squares = 0, predicted = 0;
    printf("seed 9\n");
    for (uint64_t k = 0; k < 4000; k++) {
        double to[5][2], at[2];
        struct registration fit;
        for (uint64_t i = 0; i < 5; i++)
            for (uint64_t c = 0; c < 2; c++)
                to[i][c] = from[i][c] + 0.1 * rng_normal(r, k, i, c);
        assert_true(registration_fit(REGISTRATION_SIMILARITY, MIRROR_NO, 5, from, (const double(*)[2])to,
                                     &fit, NULL));
        registration_map(&fit, target, at);
        squares += pow(at[0] - target[0], 2) + pow(at[1] - target[1], 2);
        predicted += pow(registration_error(&fit, target), 2);
    }
    near(sqrt(predicted / squares), 1, 0.04);
}

static void what_determines_no_map_is_refused(void **state)
{
    (void)state;
    static const double line[4][2] = {{0, 0}, {1, 1}, {2, 2}, {3, 3}}, one[3][2] = {{1, 1}, {1, 1}, {1, 1}},
                        bad[2][2] = {{0, 0}, {NAN, 1}};
    static const struct {
        enum registration_kind kind;
        enum registration_mirror mirror;
        int n;
        const double (*from)[2];
        const char *text;
    } cases[] = {
        {REGISTRATION_SIMILARITY, MIRROR_NO, 1, line, "1 fiducial: a similarity needs at least 2"},
        {REGISTRATION_AFFINE, MIRROR_NO, 2, line, "2 fiducials: an affine map needs at least 3"},
        {REGISTRATION_AFFINE, MIRROR_NO, 4, line, "in one line"},
        {REGISTRATION_SIMILARITY, MIRROR_AUTO, 4, line, "in one line"},
        {REGISTRATION_SIMILARITY, MIRROR_AUTO, 2, line, "two fiducials"},
        {REGISTRATION_SIMILARITY, MIRROR_NO, 3, one, "at one place"},
        {REGISTRATION_SIMILARITY, MIRROR_NO, 2, bad, "fiducial 2 is not a number"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct registration r;
        struct err e = ERR_INIT;
        assert_false(
            registration_fit(cases[i].kind, cases[i].mirror, cases[i].n, cases[i].from, line, &r, &e));
        if (e.code != ERR_INPUT || !strstr(e.text, cases[i].text))
            fail_msg("%s", e.text);
    }
    double error[2];
    assert_false(registration_leave_one_out(REGISTRATION_SIMILARITY, MIRROR_NO, 2, line, line, error, NULL));
    struct registration r;
    assert_true(registration_fit(REGISTRATION_SIMILARITY, MIRROR_NO, 2, line, line, &r, NULL));
    assert_true(isnan(r.sigma) && isnan(registration_error(&r, line[0])));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_of_umeyama),
        cmocka_unit_test(exact_points_give_the_map_back),
        cmocka_unit_test(an_affine_residual_by_hand),
        cmocka_unit_test(the_predicted_error_is_what_happens),
        cmocka_unit_test(what_determines_no_map_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
