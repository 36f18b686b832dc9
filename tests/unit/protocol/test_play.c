/* The steps as they are played: each expectation is written out by hand from the protocol's text. */
#include "unit/protocol/play_made.h"

/* One leg in a word or two: "hold 3 5", "ramp 3 0.5", "sweep 3 1 x2", "i -2e-12", "open 2", behind it
 * instance, cycle and sweep; gates begin with "gate" and end with their skips. */
static void describe(const struct play_leg *leg, struct buf *out)
{
    const struct segment *g = &leg->segment;
    static const char *const kinds[] = {"hold", "sweep", "ramp", "i", "open"};
    buf_printf(out, "%s%s ", leg->gate ? "gate " : "", kinds[g->kind]);
    if (g->kind == SEGMENT_HOLD)
        buf_printf(out, "%g %g", g->potential, g->duration);
    else if (g->kind == SEGMENT_SWEEP)
        buf_printf(out, "%g %g x%d", g->start, g->vertex[0], g->cycles);
    else if (g->kind == SEGMENT_RAMP)
        buf_printf(out, "%g %g @%g", g->start, g->vertex[0], g->rate);
    else if (g->kind == SEGMENT_GALVANOSTATIC)
        buf_printf(out, "%g %g", g->current, g->duration);
    else
        buf_printf(out, "%g", g->duration);
    buf_printf(out, " | %d %d %d", leg->instance, leg->cycle, leg->sweep);
    if (leg->gate)
        buf_printf(out, " >%d", g->skips);
}

static void expect(const struct play *p, const char *const *legs, int n)
{
    for (int k = 0; k < p->n || k < n; k++) {
        struct buf found = {0};
        buf_str(&found, "");
        if (k < p->n)
            describe(&p->leg[k], &found);
        if (k >= n || strcmp(found.p, legs[k]) != 0)
            fail_msg("leg %d: `%s` instead of `%s`", k, found.p, k < n ? legs[k] : "");
        buf_free(&found);
    }
}

#define EXPECT(play, ...)                                                                                    \
    do {                                                                                                     \
        static const char *const legs[] = {__VA_ARGS__};                                                     \
        expect(play, legs, (int)(sizeof legs / sizeof legs[0]));                                             \
    } while (0)

/* start -> v1 -> .. -> vn, then vn -> v1 -> .. -> vn, then end; one rate per cycle. */
static void a_voltammogram_goes_through_its_vertices(void **state)
{
    (void)state;
    struct made m = make("[cv: {start: 3 V, vertices: [0.5 V, 2 V, 1 V], end: 2.5 V, rate: [0.5 V/s, 1 V/s], "
                         "cycles: 2, step: 5 mV}]",
                         "");
    EXPECT(&m.play, "ramp 3 0.5 @0.5 | 0 1 0", "ramp 0.5 2 @0.5 | 0 1 1", "ramp 2 1 @0.5 | 0 1 2",
           "ramp 1 0.5 @1 | 0 2 0", "ramp 0.5 2 @1 | 0 2 1", "ramp 2 1 @1 | 0 2 2", "ramp 1 2.5 @1 | 0 2 3");
    near(m.play.leg[0].segment.interval, 10e-3);
    near(m.play.leg[0].segment.duration, 5.01); /* its start is a sample */
    near(m.play.leg[3].segment.interval, 5e-3);
    near(m.play.leg[3].segment.step, 5e-3);
    near(m.play.leg[6].segment.duration, 1.505);
    made_free(&m);
}

/* What an instrument does by itself stays one segment; anything else is ramps. */
static void only_a_plain_voltammogram_is_left_to_the_instrument(void **state)
{
    (void)state;
    struct made m = make(
        "[cv: {start: 3 V, vertices: [1 V, 3 V], rate: 1 V/s, cycles: 4}, "
        "cv: {start: 3 V, vertices: [1 V, 3 V], rate: [1 V/s, 1 V/s], cycles: 2, end: 3 V, sample: 1 ms}, "
        "cv: {start: 3 V, vertices: [1 V, 3 V], rate: 1 V/s, end: 2 V}, "
        "cv: {start: 3 V, vertices: [1 V, 3 V], rate: [1 V/s, 2 V/s], cycles: 2}, "
        "cv: {start: 2 V, vertices: [1 V, 3 V], rate: 1 V/s}]",
        "");
    EXPECT(&m.play, "sweep 3 1 x4 | 0 1 0", "sweep 3 1 x2 | 1 1 0", "ramp 3 1 @1 | 2 1 0",
           "ramp 1 3 @1 | 2 1 1", "ramp 3 2 @1 | 2 1 2", "ramp 3 1 @1 | 3 1 0", "ramp 1 3 @1 | 3 1 1",
           "ramp 3 1 @2 | 3 2 0", "ramp 1 3 @2 | 3 2 1", "ramp 2 1 @1 | 4 1 0", "ramp 1 3 @1 | 4 1 1");
    near(m.play.leg[1].segment.step, 1e-3);
    near(m.play.leg[1].segment.interval, 1e-3);
    made_free(&m);
}

