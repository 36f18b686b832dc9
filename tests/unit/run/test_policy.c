/* What the protocol says of a class of fault is what the run does: each class that can be caused here, with
 * each policy that it may have; budgets; waiting; instruments that are brought back, or not.
 *
 * Causes are injected by the simulated rig at an instant of a clean run, or lie in the rig all night. */
#include "clean_night.h"

#include "protocol/fault.h"
#include "wire/fault.h"

#define SITES 3
#define AT    2 /* where an injected fault strikes */

#include "policy_causes.h"

static void show(const struct night *n, const char *what)
{
    struct results_event *ev;
    struct err err = ERR_INIT;
    int count;
    print_message("%s: %s: %s\n", what, run_end_name(n->end), n->e.text);
    if (!results_events(n->file, &ev, &count, &err))
        return;
    for (int k = 0; k < count; k++)
        if (strcmp(ev[k].kind, "state") != 0)
            print_message("  %.3f s site %d %s: %s\n", ev[k].t_s, ev[k].site, ev[k].kind, ev[k].text);
    free(ev);
    for (int site = 1; site <= n->plan->n_sites + n->plan->n_spares; site++) {
        struct results_attempt a[8];
        int k = attempts_of(n, site, a, 8);
        for (int j = 0; j < k && j < 8; j++)
            print_message("  site %d attempt %d at %.3f s: %s [%s] touched %s: %s\n", site, a[j].number,
                          a[j].start_s, outcome_name(a[j].outcome), a[j].fault, touched_name(a[j].touched),
                          a[j].reason);
    }
}

#define MUST(condition)                                                                                      \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            show(n, what);                                                                                   \
            fail_msg("%s: not so: %s", what, #condition);                                                    \
        }                                                                                                    \
    } while (0)

/* One of three sites is struck, otherwise one site and one spare both are. */
static bool strikes_one(const struct cause *c)
{
    return c->phase || c->in_sample;
}

/* What a run must have come to. */
struct wanted {
    enum run_end end;
    int measured, attempts; /* attempts: at the site that was struck */
    bool spare;
};

static void unharmed(const struct night *n, const char *what)
{
    const struct world_counters *c = &n->seen;
    MUST(!c->crashes && !c->drags && !c->wet_travel && !c->envelope && !c->cell_left_on);
    MUST(n->counts.safe);
}

static int measured_sites(const struct night *n)
{
    struct results_sites s = sites_of(n);
    int measured = 0;
    for (int k = 0; k < s.n; k++)
        measured += s.site[k].outcome == OUTCOME_MEASURED;
    results_sites_free(&s);
    return measured;
}

static void check(const struct night *n, const struct cause *c, int site, const struct wanted *w,
                  const char *what)
{
    struct results_attempt a[8], spare[8];
    int k = attempts_of(n, site, a, 8), used = attempts_of(n, n->plan->n_sites + 1, spare, 8);
    MUST(n->end == w->end);
    MUST(k == w->attempts);
    MUST(a[0].outcome == c->outcome);
    MUST(a[0].touched == c->touched);
    MUST(!strcmp(a[0].fault, fault_name(c->class)));
    MUST(measured_sites(n) == w->measured);
    MUST((used > 0) == w->spare);
    unharmed(n, what);
}

/* One of three sites is struck. */
static struct wanted of_one(const struct cause *c, enum fault_policy p)
{
    bool free = c->touched == TOUCHED_NO;
    switch (p) {
    case POLICY_RETRY:
        return free ? (struct wanted){RUN_FINISHED, SITES, 2, false}
                    : (struct wanted){RUN_FINISHED, SITES, 1, true};
    case POLICY_SKIP:
        return (struct wanted){RUN_FINISHED, SITES - 1, 1, false};
    case POLICY_PAUSE:
    case POLICY_ABORT:
        return (struct wanted){p == POLICY_PAUSE ? RUN_PAUSED : RUN_ABORTED, c->nth - 1, 1, false};
    default:
        return (struct wanted){RUN_FINISHED, SITES, 1, true};
    }
}

