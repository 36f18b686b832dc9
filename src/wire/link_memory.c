/* Two ends in memory, for virtual time: a write crosses a modelled 8N1 line and arrives as a whole when its
 * last byte has crossed, like at a UART whose driver hands over what belongs together.
 *
 * There is no thread and no buffer between the ends: a write puts its bytes into the other end's receive FIFO
 * with the time of arrival. Latency besides the line rate is the simulated device's business. */
#include "wire/link.h"

#include "base/buf.h"
#include "wire/link_impl.h"

struct link_memory {
    struct link base;
    struct link_memory *peer; /* NULL: it was closed */
    int baud;                 /* bits per second, 0: no limit */
    ns_t line_free;           /* when the last byte written so far has crossed */
};

static bool memory_write(struct link *k, const void *bytes, size_t n, struct err *e)
{
    struct link_memory *m = (struct link_memory *)k;
    struct link *peer = &m->peer->base; /* a link without peer is down and never gets here */
    if (chunks_bytes(&peer->in) + n > LINK_OUTSTANDING_MAX)
        return err_set(e, ERR_LINK, "%s: more than 1 MiB written that the far side has not read", k->device);
    ns_t at = loop_now(k->loop);
    if (m->baud) {
        if (at < m->line_free)
            at = m->line_free;
        at += (ns_t)n * 10 * NS_S / m->baud;
        m->line_free = at;
    }
    link_announce(peer, at, bytes, n);
    return true;
}

static void memory_close(struct link *k)
{
    struct link_memory *peer = ((struct link_memory *)k)->peer;
    if (!peer)
        return;
    peer->peer = NULL;
    struct err why = ERR_INIT;
    err_set(&why, ERR_LINK, "%s: the far side of the link was closed", peer->base.device);
    link_fail(&peer->base, &why);
}

static const struct link_ops memory_ops = {.write = memory_write, .close = memory_close};

void link_memory_pair(struct loop *l, int baud, const char *device, struct link **host, struct link **far)
{
    struct link_memory *a = xcalloc(1, sizeof *a);
    struct link_memory *b = xcalloc(1, sizeof *b);
    link_init(&a->base, l, &memory_ops, device);
    link_init(&b->base, l, &memory_ops, device);
    a->baud = b->baud = baud;
    a->peer = b;
    b->peer = a;
    *host = &a->base;
    *far = &b->base;
}
