/* What the places of a plan are to each other: the closest two, and how many each region has. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/rng.h"
#include "protocol/grid_parts.h"
#include "protocol/plan.h"

struct closest {
    const struct plan *plan;
    int site, best; /* best = -1: none nearer */
    double square;  /* m^2 */
};

static double square_of(const struct plan *p, int a, int b)
{
    double dx = p->site[a].x - p->site[b].x, dy = p->site[a].y - p->site[b].y;
    return dx * dx + dy * dy;
}

static bool look(void *context, double x, double y, int id)
{
    (void)x;
    (void)y;
    struct closest *c = context;
    double square = square_of(c->plan, c->site, id);
    if (square < c->square) {
        c->square = square;
        c->best = id;
    }
    return false;
}

/* The squares are as wide as the least distance so far; a nearer pair makes them anew. In random order that
 * happens rarely, so that the time grows with the number of sites only (Rabin 1976). */
bool plan_closest(const struct plan *p, int *a, int *b, double *distance)
{
    int n = plan_places(p);
    if (n < 2)
        return false;
    int *order = xcalloc((size_t)n, sizeof *order);
    for (int i = 0; i < n; i++)
        order[i] = i;
    rng_shuffle(rng_stream(0, "plan.closest"), 0, order, n);
    int pair[2] = {order[0], order[1]};
    double least = square_of(p, order[0], order[1]);
    struct grid_near *near = NULL;
    for (int i = 0, made = 0; i < n && least > 0; i++) {
        struct closest c = {.plan = p, .site = order[i], .best = -1, .square = least};
        if (near)
            grid_near_each(near, p->site[order[i]].x, p->site[order[i]].y, look, &c);
        if (c.best >= 0) {
            pair[0] = order[i];
            pair[1] = c.best;
            least = c.square;
        }
        if (!near || c.best >= 0) {
            grid_near_free(near);
            near = least > 0 ? grid_near_new(sqrt(least), n) : NULL;
            made = 0;
        }
        for (; made <= i && near; made++)
            grid_near_add(near, p->site[order[made]].x, p->site[order[made]].y, order[made]);
    }
    grid_near_free(near);
    free(order);
    *a = pair[0] < pair[1] ? pair[0] : pair[1];
    *b = pair[0] < pair[1] ? pair[1] : pair[0];
    *distance = sqrt(least);
    return true;
}

static struct plan_region *region_row(struct plan_region *out, int *n, int max, const char *name)
{
    static struct plan_region beyond; /* counted, not shown */
    for (int i = 0; i < *n && i < max; i++)
        if (strcmp(out[i].name, name) == 0)
            return &out[i];
    struct plan_region *r = *n < max ? &out[*n] : &beyond;
    *r = (struct plan_region){.name = name};
    *n += *n < max;
    return r;
}

int plan_regions(const struct plan *p, struct plan_region *out, int max)
{
    int n = 0;
    for (int i = 0; i < plan_places(p); i++) {
        struct plan_region *r = region_row(out, &n, max, p->site[i].region);
        *(p->site[i].control ? &r->controls : p->site[i].spare ? &r->spares : &r->sites) += 1;
    }
    for (int i = 0; i < p->layout.n_gone; i++) {
        struct plan_region *r = region_row(out, &n, max, p->layout.gone[i].region);
        *(p->layout.gone[i].why == GONE_USED ? &r->used : &r->excluded) += 1;
    }
    return n;
}