/* One site and one spare, and both are. */
static struct wanted of_all(const struct cause *c, enum fault_policy p)
{
    int each = c->outcome == OUTCOME_MEASURED, tries = c->touched == TOUCHED_NO ? 3 : 1;
    switch (p) {
    case POLICY_RETRY:
        return (struct wanted){RUN_FINISHED, 2 * each, tries, true};
    case POLICY_SKIP:
        return (struct wanted){RUN_FINISHED, each, 1, false};
    case POLICY_PAUSE:
    case POLICY_ABORT:
        return (struct wanted){p == POLICY_PAUSE ? RUN_PAUSED : RUN_ABORTED, each, 1, false};
    default:
        return (struct wanted){RUN_FINISHED, 2 * each, 1, true};
    }
}

/* Behind a pause the run goes on: where nothing was touched and a fault had cut the site short, in place;
 * else at a spare. */
static void resume(struct night *n, const struct cause *c, int site, enum run_end before, const char *what)
{
    bool one = strikes_one(c), in_place = c->outcome == OUTCOME_FAULT && c->touched == TOUCHED_NO;
    bool measured = c->outcome == OUTCOME_MEASURED;
    struct wanted w = {RUN_FINISHED, one ? SITES : measured, in_place ? 2 : 1, !in_place && !measured};
    if (!one && !measured)
        w.end = before; /* it meets the same again */
    struct run_before *b = night_again(n);
    check(n, c, site, &w, what);
    free(b);
}

/* Who pauses does not bring the instrument back: it answers again in time for the safe state, which makes it
 * a pause. */
static ns_t lasts(const struct cause *c, enum fault_policy p)
{
    bool stops = p >= POLICY_PAUSE && fault_row(c->class)->recovery;
    return stops && c->lasts > NS_S ? NS_S : c->lasts;
}

static void drive(const struct cause *c, enum fault_policy p)
{
    char faults[64], what[128];
    struct night both, *n = &both;
    struct night_spec s = c->spec;
    snprintf(faults, sizeof faults, "%s: %s", fault_name(c->class), fault_policy_name(p));
    snprintf(what, sizeof what, "%s, %s", c->words, faults);
    s.columns = strikes_one(c) ? SITES : 1;
    s.spares = "1";
    ns_t at = c->phase ? clean_time(&s, c->phase, c->nth) + c->later : 0;
    s.faults = faults;
    night_open(n, &s);
    if (c->phase)
        sim_rig_fault(n->sim, c->fault, at, at + lasts(c, p));
    night_run(n);
    struct wanted w = strikes_one(c) ? of_one(c, p) : of_all(c, p);
    int site = strikes_one(c) ? c->nth : 1;
    check(n, c, site, &w, what);
    MUST(n->counts.by_fault[c->class] >= 1);
    char bracket[40];
    snprintf(bracket, sizeof bracket, "[%s]", fault_name(c->class));
    MUST(events_with(n, "fault", bracket) + events_with(n, "site", bracket) == n->counts.by_fault[c->class]);
    if (strikes_one(c))
        MUST(n->counts.by_fault[c->class] == 1);
    if (p >= POLICY_PAUSE && c->class != FAULT_NOT_DETACHED) /* nobody takes the drop off here */
        resume(n, c, site, w.end, what);
    night_close(n);
}

static void every_policy_of_every_class(void **unused)
{
    (void)unused;
    int runs = 0;
    for (int k = 0; k < CAUSES; k++)
        for (int p = 0; p < POLICY_COUNT; p++)
            if (fault_row(causes[k].class)->policies & 1u << p) {
                drive(&causes[k], (enum fault_policy)p);
                runs++;
            }
    print_message("%d causes, %d runs\n", CAUSES, runs);
}

/* --- waiting -------------------------------------------------------------------------------------------- */

