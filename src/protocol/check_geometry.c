/* Sites against the rig's envelope and against each other. */
#include "protocol/check.h"

#include <math.h>

/* The residue that a drop leaves is wider than the drop; factor until it was measured (Saxena et al., ACS
 * Meas. Sci. Au 2025, 5, 178, found residues larger than the wetted spots). */
#define RESIDUE 1.3

static struct mark grid_mark(const struct protocol *p, const char *key)
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
    int n = plan->n_sites + plan->n_spares, bad = 0, spares = 0;
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
        c->d, grid_mark(c->p, "origin"),
        "%d of %d sites (%d of them spares) lie outside what the rig reaches, x %s to %s and y %s to %s; the "
        "first is site %d at x = %s, y = %s",
        bad, n, spares, show(r->limit[AXIS_X][0], DIM_LENGTH), show(r->limit[AXIS_X][1], DIM_LENGTH),
        show(r->limit[AXIS_Y][0], DIM_LENGTH), show(r->limit[AXIS_Y][1], DIM_LENGTH), worst->site,
        show(worst->x, DIM_LENGTH), show(worst->y, DIM_LENGTH));
}

static void check_pitch(const struct check *c)
{
    const struct protocol *p = c->p;
    double wetted = p->wetted * p->aperture, residue = RESIDUE * wetted, pitch = p->grid->pitch;
    if (c->plan->n_sites + c->plan->n_spares < 2)
        return;
    if (pitch < 1.5 * wetted)
        diags_error(
            c->d, grid_mark(p, "pitch"),
            "at a pitch of %s drops of %s wetted diameter meet their neighbours' spots; the least is 1.5 "
            "wetted diameters, %s",
            show(pitch, DIM_LENGTH), show(wetted, DIM_LENGTH), show(1.5 * wetted, DIM_LENGTH));
    else if (pitch < 3 * residue)
        diags_warning(
            c->d, grid_mark(p, "pitch"),
            "a pitch of %s is less than three times the residue to be expected, 3 x %s = %s; neighbours may "
            "be joined by what the drop leaves behind",
            show(pitch, DIM_LENGTH), show(residue, DIM_LENGTH), show(3 * residue, DIM_LENGTH));
}

static void check_tilt(const struct check *c)
{
    const struct plan *plan = c->plan;
    const struct grid *g = c->p->grid;
    double low = INFINITY, high = -INFINITY;
    for (int i = 0; i < plan->n_sites + plan->n_spares; i++) {
        double h = g->tilt[0] * plan->site[i].x + g->tilt[1] * plan->site[i].y;
        low = fmin(low, h);
        high = fmax(high, h);
    }
    const double *z = c->p->rig->limit[AXIS_Z];
    double room = z[1] - z[0] - c->p->clearance - c->p->peak;
    if (high - low > room)
        diags_error(c->d, grid_mark(c->p, "tilt"),
                    "the tilt makes the grid rise by %s, but z has only %s left beside clearance and peak",
                    show(high - low, DIM_LENGTH), show(room, DIM_LENGTH));
}

void check_geometry(struct check *c)
{
    check_envelope(c);
    check_pitch(c);
    check_tilt(c);
}
