/* Touching, spreading, breaking, and the counters of what must never happen. */
#include "world_fixture.h"

#define FLAT                                                                                                 \
    "surface: {roughness: 0 nm}\nedge-density: {spread: 0}\nwetting: {spread: 0}\nsei: {charge: 0 C/m2}\n"   \
    "trace: {density: 0 A/m2}\n"
#define ROUGH                                                                                                \
    "surface: {slope-x: 0.3 deg, slope-y: -0.2 deg, roughness: 30 nm, correlation: 3 um}\n"                  \
    "drift: {rate: 30 nm/min, walk: 20 nm}\n"

static void test_contact_z_equals_the_truth(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, ROUGH, "{}", 21);
    for (int i = 0; i < 12; i++) {
        double x = (i % 4) * 5e-6, y = (i / 4) * 5e-6, p[3];
        assert_true(approach(&f, x, y, 0.2e-6)); /* 0.2 nm per step */
        here(&f, p);
        struct world_truth t;
        world_truth_at(f.w, x, y, ns_to_s(f.t), &t);
        assert_true(p[2] <= t.contact_z + 0.1e-9);
        assert_float_equal(p[2], t.contact_z, 0.35e-9);
        struct world_contact_info c;
        world_contact(f.w, i, &c);
        assert_float_equal(c.contact_z, p[2], 1e-12);
        retract(&f, 3e-6, 2e-6);
        assert_false(world_in_contact(f.w));
    }
    assert_int_equal(world_counters(f.w).contacts, 12);
    assert_int_equal(world_counters(f.w).crashes, 0);
    fixture_close(&f);
}

static void test_drift_moves_the_surface_during_contact(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, FLAT "drift: {rate: 60 nm/min}\n",
                 "{meniscus: {spread: 0, break-spread: 0, break: 1.5}}", 1);
    assert_true(approach(&f, 0, 0, 1e-6));
    wait_s(&f, 120); /* the sample rises by 120 nm into the glass, which stands 100 nm above it */
    assert_int_equal(world_counters(f.w).crashes, 1);
    fixture_close(&f);
}

static void test_bridge_breaks_above_the_height_of_contact(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, FLAT, "{meniscus: {height: 100 nm, spread: 0, break: 2.5, break-spread: 0}}", 1);
    assert_true(approach(&f, 0, 0, 1e-6));
    retract(&f, 100e-9, 1e-6); /* 200 nm above the surface: still attached */
    assert_true(world_in_contact(f.w));
    retract(&f, 100e-9, 1e-6);
    assert_false(world_in_contact(f.w));
    struct world_contact_info c;
    world_contact(f.w, 0, &c);
    assert_float_equal(c.break_height, 250e-9, 1.5e-9);
    assert_float_equal(c.residue_diameter, 1.3 * c.wetted_diameter, 1e-12);
    fixture_close(&f);
}

static void test_break_heights_spread_log_normally(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, FLAT, "{meniscus: {height: 100 nm, break: 2.5, break-spread: 20 %}}", 3);
    double sum = 0, squares = 0;
    int n = 60;
    for (int i = 0; i < n; i++) {
        assert_true(approach(&f, (i % 10) * 4e-6, (i / 10) * 4e-6, 2e-6));
        retract(&f, 2e-6, 2e-6);
        struct world_contact_info c;
        world_contact(f.w, i, &c);
        double l = log(c.break_height / 250e-9);
        sum += l;
        squares += l * l;
    }
    print_message("break heights: mean ln %.3f, sd %.3f\n", sum / n, sqrt(squares / n));
    assert_float_equal(sum / n, 0, 0.08);
    assert_float_equal(sqrt(squares / n), 0.2, 0.05);
    fixture_close(&f);
}

static double wetted(const struct fixture *f)
{
    struct world_contact_info c;
    world_contact(f->w, world_contact_count(f->w) - 1, &c);
    return c.wetted_diameter;
}

static void test_drop_spreads_fast_then_slowly_and_stays_pinned(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, "surface: {roughness: 0 nm}\nwetting: {spread: 0, ratio: 1.5, fast: 5 ms, slow: 2 s}\n",
                 "{meniscus: {spread: 0}}", 1);
    assert_true(approach(&f, 0, 0, 1e-6));
    double at_once = wetted(&f);
    wait_s(&f, 0.05);
    double soon = wetted(&f);
    wait_s(&f, 20);
    double later = wetted(&f);
    assert_float_equal(at_once, 400e-9, 2e-9);
    assert_float_equal(soon, 400e-9 * 1.35, 8e-9);
    assert_float_equal(later, 600e-9, 2e-9);
    struct world_truth t;
    world_truth_at(f.w, 0, 0, 0, &t);
    assert_float_equal(later, t.wetted_diameter, 1e-9);
    double p[3];
    here(&f, p);
    go(&f, 0, 0, p[2] - 50e-9, 1e-6); /* pressed: spreads by 2 x 50 nm */
    wait_s(&f, 20);
    double pressed = wetted(&f);
    assert_float_equal(pressed, 700e-9, 2e-9);
    go(&f, 0, 0, p[2] + 50e-9, 1e-6);
    wait_s(&f, 5);
    assert_float_equal(wetted(&f), pressed, 1e-15);
    assert_int_equal(world_counters(f.w).crashes, 0); /* pressing the drop is no crash */
    fixture_close(&f);
}

