/* Which USB device a serial port belongs to. An adapter that is unplugged and plugged in again may come back
 * under another name (ttyUSB0 becomes ttyUSB1); its serial number stays. Private to src/wire. */
#ifndef SECCM_WIRE_USB_H
#define SECCM_WIRE_USB_H

#include <stddef.h>

#include "base/err.h"

/* Plain data. */
struct usb_identity {
    int vid, pid;                /* 0 = unknown, or any */
    char serial[128];            /* "" = the device has none, or the port is no USB port */
    int interface;               /* of a device with several ports; -1 = unknown, or any */
    char maker[64], product[64]; /* for people; "" = not given */
};

/* Of the port `name` (/dev/ttyUSB0), as libserialport tells. False: no USB port, or none of this name. */
bool usb_of_port(const char *name, struct usb_identity *out);
/* "0403:6001 serial FT1ABC, interface 0 (FTDI FT232R)" for messages. Returns text. */
const char *usb_text(const struct usb_identity *u, char *text, size_t n);
/* The port that belongs to this device, whatever its name is now: same serial number, and same VID, PID and
 * interface as far as `want` has them. ERR_LINK if there is none, or more than one. */
bool usb_find(const struct usb_identity *want, char *name, size_t n, struct err *e);
/* Whether `found` is the device `want`, by the same rule. */
bool usb_same(const struct usb_identity *want, const struct usb_identity *found);

#endif
