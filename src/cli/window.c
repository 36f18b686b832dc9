/* Windows of time. */
#include "cli/window.h"

#include <math.h>
#include <stddef.h>

static bool read_bound(const char *text, const char *option, struct wallclock *out, bool *given,
                       struct err *e)
{
    *given = text && *text;
    return !*given || wallclock_parse(text, out, e) || err_context(e, "--%s", option);
}

bool window_read(const char *not_before, const char *not_after, double added, bool utc, struct window *out,
                 struct err *e)
{
    struct window w = {.opens = -INFINITY, .closes = INFINITY, .utc = utc};
    bool from, to;
    if (!read_bound(not_before, "not-before", &w.from, &from, e) ||
        !read_bound(not_after, "not-after", &w.to, &to, e))
        return false;
    if (from && to && !w.from.year != !w.to.year)
        return err_set(
            e, ERR_INPUT,
            "--not-before %s and --not-after %s: give both as times of day (a window of every day) or "
            "both with a date",
            not_before, not_after);
    w.daily = from && to && !w.from.year;
    if (from)
        w.opens = wallclock_next(&w.from, added, utc);
    if (to)
        w.closes = wallclock_next(&w.to, added, utc);
    bool empty = w.daily ? w.from.hour == w.to.hour && w.from.minute == w.to.minute : w.opens >= w.closes;
    if (empty)
        return err_set(e, ERR_INPUT, "the window from %s to %s is empty", not_before, not_after);
    *out = w;
    return true;
}

/* Of every day: whichever bound comes next tells where now is. */
static struct window_now look_daily(const struct window *w, double now)
{
    double from = wallclock_next(&w->from, now, w->utc), to = wallclock_next(&w->to, now, w->utc);
    if (to < from)
        return (struct window_now){WINDOW_OPEN, now, to};
    return (struct window_now){WINDOW_BEFORE, from, wallclock_next(&w->to, from, w->utc)};
}

struct window_now window_look(const struct window *w, double now)
{
    if (w->daily)
        return look_daily(w, now);
    struct window_now at = {WINDOW_OPEN, w->opens, w->closes};
    if (now >= w->closes)
        at.state = WINDOW_OVER;
    else if (now < w->opens)
        at.state = WINDOW_BEFORE;
    return at;
}
