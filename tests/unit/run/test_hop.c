/* One site, every way it can end: outcome and reason in the file, and what the sample saw. */
#include "fixture.h"

/* Experiment time of the n-th event "state" with this name (1-based) in a run that was already made; the same
 * again in another run up to there, virtual time being deterministic. */
static ns_t state_time(const struct night *n, const char *state, int nth)
{
    struct results_event *ev;
    struct err err = ERR_INIT;
    int count;
    ns_t at = NS_NEVER;
    assert_true(results_events(n->file, &ev, &count, &err));
    for (int k = 0; k < count && at == NS_NEVER; k++)
        if (!strcmp(ev[k].kind, "state") && !strcmp(ev[k].text, state) && --nth == 0)
            at = ns_from_s(ev[k].t_s);
    free(ev);
    assert_true(at != NS_NEVER);
    return at;
}

static bool was_told(const struct night *n, const char *text)
{
    struct results_event *ev;
    struct err err = ERR_INIT;
    int count;
    bool found = false;
    assert_true(results_events(n->file, &ev, &count, &err));
    for (int k = 0; k < count; k++)
        found = found || strstr(ev[k].text, text);
    free(ev);
    return found;
}

/* When a clean run of this plan enters a phase for the n-th time. */
static ns_t clean_time(const struct night_spec *s, const char *state, int nth)
{
    struct night n;
    night_open(&n, s);
    night_run(&n);
    ns_t at = state_time(&n, state, nth);
    night_close(&n);
    return at;
}

static void a_site_is_measured(void **unused)
{
    (void)unused;
    struct night n;
    night_open(&n, &(struct night_spec){.columns = 4});
    night_run(&n);
    assert_true(n.began);
    assert_int_equal(n.end, RUN_FINISHED);
    assert_true(n.counts.safe);
    for (int k = 1; k <= 4; k++) {
        struct results_attempt a = only_attempt(&n, k);
        struct world_truth t;
        ASSERT_OUTCOME(a, OUTCOME_MEASURED);
        assert_int_equal(a.touched, TOUCHED_YES);
        truth_of(&n, k, a.start_s, &t);
        print_message(
            "site %d: contact %.1f nm from the truth, jump %.2f pA, %.2f fC, break %.0f nm, flags \"%s\"\n",
            k, (a.contact_z - SAMPLE_PLANE - t.contact_z) * 1e9, a.contact_current * 1e12,
            a.contact_charge * 1e15, a.break_distance * 1e9, a.flags);
        assert_true(fabs(a.contact_z - SAMPLE_PLANE - t.contact_z) < 20e-9);
    }
    assert_int_equal(n.seen.contacts, 4);
    ASSERT_UNHARMED(&n);
    night_close(&n);
}

/* Sites of a row, the last of which is the one that matters: the surface is known by then. */
#define ROW 5

static void no_contact_on_an_insulating_patch(void **unused)
{
    (void)unused;
    struct night n;
    night_open(&n, &(struct night_spec){
                       .columns = ROW,
                       .spares = "2",
                       .sample = "{surface: {roughness: 5 nm, insulating: {list: [{x: 30 um, y: 10 um, "
                                 "radius: 2 um}]}}, edge-density: {spread: 0}}"});
    night_watch(&n, 0);
    night_run(&n);
    struct results_attempt a = only_attempt(&n, ROW);
    ASSERT_OUTCOME(a, OUTCOME_NO_CONTACT);
    assert_int_equal(a.touched, TOUCHED_POSSIBLY);
    assert_true(isnan(a.contact_z));
    assert_int_equal(n.end, RUN_FINISHED);
    assert_int_equal(n.counts.by_outcome[OUTCOME_MEASURED], ROW); /* a spare stood in */
    ASSERT_UNHARMED(&n);
    night_close(&n);
}

