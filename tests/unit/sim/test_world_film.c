/* The film below the drop, insertion and plating: laws that an experiment is meant to find again. */
#include "world_fixture.h"

#include "sim/cell_film.h"
#include "sim/cell_host.h"

#define FLAT  "surface: {roughness: 0 nm}\ntrace: {density: 0 A/m2}\nedge-density: {spread: 0}\n"
#define PROBE "{leak: 1e7 Tohm, stray-gain: 0, meniscus: {spread: 0}}"

static const struct film_law LAW = {.onset = 1.2,
                                    .onset_current = 0.2,
                                    .tafel = 0.06,
                                    .saturation = 10,
                                    .blocking = 1.2,
                                    .residual = 0.5,
                                    .residual_scale = 1.5,
                                    .soluble = 0.4,
                                    .recovered = 0.3};

/* Sweep of a film from e0 to e1 in steps of dt; charge per area if the area is 1. */
static double sweep_film(struct film *f, const struct film_law *law, double e0, double e1, double rate,
                         double dt)
{
    int n = (int)lround(fabs(e1 - e0) / rate / dt);
    double q = 0;
    for (int i = 0; i < n; i++) {
        struct film_step s;
        film_try(f, law, e0 + (e1 - e0) * (i + 0.5) / n, dt, &s);
        film_commit(f, law, &s);
        q += s.charge;
    }
    return q;
}

static void test_film_charge_is_a_first_cycle_of_a_millicoulomb(void **state)
{
    (void)state;
    struct film f = {0};
    film_wet(&f, &LAW, 1);
    double first = sweep_film(&f, &LAW, 3, 0.05, 1, 1e-3);
    first += sweep_film(&f, &LAW, 0.05, 3, 1, 1e-3);
    double second = sweep_film(&f, &LAW, 3, 0.05, 1, 1e-3);
    second += sweep_film(&f, &LAW, 0.05, 3, 1, 1e-3);
    print_message("film: first cycle %.2f C/m2, second %.2f\n", first, second);
    assert_float_equal(first, -10.5, 0.7);
    assert_true(second < -0.05 && second > -0.2 * 10);
}

static void test_film_step_length_hardly_matters(void **state)
{
    (void)state;
    struct film fine = {0}, coarse = {0};
    film_wet(&fine, &LAW, 1);
    film_wet(&coarse, &LAW, 1);
    double a = sweep_film(&fine, &LAW, 2, 0.6, 1, 1e-4), b = sweep_film(&coarse, &LAW, 2, 0.6, 1, 5e-3);
    assert_float_equal(b / a, 1, 0.01);
}

static void test_film_step_slope_is_the_derivative(void **state)
{
    (void)state;
    struct film f = {0};
    film_wet(&f, &LAW, 1);
    sweep_film(&f, &LAW, 2, 1.0, 1, 1e-3);
    struct film_step s, up, down;
    film_try(&f, &LAW, 0.95, 1e-3, &s);
    film_try(&f, &LAW, 0.95 + 1e-5, 1e-3, &up);
    film_try(&f, &LAW, 0.95 - 1e-5, 1e-3, &down);
    assert_float_equal((up.charge - down.charge) / 2e-5 / s.slope, 1, 1e-4);
}

static void test_fresh_annulus_passes_its_own_first_cycle(void **state)
{
    (void)state;
    struct film small = {0}, grown = {0};
    film_wet(&small, &LAW, 1);
    double per_area = sweep_film(&small, &LAW, 2, 0.2, 1, 1e-3);
    film_wet(&grown, &LAW, 1);
    sweep_film(&grown, &LAW, 2, 0.2, 1, 1e-3);
    struct film old = grown;
    film_wet(&grown, &LAW, 1.7); /* the drop spread between the cycles */
    double both = sweep_film(&grown, &LAW, 2, 0.2, 1, 1e-3), alone = sweep_film(&old, &LAW, 2, 0.2, 1, 1e-3);
    assert_float_equal((both - alone) / (0.7 * per_area), 1, 1e-9);
}

