/* What all kinds of link share. Private to src/wire: others see the opaque `struct link`.
 *
 * Every kind embeds `struct link` first and puts received bytes into `in`; from there faults, transcript,
 * `readable` and the reader are the same for all. */
#ifndef SECCM_WIRE_LINK_IMPL_H
#define SECCM_WIRE_LINK_IMPL_H

#include <sys/socket.h>

#include "wire/chunks.h"
#include "wire/fault.h"
#include "wire/link.h"
#include "wire/usb.h"

#define LINK_OUTSTANDING_MAX ((size_t)1 << 20) /* bytes written but not taken, or received but not read */
#define LINK_FAULTS_MAX      16

/* A kind of link. All but `write` and `close` may be NULL. */
struct link_ops {
    bool (*write)(struct link *k, const void *bytes, size_t n, struct err *e);
    void (*close)(struct link *k);   /* lets go of what the kind holds, not of k */
    void (*drained)(struct link *k); /* the reader has taken bytes */
    void (*release)(struct link *k); /* lets go of the system's descriptor before it is closed, and of what
                                        copies of it in other processes would hold on to */
    void (*look)(struct link *k);    /* takes in what the system has received by now */
};

struct link {
    struct loop *loop;
    const struct link_ops *ops;
    char device[64];
    struct transcript *record;
    struct event readable;
    void (*notify)(void *ctx);
    void *notify_ctx;
    struct chunks in;
    struct timer arrival; /* at the time of the first chunk of `in` that has not arrived */
    bool tell;            /* the listener is owed a call */
    bool down;
    struct err why; /* of being down */
    int fd;         /* -1: none */
    bool opened;    /* by link_open(), of: */
    struct link_spec spec;
    struct usb_identity usb;      /* of the port that was opened; serial "" = none */
    struct sockaddr_storage peer; /* of the host that was connected to; peer_n bytes, 0 = none */
    socklen_t peer_n;
    struct link_fault *faults;
    int fault_n;
    struct timer hangup;
};

void link_init(struct link *k, struct loop *l, const struct link_ops *ops, const char *device);
/* n bytes have been seen now. To be called inside the loop. */
void link_received(struct link *k, const void *bytes, size_t n);
/* n bytes will arrive at time `at` (not before those announced earlier). */
void link_announce(struct link *k, ns_t at, const void *bytes, size_t n);
/* Takes the link down for the reason `why`; the first reason stays. */
void link_fail(struct link *k, const struct err *why);

/* Lets the faults of k change a chunk that arrives now; a later time in c->at postpones it. */
void fault_apply(struct link *k, struct chunk *c, char *bytes);
/* Whether what the host writes now is lost on the way. */
bool fault_is_deaf(const struct link *k);

/* Lets go of what k holds of the system; it is down from now on. */
void link_release(struct link *k);

/* Kinds LINK_SERIAL and LINK_USB; `known` (optional): the device that it has to be. */
struct link *link_serial_open(struct loop *l, const struct link_spec *spec, const struct usb_identity *known,
                              const char *device, struct err *e);
struct link *link_pty_open(struct loop *l, const struct link_spec *spec, const char *device, struct err *e);
/* `known` (optional): the link before, whose host is not looked up again. */
struct link *link_tcp_open(struct loop *l, const struct link_spec *spec, const struct link *known,
                           const char *device, struct err *e);
struct link *link_replay_open(struct loop *l, const struct link_spec *spec, const char *device,
                              struct err *e);

#endif