static void spike_at(const char *state, ns_t later, int site_wanted, enum outcome first, enum touched touched,
                     int attempts)
{
    struct night_spec s = {.columns = ROW, .spares = "1"};
    struct night n;
    ns_t at = clean_time(&s, state, site_wanted) + later;
    night_open(&n, &s);
    sim_rig_fault(n.sim, SIM_PSTAT_SPIKE, at, at + NS_S);
    night_run(&n);
    struct results_attempt a[8];
    int k = attempts_of(&n, site_wanted, a, 8);
    print_message("spike in %s: %s (%s), then %d attempts, last %s; %s\n", state, outcome_name(a[0].outcome),
                  a[0].reason, k, outcome_name(a[k - 1].outcome), n.e.text);
    ASSERT_OUTCOME(a[0], first);
    assert_int_equal(a[0].touched, touched);
    assert_int_equal(k, attempts);
    if (attempts > 1)
        ASSERT_OUTCOME(a[k - 1], OUTCOME_MEASURED);
    assert_int_equal(n.end, RUN_FINISHED);
    assert_int_equal(n.counts.by_outcome[OUTCOME_MEASURED], ROW);
    ASSERT_UNHARMED(&n);
    night_close(&n);
}

static void an_electrical_spike_is_no_contact(void **unused)
{
    (void)unused;
    spike_at("descent", 250 * NS_MS, ROW, OUTCOME_UNCONFIRMED, TOUCHED_NO, 2);
    spike_at("approach", 100 * NS_MS, ROW, OUTCOME_UNCONFIRMED, TOUCHED_NO, 2);
    /* The surface is not known yet: it may have been one. */
    spike_at("approach", 2 * NS_S, 1, OUTCOME_UNCONFIRMED, TOUCHED_POSSIBLY, 1);
}

static void a_spike_while_travelling_stops_and_tries_again(void **unused)
{
    (void)unused;
    spike_at("travel", 300 * NS_MS, ROW, OUTCOME_ALREADY_WET, TOUCHED_NO, 2);
}

/* Samples that are held up on their way look fresh when they come: z must not go by them. */
static void samples_that_come_late_do_not_let_z_down(void **unused)
{
    (void)unused;
    struct night n;
    const struct night_spec s = {.columns = 1};
    ns_t contact = clean_time(&s, "confirm", 1);
    for (int late = 1; late <= 3; late++) {
        night_open(&n, &s);
        const struct link_fault f = {.kind = LINK_FAULT_DELAY,
                                     .at = contact - 500 * NS_MS,
                                     .until = contact + 5500 * NS_MS,
                                     .delay = late * 150 * NS_MS};
        link_fault(n.rig->pstat_link, &f);
        night_run(&n);
        struct results_attempt a = only_attempt(&n, 1);
        print_message("late by %d ms: %s: %s\n", late * 150, outcome_name(a.outcome), a.reason);
        ASSERT_OUTCOME(a, OUTCOME_FAULT);
        assert_non_null(strstr(a.reason, "after they were taken"));
        assert_true(n.counts.safe);
        ASSERT_UNHARMED(&n);
        night_close(&n);
    }
}

static void overload_ends_the_site_safely(void **unused)
{
    (void)unused;
    struct night_spec s = {.columns = 3, .spares = "1"};
    struct night n;
    ns_t at = clean_time(&s, "measure", 2) + 20 * NS_MS;
    night_open(&n, &s);
    sim_rig_fault(n.sim, SIM_PSTAT_OVERLOAD, at, at + 100 * NS_MS);
    night_run(&n);
    struct results_attempt a = only_attempt(&n, 2);
    ASSERT_OUTCOME(a, OUTCOME_OVERLOAD);
    assert_int_equal(a.touched, TOUCHED_YES);
    assert_int_equal(n.end, RUN_FINISHED);
    assert_int_equal(n.counts.by_outcome[OUTCOME_MEASURED], 3);
    /* S4 opens the cell before the drop is torn off: the one open circuit that has to be, and it is recorded.
     */
    print_message("open circuit %.0f ms\n", n.seen.open_circuit_longest * 1e3);
    assert_int_equal(n.seen.open_circuit, 1);
    assert_true(n.seen.open_circuit_longest < 0.3);
    n.seen.open_circuit = 0;
    ASSERT_UNHARMED(&n);
    night_close(&n);
}

static struct results_attempt lose_drop(const char *site, const char *faults, ns_t later, struct night *n)
{
    struct night_spec s = {.columns = 3, .spares = "1", .site = site, .faults = faults};
    ns_t at = clean_time(&s, "measure", 2) + later;
    night_open(n, &s);
    sim_rig_fault(n->sim, SIM_DROP_LOST, at, at + 5 * NS_S);
    night_run(n);
    struct results_attempt a = only_attempt(n, 2);
    print_message("lost: %s: %s; flags %s, last step %s, cycle %d\n", outcome_name(a.outcome), a.reason,
                  a.flags, a.last_step, a.last_cycle);
    return a;
}