static void test_growth_in_many_small_steps_dilutes_exactly(void **state)
{
    (void)state;
    struct film f = {0};
    film_wet(&f, &LAW, 1);
    sweep_film(&f, &LAW, 2, 0.2, 1, 1e-3);
    double charge = film_charge(&f);
    for (double a = 1; a < 9; a += 0.003)
        film_wet(&f, &LAW, a);
    assert_true(f.n > 20 && f.n <= FILM_RINGS);
    assert_float_equal(film_charge(&f) / charge, 1, 1e-12);
    assert_float_equal(f.ring[0].charge, charge - f.ring[0].thick, 1e-9); /* old area keeps what it has */
}

static void test_film_dissolves_only_when_asked(void **state)
{
    (void)state;
    struct film_law soluble = LAW;
    soluble.dissolve_rate = 1;
    soluble.dissolve_above = 1.6;
    struct film stays = {0}, goes = {0};
    film_wet(&stays, &LAW, 1);
    film_wet(&goes, &soluble, 1);
    sweep_film(&stays, &LAW, 2, 0.2, 1, 1e-3);
    sweep_film(&goes, &soluble, 2, 0.2, 1, 1e-3);
    double before = film_charge(&goes);
    assert_float_equal(sweep_film(&stays, &LAW, 2, 3, 1, 1e-3), 0, 1e-12);
    double back = sweep_film(&goes, &soluble, 2, 3, 1, 1e-3), lost = before - film_charge(&goes);
    assert_true(lost > 0.2 * 0.4 * before && lost < 0.41 * before);
    assert_float_equal(back, 0.3 * lost, 1e-9);
    double again = sweep_film(&goes, &soluble, 2, 0.2, 1, 1e-3),
           passive = sweep_film(&stays, &LAW, 2, 0.2, 1, 1e-3);
    assert_true(again < 2 * passive); /* it forms again: more negative */
}

/* Charge of film, per final wetted area, of a site cycled to `cutoff`; the wetted diameter is returned too.
 */
static double null_site(double cutoff, double *diameter)
{
    struct fixture f;
    fixture_open(&f,
                 FLAT
                 "wetting: {spread: 0, ratio: 1.4, low-below: 1.4 V, low-gain: 0.6, fast: 5 ms}\n"
                 "sei: {charge: 1 mC/cm2, charge-edge: 0, charge-spread: 0, onset: 2.2 V, onset-edge: 2.2 V, "
                 "onset-spread: 0 V, tafel: 40 mV, blocking: 50 %, residual: 0}\n",
                 PROBE, 5);
    potential(&f, -0.2);
    assert_true(approach(&f, 0, 0, 1e-6));
    wait_s(&f, 0.5);
    for (int i = 0; i < 3; i++) {
        ramp(&f, -0.2, cutoff - 3.2, 1, 2e-3);
        ramp(&f, cutoff - 3.2, -0.2, 1, 2e-3);
    }
    ramp(&f, -0.2, 1.0 - 3.2, 1, 2e-3); /* what was wetted last completes its film above 1 V */
    struct world_contact_info c;
    world_contact(f.w, 0, &c);
    fixture_close(&f);
    *diameter = c.wetted_diameter;
    return c.film_charge / (M_PI / 4 * c.wetted_diameter * c.wetted_diameter);
}

static void test_null_sample_has_the_same_film_per_area_at_any_cutoff(void **state)
{
    (void)state;
    double d_high, d_low, high = null_site(1.0, &d_high), low = null_site(0.05, &d_low);
    print_message("null sample: %.3f and %.3f C/m2, diameters %.0f and %.0f nm\n", high, low, d_high * 1e9,
                  d_low * 1e9);
    assert_true(d_low > 1.3 * d_high); /* the wetting does depend on it */
    assert_float_equal(low / high, 1, 0.01);
}

