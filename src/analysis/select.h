/* One feature over the sites of a file: which sites count, their levels, and why the others have no value. */
#ifndef SECCM_ANALYSIS_SELECT_H
#define SECCM_ANALYSIS_SELECT_H

#include "analysis/registry.h"
#include "results/results.h"

/* How sites are taken that were kept as measured, but not proven to have had a drop (near-zero current
 * throughout), or the probe that they are taken to have had. */
enum unverified {
    UNVERIFIED_WITH,    /* like all others */
    UNVERIFIED_WITHOUT, /* missing, with the flag as the reason: meniscus-unverified, meniscus-spreading,
                           contact-interrupted, probe-suspect */
};

struct select_missing {
    char reason[96];
    int n;
};

struct select_level {
    char name[64];
    double si; /* NAN if the level is no quantity */
};

/* Sites with a value, in visiting order. Owned; select_free(). */
struct selection {
    int n;
    double *value, *sd; /* SI */
    double *t;          /* s, experiment time of the attempt's start */
    int *site;          /* number */
    int *level;         /* index in `levels`, 0 if there is no factor */
    int n_unverified;   /* sites flagged so among them (or left out) */
    int n_sites; /* all sites that were to be measured: spares and spots for controls that were not needed are
                    not counted */
    struct select_missing *missing;
    int n_missing;
    struct select_level *levels; /* rising in si; by first appearance where they are no quantities */
    int n_levels;                /* 1 without a factor */
    char step[64];               /* step that the values come from; "" for a site-level feature */
};

/* Sites with the outcome `measured` whose feature has a value. `factor`: column of the factors, -1 = none.
 * ERR_INPUT if the feature needs a cycle that is not given, or if more than one step has it. */
bool select_feature(const struct results_sites *sites, const struct results_feature *rows, int n_rows,
                    const struct feature_ref *ref, int factor, enum unverified unverified,
                    struct selection *out, struct err *e);
void select_free(struct selection *s);

#endif
