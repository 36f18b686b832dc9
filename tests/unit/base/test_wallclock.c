/* Clock times as people write them, in a time zone with summer time. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/loop.h"
#include "base/wallclock.h"

/* Central Europe, without a need of the zone's file. */
static int set_zone(void **state)
{
    (void)state;
    setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
    tzset();
    return 0;
}

static double utc_of(const char *text)
{
    struct tm tm = {0};
    assert_int_equal(sscanf(text, "%d-%d-%d %d:%d:%d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour,
                            &tm.tm_min, &tm.tm_sec),
                     6);
    tm.tm_year -= 1900;
    tm.tm_mon--;
    return (double)timegm(&tm);
}

static void what_is_read_and_what_is_refused(void **state)
{
    (void)state;
    static const char *const good[] = {"06:30",           "6:30", "00:00", "23:59", "2026-11-23 06:30",
                                       "2024-02-29T23:00"};
    static const char *const bad[] = {"",
                                      "24:00",
                                      "6",
                                      "6.30",
                                      "06:60",
                                      "06:3",
                                      "-1:30",
                                      "06:30 am",
                                      "06:30:00",
                                      "2026-02-29 06:30",
                                      "2026-13-01 06:30",
                                      "2026-11-00 06:30",
                                      "26-11-23 06:30",
                                      "2026-11-23",
                                      "2026-11-23 ",
                                      "2026/11/23 06:30",
                                      "1969-12-31 06:30",
                                      "tomorrow"};
    struct wallclock w = {0};
    struct err e = ERR_INIT;
    for (size_t k = 0; k < sizeof good / sizeof good[0]; k++)
        if (!wallclock_parse(good[k], &w, &e))
            fail_msg("`%s` is refused: %s", good[k], e.text);
    assert_int_equal(w.year, 2024);
    assert_int_equal(w.month, 2);
    assert_int_equal(w.day, 29);
    assert_int_equal(w.hour, 23);
    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++)
        if (wallclock_parse(bad[k], &w, &e))
            fail_msg("`%s` is accepted", bad[k]);
    assert_int_equal(w.hour, 23); /* untouched */
}

struct next {
    const char *clock, *now, *wanted; /* now and wanted in universal time */
    bool utc;
};

static void the_next_such_time(void **state)
{
    (void)state;
    static const struct next all[] = {
        {"06:30", "2026-11-22 20:00:00", "2026-11-23 05:30:00", false}, /* winter: one hour ahead */
        {"06:30", "2026-11-23 05:29:59", "2026-11-23 05:30:00", false},
        {"06:30", "2026-11-23 05:30:00", "2026-11-24 05:30:00", false}, /* now is not next */
        {"06:30", "2026-07-01 12:00:00", "2026-07-02 04:30:00", false}, /* summer: two hours */
        {"06:30", "2026-10-24 20:00:00", "2026-10-25 05:30:00", false}, /* the night in which it ends */
        {"06:30", "2026-03-28 20:00:00", "2026-03-29 04:30:00", false}, /* and begins */
        {"00:15", "2026-12-31 22:30:00", "2026-12-31 23:15:00", false}, /* next year, local time */
        {"2026-11-25 06:30", "2026-11-22 20:00:00", "2026-11-25 05:30:00", false},
        {"2026-11-20 06:30", "2026-11-22 20:00:00", "2026-11-20 05:30:00",
         false}, /* past: as it is written */
        {"06:30", "2026-11-22 20:00:00", "2026-11-23 06:30:00", true},
        {"2026-11-25 06:30", "2026-11-22 20:00:00", "2026-11-25 06:30:00", true},
    };
    for (size_t k = 0; k < sizeof all / sizeof all[0]; k++) {
        struct wallclock w;
        struct err e = ERR_INIT;
        assert_true(wallclock_parse(all[k].clock, &w, &e));
        double t = wallclock_next(&w, utc_of(all[k].now), all[k].utc);
        if (t != utc_of(all[k].wanted))
            fail_msg("%s after %s: off by %g s", all[k].clock, all[k].now, t - utc_of(all[k].wanted));
    }
}

static void how_it_is_shown(void **state)
{
    (void)state;
    double now = utc_of("2026-11-22 20:00:00"); /* a Sunday, 21:00 */
    char text[40];
    assert_string_equal(wallclock_show(now + 3600, now, false, text), "22:00");
    assert_string_equal(wallclock_show(now + 3600, now, true, text), "21:00");
    assert_string_equal(wallclock_show(now + 9.5 * 3600, now, false, text), "Mon 06:30");
    assert_string_equal(wallclock_show(now + 10 * 86400, now, false, text), "2026-12-02 21:00");
    /* What is written is read again. */
    struct wallclock w;
    assert_string_equal(wallclock_text(now + 59, false, text), "2026-11-22 21:00");
    assert_true(wallclock_parse(text, &w, NULL));
    assert_true(wallclock_next(&w, now + 86400, false) == now);
    assert_string_equal(wallclock_text(now, true, text), "2026-11-22 20:00");
}

static void virtual_time_begins_at_its_epoch(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    struct loop *l = loop_new(LOOP_VIRTUAL, 1, &e);
    assert_true(loop_epoch(l) == LOOP_VIRTUAL_EPOCH);
    loop_sleep_until(l, ns_from_s(90.5));
    assert_true(loop_epoch(l) == LOOP_VIRTUAL_EPOCH + 90.5);
    loop_free(l);
    l = loop_new(LOOP_REAL, 1, &e);
    assert_true(fabs(loop_epoch(l) - clock_epoch()) < 3600);
    loop_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_read_and_what_is_refused),
        cmocka_unit_test(the_next_such_time),
        cmocka_unit_test(how_it_is_shown),
        cmocka_unit_test(virtual_time_begins_at_its_epoch),
    };
    return cmocka_run_group_tests(tests, set_zone, NULL);
}
