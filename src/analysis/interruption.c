/* A contact that was lost in the middle of a step and came back. */
#include "analysis/interruption.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/flatjson.h"
#include "analysis/stats.h"
#include "analysis/step_features.h"
#include "analysis/sweep.h"
#include "base/buf.h"

/* Standard deviations of the noise: within so many the current is that of air, ... */
#define AIR_SIGMAS 4
/* ... beyond so many a contact is there. */
#define CONTACT_SIGMAS 8
/* Between the two samples of a jump. */
#define JUMP_SIGMAS 11
/* What of the displacement current, and of a constant current, is left to what height and double layer do. */
#define STRAY_PART    0.03
#define CONSTANT_MOST 0.15
/* A constant current that differs by more was changed. */
#define SAME_CURRENT 0.1
/* Samples between two that tell slow noise. */
#define FAR_LAG       5
#define SETTLE        TRACE_SETTLES
#define RANGE_SETTLES TRACE_RANGE_SETTLES
/* A set potential that is off its line by more, or that a sample takes further, steps (V). */
#define OFF_LINE 5e-3
#define COARSE   40e-3
/* Samples behind a return on which the current is judged, and the least number of them. */
#define WINDOW 6
#define LEAST  3
/* A fall is that sure, in standard errors, may smear over less than so many samples, and its ends are judged
 * on so many. */
#define FALL_SIGMAS 6
#define SMEAR       4
#define ENDS        4
/* Part of the level beside a jump that its samples have, and that air may have at most. */
#define FULL     0.6
#define AIR_MEAN 0.3
/* Contact again: so many samples in a row. */
#define STAYS 3
/* Under constant current the potential jumps back at half the rate or more at which it ran off. */
#define JUMPS_BACK 0.5

enum mark { PROVOKED = 1, RANGED = 2, UNKNOWN = 4, CLIPPED = 8 };

struct search {
    const struct interruption_step *s;
    const double *t, *e;
    int n;
    double *r;    /* A into the contact */
    double *band; /* A, what may be air */
    unsigned char *mark;
    double sigma;
};

static bool out_of(const struct search *x, int k)
{
    return fabs(x->r[k]) > x->band[k];
}

/* --- a straight line through samples at k = 0, 1, ... -------------------------------------------------- */

struct line {
    double n, k, kk, v, kv;
};

static void line_add(struct line *l, double k, double v)
{
    l->n++;
    l->k += k;
    l->kk += k * k;
    l->v += v;
    l->kv += k * v;
}

static double line_at(const struct line *l, double k)
{
    double spread = l->kk - l->k * l->k / l->n;
    return l->v / l->n + (l->kv - l->k * l->v / l->n) / spread * (k - l->k / l->n);
}

/* Of its value at k, for samples of unit variance. */
static double line_variance(const struct line *l, double k)
{
    double off = k - l->k / l->n;
    return 1 / l->n + off * off / (l->kk - l->k * l->k / l->n);
}

/* The program moved, or nothing is known. */
static bool is_marked(const struct search *x, int k)
{
    return x->mark[k] & (PROVOKED | UNKNOWN);
}

static double contact_level(const struct search *x, int k)
{
    return fmax(CONTACT_SIGMAS * x->sigma, 2 * x->band[k]);
}

/* --- what is known of each sample ----------------------------------------------------------------------- */

static void provoke(struct search *x, int first, int n)
{
    for (int k = first; k < first + n && k < x->n; k++)
        x->mark[k] |= PROVOKED;
}

