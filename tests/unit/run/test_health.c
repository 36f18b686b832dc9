/* A probe that goes wrong during the night, and one that does not: what the charts say, when, and what the
 * run does. The probe is changed in the world itself; nobody tells the run. */
#include "fixture.h"

#include "sim/world_parts.h"

/* Contacts with a healthy probe before something happens to it. */
#define HEALTHY 26
#define NIGHT   .columns = 10, .rows = 6, .sample = "silicon-etched.yaml"

enum wrong { NOTHING, CLOGS, BLOCKS, CLOSES, BREAKS, SOAKS };

struct trouble {
    struct night *n;
    enum wrong what;
    struct timer timer;
    int seen; /* contacts, when it was looked last */
};

/* Once behind each contact from number HEALTHY on. */
static void spoil(struct trouble *t)
{
    struct world *w = sim_rig_world(t->n->sim);
    w->known = false;
    switch (t->what) {
    case NOTHING:
        break;
    case CLOGS: /* a smaller opening, and a narrower way to it */
        w->probe.aperture *= 0.96;
        w->probe.resistance *= 1.5;
        break;
    case BLOCKS: /* a bubble */
        world_fault(w, SIM_PROBE_BLOCKED, true);
        break;
    case CLOSES: /* dry */
        world_fault(w, SIM_DROP_LOST, true);
        break;
    case BREAKS:
        world_fault(w, SIM_PROBE_BROKEN, true);
        break;
    case SOAKS:
        w->probe.stray *= 1.004;
        w->sample.wetting.ratio *= 1.02;
        break;
    }
}

static void watch(void *ctx)
{
    struct trouble *t = ctx;
    struct world *w = sim_rig_world(t->n->sim);
    int contacts = (int)world_counters(w).contacts;
    if (contacts > t->seen && contacts >= HEALTHY && !world_in_contact(w)) {
        spoil(t);
        t->seen = contacts;
    }
    timer_set(t->n->loop, &t->timer, loop_now(t->n->loop) + 50 * NS_MS, watch, t);
}

static void watch_from_now(struct night *n, struct trouble *t, enum wrong what)
{
    *t = (struct trouble){.n = n, .what = what};
    timer_set(n->loop, &t->timer, loop_now(n->loop) + NS_S, watch, t);
}

static void night_with(struct night *n, struct trouble *t, enum wrong what, const struct night_spec *s)
{
    night_open(n, s);
    watch_from_now(n, t, what);
    night_run(n);
    timer_cancel(n->loop, &t->timer);
}

/* Events of a kind; the text of the first. */
static int events_of(const struct night *n, const char *kind, char first[512])
{
    struct results_event *ev;
    struct err err = ERR_INIT;
    int count, found = 0;
    assert_true(results_events(n->file, &ev, &count, &err));
    first[0] = '\0';
    for (int k = 0; k < count; k++)
        if (!strcmp(ev[k].kind, kind) && found++ == 0)
            snprintf(first, 512, "%s", ev[k].text);
    free(ev);
    return found;
}

/* Sites with the flag; the number of the first. */
static int suspects(const struct night *n, int *first)
{
    struct results_sites s;
    struct err err = ERR_INIT;
    int found = 0;
    assert_true(results_sites(n->file, &s, &err));
    for (int k = 0; k < s.n; k++)
        if (strstr(s.site[k].flags, "probe-suspect")) {
            assert_int_equal(s.site[k].outcome, OUTCOME_MEASURED);
            *first = found++ ? *first : s.site[k].site;
        }
    results_sites_free(&s);
    return found;
}

/* --- what is told, and when ----------------------------------------------------------------------------- */

static const struct {
    enum wrong what;
    const char *verdict, *text;
    int sites; /* with a spoilt probe, at most */
} row[] = {
    {CLOGS, "tip-blocked", "fell", 22},
    {BLOCKS, "tip-blocked", "contact charge / current rose", 12},
    {CLOSES, "tip-blocked", "5 approaches in a row without a contact", 6},
    {BREAKS, "tip-broken", "contact capacitance rose", 3},
    {SOAKS, "tip-wetting", "stray capacitance in air rose", 26},
};

