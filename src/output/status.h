/* How far a run is: works on a finished file and beside a running one. */
#ifndef SECCM_OUTPUT_STATUS_H
#define SECCM_OUTPUT_STATUS_H

#include "output/data.h"

/* Faults of one class, as their events say: "[class] ...". */
struct status_class {
    char name[32];
    int n;
};
#define STATUS_CLASSES 64

struct status {
    char state[32]; /* as the run last said: created, running, paused, finished, interrupted, fault */
    char reason[256];
    char stopped_by[32]; /* rule that ended it: stop.after, stop.by, until, stop.when, stop.count, control,
                            faults
                            ... */
    bool alive;          /* a process holds the file for writing now */
    int pid;             /* of that process, 0 = none */
    char page[96];       /* address of its live page, "" = none */
    int planned, spares; /* spares: used ones */
    int controls, controls_used, controls_failed; /* spots, visited ones, those not accepted */
    int done;                                     /* planned sites that have an outcome */
    int by_outcome[OUTCOME_COUNT];                /* planned sites and used spares; NONE = in progress */
    int last_site;                                /* number of the site last begun, 0 = none */
    double now_s; /* experiment time of the newest entry: start of the last attempt or last event */
    char now_utc[32], start_utc[32];
    double per_site_s; /* mean time at a site (results/pace.h), NAN until one was left */
    char probe[256];   /* what the run last said of the probe's health, "" = nothing since it was put in */
    int events;
    int warnings, faults; /* faults: of instruments, storage and machine, and what needed the safe state */
    struct status_class by_class[STATUS_CLASSES]; /* of faults and of sites, in order of appearance */
    int n_classes;
};

/* Process that holds a results file for writing now, 0 = none. */
int status_writer(const char *results_path);
/* Counts the event in out->by_class if it is of a fault's class. */
void status_count_class(const struct results_event *ev, struct status *out);
bool status_read(const struct data *d, struct status *out, struct err *e);
/* Words for a state that no longer has a process behind it: "running" without one is "stopped without
 * notice". */
const char *status_words(const struct status *s);
void status_print(const struct data *d, const struct status *s, struct buf *out);
void status_json(const struct status *s, struct buf *out);

#endif
