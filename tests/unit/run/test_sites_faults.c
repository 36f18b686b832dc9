/* Faults that show at sites: what they are told as, whether the spot counts as touched, and that a night goes
 * on, or stops, in order. The simulated rig causes each at an instant of a clean run. */
#include "fixture.h"

#include "phases.h"
#include "protocol/fault.h"

#define ROW  5
#define MOST 8 /* attempts of a site */

static const struct night_spec row = {.columns = ROW, .spares = "8"};

/* When a clean run of this plan enters a phase for the n-th time. */
static ns_t clean_time(const struct night_spec *s, const char *state, int nth)
{
    static struct phases p;
    learn_phases(&p, s);
    for (int k = 0; k < p.n; k++)
        if (!strcmp(p.name[k], state) && --nth == 0)
            return p.at[k];
    fail_msg("a clean run has no such phase: %s", state);
    return 0;
}

/* Where the cell is opened in contact, as the safe state does, some open circuit is not recorded. */
static void assert_no_harm(const struct night *n)
{
    const struct world_counters *w = &n->seen;
    assert_int_equal(w->crashes + w->drags + w->wet_travel + w->envelope + w->cell_left_on, 0);
}

static void show(const struct night *n)
{
    print_message("%s: %s\n", run_end_name(n->end), n->e.text);
    for (int site = 1; site <= plan_places(n->plan); site++) {
        struct results_attempt a[MOST];
        int k = attempts_of(n, site, a, MOST);
        for (int j = 0; j < k && j < MOST; j++)
            print_message("  site %d: %s [%s] touched %s, flags %s: %s\n", site, outcome_name(a[j].outcome),
                          a[j].fault, touched_name(a[j].touched), a[j].flags, a[j].reason);
    }
}

/* A night in which one fault comes up at `at` and lasts (0: until it is mended). */
static void night_of(struct night *n, const struct night_spec *s, enum sim_fault f, ns_t at, double lasts)
{
    night_open(n, s);
    sim_rig_fault(n->sim, f, at, lasts > 0 ? at + ns_from_s(lasts) : NS_NEVER);
    night_run(n);
    show(n);
    assert_no_harm(n);
    assert_true(n->counts.safe);
}

static void night_at(struct night *n, enum sim_fault f, const char *state, int nth, ns_t later, double lasts)
{
    night_of(n, &row, f, clean_time(&row, state, nth) + later, lasts);
}

static void go_on(struct night *n)
{
    sim_rig_mend(n->sim);
    free(night_again(n));
    show(n);
    assert_no_harm(n);
}

static int measured(const struct night *n)
{
    struct results_sites s = sites_of(n);
    int k = 0;
    for (int j = 0; j < s.n; j++)
        k += s.site[j].outcome == OUTCOME_MEASURED;
    results_sites_free(&s);
    return k;
}

static void assert_attempt(const struct results_attempt *a, enum outcome o, enum fault_class c,
                           enum touched t)
{
    ASSERT_OUTCOME(*a, o);
    assert_string_equal(a->fault, fault_name(c));
    assert_int_equal(a->touched, t);
}

/* --- drops that hang down ------------------------------------------------------------------------------- */

/* From 1 and 2 contacts already: met where the fast descent comes to rest. */
static void a_drop_far_above_a_known_surface_is_no_landing(void **unused)
{
    (void)unused;
    for (int site = 2; site <= 3; site++) {
        struct night n;
        night_at(&n, SIM_DROP_PENDANT, "travel", site, 0, 40);
        struct results_attempt a = only_attempt(&n, site);
        assert_attempt(&a, OUTCOME_LANDING_REJECTED, FAULT_LANDING_REJECTED, TOUCHED_YES);
        assert_non_null(strstr(a.flags, "far-above"));
        assert_int_equal(n.end, RUN_FINISHED);
        assert_int_equal(measured(&n), ROW);
        assert_int_equal(n.seen.revisited, 0);
        night_close(&n);
    }
}

/* Nothing was known before, so it is taken for the surface; nobody lands behind it, and the run says why. The
 * next part begins as on a fresh sample, if somebody wants it to. */
