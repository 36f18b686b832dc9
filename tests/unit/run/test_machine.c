/* What befalls the machine: its clock is set, it sleeps, the run is stopped for a while. The clocks are the
 * loop's own; nothing of the machine that makes this test is touched. */
#include "fixture.h"

#include "run/machine.h"

/* ---- the clocks alone ---- */

/* From one look to the next, in ms: each clock goes on by so much. */
struct tick {
    ns_t awake, boot, wall;
    ns_t away, asleep, set; /* noticed, ms */
};

static void each_look_is_compared_with_the_one_before(void **state)
{
    (void)state;
    static const struct tick all[] = {
        {500, 500, 500, 0, 0, 0},
        {500, 500, 500 + 900, 0, 0, 0},              /* less than a second: a clock that is being corrected */
        {500, 500, 500 + 1100, 0, 0, 1100},          /* set forward */
        {500, 500, 500 - 10800000, 0, 0, -10800000}, /* set back by three hours */
        {500, 7380500, 7380500, 7380500, 7380000, 0},    /* slept for 2 h 03 min: the wall clock went on */
        {500, 7380500, 500, 7380500, 7380000, -7380000}, /* ... and woke with the time of before */
        {6000, 6000, 6000, 6000, 0, 0},                  /* stopped, and continued */
        {3900, 3900, 3900, 0, 0, 0},                     /* very busy */
    };
    for (size_t k = 0; k < sizeof all / sizeof all[0]; k++) {
        const struct tick *s = &all[k];
        struct machine m = {.longest = MACHINE_STOPPED, .seen = {1000 * NS_S, 2000 * NS_S, 3000000 * NS_S}};
        struct clocks now = {m.seen.awake + s->awake * NS_MS, m.seen.boot + s->boot * NS_MS,
                             m.seen.wall + s->wall * NS_MS};
        assert_int_equal(machine_look(&m, &now) / NS_MS, s->asleep);
        if (m.away / NS_MS != s->away || m.asleep / NS_MS != s->asleep || m.set_by / NS_MS != s->set)
            fail_msg("case %zu: away %g s, asleep %g s, set by %g s", k, ns_to_s(m.away), ns_to_s(m.asleep),
                     ns_to_s(m.set_by));
        m.away = m.asleep = m.set_by = 0;
        machine_look(&m, &now); /* the same again is nothing new */
        assert_true(!m.away && !m.asleep && !m.set_by);
    }
}

static void a_clock_that_is_slewed_is_never_told(void **state)
{
    (void)state;
    struct machine m = {.longest = MACHINE_STOPPED};
    struct clocks now = {0};
    for (int k = 0; k < 7200 * 8; k++) { /* 500 ppm all night: 14 s */
        now.awake += 500 * NS_MS;
        now.boot += 500 * NS_MS;
        now.wall += 500 * NS_MS + 250 * NS_US;
        machine_look(&m, &now);
    }
    assert_true(!m.away && !m.set_by && m.seen.wall - m.seen.boot > 14 * NS_S);
}

static void virtual_time_may_jump(void **state)
{
    (void)state;
    struct machine m = {.longest = NS_NEVER};
    machine_look(&m, &(struct clocks){3600 * NS_S, 3600 * NS_S, 3600 * NS_S});
    assert_true(!m.away && !m.set_by);
}

static void durations_read_as_people_say_them(void **state)
{
    (void)state;
    char t[32];
    assert_string_equal(machine_duration(4230 * NS_MS, t), "4.2 s");
    assert_string_equal(machine_duration(725 * NS_S, t), "12 min 05 s");
    assert_string_equal(machine_duration(7385 * NS_S, t), "2 h 03 min");
    assert_string_equal(machine_duration(100 * 3600 * NS_S, t), "100 h 00 min");
}

/* ---- in a run ---- */

/* Something happens once, when the run shows a certain site in a certain phase. */
struct happening {
    struct night *n;
    struct snapshot *snapshot;
    struct timer timer;
    int site;
    const char *phase;
    ns_t suspend, set_wall;
    bool hang_up; /* the stage is unplugged meanwhile */
    bool done;
};

