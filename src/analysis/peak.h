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
 * peak in it, only an edge. `reach` samples on either side of the extremum (1 or more) give the parabola: 1
 * for the plain one through 3 neighbours; larger for smoothed data, where neighbours differ by less than the
 * noise. `sd` is the SD of i[k]; e_sd = sd * sqrt(2) / (2 |curvature| reach step), the error of the
 * parabola's vertex. */
bool peak_find(const double *e, const double *i, int n, double low, double high, int sign, int reach,
               double sd, struct peak *out);

#endif
