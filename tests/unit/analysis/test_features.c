/* From stored rows to features: known charges come out, with honest uncertainties, or a reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "unit/analysis/synth.h"

#include "analysis/registry.h"
#include "base/quantity.h"

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

/* Without noise every charge is what was put in, through both signs, the offset of the reference and the
 * blank. */
static void known_charges_come_out(void **state)
{
    (void)state;
    struct synth_cv s = synth_default();
    struct analysis_settings settings = synth_settings();
    struct results_attempt attempt = synth_attempt(&s, 0);
    struct features f = {0};
    synth_features(&s, &settings, &attempt, &f);
    for (int c = 1; c <= 3; c++) {
        double dl = s.c_dl[c - 1] * 0.5;
        near(value_of(&f, "q_sei", c), s.q[c - 1] - dl, 2e-16);
        near(value_of(&f, "q_sei_film", c), s.q[c - 1], 2e-16);
        near(value_of(&f, "c_dl_pass", c), s.c_dl[c - 1], 1e-17);
        near(value_of(&f, "q_sei_per_cdl", c), s.q[c - 1] / s.c_dl[c - 1], 0.05);
    }
    near(value_of(&f, "sei_charge_ratio", 2), (0.6e-12 + 18e-15) / (2e-12 + 15e-15), 1e-4);
    near(value_of(&f, "sei_charge_ratio_cdl", 2), 0.3 / 1.2, 1e-4);
    near(value_of(&f, "sei_charge_ratio_area", 2), 0.3 - 0.2, 1e-4);
    assert_null(synth_find(&f, "sei_charge_ratio", 1));
    /* Double layer down and up again: growth leaves a difference, the rest cancels. */
    double dl = 2.9 * (s.c_dl[1] - s.c_dl[0]);
    near(value_of(&f, "q_net", 1), s.q[0] + s.q_back + dl, 3e-15);
    near(value_of(&f, "q_irr", 1), value_of(&f, "q_net", 1), 0);
    near(value_of(&f, "q_red", 1), s.q[0] - 2.9 * s.c_dl[0], 4e-15);
    near(value_of(&f, "q_ox", 1), s.q_back + 2.9 * s.c_dl[1], 4e-15);
    near(value_of(&f, "coulombic_efficiency", 1), (s.q_back + 2.9 * s.c_dl[1]) / (2e-12 + 2.9 * s.c_dl[0]),
         3e-3);
    near(value_of(&f, "c_dl", 1), (s.c_dl[0] + s.c_dl[1]) / 2, 1e-17);
    /* The peak of the raised cosine is twice its mean: 2 q rate / width, less the charging current. */
    near(value_of(&f, "e_peak_red", 1), 1.25, 1e-3);
    near(value_of(&f, "i_peak_red", 1), 2 * s.q[0] / 0.5 - s.c_dl[0], 2e-14);
    near(value_of(&f, "e_peak_ox", 1), 0.6, 1e-3);
    /* 10 A/m2 on the disk of 600 nm is 2.83 pA; the bump reaches it (less the charging current) at: */
    double x = acos(1 - (10 * M_PI / 4 * 0.36e-12 - s.c_dl[0]) * 0.5 / 2e-12) / (2 * M_PI);
    near(value_of(&f, "e_onset", 1), 1.5 - 0.5 * x, 2e-3);
    near(value_of(&f, "contact_z", 0), 1.5e-6, 0);
    near(value_of(&f, "wetted_area", 0), M_PI / 4 * 0.36e-12, 1e-18);
    missing_because(&f, "contact_charge", 0, "not recorded");
    assert_string_equal(synth_find(&f, "q_sei", 1)->step_name, "formation");
    assert_string_equal(synth_find(&f, "q_sei", 1)->unit, "C");
    features_free(&f);
}

