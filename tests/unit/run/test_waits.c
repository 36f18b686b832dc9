/* What befalls a run that waits, or that has waited in vain: it is stopped, the machine sleeps, a fault of
 * the probe passes and somebody resumes. */
#include "fixture.h"

#include "protocol/fault.h"

#define SLEPT (65 * NS_S)

static int told(const struct night *n, const char *text)
{
    struct results_event *ev;
    struct err err = ERR_INIT;
    int count, found = 0;
    assert_true(results_events(n->file, &ev, &count, &err));
    for (int k = 0; k < count; k++)
        found += strstr(ev[k].text, text) != NULL;
    free(ev);
    return found;
}

static void nap(void *ctx)
{
    loop_suspend(ctx, SLEPT);
}

static void finished(const struct night *n, int measured)
{
    if (n->end != RUN_FINISHED)
        fail_msg("%s: %s", run_end_name(n->end), n->e.text);
    assert_int_equal(n->counts.by_outcome[OUTCOME_MEASURED], measured);
    assert_true(n->counts.safe);
    assert_true(n->seen.crashes + n->seen.drags + n->seen.wet_travel + n->seen.envelope == 0);
}

/* The stage answers again while the run still waits to try: it is told once more before the run ends. */
static void a_stop_while_it_waits_leaves_the_rig_safe(void **state)
{
    (void)state;
    struct night n;
    struct timer t = {0};
    night_open(&n, &(struct night_spec){.columns = 3, .faults = "recover: {back-off: [5 s, 600 s]}"});
    sim_rig_fault(n.sim, SIM_STAGE_SILENT, 3 * NS_S, 30 * NS_S);
    night_stop_at(&n, &t, 35);
    night_run(&n);
    timer_cancel(n.loop, &t);
    assert_int_equal(n.end, RUN_INTERRUPTED);
    assert_true(told(&n, "failed") >= 1);
    assert_int_equal(told(&n, "once more"), 1);
    enum cell_mode cell;
    assert_true(n.counts.safe);
    assert_string_equal(n.counts.up, "retracted");
    assert_true(true_z(&n, &cell) > n.rig->config->z_retracted - 50e-9);
    assert_int_equal(cell, CELL_OPEN);
    assert_info(&n, "safe", "yes");
    night_close(&n);
}

/* The last attempt of a site. */
static struct results_attempt last_attempt(const struct night *n, int site)
{
    struct results_attempt a[8];
    int k = attempts_of(n, site, a, 8);
    assert_in_range(k, 1, 8);
    return a[k - 1];
}

static void a_sleep_while_an_instrument_is_waited_for(void **state)
{
    (void)state;
    struct night n;
    struct timer t = {0};
    night_open(&n, &(struct night_spec){.columns = 3, .spares = "1"});
    sim_rig_fault(n.sim, SIM_PSTAT_SILENT, 3 * NS_S, 12 * NS_S);
    timer_set(n.loop, &t, 8 * NS_S, nap, n.loop);
    night_run(&n);
    finished(&n, 3);
    assert_string_equal(n.counts.up, "retracted");
    assert_int_equal(told(&n, "the machine slept for 1 min 05 s while the run waited"), 1);
    night_close(&n);
}

static void a_sleep_before_the_next_try_in_place(void **state)
{
    (void)state;
    struct night n;
    struct timer t = {0};
    night_open(&n, &(struct night_spec){.columns = 2});
    sim_rig_fault(n.sim, SIM_PROBE_OPEN, 0, 5 * NS_S);
    timer_set(n.loop, &t, 7 * NS_S, nap, n.loop);
    night_run(&n);
    finished(&n, 2);
    assert_int_equal(told(&n, "[suspended] the machine slept for 1 min 05 s"), 1);
    night_close(&n);
}

/* --- a stage that fails in the back-off between two tries at a site ------------------------------------- */

/* When the site's first attempt has ended and the wait for the second begins, without a fault of the stage.
 */
static ns_t back_off_begins(const struct night_spec *s, enum sim_fault probe)
{
    struct night n;
    struct results_event *ev;
    struct err err = ERR_INIT;
    int count;
    ns_t at = 0;
    night_open(&n, s);
    sim_rig_fault(n.sim, probe, 0, 5 * NS_S);
    night_run(&n);
    finished(&n, s->columns);
    assert_true(results_events(n.file, &ev, &count, &err));
    for (int k = 0; k < count && !at; k++)
        if (!strcmp(ev[k].kind, "state") && !strcmp(ev[k].text, "recover"))
            at = ns_from_s(ev[k].t_s);
    free(ev);
    night_close(&n);
    assert_true(at > 0);
    return at;
}

static void night_with_stage(struct night *n, const struct night_spec *s, enum sim_fault probe,
                             enum sim_fault stage, ns_t lasts)
{
    ns_t at = back_off_begins(s, probe);
    night_open(n, s);
    sim_rig_fault(n->sim, probe, 0, 5 * NS_S);
    sim_rig_fault(n->sim, stage, at, lasts ? at + lasts : NS_NEVER);
    night_run(n);
}

/* Behind an attempt that ended by itself, and behind one that ended with a safe state. */
static const enum sim_fault probes[] = {SIM_PROBE_OPEN, SIM_PROBE_SHORTED};

