/* A run from the command line, new or resumed: one way for both. */
#ifndef SECCM_CLI_SESSION_H
#define SECCM_CLI_SESSION_H

#include "cli/bench.h"
#include "cli/live.h"
#include "cli/load.h"
#include "cli/resumption.h"
#include "run/guardian.h"
#include "run/run.h"

struct session_options {
    struct bench_options bench;
    int only_first;
    bool quiet;
    const char *until;         /* clock time as written: no site is begun that would end later; NULL = none */
    bool accept;               /* resume: even an aborted run, and with what differs */
    struct guardian *guardian; /* forked already; NULL in virtual time */
    struct live_options live;
};

/* Creates the results file from the plan and runs it. Returns the exit status; every error is printed. */
int session_run(const struct plan *plan, const char *path, const struct session_options *o);
/* Opens an existing file for writing, closes what was left open, proves that the rig is the run's and that
 * every place can be reached, puts the resumption on record and goes on. Nothing moves before. */
int session_resume(const struct plan *plan, const char *path, const struct session_options *o,
                   struct resumption *x);

/* Is `--until` (NULL = not given) a clock time? ERR_USAGE. */
bool session_until_check(const char *until, struct err *e);

/* The protocol's potential limits as applied instrument volts inside the rig's, and the smaller of both
 * current limits. */
void session_limits(const struct plan *plan, double e_limit[2], double *i_limit);

/* Name of the file with the simulated sample's state beside a results file; caller frees. */
char *session_sample_path(const char *results_path);

#endif
