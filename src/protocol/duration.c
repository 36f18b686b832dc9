/* How long a night takes and how much it stores: a model simple enough to be checked by hand (see the
 * header). */
#include "protocol/duration.h"

#include <math.h>
#include <stdlib.h>

#include "base/buf.h"

#define UPLOAD           0.2    /* s per program */
#define BYTES_PER_SAMPLE 8      /* packed: current, potential, time, height, status */
#define BYTES_PER_SITE   6144   /* rows of attempts, steps, features, events */
#define BYTES_PER_FILE   131072 /* schema, inputs, provenance */

struct site_cost {
    double technique, shortened, samples;
    int programs;
};

static double sweep_span(const struct step_now *s)
{
    double first = fabs(s->vertex[0] - s->start), leg = fabs(s->vertex[1] - s->vertex[0]);
    return first + leg + (double)(s->cycles - 1) * 2 * leg;
}

static double galvanostatic_time(const struct step_now *s)
{
    double t = INFINITY;
    for (int k = 0; k < s->n_until; k++) {
        if (s->until[k].what == UNTIL_ELAPSED)
            t = fmin(t, s->until[k].value);
        if (s->until[k].what == UNTIL_CHARGE)
            t = fmin(t, s->until[k].value / fabs(s->current));
    }
    return t;
}

double duration_of_step(const struct step_now *s)
{
    switch (s->step->kind) {
    case STEP_CV:
        return sweep_span(s) / s->rate;
    case STEP_GALVANOSTATIC:
        return galvanostatic_time(s);
    case STEP_HOLD:
    case STEP_OCP:
        return s->duration;
    }
    return 0;
}

double samples_of_step(const struct step_now *s)
{
    return ceil(duration_of_step(s) / s->interval);
}

static bool ends_by_potential(const struct step_now *s)
{
    for (int k = 0; k < s->n_until; k++)
        if (s->until[k].what == UNTIL_POTENTIAL_ABOVE || s->until[k].what == UNTIL_POTENTIAL_BELOW)
            return true;
    return false;
}

/* Mode of the instrument: a change of it needs a program of its own. */
static int mode(enum step_kind k)
{
    return k == STEP_GALVANOSTATIC ? 1 : k == STEP_OCP ? 2 : 0;
}

static struct site_cost cost_of(const struct plan *p, const int level[FACTOR_MAX], bool control)
{
    (void)control; /* plays the steps of a site */
    struct site_cost c = {.programs = 1};
    int before = 0;
    for (int i = 0; i < p->protocol->n_steps; i++) {
        struct step_now s;
        plan_step(p, level, i, &s);
        double t = duration_of_step(&s);
        c.technique += t;
        c.samples += samples_of_step(&s);
        if (s.step->kind == STEP_GALVANOSTATIC && ends_by_potential(&s))
            c.shortened += t;
        c.programs += mode(s.step->kind) != before;
        before = mode(s.step->kind);
    }
    return c;
}

/* Range of all voltammograms of a site: what the blank sweeps over, there and back. */
static double blank_time(const struct plan *p, const int level[FACTOR_MAX])
{
    double low = INFINITY, high = -INFINITY;
    for (int i = 0; i < p->protocol->n_steps; i++) {
        struct step_now s;
        plan_step(p, level, i, &s);
        if (s.step->kind != STEP_CV)
            continue;
        low = fmin(low, fmin(s.start, fmin(s.vertex[0], s.vertex[1])));
        high = fmax(high, fmax(s.start, fmax(s.vertex[0], s.vertex[1])));
    }
    return high > low ? 2 * (high - low) / p->protocol->alive.blank_rate : 0;
}

/* Up from the surface and down again, without the way sideways. */
static double lift_time(const struct plan *p, const int level[FACTOR_MAX])
{
    const struct protocol *q = p->protocol;
    struct retract_now up;
    plan_retract(p, level, &up);
    double stretch = fmin(3 * q->wetted * q->aperture, up.travel);
    double rise = q->clearance + q->peak + 3 * q->sigma;
    return stretch / up.detach + fmax(0, rise - stretch) / up.then + q->clearance / q->rig->speed_z;
}

static double descent_time(const struct protocol *q, const struct approach_now *a, bool known)
{
    double expected = q->clearance + q->peak + 3 * q->sigma;
    return (known ? expected : a->travel / 2) / a->speed;
}

static struct visit_cost visit_of(const struct plan *p, const int level[FACTOR_MAX], bool known,
                                  struct site_cost c)
{
    const struct protocol *q = p->protocol;
    struct approach_now a;
    plan_approach(p, level, &a);
    double descent = descent_time(q, &a, known);
    double before = 4 * q->alive.amplitude / q->alive.rate + blank_time(p, level) + a.confirm;
    struct visit_cost v = {.longer = a.travel / a.speed - descent,
                           .shortened = c.shortened,
                           .samples = c.samples + (before + descent) / a.interval};
    v.seconds.motion = lift_time(p, level);
    v.seconds.approach = before + descent;
    v.seconds.technique = c.technique;
    v.seconds.overhead = UPLOAD * c.programs;
    v.bytes = BYTES_PER_SITE + BYTES_PER_SAMPLE * (uint64_t)ceil(v.samples);
    return v;
}

struct visit_cost duration_visit(const struct plan *p, const int level[FACTOR_MAX], bool control, bool known)
{
    return visit_of(p, level, known, cost_of(p, level, control));
}

void duration_add(struct plan_seconds *t, const struct visit_cost *v)
{
    const struct plan_seconds *s = &v->seconds;
    double all = s->motion + s->approach + s->technique + s->overhead;
    t->motion += s->motion;
    t->approach += s->approach;
    t->technique += s->technique;
    t->overhead += s->overhead;
    t->total += all;
    t->uncertainty += 0.1 * s->motion + 0.25 * s->approach + 0.5 * v->shortened + 0.5 * s->overhead;
    t->worst += all + v->longer;
}

void duration_estimate(struct plan *p)
{
    double samples = 0;
    struct site_cost *cost = xcalloc((size_t)p->n_combinations, sizeof *cost);
    for (int k = 0; k < p->n_combinations; k++)
        cost[k] = cost_of(p, p->combination[k].level, false);
    for (int i = 0; i < p->n_sites; i++) {
        struct plan_site *s = &p->site[i];
        struct visit_cost v = visit_of(p, s->level, i >= 3, cost[s->combination]);
        v.seconds.motion += i ? hypot(s->x - s[-1].x, s->y - s[-1].y) / p->protocol->rig->speed_xy : 0;
        s->seconds = v.seconds.motion + v.seconds.approach + v.seconds.technique + v.seconds.overhead;
        duration_add(&p->seconds, &v);
        samples += v.samples;
    }
    free(cost);
    p->samples_per_site = (uint64_t)ceil(samples / p->n_sites);
    p->bytes =
        BYTES_PER_FILE + (uint64_t)p->n_sites * (BYTES_PER_SITE + BYTES_PER_SAMPLE * p->samples_per_site);
}
