/* Faults at random instants of every phase: whatever breaks, the tip stays within the leash, what still obeys
 * is stopped, opened and retracted, the attempt says why, and "safe" is said only of what the sample's side
 * confirms.
 *
 * SECCM_TEST_INSTANTS chooses how many instants per sort of fault. */
#include "phases.h"

#include "base/bounds.h"
#include "clean_night.h"
#include "run/state.h"

enum obeys { NOTHING = 0, STAGE = 1, CELL = 2, BOTH = 3 };

struct sort {
    const char *name;
    bool on_link;
    int kind;           /* enum sim_fault or enum link_fault_kind */
    const char *device; /* that breaks, as reasons name it */
    ns_t lasts;         /* 0: for good */
    ns_t delay;
    enum obeys obeys; /* what still acts on commands afterwards */
    enum obeys tells; /* what still answers */
    bool may_survive; /* the run may go on */
    bool unnoticed;   /* until the next command: samples go on, and the descent with them */
    bool creeps;      /* the stage wanders by itself, with or without a drop below it */
    bool let_go;      /* the ladder tries open loop, and sinks for the ms until it sees that it is in vain */
};

static const struct sort sorts[] = {
    {"stage silent", false, SIM_STAGE_SILENT, "stage", 0, 0, BOTH, CELL, false},
    {"stage silent 1 s", false, SIM_STAGE_SILENT, "stage", NS_S, 0, BOTH, BOTH, true},
    {"stage frozen", false, SIM_STAGE_FROZEN, "stage", 0, 0, CELL, BOTH, false, .let_go = true},
    {"servo lost", false, SIM_STAGE_SERVO_LOST, "stage", NS_MS, 0, BOTH, BOTH, true, .creeps = true},
    {"potentiostat silent", false, SIM_PSTAT_SILENT, "potentiostat", 0, 0, BOTH, STAGE, false},
    {"potentiostat silent 30 ms", false, SIM_PSTAT_SILENT, "potentiostat", 30 * NS_MS, 0, BOTH, BOTH, true},
    {"potentiostat reset", false, SIM_PSTAT_RESET, "potentiostat", 200 * NS_MS, 0, BOTH, BOTH, true},
    {"potentiostat garbled", false, SIM_PSTAT_GARBLED, "potentiostat", 50 * NS_MS, 0, BOTH, BOTH, true},
    {"potentiostat overload", false, SIM_PSTAT_OVERLOAD, "potentiostat", 50 * NS_MS, 0, BOTH, BOTH, true},
    {"stage hangs up", true, LINK_FAULT_HANGUP, "stage", 0, 0, CELL, CELL, false},
    {"potentiostat hangs up", true, LINK_FAULT_HANGUP, "potentiostat", 0, 0, STAGE, STAGE, false},
    {"stage deaf", true, LINK_FAULT_DEAF, "stage", 0, 0, CELL, CELL, false},
    {"potentiostat deaf", true, LINK_FAULT_DEAF, "potentiostat", 0, 0, STAGE, STAGE, false,
     .unnoticed = true},
    {"stage late by 0.2 s", true, LINK_FAULT_DELAY, "stage", 2 * NS_S, 200 * NS_MS, BOTH, BOTH, true},
    {"potentiostat late by 0.2 s", true, LINK_FAULT_DELAY, "potentiostat", 2 * NS_S, 200 * NS_MS, BOTH, BOTH,
     true},
    {"stage garbled", true, LINK_FAULT_GARBLE, "stage", 50 * NS_MS, 0, BOTH, BOTH, true},
};

static const struct night_spec plan = {.columns = 5, .spares = "3"};
#define LEASH 0.2e-6

static void inject(struct night *n, const struct sort *s, ns_t at)
{
    if (!s->on_link) {
        sim_rig_fault(n->sim, (enum sim_fault)s->kind, at, s->lasts ? at + s->lasts : NS_NEVER);
        return;
    }
    struct link *k = !strcmp(s->device, "stage") ? n->rig->stage_link : n->rig->pstat_link;
    link_fault(k, &(struct link_fault){.kind = (enum link_fault_kind)s->kind,
                                       .at = at,
                                       .until = s->lasts ? at + s->lasts : 0,
                                       .n = 3,
                                       .delay = s->delay});
}

