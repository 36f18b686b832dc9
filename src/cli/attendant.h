/* The thread that attends to a run on behalf of those who are not there: once a second it looks at the
 * snapshot, writes the log
 * (--log), tells people (--notify-command, --notify-url), and tells systemd that the run thread is alive
 * (NOTIFY_SOCKET, sd_notify(3): READY=1, STATUS=, WATCHDOG=1 only if the snapshot has changed since the last
 * look, STOPPING=1). */
#ifndef SECCM_CLI_ATTENDANT_H
#define SECCM_CLI_ATTENDANT_H

#include "cli/notify.h"

struct attendant_options {
    struct notify_options notify;
    const char *log; /* NULL = none */
    int every_ms;    /* real time between two looks; 0 = 1 s */
};

/* Is there anything to do for it? (Looks at the environment for systemd.) */
bool attendant_wanted(const struct attendant_options *o);

struct attendant;

/* `run` and `file` are names for messages. The snapshot must outlive it. */
struct attendant *attendant_start(const struct attendant_options *o, const char *run, const char *file,
                                  struct snapshot *s, struct err *e);
/* Something went wrong behind the end of the run: told when the attendant stops, whatever was told of the
 * end. Copies. */
void attendant_fault(struct attendant *a, const char *title, const char *text);
/* A last look, so that the end is logged and told: takes as long as telling takes. */
void attendant_stop(struct attendant *a);

#endif
