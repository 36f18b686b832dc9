/* Control sites and stopping rules in a plan: spots, sequence, time, outputs, and what the clock says. */
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
#include "base/loop.h"
#include "protocol/plan.h"

struct made {
    struct protocol *p;
    struct plan *plan;
    struct buf says;
};

#define REGIONS                                                                                              \
    "{regions: [{name: left, shape: rectangle, columns: 3, rows: 4, pitch: 5 um, origin: {x: 10 um, y: 10 "  \
    "um}, spares: 1}, {name: reference, shape: line, count: 4, pitch: 5 um, origin: {x: 10 um, y: 60 um}, "  \
    "spares: 2}, {name: right, shape: rectangle, columns: 3, rows: 4, pitch: 5 um, origin: {x: 60 um, y: "   \
    "10 "                                                                                                    \
    "um}, spares: 1}]}"
#define CONTROL "control: {every: 10, patch: reference}\n"

/* `now`: as in protocol_options. */
static struct made load(const char *grid, const char *more, double now)
{
    char path[] = "tests/faulty/made-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *f = fdopen(fd, "w");
    fprintf(
        f,
        "seccm: 1\nname: night\nprobe: {aperture: 400 nm}\n"
        "reference: {electrode: Ag QRCE, offset: 0.1 V, uncertainty: 0.05 V}\nrig: parts/rig.yaml\ngrid: %s\n"
        "limits: {potential: [-1 V, 1 V], current: 5 nA}\n"
        "approach: {bias: 0.2 V, speed: 1 um/s, travel: 12 um, contact: {threshold: 3 pA}}\n%s",
        grid, more);
    if (!strstr(more, "site:"))
        fprintf(f, "site: [cv: {name: cv, start: 0 V, vertices: [0.5 V, 0 V], rate: 1 V/s}]\n");
    fclose(f);
    struct made m = {0};
    struct err e = ERR_INIT;
    struct diags *d = diags_new();
    m.p = protocol_load(path, &(struct protocol_options){.now = now}, d, &e);
    unlink(path);
    m.plan = m.p ? plan_make(m.p, d) : NULL;
    buf_str(&m.says, "");
    diags_print(d, &m.says);
    diags_free(d);
    return m;
}

static struct made load_well(const char *grid, const char *more, double now)
{
    struct made m = load(grid, more, now);
    if (!m.plan)
        fail_msg("%s", m.says.p);
    return m;
}

static void drop(struct made *m)
{
    plan_free(m->plan);
    protocol_free(m->p);
    buf_free(&m->says);
}

static void has(const struct buf *text, const char *wanted)
{
    if (!strstr(text->p, wanted))
        fail_msg("`%s` is not in:\n%s", wanted, text->p);
}

/* --- spots and sequence --------------------------------------------------------------------------------- */

static void the_patch_is_taken_out_of_the_sites(void **state)
{
    (void)state;
    struct made m = load_well(REGIONS, CONTROL, 0), all = load_well(REGIONS, "", 0);
    assert_int_equal(all.plan->n_sites, 28);
    assert_int_equal(all.plan->n_spares, 4);
    assert_int_equal(m.plan->n_sites, 24);
    assert_int_equal(m.plan->n_spares, 2);
    assert_int_equal(m.plan->n_controls, 6); /* its spares are spots as well */
    for (int k = 0; k < plan_places(m.plan); k++) {
        const struct plan_site *s = &m.plan->site[k];
        assert_int_equal(s->site, k + 1);
        assert_int_equal(s->control, strcmp(s->region, "reference") == 0);
        assert_int_equal(s->spare, k >= 24 && k < 26);
        assert_true(m.plan->layout.point[k].x == s->x && m.plan->layout.point[k].y == s->y);
    }
    /* The spots in their order: sites of the patch first. */
    for (int k = 0; k < 4; k++)
        assert_true(fabs(m.plan->site[26 + k].x - (10e-6 + 5e-6 * k)) < 1e-12);
    drop(&all);
    drop(&m);
}

static void the_sequence_follows_the_count(void **state)
{
    (void)state;
    struct made m = load_well(REGIONS, CONTROL, 0);
    const struct plan *p = m.plan;
    int sites = 0, controls = 0;
    assert_int_equal(p->n_visits, 24 + 4);
    assert_int_equal(p->controls_needed, 4);
    for (int k = 0; k < p->n_visits; k++) {
        const struct plan_site *s = &p->site[p->visit[k]];
        if (s->control) {
            assert_int_equal(s->site, 27 + controls++);
            assert_true(sites % 10 == 0 || sites == 24);
        } else {
            assert_int_equal(s->site, ++sites);
        }
    }
    drop(&m);
}

