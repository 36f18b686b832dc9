/* Forking the guardian, beating to it, and noticing when it is gone. */
#include "run/guardian.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run/guardian_log.h"
#include "run/guardian_watch.h"

/* How long a guardian that was dismissed or ordered may take (ms, ns; real time). */
#define LEAVE_MS    3000
#define ANSWER_TIME (20 * NS_S)

struct guardian {
    pid_t pid;
    int socket;
    char *log_path;    /* NULL: nothing was handed over yet */
    int log;           /* while this or the guardian's copy is open the log is locked */
    struct loop *loop; /* NULL: not beating */
    struct timer wake;
    ns_t patience;          /* silence that it bears; real time */
    ns_t interval, silence; /* loop's time */
    ns_t beat_at, next;     /* newest beat, next one */
    ns_t longest;           /* real time */
    uint32_t said, answered;
    ns_t unanswered_since;
    bool lost;
    char why[160];
};

/* --- the child ----------------------------------------------------------------------------------------- */

static bool kill_run(void *ctx)
{
    return pidfd_send_signal(*(int *)ctx, SIGKILL, NULL, 0) == 0;
}

/* What is pressed or closed in the run's terminal is the run's affair. */
static void be_deaf_to_signals(void)
{
    static const int which[] = {SIGINT,  SIGTERM, SIGHUP,  SIGQUIT, SIGPIPE, SIGTSTP,
                                SIGTTIN, SIGTTOU, SIGUSR1, SIGUSR2, SIGALRM, SIGXFSZ};
    sigset_t none;
    for (size_t k = 0; k < sizeof which / sizeof which[0]; k++)
        signal(which[k], SIG_IGN);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Keeps its socket, the run's pidfd and stderr; lets go of everything else that was inherited. */
static void drop_inheritance(int *socket, int *run)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; null >= 0 && fd < 2; fd++)
        dup2(null, fd);
    /* Both to numbers above all that were open, then down to 3 and 4. */
    int s = fcntl(*socket, F_DUPFD_CLOEXEC, 5), r = fcntl(*run, F_DUPFD_CLOEXEC, 5);
    if (s < 0 || r < 0)
        return;
    *socket = dup3(s, 3, O_CLOEXEC);
    *run = dup3(r, 4, O_CLOEXEC);
    close_range(5, ~0U, 0);
    malloc_trim(0);
}

static void live(int socket, int run, pid_t pid, ns_t silence)
{
    struct err e = ERR_INIT;
    int status = 3;
    setsid();
    be_deaf_to_signals();
    drop_inheritance(&socket, &run);
    prctl(PR_SET_NAME, "seccm-guardian");
    struct loop *l = loop_new(LOOP_REAL, 1, &e);
    if (l) {
        const struct guardian_post post = {.loop = l,
                                           .socket = socket,
                                           .run = run,
                                           .end_run = kill_run,
                                           .ctx = &run,
                                           .pid = pid,
                                           .tell = STDERR_FILENO,
                                           .silence = silence};
        status = guardian_watch(&post);
    }
    _exit(status); /* what stands in the buffers of stdio is the run's */
}

/* --- start --------------------------------------------------------------------------------------------- */

/* The pidfd is made before the fork: a number can be given to another process, this descriptor can not. */
static bool fork_guardian(struct guardian *g, struct err *e)
{
    int pair[2], self = pidfd_open(getpid(), 0);
    sigset_t all, before;
    if (self < 0)
        return err_errno(e, ERR_IO, errno, "pidfd_open");
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
        close(self);
        return err_errno(e, ERR_IO, errno, "socketpair");
    }
    pid_t run = getpid();
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    pid_t pid = fork();
    if (pid == 0) {
        close(pair[0]);
        live(pair[1], self, run, g->patience);
    }
    int number = errno;
    sigprocmask(SIG_SETMASK, &before, NULL);
    close(pair[1]);
    close(self);
    if (pid < 0) {
        close(pair[0]);
        return err_errno(e, ERR_IO, number, "fork");
    }
    g->pid = pid;
    g->socket = pair[0];
    return true;
}

struct guardian *guardian_start(ns_t silence, struct err *e)
{
    struct guardian *g = xcalloc(1, sizeof *g);
    g->patience = silence;
    if (fork_guardian(g, e))
        return g;
    err_context(e, "the guardian process");
    free(g);
    return NULL;
}

long guardian_pid(const struct guardian *g)
{
    return g->pid;
}

double guardian_patience(const struct guardian *g)
{
    return ns_to_s(g->patience);
}

/* --- beats --------------------------------------------------------------------------------------------- */

static void lose(struct guardian *g, const char *why)
{
    if (g->lost)
        return;
    g->lost = true;
    snprintf(g->why, sizeof g->why, "the guardian (process %ld) %s", (long)g->pid, why);
}

static void hear_answers(struct guardian *g, ns_t now)
{
    struct guardian_message m;
    struct guardian_descriptors d;
    enum guardian_heard heard;
    while ((heard = guardian_hear(g->socket, &m, &d)) == HEARD_MESSAGE) {
        guardian_close_descriptors(&d);
        g->answered = m.number;
    }
    if (heard == HEARD_END)
        lose(g, "is gone");
    if (g->answered == g->said)
        g->unanswered_since = now;
    else if (now - g->unanswered_since > g->silence)
        lose(g, "does not answer");
}

