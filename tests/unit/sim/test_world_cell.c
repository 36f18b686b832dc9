/* What flows through the cell: stray and double-layer charge, galvanostat, open circuit, redox couple,
 * conservation. */
#include "world_fixture.h"

#include "sim/world_parts.h"

#define CAPACITIVE                                                                                           \
    "surface: {roughness: 0 nm}\nedge-density: {spread: 0}\nwetting: {spread: 0, ratio: 1, start: 1, "       \
    "compression: 0}\n"                                                                                      \
    "double-layer: {capacitance: 10 uF/cm2, edge-gain: 0, spread: 0, zero-charge: 2.6 V}\nsei: {charge: 0 "  \
    "C/m2}\n"                                                                                                \
    "trace: {density: 0 A/m2}\n"
#define QUIET "{leak: 1e7 Tohm, stray-gain: 0, meniscus: {spread: 0}}"

static const double AREA = 1.2566370614e-13; /* m2 of 400 nm */

static double end_potential(struct fixture *f)
{
    struct cell_reading r;
    world_take(f->w, &r);
    return r.potential;
}

static void test_in_air_a_step_passes_exactly_the_stray_charge(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, CAPACITIVE, QUIET, 1);
    potential(&f, -0.5);
    wait_s(&f, 0.01);
    take(&f);
    potential(&f, -0.4);
    assert_float_equal(take(&f) * 1e12, 0.1, 1e-9); /* at once, before any advance */
    potential(&f, -0.7);
    wait_s(&f, 0.002);
    assert_float_equal(take(&f) * 1e12, -0.3, 1e-6); /* 10 Eohm of leak passes 0.14 zC */
    wait_s(&f, 0.1);
    assert_float_equal(take(&f) * 1e12, 0, 1e-6);
    fixture_close(&f);
}

static void test_leak_follows_ohm(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, CAPACITIVE, "{leak: 1 Tohm, stray-gain: 0}", 1);
    potential(&f, -0.7);
    wait_s(&f, 0.01);
    take(&f);
    wait_s(&f, 2);
    assert_float_equal(take(&f) * 1e12, -1.4, 1e-6);
    fixture_close(&f);
}

static void test_approach_changes_the_stray_capacitance(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, CAPACITIVE, "{leak: 1e9 Tohm, stray: 1 pF, stray-gain: 2 %}", 1);
    potential(&f, 1);
    wait_s(&f, 0.01);
    take(&f);
    go(&f, 0, 0, 10e-6, 10e-6); /* gain from 1/3 to 1/2 of 2 % */
    wait_s(&f, 2);
    assert_float_equal(take(&f) * 1e15, 1e3 * 0.02 / 6, 1e-2);
    fixture_close(&f);
}

static void test_contact_charge_is_capacity_times_distance_from_zero_charge(void **state)
{
    (void)state;
    static const double versus_li[] = {3.1, 2.6, 1.6};
    for (int i = 0; i < 3; i++) {
        struct fixture f;
        fixture_open(&f, CAPACITIVE, QUIET, 1);
        potential(&f, versus_li[i] - 3.2);
        wait_s(&f, 0.01);
        take(&f);
        assert_true(approach(&f, 0, 0, 1e-6));
        double first_ms = take(&f);
        wait_s(&f, 1);
        double rest = take(&f);
        assert_float_equal(first_ms * 1e15, 0.1 * AREA * (versus_li[i] - 2.6) * 1e15, 0.02);
        assert_float_equal(rest * 1e15, 0, 3e-3); /* what the first step left: RC of 0.1 us against 1 ms */
        fixture_close(&f);
    }
}

static void test_growth_of_the_drop_charges_the_new_area(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(
        &f,
        "surface: {roughness: 0 nm}\nwetting: {spread: 0, ratio: 2, compression: 0}\nsei: {charge: 0 C/m2}\n"
        "double-layer: {capacitance: 10 uF/cm2, edge-gain: 0, spread: 0, zero-charge: 2.6 V}\n"
        "trace: {density: 0 A/m2}\n",
        QUIET, 1);
    potential(&f, -0.1);
    wait_s(&f, 0.01);
    take(&f);
    assert_true(approach(&f, 0, 0, 1e-6));
    wait_s(&f, 60);
    assert_float_equal(take(&f) * 1e15, 0.1 * 4 * AREA * 0.5 * 1e15, 0.05);
    fixture_close(&f);
}