static void a_spoilt_probe_pauses_the_run(void **unused)
{
    (void)unused;
    for (size_t k = 0; k < sizeof row / sizeof row[0]; k++) {
        struct night n;
        struct trouble t;
        char text[512];
        night_with(&n, &t, row[k].what, &(struct night_spec){NIGHT});
        print_message("%s after %d sites: %s\n", row[k].verdict, n.counts.visited - HEALTHY, n.e.text);
        assert_int_equal(n.end, RUN_PAUSED);
        assert_true(n.counts.visited - HEALTHY <= row[k].sites);
        assert_true(strstr(n.e.text, row[k].verdict) == n.e.text);
        assert_non_null(strstr(n.e.text, row[k].text));
        assert_int_equal(events_of(&n, "health", text), 1);
        assert_true(strncmp(text, n.e.text, sizeof n.e.text - 1) == 0);
        if (row[k].what == BREAKS) {
            int first = 0;
            assert_int_equal(suspects(&n, &first), n.counts.visited - HEALTHY);
            assert_int_equal(first, HEALTHY + 1);
        }
        assert_info(&n, "stopped_by", "health");
        assert_info(&n, "state", "paused");
        assert_info(&n, "state_reason", row[k].verdict);
        assert_true(n.counts.safe);
        assert_float_equal(true_z(&n, &(enum cell_mode){0}), 60e-6, 100e-9); /* retracted */
        ASSERT_UNHARMED(&n);
        night_close(&n);
    }
}

static void a_healthy_night_is_quiet(void **unused)
{
    (void)unused;
    static const char *const sample[] = {"ideal-flat.yaml", "silicon-etched.yaml", "hopg.yaml"};
    uint64_t seed = test_seed();
    for (size_t k = 0; k < sizeof sample / sizeof sample[0]; k++) {
        struct night n;
        char text[512];
        night_open(
            &n, &(struct night_spec){
                    .columns = 10, .rows = 8, .sample = sample[k], .seed = k < 2 ? 1 + seed % 1000000 : 1});
        night_run(&n);
        int first;
        if (events_of(&n, "health", text))
            fail_msg("%s: %s", sample[k], text);
        assert_int_equal(suspects(&n, &first), 0);
        assert_int_equal(n.end, RUN_FINISHED);
        night_close(&n);
    }
}

/* A rule that ends the run counts none of what a suspect probe has measured, nor what it had measured before
 * it was suspected. */
static void a_suspect_probe_does_not_end_the_run_early(void **unused)
{
    (void)unused;
    for (int k = 0; k < 2; k++) {
        struct night n;
        struct trouble t;
        night_with(&n, &t, k ? NOTHING : BREAKS,
                   &(struct night_spec){NIGHT, .faults = "tip-broken: skip",
                                        .more =
                                            "stop: {when: {feature: contact_capacitance, half-width: 900 %, "
                                            "at-least: 28}}\n"});
        int first = 0;
        assert_int_equal(n.end, RUN_FINISHED);
        assert_int_equal(suspects(&n, &first), k ? 0 : 60 - HEALTHY);
        assert_int_equal(n.counts.visited, k ? 28 : 60);
        night_close(&n);
    }
}

/* Regions whose sites are visited in turn: each has its own contacts, and few of them before something
 * happens. */
static void a_probe_that_visits_many_regions_is_told_as_soon(void **unused)
{
    (void)unused;
    static const enum wrong what[] = {BLOCKS, CLOGS, BREAKS};
    static const int most[] = {14, 26, 6};
    for (int k = 0; k < 6; k++) {
        struct night n;
        struct trouble t;
        struct buf grid = {0};
        int regions = k < 3 ? 3 : 5;
        buf_str(&grid, "{grid: 1, visit: together, order: random, regions: [");
        for (int j = 0; j < regions; j++)
            buf_printf(&grid,
                       "%s{name: r%d, shape: rectangle, columns: 5, rows: 4, pitch: 5 um, origin: {x: %d um, "
                       "y: 10 um}}",
                       j ? ", " : "", j, 10 + 35 * j);
        buf_str(&grid, "]}");
        night_with(&n, &t, what[k % 3],
                   &(struct night_spec){.grid = grid.p, .sample = "silicon-etched.yaml"});
        print_message("%d regions: after %d sites: %s\n", regions, n.counts.visited - HEALTHY, n.e.text);
        assert_int_equal(n.end, RUN_PAUSED);
        assert_true(n.counts.visited - HEALTHY <= most[k % 3]);
        buf_free(&grid);
        night_close(&n);
    }
}

