/* Features of the SEI window over the cycles of one voltammogram. */
#include "analysis/sei_features.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/sei.h"
#include "base/buf.h"

static const char *const sei_names[SEI_QUANTITIES] = {
    [SEI_Q] = "q_sei",
    [SEI_FILM] = "q_sei_film",
    [SEI_C_PASS] = "c_dl_pass",
    [SEI_PER_CDL] = "q_sei_per_cdl",
    [SEI_RATIO] = "sei_charge_ratio",
    [SEI_FILM_RATIO] = "sei_film_ratio",
    [SEI_RATIO_AREA] = "sei_charge_ratio_area",
    [SEI_RATIO_CDL] = "sei_charge_ratio_cdl",
};

struct sei_series {
    bool window;      /* of the others only the wetted area is followed */
    bool wet;         /* branches are read between low and high; as in the first of the stored steps */
    double low, high; /* V */
    int n;            /* cycles up to the highest one */
    struct sei_cycle m[SEI_CYCLES];
    char reason[SEI_CYCLES][96];            /* why the window charge can not be had */
    struct feature_place place[SEI_CYCLES]; /* cycle 0: it was not played */
};

struct sei_series *sei_series_new(void)
{
    struct sei_series *s = xcalloc(1, sizeof *s);
    for (int k = 0; k < SEI_CYCLES; k++) {
        s->m[k].q = s->m[k].falling.current = s->m[k].rising.current = NAN;
        snprintf(s->reason[k], sizeof s->reason[k], "the cycle was not played");
    }
    return s;
}

void sei_series_free(struct sei_series *s)
{
    free(s);
}

/* true if this is the voltammogram with the SEI window. */
static bool sei_is_window(const struct step_input *in)
{
    const char *step = in->settings->sei_step;
    return step[0] && strcmp(in->step->name, step) == 0;
}

/* Everything the SEI quantities of one cycle need. */
static void measure(struct sei_series *s, const struct cv_curve *c, const struct cv_cycle *y)
{
    const struct trace *tr = c->in->trace;
    const double *window = c->in->settings->sei_window;
    struct sei_cycle *m = &s->m[y->number - 1];
    char *reason = s->reason[y->number - 1], note[96];
    m->width = window[1] - window[0];
    reason[0] = '\0';
    if (!step_usable(c->in, y->first, y->n, reason, note))
        return;
    const struct leg *g = cv_leg(c, y, -1, window[0], window[1], false);
    if (s->wet) {
        cv_branch(c, s->window ? g : cv_leg(c, y, -1, s->low, s->high, false), s->low, s->high, &m->falling);
        cv_branch(c, cv_leg(c, y, 1, s->low, s->high, true), s->low, s->high, &m->rising);
    }
    if (!g) {
        snprintf(reason, 96, "no reducing sweep");
        return;
    }
    /* The sample at the turn belongs to the leg before, and to the way into this one. */
    int before = g->first > y->first ? 1 : 0, first = g->first - before, n = g->n + before;
    double t0 = 0, t1 = 0;
    if (!integrate_window(tr->t + first, tr->e + first, n, window[1], window[0], fmax(0.6 * c->step, 1e-3),
                          &t0, &t1)) {
        double reached = INFINITY;
        for (int k = first; k < first + n; k++)
            reached = fmin(reached, tr->e[k]);
        snprintf(reason, 96, "SEI window not covered: the sweep reached %.3g V", reached);
        return;
    }
    m->q = cv_charge(c, first, n, t0, t1, tr->i, NULL, CHARGE_NET, false, &m->q_sd);
    for (int k = 0; k < n; k++)
        m->time += c->weight[k];
    m->moment = integrate_dot(c->weight, c->moment + first, n);
    m->swing = integrate_dot(c->weight, c->dedt + first, n);
}

/* Every cycle's uncertainty asks for all those before it: so many are not followed. */
static void tell_beyond(const struct sei_series *s, const struct feature_place *p, struct features *out)
{
    char reason[96];
    snprintf(reason, sizeof reason, "only the first %d cycles are followed", SEI_CYCLES);
    for (int j = 0; j < SEI_QUANTITIES; j++)
        if (s->window || j == SEI_C_PASS)
            features_missing(out, p, sei_names[j], reason);
    if (s->window)
        features_missing(out, p, "q_sei_raw", reason);
}