static void happen_when(void *ctx)
{
    struct happening *h = ctx;
    struct snapshot_status now;
    struct loop *l = h->n->loop;
    snapshot_status(h->snapshot, &now);
    if (now.site == h->site && !strcmp(now.phase, h->phase)) {
        h->done = true;
        loop_suspend(l, h->suspend);
        loop_set_wall(l, h->set_wall);
        if (h->hang_up)
            link_fault(h->n->rig->stage_link, &(struct link_fault){.kind = LINK_FAULT_SILENCE});
        return;
    }
    timer_set(l, &h->timer, loop_now(l) + NS_MS, happen_when, h);
}

static void go_on_with(struct happening *h, struct night *n)
{
    h->n = n;
    h->snapshot = snapshot_new(n->plan);
    n->options.snapshot = h->snapshot;
    if (h->phase)
        timer_set(n->loop, &h->timer, 0, happen_when, h);
    night_run(n);
    timer_cancel(n->loop, &h->timer);
    assert_true(!h->phase || h->done);
}

static void run_with(struct happening *h, struct night *n, const struct night_spec *spec)
{
    night_open(n, spec);
    go_on_with(h, n);
}

static void close_with(struct happening *h)
{
    night_close(h->n);
    snapshot_free(h->snapshot);
}

static int events_with(const struct night *n, const char *kind, const char *text)
{
    struct results_event *ev;
    struct err e = ERR_INIT;
    int count, found = 0;
    assert_true(results_events(n->file, &ev, &count, &e));
    for (int k = 0; k < count; k++) {
        found += !strcmp(ev[k].kind, kind) && strstr(ev[k].text, text) != NULL;
        if (k > 0 && ev[k].t_s < ev[k - 1].t_s)
            fail_msg("event %d (%s) at %.9f s, behind one at %.9f s", k, ev[k].text, ev[k].t_s,
                     ev[k - 1].t_s);
    }
    free(ev);
    return found;
}

/* ---- the clock is set ---- */

static void the_clock_is_set(ns_t by, const char *words)
{
    struct night plain, n;
    struct happening none = {0}, h = {.site = 2, .phase = "approach", .set_wall = by};
    const struct night_spec spec = {.columns = 4};
    run_with(&none, &plain, &spec);
    run_with(&h, &n, &spec);
    assert_int_equal(n.end, RUN_FINISHED);
    assert_int_equal(n.counts.by_outcome[OUTCOME_MEASURED], 4);
    assert_int_equal(events_with(&n, "fault", words), 1);
    assert_int_equal(events_with(&n, "fault", ""), 1);
    assert_int_equal(events_with(&plain, "fault", ""), 0);
    for (int k = 1; k <= 4; k++) {
        struct results_attempt a = only_attempt(&plain, k), b = only_attempt(&n, k);
        assert_true(a.contact_z == b.contact_z && a.start_s == b.start_s && a.end_s == b.end_s);
    }
    assert_true(plain.t1 == n.t1);
    ASSERT_UNHARMED(&n);
    close_with(&none);
    close_with(&h);
}

static void a_clock_that_is_set_is_told_and_changes_nothing(void **state)
{
    (void)state;
    the_clock_is_set(-3 * 3600 * NS_S,
                     "[clock-stepped] the machine's clock was set back by 3 h 00 min: it says");
    the_clock_is_set(2 * NS_S, "[clock-stepped] the machine's clock was set forward by 2.0 s: it says");
    the_clock_is_set(30 * 365 * 86400 * NS_S,
                     "[clock-stepped] the machine's clock was set forward by 262800 h");
}

/* Virtual time begins at midnight, universal time. */
static void stop_by_goes_by_the_new_time(void **state)
{
    (void)state;
    static const struct {
        const char *by;
        ns_t set;
        enum run_end end;
        const char *told;
    } all[] = {
        {"01:00", 0, RUN_FINISHED, NULL},
        {"01:00", 3570 * NS_S, RUN_PAUSED, "; stop.by goes by the new time: 01:00"},
        {"00:02", 0, RUN_PAUSED, NULL},
        {"00:02", -3600 * NS_S, RUN_FINISHED, "; stop.by goes by the new time: Sat 00:02"},
        {"00:02", 3600 * NS_S, RUN_FINISHED,
         "; stop.by goes by the new time: Sun 00:02"}, /* of the next day */
    };
    for (size_t k = 0; k < sizeof all / sizeof all[0]; k++) {
        struct night n;
        char stop[60];
        struct happening h = {.site = 2, .phase = "approach", .set_wall = all[k].set};
        snprintf(stop, sizeof stop, "stop: {by: \"%s\"}\n", all[k].by);
        run_with(&h, &n, &(struct night_spec){.columns = 10, .rows = 3, .more = stop});
        if (n.end != all[k].end)
            fail_msg("case %zu: %s: %s", k, run_end_name(n.end), n.e.text);
        if (all[k].told)
            assert_int_equal(events_with(&n, "fault", all[k].told), 1);
        ASSERT_UNHARMED(&n);
        close_with(&h);
    }
}

