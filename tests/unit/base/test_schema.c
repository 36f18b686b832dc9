/* Tables against files: what is read, what defaults mean, and the exact text of every refusal. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/schema.h"

struct tip {
    double aperture;
    int64_t barrels;
};

struct step {
    char *name;
    int64_t cycles;
    bool keep;
    double rate;
    struct value start;
    struct values vertices;
    double window[2];
    int order;
    int sign;
    struct tip tip;
    const struct ynode *until;
};

static const char *const orders[] = {"serpentine", "raster", "random", NULL};

static const struct field tip_table[] = {
    {"aperture", FIELD_QUANTITY, DIM_LENGTH, offsetof(struct tip, aperture), true, NULL, 1e-9, 1e-4, NULL,
     NULL, "inner diameter of the tip"},
    {"barrels", FIELD_INT, DIM_NONE, offsetof(struct tip, barrels), false, "1", 1, 2, NULL, NULL,
     "number of barrels"},
};
static const struct fields tip_fields = FIELDS("the probe", tip_table);

static const struct field step_table[] = {
    {"name", FIELD_STRING, DIM_NONE, offsetof(struct step, name), false, "unnamed", 0, 0, NULL, NULL,
     "a word"},
    {"cycles", FIELD_INT, DIM_NONE, offsetof(struct step, cycles), false, "3", 1, 1000, NULL, NULL,
     "how often"},
    {"keep", FIELD_BOOL, DIM_NONE, offsetof(struct step, keep), false, "yes", 0, 0, NULL, NULL, "keep it"},
    {"rate", FIELD_QUANTITY, DIM_SCAN_RATE, offsetof(struct step, rate), true, NULL, 1e-6, 100, NULL, NULL,
     "how fast the potential moves, for example 50 mV/s"},
    {"start", FIELD_VALUE, DIM_POTENTIAL, offsetof(struct step, start), false, "3 V", -5, 5, NULL, NULL,
     "begin"},
    {"vertices", FIELD_VALUES, DIM_POTENTIAL, offsetof(struct step, vertices), false, "[0 V, $cutoff]", -5, 5,
     NULL, NULL, "turning points"},
    {"window", FIELD_PAIR, DIM_POTENTIAL, offsetof(struct step, window), false, "[1 V, 1.5 V]", 0, 0, NULL,
     NULL, "evaluated range"},
    {"order", FIELD_CHOICE, DIM_NONE, offsetof(struct step, order), false, "raster", 0, 0, orders, NULL,
     "order"},
    {"sign", FIELD_SIGN, DIM_NONE, offsetof(struct step, sign), false, NULL, 0, 0, NULL, NULL, "wiring"},
    {"tip", FIELD_MAP, DIM_NONE, offsetof(struct step, tip), false, NULL, 0, 0, NULL, &tip_fields,
     "the probe"},
    {"until", FIELD_NODE, DIM_NONE, offsetof(struct step, until), false, NULL, 0, 0, NULL, NULL,
     "conditions"},
};
static const struct fields step_fields = FIELDS("the cv step", step_table);

/* A text that was read, for as long as nodes and marks are looked at. */
struct reading {
    struct source *s;
    struct diags *d;
    struct ytree *t;
    struct step step;
    bool ok;
};

static void read_text(struct reading *r, const char *text)
{
    r->s = source_from_text("f", text);
    r->d = diags_new();
    r->t = ytree_parse(r->s, r->d);
    assert_non_null(r->t);
    memset(&r->step, 0xA5, sizeof r->step); /* whatever was there must not matter */
    r->ok = schema_read(ytree_root(r->t), &step_fields, &r->step, r->d);
    assert_int_equal(r->ok, diags_errors(r->d) == 0);
}

static void done(struct reading *r)
{
    schema_free(&step_fields, &r->step);
    assert_null(r->step.name);
    assert_null(r->step.vertices.v);
    ytree_free(r->t);
    diags_free(r->d);
    source_free(r->s);
}

static void accept(struct reading *r, const char *text)
{
    read_text(r, text);
    struct buf out = {0};
    diags_print(r->d, &out);
    if (!r->ok)
        fail_msg("%s", out.p);
    buf_free(&out);
}

/* `says` is all that is printed for a step that would be right without `text`. */
static void refuse(const char *text, const char *says)
{
    struct reading r;
    struct buf out = {0};
    read_text(&r, text);
    diags_print(r.d, &out);
    assert_string_equal(out.p ? out.p : "", says);
    assert_false(r.ok);
    buf_free(&out);
    done(&r);
}

