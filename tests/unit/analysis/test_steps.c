/* Features of steps of several segments and of steps that are played several times. Wanted values come from
 * the formulas in the comments, not from the code under test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "unit/analysis/synth.h"

#include "analysis/flatjson.h"
#include "analysis/registry.h"

static void near(double got, double wanted, double tolerance)
{
    if (!(fabs(got - wanted) <= tolerance))
        fail_msg("%.12g is not within %.3g of %.12g", got, tolerance, wanted);
}

static double value_of(const struct features *f, const char *name, int cycle)
{
    const struct results_feature *row = synth_find(f, name, cycle);
    if (!row)
        fail_msg("no row %s@%d", name, cycle);
    if (row->missing[0])
        fail_msg("%s@%d is missing: %s", name, cycle, row->missing);
    return row->value;
}

static void missing_because(const struct features *f, const char *name, int cycle, const char *part)
{
    const struct results_feature *row = synth_find(f, name, cycle);
    if (!row)
        fail_msg("no row %s@%d", name, cycle);
    if (!isnan(row->value) || !strstr(row->missing, part))
        fail_msg("%s@%d = %g, missing `%s`, wanted `%s`", name, cycle, row->value, row->missing, part);
}

/* Rows being made. */
struct rows {
    struct wave_row *row;
    int n;
    double t; /* s */
};

static void put(struct rows *r, double dt, double e, double i, int cycle, int sweep)
{
    if ((r->n & (r->n - 1)) == 0) /* full: its room is the next power of two */
        r->row = xrealloc(r->row, (size_t)(r->n ? 2 * r->n : 1) * sizeof *r->row);
    r->t += dt;
    r->row[r->n++] = synth_row(r->t, e, i, cycle, sweep);
}

static struct results_step step_of(const char *kind, const char *name, int64_t id, const char *settings)
{
    struct results_step s = {.id = id, .attempt = 7, .site = 3, .index = (int)id};
    snprintf(s.phase, sizeof s.phase, "step");
    snprintf(s.name, sizeof s.name, "%s", name);
    snprintf(s.kind, sizeof s.kind, "%s", kind);
    snprintf(s.settings, sizeof s.settings, "%s", settings);
    return s;
}

static void compute(const struct results_step *step, const struct rows *r, struct features *out)
{
    struct synth_cv s = synth_default();
    struct analysis_settings settings = synth_settings();
    struct results_attempt attempt = synth_attempt(&s, 0);
    struct feature_step f = {step, r->row, r->n};
    struct feature_attempt a = {.attempt = &attempt, .step = &f, .n_steps = 1, .wiring = synth_wiring};
    features_of_attempt(&a, &settings, out);
}

/* --- voltammograms ------------------------------------------------------------------------------------- */

#define C_DL 30e-15

/* One ramp of a staircase: the first sample lies at its start, where nothing is charged. */
static void ramp(struct rows *r, double from, double to, double rate, double q, int cycle, int sweep)
{
    struct synth_cv s = synth_default();
    int n = (int)(fabs(to - from) / s.step + 0.5), sign = to > from ? 1 : -1;
    for (int k = 0; k <= n; k++) {
        double e = from + sign * k * s.step, way = k ? sign * rate : 0;
        double i =
            s.offset + s.leak * (e - 2.5) + (s.stray + C_DL) * way + q * rate * synth_bump(e, 1.0, 1.5);
        put(r, s.step / rate, e, i, cycle, sweep);
    }
}

/* 3 -> 0.1 -> 2 -> 0.5 -> 3 V at 1 V/s, then again at 0.25 V/s, then to 2.5 V. The film grows in the first
 * pass of each cycle. What is put in per cycle: film q, double layer C_DL x (potential there and back) = 0.
 */
