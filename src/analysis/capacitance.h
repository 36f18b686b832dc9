/* Double-layer capacitance from the difference of an anodic and a cathodic branch at one potential:
 *
 *   C_dl = (i_anodic - i_cathodic) / (dE/dt_anodic - dE/dt_cathodic) - C_stray
 *
 * which for equal rates is the usual (i_a - i_c) / (2 |dE/dt|). Whatever flows the same way in both branches
 * (offset, leak, a trace of oxygen being reduced) cancels in the difference. */
#ifndef SECCM_ANALYSIS_CAPACITANCE_H
#define SECCM_ANALYSIS_CAPACITANCE_H

#include <stdbool.h>

/* Current of one branch at one potential. */
struct branch {
    int n;
    double current; /* A at the middle of the window, from a line through it */
    double sd;      /* A */
    double rate;    /* V/s, signed */
};

/* The samples of a sweep with low <= e <= high; false with fewer than 5, or if they do not reach within a
 * quarter of the window to both edges. `rate` is the sweep's, V/s. */
bool capacitance_branch(const double *e, const double *i, int n, double low, double high, double rate,
                        struct branch *out);

/* C_dl (F) and its SD, blank-corrected with the stray capacitance and its SD (F). NAN if the rates have one
 * sign. */
double capacitance_between(const struct branch *anodic, const struct branch *cathodic, double stray,
                           double stray_sd, double *sd);

#endif
