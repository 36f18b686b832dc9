/* Features of one technique step: one function per kind, called by site_features.c. */
#ifndef SECCM_ANALYSIS_STEP_FEATURES_H
#define SECCM_ANALYSIS_STEP_FEATURES_H

#include "analysis/area.h"
#include "analysis/blank.h"
#include "analysis/site_features.h"

struct step_input {
    const struct results_step *step;
    const struct trace *trace;
    const struct blank *blank;    /* given = false: none */
    const struct area_ends *ends; /* of the attempt */
    const struct analysis_settings *settings;
    struct feature_place
        place;          /* cycle: of a step that is played several times, the one it begins with; else 0 */
    double e_before;    /* V: last potential of the step before, NAN = none */
    const char *before; /* its name */
};

#define PULSE_LEVELS 8 /* of a pulse that have features: as many as the registry has names for */

struct sei_series;

/* What goes over the cycles of all stored steps of one name is added to `series` (analysis/sei_features.h).
 */
void cv_features(const struct step_input *in, struct sei_series *series, struct features *out);
void lsv_features(const struct step_input *in, struct features *out);
void galvano_features(const struct step_input *in, struct features *out);
void ocp_features(const struct step_input *in, struct features *out);
void hold_features(const struct step_input *in, struct features *out);
void rest_features(const struct step_input *in, struct features *out);
void pulse_features(const struct step_input *in, struct features *out);

/* Names for "all missing" rows, in the registry's order: features of this kind of step and scope. */
void step_missing(const struct step_input *in, const char *const *names, const char *reason,
                  struct features *out);
/* true if the samples may be used; otherwise `reason` says why not. `note` says how many were bridged. */
bool step_usable(const struct step_input *in, int first, int n, char reason[96], char note[96]);

/* true if the current at the beginning of the samples is known: what flows behind an edge, the charging of
 * the double layer above all, flows in the first few. It is not if one of them is left out, since the line
 * between its neighbours has none of that, or if the range changes there and its transient is among them (of
 * a set potential; a galvanostat has ranges of its own). Otherwise `reason` says why neither charge nor mean
 * is known. */
bool step_edge_known(const struct step_input *in, int first, int n, char reason[96]);
/* SD of one current sample at the end of the samples, where the current of the edge is over: about a straight
 * line through the last tenth, but through ten at least and through half of the samples at most; A. */
double step_end_noise(const struct trace *tr, int first, int n);

/* The program sets currents, and the potential is measured: constant currents, and pulses of currents. */
bool step_sets_current(const struct results_step *step);

/* White noise of the current, from the residuals about a smooth curve; A. */
double step_current_noise(const struct trace *tr);

/* Area wetted by the drop as declared, m2, and its SD; NAN if unknown. */
double declared_area(const struct analysis_settings *s, double *sd);

#endif