static void the_sequence_follows_the_clock(void **state)
{
    (void)state;
    struct made m = load_well(REGIONS, "control: {after: 2 min, patch: reference}\n", 0);
    const struct plan *p = m.plan;
    double t = 0, last = 0, longest = 0;
    int controls = 0;
    for (int k = 0; k < p->n_visits; k++) {
        const struct plan_site *s = &p->site[p->visit[k]];
        longest = fmax(longest, s->seconds);
        if (s->control && controls++ && k + 1 < p->n_visits) {
            assert_true(t - last >= 120);
            assert_true(t - last < 120 + longest);
        }
        last = s->control ? t : last;
        t += s->seconds;
    }
    print_message("%d controls in %.0f s\n", controls, t);
    assert_true(controls > 2);
    assert_true(fabs(t - p->seconds.total) < 30); /* but for detours */
    drop(&m);
}

static void controls_cost_time_and_data(void **state)
{
    (void)state;
    struct made m = load_well(REGIONS, CONTROL, 0);
    struct made without =
        load_well("{regions: [{name: left, shape: rectangle, columns: 3, rows: 4, pitch: 5 um, "
                  "origin: {x: 10 um, y: 10 um}, spares: 1}, {name: right, shape: rectangle, "
                  "columns: 3, rows: 4, pitch: 5 um, origin: {x: 60 um, y: 10 um}, spares: 1}]}",
                  "", 0);
    const struct plan_seconds *a = &m.plan->seconds, *b = &without.plan->seconds;
    assert_true(fabs(a->total - a->control - b->total) < 1e-6);
    assert_true(fabs(a->total - (a->motion + a->approach + a->technique + a->overhead)) < 1e-6);
    /* 4 of 28 visits, the same steps: 1 s each, with the descent of the first one longer. */
    assert_true(fabs(a->technique - 28.0 / 24 * b->technique) < 1e-9);
    assert_true(a->control > 4 * b->total / 24 * 0.7 && a->control < 4 * b->total / 24 * 1.6);
    assert_true(a->worst > b->worst && a->uncertainty > b->uncertainty);
    assert_true(m.plan->bytes > without.plan->bytes);
    drop(&without);
    drop(&m);
}

/* The region behind the patch takes the next level: none is dealt to the patch. Controls have steps of their
 * own, which need no level. */
static void a_design_by_region_leaves_the_patch_out(void **state)
{
    (void)state;
    struct made m =
        load_well(REGIONS,
                  "control: {every: 10, patch: reference, steps: [hold: {name: look, potential: 0 V, for: "
                  "7 s}], accept: {look.i_end: [-1 nA, 1 nA]}}\n"
                  "vary: {design: by-region, factors: {e: [0.3 V, 0.5 V]}}\n"
                  "site: [cv: {name: cv, start: 0 V, vertices: [$e, 0 V], rate: 1 V/s}]\n",
                  0);
    for (int k = 0; k < m.plan->n_sites; k++)
        assert_int_equal(m.plan->site[k].level[0], strcmp(m.plan->site[k].region, "right") == 0);
    for (int k = m.plan->n_sites; k < plan_places(m.plan); k++)
        assert_int_equal(m.plan->site[k].level[0], -1);
    /* 12 sites at 0.6 s, 12 at 1 s, 4 controls at 7 s. */
    assert_true(fabs(m.plan->seconds.technique - (12 * 0.6 + 12 * 1.0 + 4 * 7)) < 1e-6);
    drop(&m);
}

/* 24 sites and a spot for each control before them, none for the one behind. */
static void a_closing_control_without_a_spot_is_told(void **state)
{
    (void)state;
    char grid[sizeof REGIONS];
    snprintf(grid, sizeof grid, "%s", REGIONS);
    char *count = strstr(grid, "count: 4");
    assert_non_null(count);
    count[7] = '1'; /* and two spares */
    struct made m = load_well(grid, "control: {every: 10, patch: reference}\n", 0);
    struct buf b = {0};
    assert_int_equal(m.plan->controls_needed, 4);
    assert_false(m.plan->site[m.plan->visit[m.plan->n_visits - 1]].control);
    has(&m.says,
        "warning: all 3 spots of the patch `reference` are needed before the last sites: there is none "
        "for the control behind them");
    plan_print(m.plan, &b);
    has(&b,
        "controls: 3 of the 3 spots of `reference`, before the first site, every 10 sites; no spot is left "
        "behind the last\n  in order: [27] 1-10 [28] 11-20 [29] 21-24\n");
    buf_clear(&b);
    plan_json(m.plan, &b);
    has(&b, "\"controls\": {\"spots\": 3, \"planned\": 3, \"needed\": 4,");
    buf_free(&b);
    drop(&m);
    /* Too few before the last sites too: with what is proposed there are enough. */
    m = load(grid, "control: {every: 5, patch: reference}\n", 0);
    assert_null(m.plan);
    has(&m.says,
        "6 control sites are needed (one before the first of 24 sites, one after every 5, one behind "
        "the last), but the patch `reference` has 3 spots; make it larger, or take `every: 12`");
    drop(&m);
    m = load_well(grid, "control: {every: 12, patch: reference}\n", 0);
    assert_int_equal(m.plan->n_visits, 24 + 3);
    drop(&m);
}