/* Bias and SD with noise, against the truth and against the uncertainty that each value claims. */
static void noise_gives_the_stated_uncertainty(void **state)
{
    (void)state;
    static const char *const names[] = {"q_sei",
                                        "q_sei_film",
                                        "sei_charge_ratio",
                                        "c_dl_pass",
                                        "sei_charge_ratio_area",
                                        "sei_charge_ratio_cdl",
                                        "q_net",
                                        "c_dl",
                                        "e_peak_red"};
    enum { NAMES = sizeof names / sizeof names[0], TRIALS = 100 };
    struct synth_cv s = synth_default();
    struct analysis_settings settings = synth_settings();
    struct results_attempt attempt = synth_attempt(&s, 0);
    struct features clean = {0};
    double bias[NAMES] = {0}, squares[NAMES] = {0}, claimed[NAMES] = {0}, truth[NAMES];
    int count[NAMES] = {0};
    synth_features(&s, &settings, &attempt, &clean);
    for (int j = 0; j < NAMES; j++)
        truth[j] = value_of(&clean, names[j], 2);
    s.noise = 0.1e-12;
    for (int trial = 0; trial < TRIALS; trial++) {
        struct features f = {0};
        s.seed = 1000 + (uint64_t)trial;
        synth_features(&s, &settings, &attempt, &f);
        for (int j = 0; j < NAMES; j++) {
            const struct results_feature *row = synth_find(&f, names[j], 2);
            if (row->missing[0])
                continue;
            count[j]++;
            bias[j] += row->value - truth[j];
            squares[j] += pow(row->value - truth[j], 2);
            claimed[j] += row->uncertainty;
        }
        features_free(&f);
    }
    printf("seeds 1000..%d, noise 0.1 pA at 500 samples/s, cycle 2:\n", 999 + TRIALS);
    for (int j = 0; j < NAMES; j++) {
        int n = count[j];
        double sd = sqrt(squares[j] / n);
        printf("  %-22s truth %10.4g bias %10.2g SD %9.3g claimed %9.3g (n %d)\n", names[j], truth[j],
               bias[j] / n, sd, claimed[j] / n, n);
        assert_in_range(n, TRIALS * 9 / 10, TRIALS);
        near(bias[j] / n / sd, 0, 0.5);
        near(claimed[j] / n / sd, 1, 0.35);
    }
    features_free(&clean);
}

/* The blank's uncertainty reaches the charges: 1 fF, 1 fA and 1 fS give these amounts in the window. */
static void uncertainty_of_the_blank_is_carried(void **state)
{
    (void)state;
    struct synth_cv s = synth_default();
    struct analysis_settings settings = synth_settings();
    struct results_attempt attempt = synth_attempt(&s, 1e-15);
    struct features f = {0};
    synth_features(&s, &settings, &attempt, &f);
    double time = 0.5, moment = 0.5 * 1.25, swing = 0.5;
    double wanted = 1e-15 * sqrt(time * time + moment * moment + swing * swing);
    near(synth_find(&f, "q_sei", 1)->uncertainty / wanted, 1, 0.03);
    near(synth_find(&f, "c_dl", 1)->uncertainty / 1e-15, 1, 0.01);
    features_free(&f);
}

static void without_a_blank_corrected_values_are_missing(void **state)
{
    (void)state;
    struct synth_cv s = synth_default();
    struct analysis_settings settings = synth_settings();
    struct results_attempt attempt = synth_attempt(&s, 0);
    struct features f = {0};
    attempt.blank_capacitance = NAN;
    synth_features(&s, &settings, &attempt, &f);
    static const char *const gone[] = {
        "q_red",   "q_ox",      "q_net",      "q_irr",     "coulombic_efficiency",
        "c_dl",    "q_sei",     "q_sei_film", "c_dl_pass", "q_sei_per_cdl",
        "e_onset", "i_peak_red"};
    for (size_t k = 0; k < sizeof gone / sizeof gone[0]; k++)
        missing_because(&f, gone[k], 1, "blank");
    missing_because(&f, "sei_charge_ratio", 2, "blank");
    /* Raw ones are there, and hold the stray capacitance. */
    near(value_of(&f, "q_sei_raw", 1),
         s.q[0] - 0.5 * (s.stray + s.c_dl[0]) + 0.5 * s.offset - 0.5 * 1.25 * s.leak, 3e-16);
    assert_true(value_of(&f, "q_red_raw", 1) < 0 && value_of(&f, "q_ox_raw", 1) > 0);
    features_free(&f);
}