/* Where the last vertex is the first one as well, a further cycle begins with the second. */
static void a_leg_without_length_is_left_out(void **state)
{
    (void)state;
    struct made m = make("[cv: {start: 3 V, vertices: [1 V, 2 V, 1 V], rate: 1 V/s, cycles: 2}]", "");
    EXPECT(&m.play, "ramp 3 1 @1 | 0 1 0", "ramp 1 2 @1 | 0 1 1", "ramp 2 1 @1 | 0 1 2",
           "ramp 1 2 @1 | 0 2 1", "ramp 2 1 @1 | 0 2 2");
    assert_int_equal(play_count(m.plan, m.plan->combination[0].level, false), 5);
    made_free(&m);
}

static void a_single_sweep_and_a_hold_with_conditions(void **state)
{
    (void)state;
    struct made m =
        make("[lsv: {start: 3 V, end: 1 V, rate: 1 V/s, sample: 5 ms}, hold: {potential: 1 V, for: "
             "10 s, until: {current: \"< 10 pA\", charge: 20 pC, all: {elapsed: 1 s, current: \"< "
             "20 pA\"}}}]",
             "");
    EXPECT(&m.play, "ramp 3 1 @1 | 0 1 0", "hold 1 10 | 1 1 0");
    near(m.play.leg[0].segment.step, 5e-3);
    const struct segment *g = &m.play.leg[1].segment;
    assert_int_equal(g->n_until, 4);
    assert_int_equal(g->until[0].what, UNTIL_CURRENT_BELOW);
    near(g->until[0].value, 10e-12);
    assert_int_equal(g->until[1].what, UNTIL_CHARGE);
    assert_false(g->until[0].all || g->until[1].all);
    assert_true(g->until[2].all && g->until[3].all);
    made_free(&m);
}

/* The charge before: the half before, and for the first one the galvanostatic step before. */
static void charge_and_discharge_follow_each_other(void **state)
{
    (void)state;
    struct made m = make(
        "[galvanostatic: {name: a, current: -4 pA, until: {elapsed: 5 s}}, ocp: {for: 1 s}, "
        "galvanostatic: {name: b, current: -4 pA, until: {potential: \"< 1 V\", elapsed: 20 s, capacity: 50 "
        "%}, reverse: {current: 8 pA, until: {charge: 80 pC, elapsed: 20 s, capacity: 90 %}}, cycles: 2}]",
        "");
    EXPECT(&m.play, "i -4e-12 5 | 0 1 0", "open 1 | 1 1 0", "i -4e-12 20 | 2 1 0", "i 8e-12 10 | 2 1 1",
           "i -4e-12 20 | 2 2 0", "i 8e-12 10 | 2 2 1");
    static const int of[] = {-1, -1, 0, 2, 3, 4};
    for (int k = 2; k < 6; k++) {
        const struct segment *g = &m.play.leg[k].segment;
        assert_int_equal(g->until[2].what, UNTIL_FRACTION);
        assert_int_equal(g->until[2].of, of[k]);
        near(g->until[2].value, k % 2 ? 0.9 : 0.5);
        near(g->e_low, 0);
        near(g->e_high, 4);
    }
    made_free(&m);
}

/* 1 mA/cm2 = 10 A/m2 over a disk of 1.5 x 400 nm. */
static void a_density_is_taken_over_the_declared_area(void **state)
{
    (void)state;
    struct made m = make("[galvanostatic: {density: $j, until: {elapsed: 5 s}, reverse: {density: 1 mA/cm2, "
                         "until: {elapsed: 5 s}}}]",
                         "vary: {factors: {j: [-2 mA/cm2, -4 mA/cm2]}}");
    double area = M_PI / 4 * 600e-9 * 600e-9;
    near(m.play.leg[0].segment.current * 1e12, -20 * area * 1e12);
    near(m.play.leg[1].segment.current * 1e12, 10 * area * 1e12);
    made_free(&m);
}

