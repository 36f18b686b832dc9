/* Smooth random functions of position and of time for the simulated sample: pure functions of a seed,
 * evaluated at a point in constant time, so that a sample of any size needs no memory and looks the same
 * however it is visited. */
#ifndef SECCM_SIM_WORLD_NOISE_H
#define SECCM_SIM_WORLD_NOISE_H

#include "base/rng.h"

/* Value noise on a unit lattice, standardised at every point: mean 0, variance 1, nearly normal, |value| < 7.
 */
double noise_plane(struct rng r, double u, double v);
/* Sum of `octaves` (1..6) of noise_plane(), each half as long and half as high as the one before; mean 0,
 * variance 1. */
double noise_fractal(struct rng r, double u, double v, int octaves);
/* The largest |noise_fractal()| that can come out. */
double noise_fractal_bound(int octaves);
/* A wandering function of time (s) that looks like a random walk between minutes and a few hours, without
 * memory: mean 0, standard deviation about 1, its fastest period 5 min. */
double noise_wander(struct rng r, double t);

/* Standard normal that belongs to the site at (x, y) (m): the same for all positions that round to the same
 * point of a 100 nm lattice. `which` tells the properties of a site apart. */
double noise_site(struct rng r, double x, double y, unsigned which);
/* Uniform in (0, 1), likewise. */
double noise_site_uniform(struct rng r, double x, double y, unsigned which);

#endif