/* The same drop is lost; what the protocol says decides how the run goes on. */
static void a_policy_for_a_lost_meniscus(void **unused)
{
    (void)unused;
    static const struct {
        const char *faults;
        enum run_end end;
        int measured;
    } policies[] = {
        {"meniscus-lost: spare", RUN_FINISHED, 3},
        {"meniscus-lost: skip", RUN_FINISHED, 2},
        {"meniscus-lost: pause", RUN_PAUSED, 1},
        {"meniscus-lost: abort", RUN_ABORTED, 1},
    };
    for (size_t k = 0; k < sizeof policies / sizeof policies[0]; k++) {
        struct night n;
        struct results_attempt a = lose_drop(NULL, policies[k].faults, 20 * NS_MS, &n);
        ASSERT_OUTCOME(a, OUTCOME_MENISCUS_LOST);
        assert_int_equal(n.end, policies[k].end);
        assert_int_equal(n.counts.by_outcome[OUTCOME_MEASURED], policies[k].measured);
        night_close(&n);
    }
}

static void a_lost_meniscus_is_told_by_the_capacitance(void **unused)
{
    (void)unused;
    struct night n;
    struct results_attempt a = lose_drop("  - cv: {name: formation, start: 3 V, vertices: [1 V, 3 V], "
                                         "rate: 2 V/s, cycles: 2, step: 10 mV}",
                                         NULL, NS_S, &n);
    ASSERT_OUTCOME(a, OUTCOME_MENISCUS_LOST);
    assert_int_equal(a.touched, TOUCHED_YES);
    assert_true(isnan(a.break_distance));
    assert_int_equal(n.counts.by_outcome[OUTCOME_MEASURED], 3);
    ASSERT_UNHARMED(&n);
    night_close(&n);
}

static void a_lost_meniscus_drives_a_galvanostat_to_compliance(void **unused)
{
    (void)unused;
    struct night n;
    struct results_attempt a = lose_drop(
        "  - galvanostatic: {name: discharge, current: -2 pA, until: {elapsed: 3 s}}", NULL, 500 * NS_MS, &n);
    ASSERT_OUTCOME(a, OUTCOME_MENISCUS_LOST);
    assert_non_null(strstr(a.reason, "compliance"));
    struct results_step *step;
    struct err err = ERR_INIT;
    int count;
    assert_true(results_steps(n.file, a.id, &step, &count, &err));
    bool seen = false;
    for (int k = 0; k < count; k++)
        if (!strcmp(step[k].name, "discharge")) {
            seen = true;
            assert_string_equal(step[k].ended_by, "compliance");
        }
    free(step);
    assert_true(seen);
    ASSERT_UNHARMED(&n);
    night_close(&n);
}

/* Without a drop nothing is ever felt: no glass may touch, and the run must not go on all night. */
static void a_dried_up_pipette_pauses_the_run(void **unused)
{
    (void)unused;
    struct night_spec s = {
        .columns = 4, .rows = 6, .spares = "3", .faults = "consecutive: {count: 4, then: pause}"};
    struct night n;
    ns_t at = clean_time(&s, "travel", 13);
    night_open(&n, &s);
    sim_rig_fault(n.sim, SIM_DROP_LOST, at, NS_NEVER);
    night_run(&n);
    assert_int_equal(n.end, RUN_PAUSED);
    assert_int_equal(n.counts.by_outcome[OUTCOME_NO_CONTACT], 4);
    assert_int_equal(n.counts.by_outcome[OUTCOME_MEASURED], 12);
    assert_true(n.counts.safe);
    ASSERT_UNHARMED(&n);
    night_close(&n);
}