/* --- policies ------------------------------------------------------------------------------------------- */

static void skip_notes_it_once_and_goes_on(void **unused)
{
    (void)unused;
    struct night n;
    struct trouble t;
    char text[512];
    night_with(&n, &t, BLOCKS, &(struct night_spec){NIGHT, .faults = "tip-blocked: skip"});
    assert_int_equal(n.end, RUN_FINISHED);
    assert_int_equal(n.counts.visited, 60);
    assert_int_equal(events_of(&n, "health", text), 1);
    assert_non_null(strstr(text, "tip-blocked: "));
    night_close(&n);
}

/* At the very last site there is nothing left to keep from the probe: the run is finished, and says it. */
static void a_verdict_at_the_last_site_leaves_the_run_finished(void **unused)
{
    (void)unused;
    struct night n;
    struct trouble t;
    char text[512];
    struct night_spec s = {.columns = 60, .pitch = 3, .sample = "silicon-etched.yaml"};
    night_with(&n, &t, BREAKS, &s);
    assert_int_equal(n.end, RUN_PAUSED);
    int visited = n.counts.visited;
    night_close(&n);
    s.columns = visited;
    night_with(&n, &t, BREAKS, &s);
    assert_int_equal(n.counts.visited, visited);
    assert_int_equal(events_of(&n, "health", text), 1);
    assert_int_equal(n.end, RUN_FINISHED);
    assert_non_null(strstr(n.counts.why, "tip-broken"));
    assert_info(&n, "state", "finished");
    assert_info(&n, "state_reason", "tip-broken");
    night_close(&n);
    s.columns = visited + 1; /* one more to keep from it */
    night_with(&n, &t, BREAKS, &s);
    assert_int_equal(n.end, RUN_PAUSED);
    assert_int_equal(n.counts.visited, visited);
    night_close(&n);
}

static void abort_ends_the_run(void **unused)
{
    (void)unused;
    struct night n;
    struct trouble t;
    night_with(&n, &t, BREAKS, &(struct night_spec){NIGHT, .faults = "tip-broken: abort"});
    assert_int_equal(n.end, RUN_ABORTED);
    assert_info(&n, "state", "aborted");
    night_close(&n);
}

static void watch_no_keeps_no_charts(void **unused)
{
    (void)unused;
    struct night n;
    struct trouble t;
    char text[512];
    night_with(&n, &t, BREAKS, &(struct night_spec){NIGHT, .more = "health: {watch: no}\n"});
    assert_int_equal(n.end, RUN_FINISHED);
    assert_int_equal(events_of(&n, "health", text), 0);
    night_close(&n);
}

/* --- resume --------------------------------------------------------------------------------------------- */

/* Interrupted twice before the alarm: the same verdict in the same words at the same site as without. */
static void a_resumed_run_goes_on_with_its_charts(void **unused)
{
    (void)unused;
    struct night whole, part;
    struct trouble t;
    char at_once[512], resumed[512];
    const struct night_spec s = {NIGHT, .faults = "tip-blocked: skip"};
    night_with(&whole, &t, BLOCKS, &s);
    assert_int_equal(events_of(&whole, "health", at_once), 1);
    night_open(&part, &s);
    struct timer stop = {0};
    watch_from_now(&part, &t, BLOCKS);
    night_stop_at(&part, &stop, 60);
    night_run(&part);
    for (int again = 0; again < 2; again++) {
        assert_int_equal(part.end, RUN_INTERRUPTED);
        assert_int_equal(events_of(&part, "health", resumed), 0);
        night_stop_at(&part, &stop, ns_to_s(loop_now(part.loop)) + (again ? 1e6 : 50));
        free(night_again(&part));
    }
    timer_cancel(part.loop, &stop);
    timer_cancel(part.loop, &t.timer);
    assert_int_equal(part.end, RUN_FINISHED);
    assert_int_equal(events_of(&part, "health", resumed), 1);
    print_message("at once:     %s\ninterrupted: %s\n", at_once, resumed);
    assert_true(strncmp(at_once, resumed, 30) == 0);
    night_close(&whole);
    night_close(&part);
}

