/* Preloaded into a program under test, lets libserialport 0.1.1 open a pseudo-terminal as if it were a serial
 * port.
 *
 * libserialport looks a port's name up under /sys/class/tty (lstat, then readlink for the bus that it is on),
 * and reads and sets modem lines (TIOCMGET, TIOCMBIS, TIOCMBIC, TIOCMSET), which a pty does not have. This
 * object answers these for the ptys named by the environment variable SECCM_PTY_AS_SERIAL ("/dev/pts/4",
 * several with colons in between) and passes everything else on. The modem lines are remembered; DTR and RTS
 * are on, as after opening a real port.
 *
 *   cc -shared -fPIC -o pty_as_serial.so pty_as_serial.c -ldl
 *   LD_PRELOAD=./pty_as_serial.so SECCM_PTY_AS_SERIAL=/dev/pts/4 seccm ... serial:/dev/pts/4 */
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

/* glibc's entry point of old binaries; no header declares it any more. */
int __lxstat(int version, const char *path, struct stat *st);

static int modem_lines = TIOCM_DTR | TIOCM_RTS | TIOCM_CTS | TIOCM_DSR;

/* The next of the named ptys behind `*list`, into pty[256]; false behind the last. */
static bool next_pty(const char **list, char *pty)
{
    if (!*list || !**list)
        return false;
    size_t n = strcspn(*list, ":");
    snprintf(pty, 256, "%.*s", (int)n, *list);
    *list += n + ((*list)[n] == ':');
    return true;
}

/* Whether `path` is the place under /sys/class/tty of one of the ptys. */
static bool is_sys_entry(const char *path)
{
    const char *list = getenv("SECCM_PTY_AS_SERIAL");
    static const char folder[] = "/sys/class/tty/";
    char pty[256];
    if (strncmp(path, folder, sizeof folder - 1) != 0)
        return false;
    while (next_pty(&list, pty))
        if (strncmp(pty, "/dev/", 5) == 0 && strcmp(path + sizeof folder - 1, pty + 5) == 0)
            return true;
    return false;
}

static bool is_pty(int fd)
{
    const char *list = getenv("SECCM_PTY_AS_SERIAL");
    struct stat a, b;
    char pty[256];
    if (!list || fstat(fd, &b) != 0 || !S_ISCHR(b.st_mode))
        return false;
    while (next_pty(&list, pty))
        if (stat(pty, &a) == 0 && a.st_rdev == b.st_rdev)
            return true;
    return false;
}

static int pretend_link(struct stat *st)
{
    memset(st, 0, sizeof *st);
    st->st_mode = S_IFLNK | 0777;
    return 0;
}

int __lxstat(int version, const char *path, struct stat *st)
{
    (void)version;
    return is_sys_entry(path) ? pretend_link(st) : fstatat(AT_FDCWD, path, st, AT_SYMLINK_NOFOLLOW);
}

int lstat(const char *restrict path, struct stat *restrict st)
{
    return __lxstat(1, path, st);
}

ssize_t readlink(const char *restrict path, char *restrict text, size_t n)
{
    static const char bus[] = "../../devices/platform/serial8250/tty/pty";
    static ssize_t (*real)(const char *, char *, size_t);
    if (is_sys_entry(path)) {
        size_t length = sizeof bus - 1 < n ? sizeof bus - 1 : n;
        memcpy(text, bus, length);
        return (ssize_t)length;
    }
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "readlink");
    return real(path, text, n);
}

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
    static int (*real)(int, unsigned long, ...);
    va_list ap;
    va_start(ap, request);
    void *arg = va_arg(ap, void *);
    va_end(ap);
    if (is_modem_request(request) && is_pty(fd)) {
        modem_request(request, arg);
        return 0;
    }
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "ioctl");
    return real(fd, request, arg);
}
