/* Features of a site: from the rows of an attempt to numbers with unit, uncertainty, method, or the reason of
 * absence.
 *
 * The call sequence at the end of a site:   features_of_attempt(&attempt, &settings, &list)
 * for a whole file (`seccm features --recompute`): features_recompute()
 *
 * What uncertainties hold (one SD): white noise of the current, estimated per cycle from the residuals about
 * the smoothed curve, and the SDs of the blank's offset, leak and stray capacitance. The blank's regression
 * is done about the approach bias on a triangle that is symmetric about it, where the three are uncorrelated;
 * the file keeps their SDs only and so their covariance is taken as zero. Not held: the uncertainty of the
 * reference (one shift for all sites, in the file's run table), drift of the blank between air and
 * measurement, noise slower than the smoothing window.
 *
 * A cycle or step with more than 1 % of its samples flagged has no features; fewer are bridged and counted in
 * `method`. */
#ifndef SECCM_ANALYSIS_SITE_FEATURES_H
#define SECCM_ANALYSIS_SITE_FEATURES_H

#include "analysis/blank.h"
#include "analysis/feature_rows.h"
#include "analysis/trace.h"

/* Zero is no default: start from analysis_settings_default(). */
struct analysis_settings {
    char sei_step[64];     /* name of the voltammogram with the SEI window; "" = no SEI features */
    double sei_window[2];  /* V: low, high */
    double wet_potential;  /* V: where C_dl is read; NAN = nowhere */
    double wet_half_width; /* V: branches are averaged within +- this, clipped clear of the SEI window and the
                              turns */
    double
        smoothing; /* V: Savitzky-Golay window of sweeps; the Gaussian of dQ/dE has an SD of a tenth of it */
    double onset_density; /* A/m2, magnitude */
    double baseline_red[2],
        baseline_ox[2]; /* V: low, high of the line before a peak; NAN = the blank is the baseline */
    double aperture;    /* m; NAN = unknown */
    double wetted, wetted_uncertainty; /* wetted diameter / aperture, and its SD */
    double flagged_most;               /* fraction of flagged samples above which a cycle has no features */
};

/* No SEI step, wetting read at 2.8 V +- 0.2 V, smoothing 50 mV, onset at 10 A/m2 (1 mA/cm2), 1 % flagged. */
void analysis_settings_default(struct analysis_settings *s);
/* Probe geometry from the results file where the file has it (keys aperture, wetted, wetted_uncertainty). */
void analysis_settings_probe(struct analysis_settings *s, struct results *r);

/* One step with its rows; borrowed. */
struct feature_step {
    const struct results_step *step;
    const struct wave_row *rows;
    int n;
};

/* An attempt in memory; borrowed. Steps in order; those whose phase is not "step" only give the potential
 * before the next one. `attempt` must have outcome, contact and blank filled in. */
struct feature_attempt {
    const struct results_attempt *attempt;
    const struct feature_step *step;
    int n_steps;
    struct trace_wiring wiring;
    const char *only; /* features of the steps of this name alone; "" = of the site alone; NULL = all */
};

/* The in-air blank as it is stored with an attempt; not given if it has none. */
struct blank site_blank(const struct results_attempt *a);

/* Appends all features of the attempt. Never fails: what can not be computed is missing with a reason.
 * Independent of the database and safe to call from any thread. */
void features_of_attempt(const struct feature_attempt *a, const struct analysis_settings *s,
                         struct features *out);

/* All features of a file: the last attempt of each site (earlier ones are superseded and keep their rows
 * unread). `take` gets those of one site at a time; the rows are borrowed, and false from it ends the walk.
 * Samples are held one step at a time, features one site at a time. Errors: what the file can not give
 * (ERR_INPUT, ERR_IO), and those of `take`. */
typedef bool features_take(void *ctx, const struct results_feature *f, int n, struct err *e);
bool features_compute(struct results *r, const struct analysis_settings *s, features_take *take, void *ctx,
                      struct err *e);
/* Computes them and puts them in the place of those that the file has, in one transaction (a writer handle).
 */
bool features_recompute(struct results *r, const struct analysis_settings *s, struct err *e);

#endif
