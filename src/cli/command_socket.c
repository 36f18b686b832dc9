/* The local socket, both ends. */
#include "cli/command_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "cli/web_gate.h"
#include "results/results.h"

/* s: a peer that says or takes nothing for so long is given up; nobody else waits for it but other commands.
 */
#define PEER_PATIENCE 2
#define REQUEST_MAX   64
#define ANSWER_MAX    256

struct command_socket {
    struct wishes *wishes;
    struct sockaddr_un at;
    int listener, bell;
    pthread_t thread;
};

/* --- where --------------------------------------------------------------------------------------------- */

/* Folders in which a socket may be, best first. */
#define FOLDERS 2
static bool folder(int k, char *out, size_t n)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    if (k == 0)
        return runtime && *runtime == '/' && (size_t)snprintf(out, n, "%s/seccm", runtime) < n;
    return (size_t)snprintf(out, n, "/tmp/seccm-%ld", (long)geteuid()) < n;
}

/* Ours alone, and no link to elsewhere. */
static bool folder_is_private(const char *path, struct err *e)
{
    struct stat st;
    if (lstat(path, &st) != 0)
        return err_errno(e, ERR_IO, errno, "`%s`", path);
    if (S_ISDIR(st.st_mode) && st.st_uid == geteuid() && (st.st_mode & 077) == 0)
        return true;
    return err_set(e, ERR_IO, "`%s` is no folder of yours alone (0700): commands are not taken there", path);
}

/* The socket's address in the k-th folder. */
static bool address(int k, const char *run_id, const char *results_path, struct sockaddr_un *out,
                    struct err *e)
{
    char where[sizeof out->sun_path], safe[64];
    struct stat st;
    if (stat(results_path, &st) != 0)
        return err_errno(e, ERR_IO, errno, "`%s`", results_path);
    snprintf(safe, sizeof safe, "%.40s", *run_id ? run_id : "run");
    for (char *c = safe; *c; c++)
        if (*c == '/' || *c == '.')
            *c = '_';
    memset(out, 0, sizeof *out);
    out->sun_family = AF_UNIX;
    if (!folder(k, where, sizeof where))
        return err_set(e, ERR_IO, "no folder for the command socket");
    size_t n = sizeof out->sun_path;
    if ((size_t)snprintf(out->sun_path, n, "%s/%s-%llx-%llx.sock", where, safe, (unsigned long long)st.st_dev,
                         (unsigned long long)st.st_ino) >= n)
        return err_set(e, ERR_IO, "the name of the command socket in `%s` is too long", where);
    return true;
}

/* --- answering ----------------------------------------------------------------------------------------- */

static void be_patient(int fd)
{
    const struct timeval t = {.tv_sec = PEER_PATIENCE};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t);
}

/* The superuser may tell whose run it is. `owner`: of the results file. */
static bool peer_is_the_run(int fd, uid_t owner)
{
    struct ucred peer;
    socklen_t n = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) == 0 &&
           (peer.uid == geteuid() || peer.uid == 0 || (geteuid() == 0 && peer.uid == owner));
}

static bool peer_is_us(int fd)
{
    struct ucred peer;
    socklen_t n = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) == 0 &&
           (peer.uid == geteuid() || peer.uid == 0);
}

/* Up to the newline; false if the peer sends too much, nothing in time, or closes before. */
static bool read_line(int fd, char *line, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        if (read(fd, line + k, 1) != 1)
            return false;
        if (line[k] == '\n') {
            line[k] = '\0';
            return true;
        }
    }
    return false;
}

static bool write_all(int fd, const char *text)
{
    for (size_t left = strlen(text); left > 0;) {
        ssize_t n = send(fd, text, left, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        text += n;
        left -= (size_t)n;
    }
    return true;
}

/* "skip 17" */
static void obey(struct command_socket *s, char *line, char *answer, size_t n)
{
    char text[ANSWER_MAX - 8];
    enum wish what;
    int number = 0;
    char *site = strchr(line, ' ');
    if (site)
        *site++ = '\0';
    if (!wish_from_name(line, &what)) {
        snprintf(answer, n, "no this run does not know that command\n");
        return;
    }
    if (site && !web_site_read(site, &number)) {
        snprintf(answer, n, "no `%s` is not the number of a site: nothing was done\n", site);
        return;
    }
    bool taken = wishes_ask(s->wishes, what, number, WISH_FROM_SHELL, text, sizeof text);
    snprintf(answer, n, "%s %s\n", taken ? "ok" : "no", text);
}

static void serve_one(struct command_socket *s, int fd)
{
    char line[REQUEST_MAX], answer[ANSWER_MAX];
    be_patient(fd);
    if (!peer_is_us(fd))
        return;
    if (!read_line(fd, line, sizeof line))
        return;
    obey(s, line, answer, sizeof answer);
    write_all(fd, answer);
}

static void *thread_main(void *ctx)
{
    struct command_socket *s = ctx;
    struct pollfd p[] = {{.fd = s->bell, .events = POLLIN}, {.fd = s->listener, .events = POLLIN}};
    pthread_setname_np(pthread_self(), "seccm-commands");
    for (;;) {
        if (poll(p, 2, -1) < 0 && errno != EINTR)
            return NULL;
        if (p[0].revents)
            return NULL;
        int fd = p[1].revents ? accept4(s->listener, NULL, NULL, SOCK_CLOEXEC) : -1;
        if (fd < 0)
            continue;
        serve_one(s, fd);
        close(fd);
    }
}

/* --- life ---------------------------------------------------------------------------------------------- */

static bool make_folder(int k, struct err *e)
{
    char where[sizeof((struct sockaddr_un *)0)->sun_path];
    if (!folder(k, where, sizeof where))
        return err_set(e, ERR_IO, "no folder for the command socket");
    if (mkdir(where, 0700) != 0 && errno != EEXIST)
        return err_errno(e, ERR_IO, errno, "`%s`", where);
    return folder_is_private(where, e);
}

/* A socket left behind by a run that was killed is in the way: this process holds the file's lock, so nobody
 * listens there. */
static bool listen_in(struct command_socket *s, int k, const char *run_id, const char *results_path,
                      struct err *e)
{
    if (!make_folder(k, e) || !address(k, run_id, results_path, &s->at, e))
        return false;
    unlink(s->at.sun_path);
    s->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (s->listener >= 0 && bind(s->listener, (struct sockaddr *)&s->at, sizeof s->at) == 0 &&
        listen(s->listener, 8) == 0)
        return true;
    err_errno(e, ERR_IO, errno, "`%s`", s->at.sun_path);
    if (s->listener >= 0)
        close(s->listener);
    s->listener = -1;
    return false;
}

/* Signals are the main thread's. */
static int start_thread(struct command_socket *s)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int code = pthread_create(&s->thread, NULL, thread_main, s);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code;
}

