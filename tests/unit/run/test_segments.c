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
        ROLE_WATCH, ROLE_ALIVE,  ROLE_READY, ROLE_BLANK, ROLE_APPROACH, ROLE_SETTLE,
        ROLE_PROBE, ROLE_DECIDE, ROLE_STEP,  ROLE_STEP,  ROLE_STEP,     ROLE_STEP,
        ROLE_STEP,  ROLE_STEP,   ROLE_STEP,  ROLE_RELAX, ROLE_DETACH};
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
    const struct segment *g = &p.program.segment[13];
    assert_int_equal(g->kind, SEGMENT_GALVANOSTATIC);
    assert_true(fabs(g->duration - 10) < 1e-9); /* 20 pC at 2 pA */
    assert_int_equal(site_program_find(&p, ROLE_STEP, 13), 13);
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
        char json[1024];
        segment_settings(&p, k, json, sizeof json);
        assert_true(json[0] == '{' && json[strlen(json) - 1] == '}');
        assert_non_null(segment_role_name(p.role[k]));
    }
    night_close(&n);
}

static void json_of(const char *site, int nth, char *json, size_t n)
{
    struct night night;
    struct site_program p;
    const int level[FACTOR_MAX] = {0};
    night_open(&night, &(struct night_spec){.site = site});
    site_program_make(night.plan, level, false, &p);
    int k = site_program_find(&p, ROLE_STEP, 0);
    for (; nth > 0; nth--)
        k = site_program_find(&p, ROLE_STEP, site_program_end(&p, k));
    segment_settings(&p, k, json, n);
    night_close(&night);
}

/* A step of several segments is told as the step that it is. */
static void settings_of_steps_of_several_segments(void **unused)
{
    (void)unused;
    static const struct {
        const char *site;
        int nth;
        const char *json;
    } cases[] = {
        {"  - cv: {start: 3 V, vertices: [0.5 V, 2 V, 1 V, 3 V], end: 2.5 V, rate: [1 V/s, 0.5 V/s], cycles: "
         "2}",
         0,
         "{\"start\":3,\"vertices\":[0.5,2,1,3],\"end\":2.5,\"rate\":1,\"rates\":[1,0.5],\"step\":0.002,"
         "\"cycles\":2}"},
        {"  - cv: {start: 2 V, vertices: [3 V, 0.5 V, 3 V], rate: 1 V/s, cycles: 3}", 0,
         "{\"start\":2,\"vertices\":[3,0.5,3],\"rate\":1,\"step\":0.002,\"cycles\":3,\"interval\":0.002}"},
        {"  - cv: {start: 3 V, vertices: [0.5 V, 3 V], rate: 1 V/s}", 0,
         "{\"start\":3,\"vertex0\":0.5,\"vertex1\":3,\"rate\":1,\"step\":0.002,\"cycles\":1,"
         "\"interval\":0.002}"},
        {"  - lsv: {start: 3 V, end: 1 V, rate: 1 V/s}", 0,
         "{\"start\":3,\"end\":1,\"rate\":1,\"step\":0.002,\"interval\":0.002}"},
        {"  - pulse: {potentials: [3 V, 2 V], for: [0.1 s, 0.2 s], count: 5, sample: 1 ms}", 0,
         "{\"potentials\":[3,2],\"durations\":[0.1,0.2],\"cycles\":5,\"interval\":0.001}"},
        {"  - galvanostatic: {current: -2 pA, until: {elapsed: 2 s}, reverse: {current: 1 pA, until: "
         "{elapsed: 2 "
         "s}}, cycles: 3}",
         0, "{\"currents\":[-2e-12,1e-12],\"duration\":2,\"cycles\":3,\"interval\":0.01}"},
        {"  - repeat: {count: 3, steps: [{hold: {potential: 3 V, for: 1 s}}]}", 2,
         "{\"potential\":3,\"interval\":0.01,\"first_cycle\":3}"},
        {"  - repeat: {count: 2, steps: [{pulse: {potentials: [3 V, 2 V], for: 0.1 s, count: 5}}]}", 1,
         "{\"potentials\":[3,2],\"duration\":0.1,\"cycles\":5,\"interval\":0.001,\"first_cycle\":6}"},
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        char json[1024], small[40];
        json_of(cases[k].site, cases[k].nth, json, sizeof json);
        assert_string_equal(json, cases[k].json);
        json_of(cases[k].site, cases[k].nth, small, sizeof small); /* never half an object */
        assert_true(small[0] == '{' && small[strlen(small) - 1] == '}');
    }
}

static void gates_and_fractions_keep_their_targets(void **unused)
{
    (void)unused;
    struct night n;
    struct site_program p;
    const int level[FACTOR_MAX] = {0};
    night_open(&n,
               &(struct night_spec){
                   .site = "  - hold: {potential: 3 V, for: 0.5 s}\n"
                           "  - repeat: {count: 3, until: {feature: soak.i_end, below: 1 pA}, steps: [{hold: "
                           "{name: soak, potential: 3 V, for: 1 s}}, {rest: {for: 1 s}}]}\n"
                           "  - galvanostatic: {current: -2 pA, until: {elapsed: 2 s}}\n"
                           "  - galvanostatic: {current: 2 pA, until: {elapsed: 9 s, capacity: 80 %}}"});
    site_program_make(n.plan, level, false, &p);
    int first = site_program_find(&p, ROLE_STEP, 0), gate = site_program_find(&p, ROLE_GATE, 0);
    int second = site_program_find(&p, ROLE_GATE, gate + 1), last = site_program_find(&p, ROLE_RELAX, 0) - 1;
    assert_int_equal(gate, first + 3);
    assert_int_equal(second, first + 6);
    assert_int_equal(gate + p.program.segment[gate].skips, second + p.program.segment[second].skips);
    assert_int_equal(second + p.program.segment[second].skips, last - 2); /* the constant currents follow */
    assert_int_equal(p.cycle[first + 4], 2);
    assert_true(p.repeated[first + 4]);
    assert_false(p.repeated[first]);
    const struct segment *g = &p.program.segment[last];
    bool found = false;
    for (int k = 0; k < g->n_until; k++)
        if (g->until[k].what == UNTIL_FRACTION) {
            found = true;
            assert_int_equal(g->until[k].of, last - 1);
        }
    assert_true(found);
    night_close(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_of_steps_of_several_segments),
        cmocka_unit_test(gates_and_fractions_keep_their_targets),
        cmocka_unit_test(the_roles_follow_each_other),
        cmocka_unit_test(open_ended_segments_outlast_their_moves),
        cmocka_unit_test(every_segment_has_settings_as_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
