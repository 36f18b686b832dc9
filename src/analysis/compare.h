/* Does a factor change the film, or only how much of the surface is wet?
 *
 * Levels of a factor such as the lower cut-off also change how far the drop spreads, so everything that
 * scales with the wetted area, and every ratio of charges of different cycles, can differ between levels
 * although the film obeys one law. Such a feature is therefore tested together with
 *   - the same quantity with the growth of the area taken out, in both limits of analysis/area.h (newly
 * wetted area fresh at the next pass; or passivated when it was wetted). For charges both are made here; for
 * sei_charge_ratio they are features;
 *   - the area itself: wetted_growth and rest_capacitance.
 * Growth is measured from just after contact to behind the last step, which is the most that it can have been
 * between two passes. The feature as measured (growth left in) and its corrected forms (all of it taken out)
 * bracket the film, whenever the drop spread in between. Without those capacitances c_dl_pass, made
 * monotone over the cycles, stands for the area.
 * All are Kruskal-Wallis tests; the p values are adjusted together (Holm). An effect is reported as one on
 * the film only if the feature and both corrected forms show it, in the same direction. If the area differs
 * between the levels too, they may also have grown at different times, one level before the first pass and
 * the other right before this one: then the whole brackets of the two levels have to lie apart
 * (Mann-Whitney). */
#ifndef SECCM_ANALYSIS_COMPARE_H
#define SECCM_ANALYSIS_COMPARE_H

#include "analysis/groups.h"
#include "analysis/select.h"

#define COMPARE_ALPHA 0.01

#define COMPARE_TABLE(X)                                                                                     \
    X(NO_EFFECT_SHOWN, "no effect shown")                                                                    \
    X(EFFECT, "effect")                                                                                      \
    X(CONFOUNDED_WITH_WETTING, "confounded with wetting")

enum compare_verdict {
#define X(id, name) COMPARE_##id,
    COMPARE_TABLE(X)
#undef X
};
const char *compare_verdict_name(enum compare_verdict v);

struct compare_test {
    char name[128]; /* what was tested */
    bool done;      /* false: too few values */
    struct kruskal kw;
    double p_holm; /* NAN if not done */
    double delta;  /* Cliff's delta of the two levels below: > 0 = larger at `high` */
    bool shown;    /* p_holm < COMPARE_ALPHA */
};

struct comparison {
    enum compare_verdict verdict;
    struct compare_test feature;
    struct compare_test partner[FEATURE_PARTNERS]; /* area taken out: [0] fresh limit, [1] passivated limit */
    int n_partners;
    struct compare_test area; /* of the measures of the area the one that differs most */
    bool has_area;
    bool separate; /* even the brackets of those two levels, feature as measured to corrected forms, lie apart
                    */
    int low, high; /* levels between which the feature differs most */
    char text[1024]; /* the verdict as sentences */
};

/* Names of all features that a comparison of this one looks at, itself included; NULL-terminated. */
#define COMPARE_NAMES (FEATURE_PARTNERS + 7)
void compare_names(const struct feature_def *def, const char *names[COMPARE_NAMES]);

/* Effect of factor `factor` on the feature; asked for a corrected form, compares the quantity that it belongs
 * to. Errors as select_feature(). Fewer than two levels with values: NO_EFFECT_SHOWN, and the text says so.
 */
bool compare_feature(const struct results_sites *sites, const struct results_feature *rows, int n_rows,
                     const struct feature_ref *ref, int factor, const char *factor_name,
                     enum unverified unverified, struct comparison *out, struct err *e);

#endif
