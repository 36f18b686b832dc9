/* What all kinds of link share: specification texts, the receive FIFO, faults, recording, going down. */
#include "wire/link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/link_impl.h"
#include "wire/transcript.h"

/* --- specification ------------------------------------------------------------------------------------- */

static const char *const kind_names[] = {
    [LINK_SERIAL] = "serial", [LINK_USB] = "usb",       [LINK_PTY] = "pty",
    [LINK_TCP] = "tcp",       [LINK_MEMORY] = "memory", [LINK_REPLAY] = "replay",
};

/* "HOST:PORT"; an IPv6 address stands in brackets. */
static bool parse_tcp(const char *text, const char *rest, struct link_spec *s, struct err *e)
{
    const char *colon = strrchr(rest, ':');
    char *end = NULL;
    long port = colon ? strtol(colon + 1, &end, 10) : 0;
    if (!colon || colon == rest || colon[1] < '0' || colon[1] > '9' || *end || port < 1 || port > 65535)
        return err_set(e, ERR_INPUT,
                       "`%s`: a host and a port (1 to 65535) are wanted, as in tcp:192.168.168.10:50000",
                       text);
    size_t n = (size_t)(colon - rest);
    if (rest[0] == '[' && colon[-1] == ']') {
        rest++;
        n -= 2;
    }
    memcpy(s->path, rest, n);
    s->path[n] = 0;
    s->port = (int)port;
    return true;
}

/* "SERIAL" or "VID:PID:SERIAL", the ids with four hexadecimal digits. */
static bool parse_usb(const char *text, const char *rest, struct link_spec *s, struct err *e)
{
    unsigned vid = 0, pid = 0;
    int n = 0;
    const char *serial = rest;
    if (sscanf(rest, "%4x:%4x:%n", &vid, &pid, &n) == 2 && n == 10)
        serial = rest + n;
    if (!*serial || strchr(serial, ':'))
        return err_set(e, ERR_INPUT,
                       "`%s`: usb:SERIAL or usb:VID:PID:SERIAL is wanted, as in usb:0403:6001:FT1ABC", text);
    s->vid = serial == rest ? 0 : (int)vid;
    s->pid = serial == rest ? 0 : (int)pid;
    memmove(s->path, serial, strlen(serial) + 1);
    return true;
}

bool link_spec_parse(const char *text, struct link_spec *out, struct err *e)
{
    static const enum link_kind kinds[] = {LINK_SERIAL, LINK_USB, LINK_PTY, LINK_TCP, LINK_REPLAY};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        const char *name = kind_names[kinds[i]];
        size_t n = strlen(name);
        if (strncmp(text, name, n) != 0 || text[n] != ':')
            continue;
        const char *rest = text + n + 1;
        struct link_spec s = {.kind = kinds[i]};
        if (!*rest)
            return err_set(e, ERR_INPUT, "`%s`: nothing follows the colon", text);
        if (strlen(rest) >= sizeof s.path)
            return err_set(e, ERR_INPUT, "`%.40s...`: longer than %zu bytes", text, sizeof s.path - 1);
        if (s.kind == LINK_TCP) {
            if (!parse_tcp(text, rest, &s, e))
                return false;
        } else if (s.kind == LINK_USB) {
            if (!parse_usb(text, rest, &s, e))
                return false;
        } else {
            memcpy(s.path, rest, strlen(rest) + 1);
        }
        *out = s;
        return true;
    }
    return err_set(e, ERR_INPUT,
                   "`%s` is no link; wanted serial:/dev/ttyUSB0, usb:SERIAL, pty:/dev/pts/4, tcp:HOST:PORT "
                   "or replay:FILE",
                   text);
}

const char *link_spec_format(const struct link_spec *s, char *text, size_t n)
{
    if (s->kind == LINK_MEMORY)
        snprintf(text, n, "memory");
    else if (s->kind == LINK_TCP)
        snprintf(text, n, strchr(s->path, ':') ? "tcp:[%s]:%d" : "tcp:%s:%d", s->path, s->port);
    else if (s->kind == LINK_USB && (s->vid || s->pid))
        snprintf(text, n, "usb:%04x:%04x:%s", (unsigned)s->vid, (unsigned)s->pid, s->path);
    else
        snprintf(text, n, "%s:%s", kind_names[s->kind], s->path);
    return text;
}

/* --- life ---------------------------------------------------------------------------------------------- */

void link_init(struct link *k, struct loop *l, const struct link_ops *ops, const char *device)
{
    k->loop = l;
    k->ops = ops;
    k->fd = -1;
    snprintf(k->device, sizeof k->device, "%s", device);
}

/* `known`: the link before, which knows which USB device or host it was; NULL = not opened before. */
static struct link *open_spec(struct loop *l, const struct link_spec *spec, const struct link *known,
                              const char *device, struct err *e)
{
    struct link *k = NULL;
    const struct usb_identity *usb = known && known->usb.serial[0] ? &known->usb : NULL;
    switch (spec->kind) {
    case LINK_SERIAL:
    case LINK_USB:
        k = link_serial_open(l, spec, usb, device, e);
        break;
    case LINK_PTY:
        k = link_pty_open(l, spec, device, e);
        break;
    case LINK_TCP:
        k = link_tcp_open(l, spec, known, device, e);
        break;
    case LINK_REPLAY:
        k = link_replay_open(l, spec, device, e);
        break;
    case LINK_MEMORY:
        err_set(e, ERR_INTERNAL, "a link in memory is made in pairs");
        break;
    }
    if (!k) {
        char text[300];
        err_context(e, "%s: %s", device, link_spec_format(spec, text, sizeof text));
        return NULL;
    }
    k->opened = true;
    k->spec = *spec;
    return k;
}

