/* Time and waiting: timers in a binary heap, descriptors by poll(2), and an eventfd that other threads ring.
 *
 * A wait is a sequence of pumps. One pump belongs to one instant and does, in this order: look whether
 * a hold is outstanding, run the hooks, look at the events, serve ready descriptors, run the timers that are
 * due (looking at the events after each, so that a waiter continues at the instant of its event).
 * Only then time moves: by blocking (real, scaled) or by jumping to the next timer (virtual).
 *
 * The hold is read before the hooks: a completion that arrives during the pump has cleared the hold after
 * setting its flag, and time must not jump before the hooks have seen that flag. Without descriptors a pump
 * of virtual time makes no system call: posts are seen by an atomic flag. */
#include "base/loop.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"

#define MAX_HOOKS        4
#define VIRTUAL_EPOCH_S  ((time_t)LOOP_VIRTUAL_EPOCH)
#define LONGEST_BLOCK_NS (3600 * NS_S)

struct hook {
    void (*fn)(void *ctx);
    void *ctx;
};

struct loop {
    enum loop_mode mode;
    double speed;
    ns_t start; /* CLOCK_MONOTONIC when the loop was made */
    ns_t now;   /* virtual mode */
    /* by tests: sum of what the wall clock was set by, and of how long the machine was suspended */
    ns_t wall_set, suspended;
    bool in_timer;
    ns_t served; /* time of the timer that runs now */

    struct timer **heap; /* earliest first, by (at, order) */
    int timers, heap_cap;
    uint64_t order; /* of the last timer set */

    /* polled[0] is the bell, polled[i + 1] belongs to watches[i]; a cancelled watch leaves NULL and fd -1
     * until the next poll, so that indices hold while callbacks run. */
    struct watch **watches;
    struct pollfd *polled;
    int watch_n, watch_cap, cancelled;

    int bell; /* eventfd */
    atomic_bool posted;
    atomic_int holds;
    struct hook hooks[MAX_HOOKS];
    int hook_n;
    bool waiting;
};

/* --- clock --------------------------------------------------------------------------------------------- */

static ns_t ask(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec * NS_S + t.tv_nsec;
}

static ns_t monotonic(void)
{
    return ask(CLOCK_MONOTONIC);
}

ns_t loop_now(const struct loop *l)
{
    if (l->in_timer)
        return l->served;
    switch (l->mode) {
    case LOOP_VIRTUAL:
        return l->now;
    case LOOP_SCALED:
        return (ns_t)((double)(monotonic() - l->start) * l->speed);
    case LOOP_REAL:
        break;
    }
    return monotonic() - l->start;
}

static ns_t wall_time(const struct loop *l)
{
    ns_t t = l->mode == LOOP_VIRTUAL ? VIRTUAL_EPOCH_S * NS_S + l->now + l->suspended : ask(CLOCK_REALTIME);
    return t + l->wall_set;
}

struct clocks loop_clocks(const struct loop *l)
{
    ns_t awake = l->mode == LOOP_VIRTUAL ? l->now : monotonic();
    ns_t boot = l->mode == LOOP_VIRTUAL ? l->now : ask(CLOCK_BOOTTIME);
    return (struct clocks){awake, boot + l->suspended, wall_time(l)};
}

void loop_set_wall(struct loop *l, ns_t by)
{
    l->wall_set += by;
}

void loop_suspend(struct loop *l, ns_t t)
{
    l->suspended += t;
}

void loop_skip(struct loop *l, ns_t t)
{
    assert(!l->in_timer);
    l->start -= (ns_t)((double)t / l->speed);
    if (l->mode == LOOP_VIRTUAL)
        l->now += t;
}

double loop_epoch(const struct loop *l)
{
    ns_t t = wall_time(l);
    return (double)(t / NS_S) + 1e-9 * (double)(t % NS_S);
}

