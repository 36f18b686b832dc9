/* Properties of the sample at one spot: everything that a drop there will obey, as pure functions of position
 * and seed. */
#ifndef SECCM_SIM_WORLD_SPOT_H
#define SECCM_SIM_WORLD_SPOT_H

#include "sim/world_config.h"

struct spot {
    int region; /* 0 = bulk, i + 1 = sample region i */
    double edge_density;
    double activity; /* of the particle here, relative; of what lies between particles */
    struct meniscus_law meniscus;
    struct cell_law cell;
};

/* Streams of the properties; made once from the seed. */
struct spot_streams {
    struct rng edges, site;
};
struct spot_streams spot_streams(uint64_t seed);
void spot_at(const struct sample_config *sample, const struct probe_config *probe,
             const struct spot_streams *r, const struct surface *surface, double x, double y,
             struct spot *out);

#endif
