/* From a grid to sites in their order: each region's pattern, less what is excluded or was used before, put
 * in order, spares set aside. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "protocol/check.h"
#include "protocol/grid_parts.h"

#define GONE_MAX (4 * GRID_SITES_MAX)

struct placing {
    const struct grid *g;
    uint64_t seed;
    const struct grid_spot *used;
    struct grid_near *near; /* used places, NULL = none */
    struct grid_layout *out;
    int gone_cap;
    struct diags *d;
};

/* --- what is left out --------------------------------------------------------------------------------- */

struct look {
    const struct grid_spot *used;
    double x, y;
};

static bool is_used(void *context, double x, double y, int id)
{
    const struct look *l = context;
    double dx = x - l->x, dy = y - l->y, least = l->used[id].distance;
    return dx * dx + dy * dy < least * least;
}

static void leave_out(struct placing *s, const struct grid_point *p, enum grid_gone_why why)
{
    struct grid_layout *l = s->out;
    /* Random places that were drawn are not part of a pattern: nothing is missing where they are not. */
    if (p->spare || s->g->region[p->pattern].shape == GRID_RANDOM || l->n_gone == GONE_MAX)
        return;
    if (l->n_gone == s->gone_cap) {
        s->gone_cap = s->gone_cap ? 2 * s->gone_cap : 64;
        l->gone = xrealloc(l->gone, (size_t)s->gone_cap * sizeof *l->gone);
    }
    l->gone[l->n_gone++] = (struct grid_gone){p->x, p->y, p->region, why};
}

static bool accept(void *context, struct grid_point *p)
{
    struct placing *s = context;
    struct look look = {s->used, p->x, p->y};
    int exclusion = grid_excluded(s->g, p->x, p->y);
    bool excluded = exclusion >= 0;
    s->out->hits[excluded ? exclusion : s->g->exclusions.n]++;
    bool used = !excluded && s->near && grid_near_each(s->near, p->x, p->y, is_used, &look);
    if (excluded || used)
        leave_out(s, p, excluded ? GONE_EXCLUDED : GONE_USED);
    return !excluded && !used;
}

static struct grid_near *index_used(const struct grid_spot *used, int n)
{
    double side = 0;
    for (int i = 0; i < n; i++)
        side = fmax(side, used[i].distance);
    if (!(side > 0))
        return NULL;
    struct grid_near *near = grid_near_new(side, n);
    for (int i = 0; i < n; i++)
        grid_near_add(near, used[i].x, used[i].y, i);
    return near;
}

/* --- order and spares --------------------------------------------------------------------------------- */

/* Typical distance of neighbours where no pitch says it: as on a square lattice over the same extent. */
static double typical_pitch(const struct grid_point *p, int n)
{
    double x[2] = {INFINITY, -INFINITY}, y[2] = {INFINITY, -INFINITY};
    for (int i = 0; i < n; i++) {
        x[0] = fmin(x[0], p[i].x);
        x[1] = fmax(x[1], p[i].x);
        y[0] = fmin(y[0], p[i].y);
        y[1] = fmax(y[1], p[i].y);
    }
    double area = (x[1] - x[0]) * (y[1] - y[0]), side = fmax(x[1] - x[0], y[1] - y[0]);
    double pitch = grid_round(sqrt(area > 0 ? area / n : side * side / ((double)n * n)));
    return pitch > 0 ? pitch : 1e-6;
}

static struct grid_ordering ordering_of(const struct placing *s, int region, const struct grid_point *p,
                                        int n)
{
    const struct grid_region *r = &s->g->region[region];
    bool lattice = r->shape == GRID_RECTANGLE || r->shape == GRID_HEXAGON;
    return (struct grid_ordering){
        .order = (enum grid_order)r->order,
        .pitch = isnan(r->pitch) ? typical_pitch(p, n) : r->pitch,
        .rotation = r->rotation,
        /* Points of an image have none. */
        .origin = {isnan(r->origin_x) ? 0 : r->origin_x, isnan(r->origin_y) ? 0 : r->origin_y},
        .lattice = lattice,
        .square = r->shape == GRID_RECTANGLE,
        .tile_columns = r->tile_columns,
        .tile_rows = r->tile_rows,
        .seed = s->seed,
        .index = (uint64_t)region};
}

static struct grid_ordering ordering_together(const struct placing *s, const struct grid_point *p, int n)
{
    const struct grid_region *w = &s->g->whole;
    return (struct grid_ordering){.order = (enum grid_order)w->order,
                                  .pitch = typical_pitch(p, n),
                                  .tile_columns = w->tile_columns,
                                  .tile_rows = w->tile_rows,
                                  .seed = s->seed,
                                  .index = (uint64_t)s->g->n_regions};
}

