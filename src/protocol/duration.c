/* How long a night takes and how much it stores: a model simple enough to be checked by hand (see the
 * header). */
#include "protocol/duration.h"

#include <math.h>
#include <stdlib.h>

#include "base/buf.h"
#include "protocol/play.h"

#define UPLOAD           0.2    /* s per program */
#define BYTES_PER_SAMPLE 8      /* packed: current, potential, time, height, status */
#define BYTES_PER_SITE   6144   /* rows of attempts, steps, features, events */
#define BYTES_PER_FILE   131072 /* schema, inputs, provenance */

/* Of one combination of levels. */
struct site_cost {
    double technique, uncertain, samples, blank;
    int programs;
};

static bool can_end_early(const struct segment *g)
{
    for (int k = 0; k < g->n_until; k++) {
        enum until_what w = g->until[k].what;
        bool sure = (w == UNTIL_ELAPSED || w == UNTIL_CHARGE) && !g->until[k].all;
        if (!sure || (w == UNTIL_CHARGE && g->kind == SEGMENT_HOLD))
            return true;
    }
    return false;
}

/* Mode of the instrument: a change of it needs a program of its own. */
static int mode_of(const struct segment *g)
{
    return g->kind == SEGMENT_GALVANOSTATIC ? 1 : g->kind == SEGMENT_OPEN ? 2 : 0;
}

static struct site_cost cost_of(const struct plan *p, const int level[FACTOR_MAX])
{
    struct site_cost c = {.programs = 1};
    struct play play;
    double low, high;
    int before = 0, skipped = 0; /* legs in front of this one may be left out */
    play_make(p, level, false, &play);
    for (int k = 0; k < play.n; k++) {
        const struct segment *g = &play.leg[k].segment;
        double t = play_seconds(&play.leg[k]);
        c.technique += t;
        c.samples += play_samples(&play.leg[k]);
        c.uncertain += k < skipped || can_end_early(g) ? t : 0;
        c.programs += mode_of(g) != before;
        before = mode_of(g);
        skipped = g->skips && k + 1 + g->skips > skipped ? k + 1 + g->skips : skipped;
    }
    if (play_sweep_range(&play, &low, &high))
        c.blank = 2 * (high - low) / p->protocol->alive.blank_rate;
    play_free(&play);
    return c;
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
    double uncertain = 0, samples = 0, longer = 0;
    struct site_cost *cost = xcalloc((size_t)p->n_combinations, sizeof *cost);
    for (int k = 0; k < p->n_combinations; k++)
        cost[k] = cost_of(p, p->combination[k].level);
    for (int i = 0; i < p->n_sites; i++) {
        const int *level = p->site[i].level;
        const struct site_cost *c = &cost[p->site[i].combination];
        struct approach_now a;
        plan_approach(p, level, &a);
        double descent = descent_time(q, &a, i);
        double landing = landing_wanted(&q->landing) ? q->landing.duration : 0;
        double before = 4 * q->alive.amplitude / q->alive.rate + c->blank + a.confirm;
        t->motion += motion_time(p, i);
        t->approach += before + descent + landing;
        t->technique += c->technique;
        t->overhead += UPLOAD * c->programs;
        longer += a.travel / a.speed - descent;
        uncertain += c->uncertain;
        samples += c->samples + (before + descent) / a.interval + landing / q->landing.interval;
    }
    free(cost);
    t->total = t->motion + t->approach + t->technique + t->overhead;
    t->uncertainty = 0.1 * t->motion + 0.25 * t->approach + 0.5 * uncertain + 0.5 * t->overhead;
    t->worst = t->total + longer;
    p->samples_per_site = (uint64_t)ceil(samples / p->n_sites);
    p->bytes =
        BYTES_PER_FILE + (uint64_t)p->n_sites * (BYTES_PER_SITE + BYTES_PER_SAMPLE * p->samples_per_site);
}
