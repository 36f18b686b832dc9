/* What goes wrong with drop and probe, seen from the sample. */
#include "world_fixture.h"

#include <stdlib.h>

#define FLAT                                                                                                 \
    "surface: {roughness: 0 nm}\nedge-density: {spread: 0}\nwetting: {spread: 0, fast: 5 ms}\n"              \
    "sei: {charge: 0 C/m2}\ntrace: {density: 0 A/m2}\ndrift: {rate: 0 nm/min}\n"
#define PROBE "{stray: 1 pF, stray-gain: 0, meniscus: {height: 200 nm, spread: 0, break-spread: 0}}"

static int open_world(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    fixture_open(f, FLAT, PROBE, 1);
    *state = f;
    return 0;
}

static int close_world(void **state)
{
    fixture_close(*state);
    free(*state);
    return 0;
}

static double wetted(const struct fixture *f)
{
    struct world_contact_info c;
    world_contact(f->w, world_contact_count(f->w) - 1, &c);
    return c.wetted_diameter;
}

static double wetted_after(struct fixture *f, double x, double s)
{
    assert_true(approach(f, x, 0, 1e-6));
    wait_s(f, s);
    double d = wetted(f);
    retract(f, 5e-6, 1e-5);
    assert_false(world_in_contact(f->w));
    return d;
}

/* Charge of a step of 0.1 V within 0.1 ms, in air: that of the stray capacitance. */
static double step_charge(struct fixture *f)
{
    potential(f, 0);
    wait_s(f, 0.1);
    take(f);
    potential(f, 0.1);
    wait_s(f, 1e-4);
    return take(f);
}

static void a_pendant_drop_waits_at_the_next_place(void **state)
{
    struct fixture *f = *state;
    assert_true(approach(f, 0, 0, 1e-6));
    world_fault(f->w, SIM_DROP_PENDANT, true);
    retract(f, 3e-6, 1e-5); /* here everything is as ever */
    wait_s(f, 0.2);
    assert_false(world_in_contact(f->w));
    go(f, 5e-6, 0, 3.2e-6, 5e-5);
    while (f->t < f->hand.t1) {
        wait_s(f, 1e-3);
        assert_false(world_in_contact(f->w));
    }
    wait_s(f, 0.1);
    assert_true(world_in_contact(f->w));
    retract(f, 4e-6, 1e-5);
    assert_true(world_in_contact(f->w));
    retract(f, 3e-6, 1e-5);
    assert_false(world_in_contact(f->w));
    wait_s(f, 0.5);
    retract(f, -5e-6, 1e-5); /* it does not come back */
    wait_s(f, 0.5);
    assert_false(world_in_contact(f->w));
    assert_int_equal(world_counters(f->w).wet_travel, 0);
    assert_int_equal(world_counters(f->w).contacts, 2);
}

static void a_pendant_drop_goes_when_told(void **state)
{
    struct fixture *f = *state;
    world_fault(f->w, SIM_DROP_PENDANT, true);
    go(f, 5e-6, 0, 3e-6, 1e-4);
    wait_s(f, 0.5);
    assert_true(world_in_contact(f->w));
    world_fault(f->w, SIM_DROP_PENDANT, false);
    wait_s(f, 0.01);
    assert_false(world_in_contact(f->w));
}

static void a_sticking_drop_does_not_break(void **state)
{
    struct fixture *f = *state;
    assert_true(approach(f, 0, 0, 1e-6));
    world_fault(f->w, SIM_DROP_STICKS, true);
    retract(f, 15e-6, 1e-5);
    wait_s(f, 1);
    assert_true(world_in_contact(f->w));
    world_fault(f->w, SIM_DROP_STICKS, false);
    wait_s(f, 0.01);
    assert_false(world_in_contact(f->w));
    assert_int_equal(world_contact_count(f->w), 1);
}

