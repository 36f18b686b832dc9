/* The one table of features: what each is called, its unit, where it belongs, and how it is found. Tables,
 * reports, `stats` and the results file all take names, units and methods from here. */
#ifndef SECCM_ANALYSIS_REGISTRY_H
#define SECCM_ANALYSIS_REGISTRY_H

#include <stdbool.h>

#include "base/err.h"
#include "base/quantity.h"

enum feature_scope {
    FEATURE_SITE, /* one value per attempt: `contact_z` */
    FEATURE_STEP, /* one per technique step: `plating.capacity`; one per pass, `plating.capacity@3`, of a step
                     that is played several times */
    FEATURE_CYCLE, /* one per cycle of a step: `formation.q_red@1` */
};

#define FEATURE_PARTNERS 2

struct feature_def {
    const char *name;
    const char *unit; /* SI; "1" for a number */
    enum dim dim;
    enum feature_scope scope;
    bool extensive; /* scales with the wetted area, so an effect on it may be an effect on the area */
    bool uses_area; /* intensive, but its value rests on the declared area or on how long the area has been
                       wet */
    /* The same quantity with the growth of the wetted area taken out, in its two limits (analysis/area.h);
     * NULL for extensive features, whose charge per capacitance is made when it is needed
     * (analysis/compare.h). */
    const char *partner[FEATURE_PARTNERS];
    /* Of such a partner: the quantity that it belongs to. NULL otherwise. */
    const char *base;
    const char *description; /* one sentence for people */
    const char *method;      /* short, goes into the file beside each value */
    bool is_area;            /* itself a measure of the wetted area */
};

/* NULL if unknown. */
const struct feature_def *feature_find(const char *name);
int feature_count(void);
const struct feature_def *feature_at(int k);
/* NULL-terminated names, for messages. */
const char *const *feature_names(void);

/* A name as a user writes it: `contact_z`, `formation.q_red@2`, `ocp.ocp_mean`. */
struct feature_ref {
    const struct feature_def *def;
    char step[64]; /* "" = any step that has the feature (fine if there is one) */
    int cycle;     /* 0 = none given */
};
/* ERR_INPUT names the nearest feature; a cycle is refused for features of the site. */
bool feature_ref_parse(const char *text, struct feature_ref *out, struct err *e);
/* Back to text; returns `text`. */
const char *feature_ref_text(const struct feature_ref *r, char *text, size_t n);

#endif