static void test_charge_taken_is_the_sum_of_its_parts(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(
        &f,
        "surface: {roughness: 10 nm}\nhost: {kind: intercalation}\ndouble-layer: {zero-charge: 2.6 V}\n"
        "redox: {limiting-current: -3 pA, formal-potential: 3 V}\n",
        "{qrce: {rate: 3 mV/h, walk: 5 mV, jump-every: 20 s}}", 77);
    potential(&f, 0);
    assert_true(approach(&f, 0, 0, 1e-6));
    double before = take(&f), q = 0;
    q += ramp(&f, 0, -3.15, 1, 2e-3);
    q += ramp(&f, -3.15, 0, 1, 2e-3);
    wait_s(&f, 30);
    q += take(&f);
    double sum = 0;
    int sweeps = 0;
    struct world_sweep s;
    while (world_contact_sweep(f.w, 0, sweeps, 1, 1.5, &s)) {
        sum += s.q_total;
        assert_float_equal(s.q_total * 1e15, (s.q_sei + s.q_dl + s.q_other) * 1e15, 1e-6);
        sweeps++;
    }
    assert_in_range(sweeps, 3, 4); /* standing, down, up; a jump of the reference may add one */
    /* In air at 0 V nothing flowed: `before` holds the step in which the drop touched. */
    assert_float_equal(sum * 1e15, (q + before) * 1e15, 1e-6);
    struct cell *c = &f.w->cell;
    assert_float_equal(c->layer_charge * 1e15,
                       f.w->wet_spot.cell.capacitance * c->area * (c->potential - 2.6) * 1e15, 1e-9);
    struct world_contact_info info;
    world_contact(f.w, 0, &info);
    double film = 0;
    for (int i = 0; i < sweeps; i++) {
        world_contact_sweep(f.w, 0, i, 1, 1.5, &s);
        film += s.q_sei;
    }
    assert_float_equal(info.film_charge * 1e12, -film * 1e12, 1e-6); /* nothing dissolves here */
    assert_true(info.film_charge > 0.5e-12);
    fixture_close(&f);
}

static void test_galvanostat_charges_the_capacitors_linearly(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, CAPACITIVE, QUIET, 1);
    potential(&f, -0.2);
    assert_true(approach(&f, 0, 0, 1e-6));
    wait_s(&f, 0.1);
    take(&f);
    world_control(f.w, CELL_GALVANOSTAT, -1e-12, -4, 4);
    wait_s(&f, 0.5);
    double charge = take(&f), dv = end_potential(&f) + 0.2;
    double expected = -1e-12 * 0.5 / (1e-12 + 0.1 * AREA);
    assert_float_equal(dv, expected, 1e-4);
    assert_float_equal(charge * 1e12, -0.5, 1e-4);
    fixture_close(&f);
}

static void test_losing_the_drop_drives_to_compliance(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, CAPACITIVE "redox: {limiting-current: -5 pA, formal-potential: 3 V}\n", QUIET, 1);
    potential(&f, -0.1);
    assert_true(approach(&f, 0, 0, 1e-6));
    world_control(f.w, CELL_GALVANOSTAT, -2e-12, -2, 2);
    wait_s(&f, 3);
    struct cell_reading r;
    world_take(f.w, &r);
    assert_false(r.at_compliance);
    assert_float_equal(r.potential, -0.2, 0.1); /* held by the couple */
    retract(&f, 1e-6, 10e-6);
    wait_s(&f, 3);
    world_take(f.w, &r);
    assert_true(r.at_compliance);
    assert_float_equal(r.potential, -2, 1e-9);
    wait_s(&f, 1);
    world_take(f.w, &r);
    assert_float_equal(r.charge * 1e12, 0, 1e-3); /* nothing to charge any more */
    fixture_close(&f);
}

static void test_open_circuit_relaxes_to_the_couple(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, CAPACITIVE "redox: {limiting-current: -5 pA, formal-potential: 3 V}\n", QUIET, 1);
    potential(&f, -0.9);
    assert_true(approach(&f, 0, 0, 1e-6));
    take(&f);
    potential(&f, -0.9);
    world_control(f.w, CELL_OPEN, 0, 0, 0);
    wait_s(&f, 0.05);
    struct cell_reading r;
    world_take(f.w, &r);
    /* The couple takes electrons at its limiting rate and so charges both capacitors upward. */
    assert_float_equal(r.potential, -0.9 + 5e-12 * 0.05 / (1e-12 + 0.1 * AREA), 1e-3);
    assert_float_equal(r.charge * 1e15, 0, 1e-2); /* nothing through the instrument */
    wait_s(&f, 5);
    world_take(f.w, &r);
    assert_true(r.potential > -0.2 && r.potential < 0.2); /* near the formal potential it slows down */
    fixture_close(&f);
}

