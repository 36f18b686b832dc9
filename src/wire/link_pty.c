/* Pseudo-terminals: how simulated devices are reached from another process.
 *
 * libserialport refuses them, so raw mode is set by hand. They are locked by flock() alone: TIOCEXCL would
 * outlive a killed program for as long as the master is open, and refuse the program that resumes its run. */
#include "wire/link.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "wire/link_fd.h"

static bool make_raw(int fd, struct err *e)
{
    struct termios t;
    if (tcgetattr(fd, &t) != 0)
        return err_errno(e, ERR_LINK, errno, "not a terminal");
    t.c_iflag = 0; /* no CR/LF mapping, no XON/XOFF, 8 clean bits */
    t.c_oflag = 0;
    t.c_lflag = 0; /* no echo, no lines, no signals */
    t.c_cflag = (t.c_cflag & ~(tcflag_t)(CSIZE | PARENB | CSTOPB | HUPCL)) | CS8 | CREAD | CLOCAL;
    t.c_cc[VMIN] = 1;
    t.c_cc[VTIME] = 0;
    if (tcsetattr(fd, TCSANOW, &t) != 0)
        return err_errno(e, ERR_LINK, errno, "raw mode");
    return true;
}

static void pty_release(struct link_fd *f)
{
    close(f->base.fd);
    if (f->other >= 0)
        close(f->other);
}

struct link *link_pty_open(struct loop *l, const struct link_spec *spec, const char *device, struct err *e)
{
    int fd = open(spec->path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        err_errno(e, ERR_LINK, errno, "can not be opened");
        return NULL;
    }
    if (!link_fd_lock(fd, e) || !make_raw(fd, e)) {
        close(fd);
        return NULL;
    }
    tcflush(fd, TCIFLUSH); /* what the device said to somebody before */
    return &link_fd_new(l, fd, device, pty_release)->base;
}

/* The master keeps the far side open itself: otherwise it would see a hang-up (and poll(2) would return at
 * once, for ever) whenever no program has it open. */
struct link *link_open_pty_master(struct loop *l, const char *device, char *name, size_t n, struct err *e)
{
    int slave = -1;
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (master < 0) {
        err_errno(e, ERR_IO, errno, "%s: no pseudo-terminal to be had", device);
        return NULL;
    }
    if (grantpt(master) != 0 || unlockpt(master) != 0 || (errno = ptsname_r(master, name, n)) != 0 ||
        (slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC)) < 0) {
        err_errno(e, ERR_IO, errno, "%s: pseudo-terminal", device);
        goto failed;
    }
    if (!make_raw(slave, e)) {
        err_context(e, "%s", device);
        goto failed;
    }
    struct link_fd *f = link_fd_new(l, master, device, pty_release);
    f->other = slave;
    return &f->base;
failed:
    close(master);
    if (slave >= 0)
        close(slave);
    return NULL;
}
