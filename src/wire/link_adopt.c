/* A link made of a descriptor that another process opened and passed on, when that process is gone.
 *
 * What it wrote and the device has not taken stands in front of whatever is written now. If that fills the
 * system's buffer (the device holds the line, or nobody reads), it is thrown away: what is to be said now is
 * more urgent, and begins with an end of line. */
#include "wire/link.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "wire/link_fd.h"

static void adopt_release(struct link_fd *f)
{
    close(f->base.fd);
}

static bool takes_bytes(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    return poll(&p, 1, 0) == 1 && p.revents & POLLOUT;
}

struct link *link_adopt(struct loop *l, int fd, const char *device, struct err *e)
{
    struct stat st;
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fstat(fd, &st) != 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) {
        err_errno(e, ERR_LINK, errno, "%s", device);
        return NULL;
    }
    /* The lock of a serial port hung on another descriptor of the process that is gone; a pty's on this. */
    flock(fd, LOCK_EX | LOCK_NB);
    if (!takes_bytes(fd))
        tcflush(fd, TCOFLUSH);
    struct link_fd *f = link_fd_new(l, fd, device, adopt_release);
    f->socket = S_ISSOCK(st.st_mode);
    return &f->base;
}
