/* A runner of the queue: what its parts share. */
#ifndef SECCM_CLI_QUEUE_RUNNER_H
#define SECCM_CLI_QUEUE_RUNNER_H

#include "base/loop.h"
#include "cli/queue_process.h"
#include "cli/run_outcome.h"
#include "cli/window.h"

struct runner {
    struct agenda *a;
    const struct queue_run_options *o;
    struct loop *loop;    /* real time: it waits for processes and the clock on the wall */
    struct event stop;    /* by a signal ... */
    int signal;           /* ... this one; 0 = none */
    int work;             /* the lock, inherited by each process */
    double virtual_clock; /* s since 1970; --virtual only */
    int64_t told;         /* entry whose waiting was announced last */
    int done, failed, skipped;
    char why[600]; /* the queue stopped */
    int status;    /* ... with this exit status */
};

/* s since 1970: the clock on the wall, or the queue's own in virtual time. */
double runner_now(const struct runner *q);
/* The entry's window now. ERR_INPUT. */
bool runner_window(const struct runner *q, const struct agenda_entry *en, struct window_now *out,
                   struct window *w, struct err *e);
/* The queue ends here with this exit status. Always false. */
bool runner_stop(struct runner *q, int status, const char *why);
/* The same because of the runner's signal, which it names. */
bool runner_stop_by_signal(struct runner *q);
/* The same because of an entry. */
bool runner_stop_at(struct runner *q, const struct agenda_entry *en, int status, const char *reason);
/* The entry is done, failed or skipped: stored, counted, told. */
bool runner_end_entry(struct runner *q, const struct agenda_entry *en, enum agenda_state s,
                      const char *reason, int status, struct err *e);
/* A process that worked on the entry has ended with this exit status (128 + signal). false: the queue ends
 * here, or an error. */
bool runner_settle(struct runner *q, const struct agenda_entry *en, const struct run_outcome *before,
                   int status, struct err *e);
/* The runner of an entry was gone when its run ended, and what is on disk wants somebody to look: the rig is
 * not verified safe, or a rule, a policy or a fault ended the run. */
bool runner_left_unsettled(const struct agenda_entry *en, const struct run_outcome *o);
/* Settles that now, as its own runner would have. false: the queue ends here, or an error. */
bool runner_settle_left(struct runner *q, const struct agenda_entry *en, const struct run_outcome *o,
                        struct err *e);

#endif
