/* Preloaded into a program under test, lets libserialport 0.1.1 open a pseudo-terminal as if it were a serial
 * port, of a USB adapter if wanted.
 *
 * libserialport lists and looks up ports under /sys/class/tty (readdir, lstat, then readlink for the bus that
 * a port is on), reads the files of its USB device there, and reads and sets modem lines (TIOCMGET, TIOCMBIS,
 * TIOCMBIC, TIOCMSET), which a pty does not have. This object answers these for the ptys named by the
 * environment variable SECCM_PTY_AS_SERIAL and passes everything else on. The modem lines are remembered; DTR
 * and RTS are on, as after opening a real port. The variable is looked at each time:
 *
 *   /dev/pts/4:/dev/pts/5                  two plain ports
 *   /dev/pts/4=0403.6001.FT1.0:...         a port of a USB device: VID, PID (hexadecimal), serial number,
 * interface
 *   @FILE                                  the same, in the first line of a file, which may change meanwhile
 *
 *   cc -shared -fPIC -o pty_as_serial.so pty_as_serial.c -ldl
 *   LD_PRELOAD=./pty_as_serial.so SECCM_PTY_AS_SERIAL=/dev/pts/4 seccm ... serial:/dev/pts/4 */
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER "/sys/class/tty/"

/* glibc's entry point of old binaries; no header declares it any more. */
int __lxstat(int version, const char *path, struct stat *st);

static int modem_lines = TIOCM_DTR | TIOCM_RTS | TIOCM_CTS | TIOCM_DSR;

