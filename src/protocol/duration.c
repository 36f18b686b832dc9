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

static struct site_cost cost_of(const struct plan *p, const int level[FACTOR_MAX], bool control)
{
    struct site_cost c = {.programs = 1};
    struct play play;
    double low, high;
    int before = 0, skipped = 0; /* legs in front of this one may be left out */
    play_make(p, level, control, &play);
    for (int k = 0; k < play.n; k++) {
        const struct segment *g = &play.leg[k].segment;
        double t = play_at_most(&play, k);
        c.technique += t;
        c.samples += ceil(t / g->interval - 1e-9);
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
    double landing = landing_wanted(&q->landing) ? q->landing.duration : 0;
    double before = 4 * q->alive.amplitude / q->alive.rate + c.blank + a.confirm;
    struct visit_cost v = {.longer = a.travel / a.speed - descent,
                           .uncertain = c.uncertain,
                           .samples =
                               c.samples + (before + descent) / a.interval + landing / q->landing.interval};
    v.seconds.motion = lift_time(p, level);
    v.seconds.approach = before + descent + landing;
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
    t->at_most = t->at_most || v->uncertain > 0;
    t->overhead += s->overhead;
    t->total += all;
    t->uncertainty += 0.1 * s->motion + 0.25 * s->approach + 0.5 * v->uncertain + 0.5 * s->overhead;
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
