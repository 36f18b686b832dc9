/* Control sites: when and where they are visited, what follows from their verdict, and that an interruption
 * changes neither. */
#include "clean_night.h"

#define FLAT                                                                                                 \
    "edge-density: {mean: 0.3, spread: 0}, wetting: {ratio: 1.5, spread: 0}, "                               \
    "double-layer: {capacitance: 10 uF/cm2, edge-gain: 0, spread: 0}, "                                      \
    "sei: {charge: 1 mC/cm2, charge-edge: 0, charge-spread: 0, onset: 1.2 V, onset-edge: 1.2 V, "            \
    "onset-spread: 0 mV}, trace: {density: 0 uA/cm2}"
/* 12 sites and 2 spares, 8 spots 5 um above them. */
#define GRID                                                                                                 \
    "{grid: 1, regions: [{name: screen, shape: rectangle, columns: 6, rows: 2, pitch: 5 um, "                \
    "origin: {x: 10 um, y: 10 um}, spares: 2}, {name: reference, shape: line, count: 8, pitch: 5 um, "       \
    "origin: {x: 10 um, y: 25 um}, spares: 0}]}"
#define SITES  12
#define SPOTS  8
#define SPOT_1 15 /* number of the first spot: behind sites and spares */

struct visit {
    int site;
    double start;
};

static int by_start(const void *a, const void *b)
{
    const struct visit *x = a, *y = b;
    return (x->start > y->start) - (x->start < y->start);
}

/* Numbers of the sites in the order in which they were last visited. */
static int visits_of(const struct results_sites *s, int *site)
{
    struct visit v[64];
    int n = 0;
    for (int k = 0; k < s->n; k++)
        if (s->site[k].attempts)
            v[n++] = (struct visit){s->site[k].site, s->site[k].start_s};
    qsort(v, (size_t)n, sizeof *v, by_start);
    for (int k = 0; k < n; k++)
        site[k] = v[k].site;
    return n;
}

static const struct results_site *site_of(const struct results_sites *s, int number)
{
    for (int k = 0; k < s->n; k++)
        if (s->site[k].site == number)
            return &s->site[k];
    fail_msg("no site %d", number);
    return NULL;
}

static bool is_flagged(const struct results_sites *s, int number)
{
    return strstr(site_of(s, number)->flags, "control-failed") != NULL;
}

/* --- when and where ------------------------------------------------------------------------------------- */

static void a_control_comes_after_every_so_many_sites(void **unused)
{
    (void)unused;
    struct night n;
    int site[64];
    static const int wanted[] = {15, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 17, 11, 12, 18};
    night_open(&n, &(struct night_spec){.grid = GRID, .more = "control: {every: 5, patch: reference}\n"});
    assert_int_equal(n.plan->n_sites, SITES);
    assert_int_equal(n.plan->n_controls, SPOTS);
    night_run(&n);
    assert_int_equal(n.end, RUN_FINISHED);
    assert_int_equal(n.counts.visited, SITES);
    assert_int_equal(n.counts.by_outcome[OUTCOME_MEASURED], SITES);
    assert_int_equal(n.counts.controls, 4);
    struct results_sites s = sites_of(&n);
    assert_int_equal(visits_of(&s, site), 16);
    assert_memory_equal(site, wanted, sizeof wanted);
    /* The plan had said the same. */
    assert_int_equal(n.plan->n_visits, 16);
    for (int k = 0; k < 16; k++)
        assert_int_equal(n.plan->site[n.plan->visit[k]].site, wanted[k]);
    for (int k = 0; k < s.n; k++) {
        enum site_role role = s.site[k].site >= SPOT_1 ? SITE_CONTROL
                              : s.site[k].site > SITES ? SITE_SPARE
                                                       : SITE_MEASURED;
        assert_int_equal(s.site[k].role, role);
        assert_string_equal(s.site[k].region, role == SITE_CONTROL ? "reference" : "screen");
    }
    assert_int_equal(events_with(&n, "control", "good"), 4);
    results_sites_free(&s);
    ASSERT_UNHARMED(&n);
    night_close(&n);
}

