/* Features of constant current: one value for a step that goes one way once, one per cycle where the current
 * is reversed or the step is played several times. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "analysis/flatjson.h"
#include "analysis/galvano.h"
#include "analysis/savgol.h"
#include "analysis/step_features.h"
#include "base/buf.h"

/* What is told of a half cycle, by enum half; NULL = nothing. */
enum half { FORWARD, BACK };
enum told { CAPACITY, E_MEAN, IR_STEP, E_CUTOFF, T_CUTOFF, PLATEAU, NUCLEATION, N_TOLD };

static const char *const names[2][N_TOLD + 1] = {
    {"capacity", "e_mean", "ir_step", "e_cutoff", "t_cutoff", "plateau", "nucleation", NULL},
    {"capacity_back", "e_mean_back", "ir_step_back", "e_cutoff_back", "t_cutoff_back", "plateau_back",
     "nucleation_back", NULL},
};

/* A half cycle being worked on. */
struct work {
    struct step_input in; /* trace: the half's own samples; place.cycle = the cycle */
    const char *const *name;
    const char *gap;   /* behind the step or half before */
    const char *ended; /* by what; "" = not known of this half */
    struct features *out;
};

struct capacity {
    double value, sd; /* C, NAN = missing */
};

static void put(const struct work *w, enum told what, double value, double sd, const char *note)
{
    features_value(w->out, &w->in.place, w->name[what], value, sd, note);
}

static void plateau_features(const struct work *w, const double *smooth, double step_noise, const char *note)
{
    const struct trace *tr = w->in.trace;
    struct plateau found[GALVANO_PLATEAUS];
    double width = fmax(w->in.settings->smoothing / 10, 3 * step_noise);
    if (galvano_plateaus(tr->t, smooth, tr->i, tr->n, width, found) == 0) {
        features_missing(w->out, &w->in.place, w->name[PLATEAU],
                         "no plateau: dQ/dE has no maximum inside the potentials passed");
        features_missing(w->out, &w->in.place, w->name[NUCLEATION], "no plateau");
        return;
    }
    /* The maximum is the centre of gravity of the samples on the plateau: their noise averages out, the
     * spread of the kernel does not matter for a symmetric plateau. */
    put(w, PLATEAU, found[0].e, step_noise, note);
    double over = 0;
    if (galvano_nucleation(tr->t, smooth, tr->i, tr->n, found[0].e, 3 * step_noise, &over))
        put(w, NUCLEATION, over, step_noise * sqrt(2), note);
    else
        features_missing(w->out, &w->in.place, w->name[NUCLEATION],
                         "no extremum before the plateau beyond 3 x the noise");
}

/* Of the charge, which at a constant current is that of time. */
static double mean_potential(const struct trace *tr)
{
    double sum = tr->e[0] * (tr->t[1] - tr->t[0]), time = tr->t[1] - tr->t[0];
    for (int k = 1; k < tr->n; k++) {
        sum += (tr->e[k] + tr->e[k - 1]) / 2 * (tr->t[k] - tr->t[k - 1]);
        time += tr->t[k] - tr->t[k - 1];
    }
    return sum / time;
}

static void ends_features(const struct work *w, int last, double noise, double interval)
{
    const struct trace *tr = w->in.trace;
    char text[96];
    if (isfinite(w->in.e_before)) {
        snprintf(text, sizeof text, "last of %.20s%.40s", w->in.before, w->gap);
        put(w, IR_STEP, tr->e[0] - w->in.e_before, noise * sqrt(2), text);
    } else {
        features_missing(w->out, &w->in.place, w->name[IR_STEP], "no step before it in contact");
    }
    snprintf(text, sizeof text, "%s%.64s", *w->ended ? "ended by " : "", w->ended);
    put(w, E_CUTOFF, tr->e[last], noise, text);
    /* The first sample ends the first interval. */
    put(w, T_CUTOFF, tr->t[last] + interval, interval / sqrt(12), text);
}

