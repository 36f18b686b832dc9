/* The clock of a run that goes on: how late it is counts, and not what somebody has set the machine's clock
 * to meanwhile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "cli/bench.h"

#define RIG "instruments/simulated-bench.yaml"

/* Experiment time at which a run goes on that was begun an hour ago by the machine's clock and left at 100 s;
 * that clock was set forward by `set` s since. */
static double goes_on_at(double set)
{
    struct diags *d = diags_new();
    struct err e = ERR_INIT;
    struct bench b;
    char begun[32];
    time_t then = (time_t)clock_epoch() - 3600;
    struct tm tm;
    gmtime_r(&then, &tm);
    strftime(begun, sizeof begun, "%Y-%m-%dT%H:%M:%S.000Z", &tm);
    struct rig_config *c = rig_load(RIG, d, &e);
    assert_non_null(c);
    const struct bench_options o = {.begin_s = 100, .begun_utc = begun, .clock_set_s = set};
    if (!bench_open(&b, c, &o, 0, c->e_limit, c->i_limit, &e))
        fail_msg("%s", e.text);
    double at = ns_to_s(loop_now(b.loop));
    assert_true(bench_close(&b, &e));
    rig_config_free(c);
    diags_free(d);
    return at;
}

/* Bounds are half an hour off: this machine may be busy. */
static void a_clock_that_was_set_is_not_time_that_passed(void **state)
{
    (void)state;
    assert_in_range((int)goes_on_at(0), 3599, 5400);
    assert_in_range((int)goes_on_at(3600), 100, 1900);     /* a moment ago: never back */
    assert_in_range((int)goes_on_at(-7200), 10799, 12600); /* set back: three hours have passed */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_clock_that_was_set_is_not_time_that_passed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