/* What was told is not told again behind a resume, and the run goes on. */
static void a_verdict_is_told_once_over_a_resume(void **unused)
{
    (void)unused;
    struct night n;
    struct trouble t;
    char text[512];
    night_with(&n, &t, BREAKS, &(struct night_spec){NIGHT});
    assert_int_equal(n.end, RUN_PAUSED);
    int first = 0, before = suspects(&n, &first);
    free(night_again(&n));
    assert_int_equal(first, HEALTHY + 1);
    assert_true(before >= 2);
    assert_int_equal(suspects(&n, &first), 60 - HEALTHY); /* as it is still the same probe */
    assert_int_equal(n.end, RUN_FINISHED);
    assert_int_equal(events_of(&n, "health", text), 1);
    night_close(&n);
}

/* The file tells the same as the run did. */
static void the_file_tells_what_the_run_did(void **unused)
{
    (void)unused;
    struct night n;
    struct trouble t;
    struct err err = ERR_INIT;
    struct tip_health *h;
    char text[512];
    int count;
    night_with(&n, &t, SOAKS,
               &(struct night_spec){NIGHT, .faults = "tip-wetting: skip",
                                    .more = "health: {baseline: 15, sigmas: 4.5}\n"});
    assert_int_equal(events_of(&n, "health", text), 1);
    assert_true(tip_health_read(n.file, &h, &err));
    const struct tip_news *news = tip_health_news(h, &count);
    assert_int_equal(count, 1);
    assert_string_equal(news[0].text, text);
    assert_int_equal(news[0].verdict, TIP_WETTING);
    tip_health_free(h);
    night_close(&n);
}

/* --- controls ------------------------------------------------------------------------------------------- */

/* 40 sites on two halves of a sample, the second with a double layer four times as large: without a word of
 * it in the grid. */
#define HALVES                                                                                               \
    "{surface: {roughness: 5 nm}, edge-density: {mean: 0, spread: 0}, double-layer: {edge-gain: 5}, "        \
    "regions: [{name: r, x: 161 um, y: 20 um, width: 100 um, height: 21 um, edge-density: 1}]}"
#define PATCHED                                                                                              \
    "{grid: 1, regions: [{name: screen, shape: line, count: 34, pitch: 5 um, origin: {x: 10 um, y: 20 um}, " \
    "spares: 0}, {name: reference, shape: line, count: 20, pitch: 5 um, origin: {x: 10 um, y: 60 um}, "      \
    "spares: 0}]}"

