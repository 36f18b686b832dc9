/* Serial ports through libserialport, locked against other programs.
 *
 * The lock is taken on a descriptor of our own before libserialport touches the port, so that a port in use
 * keeps its settings. TIOCEXCL keeps out programs that do not look at locks. HUPCL is cleared: closing must
 * not reset boards that restart when DTR falls. IGNPAR, which libserialport sets, is cleared: a byte with a
 * framing error shall show as a NUL in its line instead of leaving a number that is one digit shorter.
 *
 * A port of a USB device is remembered by its device: a name may be another device's tomorrow. */
#include "wire/link.h"

#include <errno.h>
#include <fcntl.h>
#include <libserialport.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "wire/link_fd.h"

#define DEFAULT_BAUD 115200

static void serial_release(struct link_fd *f)
{
    ioctl(f->base.fd, TIOCNXCL);
    sp_close(f->port);
    sp_free_port(f->port);
    close(f->other);
}

/* Text of a failure of libserialport: whose fault it is, and what the system said. */
static bool sp_failed(struct err *e, enum sp_return why, const char *what)
{
    if (why != SP_ERR_FAIL)
        return err_set(e, ERR_LINK, "%s: %s", what,
                       why == SP_ERR_ARG    ? "refused by libserialport"
                       : why == SP_ERR_SUPP ? "not supported by this port"
                                            : "out of memory");
    int number = sp_last_error_code();
    return err_set(e, ERR_LINK, "%s: %s", what, number ? strerror(number) : "failed");
}

static bool configure(struct sp_port *port, const struct link_spec *spec, struct err *e)
{
    static const enum sp_flowcontrol flows[] = {
        [FLOW_NONE] = SP_FLOWCONTROL_NONE,
        [FLOW_RTSCTS] = SP_FLOWCONTROL_RTSCTS,
        [FLOW_XONXOFF] = SP_FLOWCONTROL_XONXOFF,
    };
    int baud = spec->baud ? spec->baud : DEFAULT_BAUD;
    enum sp_return r;
    if ((r = sp_set_baudrate(port, baud)) != SP_OK) {
        sp_failed(e, r, "set line rate");
        return err_context(e, "%d baud", baud);
    }
    if ((r = sp_set_bits(port, 8)) != SP_OK)
        return sp_failed(e, r, "set 8 data bits");
    if ((r = sp_set_parity(port, SP_PARITY_NONE)) != SP_OK)
        return sp_failed(e, r, "set no parity");
    if ((r = sp_set_stopbits(port, 1)) != SP_OK)
        return sp_failed(e, r, "set 1 stop bit");
    if ((r = sp_set_flowcontrol(port, flows[spec->flow])) != SP_OK)
        return sp_failed(e, r, "set flow control");
    return true;
}

/* Takes exclusive hold of an open port and clears HUPCL and IGNPAR; gives its descriptor. */
static bool claim(struct sp_port *port, int *fd, struct err *e)
{
    enum sp_return r = sp_get_port_handle(port, fd);
    if (r != SP_OK)
        return sp_failed(e, r, "port handle");
    struct termios t;
    if (tcgetattr(*fd, &t) != 0)
        return err_errno(e, ERR_LINK, errno, "terminal settings");
    t.c_cflag &= ~(tcflag_t)HUPCL;
    t.c_iflag &= ~(tcflag_t)IGNPAR;
    if (tcsetattr(*fd, TCSANOW, &t) != 0)
        return err_errno(e, ERR_LINK, errno, "terminal settings");
    if (ioctl(*fd, TIOCEXCL) != 0)
        return err_errno(e, ERR_LINK, errno, "exclusive use");
    tcflush(*fd, TCIFLUSH);
    return true;
}

static struct link *open_port(struct loop *l, const struct link_spec *spec, const char *name,
                              const char *device, struct err *e)
{
    struct sp_port *port = NULL;
    enum sp_return r = sp_get_port_by_name(name, &port);
    if (r != SP_OK) {
        sp_failed(e, r, "no serial port of this name");
        return NULL;
    }
    int fd = -1, lock = open(name, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (lock < 0) {
        int number = errno;
        struct stat held;
        if (number == EBUSY && stat(spec->path, &held) == 0)
            link_fd_in_use(&held, e);
        else
            err_errno(e, ERR_LINK, number, "can not be opened");
        goto no_lock;
    }
    if (!link_fd_lock(lock, e))
        goto not_open;
    if ((r = sp_open(port, SP_MODE_READ_WRITE)) != SP_OK) {
        sp_failed(e, r, "can not be opened");
        goto not_open;
    }
    if (!configure(port, spec, e) || !claim(port, &fd, e))
        goto open;
    struct link_fd *f = link_fd_new(l, fd, device, serial_release);
    f->other = lock;
    f->port = port;
    return &f->base;
open:
    sp_close(port);
not_open:
    close(lock);
no_lock:
    sp_free_port(port);
    return NULL;
}

/* The name of the port now. Names under /dev/serial/ are links to those that libserialport knows. */
static bool find_port(const struct link_spec *spec, const struct usb_identity *known, char name[PATH_MAX],
                      struct err *e)
{
    struct usb_identity want = {.vid = spec->vid, .pid = spec->pid, .interface = -1};
    if (!known && spec->kind == LINK_SERIAL) {
        char real[PATH_MAX];
        snprintf(name, PATH_MAX, "%s", realpath(spec->path, real) ? real : spec->path);
        return true;
    }
    if (!known)
        snprintf(want.serial, sizeof want.serial, "%.127s", spec->path);
    return usb_find(known ? known : &want, name, PATH_MAX, e);
}

struct link *link_serial_open(struct loop *l, const struct link_spec *spec, const struct usb_identity *known,
                              const char *device, struct err *e)
{
    char name[PATH_MAX];
    struct usb_identity usb = {.interface = -1};
    if (!find_port(spec, known, name, e))
        return NULL;
    usb_of_port(name, &usb);
    struct link *k = open_port(l, spec, name, device, e);
    if (k)
        k->usb = usb;
    return k;
}
