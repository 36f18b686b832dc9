/* How a run ended, by what it left on disk: for whoever started it, or finds it after a crash. */
#ifndef SECCM_CLI_RUN_OUTCOME_H
#define SECCM_CLI_RUN_OUTCOME_H

#include "base/err.h"

enum run_left {
    LEFT_NOTHING,     /* no results file: it has not begun, no site was touched */
    LEFT_FINISHED,    /* every site has its outcome */
    LEFT_OUT_OF_TIME, /* paused because its time was up: stop.after, stop.by, --until */
    LEFT_PAUSED,      /* by a rule or policy that wants somebody to look */
    LEFT_ABORTED,
    LEFT_FAULT,
    LEFT_INTERRUPTED, /* by the operator */
    LEFT_DIED,        /* without a word: killed, crashed, power cut */
};

struct run_outcome {
    enum run_left left;
    char rule[32];      /* that ended it, "" = none */
    char text[400];     /* "35 of 100 sites measured: stop.by: ..." */
    char protocol[512]; /* path of the protocol that the file was made from */
    bool safe;    /* the rig was verified safe at its end; by the run, or if it died by its guardian. true if
                     there was nothing to make safe: no run, or virtual time */
    int measured; /* sites */
    double experiment_s; /* at its newest event */
    bool alive;          /* a process holds the file for writing now */
};

/* Waits for the guardian of a run that died. false: the file can not be read, or the guardian is still at
 * work.
 */
bool run_outcome_read(const char *path, struct run_outcome *out, struct err *e);

#endif
