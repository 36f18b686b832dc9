/* The beginning of a run, with the tip anywhere: the first retraction is an act as any other, and its failure
 * a fault as any other: safe state, ladder, policy, recovery, and a verdict that is told. And "safe" is said
 * to watchers only of what is so. */
#include "clean_night.h"

#include "protocol/fault.h"

#define DOWN 55e-6 /* m: where somebody left the tip */

static void open_with_tip_down(struct night *n, const struct night_spec *s)
{
    struct err e = ERR_INIT;
    night_open(n, s);
    const double to[AXIS_COUNT] = {0, 0, DOWN};
    if (!stage_servo_on(n->rig->stage, &e) || !stage_set_speed(n->rig->stage, AXIS_Z, 20e-6, &e) ||
        !stage_move_wait(n->rig->stage, 1u << AXIS_Z, to, 20 * NS_S, &e))
        fail_msg("%s", e.text);
}

struct start {
    enum sim_fault fault;
    ns_t lasts;
    const char *policy; /* inside of `faults` */
    enum run_end end;
    bool safe;
    const char *up;    /* of a rig that is safe */
    const char *class; /* as told first */
};

static const struct start starts[] = {
    {SIM_STAGE_SILENT, NS_NEVER, "stage-silent: pause", RUN_FAULT, false, "", "[stage-silent]"},
    {SIM_STAGE_SILENT, NS_NEVER, "recover: {consecutive: 2, back-off: [2 s, 4 s]}", RUN_FAULT, false, "",
     "[stage-silent]"},
    {SIM_STAGE_SILENT, 20 * NS_S, "recover: {consecutive: 9, back-off: [2 s, 9 s]}", RUN_FINISHED, true,
     "retracted", "[stage-silent]"},
    {SIM_STAGE_REFUSING, NS_NEVER, NULL, RUN_PAUSED, true, "retracted in open loop", "[stage-refused]"},
    {SIM_STAGE_REFUSING, NS_NEVER, "stage-refused: abort", RUN_ABORTED, true, "retracted in open loop",
     "[stage-refused]"},
    {SIM_STAGE_SERVO_STUCK, NS_NEVER, NULL, RUN_PAUSED, true, "retracted in open loop", "[servo-lost]"},
    {SIM_STAGE_SERVO_DEAD, NS_NEVER, NULL, RUN_FAULT, false, "", "[servo-lost]"},
};

static void judge(struct night *n, const struct start *s)
{
    enum cell_mode cell;
    double z = true_z(n, &cell);
    const char *name = sim_fault_names[s->fault];
    bool up = z > n->rig->config->z_retracted - 0.6e-6;
    if (n->end != s->end || n->counts.safe != s->safe)
        fail_msg("%s: %s, safe %d: %s", name, run_end_name(n->end), n->counts.safe, n->e.text);
    if (n->counts.safe && !(up && cell == CELL_OPEN))
        fail_msg("%s: called safe at %.3f um", name, z * 1e6);
    if (s->safe)
        assert_string_equal(n->counts.up, s->up);
    assert_info(n, "state", run_end_name(s->end));
    assert_info(n, "safe", s->safe ? "yes" : "no");
    assert_true(events_with(n, "fault", s->class) == 1);
    if (s->end == RUN_FINISHED)
        return;
    char *reason = results_info(n->file, "state_reason");
    assert_true(*n->e.text && *reason);
    free(reason);
    assert_int_equal(n->counts.visited, 0);
    assert_false(n->began);
    ASSERT_UNHARMED(n);
}

static void a_first_retraction_that_fails_is_a_fault_as_any_other(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof starts / sizeof starts[0]; k++) {
        struct night n;
        open_with_tip_down(&n, &(struct night_spec){.columns = 1, .faults = starts[k].policy});
        ns_t now = loop_now(n.loop), until = starts[k].lasts == NS_NEVER ? NS_NEVER : now + starts[k].lasts;
        sim_rig_fault(n.sim, starts[k].fault, now, until);
        night_run(&n);
        judge(&n, &starts[k]);
        night_close(&n);
    }
}

/* At the end, too: nothing is "paused" that is not verified safe. */
static void a_rule_does_not_pause_a_rig_that_does_not_obey(void **state)
{
    (void)state;
    struct night n;
    open_with_tip_down(&n, &(struct night_spec){.columns = 10, .more = "stop: {after: 40 s}\n"});
    sim_rig_fault(n.sim, SIM_STAGE_SERVO_DEAD, 20 * NS_S, NS_NEVER);
    night_run(&n);
    assert_false(n.counts.safe);
    assert_int_equal(n.end, RUN_FAULT);
    assert_info(&n, "safe", "no");
    night_close(&n);
}

/* ---- what watchers see ---- */

struct watcher {
    struct night *n;
    struct timer timer;
    int safe, not_safe, lies;
};

static void see(void *ctx)
{
    struct watcher *w = ctx;
    struct snapshot_status now;
    enum cell_mode cell;
    snapshot_status(w->n->options.snapshot, &now);
    bool so = true_z(w->n, &cell) > w->n->rig->config->z_retracted - 50e-9 && cell == CELL_OPEN;
    w->safe += now.safe;
    w->not_safe += !now.safe;
    w->lies += now.safe && !so;
    timer_set(w->n->loop, &w->timer, loop_now(w->n->loop) + 5 * NS_MS, see, w);
}

static void safe_is_shown_only_while_it_is_so(void **state)
{
    (void)state;
    struct night n;
    struct watcher w = {.n = &n};
    struct snapshot_status last;
    open_with_tip_down(&n, &(struct night_spec){.columns = 3, .spares = "1"});
    n.options.snapshot = snapshot_new(n.plan);
    sim_rig_fault(n.sim, SIM_PSTAT_SILENT, 15 * NS_S, 25 * NS_S); /* a safe state and a recovery in between */
    timer_set(n.loop, &w.timer, loop_now(n.loop) + 5 * NS_MS, see, &w);
    night_run(&n);
    timer_cancel(n.loop, &w.timer);
    snapshot_status(n.options.snapshot, &last);
    print_message("seen safe %d times, not %d times\n", w.safe, w.not_safe);
    assert_int_equal(n.end, RUN_FINISHED);
    assert_true(events_with(&n, "recovery", "in order again") >= 1);
    assert_int_equal(w.lies, 0);
    assert_true(w.safe > 0 && w.not_safe > w.safe);
    assert_true(last.ended && last.safe);
    snapshot_free(n.options.snapshot);
    night_close(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_first_retraction_that_fails_is_a_fault_as_any_other),
        cmocka_unit_test(a_rule_does_not_pause_a_rig_that_does_not_obey),
        cmocka_unit_test(safe_is_shown_only_while_it_is_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