static void a_control_comes_after_so_much_time(void **unused)
{
    (void)unused;
    struct night n;
    int site[64];
    night_open(&n, &(struct night_spec){.grid = GRID, .more = "control: {after: 25 s, patch: reference}\n"});
    night_run(&n);
    assert_int_equal(n.end, RUN_FINISHED);
    struct results_sites s = sites_of(&n);
    int visits = visits_of(&s, site), controls = 0;
    double last = NAN, longest = 0, before = NAN;
    for (int k = 0; k < visits; k++) {
        const struct results_site *v = site_of(&s, site[k]);
        if (!isnan(before))
            longest = fmax(longest, v->start_s - before);
        before = v->start_s;
        if (v->role != SITE_CONTROL)
            continue;
        assert_int_equal(v->site, SPOT_1 + controls++);
        /* Not before its time (the last one comes anyway), and not later than the next site's end. */
        if (!isnan(last) && k + 1 < visits)
            assert_true(v->start_s - last >= 25);
        if (!isnan(last))
            assert_true(v->start_s - last <= 25 + longest);
        last = v->start_s;
    }
    print_message("%d controls among %d visits\n", controls, visits);
    assert_true(controls >= 4 && controls < SPOTS);
    assert_int_equal(site[0], SPOT_1);
    results_sites_free(&s);
    night_close(&n);
}

/* Steps of their own, while the sites take the levels of a factor. */
static void a_control_plays_its_own_steps(void **unused)
{
    (void)unused;
    struct night n;
    night_open(
        &n,
        &(struct night_spec){
            .grid = GRID,
            .site =
                "  - cv: {name: formation, start: 3 V, vertices: [$cutoff, 3 V], rate: 10 V/s, step: 10 mV}",
            .more =
                "vary: {factors: {cutoff: [1 V, 0.5 V]}}\n"
                "control: {every: 5, patch: reference, steps: [hold: {name: look, potential: 2.5 V, "
                "for: 0.2 s}, cv: {name: formation, start: 3 V, vertices: [1.5 V, 3 V], rate: 10 V/s, "
                "step: 10 mV}], accept: {look.i_end: [-1 nA, 1 nA], formation.q_red@1: [-1 nC, 0 C]}}\n"});
    night_run(&n);
    assert_int_equal(n.end, RUN_FINISHED);
    assert_int_equal(n.counts.controls, 4);
    assert_int_equal(n.counts.controls_failed, 0);
    struct results_sites s = sites_of(&n);
    for (int k = 0; k < s.n; k++) {
        struct results_step *step;
        struct err err = ERR_INIT;
        int steps, looks = 0, sweeps = 0;
        if (!s.site[k].last_attempt)
            continue;
        bool control = s.site[k].role == SITE_CONTROL;
        assert_true(results_steps(n.file, s.site[k].last_attempt, &step, &steps, &err));
        for (int j = 0; j < steps; j++) {
            looks += strcmp(step[j].name, "look") == 0;
            if (strcmp(step[j].name, "formation") != 0)
                continue;
            sweeps++;
            assert_int_equal(strstr(step[j].settings, "\"vertex0\":1.5") != NULL, control);
        }
        assert_int_equal(looks, control);
        assert_int_equal(sweeps, 1);
        assert_string_equal(s.level[k], control ? "" : s.level_si[k] < 0.7 ? "0.5 V" : "1 V");
        free(step);
    }
    results_sites_free(&s);
    ASSERT_UNHARMED(&n);
    night_close(&n);
}

/* --- spots that give nothing ---------------------------------------------------------------------------- */