static void tries_in_place_come_after_longer_and_longer(void **unused)
{
    (void)unused;
    struct night n;
    struct results_attempt a[8];
    night_open(&n, &(struct night_spec){.columns = 1,
                                        .air = "stray: 5 pF, tolerance: 50 %, noise: 0.5 pA",
                                        .faults = "recover: {back-off: [100 s, 150 s]}"});
    night_run(&n);
    assert_int_equal(n.end, RUN_FINISHED);
    assert_int_equal(attempts_of(&n, 1, a, 8), 3);
    double first = a[1].start_s - a[0].end_s, second = a[2].start_s - a[1].end_s;
    print_message("waited %.1f s and %.1f s\n", first, second);
    assert_true(first >= 100 && first < 105);
    assert_true(second >= 150 && second < 155);
    assert_int_equal(events_with(&n, "recovery", "next try in"), 2);
    ASSERT_UNHARMED(&n);
    night_close(&n);
}

static void the_operator_stops_a_wait(void **unused)
{
    (void)unused;
    struct night n;
    struct timer t = {0};
    night_open(&n, &(struct night_spec){.columns = 1,
                                        .air = "stray: 5 pF, tolerance: 50 %, noise: 0.5 pA",
                                        .faults = "recover: {back-off: [1000 s, 2000 s]}"});
    night_stop_at(&n, &t, 200);
    night_run(&n);
    timer_cancel(n.loop, &t);
    assert_int_equal(n.end, RUN_INTERRUPTED);
    assert_true(ns_to_s(n.t1) < 210);
    assert_true(n.counts.safe);
    struct run_before *b = night_again(&n); /* and goes on with the tries that were left */
    struct results_attempt a[8];
    assert_int_equal(n.end, RUN_FINISHED);
    assert_int_equal(attempts_of(&n, 1, a, 8), 3);
    free(b);
    night_close(&n);
}

/* --- instruments brought back --------------------------------------------------------------------------- */

static void two_instruments_silent_for_half_a_minute(void **unused)
{
    (void)unused;
    struct night_spec s = {.columns = SITES, .spares = "1"};
    const char *what = "both silent";
    for (int k = 0; k < 3; k++) {
        struct night both, *n = &both;
        ns_t at = clean_time(&s, "measure", AT) + 50 * NS_MS;
        night_open(n, &s);
        if (k != 1)
            sim_rig_fault(n->sim, SIM_PSTAT_SILENT, at, at + 30 * NS_S);
        if (k != 0)
            sim_rig_fault(n->sim, SIM_STAGE_SILENT, at, at + 30 * NS_S);
        night_watch(n, at);
        night_run(n);
        MUST(n->end == RUN_FINISHED);
        MUST(measured_sites(n) == SITES);
        MUST(n->counts.by_outcome[OUTCOME_FAULT] == 1);
        MUST(events_with(n, "recovery", "in order again") == 1);
        unharmed(n, what);
        /* Cell and probe were safe long before anybody answered again. */
        MUST(n->cell_off_at && n->cell_off_at < at + 5 * NS_S);
        MUST(n->up_at && n->up_at < at + 12 * NS_S);
        print_message("%s: noticed and open after %.2f s, up after %.2f s; run %.0f s longer\n",
                      k == 0   ? "potentiostat"
                      : k == 1 ? "stage"
                               : "both",
                      ns_to_s(n->cell_off_at - at), ns_to_s(n->up_at - at), ns_to_s(n->t1));
        night_close(n);
    }
}

/* Silent while it boots: what it was shows when it answers again, and then the protocol's word on that
 * counts.
 */
