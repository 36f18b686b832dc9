/* The operator's wishes on a simulated night: skip, pause, continue, stop, each seen in the results file and
 * by the sample. */
#include "clean_night.h"

#include <pthread.h>
#include <sched.h>

/* Asks once when the run shows a certain site in a certain phase. */
struct asker {
    struct night *n;
    struct snapshot *snapshot;
    struct wishes *wishes;
    struct timer timer;
    int site;
    const char *phase;
    enum wish what;
    int of; /* site named in the wish */
    bool asked, taken;
    char text[160];
};

static void ask_when(void *ctx)
{
    struct asker *a = ctx;
    struct snapshot_status now;
    snapshot_status(a->snapshot, &now);
    if (!a->asked && now.site == a->site && !strcmp(now.phase, a->phase)) {
        a->asked = true;
        a->taken = wishes_ask(a->wishes, a->what, a->of, WISH_FROM_PAGE, a->text, sizeof a->text);
    }
    if (!a->asked)
        timer_set(a->n->loop, &a->timer, loop_now(a->n->loop) + NS_MS, ask_when, a);
}

static void open_asker(struct asker *a, struct night *n, const struct night_spec *spec)
{
    night_open(n, spec);
    a->n = n;
    a->snapshot = snapshot_new(n->plan);
    a->wishes = wishes_new(n->loop, &n->stop);
    n->options.snapshot = a->snapshot;
    n->options.wishes = a->wishes;
    timer_set(n->loop, &a->timer, 0, ask_when, a);
}

static void close_asker(struct asker *a)
{
    night_close(a->n);
    snapshot_free(a->snapshot);
    wishes_free(a->wishes);
}

static void assert_no_harm(const struct night *n)
{
    assert_int_equal(n->seen.crashes, 0);
    assert_int_equal(n->seen.drags, 0);
    assert_int_equal(n->seen.wet_travel, 0);
    assert_int_equal(n->seen.cell_left_on, 0);
    assert_true(n->counts.safe);
}

static void skip_in_phase(const char *phase, enum touched touched)
{
    struct night n;
    struct asker a = {.site = 2, .phase = phase, .what = WISH_SKIP, .of = 2};
    open_asker(&a, &n, &(struct night_spec){.columns = 4});
    night_run(&n);
    assert_true(a.asked && a.taken);
    assert_int_equal(n.end, RUN_FINISHED);
    assert_int_equal(n.counts.by_outcome[OUTCOME_MEASURED], 3);
    struct results_attempt skipped = only_attempt(&n, 2);
    assert_int_equal(skipped.outcome, OUTCOME_SKIPPED);
    assert_int_equal(skipped.touched, touched);
    assert_string_equal(skipped.reason, "skipped by the operator from the web page");
    assert_int_equal(only_attempt(&n, 3).outcome, OUTCOME_MEASURED);
    assert_int_equal(events_with(&n, "fault", ""), 0);
    assert_int_equal(events_with(&n, "operator", "skipped by the operator"), 1);
    assert_no_harm(&n);
    struct snapshot_status now;
    snapshot_status(a.snapshot, &now);
    assert_true(now.ended && now.safe);
    assert_string_equal(now.state, "finished");
    assert_int_equal(now.left, 0);
    assert_int_equal(now.by_outcome[OUTCOME_SKIPPED], 1);
    close_asker(&a);
}

static void skip_keeps_what_is_known_of_the_touch(void **state)
{
    (void)state;
    skip_in_phase("travel", TOUCHED_NO);
    skip_in_phase("approach", TOUCHED_POSSIBLY);
    skip_in_phase("measure", TOUCHED_YES);
}

static void a_skip_of_another_site_is_refused(void **state)
{
    (void)state;
    struct night n;
    struct asker a = {.site = 2, .phase = "approach", .what = WISH_SKIP, .of = 1};
    open_asker(&a, &n, &(struct night_spec){.columns = 3});
    night_run(&n);
    assert_true(a.asked);
    assert_false(a.taken);
    assert_non_null(strstr(a.text, "site 1 is not under way"));
    assert_int_equal(n.counts.by_outcome[OUTCOME_MEASURED], 3);
    close_asker(&a);
}