void sei_series_add(struct sei_series *s, const struct cv_curve *c, struct features *out)
{
    if (!s)
        return;
    if (s->n == 0) {
        s->window = sei_is_window(c->in);
        s->wet = cv_wet_range(c, &s->low, &s->high);
    }
    for (int k = 0; k < c->n_cycles; k++) {
        const struct cv_cycle *y = &c->cycle[k];
        struct feature_place place = c->in->place;
        place.cycle = y->number;
        if (y->number > SEI_CYCLES)
            tell_beyond(s, &place, out);
        if (y->number < 1 || y->number > SEI_CYCLES)
            continue;
        s->place[y->number - 1] = place;
        measure(s, c, y);
        s->n = y->number > s->n ? y->number : s->n;
    }
}

/* --- rows ---------------------------------------------------------------------------------------------- */

/* A series with its results, and what they rest on. */
struct outcome_of {
    const struct sei_series *s;
    const struct sei_result *r;
    bool blank, ends;
};

/* Why quantity j of cycle k is missing; NULL if it is not. */
static const char *why_missing(const struct outcome_of *o, int k, int j)
{
    const struct sei_result *r = o->r;
    double c1 = r[0].value[SEI_C_PASS], c = r[k].value[SEI_C_PASS];
    if (j != SEI_C_PASS && o->s->reason[k][0])
        return o->s->reason[k];
    if (!o->blank)
        return NO_BLANK;
    if (j == SEI_C_PASS || j == SEI_FILM || j == SEI_PER_CDL || j > SEI_RATIO) {
        if (!o->s->wet)
            return "the sweep leaves no range at the potential where the capacitance is read";
        if (isnan(c))
            return "a branch of the turn before the pass is missing";
    }
    if (j == SEI_PER_CDL && !(c > 2 * r[k].sd[SEI_C_PASS]))
        return "the capacitance is not above 2 x its uncertainty";
    if (j >= SEI_RATIO && isnan(r[0].value[SEI_Q]))
        return "the SEI charge of cycle 1 is missing";
    /* What the double layer takes is no SEI charge: without it where that can be said. */
    int q = isnan(r[0].value[SEI_FILM]) ? SEI_Q : SEI_FILM;
    if (j >= SEI_RATIO && !(fabs(r[0].value[q]) > 3 * r[0].sd[q]))
        return "the SEI charge of cycle 1 is not above 3 x its uncertainty";
    if (j > SEI_FILM_RATIO && !o->ends && !(c1 > 2 * r[0].sd[SEI_C_PASS]))
        return "the capacitance of cycle 1 is not above 2 x its uncertainty";
    if (j == SEI_RATIO_CDL && !o->ends && !(c > 2 * r[k].sd[SEI_C_PASS]))
        return "the capacitance is not above 2 x its uncertainty";
    return isnan(r[k].value[j]) ? "an earlier cycle is missing" : NULL;
}

static void write_row(const struct outcome_of *o, int k, int j, struct features *out)
{
    const struct feature_place *p = &o->s->place[k];
    const char *why = why_missing(o, k, j), *note = NULL;
    if (j == SEI_C_PASS && k == 0)
        note = o->s->n == 1 ? "falling branch against the blank" : "common part from the next turn";
    if (j > SEI_FILM_RATIO)
        note = o->ends ? "growth: rest / contact capacitance" : "growth: c_dl_pass, monotone";
    if (why)
        features_missing(out, p, sei_names[j], why);
    else
        features_value(out, p, sei_names[j], o->r[k].value[j], o->r[k].sd[j], note);
}

static void write_cycle(const struct outcome_of *o, int k, struct features *out)
{
    const struct sei_series *s = o->s;
    write_row(o, k, SEI_C_PASS, out);
    if (!s->window)
        return;
    if (s->reason[k][0])
        features_missing(out, &s->place[k], "q_sei_raw", s->reason[k]);
    else
        features_value(out, &s->place[k], "q_sei_raw", s->m[k].q, s->m[k].q_sd, NULL);
    for (int j = 0; j < SEI_QUANTITIES; j++)
        if (j != SEI_C_PASS && (j < SEI_RATIO || k > 0)) /* ratios of cycle 1 are 1 by definition */
            write_row(o, k, j, out);
}

void sei_series_write(const struct sei_series *s, const struct blank *blank, const struct area_ends *ends,
                      struct features *out)
{
    if (!s || s->n < 1)
        return;
    struct sei_result r[SEI_CYCLES];
    struct outcome_of o = {s, r, blank->given, area_ends_known(ends)};
    sei_compute(s->m, s->n, blank, (s->low + s->high) / 2, ends, r);
    for (int k = 0; k < s->n; k++)
        if (s->place[k].cycle)
            write_cycle(&o, k, out);
}
