/* What changes by itself with time: sample height, reference potential, resistance. Pure functions of time,
 * so that a resumed run and a look at the truth agree with what the run met. */
#ifndef SECCM_SIM_WORLD_DRIFT_H
#define SECCM_SIM_WORLD_DRIFT_H

#include "sim/world_config.h"

struct drift_streams {
    struct rng z, qrce, jump;
};
struct drift_streams drift_streams(uint64_t seed);

/* t in s of the sample's own clock. Rise of the sample, m; 0 at t = 0. */
double drift_z(const struct sample_config *s, const struct drift_streams *r, double t);
/* Potential of the QRCE versus Li/Li+, V. */
double drift_reference(const struct probe_config *p, const struct drift_streams *r, double t);
/* Factor of the pipette's resistance by evaporation. */
double drift_resistance(const struct probe_config *p, double t);

#endif
