/* Orders of visits.
 *
 * Each order but the shortest way is a sort by whole numbers: rows and columns of a lattice, or bands one
 * pitch high of points that have no rows, in picometres. So ties and rounding can not differ between
 * machines. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "protocol/grid_parts.h"

#define TOUR_ROUNDS_EACH 10    /* disturbances per site ... */
#define TOUR_ROUNDS_MAX  20000 /* ... and at most */

struct key {
    int64_t k[4];
    int index;
};

static int by_key(const void *a, const void *b)
{
    const struct key *x = a, *y = b;
    for (int i = 0; i < 4; i++)
        if (x->k[i] != y->k[i])
            return x->k[i] < y->k[i] ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

/* Points in the pattern's own axes, pm. */
struct place {
    int64_t u, v;
};

static struct place *places_of(const struct grid_point *p, int n, const struct grid_ordering *o)
{
    struct place *q = xcalloc((size_t)n, sizeof *q);
    double c = cos(o->rotation), s = sin(o->rotation);
    for (int i = 0; i < n; i++) {
        double x = p[i].x - o->origin[0], y = p[i].y - o->origin[1];
        q[i].u = (int64_t)rint((c * x + s * y) * 1e12);
        q[i].v = (int64_t)rint((c * y - s * x) * 1e12);
    }
    return q;
}

static struct place least_of(const struct place *q, int n)
{
    struct place least = q[0];
    for (int i = 1; i < n; i++) {
        least.u = q[i].u < least.u ? q[i].u : least.u;
        least.v = q[i].v < least.v ? q[i].v : least.v;
    }
    return least;
}

static struct place middle_of(const struct place *q, int n)
{
    struct place low = least_of(q, n), high = low;
    for (int i = 0; i < n; i++) {
        high.u = q[i].u > high.u ? q[i].u : high.u;
        high.v = q[i].v > high.v ? q[i].v : high.v;
    }
    return (struct place){(low.u + high.u) / 2, (low.v + high.v) / 2};
}

/* Rows and columns: a lattice's own, otherwise squares of one pitch from the lowest point on. */
static void cell_of(const struct grid_point *p, const struct place *q, const struct place *least,
                    const struct grid_ordering *o, int64_t *row, int64_t *column)
{
    int64_t pitch = (int64_t)rint(o->pitch * 1e12);
    pitch = pitch > 0 ? pitch : 1;
    *row = o->lattice ? p->row : (q->v - least->v) / pitch;
    *column = o->lattice ? p->column : (q->u - least->u) / pitch;
}

static void row_key(struct key *k, int64_t row, int64_t u, bool serpentine)
{
    k->k[0] = row;
    k->k[1] = serpentine && row % 2 ? -u : u;
}

/* Tiles in serpentine, and so the sites within each. */
static void tile_key(struct key *k, int64_t row, int64_t column, int64_t u, const struct grid_ordering *o)
{
    int64_t tile_row = row / o->tile_rows, tile_column = column / o->tile_columns;
    int64_t in_row = row % o->tile_rows;
    k->k[0] = tile_row;
    k->k[1] = tile_row % 2 ? -tile_column : tile_column;
    k->k[2] = in_row;
    k->k[3] = in_row % 2 ? -u : u;
}

/* Grows with the angle from 0 to 4 without trigonometry, in units of 1e-12. */
static int64_t diamond_angle(int64_t u, int64_t v)
{
    double x = (double)u, y = (double)v, sum = fabs(x) + fabs(y);
    if (!(sum > 0))
        return 0;
    double a = y >= 0 ? (x >= 0 ? y / sum : 1 - x / sum) : (x < 0 ? 2 - y / sum : 3 + x / sum);
    return (int64_t)rint(a * 1e12);
}

/* Rings about the middle, from the inside; in each by angle. */
static void ring_key(struct key *k, const struct place *q, const struct place *middle,
                     const struct grid_ordering *o)
{
    double u = (double)(q->u - middle->u), v = (double)(q->v - middle->v), pitch = o->pitch * 1e12;
    double distance = o->square ? fmax(fabs(u), fabs(v)) : sqrt(u * u + v * v);
    k->k[0] = (int64_t)floor(distance / pitch + 0.5);
    k->k[1] = diamond_angle(q->u - middle->u, q->v - middle->v);
    k->k[2] = (int64_t)rint(distance);
}

static void fill_keys(struct key *k, const struct grid_point *p, int n, const struct grid_ordering *o)
{
    struct place *q = places_of(p, n, o), least = least_of(q, n), middle = middle_of(q, n);
    for (int i = 0; i < n; i++) {
        int64_t row, column;
        cell_of(&p[i], &q[i], &least, o, &row, &column);
        int64_t u = o->lattice ? column : q[i].u;
        k[i] = (struct key){.index = i};
        if (o->order == ORDER_BLOCKS)
            tile_key(&k[i], row, column, u, o);
        else if (o->order == ORDER_SPIRAL)
            ring_key(&k[i], &q[i], &middle, o);
        else
            row_key(&k[i], row, u, o->order == ORDER_SERPENTINE);
    }
    free(q);
}

static void order_by_keys(const struct grid_point *p, int n, const struct grid_ordering *o, int *order)
{
    struct key *k = xcalloc((size_t)n, sizeof *k);
    fill_keys(k, p, n, o);
    qsort(k, (size_t)n, sizeof *k, by_key);
    for (int i = 0; i < n; i++)
        order[i] = k[i].index;
    free(k);
}

/* The way begins at the lower left: the least u + v. */
static void order_nearest(const struct grid_point *p, int n, const struct grid_ordering *o, int *order)
{
    struct place *q = places_of(p, n, o);
    double(*xy)[2] = xcalloc((size_t)n, sizeof *xy);
    int first = 0;
    for (int i = 0; i < n; i++) {
        xy[i][0] = p[i].x;
        xy[i][1] = p[i].y;
        if (q[i].u + q[i].v < q[first].u + q[first].v)
            first = i;
    }
    int rounds = n < TOUR_ROUNDS_MAX / TOUR_ROUNDS_EACH ? n * TOUR_ROUNDS_EACH : TOUR_ROUNDS_MAX;
    grid_tour((const double(*)[2])xy, n, first, rounds, order);
    free(xy);
    free(q);
}

void grid_order_points(struct grid_point *p, int n, const struct grid_ordering *o)
{
    if (n < 2 || o->order == ORDER_GIVEN)
        return;
    int *order = xcalloc((size_t)n, sizeof *order);
    for (int i = 0; i < n; i++)
        order[i] = i;
    if (o->order == ORDER_RANDOM)
        rng_shuffle(rng_stream(o->seed, "grid.order"), o->index, order, n);
    else if (o->order == ORDER_NEAREST)
        order_nearest(p, n, o, order);
    else
        order_by_keys(p, n, o, order);
    struct grid_point *copy = xcalloc((size_t)n, sizeof *copy);
    memcpy(copy, p, (size_t)n * sizeof *copy);
    for (int i = 0; i < n; i++)
        p[i] = copy[order[i]];
    free(copy);
    free(order);
}
