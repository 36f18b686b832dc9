/* Rules that end a run, or leave sites out, before all were visited. */
#ifndef SECCM_PROTOCOL_STOP_H
#define SECCM_PROTOCOL_STOP_H

#include "analysis/registry.h"
#include "base/schema.h"
#include "base/wallclock.h"

struct protocol;
struct plan;
struct check;

/* Enough is known of a feature: half the width of the confidence interval of its median. */
struct stop_when {
    char *feature, *by; /* as written; feature NULL = no such rule, by NULL = all sites together */
    const struct ynode *half_width_node;
    int64_t at_least;
    /* derived */
    struct feature_ref ref;
    int factor;        /* of `by`, -1 = none */
    double half_width; /* SI of the feature, or a fraction of the median */
    bool relative;
};

struct stop {
    double after;  /* s, NAN = none */
    char *by;      /* clock time as written, NULL = none */
    int64_t count; /* measured sites per combination of levels, 0 = no limit */
    struct stop_when when;
    /* derived */
    struct wallclock clock; /* of `by` */
};

extern const struct fields stop_fields;

/* Confidence of the interval that `when` judges, by order statistics (analysis/median.h). */
#define STOP_CONFIDENCE 0.95

/* Reads what the tables can not; steps and factors are read. */
void stop_read(struct protocol *p, struct diags *d);
/* `stop` against the duration, which is estimated behind the other checks. */
void check_stop_time(const struct plan *plan, struct diags *d);

#endif
