/* What the run says of a fault when all is over: not what it looked like first (no data, z does not rise),
 * but what the devices were found to be once they were stopped. */
#include "fixture.h"
#include "run/state.h"

/* Whatever it is, the run ends with it. */
static const struct night_spec plan = {
    .columns = 3,
    .spares = "1",
    .faults = "servo-lost: pause, stage-silent: pause, stage-late: pause, stage-unplugged: pause, "
              "potentiostat-reset: pause, potentiostat-unplugged: pause, potentiostat-garbled: pause"};

/* When the phase of this name first began in a clean run, and how long it took. */
static void phase_of(const char *name, ns_t *at, ns_t *length)
{
    struct night n;
    struct results_event *ev;
    struct err err = ERR_INIT;
    int count;
    *at = *length = 0;
    night_open(&n, &plan);
    night_run(&n);
    assert_int_equal(n.end, RUN_FINISHED);
    assert_true(results_events(n.file, &ev, &count, &err));
    for (int k = 0; k < count && !*length; k++) {
        if (strcmp(ev[k].kind, "state") != 0)
            continue;
        ns_t t = ns_from_s(ev[k].t_s);
        if (*at)
            *length = t - *at;
        else if (!strcmp(ev[k].text, name))
            *at = t;
    }
    free(ev);
    night_close(&n);
    assert_true(*at && *length);
}

struct fault_case {
    const char *phase;
    int sim;  /* enum sim_fault, or ... */
    int link; /* ... enum link_fault_kind of the stage (1) or the potentiostat (2) */
    int of;
    ns_t lasts, delay;
    enum fault_class said;
    const char *device;
};

static const struct fault_case cases[] = {
    {"detach", SIM_STAGE_SERVO_LOST, 0, 0, NS_NEVER, 0, FAULT_SERVO_LOST, "stage"},
    {"detach", SIM_PSTAT_REFUSING, 0, 0, 20 * NS_S, 0, FAULT_POTENTIOSTAT_REFUSED, "potentiostat"},
    {"approach", SIM_STAGE_LATE, 0, 0, 0, 0, FAULT_STAGE_LATE, "stage"},
    {"approach", SIM_STAGE_SERVO_LOST, 0, 0, 100 * NS_MS, 0, FAULT_SERVO_LOST, "stage"},
    {"approach", SIM_STAGE_SILENT, 0, 0, NS_NEVER, 0, FAULT_STAGE_SILENT, "stage"},
    {"approach", SIM_STAGE_SILENT, 0, 0, 900 * NS_MS, 0, FAULT_STAGE_SILENT, "stage"},
    {"approach", 0, LINK_FAULT_DELAY, 1, 700 * NS_MS, 650 * NS_MS, FAULT_STAGE_LATE, "stage"},
    {"approach", 0, LINK_FAULT_HANGUP, 1, 0, 0, FAULT_STAGE_UNPLUGGED, "stage"},
    {"approach", SIM_PSTAT_RESET, 0, 0, 200 * NS_MS, 0, FAULT_POTENTIOSTAT_RESET, "potentiostat"},
    {"approach", 0, LINK_FAULT_HANGUP, 2, 0, 0, FAULT_POTENTIOSTAT_UNPLUGGED, "potentiostat"},
    {"approach", SIM_PSTAT_GARBLED, 0, 0, 50 * NS_MS, 0, FAULT_POTENTIOSTAT_GARBLED, "potentiostat"},
};

static void inject(struct night *n, const struct fault_case *c, ns_t at)
{
    ns_t until = c->lasts == NS_NEVER ? NS_NEVER : at + c->lasts;
    if (!c->of)
        sim_rig_fault(n->sim, (enum sim_fault)c->sim, at, until);
    else
        link_fault(c->of == 1 ? n->rig->stage_link : n->rig->pstat_link,
                   &(struct link_fault){.kind = (enum link_fault_kind)c->link,
                                        .at = at,
                                        .until = c->lasts ? until : 0,
                                        .delay = c->delay});
}

static void each_fault_is_called_what_it_was(void **state)
{
    (void)state;
    ns_t at = 0, length = 0;
    const char *known = "";
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        const struct fault_case *c = &cases[k];
        struct night n;
        if (strcmp(known, c->phase) != 0)
            phase_of(known = c->phase, &at, &length);
        night_open(&n, &plan);
        inject(&n, c, at + length / 2);
        night_run(&n);
        enum fault_class said = fault_of_err(&n.e);
        print_message("%-22s %s\n", fault_row(c->said)->name, n.e.text);
        if ((n.end != RUN_FAULT && n.end != RUN_PAUSED) || said != c->said ||
            strcmp(n.e.device, c->device) != 0)
            fail_msg("case %d: %s instead of %s, of \"%s\", ended %s", (int)k, fault_name(said),
                     fault_name(c->said), n.e.device, run_end_name(n.end));
        assert_int_equal(n.counts.by_fault[c->said], 1); /* nor is it counted as what it looked like */
        assert_true(n.seen.crashes + n.seen.drags + n.seen.envelope == 0);
        night_close(&n);
    }
}

/* m: deaf for 1.5 s and then asked what it is, the simulated stage creeps by some um in ten times the time;
 * from that the drop's height goes off. */
#define SINKS_AT_MOST 1.4e-6

/* Whatever the policies of silence are, a stage that has started anew ends the run: in the midst of a site,
 * and while a silent one is waited for. */
static void a_stage_that_starts_anew_pauses_the_run(void **state)
{
    (void)state;
    static const char *const phases[] = {"travel", "approach", "measure", "detach"};
    for (int k = 0; k < 5; k++) {
        struct night n;
        ns_t at = 0, length = 0;
        phase_of(phases[k % 4], &at, &length);
        at += length / 2;
        night_open(&n, &(struct night_spec){.columns = 3, .spares = "1"});
        if (k == 4) { /* on its way to another try */
            sim_rig_fault(n.sim, SIM_STAGE_SILENT, at, at + 25 * NS_S);
            sim_rig_fault(n.sim, SIM_STAGE_RESET, at + 20 * NS_S, at + 20 * NS_S);
        } else {
            sim_rig_fault(n.sim, SIM_STAGE_RESET, at, at);
        }
        night_watch(&n, at);
        night_run(&n);
        print_message("%-10s %s\n", k < 4 ? phases[k] : "waiting", n.e.text);
        assert_int_equal(n.end, RUN_PAUSED);
        assert_int_equal(fault_of_err(&n.e), FAULT_STAGE_RESET);
        assert_int_equal(n.counts.by_fault[FAULT_STAGE_RESET], 1);
        assert_true(n.counts.safe && n.counts.visited == 1);
        bool in_contact = k == 2 || k == 3; /* and nothing is heard that could be told to it */
        assert_true(n.seen.crashes + n.seen.drags == 0 || in_contact);
        assert_true(n.z_low > SAMPLE_PLANE - SINKS_AT_MOST);
        assert_int_equal(n.seen.envelope, 0);
        night_close(&n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_fault_is_called_what_it_was),
        cmocka_unit_test(a_stage_that_starts_anew_pauses_the_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