static void a_stage_that_fails_in_the_back_off_is_brought_back(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        struct night n;
        night_with_stage(&n, &(struct night_spec){.columns = 2}, probes[k], SIM_STAGE_SILENT, NS_S);
        finished(&n, 2);
        assert_int_equal(n.counts.by_fault[FAULT_STAGE_SILENT], 1);
        assert_int_equal(told(&n, RECOVERED), 1);
        ASSERT_OUTCOME(last_attempt(&n, 1), OUTCOME_MEASURED);
        night_close(&n);
    }
}

/* What an earlier safe state had verified is not said of a rig that obeyed then. */
static void a_stage_that_is_lost_in_the_back_off_is_not_called_safe(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        struct night n;
        const struct night_spec s = {.columns = 2,
                                     .faults = "recover: {consecutive: 2, back-off: [5 s, 600 s]}"};
        night_with_stage(&n, &s, probes[k], SIM_STAGE_SILENT, 0);
        assert_int_equal(n.end, RUN_FAULT);
        assert_false(n.counts.safe);
        assert_true(n.counts.by_fault[FAULT_STAGE_SILENT] >= 1);
        assert_int_equal(told(&n, "retraction not verified") > 0, 1);
        assert_info(&n, "safe", "no");
        night_close(&n);
    }
}

static void a_servo_that_sticks_in_the_back_off_goes_through_the_ladder(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        struct night n;
        const struct night_spec s = {.columns = 2,
                                     .faults = "recover: {consecutive: 2, back-off: [5 s, 600 s]}"};
        night_with_stage(&n, &s, probes[k], SIM_STAGE_SERVO_STUCK, 0);
        assert_int_equal(n.end, RUN_PAUSED);
        assert_true(n.counts.safe);
        assert_string_not_equal(n.counts.up, "retracted");
        assert_true(told(&n, "stays off") >= 1);
        night_close(&n);
    }
}

/* The operator's stop comes first, and finds a stage that fell silent meanwhile. */
static void a_stop_in_the_back_off_verifies_the_rig_anew(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        struct night n;
        struct timer t = {0};
        const struct night_spec s = {.columns = 2};
        ns_t at = back_off_begins(&s, probes[k]) + 500 * NS_MS;
        night_open(&n, &s);
        sim_rig_fault(n.sim, probes[k], 0, 5 * NS_S);
        sim_rig_fault(n.sim, SIM_STAGE_SILENT, at, NS_NEVER);
        night_stop_at(&n, &t, ns_to_s(at) + 0.1);
        night_run(&n);
        timer_cancel(n.loop, &t);
        assert_int_equal(n.end, RUN_INTERRUPTED);
        assert_false(n.counts.safe);
        assert_info(&n, "safe", "no");
        night_close(&n);
    }
}

/* However often somebody resumes too early: what was not touched is measured when the wire is whole again. */
static void fresh_sites_come_again_when_the_fault_is_over(void **state)
{
    (void)state;
    struct night n;
    night_open(&n, &(struct night_spec){.columns = 4, .spares = "2"});
    sim_rig_fault(n.sim, SIM_PROBE_OPEN, 0, 600 * NS_S);
    night_run(&n);
    for (int k = 0; k < 2; k++) {
        assert_int_equal(n.end, RUN_PAUSED);
        assert_true(ns_to_s(loop_now(n.loop)) < 600);
        if (k == 1)
            loop_sleep_until(n.loop, 601 * NS_S);
        free(night_again(&n));
    }
    finished(&n, 4);
    struct results_sites s = sites_of(&n);
    for (int k = 0; k < s.n; k++)
        assert_int_equal(s.site[k].outcome == OUTCOME_MEASURED, k < 4); /* no spare */
    results_sites_free(&s);
    night_close(&n);
}

/* Measured twice, counted once. */
static void a_spare_for_a_measured_site_is_counted_once(void **state)
{
    (void)state;
    struct night n;
    night_open(&n,
               &(struct night_spec){
                   .columns = 2,
                   .spares = "1",
                   .faults = "meniscus-spreading: spare",
                   .sample = "{surface: {roughness: 0 nm}, edge-density: {spread: 0}, wetting: {ratio: 1.5, "
                             "spread: 0, low-below: 2 V, low-gain: 0.6, fast: 5 ms}}"});
    night_run(&n);
    assert_int_equal(n.counts.visited, 3);
    finished(&n, 2);
    struct results_attempt spare = only_attempt(&n, 3);
    ASSERT_OUTCOME(spare, OUTCOME_MEASURED);
    night_close(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stop_while_it_waits_leaves_the_rig_safe),
        cmocka_unit_test(a_sleep_while_an_instrument_is_waited_for),
        cmocka_unit_test(a_sleep_before_the_next_try_in_place),
        cmocka_unit_test(a_stage_that_fails_in_the_back_off_is_brought_back),
        cmocka_unit_test(a_stage_that_is_lost_in_the_back_off_is_not_called_safe),
        cmocka_unit_test(a_servo_that_sticks_in_the_back_off_goes_through_the_ladder),
        cmocka_unit_test(a_stop_in_the_back_off_verifies_the_rig_anew),
        cmocka_unit_test(fresh_sites_come_again_when_the_fault_is_over),
        cmocka_unit_test(a_spare_for_a_measured_site_is_counted_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
