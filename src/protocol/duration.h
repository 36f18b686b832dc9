/* How long a night takes and how much it stores. */
#ifndef SECCM_PROTOCOL_DURATION_H
#define SECCM_PROTOCOL_DURATION_H

#include "protocol/plan.h"

/* Fills seconds, bytes and samples_per_site; sites and levels are assigned. The model:
 *
 *   motion     xy distance / speed_xy; break after 3 wetted diameters at `detach`, the rest of clearance and
 *              peak at `then`; back down over the clearance at speed_z
 *   approach   triangle and blank in air, then slowly over peak + 3 sigma + clearance (the first three sites:
 *              half the travel, since the surface is not known yet), then `confirm` and the test of the
 * landing technique  what the steps say, each as long as it can last: until its first bound that is met for
 * sure, with all passes of a repeat and all steps of a `when`, gates included overhead   0.2 s per program
 * that is uploaded: one per site, one more per change between potentiostatic and galvanostatic or open
 *
 * Uncertainty: a tenth of the motion, a quarter of the approach, half of the time that a condition can cut
 * short or leave out, half of the overhead, added linearly because each is common to all sites. */
void duration_estimate(struct plan *p);

/* One visit: motion without the way sideways. */
struct visit_cost {
    struct plan_seconds seconds; /* its four parts */
    double uncertain, longer;    /* s that a condition may cut short, that the far end of the travel adds */
    double samples;
    uint64_t bytes;
};
/* `known`: the surface was met before, nearby. */
struct visit_cost duration_visit(const struct plan *p, const int level[FACTOR_MAX], bool control, bool known);
/* Adds a visit to the sums of a night. */
void duration_add(struct plan_seconds *t, const struct visit_cost *v);

#endif