static void a_control_says_that_it_was_the_sample(void **unused)
{
    (void)unused;
    struct night n;
    char text[512];
    /* Nothing to ask: it looks like a probe that has lost its end. */
    night_open(&n, &(struct night_spec){.sample = HALVES,
                                        .grid = PATCHED,
                                        .more = "control: {every: 1000, patch: reference}\n"});
    night_run(&n);
    assert_int_equal(n.end, RUN_PAUSED);
    assert_non_null(strstr(n.e.text, "tip-broken"));
    night_close(&n);
    night_open(
        &n, &(struct night_spec){.sample = HALVES,
                                 .grid = PATCHED,
                                 .more = "control: {every: 9, patch: reference, accept: {formation.q_red@1: "
                                         "[-1 nC, 0 C], contact_charge: [-1 pC, 1 pC]}}\n"});
    night_run(&n);
    assert_int_equal(events_of(&n, "health", text), 0);
    assert_int_equal(n.end, RUN_FINISHED);
    print_message("%d controls\n", n.counts.controls);
    assert_true(n.counts.controls >= 5);
    struct tip_health *h;
    struct err err = ERR_INIT;
    struct buf json = {0};
    assert_true(tip_health_read(n.file, &h, &err));
    tip_health_json(h, 1000, &json);
    const char *chart =
        strstr(json.p, "{\"name\":\"formation.q_red@1\",\"title\":\"controls: formation.q_red@1\","
                       "\"unit\":\"C\",\"log\":false,\"baseline\":5,");
    assert_non_null(chart);
    assert_non_null(strstr(json.p, "\"title\":\"controls: contact_charge\""));
    const char *values = strstr(chart, "\"v\":["), *last = strchr(values, ']');
    int charted = 0, of = 0;
    for (const char *c = values + 4; c && c < last; c = strchr(c + 1, ','), of++)
        charted += strncmp(c + 1, "null", 4) != 0;
    assert_int_equal(of, tip_health_attempts(h));
    assert_int_equal(charted, n.counts.controls);
    buf_free(&json);
    tip_health_free(h);
    night_close(&n);
}

/* A line of sites and a line of reference spots on one kind of surface. */
#define LINES_GRID                                                                                           \
    "{grid: 1, regions: [{name: screen, shape: line, count: %d, pitch: 2 um, origin: {x: 10 um, y: 20 um}, " \
    "spares: 0}, {name: reference, shape: line, count: 20, pitch: 5 um, origin: {x: 10 um, y: 60 um}, "      \
    "spares: 0}]}"

static void night_with_controls(struct night *n, int sites, const char *faults)
{
    struct trouble t;
    char grid[400];
    snprintf(grid, sizeof grid, LINES_GRID, sites);
    night_with(n, &t, BREAKS,
               &(struct night_spec){.sample = "silicon-etched.yaml",
                                    .grid = grid,
                                    .faults = faults,
                                    .more = "control: {every: 1000, patch: reference}\n"});
}

/* The verdict comes at the last site, and a control is still owed: the broken probe does not go down for it.
 */
static void a_verdict_at_the_last_site_forbids_the_last_control(void **unused)
{
    (void)unused;
    struct night n;
    night_with_controls(&n, 60, "tip-broken: abort");
    assert_int_equal(n.end, RUN_ABORTED);
    int sites = n.counts.visited;
    night_close(&n);
    night_with_controls(&n, sites, "tip-broken: abort");
    assert_int_equal(n.counts.visited, sites);
    assert_int_equal(n.counts.controls, 1); /* the first, with which a run begins */
    assert_int_equal(n.end, RUN_ABORTED);
    assert_non_null(strstr(n.e.text, "tip-broken"));
    assert_info(&n, "state", "aborted");
    assert_info(&n, "stopped_by", "health");
    night_close(&n);
    night_with_controls(&n, sites, "tip-broken: pause");
    assert_int_equal(n.counts.controls, 1);
    assert_int_equal(n.end, RUN_FINISHED);
    assert_non_null(strstr(n.counts.why, "tip-broken"));
    assert_info(&n, "state_reason", "tip-broken");
    night_close(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_spoilt_probe_pauses_the_run),
        cmocka_unit_test(a_suspect_probe_does_not_end_the_run_early),
        cmocka_unit_test(a_probe_that_visits_many_regions_is_told_as_soon),
        cmocka_unit_test(a_healthy_night_is_quiet),
        cmocka_unit_test(skip_notes_it_once_and_goes_on),
        cmocka_unit_test(a_verdict_at_the_last_site_leaves_the_run_finished),
        cmocka_unit_test(abort_ends_the_run),
        cmocka_unit_test(watch_no_keeps_no_charts),
        cmocka_unit_test(a_resumed_run_goes_on_with_its_charts),
        cmocka_unit_test(a_verdict_is_told_once_over_a_resume),
        cmocka_unit_test(the_file_tells_what_the_run_did),
        cmocka_unit_test(a_control_says_that_it_was_the_sample),
        cmocka_unit_test(a_verdict_at_the_last_site_forbids_the_last_control),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
