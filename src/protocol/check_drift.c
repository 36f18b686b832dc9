/* What the sample's drift does over the night: heights leave the range of z, places leave their spots. */
#include <math.h>

#include "protocol/check.h"

void check_drift(const struct plan *plan, struct diags *d)
{
    const struct protocol *p = plan->protocol;
    const double *z = p->rig->limit[AXIS_Z];
    double drift = p->drift * plan->seconds.total, rise = check_rise(plan);
    double room = z[1] - z[0] - p->clearance - p->peak - rise;
    if (p->drift > 0 && drift > room)
        diags_error(d, protocol_mark(p, "surface.drift"),
                    "%s over %s carry the surface %s, but z has only %s left beside clearance, peak and tilt",
                    show(p->drift, DIM_SPEED), show(60 * ceil(plan->seconds.total / 60), DIM_TIME),
                    show(drift, DIM_LENGTH), show(room, DIM_LENGTH));
    else if (plan->n_sites > 1 && p->drift * plan->seconds.total / plan->n_sites > p->peak && p->peak > 0)
        diags_warning(
            d, protocol_mark(p, "surface.drift"),
            "between two sites the surface drifts by up to %s, more than `surface.peak`, %s: the tip "
            "may move sideways below what stands on it",
            show(p->drift * plan->seconds.total / plan->n_sites, DIM_LENGTH), show(p->peak, DIM_LENGTH));
}