static void a_skip_behind_the_steps_comes_too_late(void **state)
{
    (void)state;
    struct night n;
    struct asker a = {.site = 2, .phase = "detach", .what = WISH_SKIP};
    open_asker(&a, &n, &(struct night_spec){.columns = 3});
    night_run(&n);
    assert_true(a.asked);
    assert_int_equal(n.counts.by_outcome[OUTCOME_MEASURED], 3);
    close_asker(&a);
}

static void skipped_sites_do_not_count_as_bad(void **state)
{
    (void)state;
    struct night n;
    struct asker a = {.site = 2, .phase = "measure", .what = WISH_SKIP};
    open_asker(&a, &n, &(struct night_spec){.columns = 3, .faults = "consecutive: {count: 1, then: pause}"});
    night_run(&n);
    assert_int_equal(n.end, RUN_FINISHED);
    assert_int_equal(n.counts.by_outcome[OUTCOME_MEASURED], 2);
    close_asker(&a);
}

/* --- pause: another thread sees it and ends it -----------------------------------------------------------
 */

struct watcher {
    struct asker *a;
    enum wish then;
    double z_paused;
    double time_first, time_last;
    struct snapshot_status seen;
};

static void *watch(void *ctx)
{
    struct watcher *w = ctx;
    char text[160];
    do {
        sched_yield();
        snapshot_status(w->a->snapshot, &w->seen);
    } while (strcmp(w->seen.state, PAUSED_BY_OPERATOR) != 0);
    w->time_first = w->seen.time_s;
    w->z_paused = w->seen.z;
    for (int k = 0; k < 1000; k++) {
        struct snapshot_status again;
        snapshot_status(w->a->snapshot, &again);
        w->time_last = again.time_s;
        sched_yield();
    }
    assert_true(wishes_state(w->a->wishes).paused);
    wishes_ask(w->a->wishes, w->then, 0, WISH_FROM_SHELL, text, sizeof text);
    return NULL;
}

static void pause_and(enum wish then, struct night *n, struct asker *a)
{
    *a = (struct asker){.site = 2, .phase = "measure", .what = WISH_PAUSE};
    open_asker(a, n, &(struct night_spec){.columns = 4});
    struct watcher w = {.a = a, .then = then};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, watch, &w), 0);
    night_run(n);
    pthread_join(thread, NULL);
    assert_true(a->asked && a->taken);
    assert_string_equal(a->text, "the run pauses after site 2");
    assert_int_equal(w.seen.site, 0);
    assert_string_equal(w.seen.phase, "paused");
    assert_true(fabs(w.z_paused - n->rig->config->z_retracted) < 50e-9);
    assert_true(w.time_last == w.time_first); /* virtual time stood still */
    assert_int_equal(events_with(n, "operator", "paused by the operator from the web page"), 1);
    assert_int_equal(only_attempt(n, 2).outcome, OUTCOME_MEASURED);
    assert_no_harm(n);
}

/* When a run that nobody pauses goes to its third site. */
static ns_t third_site_of(const struct night_spec *s)
{
    struct night n;
    struct results_event *ev;
    struct err err = ERR_INIT;
    int count;
    ns_t at = 0;
    night_open(&n, s);
    night_run(&n);
    assert_true(results_events(n.file, &ev, &count, &err));
    for (int k = 0; k < count && !at; k++)
        if (ev[k].site == 3)
            at = ns_from_s(ev[k].t_s);
    free(ev);
    night_close(&n);
    assert_true(at > 0);
    return at;
}

/* The stage falls silent on its way up to the pause, and is back when the pause is over. */
static void pause_with_a_stage_that_is_silent(void **state)
{
    (void)state;
    struct night n;
    struct asker a = {.site = 2, .phase = "measure", .what = WISH_PAUSE};
    ns_t at = third_site_of(&(struct night_spec){.columns = 4}) + 10 * NS_MS;
    open_asker(&a, &n, &(struct night_spec){.columns = 4});
    struct watcher w = {.a = &a, .then = WISH_CONTINUE};
    pthread_t thread;
    sim_rig_fault(n.sim, SIM_STAGE_SILENT, at, at + 20 * NS_S);
    assert_int_equal(pthread_create(&thread, NULL, watch, &w), 0);
    night_run(&n);
    pthread_join(thread, NULL);
    assert_int_equal(n.end, RUN_FINISHED);
    assert_int_equal(n.counts.by_outcome[OUTCOME_MEASURED], 4);
    assert_int_equal(events_with(&n, "fault", "[stage-silent]"), 1);
    assert_int_equal(events_with(&n, "recovery", "in order again"), 1);
    assert_no_harm(&n);
    close_asker(&a);
}