static void test_low_potential_spreads_the_drop_if_asked(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f,
                 "surface: {roughness: 0 nm}\nsei: {charge: 0 C/m2}\n"
                 "wetting: {spread: 0, ratio: 1.5, low-below: 1 V, low-gain: 0.5, slow: 0.1 s}\n",
                 "{meniscus: {spread: 0}}", 1);
    potential(&f, 2.5 - 3.2);
    assert_true(approach(&f, 0, 0, 1e-6));
    wait_s(&f, 5);
    assert_float_equal(wetted(&f), 600e-9, 2e-9);
    potential(&f, 0.2 - 3.2);
    wait_s(&f, 5);
    assert_float_equal(wetted(&f) * 1e9, 400 * 1.9, 4);
    fixture_close(&f);
}

static void test_crash_counts_once_per_touch(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, FLAT, "{}", 1);
    for (int i = 1; i <= 2; i++) {
        go(&f, 0, 0, -20e-9, 10e-6);
        wait_s(&f, 3);
        assert_int_equal(world_counters(f.w).crashes, i);
        go(&f, 0, 0, 5e-6, 10e-6);
        wait_s(&f, 1);
    }
    assert_int_equal(world_counters(f.w).drags, 0);
    fixture_close(&f);
}

static void test_drag_counts_when_glass_moves_on_the_surface(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, FLAT, "{}", 1);
    go(&f, 0, 0, -5e-9, 10e-6);
    wait_s(&f, 3);
    go(&f, 10e-9, 0, -5e-9, 1e-6);
    wait_s(&f, 0.1);
    assert_int_equal(world_counters(f.w).drags, 0);
    go(&f, 40e-9, 0, -5e-9, 1e-6);
    wait_s(&f, 0.1);
    assert_int_equal(world_counters(f.w).drags, 1);
    fixture_close(&f);
}

static void test_wall_on_a_particle_is_a_crash_without_contact(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(
        &f,
        "surface:\n  roughness: 0 nm\n  particles:\n    list: [{x: 0.45 um, y: 0 um, radius: 0.2 um, "
        "height: 0.5 um}]\n",
        "{}", 1);
    go(&f, 0, 0, 200e-9, 10e-6);
    wait_s(&f, 3);
    assert_int_equal(world_counters(f.w).crashes, 1);
    assert_int_equal(world_counters(f.w).contacts, 0);
    fixture_close(&f);
}

static void test_travel_with_the_drop_attached_counts_once(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, FLAT, "{}", 1);
    assert_true(approach(&f, 0, 0, 1e-6));
    double p[3];
    here(&f, p);
    go(&f, 40e-9, 0, p[2], 1e-6);
    wait_s(&f, 0.1);
    assert_int_equal(world_counters(f.w).wet_travel, 0);
    go(&f, 300e-9, 0, p[2], 1e-6);
    wait_s(&f, 0.5);
    assert_int_equal(world_counters(f.w).wet_travel, 1);
    assert_int_equal(world_counters(f.w).contacts, 1);
    go(&f, 2e-6, 0, p[2], 1e-6); /* torn off and formed again elsewhere */
    wait_s(&f, 3);
    assert_true(world_counters(f.w).contacts > 1);
    fixture_close(&f);
}

static void test_residue_bridges_earlier_and_is_a_revisit(void **state)
{
    (void)state;
    struct fixture f;
    double first[3], second[3], beside[3];
    fixture_open(&f, FLAT, "{meniscus: {spread: 0}}", 1);
    assert_true(approach(&f, 0, 0, 0.5e-6));
    here(&f, first);
    wait_s(&f, 1);
    retract(&f, 3e-6, 2e-6);
    assert_true(approach(&f, 0.1e-6, 0, 0.5e-6));
    here(&f, second);
    retract(&f, 3e-6, 2e-6);
    assert_float_equal(second[2] - first[2], 60e-9, 1e-9);
    assert_int_equal(world_counters(f.w).revisited, 1);
    assert_true(approach(&f, 3e-6, 0, 0.5e-6));
    here(&f, beside);
    assert_float_equal(beside[2], first[2], 1e-9);
    assert_int_equal(world_counters(f.w).revisited, 1);
    fixture_close(&f);
}

