/* The patterns: each gives place number k of an endless sequence, so that spares go on where the sites end.
 *
 * A hexagon shifts every second row by half a pitch and sets the rows pitch x sqrt(3)/2 apart, so that all
 * six neighbours of a site are one pitch away. Ring k of `rings` has 6 k sites: its chords are one pitch or a
 * little more. The spiral's turns stand 3 % more than a pitch apart, since near the middle, where it slants,
 * they are nearer to each other than along a ray. */
#include <math.h>
#include <stdlib.h>

#include "base/buf.h"
#include "protocol/grid_parts.h"

#define HALF_SQRT3  0.86602540378443864676
#define PI          3.14159265358979323846
#define SPIRAL_TURN 1.03 /* distance between turns / pitch */

double grid_round(double metres)
{
    double pm = rint(metres * 1e12);
    return pm == 0 ? 0 : pm / 1e12; /* no -0 */
}

struct grid_point *grid_bag_add(struct grid_bag *b)
{
    if (b->n == b->cap) {
        b->cap = b->cap ? 2 * b->cap : 64;
        b->p = xrealloc(b->p, (size_t)b->cap * sizeof *b->p);
    }
    return &b->p[b->n++];
}

struct grid_point grid_at(const struct grid *g, int region, double u, double v)
{
    const struct grid_region *r = &g->region[region];
    double c = cos(r->rotation), s = sin(r->rotation);
    return (struct grid_point){.x = grid_round(r->origin_x + c * u - s * v),
                               .y = grid_round(r->origin_y + s * u + c * v),
                               .pattern = region,
                               .region = r->name ? r->name : "",
                               .entry = -1};
}

/* --- place k of each pattern -----------------------------------------------------------------------------
 */

/* Rows one after another; every second one backward where the order is serpentine. */
static struct grid_point lattice_at(const struct grid *g, int region, int64_t k)
{
    const struct grid_region *r = &g->region[region];
    int64_t row = k / r->nx, column = k % r->nx;
    bool odd = row % 2 != 0;
    if (r->order == ORDER_SERPENTINE && odd)
        column = r->nx - 1 - column;
    double u = r->pitch * (double)column, v = r->pitch * (double)row;
    if (r->shape == GRID_HEXAGON) {
        u += odd ? r->pitch / 2 : 0;
        v *= HALF_SQRT3;
    }
    struct grid_point p = grid_at(g, region, u, v);
    p.row = (int)row;
    p.column = (int)column;
    return p;
}

static struct grid_point ring_at(const struct grid *g, int region, int64_t k)
{
    int64_t ring = 0;
    while (k > 0 && k > 3 * ring * (ring + 1))
        ring++;
    int64_t in_ring = ring ? k - 1 - 3 * ring * (ring - 1) : 0;
    double angle = ring ? 2 * PI * (double)in_ring / (double)(6 * ring) : 0;
    double radius = g->region[region].pitch * (double)ring;
    struct grid_point p = grid_at(g, region, radius * cos(angle), radius * sin(angle));
    p.row = (int)ring;
    p.column = (int)in_ring;
    return p;
}

/* Angle on the spiral of the place one pitch further out than `theta`: distance grows along the curve, so
 * halving finds it. */
static double next_on_spiral(double theta)
{
    const double b = SPIRAL_TURN / (2 * PI); /* pitches per radian */
    double x = b * theta * cos(theta), y = b * theta * sin(theta);
    double low = theta, high = theta + (theta < 2 * PI ? 2 * PI : 2 / (b * theta));
    for (int i = 0; i < 60; i++) {
        double middle = (low + high) / 2;
        double dx = b * middle * cos(middle) - x, dy = b * middle * sin(middle) - y;
        if (dx * dx + dy * dy < 1)
            low = middle;
        else
            high = middle;
    }
    return high;
}

static struct grid_point spiral_at(const struct grid *g, int region, double theta)
{
    double radius = g->region[region].pitch * SPIRAL_TURN / (2 * PI) * theta;
    return grid_at(g, region, radius * cos(theta), radius * sin(theta));
}

/* --- all of a region -------------------------------------------------------------------------------------
 */

static struct grid_point place(const struct grid *g, int region, int64_t k, double *theta)
{
    const struct grid_region *r = &g->region[region];
    switch (r->shape) {
    case GRID_LINE: {
        struct grid_point p = grid_at(g, region, r->pitch * (double)k, 0);
        p.column = (int)k;
        return p;
    }
    case GRID_RINGS:
        return ring_at(g, region, k);
    case GRID_SPIRAL: {
        *theta = k ? next_on_spiral(*theta) : 0;
        struct grid_point p = spiral_at(g, region, *theta);
        p.column = (int)k;
        return p;
    }
    default:
        return lattice_at(g, region, k);
    }
}

/* Sites that are left out are lost: the pattern keeps its size. Spares that are left out are looked for
 * further on, within reason. */
static void generate_pattern(const struct grid *g, int region, int64_t sites, grid_accept *accept,
                             void *context, struct grid_bag *out)
{
    const struct grid_region *r = &g->region[region];
    int64_t most = sites + 4 * r->spares + 1000;
    double theta = 0;
    for (int64_t k = 0, spares = 0; k < sites || (spares < r->spares && k < most); k++) {
        struct grid_point p = place(g, region, k, &theta);
        p.spare = k >= sites;
        if (!accept(context, &p))
            continue;
        spares += p.spare;
        *grid_bag_add(out) = p;
    }
}

/* Points of a list; `spares` of them beside those that are marked, from the end. */
static void generate_list(const struct grid *g, int region, grid_accept *accept, void *context,
                          struct grid_bag *out)
{
    const struct grid_region *r = &g->region[region];
    int begin = out->n;
    for (int i = 0; i < r->n_entries; i++) {
        const struct grid_entry *e = &r->entry[i];
        struct grid_point p = {
            .x = grid_round(e->x), .y = grid_round(e->y), .pattern = region, .spare = e->spare};
        p.region = e->region ? e->region : r->name ? r->name : "";
        p.entry = r->first_entry + i;
        p.column = i;
        if (accept(context, &p))
            *grid_bag_add(out) = p;
    }
    int64_t left = r->spares_at == SPARES_BEHIND ? r->spares : 0;
    for (int i = out->n - 1; i >= begin && left > 0; i--)
        if (!out->p[i].spare) {
            out->p[i].spare = true;
            left--;
        }
}

bool grid_generate(const struct grid *g, int region, uint64_t seed, grid_accept *accept, void *context,
                   struct grid_bag *out, struct diags *d)
{
    const struct grid_region *r = &g->region[region];
    if (r->shape == GRID_RANDOM)
        return grid_generate_random(g, region, seed, accept, context, out, d);
    if (r->shape == GRID_POINTS)
        generate_list(g, region, accept, context, out);
    else if (r->shape == GRID_RINGS)
        generate_pattern(g, region, 1 + 3 * r->rings * (r->rings + 1), accept, context, out);
    else if (r->shape == GRID_LINE || r->shape == GRID_SPIRAL)
        generate_pattern(g, region, r->count, accept, context, out);
    else
        generate_pattern(g, region, r->nx * r->ny, accept, context, out);
    return true;
}