static void wake_up(void *ctx)
{
    (void)ctx; /* the hook runs whenever the loop is awake */
}

/* Beats go on to a guardian that seemed lost: if it was only held up it must not take over from a living run.
 * What was said is remembered before anything else is: an answer proves that it was heard. */
static void beat(void *ctx)
{
    struct guardian *g = ctx;
    ns_t now = loop_now(g->loop);
    if (now < g->next)
        return;
    /* Both were stopped, or the machine slept: the guardian had no time to answer either. */
    if (now - g->beat_at > g->silence)
        g->unanswered_since = now;
    hear_answers(g, now);
    ns_t silence = (ns_t)((double)(now - g->beat_at) / loop_speed(g->loop));
    if (silence > g->longest)
        g->longest = silence;
    g->beat_at = now;
    if (guardian_say(g->socket, GUARDIAN_BEAT, g->said + 1))
        g->said++;
    else if (errno != EAGAIN && errno != EWOULDBLOCK)
        lose(g, "is gone");
    g->next = now + g->interval;
    timer_set(g->loop, &g->wake, g->next, wake_up, g);
}

double guardian_longest_silence(const struct guardian *g)
{
    return ns_to_s(g->longest);
}

bool guardian_on_watch(struct guardian *g, struct err *e)
{
    return !g || !g->lost ||
           err_set(e, ERR_LIMIT, "%s: nothing goes down without it; resuming starts another", g->why);
}

/* --- orders -------------------------------------------------------------------------------------------- */

/* Only a log that was made here is removed in the end. */
static bool make_log(struct guardian *g, const struct loop *l, const char *results_path, struct err *e)
{
    char text[120];
    struct buf line = {0};
    if (g->log_path)
        return true;
    char *path = guardian_log_path(results_path);
    int fd = guardian_log_create(path, e);
    if (fd < 0) {
        free(path);
        return false;
    }
    g->log = fd;
    g->log_path = path;
    snprintf(text, sizeof text, "process %ld " GUARDIAN_ON_WATCH " over process %ld", (long)g->pid,
             (long)getpid());
    guardian_log_line(&line, l, text);
    bool ok = write(fd, line.p, line.n) == (ssize_t)line.n ||
              err_errno(e, ERR_IO, errno, "the guardian's log %s", path);
    buf_free(&line);
    return ok;
}

/* Begins to beat, and waits until the order is understood. */
static bool begin(struct guardian *g, struct loop *l, struct err *e)
{
    ns_t now = loop_now(l);
    bool first = !g->loop;
    g->loop = l;
    g->interval = (ns_t)((double)GUARDIAN_BEAT_INTERVAL * loop_speed(l));
    g->silence = (ns_t)((double)g->patience * loop_speed(l));
    g->beat_at = g->next = g->unanswered_since = now;
    if (first)
        loop_on_pump(l, beat, g);
    ns_t deadline = now + (ns_t)((double)ANSWER_TIME * loop_speed(l));
    uint32_t order = g->said;
    while (!g->lost && g->answered < order && loop_now(l) < deadline) {
        loop_sleep_until(l, loop_now(l) + g->interval / 10);
        hear_answers(g, loop_now(l));
    }
    if (g->answered >= order)
        return true;
    lose(g, "does not answer");
    return err_set(e, ERR_IO, "%s", g->why);
}

bool guardian_protect(struct guardian *g, struct rig *rig, const char *results_path, struct err *e)
{
    struct guardian_order o = {0};
    struct guardian_descriptors d = {-1, {-1, -1}};
    if (!make_log(g, rig->loop, results_path, e))
        return false;
    d.log = g->log;
    guardian_order_make(rig, &o, &d);
    if (!guardian_give_order(g->socket, g->said + 1, &o, &d)) {
        int number = errno;
        if (number == EPIPE || number == ECONNRESET || number == ECONNREFUSED)
            lose(g, "is gone");
        return err_errno(e, ERR_IO, number, "orders to the guardian");
    }
    g->said++;
    return begin(g, rig->loop, e);
}

/* --- end ----------------------------------------------------------------------------------------------- */

/* True once its end of the socket is closed. */
static bool has_left(int socket)
{
    struct guardian_message m;
    struct guardian_descriptors d;
    enum guardian_heard heard;
    for (;;) {
        struct pollfd p = {.fd = socket, .events = POLLIN};
        while ((heard = guardian_hear(socket, &m, &d)) == HEARD_MESSAGE)
            guardian_close_descriptors(&d);
        if (heard == HEARD_END)
            return true;
        int ready = poll(&p, 1, LEAVE_MS);
        if (ready == 0 || (ready < 0 && errno != EINTR))
            return false;
    }
}

void guardian_dismiss(struct guardian *g)
{
    if (g->socket < 0)
        return;
    if (g->loop) {
        timer_cancel(g->loop, &g->wake);
        loop_off_pump(g->loop, beat, g);
    }
    guardian_say(g->socket, GUARDIAN_GOODBYE, g->said + 1);
    /* Held up, it may not have read the goodbye: it must not find the socket closed and take over. */
    if (!has_left(g->socket))
        kill(g->pid, SIGKILL);
    while (waitpid(g->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    close(g->socket);
    g->socket = -1;
    if (g->log_path) {
        unlink(g->log_path);
        close(g->log);
    }
}

void guardian_free(struct guardian *g)
{
    if (!g)
        return;
    guardian_dismiss(g);
    free(g->log_path);
    free(g);
}