static void test_compliance_passes_what_the_cell_takes(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, CAPACITIVE, "{leak: 1 Tohm, stray-gain: 0}", 1);
    world_control(f.w, CELL_GALVANOSTAT, 5e-12, -1, 1.5);
    wait_s(&f, 5);
    take(&f);
    wait_s(&f, 2);
    assert_float_equal(take(&f) * 1e12, 3, 1e-3); /* 1.5 V over 1 Tohm for 2 s instead of 10 pC */
    fixture_close(&f);
}

/* Potential (V) at which the wave reaches `part` of its limit; from samples at `n` potentials by
 * interpolation. */
static double quarter(const double *e, const double *i, int n, double part)
{
    for (int k = 1; k < n; k++)
        if ((i[k - 1] - part) * (i[k] - part) <= 0)
            return e[k - 1] + (e[k] - e[k - 1]) * (part - i[k - 1]) / (i[k] - i[k - 1]);
    return NAN;
}

static void test_redox_wave_has_the_mass_transfer_form(void **state)
{
    (void)state;
    /* k0/m_t = 1, alpha = 0.5: E1/2 = -24.71 mV, E1/4 - E3/4 = 82.03 mV (analysis.md, mass-transfer form). */
    struct fixture f;
    fixture_open(&f,
                 CAPACITIVE
                 "redox: {limiting-current: -20 pA, formal-potential: 3 V, rate-constant: 0.1 cm/s, "
                 "mass-transfer: 0.1 cm/s}\n",
                 "{leak: 1e7 Tohm, stray-gain: 0, resistance: 1 kohm, meniscus: {spread: 0}}", 1);
    potential(&f, 0);
    assert_true(approach(&f, 0, 0, 1e-6));
    double e[121], i[121];
    for (int k = 0; k <= 120; k++) {
        e[k] = (60 - k) * 5e-3;
        potential(&f, e[k] - 0.2);
        wait_s(&f, 0.01);
        take(&f);
        wait_s(&f, 0.01);
        i[k] = take(&f) / 0.01 / -20e-12;
    }
    double half = quarter(e, i, 121, 0.5);
    double width = quarter(e, i, 121, 0.25) - quarter(e, i, 121, 0.75);
    print_message("E1/2 %.2f mV, E1/4 - E3/4 %.2f mV\n", half * 1e3, width * 1e3);
    assert_float_equal(half * 1e3, -24.71, 0.1);
    assert_float_equal(width * 1e3, 82.03, 0.2);
    fixture_close(&f);
}

static void test_oxidation_is_the_mirror_of_reduction(void **state)
{
    (void)state;
    double i[2];
    static const char *const limit[] = {"-20 pA", "20 pA"};
    for (int k = 0; k < 2; k++) {
        char text[800];
        snprintf(text, sizeof text, "%sredox: {limiting-current: %s, formal-potential: 3 V}\n", CAPACITIVE,
                 limit[k]);
        struct fixture f;
        fixture_open(&f, text, QUIET, 1);
        potential(&f, -0.2 + (k ? 0.05 : -0.05));
        assert_true(approach(&f, 0, 0, 1e-6));
        wait_s(&f, 0.1);
        take(&f);
        wait_s(&f, 0.1);
        i[k] = take(&f) / 0.1;
        fixture_close(&f);
    }
    assert_true(i[0] < -1e-12);
    assert_float_equal(i[0] * 1e12, -i[1] * 1e12, 0.01);
}

static void test_resistance_drops_potential_at_steady_current(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, CAPACITIVE "redox: {limiting-current: -1 nA, formal-potential: 3 V}\n", QUIET, 1);
    potential(&f, -1.2);
    assert_true(approach(&f, 0, 0, 1e-6));
    wait_s(&f, 0.1);
    assert_float_equal(f.w->cell.potential, 2.0 + 1e-9 * 10e6, 1e-6);
    fixture_close(&f);
}

