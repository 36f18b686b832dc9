/* Whether a drop may have touched what nobody meant to touch (R2).
 *
 * A drop that hangs down, a residue that stands up or liquid that creeps along the glass reach further than a
 * drop should. So below the retracted height "nothing was touched" is said only of what the capacitance
 * shows, or of another place. */
#include <math.h>

#include "run/hop.h"

/* What hangs down is about as wide as this; further away from a site it is another place. */
#define BESIDE 2e-6
/* Within so many tolerances the retracted height is reached. */
#define RETRACTED 10

#define WET_SIGMAS 6
/* A drop already at the surface shows at least this part of the usual contact capacitance. */
#define WET_PART 0.4

bool reach_is_wet(const struct run *r, const struct ramp *now)
{
    return now->periods > 0 && r->have_air && isfinite(r->c_contact_typical) &&
           now->c - r->air.c >
               fmax(WET_SIGMAS * hypot(now->c_sd, r->air.c_sd), WET_PART * r->c_contact_typical);
}

bool reach_is_dry(const struct run *r, const struct ramp *now)
{
    double unsure = WET_SIGMAS * hypot(now->c_sd, r->air.c_sd);
    return now->periods > 0 && r->have_air && isfinite(r->c_contact_typical) &&
           now->c - r->air.c + unsure < r->c_contact_typical;
}

bool reach_is_low(const struct run *r)
{
    return r->z < r->rig->config->z_retracted - RETRACTED * r->rig->config->tolerance;
}

void reach_doubt(struct run *r)
{
    struct attempt *a = &r->attempt;
    bool here = hypot(r->xy[0] - a->site->x, r->xy[1] - a->site->y) < BESIDE;
    if (reach_is_low(r) && here && a->touched == TOUCHED_NO)
        a->touched = TOUCHED_POSSIBLY;
}
