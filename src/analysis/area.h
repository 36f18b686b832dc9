/* What growth of the wetted area does to a series of charges, and how to take it out again.
 *
 * A drop spreads while it is used, the more the further the potential goes; its edge is pinned, so it never
 * shrinks. The annulus that is wetted between cycle j - 1 and cycle j has not been cycled before: in cycle k
 * it is in its own cycle k - j + 1. If the film obeys one law r_1 = 1, r_2, r_3 ... of charge per area
 * relative to its first cycle, the charge of the whole contact is
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
 * A_1), is the film's law. Where a finding matters it has to survive both.
 *
 * Often only the ends are measured well: the area just after contact and the area behind the last step. What
 * the drop grew between two passes is at most what it grew between the ends. Since no r exceeds 1, the law
 * lies between Q_k / Q_1 (no growth) and Q_k / Q_1 - (A_end / A_contact - 1) (all growth right before pass k,
 * fresh there), and in the passivated limit between Q_k / Q_1 and that times A_contact / A_end. A difference
 * between levels of a factor that shows with the same sign at both ends of the bracket is not made by growth.
 */
#ifndef SECCM_ANALYSIS_AREA_H
#define SECCM_ANALYSIS_AREA_H

#include <stdbool.h>

/* Capacitance of the contact at both ends of its use, as measures of the wetted area: F with SD, NAN = not
 * measured. */
struct area_ends {
    double contact, contact_sd, rest, rest_sd;
};
/* Both there, above 5 x their uncertainty (a growth known to a quarter), and not shrinking beyond 3 x its
 * uncertainty: the edge is pinned, so a fall means that something else than the double layer was measured. */
bool area_ends_known(const struct area_ends *a);

/* The outer end of the bracket from charges q[n] and the growth A_end / A_contact: fresh[k] = q[k] / q[0] -
 * (growth - 1) and passivated[k] = q[k] / q[0] / growth, both 1 for k = 0. NAN where an input is; all NAN if
 * q[0] is 0. */
void area_bound(const double *q, int n, double growth, double *fresh, double *passivated);

/* r[n] from charges q[n] and areas a[n] (any unit: only ratios count) of cycles 1..n. NAN where an input up
 * to there is NAN; all NAN if q[0] or a[0] is 0. r[0] = 1. */
void area_deconvolve(const double *q, const double *a, int n, double *r);
/* The other limit: (q[k] / a[k]) / (q[0] / a[0]). */
void area_ratio(const double *q, const double *a, int n, double *r);
/* Replaces a[n] by the nearest series (least squares) that never falls, by pooling adjacent violators (Ayer
 * et al., Ann. Math. Stat. 1955, 26, 641). NAN entries stay and are left out. n <= AREA_MOST. */
#define AREA_MOST 1024
void area_monotone(double *a, int n);
/* The forward model, for tests and for simulated rings: q[n] from q1 (charge per area), r[n] and a[n]. */
void area_convolve(double q1, const double *r, const double *a, int n, double *q);

#endif
