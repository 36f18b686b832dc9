/* Protocol to plan: the shipped demonstration, defaults, numbers per site, duration, outputs. */
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
#include "protocol/plan.h"

struct made {
    struct diags *d;
    struct protocol *p;
    struct plan *plan;
};

static struct made load(const char *path, const struct protocol_options *o)
{
    struct made m = {.d = diags_new()};
    struct err e = ERR_INIT;
    m.p = protocol_load(path, o, m.d, &e);
    m.plan = m.p ? plan_make(m.p, m.d) : NULL;
    if (!m.plan) {
        struct buf b = {0};
        diags_print(m.d, &b);
        fail_msg("%s: %s%s", path, e.text, b.p ? b.p : "");
    }
    return m;
}

static void drop(struct made *m)
{
    plan_free(m->plan);
    protocol_free(m->p);
    diags_free(m->d);
}

/* A small protocol written to the folder of the faulty ones, whose rig it uses; `more` goes behind it. */
static struct made load_text(const char *site, const char *more)
{
    char path[] = "tests/faulty/made-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *f = fdopen(fd, "w");
    fprintf(f,
            "seccm: 1\nname: <made> & \"small\"\nprobe: {aperture: 200 nm}\n"
            "reference: {electrode: Ag QRCE, offset: 0.1 V, uncertainty: 0.05 V}\nrig: parts/rig.yaml\n"
            "grid: {shape: rectangle, columns: 3, rows: 2, pitch: 5 um, origin: {x: 10 um, y: 10 um}, "
            "spares: 2}\n"
            "limits: {potential: [-1 V, 1 V], current: 5 nA}\nsurface: {clearance: 2 um, peak: 1 um, sigma: "
            "0.3 um}\n"
            "approach: {bias: 0.2 V, speed: 1 um/s, travel: 12 um, contact: {threshold: 3 pA}}\n"
            "site: %s\n%s\n",
            site, more);
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

static void near(double found, double expected)
{
    if (fabs(found - expected) > 1e-9 * fmax(fabs(expected), 1e-12))
        fail_msg("%.12g instead of %.12g", found, expected);
}

static void the_demonstration_is_planned(void **state)
{
    (void)state;
    struct made m = load("examples/sei-screening.yaml", NULL);
    assert_int_equal(m.plan->n_sites, 100);
    assert_int_equal(m.plan->n_spares, 10);
    assert_int_equal(m.p->n_steps, 4);
    assert_string_equal(m.p->step[0].name, "hold1");
    assert_string_equal(m.p->step[1].name, "formation");
    assert_string_equal(m.p->step[3].name, "ocp1");
    near(m.p->step[1].cycles.si, 5);
    assert_int_equal(m.p->factor[0].dim, DIM_POTENTIAL);
    near(m.p->plating, 0);
    assert_int_equal(diags_warnings(m.d), 1); /* plating at the lowest cut-off, and nothing else */
    int counts[3] = {0};
    for (int i = 0; i < 100; i++)
        counts[m.plan->site[i].level[0]]++;
    for (int k = 0; k < 3; k++)
        assert_in_range(counts[k], 33, 34);
    drop(&m);
}

static void a_step_takes_the_levels_of_its_site(void **state)
{
    (void)state;
    struct made m = load("examples/sei-screening.yaml", NULL);
    static const double cutoff[] = {1.0, 0.5, 0.05};
    for (int i = 0; i < m.plan->n_sites; i++) {
        const int *level = m.plan->site[i].level;
        struct step_now cv, g;
        plan_step(m.plan, level, 1, &cv);
        plan_step(m.plan, level, 2, &g);
        near(cv.vertex[0], cutoff[level[0]]);
        near(cv.vertex[1], 3);
        near(cv.interval, 2e-3);
        assert_int_equal(g.n_until, 3);
        assert_int_equal(g.until[0].what, UNTIL_POTENTIAL_BELOW);
        near(g.until[0].value, cutoff[level[0]]);
    }
    drop(&m);
}

static void spares_wait_for_their_levels(void **state)
{
    (void)state;
    struct made m = load("examples/sei-screening.yaml", NULL);
    const struct plan_site *s = &m.plan->site[100];
    struct step_now cv;
    assert_true(s->spare);
    assert_int_equal(s->level[0], -1);
    plan_step(m.plan, s->level, 1, &cv);
    assert_true(isnan(cv.vertex[0]));
    near(cv.start, 3);
    drop(&m);
}

static void the_seed_can_be_overridden(void **state)
{
    (void)state;
    struct protocol_options o = {.has_seed = true, .seed = 2};
    struct made a = load("examples/sei-screening.yaml", NULL), b = load("examples/sei-screening.yaml", &o);
    assert_int_equal(b.plan->seed, 2);
    int different = 0;
    for (int i = 0; i < 100; i++)
        different += a.plan->site[i].level[0] != b.plan->site[i].level[0];
    assert_true(different > 20);
    drop(&a);
    drop(&b);
}

static void the_rig_can_be_overridden(void **state)
{
    (void)state;
    struct protocol_options o = {.rig_path = "tests/faulty/parts/rig.yaml"};
    struct made m = load("examples/sei-screening.yaml", &o);
    assert_string_equal(m.p->rig->name, "bench");
    drop(&m);
    o.rig_path = "tests/faulty/parts/no-such-rig.yaml";
    struct diags *d = diags_new();
    struct err e = ERR_INIT;
    assert_null(protocol_load("examples/sei-screening.yaml", &o, d, &e));
    assert_non_null(strstr(e.text, "no-such-rig.yaml"));
    diags_free(d);
}

static void defaults_follow_from_other_values(void **state)
{
    (void)state;
    struct made m = load_text("[ocp: {for: 1 s}]", "");
    near(m.p->approach.leash.si, 100e-9); /* the drop: half the aperture, smaller than 0.3 um */
    near(m.p->approach.ceiling.si, 5e-9);
    near(m.p->approach.interval.si, 1e-3);
    near(m.p->approach.confirm.si, 50e-3);
    near(m.p->retract.bias.si, 0.2);
    near(m.p->retract.travel.si, 5e-6);
    near(m.p->alive.amplitude, 0.1);
    near(m.p->step[0].interval.si, 10e-3);
    assert_true(isnan(m.p->plating));
    assert_true(isnan(m.p->stop.after));
    assert_int_equal(m.p->faults.policy[FAULT_NO_CONTACT], POLICY_SPARE);
    assert_int_equal(m.p->faults.policy[FAULT_NOT_DETACHED], POLICY_PAUSE);
    assert_int_equal(m.p->faults.consecutive_then, POLICY_PAUSE);
    assert_int_equal(m.p->faults.consecutive_count, 5);
    assert_int_equal(m.p->design, DESIGN_NONE);
    drop(&m);
    struct made a = load_text("[ocp: {for: 1 s}]", "faults: {consecutive: {then: abort}, no-contact: retry}");
    assert_int_equal(a.p->faults.consecutive_then, POLICY_ABORT);
    assert_int_equal(a.p->faults.policy[FAULT_NO_CONTACT], POLICY_RETRY);
    drop(&a);
}

static void names_are_given_to_nameless_steps(void **state)
{
    (void)state;
    struct made m = load_text("[ocp: {for: 1 s}, ocp: {for: 1 s, name: ocp2}, ocp: {for: 1 s}]", "");
    assert_string_equal(m.p->step[0].name, "ocp1");
    assert_string_equal(m.p->step[1].name, "ocp2");
    assert_string_equal(m.p->step[2].name, "ocp3");
    drop(&m);
}

/* Two factors, each combination on one of the six sites. */
static void factors_multiply(void **state)
{
    (void)state;
    struct made m = load_text("[hold: {potential: $e, for: $t}]",
                              "vary: {factors: {e: [0.1 V, 0.2 V, 300 mV], t: [1 s, 2 s]}}");
    int seen[3][2] = {{0}};
    for (int i = 0; i < 6; i++) {
        struct step_now s;
        const int *level = m.plan->site[i].level;
        plan_step(m.plan, level, 0, &s);
        seen[level[0]][level[1]]++;
        near(s.potential, 0.1 * (level[0] + 1));
        near(s.duration, level[1] + 1);
    }
    for (int i = 0; i < 6; i++)
        assert_int_equal(seen[i / 2][i % 2], 1);
    drop(&m);
}

/* 6 sites of: hold 2 s; cv of 0.5 V there and back twice at 0.5 V/s, beginning 0.1 V away (0.6 + 0.5 + 1.0
 * V: 4.2 s, and a sample of 4 ms where each of its four ramps starts); -10 pA until 50 pC (5 s). */
static void the_duration_is_what_one_computes_by_hand(void **state)
{
    (void)state;
    struct made m = load_text(
        "[hold: {potential: 0 V, for: 2 s}, cv: {start: 0.1 V, vertices: [-0.5 V, 0 V], rate: 0.5 V/s, "
        "cycles: 2}, galvanostatic: {current: -10 pA, until: {charge: 50 pC, elapsed: 20 s}}]",
        "");
    const struct plan_seconds *t = &m.plan->seconds;
    near(t->technique, 6 * (2 + 4.216 + 5));
    near(t->overhead, 6 * 2 * 0.2);
    double before = 4 * 0.1 / 10 + 2 * 0.6 / 10 + 0.05;
    near(t->approach, 6 * before + 3 * 6 + 3 * 3.9);
    double wetted = 1.5 * 200e-9;
    near(t->motion,
         5 * 5e-6 / 50e-6 + 6 * (3 * wetted / 1e-6 + (3.9e-6 - 3 * wetted) / 10e-6 + 2e-6 / 20e-6));
    near(t->total, t->technique + t->overhead + t->approach + t->motion);
    near(t->worst, t->total + 3 * 6 + 3 * (12 - 3.9));
    drop(&m);
}

static int count_text(const char *text, const char *what)
{
    int n = 0;
    for (const char *p = text; (p = strstr(p, what)); p += strlen(what))
        n++;
    return n;
}

static void outputs_hold_every_site(void **state)
{
    (void)state;
    struct made m = load_text("[hold: {potential: $e, for: 1 s}]", "vary: {factors: {e: [0.1 V, 0.2 V]}}");
    struct buf b = {0};
    plan_csv(m.plan, &b);
    assert_int_equal(count_text(b.p, "\n"), 9);
    assert_int_equal(strncmp(b.p, "site,order,x_um,y_um,region,block,spare,e_V,role\n1,1,10,10,,1,no,0.", 67),
                     0);
    assert_non_null(strstr(b.p, "\n8,8,15,20,,0,yes,,spare\n"));
    buf_clear(&b);
    plan_json(m.plan, &b);
    assert_int_equal(count_text(b.p, "\"site\": "), 8);
    assert_int_equal(count_text(b.p, "{"), count_text(b.p, "}"));
    assert_non_null(strstr(b.p, "\"name\": \"<made> & \\\"small\\\"\""));
    buf_clear(&b);
    plan_svg(m.plan, &b);
    assert_int_equal(count_text(b.p, "<title>"), 8);
    assert_non_null(strstr(b.p, "&lt;made> &amp; \"small\""));
    assert_int_equal(count_text(b.p, "<text"), count_text(b.p, "</text>"));
    buf_clear(&b);
    plan_print(m.plan, &b);
    assert_int_equal(count_text(b.p, " spare\n"), 2);
    assert_int_equal(count_text(b.p, "3 sites  e = "), 2);
    buf_free(&b);
    drop(&m);
}

/* A mark leads to the value in the file, or to the nearest map. */
static void marks_find_values(void **state)
{
    (void)state;
    struct made m = load("examples/sei-screening.yaml", NULL);
    struct mark speed = protocol_mark(m.p, "approach.speed"),
                ceiling = protocol_mark(m.p, "approach.ceiling"), approach = protocol_mark(m.p, "approach");
    assert_int_equal(speed.line, approach.line + 1);
    assert_int_equal(ceiling.line, approach.line);
    drop(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_demonstration_is_planned),
        cmocka_unit_test(a_step_takes_the_levels_of_its_site),
        cmocka_unit_test(spares_wait_for_their_levels),
        cmocka_unit_test(the_seed_can_be_overridden),
        cmocka_unit_test(the_rig_can_be_overridden),
        cmocka_unit_test(defaults_follow_from_other_values),
        cmocka_unit_test(names_are_given_to_nameless_steps),
        cmocka_unit_test(factors_multiply),
        cmocka_unit_test(the_duration_is_what_one_computes_by_hand),
        cmocka_unit_test(outputs_hold_every_site),
        cmocka_unit_test(marks_find_values),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    quantity_done();
    return failed;
}