/* ---- the machine sleeps ---- */

#define SLEPT (65 * NS_S)

/* What was under way is lost as far as the spot may have been touched; the run goes on. */
static void slept_in(const char *phase, enum touched touched)
{
    struct night n;
    struct results_attempt a[4];
    struct happening h = {.site = 2, .phase = phase, .suspend = SLEPT};
    print_message("%s\n", phase);
    run_with(&h, &n, &(struct night_spec){.columns = 4, .spares = "1"});
    if (n.end != RUN_FINISHED)
        fail_msg("%s: %s", run_end_name(n.end), n.e.text);
    int count = attempts_of(&n, 2, a, 4);
    ASSERT_OUTCOME(a[0], OUTCOME_FAULT);
    if (!strstr(a[0].reason, "the machine slept for 1 min 05 s"))
        fail_msg("%s", a[0].reason);
    assert_int_equal(a[0].touched, touched);
    assert_int_equal(count, touched == TOUCHED_NO ? 2 : 1);
    if (touched == TOUCHED_NO)
        ASSERT_OUTCOME(a[1], OUTCOME_MEASURED);
    else
        ASSERT_OUTCOME(only_attempt(&n, 5), OUTCOME_MEASURED); /* the spare */
    assert_int_equal(events_with(&n, "fault", "[suspended] the machine slept for 1 min 05 s"), 1);
    assert_true(a[0].end_s - a[0].start_s > ns_to_s(SLEPT)); /* the sample was awake */
    assert_info(&n, "machine.away_s", "65.");
    assert_int_equal(n.counts.safe_states, 1);
    assert_true(n.seen.crashes + n.seen.drags + n.seen.wet_travel + n.seen.envelope + n.seen.cell_left_on ==
                0);
    assert_true(n.seen.open_circuit <= 1); /* the safe state opens the cell before it retracts */
    assert_true(n.counts.safe);
    close_with(&h);
}

static void a_sleep_costs_what_it_must(void **state)
{
    (void)state;
    slept_in("travel", TOUCHED_NO);
    slept_in("alive", TOUCHED_NO);
    slept_in("approach", TOUCHED_POSSIBLY);
    slept_in("measure", TOUCHED_YES);
    slept_in("detach", TOUCHED_YES);
}

static void wake(void *ctx)
{
    loop_suspend(ctx, SLEPT);
}

static void between_sites_nothing_is_lost(void **state)
{
    (void)state;
    struct night n;
    struct timer t = {0};
    night_open(&n, &(struct night_spec){.columns = 3});
    timer_set(n.loop, &t, loop_now(n.loop) + NS_MS, wake, n.loop); /* during the first retraction */
    night_run(&n);
    assert_int_equal(n.end, RUN_FINISHED);
    assert_int_equal(n.counts.by_outcome[OUTCOME_MEASURED], 3);
    assert_int_equal(
        events_with(&n, "fault",
                    "[suspended] the machine slept for 1 min 05 s between sites: both instruments"),
        1);
    assert_int_equal(n.counts.safe_states, 0);
    ASSERT_UNHARMED(&n);
    night_close(&n);
}

/* The lid is closed on a paused run; both adapters leave, and are back when the operator lets it go on. */
struct lid {
    struct night *n;
    struct snapshot *snapshot;
    struct wishes *wishes;
    bool asked, closed;
};

static void close_lid(void *ctx)
{
    struct lid *c = ctx;
    struct snapshot_status now;
    char text[160];
    snapshot_status(c->snapshot, &now);
    if (!c->asked && now.site == 1)
        c->asked = wishes_ask(c->wishes, WISH_PAUSE, 0, WISH_FROM_PAGE, text, sizeof text);
    if (c->closed || strcmp(now.state, PAUSED_BY_OPERATOR) != 0)
        return;
    c->closed = true;
    const struct link_fault gone = {.kind = LINK_FAULT_HANGUP, .at = loop_now(c->n->loop) + NS_S};
    link_fault(c->n->rig->stage_link, &gone);
    link_fault(c->n->rig->pstat_link, &gone);
    loop_suspend(c->n->loop, SLEPT);
    assert_true(wishes_ask(c->wishes, WISH_CONTINUE, 0, WISH_FROM_PAGE, text, sizeof text));
}

