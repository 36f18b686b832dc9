/* The health of the probe during a run: after each attempt its charts (analysis/tip_health.h) go on by one,
 * and a verdict is told, shown and acted upon as the protocol's `faults` say. */
#ifndef SECCM_RUN_HEALTH_H
#define SECCM_RUN_HEALTH_H

#include "analysis/tip_health.h"
#include "run/run.h"

struct run;

struct health {
    struct tip_health *charts; /* NULL: the protocol wants none */
    bool own;                  /* begun by this run, not handed over */
    enum fault_policy policy;  /* of the verdict that has just come; SKIP = nothing is to be done */
    char reason[400];
};

/* Takes over the charts of an earlier part of the run, or begins new ones; what they are made with goes to
 * the results file, so that the same can be drawn from it. */
void health_start(struct run *r);
void health_end(struct run *r);
/* A site that was measured while a verdict stands gets the flag `probe-suspect`. */
void health_judge(struct run *r);
/* An attempt has its outcome. A verdict that comes with it gives the flag to the sites since the change, this
 * one among them. */
void health_note(struct run *r, const struct results_attempt *a);
/* Between sites. false: the run is to end by what the charts say, *end and *e tell how and why. */
bool health_allows(struct run *r, enum run_end *end, struct err *e);

#endif