static void regions_visited_together_are_told_in_words(void **state)
{
    (void)state;
    char grid[sizeof REGIONS + 64];
    snprintf(grid, sizeof grid, "{visit: together, order: serpentine, %s", &REGIONS[1]);
    struct made m = load_well(grid, CONTROL, 0);
    struct buf b = {0};
    plan_print(m.plan, &b);
    has(&b, " spares, visited together, serpentine, 6 spots for controls in `reference`\n");
    buf_free(&b);
    drop(&m);
}

static void outputs_show_controls(void **state)
{
    (void)state;
    struct made m =
        load_well(REGIONS, "control: {every: 10, patch: reference, accept: {cv.q_ox@1: [1 fC, 2 pC]}}\n", 0);
    struct buf b = {0};
    plan_print(m.plan, &b);
    has(&b, "controls: 4 of the 6 spots of `reference`, before the first site, every 10 sites and behind the "
            "last\n"
            "  in order: [27] 1-10 [28] 11-20 [29] 21-24 [30]\n"
            "  cv.q_ox@1 from 1 fC to 2 pC, otherwise the run pauses\n");
    has(&b, "reference            6 spots for controls\n");
    has(&b, "of it for control sites: ");
    has(&b, "    27     10.000     60.000 control  reference\n     1 ");
    buf_clear(&b);
    plan_csv(m.plan, &b);
    has(&b, "\n27,27,10,60,reference,0,no,control\n");
    buf_clear(&b);
    plan_json(m.plan, &b);
    has(&b, "\"controls\": {\"spots\": 6, \"planned\": 4, \"needed\": 4, \"patch\": \"reference\", \"then\": "
            "\"pause\", "
            "\"accept\": {\"cv.q_ox@1\": {\"low\": 1e-15, \"high\": 2e-12, \"unit\": \"C\"}}}");
    has(&b, "\"sequence\": [27, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 28, 11,");
    has(&b, "\"role\": \"control\"");
    buf_clear(&b);
    plan_svg(m.plan, &b);
    has(&b, "<title>site 27: control; x 10.000 um, y 60.000 um; reference</title></path>");
    has(&b, "<title>site 31: control in reserve;");
    has(&b, ">control</text>");
    has(&b, ">control in reserve</text>");
    buf_free(&b);
    drop(&m);
}

/* --- the clock ------------------------------------------------------------------------------------------ */

#define EVENING (LOOP_VIRTUAL_EPOCH + 22 * 3600.0 + 86400) /* 22:00, universal time */
#define LINE    "{shape: line, count: 20, pitch: 5 um, origin: {x: 10 um, y: 10 um}, spares: 0}"

static int set_zone(void **state)
{
    (void)state;
    setenv("TZ", "UTC0", 1);
    return 0;
}

static int number_in(const char *text, const char *before)
{
    const char *at = strstr(text, before);
    if (!at)
        fail_msg("`%s` is not in: %s", before, text);
    return atoi(at + strlen(before));
}

static void the_plan_says_when_it_is_done(void **state)
{
    (void)state;
    struct made m = load_well(LINE, "stop: {after: 3 h, by: \"06:30\", count: 9}\n", EVENING);
    struct buf b = {0};
    char wanted[80];
    assert_string_equal(m.says.p, "");
    plan_print(m.plan, &b);
    snprintf(wanted, sizeof wanted, "begun now, at 22:00, it is done about 22:%02d (",
             (int)(m.plan->seconds.total / 60));
    has(&b, wanted);
    has(&b, "no new site is begun after 3 h 00 min\n");
    has(&b, "no new site is begun that would end after 06:30\n");
    has(&b, "a combination of levels with 9 measured sites gets no more\n");
    buf_free(&b);
    drop(&m);
    m = load_well(LINE, "", 0); /* no clock, nothing that depends on it */
    plan_print(m.plan, &b);
    assert_null(strstr(b.p, "begun now"));
    buf_free(&b);
    drop(&m);
}