static void four_vertices_and_two_rates(void **unused)
{
    (void)unused;
    static const double vertex[] = {0.1, 2, 0.5, 3}, rate[] = {1, 0.25}, q[] = {-2e-12, -0.6e-12};
    struct rows r = {0};
    struct features f = {0};
    for (int c = 0; c < 2; c++)
        for (int k = 0; k < 4; k++)
            ramp(&r, k ? vertex[k - 1] : 3, vertex[k], rate[c], k ? 0 : q[c], c + 1, k);
    ramp(&r, 3, 2.5, rate[1], 0, 2, 4);
    struct results_step step =
        step_of("cv", "formation", 11,
                "{\"start\":3,\"vertices\":[0.1,2,0.5,3],\"end\":2.5,\"rate\":1,\"rates\":[1,0.25],"
                "\"step\":0.002,\"cycles\":2}");
    compute(&step, &r, &f);
    for (int c = 1; c <= 2; c++) {
        /* Window 1.5 -> 1.0 V: double layer C x 0.5 V. */
        near(value_of(&f, "q_sei", c), q[c - 1] - C_DL * 0.5, 2e-16);
        near(value_of(&f, "q_sei_film", c), q[c - 1], 3e-16);
        near(value_of(&f, "c_dl", c), C_DL, 1e-17);
        near(value_of(&f, "c_dl_pass", c), C_DL, 1e-17);
        near(value_of(&f, "q_net", c), q[c - 1] - (c == 2 ? C_DL * 0.5 : 0), 3e-16);
        near(value_of(&f, "e_peak_red", c), 1.25, 1e-3);
    }
    near(value_of(&f, "sei_film_ratio", 2), 0.3, 2e-4);
    near(value_of(&f, "sei_charge_ratio", 2), (0.6e-12 + C_DL * 0.5) / (2e-12 + C_DL * 0.5), 2e-4);
    features_free(&f);
    /* Cut short in the second cycle: the first one stays, the second is not complete. */
    r.n -= 1600;
    compute(&step, &r, &f);
    near(value_of(&f, "q_net", 1), q[0], 3e-16);
    missing_because(&f, "q_net", 2, "not complete");
    features_free(&f);
    free(r.row);
}

/* Vertices in another order: the pass over the window is not the first falling leg, nor is it before the
 * rising one at which the cycle ends. */
static void the_window_is_taken_from_the_pass_that_covers_it(void **unused)
{
    (void)unused;
    static const double vertex[] = {2, 3, 0.1, 3};
    struct rows r = {0};
    struct features f = {0};
    for (int k = 0; k < 4; k++)
        ramp(&r, k ? vertex[k - 1] : 3, vertex[k], 1, k == 2 ? -1e-12 : 0, 1, k);
    struct results_step step =
        step_of("cv", "formation", 11,
                "{\"start\":3,\"vertices\":[2,3,0.1,3],\"rate\":1,\"step\":0.002,\"cycles\":1}");
    compute(&step, &r, &f);
    near(value_of(&f, "q_sei", 1), -1e-12 - C_DL * 0.5, 2e-16);
    near(value_of(&f, "q_net", 1), -1e-12, 3e-16);
    near(value_of(&f, "c_dl", 1), C_DL, 1e-17);
    features_free(&f);
    free(r.row);
}

/* The cycles of one stored step, and the same as three steps with pauses in between: the passes of a repeat.
 */
