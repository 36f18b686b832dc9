/* Robust scores of individual values and their EWMA. */
#include "analysis/chart.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_cdf.h>

#include "analysis/stats.h"
#include "base/buf.h"

#define NOW_VALUES 5
/* A limit that cut scores could never reach would be none. */
#define LIMIT_PART 0.65
/* Part of the limit from which on the baseline no longer grows. */
#define SUSPICIOUS 0.5
/* Part of the limit within which the EWMA is at the centre. */
#define NEAR_PART 0.15

/* What the baseline of a group says. */
struct base {
    int n;
    double median, scale; /* of values or their logarithms */
    double mean, sd;      /* of cut scores */
    double phi;           /* correlation of neighbours, what chance may feign taken off */
    double degrees;       /* of freedom, of the scale */
    double off;           /* variance of the centre, in units of a score's */
};

struct group {
    double first[CHART_GROWN + CHART_LAG + 1]; /* logarithms where the law says so; oldest first */
    int n;
    struct base base;
};

struct chart {
    struct chart_law law;
    struct chart_point *point; /* heap: n */
    int n, cap;
    struct group group[CHART_GROUPS];
    int judged; /* values */
    int newest; /* index of the newest judged point, -1 = none */
};

struct chart *chart_new(const struct chart_law *law)
{
    struct chart *c = xcalloc(1, sizeof *c);
    c->law = *law;
    c->newest = -1;
    return c;
}

void chart_free(struct chart *c)
{
    if (c)
        free(c->point);
    free(c);
}

int chart_count(const struct chart *c)
{
    return c->n;
}

const struct chart_point *chart_point(const struct chart *c, int k)
{
    return &c->point[k];
}

/* --- baseline ------------------------------------------------------------------------------------------- */

static double cut(const struct chart *c, const struct base *b, double x)
{
    double s = (x - b->median) / b->scale;
    return fmax(-c->law.clip, fmin(c->law.clip, s));
}

/* Correlation of neighbours beyond one standard error, 0 to 0.9. */
static double likeness(const double *u, int n)
{
    double same = 0, all = 0;
    for (int k = 0; k < n; k++) {
        all += u[k] * u[k];
        same += k ? u[k] * u[k - 1] : 0;
    }
    double r = all > 0 ? same / all - 1 / sqrt(n) : 0;
    return fmax(0, fmin(0.9, r));
}

static void learn(const struct chart *c, struct group *g, int n)
{
    struct stats s;
    struct base *b = &g->base;
    double u[CHART_GROWN + CHART_LAG + 1], sum = 0, squares = 0;
    stats_describe(g->first, n, &s);
    b->n = n;
    b->median = s.median;
    b->scale = fmax(s.mad, c->law.least);
    if (!(b->scale > 0)) /* all alike */
        b->scale = fmax(1e-9 * fabs(b->median), 1e-300);
    for (int k = 0; k < n; k++)
        sum += u[k] = cut(c, b, g->first[k]);
    b->mean = sum / n;
    for (int k = 0; k < n; k++) {
        u[k] -= b->mean;
        squares += u[k] * u[k];
    }
    double variance = squares / (n - 1);
    b->sd = fmax(sqrt(variance), 1);
    /* What is alike in neighbours is the part of the variance that is theirs, not that of the least scale. */
    b->phi = likeness(u, n) * fmin(variance, 1);
    b->degrees = n - 1;
    b->off = 1.0 / n;
}

/* --- groups that are young ------------------------------------------------------------------------------ */

/* Variance of a median of normal values, times their number, against that of a mean. */
#define OF_MEDIAN (M_PI / 2)

/* What the values of all groups that have the least say of their scatter, each about its own median: with
 * many groups each alone would need a night. Number of values, 0 = not yet enough. */
static int pool(const struct chart *c, double *u, int *groups)
{
    int n = 0;
    *groups = 0;
    for (int k = 0; k < CHART_GROUPS; k++) {
        const struct group *g = &c->group[k];
        int m = g->n < c->law.baseline ? g->n : c->law.baseline;
        struct stats s;
        if (m < CHART_YOUNG)
            continue;
        stats_describe(g->first, m, &s);
        for (int j = 0; j < m; j++)
            u[n++] = g->first[j] - s.median;
        ++*groups;
    }
    return n - *groups < c->law.baseline - 1 ? 0 : n;
}

/* Centre of its own, scale of all groups. */
static bool learn_young(const struct chart *c, struct group *g)
{
    double *u = xcalloc((size_t)CHART_GROUPS * (size_t)c->law.baseline, sizeof *u), squares = 0;
    int groups, n = pool(c, u, &groups);
    struct stats s;
    stats_describe(g->first, CHART_YOUNG, &s);
    double own = s.sd;
    struct base b = {.n = CHART_YOUNG, .median = s.median, .degrees = n - groups};
    stats_describe(u, n, &s);
    double shrunk = n ? sqrt((double)n / (n - groups)) : 1;
    b.scale = n ? fmax(shrunk * s.mad, c->law.least) : 0;
    if (n && !(b.scale > 0))
        b.scale = fmax(1e-9 * fabs(b.median), 1e-300);
    for (int k = 0; k < n; k++) {
        double x = fmax(-c->law.clip, fmin(c->law.clip, u[k] / b.scale));
        squares += x * x;
    }
    /* About a median of few values the MAD is too small: what the cut scores say makes up for it. */
    b.scale *= n ? fmax(sqrt(squares / (n - groups)), 1) : 1;
    b.scale = fmax(b.scale, own); /* a group that scatters more than the others */
    b.sd = 1;
    b.off = OF_MEDIAN / CHART_YOUNG;
    if (n)
        g->base = b;
    free(u);
    return n > 0;
}

