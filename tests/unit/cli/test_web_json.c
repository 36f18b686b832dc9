/* What the live page is told of progress, and when the run is done. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/web_json.h"

static struct plan plan = {.n_sites = 8};

static char *status_of(const struct snapshot_status *now, double speed)
{
    struct err e = ERR_INIT;
    struct protocol protocol = {0};
    struct loop *l = loop_new(LOOP_VIRTUAL, 1, &e);
    plan.protocol = &protocol;
    struct snapshot *s = snapshot_new(&plan);
    struct wishes *w = wishes_new(l, NULL);
    struct web_head head = {.name = "night", .file = "night.seccm", .mode = "real", .speed = speed};
    struct buf out = {0};
    snapshot_put_status(s, now);
    snapshot_publish(s);
    web_json_status(s, w, &head, &out);
    wishes_free(w);
    snapshot_free(s);
    loop_free(l);
    return out.p;
}

static void has(const char *json, const char *part)
{
    if (!strstr(json, part))
        fail_msg("no %s in %s", part, json);
}

/* Time to go is the run's own; the finish is on the clock, over midnight and the end of a year. */
static void the_finish_is_the_time_to_go_from_now(void **state)
{
    (void)state;
    struct snapshot_status now = {.state = "running",
                                  .utc = "2026-12-31T23:30:10.250Z",
                                  .planned = 8,
                                  .left = 6,
                                  .visited = 3,
                                  .time_s = 1200,
                                  .left_s = 3600};
    char *json = status_of(&now, 1);
    has(json, "\"planned\":8,\"visited\":3,\"left\":6,");
    has(json, "\"finish_utc\":\"2027-01-01T00:30:10Z\"");
    has(json, "\"time_left\":{\"value\":3600");
    free(json);
    json = status_of(&now, 10); /* ten times as fast: the time to go stays experiment time */
    has(json, "\"finish_utc\":\"2026-12-31T23:36:10Z\"");
    has(json, "\"time_left\":{\"value\":3600");
    free(json);
}

static void nothing_is_said_of_what_is_not_known(void **state)
{
    (void)state;
    struct snapshot_status now = {.state = "starting", .utc = "", .planned = 8, .left = 8, .left_s = 100};
    char *json = status_of(&now, 1);
    has(json, "\"finish_utc\":\"\"");
    free(json);
    snprintf(now.utc, sizeof now.utc, "2026-12-31T23:30:10.250Z");
    now.left_s = NAN;
    json = status_of(&now, 1);
    has(json, "\"finish_utc\":\"\"");
    free(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_finish_is_the_time_to_go_from_now),
        cmocka_unit_test(nothing_is_said_of_what_is_not_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
