/* Nothing moves sideways with a drop that hangs on: behind a recovery, a pause, a resume, and at the first
 * site of all. */
#include "clean_night.h"

#include "protocol/fault.h"

#define SITES 3

static void still_dry(const struct night *n)
{
    if (n->seen.wet_travel || n->seen.drags || n->seen.crashes)
        fail_msg("%llu wet travels", (unsigned long long)n->seen.wet_travel);
    assert_true(n->counts.safe);
}

/* The bridge outlives the recovery: waited for, and then the run goes on. */
static void a_drop_that_hangs_on_behind_a_recovery(void **state)
{
    (void)state;
    struct night n;
    const struct night_spec s = {.columns = SITES, .spares = "1"};
    ns_t at = clean_time(&s, "measure", 2);
    night_open(&n, &s);
    sim_rig_fault(n.sim, SIM_DROP_STICKS, at, at + 60 * NS_S);
    sim_rig_fault(n.sim, SIM_PSTAT_SILENT, at + 100 * NS_MS, at + 6 * NS_S);
    night_run(&n);
    still_dry(&n);
    assert_int_equal(n.end, RUN_FINISHED);
    assert_int_equal(n.counts.by_outcome[OUTCOME_MEASURED], SITES);
    assert_true(events_with(&n, "warning", "a drop hangs on") >= 2);
    assert_int_equal(events_with(&n, "air", "nothing hangs"), 2);
    night_close(&n);
}

/* At the first contact of a run there is no usual one to compare with. */
static void a_drop_that_hangs_on_at_the_first_site(void **state)
{
    (void)state;
    struct night n;
    const struct night_spec s = {.columns = 2, .spares = "1"};
    ns_t at = clean_time(&s, "confirm", 1);
    night_open(&n, &s);
    sim_rig_fault(n.sim, SIM_DROP_STICKS, at, NS_NEVER);
    sim_rig_fault(n.sim, SIM_PSTAT_SILENT, at + 10 * NS_MS, at + 6 * NS_S);
    night_run(&n);
    still_dry(&n);
    assert_int_equal(n.end, RUN_PAUSED);
    assert_non_null(strstr(n.e.text, "a drop hangs on"));
    night_close(&n);
}

/* Who resumes without having looked is told so, and no site is lost by that. */
static void resuming_does_not_take_the_drop_off(void **state)
{
    (void)state;
    struct night n;
    const struct night_spec s = {.columns = SITES, .spares = "1"};
    ns_t at = clean_time(&s, "measure", 2);
    night_open(&n, &s);
    sim_rig_fault(n.sim, SIM_DROP_STICKS, at, at + 400 * NS_S);
    night_run(&n);
    assert_int_equal(n.end, RUN_PAUSED);
    assert_int_equal(n.counts.by_outcome[OUTCOME_NOT_DETACHED], 1);
    still_dry(&n);
    struct run_before *b = night_again(&n);
    still_dry(&n);
    assert_int_equal(n.end, RUN_PAUSED);
    assert_non_null(strstr(n.e.text, "a drop hangs on"));
    struct results_attempt a = only_attempt(&n, 3);
    ASSERT_OUTCOME(a, OUTCOME_FAULT);
    assert_int_equal(a.touched, TOUCHED_NO);
    assert_string_equal(a.fault, fault_name(FAULT_NOT_DETACHED));
    free(b);
    loop_sleep_until(n.loop, at + 401 * NS_S);
    b = night_again(&n);
    free(b);
    still_dry(&n);
    assert_int_equal(n.end, RUN_FINISHED);
    assert_int_equal(n.counts.by_outcome[OUTCOME_MEASURED], SITES);
    night_close(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_drop_that_hangs_on_behind_a_recovery),
        cmocka_unit_test(a_drop_that_hangs_on_at_the_first_site),
        cmocka_unit_test(resuming_does_not_take_the_drop_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