struct link *link_open(struct loop *l, const struct link_spec *spec, const char *device, struct err *e)
{
    return open_spec(l, spec, NULL, device, e);
}

bool link_can_reopen(const struct link *k)
{
    return k->opened && k->spec.kind != LINK_REPLAY;
}

struct link *link_reopen(struct link *k, struct err *e)
{
    if (!link_can_reopen(k)) {
        err_set(e, ERR_LINK, "%s: this link can not be opened again", k->device);
        return NULL;
    }
    link_release(k); /* a port that is only half gone is not taken from ourselves */
    struct link *again = open_spec(k->loop, &k->spec, k, k->device, e);
    if (again)
        link_record(again, k->record);
    return again;
}

void link_release(struct link *k)
{
    struct err why = ERR_INIT;
    err_set(&why, ERR_LINK, "%s: the link is closed", k->device);
    if (k->ops->release)
        k->ops->release(k);
    link_fail(k, &why);
}

void link_close(struct link *k)
{
    if (!k)
        return;
    k->ops->close(k);
    timer_cancel(k->loop, &k->arrival);
    link_fault_clear(k);
    chunks_free(&k->in);
    free(k);
}

/* --- receiving ----------------------------------------------------------------------------------------- */

static void arrive(void *ctx);

/* One chunk becomes readable now, unless a fault takes or postpones it. False: postponed. */
static bool let_in(struct link *k)
{
    char *bytes = NULL;
    struct chunk *c = chunks_next(&k->in, &bytes);
    ns_t now = loop_now(k->loop);
    if (k->faults && !c->altered) {
        fault_apply(k, c, bytes);
        if (c->at > now)
            return false;
    }
    chunks_arrive(&k->in, now);
    if (k->record && c->n)
        transcript_add(k->record, now, k->device, '<', bytes, c->n);
    if (c->n)
        k->readable.set = true;
    return true;
}

/* Lets in what is due, arms the timer for the rest, tells whoever listens. */
static void arrive(void *ctx)
{
    struct link *k = ctx;
    ns_t now = loop_now(k->loop);
    struct chunk *c;
    bool news = k->tell;
    k->tell = false;
    while ((c = chunks_next(&k->in, NULL)) && c->at <= now && let_in(k))
        news = true;
    if ((c = chunks_next(&k->in, NULL)))
        timer_set(k->loop, &k->arrival, c->at, arrive, k);
    /* Last, because the listener may close the link. */
    if (news && k->notify)
        k->notify(k->notify_ctx);
}

void link_received(struct link *k, const void *bytes, size_t n)
{
    ns_t now = loop_now(k->loop);
    chunks_push(&k->in, now, bytes, n);
    if (!k->notify)
        arrive(k);
    /* A simulated device that runs late does first what it had to do before these bytes came. */
    else if (!k->arrival.slot || k->arrival.at > now)
        timer_set(k->loop, &k->arrival, now, arrive, k);
}

void link_announce(struct link *k, ns_t at, const void *bytes, size_t n)
{
    bool first = !chunks_next(&k->in, NULL);
    chunks_push(&k->in, at, bytes, n);
    if (!first || (k->arrival.slot && k->arrival.at <= at))
        return;
    /* A listener is called by the loop only; without one, what is due can be had at once. */
    if (at <= loop_now(k->loop) && !k->notify)
        arrive(k);
    else
        timer_set(k->loop, &k->arrival, at, arrive, k);
}

/* The listener is called by the loop, not by whoever caused the news. */
static void tell(struct link *k)
{
    if (!k->notify)
        return;
    k->tell = true;
    timer_set(k->loop, &k->arrival, loop_now(k->loop), arrive, k);
}

void link_fail(struct link *k, const struct err *why)
{
    if (k->down)
        return;
    k->down = true;
    k->why = *why;
    k->readable.set = true;
    tell(k);
}

size_t link_read(struct link *k, void *bytes, size_t n, ns_t *at)
{
    size_t got = chunks_read(&k->in, bytes, n, at);
    if (!chunks_readable(&k->in))
        k->readable.set = false;
    if (got && k->ops->drained)
        k->ops->drained(k);
    return got;
}

void link_look(struct link *k)
{
    if (!k->down && k->ops->look)
        k->ops->look(k);
}

/* --- the rest ------------------------------------------------------------------------------------------ */

bool link_write(struct link *k, const void *bytes, size_t n, struct err *e)
{
    if (!link_up(k, e))
        return false;
    if (!n)
        return true;
    bool lost = k->faults && fault_is_deaf(k);
    if (!lost && !k->ops->write(k, bytes, n, e))
        return false;
    if (k->record)
        transcript_add(k->record, loop_now(k->loop), k->device, '>', bytes, n);
    return true;
}

bool link_up(const struct link *k, struct err *e)
{
    if (k->down && e)
        *e = k->why;
    return !k->down;
}

struct event *link_readable(struct link *k)
{
    return &k->readable;
}

void link_on_readable(struct link *k, void (*fn)(void *ctx), void *ctx)
{
    k->notify = fn;
    k->notify_ctx = ctx;
    if (k->readable.set || k->down)
        tell(k);
}

const char *link_device(const struct link *k)
{
    return k->device;
}

struct loop *link_loop(const struct link *k)
{
    return k->loop;
}

int link_fd(const struct link *k)
{
    return k->fd;
}

void link_record(struct link *k, struct transcript *t)
{
    k->record = t;
}
