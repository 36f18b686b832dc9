/* What differs from site to site: linked factors, values from files, gradients, approach and retraction, and
 * what the plan says of confounding. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "protocol/design.h"
#include "protocol/factor.h"
#include "protocol/plan.h"

#define SEEDS 300

struct made {
    struct diags *d;
    struct protocol *p;
    struct plan *plan;
};

static const char six_by_six[] =
    "{shape: rectangle, columns: 6, rows: 6, pitch: 5 um, origin: {x: 10 um, y: 10 um}, "
    "spares: 2}";

/* A protocol in the folder of the faulty ones, whose rig it uses. */
static struct made plan_text(const char *grid, const char *approach, const char *site, const char *vary,
                             int seed)
{
    char path[] = "tests/faulty/made-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *f = fdopen(fd, "w");
    fprintf(
        f,
        "seccm: 1\nname: made\nseed: %d\nprobe: {aperture: 400 nm}\n"
        "reference: {electrode: Ag QRCE, offset: 0.1 V, uncertainty: 0.05 V}\nrig: parts/rig.yaml\ngrid: %s\n"
        "limits: {potential: [-1 V, 1 V], current: 5 nA}\nsurface: {clearance: 2 um, peak: 1 um, sigma: 0.3 "
        "um}\n"
        "approach: {%s contact: {threshold: 3 pA}}\nsite: %s\nvary: %s\n",
        seed, grid, approach, site, vary);
    fclose(f);
    struct made m = {.d = diags_new()};
    struct err e = ERR_INIT;
    m.p = protocol_load(path, NULL, m.d, &e);
    unlink(path);
    m.plan = m.p ? plan_make(m.p, m.d) : NULL;
    if (!m.plan) {
        struct buf b = {0};
        diags_print(m.d, &b);
        fail_msg("%s%s", e.text, b.p ? b.p : "");
    }
    return m;
}

static const char plain_approach[] = "bias: 0.2 V, speed: 1 um/s, travel: 12 um,";
static const char two_factors[] = "[hold: {potential: $e, for: $t}]";

static void drop(struct made *m)
{
    plan_free(m->plan);
    protocol_free(m->p);
    diags_free(m->d);
}

static void near(double found, double expected)
{
    if (!(fabs(found - expected) <= 1e-9 * fmax(fabs(expected), 1e-12)))
        fail_msg("%.12g instead of %.12g", found, expected);
}

static struct buf said(const struct made *m)
{
    struct buf b = {0};
    buf_str(&b, "");
    diags_print(m->d, &b);
    return b;
}

static void linked_factors_vary_together(void **state)
{
    (void)state;
    static const char site[] =
        "[hold: {potential: $e, for: $t}, cv: {start: 0 V, vertices: [0.5 V, 0 V], rate: $v}]";
    static const char vary[] = "{factors: {e: [0.1 V, 0.2 V], v: [0.5 V/s, 1 V/s, 0.1 V/s], t: [1 s, 2 s]}, "
                               "linked: [[e, t]]}";
    struct made m = plan_text(six_by_six, plain_approach, site, vary, 1);
    assert_int_equal(m.p->n_groups, 2);
    assert_int_equal(m.plan->n_combinations, 6);
    for (int k = 0; k < 6; k++)
        assert_int_equal(m.plan->combination[k].sites, 6);
    for (int i = 0; i < 36; i++) {
        struct step_now hold;
        plan_step(m.plan, m.plan->site[i].level, 0, &hold);
        near(hold.duration, hold.potential * 10);
    }
    assert_int_equal(diags_warnings(m.d), 0);
    struct buf text = {0};
    plan_print(m.plan, &text);
    assert_non_null(strstr(text.p, "linked: e with t\n"));
    assert_non_null(strstr(text.p, "  6 sites  e = 0.2 V, v = 0.1 V/s, t = 2 s\n"));
    buf_free(&text);
    drop(&m);
}

