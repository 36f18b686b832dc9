/* The queue's file: protocols that are to be run one after the other on one rig, and what became of each.
 *
 * One small SQLite database, by default `queue.sqlite` in the user's state folder; `.schema` explains it.
 * Every change is one durable transaction, so that neither kill -9 nor a power cut loses an entry or has it
 * run twice: an entry is `running` before its process is started, and its end is noted behind that process's
 * end.
 *
 * Two lock files beside it, held by flock(2) so that they vanish with their holders: FILE-runner, of the one
 * process that works on the queue, and FILE-work, which the run that it started inherits. A run goes on when
 * its runner is killed; the next runner waits for the second lock before it touches anything. */
#ifndef SECCM_CLI_AGENDA_H
#define SECCM_CLI_AGENDA_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define AGENDA_STATES(X)                                                                                     \
    X(QUEUED, "queued")   /* waits for its turn; it may have been begun, see `made` */                       \
    X(RUNNING, "running") /* a process works on it, or did when the machine went down */                     \
    X(DONE, "done")                                                                                          \
    X(FAILED, "failed")                                                                                      \
    X(SKIPPED, "skipped") /* nothing was done: its window was over, or its files had changed */              \
    X(REMOVED, "removed")

enum agenda_state {
#define X(id, name) AGENDA_##id,
    AGENDA_STATES(X)
#undef X
        AGENDA_STATE_COUNT
};
const char *agenda_state_name(enum agenda_state s);

/* What the runner does when a run of this entry has not ended well. */
enum agenda_after { AGENDA_STOP, AGENDA_CONTINUE, AGENDA_RETRY, AGENDA_AFTER_COUNT };
const char *agenda_after_name(enum agenda_after a);

/* A file that the plan was made from, as it was when the entry was added. */
struct agenda_input {
    char *role, *path, sha256[65];
};

struct agenda_entry {
    int64_t id;                       /* 1, 2, ...; never given again */
    char *protocol, *output;          /* absolute */
    char *rig, *stage, *potentiostat; /* overrides of `seccm run`, NULL = none */
    bool has_seed, include_outside;
    int64_t seed, sim_seed;       /* sim_seed 0 = the rig's */
    char *not_before, *not_after; /* as written, NULL = none */
    enum agenda_after after;
    double seconds, uncertainty;              /* planned */
    int sites;                                /* planned */
    double added, started, ended, rest_until; /* s since 1970; NAN = not yet; not begun before rest_until */
    enum agenda_state state;
    char *reason;
    bool made;       /* its results file was there: it is never begun from scratch any more */
    int tries;       /* processes started for it */
    int retries;     /* of these, by the policy `retry` */
    int status;      /* exit status of the newest one, -1 = none */
    int64_t process; /* the newest one, 0 = none */
    struct agenda_input *input;
    int n_inputs;
};

struct agenda_list {
    struct agenda_entry *entry; /* in the order of work */
    int n;
};

struct agenda;

/* `named`: the file as the user named it, NULL = the default. */
bool agenda_path(const char *named, struct buf *path, struct err *e);
/* `make`: creates file and folders if need be; otherwise a queue that was never made is ERR_INPUT. */
struct agenda *agenda_open(const char *path, bool make, struct err *e);
void agenda_close(struct agenda *a);
const char *agenda_file(const struct agenda *a);

/* ERR_USAGE if another entry that is queued or running has the same output. Sets en->id. */
bool agenda_add(struct agenda *a, struct agenda_entry *en, struct err *e);
/* All of them; the caller frees. */
bool agenda_read(struct agenda *a, struct agenda_list *out, struct err *e);
void agenda_list_free(struct agenda_list *l);

/* queued or running -> running, one process more. *taken false: somebody removed it meanwhile. */
bool agenda_begin(struct agenda *a, int64_t id, double now, bool *taken, struct err *e);
bool agenda_note_process(struct agenda *a, int64_t id, int64_t process, struct err *e);
/* The results file is there. */
bool agenda_note_made(struct agenda *a, int64_t id, struct err *e);
/* To done, failed or skipped. */
bool agenda_end(struct agenda *a, int64_t id, enum agenda_state s, const char *reason, int status, double now,
                struct err *e);
/* Back to queued, to go on later. */
struct agenda_return {
    const char *reason;
    int status;
    double rest_until; /* s since 1970 */
    bool retry;        /* counts as one */
    bool last;         /* behind all others */
};
bool agenda_put_back(struct agenda *a, int64_t id, const struct agenda_return *r, struct err *e);
/* The operator's: *changed false if there is no such entry in a state in which it can be. `remove`: any that
 * is not running, or all with `stale` (no run is alive). `again`: failed or skipped -> queued, as a first
 * try, unless another entry has its output now. */
bool agenda_remove(struct agenda *a, int64_t id, bool stale, bool *changed, struct err *e);
bool agenda_again(struct agenda *a, int64_t id, bool *changed, struct err *e);
enum agenda_lock { AGENDA_RUNNER, AGENDA_WORK };
/* A descriptor that holds the lock, or -1 with *busy (somebody else has it) or an error. Closing it lets go.
 */
int agenda_lock(const struct agenda *a, enum agenda_lock which, bool *busy, struct err *e);

#endif