static void a_stage_that_starts_anew_is_not_taken_for_a_silent_one(void **unused)
{
    (void)unused;
    struct night_spec s = {.columns = SITES, .spares = "1"};
    for (int k = 0; k < 2; k++) {
        struct night both, *n = &both;
        const char *what = k ? "stage-reset: spare" : "stage-reset: pause";
        s.faults = NULL;
        ns_t at = clean_time(&s, "approach", 1) + NS_S; /* high enough to sink */
        s.faults = what;
        night_open(n, &s);
        sim_rig_fault(n->sim, SIM_STAGE_RESET, at, NS_NEVER);
        night_run(n);
        MUST(n->end == (k ? RUN_FINISHED : RUN_PAUSED));
        MUST(measured_sites(n) == (k ? SITES : 0));
        MUST(events_with(n, "fault", "[stage-silent]") == 1);
        MUST(events_with(n, "found", "[stage-reset] instead of [stage-silent]") == 1);
        MUST(events_with(n, "recovery", "in order again") == k);
        MUST(k || strstr(n->e.text, "started anew"));
        unharmed(n, what);
        night_close(n);
    }
}

/* Deaf while it boots, and without a word behind it: it is known only that it was silent, and that no program
 * runs any more. What the protocol says of a potentiostat that starts anew holds all the same. */
static void a_potentiostat_that_may_have_started_anew(void **unused)
{
    (void)unused;
    static const struct {
        const char *faults;
        int end, measured;
    } rows[] = {
        {"potentiostat-reset: pause", RUN_PAUSED, AT - 1},
        {"potentiostat-reset: abort", RUN_ABORTED, AT - 1},
        {"potentiostat-reset: spare", RUN_FINISHED, SITES},
    };
    struct night_spec s = {.columns = SITES, .spares = "1"};
    for (int k = 0; k < 5; k++) {
        struct night both, *n = &both;
        int row = k < 3 ? 0 : k - 2, seconds = k < 3 ? 1 + k : 2;
        const char *what = rows[row].faults;
        s.faults = NULL;
        ns_t at = clean_time(&s, "measure", AT) + 50 * NS_MS;
        s.faults = what;
        night_open(n, &s);
        sim_rig_fault(n->sim, SIM_PSTAT_RESET, at, at + seconds * NS_S);
        night_run(n);
        MUST((int)n->end == rows[row].end);
        MUST(measured_sites(n) == rows[row].measured);
        MUST(events_with(n, "found", "nothing tells which") == 1);
        MUST(row == 2 || strstr(n->e.text, "may have started anew"));
        unharmed(n, what);
        if (row == 0) { /* and the operator goes on */
            struct run_before *b = night_again(n);
            MUST(n->end == RUN_FINISHED && measured_sites(n) == SITES);
            free(b);
        }
        night_close(n);
    }
}

/* Its program still ran when it was heard again: it can not have started anew. */
static void a_potentiostat_whose_program_went_on_has_not_started_anew(void **unused)
{
    (void)unused;
    struct night both, *n = &both;
    struct night_spec s = {.columns = SITES, .spares = "1"};
    const char *what = "potentiostat-reset: pause";
    ns_t at = clean_time(&s, "confirm", AT) + 5 * NS_MS, until = at + 1300 * NS_MS;
    s.faults = what;
    night_open(n, &s);
    link_fault(n->rig->pstat_link, &(struct link_fault){.kind = LINK_FAULT_DEAF, .at = at, .until = until});
    link_fault(n->rig->pstat_link,
               &(struct link_fault){.kind = LINK_FAULT_SILENCE, .at = at, .until = until});
    night_run(n);
    MUST(n->end == RUN_FINISHED);
    MUST(measured_sites(n) == SITES);
    MUST(events_with(n, "fault", "[potentiostat-silent]") == 1);
    MUST(events_with(n, "found", "nothing tells which") == 0);
    unharmed(n, what);
    night_close(n);
}

/* All is measured; the run ends well once the stage has shown that it stands up. */
static void a_stage_silent_behind_the_last_site(void **unused)
{
    (void)unused;
    struct night_spec s = {.columns = SITES, .spares = "1"};
    struct night both, *n = &both;
    const char *what = "behind the last site";
    ns_t at = clean_time(&s, "idle", 1) - 50 * NS_MS;
    night_open(n, &s);
    sim_rig_fault(n->sim, SIM_STAGE_SILENT, at, at + 20 * NS_S);
    night_run(n);
    MUST(n->end == RUN_FINISHED);
    MUST(measured_sites(n) == SITES);
    MUST(n->counts.by_outcome[OUTCOME_FAULT] == 0);
    MUST(events_with(n, "fault", "[stage-silent]") == 1);
    MUST(events_with(n, "recovery", "in order again") == 1);
    unharmed(n, what);
    night_close(n);
}

