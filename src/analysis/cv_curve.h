/* A voltammogram made ready for features: legs, blank-corrected and smoothed currents, noise, cycles. */
#ifndef SECCM_ANALYSIS_CV_CURVE_H
#define SECCM_ANALYSIS_CV_CURVE_H

#include "analysis/capacitance.h"
#include "analysis/integrate.h"
#include "analysis/step_features.h"
#include "analysis/sweep.h"

#define NO_BLANK "no in-air blank"

struct cv_cycle {
    int number;            /* 1-based, as recorded */
    int first, n;          /* samples */
    const struct leg *leg; /* its legs, in order */
    int n_legs;
    const struct leg *red, *ox; /* the longest falling and rising leg; NULL = none */
    bool complete;              /* reached all programmed vertices, one after the other */
};

struct cv_curve {
    const struct step_input *in;
    int n;
    double *dedt;                /* V/s */
    double *moment;              /* V: E - Eb, what the leak multiplies */
    double *corrected;           /* A: blank subtracted (as recorded if there is none) */
    double *smooth, *smooth_raw; /* A: Savitzky-Golay, leg by leg, of corrected and recorded current */
    double *weight;              /* scratch, n */
    struct leg *leg;
    int n_legs;
    struct cv_cycle *cycle;
    int n_cycles;
    double noise;        /* A: white noise of one sample */
    double smooth_noise; /* A: of one smoothed sample */
    double step;         /* V: mean distance of two samples, positive */
    int points;          /* of the smoothing window */
};

void cv_curve_make(const struct step_input *in, struct cv_curve *out);
void cv_curve_free(struct cv_curve *c);

/* A charge and its SD over [t0, t1] of the samples [first, first + n): from `i` with the sign of `sign`.
 * `blank`: the SD includes the blank's. */
double cv_charge(const struct cv_curve *c, int first, int n, double t0, double t1, const double *i,
                 const double *sign, enum charge_side side, bool blank, double *sd);

/* The first (or `last`) leg of a cycle in a direction (-1 falling, +1 rising) that covers low to high (V);
 * the longest one if none does; NULL without any in this direction. */
const struct leg *cv_leg(const struct cv_curve *c, const struct cv_cycle *y, int direction, double low,
                         double high, bool last);

/* The current of a leg (NULL: false) at the middle of low to high (V), as recorded; see capacitance_branch().
 */
bool cv_branch(const struct cv_curve *c, const struct leg *g, double low, double high, struct branch *out);

/* The potentials over which branches are averaged for C_dl: around `wet_potential`, clear of the SEI window
 * by 0.1 V and of the turn of the sweep by 20 mV (and 20 ms at its rate). false: less than 50 mV are left, or
 * none is declared. */
bool cv_wet_range(const struct cv_curve *c, double *low, double *high);

#endif
