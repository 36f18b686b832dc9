/* A small HTTP client for the scenarios, which must not need more than what the build needs, and a hostile
 * one.
 *
 *   http METHOD URL [-i] [-H "Name: value"]... [-d BODY]   prints the status, with -i the headers, and the
 * body http raw PORT                     sends what stands on stdin and prints whatever comes back until the
 * end http hold PORT N                  opens N connections with half a request each, says so, and lets them
 * lie until its own stdin ends; then tells how many the server has closed by itself
 *
 * Only this machine is ever asked. Exit status: 0 an answer came (raw: the connection ended), 1 none did. */
#include <arpa/inet.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/buf.h"

#define HOLD_MAX 256
/* s: nobody keeps a test waiting for longer. */
#define PATIENCE 60

static int reach(int port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    const struct timeval patience = {.tv_sec = PATIENCE};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (connect(fd, (struct sockaddr *)&at, sizeof at) == 0)
        return fd;
    close(fd);
    return -1;
}

static bool put(int fd, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t sent = send(fd, bytes, n, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        bytes += sent;
        n -= (size_t)sent;
    }
    return true;
}

/* The answer is complete by its own word; some servers leave the connection open. */
static bool is_complete(const struct buf *b)
{
    const char *end = b->n ? strstr(b->p, "\r\n\r\n") : NULL;
    if (!end)
        return false;
    for (const char *line = b->p; line < end; line = strstr(line, "\r\n") + 2)
        if (!strncasecmp(line, "Content-Length:", 15))
            return b->n - (size_t)(end + 4 - b->p) >= strtoul(line + 15, NULL, 10);
    return false;
}

/* Up to the end of the connection. */
static void take_all(int fd, struct buf *out, bool by_length)
{
    char bytes[65536];
    ssize_t n;
    while ((n = read(fd, bytes, sizeof bytes)) > 0) {
        buf_add(out, bytes, (size_t)n);
        if (by_length && is_complete(out))
            return;
    }
}

/* --- one request --------------------------------------------------------------------------------------- */

struct request {
    const char *method, *url, *body;
    struct buf headers;
    bool own_host, show_headers;
};

static bool options(struct request *r, int argc, char **argv)
{
    for (int k = 0; k < argc; k++) {
        if (!strcmp(argv[k], "-i")) {
            r->show_headers = true;
        } else if (!strcmp(argv[k], "-H") && k + 1 < argc) {
            buf_printf(&r->headers, "%s\r\n", argv[++k]);
            r->own_host = r->own_host || !strncasecmp(argv[k], "Host:", 5);
        } else if (!strcmp(argv[k], "-d") && k + 1 < argc) {
            r->body = argv[++k];
        } else {
            return false;
        }
    }
    return true;
}

/* http://127.0.0.1:PORT/PATH, or localhost. */
static bool split(const char *url, char host[64], int *port, const char **path)
{
    if (sscanf(url, "http://%63[^/]", host) != 1)
        return false;
    const char *colon = strrchr(host, ':'), *slash = strchr(url + 7, '/');
    *port = colon ? atoi(colon + 1) : 80;
    *path = slash ? slash : "/";
    return !strncmp(host, "127.", 4) || !strncmp(host, "localhost", 9);
}

static int one(struct request *r)
{
    char host[64];
    int port, fd = -1;
    const char *path;
    struct buf text = {0}, answer = {0};
    if (split(r->url, host, &port, &path))
        fd = reach(port);
    if (fd < 0)
        return 1;
    buf_printf(&text, "%s %s HTTP/1.1\r\nConnection: close\r\n", r->method, path);
    if (!r->own_host)
        buf_printf(&text, "Host: %s\r\n", host);
    if (r->body)
        buf_printf(&text, "Content-Type: application/json\r\nContent-Length: %zu\r\n", strlen(r->body));
    buf_printf(&text, "%s\r\n%s", r->headers.n ? r->headers.p : "", r->body ? r->body : "");
    put(fd, text.p, text.n);
    take_all(fd, &answer, strcmp(r->method, "HEAD") != 0);
    close(fd);
    const char *end = answer.n ? strstr(answer.p, "\r\n\r\n") : NULL;
    if (!end || answer.n < 12)
        return 1;
    printf("%.3s\n", answer.p + 9);
    if (r->show_headers)
        printf("%.*s\n", (int)(end - answer.p), answer.p);
    fwrite(end + 4, 1, answer.n - (size_t)(end + 4 - answer.p), stdout);
    buf_free(&text);
    buf_free(&answer);
    return 0;
}

/* --- hostile ------------------------------------------------------------------------------------------- */

static int raw(int port)
{
    char bytes[65536];
    size_t n;
    struct buf answer = {0};
    int fd = reach(port);
    if (fd < 0)
        return 1;
    while ((n = fread(bytes, 1, sizeof bytes, stdin)) > 0)
        if (!put(fd, bytes, n))
            break; /* it does not listen any more */
    shutdown(fd, SHUT_WR);
    take_all(fd, &answer, false);
    close(fd);
    if (answer.n)
        fwrite(answer.p, 1, answer.n, stdout);
    buf_free(&answer);
    return 0;
}

static int hold(int port, int n)
{
    static const char half[] = "GET /status.json HTTP/1.1\r\nHost: localhost\r\nX-Slow: ";
    int fd[HOLD_MAX], closed = 0;
    char c;
    n = n > HOLD_MAX ? HOLD_MAX : n;
    for (int k = 0; k < n; k++) {
        fd[k] = reach(port);
        if (fd[k] >= 0)
            put(fd[k], half, sizeof half - 1);
    }
    printf("holding %d\n", n);
    fflush(stdout);
    while (read(STDIN_FILENO, &c, 1) > 0)
        for (int k = 0; k < n; k++) /* each byte of stdin is one more byte for each of them */
            if (fd[k] >= 0)
                put(fd[k], "x", 1);
    for (int k = 0; k < n; k++) {
        struct pollfd p = {.fd = fd[k], .events = POLLIN};
        closed += fd[k] < 0 || (poll(&p, 1, 0) > 0 && read(fd[k], &c, 1) <= 0);
        if (fd[k] >= 0)
            close(fd[k]);
    }
    printf("closed %d\n", closed);
    return 0;
}

int main(int argc, char **argv)
{
    struct request r = {0};
    if (argc == 3 && !strcmp(argv[1], "raw"))
        return raw(atoi(argv[2]));
    if (argc == 4 && !strcmp(argv[1], "hold"))
        return hold(atoi(argv[2]), atoi(argv[3]));
    if (argc < 3 || !options(&r, argc - 3, argv + 3)) {
        fprintf(stderr, "usage: http METHOD URL [-i] [-H HEADER]... [-d BODY] | raw PORT | hold PORT N\n");
        return 2;
    }
    r.method = argv[1];
    r.url = argv[2];
    int status = one(&r);
    buf_free(&r.headers);
    return status;
}
