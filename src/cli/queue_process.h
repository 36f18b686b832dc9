/* One entry of the queue as a process of its own: `seccm run` or `seccm resume`. */
#ifndef SECCM_CLI_QUEUE_PROCESS_H
#define SECCM_CLI_QUEUE_PROCESS_H

#include <sys/types.h>

#include "cli/agenda.h"
#include "cli/live.h"

/* What all runs of a runner have in common. */
struct queue_run_options {
    bool virtual_time, quiet, accept;
    double speed; /* 0 = real time */
    struct live_options live;
};

struct queue_process {
    pid_t pid;
    int pidfd;
};

/* Starts this same program for the entry, with the descriptor `lock` open in it. `until`: clock time, NULL =
 * none. ERR_IO. */
bool queue_process_start(const struct agenda_entry *en, const struct queue_run_options *o, bool resume,
                         const char *until, int lock, struct queue_process *out, struct err *e);
/* Asks it to stop safely. */
void queue_process_stop(const struct queue_process *p);
/* Behind its end: the exit status, 128 + signal if it was killed. */
int queue_process_end(struct queue_process *p);

#endif
