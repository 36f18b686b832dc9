/* What run and guardian say to each other over a pair of sockets (SOCK_SEQPACKET: messages stay whole).
 *
 *   run -> guardian   order     what to do if the run ends without a goodbye, with the descriptors to do it
 * on (SCM_RIGHTS); a new one takes the place of the old beat      the run thread is alive goodbye   the run
 * has ended in order guardian -> run   answer    to a beat or an order: the guardian is alive, and has
 * understood
 *
 * Both are the same program, one forked from the other: structs are sent as they are. */
#ifndef SECCM_RUN_GUARDIAN_MESSAGE_H
#define SECCM_RUN_GUARDIAN_MESSAGE_H

#include "instrument/rig.h"

/* Between two beats, real time. */
#define GUARDIAN_BEAT_INTERVAL (100 * NS_MS)

enum guardian_word { GUARDIAN_BEAT = 1, GUARDIAN_ORDER, GUARDIAN_GOODBYE, GUARDIAN_ANSWER };

#define GUARDIAN_LINKS   2 /* stage, potentiostat */
#define GUARDIAN_ERRANDS (STAGE_ERRANDS + POTENTIOSTAT_ERRANDS)

struct guardian_task {
    int link; /* index */
    struct errand errand;
};

/* Plain data. */
struct guardian_order {
    int n_links;
    char device[GUARDIAN_LINKS][32];
    struct guardian_task task[GUARDIAN_ERRANDS]; /* in the order in which they are to be done */
    int n_tasks;
};

struct guardian_message {
    enum guardian_word word;
    uint32_t number; /* of a beat or order, and of the answer to it */
    struct guardian_order order;
};

/* Descriptors that go with an order: one to write the log to (-1: none) and one for each link. */
struct guardian_descriptors {
    int log, link[GUARDIAN_LINKS];
};

/* The order for a rig as it is now. The descriptors are the rig's; `log` is left alone. */
void guardian_order_make(struct rig *rig, struct guardian_order *o, struct guardian_descriptors *d);

/* A short message. Never waits; false with errno (EAGAIN: the other one does not read, EPIPE: it is gone). */
bool guardian_say(int socket, enum guardian_word word, uint32_t number);
/* An order; the descriptors stay the caller's. */
bool guardian_give_order(int socket, uint32_t number, const struct guardian_order *o,
                         const struct guardian_descriptors *d);

enum guardian_heard { HEARD_NOTHING, HEARD_MESSAGE, HEARD_END };
/* The next message, without waiting. Descriptors of an order belong to the caller then; others are -1. What
 * is no message is passed over. END: the other side is gone. */
enum guardian_heard guardian_hear(int socket, struct guardian_message *m, struct guardian_descriptors *d);
void guardian_close_descriptors(struct guardian_descriptors *d);

#endif
