/* What a simulated device has said and its line has not carried yet: nothing, unless a fault delays answers
 * or withholds one. Order is kept always. */
#ifndef SECCM_SIM_OUTBOX_H
#define SECCM_SIM_OUTBOX_H

#include "base/buf.h"
#include "base/loop.h"
#include "wire/link.h"

/* Plain data; zero-initialised but for `loop` it is an empty one. */
struct outbox {
    struct loop *loop;
    struct link *link; /* not owned; NULL: what is said is lost */
    ns_t delay;        /* added to everything that is said from now on */
    bool withhold;     /* the next answer is kept back until there is something else to say */
    struct buf kept;   /* that answer */
    struct buf queue;  /* of chunks, each behind its due time and length */
    ns_t last_due;
    struct timer turn;
};

/* `answer`: this can be withheld. */
void outbox_say(struct outbox *o, const char *bytes, size_t n, bool answer);
/* Forgets what was not sent. */
void outbox_clear(struct outbox *o);
void outbox_done(struct outbox *o);

#endif