static void a_spot_without_contact_is_followed_by_the_next(void **unused)
{
    (void)unused;
    struct night n;
    int site[64];
    static const int wanted[] = {15, 1, 2, 3, 4, 5, 16, 17, 6, 7, 8, 9, 10, 18, 11, 12, 19};
    night_open(&n,
               &(struct night_spec){
                   .grid = GRID,
                   .sample = "{surface: {roughness: 0 nm, insulating: {list: [{x: 15 um, y: 25 um, radius: 2 "
                             "um}]}}, " FLAT "}",
                   .more = "control: {every: 5, patch: reference}\n"});
    night_run(&n);
    assert_int_equal(n.end, RUN_FINISHED);
    struct results_sites s = sites_of(&n);
    assert_int_equal(visits_of(&s, site), 17);
    assert_memory_equal(site, wanted, sizeof wanted);
    assert_int_equal(site_of(&s, 16)->outcome, OUTCOME_NO_CONTACT);
    assert_int_equal(n.counts.by_outcome[OUTCOME_NO_CONTACT], 0); /* a control is no lost site */
    results_sites_free(&s);
    ASSERT_UNHARMED(&n);
    night_close(&n);
}

static void three_spots_without_contact_are_a_pause(void **unused)
{
    (void)unused;
    struct night n;
    night_open(
        &n, &(struct night_spec){.grid = GRID,
                                 .sample = "{surface: {roughness: 0 nm, insulating: {list: [{x: 20 um, y: 25 "
                                           "um, radius: 8 um}]}}, " FLAT "}",
                                 .more = "control: {every: 10, patch: reference, then: flag}\n"});
    night_run(&n);
    assert_int_equal(n.end, RUN_PAUSED);
    assert_non_null(strstr(n.e.text, "3 spots in a row"));
    assert_int_equal(n.counts.visited, 10);
    assert_int_equal(n.counts.controls, 4);
    assert_info(&n, "state", "paused");
    assert_info(&n, "stopped_by", "control");
    assert_true(n.counts.safe);
    ASSERT_UNHARMED(&n);
    /* Going on: one is due still, at a spot that is fresh. */
    struct run_before *before = night_again(&n);
    assert_int_equal(n.end, RUN_FINISHED);
    struct results_sites s = sites_of(&n);
    int site[64], visits = visits_of(&s, site);
    assert_int_equal(site[14], SPOT_1 + 4);
    assert_int_equal(visits, SITES + 4 + 2);
    results_sites_free(&s);
    free(before);
    night_close(&n);
}

static void without_a_spot_left_the_sites_go_on(void **unused)
{
    (void)unused;
    struct night n;
    /* 8 spots, of which the two for the second control and the four behind are blocked. */
    night_open(&n, &(struct night_spec){
                       .grid = GRID,
                       .sample = "{surface: {roughness: 0 nm, insulating: {list: [{x: 15 um, y: 25 "
                                 "um, radius: 2 um}, {x: 20 um, y: 25 um, radius: 2 um}, {x: 30 um, "
                                 "y: 25 um, radius: 2 um}, {x: 35 um, y: 25 um, radius: 2 um}, {x: "
                                 "45 um, y: 25 um, radius: 2 um}]}}, " FLAT "}",
                       .more = "control: {every: 3, patch: reference}\n"});
    night_run(&n);
    assert_int_equal(n.end, RUN_FINISHED);
    assert_int_equal(n.counts.controls, SPOTS);
    assert_int_equal(n.counts.by_outcome[OUTCOME_MEASURED], SITES);
    assert_int_equal(events_with(&n, "warning", "all 8 spots of `reference` are used"), 1);
    ASSERT_UNHARMED(&n);
    night_close(&n);
}

/* --- the verdict ---------------------------------------------------------------------------------------- */

/* The sample rises by 60 nm from spot to spot. */
#define RISING "{surface: {roughness: 0 nm, slope-x: 12 mrad}, " FLAT "}"
#define BOUNDS "accept: {contact_z: [49 um, 50.47 um]}" /* the fourth spot, 25 um from x = 0, lies beyond */