/* A level that turns at 1.3 V does not cover 1.0 to 1.5 V; one that turns at 1.0 V does. */
static void a_window_not_covered_is_missing(void **state)
{
    (void)state;
    struct synth_cv s = synth_default();
    struct analysis_settings settings = synth_settings();
    struct results_attempt attempt = synth_attempt(&s, 0);
    struct features f = {0};
    s.low = 1.3;
    s.q_back = 0;
    synth_features(&s, &settings, &attempt, &f);
    missing_because(&f, "q_sei", 1, "window not covered: the sweep reached 1.3 V");
    missing_because(&f, "sei_charge_ratio_area", 2, "window not covered");
    near(value_of(&f, "c_dl_pass", 2), s.c_dl[1], 1e-17);
    features_free(&f);
    s.low = 1.0;
    synth_features(&s, &settings, &attempt, &f);
    near(value_of(&f, "q_sei_film", 2), s.q[1], 2e-16);
    features_free(&f);
}

/* Oxygen reduced in both directions does not count as capacitance, whether or not the blank knows of it. */
static void a_trace_of_oxygen_leaves_the_area_alone(void **state)
{
    (void)state;
    struct synth_cv s = synth_default();
    struct analysis_settings settings = synth_settings();
    s.oxygen = -0.2e-12;
    struct results_attempt attempt = synth_attempt(&s, 0);
    struct features f = {0};
    synth_features(&s, &settings, &attempt, &f);
    for (int c = 1; c <= 3; c++) {
        near(value_of(&f, "c_dl_pass", c), s.c_dl[c - 1], 1e-17);
        near(value_of(&f, "q_sei_film", c), s.q[c - 1], 2e-16);
    }
    features_free(&f);
    s.cycles = 1; /* no turn to a second cycle: the blank has to do, and says so */
    synth_features(&s, &settings, &attempt, &f);
    near(value_of(&f, "c_dl_pass", 1), s.c_dl[0] + 0.2e-12, 1e-17);
    assert_non_null(strstr(synth_find(&f, "c_dl_pass", 1)->method, "against the blank"));
    features_free(&f);
}

/* Fresh annuli: the raw ratio follows the growth, the corrected one the law of the film. */
static void growing_area_is_told_from_the_film(void **state)
{
    (void)state;
    static const double law[5] = {1, 0.3, 0.15, 0.1, 0.08};
    struct synth_cv s = synth_default();
    struct analysis_settings settings = synth_settings();
    struct features f = {0};
    s.cycles = 5;
    for (int k = 0; k < 5; k++)
        s.c_dl[k] = 30e-15 * (1 + 0.6 * (1 - exp(-k)));
    area_convolve(-2e-12 / 30e-15, law, s.c_dl, 5, s.q);
    struct results_attempt attempt = synth_attempt(&s, 0);
    synth_features(&s, &settings, &attempt, &f);
    for (int c = 2; c <= 5; c++) {
        near(value_of(&f, "sei_charge_ratio_area", c), law[c - 1], 2e-3);
        assert_true(value_of(&f, "sei_charge_ratio", c) > law[c - 1] + 0.05);
        assert_true(synth_find(&f, "sei_charge_ratio_area", c)->uncertainty >= 0);
    }
    features_free(&f);
}

/* The capacitances at both ends of the contact bracket the law; how noisy they are goes into the uncertainty.
 */
