/* Local clock times as people write them, "06:30" or "2026-11-23 06:30". The operating system's clock itself
 * is asked in base/loop.c only; here is the arithmetic of the time zone. */
#ifndef SECCM_BASE_WALLCLOCK_H
#define SECCM_BASE_WALLCLOCK_H

#include <stdbool.h>

#include "base/err.h"

/* year 0: no date was given, every day has this time. */
struct wallclock {
    int year, month, day, hour, minute;
};

/* ERR_INPUT says what is wanted. *out is set on success only. */
bool wallclock_parse(const char *text, struct wallclock *out, struct err *e);
/* Seconds since 1970-01-01T00:00Z of that date, or of the next such time of day after `now` (the same unit).
 * `utc`: the time is not local but universal, for virtual runs, which must not depend on where they are made.
 * A time of day that a change of the clock leaves out is taken as long after midnight as it would have been.
 */
double wallclock_next(const struct wallclock *w, double now, bool utc);
/* "06:30", with the weekday in front if it is another day than that of `now` ("Mon 06:30"), with the date if
 * it is a week or more away. Returns text. */
const char *wallclock_show(double t, double now, bool utc, char text[40]);
/* "2026-11-23 06:30", the whole minute that has begun: what wallclock_parse() reads. Returns text. */
const char *wallclock_text(double t, bool utc, char text[40]);

#endif