/* Heights of the spots, so that the tests below can not pass by chance. */
static void a_drifting_control_pauses_the_run(void **unused)
{
    (void)unused;
    struct night n;
    night_open(&n, &(struct night_spec){.grid = GRID,
                                        .sample = RISING,
                                        .more = "control: {every: 3, patch: reference, " BOUNDS "}\n"});
    night_run(&n);
    struct results_sites s = sites_of(&n);
    int failed = 0;
    for (int k = 0; k < SPOTS; k++) {
        const struct results_site *c = site_of(&s, SPOT_1 + k);
        bool beyond = c->attempts && c->contact_z > 50.47e-6;
        if (c->attempts)
            print_message("spot %d: %.4f um %s\n", k + 1, c->contact_z * 1e6, c->flags);
        assert_int_equal(is_flagged(&s, SPOT_1 + k), beyond);
        failed += beyond;
    }
    assert_int_equal(failed, 1);
    int good = n.counts.controls - 1;
    assert_true(good >= 2 && good <= 4); /* else the test says nothing */
    assert_int_equal(n.end, RUN_PAUSED);
    assert_non_null(strstr(n.e.text, "contact_z = "));
    assert_non_null(strstr(n.e.text, "outside of 49 um to 50.47 um"));
    assert_info(&n, "stopped_by", "control");
    assert_int_equal(n.counts.controls_failed, 1);
    assert_int_equal(n.counts.visited, 3 * good);
    /* What was measured since the last good one is in doubt, what came before is not. */
    for (int k = 1; k <= 3 * good; k++)
        assert_int_equal(is_flagged(&s, k), k > 3 * (good - 1));
    assert_int_equal(events_with(&n, "control", "failed: contact_z"), 1);
    results_sites_free(&s);
    ASSERT_UNHARMED(&n);
    /* Going on begins with a new control; it fails as well, and no site is visited. */
    struct run_before *before = night_again(&n);
    assert_int_equal(n.end, RUN_PAUSED);
    assert_int_equal(n.counts.visited, 3 * good);
    assert_int_equal(n.counts.controls, good + 2);
    free(before);
    night_close(&n);
}

static void a_failed_control_may_flag_and_go_on(void **unused)
{
    (void)unused;
    struct night n;
    /* Around the second spot the sample takes more than twice the charge. */
    night_open(
        &n,
        &(struct night_spec){
            .grid = GRID,
            .sample = "{surface: {roughness: 0 nm}, edge-density: {mean: 0.1, spread: 0}, regions: [{x: 15 "
                      "um, y: 25 um, radius: 2 um, edge-density: 1, spread: 0}], wetting: {spread: 0}, sei: "
                      "{charge-edge: 3, charge-spread: 0, onset-spread: 0 mV}}",
            .site = "  - cv: {name: formation, start: 3 V, vertices: [0.5 V, 3 V], rate: 10 V/s, step: 10 "
                    "mV}",
            .more = "control: {every: 4, patch: reference, accept: {formation.q_red@1: [-5 pC, -100 "
                    "fC]}, then: flag}\n"});
    night_run(&n);
    struct results_sites s = sites_of(&n);
    struct results_feature *f;
    struct err err = ERR_INIT;
    int count;
    assert_true(results_features(n.file, &f, &count, &err));
    for (int k = 0; k < s.n; k++)
        if (s.site[k].role == SITE_CONTROL && s.site[k].attempts)
            print_message("spot %d: %.4g C %s\n", s.site[k].site - SPOT_1 + 1,
                          site_feature(&s, k, f, count, "q_red"), s.site[k].flags);
    assert_int_equal(n.end, RUN_FINISHED);
    assert_int_equal(n.counts.controls, 4);
    assert_int_equal(n.counts.controls_failed, 1);
    assert_true(is_flagged(&s, SPOT_1 + 1));
    assert_false(is_flagged(&s, SPOT_1) || is_flagged(&s, SPOT_1 + 2));
    /* Between the good one before and the good one after. */
    for (int k = 1; k <= SITES; k++)
        assert_int_equal(is_flagged(&s, k), k <= 8);
    free(f);
    results_sites_free(&s);
    ASSERT_UNHARMED(&n);
    night_close(&n);
}

