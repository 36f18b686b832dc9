/* Links over a file descriptor: non-blocking reads and writes by the loop, hang-ups of all flavours.
 *
 * A terminal with VMIN 0 reads 0 bytes when there are none, a socket reads 0 bytes when the far side is gone;
 * a pty whose master is closed gives EIO; an unplugged USB converter gives POLLHUP with 0 bytes, EIO or
 * ENODEV. */
#include "wire/link_fd.h"

#include <errno.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/holder.h"

static void on_ready(void *ctx, short revents);

static void watch_again(struct link_fd *f)
{
    short events = (short)((f->paused ? 0 : POLLIN) | (f->out.n ? POLLOUT : 0));
    if (!f->base.down && (!f->watch.slot || f->watch.events != events))
        watch_set(f->base.loop, &f->watch, f->base.fd, events, on_ready, f);
}

static void fail(struct link_fd *f, int number)
{
    struct err why = ERR_INIT;
    if (number)
        err_errno(&why, ERR_LINK, number, "%s: the link is down", f->base.device);
    else
        err_set(&why, ERR_LINK, "%s: the far side hung up", f->base.device);
    watch_cancel(f->base.loop, &f->watch);
    link_fail(&f->base, &why);
}

/* Gives the system what it takes of n bytes; 0 if it takes none now, -1 with errno on failure. */
static ssize_t push(struct link_fd *f, const void *bytes, size_t n)
{
    for (;;) {
        ssize_t done = f->socket ? send(f->base.fd, bytes, n, MSG_NOSIGNAL) : write(f->base.fd, bytes, n);
        if (done >= 0)
            return done;
        if (errno == EAGAIN || errno == EWOULDBLOCK)
            return 0;
        if (errno != EINTR)
            return -1;
    }
}

static bool fd_write(struct link *k, const void *bytes, size_t n, struct err *e)
{
    struct link_fd *f = (struct link_fd *)k;
    if (f->out.n + n > LINK_OUTSTANDING_MAX)
        return err_set(e, ERR_LINK, "%s: more than 1 MiB written that the device has not taken", k->device);
    ssize_t done = f->out.n ? 0 : push(f, bytes, n);
    if (done < 0) {
        fail(f, errno);
        return link_up(k, e);
    }
    buf_add(&f->out, (const char *)bytes + done, n - (size_t)done);
    watch_again(f);
    return true;
}

static void flush(struct link_fd *f)
{
    ssize_t done = f->out.n ? push(f, f->out.p, f->out.n) : 0;
    if (done < 0) {
        fail(f, errno);
        return;
    }
    buf_drop(&f->out, (size_t)done);
}

/* Reads what is there, at most so much that other descriptors are not kept waiting. */
static void take_in(struct link_fd *f, bool hung_up)
{
    char bytes[16384];
    ssize_t n = read(f->base.fd, bytes, sizeof bytes);
    if (n > 0) {
        f->paused = chunks_bytes(&f->base.in) + (size_t)n > LINK_OUTSTANDING_MAX;
        watch_again(f);
        /* Last, because a listener may close the link. */
        link_received(&f->base, bytes, (size_t)n);
        return;
    }
    if (n < 0 && (errno == EINTR || ((errno == EAGAIN || errno == EWOULDBLOCK) && !hung_up)))
        return;
    if (n == 0 && !hung_up && !f->socket)
        return;
    fail(f, n < 0 && errno != EIO && errno != EAGAIN ? errno : 0);
}

static void on_ready(void *ctx, short revents)
{
    struct link_fd *f = ctx;
    if (revents & POLLOUT && !f->base.down)
        flush(f);
    if (f->base.down) { /* by the flush or by an injected fault */
        watch_cancel(f->base.loop, &f->watch);
        return;
    }
    watch_again(f);
    if (revents & (POLLIN | POLLHUP | POLLERR | POLLNVAL))
        take_in(f, revents & (POLLHUP | POLLERR | POLLNVAL));
}

static void fd_drained(struct link *k)
{
    struct link_fd *f = (struct link_fd *)k;
    if (f->paused && chunks_bytes(&k->in) < LINK_OUTSTANDING_MAX / 2) {
        f->paused = false;
        watch_again(f);
    }
}

static void fd_look(struct link *k)
{
    struct link_fd *f = (struct link_fd *)k;
    struct pollfd p = {.fd = k->fd, .events = POLLIN};
    if (!f->paused && poll(&p, 1, 0) == 1 && p.revents & POLLIN)
        take_in(f, false);
}

static void fd_release(struct link *k)
{
    struct link_fd *f = (struct link_fd *)k;
    if (f->released)
        return;
    if (!k->down)
        flush(f); /* a last word (cell off) may still be on its way */
    watch_cancel(k->loop, &f->watch);
    f->release(f);
    f->released = true;
    k->fd = -1;
}

/* The guardian has a copy of the descriptor: what hangs on what both refer to (the connection, the lock)
 * would outlive the close here, and keep a new connection or lock from being had. */
static void fd_let_go(struct link *k)
{
    struct link_fd *f = (struct link_fd *)k;
    if (f->released)
        return;
    if (!k->down)
        flush(f);
    if (f->socket)
        shutdown(k->fd, SHUT_RDWR);
    else
        flock(k->fd, LOCK_UN);
    fd_release(k);
}

static void fd_close(struct link *k)
{
    fd_release(k);
    buf_free(&((struct link_fd *)k)->out);
}

static const struct link_ops fd_ops = {
    .write = fd_write, .close = fd_close, .drained = fd_drained, .release = fd_let_go, .look = fd_look};

struct link_fd *link_fd_new(struct loop *l, int fd, const char *device, void (*release)(struct link_fd *f))
{
    struct link_fd *f = xcalloc(1, sizeof *f);
    link_init(&f->base, l, &fd_ops, device);
    f->base.fd = fd;
    f->release = release;
    f->other = -1;
    watch_again(f);
    return f;
}

bool link_fd_in_use(const struct stat *port, struct err *e)
{
    char who[200];
    if (holder_of(port) == (int)getpid())
        return err_set(e, ERR_LINK, "in use by another instrument of this rig");
    return err_set(e, ERR_LINK, "in use by %s", holder_text(port, who, sizeof who));
}

bool link_fd_lock(int fd, struct err *e)
{
    struct stat port;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return true;
    if (errno == EWOULDBLOCK && fstat(fd, &port) == 0)
        return link_fd_in_use(&port, e);
    return err_errno(e, ERR_LINK, errno, "can not be locked");
}