/* The group's baseline before this value; false as long as it is not complete. */
static bool has_base(const struct chart *c, struct group *g)
{
    if (c->law.scale > 0) {
        g->base = (struct base){.median = c->law.centre, .scale = c->law.scale, .sd = 1};
        return true;
    }
    int n = g->n - CHART_LAG;
    n = n < c->law.baseline ? c->law.baseline : n > CHART_GROWN ? CHART_GROWN : n;
    if (c->law.baseline > g->n)
        return g->base.n > 0 ||
               (g->n >= CHART_YOUNG && fabs(chart_reach(c)) < SUSPICIOUS && learn_young(c, g));
    if (n > g->base.n && (g->base.n == 0 || fabs(chart_reach(c)) < SUSPICIOUS))
        learn(c, g, n);
    return true;
}

/* --- EWMA ----------------------------------------------------------------------------------------------- */

/* degrees: of freedom of the scale, 0 = known; off: variance of the centre. */
static double limit_of(const struct chart_law *law, int n_judged, double degrees, double off, double phi)
{
    double l = law->lambda, a = phi * (1 - l);
    double variance = l / (2 - l) * (1 - pow(1 - l, 2.0 * n_judged)) * (1 + a) / (1 - a);
    if (degrees < 1)
        return law->sigmas * sqrt(variance);
    double t = gsl_cdf_tdist_Qinv(stats_normal_sf(law->sigmas), degrees);
    return fmin(t * sqrt(variance + off), LIMIT_PART * law->clip);
}

double chart_limit(const struct chart_law *law, int n_judged, int n, double phi)
{
    return limit_of(law, n_judged, n < 2 ? 0 : n - 1, n < 2 ? 0 : 1.0 / n, phi);
}

/* From a standardised score back to the unit of the value. */
static double in_unit(const struct chart *c, const struct base *b, double u)
{
    double x = b->median + b->scale * (b->mean + b->sd * u);
    return c->law.log ? exp(x) : x;
}

static void judge(struct chart *c, const struct base *b, double x, struct chart_point *p)
{
    double before = c->newest < 0 ? 0 : c->point[c->newest].ewma;
    double u = (cut(c, b, x) - b->mean) / b->sd;
    p->judged = true;
    p->score = ((x - b->median) / b->scale - b->mean) / b->sd;
    c->judged++;
    p->ewma = (1 - c->law.lambda) * before + c->law.lambda * u;
    p->limit = limit_of(&c->law, c->judged, b->degrees, b->off, b->phi);
    p->centre = in_unit(c, b, 0);
    p->low = in_unit(c, b, -p->limit);
    p->high = in_unit(c, b, p->limit);
    p->level = in_unit(c, b, p->ewma);
}

void chart_add(struct chart *c, int group, double value)
{
    struct group *g = &c->group[group < 0 ? 0 : group < CHART_GROUPS ? group : CHART_GROUPS - 1];
    double x = !c->law.log ? value : value > 0 ? log(value) : NAN;
    struct chart_point p = {.value = isfinite(x) ? value : NAN,
                            .group = group,
                            .ewma = c->newest < 0 ? NAN : c->point[c->newest].ewma,
                            .limit = c->newest < 0 ? NAN : c->point[c->newest].limit,
                            .score = NAN,
                            .centre = NAN,
                            .low = NAN,
                            .high = NAN,
                            .level = NAN};
    bool judged = isfinite(x) && has_base(c, g);
    if (judged)
        judge(c, &g->base, x, &p);
    if (isfinite(x) && g->n < CHART_GROWN + CHART_LAG)
        g->first[g->n++] = x;
    if (c->n == c->cap) {
        c->cap = c->cap ? 2 * c->cap : 64;
        c->point = xrealloc(c->point, (size_t)c->cap * sizeof *c->point);
    }
    c->point[c->n++] = p;
    if (judged)
        c->newest = c->n - 1;
}

double chart_reach(const struct chart *c)
{
    return c->newest < 0 ? 0 : c->point[c->newest].ewma / c->point[c->newest].limit;
}

int chart_since(const struct chart *c)
{
    double way = c->newest < 0 ? 0 : copysign(1, c->point[c->newest].ewma);
    int n = 0;
    for (int k = c->newest; k >= 0; k--) {
        if (!c->point[k].judged)
            continue;
        if (c->point[k].ewma * way <= NEAR_PART * c->point[k].limit)
            break;
        n++;
    }
    return n;
}

int chart_index(const struct chart *c, int n)
{
    int at = c->n;
    for (int k = c->newest; k >= 0 && n > 0; k--)
        if (c->point[k].judged) {
            at = k;
            n--;
        }
    return at;
}

double chart_now(const struct chart *c)
{
    double v[NOW_VALUES];
    int n = 0, most = chart_since(c);
    for (int k = c->newest; k >= 0 && n < NOW_VALUES && n < most; k--)
        if (c->point[k].judged)
            v[n++] = c->point[k].value;
    struct stats s;
    stats_describe(v, n, &s);
    return s.median;
}
