/* Voltammograms and constant-current curves for the report, with fewer points than were recorded.
 *
 * Points of a voltammogram are means over equal numbers of samples within one leg of a cycle, so that noise
 * goes down, nothing is aliased, and turning points stay where they are; as the mean is linear, the blank can
 * be subtracted afterwards by the page. A constant-current curve keeps its first and last sample. The number
 * of points per curve falls with the number of curves, so that the page stays small. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/flatjson.h"
#include "analysis/sweep.h"
#include "analysis/trace.h"
#include "output/report_parts.h"

#define POINTS_ALL   700000 /* of all voltammograms together: 5 to 9 MB of text */
#define POINTS_MOST  240    /* per leg or curve */
#define POINTS_LEAST 24
#define LEGS_MOST    4096

struct curves {
    const struct data *d;
    struct buf cv, gs;
    /* Potential axes of voltammograms as text: sites of one level share theirs. */
    char **axis;
    int n_axes;
    int per_leg, per_curve;
    char step[64][64]; /* names of steps seen */
    int n_steps;
};

/* Index of a step's name, -1 if there are too many. */
static int step_index(struct curves *c, const char *name)
{
    for (int k = 0; k < c->n_steps; k++)
        if (strcmp(c->step[k], name) == 0)
            return k;
    if (c->n_steps == (int)(sizeof c->step / sizeof c->step[0]))
        return -1;
    snprintf(c->step[c->n_steps], sizeof c->step[0], "%s", name);
    return c->n_steps++;
}

static int axis_index(struct curves *c, const char *text)
{
    for (int k = c->n_axes - 1; k >= 0 && k >= c->n_axes - 64; k--)
        if (strcmp(c->axis[k], text) == 0)
            return k;
    c->axis = xrealloc(c->axis, (size_t)(c->n_axes + 1) * sizeof *c->axis);
    c->axis[c->n_axes] = xstrdup(text);
    return c->n_axes++;
}

static double mean_of(const double *x, int from, int to)
{
    double sum = 0;
    for (int k = from; k < to; k++)
        sum += x[k];
    return sum / (to - from);
}

/* Means of x over `points` equal parts of [first, first + n), scaled, as text. */
static void put_means(const double *x, int first, int n, int points, double scale, double resolution,
                      struct buf *out)
{
    for (int k = 0; k < points; k++) {
        int from = first + (int)((int64_t)n * k / points), to = first + (int)((int64_t)n * (k + 1) / points);
        double value = mean_of(x, from, to) * scale;
        if (out->n && out->p[out->n - 1] != '[')
            buf_char(out, ',');
        /* Rounded to what can be seen; adding 0 makes -0 a 0. */
        report_number(resolution > 0 ? rint(value / resolution) * resolution + 0.0 : value,
                      resolution > 0 ? 6 : 4, out);
    }
}

/* --- voltammograms ------------------------------------------------------------------------------------- */

static void put_cycle(struct curves *c, int site, int step, const struct trace *t, const struct leg *leg,
                      int n_legs)
{
    struct buf axis = {0}, current = {0};
    buf_printf(&c->cv, "%s{\"s\":%d,\"k\":%d,\"c\":%d,\"legs\":[", c->cv.n ? ",\n" : "\n", site, step,
               leg->cycle);
    for (int k = 0; k < n_legs; k++) {
        int points = leg[k].n < c->per_leg ? leg[k].n : c->per_leg;
        buf_printf(&c->cv, "%s[%d,", k ? "," : "", points);
        report_number(leg[k].rate, 4, &c->cv);
        buf_char(&c->cv, ']');
        put_means(t->e, leg[k].first, leg[k].n, points, 1, 1e-3, &axis);
        put_means(t->i, leg[k].first, leg[k].n, points, 1e12, 0, &current);
    }
    buf_printf(&c->cv, "],\"e\":%d,\"i\":[%s]}", axis_index(c, axis.p), current.p);
    buf_free(&axis);
    buf_free(&current);
}