static void a_value_that_is_missing_is_not_accepted(void **unused)
{
    (void)unused;
    struct night n;
    /* A hold of 3 V draws no peak. */
    night_open(&n, &(struct night_spec){
                       .grid = GRID,
                       .more = "control: {every: 4, patch: reference, accept: "
                               "{formation.i_peak_ox@1: [-1 nA, 1 nA], contact_z: [0 um, 99 um]}}\n"});
    night_run(&n);
    struct results_sites s = sites_of(&n);
    struct results_feature *f;
    struct err err = ERR_INIT;
    int count;
    assert_true(results_features(n.file, &f, &count, &err));
    double peak = NAN;
    for (int k = 0; k < s.n; k++)
        if (s.site[k].site == SPOT_1)
            peak = site_feature(&s, k, f, count, "i_peak_ox");
    assert_true(isnan(peak)); /* else the test says nothing */
    assert_int_equal(n.end, RUN_PAUSED);
    assert_non_null(strstr(n.e.text, "formation.i_peak_ox@1 is missing"));
    assert_int_equal(n.counts.visited, 0);
    free(f);
    results_sites_free(&s);
    night_close(&n);
}

/* --- interruption --------------------------------------------------------------------------------------- */

struct told {
    int n, visit[64];
    struct results_sites sites;
};

/* All samples of the steps of the last attempt; returns their number, *rows is the caller's to free. */
static int curve_of(const struct night *n, const struct results_site *site, struct wave_row **rows)
{
    struct results_step *step;
    struct err err = ERR_INIT;
    int steps, count = 0;
    *rows = NULL;
    if (!site->last_attempt)
        return 0;
    assert_true(results_steps(n->file, site->last_attempt, &step, &steps, &err));
    for (int k = 0; k < steps; k++)
        if (!strcmp(step[k].phase, "step")) {
            free(*rows);
            assert_true(results_rows(n->file, step[k].id, rows, &count, &err));
        }
    free(step);
    return count;
}

/* Bit for bit; false if there is nothing to compare. */
static bool is_same_curve(const struct night *a, const struct results_site *x, const struct night *b,
                          const struct results_site *y)
{
    struct wave_row *p, *q;
    int n = curve_of(a, x, &p), m = curve_of(b, y, &q);
    assert_int_equal(n, m);
    for (int k = 0; k < n; k++) {
        assert_true(p[k].e_raw.m == q[k].e_raw.m && p[k].e_raw.e == q[k].e_raw.e);
        assert_true(p[k].i_raw.m == q[k].i_raw.m && p[k].i_raw.e == q[k].i_raw.e);
    }
    free(p);
    free(q);
    return n > 0;
}

static void tell(const struct night *n, struct told *t)
{
    t->sites = sites_of(n);
    t->n = visits_of(&t->sites, t->visit);
}

/* What is measured at a site depends on the site only: nothing drifts, the drop has its width at once. */
static const struct night_spec steady = {
    .grid = GRID,
    .sample =
        "{surface: {roughness: 0 nm}, edge-density: {mean: 0.3, spread: 0.1}, wetting: {start: 1.5, ratio: "
        "1.5, spread: 0, compression: 0}, double-layer: {capacitance: 6 uF/cm2}, sei: {charge: 0.6 mC/cm2, "
        "charge-edge: 2}, trace: {density: 0 uA/cm2}}",
    .pstat = "offset-drift: 0 pA",
    .probe = "stray-gain: 0, meniscus: {height: 200 nm, spread: 4 %}",
    .more = "control: {every: 5, patch: reference, accept: {formation.q_red@1: [-1 nC, 0 fC]}}\n"};

