/* Values to set a feature against when levels of a factor are compared: measures of the wetted area, and the
 * feature with the growth of the area taken out. Part of analysis/compare.h. */
#ifndef SECCM_ANALYSIS_COMPARE_AREA_H
#define SECCM_ANALYSIS_COMPARE_AREA_H

#include "analysis/select.h"

struct compare_query {
    const struct results_sites *sites;
    const struct results_feature *rows;
    int n_rows;
    int factor;
    enum unverified unverified;
};

#define COMPARE_AREAS 2

/* Each series has a value per site of the selection, NAN = none; owned, companions_free(). */
struct companions {
    int n_partners; /* 0: the feature does not scale with the area, or nothing is known of the area */
    double *partner[FEATURE_PARTNERS];
    char partner_name[FEATURE_PARTNERS][128];
    double *inner; /* in the unit of the partners, growth left in: the other end of the bracket */
    int n_areas;   /* 0: the area does not matter to the feature */
    double *area[COMPARE_AREAS];
    char area_name[COMPARE_AREAS][128];
    double *memory;
};

/* Names of the measures of the area; returns their number, at most 4. */
int companions_names(const char **names);
/* For feature `ref` with values `s`. The capacitances at both ends of the contact's use measure the area
 * where at least half of the sites of each level have them, otherwise c_dl_pass does: never a mixture. Errors
 * as select_feature(). */
bool companions_make(const struct compare_query *q, const struct selection *s, const struct feature_ref *ref,
                     struct companions *out, struct err *e);
void companions_free(struct companions *c);

#endif