static void put_cv(struct curves *c, int site, int step, const struct trace *t)
{
    struct leg *leg = xcalloc(LEGS_MOST, sizeof *leg);
    int n = sweep_legs(t->t, t->e, t->cycle, t->sweep, t->n, leg, LEGS_MOST);
    n = n < LEGS_MOST ? n : LEGS_MOST;
    for (int from = 0, to; from < n; from = to) {
        for (to = from + 1; to < n && leg[to].cycle == leg[from].cycle; to++)
            ;
        put_cycle(c, site, step, t, leg + from, to - from);
    }
    free(leg);
}

/* --- constant current ---------------------------------------------------------------------------------- */

/* One half of a cycle: the n samples from `first` on, timed from the first of them. */
static void put_half(struct curves *c, int site, int step, struct trace *t, int first, int n)
{
    if (n < 2)
        return;
    double t0 = t->t[first];
    for (int k = first; k < first + n; k++)
        t->t[k] -= t0;
    int inner = n - 2, points = inner < c->per_curve ? inner : c->per_curve, last = first + n - 1;
    struct buf time = {0}, potential = {0};
    put_means(t->t, first, 1, 1, 1, 0, &time);
    put_means(t->e, first, 1, 1, 1, 1e-4, &potential);
    if (points > 0) {
        put_means(t->t, first + 1, inner, points, 1, 0, &time);
        put_means(t->e, first + 1, inner, points, 1, 1e-4, &potential);
    }
    put_means(t->t, last, 1, 1, 1, 0, &time);
    put_means(t->e, last, 1, 1, 1, 1e-4, &potential);
    buf_printf(&c->gs, "%s{\"s\":%d,\"k\":%d,\"c\":%d,\"q\":", c->gs.n ? ",\n" : "\n", site, step,
               t->cycle[first]);
    report_number(mean_of(t->i, first, first + n) * 1e12, 5, &c->gs);
    buf_printf(&c->gs, ",\"t\":[%s],\"e\":[%s]}", time.p, potential.p);
    buf_free(&time);
    buf_free(&potential);
}

static void put_gs(struct curves *c, int site, int step, struct trace *t)
{
    for (int first = 0, end; first < t->n; first = end) {
        for (end = first + 1;
             end < t->n && t->cycle[end] == t->cycle[first] && t->sweep[end] == t->sweep[first]; end++)
            ;
        put_half(c, site, step, t, first, end - first);
    }
}

/* --- sites --------------------------------------------------------------------------------------------- */

static bool put_step(struct curves *c, int site, const struct results_step *s, struct err *e)
{
    bool cv = strcmp(s->kind, "cv") == 0 || strcmp(s->kind, "lsv") == 0,
         gs = strcmp(s->kind, "galvanostatic") == 0;
    int step = strcmp(s->phase, "step") == 0 && (cv || gs) ? step_index(c, s->name) : -1;
    if (step < 0)
        return true;
    struct wave_row *rows = NULL;
    struct trace t;
    int n = 0;
    if (!results_rows(c->d->r, s->id, &rows, &n, e))
        return false;
    const struct frame *f = &c->d->frame;
    const struct trace_wiring wiring = {f->potential_sign, f->current_sign, f->offset};
    trace_decode(rows, n, &wiring, flatjson_or(s->settings, "interval", 0), &t);
    if (cv)
        put_cv(c, site, step, &t);
    else
        put_gs(c, site, step, &t);
    trace_free(&t);
    free(rows);
    return true;
}

static bool put_site(struct curves *c, int site, struct err *e)
{
    const struct results_site *s = &c->d->sites.site[site];
    struct results_step *step = NULL;
    int n = 0;
    if (s->outcome != OUTCOME_MEASURED || s->last_attempt == 0)
        return true;
    if (!results_steps(c->d->r, s->last_attempt, &step, &n, e))
        return false;
    bool ok = true;
    for (int k = 0; ok && k < n; k++)
        ok = put_step(c, site, &step[k], e);
    free(step);
    return ok;
}

/* The attempt that counts; false if there is none. */
static bool last_attempt(const struct data *d, const struct results_site *s, struct results_attempt *out)
{
    bool found = false;
    if (s->attempts == 0)
        return false;
    struct results_attempt *a;
    int n = results_attempts_all(d->r, s->site, &a, NULL);
    for (int k = 0; k < n; k++)
        if (a[k].id == s->last_attempt) {
            *out = a[k];
            found = true;
        }
    free(a);
    return found;
}

