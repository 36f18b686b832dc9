/* The guardian's own life, from its first breath behind fork() to its exit status.
 *
 *   waiting for orders --order--> on watch --goodbye--> end, status 0
 *        |                           |
 *        | run gone                  | run gone (dead, or its socket closed) or silent for too long
 *        v                           v
 *   end, status 0            takeover: run ended for certain, errands in order, log; status 0 or 3
 *
 * It never reads from or writes to a link before the run is dead. */
#ifndef SECCM_RUN_GUARDIAN_WATCH_H
#define SECCM_RUN_GUARDIAN_WATCH_H

#include "run/guardian_message.h"

/* Where it stands. Clock and end of the run are passed in, so that a test can stand for both. */
struct guardian_post {
    struct loop *loop;
    int socket;
    int run;                    /* readable once the run is dead (a pidfd) */
    bool (*end_run)(void *ctx); /* SIGKILL; false with errno */
    void *ctx;
    long pid; /* of the run, for the log */
    int tell; /* descriptor of the operator's terminal; -1 = none. Never waited for. */
    ns_t silence;
};

/* Silence of the run, by the guardian's clock, as far as the guardian itself was awake: when both were held
 * up (the machine was suspended, or too busy for either), a late look counts as long as one in time. */
struct silence {
    ns_t bound;
    ns_t heard, looked; /* newest message; newest look at the clock */
};
#define SILENCE_LOOKS 10 /* to be looked at so often per bound; more than three left out is "held up" */
/* To be called after all messages that have come are read. True: too long. */
bool silence_too_long(struct silence *s, ns_t now);

/* Returns when there is nothing more to guard. Closes the descriptors of its orders, not those of the post.
 */
int guardian_watch(const struct guardian_post *p);

#endif
