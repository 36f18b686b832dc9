/* Sites against the rig's envelope and against each other. */
#include "protocol/check.h"

#include <math.h>
#include <stdio.h>

#define SAME 5e-12 /* m: distances that differ by rounding only */

static struct mark key_mark(const struct protocol *p, const char *key)
{
    const struct ynode *n = ynode_get(p->grid_node, key);
    return ynode_mark(n ? n : p->grid_node);
}

static bool inside(const struct rig_config *r, const struct plan_site *s)
{
    return s->x >= r->limit[AXIS_X][0] && s->x <= r->limit[AXIS_X][1] && s->y >= r->limit[AXIS_Y][0] &&
           s->y <= r->limit[AXIS_Y][1];
}

static void check_envelope(const struct check *c)
{
    const struct plan *plan = c->plan;
    const struct rig_config *r = c->p->rig;
    int n = plan_places(plan), bad = 0, spares = 0;
    const struct plan_site *worst = NULL;
    for (int i = 0; i < n; i++) {
        const struct plan_site *s = &plan->site[i];
        if (inside(r, s))
            continue;
        bad++;
        spares += s->spare;
        worst = worst ? worst : s;
    }
    if (!bad)
        return;
    diags_error(
        c->d, grid_mark(c->p->grid, &plan->layout.point[worst - plan->site], "origin"),
        "%d of %d sites (%d of them spares) lie outside what the rig reaches, x %s to %s and y %s to %s; the "
        "first is site %d at x = %s, y = %s",
        bad, n, spares, show(r->limit[AXIS_X][0], DIM_LENGTH), show(r->limit[AXIS_X][1], DIM_LENGTH),
        show(r->limit[AXIS_Y][0], DIM_LENGTH), show(r->limit[AXIS_Y][1], DIM_LENGTH), worst->site,
        show(worst->x, DIM_LENGTH), show(worst->y, DIM_LENGTH));
}

/* Where the stage can not go, no mark was ever found. */
static void check_fiducial(const struct check *c)
{
    const double *f = c->p->fiducial;
    const struct plan_site at = {.x = f[0], .y = f[1]};
    if (!isnan(f[0]) && !inside(c->p->rig, &at))
        diags_error(c->d, protocol_mark(c->p, "probe.fiducial"),
                    "the fiducial lies where the rig can not go: x = %s, y = %s", show(f[0], DIM_LENGTH),
                    show(f[1], DIM_LENGTH));
}

/* Is the distance of two sites what the pattern says? */
static bool is_pitch(const struct check *c, int a, double distance)
{
    const struct grid_point *p = &c->plan->layout.point[a];
    return p->entry < 0 && fabs(c->p->grid->region[p->pattern].pitch - distance) < SAME;
}

/* "at a pitch of 500 nm", or which two sites are how near. */
static void add_distance(const struct check *c, int a, int b, double distance, char text[120])
{
    if (is_pitch(c, a, distance))
        snprintf(text, 120, "at a pitch of %s", show(distance, DIM_LENGTH));
    else if (distance == 0)
        snprintf(text, 120, "sites %d and %d are at the same place:", c->plan->site[a].site,
                 c->plan->site[b].site);
    else
        snprintf(text, 120, "sites %d and %d are %s apart:", c->plan->site[a].site, c->plan->site[b].site,
                 show(distance, DIM_LENGTH));
}

static void check_pitch(const struct check *c)
{
    const struct protocol *p = c->p;
    double wetted = p->wetted * p->aperture, residue = used_residue(p), factor = used_factor(p), distance;
    int a, b;
    char text[120];
    if (!plan_closest(c->plan, &a, &b, &distance))
        return;
    struct mark m = grid_mark(p->grid, &c->plan->layout.point[a > b ? a : b], "pitch");
    add_distance(c, a, b, distance, text);
    if (distance < 1.5 * wetted - SAME)
        diags_error(c->d, m,
                    "%s drops of %s wetted diameter meet their neighbours' spots; the least is 1.5 wetted "
                    "diameters, %s",
                    text, show(wetted, DIM_LENGTH), show(1.5 * wetted, DIM_LENGTH));
    else if (distance < factor * residue - SAME && is_pitch(c, a, distance))
        diags_warning(c->d, m,
                      "a pitch of %s is less than %s times the residue %s, %.3g x %s = %s; neighbours may be "
                      "joined by what the drop leaves behind",
                      show(distance, DIM_LENGTH), isnan(p->residue) ? "three" : "1.5",
                      isnan(p->residue) ? "to be expected" : "that was measured", factor,
                      show(residue, DIM_LENGTH), show(factor * residue, DIM_LENGTH));
    else if (distance < factor * residue - SAME)
        diags_warning(c->d, m,
                      "%s that is less than %.3g x the residue of %s; they may be joined by what the drop "
                      "leaves behind",
                      text, factor, show(residue, DIM_LENGTH));
}

static void check_left_out(const struct check *c)
{
    const struct grid *g = c->p->grid;
    const struct grid_layout *l = &c->plan->layout;
    const struct ynode *list = ynode_get(c->p->grid_node, "exclude");
    int used = 0;
    for (int i = 0; i < l->n_gone; i++)
        used += l->gone[i].why == GONE_USED;
    if (used)
        diags_warning(
            c->d, protocol_mark(c->p, "avoid"),
            "%d of the grid's places lie too near to spots that earlier runs touched and are left out; "
            "%d sites remain",
            used, c->plan->n_sites);
    /* Random sites are drawn: few may have fallen into a small exclusion, or none. */
    bool drawn = false;
    for (int i = 0; i < g->n_regions; i++)
        drawn = drawn || g->region[i].shape == GRID_RANDOM;
    for (int i = 0; i < g->exclusions.n && !drawn; i++)
        if (l->hits[i] == 0)
            diags_warning(c->d, ynode_mark(ynode_item(list, i)), "this exclusion leaves out nothing");
}

double check_rise(const struct plan *plan)
{
    const double *tilt = plan->protocol->grid->tilt;
    double low = INFINITY, high = -INFINITY;
    for (int i = 0; i < plan_places(plan); i++) {
        double h = tilt[0] * plan->site[i].x + tilt[1] * plan->site[i].y;
        low = fmin(low, h);
        high = fmax(high, h);
    }
    return high - low;
}

static void check_tilt(const struct check *c)
{
    double rise = check_rise(c->plan);
    const double *z = c->p->rig->limit[AXIS_Z];
    double room = z[1] - z[0] - c->p->clearance - c->p->peak;
    if (room <= 0)
        return; /* not the tilt's fault; told by check_descent() */
    if (rise > room)
        diags_error(c->d, key_mark(c->p, "tilt"),
                    "the tilt makes the grid rise by %s, but z has only %s left beside clearance and peak",
                    show(rise, DIM_LENGTH), show(room, DIM_LENGTH));
}

void check_geometry(struct check *c)
{
    check_envelope(c);
    check_fiducial(c);
    check_pitch(c);
    check_tilt(c);
    check_left_out(c);
}
