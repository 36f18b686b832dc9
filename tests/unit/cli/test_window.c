/* When an entry of the queue may be at work. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "cli/window.h"

static double utc_of(const char *text)
{
    struct tm tm = {0};
    assert_non_null(strptime(text, "%Y-%m-%d %H:%M:%S", &tm));
    return (double)timegm(&tm);
}

static struct window window_of(const char *from, const char *to, const char *added)
{
    struct window w;
    struct err e = ERR_INIT;
    if (!window_read(from, to, utc_of(added), true, &w, &e))
        fail_msg("%s", e.text);
    return w;
}

static void check(const struct window *w, const char *now, int state, const char *opens, const char *closes)
{
    struct window_now at = window_look(w, utc_of(now));
    if ((int)at.state != state)
        fail_msg("%s: state %d", now, (int)at.state);
    if (opens)
        assert_true(at.opens == utc_of(opens));
    if (closes)
        assert_true(at.closes == utc_of(closes));
}

static void every_night(void **state)
{
    (void)state;
    struct window w = window_of("22:00", "06:30", "2026-11-22 12:00:00");
    assert_true(w.daily);
    check(&w, "2026-11-22 12:00:00", WINDOW_BEFORE, "2026-11-22 22:00:00", "2026-11-23 06:30:00");
    check(&w, "2026-11-22 22:00:00", WINDOW_OPEN, NULL, "2026-11-23 06:30:00");
    check(&w, "2026-11-23 00:00:00", WINDOW_OPEN, NULL, "2026-11-23 06:30:00");
    check(&w, "2026-11-23 06:29:59", WINDOW_OPEN, NULL, "2026-11-23 06:30:00");
    check(&w, "2026-11-23 06:30:00", WINDOW_BEFORE, "2026-11-23 22:00:00", "2026-11-24 06:30:00");
    check(&w, "2026-12-24 21:59:59", WINDOW_BEFORE, "2026-12-24 22:00:00", NULL);
}

static void every_day(void **state)
{
    (void)state;
    struct window w = window_of("09:00", "17:00", "2026-11-22 12:00:00");
    check(&w, "2026-11-22 12:00:00", WINDOW_OPEN, NULL, "2026-11-22 17:00:00");
    check(&w, "2026-11-22 17:00:00", WINDOW_BEFORE, "2026-11-23 09:00:00", "2026-11-23 17:00:00");
    check(&w, "2026-11-22 08:00:00", WINDOW_BEFORE, "2026-11-22 09:00:00", "2026-11-22 17:00:00");
}

/* A time of day alone is the next one after the entry was added, and stays it. */
static void once(void **state)
{
    (void)state;
    struct window w = window_of("22:00", NULL, "2026-11-22 12:00:00");
    check(&w, "2026-11-22 21:59:00", WINDOW_BEFORE, "2026-11-22 22:00:00", NULL);
    check(&w, "2026-11-22 22:00:00", WINDOW_OPEN, NULL, NULL);
    check(&w, "2026-11-24 12:00:00", WINDOW_OPEN, NULL, NULL);
    assert_true(isinf(window_look(&w, utc_of("2026-11-24 12:00:00")).closes));
    w = window_of(NULL, "06:30", "2026-11-22 12:00:00");
    check(&w, "2026-11-22 12:00:00", WINDOW_OPEN, NULL, "2026-11-23 06:30:00");
    check(&w, "2026-11-23 06:30:00", WINDOW_OVER, NULL, NULL);
    w = window_of("2026-11-25 20:00", "2026-11-26 08:00", "2026-11-22 12:00:00");
    assert_false(w.daily);
    check(&w, "2026-11-22 12:00:00", WINDOW_BEFORE, "2026-11-25 20:00:00", "2026-11-26 08:00:00");
    check(&w, "2026-11-26 07:59:00", WINDOW_OPEN, NULL, "2026-11-26 08:00:00");
    check(&w, "2026-11-26 08:00:00", WINDOW_OVER, NULL, NULL);
}

static void none(void **state)
{
    (void)state;
    struct window w = window_of(NULL, "", "2026-11-22 12:00:00");
    check(&w, "2026-11-22 12:00:00", WINDOW_OPEN, NULL, NULL);
    assert_true(isinf(w.closes));
}

static void what_is_refused(void **state)
{
    (void)state;
    static const char *const pair[][2] = {
        {"22", NULL},
        {NULL, "noon"},
        {"22:00", "22:00"},
        {"22:00", "2026-11-26 08:00"},
        {"2026-11-26 08:00", "2026-11-26 08:00"},
        {"2026-11-26 08:00", "2026-11-25 08:00"},
    };
    for (size_t k = 0; k < sizeof pair / sizeof pair[0]; k++) {
        struct window w;
        struct err e = ERR_INIT;
        assert_false(window_read(pair[k][0], pair[k][1], utc_of("2026-11-22 12:00:00"), true, &w, &e));
        assert_int_equal(e.code, ERR_INPUT);
        assert_true(e.text[0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_night), cmocka_unit_test(every_day),       cmocka_unit_test(once),
        cmocka_unit_test(none),        cmocka_unit_test(what_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
