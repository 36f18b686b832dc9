/* The drop at the end of the probe. */
#include "sim/meniscus.h"

#include <math.h>

void meniscus_attach(struct meniscus *m, const struct meniscus_law *law)
{
    *m = (struct meniscus){.attached = true, .diameter = law->aperture * law->w.start};
}

/* First-order approach to a goal that is never left again once reached (pinned edge); stable for any dt. */
static void spread(double *part, double goal, double dt, double time_constant)
{
    if (goal > *part)
        *part += (goal - *part) * dt / (time_constant + dt);
}

/* Diameter / aperture that the drop would reach if it stayed as it is. */
static double goal_ratio(const struct meniscus_law *law, double height, double potential)
{
    double squeezed = law->touch_height - height;
    double goal = law->ratio;
    if (squeezed > 0)
        goal += law->w.compression * squeezed / law->aperture;
    if (law->w.electrowetting > 0) {
        double v = potential - law->zero_charge;
        goal += law->w.electrowetting * v * v;
    }
    if (law->w.low_gain > 0 && potential < law->w.low_below)
        goal += law->w.low_gain * (law->w.low_below - potential);
    return goal < law->w.largest ? goal : law->w.largest;
}

bool meniscus_step(struct meniscus *m, const struct meniscus_law *law, double dt, double height,
                   double potential)
{
    if (height > law->break_height) {
        m->attached = false;
        return false;
    }
    double grown = goal_ratio(law, height, potential) - law->w.start;
    spread(&m->fast, law->w.fast_part * grown, dt, law->w.fast);
    spread(&m->slow, (1 - law->w.fast_part) * grown, dt, law->w.slow);
    m->diameter = law->aperture * (law->w.start + m->fast + m->slow);
    return true;
}

double meniscus_area(const struct meniscus *m)
{
    return M_PI / 4 * m->diameter * m->diameter;
}
