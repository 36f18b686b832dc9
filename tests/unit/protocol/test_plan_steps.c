/* What `seccm plan` says of the steps: nesting, gates, and the gaps that can not be avoided. */
#include "protocol/plan_steps.h"
#include "unit/protocol/play_made.h"

static const char site[] =
    "[hold: {name: h, potential: 3 V, for: 10 s, until: {current: \"< 10 pA\", all: {charge: 2 pC, elapsed: "
    "1 "
    "s}}}, repeat: {name: r, count: 20, until: {feature: f.q_irr, above: -5 fC}, steps: [cv: {name: f, "
    "start: 3 "
    "V, vertices: [$e, 2 V], end: 2.5 V, rate: [1 V/s, 2 V/s], cycles: 2}]}, galvanostatic: {name: g, "
    "density: -1 "
    "mA/cm2, until: {potential: \"< 1 V\", elapsed: 20 s}, reverse: {current: 4 pA, until: {elapsed: 20 s, "
    "capacity: 90 %}}, cycles: 3, between: open}, when: {name: w, feature: h.charge, above: 1 pC, below: 2 "
    "pC, "
    "missing: go, steps: [pulse: {name: p, potentials: [3 V, 2 V], for: 0.1 s, count: 2}, rest: {name: s, "
    "for: 1 "
    "s, cell: hold}]}, ocp: {name: o, for: 20 s, drift: 1 mV/s, over: 4 s}]";
static const char vary[] = "vary: {factors: {e: [1 V, 0.5 V]}}";

static void has(const char *text, const char *what)
{
    if (!strstr(text, what))
        fail_msg("`%s` is not in\n%s", what, text);
}

static void the_steps_are_told_as_they_are_nested(void **state)
{
    (void)state;
    struct made m = make(site, vary);
    struct buf b = {0};
    plan_print_steps(m.plan, &b);
    has(b.p, "\nat each site:\n");
    has(b.p, "\n  h            hold           3 V for 10 s or until |i| < 10 pA or (1 s and 2 pC)\n");
    has(b.p, "\n  r            repeat         20 times at most, until f.q_irr > -5 fC; asked behind each "
             "pass: cell "
             "held for at most 500 ms\n");
    has(b.p, "\n    f          cv             3 V to $e to 2 V, then to 2.5 V at 1 V/s, 2 V/s, 2 cycles\n");
    has(b.p,
        "\n  g            galvanostatic  -1 mA/cm2 until < 1 V or 20 s, then 4 pA until 20 s or 90 % of the "
        "charge before, 3 cycles; gap before it: cell open\n");
    has(b.p, "\n  w            when           if h.charge > 1 pC and < 2 pC, or if it has no value; asked "
             "once: cell "
             "open for at most 500 ms\n");
    has(b.p, "\n    p          pulse          3 V, 2 V for 100 ms each, 2 pulses\n");
    has(b.p, "\n    s          rest           for 1 s, cell held at the potential before\n");
    has(b.p, "\n  o            ocp            for 20 s or until the drift over 4 s is below 1 mV/s\n");
    assert_null(strstr(b.p, "control"));
    buf_free(&b);
    made_free(&m);
}

static void a_control_list_is_told_of_too(void **state)
{
    (void)state;
    struct made m = make("[ocp: {name: a, for: 1 s}, ocp: {name: b, for: 2 s}]", "");
    struct buf b = {0};
    m.p->site.end = 1;
    m.p->control = (struct step_list){1, 2};
    plan_print_steps(m.plan, &b);
    has(b.p, "\nat each site:\n  a            ocp            for 1 s\n\nat each control site:\n  b ");
    buf_clear(&b);
    plan_json_steps(m.plan, &b);
    has(b.p, "  \"steps\": [{\"name\": \"a\", ");
    has(b.p, "],\n  \"control_steps\": [{\"name\": \"b\", ");
    buf_free(&b);
    made_free(&m);
}

static void machines_read_parts_and_seconds(void **state)
{
    (void)state;
    struct made m = make(site, vary);
    struct buf b = {0};
    plan_json_steps(m.plan, &b);
    has(b.p, "{\"name\": \"h\", \"kind\": \"hold\"");
    has(b.p, "\"gap_before\": null, \"gate\": null, \"parts\": 1, \"longest_s\": 10}");
    /* 20 x (2 + 1, then 1 + 1, at twice the rate half of it; 0.25 to the end; the starts of five
     * ramps are samples, two of 2 ms and three of 1 ms) and 19 gates */
    has(b.p, "\"gate\": \"held\", \"parts\": 119, \"longest_s\": 94.64, \"steps\": [{\"name\": \"f\"");
    has(b.p, "\"gap_before\": \"open\", \"gate\": null, \"parts\": 6, \"longest_s\": 98.170351}");
    has(b.p, "\"gate\": \"open\", \"parts\": 6, \"longest_s\": 1.9, \"steps\": [{\"name\": \"p\"");
    int open = 0, lists = 0;
    for (const char *c = b.p; *c; c++) {
        open += *c == '{' ? 1 : *c == '}' ? -1 : 0;
        lists += *c == '[' ? 1 : *c == ']' ? -1 : 0;
        assert_true(open >= 0 && lists >= 0);
    }
    assert_int_equal(open, 0);
    assert_int_equal(lists, 0);
    buf_free(&b);
    made_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_steps_are_told_as_they_are_nested),
        cmocka_unit_test(a_control_list_is_told_of_too),
        cmocka_unit_test(machines_read_parts_and_seconds),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    quantity_done();
    return failed;
}
