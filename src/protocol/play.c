/* Makes the segments of a site's steps. */
#include "protocol/play.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

static struct play_leg *add(struct play *p, int step, int instance)
{
    p->leg = xrealloc(p->leg, (size_t)(p->n + 1) * sizeof *p->leg);
    struct play_leg *leg = &p->leg[p->n++];
    memset(leg, 0, sizeof *leg);
    leg->step = step;
    leg->instance = instance;
    leg->cycle = 1;
    return leg;
}

/* Seconds after which a galvanostatic segment is over whatever happens: elapsed time or charge, whichever
 * comes first (the planner sees to it that one of them is given). */
static double galvanostatic_bound(const struct segment *g)
{
    double bound = INFINITY;
    for (int k = 0; k < g->n_until; k++) {
        if (g->until[k].what == UNTIL_ELAPSED)
            bound = fmin(bound, g->until[k].value);
        if (g->until[k].what == UNTIL_CHARGE)
            bound = fmin(bound, g->until[k].value / fabs(g->current));
    }
    return bound;
}

static void add_step(struct play *out, const struct plan *p, const int level[FACTOR_MAX], int index)
{
    struct step_now now;
    plan_step(p, level, index, &now);
    struct segment *g = &add(out, index, index)->segment;
    g->interval = now.interval;
    g->duration = now.duration;
    switch (now.step->kind) {
    case STEP_HOLD:
        g->kind = SEGMENT_HOLD;
        g->potential = now.potential;
        break;
    case STEP_CV:
        g->kind = SEGMENT_SWEEP;
        g->start = now.start;
        g->vertex[0] = now.vertex[0];
        g->vertex[1] = now.vertex[1];
        g->rate = now.rate;
        g->step = now.e_step;
        g->interval = now.e_step / now.rate;
        g->cycles = now.cycles;
        break;
    case STEP_GALVANOSTATIC:
        g->kind = SEGMENT_GALVANOSTATIC;
        g->current = now.current;
        g->e_low = p->protocol->e_limit[0];
        g->e_high = p->protocol->e_limit[1];
        memcpy(g->until, now.until, sizeof g->until);
        g->n_until = now.n_until;
        g->duration = galvanostatic_bound(g);
        break;
    case STEP_OCP:
        g->kind = SEGMENT_OPEN;
        break;
    }
}

void play_make(const struct plan *p, const int level[FACTOR_MAX], bool control, struct play *out)
{
    (void)control;
    *out = (struct play){0};
    for (int k = 0; k < p->protocol->n_steps; k++)
        add_step(out, p, level, k);
}

void play_free(struct play *p)
{
    free(p->leg);
    *p = (struct play){0};
}