/* R4: but for the site that was cut short and its spare, all is as if nothing had happened. */
static void an_interrupted_run_equals_the_whole_one(void **unused)
{
    (void)unused;
    struct night whole, n;
    struct told a, b;
    struct rng r = rng_stream(test_seed(), "instants");
    night_open(&whole, &steady);
    night_run(&whole);
    assert_int_equal(whole.end, RUN_FINISHED);
    tell(&whole, &a);
    double length = ns_to_s(whole.t1);
    for (int trial = 0; trial < test_count("SECCM_TEST_INSTANTS", 4); trial++) {
        struct timer t = {0};
        double at = length * (0.05 + 0.9 * rng_uniform(r, (uint64_t)trial, 0, 0));
        night_open(&n, &steady);
        night_stop_at(&n, &t, at);
        night_run(&n);
        assert_int_equal(n.end, RUN_INTERRUPTED);
        struct run_before *before = night_again(&n);
        assert_int_equal(n.end, RUN_FINISHED);
        tell(&n, &b);
        int cut = 0, spare = 0, same = 0;
        for (int k = 0; k < b.sites.n; k++) {
            struct results_attempt at_site[4];
            int tried = attempts_of(&n, b.sites.site[k].site, at_site, 4);
            if (tried && at_site[0].outcome == OUTCOME_ABORTED)
                cut = b.sites.site[k].site;
            if (b.sites.site[k].replaces)
                spare = b.sites.site[k].site;
        }
        print_message("stopped at %.2f s: in site %d, spare %d\n", at, cut, spare);
        /* A control that was cut short gives way to the next spot, and all behind it. */
        bool shifted = cut >= SPOT_1 && b.sites.site[cut - 1].outcome != OUTCOME_MEASURED;
        for (int i = 0, j = 0; i < a.n; i++, j++) {
            while (b.visit[j] == cut || (spare && b.visit[j] == spare))
                j++;
            i += a.visit[i] == cut && !shifted;
            if (i < a.n)
                assert_int_equal(b.visit[j], a.visit[i] + (shifted && a.visit[i] >= cut));
        }
        for (int k = 0; k < a.sites.n; k++) {
            int number = a.sites.site[k].site;
            if (number == cut || (shifted && number >= cut) || number == spare)
                continue;
            assert_int_equal(a.sites.site[k].outcome, b.sites.site[k].outcome);
            same += is_same_curve(&whole, &a.sites.site[k], &n, &b.sites.site[k]);
        }
        assert_true(same >= SITES - 1);
        for (int k = 1; k < b.n; k++)
            for (int j = 0; j < k; j++)
                assert_int_not_equal(b.visit[k], b.visit[j]);
        /* The safe state opens the cell over a contact on purpose (S4). */
        assert_int_equal(n.seen.crashes + n.seen.drags + n.seen.wet_travel + n.seen.envelope, 0);
        results_sites_free(&b.sites);
        free(before);
        night_close(&n);
    }
    results_sites_free(&a.sites);
    night_close(&whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_control_comes_after_every_so_many_sites),
        cmocka_unit_test(a_control_comes_after_so_much_time),
        cmocka_unit_test(a_control_plays_its_own_steps),
        cmocka_unit_test(a_spot_without_contact_is_followed_by_the_next),
        cmocka_unit_test(three_spots_without_contact_are_a_pause),
        cmocka_unit_test(without_a_spot_left_the_sites_go_on),
        cmocka_unit_test(a_drifting_control_pauses_the_run),
        cmocka_unit_test(a_failed_control_may_flag_and_go_on),
        cmocka_unit_test(a_value_that_is_missing_is_not_accepted),
        cmocka_unit_test(an_interrupted_run_equals_the_whole_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
