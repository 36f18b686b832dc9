/* Does a factor change the film, or only how much of the surface is wet?
 *
 * Levels of a factor such as the lower cut-off also change how far the drop spreads, so everything that
 * scales with the wetted area, and every ratio of charges of different cycles, can differ between levels
 * although the film obeys one law. Such a feature is therefore tested together with
 *   - the same quantity with the growth of the area taken out, in both limits of analysis/area.h (newly
 * wetted area fresh at the next pass; or passivated when it was wetted). For charges of cycles both are made
 * here, from the site's series of the charge and of c_dl_pass over the cycles; for sei_charge_ratio they are
 * features;
 *   - the area itself, measured by c_dl_pass.
 * All are Kruskal-Wallis tests; the p values are adjusted together (Holm). An effect is reported as one on
 * the film only if the feature and both corrected forms show it, in the same direction. */
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
    struct compare_test area;
    bool has_area;
    int low, high;  /* levels between which the feature differs most */
    char text[768]; /* the verdict as sentences */
};

/* Effect of factor `factor` on the feature; asked for a corrected form, compares the quantity that it belongs
 * to. Errors as select_feature(). Fewer than two levels with values: NO_EFFECT_SHOWN, and the text says so.
 */
bool compare_feature(const struct results_sites *sites, const struct results_feature *rows, int n_rows,
                     const struct feature_ref *ref, int factor, const char *factor_name,
                     enum unverified unverified, struct comparison *out, struct err *e);

#endif
