/* Features of holds, open circuit and constant current, and what all kinds of steps share. */
#include "analysis/step_features.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/baseline.h"
#include "analysis/galvano.h"
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

/* White noise of the current, from the residuals about a smooth curve. */
static double current_noise(const struct trace *tr)
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

void hold_features(const struct step_input *in, struct features *out)
{
    static const char *const names[] = {"i_mean", "i_end", "charge", NULL};
    const struct trace *tr = in->trace;
    char reason[96], note[96];
    if (!step_usable(in, 0, tr->n, reason, note)) {
        step_missing(in, names, reason, out);
        return;
    }
    double noise = current_noise(tr), sd = NAN, mean = mean_of(tr->i, tr->n, &sd);
    features_value(out, &in->place, "i_mean", mean, noise / sqrt(tr->n), note);
    int tail = tr->n / 10 > 2 ? tr->n / 10 : 2;
    mean = mean_of(tr->i + tr->n - tail, tail, &sd);
    features_value(out, &in->place, "i_end", mean, sd, note);
    double *w = xcalloc((size_t)tr->n, sizeof *w);
    integrate_weights(tr->t, NULL, tr->n, -INFINITY, INFINITY, CHARGE_NET, w);
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

/* --- constant current --- */

static void plateau_features(const struct step_input *in, const double *smooth, double step_noise,
                             const char *note, struct features *out)
{
    const struct trace *tr = in->trace;
    struct plateau found[GALVANO_PLATEAUS];
    double width = fmax(in->settings->smoothing / 10, 3 * step_noise);
    if (galvano_plateaus(tr->t, smooth, tr->i, tr->n, width, found) == 0) {
        features_missing(out, &in->place, "plateau",
                         "no plateau: dQ/dE has no maximum inside the potentials passed");
        features_missing(out, &in->place, "nucleation", "no plateau");
        return;
    }
    /* The maximum is the centre of gravity of the samples on the plateau: their noise averages out, the
     * spread of the kernel does not matter for a symmetric plateau. */
    features_value(out, &in->place, "plateau", found[0].e, step_noise, note);
    double over = 0;
    if (galvano_nucleation(tr->t, smooth, tr->i, tr->n, found[0].e, 3 * step_noise, &over))
        features_value(out, &in->place, "nucleation", over, step_noise * sqrt(2), note);
    else
        features_missing(out, &in->place, "nucleation",
                         "no extremum before the plateau beyond 3 x the noise");
}

void galvano_features(const struct step_input *in, struct features *out)
{
    static const char *const names[] = {"capacity", "ir_step",    "e_cutoff", "t_cutoff",
                                        "plateau",  "nucleation", NULL};
    const struct trace *tr = in->trace;
    char reason[96], note[96], text[96];
    if (!step_usable(in, 0, tr->n, reason, note)) {
        step_missing(in, names, reason, out);
        return;
    }
    int points = tr->n / 40;
    points = points < SAVGOL_MIN ? SAVGOL_MIN : points > 101 ? 101 : points | 1;
    double *smooth = xcalloc((size_t)tr->n, sizeof *smooth);
    savgol(tr->e, tr->n, points, 0, smooth);
    double noise = savgol_noise(tr->e, smooth, tr->n, points);
    double smooth_noise = noise * sqrt(savgol_centre_weight(points)), i_noise = current_noise(tr);
    int last = tr->n - 1;
    while (last > 0 && tr->left_out[last])
        last--;
    double interval = tr->t[tr->n - 1] / (tr->n - 1);
    features_value(out, &in->place, "capacity", galvano_capacity(tr->t, tr->i, tr->n),
                   hypot(i_noise * interval * sqrt(tr->n), fabs(tr->i[last]) * interval / sqrt(12)), note);
    if (isfinite(in->e_before)) {
        snprintf(text, sizeof text, "last of %.20s, gap %.3g s %.8s", in->before, in->step->gap_before,
                 in->step->gap_state);
        features_value(out, &in->place, "ir_step", tr->e[0] - in->e_before, noise * sqrt(2), text);
    } else {
        features_missing(out, &in->place, "ir_step", "no step before it in contact");
    }
    snprintf(text, sizeof text, "ended by %.64s", in->step->ended_by[0] ? in->step->ended_by : "?");
    features_value(out, &in->place, "e_cutoff", tr->e[last], noise, text);
    features_value(out, &in->place, "t_cutoff", tr->t[last], interval / sqrt(12), text);
    plateau_features(in, smooth, smooth_noise, note, out);
    free(smooth);
}