static void test_truth_cv_agrees_with_a_simulated_one(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, "trace: {density: 0 A/m2}\nwetting: {compression: 0}\n", "{qrce: {potential: 3.2 V}}",
                 31);
    for (int i = 0; i < 4; i++) {
        double x = 5e-6 * i, predicted[3], windowed[3];
        potential(&f, -0.2);
        assert_true(approach(&f, x, 0, 0.5e-6));
        wait_s(&f, 0.5);
        for (int k = 0; k < 3; k++) {
            ramp(&f, -0.2, -3.15, 1, 2e-3);
            ramp(&f, -3.15, -0.2, 1, 2e-3);
        }
        world_truth_cv(f.w, x, 0, 3.0, 0.05, 1, 3, -1, 3, predicted);
        world_truth_cv(f.w, x, 0, 3.0, 0.05, 1, 3, 1.0, 1.5, windowed);
        struct world_sweep s;
        int cycle = 0;
        for (int k = 0; world_contact_sweep(f.w, i, k, 1.0, 1.5, &s); k++) {
            if (!s.reducing || s.e_to > 0.1)
                continue;
            print_message("site %d cycle %d: predicted %.4f pC (window %.4f), passed %.4f (%.4f)\n", i, cycle,
                          predicted[cycle] * 1e12, windowed[cycle] * 1e12, s.q_sei * 1e12,
                          s.q_sei_window * 1e12);
            assert_true(fabs(s.q_sei / predicted[cycle] - 1) < 0.02);
            assert_true(fabs(s.q_sei_window - windowed[cycle]) < 0.02 * fabs(windowed[0]));
            cycle++;
        }
        assert_int_equal(cycle, 3);
        retract(&f, 3e-6, 5e-6);
    }
    fixture_close(&f);
}

static void test_more_edges_give_more_charge_and_better_passivation(void **state)
{
    (void)state;
    double first[2], ratio[2];
    for (int i = 0; i < 2; i++) {
        char text[300];
        snprintf(text, sizeof text,
                 "surface: {roughness: 0 nm}\nwetting: {spread: 0}\nedge-density: {mean: %s, spread: 0}\n"
                 "sei: {charge-spread: 0, onset-spread: 0 V}\n",
                 i ? "0.9" : "0.1");
        struct world *w = world_from(text, "{}", 3);
        assert_non_null(w);
        double q[2];
        world_truth_cv(w, 0, 0, 3, 0.05, 1, 2, -1, 3, q);
        first[i] = q[0];
        ratio[i] = q[1] / q[0];
        world_free(w);
    }
    print_message("edges 0.1: %.2f pC, r2 %.3f; edges 0.9: %.2f pC, r2 %.3f\n", first[0] * 1e12, ratio[0],
                  first[1] * 1e12, ratio[1]);
    assert_true(first[1] < 1.5 * first[0]);
    assert_true(ratio[1] < 0.7 * ratio[0]);
    assert_true(first[0] < -0.5e-12 && first[1] > -10e-12);
}

static void test_a_revisited_spot_keeps_its_film(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, FLAT "wetting: {spread: 0}\n", PROBE, 2);
    double q[2];
    for (int i = 0; i < 2; i++) {
        potential(&f, -0.2);
        assert_true(approach(&f, 0, 0, 1e-6));
        wait_s(&f, 0.5);
        ramp(&f, -0.2, -3.1, 1, 2e-3);
        ramp(&f, -3.1, -0.2, 1, 2e-3);
        retract(&f, 3e-6, 5e-6);
        struct world_sweep s;
        q[i] = 0;
        for (int k = 0; world_contact_sweep(f.w, i, k, 1, 2, &s); k++)
            q[i] += s.q_sei;
    }
    assert_true(q[0] < -1e-12);
    assert_true(fabs(q[1]) < 0.3 * fabs(q[0]));
    assert_int_equal(world_counters(f.w).revisited, 1);
    fixture_close(&f);
}

static const struct host_law INSERTION = {
    .kind = HOST_INTERCALATION, .exchange = 10, .potential = 0.12, .slope = 0.02, .capacity = 50};

static void test_insertion_reaches_its_equilibrium(void **state)
{
    (void)state;
    struct host h = {0};
    host_wet(&h, &INSERTION, 1);
    double e = 0.14, q = 0;
    for (int i = 0; i < 200000; i++) {
        struct host_step s;
        host_try(&h, &INSERTION, e, 1e-3, &s);
        host_commit(&h, &s);
        q += s.charge;
    }
    double u = 0.12 - 0.02 * (h.stored - 0.5);
    assert_float_equal(h.stored / (1 - h.stored), exp(-38.92 * (e - u)), 1e-6);
    assert_float_equal(q, -50 * h.stored, 1e-9);
}

