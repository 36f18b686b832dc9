/* Shape of the simulated sample: a tilted plane with roughness, terraces, particles and insulating patches.
 *
 * Heights are metres above the mean sample plane at (0, 0); everything is a pure function of position,
 * evaluated in constant time but for explicitly listed particles and patches. Thermal drift is not part of it
 * (world_drift.h). */
#ifndef SECCM_SIM_SURFACE_H
#define SECCM_SIM_SURFACE_H

#include <stdbool.h>

#include "base/rng.h"

/* A spherical-cap like particle or a flat disk. */
struct surface_disk {
    double x, y, radius; /* m */
    double height;       /* m; 0 for an insulating patch */
    double activity;     /* particles: reversible storage in relation to that of the sample */
};

struct surface_config {
    double slope_x, slope_y;       /* rad, rising toward +x and +y */
    double roughness, correlation; /* m: RMS and lateral length */
    struct {
        double height, spacing, direction; /* m, m, rad of the way up the stairs; height 0 = none */
    } steps;
    struct {
        double fraction;       /* of the lattice cells that hold one */
        double spacing;        /* m, side of a lattice cell */
        double radius, height; /* m, median of the radius; height of a particle of that radius */
        double spread;         /* relative, log-normal, of the radius */
        bool insulating;       /* particles carry no current (dirt); otherwise they are electrode material */
        struct surface_disk *list; /* heap, owned by the configuration */
        int n;
    } particles;
    struct {
        double fraction, size; /* of the area; m, side of the cells that are insulating or not */
        struct surface_disk *list;
        int n;
    } insulating;
};

struct surface {
    struct surface_config c;
    struct rng rough, step, particle, patch;
    double tan_x, tan_y, cos_d, sin_d;
    double margin; /* m: nothing rises higher than this above the tilted plane */
};

/* Borrows the lists of `c`, which must outlive the surface. */
void surface_init(struct surface *s, const struct surface_config *c, uint64_t seed);
double surface_height(const struct surface *s, double x, double y);
bool surface_insulating(const struct surface *s, double x, double y);
/* The particle that stands highest at (x, y); false between particles. */
bool surface_particle(const struct surface *s, double x, double y, struct surface_disk *out);
/* No point within `radius` of (x, y) is higher than this. Cheap. */
double surface_ceiling(const struct surface *s, double x, double y, double radius);

/* What stands below a probe. */
struct footing {
    double drop_z; /* highest point below the aperture: where a drop touches first */
    double peak_z; /* highest point below aperture and wall: where the glass touches first */
    double active; /* part of the area below the aperture that conducts, 0..1 */
};
/* From the centre and three rings of eight points. Radii in m. */
void surface_footing(const struct surface *s, double x, double y, double aperture_radius, double wall_radius,
                     struct footing *out);

#endif