static void passes_are_cycles_of_one_voltammogram(void **unused)
{
    (void)unused;
    struct synth_cv s = synth_default();
    struct analysis_settings settings = synth_settings();
    struct results_attempt attempt = synth_attempt(&s, 1e-15);
    struct features whole = {0}, parts = {0};
    int n = 0;
    s.noise = 0.1e-12;
    synth_features(&s, &settings, &attempt, &whole);
    struct wave_row *rows = synth_cv_rows(&s, &n);
    struct results_step step[5];
    struct feature_step f[5];
    for (int k = 0; k < 3; k++) {
        step[2 * k] = synth_cv_step(&s, "formation");
        step[2 * k].id = 20 + k;
        f[2 * k] = (struct feature_step){&step[2 * k], rows + n / 3 * k, n / 3};
        if (k == 2)
            break;
        step[2 * k + 1] = step_of("hold", "repeat1", 30 + k, "{}");
        snprintf(step[2 * k + 1].phase, sizeof step[0].phase, "gate");
        f[2 * k + 1] = (struct feature_step){&step[2 * k + 1], rows, 10};
    }
    struct feature_attempt a = {.attempt = &attempt, .step = f, .n_steps = 5, .wiring = synth_wiring};
    features_of_attempt(&a, &settings, &parts);
    assert_int_equal(parts.n, whole.n);
    for (int k = 0; k < whole.n; k++) {
        const struct results_feature *w = &whole.row[k], *p = NULL;
        for (int j = 0; j < parts.n; j++)
            if (strcmp(parts.row[j].name, w->name) == 0 && parts.row[j].cycle == w->cycle)
                p = &parts.row[j];
        assert_non_null(p);
        assert_string_equal(p->step_name, w->step_name);
        assert_string_equal(p->missing, w->missing);
        if (w->cycle)
            assert_int_equal(p->step, 19 + w->cycle);
        /* The noise is learnt from each part by itself, and the peak is judged by it. */
        if (isfinite(w->value))
            near(p->value, w->value, 1e-9 * fabs(w->value) + 1e-20 + (strncmp(w->name, "e_", 2) ? 0 : 2e-3));
        if (isfinite(w->uncertainty))
            near(p->uncertainty, w->uncertainty, 0.2 * w->uncertainty);
    }
    features_free(&parts);
    /* Without the first pass nothing is relative to it. */
    a.step = f + 2;
    a.n_steps = 3;
    features_of_attempt(&a, &settings, &parts);
    assert_null(synth_find(&parts, "q_sei", 1));
    near(value_of(&parts, "q_sei", 2), value_of(&whole, "q_sei", 2), 1e-18);
    missing_because(&parts, "sei_charge_ratio", 2, "cycle 1 is missing");
    features_free(&parts);
    /* One name alone, as a condition asks for it; or the site's alone. */
    a.only = "other";
    features_of_attempt(&a, &settings, &parts);
    assert_int_equal(parts.n, 0);
    a.only = "";
    features_of_attempt(&a, &settings, &parts);
    assert_non_null(synth_find(&parts, "contact_z", 0));
    assert_null(synth_find(&parts, "q_sei", 2));
    features_free(&parts);
    features_free(&whole);
    free(rows);
}

/* i = i_lim / (1 + exp((E - E_half) / w)), w = RT/F = 25.69 mV at 298.15 K, falling from 3 to 2 V. Parts p of
 * the plateau at E_half - w ln(p / (1 - p)): NumPy: 0.0256926 * np.log(3) = 28.226 mV. */
static void a_single_sweep_finds_the_wave(void **unused)
{
    (void)unused;
    struct synth_cv s = synth_default();
    struct rng rng = rng_stream(11, "test.wave");
    struct rows r = {0};
    struct features f = {0};
    double w = 25.6926e-3;
    for (int k = 0; k <= 500; k++) {
        double e = 3 - k * 2e-3, wave = -20e-12 / (1 + exp((e - 2.5) / w));
        double way = k ? -1 : 0;
        double i = s.offset + s.leak * (e - 2.5) + (s.stray + C_DL) * way + wave +
                   0.05e-12 * rng_normal(rng, (uint64_t)k, 0, 0);
        put(&r, 2e-3, e, i, 2, 0);
    }
    struct results_step step =
        step_of("lsv", "sweep", 11, "{\"start\":3,\"end\":2,\"rate\":1,\"step\":0.002,\"interval\":0.002}");
    compute(&step, &r, &f);
    near(value_of(&f, "i_lim", 2), -20e-12, 0.05e-12);
    near(value_of(&f, "e_half", 2), 2.5, 1e-3);
    near(value_of(&f, "e_quarter", 2), 2.5 + 28.226e-3, 1e-3);
    near(value_of(&f, "e_three_quarters", 2), 2.5 - 28.226e-3, 1e-3);
    near(value_of(&f, "q_net", 2), -20e-12 * 0.5 - C_DL * 1, 8e-15); /* symmetric about the middle */
    missing_because(&f, "i_peak_red", 2, "no peak");
    assert_null(synth_find(&f, "i_peak_ox", 2));
    assert_null(synth_find(&f, "c_dl", 2));
    double sd = synth_find(&f, "e_half", 2)->uncertainty;
    assert_true(sd > 1e-6 && sd < 1e-3);
    features_free(&f);
    /* Not to its end. */
    r.n = 300;
    compute(&step, &r, &f);
    missing_because(&f, "e_half", 2, "not complete");
    features_free(&f);
    free(r.row);
}

