/* Where the sites are.
 *
 * A grid is rows of equally spaced sites along its own axes u (within a row) and v (from row to row), turned
 * about its first site. A hexagon shifts every second row by half a pitch and sets the rows pitch x sqrt(3)/2
 * apart, so that all six neighbours of a site are one pitch away. Spares go on behind the last row in the
 * same pattern and order, so that they keep their distance to every other site. */
#include "protocol/grid.h"

#include <math.h>
#include <stdlib.h>

#include "base/buf.h"

#define HALF_SQRT3 0.86602540378443864676

static const char *const shapes[] = {"rectangle", "hexagon", NULL};
static const char *const orders[] = {"serpentine", "raster", NULL};

#define G(member) offsetof(struct grid, member)

static const struct field origin_table[] = {
    {"x", FIELD_QUANTITY, DIM_LENGTH, G(origin_x), true, NULL, -1, 1, NULL, NULL,
     "x of the first site, in the stage's coordinates"},
    {"y", FIELD_QUANTITY, DIM_LENGTH, G(origin_y), true, NULL, -1, 1, NULL, NULL,
     "y of the first site, in the stage's coordinates"},
};
static const struct fields origin_fields = FIELDS("the grid's origin", origin_table);

static const struct field tilt_table[] = {
    {"x", FIELD_QUANTITY, DIM_NONE, G(tilt[0]), false, "0", -0.5, 0.5, NULL, NULL,
     "rise of the sample per length along x"},
    {"y", FIELD_QUANTITY, DIM_NONE, G(tilt[1]), false, "0", -0.5, 0.5, NULL, NULL,
     "rise of the sample per length along y"},
};
static const struct fields tilt_fields = FIELDS("the grid's tilt", tilt_table);

static const struct field grid_table[] = {
    {"grid", FIELD_FORMAT, DIM_NONE, G(format), false, "1", 1, 1, NULL, NULL,
     "format of the file; this version reads 1"},
    {"name", FIELD_STRING, DIM_NONE, G(name), false, NULL, 0, 0, NULL, NULL, "what to call this grid"},
    {"shape", FIELD_CHOICE, DIM_NONE, G(shape), true, NULL, 0, 0, shapes, NULL,
     "pattern of the sites; a hexagon has equal distances to all six neighbours"},
    {"columns", FIELD_INT, DIM_NONE, G(nx), true, NULL, 1, GRID_SITES_MAX, NULL, NULL, "sites per row"},
    {"rows", FIELD_INT, DIM_NONE, G(ny), true, NULL, 1, GRID_SITES_MAX, NULL, NULL, "number of rows"},
    {"pitch", FIELD_QUANTITY, DIM_LENGTH, G(pitch), true, NULL, 10e-9, 10e-3, NULL, NULL,
     "distance between neighbouring sites"},
    {"origin", FIELD_MAP, DIM_NONE, 0, true, NULL, 0, 0, NULL, &origin_fields, "where the first site is"},
    {"rotation", FIELD_QUANTITY, DIM_ANGLE, G(rotation), false, "0 deg", -6.2832, 6.2832, NULL, NULL,
     "turns the pattern about its first site, counter-clockwise"},
    {"order", FIELD_CHOICE, DIM_NONE, G(order), false, "serpentine", 0, 0, orders, NULL,
     "order of visits: every second row backward, or all rows the same way"},
    {"spares", FIELD_INT, DIM_NONE, G(spares), false, "0", 0, GRID_SITES_MAX, NULL, NULL,
     "extra sites behind the last row that replace failed ones; a tenth of the sites if left out"},
    {"tilt", FIELD_MAP, DIM_NONE, 0, false, NULL, 0, 0, NULL, &tilt_fields,
     "slope of the sample, if it is known beforehand"},
};
const struct fields grid_fields = FIELDS("the grid", grid_table);

static bool check_grid(struct grid *g, const struct ynode *n, struct diags *d)
{
    if (!ynode_get(n, "spares"))
        g->spares = (g->nx * g->ny + 9) / 10;
    if (g->nx * g->ny + g->spares > GRID_SITES_MAX) {
        diags_error(d, ynode_mark(ynode_get(n, "columns")),
                    "%lld sites and %lld spares are more than the %d that a grid may have",
                    (long long)(g->nx * g->ny), (long long)g->spares, GRID_SITES_MAX);
        return false;
    }
    return true;
}

struct grid *grid_read(const struct ynode *n, struct diags *d)
{
    struct grid *g = xcalloc(1, sizeof *g);
    if (!n || !schema_read(n, &grid_fields, g, d) || !check_grid(g, n, d)) {
        grid_free(g);
        return NULL;
    }
    return g;
}

void grid_free(struct grid *g)
{
    if (!g)
        return;
    schema_free(&grid_fields, g);
    free(g);
}

static double round_pm(double metres)
{
    double pm = rint(metres * 1e12);
    return pm == 0 ? 0 : pm / 1e12; /* no -0 */
}

/* Site number `k` of the endless pattern. */
static struct grid_point point_at(const struct grid *g, int64_t k)
{
    int64_t row = k / g->nx, column = k % g->nx;
    bool odd = row % 2 != 0;
    if (g->order == ORDER_SERPENTINE && odd)
        column = g->nx - 1 - column;
    double u = g->pitch * (double)column, v = g->pitch * (double)row;
    if (g->shape == GRID_HEXAGON) {
        u += odd ? g->pitch / 2 : 0;
        v *= HALF_SQRT3;
    }
    double c = cos(g->rotation), s = sin(g->rotation);
    return (struct grid_point){.x = round_pm(g->origin_x + c * u - s * v),
                               .y = round_pm(g->origin_y + s * u + c * v),
                               .spare = k >= g->nx * g->ny,
                               .row = (int)row,
                               .column = (int)column};
}

int grid_points(const struct grid *g, struct grid_point **out)
{
    int64_t n = g->nx * g->ny + g->spares;
    struct grid_point *p = xcalloc((size_t)n, sizeof *p);
    for (int64_t k = 0; k < n; k++)
        p[k] = point_at(g, k);
    *out = p;
    return (int)n;
}