static void capacitances_at_rest_bound_the_growth(void **state)
{
    (void)state;
    static const double law[3] = {1, 0.3, 0.15};
    enum { TRIALS = 400 };
    struct synth_cv s = synth_default();
    struct analysis_settings settings = synth_settings();
    struct features f = {0};
    area_convolve(-2e-12 / 30e-15, law, s.c_dl, 3, s.q);
    struct results_attempt attempt = synth_attempt(&s, 0);
    attempt.contact_capacitance = 25e-15; /* 30, 36 and 39 fF at the passes */
    attempt.rest_capacitance = 40e-15;
    attempt.contact_capacitance_sd = attempt.rest_capacitance_sd = 1e-15;
    synth_features(&s, &settings, &attempt, &f);
    near(value_of(&f, "contact_capacitance", 0), 25e-15, 0);
    near(value_of(&f, "rest_capacitance", 0), 40e-15, 0);
    near(value_of(&f, "wetted_growth", 0), 1.6, 1e-12);
    near(synth_find(&f, "wetted_growth", 0)->uncertainty, 1.6 * hypot(1 / 25.0, 1 / 40.0), 1e-12);
    for (int c = 2; c <= 3; c++) {
        double film = s.q[c - 1] / s.q[0];
        near(value_of(&f, "sei_film_ratio", c), film, 3e-4);
        near(value_of(&f, "sei_charge_ratio_area", c), film - 0.6, 3e-4);
        near(value_of(&f, "sei_charge_ratio_cdl", c), film / 1.6, 3e-4);
        assert_true(law[c - 1] < film && law[c - 1] > film - 0.6);
        assert_non_null(strstr(synth_find(&f, "sei_charge_ratio_area", c)->method, "rest / contact"));
    }
    double claimed = synth_find(&f, "sei_charge_ratio_area", 2)->uncertainty, squares = 0;
    features_free(&f);
    struct rng rng = rng_stream(3, "test.ends");
    for (uint64_t trial = 0; trial < TRIALS; trial++) {
        attempt.contact_capacitance = 25e-15 + 1e-15 * rng_normal(rng, trial, 0, 0);
        attempt.rest_capacitance = 40e-15 + 1e-15 * rng_normal(rng, trial, 1, 0);
        synth_features(&s, &settings, &attempt, &f);
        squares += pow(value_of(&f, "sei_charge_ratio_area", 2) - (s.q[1] / s.q[0] - 0.6), 2);
        features_free(&f);
    }
    printf("seed 3: SD of sei_charge_ratio_area@2 from 1 fF at both ends %.4f, claimed %.4f\n",
           sqrt(squares / TRIALS), claimed);
    near(sqrt(squares / TRIALS) / claimed, 1, 0.15);
}

/* Too noisy, shrinking or missing: the capacitance before each pass does, and the method says so. */
static void capacitances_that_can_not_be_right_are_not_used(void **state)
{
    (void)state;
    static const struct area_ends wrong[] = {{25e-15, 6e-15, 40e-15, 1e-15},
                                             {25e-15, 1e-15, 40e-15, 9e-15},
                                             {40e-15, 1e-15, 25e-15, 1e-15},
                                             {-2e-15, 1e-15, 40e-15, 1e-15},
                                             {NAN, NAN, 40e-15, 1e-15}};
    struct synth_cv s = synth_default();
    struct analysis_settings settings = synth_settings();
    for (size_t k = 0; k < sizeof wrong / sizeof wrong[0]; k++) {
        struct results_attempt attempt = synth_attempt(&s, 0);
        struct features f = {0};
        attempt.contact_capacitance = wrong[k].contact;
        attempt.contact_capacitance_sd = wrong[k].contact_sd;
        attempt.rest_capacitance = wrong[k].rest;
        attempt.rest_capacitance_sd = wrong[k].rest_sd;
        synth_features(&s, &settings, &attempt, &f);
        near(value_of(&f, "sei_charge_ratio_area", 2), 0.3 - 0.2, 1e-4);
        near(value_of(&f, "sei_charge_ratio_cdl", 2), 0.3 / 1.2, 1e-4);
        assert_non_null(strstr(synth_find(&f, "sei_charge_ratio_cdl", 2)->method, "c_dl_pass, monotone"));
        missing_because(&f, "wetted_growth", 0, isnan(wrong[k].contact) ? "not recorded" : "5 x");
        features_free(&f);
    }
}

/* Runs rows that the test has spoiled. */
static void features_of_rows(const struct synth_cv *s, const struct wave_row *rows, int n, struct features *f)
{
    struct analysis_settings settings = synth_settings();
    struct results_attempt attempt = synth_attempt(s, 0);
    struct results_step step = synth_cv_step(s, "formation");
    struct feature_step part = {&step, rows, n};
    struct feature_attempt a = {&attempt, &part, 1, synth_wiring};
    features_of_attempt(&a, &settings, f);
}

