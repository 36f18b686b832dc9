/* Features of holds, rests and open circuit, and what all kinds of steps share. */
#include "analysis/step_features.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/baseline.h"
#include "analysis/flatjson.h"
#include "analysis/integrate.h"
#include "analysis/savgol.h"

double declared_area(const struct analysis_settings *s, double *sd)
{
    double d = s->aperture * s->wetted, area = M_PI / 4 * d * d;
    *sd = area * 2 * s->wetted_uncertainty / s->wetted;
    return area;
}

void step_missing(const struct step_input *in, const char *const *names, const char *reason,
                  struct features *out)
{
    for (; *names; names++)
        features_missing(out, &in->place, *names, reason);
}

bool step_usable(const struct step_input *in, int first, int n, char reason[96], char note[96])
{
    int flagged = trace_left_out(in->trace, first, n);
    note[0] = '\0';
    if (n < 3) {
        snprintf(reason, 96, "%d samples", n);
        return false;
    }
    if (flagged > in->settings->flagged_most * n) {
        snprintf(reason, 96, "%d of %d samples flagged, more than %.3g %%", flagged, n,
                 100 * in->settings->flagged_most);
        return false;
    }
    if (flagged)
        snprintf(note, 96, "%d of %d samples bridged", flagged, n);
    return true;
}

bool step_edge_known(const struct step_input *in, int first, int n, char reason[96])
{
    const struct trace *tr = in->trace;
    for (int k = first; k < first + n && k < first + TRACE_SETTLES; k++)
        if (tr->left_out[k]) {
            snprintf(reason, 96, "the sample at the edge is %s: what flowed there is not known",
                     tr->overload[k] ? "overloaded" : "invalid");
            return false;
        }
    for (int k = first; k < first + n && k < first + TRACE_RANGE_SETTLES; k++)
        if (tr->ranging[k] && !step_sets_current(in->step)) {
            snprintf(reason, 96, "the range changed at the edge: its transient is among the samples");
            return false;
        }
    return true;
}

double step_end_noise(const struct trace *tr, int first, int n)
{
    struct baseline line;
    int tail = n / 10 > 10 ? n / 10 : 10;
    tail = tail < n / 2 ? tail : n / 2;
    tail = tail < 3 ? 3 : tail;
    int from = first + n - tail;
    return n >= tail && baseline_fit(tr->t + from, tr->i + from, tail, -INFINITY, INFINITY, &line)
               ? line.residual
               : NAN;
}

bool step_sets_current(const struct results_step *step)
{
    double value;
    return strcmp(step->kind, "galvanostatic") == 0 ||
           (strcmp(step->kind, "pulse") == 0 &&
            (flatjson_numbers(step->settings, "currents", &value, 1) > 0 ||
             flatjson_number(step->settings, "current", &value)));
}

/* --- hold --- */

static double mean_of(const double *x, int n, double *sd_of_mean)
{
    double sum = 0, squares = 0;
    for (int k = 0; k < n; k++)
        sum += x[k];
    double mean = sum / n;
    for (int k = 0; k < n; k++)
        squares += (x[k] - mean) * (x[k] - mean);
    *sd_of_mean = n > 1 ? sqrt(squares / (n - 1) / n) : NAN;
    return mean;
}

double step_current_noise(const struct trace *tr)
{
    int points = tr->n >= 50 ? 21 : 5;
    if (tr->n < 2 * points)
        return NAN;
    double *smooth = xcalloc((size_t)tr->n, sizeof *smooth);
    savgol(tr->i, tr->n, points, 0, smooth);
    double noise = savgol_noise(tr->i, smooth, tr->n, points);
    free(smooth);
    return noise;
}

/* The first sample ends the first interval. */
static void end_time(const struct step_input *in, struct features *out)
{
    const struct trace *tr = in->trace;
    char text[96];
    if (tr->n < 2) {
        features_missing(out, &in->place, "t_end", "too few samples");
        return;
    }
    double interval = tr->t[tr->n - 1] / (tr->n - 1);
    snprintf(text, sizeof text, "ended by %.64s", in->step->ended_by[0] ? in->step->ended_by : "?");
    features_value(out, &in->place, "t_end", tr->t[tr->n - 1] + interval, interval / sqrt(12), text);
}

/* The mean of the last tenth of x, if none of it is flagged. */
static void tail_feature(const struct step_input *in, const char *name, const double *x, struct features *out)
{
    const struct trace *tr = in->trace;
    int tail = tr->n / 10 > 2 ? tr->n / 10 : 2;
    if (tr->n < tail || trace_left_out(tr, tr->n - tail, tail)) {
        features_missing(out, &in->place, name,
                         tr->n < tail ? "too few samples" : "flagged samples at the end");
        return;
    }
    double sd = NAN, mean = mean_of(x + tr->n - tail, tail, &sd);
    features_value(out, &in->place, name, mean, sd, NULL);
}

void hold_features(const struct step_input *in, struct features *out)
{
    static const char *const whole[] = {"i_mean", "charge", NULL};
    const struct trace *tr = in->trace;
    char reason[96], note[96];
    tail_feature(in, "i_end", tr->i, out);
    end_time(in, out);
    if (!step_usable(in, 0, tr->n, reason, note) || !step_edge_known(in, 0, tr->n, reason)) {
        step_missing(in, whole, reason, out);
        return;
    }
    double noise = step_end_noise(tr, 0, tr->n), sd = NAN, mean = mean_of(tr->i, tr->n, &sd);
    features_value(out, &in->place, "i_mean", mean, noise / sqrt(tr->n), note);
    double *w = xcalloc((size_t)tr->n, sizeof *w);
    /* The charging of the double layer behind the step of the potential is in the first samples. */
    integrate_means(tr->t, tr->n, w);
    features_value(out, &in->place, "charge", integrate_dot(w, tr->i, tr->n),
                   noise * integrate_norm(w, tr->n), note);
    free(w);
}

/* --- open circuit --- */

void ocp_features(const struct step_input *in, struct features *out)
{
    static const char *const names[] = {"ocp_mean", "ocp_drift", "ocp_noise", NULL};
    const struct trace *tr = in->trace;
    char reason[96], note[96];
    struct baseline line;
    int half = tr->n / 2;
    end_time(in, out);
    bool usable = step_usable(in, 0, tr->n, reason, note);
    if (usable &&
        !baseline_fit(tr->t + tr->n - half, tr->e + tr->n - half, half, -INFINITY, INFINITY, &line)) {
        snprintf(reason, sizeof reason, "%d samples are too few", tr->n);
        usable = false;
    }
    if (!usable) {
        step_missing(in, names, reason, out);
        return;
    }
    features_value(out, &in->place, "ocp_mean", line.y0, sqrt(line.var_y0), note);
    features_value(out, &in->place, "ocp_drift", line.slope, sqrt(line.var_slope), note);
    features_value(out, &in->place, "ocp_noise", line.residual, line.residual / sqrt(2.0 * (line.n - 2)),
                   note);
}

/* --- rest --- */

/* Held, the potential is the one that was programmed. */
void rest_features(const struct step_input *in, struct features *out)
{
    double held = 0;
    if (!flatjson_number(in->step->settings, "potential", &held))
        tail_feature(in, "e_end", in->trace->e, out);
}