static void test_everything_is_read(void **state)
{
    (void)state;
    struct reading r;
    accept(&r,
           "name: formation\ncycles: 5\nkeep: no\nrate: 50 mV/s\nstart: -1 V\nvertices: [$low, 3 V, 0.5 V]\n"
           "window: [10 mV, 20 mV]\norder: random\nsign: -1\ntip: {aperture: 400 nm, barrels: 2}\n"
           "until: [a, b]\n");
    assert_string_equal(r.step.name, "formation");
    assert_int_equal(r.step.cycles, 5);
    assert_false(r.step.keep);
    assert_true(r.step.rate == 0.05);
    assert_true(r.step.start.si == -1 && r.step.start.given);
    assert_string_equal(r.step.start.factor, "");
    assert_int_equal(r.step.start.mark.line, 5);
    assert_int_equal(r.step.vertices.n, 3);
    assert_string_equal(r.step.vertices.v[0].factor, "low");
    assert_true(isnan(r.step.vertices.v[0].si));
    assert_true(r.step.vertices.v[2].si == 0.5);
    assert_int_equal(r.step.vertices.v[2].mark.column, 23);
    assert_true(r.step.window[0] == 0.01 && r.step.window[1] == 0.02);
    assert_int_equal(r.step.order, 2);
    assert_int_equal(r.step.sign, -1);
    assert_true(r.step.tip.aperture == 400e-9);
    assert_int_equal(r.step.tip.barrels, 2);
    assert_ptr_equal(r.step.until, ynode_get(ytree_root(r.t), "until"));
    done(&r);
}

static void test_defaults(void **state)
{
    (void)state;
    struct reading r;
    accept(&r, "rate: 1 V/s\n");
    assert_string_equal(r.step.name, "unnamed");
    assert_int_equal(r.step.cycles, 3);
    assert_true(r.step.keep);
    assert_true(r.step.start.si == 3 && !r.step.start.given);
    assert_ptr_equal(r.step.start.mark.source, r.s); /* not the text of the default, which is gone */
    assert_int_equal(r.step.vertices.n, 2);
    assert_string_equal(r.step.vertices.v[1].factor, "cutoff");
    assert_false(r.step.vertices.v[1].given);
    assert_ptr_equal(r.step.vertices.v[1].mark.source, r.s);
    assert_true(r.step.window[0] == 1 && r.step.window[1] == 1.5);
    assert_int_equal(r.step.order, 1);
    assert_int_equal(r.step.sign, 0);
    assert_true(isnan(r.step.tip.aperture)); /* required, but its map is absent */
    assert_int_equal(r.step.tip.barrels, 1);
    assert_null(r.step.until);
    done(&r);
}

static void test_absent_map_asks_for_nothing(void **state)
{
    (void)state;
    struct diags *d = diags_new();
    struct step step;
    memset(&step, 0xA5, sizeof step);
    assert_true(schema_read(NULL, &step_fields, &step, d));
    assert_int_equal(step.cycles, 3);
    assert_true(isnan(step.rate));
    assert_null(step.start.mark.source);
    schema_free(&step_fields, &step);
    diags_free(d);
}

static void test_empty_map_and_nothing(void **state)
{
    (void)state;
    const char *says = "f:1:1: error: `rate` is missing in the cv step\n    {}\n    ^\n"
                       "  = rate: how fast the potential moves, for example 50 mV/s\n";
    refuse("{}\n", says);
    refuse("~\n", "f:1:1: error: `rate` is missing in the cv step\n    ~\n    ^\n"
                  "  = rate: how fast the potential moves, for example 50 mV/s\n");
}

static void test_other_spellings(void **state)
{
    (void)state;
    struct reading r;
    accept(&r, "{rate: 1 V/s, keep: false, sign: +1, cycles: +7, name: '', start: '$a_b-1'}\n");
    assert_false(r.step.keep);
    assert_int_equal(r.step.sign, 1);
    assert_int_equal(r.step.cycles, 7);
    assert_string_equal(r.step.name, "");
    assert_string_equal(r.step.start.factor, "a_b-1");
    assert_true(r.step.start.given);
    done(&r);
}

#define RATE "rate: 1 V/s\n"

static void test_unknown_keys(void **state)
{
    (void)state;
    refuse(RATE "cycle: 5\n", "f:2:1: error: `cycle` is not a key of the cv step\n    cycle: 5\n    ^~~~~\n"
                              "  = did you mean `cycles`?\n");
    refuse(RATE "electrolyte: 5\n",
           "f:2:1: error: `electrolyte` is not a key of the cv step\n    electrolyte: 5\n    ^~~~~~~~~~~\n"
           "  = its keys: name, cycles, keep, rate, start, vertices, window, order, sign, tip, until\n");
    refuse(RATE "tip: {aperture: 1 um, barels: 2}\n",
           "f:2:23: error: `barels` is not a key of the probe\n    tip: {aperture: 1 um, barels: 2}\n"
           "                          ^~~~~~\n  = did you mean `barrels`?\n");
}

