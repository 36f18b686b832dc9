/* Parts of the sample where no site may be: polygons and circles with a margin. */
#include <math.h>

#include "protocol/grid_parts.h"

/* --- checks ------------------------------------------------------------------------------------------- */

/* Twice the area enclosed, signed. */
static double twice_area(const struct points *p)
{
    double sum = 0;
    for (int i = 0; i < p->n; i++) {
        const double *a = p->xy[i], *b = p->xy[(i + 1) % p->n];
        sum += (a[0] - p->xy[0][0]) * (b[1] - p->xy[0][1]) - (b[0] - p->xy[0][0]) * (a[1] - p->xy[0][1]);
    }
    return sum;
}

static void check_one(const struct grid_exclusion *x, const struct ynode *n, struct diags *d)
{
    const struct ynode *polygon = ynode_get(n, "polygon"), *center = ynode_get(n, "center");
    const struct ynode *radius = ynode_get(n, "radius");
    if (ynode_kind(n) != Y_MAP && !ynode_is_null(n)) /* an empty item is one without polygon */
        return;
    if (!polygon && !center)
        diags_error(d, ynode_mark(n), "an exclusion needs a polygon, or the center and radius of a circle");
    if (polygon && (center || radius))
        diags_error(d, ynode_mark(center ? center : radius),
                    "an exclusion is a polygon or a circle, not both");
    else if (!center != !radius)
        diags_error(d, ynode_mark(center ? center : radius), "a circle needs both `center` and `radius`");
    if (polygon && ynode_kind(polygon) == Y_LIST && ynode_count(polygon) == x->polygon.n &&
        x->polygon.n > 0) {
        if (x->polygon.n < 3)
            diags_error(d, ynode_mark(polygon), "a polygon has three corners or more, found %d",
                        x->polygon.n);
        else if (twice_area(&x->polygon) == 0)
            diags_error(d, ynode_mark(polygon), "this polygon encloses no area");
    }
}

void grid_exclusions_check(const struct grid *g, const struct ynode *n, struct diags *d)
{
    const struct grid_exclusion *x = g->exclusions.v;
    for (int i = 0; i < g->exclusions.n; i++)
        check_one(&x[i], ynode_item(n, i), d);
}

/* --- is a place in one
 * -------------------------------------------------------------------------------------- */

/* Even-odd rule: crossings of a ray to the right. */
static bool in_polygon(const struct points *p, double x, double y)
{
    bool inside = false;
    for (int i = 0; i < p->n; i++) {
        const double *a = p->xy[i], *b = p->xy[(i + 1) % p->n];
        if ((a[1] > y) != (b[1] > y) && x < a[0] + (y - a[1]) * (b[0] - a[0]) / (b[1] - a[1]))
            inside = !inside;
    }
    return inside;
}

static double square_to_edge(const double a[2], const double b[2], double x, double y)
{
    double dx = b[0] - a[0], dy = b[1] - a[1], length = dx * dx + dy * dy;
    double t = length > 0 ? ((x - a[0]) * dx + (y - a[1]) * dy) / length : 0;
    t = t < 0 ? 0 : t > 1 ? 1 : t;
    double ex = a[0] + t * dx - x, ey = a[1] + t * dy - y;
    return ex * ex + ey * ey;
}

static bool near_polygon(const struct points *p, double margin, double x, double y)
{
    for (int i = 0; i < p->n; i++)
        if (square_to_edge(p->xy[i], p->xy[(i + 1) % p->n], x, y) < margin * margin)
            return true;
    return false;
}

int grid_excluded(const struct grid *g, double x, double y)
{
    const struct grid_exclusion *e = g->exclusions.v;
    for (int i = 0; i < g->exclusions.n; i++) {
        double dx = x - e[i].centre[0], dy = y - e[i].centre[1], r = e[i].radius + e[i].margin;
        if (e[i].polygon.n ? in_polygon(&e[i].polygon, x, y) || near_polygon(&e[i].polygon, e[i].margin, x, y)
                           : dx * dx + dy * dy < r * r)
            return i;
    }
    return -1;
}