struct command_socket *command_socket_start(const char *run_id, const char *results_path, struct wishes *w,
                                            struct err *e)
{
    struct command_socket *s = xcalloc(1, sizeof *s);
    s->wishes = w;
    s->listener = s->bell = -1;
    bool ok = false;
    for (int k = 0; k < FOLDERS && !ok; k++) {
        err_clear(e);
        ok = listen_in(s, k, run_id, results_path, e);
    }
    if (ok) {
        s->bell = eventfd(0, EFD_CLOEXEC);
        int code = s->bell < 0 ? errno : start_thread(s);
        if (code == 0)
            return s;
        err_errno(e, ERR_IO, code, "command socket");
        unlink(s->at.sun_path);
        close(s->listener);
        if (s->bell >= 0)
            close(s->bell);
    }
    free(s);
    return NULL;
}

const char *command_socket_path(const struct command_socket *s)
{
    return s ? s->at.sun_path : "";
}

void command_socket_stop(struct command_socket *s)
{
    uint64_t one = 1;
    if (!s)
        return;
    while (write(s->bell, &one, sizeof one) < 0 && errno == EINTR)
        ;
    pthread_join(s->thread, NULL);
    unlink(s->at.sun_path);
    close(s->listener);
    close(s->bell);
    free(s);
}

/* --- asking -------------------------------------------------------------------------------------------- */

static int connect_to(const struct sockaddr_un *at)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    be_patient(fd);
    if (connect(fd, (const struct sockaddr *)at, sizeof *at) == 0)
        return fd;
    close(fd);
    return -1;
}

/* Where the run itself says that it listens: from sudo, su and cron the folders are others. */
static int reach_recorded(const char *results_path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    struct err ignored = ERR_INIT;
    struct results *r = results_open(results_path, &ignored);
    if (!r)
        return -1;
    char *where = results_info(r, COMMAND_SOCKET_INFO);
    size_t n = strlen(where);
    bool fits = n > 0 && n < sizeof at.sun_path;
    if (fits)
        memcpy(at.sun_path, where, n + 1);
    free(where);
    results_close(r, &ignored);
    return fits ? connect_to(&at) : -1;
}

static int reach(const char *run_id, const char *results_path, struct err *e)
{
    struct sockaddr_un at;
    for (int k = 0; k < FOLDERS; k++) {
        char where[sizeof at.sun_path];
        struct err why = ERR_INIT;
        if (!folder(k, where, sizeof where) || !folder_is_private(where, &why) ||
            !address(k, run_id, results_path, &at, &why))
            continue;
        int fd = connect_to(&at);
        if (fd >= 0)
            return fd;
    }
    int fd = reach_recorded(results_path);
    if (fd >= 0)
        return fd;
    err_set(e, ERR_INPUT, "no run of %s listens here", results_path);
    return -1;
}

bool command_socket_ask(const char *run_id, const char *results_path, const char *line, bool *taken,
                        char *text, size_t n, struct err *e)
{
    char answer[ANSWER_MAX];
    struct buf b = {0};
    struct stat file = {.st_uid = geteuid()};
    stat(results_path, &file);
    int fd = reach(run_id, results_path, e);
    if (fd < 0)
        return false;
    buf_printf(&b, "%s\n", line);
    bool ok = peer_is_the_run(fd, file.st_uid) && write_all(fd, b.p) &&
              read_line(fd, answer, sizeof answer) && strlen(answer) > 3;
    buf_free(&b);
    close(fd);
    if (!ok)
        return err_set(e, ERR_SILENT, "the run of %s does not answer", results_path);
    *taken = !strncmp(answer, "ok ", 3);
    snprintf(text, n, "%s", answer + 3);
    return true;
}