static void test_missing_key_of_a_nested_map(void **state)
{
    (void)state;
    refuse(RATE "tip: {barrels: 2}\n",
           "f:2:6: error: `aperture` is missing in the probe\n    tip: {barrels: 2}\n"
           "         ^\n  = aperture: inner diameter of the tip\n");
}

static void test_wrong_kinds(void **state)
{
    (void)state;
    refuse("- a\n", "f:1:1: error: the cv step: a map of settings (key: value) is wanted, found a list\n    "
                    "- a\n    ^\n");
    refuse(RATE "tip: 3\n",
           "f:2:6: error: the probe: a map of settings (key: value) is wanted, found a single value\n"
           "    tip: 3\n         ^\n");
    refuse(RATE "name: [a]\n",
           "f:2:7: error: `name`: text is wanted, found a list\n    name: [a]\n          ^\n");
    refuse(RATE "name:\n", "f:2:6: error: `name`: text is wanted, found nothing\n    name:\n         ^\n");
    refuse(
        RATE "cycles: {a: 1}\n",
        "f:2:9: error: `cycles`: a whole number is wanted, found a map\n    cycles: {a: 1}\n            ^\n");
    refuse("rate: [1]\n",
           "f:1:7: error: `rate`: a scan rate such as 50 mV/s or 1 V/s is wanted, found a list\n"
           "    rate: [1]\n          ^\n");
    refuse(RATE "keep: ~\n",
           "f:2:7: error: `keep`: yes or no is wanted, found nothing\n    keep: ~\n          ^\n");
    refuse(RATE "sign: []\n",
           "f:2:7: error: `sign`: +1 or -1 is wanted, found a list\n    sign: []\n          ^\n");
    refuse(RATE "order: []\n",
           "f:2:8: error: `order`: one of serpentine, raster, random is wanted, found a list\n"
           "    order: []\n           ^\n");
}

static void test_wrong_words(void **state)
{
    (void)state;
    refuse(RATE "cycles: 5.0\n",
           "f:2:9: error: `cycles`: `5.0` is not a whole number\n    cycles: 5.0\n            ^~~\n");
    refuse(RATE "cycles: 99999999999999999999\n",
           "f:2:9: error: `cycles`: `99999999999999999999` is not a whole number\n"
           "    cycles: 99999999999999999999\n            ^~~~~~~~~~~~~~~~~~~~\n");
    refuse(RATE "keep: on\n",
           "f:2:7: error: `keep`: yes or no is wanted, found `on`\n    keep: on\n          ^~\n");
    refuse(RATE "sign: 2\n",
           "f:2:7: error: `sign`: +1 or -1 is wanted, found `2`\n    sign: 2\n          ^\n");
    refuse(RATE "order: rastr\n",
           "f:2:8: error: `order`: `rastr` is not one of serpentine, raster, random\n    order: rastr\n"
           "           ^~~~~\n  = did you mean `raster`?\n");
    refuse(RATE "order: up\n", "f:2:8: error: `order`: `up` is not one of serpentine, raster, random\n"
                               "    order: up\n           ^~\n");
}

static void test_wrong_units_and_ranges(void **state)
{
    (void)state;
    refuse(
        "rate: 1 s/V\n",
        "f:1:7: error: `rate`: `1 s/V` is not a scan rate (found s/V; the inverse, V/s, was probably meant)\n"
        "    rate: 1 s/V\n          ^~~~~\n");
    refuse("rate: 2\n",
           "f:1:7: error: `rate`: `2` has no unit: a scan rate is wanted, for example 50 mV/s or 1 V/s\n"
           "    rate: 2\n          ^\n");
    refuse("rate: 1 kV/s\n", "f:1:7: error: `rate`: 1 kV/s is above the most that is allowed, 100 V/s\n"
                             "    rate: 1 kV/s\n          ^~~~~~\n");
    refuse("rate: 0 V/s\n", "f:1:7: error: `rate`: 0 V/s is below the least that is allowed, 1 uV/s\n"
                            "    rate: 0 V/s\n          ^~~~~\n");
    refuse(RATE "cycles: 0\n",
           "f:2:9: error: `cycles`: 0 is below the least that is allowed, 1\n    cycles: 0\n"
           "            ^\n");
    refuse(RATE "start: 6 V\n", "f:2:8: error: `start`: 6 V is above the most that is allowed, 5 V\n"
                                "    start: 6 V\n           ^~~\n");
}

