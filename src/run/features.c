/* Blank and features of an attempt, from the rows that are still in memory. */
#include "run/features.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "analysis/blank.h"
#include "analysis/interruption.h"
#include "analysis/site_features.h"
#include "analysis/sweep.h"
#include "base/buf.h"

/* Samples left out behind each turn of the blank, where the current filter settles. */
#define SETTLE 4
#define LEGS   64

static const struct recorded *find_role(const struct run *r, enum segment_role role)
{
    for (int k = 0; k < r->attempt.n_recorded; k++)
        if (r->program.role[r->attempt.recorded[k].segment] == role)
            return &r->attempt.recorded[k];
    return NULL;
}

static struct trace_wiring wiring_of(const struct run *r)
{
    const struct wiring *w = &r->rig->wiring;
    return (struct trace_wiring){w->potential_sign, w->current_sign, w->offset};
}

static double mean_of(const double *v, const unsigned char *use, int n)
{
    double sum = 0;
    int count = 0;
    for (int k = 0; k < n; k++)
        if (use[k]) {
            sum += v[k];
            count++;
        }
    return count ? sum / count : NAN;
}

/* i = i0 + G (E - Eb) + C dE/dt over the in-air sweep. Eb is the mean potential of the sweep, where i0 and G
 * are uncorrelated; the sweep goes both ways at one rate, so C is uncorrelated with both. */
static bool fit_blank(const struct run *r, const struct recorded *c, struct blank *out)
{
    struct trace t;
    struct leg leg[LEGS];
    struct trace_wiring w = wiring_of(r);
    const struct segment *g = &r->program.program.segment[c->segment];
    trace_decode(r->attempt.row + c->first, c->n, &w, g->interval, &t);
    int legs = sweep_legs(t.t, t.e, t.cycle, t.sweep, t.n, leg, LEGS);
    legs = legs > LEGS ? LEGS : legs;
    double *rate = xcalloc((size_t)t.n + 1, sizeof *rate);
    unsigned char *use = xcalloc((size_t)t.n + 1, 1);
    sweep_rates(leg, legs, t.e, t.n, NAN, rate);
    for (int k = 0; k < legs; k++)
        for (int j = SETTLE; j < leg[k].n; j++)
            use[leg[k].first + j] = !t.left_out[leg[k].first + j];
    bool ok = blank_fit(t.e, rate, t.i, use, t.n, mean_of(t.e, use, t.n), out);
    free(rate);
    free(use);
    trace_free(&t);
    return ok;
}

void attempt_blank(const struct run *r, struct results_attempt *out)
{
    struct blank b = {0};
    const struct recorded *c = find_role(r, ROLE_BLANK);
    if (!c)
        c = find_role(r, ROLE_ALIVE);
    bool known = c && fit_blank(r, c, &b);
    out->blank_bias = known ? b.bias : NAN;
    out->blank_offset = known ? b.offset : NAN;
    out->blank_offset_sd = known ? sqrt(b.cov[0][0]) : NAN;
    out->blank_conductance = known ? b.leak : NAN;
    out->blank_conductance_sd = known ? sqrt(b.cov[1][1]) : NAN;
    out->blank_capacitance = known ? b.capacitance : NAN;
    out->blank_capacitance_sd = known ? sqrt(b.cov[2][2]) : NAN;
}

static void settings_of(const struct protocol *p, struct analysis_settings *s)
{
    analysis_settings_default(s);
    s->aperture = p->aperture;
    s->wetted = p->wetted;
    s->wetted_uncertainty = p->wetted_uncertainty;
    if (!isnan(p->wet_check_potential))
        s->wet_potential = p->wet_check_potential;
    if (p->sei.step) {
        snprintf(s->sei_step, sizeof s->sei_step, "%s", p->sei.step);
        s->sei_window[0] = p->sei.window[0];
        s->sei_window[1] = p->sei.window[1];
    }
}

/* What of an attempt is in memory,; `step` gets the steps. */
static struct feature_attempt in_memory(const struct run *r, const struct results_attempt *out,
                                        struct feature_step step[PROGRAM_MAX])
{
    const struct attempt *a = &r->attempt;
    for (int k = 0; k < a->n_recorded; k++)
        step[k] =
            (struct feature_step){&a->recorded[k].step, a->row + a->recorded[k].first, a->recorded[k].n};
    return (struct feature_attempt){
        .attempt = out, .step = step, .n_steps = a->n_recorded, .wiring = wiring_of(r)};
}

void attempt_features(struct run *r, const struct results_attempt *out, const char *only,
                      struct features *list)
{
    struct feature_step step[PROGRAM_MAX];
    struct analysis_settings settings;
    struct feature_attempt attempt = in_memory(r, out, step);
    attempt.only = only;
    settings_of(r->p, &settings);
    features_of_attempt(&attempt, &settings, list);
}

void attempt_interruptions(struct run *r, const struct results_attempt *out)
{
    struct attempt *a = &r->attempt;
    struct feature_step step[PROGRAM_MAX];
    const struct feature_attempt attempt = in_memory(r, out, step);
    struct interruption lost;
    char text[256];
    int k;
    if (a->outcome != OUTCOME_MEASURED || !interruption_of_attempt(&attempt, &k, &lost))
        return;
    attempt_flag(r, "contact-interrupted");
    snprintf(text, sizeof text,
             "%s: the contact was lost from %.4g to %.4g s: %.3g pA into it before, none (%d samples), and "
             "%.3g pA behind",
             step[k].step->name, lost.from, lost.to, lost.before * 1e12, lost.n, lost.after * 1e12);
    attempt_found(r, FAULT_CONTACT_INTERRUPTED, text);
    hop_note(r, "warning", "%s", text);
}