static void an_instrument_that_never_comes_back(void **unused)
{
    (void)unused;
    static const enum sim_fault kinds[] = {SIM_PSTAT_SILENT, SIM_STAGE_SILENT};
    struct night_spec s = {.columns = SITES, .spares = "1"};
    for (int k = 0; k < 4; k++) {
        struct night both, *n = &both;
        bool abort = k >= 2;
        const char *what = k & 1 ? "stage" : "potentiostat";
        s.faults = NULL;
        ns_t at = clean_time(&s, "travel", AT) + 50 * NS_MS;
        s.faults = abort ? "recover: {consecutive: 2, then: abort, back-off: [5 s, 60 s]}"
                         : "recover: {consecutive: 2, back-off: [5 s, 60 s]}";
        night_open(n, &s);
        sim_rig_fault(n->sim, kinds[k & 1], at, NS_NEVER);
        night_run(n);
        /* "Paused" would say that it is safe. */
        MUST(n->end == (abort ? RUN_ABORTED : RUN_FAULT));
        MUST(!n->counts.safe);
        MUST(strstr(n->e.text, "faults.recover.consecutive"));
        MUST(strstr(n->e.text, what));
        MUST(events_with(n, "recovery", "failed") == 2);
        MUST(ns_to_s(n->t1 - at) > 15 && ns_to_s(n->t1 - at) < 90);
        assert_info(n, "stopped_by", "faults.recover");
        enum cell_mode cell;
        MUST(true_z(n, &cell) > n->rig->config->z_retracted - 50e-9);
        MUST(cell == CELL_OPEN);
        night_close(n);
    }
}

/* An instrument that fails again at every site: brought back each time, until the budget says enough. */
static void fail_again_and_again(const char *faults, int recoveries, const char *words)
{
    struct night both, *n = &both;
    const char *what = faults;
    struct night_spec s = {.columns = 10, .spares = "9", .faults = faults};
    night_open(n, &s);
    for (int k = 0; k < 40; k++) /* for a moment, every so often */
        sim_rig_fault(n->sim, SIM_PSTAT_SILENT, (5 + 6 * k) * NS_S, (6 + 6 * k) * NS_S);
    night_run(n);
    MUST(n->end == RUN_PAUSED);
    MUST(strstr(n->e.text, words));
    MUST(events_with(n, "recovery", "in order again") == recoveries);
    unharmed(n, what);
    night_close(n);
}

static void recoveries_have_a_budget(void **unused)
{
    (void)unused;
    fail_again_and_again("potentiostat-silent: spare, consecutive: {count: 100}, recover: {consecutive: 50, "
                         "total: 4, back-off: [1 s, 2 s]}",
                         4, "faults.recover.total");
    fail_again_and_again("potentiostat-silent: spare, consecutive: {count: 100}, recover: {consecutive: 0}",
                         0, "faults.recover.consecutive");
}

static void bad_sites_have_budgets(void **unused)
{
    (void)unused;
    static const struct {
        const char *faults, *words, *rule;
        enum run_end end;
        int visited;
    } rows[] = {
        {"landing-rejected: skip, consecutive: {count: 3}", "3 sites in a row", "faults.consecutive",
         RUN_PAUSED, 3},
        {"landing-rejected: skip, total: {count: 2}", "2 sites altogether", "faults.total", RUN_PAUSED, 2},
        {"landing-rejected: skip, total: {count: 2, then: abort}", "2 sites altogether", "faults.total",
         RUN_ABORTED, 2},
        {"landing-rejected: skip, consecutive: {count: 100}", "", "", RUN_FINISHED, 8},
    };
    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        struct night both, *n = &both;
        const char *what = rows[k].faults;
        night_open(n, &(struct night_spec){.columns = 8,
                                           .more = "landing: {ocp: [0.1 V, 0.2 V], for: 0.2 s}\n",
                                           .faults = rows[k].faults});
        night_run(n);
        MUST(n->end == rows[k].end);
        MUST(n->counts.visited == rows[k].visited);
        MUST(strstr(n->e.text, rows[k].words));
        assert_info(n, "stopped_by", rows[k].rule);
        unharmed(n, what);
        night_close(n);
    }
}

