/* How long segments take. */
#include "instrument/program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void near(double a, double b)
{
    if (fabs(a - b) > 1e-9)
        fail_msg("%.12g is not %.12g", a, b);
}

static void a_plain_voltammogram_goes_there_and_back(void **state)
{
    (void)state;
    struct segment s = {.kind = SEGMENT_SWEEP, .start = 3, .vertex = {0.5, 3}, .rate = 1, .cycles = 5};
    near(segment_seconds(&s), 25);
}

static void a_third_leg_returns_to_the_start(void **state)
{
    (void)state;
    struct segment s = {.kind = SEGMENT_SWEEP, .start = 0, .vertex = {0.5, -0.2}, .rate = 0.1, .cycles = 2};
    near(segment_seconds(&s), 2 * (0.5 + 0.7 + 0.2) / 0.1);
}

static void an_open_ended_sweep_takes_its_bound(void **state)
{
    (void)state;
    struct segment s = {.kind = SEGMENT_SWEEP,
                        .start = 0,
                        .vertex = {0.1, 0},
                        .rate = 1,
                        .cycles = 1,
                        .open_ended = true,
                        .duration = 60};
    near(segment_seconds(&s), 60);
}

static void the_shortest_of_duration_time_and_charge_bounds_a_constant_current(void **state)
{
    (void)state;
    struct segment s = {.kind = SEGMENT_GALVANOSTATIC, .current = -2e-12, .duration = 30};
    near(segment_seconds(&s), 30);
    s.until[s.n_until++] = (struct until){UNTIL_CHARGE, 20e-12};
    near(segment_seconds(&s), 10);
    s.until[s.n_until++] = (struct until){UNTIL_ELAPSED, 4};
    near(segment_seconds(&s), 4);
}

static void a_ramp_samples_its_start_and_every_step(void **state)
{
    (void)state;
    struct segment s = {.kind = SEGMENT_RAMP, .start = 3, .vertex = {2, 0}, .rate = 0.5, .step = 0.01};
    near(segment_seconds(&s), 101 * 0.02);
    s.vertex[0] = 3.015; /* not a whole number of steps away: not overshot */
    near(segment_seconds(&s), 2 * 0.02);
}

static void only_what_ends_it_alone_bounds_a_segment(void **state)
{
    (void)state;
    struct segment s = {.kind = SEGMENT_GALVANOSTATIC, .current = 1e-12, .duration = 30};
    s.until[s.n_until++] = (struct until){UNTIL_CHARGE, 10e-12, .all = true};
    s.until[s.n_until++] = (struct until){UNTIL_ELAPSED, 5, .all = true};
    s.until[s.n_until++] = (struct until){UNTIL_FRACTION, 0.5, .of = 0};
    near(segment_seconds(&s), 30);
    s.until[s.n_until++] = (struct until){UNTIL_ELAPSED, 12};
    near(segment_seconds(&s), 12);
    struct segment hold = {.kind = SEGMENT_HOLD, .duration = 30};
    hold.until[hold.n_until++] = (struct until){UNTIL_CHARGE, 1e-12};
    hold.until[hold.n_until++] = (struct until){UNTIL_CURRENT_BELOW, 1e-12};
    near(segment_seconds(&hold), 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_voltammogram_goes_there_and_back),
        cmocka_unit_test(a_third_leg_returns_to_the_start),
        cmocka_unit_test(an_open_ended_sweep_takes_its_bound),
        cmocka_unit_test(the_shortest_of_duration_time_and_charge_bounds_a_constant_current),
        cmocka_unit_test(a_ramp_samples_its_start_and_every_step),
        cmocka_unit_test(only_what_ends_it_alone_bounds_a_segment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