static void a_single_sweep_finds_the_peak(void **unused)
{
    (void)unused;
    struct rows r = {0};
    struct features f = {0};
    ramp(&r, 3, 0.1, 1, -2e-12, 1, 0);
    struct results_step step =
        step_of("lsv", "formation", 11, "{\"start\":3,\"end\":0.1,\"rate\":1,\"step\":0.002}");
    compute(&step, &r, &f);
    near(value_of(&f, "e_peak_red", 1), 1.25, 1e-3);
    near(value_of(&f, "i_peak_red", 1), 2 * -2e-12 / 0.5 - C_DL, 2e-14);
    near(value_of(&f, "q_red", 1), -2e-12 - C_DL * 2.9, 3e-16);
    missing_because(&f, "e_half", 1, "no wave");
    features_free(&f);
    free(r.row);
}

/* 3 -> 2 -> 3 V, 20 mV steps at 10 V/s, 1100 times: every cycle has its features, and of those that go over
 * the cycles each one beyond the last that is followed says so. As labelled by the instrument, and cut by its
 * turns alone. */
static void no_cycle_is_lost(void **unused)
{
    (void)unused;
    enum { CYCLES = 1100, HALF = 50 };
    for (int labelled = 0; labelled < 2; labelled++) {
        struct rows r = {0};
        struct features f = {0};
        for (int k = 0; k < 2 * HALF * CYCLES; k++) {
            int in = k % (2 * HALF), sweep = in / HALF, cycle = k / (2 * HALF) + 1;
            double e = sweep ? 2 + 0.02 * (in - HALF + 1) : 3 - 0.02 * (in + 1), way = sweep ? 10 : -10;
            struct synth_cv s = synth_default();
            put(&r, 2e-3, e, s.offset + s.leak * (e - 2.5) + (s.stray + C_DL) * way, labelled ? cycle : 1,
                labelled ? sweep : 0);
        }
        struct results_step step = step_of("cv", "formation", 11,
                                           "{\"start\":3,\"vertex0\":2,\"vertex1\":3,\"rate\":10,"
                                           "\"step\":0.02,\"cycles\":1100,\"interval\":0.002}");
        compute(&step, &r, &f);
        near(value_of(&f, "c_dl", 1), C_DL, 1e-16);
        near(value_of(&f, "c_dl", CYCLES), C_DL, 1e-16);
        near(value_of(&f, "q_net", CYCLES), 0, labelled ? 1e-17 : 1e-14);
        int rows = 0;
        for (int k = 0; k < f.n; k++)
            rows += strcmp(f.row[k].name, "q_red_raw") == 0;
        assert_int_equal(rows, CYCLES);
        near(value_of(&f, "c_dl_pass", 100), C_DL, 1e-16);
        missing_because(&f, "c_dl_pass", 101, "only the first 100 cycles");
        missing_because(&f, "sei_film_ratio", CYCLES, "only the first 100 cycles");
        features_free(&f);
        free(r.row);
    }
}

/* --- constant current ---------------------------------------------------------------------------------- */

