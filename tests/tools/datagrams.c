/* systemd's side of sd_notify(3) for the scenarios: binds the socket PATH and prints what comes, line by
 * line, until its stdin ends.
 *
 *   datagrams PATH <fifo */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int s = socket(AF_UNIX, SOCK_DGRAM, 0);
    if (argc != 2 || (size_t)snprintf(at.sun_path, sizeof at.sun_path, "%s", argv[1]) >= sizeof at.sun_path)
        return 2;
    if (s < 0 || bind(s, (struct sockaddr *)&at, sizeof at) != 0) {
        perror(argv[1]);
        return 1;
    }
    struct pollfd p[] = {{.fd = s, .events = POLLIN}, {.fd = STDIN_FILENO, .events = POLLIN}};
    while (poll(p, 2, -1) > 0 && !p[1].revents) {
        char text[1000];
        ssize_t n = recv(s, text, sizeof text, 0);
        if (n > 0)
            printf("%.*s", (int)n, text);
        fflush(stdout);
    }
    close(s);
    return 0;
}
