/* What a simulated device has said and its line has not carried yet. */
#include "sim/outbox.h"

#include <string.h>

struct chunk {
    ns_t due;
    size_t n;
};

static void put_on_line(struct outbox *o, const char *bytes, size_t n)
{
    if (o->link)
        link_write(o->link, bytes, n, NULL); /* a line that went down is no concern of the device */
}

static void take_turn(void *ctx)
{
    struct outbox *o = ctx;
    struct chunk c;
    while (o->queue.n) {
        memcpy(&c, o->queue.p, sizeof c);
        if (c.due > loop_now(o->loop)) {
            timer_set(o->loop, &o->turn, c.due, take_turn, o);
            return;
        }
        put_on_line(o, o->queue.p + sizeof c, c.n);
        buf_drop(&o->queue, sizeof c + c.n);
    }
}

static void queue(struct outbox *o, const char *bytes, size_t n)
{
    ns_t due = loop_now(o->loop) + o->delay;
    struct chunk c = {due > o->last_due ? due : o->last_due, n};
    o->last_due = c.due;
    buf_add(&o->queue, &c, sizeof c);
    buf_add(&o->queue, bytes, n);
    if (!o->turn.slot)
        timer_set(o->loop, &o->turn, c.due, take_turn, o);
}

void outbox_say(struct outbox *o, const char *bytes, size_t n, bool answer)
{
    if (o->withhold && answer) {
        o->withhold = false;
        buf_add(&o->kept, bytes, n);
        return;
    }
    struct buf both = {0};
    if (o->kept.n) {
        buf_add(&both, o->kept.p, o->kept.n);
        buf_add(&both, bytes, n);
        buf_clear(&o->kept);
        bytes = both.p;
        n = both.n;
    }
    if (o->delay || o->queue.n)
        queue(o, bytes, n);
    else
        put_on_line(o, bytes, n);
    buf_free(&both);
}

void outbox_clear(struct outbox *o)
{
    timer_cancel(o->loop, &o->turn);
    buf_clear(&o->queue);
    buf_clear(&o->kept);
    o->last_due = 0;
}

void outbox_done(struct outbox *o)
{
    timer_cancel(o->loop, &o->turn);
    buf_free(&o->queue);
    buf_free(&o->kept);
}
