/* A byte link to one device: serial port, pty, TCP, memory, or the replay of a transcript.
 *
 * All kinds behave alike: bytes written are sent in order without waiting, bytes received are stamped with
 * the host time at which they were seen, and `readable` is set when there are any. Raw always: no line
 * discipline, no echo, no XON/XOFF eaten (0x11, 0x13 and 0x18 are data in the protocols of our devices). */
#ifndef SECCM_WIRE_LINK_H
#define SECCM_WIRE_LINK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/loop.h"

struct transcript;

enum link_kind { LINK_SERIAL, LINK_USB, LINK_PTY, LINK_TCP, LINK_MEMORY, LINK_REPLAY };
enum link_flow { FLOW_NONE, FLOW_RTSCTS, FLOW_XONXOFF };

/* Where a device is. Plain data. */
struct link_spec {
    enum link_kind kind;
    char path[256]; /* serial, pty: device; usb: serial number; tcp: host; replay: transcript file */
    int vid, pid;   /* usb; 0 = any */
    int port;       /* tcp */
    int baud;       /* serial, usb; memory: modelled line rate, 0 = unlimited */
    enum link_flow flow;
};

/* "serial:/dev/ttyUSB0", "usb:FT1ABC" or "usb:0403:6001:FT1ABC" (a serial port by its USB device, whatever
 * its name), "pty:/dev/pts/4", "tcp:192.168.168.10:50000", "replay:FILE". ERR_INPUT otherwise. */
bool link_spec_parse(const char *text, struct link_spec *out, struct err *e);
/* Text of a spec for messages ("serial:/dev/ttyUSB0"). Returns text. */
const char *link_spec_format(const struct link_spec *spec, char *text, size_t n);

struct link;

/* Opens and locks the link; `device` names it in messages, transcript and replay. Serial ports through
 * libserialport with flock and TIOCEXCL (ERR_LINK "in use" if another program holds it). The caller closes
 * it. */
struct link *link_open(struct loop *l, const struct link_spec *spec, const char *device, struct err *e);
/* Opens anew what link_open() opened and what has gone down since: a USB port under whatever name its device
 * has now, told by VID, PID, serial number and interface; another device at the old name is refused
 * (ERR_LINK). Ports without a USB serial number and ptys under their names, TCP at the address that the name
 * had: a name server is not asked again, since it may block. What recorded k records the new link. k stays as
 * it is, for the caller to close, but lets go of the port; so does every copy of its descriptor that another
 * process holds (a guardian's), because many devices take one connection at a time. */
struct link *link_reopen(struct link *k, struct err *e);
/* Whether link_reopen() can be asked: not of a memory link, an adopted descriptor or a replay. */
bool link_can_reopen(const struct link *k);
/* Two ends of a memory link: what one writes the other reads after n * 10 / baud seconds behind what was
 * written before it (8N1 line; baud 0 = at once). Deterministic in virtual time. A write arrives as a whole
 * when its last byte has crossed the line. When one end is closed the other is down at once; bytes on their
 * way still arrive. */
void link_memory_pair(struct loop *l, int baud, const char *device, struct link **host, struct link **far);
/* The far side of a pty, for a simulated device: gives the name that the other side opens. Raw; stays
 * usable when the other side closes and opens again. */
struct link *link_open_pty_master(struct loop *l, const char *device, char *name, size_t n, struct err *e);
/* A link of a descriptor that somebody else opened and configured, and who is gone (a guardian's). The link
 * owns it from now on; on failure it stays the caller's. A full output buffer is emptied first. */
struct link *link_adopt(struct loop *l, int fd, const char *device, struct err *e);
void link_close(struct link *k);

/* Sends all n bytes or says why not (ERR_LINK when the far side is gone). Never waits: what the system
 * does not take at once is sent by the loop; more than 1 MiB outstanding is ERR_LINK. */
bool link_write(struct link *k, const void *bytes, size_t n, struct err *e);
/* Takes up to n received bytes; returns how many (0 = none). *at: when they were seen. A call never takes
 * bytes of two chunks, so that all it returns have the same time. Clears `readable` when nothing is left. */
size_t link_read(struct link *k, void *bytes, size_t n, ns_t *at);
/* Takes in now what the system has received, without waiting for the loop to come round to it: to be done
 * before silence is concluded, because the program itself may have been held up. */
void link_look(struct link *k);
/* Set when bytes can be read or the link has gone down. */
struct event *link_readable(struct link *k);
/* For those that do not wait (a simulated device): fn(ctx) is called by the loop when bytes have arrived or
 * the link went down, never from inside link_write(). It may read, write and close. NULL: no more. */
void link_on_readable(struct link *k, void (*fn)(void *ctx), void *ctx);
/* false once the far side hung up or the system reported an error; `e` (optional) says which. */
bool link_up(const struct link *k, struct err *e);
const char *link_device(const struct link *k);
struct loop *link_loop(const struct link *k);
/* File descriptor of the link, -1 for memory and replay. */
int link_fd(const struct link *k);
/* Records all traffic from now on into `t` (NULL: no more). */
void link_record(struct link *k, struct transcript *t);

#endif
