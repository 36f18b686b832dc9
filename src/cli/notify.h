/* Telling people who are not there: a program that is started, or a web address that gets JSON, when the run
 * has ended, waits, had a fault or recovered from one, finds its probe changed, or has done a quarter, a
 * half, three quarters of its sites.
 *
 * Messages are made from the snapshot by the attendant's thread (attendant.h), so nothing of this can hold up
 * the run. There is no queue: what could not be told yet is overtaken by what is newer, but an end is always
 * told. */
#ifndef SECCM_CLI_NOTIFY_H
#define SECCM_CLI_NOTIFY_H

#include "run/snapshot.h"

struct notify_options {
    const char *
        command; /* program; NULL = none. Gets title and text as arguments, the JSON on its standard input. */
    const char *url; /* http or https; NULL = none. Gets the JSON by POST. */
};

/* --- what is worth telling: a function of what was seen, without clock or sockets
 * ------------------------------- */

enum notify_kind {
    NOTIFY_NONE,
    NOTIFY_END,
    NOTIFY_PAUSED,
    NOTIFY_FAULT,
    NOTIFY_PROBE,
    NOTIFY_RECOVERED,
    NOTIFY_MILESTONE
};

/* Events that are told of. */
enum notify_event { NOTIFY_OF_PROBE, NOTIFY_OF_FAULT, NOTIFY_OF_RECOVERY, NOTIFY_EVENTS };
/* Of one sort: how many so far, and the text of the newest. */
struct notify_seen {
    int n;
    char text[256];
};

/* Looks a second apart between two messages about events of one sort, and between any two. */
#define NOTIFY_EVENTS_APART   600
#define NOTIFY_MESSAGES_APART 10

/* Zero-initialised at the start. */
struct notify_memory {
    bool begun, paused, ended;
    int quarters; /* told */
    struct {
        int seen, untold, since; /* so far; since the last message about them; looks since that */
    } of[NOTIFY_EVENTS];
    int since_message;
};
/* The sort of an event of a run; false for one that is not told of. A verdict on the probe is an event of its
 * own, so the fault that it is told as as well does not count. */
bool notify_sort(const char *kind, const char *text, enum notify_event *out);
/* One look, a second behind the one before. The title and text of a message are written if there is one. */
enum notify_kind notify_look(struct notify_memory *m, const struct snapshot_status *now,
                             const struct notify_seen seen[NOTIFY_EVENTS], char title[64], char text[400]);

/* --- telling ----------------------------------------------------------------------------------------------
 */

struct notify;

/* From the main thread, before any other of the program's threads starts. ERR_USAGE for an address that is
 * none, ERR_IO for a program that is not there. */
struct notify *notify_start(const struct notify_options *o, const char *run, const char *file, struct err *e);
/* Tells; at most some ten seconds for each way. A failure is warned of, once for each way in a row. */
void notify_tell(struct notify *n, enum notify_kind kind, const struct snapshot_status *now,
                 const char *title, const char *text);
/* The same of something that is no run. */
void notify_note(struct notify *n, const char *title, const char *text);
void notify_free(struct notify *n);

#endif