/* Every scalar of approach and retraction, and the number of cycles, takes its level. */
static void approach_retraction_and_cycles_take_levels(void **state)
{
    (void)state;
    static const char approach[] =
        "bias: $b, speed: $v, leash: $l, travel: $w, sample: $s, confirm: $c, ceiling: $i,";
    static const char site[] = "[cv: {start: 0 V, vertices: [0.5 V, 0 V], rate: 1 V/s, cycles: $n}]";
    static const char vary[] =
        "{factors: {b: [0.1 V, 0.2 V], v: [1 um/s, 2 um/s], l: [100 nm, 150 nm], w: [10 um, 12 um], s: [1 "
        "ms, 2 ms], c: "
        "[20 ms, 50 ms], i: [1 nA, 2 nA], n: [1, 3]}, linked: [[b, v, l, w, s, c, i, n]]}";
    struct made m = plan_text(six_by_six, approach, site, vary, 1);
    for (int i = 0; i < 36; i++) {
        const int *level = m.plan->site[i].level;
        struct approach_now a;
        struct retract_now t;
        struct step_now cv;
        int k = level[0];
        plan_approach(m.plan, level, &a);
        plan_retract(m.plan, level, &t);
        plan_step(m.plan, level, 0, &cv);
        near(a.bias, k ? 0.2 : 0.1);
        near(t.bias, a.bias);
        near(a.speed, k ? 2e-6 : 1e-6);
        near(a.leash, k ? 150e-9 : 100e-9);
        near(a.travel, k ? 12e-6 : 10e-6);
        near(a.interval, k ? 2e-3 : 1e-3);
        near(a.confirm, k ? 50e-3 : 20e-3);
        near(a.ceiling, k ? 2e-9 : 1e-9);
        assert_int_equal(cv.cycles, k ? 3 : 1);
    }
    /* 18 sites of 1 cycle (1 s) and 18 of 3 (3 s) */
    near(m.plan->seconds.technique, 18 * 1 + 18 * 3);
    drop(&m);
}

/* Columns of x = 10, 15, ... 35 um: six levels from 0.1 to 0.6 V; counts are rounded. */
static void a_gradient_is_linear_in_x(void **state)
{
    (void)state;
    struct made m = plan_text(six_by_six, plain_approach,
                              "[cv: {start: 0 V, vertices: [$e, 0 V], rate: 1 V/s, cycles: $n}]",
                              "{design: gradient, factors: {e: [0.1 V, 0.6 V], n: [1, 4]}}", 1);
    assert_int_equal(m.plan->n_combinations, 6);
    for (int i = 0; i < 36; i++) {
        const struct plan_site *s = &m.plan->site[i];
        struct step_now cv;
        plan_step(m.plan, s->level, 0, &cv);
        double part = (s->x - 10e-6) / 25e-6;
        near(cv.vertex[0], 0.1 + 0.5 * part);
        assert_int_equal(cv.cycles, (int)rint(1 + 3 * part));
    }
    assert_int_equal(diags_warnings(m.d), 0);
    drop(&m);
}

/* Three levels: from the first to the second over the first half, to the third over the rest. */
static void a_gradient_over_the_night_has_a_level_per_site(void **state)
{
    (void)state;
    struct made m =
        plan_text(six_by_six, plain_approach, two_factors,
                  "{design: gradient, along: site, factors: {e: [0 V, 0.7 V, 0 V], t: [1 s, 36 s]}}", 1);
    for (int i = 0; i < 36; i++) {
        struct step_now hold;
        plan_step(m.plan, m.plan->site[i].level, 0, &hold);
        near(hold.duration, 1 + i);
        near(rint(hold.potential * 1e4), rint(1e4 * (i <= 17 ? 0.04 * i : 1.4 - 0.04 * i)));
    }
    drop(&m);
}

/* Linked lists are a design point by point: a level may stand in several of them. */
static void a_linked_level_may_stand_twice(void **state)
{
    (void)state;
    struct made m =
        plan_text(six_by_six, plain_approach, two_factors,
                  "{factors: {e: [0.1 V, 0.1 V, 0.2 V], t: [1 s, 2 s, 1 s]}, linked: [[e, t]]}", 1);
    assert_int_equal(m.plan->n_combinations, 3);
    for (int k = 0; k < 3; k++)
        assert_int_equal(m.plan->combination[k].sites, 12);
    drop(&m);
}