double clock_epoch(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void loop_utc(const struct loop *l, char text[32])
{
    ns_t t = wall_time(l);
    time_t seconds = t / NS_S;
    struct tm tm;
    gmtime_r(&seconds, &tm);
    char day[24];
    strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(text, 32, "%s.%03dZ", day, (int)(t % NS_S / NS_MS));
}

void loop_begin_at(struct loop *l, ns_t t)
{
    assert(!l->timers);
    l->now = t;
    l->start = monotonic() - (ns_t)((double)t / l->speed);
}

enum loop_mode loop_mode(const struct loop *l)
{
    return l->mode;
}

double loop_speed(const struct loop *l)
{
    return l->speed;
}

ns_t loop_patience(const struct loop *l, ns_t t)
{
    if (l->mode != LOOP_SCALED || l->speed <= 1)
        return t;
    double stretched = (double)t * l->speed;
    return stretched >= (double)NS_NEVER ? NS_NEVER : (ns_t)stretched;
}

/* --- life ---------------------------------------------------------------------------------------------- */

struct loop *loop_new(enum loop_mode mode, double speed, struct err *e)
{
    if (mode == LOOP_SCALED && !(speed > 0 && isfinite(speed))) {
        err_set(e, ERR_USAGE, "speed %g: a positive number is wanted", speed);
        return NULL;
    }
    int bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (bell < 0) {
        err_errno(e, ERR_IO, errno, "eventfd");
        return NULL;
    }
    /* The kernel may otherwise delay each wake-up by 50 us. */
    if (mode != LOOP_VIRTUAL)
        prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
    struct loop *l = xcalloc(1, sizeof *l);
    l->mode = mode;
    l->speed = mode == LOOP_SCALED ? speed : 1;
    l->bell = bell;
    l->polled = xmalloc(sizeof *l->polled);
    l->polled[0] = (struct pollfd){.fd = bell, .events = POLLIN};
    l->start = monotonic();
    return l;
}

void loop_free(struct loop *l)
{
    if (!l)
        return;
    close(l->bell);
    free(l->heap);
    free(l->watches);
    free(l->polled);
    free(l);
}

/* --- timers -------------------------------------------------------------------------------------------- */

static bool earlier(const struct timer *a, const struct timer *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void put(struct loop *l, int i, struct timer *t)
{
    l->heap[i] = t;
    t->slot = i + 1;
}

/* Moves t, which belongs at or above place i, up to where it belongs. */
static void sift_up(struct loop *l, int i, struct timer *t)
{
    while (i > 0 && earlier(t, l->heap[(i - 1) / 2])) {
        put(l, i, l->heap[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    put(l, i, t);
}

static void sift_down(struct loop *l, int i, struct timer *t)
{
    for (;;) {
        int child = 2 * i + 1;
        if (child >= l->timers)
            break;
        if (child + 1 < l->timers && earlier(l->heap[child + 1], l->heap[child]))
            child++;
        if (!earlier(l->heap[child], t))
            break;
        put(l, i, l->heap[child]);
        i = child;
    }
    put(l, i, t);
}

static void settle(struct loop *l, int i, struct timer *t)
{
    if (i > 0 && earlier(t, l->heap[(i - 1) / 2]))
        sift_up(l, i, t);
    else
        sift_down(l, i, t);
}

void timer_set(struct loop *l, struct timer *t, ns_t at, void (*fn)(void *ctx), void *ctx)
{
    t->at = at;
    t->order = ++l->order;
    t->fn = fn;
    t->ctx = ctx;
    if (t->slot) {
        settle(l, t->slot - 1, t);
        return;
    }
    if (l->timers == l->heap_cap) {
        l->heap_cap = l->heap_cap ? 2 * l->heap_cap : 16;
        l->heap = xrealloc(l->heap, (size_t)l->heap_cap * sizeof(struct timer *));
    }
    l->timers++;
    sift_up(l, l->timers - 1, t);
}

void timer_cancel(struct loop *l, struct timer *t)
{
    if (!t->slot)
        return;
    int i = t->slot - 1;
    struct timer *last = l->heap[--l->timers];
    if (last != t)
        settle(l, i, last);
    t->slot = 0;
}

static ns_t next_timer(const struct loop *l)
{
    return l->timers ? l->heap[0]->at : NS_NEVER;
}

/* --- descriptors --------------------------------------------------------------------------------------- */

void watch_set(struct loop *l, struct watch *w, int fd, short events, void (*fn)(void *ctx, short revents),
               void *ctx)
{
    if (!w->slot) {
        if (l->watch_n == l->watch_cap) {
            l->watch_cap = l->watch_cap ? 2 * l->watch_cap : 8;
            l->watches = xrealloc(l->watches, (size_t)l->watch_cap * sizeof(struct watch *));
            l->polled = xrealloc(l->polled, ((size_t)l->watch_cap + 1) * sizeof(struct pollfd));
        }
        l->watches[l->watch_n++] = w;
        w->slot = l->watch_n;
    }
    w->fd = fd;
    w->events = events;
    w->fn = fn;
    w->ctx = ctx;
    /* revents = 0: what the last poll said about another descriptor is not passed on. */
    l->polled[w->slot] = (struct pollfd){.fd = fd, .events = events};
}

void watch_cancel(struct loop *l, struct watch *w)
{
    if (!w->slot)
        return;
    l->watches[w->slot - 1] = NULL;
    l->polled[w->slot] = (struct pollfd){.fd = -1};
    l->cancelled++;
    w->slot = 0;
}

static void close_gaps(struct loop *l)
{
    int kept = 0;
    for (int i = 0; i < l->watch_n; i++) {
        struct watch *w = l->watches[i];
        if (!w)
            continue;
        l->watches[kept] = w;
        w->slot = ++kept;
        l->polled[kept] = l->polled[i + 1];
    }
    l->watch_n = kept;
    l->cancelled = 0;
}

static void silence_bell(struct loop *l)
{
    uint64_t rings;
    while (read(l->bell, &rings, sizeof rings) < 0 && errno == EINTR)
        ;
}

/* Waits at most `timeout` real nanoseconds (NS_NEVER: no limit) for descriptors and the bell, and serves the
 * descriptors that are ready. True if any was served. */
static bool poll_descriptors(struct loop *l, ns_t timeout)
{
    if (l->cancelled)
        close_gaps(l);
    if (timeout > LONGEST_BLOCK_NS && timeout != NS_NEVER)
        timeout = LONGEST_BLOCK_NS;
    struct timespec t = {.tv_sec = timeout / NS_S, .tv_nsec = timeout % NS_S};
    int n = l->watch_n;
    int ready = ppoll(l->polled, (nfds_t)n + 1, timeout == NS_NEVER ? NULL : &t, NULL);
    if (ready <= 0) /* nothing, or a signal: flags are looked at again */
        return false;
    if (l->polled[0].revents)
        silence_bell(l);
    bool served = false;
    for (int i = 0; i < n; i++) {
        struct watch *w = l->watches[i];
        short revents = l->polled[i + 1].revents;
        if (!w || !revents)
            continue;
        l->polled[i + 1].revents = 0;
        served = true;
        w->fn(w->ctx, revents);
    }
    return served;
}

/* --- posts, holds, hooks ------------------------------------------------------------------------------- */

void loop_post(struct loop *l)
{
    if (atomic_exchange(&l->posted, true))
        return; /* somebody else's ring is on its way */
    int kept = errno;
    uint64_t one = 1;
    while (write(l->bell, &one, sizeof one) < 0 && errno == EINTR)
        ;
    errno = kept;
}

void loop_hold(struct loop *l)
{
    atomic_fetch_add(&l->holds, 1);
}

void loop_release(struct loop *l)
{
    int before = atomic_fetch_sub(&l->holds, 1);
    assert(before > 0);
    (void)before;
    loop_post(l);
}

void loop_on_pump(struct loop *l, void (*fn)(void *ctx), void *ctx)
{
    assert(l->hook_n < MAX_HOOKS);
    l->hooks[l->hook_n++] = (struct hook){fn, ctx};
}

void loop_off_pump(struct loop *l, void (*fn)(void *ctx), void *ctx)
{
    int kept = 0;
    for (int i = 0; i < l->hook_n; i++)
        if (l->hooks[i].fn != fn || l->hooks[i].ctx != ctx)
            l->hooks[kept++] = l->hooks[i];
    l->hook_n = kept;
}

/* --- waiting ------------------------------------------------------------------------------------------- */

static int first_set(struct event *const *events, int n)
{
    for (int i = 0; i < n; i++)
        if (events[i] && events[i]->set)
            return i;
    return -1;
}

/* Runs the timers due at `now`. Stops early with the index of an event when one is set, unless one was
 * already set at the start (`look` only). In real time, timers set by these callbacks are left for the next
 * pump, so that a schedule that has fallen behind can not starve the descriptors; in virtual time an instant
 * is worked off completely. */
static int run_due(struct loop *l, ns_t now, struct event *const *events, int n, bool look)
{
    uint64_t newest = l->mode == LOOP_VIRTUAL && !look ? UINT64_MAX : l->order;
    while (l->timers && l->heap[0]->at <= now && l->heap[0]->order <= newest) {
        struct timer *t = l->heap[0];
        timer_cancel(l, t);
        l->in_timer = true;
        l->served = t->at;
        t->fn(t->ctx);
        l->in_timer = false;
        int hit = look ? -1 : first_set(events, n);
        if (hit >= 0)
            return hit;
    }
    return -1;
}

/* Lets time pass up to `until` when nothing is ready; may return early. */
static void pass_time(struct loop *l, ns_t until, bool held)
{
    if (l->mode == LOOP_VIRTUAL && !held && until != NS_NEVER) {
        if (until > l->now)
            l->now = until;
        return;
    }
    ns_t wait = NS_NEVER;
    if (l->mode != LOOP_VIRTUAL && until != NS_NEVER) {
        double real = ceil((double)(until - loop_now(l)) / l->speed);
        wait = real <= 0 ? 0 : real >= (double)LONGEST_BLOCK_NS ? LONGEST_BLOCK_NS : (ns_t)real;
    }
    poll_descriptors(l, wait);
}

static void run_hooks(struct loop *l)
{
    for (int i = 0; i < l->hook_n; i++)
        l->hooks[i].fn(l->hooks[i].ctx);
}

/* The look that a wait for an event that is already set is owed. */
static int look_once(struct loop *l, struct event *const *events, int n)
{
    if (l->watch_n)
        poll_descriptors(l, 0);
    run_due(l, loop_now(l), events, n, true);
    return first_set(events, n);
}

static int wait_any(struct loop *l, struct event *const *events, int n, ns_t deadline)
{
    for (bool first = true;; first = false) {
        bool held = atomic_load(&l->holds) > 0;
        if (atomic_load(&l->posted))
            atomic_store(&l->posted, false);
        run_hooks(l);
        int hit = first_set(events, n);
        if (hit >= 0 && first)
            hit = look_once(l, events, n);
        if (hit >= 0)
            return hit;
        bool served = l->watch_n && poll_descriptors(l, 0);
        if (served && (hit = first_set(events, n)) >= 0)
            return hit;
        ns_t now = loop_now(l);
        hit = run_due(l, now, events, n, false);
        if (hit >= 0)
            return hit;
        if (now >= deadline)
            return -1;
        if (served || atomic_load(&l->posted))
            continue;
        ns_t next = next_timer(l);
        pass_time(l, next < deadline ? next : deadline, held);
    }
}

int loop_wait_any(struct loop *l, struct event *const *events, int n, ns_t deadline)
{
    assert(!l->waiting && "a callback must not wait");
    l->waiting = true;
    int hit = wait_any(l, events, n, deadline);
    l->waiting = false;
    return hit;
}

bool loop_wait(struct loop *l, struct event *event, ns_t deadline)
{
    return loop_wait_any(l, &event, 1, deadline) == 0;
}

void loop_sleep_until(struct loop *l, ns_t deadline)
{
    loop_wait_any(l, NULL, 0, deadline);
}