static void flagged_samples_never_enter(void **state)
{
    (void)state;
    struct synth_cv s = synth_default();
    struct features f = {0};
    int n = 0, per = 2900;
    struct wave_row *rows = synth_cv_rows(&s, &n);
    assert_int_equal(n, 3 * per);
    /* A few saturated samples in cycle 1, away from everything curved: bridged and counted. */
    for (int k = 200; k < 210; k++) {
        rows[k].i_raw = dec_from(1, -9);
        rows[k].status = TRACE_OVERLOAD;
    }
    rows[300].i_raw = DEC_NAN;
    rows[300].status = TRACE_INVALID;
    rows[301].e_raw = DEC_NAN;
    /* More than 1 % in cycle 2. Warning, underload, and timing with a time of its own are valid. */
    for (int k = per + 100; k < per + 130; k++)
        rows[k].status = TRACE_OVERLOAD;
    for (int k = 2 * per; k < 3 * per; k++)
        rows[k].status = TRACE_WARNING | TRACE_UNDERLOAD | TRACE_TIMING;
    features_of_rows(&s, rows, n, &f);
    near(value_of(&f, "q_sei_film", 1), s.q[0], 2e-16);
    near(value_of(&f, "q_red", 1), s.q[0] - 2.9 * s.c_dl[0], 4e-15);
    assert_non_null(strstr(synth_find(&f, "q_red", 1)->method, "12 of 2900 samples bridged"));
    missing_because(&f, "q_red", 2, "30 of 2900 samples flagged");
    missing_because(&f, "q_sei", 2, "30 of 2900 samples flagged");
    missing_because(&f, "c_dl", 2, "flagged");
    near(value_of(&f, "q_sei", 3), s.q[2] - 0.5 * s.c_dl[2], 3e-16);
    assert_null(strstr(synth_find(&f, "q_red", 3)->method, "bridged"));
    missing_because(&f, "sei_charge_ratio_area", 3, "branch of the turn");
    near(value_of(&f, "sei_charge_ratio", 3), (0.3e-12 + 19.5e-15) / (2e-12 + 15e-15), 1e-4);
    features_free(&f);
    free(rows);
}

static void a_cycle_cut_short_is_missing(void **state)
{
    (void)state;
    struct synth_cv s = synth_default();
    struct features f = {0};
    int n = 0;
    struct wave_row *rows = synth_cv_rows(&s, &n);
    features_of_rows(&s, rows, 2900 + 1100, &f); /* cycle 2 ends at 0.8 V on the way down */
    near(value_of(&f, "q_net", 1), s.q[0] + s.q_back + 2.9 * 6e-15, 3e-15);
    missing_because(&f, "q_net", 2, "not complete");
    near(value_of(&f, "q_sei_film", 2), s.q[1], 2e-16); /* the window was passed */
    missing_because(&f, "c_dl", 2, "not complete");
    assert_null(synth_find(&f, "q_net", 3));
    features_free(&f);
    features_of_rows(&s, rows, 2900 + 2, &f);
    missing_because(&f, "q_net", 2, "samples");
    features_free(&f);
    features_of_rows(&s, NULL, 0, &f);
    assert_null(synth_find(&f, "q_net", 1));
    assert_non_null(synth_find(&f, "contact_z", 0));
    features_free(&f);
    free(rows);
}

/* A current that only grows toward the vertex has no peak; noise has none either. */
static void peaks_are_not_invented(void **state)
{
    (void)state;
    struct synth_cv s = synth_default();
    struct analysis_settings settings = synth_settings();
    s.window[0] = -0.5; /* the bump is cut by the vertex on its rising side */
    s.window[1] = 0.5;
    s.q_back = 0;
    s.noise = 0.05e-12;
    struct results_attempt attempt = synth_attempt(&s, 0);
    struct features f = {0};
    synth_features(&s, &settings, &attempt, &f);
    missing_because(&f, "e_peak_red", 1, "no peak");
    missing_because(&f, "i_peak_ox", 1, "no peak");
    features_free(&f);
    memset(s.q, 0, sizeof s.q);
    synth_features(&s, &settings, &attempt, &f);
    missing_because(&f, "e_peak_red", 1, "no peak");
    missing_because(&f, "e_onset", 1, "does not cross");
    missing_because(&f, "sei_charge_ratio", 2, "not above 3 x");
    missing_because(&f, "sei_charge_ratio_area", 2, "not above 3 x");
    features_free(&f);
}

/* --- other kinds of steps --- */