/* Rate of each sample, and where the program itself moved. */
static void rates_set(struct search *x, double *rate)
{
    const struct trace *tr = x->s->trace;
    int most = sweep_legs(x->t, x->e, tr->cycle, tr->sweep, x->n, NULL, 0);
    struct leg *leg = xcalloc((size_t)most + 1, sizeof *leg);
    sweep_legs(x->t, x->e, tr->cycle, tr->sweep, x->n, leg, most);
    sweep_rates(leg, most, x->e, x->n, NAN, rate);
    for (int g = 0; g < most; g++) {
        provoke(x, leg[g].first, SETTLE);
        for (int k = leg[g].first + 1; k < leg[g].first + leg[g].n; k++) {
            double step = x->e[k] - x->e[k - 1];
            if (fabs(step - leg[g].rate * (x->t[k] - x->t[k - 1])) > OFF_LINE || fabs(step) > COARSE)
                provoke(x, k, SETTLE);
        }
    }
    free(leg);
}

static void rates_measured(struct search *x, double *rate)
{
    const struct trace *tr = x->s->trace;
    provoke(x, 0, SETTLE);
    for (int k = 1; k < x->n; k++) {
        double dt = x->t[k] - x->t[k - 1];
        rate[k] = dt > 0 ? (x->e[k] - x->e[k - 1]) / dt : 0;
        if (tr->cycle[k] != tr->cycle[k - 1] || tr->sweep[k] != tr->sweep[k - 1] ||
            fabs(tr->i[k] - tr->i[k - 1]) > SAME_CURRENT * fabs(tr->i[k]))
            provoke(x, k, SETTLE);
    }
}

static double usual_interval(const struct search *x)
{
    double *d = xcalloc((size_t)x->n, sizeof *d);
    for (int k = 1; k < x->n; k++)
        d[k - 1] = x->t[k] - x->t[k - 1];
    struct stats s;
    stats_describe(d, x->n - 1, &s);
    free(d);
    return s.median;
}

static void mark_rows(struct search *x)
{
    const struct wave_row *w = x->s->rows;
    double interval = usual_interval(x);
    for (int k = 0; k < x->n; k++) {
        bool none = dec_is_nan(w[k].i_raw) || dec_is_nan(w[k].e_raw) || w[k].status & TRACE_INVALID;
        x->mark[k] |= none ? UNKNOWN : w[k].status & TRACE_OVERLOAD ? CLIPPED : 0;
        if (none)
            provoke(x, k, SETTLE);
        if (k > 0 && w[k].range != w[k - 1].range)
            x->mark[k] |= RANGED;
        if (k > 0 && x->t[k] - x->t[k - 1] > 1.5 * interval)
            provoke(x, k, SETTLE);
    }
}

/* SD by differences over `lag` samples: what a slow change adds to most of them is small. Where more than
 * half of them are none, the noise is that of the digits. */
static double noise_at(const struct search *x, int lag, double *d)
{
    int n = 0;
    for (int k = lag; k < x->n; k++)
        if (!(x->mark[k] | x->mark[k - lag]))
            d[n++] = fabs(x->r[k] - x->r[k - lag]);
    struct stats s;
    stats_describe(d, n, &s);
    return !n ? 0 : s.median > 0 ? 1.4826 * s.median / M_SQRT2 : s.mean;
}

/* Neighbours tell white noise; those further apart that of the mains. */
static double noise_of(const struct search *x)
{
    double *d = xcalloc((size_t)x->n, sizeof *d);
    double noise = fmax(noise_at(x, 1, d), noise_at(x, FAR_LAG, d));
    free(d);
    return noise;
}

/* What the blank leaves uncertain, and under constant current no more than a part of it. */
static double blank_error(const struct interruption_step *s, double i, double e, double rate)
{
    double off = blank_sd(s->blank, 1, e - s->blank->bias, s->galvanostatic ? 0 : rate);
    if (!s->galvanostatic)
        return STRAY_PART * fabs(s->blank->capacitance * rate) + 3 * off;
    return fmin(STRAY_PART * fabs(i) + 3 * off, CONSTANT_MOST * fabs(i));
}

