/* The drop at the end of the probe: when it touches, how it spreads, when it breaks.
 *
 * The drop protrudes by `height` below the glass and touches when the glass comes that near. The wetted
 * diameter then grows quickly and later slowly toward the site's ratio to the aperture, further when the
 * glass is lowered below the height of contact, and with potential. Its edge is pinned: it never shrinks
 * while attached. On retraction the liquid bridge stretches and breaks at more than the height of contact
 * (hysteresis); a residue stays behind. Magnitudes: Saxena et al., ACS Meas. Sci. Au 2025, 5, 178 (wetted
 * diameter 1-3 x aperture, residue larger still). */
#ifndef SECCM_SIM_MENISCUS_H
#define SECCM_SIM_MENISCUS_H

#include <stdbool.h>

/* Of the probe: reads from `probe: meniscus:`. */
struct meniscus_config {
    double height, height_spread; /* m; relative, normal from site to site */
    double breaks, break_spread;  /* x height: median height at which the bridge breaks; log-normal */
};

/* Of the sample: reads from `sample: wetting:`. */
struct wetting_config {
    double start;         /* diameter of the first touch / aperture */
    double ratio, spread; /* diameter after spreading / aperture, median; log-normal from site to site */
    double fast_part;     /* part of the spreading that is fast */
    double fast, slow;    /* s, time constants of the two parts */
    double
        compression; /* growth of the diameter per length by which the glass is below the height of contact */
    double electrowetting; /* growth of diameter / aperture per (V from the potential of zero charge)^2 */
    double low_below;      /* V versus Li/Li+, below which ... */
    double low_gain;       /* ... diameter / aperture grows by this per volt */
    double largest;        /* largest diameter / aperture */
    double residue;        /* diameter of the residue / wetted diameter */
    double residue_height; /* m, height of a residue, by which a drop above it touches earlier */
};

/* The law at one site. Lengths in m. */
struct meniscus_law {
    double aperture;     /* diameter */
    double touch_height; /* glass above the surface at which the drop touches */
    double break_height;
    double ratio;
    double zero_charge; /* V versus Li/Li+ */
    struct wetting_config w;
};

struct meniscus {
    bool attached;
    double fast, slow; /* parts of diameter / aperture beyond `start` grown so far */
    double diameter;   /* m, wetted */
};

/* The drop has touched. */
void meniscus_attach(struct meniscus *m, const struct meniscus_law *law);
/* Spreads for dt seconds with the glass at `height` above the surface and the sample at `potential` (V versus
 * Li/Li+); false: the bridge broke instead (attached is then false, the diameter stays readable). */
bool meniscus_step(struct meniscus *m, const struct meniscus_law *law, double dt, double height,
                   double potential);
/* Wetted area, m2. */
double meniscus_area(const struct meniscus *m);

#endif