static void add_step(struct results_step *s, const char *kind, const char *name, const char *settings)
{
    *s = (struct results_step){.id = 20, .attempt = 7, .site = 3, .gap_before = 0.1};
    snprintf(s->phase, sizeof s->phase, "step");
    snprintf(s->kind, sizeof s->kind, "%s", kind);
    snprintf(s->name, sizeof s->name, "%s", name);
    snprintf(s->settings, sizeof s->settings, "%s", settings);
    snprintf(s->gap_state, sizeof s->gap_state, "open");
    snprintf(s->ended_by, sizeof s->ended_by, "potential below 0.05 V");
}

/* -2 pA: falls to a dip 60 mV below a plateau at 0.120 V, stays there, falls to 0.05 V. */
static double galvano_curve(double t)
{
    if (t < 2)
        return 1.5 - 0.72 * t; /* to 0.06 V */
    if (t < 3)
        return 0.06 + 0.06 * (1 - cos(M_PI * (t - 2))) / 2;
    if (t < 12)
        return 0.12;
    return 0.12 - 0.035 * (t - 12);
}

static void constant_current_steps(void **state)
{
    (void)state;
    enum { N = 1400 };
    static struct wave_row hold[50], rows[N], rest[400];
    struct results_step step[4];
    struct rng rng = rng_stream(8, "test.galvano");
    for (int k = 0; k < 50; k++)
        hold[k] = synth_row(0.01 * k, 2.0, 1e-12, 1, 0);
    for (int k = 0; k < N; k++)
        rows[k] = synth_row(0.01 * k, galvano_curve(0.01 * k) + 0.5e-3 * rng_normal(rng, (uint64_t)k, 0, 0),
                            -2e-12, 1, 0);
    for (int k = 0; k < 400; k++)
        rest[k] = synth_row(0.01 * k, 0.5 + 0.02 * (0.01 * k - 3) + 1e-3 * rng_normal(rng, (uint64_t)k, 1, 0),
                            0, 1, 0);
    add_step(&step[0], "hold", "rest", "{\"potential\":2,\"interval\":0.01}");
    add_step(&step[1], "galvanostatic", "plating", "{\"current\":-2e-12,\"interval\":0.01}");
    add_step(&step[2], "ocp", "relax", "{\"interval\":0.01}");
    add_step(&step[3], "galvanostatic", "empty", "{\"current\":-2e-12}");
    struct feature_step part[4] = {
        {&step[0], hold, 50}, {&step[1], rows, N}, {&step[2], rest, 400}, {&step[3], NULL, 0}};
    struct synth_cv s = synth_default();
    struct results_attempt attempt = synth_attempt(&s, 0);
    struct analysis_settings settings = synth_settings();
    struct feature_attempt a = {&attempt, part, 4, synth_wiring};
    struct features f = {0};
    features_of_attempt(&a, &settings, &f);
    near(value_of(&f, "i_mean", 0), 1e-12, 1e-18);
    near(value_of(&f, "i_end", 0), 1e-12, 1e-18);
    near(value_of(&f, "charge", 0), 0.5e-12, 1e-18); /* NumPy: np.sum(np.full(50, 1e-12) * 0.01) */
    near(value_of(&f, "capacity", 0), 2e-12 * 14.00, 1e-16);
    near(value_of(&f, "ir_step", 0), -0.5, 3e-3);
    assert_non_null(strstr(synth_find(&f, "ir_step", 0)->method, "last of rest, gap 0.1 s open"));
    near(value_of(&f, "e_cutoff", 0), 0.12 - 0.035 * 1.99, 3e-3);
    assert_non_null(strstr(synth_find(&f, "e_cutoff", 0)->method, "ended by potential below 0.05 V"));
    near(value_of(&f, "t_cutoff", 0), 14.00, 1e-9); /* 1400 intervals of 10 ms */
    printf("seed 8: plateau %.5f V (0.120), nucleation %.5f V (-0.060)\n", value_of(&f, "plateau", 0),
           value_of(&f, "nucleation", 0));
    near(value_of(&f, "plateau", 0), 0.12, 2e-3);
    near(value_of(&f, "nucleation", 0), -0.06, 4e-3);
    near(value_of(&f, "ocp_mean", 0), 0.5, 1e-3);
    near(value_of(&f, "ocp_drift", 0), 0.02, 1e-3);
    near(value_of(&f, "ocp_noise", 0), 1e-3, 2e-4);
    const struct results_feature *last = &f.row[f.n - 1];
    assert_string_equal(last->step_name, "empty");
    assert_string_equal(last->missing, "0 samples");
    features_free(&f);
    /* A plain slope has neither plateau nor nucleation. */
    for (int k = 0; k < N; k++)
        rows[k] = synth_row(0.01 * k, 1.5 - 0.1 * 0.01 * k, -2e-12, 1, 0);
    a.n_steps = 2;
    features_of_attempt(&a, &settings, &f);
    missing_because(&f, "plateau", 0, "no plateau");
    missing_because(&f, "nucleation", 0, "no plateau");
    features_free(&f);
}

