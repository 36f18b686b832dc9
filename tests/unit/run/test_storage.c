/* The disk fails in each phase of a hop: the rig goes to its safe state as fast as for any other fault, the
 * run says why, and nothing that was measured is lost if the disk takes it again in the end.
 *
 * SECCM_TEST_INSTANTS: how many instants per phase and sort of fault. */
#include "fixture.h"

#include <sched.h>

#include "run/state.h"
#include "unit/results/faulty_vfs.h"

static const struct night_spec plan = {.columns = 4, .spares = "2"};
#define LEASH 0.2e-6
/* Phases that a clean run of the plan goes through. */
static const char *const phases[] = {"upload",   "travel",  "alive",   "blank",  "descent",
                                     "approach", "confirm", "measure", "detach", "retract"};
enum { PHASES = sizeof phases / sizeof phases[0] };

static const struct {
    const char *name;
    enum fault_kind kind;
    enum err_code code;
} sorts[] = {{"write error", VFS_WRITE, ERR_IO},
             {"torn write", VFS_TORN, ERR_IO},
             {"disk full", VFS_FULL, ERR_FULL},
             {"fsync error", VFS_SYNC, ERR_IO}};

struct span {
    ns_t from, to;
};

/* Every stay of a clean run in the phase; returns their number. */
static int spans_of(struct night *n, const char *phase, struct span *out, int max)
{
    struct results_event *ev;
    struct err err = ERR_INIT;
    int count, spans = 0;
    assert_true(results_events(n->file, &ev, &count, &err));
    bool inside = false;
    for (int k = 0; k < count; k++) {
        if (strcmp(ev[k].kind, "state") != 0)
            continue;
        if (inside)
            out[spans++].to = ns_from_s(ev[k].t_s);
        inside = !strcmp(ev[k].text, phase) && spans < max;
        if (inside)
            out[spans].from = ns_from_s(ev[k].t_s);
    }
    free(ev);
    return spans;
}

static struct span spans[PHASES][16];
static int n_spans[PHASES];

static void learn_phases(void)
{
    struct night n;
    night_open(&n, &plan);
    night_run(&n);
    assert_int_equal(n.end, RUN_FINISHED);
    for (int k = 0; k < PHASES; k++)
        n_spans[k] = spans_of(&n, phases[k], spans[k], 16);
    night_close(&n);
}

struct failure {
    struct night *n;
    struct timer timer;
    enum fault_kind kind;
    bool lasting;
};

/* The disk breaks now, and the writer notices it now: it is made to commit. Virtual time stands still. */
static void break_disk(void *ctx)
{
    struct failure *f = ctx;
    faulty_set(f->kind, 1, f->lasting);
    writer_info(f->n->writer, "tick", "1");
    writer_commit(f->n->writer);
    while (writer_ok(f->n->writer, NULL))
        sched_yield();
}

#define MUST(condition)                                                                                      \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            print_message("%s: %s; ended %s: %s; writer: %s\n", tale, #condition, run_end_name(n->end),      \
                          n->e.text, n->writer_error.text);                                                  \
            fail();                                                                                          \
        }                                                                                                    \
    } while (0)

static char tale[120];

/* The attempt in progress has an outcome that says why, and its samples, if the disk took them in the end. */
static void check_record(struct night *n, bool lasting)
{
    int faults = 0, open = 0;
    for (int site = 1; site <= n->plan->n_sites + n->plan->n_spares; site++) {
        struct results_attempt a[4];
        int count = attempts_of(n, site, a, 4);
        for (int k = 0; k < count; k++) {
            open += a[k].outcome == OUTCOME_NONE;
            if (a[k].outcome != OUTCOME_FAULT)
                continue;
            faults++;
            MUST(strstr(a[k].reason, "results `"));
        }
    }
    MUST(open + faults <= 1);
    MUST(lasting || open == 0);
    MUST(!strstr(n->writer_error.text, lasting ? "stored all the same" : "could not be stored"));
    if (!lasting) {
        char *state = results_info(n->file, "state");
        MUST(!strcmp(state, "fault"));
        free(state);
    }
}