static void show(const struct night *n, const struct sort *s, const char *phase, ns_t at, const char *what)
{
    print_message("%s in %s at %.6f s: %s\n  ended %s: %s; z %.3f um at the fault, lowest %.3f; safe %d\n",
                  s->name, phase, ns_to_s(at), what, run_end_name(n->end), n->e.text, n->z_at_from * 1e6,
                  n->z_low * 1e6, n->counts.safe);
    struct results_event *ev;
    struct err err = ERR_INIT;
    int count;
    if (!results_events(n->file, &ev, &count, &err))
        return;
    for (int k = 0; k < count; k++)
        if (ns_from_s(ev[k].t_s) > at - NS_S)
            print_message("  %.4f s %s: %s\n", ev[k].t_s, ev[k].kind, ev[k].text);
    free(ev);
}

#define MUST(condition)                                                                                      \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            show(n, s, phase, at, #condition);                                                               \
            fail();                                                                                          \
        }                                                                                                    \
    } while (0)

/* One outcome per attempt; the last one says what happened. */
static void check_attempts(struct night *n, const struct sort *s, const char *phase, ns_t at)
{
    int faulty = 0;
    for (int site = 1; site <= n->plan->n_sites + n->plan->n_spares; site++) {
        struct results_attempt a[8];
        int count = attempts_of(n, site, a, 8);
        for (int k = 0; k < count; k++) {
            MUST(a[k].outcome != OUTCOME_NONE);
            if (a[k].outcome != OUTCOME_FAULT && a[k].outcome != OUTCOME_ABORTED)
                continue;
            faulty++;
            bool named = strstr(a[k].reason, s->device) || strstr(a[k].reason, "noise") ||
                         strstr(a[k].reason, "overloaded"); /* in air it may as well be the probe */
            if (a[k].outcome == OUTCOME_FAULT && !named) {
                print_message("reason: %s\n", a[k].reason);
                MUST(!"the reason names the device");
            }
        }
    }
    MUST(faulty <= 1);
    /* A site that was measured and left behind in order stays measured if the cell's switch fails afterwards.
     */
    if (n->end == RUN_FAULT && n->began)
        MUST(faulty == 1 || strstr(n->e.text, s->device));
}

/* S4 in numbers: s from the fault to its notice, s from there to stop, open cell and full height. */
struct times {
    int n, ended, unsafe;
    double notice, down, off, up, beyond;
};

/* When the safe state was first entered. */
static ns_t noticed_at(const struct night *n)
{
    struct results_event *ev;
    struct err err = ERR_INIT;
    int count;
    ns_t at = NS_NEVER;
    assert_true(results_events(n->file, &ev, &count, &err));
    for (int k = 0; k < count && at == NS_NEVER; k++)
        if (!strcmp(ev[k].kind, "state") && !strcmp(ev[k].text, hop_state_name(HOP_SAFE)))
            at = ns_from_s(ev[k].t_s);
    free(ev);
    return at;
}

static void longest(double *most, ns_t t, ns_t from)
{
    if (t > from)
        *most = fmax(*most, ns_to_s(t - from));
}

static void check_end(struct night *n, const struct sort *s, const char *phase, ns_t at, struct times *t)
{
    enum cell_mode cell;
    double z = true_z(n, &cell), top = n->rig->config->z_retracted;
    bool up = z > top - 50e-9, open = cell == CELL_OPEN;
    MUST(n->seen.crashes == 0);
    MUST(n->seen.drags == 0);
    MUST(n->seen.wet_travel == 0 || s->creeps);
    MUST(n->seen.envelope == 0);
    MUST(!n->counts.safe || (z > night_top(n) && open));
    check_attempts(n, s, phase, at);
    t->n++;
    if (n->end == RUN_FINISHED) {
        MUST(s->may_survive || at + 2 * NS_S > n->t1);
        return;
    }
    t->ended++;
    t->unsafe += !n->counts.safe;
    /* Beyond the leash only where the way is known to be clear, in the fast descent. */
    bool fast = !strcmp(phase, "descent");
    if (!s->may_survive && !s->unnoticed)
        MUST(n->z_low > n->z_at_from - LEASH - 30e-9 || (fast && n->z_low > SAMPLE_PLANE + 0.8e-6));
    MUST(!(s->obeys & STAGE) || up);
    MUST(!(s->obeys & CELL) || open);
    if (s->obeys == BOTH && s->tells == BOTH && n->began)
        MUST(n->counts.safe);
    ns_t noticed = noticed_at(n);
    if (noticed == NS_NEVER)
        return; /* before the first attempt */
    t->beyond = fmax(t->beyond, fast || s->unnoticed ? 0 : n->z_at_from - n->z_low);
    longest(&t->notice, noticed, at);
    longest(&t->down, n->z_low_at, noticed);
    if (s->obeys & CELL)
        longest(&t->off, n->cell_off_at, noticed);
    longest(&t->up, n->up_at, noticed);
}