static void adapters_that_come_back_behind_a_sleep_are_found(void **state)
{
    (void)state;
    struct night n;
    struct lid c = {.n = &n};
    night_open(&n, &(struct night_spec){.columns = 3});
    n.options.snapshot = c.snapshot = snapshot_new(n.plan);
    n.options.wishes = c.wishes = wishes_new(n.loop, &n.stop);
    loop_on_pump(n.loop, close_lid, &c);
    struct link *before = n.rig->stage_link;
    night_run(&n);
    loop_off_pump(n.loop, close_lid, &c);
    assert_true(c.closed);
    if (n.end != RUN_FINISHED)
        fail_msg("%s: %s", run_end_name(n.end), n.e.text);
    assert_true(n.rig->stage_link != before);
    assert_int_equal(n.counts.by_outcome[OUTCOME_MEASURED], 3);
    assert_int_equal(events_with(&n, "fault", "[suspended] the machine slept for 1 min 05 s between sites"),
                     1);
    assert_int_equal(n.counts.by_fault[FAULT_SUSPENDED], 1);
    assert_int_equal(n.counts.safe_states, 0);
    ASSERT_UNHARMED(&n);
    night_close(&n);
    snapshot_free(c.snapshot);
    wishes_free(c.wishes);
}

/* What an earlier part of the run knew of the clock is counted on. */
static void steps_of_the_clock_add_up_over_resumptions(void **state)
{
    (void)state;
    struct night n;
    struct happening h = {.site = 1, .phase = "approach", .set_wall = 2 * 3600 * NS_S};
    night_open(&n, &(struct night_spec){.columns = 1});
    n.options.clock_set_s = 600.5;
    go_on_with(&h, &n);
    assert_info(&n, "clock.set_by_s", "7800.500");
    close_with(&h);
}

/* An instrument that is not there any more on waking: the run ends, and does not say "safe". */
static void an_instrument_that_is_gone_on_waking_ends_the_run(void **state)
{
    (void)state;
    struct night n;
    struct happening h = {.site = 2, .phase = "approach", .suspend = SLEPT, .hang_up = true};
    run_with(&h, &n, &(struct night_spec){.columns = 3});
    assert_int_equal(n.end, RUN_FAULT);
    assert_false(n.counts.safe);
    ASSERT_OUTCOME(only_attempt(&n, 2), OUTCOME_FAULT);
    assert_int_equal(events_with(&n, "fault", "[suspended]"), 1);
    close_with(&h);
}

/* ---- signals ---- */

static void stop_now_by(void *ctx)
{
    ((struct night *)ctx)->stop = SIGHUP;
}

static void a_signal_is_told_by_its_name(void **state)
{
    (void)state;
    struct night n;
    struct timer t = {0};
    night_open(&n, &(struct night_spec){.columns = 3});
    timer_set(n.loop, &t, 8 * NS_S, stop_now_by, &n);
    night_run(&n);
    assert_int_equal(n.end, RUN_INTERRUPTED);
    assert_int_equal(events_with(&n, "fault", "[stopped-by-signal] SIGHUP (the terminal was closed"), 1);
    assert_non_null(strstr(n.e.text, "stopped by SIGHUP"));
    assert_info(&n, "state", "interrupted");
    assert_true(n.counts.safe);
    night_close(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_look_is_compared_with_the_one_before),
        cmocka_unit_test(a_clock_that_is_slewed_is_never_told),
        cmocka_unit_test(virtual_time_may_jump),
        cmocka_unit_test(durations_read_as_people_say_them),
        cmocka_unit_test(a_clock_that_is_set_is_told_and_changes_nothing),
        cmocka_unit_test(stop_by_goes_by_the_new_time),
        cmocka_unit_test(a_sleep_costs_what_it_must),
        cmocka_unit_test(between_sites_nothing_is_lost),
        cmocka_unit_test(adapters_that_come_back_behind_a_sleep_are_found),
        cmocka_unit_test(steps_of_the_clock_add_up_over_resumptions),
        cmocka_unit_test(an_instrument_that_is_gone_on_waking_ends_the_run),
        cmocka_unit_test(a_signal_is_told_by_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
