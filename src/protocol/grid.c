/* Reading a grid.
 *
 * The tables say which keys there are; what a shape needs, what belongs to regions and what must fit together
 * is checked here, so that grid_place() later fails only where geometry does. */
#include "protocol/grid.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/registration.h"
#include "base/buf.h"
#include "protocol/grid_parts.h"

int64_t grid_default_spares(int shape, int64_t sites)
{
    return shape == GRID_POINTS ? 0 : (sites + 9) / 10;
}

/* --- one region --------------------------------------------------------------------------------------- */

static int default_order(int shape)
{
    if (shape == GRID_RECTANGLE || shape == GRID_HEXAGON)
        return ORDER_SERPENTINE;
    return shape == GRID_RANDOM ? ORDER_NEAREST : ORDER_GIVEN;
}

static int64_t sites_of(const struct grid_region *r)
{
    switch (r->shape) {
    case GRID_RECTANGLE:
    case GRID_HEXAGON:
        return r->nx * r->ny;
    case GRID_RINGS:
        return 1 + 3 * r->rings * (r->rings + 1);
    case GRID_POINTS:
        return r->n_entries;
    default:
        return r->count;
    }
}

static void check_list(const struct grid_region *r, const struct ynode *n, const char *what, struct diags *d)
{
    const struct ynode *file = ynode_get(n, "file"), *origin = ynode_get(n, "origin");
    if (!r->points && !r->file)
        diags_error(d, ynode_mark(n), "`points` or `file` is missing in %s: a list of places is wanted",
                    what);
    if (r->points && r->file)
        diags_error(d, ynode_mark(file), "`points` and `file` can not both be given");
    if (ynode_get(n, "image") && origin)
        diags_error(d, ynode_mark(origin), "points of an image have no origin: the fiducials place them");
    if (ynode_get(n, "image") && ynode_get(n, "rotation"))
        diags_error(d, ynode_mark(ynode_get(n, "rotation")),
                    "points of an image are not turned: the fiducials place them");
    if (ynode_get(n, "image") && r->unit)
        diags_error(d, ynode_mark(ynode_get(n, "unit")),
                    "points of an image are in its own coordinates: "
                    "`unit` has no meaning");
}

/* Points relative to an origin, turned about it. */
static void move_list(struct grid_region *r)
{
    if (isnan(r->origin_x))
        r->origin_x = r->origin_y = 0;
    double c = cos(r->rotation), s = sin(r->rotation);
    for (int i = 0; i < r->n_entries; i++) {
        struct grid_entry *e = &r->entry[i];
        double x = e->x, y = e->y;
        e->x = grid_round(r->origin_x + c * x - s * y);
        e->y = grid_round(r->origin_y + s * x + c * y);
    }
}

static void read_list(struct grid *g, struct grid_region *r, const char *what, struct diags *d)
{
    int before = diags_errors(d);
    check_list(r, r->node, what, d);
    if (diags_errors(d) > before)
        return;
    if (r->file)
        grid_csv_read(g, r, d);
    else
        grid_list_read(g, r, d);
    if (diags_errors(d) > before)
        return;
    if (ynode_get(r->node, "image"))
        grid_image_apply(r, d);
    else
        move_list(r);
}

static void check_count(struct grid_region *r, struct diags *d)
{
    int64_t n = sites_of(r);
    const struct ynode *spares = ynode_get(r->node, "spares");
    static const char *const keys[] = {"columns", "count", "rings", "points", "file"};
    if (!spares)
        r->spares = grid_default_spares(r->shape, n);
    struct mark m = ynode_mark(r->node);
    for (int i = 0; i < 5; i++)
        if (ynode_get(r->node, keys[i]))
            m = ynode_mark(ynode_get(r->node, keys[i]));
    if (n + r->spares > GRID_SITES_MAX)
        diags_error(d, m, "%lld sites and %lld spares are more than the %d that a grid may have",
                    (long long)n, (long long)r->spares, GRID_SITES_MAX);
    if (r->shape == GRID_POINTS && r->spares >= n && n > 0)
        diags_error(d, ynode_mark(spares),
                    "%lld spares are taken from the %lld points of the list: no site is left",
                    (long long)r->spares, (long long)n);
}

