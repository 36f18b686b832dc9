/* Peak of a sweep: the extremum of a (smoothed, baseline-corrected) current. */
#ifndef SECCM_ANALYSIS_PEAK_H
#define SECCM_ANALYSIS_PEAK_H

#include <stdbool.h>

struct peak {
    int index;   /* sample of the extremum */
    double e;    /* V: vertex of the parabola through the extremum and its two neighbours */
    double i;    /* A: value of the parabola there */
    double e_sd; /* V; filled by peak_find() from the curvature, see there */
};

/* The extremum of i[n] over e[n] within low <= e <= high: the smallest for sign = -1 (reduction), the largest
 * for sign = +1 (oxidation). false if the extremum is the first or last sample of the range: then there is no
 * peak in it, only an edge. The parabola goes through the extremum and, on either side, the nearest sample at
 * which the current has fallen by `depth` (A): 0 for the plain neighbours; for noisy data several times the
 * SD, since neighbours that differ by less than the noise give the noise's curvature. `sd` is the SD of i[k];
 * e_sd = sd sqrt(2) / (|curvature| distance of the outer two), the error of the parabola's vertex. */
bool peak_find(const double *e, const double *i, int n, double low, double high, int sign, double depth,
               double sd, struct peak *out);

#endif
