/* Neighbours of a place: points in squares of a given side, hashed, so that the area may be as large as it
 * likes. */
#include <math.h>
#include <stdlib.h>

#include "base/buf.h"
#include "protocol/grid_parts.h"

struct item {
    double x, y;
    int64_t column, row;
    int id, next; /* next in the chain, -1 = end */
};

struct grid_near {
    double side;
    struct item *item;
    int n, cap;
    int *first; /* per hash, -1 = none */
    uint64_t mask;
};

struct grid_near *grid_near_new(double side, int capacity)
{
    struct grid_near *g = xcalloc(1, sizeof *g);
    uint64_t size = 64;
    while (size < 2 * (uint64_t)capacity)
        size *= 2;
    g->side = side;
    g->mask = size - 1;
    g->first = xmalloc(size * sizeof *g->first);
    for (uint64_t i = 0; i < size; i++)
        g->first[i] = -1;
    return g;
}

void grid_near_free(struct grid_near *g)
{
    if (!g)
        return;
    free(g->item);
    free(g->first);
    free(g);
}

static int *chain(const struct grid_near *g, int64_t column, int64_t row)
{
    uint64_t h =
        (uint64_t)column * UINT64_C(0x9E3779B97F4A7C15) ^ (uint64_t)row * UINT64_C(0xC2B2AE3D27D4EB4F);
    return &g->first[(h ^ h >> 29) & g->mask];
}

void grid_near_add(struct grid_near *g, double x, double y, int id)
{
    if (g->n == g->cap) {
        g->cap = g->cap ? 2 * g->cap : 64;
        g->item = xrealloc(g->item, (size_t)g->cap * sizeof *g->item);
    }
    int64_t column = (int64_t)floor(x / g->side), row = (int64_t)floor(y / g->side);
    int *first = chain(g, column, row);
    g->item[g->n] = (struct item){x, y, column, row, id, *first};
    *first = g->n++;
}

bool grid_near_each(const struct grid_near *g, double x, double y,
                    bool (*fn)(void *context, double x, double y, int id), void *context)
{
    int64_t column = (int64_t)floor(x / g->side), row = (int64_t)floor(y / g->side);
    for (int64_t r = row - 1; r <= row + 1; r++)
        for (int64_t c = column - 1; c <= column + 1; c++)
            for (int i = *chain(g, c, r); i >= 0; i = g->item[i].next)
                if (g->item[i].column == c && g->item[i].row == r &&
                    fn(context, g->item[i].x, g->item[i].y, g->item[i].id))
                    return true;
    return false;
}