static void a_drop_that_does_not_break_pauses_the_run(void **unused)
{
    (void)unused;
    for (int k = 0; k < 2; k++) {
        struct night n;
        night_open(&n, &(struct night_spec){.columns = 3,
                                            .spares = "1",
                                            .faults = k ? "not-detached: abort" : "not-detached: pause",
                                            .probe = "meniscus: {height: 200 nm, break: 100}"});
        night_run(&n);
        struct results_attempt a = only_attempt(&n, 1);
        ASSERT_OUTCOME(a, OUTCOME_NOT_DETACHED);
        assert_int_equal(n.end, k ? RUN_ABORTED : RUN_PAUSED);
        assert_int_equal(n.counts.visited, 1);
        assert_true(n.counts.safe);
        assert_int_equal(n.seen.wet_travel, 0);
        assert_int_equal(n.seen.crashes + n.seen.drags + n.seen.envelope + n.seen.cell_left_on, 0);
        /* The cell is opened over it once, counted and told. */
        assert_int_equal(n.seen.open_circuit, 1);
        assert_true(n.seen.open_circuit <= (uint64_t)n.counts.safe_states);
        assert_true(was_told(&n, "the cell is opened over it"));
        night_close(&n);
    }
}

/* Pulled all the way to the top, where what is read back lies beyond the envelope by its noise: the site
 * keeps its outcome, and the policy of that is what counts. The surface lies 10 um below the top. */
static void a_pull_that_ends_at_the_top(void **unused)
{
    (void)unused;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct night n;
        night_open(&n, &(struct night_spec){.columns = 2,
                                            .seed = seed,
                                            .faults = "not-detached: abort",
                                            .retract = "travel: 15 um",
                                            .probe = "meniscus: {height: 200 nm, break: 100}"});
        night_run(&n);
        struct results_attempt a = only_attempt(&n, 1);
        ASSERT_OUTCOME(a, OUTCOME_NOT_DETACHED);
        assert_string_equal(a.fault, "not-detached");
        assert_int_equal(n.end, RUN_ABORTED);
        assert_true(n.counts.safe);
        assert_int_equal(n.seen.wet_travel + n.seen.crashes + n.seen.drags + n.seen.envelope, 0);
        night_close(&n);
    }
}

/* A residue so high that the drop meets it at the height of travel. The surface is known from an earlier part
 * of the run; site 4 leaves the residue, site 5 lies on it. The bridge to site 4 breaks after `break` times
 * 200 nm. */
static void meet_a_residue(const char *probe, enum outcome wanted, enum touched touched)
{
    struct night n;
    struct run_before before[5];
    night_open(&n, &(struct night_spec){.columns = 5,
                                        .pitch = 1.2,
                                        .sample = "{surface: {roughness: 0 nm}, edge-density: {spread: 0}, "
                                                  "wetting: {residue: 4, residue-height: 5 um}}",
                                        .probe = probe});
    for (int k = 0; k < 5; k++) {
        const struct plan_site *s = &n.plan->site[k];
        before[k] = (struct run_before){.outcome = k < 3 ? OUTCOME_MEASURED : OUTCOME_NONE,
                                        .attempts = k < 3,
                                        .x = s->x,
                                        .y = s->y,
                                        .contact_z = k < 3 ? SAMPLE_PLANE + 200e-9 : NAN};
    }
    n.options.before = before;
    night_run(&n);
    struct results_attempt a[8];
    assert_int_equal(attempts_of(&n, 1, a, 8), 0);
    ASSERT_OUTCOME(only_attempt(&n, 4), OUTCOME_MEASURED);
    int k = attempts_of(&n, 5, a, 8);
    for (int j = 0; j < k; j++)
        print_message("attempt %d: %s: %s\n", j + 1, outcome_name(a[j].outcome), a[j].reason);
    ASSERT_OUTCOME(a[0], wanted);
    assert_int_equal(a[0].touched, touched);
    assert_int_equal(n.end, RUN_FINISHED);
    assert_int_equal(n.seen.crashes + n.seen.drags, 0);
    night_close(&n);
}

static void a_residue_at_the_height_of_travel_is_already_wet(void **unused)
{
    (void)unused;
    meet_a_residue("meniscus: {height: 200 nm, break: 25, break-spread: 0}", OUTCOME_ALREADY_WET,
                   TOUCHED_POSSIBLY);
}

static void a_contact_far_above_the_surface_is_rejected(void **unused)
{
    (void)unused;
    meet_a_residue("meniscus: {height: 200 nm, break: 45, break-spread: 0}", OUTCOME_LANDING_REJECTED,
                   TOUCHED_YES);
}