static void pause_then_continue(void **state)
{
    (void)state;
    struct night n;
    struct asker a;
    pause_and(WISH_CONTINUE, &n, &a);
    assert_int_equal(n.end, RUN_FINISHED);
    assert_int_equal(n.counts.by_outcome[OUTCOME_MEASURED], 4);
    assert_int_equal(events_with(&n, "operator", "continued by the operator from the command line"), 1);
    assert_int_equal(n.counts.safe_states, 0);
    close_asker(&a);
}

static void pause_then_stop(void **state)
{
    (void)state;
    struct night n;
    struct asker a;
    pause_and(WISH_STOP, &n, &a);
    assert_int_equal(n.end, RUN_INTERRUPTED);
    assert_int_equal(n.counts.by_outcome[OUTCOME_MEASURED], 2);
    assert_string_equal(n.e.text, "stopped by the operator from the command line");
    char *s = results_info(n.file, "state");
    assert_string_equal(s, "interrupted");
    free(s);
    close_asker(&a);
}

static void stop_during_an_approach(void **state)
{
    (void)state;
    struct night n;
    struct asker a = {.site = 3, .phase = "approach", .what = WISH_STOP};
    open_asker(&a, &n, &(struct night_spec){.columns = 4});
    night_run(&n);
    assert_int_equal(n.end, RUN_INTERRUPTED);
    assert_int_equal(only_attempt(&n, 3).outcome, OUTCOME_ABORTED);
    assert_int_equal(events_with(&n, "operator", "stopped by the operator from the web page"), 1);
    assert_no_harm(&n);
    close_asker(&a);
}

/* --- answers ---------------------------------------------------------------------------------------------
 */

static void answers(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    struct loop *l = loop_new(LOOP_VIRTUAL, 1, &e);
    struct wishes *w = wishes_new(l, NULL);
    char text[160];
    assert_false(wishes_ask(w, WISH_CONTINUE, 0, WISH_FROM_PAGE, text, sizeof text));
    assert_string_equal(text, "the run is not paused");
    assert_false(wishes_ask(w, WISH_SKIP, 0, WISH_FROM_PAGE, text, sizeof text));
    assert_string_equal(text, "no site is under way: nothing to skip");
    assert_true(wishes_ask(w, WISH_PAUSE, 0, WISH_FROM_PAGE, text, sizeof text));
    assert_string_equal(text, "the run pauses before the next site");
    wishes_site(w, 7);
    assert_true(wishes_ask(w, WISH_PAUSE, 0, WISH_FROM_PAGE, text, sizeof text));
    assert_string_equal(text, "as asked before: the run pauses after site 7");
    assert_true(wishes_ask(w, WISH_CONTINUE, 0, WISH_FROM_PAGE, text, sizeof text));
    assert_string_equal(text, "the run goes on without the pause");
    assert_true(wishes_ask(w, WISH_SKIP, 7, WISH_FROM_PAGE, text, sizeof text));
    assert_int_equal(wishes_state(w).skipping, 7);
    assert_true(wishes_wants_skip(w, 7));
    wishes_site(w, 8); /* a wish for site 7 that came late does not hit site 8 */
    assert_false(wishes_wants_skip(w, 8));
    assert_int_equal(wishes_state(w).skipping, 0);
    enum wish what;
    for (int k = 0; k < WISH_COUNT; k++)
        assert_true(wish_from_name(wish_name((enum wish)k), &what) && what == (enum wish)k);
    assert_false(wish_from_name("paus", &what));
    loop_free(l);
    wishes_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(skip_keeps_what_is_known_of_the_touch),
        cmocka_unit_test(a_skip_of_another_site_is_refused),
        cmocka_unit_test(a_skip_behind_the_steps_comes_too_late),
        cmocka_unit_test(skipped_sites_do_not_count_as_bad),
        cmocka_unit_test(pause_then_continue),
        cmocka_unit_test(pause_with_a_stage_that_is_silent),
        cmocka_unit_test(pause_then_stop),
        cmocka_unit_test(stop_during_an_approach),
        cmocka_unit_test(answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