static void test_trace_reduction_decays(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(
        &f,
        "surface: {roughness: 0 nm}\nwetting: {spread: 0, ratio: 1, compression: 0}\nsei: {charge: 0 C/m2}\n"
        "trace: {density: 100 uA/cm2, decay: 2 s, below: 2.8 V}\n",
        QUIET, 1);
    potential(&f, -1.2); /* 2.0 V: x = 8, so 8/9 of the limit */
    assert_true(approach(&f, 0, 0, 1e-6));
    wait_s(&f, 0.01);
    take(&f);
    wait_s(&f, 0.02);
    double early = take(&f) / 0.02;
    wait_s(&f, 2 - 0.03);
    take(&f);
    wait_s(&f, 0.02);
    double late = take(&f) / 0.02;
    assert_float_equal(early * 1e12, -1.0 * AREA * 8 / 9 * 1e12, 0.003);
    assert_float_equal(late / early, 0.5, 0.02);
    potential(&f, 0);
    wait_s(&f, 0.01);
    take(&f);
    wait_s(&f, 1);
    assert_float_equal(take(&f) * 1e15, 0, 1e-2); /* none above 2.8 V */
    fixture_close(&f);
}

static void test_blocked_probe_gives_no_contact_signal(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, CAPACITIVE, "{blocked: 100 %, leak: 1e9 Tohm, stray-gain: 0}", 1);
    potential(&f, -1.5);
    wait_s(&f, 0.01);
    take(&f);
    assert_true(approach(&f, 0, 0, 1e-6));
    wait_s(&f, 0.1);
    assert_float_equal(take(&f) * 1e15, 0, 1e-2);
    fixture_close(&f);
}

static void test_reference_drifts_and_jumps(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, CAPACITIVE, "{qrce: {potential: 3.2 V, rate: 36 mV/h}}", 1);
    wait_s(&f, 100);
    assert_float_equal(f.w->reference, 3.201, 1e-6);
    fixture_close(&f);
    fixture_open(&f, CAPACITIVE, "{qrce: {potential: 3.2 V, jump-every: 10 s, jump: 20 mV}}", 1);
    int jumps = 0;
    double last = 3.2;
    for (int i = 0; i < 1000; i++) {
        wait_s(&f, 0.1);
        jumps += fabs(f.w->reference - last) > 1e-9;
        last = f.w->reference;
    }
    assert_in_range(jumps, 9, 11);
    fixture_close(&f);
}

#define STEEL                                                                                                \
    CAPACITIVE "corrosion: {density: 1 mA/cm2, potential: -0.45 V, anodic: 60 mV, cathodic: 120 mV}\n"

static void test_corrosion_sets_the_open_circuit(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, STEEL,
                 "{leak: 1e7 Tohm, stray-gain: 0, qrce: {potential: 0.1 V}, meniscus: {spread: 0}}", 1);
    potential(&f, -0.3);
    assert_true(approach(&f, 0, 0, 1e-6));
    world_control(f.w, CELL_OPEN, 0, 0, 0);
    wait_s(&f, 5);
    assert_float_equal(end_potential(&f), -0.55, 1e-4); /* versus the reference, which is at 0.1 V */
    fixture_close(&f);
}

static void test_corrosion_follows_both_tafel_laws(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(
        &f, STEEL,
        "{leak: 1e7 Tohm, stray-gain: 0, qrce: {potential: 0 V}, resistance: 1 ohm, meniscus: {spread: 0}}",
        1);
    potential(&f, -0.45);
    assert_true(approach(&f, 0, 0, 1e-6));
    static const double off[] = {0.06, -0.12, 0.18};
    for (int k = 0; k < 3; k++) {
        potential(&f, -0.45 + off[k]);
        wait_s(&f, 0.01);
        take(&f);
        wait_s(&f, 0.1);
        double i = 10 * AREA * (pow(10, off[k] / 0.06) - pow(10, -off[k] / 0.12)); /* 1 mA/cm2 = 10 A/m2 */
        assert_float_equal(take(&f) / 0.1 * 1e12, i * 1e12, fabs(i) * 1e9);
    }
    struct world_sweep s;
    assert_true(world_contact_sweep(f.w, 0, 0, 1, 1.5, &s));
    assert_true(s.q_sei == 0 && s.q_host == 0);
    fixture_close(&f);
}

