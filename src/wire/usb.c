/* USB identities of serial ports, through libserialport's list of ports.
 *
 * libserialport does not tell the interface, by which the ports of one device differ (an FT4232 has four, all
 * with the same serial number): it is the last number of the kernel's name for it, ".../1-1.2:1.3/ttyUSB7",
 * where the port's entry under /sys/class/tty leads. */
#include "wire/usb.h"

#include <libserialport.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* "1-1.2:1.3" -> 3; -1 if none of the parts of the path looks like it. */
static int interface_in(const char *path)
{
    int found = -1;
    for (const char *part = path; part; part = strchr(part, '/')) {
        int bus, config, interface;
        char rest[64];
        part += *part == '/';
        if (sscanf(part, "%d-%63[0-9.]:%d.%d", &bus, rest, &config, &interface) == 4)
            found = interface;
    }
    return found;
}

static int interface_of(const char *name)
{
    char entry[300], target[1024];
    const char *base = strncmp(name, "/dev/", 5) == 0 ? name + 5 : name;
    snprintf(entry, sizeof entry, "/sys/class/tty/%s", base);
    ssize_t n = readlink(entry, target, sizeof target - 1);
    if (n <= 0)
        return -1;
    target[n] = 0;
    return interface_in(target);
}

static void copy(char *to, size_t n, const char *from)
{
    snprintf(to, n, "%s", from ? from : "");
}

static bool identify(const struct sp_port *port, struct usb_identity *out)
{
    struct usb_identity u = {.interface = -1};
    if (sp_get_port_transport(port) != SP_TRANSPORT_USB ||
        sp_get_port_usb_vid_pid(port, &u.vid, &u.pid) != SP_OK)
        return false;
    copy(u.serial, sizeof u.serial, sp_get_port_usb_serial(port));
    copy(u.maker, sizeof u.maker, sp_get_port_usb_manufacturer(port));
    copy(u.product, sizeof u.product, sp_get_port_usb_product(port));
    u.interface = interface_of(sp_get_port_name(port));
    *out = u;
    return true;
}

bool usb_of_port(const char *name, struct usb_identity *out)
{
    struct sp_port *port;
    if (sp_get_port_by_name(name, &port) != SP_OK)
        return false;
    bool ok = identify(port, out);
    sp_free_port(port);
    return ok;
}

const char *usb_text(const struct usb_identity *u, char *text, size_t n)
{
    char ids[16] = "", interface[32] = "", product[140] = "";
    if (u->vid || u->pid)
        snprintf(ids, sizeof ids, "%04x:%04x ", (unsigned)u->vid & 0xffff, (unsigned)u->pid & 0xffff);
    if (u->interface >= 0)
        snprintf(interface, sizeof interface, ", interface %d", u->interface);
    if (u->maker[0] || u->product[0])
        snprintf(product, sizeof product, " (%s%s%s)", u->maker, u->maker[0] && u->product[0] ? " " : "",
                 u->product);
    snprintf(text, n, "%sserial %s%s%s", ids, u->serial[0] ? u->serial : "(none)", interface, product);
    return text;
}

bool usb_same(const struct usb_identity *want, const struct usb_identity *found)
{
    return (!want->vid || want->vid == found->vid) && (!want->pid || want->pid == found->pid) &&
           strcmp(want->serial, found->serial) == 0 &&
           (want->interface < 0 || want->interface == found->interface);
}

bool usb_find(const struct usb_identity *want, char *name, size_t n, struct err *e)
{
    struct sp_port **ports;
    struct usb_identity u;
    char text[400], first[256] = "", second[256] = "";
    if (sp_list_ports(&ports) != SP_OK)
        return err_set(e, ERR_LINK, "the system does not list its serial ports");
    for (int k = 0; ports[k]; k++)
        if (identify(ports[k], &u) && usb_same(want, &u))
            copy(first[0] ? second : first, sizeof first, sp_get_port_name(ports[k]));
    sp_free_port_list(ports);
    usb_text(want, text, sizeof text);
    if (!first[0])
        return err_set(e, ERR_LINK, "no serial port belongs to the USB device %s: is it plugged in?", text);
    if (second[0])
        return err_set(e, ERR_LINK,
                       "several serial ports (%s, %s) belong to the USB device %s: name one by "
                       "serial:/dev/serial/by-path/...",
                       first, second, text);
    copy(name, n, first);
    return true;
}