/* --- what the surface does ------------------------------------------------------------------------------ */

static void shrink_range(void *ctx)
{
    struct night *n = ctx;
    n->protocol->rig->limit[AXIS_Z][0] = SAMPLE_PLANE + 1e-6;
}

/* The surface has sunk below the range: known before anything goes down. */
static void a_surface_beyond_the_range_is_not_approached(void **unused)
{
    (void)unused;
    struct night both, *n = &both;
    const char *what = "out of range";
    struct timer t = {0};
    struct night_spec s = {.columns = 6, .spares = "1", .faults = "out-of-range: skip"};
    ns_t at = clean_time(&s, "travel", 5);
    night_open(n, &s);
    timer_set(n->loop, &t, at, shrink_range, n);
    night_run(n);
    timer_cancel(n->loop, &t);
    MUST(n->end == RUN_FINISHED);
    MUST(n->counts.by_outcome[OUTCOME_OUT_OF_RANGE] == 2);
    struct results_attempt a = only_attempt(n, 5);
    MUST(a.outcome == OUTCOME_OUT_OF_RANGE && a.touched == TOUCHED_NO);
    MUST(!strcmp(a.fault, "out-of-range"));
    unharmed(n, what);
    night_close(n);
}

static void a_drop_that_spreads_is_kept_and_flagged(void **unused)
{
    (void)unused;
    static const char *const factor[] = {"spreading: 1.5", "spreading: 100"};
    for (int k = 0; k < 2; k++) {
        struct night n;
        night_open(&n, &(struct night_spec){
                           .columns = 1,
                           .sample =
                               "{surface: {roughness: 0 nm}, edge-density: {spread: 0}, "
                               "wetting: {ratio: 1.5, spread: 0, low-below: 2 V, low-gain: 0.6, fast: 5 ms}}",
                           .faults = factor[k]});
        night_run(&n);
        struct results_attempt a = only_attempt(&n, 1);
        print_message("%.1f fF at contact, %.1f fF behind the steps\n", a.contact_capacitance * 1e15,
                      a.rest_capacitance * 1e15);
        ASSERT_OUTCOME(a, OUTCOME_MEASURED);
        assert_int_equal(strstr(a.flags, "meniscus-spreading") != NULL, k == 0);
        assert_string_equal(a.fault, k == 0 ? "meniscus-spreading" : "");
        ASSERT_UNHARMED(&n);
        night_close(&n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_policy_of_every_class),
        cmocka_unit_test(tries_in_place_come_after_longer_and_longer),
        cmocka_unit_test(the_operator_stops_a_wait),
        cmocka_unit_test(two_instruments_silent_for_half_a_minute),
        cmocka_unit_test(a_stage_that_starts_anew_is_not_taken_for_a_silent_one),
        cmocka_unit_test(a_potentiostat_that_may_have_started_anew),
        cmocka_unit_test(a_potentiostat_whose_program_went_on_has_not_started_anew),
        cmocka_unit_test(a_stage_silent_behind_the_last_site),
        cmocka_unit_test(an_instrument_that_never_comes_back),
        cmocka_unit_test(recoveries_have_a_budget),
        cmocka_unit_test(bad_sites_have_budgets),
        cmocka_unit_test(a_surface_beyond_the_range_is_not_approached),
        cmocka_unit_test(a_drop_that_spreads_is_kept_and_flagged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