/* The open circuit of a drop on metal is at 2.05 V, on the patch of scale over the second site at 2.35 V. */
#define CORRODING                                                                                            \
    "{surface: {roughness: 0 nm}, edge-density: {spread: 0}, sei: {charge: 0 mC/cm2}, "                      \
    "trace: {density: 0 uA/cm2}, corrosion: {density: 1 mA/cm2, potential: 2.05 V}, "                        \
    "regions: [{name: scale, x: 15 um, y: 10 um, radius: 2 um, corrosion-potential: 2.35 V, "                \
    "corrosion-density: 2 uA/cm2}]}"

static void test_of_the_landing(const char *faults, int visited, int measured, int rejected)
{
    struct night n;
    char more[160];
    snprintf(more, sizeof more, "landing: {ocp: [1.85 V, 2.2 V], for: 1 s}\n%s", faults);
    night_open(&n, &(struct night_spec){.columns = 3,
                                        .spares = "1",
                                        .sample = CORRODING,
                                        .site = "  - ocp: {name: rest, for: 1 s}",
                                        .more = more});
    night_run(&n);
    assert_int_equal(n.counts.visited, visited);
    assert_int_equal(n.counts.by_outcome[OUTCOME_MEASURED], measured);
    assert_int_equal(n.counts.by_outcome[OUTCOME_LANDING_REJECTED], rejected);
    struct results_attempt a = only_attempt(&n, 2);
    ASSERT_OUTCOME(a, OUTCOME_LANDING_REJECTED);
    assert_int_equal(a.touched, TOUCHED_YES);
    assert_string_equal(a.last_step, "");
    assert_non_null(strstr(a.reason, "accepted are 1.85 V to 2.2 V"));
    double at = 0;
    assert_int_equal(sscanf(a.reason, "open circuit at %lf V", &at), 1);
    assert_true(at > 2.25 && at < 2.36); /* slowly: the stray capacitance is charged by the corrosion alone */
    ASSERT_UNHARMED(&n);
    night_close(&n);
}

static void a_landing_on_scale_is_rejected_and_replaced(void **unused)
{
    (void)unused;
    test_of_the_landing("", 4, 3, 1);
}

static void a_rejected_landing_may_be_skipped(void **unused)
{
    (void)unused;
    test_of_the_landing("faults: {landing-rejected: skip}\n", 3, 2, 1);
}

static void a_rejected_landing_may_pause_the_run(void **unused)
{
    (void)unused;
    test_of_the_landing("faults: {landing-rejected: pause}\n", 2, 1, 1);
}

/* Nanoamperes from the first sample on: the instrument needs some samples to follow through its ranges. */
static void a_step_may_begin_with_a_large_current(void **unused)
{
    (void)unused;
    struct night n;
    night_open(&n, &(struct night_spec){.columns = 1,
                                        .sample = CORRODING,
                                        .site = "  - hold: {name: polarised, potential: 2.2 V, for: 1 s}"});
    night_run(&n);
    assert_int_equal(n.counts.by_outcome[OUTCOME_MEASURED], 1);
    ASSERT_UNHARMED(&n);
    night_close(&n);
}

static void a_purely_capacitive_contact_is_caught(void **unused)
{
    (void)unused;
    struct night n;
    night_open(&n, &(struct night_spec){.columns = 6, .rows = 4, .sample = "capacitive.yaml"});
    night_run(&n);
    assert_int_equal(n.counts.by_outcome[OUTCOME_MEASURED], 24);
    ASSERT_UNHARMED(&n);
    night_close(&n);
}

static void a_passivated_site_is_not_lost(void **unused)
{
    (void)unused;
    struct night n;
    int unverified = 0;
    night_open(&n, &(struct night_spec){
                       .columns = 6,
                       .rows = 4,
                       .sample = "hopg.yaml",
                       .site = "  - cv: {name: formation, start: 3 V, vertices: [0.05 V, 3 V], rate: 2 V/s, "
                               "cycles: 5, step: 10 mV}\n"
                               "  - hold: {potential: 0.3 V, for: 3 s}"});
    night_run(&n);
    for (int k = 1; k <= 24; k++) {
        struct results_attempt a = only_attempt(&n, k);
        ASSERT_OUTCOME(a, OUTCOME_MEASURED);
        unverified += strstr(a.flags, "meniscus-unverified") != NULL;
    }
    print_message("%d of 24 flagged meniscus-unverified\n", unverified);
    assert_true(unverified <= 2);
    ASSERT_UNHARMED(&n);
    night_close(&n);
}

