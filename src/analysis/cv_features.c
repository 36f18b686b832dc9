/* Features of a voltammogram, cycle by cycle, and of a single sweep. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "analysis/baseline.h"
#include "analysis/onset.h"
#include "analysis/peak.h"
#include "analysis/savgol.h"
#include "analysis/sei_features.h"
#include "analysis/wave.h"

static const char *const cycle_names[] = {
    "q_red",      "q_red_raw",  "q_ox",      "q_ox_raw",  "q_net",   "q_irr", "coulombic_efficiency",
    "i_peak_red", "e_peak_red", "i_peak_ox", "e_peak_ox", "e_onset", "c_dl",  NULL,
};
/* A single sweep has no way back. */
static const char *const sweep_names[] = {"q_red", "q_red_raw", "q_ox",   "q_ox_raw",         "q_net",
                                          "i_lim", "e_quarter", "e_half", "e_three_quarters", NULL};
static const char *const sweep_corrected_names[] = {"q_red", "q_ox", "q_net", NULL};
static const char *const corrected_names[] = {"q_red", "q_ox", "q_net", "q_irr", "coulombic_efficiency",
                                              NULL};
/* One cycle being worked on. */
struct work {
    const struct cv_curve *c;
    const struct cv_cycle *y;
    struct step_input in; /* place.cycle = the cycle */
    char note[96];
    bool single; /* one sweep, not a cycle */
    struct features *out;
};

static void missing(const struct work *w, const char *const *names, const char *reason)
{
    step_missing(&w->in, names, reason, w->out);
}

/* --- charges of the whole cycle --- */

static double whole(const struct work *w, const double *i, const double *sign, enum charge_side side,
                    bool blank, double *sd)
{
    return cv_charge(w->c, w->y->first, w->y->n, -INFINITY, INFINITY, i, sign, side, blank, sd);
}

static void charge_features(const struct work *w)
{
    const struct cv_curve *c = w->c;
    const struct feature_place *p = &w->in.place;
    const double *raw = c->in->trace->i;
    double sd = 0, value = whole(w, raw, c->smooth_raw, CHARGE_RED, false, &sd);
    features_value(w->out, p, "q_red_raw", value, sd, w->note);
    value = whole(w, raw, c->smooth_raw, CHARGE_OX, false, &sd);
    features_value(w->out, p, "q_ox_raw", value, sd, w->note);
    if (!c->in->blank->given) {
        missing(w, w->single ? sweep_corrected_names : corrected_names, NO_BLANK);
        return;
    }
    double sd_red = 0, sd_ox = 0, sd_net = 0;
    double red = whole(w, c->corrected, c->smooth, CHARGE_RED, true, &sd_red);
    double ox = whole(w, c->corrected, c->smooth, CHARGE_OX, true, &sd_ox);
    double net = whole(w, c->corrected, NULL, CHARGE_NET, true, &sd_net);
    features_value(w->out, p, "q_red", red, sd_red, w->note);
    features_value(w->out, p, "q_ox", ox, sd_ox, w->note);
    features_value(w->out, p, "q_net", net, sd_net, w->note);
    if (w->single)
        return;
    features_value(w->out, p, "q_irr", net, sd_net, w->note);
    if (!(fabs(red) > 3 * sd_red)) {
        features_missing(w->out, p, "coulombic_efficiency", "reduction charge not above 3 x its uncertainty");
        return;
    }
    double ratio = ox / fabs(red);
    features_value(w->out, p, "coulombic_efficiency", ratio, hypot(sd_ox / red, ratio * sd_red / red),
                   w->note);
}

/* --- peaks and onset --- */

/* The smoothed current of a leg minus its baseline, into scratch; the SD of the baseline at the far end of
 * the leg goes to *extra. NULL with a reason if there is nothing to subtract. */
static const double *over_baseline(const struct work *w, const struct leg *g, const double range[2],
                                   double *extra, const char **why)
{
    const struct cv_curve *c = w->c;
    const double *e = c->in->trace->e + g->first, *smooth = c->smooth + g->first;
    *extra = 0;
    if (isnan(range[0]) || isnan(range[1])) {
        *why = NO_BLANK " and no baseline range declared";
        return c->in->blank->given ? smooth : NULL;
    }
    struct baseline line;
    if (!baseline_fit(e, c->corrected + g->first, g->n, range[0], range[1], &line)) {
        *why = "the sweep does not cover the baseline range";
        return NULL;
    }
    for (int k = 0; k < g->n; k++) {
        c->weight[k] = smooth[k] - baseline_at(&line, e[k]);
        *extra = fmax(*extra, baseline_sd(&line, e[k]));
    }
    return c->weight;
}

