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
        cmocka_unit_test(fresh_sites_come_again_when_the_fault_is_over),
        cmocka_unit_test(a_spare_for_a_measured_site_is_counted_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
