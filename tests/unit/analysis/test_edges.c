/* What flows right behind an edge: a step that does not know it says so, in holds and in pulses alike. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "unit/analysis/synth.h"

#include "analysis/trace.h"

#define N  1000
#define DT 1e-3

/* A step at 2 V of which each level begins with `edge` A in its first sample, -1 pA flows and `noise` is
 * added. */
static void made(struct wave_row *row, int level, double edge, double noise)
{
    struct rng rng = rng_stream(4, "test.edge");
    for (int k = 0; k < N; k++) {
        double i = -1e-12 + (k % level ? 0 : edge) + noise * rng_normal(rng, (uint64_t)k, 0, 0);
        row[k] = synth_row((k + 1) * DT, 2, i, 1 + k / (2 * level), k / level % 2);
    }
}

static struct results_step step_of(const char *kind, int64_t id)
{
    bool pulse = strcmp(kind, "pulse") == 0;
    struct results_step s = {.id = id, .attempt = 7, .site = 3, .index = (int)id};
    snprintf(s.phase, sizeof s.phase, "step");
    snprintf(s.name, sizeof s.name, "s%d", (int)id);
    snprintf(s.kind, sizeof s.kind, "%s", kind);
    snprintf(s.settings, sizeof s.settings,
             pulse ? "{\"potentials\":[2,2],\"interval\":0.001}" : "{\"interval\":0.001}");
    return s;
}

/* Features of the second step, behind one of ten samples in range `before`. */
static void compute(const char *kind, const struct wave_row *row, int before, struct features *out)
{
    struct synth_cv cv = synth_default();
    struct analysis_settings settings = synth_settings();
    struct results_attempt attempt = synth_attempt(&cv, 0);
    struct results_step step[2] = {step_of("rest", 1), step_of(kind, 2)};
    struct wave_row first[10];
    for (int k = 0; k < 10; k++) {
        first[k] = synth_row((k + 1) * DT, 3, 0, 1, 0);
        first[k].range = (uint16_t)before;
    }
    struct feature_step f[2] = {{&step[0], first, 10}, {&step[1], row, N}};
    struct feature_attempt a = {
        .attempt = &attempt, .step = f, .n_steps = 2, .wiring = synth_wiring, .only = "s2"};
    features_of_attempt(&a, &settings, out);
}

/* `part` of the reason for which it is missing; NULL: it is there. */
static void is(const struct features *f, const char *name, int cycle, const char *part)
{
    const struct results_feature *row = synth_find(f, name, cycle);
    if (!row)
        fail_msg("no row %s@%d", name, cycle);
    if (part ? !isnan(row->value) || !strstr(row->missing, part) : isnan(row->value))
        fail_msg("%s@%d = %g, missing `%s`, wanted `%s`", name, cycle, row->value, row->missing,
                 part ? part : "a value");
}

static void a_hold_of(const struct wave_row *row, int before, const char *part)
{
    struct features f = {0};
    compute("hold", row, before, &f);
    is(&f, "charge", 0, part);
    is(&f, "i_mean", 0, part);
    is(&f, "i_end", 0, NULL);
    is(&f, "t_end", 0, NULL);
    features_free(&f);
}

/* Levels of 250 samples; only the one at `level` of `cycle` is missing. */
static void a_pulse_of(const struct wave_row *row, int before, int level, int cycle, const char *part)
{
    struct features f = {0};
    compute("pulse", row, before, &f);
    for (int c = 1; c <= 2; c++)
        for (int l = 1; l <= 2; l++) {
            char charge[16], end[16];
            snprintf(charge, sizeof charge, "charge_%d", l);
            snprintf(end, sizeof end, "i_end_%d", l);
            is(&f, charge, c, c == cycle && l == level ? part : NULL);
            is(&f, end, c, NULL);
        }
    features_free(&f);
}

static void an_overloaded_edge_has_no_charge(void **unused)
{
    (void)unused;
    static struct wave_row row[N];
    for (int k = 0; k < 3; k += 2) {
        made(row, N, -100e-12, 0);
        row[k].status = TRACE_OVERLOAD;
        a_hold_of(row, 0, "overloaded");
        made(row, 250, -100e-12, 0);
        row[750 + k].status = TRACE_OVERLOAD;
        a_pulse_of(row, 0, 2, 2, "overloaded");
    }
    made(row, N, -100e-12, 0);
    row[0].status = TRACE_INVALID;
    a_hold_of(row, 0, "invalid");
    /* Far from the edge the line between the neighbours is as good as ever. */
    made(row, N, -100e-12, 0);
    row[500].status = TRACE_OVERLOAD;
    a_hold_of(row, 0, NULL);
    made(row, 250, -100e-12, 0);
    row[600].status = TRACE_OVERLOAD;
    a_pulse_of(row, 0, 0, 0, NULL);
}

static void a_range_that_changes_at_the_edge_is_in_no_charge(void **unused)
{
    (void)unused;
    static struct wave_row row[N];
    made(row, N, -100e-12, 0);
    a_hold_of(row, 0, NULL);
    a_hold_of(row, 16, "range changed");
    made(row, 250, -100e-12, 0);
    a_pulse_of(row, 16, 1, 1, "range changed");
    /* Within the step: behind the edge, just before one, and far from any. */
    static const int at[] = {253, 245, 100}, level[] = {2, 2, 0};
    for (int j = 0; j < 3; j++) {
        made(row, 250, -100e-12, 0);
        for (int k = at[j]; k < N; k++)
            row[k].range = 3;
        a_pulse_of(row, 0, level[j], 1, "range changed");
    }
    /* A sample without a current, as at open circuit, has no range. */
    made(row, N, -100e-12, 0);
    row[5].range = 16;
    row[5].i_raw = dec_from(NAN, -19);
    a_hold_of(row, 0, NULL);
}

/* White noise of 0.1 pA: of a sum of 1000 samples of 1 ms 0.1e-12 * sqrt(1000) * 1e-3 = 3.16 fC, however
 * large the edge is; 100 samples tell it to 7 %. */
static void the_edge_is_not_taken_for_noise(void **unused)
{
    (void)unused;
    static struct wave_row row[N];
    struct features f = {0};
    made(row, N, -500e-12, 0.1e-12);
    compute("hold", row, 0, &f);
    double sd = synth_find(&f, "charge", 0)->uncertainty, mean_sd = synth_find(&f, "i_mean", 0)->uncertainty;
    if (!(fabs(sd / 3.16e-15 - 1) < 0.3) || !(fabs(mean_sd / 3.16e-15 - 1) < 0.3))
        fail_msg("%g C, %g A", sd, mean_sd);
    features_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_overloaded_edge_has_no_charge),
        cmocka_unit_test(a_range_that_changes_at_the_edge_is_in_no_charge),
        cmocka_unit_test(the_edge_is_not_taken_for_noise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