static void pulses_are_legs(void **state)
{
    (void)state;
    struct made m = make("[pulse: {potentials: [3 V, 2 V], for: [0.1 s, 0.2 s], count: 2}, "
                         "pulse: {currents: [10 pA, 0 A], for: 0.1 s}]",
                         "");
    EXPECT(&m.play, "hold 3 0.1 | 0 1 0", "hold 2 0.2 | 0 1 1", "hold 3 0.1 | 0 2 0", "hold 2 0.2 | 0 2 1",
           "i 1e-11 0.1 | 1 1 0", "i 0 0.1 | 1 1 1");
    near(m.play.leg[0].segment.interval, 1e-3);
    made_free(&m);
}

static void a_rest_stays_where_the_step_before_ended(void **state)
{
    (void)state;
    struct made m =
        make("[rest: {for: 2 s, cell: hold}, lsv: {start: 3 V, end: 1 V, rate: 1 V/s}, rest: {for: 3 "
             "s, cell: hold, sample: 50 ms}, rest: {for: 1 s}, ocp: {for: 20 s, drift: 1 mV/s, "
             "over: 4 s}]",
             "");
    EXPECT(&m.play, "hold 2 2 | 0 1 0", "ramp 3 1 @1 | 1 1 0", "hold 1 3 | 2 1 0", "open 1 | 3 1 0",
           "open 20 | 4 1 0");
    near(m.play.leg[2].segment.interval, 50e-3);
    near(m.play.leg[3].segment.interval, 100e-3);
    assert_int_equal(m.play.leg[3].segment.n_until, 0);
    const struct until *u = &m.play.leg[4].segment.until[0];
    assert_int_equal(u->what, UNTIL_DRIFT);
    near(u->value, 1e-3);
    near(u->window, 4);
    made_free(&m);
}

/* Each pass is an instance of its own, the cycles go on; every gate leads behind the repeat. */
static void a_repeat_with_a_condition_has_gates_between_its_passes(void **state)
{
    (void)state;
    struct made m = make(
        "[repeat: {count: 3, until: {feature: f.q_irr, above: -10 fC}, steps: [cv: {name: f, start: 3 V, "
        "vertices: [1 V, 3 V], rate: 1 V/s, cycles: 2}, hold: {potential: 2 V, for: 1 s}]}, ocp: {for: 1 "
        "s}]",
        "");
    EXPECT(&m.play, "sweep 3 1 x2 | 0 1 0", "hold 2 1 | 1 1 0", "gate hold 2 0.5 | 2 1 0 >5",
           "sweep 3 1 x2 | 3 3 0", "hold 2 1 | 4 2 0", "gate hold 2 0.5 | 5 2 0 >2", "sweep 3 1 x2 | 6 5 0",
           "hold 2 1 | 7 3 0", "open 1 | 8 1 0");
    struct condition c;
    bool leave = false;
    play_condition(m.plan, m.plan->combination[0].level, &m.play.leg[2], &c, &leave);
    assert_true(leave && c.go_if_missing && isnan(c.below));
    assert_string_equal(c.step, "f");
    assert_string_equal(c.feature, "q_irr");
    assert_int_equal(c.cycle, 0);
    near(c.above * 1e15, -10);
    assert_true(m.play.leg[2].segment.open_ended);
    near(m.play.leg[2].segment.interval, GATE_INTERVAL);
    made_free(&m);
}

static void a_repeat_without_a_condition_has_none(void **state)
{
    (void)state;
    struct made m = make("[repeat: {count: 3, steps: [ocp: {for: 1 s}]}]", "");
    EXPECT(&m.play, "open 1 | 0 1 0", "open 1 | 1 2 0", "open 1 | 2 3 0");
    made_free(&m);
}

/* The gate of `when` stands in front; behind an open cell it is open, and where it is asked for. */
static void a_condition_is_asked_in_front_of_its_steps(void **state)
{
    (void)state;
    struct made m =
        make("[ocp: {name: o, for: 1 s}, when: {feature: o.ocp_mean, above: 1 V, below: $high, missing: "
             "go, steps: [hold: {name: h, potential: 3 V, for: 1 s}]}, hold: {potential: 2 V, for: 1 "
             "s}, when: {feature: o.ocp_mean, below: 2 V, between: open, steps: [hold: {potential: 1 "
             "V, for: 1 s}, hold: {potential: 2 V, for: 1 s}]}]",
             "vary: {factors: {high: [1.5 V, 2.5 V]}}");
    EXPECT(&m.play, "open 1 | 0 1 0", "gate open 0.5 | 1 1 0 >1", "hold 3 1 | 2 1 0", "hold 2 1 | 3 1 0",
           "gate open 0.5 | 4 1 0 >2", "hold 1 1 | 5 1 0", "hold 2 1 | 6 1 0");
    struct condition c;
    bool leave = true;
    play_condition(m.plan, m.plan->combination[1].level, &m.play.leg[1], &c, &leave);
    assert_false(leave);
    assert_true(c.go_if_missing);
    near(c.above, 1);
    near(c.below, 2.5);
    made_free(&m);
}

