/* What the simulated devices share: the loop, the world, the time up to which the world was advanced, and the
 * place.
 *
 * Randomness of the devices (noise, latency) is a function of the place over the sample and of what was
 * counted since the probe was sent there, not since power up: a run that was interrupted and resumed meets
 * the same noise at a site as one that was not.
 *
 * Plain data. In real time timers can run late and out of order, so that a device may ask for an instant that
 * the other has passed already; time must not go back for the world, hence this one door to it. */
#ifndef SECCM_SIM_BENCH_H
#define SECCM_SIM_BENCH_H

#include "base/rng.h"
#include "sim/world.h"

struct sim_bench {
    struct loop *loop;
    struct world *world;
    uint64_t seed;
    ns_t at;        /* the world's time */
    uint64_t place; /* changes with the commanded x and y */
};

static inline void sim_bench_advance(struct sim_bench *b, ns_t t)
{
    if (t <= b->at)
        return;
    b->at = t;
    world_advance(b->world, t);
}

#endif