static double mean_of(const double *x, int n)
{
    double sum = 0;
    for (int k = 0; k < n; k++)
        sum += x[k];
    return n > 0 ? sum / n : NAN;
}

static const char *find_peak(const struct work *w, const struct leg *g, const double *i, int sign, double sd,
                             struct peak *p)
{
    const struct cv_curve *c = w->c;
    const double *e = c->in->trace->e + g->first;
    double margin = c->points / 2 * fabs(g->step), low = fmin(e[0], e[g->n - 1]) + margin,
           high = fmax(e[0], e[g->n - 1]) - margin;
    double most = 0;
    for (int k = 0; k < g->n; k++)
        most = fmax(most, sign * i[k]);
    if (!peak_find(e, i, g->n, low, high, sign, fmax(0.1 * most, 4 * c->smooth_noise), c->smooth_noise, p))
        return "no peak: the extremum is at the end of the sweep";
    if (!(fabs(p->i) > 5 * sd) || sign * p->i < 0)
        return "no peak above 5 x the noise";
    /* A bump of the noise, on a flat current or on one that still grows toward the vertex, is not a peak: it
     * has to stand above the end of the sweep and above the mean of the first and of the last tenth of it. */
    double behind = i[g->n - 1 - c->points / 2], first = mean_of(i, g->n / 10),
           last = mean_of(i + g->n - g->n / 10, g->n / 10);
    if (!(fmin(sign * (p->i - behind), fmin(sign * (p->i - first), sign * (p->i - last))) >
          5 * c->smooth_noise))
        return "no peak: the current does not fall on both sides of the extremum";
    if (trace_left_out(c->in->trace, g->first + p->index - 2, 5))
        return "flagged samples at the peak";
    return NULL;
}

static void peak_features(const struct work *w, const struct leg *g, int sign)
{
    static const char *const red[] = {"i_peak_red", "e_peak_red", NULL};
    static const char *const ox[] = {"i_peak_ox", "e_peak_ox", NULL};
    const char *const *names = sign < 0 ? red : ox;
    const struct analysis_settings *s = w->in.settings;
    const double *range = sign < 0 ? s->baseline_red : s->baseline_ox;
    double extra = 0;
    const char *why = "no sweep in this direction";
    const double *i = g ? over_baseline(w, g, range, &extra, &why) : NULL;
    struct peak p;
    double sd = hypot(w->c->smooth_noise, extra);
    if (i)
        why = find_peak(w, g, i, sign, sd, &p);
    if (why) {
        missing(w, names, why);
        return;
    }
    const struct blank *b = w->in.blank;
    double shift = b->given ? blank_sd(b, 1, p.e - b->bias, g->rate) : 0;
    features_value(w->out, &w->in.place, names[0], p.i, isnan(range[0]) ? hypot(sd, shift) : sd, w->note);
    features_value(w->out, &w->in.place, names[1], p.e, p.e_sd, w->note);
}

static void onset_feature(const struct work *w)
{
    const struct analysis_settings *s = w->in.settings;
    const struct leg *g = w->y->red;
    double area_sd = 0, area = declared_area(s, &area_sd), threshold = s->onset_density * area, extra = 0;
    const char *why = "no reducing sweep";
    const double *i = g ? over_baseline(w, g, s->baseline_red, &extra, &why) : NULL;
    double sd = hypot(w->c->smooth_noise, extra), e = 0, slope = 0;
    char text[96];
    if (i && !isfinite(threshold)) {
        i = NULL;
        why = "the wetted area is not declared";
    } else if (i && threshold < 3 * sd) {
        i = NULL;
        snprintf(text, sizeof text, "threshold of %.2g A is below 3 x the noise of %.2g A", threshold, sd);
        why = text;
    } else if (i && !onset_find(w->c->in->trace->e + g->first, i, g->n, -1, threshold, w->c->points / 2, &e,
                                &slope)) {
        i = NULL;
        snprintf(text, sizeof text, "the current does not cross %.2g A within the sweep", threshold);
        why = text;
    }
    if (!i) {
        features_missing(w->out, &w->in.place, "e_onset", why);
        return;
    }
    snprintf(text, sizeof text, "%.3g A/m2", s->onset_density);
    features_value(w->out, &w->in.place, "e_onset", e, hypot(sd, s->onset_density * area_sd) / fabs(slope),
                   text);
}