static void test_host_slopes_are_derivatives(void **state)
{
    (void)state;
    static const struct host_law plating = {
        .kind = HOST_PLATING, .exchange = 10, .nucleation = 0.1, .nucleation_rate = 10, .efficiency = 0.9};
    const struct host_law *law[] = {&INSERTION, &plating};
    static const double e[] = {0.1, 0.05, -0.05};
    for (int i = 0; i < 6; i++) {
        struct host h = {.stored = 0.4, .cover = 0.3, .area = 2};
        struct host_step s, up, down;
        host_try(&h, law[i % 2], e[i / 2], 1e-2, &s);
        host_try(&h, law[i % 2], e[i / 2] + 1e-6, 1e-2, &up);
        host_try(&h, law[i % 2], e[i / 2] - 1e-6, 1e-2, &down);
        assert_float_equal((up.charge - down.charge) / 2e-6 / s.slope, 1, 1e-5);
    }
}

/* Runs a galvanostatic step for `t` seconds and stores the potential versus Li/Li+ every 10 ms. */
static int galvanostatic(struct fixture *f, double current, double t, double *e)
{
    world_control(f->w, CELL_GALVANOSTAT, current, -4, 1);
    int n = (int)lround(t / 0.01);
    for (int i = 0; i < n; i++) {
        struct cell_reading r;
        wait_s(f, 0.01);
        world_take(f->w, &r);
        e[i] = r.potential + 3.2;
    }
    return n;
}

static void test_galvanostatic_insertion_shows_a_plateau(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f,
                 FLAT "wetting: {spread: 0, ratio: 1, compression: 0}\nsei: {charge: 0 C/m2}\n"
                      "host: {kind: intercalation, capacity: 10 mC/cm2, potential: 0.12 V, slope: 0.02 V}\n",
                 PROBE, 2);
    potential(&f, 0.3 - 3.2);
    assert_true(approach(&f, 0, 0, 1e-6));
    wait_s(&f, 1);
    static double e[2000];
    galvanostatic(&f, -1e-12, 10, e); /* 12.6 pC fill it */
    assert_float_equal(e[500], 0.11, 0.04);
    assert_true(fabs(e[700] - e[300]) < 0.06);
    galvanostatic(&f, 1e-12, 15, e);
    assert_float_equal(e[500], 0.13, 0.04);
    assert_true(e[1499] > 0.5); /* emptied */
    fixture_close(&f);
}

static void test_plating_shows_nucleation_then_a_plateau_and_strips(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f,
                 FLAT "wetting: {spread: 0, ratio: 1, compression: 0}\nsei: {charge: 0 C/m2}\n"
                      "host: {kind: plating, exchange: 10 mA/cm2, efficiency: 80 %}\n",
                 PROBE, 2);
    potential(&f, 0.1 - 3.2);
    assert_true(approach(&f, 0, 0, 1e-6));
    wait_s(&f, 1);
    static double e[2000];
    galvanostatic(&f, -2e-12, 5, e);
    double dip = 0;
    for (int i = 0; i < 500; i++)
        dip = fmin(dip, e[i]);
    print_message("plating: dip %.1f mV, plateau %.1f mV\n", dip * 1e3, e[499] * 1e3);
    assert_true(dip < -0.07);
    assert_true(e[499] > dip + 0.04 && e[499] < 0);
    int n = galvanostatic(&f, 2e-12, 6, e), end = n;
    for (int i = n - 1; i >= 0 && e[i] > 0.3; i--)
        end = i;
    assert_float_equal(end * 0.01, 4, 0.2); /* 80 % of 5 s can be stripped */
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_film_charge_is_a_first_cycle_of_a_millicoulomb),
        cmocka_unit_test(test_film_step_length_hardly_matters),
        cmocka_unit_test(test_film_step_slope_is_the_derivative),
        cmocka_unit_test(test_fresh_annulus_passes_its_own_first_cycle),
        cmocka_unit_test(test_growth_in_many_small_steps_dilutes_exactly),
        cmocka_unit_test(test_film_dissolves_only_when_asked),
        cmocka_unit_test(test_null_sample_has_the_same_film_per_area_at_any_cutoff),
        cmocka_unit_test(test_truth_cv_agrees_with_a_simulated_one),
        cmocka_unit_test(test_more_edges_give_more_charge_and_better_passivation),
        cmocka_unit_test(test_a_revisited_spot_keeps_its_film),
        cmocka_unit_test(test_insertion_reaches_its_equilibrium),
        cmocka_unit_test(test_host_slopes_are_derivatives),
        cmocka_unit_test(test_galvanostatic_insertion_shows_a_plateau),
        cmocka_unit_test(test_plating_shows_nucleation_then_a_plateau_and_strips),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
