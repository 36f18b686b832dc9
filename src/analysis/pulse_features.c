/* Features of pulses: what each level of each pulse ends with, and its charge. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "analysis/integrate.h"
#include "analysis/step_features.h"

/* A level's samples, and how its features are called. */
struct level {
    int first, n, number; /* number from 1 on */
};

static double mean_of(const double *x, int n, double *sd)
{
    double sum = 0, squares = 0;
    for (int k = 0; k < n; k++)
        sum += x[k];
    for (int k = 0; k < n; k++)
        squares += (x[k] - sum / n) * (x[k] - sum / n);
    *sd = n > 1 ? sqrt(squares / (n - 1) / n) : NAN;
    return sum / n;
}

static void level_features(const struct step_input *in, const struct level *l, bool current,
                           struct features *out)
{
    const struct trace *tr = in->trace;
    char end[16], charge[16], reason[96], note[96];
    const char *const names[] = {end, charge, NULL};
    snprintf(end, sizeof end, "%c_end_%d", current ? 'e' : 'i', l->number);
    snprintf(charge, sizeof charge, "charge_%d", l->number);
    if (!step_usable(in, l->first, l->n, reason, note)) {
        step_missing(in, names, reason, out);
        return;
    }
    int tail = l->n / 10 > 2 ? l->n / 10 : 2;
    const double *x = (current ? tr->e : tr->i) + l->first + l->n - tail;
    double sd = NAN, mean = mean_of(x, tail, &sd);
    features_value(out, &in->place, end, mean, sd, note);
    if (!step_edge_known(in, l->first, l->n, reason)) {
        features_missing(out, &in->place, charge, reason);
        return;
    }
    double *w = xcalloc((size_t)l->n, sizeof *w);
    integrate_means(tr->t + l->first, l->n, w);
    features_value(out, &in->place, charge, integrate_dot(w, tr->i + l->first, l->n),
                   step_end_noise(tr, l->first, l->n) * integrate_norm(w, l->n), note);
    free(w);
}

void pulse_features(const struct step_input *in, struct features *out)
{
    const struct trace *tr = in->trace;
    bool current = step_sets_current(in->step);
    struct step_input at = *in;
    for (int first = 0, end; first < tr->n; first = end) {
        for (end = first + 1;
             end < tr->n && tr->cycle[end] == tr->cycle[first] && tr->sweep[end] == tr->sweep[first]; end++)
            ;
        at.place.cycle = tr->cycle[first];
        struct level l = {first, end - first, tr->sweep[first] + 1};
        if (l.number >= 1 && l.number <= PULSE_LEVELS)
            level_features(&at, &l, current, out);
    }
}