/* Cycle c: -2 pA for 10 - c s from 3 to 1 V, then 1 pA for 16 - c s from 1.2 to 2.6 V, linear. */
static void reversed_currents_are_told_per_cycle(void **unused)
{
    (void)unused;
    struct rows r = {0};
    struct features f = {0};
    for (int c = 1; c <= 3; c++)
        for (int half = 0; half < 2; half++) {
            int n = half ? 100 * (16 - c) : 100 * (10 - c);
            r.t += 0.05; /* the cell is open while the current is turned */
            for (int k = 1; k <= n; k++)
                put(&r, 0.01, half ? 1.2 + 1.4 * k / n : 3 - 2.0 * k / n, half ? 1e-12 : -2e-12, c, half);
        }
    struct results_step step = step_of("galvanostatic", "cycling", 11,
                                       "{\"currents\":[-2e-12,1e-12],\"cycles\":3,\"interval\":0.01}");
    compute(&step, &r, &f);
    for (int c = 1; c <= 3; c++) {
        near(value_of(&f, "capacity", c), 2e-12 * (10 - c), 1e-16);
        near(value_of(&f, "capacity_back", c), 1e-12 * (16 - c), 1e-16);
        near(value_of(&f, "coulombic_efficiency", c), (16.0 - c) / (2 * (10.0 - c)), 1e-6);
        near(value_of(&f, "e_mean", c), 2, 2e-3); /* mean of a line from 3 to 1 */
        near(value_of(&f, "e_mean_back", c), 1.9, 2e-3);
        near(value_of(&f, "e_cutoff", c), 1, 1e-9);
        near(value_of(&f, "e_cutoff_back", c), 2.6, 1e-9);
        near(value_of(&f, "t_cutoff", c), 10 - c, 1e-6);
        near(value_of(&f, "t_cutoff_back", c), 16 - c, 1e-6);
        near(value_of(&f, "ir_step_back", c), 1.2 + 1.4 / (100 * (16 - c)) - 1, 1e-9);
    }
    assert_null(synth_find(&f, "capacity", 0));
    missing_because(&f, "ir_step", 1, "no step before");
    features_free(&f);
    r.n -= 1300; /* the third half back is gone */
    compute(&step, &r, &f);
    near(value_of(&f, "capacity", 3), 14e-12, 1e-16);
    missing_because(&f, "capacity_back", 3, "not recorded");
    missing_because(&f, "coulombic_efficiency", 3, "half");
    near(value_of(&f, "capacity_back", 2), 14e-12, 1e-16);
    features_free(&f);
    free(r.row);
}

/* Oxidation first, +2 pA for 1 s, then -2 pA for 0.5 s: half of what was taken comes back. */
static void what_is_given_back_is_of_the_second_half(void **unused)
{
    (void)unused;
    struct rows r = {0};
    struct features f = {0};
    for (int k = 1; k <= 15; k++)
        put(&r, 0.1, k <= 10 ? 2 + 0.1 * k : 3 - 0.1 * k, k <= 10 ? 2e-12 : -2e-12, 1, k > 10);
    struct results_step step =
        step_of("galvanostatic", "gs", 11, "{\"currents\":[2e-12,-2e-12],\"cycles\":1,\"interval\":0.1}");
    compute(&step, &r, &f);
    near(value_of(&f, "capacity", 1), 2e-12, 1e-20);
    near(value_of(&f, "t_cutoff", 1), 1, 1e-9);
    near(value_of(&f, "t_cutoff_back", 1), 0.5, 1e-9);
    near(value_of(&f, "coulombic_efficiency", 1), 0.5, 1e-9);
    assert_string_equal(synth_find(&f, "coulombic_efficiency", 1)->method, "capacity_back / capacity");
    features_free(&f);
    r.n = 10;
    compute(&step, &r, &f);
    assert_string_equal(synth_find(&f, "coulombic_efficiency", 1)->method, "capacity_back / capacity");
    features_free(&f);
    free(r.row);
}

/* --- pulses, holds, rests ------------------------------------------------------------------------------ */

/* i = a exp(-t / tau) + b at the level; samples are means over their interval, so that the charge of n of
 * them is a tau (1 - exp(-n dt / tau)) + b n dt exactly. */
