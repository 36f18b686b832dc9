/* Conditions on features: what counts as a number, and what is said about it. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "run/verdict.h"

static struct features list;

static void add(const char *step, const char *name, int cycle, double value, double sd, const char *missing)
{
    struct feature_place p = {.site = 1, .attempt = 1, .step = *step != 0, .step_name = step, .cycle = cycle};
    if (missing)
        features_missing(&list, &p, name, missing);
    else
        features_value(&list, &p, name, value, sd, NULL);
}

/* Three passes of a voltammogram with one cycle each, a hold, and a feature of the site. */
static int fill(void **unused)
{
    (void)unused;
    add("", "contact_capacitance", 0, 28e-15, 1.5e-15, NULL);
    add("cv", "q_sei", 1, -560e-15, 9e-15, NULL);
    add("cv", "q_sei", 2, -130e-15, 9e-15, NULL);
    add("cv", "sei_charge_ratio", 2, 0.232, 0.0161, NULL);
    add("cv", "q_sei", 3, NAN, NAN, "20 of 900 samples flagged, more than 1 %");
    add("cv", "sei_charge_ratio", 3, NAN, NAN, "20 of 900 samples flagged, more than 1 %");
    add("rest", "e_end", 0, 2.9, NAN, NULL);
    return 0;
}

static int empty(void **unused)
{
    (void)unused;
    features_free(&list);
    return 0;
}

static struct verdict ask(const char *step, const char *feature, int cycle, double above, double below)
{
    struct condition c = {.cycle = cycle, .above = above, .below = below};
    struct verdict v;
    snprintf(c.step, sizeof c.step, "%s", step);
    snprintf(c.feature, sizeof c.feature, "%s", feature);
    verdict_make(&c, &list, &v);
    print_message("%s\n", v.text);
    return v;
}

static void a_value_is_compared_with_both_bounds(void **unused)
{
    (void)unused;
    struct verdict v = ask("cv", "sei_charge_ratio", 2, NAN, 0.05);
    assert_int_equal(v.kind, VERDICT_NOT_MET);
    assert_string_equal(v.text, "cv.sei_charge_ratio@2 = 0.232 +- 0.016, not below 0.05");
    assert_int_equal(ask("cv", "sei_charge_ratio", 2, NAN, 0.24).kind, VERDICT_MET);
    assert_int_equal(ask("cv", "sei_charge_ratio", 2, 0.2, 0.24).kind, VERDICT_MET);
    assert_int_equal(ask("cv", "sei_charge_ratio", 2, 0.233, 0.24).kind, VERDICT_NOT_MET);
    v = ask("cv", "q_sei", 1, NAN, -500e-15);
    assert_int_equal(v.kind, VERDICT_MET);
    assert_string_equal(v.text, "cv.q_sei@1 = -560 fC +- 9 fC, below -500 fC");
    v = ask("cv", "q_sei", 1, -600e-15, -580e-15);
    assert_int_equal(v.kind, VERDICT_NOT_MET);
    assert_string_equal(v.text, "cv.q_sei@1 = -560 fC +- 9 fC, not above -600 fC and below -580 fC");
    /* A bound itself is on neither side. */
    assert_int_equal(ask("rest", "e_end", 0, 2.9, NAN).kind, VERDICT_NOT_MET);
    assert_int_equal(ask("rest", "e_end", 0, NAN, 2.9).kind, VERDICT_NOT_MET);
}

/* The newest cycle is the newest that was played, not the newest that happens to have a value. */
static void what_is_missing_is_never_a_number(void **unused)
{
    (void)unused;
    struct verdict v = ask("cv", "q_sei", 0, NAN, 0);
    assert_int_equal(v.kind, VERDICT_MISSING);
    assert_string_equal(v.text, "cv.q_sei@3 is missing: 20 of 900 samples flagged, more than 1 %");
    assert_int_equal(ask("cv", "sei_charge_ratio", 0, -1, 1).kind, VERDICT_MISSING);
    /* Cycle 1 has no ratio to itself; cycle 4 was not played; the step was not played. */
    assert_int_equal(ask("cv", "sei_charge_ratio", 1, -10, 10).kind, VERDICT_MISSING);
    assert_string_equal(ask("cv", "sei_charge_ratio", 1, -10, 10).text,
                        "cv.sei_charge_ratio@1 is missing: this cycle has none");
    assert_int_equal(ask("cv", "q_sei", 4, -1, 1).kind, VERDICT_MISSING);
    v = ask("other", "q_sei", 0, -1, 1);
    assert_int_equal(v.kind, VERDICT_MISSING);
    assert_string_equal(v.text, "other.q_sei is missing: the step was not played");
}

static void a_step_that_is_played_once_needs_no_cycle(void **unused)
{
    (void)unused;
    assert_int_equal(ask("rest", "e_end", 0, 2.8, 3).kind, VERDICT_MET);
    assert_int_equal(ask("rest", "e_end", 1, 2.8, 3).kind, VERDICT_MET);
    assert_int_equal(ask("rest", "e_end", 2, 2.8, 3).kind, VERDICT_MISSING);
    assert_int_equal(ask("", "contact_capacitance", 0, 10e-15, NAN).kind, VERDICT_MET);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_is_compared_with_both_bounds),
        cmocka_unit_test(what_is_missing_is_never_a_number),
        cmocka_unit_test(a_step_that_is_played_once_needs_no_cycle),
    };
    return cmocka_run_group_tests(tests, fill, empty);
}