/* Gates within gates: the inner block lies in what the outer one leaves out. Cycles and the number of times
 * that a condition was asked go on through the passes of the outer one. */
static void blocks_may_stand_in_blocks(void **state)
{
    (void)state;
    struct made m =
        make("[ocp: {name: o, for: 1 s}, when: {feature: o.ocp_mean, above: 1 V, steps: [repeat: "
             "{count: 2, steps: [repeat: {count: 2, until: {feature: h.charge, below: 1 fC}, steps: "
             "[hold: {name: h, potential: 2 V, for: 1 s}]}]}, rest: {for: 2 s, cell: hold}]}]",
             "");
    EXPECT(&m.play, "open 1 | 0 1 0", "gate open 0.5 | 1 1 0 >7", "hold 2 1 | 2 1 0",
           "gate hold 2 0.5 | 3 1 0 >1", "hold 2 1 | 4 2 0", "hold 2 1 | 5 3 0", "gate hold 2 0.5 | 6 2 0 >1",
           "hold 2 1 | 7 4 0", "hold 2 2 | 8 1 0");
    made_free(&m);
}

/* Behind steps that may have been left out the potential is known if both ways lead to the same. */
static void a_potential_that_depends_on_a_condition_is_not_known(void **state)
{
    (void)state;
    static const char site[] =
        "[hold: {name: h, potential: 3 V, for: 1 s}, when: {feature: h.charge, above: 1 "
        "fC, steps: [hold: {potential: %s, for: 1 s}]}, rest: {for: 1 s, cell: hold}]";
    char text[256];
    snprintf(text, sizeof text, site, "3 V");
    struct made m = make(text, "");
    near(m.play.leg[3].segment.potential, 3);
    made_free(&m);
    snprintf(text, sizeof text, site, "2 V");
    struct made n = make_try(text, "");
    assert_null(n.plan);
    assert_int_equal(diags_errors(n.d), 1);
    made_free(&n);
}

static void named_steps_are_put_in_where_they_are_used(void **state)
{
    (void)state;
    struct made m =
        make("[use: one, use: {step: one, as: two}, use: several, use: {step: several, as: again}]",
             "steps: {one: {hold: {potential: 3 V, for: 1 s}}, several: [hold: {name: h, potential: 1 "
             "V, for: 1 s}, when: {feature: h.charge, above: 0 C, steps: [rest: {for: 1 s}, use: "
             "{step: one, as: inner}]}]}");
    static const char *const names[] = {"one",   "two",     "h",           "when1",       "rest1",
                                        "inner", "again-h", "again-when1", "again-rest1", "again-inner"};
    assert_int_equal(m.p->n_steps, 10);
    for (int k = 0; k < 10; k++)
        assert_string_equal(m.p->step[k].name, names[k]);
    assert_string_equal(m.p->step[3].condition.of, "h");
    assert_string_equal(m.p->step[7].condition.of, "again-h");
    assert_int_equal(m.p->step[3].end, 6);
    assert_int_equal(m.p->step[4].parent, 3);
    made_free(&m);
}

/* What a list that keeps its steps' names uses is counted on with them; what has a name of its own is not. */
static void lists_within_lists_are_counted_together(void **state)
{
    (void)state;
    struct made m =
        make("[use: {step: outer, as: A}, use: {step: outer, as: B}]",
             "steps: {inner: [hold: {potential: 3 V, for: 1 s}], outer: [use: inner, hold: {potential: 2 V, "
             "for: 1 s}, use: {step: inner, as: C}, hold: {potential: 1 V, for: 1 s}]}");
    static const char *const names[] = {"A-hold1", "A-hold2", "A-C-hold1", "A-hold3",
                                        "B-hold1", "B-hold2", "B-C-hold1", "B-hold3"};
    assert_int_equal(m.p->n_steps, 8);
    for (int k = 0; k < 8; k++)
        assert_string_equal(m.p->step[k].name, names[k]);
    made_free(&m);
}

