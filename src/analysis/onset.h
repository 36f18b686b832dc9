/* Onset potential at a fixed current density, the definition that does not depend on a rig's noise. */
#ifndef SECCM_ANALYSIS_ONSET_H
#define SECCM_ANALYSIS_ONSET_H

#include <stdbool.h>

/* First potential (V, linear interpolation) in the order of the samples at which sign * i[k] reaches
 * `threshold` (A, > 0) and stays beyond it for `persist` samples (>= 1; to the end of the sweep if that is
 * sooner, but at least half of them). sign = -1 for reduction. *slope (A/V) is the local slope of the
 * current, from the samples persist/2 before and behind, for the uncertainty of the potential: SD(E) = SD(i)
 * / |slope|. false if never reached or if the first sample is already beyond. */
bool onset_find(const double *e, const double *i, int n, int sign, double threshold, int persist,
                double *potential, double *slope);

#endif
