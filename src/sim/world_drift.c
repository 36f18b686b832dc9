/* What changes by itself with time. */
#include "sim/world_drift.h"

#include <math.h>

#include "sim/world_noise.h"

struct drift_streams drift_streams(uint64_t seed)
{
    return (struct drift_streams){rng_stream(seed, "sim.drift"), rng_stream(seed, "sim.qrce"),
                                  rng_stream(seed, "sim.qrce.jump")};
}

double drift_z(const struct sample_config *s, const struct drift_streams *r, double t)
{
    double z = s->drift.rate * t;
    if (s->drift.walk > 0)
        z += s->drift.walk * (noise_wander(r->z, t) - noise_wander(r->z, 0));
    return z;
}

/* Time is cut into slots of equal length with one jump somewhere in each; the level before the first is 0. */
static double jump_level(const struct probe_config *p, const struct drift_streams *r, double t)
{
    int64_t slot = (int64_t)floor(t / p->qrce.jump_every);
    double when = ((double)slot + rng_uniform(r->jump, (uint64_t)slot, 0, 0)) * p->qrce.jump_every;
    if (t < when)
        slot--;
    return slot < 0 ? 0 : p->qrce.jump * rng_normal(r->jump, (uint64_t)slot, 1, 0);
}

double drift_reference(const struct probe_config *p, const struct drift_streams *r, double t)
{
    double e = p->qrce.potential + p->qrce.rate * t;
    if (p->qrce.walk > 0)
        e += p->qrce.walk * (noise_wander(r->qrce, t) - noise_wander(r->qrce, 0));
    if (p->qrce.jump_every > 0)
        e += jump_level(p, r, t);
    return e;
}

double drift_resistance(const struct probe_config *p, double t)
{
    return 1 + p->evaporation * t / 3600;
}
