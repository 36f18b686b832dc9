/* A contact is kept in mind before the stage is told to stop, since that word may fail (R2): whichever way it
 * fails, the spot is not called untouched, and no attempt is made there again, not even where the protocol
 * has every fault of the stage tried again in place.
 *
 * A first night without the fault shows when the stop behind the contact is written; in a second, equal one
 * the stage fails at exactly that instant. */
#include "phases.h"

#include "run/state.h"
#include "wire/transcript.h"

#define COLUMNS 5
#define RETRY                                                                                                \
    "stage-silent: retry, stage-garbled: retry, stage-late: retry, stage-error: retry, "                     \
    "stage-refused: retry, stage-unplugged: retry, already-wet: retry, noise: retry"

static const struct night_spec plan = {.columns = COLUMNS, .spares = "6", .faults = RETRY};

/* Where the contact is met. */
struct scene {
    const char *name, *phase; /* begins when this one is entered for the nth time */
    int nth, site;
    double later; /* s behind that; of the travel: before its end */
    int cause;    /* enum sim_fault, -1: the surface itself */
};

static const struct scene scenes[] = {
    {"in the slow approach", "approach", 2, 2, 0, -1},
    {"a drop that hangs down, in the fast descent", "travel", 2, 2, 0, SIM_DROP_PENDANT},
    {"a signal while travelling, next to the site", "travel", 5, 5, 0.02, SIM_PSTAT_SPIKE},
};

enum way { SILENCE, DEAFNESS, REFUSAL, UNPLUGGED_A_WHILE, UNPLUGGED, WAYS };
static const char *const way_name[WAYS] = {
    [SILENCE] = "no answer for 1 s",         [DEAFNESS] = "not heard for 1 s",
    [REFUSAL] = "refused for 1 s",           [UNPLUGGED_A_WHILE] = "unplugged for 3 s",
    [UNPLUGGED] = "unplugged until morning",
};

/* The stage answers the stop with an error of its own, time and again. */
struct refusing {
    struct night *n;
    struct timer t;
    ns_t until;
};

static void refuse(void *ctx)
{
    struct refusing *x = ctx;
    ns_t now = loop_now(x->n->loop);
    sim_rig_fault(x->n->sim, SIM_STAGE_ERROR, now, NS_NEVER);
    if (now < x->until)
        timer_set(x->n->loop, &x->t, now + NS_MS / 4, refuse, x);
}

struct away {
    struct night *n;
    ns_t until;
};

static bool plug_in_later(void *ctx, const char *device, struct link **out, struct err *e)
{
    struct away *a = ctx;
    if (loop_now(a->n->loop) < a->until)
        return err_set(e, ERR_LINK, "%s: not plugged in", device);
    *out = simulated_device(a->n, device);
    return true;
}

static ns_t begin_of(const struct scene *s)
{
    static struct phases p;
    if (!p.n)
        learn_phases(&p, &plan);
    int nth = s->nth;
    for (int k = 0; k < p.n; k++)
        if (!strcmp(p.name[k], s->phase) && --nth == 0)
            return s->cause == SIM_PSTAT_SPIKE ? p.at[k + 1] - ns_from_s(s->later)
                                               : p.at[k] + ns_from_s(s->later);
    fail_msg("a clean run has no %s number %d", s->phase, s->nth);
    return 0;
}

static void cause_it(struct night *n, const struct scene *s, ns_t at)
{
    if (s->cause >= 0)
        sim_rig_fault(n->sim, (enum sim_fault)s->cause, at, at + 40 * NS_S);
}

/* When the stop behind the contact is written, if nothing is wrong with the stage. */
static ns_t stop_written(const struct scene *s, ns_t from)
{
    struct night n;
    struct err err = ERR_INIT;
    ns_t at = NS_NEVER;
    char *text = NULL;
    size_t room = 0;
    night_open(&n, &plan);
    char *path = in_folder(n.folder, "lines");
    struct transcript *lines = transcript_create(path, &err);
    assert_non_null(lines);
    link_record(n.rig->stage_link, lines);
    cause_it(&n, s, from);
    night_run(&n);
    link_record(n.rig->stage_link, NULL);
    assert_true(transcript_close(lines, &err));
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    while (at == NS_NEVER && getline(&text, &room, f) > 0) {
        double t;
        const char *bytes = strstr(text, " > ");
        if (bytes && strstr(bytes, "\\x18") && sscanf(text, "%lf", &t) == 1 && ns_from_s(t) > from)
            at = ns_from_s(t);
    }
    fclose(f);
    free(text);
    unlink(path);
    free(path);
    night_close(&n);
    assert_true(at != NS_NEVER);
    return at;
}