/* Sites first, then spares, both in the order they had. */
static int spares_to_the_end(struct grid_point *p, int n)
{
    struct grid_point *spare = xcalloc((size_t)n + 1, sizeof *spare);
    int sites = 0, spares = 0;
    for (int i = 0; i < n; i++)
        if (p[i].spare)
            spare[spares++] = p[i];
        else
            p[sites++] = p[i];
    memcpy(p + sites, spare, (size_t)spares * sizeof *p);
    free(spare);
    return sites;
}

/* Every so many sites of the order becomes a spare. */
static void spread_spares(struct grid_point *p, int n, int64_t spares)
{
    for (int64_t k = 0; k < spares; k++)
        p[(2 * k + 1) * n / (2 * spares)].spare = true;
}

/* Order of the points first..last of a region; spares end up behind. Returns the number of sites. */
static int arrange(const struct placing *s, int region, struct grid_point *p, int n)
{
    const struct grid_region *r = &s->g->region[region];
    struct grid_ordering o = ordering_of(s, region, p, n);
    bool spread = r->spares_at == SPARES_SPREAD && r->spares > 0;
    int64_t spares = 0;
    for (int i = 0; i < n && spread && r->shape != GRID_POINTS; i++) {
        spares += p[i].spare;
        p[i].spare = false;
    }
    if (r->shape == GRID_POINTS)
        spares = spread ? r->spares : 0;
    int sites = spares_to_the_end(p, n);
    grid_order_points(p, sites, &o);
    grid_order_points(p + sites, n - sites, &o);
    if (spares > 0 && spares < sites)
        spread_spares(p, sites, spares);
    return spares_to_the_end(p, n);
}

static void arrange_together(const struct placing *s, struct grid_point *p, int n, int sites)
{
    struct grid_ordering o = ordering_together(s, p, n);
    grid_order_points(p, sites, &o);
    grid_order_points(p + sites, n - sites, &o);
}

/* --- all regions -------------------------------------------------------------------------------------- */

static bool place_regions(struct placing *s, struct grid_bag *bag)
{
    for (int i = 0; i < s->g->n_regions; i++) {
        int begin = bag->n;
        if (!grid_generate(s->g, i, s->seed, accept, s, bag, s->d))
            return false;
        arrange(s, i, bag->p + begin, bag->n - begin);
    }
    int sites = bag->n ? spares_to_the_end(bag->p, bag->n) : 0;
    if (s->g->visit == VISIT_TOGETHER && s->g->n_regions > 1 && sites > 0)
        arrange_together(s, bag->p, bag->n, sites);
    s->out->n_sites = sites;
    struct mark m = ynode_mark(s->g->whole.node ? s->g->whole.node : s->g->region[0].node);
    if (sites == 0)
        diags_error(s->d, m, "no site is left: all %d places lie in exclusions or too near to used ones",
                    s->out->n_gone);
    else if (bag->n > GRID_SITES_MAX)
        diags_error(s->d, m, "%d sites and spares are more than the %d that a grid may have", bag->n,
                    GRID_SITES_MAX);
    return sites > 0 && bag->n <= GRID_SITES_MAX;
}

bool grid_place(const struct grid *g, uint64_t seed, const struct grid_spot *used, int n_used,
                struct grid_layout *out, struct diags *d)
{
    struct grid_layout l = {0};
    struct placing s = {
        .g = g, .seed = g->has_seed ? (uint64_t)g->seed : seed, .used = used, .out = &l, .d = d};
    struct grid_bag bag = {0};
    s.near = index_used(used, n_used);
    l.hits = xcalloc((size_t)g->exclusions.n + 1, sizeof *l.hits);
    bool ok = place_regions(&s, &bag);
    grid_near_free(s.near);
    l.point = bag.p;
    l.n = bag.n;
    if (ok)
        *out = l;
    else
        grid_layout_free(&l);
    return ok;
}

void grid_layout_free(struct grid_layout *l)
{
    free(l->point);
    free(l->gone);
    free(l->hits);
    *l = (struct grid_layout){0};
}

int grid_points(const struct grid *g, struct grid_point **out)
{
    struct diags *d = diags_new();
    struct grid_layout l = {0};
    bool ok = grid_place(g, 1, NULL, 0, &l, d);
    diags_free(d);
    free(l.gone);
    free(l.hits);
    *out = l.point;
    return ok ? l.n : 0;
}