/* In-air blank per site: potential it belongs to (V), offset (pA), leak (pA/V), stray capacitance (pA s/V).
 */
static void put_blanks(const struct data *d, struct buf *out)
{
    buf_str(out, "\"blank\":[");
    for (int k = 0; k < d->sites.n; k++) {
        struct results_attempt a = {0}, *last = &a;
        buf_str(out, k ? "," : "");
        if (!last_attempt(d, &d->sites.site[k], last) || !isfinite(last->blank_capacitance) ||
            !isfinite(last->blank_offset) || !isfinite(last->blank_conductance) ||
            !isfinite(last->blank_bias)) {
            buf_str(out, "null");
            continue;
        }
        buf_char(out, '[');
        report_number(last->blank_bias, 5, out);
        const double value[] = {last->blank_offset, last->blank_conductance, last->blank_capacitance};
        for (size_t j = 0; j < sizeof value / sizeof value[0]; j++) {
            buf_char(out, ',');
            report_number(value[j] * 1e12, 6, out);
        }
        buf_char(out, ']');
    }
    buf_str(out, "],\n");
}

static int clamp(int64_t points)
{
    return points < POINTS_LEAST ? POINTS_LEAST : points > POINTS_MOST ? POINTS_MOST : (int)points;
}

/* Legs of a voltammogram, or halves of a constant current. */
static int64_t legs_in(const struct results_step *s)
{
    double value;
    int per_cycle = flatjson_numbers(s->settings, "vertices", &value, 1);
    if (strcmp(s->kind, "galvanostatic") == 0)
        per_cycle = flatjson_numbers(s->settings, "currents", &value, 1);
    else if (per_cycle == 0)
        per_cycle = 2;
    return (int64_t)flatjson_or(s->settings, "cycles", 1) * (per_cycle > 0 ? per_cycle : 1);
}

/* Points per leg and per curve for the number of legs there are, judged by the first measured site. */
static bool set_budget(struct curves *c, struct err *e)
{
    int64_t measured = 0, legs = 2, halves = 0;
    for (int k = 0; k < c->d->sites.n; k++)
        measured += c->d->sites.site[k].outcome == OUTCOME_MEASURED;
    for (int k = 0; k < c->d->sites.n; k++) {
        struct results_step *step = NULL;
        int n = 0;
        if (c->d->sites.site[k].outcome != OUTCOME_MEASURED)
            continue;
        if (!results_steps(c->d->r, c->d->sites.site[k].last_attempt, &step, &n, e))
            return false;
        for (int j = 0; j < n; j++)
            if (strcmp(step[j].phase, "step") == 0)
                *(strcmp(step[j].kind, "galvanostatic") == 0 ? &halves : &legs) += legs_in(&step[j]);
        free(step);
        break;
    }
    measured = measured > 0 ? measured : 1;
    c->per_leg = clamp(POINTS_ALL / (measured * legs));
    c->per_curve = clamp(POINTS_ALL / (measured * (halves > 8 ? halves : 8)));
    return true;
}

static void put_all(struct curves *c, struct buf *out)
{
    buf_str(out, "\"steps\":[");
    for (int k = 0; k < c->n_steps; k++) {
        buf_str(out, k ? "," : "");
        buf_json_string(out, c->step[k]);
    }
    buf_str(out, "],\n\"axes\":[");
    for (int k = 0; k < c->n_axes; k++)
        buf_printf(out, "%s[%s]", k ? ",\n" : "", c->axis[k]);
    buf_str(out, "],\n\"cv\":[");
    buf_str(out, c->cv.n ? c->cv.p : "");
    buf_str(out, "],\n\"gs\":[");
    buf_str(out, c->gs.n ? c->gs.p : "");
    buf_str(out, "]");
}

bool report_curves(const struct data *d, struct buf *out, struct err *e)
{
    struct curves c = {.d = d};
    bool ok = set_budget(&c, e);
    for (int k = 0; ok && k < d->sites.n; k++)
        ok = put_site(&c, k, e);
    if (ok) {
        put_blanks(d, out);
        put_all(&c, out);
    }
    for (int k = 0; k < c.n_axes; k++)
        free(c.axis[k]);
    free(c.axis);
    buf_free(&c.cv);
    buf_free(&c.gs);
    return ok;
}
