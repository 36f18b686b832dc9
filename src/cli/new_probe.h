/* Another probe in the place of the one that a run was begun with. */
#ifndef SECCM_CLI_NEW_PROBE_H
#define SECCM_CLI_NEW_PROBE_H

#include "cli/stored.h"
#include "run/run.h"

/* As on the command line; NULL = not given. */
struct new_probe {
    const char *id;
    const char *aperture;  /* "400 nm" */
    const char *fiducial;  /* "[N:]X,Y": where the stage stands with the new end over the Nth mark */
    const char *offset;    /* "DX,DY": of the new end from the last one's */
    bool accept;           /* even if its end lies further off than another probe's usually does */
    const char *simulated; /* "X,Y[,Z]": of a simulated end from the first one's */
};

/* Words that do not belong together, or no lengths: ERR_USAGE. */
bool new_probe_check(const struct new_probe *w, struct err *e);
/* The probe that the run goes on with: the last one of the file if w->id is NULL. A probe that was told of
 * before and has made no attempt yet is told of anew. `aperture` alone is known before the plan. */
bool new_probe_aperture(const struct new_probe *w, const struct stored *s, double *aperture, struct err *e);
bool new_probe_resolve(const struct new_probe *w, const struct stored *s, const struct protocol *p,
                       struct probe *out, struct err *e);
/* Do all places that may still be visited lie where this probe can be brought? ERR_LIMIT with the list. */
bool new_probe_reaches(const struct probe *probe, const struct plan *plan, const struct run_before *before,
                       struct err *e);

#endif