static void pulses_are_told_per_level(void **unused)
{
    (void)unused;
    struct rows r = {0};
    struct features f = {0};
    static const double a[2] = {-30e-12, 30e-12}, b[2] = {-2e-12, 0.5e-12};
    double tau = 5e-3, dt = 1e-3;
    for (int c = 1; c <= 4; c++)
        for (int j = 0; j < 2; j++)
            for (int k = 0; k < 100; k++)
                put(&r, dt, j ? 3 : 2,
                    c * (a[j] * tau * (exp(-k * dt / tau) - exp(-(k + 1) * dt / tau)) / dt + b[j]), c, j);
    struct results_step step = step_of(
        "pulse", "pulse1", 11, "{\"potentials\":[2,3],\"duration\":0.1,\"cycles\":4,\"interval\":0.001}");
    compute(&step, &r, &f);
    for (int c = 1; c <= 4; c++)
        for (int j = 0; j < 2; j++) {
            char end[16], charge[16];
            snprintf(end, sizeof end, "i_end_%d", j + 1);
            snprintf(charge, sizeof charge, "charge_%d", j + 1);
            near(value_of(&f, end, c), c * b[j], 1e-18);
            near(value_of(&f, charge, c), c * (a[j] * tau * (1 - exp(-0.1 / tau)) + b[j] * 0.1), 1e-19);
        }
    assert_null(synth_find(&f, "e_end_1", 1));
    features_free(&f);
    free(r.row);
}

/* The same current as the first level of pulses_are_told_per_level(), as a hold and as a pulse. NumPy:
 * k = np.arange(100); np.sum(-30e-12 * 5 * (np.exp(-k / 5) - np.exp(-(k + 1) / 5)) - 2e-12) * 1e-3 =
 * -3.5e-13 C; half of the first sample is 14.6 fC of it. White noise of 0.1 pA adds
 * 0.1e-12 * np.sqrt(100) * 1e-3 = 1 fC. */
static void a_hold_and_a_pulse_tell_the_same_charge(void **unused)
{
    (void)unused;
    struct rng rng = rng_stream(12, "test.hold");
    struct rows r = {0};
    struct features f = {0};
    for (int k = 0; k < 100; k++)
        put(&r, 1e-3, 2, -30e-12 * 5 * (exp(-k / 5.0) - exp(-(k + 1) / 5.0)) - 2e-12, 1, 0);
    struct results_step hold = step_of("hold", "soak", 11, "{\"potential\":2,\"interval\":0.001}");
    struct results_step pulse =
        step_of("pulse", "pulse1", 11, "{\"potentials\":[2],\"duration\":0.1,\"interval\":0.001}");
    compute(&hold, &r, &f);
    near(value_of(&f, "charge", 0), -3.5e-13, 1e-20);
    double charge = value_of(&f, "charge", 0);
    features_free(&f);
    compute(&pulse, &r, &f);
    near(value_of(&f, "charge_1", 1), charge, 1e-25);
    features_free(&f);
    free(r.row);
    r = (struct rows){0};
    for (int k = 0; k < 100; k++)
        put(&r, 1e-3, 2, -2e-12 + 0.1e-12 * rng_normal(rng, (uint64_t)k, 0, 0), 1, 0);
    compute(&hold, &r, &f);
    near(synth_find(&f, "charge", 0)->uncertainty, 1e-15, 0.2e-15);
    features_free(&f);
    free(r.row);
}

static void current_pulses_end_at_a_potential(void **unused)
{
    (void)unused;
    struct rows r = {0};
    struct features f = {0};
    for (int c = 1; c <= 2; c++)
        for (int j = 0; j < 3; j++)
            for (int k = 1; k <= 50; k++)
                put(&r, 1e-2, 2 + j + 0.1 * c, (j - 1) * 1e-12, c, j);
    struct results_step step =
        step_of("pulse", "pulse1", 11,
                "{\"currents\":[-1e-12,0,1e-12],\"duration\":0.5,\"cycles\":2,\"interval\":0.01}");
    compute(&step, &r, &f);
    near(value_of(&f, "e_end_1", 2), 2.2, 1e-9);
    near(value_of(&f, "e_end_3", 1), 4.1, 1e-9);
    near(value_of(&f, "charge_3", 1), 0.5e-12, 1e-17);
    near(value_of(&f, "charge_1", 2), -0.5e-12, 1e-17);
    features_free(&f);
    free(r.row);
}