static void check_region(struct grid *g, struct grid_region *r, const char *what, struct diags *d)
{
    const struct ynode *tile = ynode_get(r->node, "tile"), *order = ynode_get(r->node, "order");
    int before = diags_errors(d);
    grid_check_keys(r->node, what, r->shape, d);
    if (tile && order && r->order != ORDER_BLOCKS)
        diags_error(d, ynode_mark(tile), "`tile` has a meaning for the order `blocks` only");
    if (r->order < 0)
        r->order = tile ? ORDER_BLOCKS : default_order(r->shape);
    if (diags_errors(d) == before && r->shape == GRID_POINTS)
        read_list(g, r, what, d);
    if (diags_errors(d) == before)
        check_count(r, d);
}

/* --- regions ------------------------------------------------------------------------------------------ */

static void check_name(const struct grid *g, int i, struct diags *d)
{
    const struct grid_region *r = &g->region[i];
    struct mark m = ynode_mark(ynode_get(r->node, "name"));
    if (strlen(r->name) > 63)
        diags_error(d, m, "the name of a region has at most 63 characters");
    for (int k = 0; k < i; k++)
        if (g->region[k].name && strcmp(g->region[k].name, r->name) == 0)
            diags_error(d, m, "region `%s` is given twice", r->name);
}

static void take_regions(struct grid *g, const struct ynode *n, struct diags *d)
{
    const struct ynode *list = ynode_get(n, "regions");
    g->region = g->regions.v;
    g->n_regions = g->regions.n;
    grid_check_no_pattern(n, d);
    for (int i = 0; i < g->n_regions; i++) {
        struct grid_region *r = &g->region[i];
        r->node = ynode_item(list, i);
        if (r->order < 0 && g->whole.order >= 0)
            r->order = g->whole.order;
        if (r->name)
            check_name(g, i, d);
        if (r->shape >= 0)
            check_region(g, r, "the region", d);
    }
    if (g->whole.order < 0)
        g->whole.order = ORDER_SERPENTINE;
}

static void take_whole(struct grid *g, const struct ynode *n, struct diags *d)
{
    g->region = &g->whole;
    g->n_regions = 1;
    g->whole.node = n;
    if (ynode_get(n, "visit"))
        diags_error(d, ynode_mark(ynode_get(n, "visit")), "`visit` has a meaning for several `regions` only");
    if (g->whole.shape >= 0) {
        check_region(g, &g->whole, "the grid", d);
    } else if (!ynode_get(n, "shape") && ynode_kind(n) == Y_MAP) {
        diags_error(d, ynode_mark(n), "`shape` is missing in the grid");
        diags_hint(d, "shape: rectangle, hexagon, line, rings, spiral, random or points; or `regions`");
    }
}

/* --- tilt --------------------------------------------------------------------------------------------- */

/* Least squares plane through centred points. */
static bool fit_plane(const struct grid_tilt_point *p, int n, double tilt[2], double *rms)
{
    double m[3] = {0}, xx = 0, xy = 0, yy = 0, xz = 0, yz = 0, squares = 0;
    for (int i = 0; i < n; i++) {
        m[0] += p[i].x / n;
        m[1] += p[i].y / n;
        m[2] += p[i].z / n;
    }
    for (int i = 0; i < n; i++) {
        double x = p[i].x - m[0], y = p[i].y - m[1], z = p[i].z - m[2];
        xx += x * x;
        xy += x * y;
        yy += y * y;
        xz += x * z;
        yz += y * z;
    }
    double det = xx * yy - xy * xy;
    if (!(det > 1e-6 * (xx + yy) * (xx + yy)))
        return false;
    tilt[0] = rint((yy * xz - xy * yz) / det * 1e9) / 1e9 + 0.0; /* nm per m: no dust, no -0 */
    tilt[1] = rint((xx * yz - xy * xz) / det * 1e9) / 1e9 + 0.0;
    for (int i = 0; i < n; i++) {
        double z = p[i].z - m[2] - tilt[0] * (p[i].x - m[0]) - tilt[1] * (p[i].y - m[1]);
        squares += z * z;
    }
    *rms = n > 3 ? sqrt(squares / (n - 3)) : NAN;
    return true;
}

