/* Voltammograms and steps with known contents, as an instrument with turned signs would have stored them. */
#ifndef SECCM_TEST_ANALYSIS_SYNTH_H
#define SECCM_TEST_ANALYSIS_SYNTH_H

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/area.h"
#include "analysis/site_features.h"
#include "base/buf.h"
#include "base/rng.h"

#define SYNTH_CYCLES 5

/* Wiring of a rig that drives the reference in the pipette: both signs turned. */
static const struct trace_wiring synth_wiring = {-1, -1, 3.2};

struct synth_cv {
    double low, step, rate; /* V, V, V/s: 3.0 V -> low -> 3.0 V */
    int cycles;
    double window[2];       /* V: where the film's charge flows */
    double q[SYNTH_CYCLES]; /* C, negative: film charge of each reducing pass */
    double
        c_dl[SYNTH_CYCLES]; /* F: at the reducing pass; grows linearly below the window and at the way back */
    double q_back;          /* C, positive: oxidation charge around 0.6 V on each rising sweep */
    double offset, leak, stray; /* A, S, F: the rig's; leak about 2.5 V */
    double oxygen;              /* A, negative: flows at all potentials below 3 V in both directions */
    double noise;               /* A */
    uint64_t seed;
};

/* Raised cosine of area 1 over [a, b], 0 outside: zero at its ends, so a window cut there loses nothing. */
static inline double synth_bump(double x, double a, double b)
{
    if (x <= a || x >= b)
        return 0;
    return (1 - cos(2 * M_PI * (x - a) / (b - a))) / (b - a);
}

static inline struct wave_row synth_row(double t, double e, double i, int cycle, int sweep)
{
    return (struct wave_row){
        .host_us = (int64_t)(t * 1e6) + 5000,
        .t = dec_from(t + 12.5, -6),
        .e_raw = dec_from(synth_wiring.potential_sign * (e - synth_wiring.offset), -9),
        .i_raw = dec_from(synth_wiring.current_sign * i, -19),
        .z_pm = INT64_MIN,
        .cycle = cycle,
        .sweep = (int16_t)sweep,
    };
}

/* Caller frees. */
static inline struct wave_row *synth_cv_rows(const struct synth_cv *s, int *n)
{
    int per = (int)((3.0 - s->low) / s->step + 0.5), count = 2 * per * s->cycles;
    struct wave_row *rows = xcalloc((size_t)count, sizeof *rows);
    struct rng rng = rng_stream(s->seed, "test.noise");
    double dt = s->step / s->rate;
    for (int k = 0; k < count; k++) {
        int cycle = k / (2 * per), within = k % (2 * per), sweep = within / per, j = within % per + 1;
        double e = sweep ? s->low + j * s->step : 3.0 - j * s->step, way = sweep ? s->rate : -s->rate;
        double c = s->c_dl[cycle];
        if (sweep && cycle + 1 < s->cycles) /* the area of the next pass is reached on the way back */
            c = s->c_dl[cycle + 1];
        double i = s->offset + s->leak * (e - 2.5) + (s->stray + c) * way + s->oxygen;
        if (!sweep)
            i += s->q[cycle] * s->rate * synth_bump(e, s->window[0], s->window[1]);
        else
            i += s->q_back * s->rate * synth_bump(e, 0.3, 0.9);
        i += s->noise * rng_normal(rng, (uint64_t)k, 0, 0);
        rows[k] = synth_row((k + 1) * dt, e, i, cycle + 1, sweep);
    }
    *n = count;
    return rows;
}

static inline struct results_attempt synth_attempt(const struct synth_cv *s, double bad)
{
    return (struct results_attempt){
        .id = 7,
        .site = 3,
        .number = 1,
        .outcome = OUTCOME_MEASURED,
        .contact_z = 1.5e-6,
        .contact_current = 5e-12,
        .contact_charge = NAN,
        .contact_capacitance = NAN,
        .contact_capacitance_sd = NAN,
        .rest_capacitance = NAN,
        .rest_capacitance_sd = NAN,
        .break_distance = 1e-6,
        .blank_capacitance = s->stray,
        .blank_capacitance_sd = bad,
        .blank_conductance = s->leak,
        .blank_conductance_sd = bad,
        .blank_offset = s->offset,
        .blank_offset_sd = bad,
        .blank_bias = 2.5,
        .noise_rms = s->noise,
    };
}

static inline struct results_step synth_cv_step(const struct synth_cv *s, const char *name)
{
    struct results_step step = {.id = 11, .attempt = 7, .site = 3, .index = 5};
    snprintf(step.phase, sizeof step.phase, "step");
    snprintf(step.name, sizeof step.name, "%s", name);
    snprintf(step.kind, sizeof step.kind, "cv");
    snprintf(step.settings, sizeof step.settings,
             "{\"start\":3,\"vertex0\":%.12g,\"vertex1\":3,\"rate\":%.12g,\"step\":%.12g,\"cycles\":%d,"
             "\"interval\":%.12g}",
             s->low, s->rate, s->step, s->cycles, s->step / s->rate);
    return step;
}

static inline struct analysis_settings synth_settings(void)
{
    struct analysis_settings s;
    analysis_settings_default(&s);
    snprintf(s.sei_step, sizeof s.sei_step, "formation");
    s.sei_window[0] = 1.0;
    s.sei_window[1] = 1.5;
    s.aperture = 400e-9;
    s.wetted = 1.5;
    s.wetted_uncertainty = 0.2;
    return s;
}

/* Defaults: film charge of a 600 nm contact, rig as on a bench, no noise. */
static inline struct synth_cv synth_default(void)
{
    return (struct synth_cv){
        .low = 0.1,
        .step = 2e-3,
        .rate = 1,
        .cycles = 3,
        .window = {1.0, 1.5},
        .q = {-2e-12, -0.6e-12, -0.3e-12},
        .c_dl = {30e-15, 36e-15, 39e-15},
        .q_back = 0.5e-12,
        .offset = 0.4e-12,
        .leak = 0.1e-12,
        .stray = 1e-12,
    };
}

/* One voltammogram to features; caller frees the list. */
static inline void synth_features(const struct synth_cv *s, const struct analysis_settings *settings,
                                  const struct results_attempt *attempt, struct features *out)
{
    int n = 0;
    struct wave_row *rows = synth_cv_rows(s, &n);
    struct results_step step = synth_cv_step(s, "formation");
    struct feature_step f = {&step, rows, n};
    struct feature_attempt a = {attempt, &f, 1, synth_wiring};
    features_of_attempt(&a, settings, out);
    free(rows);
}

static inline const struct results_feature *synth_find(const struct features *f, const char *name, int cycle)
{
    for (int k = 0; k < f->n; k++)
        if (strcmp(f->row[k].name, name) == 0 && f->row[k].cycle == cycle)
            return &f->row[k];
    return NULL;
}

#endif