static bool prepare(struct search *x)
{
    const struct interruption_step *s = x->s;
    double *rate = xcalloc((size_t)x->n, sizeof *rate);
    if (s->galvanostatic)
        rates_measured(x, rate);
    else
        rates_set(x, rate);
    mark_rows(x);
    for (int k = 0; k < x->n; k++) {
        double i = s->trace->i[k];
        /* a clipped value is at least that large */
        if (x->mark[k] & CLIPPED)
            i = copysign(fabs(dec_value(s->rows[k].i_raw)), i);
        x->r[k] = i - blank_current(s->blank, x->e[k], rate[k]);
    }
    x->sigma = noise_of(x);
    for (int k = 0; k < x->n; k++) {
        x->band[k] = AIR_SIGMAS * x->sigma + blank_error(s, s->trace->i[k], x->e[k], rate[k]);
    }
    free(rate);
    return x->sigma > 0;
}

/* --- the return ----------------------------------------------------------------------------------------- */

/* The contact stays, from sample k on. A range that settles makes currents for some samples, too. */
static bool stays(const struct search *x, int k)
{
    int n = STAYS;
    for (int j = k; j > 0 && j > k - RANGE_SETTLES; j--)
        if (x->mark[j] & RANGED)
            n = RANGE_SETTLES;
    for (int j = k; j < k + n; j++)
        if (j >= x->n || (!out_of(x, j) && !(x->mark[j] & CLIPPED)) || is_marked(x, j) ||
            x->r[j] * x->r[k] < 0)
            return false;
    return true;
}

/* Is a contact back in sample `full`, none in sample `last`, and does what follows lead up to it, rather than
 * from nothing? */
static bool is_back(const struct search *x, int last, int full, double *after)
{
    struct stats s;
    struct line line = {0};
    double v[WINDOW];
    int n = 0;
    for (int k = full; k < x->n && n < WINDOW && k < full + 3 * WINDOW && !is_marked(x, k); k++)
        if (!(x->mark[k] & CLIPPED))
            v[n++] = x->r[k];
    if (n < LEAST)
        return false;
    stats_describe(v, n, &s);
    *after = s.median;
    if (fabs(*after) < x->band[full] || fabs(x->r[full]) < contact_level(x, full) ||
        x->r[full] * *after < FULL * *after * *after)
        return false;
    for (int k = 0; k < n; k++)
        line_add(&line, k, v[k]);
    return line_at(&line, -1) * copysign(1, *after) >= contact_level(x, full) &&
           (x->mark[full] & CLIPPED || fabs(x->r[full] - x->r[last]) >= JUMP_SIGMAS * x->sigma);
}

/* Under constant current: the potential moves against it. A current that is none tells nothing: its potential
 * is that of a contact and of air alike. */
static bool jumps_back(const struct search *x, int last, int full)
{
    double i = x->s->trace->i[last];
    return !x->s->galvanostatic ||
           (fabs(i) > AIR_SIGMAS * x->sigma && x->r[full] * i >= (1 + JUMPS_BACK) * i * i);
}

/* The first sample of the contact behind `last`, which is in air; -1: none, or it comes slowly. */
static int back_at(const struct search *x, int last, double *after)
{
    if (out_of(x, last) || out_of(x, last - 1) || x->mark[last] & CLIPPED || !stays(x, last + 1))
        return -1;
    for (int full = last + 1; full <= last + 2 && full < x->n; full++)
        if (is_back(x, last, full, after) && jumps_back(x, last, full))
            return full;
    return -1;
}

/* --- the fall ------------------------------------------------------------------------------------------- */

/* Samples in air, added from the last one backwards. */
struct air {
    double sum;
    int n, out; /* used; those beyond the band */
};

static bool add_air(const struct search *x, int k, struct air *a)
{
    if (x->mark[k])
        return true;
    bool out = out_of(x, k);
    a->n += !out;
    a->out += out;
    a->sum += out ? 0 : x->r[k];
    return a->out <= 2 || 5 * a->out <= a->n;
}