static void faults_at_random_instants(void **unused)
{
    (void)unused;
    static struct phases p;
    struct rng r = rng_stream(campaign_seed(), "instants");
    int instants = test_count("SECCM_TEST_INSTANTS", 8);
    learn_phases(&p, &plan);
    print_message("%-28s %5s %5s %8s %9s %11s %10s %8s %8s\n", "fault", "runs", "ended", "not safe",
                  "down [nm]", "noticed [s]", "z rest [s]", "cell [s]", "up [s]");
    for (uint64_t k = 0; k < sizeof sorts / sizeof sorts[0]; k++) {
        const struct sort *s = &sorts[k];
        struct times t = {0};
        for (int j = 0; j < instants; j++) {
            struct night n;
            const char *phase;
            ns_t at = random_instant(&p, r, k, (uint64_t)j, &phase);
            night_open(&n, &plan);
            n.unplugged = s->on_link && s->kind == LINK_FAULT_HANGUP; /* for good */
            inject(&n, s, at);
            night_watch(&n, at);
            night_run(&n);
            check_end(&n, s, phase, at, &t);
            night_close(&n);
        }
        print_message("%-28s %5d %5d %8d %9.0f %11.3f %10.3f %8.3f %8.3f\n", s->name, t.n, t.ended, t.unsafe,
                      t.beyond * 1e9, t.notice, t.down, t.off, t.up);
        /* A stop acts at once, within the stage's deceleration and a look of ours. Where none reaches the
         * stage it ends the move that it was told last: the leash at the speed of the approach, 0.2 s, or at
         * most the whole fast descent, 10 um at 20 um/s. Without servo it creeps until it is pushed up. */
        assert_true(t.down < (s->creeps ? 0.1 : s->obeys & STAGE ? 0.05 : 0.5) || s->let_go);
        assert_true(t.beyond < 0.15e-6 || !s->let_go);
        assert_true(t.off < ns_to_s(BOUND_OPEN));
        assert_true(t.up < 6);
    }
}

/* --- from the fault to its notice ------------------------------------------------------------------------
 */

/* Put where the run looks for it. What it needs besides the bound: a sample or an answer that is on its way,
 * and where z goes down its halt. */
#define ON_ITS_WAY BOUND_STALE

#define LONG_STEP "  - hold: {potential: 2 V, for: 10 s}"

static const struct bounded {
    const char *name;
    enum sim_fault fault;
    const char *phase;
    ns_t later, within;
    ns_t rest; /* z does not go down any more behind the fault; 0 = not asked */
    struct night_spec spec;
} bounded[] = {
    {"samples stop in a step", SIM_PSTAT_SILENT, "measure", 50 * NS_MS, BOUND_SILENT, 0, {0}},
    {"samples stop while z goes down",
     SIM_PSTAT_SILENT,
     "approach",
     NS_S,
     BOUND_SILENT,
     BOUND_STALE + BOUND_AT_REST,
     {0}},
    {"the stage is asked in the approach",
     SIM_STAGE_SILENT,
     "approach",
     NS_S,
     BOUND_REPLY,
     BOUND_REPLY + BOUND_AT_REST,
     {0}},
    {"the stage is asked in the travel",
     SIM_STAGE_SILENT,
     "travel",
     300 * NS_MS,
     BOUND_REPLY,
     0,
     {.pitch = 40}},
    {"the stage is asked in a step",
     SIM_STAGE_SILENT,
     "measure",
     NS_S,
     BOUND_WANDER / 2 + BOUND_REPLY,
     0,
     {.site = LONG_STEP}},
    {"no headway in the travel", SIM_STAGE_FROZEN, "travel", 300 * NS_MS, BOUND_HEADWAY, 0, {.pitch = 40}},
    {"no headway in the approach", SIM_STAGE_FROZEN, "approach", NS_S, BOUND_HEADWAY, 0, {0}},
    {"z does not rise", SIM_STAGE_FROZEN, "detach", 300 * NS_MS, BOUND_HEADWAY, 0, {0}},
    {"wandering in a step", SIM_STAGE_SERVO_LOST, "measure", NS_S, BOUND_WANDER, 0, {.site = LONG_STEP}},
    {"overload in a step", SIM_PSTAT_OVERLOAD, "measure", 50 * NS_MS, BOUND_OVERLOADS * 5 * NS_MS, 0, {0}},
};