static void a_spreading_drop_wets_three_times_the_area(void **state)
{
    struct fixture *f = *state;
    double usual = wetted_after(f, 0, 20);
    world_fault(f->w, SIM_DROP_SPREADS, true);
    double at_once = wetted_after(f, 5e-6, 0.05), later = wetted_after(f, 10e-6, 5);
    assert_true(at_once * at_once < 1.3 * usual * usual);
    assert_float_equal(later * later / (usual * usual), 3, 0.1);
    world_fault(f->w, SIM_DROP_SPREADS, false);
    assert_float_equal(wetted_after(f, 15e-6, 20), usual, 1e-9);
    assert_true(approach(f, 20e-6, 0, 1e-6)); /* also a contact that is going on */
    wait_s(f, 5);
    world_fault(f->w, SIM_DROP_SPREADS, true);
    wait_s(f, 5);
    assert_float_equal(wetted(f) * wetted(f) / (usual * usual), 3, 0.1);
}

static void a_flickering_contact_is_gone_at_rest(void **state)
{
    struct fixture *f = *state;
    world_fault(f->w, SIM_CONTACT_FLICKERS, true);
    assert_true(approach(f, 0, 0, 1e-6));
    assert_true(world_in_contact(f->w));
    wait_s(f, 0.01);
    assert_false(world_in_contact(f->w));
    wait_s(f, 1);
    assert_int_equal(world_contact_count(f->w), 1); /* it does not come back by itself */
    retract(f, 2e-6, 1e-5);
    world_fault(f->w, SIM_CONTACT_FLICKERS, false);
    assert_true(approach(f, 5e-6, 0, 1e-6));
    world_fault(f->w, SIM_CONTACT_FLICKERS, true); /* this one is there already */
    wait_s(f, 1);
    assert_true(world_in_contact(f->w));
}

static void a_flood_conducts_in_contact_alone(void **state)
{
    struct fixture *f = *state;
    world_fault(f->w, SIM_FLOOD, true);
    potential(f, -1.2);
    wait_s(f, 1);
    take(f);
    wait_s(f, 0.1);
    assert_true(fabs(take(f)) < 1e-12);
    assert_true(approach(f, 0, 0, 1e-6));
    wait_s(f, 0.5);
    take(f);
    wait_s(f, 0.1);
    assert_float_equal(take(f) / 0.1, -60e-9, 1e-9);
    world_fault(f->w, SIM_FLOOD, false);
    wait_s(f, 0.1);
    take(f);
    wait_s(f, 0.1);
    assert_true(fabs(take(f)) < 1e-12);
}

static void a_broken_wire_carries_nothing(void **state)
{
    struct fixture *f = *state;
    assert_float_equal(step_charge(f), 0.1e-12, 1e-15);
    world_fault(f->w, SIM_PROBE_OPEN, true);
    assert_float_equal(step_charge(f), 0, 1e-20);
    assert_int_equal(world_cell_mode(f->w), CELL_POTENTIOSTAT); /* what the instrument does is told */
    assert_true(approach(f, 0, 0, 1e-6));
    assert_float_equal(take(f), 0, 1e-20);
    struct cell_reading r;
    world_control(f->w, CELL_GALVANOSTAT, -1e-12, -2, 1);
    wait_s(f, 0.1);
    world_take(f->w, &r);
    assert_true(r.at_compliance && r.potential == -2 && r.charge == 0);
    world_control(f->w, CELL_OPEN, 0, 0, 0);
    world_fault(f->w, SIM_PROBE_OPEN, false);
    retract(f, 5e-6, 1e-5);
    assert_float_equal(step_charge(f), 0.1e-12, 1e-15);
}

/* A wire that breaks during contact leaves it at open circuit, whatever the instrument holds. */
static void a_broken_wire_opens_the_cell(void **state)
{
    struct fixture *f = *state;
    potential(f, 0);
    assert_true(approach(f, 0, 0, 1e-6));
    world_recording(f->w, false);
    wait_s(f, 0.05);
    uint64_t before = world_counters(f->w).open_circuit;
    world_fault(f->w, SIM_PROBE_OPEN, true);
    wait_s(f, 0.05);
    assert_int_equal(world_counters(f->w).open_circuit, before + 1);
    world_fault(f->w, SIM_PROBE_OPEN, false);
    wait_s(f, 0.01);
    take(f);
    potential(f, 0.1);
    wait_s(f, 0.001);
    assert_true(take(f) > 0.1e-12);
}