static void test_insulating_spot_wets_but_gives_no_current(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, "surface: {roughness: 0 nm, insulating: {list: [{x: 0 um, y: 0 um, radius: 2 um}]}}\n",
                 "{stray-gain: 0, leak: 1e6 Tohm}", 1);
    struct world_truth t;
    world_truth_at(f.w, 0, 0, 0, &t);
    assert_true(t.insulating);
    potential(&f, -2);
    wait_s(&f, 0.01);
    take(&f);
    assert_true(approach(&f, 0, 0, 1e-6));
    wait_s(&f, 1);
    assert_float_equal(take(&f), 0, 1e-17);
    fixture_close(&f);
}

static void test_open_circuit_counts_once_per_gap_unless_recorded(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, FLAT, "{}", 1);
    potential(&f, 0);
    assert_true(approach(&f, 0, 0, 1e-6));
    world_recording(f.w, false);
    world_control(f.w, CELL_OPEN, 0, 0, 0);
    f.t += 800 * NS_US;
    world_advance(f.w, f.t);
    potential(&f, 0);
    wait_s(&f, 0.01);
    assert_int_equal(world_counters(f.w).open_circuit, 0); /* 0.8 ms are allowed */
    world_control(f.w, CELL_OPEN, 0, 0, 0);
    wait_s(&f, 0.25);
    assert_int_equal(world_counters(f.w).open_circuit, 1);
    assert_float_equal(world_counters(f.w).open_circuit_longest, 0.25, 1e-6);
    potential(&f, 0);
    wait_s(&f, 0.01);
    world_control(f.w, CELL_OPEN, 0, 0, 0);
    wait_s(&f, 0.1);
    assert_int_equal(world_counters(f.w).open_circuit, 2);
    world_recording(f.w, true);
    wait_s(&f, 1);
    assert_int_equal(world_counters(f.w).open_circuit, 2);
    assert_float_equal(world_counters(f.w).open_circuit_longest, 0.25, 1e-6);
    fixture_close(&f);
}

static void test_cell_left_on_counts_seconds(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, FLAT, "{}", 1);
    potential(&f, 0);
    assert_true(approach(&f, 0, 0, 1e-6));
    wait_s(&f, 3);
    assert_int_equal(world_counters(f.w).cell_left_on, 0);
    world_recording(f.w, false);
    wait_s(&f, 2.5);
    assert_int_equal(world_counters(f.w).cell_left_on, 2);
    retract(&f, 1e-6, 10e-6);
    wait_s(&f, 5);
    assert_int_equal(world_counters(f.w).cell_left_on, 2); /* in air it does not matter */
    fixture_close(&f);
}

static void test_envelope_is_counted(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, FLAT, "{}", 1);
    world_count_envelope(f.w);
    assert_int_equal(world_counters(f.w).envelope, 1);
    fixture_close(&f);
}

static void test_long_steps_are_subdivided(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, FLAT, "{meniscus: {spread: 0}}", 1);
    go(&f, 0, 0, 0.5e-6, 1e-4);
    wait_s(&f, 0.3);
    go(&f, 0, 0, 50e-9, 1e-6);
    wait_s(&f, 0.002);
    f.t += NS_S;
    world_advance(f.w, f.t); /* one call for the second in which it touches */
    struct world_contact_info c;
    assert_int_equal(world_contact_count(f.w), 1);
    world_contact(f.w, 0, &c);
    assert_float_equal(c.contact_z, 100e-9, 1.1e-9);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_contact_z_equals_the_truth),
        cmocka_unit_test(test_drift_moves_the_surface_during_contact),
        cmocka_unit_test(test_bridge_breaks_above_the_height_of_contact),
        cmocka_unit_test(test_break_heights_spread_log_normally),
        cmocka_unit_test(test_drop_spreads_fast_then_slowly_and_stays_pinned),
        cmocka_unit_test(test_low_potential_spreads_the_drop_if_asked),
        cmocka_unit_test(test_crash_counts_once_per_touch),
        cmocka_unit_test(test_drag_counts_when_glass_moves_on_the_surface),
        cmocka_unit_test(test_wall_on_a_particle_is_a_crash_without_contact),
        cmocka_unit_test(test_travel_with_the_drop_attached_counts_once),
        cmocka_unit_test(test_residue_bridges_earlier_and_is_a_revisit),
        cmocka_unit_test(test_insulating_spot_wets_but_gives_no_current),
        cmocka_unit_test(test_open_circuit_counts_once_per_gap_unless_recorded),
        cmocka_unit_test(test_cell_left_on_counts_seconds),
        cmocka_unit_test(test_envelope_is_counted),
        cmocka_unit_test(test_long_steps_are_subdivided),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
