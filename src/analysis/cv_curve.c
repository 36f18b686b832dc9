/* A voltammogram made ready for features. */
#include "analysis/cv_curve.h"

#include <math.h>
#include <stdlib.h>

#include "analysis/flatjson.h"
#include "analysis/savgol.h"

#define VERTICES_MAX 64

/* How close to a programmed vertex counts as reached: a few steps, at least 10 mV. */
static double vertex_tolerance(double step)
{
    return fmax(3 * step, 10e-3);
}

/* One after the other, within one cycle. */
static bool passes(const struct cv_curve *c, const struct cv_cycle *y, const double *vertex, int n)
{
    const double *e = c->in->trace->e;
    double tolerance = vertex_tolerance(c->step);
    int at = 0;
    for (int k = y->first; k < y->first + y->n && at < n; k++)
        while (at < n && fabs(e[k] - vertex[at]) <= tolerance)
            at++;
    return at == n;
}

/* Vertices as programmed, with the end of each cycle; 0 if they are not known. A plain cycle goes back to
 * where it began (the second vertex itself in most), a single sweep has its end. */
static int programmed(const char *settings, double vertex[VERTICES_MAX])
{
    int n = flatjson_numbers(settings, "vertices", vertex, VERTICES_MAX);
    if (n > 0)
        return n < VERTICES_MAX ? n : VERTICES_MAX;
    if (flatjson_number(settings, "vertex0", &vertex[0]) &&
        flatjson_number(settings, "vertex1", &vertex[1])) {
        vertex[2] = flatjson_or(settings, "start", vertex[1]);
        return 3;
    }
    return flatjson_number(settings, "end", &vertex[0]) ? 1 : 0;
}

static bool reached_vertices(const struct cv_curve *c, const struct cv_cycle *y)
{
    double vertex[VERTICES_MAX];
    int n = programmed(c->in->step->settings, vertex);
    return n > 0 ? passes(c, y, vertex, n) : y->red && y->ox;
}

static double span(const struct leg *g)
{
    return g ? fabs(g->step) * g->n : 0;
}

static void find_cycles(struct cv_curve *c)
{
    c->cycle = xcalloc((size_t)(c->n_legs > 0 ? c->n_legs : 1), sizeof *c->cycle);
    for (int k = 0; k < c->n_legs; k++) {
        const struct leg *g = &c->leg[k];
        struct cv_cycle *y = c->n_cycles ? &c->cycle[c->n_cycles - 1] : NULL;
        if (!y || y->number != g->cycle) {
            y = &c->cycle[c->n_cycles++];
            *y = (struct cv_cycle){.number = g->cycle, .first = g->first, .leg = g};
        }
        y->n_legs++;
        y->n = g->first + g->n - y->first;
        if (g->direction < 0 && span(g) > span(y->red))
            y->red = g;
        if (g->direction > 0 && span(g) > span(y->ox))
            y->ox = g;
    }
    for (int k = 0; k < c->n_cycles; k++)
        c->cycle[k].complete = reached_vertices(c, &c->cycle[k]);
}

/* Smooths each leg by itself, so that the jump of the charging current at a vertex stays a jump. */
static void smooth_legs(struct cv_curve *c)
{
    double squares = 0;
    int counted = 0;
    for (int k = 0; k < c->n_legs; k++) {
        const struct leg *g = &c->leg[k];
        int points = savgol_points(c->in->settings->smoothing, g->step, g->n);
        savgol(c->corrected + g->first, g->n, points, 0, c->smooth + g->first);
        savgol(c->in->trace->i + g->first, g->n, points, 0, c->smooth_raw + g->first);
        double noise = savgol_noise(c->corrected + g->first, c->smooth + g->first, g->n, points);
        if (isfinite(noise)) {
            squares += noise * noise * g->n;
            counted += g->n;
        }
        if (points > c->points)
            c->points = points;
    }
    c->noise = counted ? sqrt(squares / counted) : NAN;
    c->smooth_noise = c->noise * sqrt(savgol_centre_weight(c->points));
}

