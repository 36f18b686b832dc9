/* When an entry of the queue may be at work: from a clock time on, and until one.
 *
 * Two times of day are a window of every day ("22:00" to "06:30"); anything else happens once, and a time of
 * day is then the next one after the entry was added. Seconds are those since 1970-01-01T00:00Z. */
#ifndef SECCM_CLI_WINDOW_H
#define SECCM_CLI_WINDOW_H

#include "base/wallclock.h"

struct window {
    bool daily;
    struct wallclock from, to; /* daily */
    double opens, closes;      /* otherwise; -INFINITY, INFINITY = no such bound */
    bool utc;                  /* its clock shows universal time, as that of virtual runs does */
};

/* From the two texts (NULL or "" = no such bound), as of the time `added`. ERR_INPUT. */
bool window_read(const char *not_before, const char *not_after, double added, bool utc, struct window *out,
                 struct err *e);

struct window_now {
    enum { WINDOW_BEFORE, WINDOW_OPEN, WINDOW_OVER } state;
    double opens, closes; /* the opening that is going on, or comes next; when it is over: the last one's */
};
struct window_now window_look(const struct window *w, double now);

#endif
