/* The in-air blank of a site: what the rig itself adds to every current.
 *
 *   i = i0 + G (E - Eb) + C dE/dt
 *
 * with the offset i0 at the approach bias Eb (A), the leak G (S) and the stray capacitance C (F), found by
 * linear regression over a triangle or sweep recorded with the probe in air. The stray capacitance of a rig
 * is about 80 times the double layer of a 400 nm contact, so no small charge means anything before this is
 * subtracted. */
#ifndef SECCM_ANALYSIS_BLANK_H
#define SECCM_ANALYSIS_BLANK_H

#include <stdbool.h>

struct blank {
    bool given;         /* false: nothing is known, corrected quantities are missing */
    double bias;        /* V, Eb */
    double offset;      /* A, i0 */
    double leak;        /* S, G */
    double capacitance; /* F, C */
    double cov[3][3];   /* of (i0, G, C): A^2, A S, ... ; a blank read from a file has only its diagonal */
    double noise;       /* A, RMS of the residual (n - 3) */
    int n;
};

/* Regression over samples with use[k] != 0 (NULL: all). dedt[k] in V/s (see sweep_rates()). Leave out the
 * samples within the settling time of the current amplifier after each turn. A sweep in one direction at one
 * rate can not tell i0 from C, a hold not G: such data give false. At least 6 samples. */
bool blank_fit(const double *e, const double *dedt, const double *i, const unsigned char *use, int n,
               double bias, struct blank *out);

/* Blank current at potential e moving at dedt. */
double blank_current(const struct blank *b, double e, double dedt);

/* SD of the sum x0 i0 + x1 G + x2 C. */
double blank_sd(const struct blank *b, double x0, double x1, double x2);

#endif