static void a_shorted_probe_leaks_and_strays(void **state)
{
    struct fixture *f = *state;
    potential(f, -1);
    world_fault(f->w, SIM_PROBE_SHORTED, true);
    wait_s(f, 0.1);
    take(f);
    wait_s(f, 1);
    assert_float_equal(take(f), -1e-9, 1e-11);
    assert_float_equal(step_charge(f), 0.5e-12, 0.02e-12);
    world_fault(f->w, SIM_PROBE_SHORTED, false);
    assert_float_equal(step_charge(f), 0.1e-12, 1e-15);
}

/* Part of a double layer's charge that flows within 1 ms of a step of the potential. */
static double part_at_once(struct fixture *f, double x)
{
    potential(f, -0.5);
    assert_true(approach(f, x, 0, 1e-6));
    wait_s(f, 30);
    double air = 0.5e-12; /* of the stray capacitance, at once in any case */
    take(f);
    potential(f, 0); /* where nothing leaks */
    wait_s(f, 1e-3);
    double first = take(f) - air;
    wait_s(f, 0.1);
    double rest = take(f);
    retract(f, 5e-6, 1e-5);
    return first / (first + rest);
}

static void a_blocked_probe_charges_slowly(void **state)
{
    struct fixture *f = *state;
    double usual = part_at_once(f, 0);
    world_fault(f->w, SIM_PROBE_BLOCKED, true);
    double blocked = part_at_once(f, 5e-6);
    world_fault(f->w, SIM_PROBE_BLOCKED, false);
    double again = part_at_once(f, 10e-6);
    print_message("charge within 1 ms: %.3f, blocked %.3f\n", usual, blocked);
    assert_true(usual > 0.95 && again > 0.95 && blocked < 0.5);
}

static void a_broken_probe_stays_wide(void **state)
{
    struct fixture *f = *state;
    double usual = wetted_after(f, 0, 20);
    world_fault(f->w, SIM_PROBE_BROKEN, true);
    world_fault(f->w, SIM_PROBE_BROKEN, false);
    world_fault(f->w, SIM_PROBE_BROKEN, true); /* not another time */
    assert_float_equal(wetted_after(f, 5e-6, 20) / usual, 3, 0.01);
}

static void a_wetting_probe_gets_worse_with_every_contact(void **state)
{
    struct fixture *f = *state;
    double usual = wetted_after(f, 0, 20), air = step_charge(f);
    world_fault(f->w, SIM_PROBE_WETTING, true);
    for (int k = 1; k <= 4; k++) {
        double d = wetted_after(f, k * 5e-6, 20);
        assert_float_equal(d / usual, 1 + 0.1 * k, 0.01);
        assert_float_equal(step_charge(f) / air, 1 + 0.2 * k, 0.01);
    }
    world_fault(f->w, SIM_PROBE_WETTING, false);
    assert_float_equal(wetted_after(f, 30e-6, 20) / usual, 1.4, 0.01);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)
    const struct CMUnitTest tests[] = {
        T(a_pendant_drop_waits_at_the_next_place),
        T(a_pendant_drop_goes_when_told),
        T(a_sticking_drop_does_not_break),
        T(a_spreading_drop_wets_three_times_the_area),
        T(a_flickering_contact_is_gone_at_rest),
        T(a_flood_conducts_in_contact_alone),
        T(a_broken_wire_carries_nothing),
        T(a_broken_wire_opens_the_cell),
        T(a_shorted_probe_leaks_and_strays),
        T(a_blocked_probe_charges_slowly),
        T(a_broken_probe_stays_wide),
        T(a_wetting_probe_gets_worse_with_every_contact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
