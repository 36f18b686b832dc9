/* Where the sites are: rectangle or hexagon, turned and shifted, and in which order they are visited.
 * Coordinates are the stage's x and y in metres, rounded to 1 pm before any decision. */
#ifndef SECCM_PROTOCOL_GRID_H
#define SECCM_PROTOCOL_GRID_H

#include "base/schema.h"

enum grid_shape { GRID_RECTANGLE, GRID_HEXAGON };
enum grid_order { ORDER_SERPENTINE, ORDER_RASTER };

struct grid {
    int64_t format;
    int shape;                 /* enum grid_shape */
    int64_t nx, ny;            /* sites per row, rows */
    double pitch;              /* m */
    double origin_x, origin_y; /* m: first site */
    double rotation;           /* rad, counter-clockwise */
    int order;                 /* enum grid_order */
    int64_t spares;            /* extra sites in the same pattern, behind the last row */
    double tilt[2];            /* rise per m along x and y, if known beforehand */
    char *name;
};

#define GRID_SITES_MAX 100000

extern const struct fields grid_fields;

/* Reads a grid's map; errors go to `d`, NULL then. Without `spares` a tenth of the sites, rounded up, are
 * added. Caller frees. */
struct grid *grid_read(const struct ynode *n, struct diags *d);
void grid_free(struct grid *g);

struct grid_point {
    double x, y;
    bool spare;
    int row, column; /* of its pattern, from 0 */
    int pattern;     /* index of the region */
};
/* All points in visiting order, spares behind. Returns the count; *out is the caller's to free. */
int grid_points(const struct grid *g, struct grid_point **out);

#endif
