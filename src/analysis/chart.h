/* A control chart of individual values that a night can be trusted to: an exponentially weighted moving
 * average (EWMA) of robust scores, with limits that allow for how little is known of the baseline.
 *
 * Baseline: the first values of a group (a region of the sample), median and MAD x 1.4826, as robust as two
 * numbers can be against a spot or two that differ. Each value becomes a score (value - median) / MAD, of the
 * logarithm where a quantity is positive and multiplies, cut at +- `clip`, so that no single spot can raise
 * an alarm; the cut scores of the baseline are standardised once more by their own mean and SD, which makes
 * the chart honest for samples of two kinds of spots as well.
 *
 * EWMA: z_k = (1 - lambda) z_k-1 + lambda u_k (Roberts, Technometrics 1959, 1, 239). Its standard deviation
 * for independent u of unit variance is sqrt(lambda/(2 - lambda) (1 - (1 - lambda)^2k)) (Montgomery,
 * Introduction to Statistical Quality Control, 9.2). Here the error of the baseline's mean (1/n) is added,
 * the first term is widened by (1 + a)/(1 - a), a = phi (1 - lambda), for a baseline whose neighbours are
 * alike with correlation phi, and the multiplier is that quantile of Student's t with n - 1 degrees of
 * freedom which leaves the same tail as `sigmas` of a normal distribution.
 *
 * A Shewhart chart with the Western Electric or Nelson rules is left out on purpose: with all rules one false
 * alarm in 92 points is usual (Champ and Woodall, Technometrics 1987, 29, 393), in a night of 1000 sites
 * about ten. */
#ifndef SECCM_ANALYSIS_CHART_H
#define SECCM_ANALYSIS_CHART_H

#include <stdbool.h>

#define CHART_LAMBDA 0.2
#define CHART_CLIP   5.0
#define CHART_GROUPS 16 /* further groups share the last one */
/* While nothing is suspicious the baseline grows up to this; the newest values are left out of it. */
#define CHART_GROWN 50
#define CHART_LAG   8
/* A group that has so many values is judged about their median by the scatter of all groups together, once
 * these have as many values as a baseline: with the sites of many regions in turn a baseline for each would
 * take a night, and a change within that time would become part of it. Its own baseline comes afterwards. */
#define CHART_YOUNG 4

struct chart_law {
    bool log;      /* the logarithm is charted; values that are not positive are missing */
    double least;  /* least scale of a score, in the unit of the value (of its logarithm): changes that are
                      small against it never matter */
    int baseline;  /* values of a group before it is judged, 3 or more */
    double sigmas; /* of the limit, for an EWMA as for a single value */
    double lambda, clip;
    /* A baseline that is known instead (tests, published examples): centre and SD; scale 0 = to be learnt. */
    double centre, scale;
};

/* One value, and the chart behind it. */
struct chart_point {
    double value; /* NAN = missing: nothing moves */
    int group;
    bool judged;  /* the group's baseline was complete */
    double score; /* standardised and not cut; NAN unless judged */
    double ewma;  /* of standardised scores; NAN until the first judged value */
    double limit;
    double centre, low, high, level; /* in the unit of the value: baseline, limits, EWMA; NAN unless judged */
};

struct chart;

struct chart *chart_new(const struct chart_law *law);
void chart_free(struct chart *c);
void chart_add(struct chart *c, int group, double value);
int chart_count(const struct chart *c);
const struct chart_point *chart_point(const struct chart *c, int k);

/* Newest EWMA / its limit: beyond +-1 is an alarm, 0 as long as nothing can be said. */
double chart_reach(const struct chart *c);
/* Values since the EWMA was last near the centre or on its other side: where the change began, as far as can
 * be told (Montgomery, 9.1). */
int chart_since(const struct chart *c);
/* Index of the oldest of the n newest judged values; the number of points if there are none. */
int chart_index(const struct chart *c, int n);
/* Median of the newest values, at most 5 and none from before the change; NAN if there is none. */
double chart_now(const struct chart *c);

/* Limit of the EWMA of n_judged values, in units of a score's SD; n: values in the baseline (0 = known), phi:
 * correlation of neighbours in it. */
double chart_limit(const struct chart_law *law, int n_judged, int n, double phi);

#endif