static void a_night_that_is_too_short_is_told(void **state)
{
    (void)state;
    struct made m = load_well(LINE, "stop: {by: \"22:02\"}\n", EVENING);
    int done = number_in(m.says.p, "if it is begun now, about "), fit = 0;
    has(&m.says, "of 20 sites will be done by 22:02");
    for (double t = 0; fit < 20 && t + m.plan->site[fit].seconds <= 120; fit++)
        t += m.plan->site[fit].seconds;
    assert_int_equal(done, fit);
    assert_true(fit > 3 && fit < 20);
    drop(&m);
    m = load_well(LINE, "stop: {after: 2 min}\n", EVENING);
    assert_int_equal(number_in(m.says.p, "after 2 min about "), fit);
    drop(&m);
}

static void a_time_that_is_past_or_too_near_is_an_error(void **state)
{
    (void)state;
    struct made m = load(LINE, "stop: {by: \"2000-01-02 21:59\"}\n", EVENING);
    assert_null(m.plan);
    has(&m.says, "2000-01-02 21:59 is past: no site could be begun");
    drop(&m);
    m = load(LINE, "stop: {by: \"22:00\"}\n", EVENING - 4);
    assert_null(m.plan);
    has(&m.says, "it is 4 s to 22:00: no site could be begun");
    drop(&m);
    /* On resume nobody asks what the clock says now. */
    m = load_well(LINE, "stop: {by: \"2000-01-02 21:59\"}\n", 0);
    drop(&m);
}

/* --- time of steps that a charge ends ------------------------------------------------------------------- */

/* 60 s at 2 pA are given back at 4 pA, half of them: 15 s at the latest, whatever `elapsed` would allow. */
static void a_capacity_bounds_the_time(void **state)
{
    (void)state;
    static const char step[] =
        "site: [galvanostatic: {current: -2 pA, until: {potential: \"< 0.1 V\", elapsed: %s}, "
        "reverse: {current: 4 pA, until: {elapsed: 300 s%s}}}]\n";
    static const struct {
        const char *elapsed, *more;
        double seconds;
    } all[] = {{"60 s", ", capacity: 50 %", 75},
               {"60 s", ", capacity: 1000 %", 60 + 300},
               {"60 s", "", 360},
               {"60 s", ", charge: 40 pC", 70},
               {"60 s, charge: 20 pC", ", capacity: 100 %", 15}};
    for (size_t k = 0; k < sizeof all / sizeof all[0]; k++) {
        struct buf text = {0}, site = {0};
        buf_printf(&site, step, all[k].elapsed, all[k].more);
        struct made m =
            load_well("{shape: line, count: 4, pitch: 5 um, origin: {x: 10 um, y: 10 um}}", site.p, 0);
        double each = m.plan->seconds.technique / m.plan->n_sites;
        if (fabs(each - all[k].seconds) > 1e-6)
            fail_msg("elapsed %s%s: %g s, not %g", all[k].elapsed, all[k].more, each, all[k].seconds);
        plan_print(m.plan, &text);
        has(&text, "technique  at most ");
        buf_free(&text);
        buf_free(&site);
        drop(&m);
    }
    /* What nothing can cut short is not a bound. */
    struct buf text = {0};
    struct made m = load_well("{shape: line, count: 4, pitch: 5 um, origin: {x: 10 um, y: 10 um}}",
                              "site: [hold: {potential: 0.2 V, for: 10 s}]\n", 0);
    plan_print(m.plan, &text);
    assert_null(strstr(text.p, "at most "));
    buf_free(&text);
    drop(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_capacity_bounds_the_time),
        cmocka_unit_test(the_patch_is_taken_out_of_the_sites),
        cmocka_unit_test(the_sequence_follows_the_count),
        cmocka_unit_test(the_sequence_follows_the_clock),
        cmocka_unit_test(controls_cost_time_and_data),
        cmocka_unit_test(a_design_by_region_leaves_the_patch_out),
        cmocka_unit_test(a_closing_control_without_a_spot_is_told),
        cmocka_unit_test(regions_visited_together_are_told_in_words),
        cmocka_unit_test(outputs_show_controls),
        cmocka_unit_test(the_plan_says_when_it_is_done),
        cmocka_unit_test(a_night_that_is_too_short_is_told),
        cmocka_unit_test(a_time_that_is_past_or_too_near_is_an_error),
    };
    int failed = cmocka_run_group_tests(tests, set_zone, NULL);
    quantity_done();
    return failed;
}
