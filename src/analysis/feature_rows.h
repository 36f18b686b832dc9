/* A growing list of feature rows: what the site_features modules write into. */
#ifndef SECCM_ANALYSIS_FEATURE_ROWS_H
#define SECCM_ANALYSIS_FEATURE_ROWS_H

#include "results/results.h"

/* Zero-initialised = empty; owned by the caller, freed with features_free(). */
struct features {
    struct results_feature *row;
    int n, cap;
};
void features_free(struct features *f);

/* Where a row belongs. */
struct feature_place {
    int site;
    int64_t attempt, step;
    const char *step_name;
    int cycle;
};

/* Appends a value with its SD (NAN = none known); unit and method come from the registry; `note` (NULL or "")
 * is put behind the method. A value that is not finite becomes missing: no number came out. */
void features_value(struct features *f, const struct feature_place *p, const char *name, double value,
                    double sd, const char *note);
/* Appends a missing value with its reason. */
/* Of the newest row: what it was found by, in place of the registry's method. */
void features_method(struct features *f, const char *method);
void features_missing(struct features *f, const struct feature_place *p, const char *name,
                      const char *reason);

/* true if there is any row of the step. */
bool features_has(const struct features *f, const char *step);
/* The newest cycle that there are rows of, 0 = none has a number. */
int features_newest(const struct features *f, const char *step);
/* The row of a feature: `step` "" = of the site. `cycle` 0 = the newest one that anything is known of
 * (whether or not this feature has a value in it); of a step that is played once, 1 and 0 mean the same. NULL
 * if there is no row.
 */
const struct results_feature *features_find(const struct features *f, const char *step, const char *name,
                                            int cycle);

#endif