static void test_factors(void **state)
{
    (void)state;
    refuse(RATE "start: $\n",
           "f:2:8: error: `start`: `$` is not the name of a factor\n    start: $\n           ^\n");
    refuse(RATE "start: $a b\n",
           "f:2:8: error: `start`: `$a b` is not the name of a factor\n    start: $a b\n           ^~~~\n");
    refuse(RATE "start: $abcdefghijklmnopqrstuvwxyz012345\n",
           "f:2:8: error: `start`: the name of a factor has at most 31 characters\n"
           "    start: $abcdefghijklmnopqrstuvwxyz012345\n           ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~\n");
    refuse("rate: $speed\n",
           "f:1:7: error: `rate`: `$speed` does not start with a number: a scan rate is wanted, for "
           "example 50 mV/s or 1 V/s\n    rate: $speed\n          ^~~~~~\n");
}

static void test_lists(void **state)
{
    (void)state;
    refuse(RATE "vertices: 1 V\n",
           "f:2:11: error: `vertices`: a list of values such as 0.05 V or 50 mV is wanted, found "
           "a single value\n    vertices: 1 V\n              ^~~\n");
    refuse(RATE "vertices: []\n",
           "f:2:11: error: `vertices`: the list is empty\n    vertices: []\n              ^\n");
    refuse(RATE "vertices: [1 V, 2, [], 9 V]\n",
           "f:2:17: error: `vertices`: `2` has no unit: a potential is wanted, for example 0.05 V or 50 mV\n"
           "    vertices: [1 V, 2, [], 9 V]\n                    ^\n"
           "f:2:20: error: `vertices`: a potential such as 0.05 V or 50 mV is wanted, found a list\n"
           "    vertices: [1 V, 2, [], 9 V]\n                       ^\n"
           "f:2:24: error: `vertices`: 9 V is above the most that is allowed, 5 V\n"
           "    vertices: [1 V, 2, [], 9 V]\n                           ^~~\n");
}

static void test_pairs(void **state)
{
    (void)state;
    refuse(RATE "window: 1 V\n",
           "f:2:9: error: `window`: a pair [low, high] is wanted, found a single value\n"
           "    window: 1 V\n            ^~~\n");
    refuse(RATE "window: [1 V]\n", "f:2:9: error: `window`: a pair [low, high] is wanted, found a list of 1\n"
                                   "    window: [1 V]\n            ^\n");
    refuse(RATE "window: [2 V, 1 V]\n",
           "f:2:9: error: `window`: the first of [low, high] must be below the second\n"
           "    window: [2 V, 1 V]\n            ^\n");
    refuse(RATE "window: [1 V, 1 V]\n",
           "f:2:9: error: `window`: the first of [low, high] must be below the second\n"
           "    window: [1 V, 1 V]\n            ^\n");
    refuse(RATE "window: [1 s, 2]\n",
           "f:2:10: error: `window`: `1 s` is a time; a potential is wanted, for example 0.05 V or 50 mV\n"
           "    window: [1 s, 2]\n             ^~~\n"
           "f:2:15: error: `window`: `2` has no unit: a potential is wanted, for example 0.05 V or 50 mV\n"
           "    window: [1 s, 2]\n                  ^\n");
}

static void test_all_errors_come_together(void **state)
{
    (void)state;
    struct reading r;
    read_text(&r, "cycels: 5\nstart: 5 nA\ntip: {barrels: x}\n");
    assert_int_equal(diags_errors(r.d), 5); /* unknown, missing rate, unit, missing aperture, no number */
    assert_string_equal(r.step.name, "unnamed");
    done(&r);
}

static void test_broken_default_is_said(void **state)
{
    (void)state;
    static const struct field broken[] = {
        {"rate", FIELD_QUANTITY, DIM_SCAN_RATE, 0, false, "1 s/V", 0, 0, NULL, NULL, NULL}};
    static const struct fields table = FIELDS("a table with a mistake", broken);
    struct diags *d = diags_new();
    struct buf out = {0};
    double rate;
    assert_false(schema_read(NULL, &table, &rate, d));
    assert_true(isnan(rate));
    diags_print(d, &out);
    assert_string_equal(out.p, "error: internal: the default `1 s/V` of `rate` does not read\n");
    buf_free(&out);
    diags_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everything_is_read),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_absent_map_asks_for_nothing),
        cmocka_unit_test(test_empty_map_and_nothing),
        cmocka_unit_test(test_other_spellings),
        cmocka_unit_test(test_unknown_keys),
        cmocka_unit_test(test_missing_key_of_a_nested_map),
        cmocka_unit_test(test_wrong_kinds),
        cmocka_unit_test(test_wrong_words),
        cmocka_unit_test(test_wrong_units_and_ranges),
        cmocka_unit_test(test_factors),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_pairs),
        cmocka_unit_test(test_all_errors_come_together),
        cmocka_unit_test(test_broken_default_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