static void a_surface_that_all_others_contradict_is_doubted(void **unused)
{
    (void)unused;
    struct night n;
    struct world_truth t;
    night_at(&n, SIM_DROP_PENDANT, "travel", 1, 0, 40);
    struct results_attempt a = only_attempt(&n, 1);
    assert_attempt(&a, OUTCOME_MEASURED, FAULT_NONE, TOUCHED_YES);
    assert_non_null(strstr(a.flags, "height-doubted"));
    assert_int_equal(n.end, RUN_PAUSED);
    assert_non_null(strstr(n.e.text, "known from 1 contact only"));
    assert_info(&n, "stopped_by", "surface");
    n.accept = true; /* the probe was looked at */
    go_on(&n);
    assert_int_equal(n.end, RUN_FINISHED);
    assert_int_equal(measured(&n), ROW);
    struct results_sites s = sites_of(&n);
    for (int k = 1; k < s.n; k++) {
        if (s.site[k].outcome != OUTCOME_MEASURED)
            continue;
        truth_of(&n, s.site[k].site, s.site[k].start_s, &t);
        assert_float_equal(s.site[k].contact_z, SAMPLE_PLANE + t.contact_z, 100e-9);
    }
    results_sites_free(&s);
    night_close(&n);
}

/* The same from inside: the heights are good, and the drop is gone for good. Who goes on without having
 * looked drives no glass into the sample. */
static void a_dry_probe_that_is_resumed_keeps_to_what_is_known(void **unused)
{
    (void)unused;
    struct night n;
    night_at(&n, SIM_DROP_LOST, "travel", 3, 0, 40000);
    for (int part = 0; part < 2; part++) { /* further on two contacts say ever less */
        assert_int_equal(n.end, RUN_PAUSED);
        assert_non_null(strstr(n.e.text, "is the probe dry or blocked?"));
        assert_int_equal(n.counts.by_outcome[OUTCOME_MEASURED], 2);
        assert_no_harm(&n);
        if (part < 1)
            free(night_again(&n));
    }
    night_close(&n);
}

static void a_drop_that_touches_in_the_alive_ramp_is_not_noise(void **unused)
{
    (void)unused;
    struct night n;
    night_at(&n, SIM_DROP_PENDANT, "travel", 4, 0, 40);
    struct results_attempt a = only_attempt(&n, 4);
    assert_attempt(&a, OUTCOME_ALREADY_WET, FAULT_ALREADY_WET, TOUCHED_POSSIBLY);
    assert_int_equal(n.end, RUN_FINISHED);
    assert_int_equal(measured(&n), ROW);
    assert_int_equal(n.seen.revisited, 0);
    night_close(&n);
}

/* Whenever it comes: the spot is not visited again, in the same part or in the next. */
static void a_spot_that_a_hanging_drop_wetted_is_spent(void **unused)
{
    (void)unused;
    static struct phases p;
    struct rng r = rng_stream(test_seed(), "pendant");
    int instants = test_count("SECCM_TEST_INSTANTS", 8);
    learn_phases(&p, &row);
    for (int k = 0; k < instants; k++) {
        struct night n;
        const char *phase;
        ns_t at = random_instant(&p, r, (uint64_t)k, 0, &phase);
        print_message("in %s at %.6f s: ", phase, ns_to_s(at));
        night_of(&n, &row, SIM_DROP_PENDANT, at, 20);
        for (int parts = 0; n.end != RUN_FINISHED && parts < 4; parts++)
            go_on(&n);
        assert_int_equal(n.end, RUN_FINISHED);
        assert_int_equal(n.seen.revisited, 0);
        night_close(&n);
    }
}

/* --- the signal ----------------------------------------------------------------------------------------- */