void cv_curve_make(const struct step_input *in, struct cv_curve *out)
{
    const struct trace *tr = in->trace;
    size_t n = tr->n > 0 ? (size_t)tr->n : 1;
    struct cv_curve c = {.in = in, .n = tr->n};
    c.dedt = xcalloc(6 * n, sizeof *c.dedt);
    c.moment = c.dedt + n;
    c.corrected = c.moment + n;
    c.smooth = c.corrected + n;
    c.smooth_raw = c.smooth + n;
    c.weight = c.smooth_raw + n;
    c.n_legs = sweep_legs(tr->t, tr->e, tr->cycle, tr->sweep, tr->n, NULL, 0);
    c.leg = xcalloc((size_t)c.n_legs + 1, sizeof *c.leg);
    sweep_legs(tr->t, tr->e, tr->cycle, tr->sweep, tr->n, c.leg, c.n_legs);
    sweep_rates(c.leg, c.n_legs, tr->e, tr->n, flatjson_or(in->step->settings, "start", NAN), c.dedt);
    for (int k = 0; k < tr->n; k++) {
        c.moment[k] = tr->e[k] - in->blank->bias;
        c.corrected[k] = tr->i[k] - blank_current(in->blank, tr->e[k], c.dedt[k]);
    }
    for (int k = 0; k < c.n_legs; k++)
        c.step = fmax(c.step, fabs(c.leg[k].step));
    find_cycles(&c);
    smooth_legs(&c);
    *out = c;
}

void cv_curve_free(struct cv_curve *c)
{
    free(c->dedt);
    free(c->leg);
    free(c->cycle);
    *c = (struct cv_curve){0};
}

const struct leg *cv_leg(const struct cv_curve *c, const struct cv_cycle *y, int direction, double low,
                         double high, bool last)
{
    const double *e = c->in->trace->e;
    const struct leg *found = NULL;
    for (int k = 0; k < y->n_legs && (last || !found); k++) {
        const struct leg *g = &y->leg[k];
        /* Up to a step before and behind: the sample at a turn belongs to the leg before. */
        double margin = 2 * fabs(g->step) + 1e-3, a = e[g->first], b = e[g->first + g->n - 1];
        if (g->direction == direction && fmin(a, b) <= low + margin && fmax(a, b) >= high - margin)
            found = g;
    }
    return found ? found : direction < 0 ? y->red : y->ox;
}

double cv_charge(const struct cv_curve *c, int first, int n, double t0, double t1, const double *i,
                 const double *sign, enum charge_side side, bool blank, double *sd)
{
    double *w = c->weight;
    integrate_weights(c->in->trace->t + first, sign ? sign + first : NULL, n, t0, t1, side, w);
    *sd = c->noise * integrate_norm(w, n);
    if (blank) {
        double time = 0;
        for (int k = 0; k < n; k++)
            time += w[k];
        *sd = hypot(*sd, blank_sd(c->in->blank, time, integrate_dot(w, c->moment + first, n),
                                  integrate_dot(w, c->dedt + first, n)));
    }
    return integrate_dot(w, i + first, n);
}

bool cv_branch(const struct cv_curve *c, const struct leg *g, double low, double high, struct branch *out)
{
    const struct trace *tr = c->in->trace;
    return g && capacitance_branch(tr->e + g->first, tr->i + g->first, g->n, low, high, g->rate, out);
}

bool cv_wet_range(const struct cv_curve *c, double *low, double *high)
{
    const struct analysis_settings *s = c->in->settings;
    if (!isfinite(s->wet_potential) || c->n < 1)
        return false;
    double top = -INFINITY, bottom = INFINITY, rate = 0;
    for (int k = 0; k < c->n; k++) {
        top = fmax(top, c->in->trace->e[k]);
        bottom = fmin(bottom, c->in->trace->e[k]);
        rate = fmax(rate, fabs(c->dedt[k]));
    }
    double margin = fmax(20e-3, 20e-3 * rate);
    *low = fmax(s->wet_potential - s->wet_half_width, bottom + margin);
    *high = fmin(s->wet_potential + s->wet_half_width, top - margin);
    if (s->sei_step[0] && s->sei_window[1] < s->wet_potential)
        *low = fmax(*low, s->sei_window[1] + 0.1);
    return *high - *low >= 50e-3;
}
