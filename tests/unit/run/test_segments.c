/* The program of one site: what follows what, and that nothing open-ended ends by itself in the middle of a
 * move. */
#include "fixture.h"

#include "run/segments.h"

static const char *const all_steps =
    "  - hold: {potential: 3 V, for: 0.5 s}\n"
    "  - cv: {start: 3 V, vertices: [0.5 V, 3.2 V], rate: 1 V/s, cycles: 2}\n"
    "  - galvanostatic: {current: -2 pA, until: {potential: \"< 0.5 V\", charge: 20 pC}}\n"
    "  - ocp: {for: 1 s}";

static void the_roles_follow_each_other(void **unused)
{
    (void)unused;
    static const enum segment_role wanted[] = {
        ROLE_WATCH,  ROLE_ALIVE, ROLE_READY, ROLE_BLANK, ROLE_APPROACH, ROLE_SETTLE, ROLE_PROBE,
        ROLE_DECIDE, ROLE_STEP,  ROLE_STEP,  ROLE_STEP,  ROLE_STEP,     ROLE_RELAX,  ROLE_DETACH};
    struct night n;
    struct site_program p;
    const int level[FACTOR_MAX] = {0};
    night_open(&n, &(struct night_spec){.site = all_steps});
    site_program_make(n.plan, level, false, &p);
    assert_int_equal(p.program.n, sizeof wanted / sizeof wanted[0]);
    for (int k = 0; k < p.program.n; k++)
        assert_int_equal(p.role[k], wanted[k]);
    assert_true(p.has_blank);
    assert_true(p.blank_low == 0.5 && p.blank_high == 3.2);
    const struct segment *g = &p.program.segment[10];
    assert_int_equal(g->kind, SEGMENT_GALVANOSTATIC);
    assert_true(fabs(g->duration - 10) < 1e-9); /* 20 pC at 2 pA */
    assert_int_equal(site_program_find(&p, ROLE_STEP, 10), 10);
    assert_int_equal(site_program_find(&p, ROLE_ALIVE, 2), -1);
    night_close(&n);
}

/* No device has a watchdog: an open-ended segment ends by itself some time, but never while z or xy may still
 * move. */
static void open_ended_segments_outlast_their_moves(void **unused)
{
    (void)unused;
    struct night n;
    struct site_program p;
    const int level[FACTOR_MAX] = {0};
    night_open(&n,
               &(struct night_spec){.approach = "{bias: 2 V, speed: 5 nm/s, leash: 0.2 um, travel: 12 um, "
                                                "contact: {kind: transient, threshold: 3 pA}}"});
    site_program_make(n.plan, level, false, &p);
    const struct segment *g = &p.program.segment[site_program_find(&p, ROLE_APPROACH, 0)];
    assert_true(g->open_ended);
    print_message("12 um at 5 nm/s take %.0f s; the hold lasts %.0f s\n", 12e-6 / 5e-9, g->duration);
    assert_true(g->duration > 1.5 * 12e-6 / 5e-9);
    assert_true(g->duration < 5 * 12e-6 / 5e-9);
    night_close(&n);
    night_open(&n, &(struct night_spec){0});
    site_program_make(n.plan, level, false, &p);
    for (int k = 0; k < p.program.n; k++)
        if (p.program.segment[k].open_ended)
            assert_true(p.program.segment[k].duration >= 30 && p.program.segment[k].duration <= 600);
    night_close(&n);
}

static void every_segment_has_settings_as_json(void **unused)
{
    (void)unused;
    struct night n;
    struct site_program p;
    const int level[FACTOR_MAX] = {0};
    night_open(&n, &(struct night_spec){.site = all_steps});
    site_program_make(n.plan, level, false, &p);
    for (int k = 0; k < p.program.n; k++) {
        char json[512];
        segment_settings(&p, k, json, sizeof json);
        assert_true(json[0] == '{' && json[strlen(json) - 1] == '}');
        assert_non_null(segment_role_name(p.role[k]));
    }
    night_close(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_roles_follow_each_other),
        cmocka_unit_test(open_ended_segments_outlast_their_moves),
        cmocka_unit_test(every_segment_has_settings_as_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