/* Ended early at 0.4 s; third pass of a repeat. */
static void a_hold_tells_when_it_ended(void **unused)
{
    (void)unused;
    struct rows r = {0};
    struct features f = {0};
    for (int k = 1; k <= 40; k++)
        put(&r, 0.01, 3, -5e-12, 3, 0);
    struct results_step step =
        step_of("hold", "soak", 11, "{\"potential\":3,\"interval\":0.01,\"first_cycle\":3}");
    snprintf(step.ended_by, sizeof step.ended_by, "current below 1e-11 A");
    compute(&step, &r, &f);
    near(value_of(&f, "t_end", 3), 0.4, 1e-9);
    near(value_of(&f, "i_end", 3), -5e-12, 1e-20);
    assert_non_null(strstr(synth_find(&f, "t_end", 3)->method, "current below"));
    features_free(&f);
    step = step_of("hold", "soak", 11, "{\"potential\":3,\"interval\":0.01}");
    compute(&step, &r, &f);
    near(value_of(&f, "t_end", 0), 0.4, 1e-9); /* played once: no cycles */
    features_free(&f);
    step = step_of("ocp", "relax", 11, "{\"interval\":0.01,\"duration\":20}");
    compute(&step, &r, &f);
    near(value_of(&f, "t_end", 0), 0.4, 1e-9);
    near(value_of(&f, "ocp_mean", 0), 3, 1e-9);
    features_free(&f);
    step = step_of("rest", "rest1", 11, "{\"interval\":0.01,\"duration\":20}");
    compute(&step, &r, &f);
    near(value_of(&f, "e_end", 0), 3, 1e-9);
    features_free(&f);
    free(r.row);
}

static void lists_are_read_from_settings(void **unused)
{
    (void)unused;
    double v[3] = {0};
    const char *text =
        "{\"a\":[1, -2.5e-3 ,3,4], \"b\":[], \"c\":7, \"d\":[1,\"x\"], \"e\":[[1]], \"f\":[5]}";
    assert_int_equal(flatjson_numbers(text, "a", v, 3), 4);
    assert_true(v[0] == 1 && v[1] == -2.5e-3 && v[2] == 3);
    assert_int_equal(flatjson_numbers(text, "b", v, 3), 0);
    assert_int_equal(flatjson_numbers(text, "c", v, 3), 0);
    assert_int_equal(flatjson_numbers(text, "d", v, 3), 0);
    assert_int_equal(flatjson_numbers(text, "e", v, 3), 0);
    assert_int_equal(flatjson_numbers(text, "f", v, 3), 1);
    assert_true(v[0] == 5);
    assert_int_equal(flatjson_numbers("{\"a\":[1,2", "a", v, 3), 0);
    assert_true(flatjson_or(text, "c", 0) == 7);
    assert_true(flatjson_or(text, "a", -1) == -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(four_vertices_and_two_rates),
        cmocka_unit_test(the_window_is_taken_from_the_pass_that_covers_it),
        cmocka_unit_test(passes_are_cycles_of_one_voltammogram),
        cmocka_unit_test(no_cycle_is_lost),
        cmocka_unit_test(a_single_sweep_finds_the_wave),
        cmocka_unit_test(a_single_sweep_finds_the_peak),
        cmocka_unit_test(reversed_currents_are_told_per_cycle),
        cmocka_unit_test(what_is_given_back_is_of_the_second_half),
        cmocka_unit_test(pulses_are_told_per_level),
        cmocka_unit_test(a_hold_and_a_pulse_tell_the_same_charge),
        cmocka_unit_test(current_pulses_end_at_a_potential),
        cmocka_unit_test(a_hold_tells_when_it_ended),
        cmocka_unit_test(lists_are_read_from_settings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