/* The disk is back: the file can be gone on with. */
static void check_resumable(struct night *n)
{
    struct err e = ERR_INIT;
    struct results *r = results_open_write(n->path, &e);
    MUST(r);
    MUST(results_close_open_attempts(r, &e));
    MUST(results_close(r, &e));
}

struct worst {
    double down, off, up; /* s */
};

static void longest(double *most, ns_t t, ns_t from)
{
    *most = fmax(*most, t > from ? ns_to_s(t - from) : 0);
}

static void one_failure(int sort, const char *phase, ns_t at, bool lasting, struct worst *w)
{
    struct night night, *n = &night;
    enum cell_mode cell;
    snprintf(tale, sizeof tale, "%s%s in %s at %.6f s", sorts[sort].name, lasting ? ", lasting," : "", phase,
             ns_to_s(at));
    faulty_set(VFS_WELL, 0, false);
    night_open(n, &plan);
    struct failure f = {.n = n, .kind = sorts[sort].kind, .lasting = lasting};
    night_watch(n, at);
    timer_set(n->loop, &f.timer, at, break_disk, &f);
    night_run(n);
    timer_cancel(n->loop, &f.timer);
    faulty_set(VFS_WELL, 0, false);
    double z = true_z(n, &cell);
    MUST(n->began && !n->stored);
    MUST(n->end == RUN_FAULT);
    MUST(n->e.code == sorts[sort].code && strstr(n->e.text, "results `"));
    MUST(err_exit_status(n->e.code) == 3);
    MUST(n->counts.safe && cell == CELL_OPEN && z > n->rig->config->z_retracted - 50e-9);
    MUST(!n->seen.crashes && !n->seen.drags && !n->seen.wet_travel && !n->seen.envelope &&
         !n->seen.cell_left_on);
    bool fast = !strcmp(phase, "descent");
    MUST(n->z_low > n->z_at_from - LEASH - 30e-9 || (fast && n->z_low > SAMPLE_PLANE + 0.8e-6));
    check_record(n, lasting);
    check_resumable(n);
    longest(&w->down, n->z_low_at, at);
    longest(&w->off, n->cell_off_at, at);
    longest(&w->up, n->up_at, at);
    night_close(n);
}

static void the_disk_fails_in_every_phase(void **state)
{
    (void)state;
    struct rng r = rng_stream(test_seed(), "instants");
    int instants = test_count("SECCM_TEST_INSTANTS", 1), runs = 0;
    learn_phases();
    print_message("%-10s %12s %10s %8s\n", "phase", "z rest [s]", "cell [s]", "up [s]");
    for (uint64_t p = 0; p < PHASES; p++) {
        struct worst w = {0};
        int most = instants * 2 * (int)(sizeof sorts / sizeof sorts[0]);
        for (uint64_t k = 0; n_spans[p] && k < (uint64_t)most; k++, runs++) {
            struct span s = spans[p][rng_below(r, (uint64_t)n_spans[p], p, 2 * k)];
            ns_t length = s.to - s.from;
            ns_t at = s.from + (ns_t)(length > 0 ? rng_below(r, (uint64_t)length, p, 2 * k + 1) : 0);
            one_failure((int)(k / 2 % (sizeof sorts / sizeof sorts[0])), phases[p], at, k % 2, &w);
        }
        if (n_spans[p])
            print_message("%-10s %12.3f %10.3f %8.3f\n", phases[p], w.down, w.off, w.up);
        assert_true(w.down < 0.3);
        assert_true(w.off < 0.2);
        assert_true(w.up < 6);
    }
    print_message("%d runs\n", runs);
    assert_true(runs > 40);
}

int main(void)
{
    faulty_install();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_disk_fails_in_every_phase),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
