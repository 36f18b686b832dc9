/* How long a night takes and how much it stores: a model simple enough to be checked by hand (see the
 * header). */
#include "protocol/duration.h"

#include <math.h>

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

static struct site_cost cost_of(const struct plan *p, const int level[FACTOR_MAX])
{
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

static double motion_time(const struct plan *p, int i)
{
    const struct protocol *q = p->protocol;
    const struct plan_site *s = &p->site[i];
    double xy = i ? hypot(s->x - s[-1].x, s->y - s[-1].y) : 0;
    struct retract_now up;
    plan_retract(p, s->level, &up);
    double stretch = fmin(3 * q->wetted * q->aperture, up.travel);
    double rise = q->clearance + q->peak + 3 * q->sigma;
    return xy / q->rig->speed_xy + stretch / up.detach + fmax(0, rise - stretch) / up.then +
           q->clearance / q->rig->speed_z;
}

static double descent_time(const struct protocol *q, const struct approach_now *a, int i)
{
    double expected = q->clearance + q->peak + 3 * q->sigma;
    return (i < 3 ? a->travel / 2 : expected) / a->speed;
}

void duration_estimate(struct plan *p)
{
    const struct protocol *q = p->protocol;
    struct plan_seconds *t = &p->seconds;
    double shortened = 0, samples = 0, longer = 0;
    for (int i = 0; i < p->n_sites; i++) {
        const int *level = p->site[i].level;
        struct site_cost c = cost_of(p, level);
        struct approach_now a;
        plan_approach(p, level, &a);
        double descent = descent_time(q, &a, i);
        double landing = landing_wanted(&q->landing) ? q->landing.duration : 0;
        double before = 4 * q->alive.amplitude / q->alive.rate + blank_time(p, level) + a.confirm;
        t->motion += motion_time(p, i);
        t->approach += before + descent + landing;
        t->technique += c.technique;
        t->overhead += UPLOAD * c.programs;
        longer += a.travel / a.speed - descent;
        shortened += c.shortened;
        samples += c.samples + (before + descent) / a.interval + landing / q->landing.interval;
    }
    t->total = t->motion + t->approach + t->technique + t->overhead;
    t->uncertainty = 0.1 * t->motion + 0.25 * t->approach + 0.5 * shortened + 0.5 * t->overhead;
    t->worst = t->total + longer;
    p->samples_per_site = (uint64_t)ceil(samples / p->n_sites);
    p->bytes =
        BYTES_PER_FILE + (uint64_t)p->n_sites * (BYTES_PER_SITE + BYTES_PER_SAMPLE * p->samples_per_site);
}
