/* What growth of the wetted area does to a series of charges, and how to take it out again.
 *
 * A drop spreads while it is used, the more the further the potential goes. The annulus that is wetted
 * between cycle j - 1 and cycle j has not been cycled before: in cycle k it is in its own cycle k - j + 1. If
 * the film obeys one law r_1 = 1, r_2, r_3 ... of charge per area relative to its first cycle, the charge of
 * the whole contact is
 *
 *   Q_k = q1 sum_{j=1..k} r_{k-j+1} (A_j - A_{j-1}),   A_0 = 0,
 *
 * so that Q_k / Q_1 depends on the growth of the area even when the law does not. Solved for r_k, one after
 * another:
 *
 *   r_k = (Q_k A_1 / Q_1 - sum_{j=2..k} r_{k-j+1} (A_j - A_{j-1})) / A_1.
 *
 * That is one limit: the annulus arrives fresh at the next pass. In the other limit it has already been
 * passivated, below the window, in the cycle that wetted it; then the charge per area, (Q_k / A_k) / (Q_1 /
 * A_1), is the film's law. Where a finding matters it has to survive both. */
#ifndef SECCM_ANALYSIS_AREA_H
#define SECCM_ANALYSIS_AREA_H

/* r[n] from charges q[n] and areas a[n] (any unit: only ratios count) of cycles 1..n. NAN where an input up
 * to there is NAN; all NAN if q[0] or a[0] is 0. r[0] = 1. */
void area_deconvolve(const double *q, const double *a, int n, double *r);
/* The other limit: (q[k] / a[k]) / (q[0] / a[0]). */
void area_ratio(const double *q, const double *a, int n, double *r);
/* The forward model, for tests and for simulated rings: q[n] from q1 (charge per area), r[n] and a[n]. */
void area_convolve(double q1, const double *r, const double *a, int n, double *q);

#endif
