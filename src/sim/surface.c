/* Shape of the simulated sample: plane + fractal roughness + terraces + particles, and which points conduct.
 */
#include "sim/surface.h"

#include <math.h>

#include "sim/world_noise.h"

enum { ROUGHNESS_OCTAVES = 3 };
static const double STEP_JITTER = 0.4;     /* of the spacing, either way */
static const double PARTICLE_SPREAD = 3.0; /* standard deviations at which the log-normal radius is cut */

static double largest_radius(const struct surface_config *c)
{
    /* A particle stays within its own and the neighbouring cells. */
    return fmin(c->particles.radius * exp(PARTICLE_SPREAD * c->particles.spread), c->particles.spacing);
}

void surface_init(struct surface *s, const struct surface_config *c, uint64_t seed)
{
    *s = (struct surface){.c = *c,
                          .rough = rng_stream(seed, "sim.roughness"),
                          .step = rng_stream(seed, "sim.steps"),
                          .particle = rng_stream(seed, "sim.particles"),
                          .patch = rng_stream(seed, "sim.insulating")};
    s->tan_x = tan(c->slope_x);
    s->tan_y = tan(c->slope_y);
    s->cos_d = cos(c->steps.direction);
    s->sin_d = sin(c->steps.direction);
    s->margin = c->roughness * noise_fractal_bound(ROUGHNESS_OCTAVES) + 2 * fabs(c->steps.height);
    double highest = 0;
    if (c->particles.fraction > 0)
        highest = c->particles.height * largest_radius(c) / c->particles.radius;
    for (int i = 0; i < c->particles.n; i++)
        highest = fmax(highest, c->particles.list[i].height);
    s->margin += highest;
}

double surface_ceiling(const struct surface *s, double x, double y, double radius)
{
    return s->tan_x * x + s->tan_y * y + radius * (fabs(s->tan_x) + fabs(s->tan_y)) + s->margin;
}

/* Terraces: a stair whose mean slope is taken out again, because the tilt of the mean plane is given apart.
 */
static double terraces(const struct surface *s, double x, double y)
{
    if (s->c.steps.height == 0)
        return 0;
    double u = (x * s->cos_d + y * s->sin_d) / s->c.steps.spacing;
    double k = floor(u);
    /* Edge k lies near k + 1/2 and is shifted by less than half a spacing, so it stays within its own cell.
     */
    double edge = k + 0.5 + STEP_JITTER * (2 * rng_uniform(s->step, (uint64_t)(int64_t)k, 0, 0) - 1);
    double stairs = k + (u >= edge ? 1 : 0);
    return s->c.steps.height * (stairs - u);
}

static double cap(const struct surface_disk *p, double x, double y)
{
    double dx = x - p->x, dy = y - p->y, q = (dx * dx + dy * dy) / (p->radius * p->radius);
    return q < 1 ? p->height * sqrt(1 - q) : 0;
}

/* The random particle of a lattice cell; false if the cell is empty. */
static bool cell_particle(const struct surface *s, int64_t i, int64_t j, struct surface_disk *p)
{
    uint64_t a = (uint64_t)i, b = (uint64_t)j;
    if (rng_uniform(s->particle, a, b, 0) >= s->c.particles.fraction)
        return false;
    double z = rng_normal(s->particle, a, b, 1);
    double size = exp(s->c.particles.spread * fmax(-PARTICLE_SPREAD, fmin(PARTICLE_SPREAD, z)));
    p->radius = fmin(s->c.particles.radius * size, s->c.particles.spacing);
    p->height = s->c.particles.height * p->radius / s->c.particles.radius;
    p->x = ((double)i + rng_uniform(s->particle, a, b, 2)) * s->c.particles.spacing;
    p->y = ((double)j + rng_uniform(s->particle, a, b, 3)) * s->c.particles.spacing;
    p->activity = 1;
    return true;
}

static void higher(const struct surface_disk *p, double x, double y, double *top, struct surface_disk *out)
{
    double z = cap(p, x, y);
    if (z <= *top)
        return;
    *top = z;
    *out = *p;
}

/* Height of the highest particle at (x, y), 0 between them; `out` is set only there. */
static double particle_at(const struct surface *s, double x, double y, struct surface_disk *out)
{
    double top = 0;
    for (int i = 0; i < s->c.particles.n; i++)
        higher(&s->c.particles.list[i], x, y, &top, out);
    if (s->c.particles.fraction <= 0)
        return top;
    int64_t ci = (int64_t)floor(x / s->c.particles.spacing), cj = (int64_t)floor(y / s->c.particles.spacing);
    struct surface_disk p;
    for (int64_t i = ci - 1; i <= ci + 1; i++)
        for (int64_t j = cj - 1; j <= cj + 1; j++)
            if (cell_particle(s, i, j, &p))
                higher(&p, x, y, &top, out);
    return top;
}

static double particles(const struct surface *s, double x, double y)
{
    struct surface_disk highest;
    return particle_at(s, x, y, &highest);
}

bool surface_particle(const struct surface *s, double x, double y, struct surface_disk *out)
{
    return particle_at(s, x, y, out) > 0;
}

double surface_height(const struct surface *s, double x, double y)
{
    double z = s->tan_x * x + s->tan_y * y + terraces(s, x, y) + particles(s, x, y);
    if (s->c.roughness > 0)
        z += s->c.roughness *
             noise_fractal(s->rough, x / s->c.correlation, y / s->c.correlation, ROUGHNESS_OCTAVES);
    return z;
}

bool surface_insulating(const struct surface *s, double x, double y)
{
    for (int i = 0; i < s->c.insulating.n; i++)
        if (hypot(x - s->c.insulating.list[i].x, y - s->c.insulating.list[i].y) <
            s->c.insulating.list[i].radius)
            return true;
    if (s->c.insulating.fraction > 0) {
        int64_t i = (int64_t)floor(x / s->c.insulating.size), j = (int64_t)floor(y / s->c.insulating.size);
        if (rng_uniform(s->patch, (uint64_t)i, (uint64_t)j, 0) < s->c.insulating.fraction)
            return true;
    }
    return s->c.particles.insulating && particles(s, x, y) > 0;
}

void surface_footing(const struct surface *s, double x, double y, double aperture_radius, double wall_radius,
                     struct footing *out)
{
    static const double dir[8][2] = {{1, 0},  {0.70710678, 0.70710678},   {0, 1},  {-0.70710678, 0.70710678},
                                     {-1, 0}, {-0.70710678, -0.70710678}, {0, -1}, {0.70710678, -0.70710678}};
    const double radius[3] = {0.5 * aperture_radius, aperture_radius, wall_radius};
    double drop = surface_height(s, x, y), peak = drop;
    int conducting = surface_insulating(s, x, y) ? 0 : 1;
    for (int ring = 0; ring < 3; ring++) {
        for (int i = 0; i < 8; i++) {
            double px = x + radius[ring] * dir[i][0], py = y + radius[ring] * dir[i][1];
            double z = surface_height(s, px, py);
            peak = fmax(peak, z);
            if (ring < 2)
                drop = fmax(drop, z);
            if (ring == 1 && !surface_insulating(s, px, py))
                conducting++;
        }
    }
    *out = (struct footing){.drop_z = drop, .peak_z = peak, .active = conducting / 9.0};
}
