/* What is put on record when a run goes on, before anything moves: who goes on with it, what differs and was
 * accepted, the changed files' bytes, and the probe. */
#ifndef SECCM_CLI_RESUMPTION_H
#define SECCM_CLI_RESUMPTION_H

#include "cli/bench.h"
#include "cli/changes.h"
#include "cli/new_probe.h"

struct resumption {
    struct stored *stored;
    struct changes *changes;
    struct new_probe new_probe; /* asked for */
    struct probe probe;         /* to go on with: see new_probe_resolve() */
    bool accept;
};

/* Nothing was written to the file since `stored` was read of it. */
bool resumption_is_current(const struct resumption *x, struct results *file, struct err *e);
/* Are the instruments those of the run? Otherwise another two differences, to be accepted or not. */
bool resumption_same_rig(struct resumption *x, const struct rig *rig, const char *results_path,
                         struct err *e);
/* One transaction. t_s: experiment time of the events. */
bool resumption_store(const struct resumption *x, struct results *file, const struct bench *b, double t_s,
                      struct err *e);

#endif
