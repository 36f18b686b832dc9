/* How long a night takes and how much it stores. */
#ifndef SECCM_PROTOCOL_DURATION_H
#define SECCM_PROTOCOL_DURATION_H

#include "protocol/plan.h"

/* Fills seconds, bytes and samples_per_site; sites and levels are assigned. The model:
 *   motion    xy distance / speed_xy; break after 3 wetted diameters at `detach`, the rest of clearance +
 * peak at `then`; back down over the clearance at speed_z approach  triangle and blank in air, then slowly
 * over peak + 3 sigma + clearance (the first three sites: half the travel, since the surface is not known
 * yet), then `confirm` and the test of the landing, technique what the steps say; a galvanostatic step until
 * its first certain bound overhead  0.2 s per program that is uploaded (one per site, one more per change
 * between potentiostatic and galvanostatic or open) Uncertainty: a tenth of the motion, a quarter of the
 * approach, half of the galvanostatic time that a potential can cut short, half of the overhead, added
 * linearly because each is common to all sites. */
void duration_estimate(struct plan *p);

/* s that a step takes at most. */
double duration_of_step(const struct step_now *s);
/* Samples that a step gives at most. */
double samples_of_step(const struct step_now *s);

#endif
