/* A steady-state wave: a current that rises from a foot to a plateau while the potential sweeps once. */
#ifndef SECCM_ANALYSIS_WAVE_H
#define SECCM_ANALYSIS_WAVE_H

#define WAVE_PARTS 3 /* quarter, half and three quarters of the plateau */

struct wave {
    double i_lim, i_lim_sd;  /* A: plateau over foot, signed */
    double e[WAVE_PARTS];    /* V: where that part of the plateau is reached, by linear interpolation */
    double e_sd[WAVE_PARTS]; /* V */
};

/* e[n], i[n]: one leg in the order of its samples, i smoothed, with an SD of `sd` per sample. Foot and
 * plateau are the means of the first and of the last tenth; over each of them the current may change by a
 * tenth of the wave at most, else there is no wave. `persist`: samples that must stay beyond, see
 * onset_find(). Returns NULL, or why there is no wave. */
const char *wave_find(const double *e, const double *i, int n, int persist, double sd, struct wave *out);

#endif
