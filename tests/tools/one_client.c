/* A serial server in front of a pty: one TCP client at a time, as many real ones have it; the next is taken
 * when the one before has hung up.
 *
 *   one_client PTY
 *
 * Tells "port 40123" first, then "client 1", "client 2" as they come. SIGUSR1: what the device says is lost
 * from now on, while it hears all; SIGUSR2: no more. Ends with SIGTERM. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

static volatile sig_atomic_t mute;

static void die(const char *what)
{
    perror(what);
    exit(3);
}

static void hear(int number)
{
    mute = number == SIGUSR1;
}

static int open_pty(const char *name)
{
    struct termios t;
    int fd = open(name, O_RDWR | O_NOCTTY);
    if (fd < 0 || tcgetattr(fd, &t) != 0)
        die(name);
    cfmakeraw(&t);
    if (tcsetattr(fd, TCSANOW, &t) != 0)
        die(name);
    return fd;
}

static int listen_somewhere(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, n) != 0 || listen(fd, 4) != 0 ||
        getsockname(fd, (struct sockaddr *)&a, &n) != 0)
        die("listen");
    printf("port %d\n", ntohs(a.sin_port));
    fflush(stdout);
    return fd;
}

/* False: nobody takes it any more. */
static bool pass_on(int to, const char *bytes, ssize_t n)
{
    while (n > 0) {
        ssize_t done = write(to, bytes, (size_t)n);
        if (done < 0 && errno != EINTR)
            return false;
        bytes += done > 0 ? done : 0;
        n -= done > 0 ? done : 0;
    }
    return true;
}

/* Until the client hangs up. */
static void serve(int client, int pty)
{
    char bytes[4096];
    for (;;) {
        struct pollfd p[2] = {{.fd = client, .events = POLLIN}, {.fd = pty, .events = POLLIN}};
        if (poll(p, 2, -1) < 0)
            continue;
        if (p[0].revents) {
            ssize_t n = read(client, bytes, sizeof bytes);
            if (n == 0 || (n < 0 && errno != EINTR) || !pass_on(pty, bytes, n))
                return;
        }
        if (p[1].revents) {
            ssize_t n = read(pty, bytes, sizeof bytes);
            if (n < 0 && errno != EINTR)
                die("pty");
            if (!mute && !pass_on(client, bytes, n))
                return;
        }
    }
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    signal(SIGPIPE, SIG_IGN);
    sigaction(SIGUSR1, &(struct sigaction){.sa_handler = hear}, NULL);
    sigaction(SIGUSR2, &(struct sigaction){.sa_handler = hear}, NULL);
    int pty = open_pty(argv[1]), listener = listen_somewhere(), on = 1;
    for (int k = 1;; k++) {
        int client = accept(listener, NULL, NULL);
        while (client < 0 && errno == EINTR)
            client = accept(listener, NULL, NULL);
        if (client < 0)
            die("accept");
        setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        printf("client %d\n", k);
        fflush(stdout);
        serve(client, pty);
        close(client);
    }
}
