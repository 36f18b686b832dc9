/* How long the rest of a run takes: one rule for the progress line, the live page and `seccm status`.
 *
 * What counts is the time that the sites took; pauses, and nights between two parts of a run, are none of it.
 */
#ifndef SECCM_RESULTS_PACE_H
#define SECCM_RESULTS_PACE_H

#include <math.h>

struct pace {
    double worked; /* s, at sites */
    int sites;     /* at which it was spent */
};

/* s for one site; NAN before the first. */
static inline double pace_per_site(const struct pace *p)
{
    return p->sites > 0 ? p->worked / p->sites : NAN;
}

#endif