static void *real(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

/* --- the ports ----------------------------------------------------------------------------------------- */

struct port {
    char name[128]; /* "/dev/pts/4" */
    char vid[8], pid[8], serial[64], interface[8];
    bool usb;
};

/* All of them as text, into list[1024]. */
static void read_list(char *list)
{
    const char *given = getenv("SECCM_PTY_AS_SERIAL");
    snprintf(list, 1024, "%s", given && *given != '@' ? given : "");
    if (!given || *given != '@')
        return;
    int fd = open(given + 1, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, list, 1023) : 0;
    list[n > 0 ? n : 0] = 0;
    list[strcspn(list, "\n")] = 0;
    if (fd >= 0)
        close(fd);
}

/* Number `index`; false behind the last. */
static bool get_port(int index, struct port *p)
{
    char list[1024], *rest = NULL;
    read_list(list);
    char *one = strtok_r(list, ":", &rest);
    while (one && index-- > 0)
        one = strtok_r(NULL, ":", &rest);
    if (!one)
        return false;
    memset(p, 0, sizeof *p);
    p->usb = sscanf(one, "%127[^=]=%7[^.].%7[^.].%63[^.].%7s", p->name, p->vid, p->pid, p->serial,
                    p->interface) == 5;
    return true;
}

/* The port whose place under /sys/class/tty `path` is, or begins with; *inside: what follows. */
static bool port_of_entry(const char *path, struct port *p, const char **inside)
{
    if (strncmp(path, FOLDER, sizeof FOLDER - 1) != 0)
        return false;
    for (int k = 0; get_port(k, p); k++) {
        const char *base = strncmp(p->name, "/dev/", 5) == 0 ? p->name + 5 : p->name;
        const char *rest = path + sizeof FOLDER - 1;
        size_t n = strlen(base);
        if (strncmp(rest, base, n) != 0 || (rest[n] && rest[n] != '/'))
            continue;
        *inside = rest + n;
        return true;
    }
    return false;
}

static bool is_entry(const char *path, struct port *p)
{
    const char *inside;
    return port_of_entry(path, p, &inside) && !*inside;
}

static bool is_pty(int fd)
{
    struct stat a, b;
    struct port p;
    if (fstat(fd, &b) != 0 || !S_ISCHR(b.st_mode))
        return false;
    for (int k = 0; get_port(k, &p); k++)
        if (stat(p.name, &a) == 0 && a.st_rdev == b.st_rdev)
            return true;
    return false;
}

/* --- looking a port up --------------------------------------------------------------------------------- */

static int pretend_link(struct stat *st)
{
    memset(st, 0, sizeof *st);
    st->st_mode = S_IFLNK | 0777;
    return 0;
}

int __lxstat(int version, const char *path, struct stat *st)
{
    struct port p;
    (void)version;
    return is_entry(path, &p) ? pretend_link(st) : fstatat(AT_FDCWD, path, st, AT_SYMLINK_NOFOLLOW);
}

int lstat(const char *restrict path, struct stat *restrict st)
{
    return __lxstat(1, path, st);
}

ssize_t readlink(const char *restrict path, char *restrict text, size_t n)
{
    struct port p;
    char bus[128];
    if (is_entry(path, &p)) {
        if (p.usb)
            snprintf(bus, sizeof bus, "../../devices/pci0/usb1/1-1/1-1:1.%s/tty/pty", p.interface);
        else
            snprintf(bus, sizeof bus, "../../devices/platform/some-uart/tty/pty");
        size_t length = strlen(bus) < n ? strlen(bus) : n;
        memcpy(text, bus, length);
        return (ssize_t)length;
    }
    ssize_t (*next)(const char *, char *, size_t);
    *(void **)&next = real("readlink");
    return next(path, text, n);
}

/* What a file of the port's USB device holds; NULL: there is none. */
static const char *usb_file(const struct port *p, const char *file)
{
    const char *name = strrchr(file, '/');
    if (!p->usb || !name)
        return NULL;
    return strcmp(name, "/idVendor") == 0    ? p->vid
           : strcmp(name, "/idProduct") == 0 ? p->pid
           : strcmp(name, "/serial") == 0    ? p->serial
           : strcmp(name, "/busnum") == 0    ? "1"
           : strcmp(name, "/devnum") == 0    ? "7"
           : strcmp(name, "/product") == 0   ? "Pretended adapter"
                                             : NULL;
}

FILE *fopen(const char *restrict path, const char *restrict mode)
{
    struct port p;
    const char *inside;
    if (port_of_entry(path, &p, &inside)) {
        const char *text = usb_file(&p, inside);
        FILE *f = text ? tmpfile() : NULL;
        if (f) {
            fprintf(f, "%s\n", text);
            rewind(f);
        }
        return f;
    }
    FILE *(*next)(const char *, const char *);
    *(void **)&next = real("fopen");
    return next(path, mode);
}

/* --- the list of ports --------------------------------------------------------------------------------- */

static DIR *listed; /* open on /sys/class/tty */
static int told;    /* ports that were added behind its own entries */

DIR *opendir(const char *path)
{
    DIR *(*next)(const char *);
    *(void **)&next = real("opendir");
    bool ours = strcmp(path, "/sys/class/tty") == 0;
    DIR *d = next(ours && access(path, R_OK) != 0 ? "/proc/self/ns" : path);
    if (ours) {
        listed = d;
        told = 0;
    }
    return d;
}

#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
int readdir_r(DIR *restrict d, struct dirent *restrict entry, struct dirent **restrict result)
{
    struct port p;
    int (*next)(DIR *, struct dirent *, struct dirent **);
    *(void **)&next = real("readdir_r");
    int failed = next(d, entry, result);
    if (failed || *result || d != listed || !get_port(told, &p))
        return failed;
    told++;
    memset(entry, 0, sizeof *entry);
    snprintf(entry->d_name, sizeof entry->d_name, "%s",
             strncmp(p.name, "/dev/", 5) == 0 ? p.name + 5 : p.name);
    *result = entry;
    return 0;
}

/* --- modem lines --------------------------------------------------------------------------------------- */

static bool is_modem_request(unsigned long request)
{
    return request == TIOCMGET || request == TIOCMSET || request == TIOCMBIS || request == TIOCMBIC;
}

static void modem_request(unsigned long request, int *lines)
{
    if (request == TIOCMGET)
        *lines = modem_lines;
    else if (request == TIOCMSET)
        modem_lines = *lines;
    else if (request == TIOCMBIS)
        modem_lines |= *lines;
    else
        modem_lines &= ~*lines;
}

int ioctl(int fd, unsigned long request, ...)
{
    va_list ap;
    va_start(ap, request);
    void *arg = va_arg(ap, void *);
    va_end(ap);
    if (is_modem_request(request) && is_pty(fd)) {
        modem_request(request, arg);
        return 0;
    }
    int (*next)(int, unsigned long, ...);
    *(void **)&next = real("ioctl");
    return next(fd, request, arg);
}
