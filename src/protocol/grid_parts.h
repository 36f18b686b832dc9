/* What the files of the grid share among themselves; nobody else includes this. */
#ifndef SECCM_PROTOCOL_GRID_PARTS_H
#define SECCM_PROTOCOL_GRID_PARTS_H

#include "base/rng.h"
#include "protocol/grid.h"

/* --- grid_tables.c ------------------------------------------------------------------------------------ */

/* Errors for keys that the shape needs or does not know; `what`: "the grid". */
void grid_check_keys(const struct ynode *n, const char *what, int shape, struct diags *d);
/* Errors for keys of a pattern beside `regions`. */
void grid_check_no_pattern(const struct ynode *n, struct diags *d);

/* --- grid_list.c, grid_csv.c, grid_image.c ----------------------------------------------------------------
 */

/* Reads `points` or `file` of a region into its entries and the grid's columns. */
void grid_list_read(struct grid *g, struct grid_region *r, struct diags *d);
void grid_csv_read(struct grid *g, struct grid_region *r, struct diags *d);
/* Brings entries from the image's coordinates into the stage's. */
void grid_image_apply(struct grid_region *r, struct diags *d);

/* A new entry of the region, zeroed. */
struct grid_entry *grid_entry_add(struct grid *g, struct grid_region *r);
/* The column of that name, made if it is new; NULL with an error if there are too many. */
struct grid_column *grid_column_get(struct grid *g, const char *name, const char *unit, struct mark m,
                                    struct diags *d);
/* The value of the entry that was added last. */
void grid_column_put(struct grid *g, struct grid_column *c, const char *text, struct mark m);
#define GRID_COLUMNS_MAX 64

/* --- grid_shapes.c, grid_random.c ------------------------------------------------------------------------
 */

/* Nearest whole picometre. */
double grid_round(double metres);

/* Says whether a place may be used; counts it among those left out if not. */
typedef bool grid_accept(void *context, struct grid_point *p);

/* Appends the accepted places of a region, in the pattern's own order, spares included where they belong to
 * the pattern (marked if they are behind). False with an error. */
struct grid_bag {
    struct grid_point *p;
    int n, cap;
};
struct grid_point *grid_bag_add(struct grid_bag *b);
bool grid_generate(const struct grid *g, int region, uint64_t seed, grid_accept *accept, void *context,
                   struct grid_bag *out, struct diags *d);
bool grid_generate_random(const struct grid *g, int region, uint64_t seed, grid_accept *accept, void *context,
                          struct grid_bag *out, struct diags *d);
/* Place at u, v of the region's own axes. */
struct grid_point grid_at(const struct grid *g, int region, double u, double v);

/* --- grid_order.c, grid_tour.c ----------------------------------------------------------------------------
 */

/* How a set of points is to be ordered. */
struct grid_ordering {
    enum grid_order order;
    double pitch, rotation, origin[2]; /* m, rad: rows of points that have none of their own */
    bool lattice;                      /* rows and columns of the points count */
    bool square;                       /* rings of the spiral are squares */
    int64_t tile_columns, tile_rows;
    uint64_t seed, index; /* of the random order */
};
void grid_order_points(struct grid_point *p, int n, const struct grid_ordering *o);

/* Orders places so that the way from the first to the last is short: nearest neighbour, then 2-opt and Or-opt
 * moves, then `rounds` small disturbances each kept only if it shortens the way. order[0] stays where the
 * nearest neighbour began: at `first`. */
void grid_tour(const double (*xy)[2], int n, int first, int rounds, int *order);
double grid_tour_length(const double (*xy)[2], const int *order, int n);

/* --- grid_near.c
 * -------------------------------------------------------------------------------------------- */

/* Points by squares of a given side, to find neighbours within that side quickly. */
struct grid_near;
struct grid_near *grid_near_new(double side, int capacity);
void grid_near_free(struct grid_near *g);
void grid_near_add(struct grid_near *g, double x, double y, int id);
/* Calls fn for each point in the nine squares about x, y; stops and returns true when fn does. */
bool grid_near_each(const struct grid_near *g, double x, double y,
                    bool (*fn)(void *context, double x, double y, int id), void *context);

/* --- grid_exclude.c
 * ------------------------------------------------------------------------------------------ */

void grid_exclusions_check(const struct grid *g, const struct ynode *n, struct diags *d);
/* Index of the exclusion that a place lies in, -1 = none. */
int grid_excluded(const struct grid *g, double x, double y);

#endif