static double mean_of(const struct search *x, int first, int n)
{
    double sum = 0;
    for (int k = first; k < first + n; k++)
        sum += x->r[k];
    return sum / n;
}

/* How surely (in standard errors) the current fell at once from the line of the `width` samples up to `last`
 * to that of air from `first` on. 0: not. */
static double fall(const struct search *x, int last, int first, int width, const struct air *a,
                   double *before)
{
    struct line line = {0};
    if (last - width + 1 < 0)
        return 0;
    for (int k = last - width + 1; k < first; k++)
        if (is_marked(x, k) || (k <= last && x->mark[k]))
            return 0;
    for (int k = 0; k < width; k++)
        line_add(&line, k, x->r[last - width + 1 + k]);
    double se = x->sigma * sqrt(line_variance(&line, width) + 1.0 / a->n), air = a->sum / a->n;
    double level = line_at(&line, width), way = copysign(1, level);
    double least = fmax(FALL_SIGMAS * se, 2 * (x->band[last] - AIR_SIGMAS * x->sigma));
    int ends = a->n < ENDS ? a->n : ENDS;
    if (way * (level - air) < least || fabs(air) > AIR_MEAN * fabs(level) ||
        way * mean_of(x, last - ENDS + 1, ENDS) < FULL * fabs(level) ||
        fabs(mean_of(x, first, ends)) > (1 - FULL) * fabs(level))
        return 0;
    *before = level;
    return way * (level - air) / se;
}

/* Where the contact was lost that came back behind `end`: the surest place. */
static bool lost_before(const struct search *x, int end, struct interruption *out)
{
    static const int width[] = {6, 12, 24};
    struct air a = {0};
    double surest = 0;
    for (int first = end; first > LEAST && add_air(x, first, &a); first--) {
        if (a.n < 2 || out_of(x, first) || x->mark[first])
            continue;
        for (int w = 0; w < 3; w++)
            for (int gap = 0; gap < SMEAR; gap++) {
                double before = 0, sure = fall(x, first - 1 - gap, first, width[w], &a, &before);
                if (sure <= surest)
                    continue;
                surest = sure;
                out->first = first;
                out->n = end - first + 1;
                out->from = x->t[first - 1 - gap];
                out->before = before;
            }
    }
    return surest > 0;
}

static bool search(const struct search *x, struct interruption *out)
{
    for (int k = 2; k + STAYS < x->n; k++) {
        int full = back_at(x, k, &out->after);
        if (full < 0 || !lost_before(x, k, out))
            continue;
        out->to = x->t[full];
        return true;
    }
    return false;
}

bool interruption_find(const struct interruption_step *s, struct interruption *out)
{
    struct search x = {.s = s, .t = s->trace->t, .e = s->trace->e, .n = s->trace->n};
    if (!s->blank->given || x.n < 2 * LEAST + 2)
        return false;
    x.r = xcalloc(2 * (size_t)x.n, sizeof *x.r);
    x.band = x.r + x.n;
    x.mark = xcalloc((size_t)x.n, 1);
    bool found = prepare(&x) && search(&x, out);
    free(x.r);
    free(x.mark);
    return found;
}

bool interruption_of_attempt(const struct feature_attempt *a, int *step, struct interruption *out)
{
    struct blank blank = site_blank(a->attempt);
    bool found = false;
    for (int k = 0; k < a->n_steps && !found; k++) {
        const struct feature_step *f = &a->step[k];
        struct trace trace;
        if (strcmp(f->step->phase, "step") != 0)
            continue;
        trace_decode(f->rows, f->n, &a->wiring, flatjson_or(f->step->settings, "interval", 0), &trace);
        const struct interruption_step s = {
            .rows = f->rows, .trace = &trace, .blank = &blank, .galvanostatic = step_sets_current(f->step)};
        found = interruption_find(&s, out);
        *step = k;
        trace_free(&trace);
    }
    return found;
}