static void landing_on_a_particle_is_no_crash(void **unused)
{
    (void)unused;
    struct night n;
    night_open(&n, &(struct night_spec){
                       .columns = 6,
                       .sample = "{surface: {roughness: 5 nm, particles: {list: [{x: 30 um, y: 10 um, "
                                 "radius: 1 um, height: 0.7 um}, {x: 35.6 um, y: 10 um, radius: 0.5 um, "
                                 "height: 0.5 um}]}}}"});
    night_run(&n);
    for (int k = 1; k <= 6; k++) {
        struct results_attempt a = only_attempt(&n, k);
        struct world_truth t;
        truth_of(&n, k, a.start_s, &t);
        print_message("site %d: %s, contact %.1f nm from the truth, %.0f nm above the plane\n", k,
                      outcome_name(a.outcome), (a.contact_z - SAMPLE_PLANE - t.contact_z) * 1e9,
                      (a.contact_z - SAMPLE_PLANE) * 1e9);
        ASSERT_OUTCOME(a, OUTCOME_MEASURED);
    }
    ASSERT_UNHARMED(&n);
    night_close(&n);
}

/* Height of the contact against the truth, over many sites of a real sort of sample. */
static void contact_z_agrees_with_the_truth(void **unused)
{
    (void)unused;
    struct night n;
    double sum = 0, square = 0;
    int count = 0;
    night_open(&n, &(struct night_spec){.columns = 10, .rows = 6, .sample = "hopg.yaml"});
    night_run(&n);
    for (int k = 1; k <= 60; k++) {
        struct results_attempt a = only_attempt(&n, k);
        struct world_truth t;
        if (a.outcome == OUTCOME_NO_CONTACT)
            continue; /* too little was known of the surface to go deep enough */
        ASSERT_OUTCOME(a, OUTCOME_MEASURED);
        truth_of(&n, k, 0.5 * (a.start_s + a.end_s), &t);
        double miss = a.contact_z - SAMPLE_PLANE - t.contact_z;
        sum += miss;
        square += miss * miss;
        count++;
    }
    print_message("%d of 60 measured\n", count);
    assert_true(count >= 57);
    double mean = sum / count, sd = sqrt(square / count - mean * mean);
    print_message("contact z: bias %.2f nm, SD %.2f nm over %d sites\n", mean * 1e9, sd * 1e9, count);
    assert_true(fabs(mean) < 3e-9);
    assert_true(sd < 5e-9);
    ASSERT_UNHARMED(&n);
    night_close(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_site_is_measured),
        cmocka_unit_test(no_contact_on_an_insulating_patch),
        cmocka_unit_test(an_electrical_spike_is_no_contact),
        cmocka_unit_test(a_spike_while_travelling_stops_and_tries_again),
        cmocka_unit_test(samples_that_come_late_do_not_let_z_down),
        cmocka_unit_test(overload_ends_the_site_safely),
        cmocka_unit_test(a_lost_meniscus_is_told_by_the_capacitance),
        cmocka_unit_test(a_policy_for_a_lost_meniscus),
        cmocka_unit_test(a_lost_meniscus_drives_a_galvanostat_to_compliance),
        cmocka_unit_test(a_dried_up_pipette_pauses_the_run),
        cmocka_unit_test(a_drop_that_does_not_break_pauses_the_run),
        cmocka_unit_test(a_pull_that_ends_at_the_top),
        cmocka_unit_test(a_residue_at_the_height_of_travel_is_already_wet),
        cmocka_unit_test(a_contact_far_above_the_surface_is_rejected),
        cmocka_unit_test(a_purely_capacitive_contact_is_caught),
        cmocka_unit_test(a_passivated_site_is_not_lost),
        cmocka_unit_test(a_landing_on_scale_is_rejected_and_replaced),
        cmocka_unit_test(a_rejected_landing_may_be_skipped),
        cmocka_unit_test(a_rejected_landing_may_pause_the_run),
        cmocka_unit_test(a_step_may_begin_with_a_large_current),
        cmocka_unit_test(landing_on_a_particle_is_no_crash),
        cmocka_unit_test(contact_z_agrees_with_the_truth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
