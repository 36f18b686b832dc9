/* What a constant-current step tells: capacity, IR step, plateau, nucleation, cut-off.
 * Times in s, potentials in V versus the declared reference, currents in A (oxidation positive). */
#ifndef SECCM_ANALYSIS_GALVANO_H
#define SECCM_ANALYSIS_GALVANO_H

#include <stdbool.h>

/* Integral of abs(I) dt, C, from one interval before the first sample (which an instrument takes at the end
 * of its first interval) to the last. */
double galvano_capacity(const double *t, const double *i, int n);

#define GALVANO_PLATEAUS 4

struct plateau {
    double e;      /* V: maximum of dQ/dE */
    double charge; /* C: passed within +-2 `width` of it */
    double height; /* C/V: dQ/dE there */
};

/* Maxima of dQ/dE, largest first; returns the count. dQ/dE is the charge that passed per potential: the
 * charge of each interval goes to where the potential was, spread by a Gaussian of SD `width` (V). So a curve
 * that falls below the plateau and comes back (nucleation) has a finite dQ/dE everywhere, unlike I / (dE/dt).
 * A maximum counts if it is inside the potentials passed, at least `width` from either end of them, and at
 * least twice the mean dQ/dE; the charge of a hold at an end of the range is therefore no plateau. */
int galvano_plateaus(const double *t, const double *e, const double *i, int n, double width,
                     struct plateau out[GALVANO_PLATEAUS]);

/* Nucleation overpotential (V): the extremum before the plateau was reached (minimum in reduction, maximum in
 * oxidation, by the sign of the mean current) minus the plateau potential: negative in reduction. `e` should
 * be smoothed. false if the potential did not pass the plateau by more than `noise` (V) before settling on
 * it. */
bool galvano_nucleation(const double *t, const double *e, const double *i, int n, double plateau,
                        double noise, double *overpotential);

#endif
