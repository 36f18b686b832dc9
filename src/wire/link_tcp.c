/* TCP links, for controllers with a network port and for serial servers.
 *
 * A name is looked up once, when the link is opened for the first time, before anything is at stake (a rig
 * should give addresses: a name server that does not answer blocks the program, and whoever watches over it
 * would take it for dead); the connection itself is waited for through the loop. */
#include "wire/link.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire/link_fd.h"

#define CONNECT_TIMEOUT (3 * NS_S) /* real time */

static void tcp_release(struct link_fd *f)
{
    close(f->base.fd);
}

static void set_event(void *ctx, short revents)
{
    (void)revents;
    ((struct event *)ctx)->set = true;
}

/* Waits until the connection under way on fd is made or refused. Returns its errno, 0 = made. */
static int wait_connected(struct loop *l, int fd, ns_t deadline)
{
    struct event done = {false};
    struct watch w = {0};
    watch_set(l, &w, fd, POLLOUT, set_event, &done);
    bool in_time = loop_wait(l, &done, deadline);
    watch_cancel(l, &w);
    int number = 0;
    socklen_t n = sizeof number;
    if (!in_time)
        return ETIMEDOUT;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &number, &n) == 0 ? number : errno;
}

/* Returns a connected socket or -1 with the errno in *why. */
static int connect_to(struct loop *l, const struct sockaddr *to, socklen_t n, ns_t deadline, int *why)
{
    int fd = socket(to->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        *why = errno;
        return -1;
    }
    *why = connect(fd, to, n) == 0 ? 0 : errno;
    if (*why == EINPROGRESS)
        *why = wait_connected(l, fd, deadline);
    if (*why) {
        close(fd);
        return -1;
    }
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* every question is a small packet */
    return fd;
}

static ns_t in_time(const struct loop *l)
{
    return loop_now(l) + (ns_t)((double)CONNECT_TIMEOUT * loop_speed(l));
}

static int connect_to_peer(struct loop *l, const struct sockaddr_storage *peer, socklen_t n, struct err *e)
{
    int why = 0, fd = connect_to(l, (const struct sockaddr *)peer, n, in_time(l), &why);
    if (fd < 0)
        err_errno(e, ERR_LINK, why, "no connection");
    return fd;
}

/* The addresses of a name one behind the other; *peer is the one that answers. */
static int connect_to_name(struct loop *l, const struct link_spec *spec, struct sockaddr_storage *peer,
                           socklen_t *n, struct err *e)
{
    char port[16];
    snprintf(port, sizeof port, "%d", spec->port);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    int failed = getaddrinfo(spec->path, port, &hints, &found);
    if (failed) {
        err_set(e, ERR_LINK, "%s", gai_strerror(failed));
        return -1;
    }
    ns_t deadline = in_time(l);
    int fd = -1, why = 0;
    for (const struct addrinfo *a = found; a && fd < 0; a = a->ai_next) {
        *n = a->ai_addrlen;
        memcpy(peer, a->ai_addr, a->ai_addrlen);
        fd = connect_to(l, a->ai_addr, a->ai_addrlen, deadline, &why);
    }
    freeaddrinfo(found);
    if (fd < 0)
        err_errno(e, ERR_LINK, why, "no connection");
    return fd;
}

struct link *link_tcp_open(struct loop *l, const struct link_spec *spec, const struct link *known,
                           const char *device, struct err *e)
{
    struct sockaddr_storage peer = {0};
    socklen_t n = 0;
    if (known && known->peer_n) {
        peer = known->peer;
        n = known->peer_n;
    }
    int fd = n ? connect_to_peer(l, &peer, n, e) : connect_to_name(l, spec, &peer, &n, e);
    if (fd < 0)
        return NULL;
    struct link_fd *f = link_fd_new(l, fd, device, tcp_release);
    f->socket = true;
    f->base.peer = peer;
    f->base.peer_n = n;
    return &f->base;
}