static void write_table(const char *text)
{
    FILE *f = fopen("tests/faulty/parts/made.csv", "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

/* All spellings of the unit, and all separators. */
static void a_table_gives_each_site_its_value(void **state)
{
    (void)state;
    static const struct {
        const char *head;
        char separator;
        double unit; /* of the number */
        const char *behind;
    } heads[] = {
        {"e_V,note", ',', 1, ""}, {"e (mV);note", ';', 1e-3, ""}, {"e [mV]\tnote", '\t', 1e-3, ""},
        {"e/V,note", ',', 1, ""}, {"e,note", ',', 1e-3, " mV"},   {"\"e_mV\",\"a, b\"", ',', 1e-3, ""},
    };
    for (size_t k = 0; k < sizeof heads / sizeof heads[0]; k++) {
        struct buf table = {0};
        buf_printf(&table, "%s# a remark\n%s\r\n", k == 3 ? "\xef\xbb\xbf" : "", heads[k].head);
        for (int i = 0; i < 36; i++) /* each value at two sites */
            buf_printf(&table, "%g%s%c\"x %d\"\r\n%s", (0.1 + 0.01 * (i % 18)) / heads[k].unit,
                       heads[k].behind, heads[k].separator, i, i == 20 ? "\n" : "");
        write_table(table.p);
        buf_free(&table);
        struct made m = plan_text(six_by_six, plain_approach, "[hold: {potential: $e, for: 1 s}]",
                                  "{factors: {e: {from: {file: parts/made.csv, column: e}}}}", 1);
        assert_int_equal(m.p->factor[0].n, 18);
        for (int i = 0; i < 36; i++) {
            struct step_now hold;
            plan_step(m.plan, m.plan->site[i].level, 0, &hold);
            near(hold.potential, 0.1 + 0.01 * (i % 18));
        }
        assert_int_equal(m.plan->n_combinations, 18);
        for (int i = 0; i < 18; i++)
            assert_int_equal(m.plan->combination[i].sites, 2);
        drop(&m);
    }
    unlink("tests/faulty/parts/made.csv");
}

/* Rows in any order, by their sites; beside a factor that the design deals. */
static void a_table_may_name_its_sites(void **state)
{
    (void)state;
    struct buf table = {0};
    buf_str(&table, "rate_mV_per_s,site\n");
    for (int i = 0; i < 36; i++)
        buf_printf(&table, "%d,%d\n", 100 + 7 * (i * 11 % 36) % 50, i * 11 % 36 + 1);
    write_table(table.p);
    buf_free(&table);
    struct made m = plan_text(
        six_by_six, plain_approach, "[cv: {start: 0 V, vertices: [$e, 0 V], rate: $v}]",
        "{design: latin-square, factors: {e: [0.4 V, 0.2 V, 0.1 V], v: {from: {file: parts/made.csv, "
        "column: rate}}}}",
        1);
    int counts[3] = {0};
    for (int i = 0; i < 36; i++) {
        struct step_now cv;
        plan_step(m.plan, m.plan->site[i].level, 0, &cv);
        near(cv.rate[0], 1e-3 * (100 + 7 * i % 50));
        counts[m.plan->site[i].level[0]]++;
    }
    for (int k = 0; k < 3; k++)
        assert_int_equal(counts[k], 12);
    drop(&m);
    unlink("tests/faulty/parts/made.csv");
}

/* Every random design over many seeds: each combination as often, and almost never a warning of confounding.
 */
static void designs_are_balanced_and_seldom_confounded(void **state)
{
    (void)state;
    static const char *const designs[] = {"completely-randomised", "randomised-blocks", "latin-square"};
    for (int k = 0; k < 3; k++) {
        int warned = 0;
        for (int seed = 0; seed < SEEDS; seed++) {
            char vary[200];
            snprintf(vary, sizeof vary, "{design: %s, factors: {e: [0.1 V, 0.2 V, 0.3 V], t: [1 s, 2 s]}}",
                     designs[k]);
            struct made m = plan_text(six_by_six, plain_approach, two_factors, vary, seed);
            assert_int_equal(m.plan->n_combinations, 6);
            for (int i = 0; i < 6; i++)
                if (m.plan->combination[i].sites != 6)
                    fail_msg("%s, seed %d: %d sites", designs[k], seed, m.plan->combination[i].sites);
            warned += diags_warnings(m.d) > 0;
            drop(&m);
        }
        printf("%s: %d of %d seeds warned of\n", designs[k], warned, SEEDS);
        /* Two factors against three directions and each other, one in a thousand each: 2 expected in 300. */
        assert_in_range(warned, 0, k == 0 ? 10 : 0);
    }
}

static void confounding_with_time_is_told(void **state)
{
    (void)state;
    static const char *const vary[] = {
        "{design: by-row, factors: {e: [0.1 V, 0.2 V, 0.3 V, 0.4 V, 0.5 V, 0.6 V]}}",
        "{design: by-column, factors: {e: [0.1 V, 0.2 V, 0.3 V, 0.4 V, 0.5 V, 0.6 V]}}"};
    for (int k = 0; k < 2; k++) {
        struct made m =
            plan_text(six_by_six, plain_approach, "[hold: {potential: $e, for: 1 s}]", vary[k], 1);
        struct buf b = said(&m), text = {0};
        if (k == 0) {
            assert_non_null(strstr(b.p, "`e` rise with the order of visits (correlation 0.9"));
            assert_non_null(strstr(b.p, "drift over the night"));
            assert_non_null(strstr(b.p, "shuffle: yes"));
            assert_null(strstr(b.p, "with y"));
        } else {
            assert_string_equal(b.p, "");
        }
        plan_print(m.plan, &text);
        assert_non_null(strstr(text.p, "can not be told from the levels"));
        buf_free(&b);
        buf_free(&text);
        drop(&m);
    }
}

/* Ten thousand sites with a level each are planned; the last one stands where it should. */
static void ten_thousand_levels_are_planned(void **state)
{
    (void)state;
    struct made m =
        plan_text("{shape: rectangle, columns: 100, rows: 100, pitch: 1.8 um, origin: {x: 10 um, y: 10 um}, "
                  "spares: 0}",
                  plain_approach, two_factors,
                  "{design: gradient, along: site, factors: {e: [0.5 V, -0.5 V], t: [1 s, 2 s]}}", 1);
    assert_int_equal(m.plan->n_combinations, 10000);
    near(plan_value(m.plan, m.plan->site[9999].level, &m.p->step[0].potential), -0.5);
    drop(&m);
}

/* Visited in another order than listed, one point left out, a spare between: the value goes with its point.
 */
static void a_factor_takes_its_value_from_a_column_of_the_points(void **state)
{
    (void)state;
    static const char grid[] =
        "{shape: points, order: nearest, exclude: [{center: [30 um, 10 um], radius: 1 um}], points: "
        "[{x: 40 um, y: 10 um, e: 0.4 V}, {x: 10 um, y: 10 um, e: 0.1 V}, "
        "{x: 30 um, y: 10 um, e: 0.3 V}, {x: 50 um, y: 10 um, spare: yes}, {x: 20 um, y: 10 um, e: 0.2 V}]}";
    struct made m =
        plan_text(grid, plain_approach, two_factors, "{factors: {e: {from: {column: e}}, t: [1 s]}}", 1);
    assert_int_equal(m.plan->n_sites, 3);
    assert_int_equal(m.plan->n_spares, 1);
    for (int i = 0; i < 3; i++) {
        const struct plan_site *at = &m.plan->site[i];
        near(m.p->factor[0].si[at->level[0]], at->x * 1e4);
    }
    drop(&m);
}

/* The gradient is over the sites that are left, wherever in the order they are visited. */
static void a_gradient_goes_over_the_placed_sites(void **state)
{
    (void)state;
    static const char grid[] =
        "{shape: rectangle, columns: 5, rows: 1, pitch: 5 um, origin: {x: 10 um, y: 10 um}, spares: 0, "
        "order: random, seed: 4, exclude: [{center: [10 um, 10 um], radius: 1 um}]}";
    struct made m = plan_text(grid, plain_approach, two_factors,
                              "{design: gradient, factors: {e: [0 V, 0.3 V], t: [1 s, 2 s]}}", 1);
    assert_int_equal(m.plan->n_sites, 4);
    for (int i = 0; i < 4; i++) {
        const struct plan_site *at = &m.plan->site[i];
        near(m.p->factor[0].si[at->level[0]], (at->x - 15e-6) * 2e4);
    }
    drop(&m);
}

int main(void)
{
    printf("seeds 0 to %d\n", SEEDS - 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(linked_factors_vary_together),
        cmocka_unit_test(approach_retraction_and_cycles_take_levels),
        cmocka_unit_test(a_gradient_is_linear_in_x),
        cmocka_unit_test(a_gradient_over_the_night_has_a_level_per_site),
        cmocka_unit_test(a_linked_level_may_stand_twice),
        cmocka_unit_test(a_table_gives_each_site_its_value),
        cmocka_unit_test(a_table_may_name_its_sites),
        cmocka_unit_test(designs_are_balanced_and_seldom_confounded),
        cmocka_unit_test(confounding_with_time_is_told),
        cmocka_unit_test(ten_thousand_levels_are_planned),
        cmocka_unit_test(a_factor_takes_its_value_from_a_column_of_the_points),
        cmocka_unit_test(a_gradient_goes_over_the_placed_sites),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    quantity_done();
    return failed;
}