/* --- capacitance --- */

static void capacitance_feature(const struct work *w)
{
    const struct cv_curve *c = w->c;
    const struct blank *b = c->in->blank;
    double low = 0, high = 0, sd = NAN;
    struct branch up, down;
    const char *why = NULL;
    if (!b->given)
        why = NO_BLANK;
    else if (!cv_wet_range(c, &low, &high))
        why = "the sweep leaves no range at the potential where the capacitance is read";
    else if (!cv_branch(c, cv_leg(c, w->y, 1, low, high, false), low, high, &up) ||
             !cv_branch(c, cv_leg(c, w->y, -1, low, high, false), low, high, &down))
        why = "a branch does not cover the range where the capacitance is read";
    if (why) {
        features_missing(w->out, &w->in.place, "c_dl", why);
        return;
    }
    double value = capacitance_between(&up, &down, b->capacitance, sqrt(b->cov[2][2]), &sd);
    char text[96];
    snprintf(text, sizeof text, "%.3g to %.3g V", low, high);
    features_value(w->out, &w->in.place, "c_dl", value, sd, text);
}

static void cycle_features(const struct cv_curve *c, const struct cv_cycle *y, struct features *out)
{
    struct work w = {.c = c, .y = y, .in = *c->in, .out = out};
    w.in.place.cycle = y->number;
    char reason[96];
    if (!step_usable(c->in, y->first, y->n, reason, w.note)) {
        missing(&w, cycle_names, reason);
        return;
    }
    if (!y->complete) {
        missing(&w, cycle_names, "cycle not complete");
        return;
    }
    charge_features(&w);
    peak_features(&w, y->red, -1);
    peak_features(&w, y->ox, 1);
    onset_feature(&w);
    capacitance_feature(&w);
}

/* --- a single sweep --- */

static void wave_features(const struct work *w, const struct leg *g)
{
    static const char *const names[] = {"i_lim", "e_quarter", "e_half", "e_three_quarters", NULL};
    const struct cv_curve *c = w->c;
    struct wave v;
    const char *why =
        wave_find(c->in->trace->e + g->first, c->smooth + g->first, g->n, c->points / 2, c->smooth_noise, &v);
    if (why) {
        missing(w, names, why);
        return;
    }
    features_value(w->out, &w->in.place, names[0], v.i_lim, v.i_lim_sd, w->note);
    for (int k = 0; k < WAVE_PARTS; k++)
        features_value(w->out, &w->in.place, names[1 + k], v.e[k], v.e_sd[k], w->note);
}

static void sweep_features(const struct cv_curve *c, const struct cv_cycle *y, struct features *out)
{
    struct work w = {.c = c, .y = y, .in = *c->in, .single = true, .out = out};
    const struct leg *g = y->red ? y->red : y->ox;
    w.in.place.cycle = y->number;
    char reason[96];
    bool usable = step_usable(c->in, y->first, y->n, reason, w.note);
    if (!usable || !y->complete || !g) {
        missing(&w, sweep_names, usable ? "sweep not complete" : reason);
        return;
    }
    charge_features(&w);
    peak_features(&w, g, g->direction);
    if (g->direction < 0)
        onset_feature(&w);
    wave_features(&w, g);
}

void lsv_features(const struct step_input *in, struct features *out)
{
    struct cv_curve c;
    cv_curve_make(in, &c);
    for (int k = 0; k < c.n_cycles; k++)
        sweep_features(&c, &c.cycle[k], out);
    cv_curve_free(&c);
}

void cv_features(const struct step_input *in, struct sei_series *series, struct features *out)
{
    struct cv_curve c;
    cv_curve_make(in, &c);
    for (int k = 0; k < c.n_cycles; k++)
        cycle_features(&c, &c.cycle[k], out);
    sei_series_add(series, &c, out);
    cv_curve_free(&c);
}
