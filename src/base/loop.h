/* Time and waiting. The only place that asks the operating system for time and the only one that waits.
 *
 *   real     1 s is 1 s
 *   scaled   k times faster than real, for demonstrations and tests over ptys
 *   virtual  time jumps to the next timer when nothing is ready; deterministic
 *
 * Times are int64 nanoseconds of experiment time since the loop was made (never wall-clock time; for
 * that see loop_utc()). Timers with equal times run in the order they were set.
 * Virtual time stands still while a hold is outstanding (an awaited completion of another thread).
 *
 * One thread owns the loop. The functions below are for it alone, but for loop_post() and loop_release(),
 * which any thread may call. Callbacks must not wait. */
#ifndef SECCM_BASE_LOOP_H
#define SECCM_BASE_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

typedef int64_t ns_t;

#define NS_S     ((ns_t)1000000000)
#define NS_MS    ((ns_t)1000000)
#define NS_US    ((ns_t)1000)
#define NS_NEVER INT64_MAX

/* Seconds (double) to nanoseconds and back. */
static inline ns_t ns_from_s(double s)
{
    return s >= 9.2e9 ? NS_NEVER : (ns_t)(s * 1e9 + (s < 0 ? -0.5 : 0.5));
}
static inline double ns_to_s(ns_t t)
{
    return (double)t * 1e-9;
}

enum loop_mode { LOOP_REAL, LOOP_SCALED, LOOP_VIRTUAL };

struct loop;

/* A sticky flag that callbacks set and the owner of the loop waits for and clears. Plain data. */
struct event {
    bool set;
};

/* `speed` is used by LOOP_SCALED only (experiment seconds per real second, > 0). */
struct loop *loop_new(enum loop_mode mode, double speed, struct err *e);
void loop_free(struct loop *l);
/* Before the first timer: time goes on from t instead of 0 (a run that is continued). */
void loop_begin_at(struct loop *l, ns_t t);
enum loop_mode loop_mode(const struct loop *l);
double loop_speed(const struct loop *l);
/* How long a reply or an arrival may take that is expected within `t` of experiment time. The operating
 * system schedules processes in real time whatever the speed: in scaled mode faster than real a deadline is
 * stretched to as much real time as it would have at speed 1. Otherwise t. */
ns_t loop_patience(const struct loop *l, ns_t t);
/* Experiment time now. In virtual mode it changes only inside loop_wait*(). For a timer's fn it is the time
 * that the timer was set for, however late it runs: a schedule that has fallen behind is worked off as it was
 * meant, in order. */
ns_t loop_now(const struct loop *l);
/* Coordinated universal time as ISO 8601 with milliseconds into text[32]; in virtual mode it is a fixed
 * epoch (2000-01-01T00:00:00Z) + loop_now(), so that virtual runs are reproducible. */
void loop_utc(const struct loop *l, char text[32]);
/* The same as seconds since 1970-01-01T00:00Z. Wall-clock seconds: in scaled mode they pass as in real mode.
 */
double loop_epoch(const struct loop *l);
/* Without a loop: what the operating system's clock says now, for what is told before a run. */
double clock_epoch(void);
/* The machine's clocks at one instant, for noticing what befalls them: in virtual mode all three go with
 * loop_now(). Real nanoseconds, whatever the speed. */
struct clocks {
    ns_t awake; /* CLOCK_MONOTONIC: stands still while the machine is suspended, goes on while we are stopped
                 */
    ns_t boot;  /* CLOCK_BOOTTIME: never stands still */
    ns_t wall;  /* CLOCK_REALTIME: since 1970-01-01T00:00Z; may be set by anybody at any time */
};
struct clocks loop_clocks(const struct loop *l);
/* For tests: the wall clock as this loop sees it is set by `by`; the machine was suspended for `t`. */
void loop_set_wall(struct loop *l, ns_t by);
void loop_suspend(struct loop *l, ns_t t);
/* Experiment time goes on by t at once: the machine slept, the experiment did not. What was due meanwhile is
 * worked off as it was meant. Not from inside of a callback of a timer. */
void loop_skip(struct loop *l, ns_t t);
#define LOOP_VIRTUAL_EPOCH 946684800.0 /* 2000-01-01T00:00Z, where virtual time begins */

/* Timers: one-shot. `timer` is caller-owned storage, zero-initialised before first use; setting a set timer
 * moves it; cancelling an unset one does nothing. fn runs inside loop_wait*() with the timer already unset.
 */
struct timer {
    ns_t at;
    uint64_t order;
    int slot; /* heap position + 1; 0 = not set */
    void (*fn)(void *ctx);
    void *ctx;
};
void timer_set(struct loop *l, struct timer *t, ns_t at, void (*fn)(void *ctx), void *ctx);
void timer_cancel(struct loop *l, struct timer *t);

/* File descriptors: fn(ctx, revents) runs inside loop_wait*() when poll(2) reports `events` (or an error).
 * `watch` is caller-owned storage, zero-initialised before first use. Not allowed to change time in virtual
 * mode: descriptors ready are served before time jumps. */
struct watch {
    int fd;
    short events;
    int slot; /* index + 1; 0 = not watched */
    void (*fn)(void *ctx, short revents);
    void *ctx;
};
void watch_set(struct loop *l, struct watch *w, int fd, short events, void (*fn)(void *ctx, short revents),
               void *ctx);
void watch_cancel(struct loop *l, struct watch *w);

/* Pumps the loop until one of the n events is set (returns its index; the lowest wins; does not clear it)
 * or `deadline` is reached (returns -1). An event already set returns at once after one non-blocking look at
 * timers and descriptors that are due. NULL entries are skipped. */
int loop_wait_any(struct loop *l, struct event *const *events, int n, ns_t deadline);
/* One event. true = set, false = deadline. */
bool loop_wait(struct loop *l, struct event *event, ns_t deadline);
/* Pumps until the deadline whatever happens. */
void loop_sleep_until(struct loop *l, ns_t deadline);

/* Holds: virtual time stands still between loop_hold() (owner) and loop_release() (any thread). */
void loop_hold(struct loop *l);
void loop_release(struct loop *l);
/* From any thread or an async-signal handler: wakes the loop, so that flags are looked at again. */
void loop_post(struct loop *l);
/* Called in the owner's thread once per pump, before events are looked at (for flags set by other threads
 * and signal handlers); at most 4. */
void loop_on_pump(struct loop *l, void (*fn)(void *ctx), void *ctx);
/* No more. Not from inside of a hook. */
void loop_off_pump(struct loop *l, void (*fn)(void *ctx), void *ctx);

#endif
