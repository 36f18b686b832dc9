/* What can be said of one feature: per level of a factor its numbers, why values are missing, intervals,
 * whether levels differ, whether it drifts. Made once, printed as text, JSON or in the report. */
#ifndef SECCM_OUTPUT_SUMMARY_H
#define SECCM_OUTPUT_SUMMARY_H

#include "analysis/bootstrap.h"
#include "analysis/compare.h"
#include "analysis/stats.h"
#include "analysis/trend.h"
#include "output/data.h"

#define SUMMARY_CONFIDENCE 0.95

struct summary_level {
    char name[64]; /* as written; "all" without a factor */
    struct selection sites;
    struct stats stats;
    double q05, q95; /* type 7 */
    struct interval mean, median;
    bool has_intervals; /* of the median; false with fewer than 2 values */
    bool has_mean;      /* of the mean */
};

struct summary {
    struct feature_ref ref; /* step filled in */
    int factor;             /* -1 = none */
    enum unverified unverified;
    int n_unverified; /* sites with that flag, over all levels */
    struct summary_level *level;
    int n_levels;
    struct comparison comparison;
    bool has_comparison;
    /* Trend of the values, less the median of their level, against the start of the attempt. */
    struct trend trend;
    bool has_trend;
    double along_x,
        along_y; /* correlation of time with x and y: near 1 or -1, time and place can not be told apart */
    uint64_t seed;
    int resamples;
};

struct summary_options {
    int factor; /* -1 = none */
    enum unverified unverified;
    uint64_t seed;
    int resamples;
    /* What a caller has no use for: the mean's interval takes time that grows with sites times resamples. */
    bool no_trend, no_mean;
};

/* ERR_INPUT as select_feature(). Caller frees with summary_free(). */
bool summary_make(const struct data *d, const struct feature_ref *ref, const struct summary_options *o,
                  struct summary *out, struct err *e);
void summary_free(struct summary *s);

/* For people: heading, table, reasons of absence, verdict and drift in sentences. */
void summary_print(const struct data *d, const struct summary *s, struct buf *out);
/* One JSON object. */
void summary_json(const struct data *d, const struct summary *s, struct buf *out);
/* The drift in one sentence; "" if it can not be told. */
void summary_drift_text(const struct summary *s, struct buf *out);

#endif
