/* The operator's wishes, as atomic flags. */
#include "run/wish.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

struct wishes {
    struct loop *loop;
    const volatile sig_atomic_t *signal;
    atomic_bool pause, paused, stop, rung;
    atomic_int skip; /* number of the site to be skipped, so that a late wish can not hit the next one */
    atomic_int site; /* under way, 0 = between sites */
    atomic_int from; /* of the newest wish: enum wish_from */
    struct event event;
};

static const char *const names[WISH_COUNT] = {"pause", "continue", "skip", "stop"};

const char *wish_name(enum wish w)
{
    return names[w];
}

bool wish_from_name(const char *name, enum wish *out)
{
    for (int k = 0; k < WISH_COUNT; k++)
        if (!strcmp(name, names[k])) {
            *out = (enum wish)k;
            return true;
        }
    return false;
}

static void on_pump(void *ctx)
{
    struct wishes *w = ctx;
    if (atomic_exchange(&w->rung, false) || (w->signal && *w->signal))
        w->event.set = true;
}

struct wishes *wishes_new(struct loop *l, const volatile sig_atomic_t *stop)
{
    struct wishes *w = xcalloc(1, sizeof *w);
    w->loop = l;
    w->signal = stop;
    loop_on_pump(l, on_pump, w);
    return w;
}

void wishes_free(struct wishes *w)
{
    free(w);
}

/* --- asking -------------------------------------------------------------------------------------------- */

static bool answer(bool taken, char *text, size_t n, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

static bool answer(bool taken, char *text, size_t n, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, n, fmt, args);
    va_end(args);
    return taken;
}

static bool ask_pause(struct wishes *w, char *text, size_t n)
{
    int site = atomic_load(&w->site);
    bool already = atomic_exchange(&w->pause, true);
    if (atomic_load(&w->paused))
        return answer(true, text, n, "the run is paused already");
    if (site == 0)
        return answer(true, text, n, "%sthe run pauses before the next site",
                      already ? "as asked before: " : "");
    return answer(true, text, n, "%sthe run pauses after site %d", already ? "as asked before: " : "", site);
}

static bool ask_continue(struct wishes *w, char *text, size_t n)
{
    if (!atomic_exchange(&w->pause, false))
        return answer(false, text, n, "the run is not paused");
    return answer(true, text, n,
                  atomic_load(&w->paused) ? "the run goes on" : "the run goes on without the pause");
}

static bool ask_skip(struct wishes *w, int site, char *text, size_t n)
{
    int now = atomic_load(&w->site);
    if (now == 0)
        return answer(false, text, n, "no site is under way: nothing to skip");
    if (site != 0 && site != now)
        return answer(false, text, n, "site %d is not under way (site %d is): nothing was skipped", site,
                      now);
    atomic_store(&w->skip, now);
    return answer(true, text, n, "site %d is skipped, unless it is over already", now);
}

bool wishes_ask(struct wishes *w, enum wish what, int site, enum wish_from from, char *text, size_t n)
{
    bool taken = true;
    atomic_store(&w->from, (int)from);
    switch (what) {
    case WISH_PAUSE:
        taken = ask_pause(w, text, n);
        break;
    case WISH_CONTINUE:
        taken = ask_continue(w, text, n);
        break;
    case WISH_SKIP:
        taken = ask_skip(w, site, text, n);
        break;
    case WISH_STOP:
        atomic_store(&w->stop, true);
        answer(
            true, text, n,
            "the run is to stop: it will halt the stage, open the cell, retract, and say whether it could be "
            "verified");
        break;
    case WISH_COUNT:
        return answer(false, text, n, "no such wish");
    }
    atomic_store(&w->rung, true);
    loop_post(w->loop);
    return taken;
}

struct wishes_state wishes_state(struct wishes *w)
{
    int skip = atomic_load(&w->skip);
    return (struct wishes_state){
        .pausing = atomic_load(&w->pause),
        .paused = atomic_load(&w->paused),
        .stopping = atomic_load(&w->stop),
        .skipping = skip == atomic_load(&w->site) ? skip : 0,
    };
}

/* --- the run thread ------------------------------------------------------------------------------------ */

void wishes_site(struct wishes *w, int site)
{
    if (w)
        atomic_store(&w->site, site);
}

bool wishes_wants_skip(struct wishes *w, int site)
{
    return w && site > 0 && atomic_load(&w->skip) == site;
}

bool wishes_wants_stop(struct wishes *w)
{
    return w && atomic_load(&w->stop);
}

bool wishes_wants_pause(struct wishes *w)
{
    return w && atomic_load(&w->pause);
}

void wishes_paused(struct wishes *w, bool paused)
{
    if (w)
        atomic_store(&w->paused, paused);
}

const char *wishes_from(struct wishes *w)
{
    if (!w)
        return "";
    return atomic_load(&w->from) == WISH_FROM_PAGE ? "from the web page" : "from the command line";
}

struct event *wishes_event(struct wishes *w)
{
    return w ? &w->event : NULL;
}