static void a_control_list_is_played_at_control_sites(void **state)
{
    (void)state;
    struct made m = make("[ocp: {for: 1 s}, ocp: {for: 2 s}]", "");
    struct play control;
    play_make(m.plan, m.plan->combination[0].level, true, &control);
    EXPECT(&control, "open 1 | 0 1 0", "open 2 | 1 1 0"); /* those of the site */
    play_free(&control);
    m.p->site.end = 1;
    m.p->control = (struct step_list){1, 2};
    play_make(m.plan, m.plan->combination[0].level, true, &control);
    EXPECT(&control, "open 2 | 0 1 0");
    play_free(&control);
    play_make(m.plan, m.plan->combination[0].level, false, &control);
    EXPECT(&control, "open 1 | 0 1 0");
    play_free(&control);
    made_free(&m);
}

static void gaps_are_behind_and_before_constant_currents(void **state)
{
    (void)state;
    struct made m = make(
        "[hold: {potential: 3 V, for: 1 s}, galvanostatic: {current: -4 pA, until: {elapsed: 5 s}, between: "
        "open}, pulse: {currents: [4 pA], for: 1 s}, lsv: {start: 3 V, end: 1 V, rate: 1 V/s}, "
        "galvanostatic: "
        "{current: -4 pA, until: {elapsed: 5 s}}, ocp: {for: 1 s}, hold: {potential: 1 V, for: 1 s}]",
        "");
    static const bool open[] = {false, true, true, true, true, false, false};
    for (int k = 0; k < 7; k++)
        assert_int_equal(play_gap_before(&m.play, k), open[k]);
    made_free(&m);
}

static void the_blank_covers_all_that_is_swept(void **state)
{
    (void)state;
    struct made m =
        make("[hold: {potential: 4 V, for: 1 s}, lsv: {start: 3 V, end: 0.4 V, rate: 1 V/s}, cv: {start: "
             "2 V, vertices: [1 V, 3.6 V], end: 2 V, rate: 1 V/s}]",
             "");
    double low, high;
    assert_true(play_sweep_range(&m.play, &low, &high));
    near(low, 0.4);
    near(high, 3.6);
    made_free(&m);
    struct made n = make("[hold: {potential: 4 V, for: 1 s}]", "");
    assert_false(play_sweep_range(&n.play, &low, &high));
    made_free(&n);
}

/* 12 sites: 2 s, 10 passes of 1 s with 9 gates of 0.5 s, and a step that may be left out. */
static void the_duration_is_the_bound_and_half_of_the_rest_uncertain(void **state)
{
    (void)state;
    struct made m =
        make("[hold: {potential: 3 V, for: 2 s}, repeat: {count: 10, until: {feature: h.charge, below: "
             "1 fC}, steps: [hold: {name: h, potential: 3 V, for: 1 s}]}]",
             "");
    struct made n = make("[hold: {potential: 3 V, for: 2 s}, repeat: {count: 10, steps: [hold: {name: h, "
                         "potential: 3 V, for: 1 s}]}]",
                         "");
    near(n.plan->seconds.technique, 12 * 12);
    near(m.plan->seconds.technique, 12 * (12 + 9 * 0.5));
    near(m.plan->seconds.uncertainty - n.plan->seconds.uncertainty, 0.5 * 12 * (9 * 1 + 8 * 0.5));
    made_free(&m);
    made_free(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_voltammogram_goes_through_its_vertices),
        cmocka_unit_test(only_a_plain_voltammogram_is_left_to_the_instrument),
        cmocka_unit_test(a_leg_without_length_is_left_out),
        cmocka_unit_test(a_single_sweep_and_a_hold_with_conditions),
        cmocka_unit_test(charge_and_discharge_follow_each_other),
        cmocka_unit_test(a_density_is_taken_over_the_declared_area),
        cmocka_unit_test(pulses_are_legs),
        cmocka_unit_test(a_rest_stays_where_the_step_before_ended),
        cmocka_unit_test(a_repeat_with_a_condition_has_gates_between_its_passes),
        cmocka_unit_test(a_repeat_without_a_condition_has_none),
        cmocka_unit_test(a_condition_is_asked_in_front_of_its_steps),
        cmocka_unit_test(blocks_may_stand_in_blocks),
        cmocka_unit_test(a_potential_that_depends_on_a_condition_is_not_known),
        cmocka_unit_test(named_steps_are_put_in_where_they_are_used),
        cmocka_unit_test(lists_within_lists_are_counted_together),
        cmocka_unit_test(a_control_list_is_played_at_control_sites),
        cmocka_unit_test(gaps_are_behind_and_before_constant_currents),
        cmocka_unit_test(the_blank_covers_all_that_is_swept),
        cmocka_unit_test(the_duration_is_the_bound_and_half_of_the_rest_uncertain),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    quantity_done();
    return failed;
}
