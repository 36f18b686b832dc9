/* Charges from sampled currents: of sweeps by trapezoids over time, cut at zero crossings and at the edges of
 * a window; of held steps by samples times intervals.
 *
 * Every charge here is a weighted sum of the samples, Q = sum w[k] i[k]. Working with the weights and not
 * with the sum makes the uncertainty follow without a second derivation: noise gives SD(i) sqrt(sum w^2), a
 * constant offset gives sum w, and so on. Currents in A, oxidation positive; times in s; charges in C. */
#ifndef SECCM_ANALYSIS_INTEGRATE_H
#define SECCM_ANALYSIS_INTEGRATE_H

#include <stdbool.h>

enum charge_side {
    CHARGE_NET, /* all */
    CHARGE_RED, /* where the current is negative; the charge is <= 0 */
    CHARGE_OX,  /* where the current is positive; the charge is >= 0 */
};

/* Fills w[n] (s) for the span [t0, t1], clipped to the samples. Inside each interval of two samples the
 * current is a straight line (staircase data: one sample per step). Which side an interval belongs to is read
 * from `sign`, cut at its zero crossings by linear interpolation: pass the current itself for the textbook
 * definition, or a smoothed copy so that noise about zero is not rectified into both charges. RED + OX = NET
 * whatever `sign` is. t rises; n >= 0. */
void integrate_weights(const double *t, const double *sign, int n, double t0, double t1,
                       enum charge_side side, double *w);

/* Fills w[n] (s) for samples that are each the mean over the interval that it ends, as those of held
 * potentials and currents are: sum w[k] i[k] is the whole charge since the interval that the first sample
 * ends. That one is taken to be as long as the next. t rises; all 0 with n < 2, where no interval is known.
 */
void integrate_means(const double *t, int n, double *w);

/* Sum of w[k] x[k]. */
double integrate_dot(const double *w, const double *x, int n);

/* sqrt(sum of w[k]^2): multiplied by the SD of white noise it is the SD of the charge. */
double integrate_norm(const double *w, int n);

/* The time at which a sweep passes `to` after it passed `from` (both V), each by linear interpolation between
 * the two samples around the first crossing, so that noise on the potential can not open a window twice. An
 * edge that the sweep misses by not more than `tolerance` (V; use half a step) counts as reached at its
 * outermost sample. The direction is that of to - from. false: the sweep does not cover the window. */
bool integrate_window(const double *t, const double *e, int n, double from, double to, double tolerance,
                      double *t_from, double *t_to);

#endif