static void read_tilt(struct grid *g, const struct ynode *n, struct diags *d)
{
    const struct ynode *tilt = ynode_get(n, "tilt"), *points = ynode_get(tilt, "points");
    g->tilt_rms = NAN;
    if (!points || g->tilt_points.n == 0)
        return;
    if (ynode_get(tilt, "x") || ynode_get(tilt, "y"))
        diags_error(d, ynode_mark(tilt), "the tilt is given by x and y or by points, not by both");
    else if (g->tilt_points.n < 3)
        diags_error(d, ynode_mark(points), "a plane takes three points or more, found %d", g->tilt_points.n);
    else if (!fit_plane(g->tilt_points.v, g->tilt_points.n, g->tilt, &g->tilt_rms))
        diags_error(d, ynode_mark(points), "the points of the tilt lie in one line: they determine no plane");
    else if (fabs(g->tilt[0]) > 0.5 || fabs(g->tilt[1]) > 0.5)
        diags_error(
            d, ynode_mark(points),
            "the plane through these points rises by %.3g per length along x and %.3g along y; at most "
            "0.5 is possible",
            g->tilt[0], g->tilt[1]);
}

/* --- all of it ------------------------------------------------------------------------------------------ */

/* A column reaches over all entries, also those read after it. */
static void fill_columns(struct grid *g)
{
    for (int i = 0; i < g->n_columns; i++) {
        struct grid_column *c = &g->column[i];
        c->text = xrealloc(c->text, ((size_t)g->n_entries + 1) * sizeof *c->text);
        c->mark = xrealloc(c->mark, ((size_t)g->n_entries + 1) * sizeof *c->mark);
        for (; c->n < g->n_entries; c->n++) {
            c->text[c->n] = NULL;
            c->mark[c->n] = (struct mark){0};
        }
    }
}

struct grid *grid_read(const struct ynode *n, struct diags *d)
{
    if (!n)
        return NULL;
    int before = diags_errors(d);
    struct grid *g = xcalloc(1, sizeof *g);
    schema_read(n, &grid_fields, g, d);
    if (ynode_kind(n) == Y_MAP) {
        g->has_seed = ynode_get(n, "seed") != NULL;
        if (ynode_get(n, "regions"))
            take_regions(g, n, d);
        else
            take_whole(g, n, d);
        grid_exclusions_check(g, ynode_get(n, "exclude"), d);
        read_tilt(g, n, d);
        fill_columns(g);
    }
    if (diags_errors(d) == before)
        return g;
    grid_free(g);
    return NULL;
}

void grid_free(struct grid *g)
{
    if (!g)
        return;
    for (int i = 0; i < g->n_regions; i++) {
        free(g->region[i].entry);
        source_free(g->region[i].source);
    }
    for (int i = 0; i < g->n_columns; i++) {
        for (int k = 0; k < g->column[i].n; k++)
            free(g->column[i].text[k]);
        free(g->column[i].text);
        free(g->column[i].mark);
    }
    free(g->column);
    schema_free(&grid_fields, g);
    free(g);
}

int grid_sources(const struct grid *g, const struct source **out, int max)
{
    int n = 0;
    for (int i = 0; i < g->n_regions; i++)
        if (g->region[i].source && n++ < max)
            out[n - 1] = g->region[i].source;
    return n;
}

struct mark grid_mark(const struct grid *g, const struct grid_point *p, const char *key)
{
    const struct grid_region *r = &g->region[p->pattern];
    if (p->entry >= 0)
        return r->entry[p->entry - r->first_entry].mark;
    const struct ynode *n = ynode_get(r->node, key);
    return ynode_mark(n ? n : r->node);
}
