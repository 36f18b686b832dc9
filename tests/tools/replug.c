/* Adapters that can be unplugged: ptys of its own in front of those of a simulated rig, with a USB identity
 * each, for a program that runs with tests/interpose/pty_as_serial.c and SECCM_PTY_AS_SERIAL=@LIST.
 *
 *   replug LIST PTY IDENTITY [PTY IDENTITY]...      identity: 0403.6001.FT1.0, as in pty_as_serial.c
 *
 * SIGUSR1 unplugs the last of them: its pty hangs up, and LIST no longer has it. SIGUSR2 plugs it in again,
 * under another name. Each change is told in a line, "plugged /dev/pts/7" or "unplugged", once LIST says so.
 * Ends with SIGTERM. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#define MOST 4

struct pty {
    int master, kept; /* kept: its far side, so that nobody having it open is no hang-up */
    char name[64];
};

struct adapter {
    int rig; /* the simulated device's pty */
    const char *identity;
    struct pty now; /* master -1: unplugged */
};

static struct adapter adapters[MOST];
static struct pty spare; /* made while the one before is there, so that its name is another */
static int count;
static const char *list_path;

static void die(const char *what)
{
    perror(what);
    exit(3);
}

static void make_raw(int fd)
{
    struct termios t;
    if (tcgetattr(fd, &t) != 0)
        die("tcgetattr");
    cfmakeraw(&t);
    if (tcsetattr(fd, TCSANOW, &t) != 0)
        die("tcsetattr");
}

static struct pty make_pty(void)
{
    struct pty p;
    p.master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (p.master < 0 || grantpt(p.master) != 0 || unlockpt(p.master) != 0 ||
        ptsname_r(p.master, p.name, sizeof p.name) != 0 ||
        (p.kept = open(p.name, O_RDWR | O_NOCTTY | O_CLOEXEC)) < 0)
        die("a pty");
    make_raw(p.kept);
    return p;
}

/* As a whole or not at all. */
static void write_list(void)
{
    char next[512];
    snprintf(next, sizeof next, "%s.next", list_path);
    FILE *f = fopen(next, "w");
    if (!f)
        die(next);
    for (int k = 0, n = 0; k < count; k++)
        if (adapters[k].now.master >= 0)
            fprintf(f, "%s%s=%s", n++ ? ":" : "", adapters[k].now.name, adapters[k].identity);
    fputc('\n', f);
    if (fclose(f) != 0 || rename(next, list_path) != 0)
        die(next);
}

static void tell(const char *what, const char *name)
{
    printf("%s %s\n", what, name);
    fflush(stdout);
}

static void unplug(struct adapter *a)
{
    if (a->now.master < 0)
        return;
    close(a->now.master);
    close(a->now.kept);
    a->now.master = -1;
    write_list();
    tell("unplugged", a->now.name);
}

static void plug(struct adapter *a)
{
    if (a->now.master >= 0)
        return;
    a->now = spare;
    spare = make_pty();
    write_list();
    tell("plugged", a->now.name);
}

/* What nobody takes is lost, as on a line. */
static void pass_on(int from, int to)
{
    char bytes[4096];
    ssize_t n = read(from, bytes, sizeof bytes);
    for (ssize_t done = 0; n > 0 && to >= 0 && done < n;) {
        ssize_t w = write(to, bytes + done, (size_t)(n - done));
        if (w < 0 && errno != EINTR)
            return;
        done += w > 0 ? w : 0;
    }
}

static void serve(int signals)
{
    struct adapter *last = &adapters[count - 1];
    for (;;) {
        struct pollfd p[1 + 2 * MOST] = {{.fd = signals, .events = POLLIN}};
        for (int k = 0; k < count; k++) {
            p[1 + 2 * k] = (struct pollfd){.fd = adapters[k].rig, .events = POLLIN};
            p[2 + 2 * k] = (struct pollfd){.fd = adapters[k].now.master, .events = POLLIN};
        }
        if (poll(p, (nfds_t)(1 + 2 * count), -1) < 0 && errno != EINTR)
            die("poll");
        for (int k = 0; k < count; k++) {
            if (p[1 + 2 * k].revents & (POLLHUP | POLLERR))
                return; /* the rig is gone */
            if (p[1 + 2 * k].revents & POLLIN)
                pass_on(adapters[k].rig, adapters[k].now.master);
            if (p[2 + 2 * k].revents & POLLIN)
                pass_on(adapters[k].now.master, adapters[k].rig);
        }
        struct signalfd_siginfo s;
        if (!(p[0].revents & POLLIN) || read(signals, &s, sizeof s) != sizeof s)
            continue;
        if (s.ssi_signo == SIGTERM)
            return;
        if (s.ssi_signo == SIGUSR1)
            unplug(last);
        else
            plug(last);
    }
}

int main(int argc, char **argv)
{
    sigset_t set;
    if (argc < 4 || argc % 2 || argc > 2 + 2 * MOST) {
        fprintf(stderr, "usage: replug LIST PTY IDENTITY [PTY IDENTITY]...\n");
        return 2;
    }
    list_path = argv[1];
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGUSR2);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    for (int k = 2; k < argc; k += 2) {
        struct adapter *a = &adapters[count++];
        a->identity = argv[k + 1];
        if ((a->rig = open(argv[k], O_RDWR | O_NOCTTY | O_CLOEXEC)) < 0)
            die(argv[k]);
        make_raw(a->rig);
        a->now = make_pty();
    }
    spare = make_pty();
    write_list();
    for (int k = 0; k < count; k++)
        tell("plugged", adapters[k].now.name);
    serve(signalfd(-1, &set, SFD_CLOEXEC));
    return 0;
}