/* Seen in air, before anything moves: again in place behind a back-off. */
static void a_short_that_passes_costs_no_site(void **unused)
{
    (void)unused;
    struct night n;
    struct results_attempt a[MOST];
    night_at(&n, SIM_PROBE_SHORTED, "travel", 4, 0, 20);
    assert_int_equal(attempts_of(&n, 4, a, MOST), 3);
    assert_attempt(&a[0], OUTCOME_FAULT, FAULT_PROBE_SHORTED, TOUCHED_NO);
    assert_attempt(&a[1], OUTCOME_FAULT, FAULT_PROBE_SHORTED, TOUCHED_NO);
    assert_attempt(&a[2], OUTCOME_MEASURED, FAULT_NONE, TOUCHED_YES);
    assert_int_equal(n.end, RUN_FINISHED);
    assert_int_equal(n.counts.by_outcome[OUTCOME_MEASURED], ROW);
    night_close(&n);
}

/* The next sites would fare no better: the run pauses, and what it gave up is measured behind the pause. */
static void a_short_that_stays_pauses_the_run(void **unused)
{
    (void)unused;
    struct night n;
    struct results_attempt a[MOST];
    night_at(&n, SIM_PROBE_SHORTED, "travel", 3, 0, 0);
    assert_int_equal(n.end, RUN_PAUSED);
    assert_info(&n, "stopped_by", "faults.in-air");
    assert_int_equal(attempts_of(&n, 3, a, MOST) + attempts_of(&n, 4, a, MOST), 6);
    assert_int_equal(attempts_of(&n, 5, a, MOST), 0);
    go_on(&n);
    assert_int_equal(n.end, RUN_FINISHED);
    for (int site = 1; site <= ROW; site++) {
        int k = attempts_of(&n, site, a, MOST);
        ASSERT_OUTCOME(a[k - 1], OUTCOME_MEASURED);
    }
    assert_int_equal(attempts_of(&n, ROW + 1, a, MOST), 0);
    assert_int_equal(n.seen.revisited, 0);
    night_close(&n);
}

/* One overload at a contact may be its transient, a second one is not. */
static void a_flood_pauses_at_the_second_site(void **unused)
{
    (void)unused;
    struct night n;
    night_at(&n, SIM_FLOOD, "travel", 3, 0, 0);
    struct results_attempt first = only_attempt(&n, 3), second = only_attempt(&n, 4);
    assert_attempt(&first, OUTCOME_OVERLOAD, FAULT_OVERLOAD, TOUCHED_POSSIBLY);
    assert_attempt(&second, OUTCOME_OVERLOAD, FAULT_CURRENT_TOO_LARGE, TOUCHED_POSSIBLY);
    assert_int_equal(n.end, RUN_PAUSED);
    night_close(&n);
}

/* Noise that crosses the threshold is told as noise, not as a contact that was gone. */
static void noise_in_the_approach_is_told_as_noise(void **unused)
{
    (void)unused;
    struct night n;
    night_at(&n, SIM_PSTAT_NOISE, "approach", 4, 1200 * NS_MS, 3);
    struct results_attempt a = only_attempt(&n, 4);
    assert_string_equal(a.fault, "noise");
    assert_int_equal(a.touched, TOUCHED_POSSIBLY);
    assert_int_equal(n.end, RUN_FINISHED);
    night_close(&n);
}

static void samples_too_small_for_their_range_are_told(void **unused)
{
    (void)unused;
    struct night n;
    night_at(&n, SIM_PSTAT_UNDERLOAD, "measure", 3, 0, 1);
    struct results_attempt a = only_attempt(&n, 3), b = only_attempt(&n, 5);
    assert_non_null(strstr(a.flags, "underload"));
    assert_null(strstr(b.flags, "underload"));
    assert_int_equal(n.counts.by_fault[FAULT_UNDERLOAD], 1);
    night_close(&n);
}

/* --- the drop behind its contact ------------------------------------------------------------------------ */

static void a_drop_that_breaks_late_is_flagged(void **unused)
{
    (void)unused;
    struct night n;
    night_at(&n, SIM_DROP_STICKS, "detach", 4, 0, 2);
    for (int site = 1; site <= ROW; site++) {
        struct results_attempt a = only_attempt(&n, site);
        ASSERT_OUTCOME(a, OUTCOME_MEASURED);
        assert_true((strstr(a.flags, "late-break") != NULL) == (site == 4));
        assert_true((a.break_distance > 1.2e-6) == (site == 4));
    }
    night_close(&n);
}

