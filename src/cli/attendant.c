/* Once a second: log, people, systemd. */
#include "cli/attendant.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "cli/event_log.h"

#define LOOK_EVERY_MS 1000

struct attendant {
    struct snapshot *snapshot;
    struct event_log *log;
    struct notify *notify;
    struct notify_memory memory;
    struct notify_seen seen[NOTIFY_EVENTS];
    uint64_t newest_event;
    struct snapshot_event event[SNAPSHOT_EVENTS];
    const char *systemd;               /* NOTIFY_SOCKET, NULL = none */
    char fault_title[64], fault[1024]; /* behind the end, "" = none; the main thread's */
    uint64_t alive;                    /* version of the status at the last look */
    bool ready;
    int bell, every_ms;
    pthread_t thread;
};

bool attendant_wanted(const struct attendant_options *o)
{
    return o->log || o->notify.command || o->notify.url || getenv("NOTIFY_SOCKET");
}

/* --- systemd ---------------------------------------------------------------------------------------------
 */

/* One datagram; a path, or an abstract name that begins with @. Nobody is waited for. */
static void tell_systemd(const struct attendant *a, const char *text)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    size_t n = a->systemd ? strlen(a->systemd) : 0;
    if (n == 0 || n >= sizeof at.sun_path)
        return;
    memcpy(at.sun_path, a->systemd, n);
    if (at.sun_path[0] == '@')
        at.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return;
    sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&at,
           (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n));
    close(fd);
}

static void look_for_systemd(struct attendant *a, const struct snapshot_status *now, uint64_t version)
{
    char text[200];
    if (!a->systemd)
        return;
    bool alive = version != a->alive || now->ended;
    a->alive = version;
    snprintf(text, sizeof text, "%s%sSTATUS=%s: %d of %d sites done, %d measured\n",
             a->ready ? "" : "READY=1\n", alive ? "WATCHDOG=1\n" : "", now->state, now->planned - now->left,
             now->planned, now->by_outcome[OUTCOME_MEASURED]);
    a->ready = true;
    tell_systemd(a, text);
}

/* --- people ----------------------------------------------------------------------------------------------
 */

static void count_events(struct attendant *a)
{
    int n;
    snapshot_events(a->snapshot, a->event, &n);
    for (int k = 0; k < n; k++) {
        const struct snapshot_event *ev = &a->event[k];
        enum notify_event sort;
        if (ev->number <= a->newest_event || !notify_sort(ev->kind, ev->text, &sort))
            continue;
        a->seen[sort].n++;
        snprintf(a->seen[sort].text, sizeof a->seen[sort].text, "%s", ev->text);
    }
    if (n > 0)
        a->newest_event = a->event[n - 1].number;
}

static void look_for_people(struct attendant *a, const struct snapshot_status *now)
{
    char title[64], text[400];
    if (!a->notify)
        return;
    count_events(a);
    enum notify_kind kind = notify_look(&a->memory, now, a->seen, title, text);
    if (kind != NOTIFY_NONE)
        notify_tell(a->notify, kind, now, title, text);
}

/* --- life ---------------------------------------------------------------------------------------------- */

static void look(struct attendant *a)
{
    struct snapshot_status now;
    uint64_t version = snapshot_status(a->snapshot, &now);
    look_for_systemd(a, &now, version);
    if (a->log)
        event_log_look(a->log, a->snapshot);
    look_for_people(a, &now);
}

static void *thread_main(void *ctx)
{
    struct attendant *a = ctx;
    struct pollfd p = {.fd = a->bell, .events = POLLIN};
    pthread_setname_np(pthread_self(), "seccm-attendant");
    do
        look(a);
    while (poll(&p, 1, a->every_ms) == 0 || (p.revents == 0 && errno == EINTR));
    look(a);
    return NULL;
}

static void free_all(struct attendant *a)
{
    event_log_close(a->log);
    notify_free(a->notify);
    if (a->bell >= 0)
        close(a->bell);
    free(a);
}

/* Signals are the main thread's. */
static int start_thread(struct attendant *a)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int code = pthread_create(&a->thread, NULL, thread_main, a);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code;
}

struct attendant *attendant_start(const struct attendant_options *o, const char *run, const char *file,
                                  struct snapshot *s, struct err *e)
{
    struct attendant *a = xcalloc(1, sizeof *a);
    bool people = o->notify.command || o->notify.url;
    a->snapshot = s;
    a->every_ms = o->every_ms > 0 ? o->every_ms : LOOK_EVERY_MS;
    a->systemd = getenv("NOTIFY_SOCKET");
    a->bell = eventfd(0, EFD_CLOEXEC);
    bool ok = a->bell >= 0 || err_errno(e, ERR_IO, errno, "eventfd");
    ok = ok && (!people || (a->notify = notify_start(&o->notify, run, file, e)));
    ok = ok && (!o->log || (a->log = event_log_open(o->log, e)));
    int code = ok ? start_thread(a) : 0;
    if (ok && code == 0)
        return a;
    if (code != 0)
        err_errno(e, ERR_IO, code, "the attendant's thread");
    free_all(a);
    return NULL;
}

void attendant_fault(struct attendant *a, const char *title, const char *text)
{
    snprintf(a->fault_title, sizeof a->fault_title, "%s", title);
    snprintf(a->fault, sizeof a->fault, "%s", text);
}

/* The thread has ended. */
static void tell_fault(struct attendant *a)
{
    struct snapshot_status now;
    snapshot_status(a->snapshot, &now);
    if (a->notify && *a->fault)
        notify_tell(a->notify, NOTIFY_FAULT, &now, a->fault_title, a->fault);
}

void attendant_stop(struct attendant *a)
{
    uint64_t one = 1;
    if (!a)
        return;
    tell_systemd(a, "STOPPING=1\n");
    while (write(a->bell, &one, sizeof one) < 0 && errno == EINTR)
        ;
    pthread_join(a->thread, NULL);
    tell_fault(a);
    free_all(a);
}