static void faults_are_noticed_within_the_bounds(void **unused)
{
    (void)unused;
    int late = 0;
    print_message("%-36s %8s %8s\n", "", "noticed", "bound [s]");
    for (size_t k = 0; k < sizeof bounded / sizeof bounded[0]; k++) {
        const struct bounded *b = &bounded[k];
        struct night_spec spec = b->spec;
        struct night n;
        spec.columns = 3;
        ns_t at = clean_time(&spec, b->phase, 2) + b->later, noticed;
        night_open(&n, &spec);
        sim_rig_fault(n.sim, b->fault, at, NS_NEVER);
        night_watch(&n, at);
        night_run(&n);
        noticed = noticed_at(&n);
        print_message("%-36s %8.3f %8.3f\n", b->name, ns_to_s(noticed - at), ns_to_s(b->within));
        bool in_time = noticed >= at && noticed - at <= b->within + ON_ITS_WAY;
        bool rests = !b->rest || n.z_low_at - at <= b->rest;
        bool open = n.cell_off_at && n.cell_off_at - noticed <= BOUND_OPEN;
        if (!in_time || !rests || !open)
            print_message("  in time %d; z at rest after %.3f s; cell open after %.3f s\n", in_time,
                          ns_to_s(n.z_low_at - at), ns_to_s(n.cell_off_at - noticed));
        late += !in_time || !rests || !open;
        night_close(&n);
    }
    assert_int_equal(late, 0);
}

/* --- the operator -------------------------------------------------------------------------------------- */

static void raise_flag(void *ctx)
{
    ((struct night *)ctx)->stop = 1;
}

static void the_operator_stops_at_random_instants(void **unused)
{
    (void)unused;
    static struct phases p;
    static const struct sort operator= {"operator", .device = "", .obeys = BOTH, .tells = BOTH};
    const struct sort *s = &operator;
    struct rng r = rng_stream(campaign_seed(), "stops");
    int instants = test_count("SECCM_TEST_INSTANTS", 8) * 3;
    struct times t = {0};
    learn_phases(&p, &plan);
    for (int j = 0; j < instants; j++) {
        struct night both;
        struct night *n = &both;
        struct timer first = {0}, second = {0};
        const char *phase;
        ns_t at = random_instant(&p, r, 0, (uint64_t)j, &phase);
        night_open(n, &plan);
        night_watch(n, at);
        timer_set(n->loop, &first, at, raise_flag, n);
        timer_set(n->loop, &second, at + 300 * NS_MS, raise_flag, n); /* changes nothing */
        night_run(n);
        timer_cancel(n->loop, &first);
        timer_cancel(n->loop, &second);
        if (n->end != RUN_FINISHED) {
            MUST(n->end == RUN_INTERRUPTED);
            MUST(n->counts.safe);
            MUST(n->counts.by_outcome[OUTCOME_ABORTED] <= 1);
            MUST(n->counts.by_outcome[OUTCOME_FAULT] == 0);
        }
        check_end(n, s, phase, at, &t);
        night_close(n);
    }
    print_message("operator: %d of %d runs interrupted, z at most %.0f nm further down, for %.3f s; cell "
                  "open after %.3f s, "
                  "retracted after %.3f s\n",
                  t.ended, t.n, t.beyond * 1e9, t.down, t.off, t.up);
    assert_true(t.off < 0.1);
    assert_true(t.up < 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_at_random_instants),
        cmocka_unit_test(faults_are_noticed_within_the_bounds),
        cmocka_unit_test(the_operator_stops_at_random_instants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