static struct capacity half_features(const struct work *w)
{
    const struct trace *tr = w->in.trace;
    char reason[96], note[96];
    if (!step_usable(&w->in, 0, tr->n, reason, note)) {
        step_missing(&w->in, w->name, reason, w->out);
        return (struct capacity){NAN, NAN};
    }
    int points = tr->n / 40;
    points = points < SAVGOL_MIN ? SAVGOL_MIN : points > 101 ? 101 : points | 1;
    double *smooth = xcalloc((size_t)tr->n, sizeof *smooth);
    savgol(tr->e, tr->n, points, 0, smooth);
    double noise = savgol_noise(tr->e, smooth, tr->n, points), i_noise = step_current_noise(tr);
    int last = tr->n - 1;
    while (last > 0 && tr->left_out[last])
        last--;
    double interval = (tr->t[tr->n - 1] - tr->t[0]) / (tr->n - 1);
    struct capacity q = {galvano_capacity(tr->t, tr->i, tr->n),
                         hypot(i_noise * interval * sqrt(tr->n), fabs(tr->i[last]) * interval / sqrt(12))};
    put(w, CAPACITY, q.value, q.sd, note);
    put(w, E_MEAN, mean_potential(tr), noise / sqrt(tr->n), note);
    ends_features(w, last, noise, interval);
    plateau_features(w, smooth, noise * sqrt(savgol_centre_weight(points)), note);
    free(smooth);
    return q;
}

static void efficiency(const struct work *w, struct capacity forward, struct capacity back)
{
    const struct feature_place *p = &w->in.place;
    double ratio = back.value / forward.value;
    if (isnan(ratio))
        features_missing(w->out, p, "coulombic_efficiency", "a half of the cycle is missing");
    else
        features_value(w->out, p, "coulombic_efficiency", ratio,
                       hypot(back.sd, ratio * forward.sd) / forward.value, NULL);
    features_method(w->out, "capacity_back / capacity");
}

/* --- halves -------------------------------------------------------------------------------------------- */

/* The samples [first, first + n) as a trace of their own, whose time begins with them; trace_free() it. */
static void part_of(const struct trace *tr, int first, int n, struct trace *out)
{
    size_t count = (size_t)n;
    *out = (struct trace){.n = n, .n_left_out = trace_left_out(tr, first, n)};
    out->t = xcalloc(3 * count, sizeof *out->t);
    out->e = out->t + count;
    out->i = out->e + count;
    out->left_out = xcalloc(count, 1);
    for (int k = 0; k < n; k++) {
        out->t[k] = tr->t[first + k] - tr->t[first];
        out->e[k] = tr->e[first + k];
        out->i[k] = tr->i[first + k];
        out->left_out[k] = tr->left_out[first + k];
    }
}

/* Samples of one cycle and sweep from `first` on. */
static int run_of(const struct trace *tr, int first)
{
    int end = first + 1;
    while (end < tr->n && tr->cycle[end] == tr->cycle[first] && tr->sweep[end] == tr->sweep[first])
        end++;
    return end - first;
}

/* `reversed`: each cycle has a half back. */
static void cycled(const struct step_input *in, bool reversed, struct features *out)
{
    const struct trace *tr = in->trace;
    struct capacity forward = {NAN, NAN};
    struct work w = {.in = *in, .gap = "", .ended = "", .out = out};
    for (int first = 0, n; first < tr->n; first += n) {
        struct trace part;
        n = run_of(tr, first);
        bool back = tr->sweep[first] % 2 == 1, again = first + n < tr->n;
        part_of(tr, first, n, &part);
        w.in.trace = &part;
        w.in.place.cycle = tr->cycle[first];
        w.name = names[back ? BACK : FORWARD];
        if (first > 0) {
            w.in.e_before = tr->e[first - 1];
            w.in.before = "the half before";
        }
        struct capacity q = half_features(&w);
        trace_free(&part);
        if (!back)
            forward = q;
        bool alone = reversed && !back && (!again || tr->cycle[first + n] != tr->cycle[first]);
        if (alone)
            step_missing(&w.in, names[BACK], "the half back was not recorded", out);
        if (back || alone)
            efficiency(&w, forward, back ? q : (struct capacity){NAN, NAN});
    }
}

void galvano_features(const struct step_input *in, struct features *out)
{
    double current[2];
    char gap[48];
    int currents = flatjson_numbers(in->step->settings, "currents", current, 2);
    if (currents > 0) {
        cycled(in, currents > 1, out);
        return;
    }
    snprintf(gap, sizeof gap, ", gap %.3g s %.8s", in->step->gap_before, in->step->gap_state);
    const char *ended = in->step->ended_by;
    half_features(&(struct work){
        .in = *in, .name = names[FORWARD], .gap = gap, .ended = *ended ? ended : "?", .out = out});
}
