/* Local clock times. */
#include "base/wallclock.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define DAY_S 86400.0

/* Exactly two digits at p; -1 otherwise. */
static int two_digits(const char *p)
{
    if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9')
        return -1;
    return 10 * (p[0] - '0') + p[1] - '0';
}

static bool read_time(const char *text, struct wallclock *w)
{
    char padded[8];
    size_t n = strlen(text);
    if (n != 4 && n != 5)
        return false;
    snprintf(padded, sizeof padded, "%s%s", n == 4 ? "0" : "", text);
    w->hour = two_digits(padded);
    w->minute = two_digits(padded + 3);
    return padded[2] == ':' && w->hour >= 0 && w->hour < 24 && w->minute >= 0 && w->minute < 60;
}

static int days_of(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

/* "2026-11-23", ten characters. */
static bool read_date(const char *text, struct wallclock *w)
{
    int century = two_digits(text), rest = century < 0 ? -1 : two_digits(text + 2);
    if (rest < 0 || text[4] != '-' || (w->month = two_digits(text + 5)) < 1 || text[7] != '-' ||
        (w->day = two_digits(text + 8)) < 1)
        return false;
    w->year = 100 * century + rest;
    return w->year >= 1970 && w->month <= 12 && w->day <= days_of(w->year, w->month);
}

bool wallclock_parse(const char *text, struct wallclock *out, struct err *e)
{
    struct wallclock w = {0};
    bool dated = strlen(text) > 11 && (text[10] == ' ' || text[10] == 'T');
    if ((dated && !read_date(text, &w)) || !read_time(dated ? text + 11 : text, &w))
        return err_set(e, ERR_INPUT,
                       "`%.40s` is no clock time: \"06:30\" or \"2026-11-23 06:30\" is wanted, 24 hours, "
                       "local time",
                       text);
    *out = w;
    return true;
}

static double epoch_of(struct tm *tm, bool utc)
{
    tm->tm_isdst = -1;
    return (double)(utc ? timegm(tm) : mktime(tm));
}

static struct tm broken_down(double t, bool utc)
{
    struct tm tm = {0};
    time_t whole = (time_t)floor(t);
    if (utc)
        gmtime_r(&whole, &tm);
    else
        localtime_r(&whole, &tm);
    return tm;
}

double wallclock_next(const struct wallclock *w, double now, bool utc)
{
    struct tm tm = broken_down(now, utc);
    if (w->year) {
        tm = (struct tm){.tm_year = w->year - 1900, .tm_mon = w->month - 1, .tm_mday = w->day};
    }
    tm.tm_hour = w->hour;
    tm.tm_min = w->minute;
    tm.tm_sec = 0;
    struct tm first = tm;
    double t = epoch_of(&first, utc);
    if (w->year || t > now)
        return t;
    tm.tm_mday++;
    return epoch_of(&tm, utc);
}

const char *wallclock_show(double t, double now, bool utc, char text[40])
{
    struct tm at = broken_down(t, utc), today = broken_down(now, utc);
    bool same_day = at.tm_year == today.tm_year && at.tm_yday == today.tm_yday;
    bool this_week = fabs(t - now) < 6.5 * DAY_S;
    strftime(text, 40, same_day ? "%H:%M" : this_week ? "%a %H:%M" : "%Y-%m-%d %H:%M", &at);
    return text;
}

const char *wallclock_text(double t, bool utc, char text[40])
{
    struct tm at = broken_down(t, utc);
    strftime(text, 40, "%Y-%m-%d %H:%M", &at);
    return text;
}