static void a_drop_that_spreads_in_the_steps_is_flagged(void **unused)
{
    (void)unused;
    struct night n;
    night_at(&n, SIM_DROP_SPREADS, "travel", 3, 0, 4);
    struct results_attempt a = only_attempt(&n, 3), b = only_attempt(&n, 5);
    assert_attempt(&a, OUTCOME_MEASURED, FAULT_MENISCUS_SPREADING, TOUCHED_YES);
    assert_attempt(&b, OUTCOME_MEASURED, FAULT_NONE, TOUCHED_YES);
    night_close(&n);
}

/* A stray capacitance that grows with the contact itself can not be told from a drop that stays. */
static void wet_glass_is_told_where_the_drop_seems_to_stay(void **unused)
{
    (void)unused;
    struct night n;
    night_at(&n, SIM_PROBE_WETTING, "travel", 2, 0, 0);
    struct results_attempt a = only_attempt(&n, 2);
    assert_attempt(&a, OUTCOME_NOT_DETACHED, FAULT_NOT_DETACHED, TOUCHED_YES);
    assert_non_null(strstr(a.reason, "wet outside"));
    assert_int_equal(n.end, RUN_PAUSED);
    night_close(&n);
}

/* --- the stage ------------------------------------------------------------------------------------------ */

/* Nobody asked for it, and no move fails for it. */
static void an_error_in_the_slot_is_seen_before_the_next_descent(void **unused)
{
    (void)unused;
    struct night n;
    struct results_attempt a[MOST];
    night_at(&n, SIM_STAGE_ERROR, "measure", 3, 0, 0);
    assert_int_equal(n.end, RUN_PAUSED);
    assert_int_equal(attempts_of(&n, 4, a, MOST), 1);
    assert_attempt(&a[0], OUTCOME_FAULT, FAULT_STAGE_ERROR, TOUCHED_NO);
    assert_non_null(strstr(a[0].reason, "temperature"));
    go_on(&n);
    assert_int_equal(n.end, RUN_FINISHED);
    assert_int_equal(attempts_of(&n, 4, a, MOST), 2);
    assert_int_equal(n.counts.by_outcome[OUTCOME_MEASURED], ROW);
    night_close(&n);
}

static void a_stage_that_refuses_to_go_down_is_told_so(void **unused)
{
    (void)unused;
    struct night n;
    night_at(&n, SIM_STAGE_REFUSING, "approach", 3, 0, 5);
    struct results_attempt a = only_attempt(&n, 3);
    assert_attempt(&a, OUTCOME_FAULT, FAULT_STAGE_REFUSED, TOUCHED_POSSIBLY);
    assert_non_null(strstr(a.reason, "error 89"));
    assert_int_equal(n.end, RUN_PAUSED);
    night_close(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_drop_far_above_a_known_surface_is_no_landing),
        cmocka_unit_test(a_surface_that_all_others_contradict_is_doubted),
        cmocka_unit_test(a_dry_probe_that_is_resumed_keeps_to_what_is_known),
        cmocka_unit_test(a_drop_that_touches_in_the_alive_ramp_is_not_noise),
        cmocka_unit_test(a_spot_that_a_hanging_drop_wetted_is_spent),
        cmocka_unit_test(a_short_that_passes_costs_no_site),
        cmocka_unit_test(a_short_that_stays_pauses_the_run),
        cmocka_unit_test(a_flood_pauses_at_the_second_site),
        cmocka_unit_test(noise_in_the_approach_is_told_as_noise),
        cmocka_unit_test(samples_too_small_for_their_range_are_told),
        cmocka_unit_test(a_drop_that_breaks_late_is_flagged),
        cmocka_unit_test(a_drop_that_spreads_in_the_steps_is_flagged),
        cmocka_unit_test(wet_glass_is_told_where_the_drop_seems_to_stay),
        cmocka_unit_test(an_error_in_the_slot_is_seen_before_the_next_descent),
        cmocka_unit_test(a_stage_that_refuses_to_go_down_is_told_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
