/* Links over a file descriptor: what serial ports, ptys and sockets have in common. Private to src/wire. */
#ifndef SECCM_WIRE_LINK_FD_H
#define SECCM_WIRE_LINK_FD_H

#include <sys/stat.h>

#include "base/buf.h"
#include "wire/link_impl.h"

struct link_fd {
    struct link base;
    struct watch watch;
    struct buf out;                     /* written, not yet taken by the system */
    bool socket;                        /* end of file is a hang-up; no SIGPIPE */
    bool released;                      /* nothing of the system is held any more */
    bool paused;                        /* not read because the reader is behind */
    void (*release)(struct link_fd *f); /* closes the descriptor and what belongs to it */
    int other;                          /* lock (serial) or kept far side (pty master), -1: none */
    void *port;                         /* serial: struct sp_port */
};

/* Makes a link of the non-blocking descriptor fd; the link owns it from now on. */
struct link_fd *link_fd_new(struct loop *l, int fd, const char *device, void (*release)(struct link_fd *f));
/* ERR_LINK "in use" that names the program that holds a port, as far as the system knows; always false. */
bool link_fd_in_use(const struct stat *port, struct err *e);
/* Locks fd for this program (flock). ERR_LINK "in use" if another holds it. */
bool link_fd_lock(int fd, struct err *e);

#endif