/* --- the registry --- */

static void every_feature_has_a_unit_of_its_dimension(void **state)
{
    (void)state;
    for (int k = 0; k < feature_count(); k++) {
        const struct feature_def *d = feature_at(k);
        assert_string_equal(d->unit, dim_unit(d->dim));
        assert_ptr_equal(feature_find(d->name), d);
        assert_true(strlen(d->method) < 60 && strlen(d->name) < 32 && d->description[0]);
        for (int j = 0; j < FEATURE_PARTNERS && d->partner[j]; j++) {
            const struct feature_def *base = feature_find(feature_find(d->partner[j])->base);
            assert_string_equal(base->partner[j], d->partner[j]);
        }
        if (d->base)
            assert_non_null(feature_find(d->base));
        assert_string_equal(feature_names()[k], d->name);
    }
    assert_null(feature_names()[feature_count()]);
    assert_null(feature_at(feature_count()));
}

static void names_are_parsed_as_users_write_them(void **state)
{
    (void)state;
    struct feature_ref r;
    struct err e = ERR_INIT;
    char text[128];
    assert_true(feature_ref_parse("formation.q_red@2", &r, &e));
    assert_string_equal(r.step, "formation");
    assert_int_equal(r.cycle, 2);
    assert_string_equal(feature_ref_text(&r, text, sizeof text), "formation.q_red@2");
    assert_true(feature_ref_parse("contact_z", &r, &e));
    assert_string_equal(feature_ref_text(&r, text, sizeof text), "contact_z");
    assert_true(feature_ref_parse("a.b.capacity", &r, &e));
    assert_string_equal(r.step, "a.b");
    assert_true(feature_ref_parse("plating.capacity@3", &r, &e)); /* of the third pass */
    assert_int_equal(r.cycle, 3);
    static const char *const wrong[][2] = {
        {"q_redd", "did you mean `q_red`"},
        {"q_red@0", "whole number"},
        {"q_red@01", "whole number"},
        {"q_red@x", "whole number"},
        {"q_red@", "whole number"},
        {"contact_z@1", "no cycles"},
        {"cv.contact_z", "belongs to the site"},
        {".q_red@1", "before the dot"},
        {"", "there is no feature"},
        {"q_red@1x", "whole number"},
    };
    for (size_t k = 0; k < sizeof wrong / sizeof wrong[0]; k++) {
        err_clear(&e);
        assert_false(feature_ref_parse(wrong[k][0], &r, &e));
        assert_int_equal(e.code, ERR_INPUT);
        if (!strstr(e.text, wrong[k][1]))
            fail_msg("`%s`: %s", wrong[k][0], e.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_charges_come_out),
        cmocka_unit_test(noise_gives_the_stated_uncertainty),
        cmocka_unit_test(uncertainty_of_the_blank_is_carried),
        cmocka_unit_test(without_a_blank_corrected_values_are_missing),
        cmocka_unit_test(a_window_not_covered_is_missing),
        cmocka_unit_test(a_trace_of_oxygen_leaves_the_area_alone),
        cmocka_unit_test(growing_area_is_told_from_the_film),
        cmocka_unit_test(capacitances_at_rest_bound_the_growth),
        cmocka_unit_test(capacitances_that_can_not_be_right_are_not_used),
        cmocka_unit_test(flagged_samples_never_enter),
        cmocka_unit_test(a_cycle_cut_short_is_missing),
        cmocka_unit_test(peaks_are_not_invented),
        cmocka_unit_test(constant_current_steps),
        cmocka_unit_test(every_feature_has_a_unit_of_its_dimension),
        cmocka_unit_test(names_are_parsed_as_users_write_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