static void fail_then(struct night *n, enum way w, ns_t at, struct refusing *refusing, struct away *away)
{
    struct link *k = n->rig->stage_link;
    *away = (struct away){.n = n};
    n->rig->reopen = plug_in_later;
    n->rig->reopen_ctx = away;
    switch (w) {
    case SILENCE:
        sim_rig_fault(n->sim, SIM_STAGE_SILENT, at, at + NS_S);
        return;
    case DEAFNESS:
        link_fault(k, &(struct link_fault){.kind = LINK_FAULT_DEAF, .at = at, .until = at + NS_S});
        return;
    case REFUSAL:
        *refusing = (struct refusing){.n = n, .until = at + NS_S};
        timer_set(n->loop, &refusing->t, at, refuse, refusing);
        return;
    default:
        away->until = w == UNPLUGGED ? NS_NEVER : at + 3 * NS_S;
        link_fault(k, &(struct link_fault){.kind = LINK_FAULT_HANGUP, .at = at});
        return;
    }
}

/* Neither now nor in the morning. */
static void check_left_alone(struct night *n, const struct scene *s)
{
    struct results_attempt a[8];
    int count = attempts_of(n, s->site, a, 8);
    for (int k = 0; k < count; k++)
        print_message("  attempt %d: %s, touched %s: %s\n", a[k].number, outcome_name(a[k].outcome),
                      touched_name(a[k].touched), a[k].reason);
    assert_int_equal(count, 1);
    assert_int_not_equal(a[0].outcome, OUTCOME_MEASURED);
    assert_int_not_equal(a[0].touched, TOUCHED_NO);
    assert_int_equal(n->seen.revisited, 0);
    assert_int_equal(n->seen.crashes + n->seen.drags, 0);
}

static void resume(struct night *n)
{
    rig_close(n->rig);
    n->rig = NULL;
    sim_rig_mend(n->sim);
    loop_sleep_until(n->loop, loop_now(n->loop) + 60 * NS_S);
    assert_true(connect_rig(n));
    free(night_again(n));
    n->options.before = NULL;
}

static void what_was_touched_is_known_before_the_stop_that_fails(void **unused)
{
    (void)unused;
    for (size_t k = 0; k < sizeof scenes / sizeof scenes[0]; k++) {
        const struct scene *s = &scenes[k];
        ns_t from = begin_of(s), at = stop_written(s, from);
        for (int w = 0; w < WAYS; w++) {
            struct night n;
            struct refusing refusing = {0};
            struct away away;
            night_open(&n, &plan);
            cause_it(&n, s, from);
            fail_then(&n, (enum way)w, at, &refusing, &away);
            night_run(&n);
            timer_cancel(n.loop, &refusing.t);
            print_message("%s; the stop: %s; %s: %s\n", s->name, way_name[w], run_end_name(n.end), n.e.text);
            check_left_alone(&n, s);
            if (n.end != RUN_FINISHED) {
                resume(&n);
                check_left_alone(&n, s);
            }
            night_close(&n);
        }
    }
}

/* S4: a link that hangs up for a moment is no reason to wait for the first try of bringing the rig back, 10 s
 * later, with the probe down at the sample. */
static void a_link_that_hung_up_for_a_moment_keeps_nobody_down(void **unused)
{
    (void)unused;
    const struct scene *s = &scenes[0];
    ns_t at = stop_written(s, begin_of(s));
    struct night n;
    struct refusing none = {0};
    struct away away;
    night_open(&n, &plan);
    fail_then(&n, UNPLUGGED_A_WHILE, at, &none, &away);
    away.until = at + 50 * NS_MS;
    night_watch(&n, at);
    night_run(&n);
    print_message("retracted %.3f s behind the hanging up\n", ns_to_s(n.up_at - at));
    assert_true(n.up_at > at && n.up_at < at + 3 * NS_S);
    assert_int_equal(n.end, RUN_FINISHED);
    assert_true(n.counts.safe);
    check_left_alone(&n, s);
    night_close(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_touched_is_known_before_the_stop_that_fails),
        cmocka_unit_test(a_link_that_hung_up_for_a_moment_keeps_nobody_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