static void test_regions_corrode_by_their_own_numbers(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(
        &f,
        STEEL "regions: [{name: passive, x: 20 um, y: 0 um, radius: 5 um, corrosion-potential: -0.1 V,\n"
              "           corrosion-density: 10 uA/cm2}, {name: other, x: 40 um, y: 0 um, radius: 5 um}]\n",
        "{qrce: {potential: 0 V}}", 1);
    static const double truth[] = {-0.45, -0.1, -0.45};
    for (int k = 0; k < 3; k++) {
        struct world_truth t;
        world_truth_at(f.w, k * 20e-6, 0, 0, &t);
        assert_int_equal(t.region, k);
        assert_float_equal(t.corrosion, truth[k], 1e-12);
    }
    fixture_close(&f);
}

static void test_a_fresh_host_is_filled_as_stated(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f,
                 CAPACITIVE "host: {kind: intercalation, exchange: 10 mA/cm2, potential: 4 V, slope: 0.2 V, "
                            "capacity: 5 mC/cm2, filling: 95 %}\n",
                 QUIET, 1);
    potential(&f, 0);
    assert_true(approach(&f, 0, 0, 1e-6));
    wait_s(&f, 1);
    take(&f);
    potential(&f, 1.8); /* 5 V: everything comes out */
    wait_s(&f, 5);
    struct world_sweep s;
    double out = 0;
    for (int k = 0; world_contact_sweep(f.w, 0, k, 1, 1.5, &s); k++)
        out += s.q_host;
    assert_float_equal(out * 1e12, 0.95 * 50 * AREA * 1e12, 0.01 * 50 * AREA * 1e12);
    fixture_close(&f);
}

static void test_binder_between_particles_stores_and_films_less(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(
        &f,
        "surface: {roughness: 0 nm, particles: {list: [{x: 0 um, y: 0 um, radius: 3 um, height: 1 um}, "
        "{x: 10 um, y: 0 um, radius: 3 um, height: 1 um, activity: 0.4}]}}\nedge-density: {spread: 0}\n"
        "wetting: {spread: 0}\nhost: {kind: intercalation}\nsei: {charge-spread: 0}\n"
        "double-layer: {spread: 0}\nbinder: {film: 25 %, host: 0, capacitance: 50 %}\n",
        "{}", 1);
    static const double activity[] = {1, 0.4, 0};
    struct world_truth t[3];
    double q[3];
    for (int k = 0; k < 3; k++) {
        world_truth_at(f.w, k * 10e-6, 0, 0, &t[k]);
        assert_float_equal(t[k].activity, activity[k], 0);
        world_truth_cv(f.w, k * 10e-6, 0, 3, 0.05, 1, 1, 0, 3, &q[k]);
    }
    assert_float_equal(t[2].capacitance / t[0].capacitance, 0.5, 1e-12);
    assert_float_equal(t[2].sei_charge_density / t[0].sei_charge_density, 0.25, 1e-12);
    assert_true(fabs(q[2] / q[0] - 0.25) < 0.02);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_air_a_step_passes_exactly_the_stray_charge),
        cmocka_unit_test(test_leak_follows_ohm),
        cmocka_unit_test(test_approach_changes_the_stray_capacitance),
        cmocka_unit_test(test_contact_charge_is_capacity_times_distance_from_zero_charge),
        cmocka_unit_test(test_growth_of_the_drop_charges_the_new_area),
        cmocka_unit_test(test_charge_taken_is_the_sum_of_its_parts),
        cmocka_unit_test(test_galvanostat_charges_the_capacitors_linearly),
        cmocka_unit_test(test_losing_the_drop_drives_to_compliance),
        cmocka_unit_test(test_open_circuit_relaxes_to_the_couple),
        cmocka_unit_test(test_compliance_passes_what_the_cell_takes),
        cmocka_unit_test(test_redox_wave_has_the_mass_transfer_form),
        cmocka_unit_test(test_oxidation_is_the_mirror_of_reduction),
        cmocka_unit_test(test_resistance_drops_potential_at_steady_current),
        cmocka_unit_test(test_trace_reduction_decays),
        cmocka_unit_test(test_blocked_probe_gives_no_contact_signal),
        cmocka_unit_test(test_reference_drifts_and_jumps),
        cmocka_unit_test(test_corrosion_sets_the_open_circuit),
        cmocka_unit_test(test_corrosion_follows_both_tafel_laws),
        cmocka_unit_test(test_regions_corrode_by_their_own_numbers),
        cmocka_unit_test(test_a_fresh_host_is_filled_as_stated),
        cmocka_unit_test(test_binder_between_particles_stores_and_films_less),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
